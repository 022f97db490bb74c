//! « Consoles »: those that the connected person may open, and no other.

use crate::answer;
use crate::fault::PageAnswer;
use crate::frame::PortalFrame;
use crate::who::ProfessionalVisit;
use annuaire_nos::Nos;
use askama::Template;
use axum::http::StatusCode;

/// A console that can be opened.
struct ConsoleLink {
    href: &'static str,
    name: &'static str,
    about: String,
}

/// The entrance of the consoles.
#[derive(Template)]
#[template(path = "console/home.html")]
struct ConsolesPage<'a> {
    frame: &'a PortalFrame,
    consoles: Vec<ConsoleLink>,
}

/// The name of an authority (TRE_R60).
pub(crate) fn authority_name(code: &str) -> String {
    let found = Nos::embedded().table("TRE_R60").and_then(|table| table.get(code));
    found.map_or_else(|| code.to_owned(), |concept| format!("{} ({code})", concept.label))
}

/// `GET /portail/console`
pub(crate) async fn home(visit: ProfessionalVisit) -> PageAnswer {
    let open = visit.portal.registration().consoles_of(&visit.who.national_id);
    let mut consoles = Vec::new();
    let mut add = |is_open: bool, href, name, about: &str| {
        if is_open {
            consoles.push(ConsoleLink { href, name, about: about.to_owned() });
        }
    };
    add(open.arbitration, "/portail/console/arbitrage", "File d’arbitrage", "Identités semblables, doublons, rapprochements");
    add(open.support, "/portail/console/support", "Support", "Demandes, structures à vérifier, alertes");
    add(open.audit, "/portail/console/audit", "Trace d’audit", "Qui a lu ou fait quoi, en lecture seule");
    let figures = open.audit || open.arbitration;
    add(figures, "/portail/console/indicateurs", "Indicateurs de qualité", "Chiffres par territoire, sans aucune personne");
    add(open.terminologies, "/portail/console/nomenclatures", "Nomenclatures", "Professions demandées par les gestionnaires");
    let about = open.authority.as_deref().map(authority_name).unwrap_or_default();
    add(open.authority.is_some(), "/portail/console/autorite", "Autorité d’enregistrement", &about);
    let page = ConsolesPage { frame: &visit.frame, consoles };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}
