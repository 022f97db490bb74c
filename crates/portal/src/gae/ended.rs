//! « Activités arrêtées par un décès corrigé » (registration §10.3): what a death ended that was taken back, until the managers saw to it.

use crate::answer;
use crate::fault::PageAnswer;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::who::ManagerVisit;
use annuaire_registry::EndedSituation;
use annuaire_workflow::day::{french, parse_iso};
use askama::Template;
use axum::http::StatusCode;

/// Where the list is.
const ENDED: &str = "/portail/gae/deces-corriges";

/// An activity that waits.
struct EndedLine {
    situation: String,
    rpps: String,
    name: String,
    place: String,
    ended_on: String,
    corrected_on: String,
}

/// The list.
#[derive(Template)]
#[template(path = "gae/ended.html")]
struct EndedPage<'a> {
    frame: &'a PortalFrame,
    lines: Vec<EndedLine>,
}

fn line(ended: EndedSituation) -> EndedLine {
    let day = |iso: &str| parse_iso(iso).map(french).unwrap_or_default();
    EndedLine {
        place: format!("{} - {}", ended.place.number, ended.place.name),
        ended_on: day(&ended.ended_on),
        corrected_on: day(&ended.corrected_on),
        situation: ended.situation,
        rpps: ended.rpps,
        name: ended.name,
    }
}

/// `GET /portail/gae/deces-corriges`
pub(crate) async fn list(visit: ManagerVisit) -> PageAnswer {
    let all = visit.portal.registration().ended_by_death(&visit.session).await?;
    let page = EndedPage { frame: &visit.frame, lines: all.into_iter().map(line).collect() };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/gae/deces-corriges`: « Traité ».
pub(crate) async fn settle(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    visit.portal.registration().settle_ended_by_death(&visit.session, form.get("situation")).await?;
    Ok(answer::see_other(&format!("{ENDED}?fait=traite")))
}
