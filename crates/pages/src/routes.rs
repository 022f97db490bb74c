//! The table of pages.

use std::sync::Arc;

use annuaire_index::Index;
use annuaire_web::{RateRule, ServedStore};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get};

use crate::PagesSettings;
use crate::admission::{RouteAdmission, admit};
use crate::developers::words::API;
use crate::developers::{ApiDoor, BrowserDoor, show_to_browsers};
use crate::extraction_door;
use crate::page::{
    accessibility, asset, contact_card, developers, guide, home, missing, notices, professional, robots, search, sitemap,
    structure, stylesheet, verify,
};
use crate::site::Site;

/// The pages over the public store. Every other address answers with a page too.
pub fn router(store: ServedStore<Index>, settings: PagesSettings) -> Router {
    pages(&Arc::new(Site::new(store, settings)))
}

/// The pages and the API over one public store: what a browser asks of the API is answered by a page.
pub fn router_with_api(store: ServedStore<Index>, settings: PagesSettings, api: ApiDoor) -> Router {
    let mut site = Site::new(store, settings);
    site.contact = api.contact;
    let site = Arc::new(site);
    let counted = |route, handler| admitted(&site, route, RateRule::Counted, handler);
    let home = counted("pages.developers", get(developers::show));
    let home = Router::new().route(API, home.clone()).route(&format!("{API}/"), home).with_state(Arc::clone(&site));
    let door = BrowserDoor { site: Arc::clone(&site), home };
    let own = Router::new()
        .route("/developpeurs/demande", counted("pages.ask", get(developers::ask)))
        .route(guide::FRENCH_PATH, counted("pages.guide", get(guide::show_french)))
        .route(guide::ENGLISH_PATH, counted("pages.guide", get(guide::show_english)))
        .with_state(Arc::clone(&site));
    pages(&site).merge(own).merge(api.router.layer(from_fn_with_state(door, show_to_browsers)))
}

fn pages(site: &Arc<Site>) -> Router {
    let assets = &site.assets;
    let counted = |route, handler| admitted(site, route, RateRule::Counted, handler);
    // What a browser or a crawler fetches besides the pages that were asked for.
    let exempt = |route, handler| admitted(site, route, RateRule::Exempt, handler);
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
        .merge(extraction_door::routes(site))
        .fallback_service(counted("pages.missing", any(missing::show)).with_state(Arc::clone(site)))
        .with_state(Arc::clone(site))
}

/// A handler behind the gate.
fn admitted(site: &Arc<Site>, route: &'static str, rate: RateRule, handler: MethodRouter<Arc<Site>>) -> MethodRouter<Arc<Site>> {
    handler.layer(from_fn_with_state(RouteAdmission { site: Arc::clone(site), route, rate }, admit))
}
