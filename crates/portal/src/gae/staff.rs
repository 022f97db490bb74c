//! « Mes effectifs » (SC40) and the dashboard (SC41).

use crate::answer;
use crate::fault::PageAnswer;
use crate::frame::PortalFrame;
use crate::french::counted;
use crate::limits::PAGE_SIZES;
use crate::who::ManagerVisit;
use annuaire_registry::RegisteredPlace;
use annuaire_workflow::day::{french, parse_iso};
use annuaire_workflow::value_sets::ValueList;
use askama::Template;
use axum::http::StatusCode;

/// A line of the staff.
struct StaffLineView {
    rpps: String,
    name: String,
    profession: String,
    role: String,
    mode: String,
    from: String,
    until: String,
    certified: &'static str,
    contact: &'static str,
    is_own: bool,
    is_unconfirmed: bool,
    situation: String,
}

/// SC40.
#[derive(Template)]
#[template(path = "gae/staff.html")]
struct StaffPageView<'a> {
    frame: &'a PortalFrame,
    places: Vec<RegisteredPlace>,
    chosen: String,
    lines: Vec<StaffLineView>,
    total: String,
    before: String,
    after: String,
    key: String,
}

fn date(iso: &str) -> String {
    parse_iso(iso).map(french).unwrap_or_default()
}

/// `GET /portail/gae/effectifs?structure=…&page=…`
pub(crate) async fn staff(visit: ManagerVisit) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let registration = portal.registration();
    let places = registration.perimeter_places(&session).await?;
    let asked = request.parameter("structure");
    let chosen = if asked.is_empty() { places.first().map(|place| place.number.clone()).unwrap_or_default() } else { asked };
    let size = PAGE_SIZES[1];
    let page: u32 = request.parameter("page").parse().unwrap_or(1).max(1);
    let (mut lines, mut total) = (Vec::new(), 0);
    if !chosen.is_empty() {
        let found = registration.staff(&session, &chosen, (page - 1).saturating_mul(size), size).await?;
        total = found.total;
        let values = portal.values();
        let word = |list, code: &str| values.label(list, code).unwrap_or(code).to_owned();
        lines = found
            .lines
            .into_iter()
            .map(|line| StaffLineView {
                profession: match word(ValueList::Profession, &line.profession) {
                    code if code == line.profession => portal.profession(&line.profession),
                    words => words,
                },
                role: word(ValueList::Role, &line.role),
                mode: word(ValueList::Mode, &line.mode),
                from: date(&line.from),
                until: date(&line.until),
                certified: if line.certified { "certifiée" } else { "non certifiée" },
                contact: match line.contact {
                    "verified" => "vérifié",
                    "proposed" => "à confirmer",
                    "bounced" => "en erreur",
                    "none" => "aucun",
                    _ => "non vérifié",
                },
                is_own: line.own,
                is_unconfirmed: line.unconfirmed,
                situation: line.situation,
                rpps: line.rpps,
                name: line.name,
            })
            .collect();
    }
    let link = |to: u32| format!("/portail/gae/effectifs?structure={chosen}&page={to}");
    let view = StaffPageView {
        frame: &frame,
        places,
        before: if page > 1 { link(page - 1) } else { String::new() },
        after: if u64::from(page) * u64::from(size) < total { link(page + 1) } else { String::new() },
        lines,
        total: counted(total, "personne", "personnes"),
        key: portal.key(),
        chosen: chosen.clone(),
    };
    Ok(answer::page(&portal, &request, StatusCode::OK, &view))
}

/// SC41.
#[derive(Template)]
#[template(path = "gae/dashboard.html")]
struct DashboardPage<'a> {
    frame: &'a PortalFrame,
    tables: Vec<(&'static str, Vec<(String, u64)>)>,
}

/// `GET /portail/gae/tableau`
pub(crate) async fn dashboard(visit: ManagerVisit) -> PageAnswer {
    let found = visit.portal.registration().dashboard(&visit.session).await?;
    let states = found.by_state.iter().map(|(state, n)| (crate::french::typeset(&state.label()), *n)).collect();
    let ages = ["moins de 7 jours", "de 7 à 30 jours", "plus de 30 jours"];
    let ages = ages.iter().zip(found.by_age).map(|(words, n)| ((*words).to_owned(), n)).collect();
    let refusals = found.refusals.iter().map(|(reason, n)| (format!("{} — {}", reason.code(), reason.label()), *n)).collect();
    let mut of_staff: Vec<(String, u64)> = vec![("Enregistrements à vérifier".to_owned(), found.to_review)];
    if let Some(staff) = found.staff {
        let days = ["30 jours", "60 jours", "90 jours"];
        of_staff.push(("Personnes en exercice ou à venir".to_owned(), staff.persons));
        of_staff.push(("Identité non certifiée".to_owned(), staff.uncertified));
        of_staff.push(("Coordonnées non vérifiées".to_owned(), staff.unverified_contact));
        of_staff.push(("Sans mobile".to_owned(), staff.without_mobile));
        of_staff.extend(days.iter().zip(staff.ends).map(|(days, n)| (format!("Fin prévue d’ici {days}"), n)));
    }
    let page = DashboardPage {
        frame: &visit.frame,
        tables: vec![
            ("Demandes par statut", states),
            ("Demandes ouvertes par ancienneté", ages),
            ("Refus par motif (90 derniers jours)", refusals),
            ("Effectifs", of_staff),
        ],
    };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}
