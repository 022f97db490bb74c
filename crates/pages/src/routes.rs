//! The table of pages.

use std::sync::Arc;

use annuaire_index::Index;
use annuaire_web::{RateRule, ServedStore};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get};

use crate::PagesSettings;
use crate::admission::{RouteAdmission, admit};
use crate::extraction_door;
use crate::page::{home, missing, notices, professional, robots, search, structure, stylesheet};
use crate::page::asset::{self, AssetPaths};
use crate::page::{
    accessibility, contact_card, home, missing, notices, people, professional, robots, sitemap, structure, structures,
    stylesheet, verify,
};
use crate::site::Site;

/// The pages over the public store. Every other address answers with a page too.
pub fn router(store: ServedStore<Index>, settings: PagesSettings) -> Router {
    let assets = AssetPaths::new();
    let site = Arc::new(Site::new(store, settings, assets.clone()));
    let counted = |route, handler| admitted(&site, route, RateRule::Counted, handler);
    // What a browser or a crawler fetches besides the pages that were asked for.
    let exempt = |route, handler| admitted(&site, route, RateRule::Exempt, handler);
    Router::new()
        .route("/", counted("pages.home", get(home::show)))
        .route("/recherche", counted("pages.search", get(search::show)))
        .route("/recherche/avancee", counted("pages.advanced", get(search::advanced)))
        .route("/structures", counted("pages.structures", get(search::structures)))
        .route("/professionnel/{id}", counted("pages.professional", get(professional::show)))
        .route("/professionnel/{id}/carte.vcf", counted("pages.professional-card", get(contact_card::of_professional)))
        .route("/professionnel/{id}/qr.svg", counted("pages.professional-qr", get(contact_card::qr_of_professional)))
        .route("/structure/{id}", counted("pages.structure", get(structure::show)))
        .route("/structure/{id}/carte.vcf", counted("pages.structure-card", get(contact_card::of_structure)))
        .route("/structure/{id}/qr.svg", counted("pages.structure-qr", get(contact_card::qr_of_structure)))
        .route("/mentions", counted("pages.notices", get(notices::show)))
        .route("/accessibilite", counted("pages.accessibility", get(accessibility::show)))
        .route("/verifier", counted("pages.verify", get(verify::show)))
        .route("/sitemap.xml", counted("pages.sitemap", get(sitemap::index)))
        .route("/sitemap/{part}", counted("pages.sitemap-part", get(sitemap::part)))
        .route("/robots.txt", exempt("pages.robots", get(robots::show)))
        .route(&assets.stylesheet, exempt("pages.style", get(stylesheet::show)))
        .route(&assets.script, exempt("pages.script", get(asset::script)))
        .route(&assets.icon, exempt("pages.icon", get(asset::icon)))
        .merge(extraction_door::routes(&site))
        .fallback_service(counted("pages.missing", any(missing::show)).with_state(Arc::clone(&site)))
        .with_state(site)
}

/// A handler behind the gate.
fn admitted(site: &Arc<Site>, route: &'static str, rate: RateRule, handler: MethodRouter<Arc<Site>>) -> MethodRouter<Arc<Site>> {
    handler.layer(from_fn_with_state(RouteAdmission { site: Arc::clone(site), route, rate }, admit))
}
