//! The attestation campaign (registration §15): what a structure has to confirm, answered line by line or as a page.

use crate::answer;
use crate::fault::{PageAnswer, PortalFault};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::counted;
use crate::limits::PAGE_SIZES;
use crate::who::ManagerVisit;
use annuaire_registry::{RegisteredPlace, RegistrationStop, RegistrationSubject, SectionDraft};
use annuaire_workflow::day::{french, parse_iso};
use annuaire_workflow::fields::ClosingDraft;
use annuaire_workflow::reviews::ReviewStep;
use annuaire_workflow::value_sets::ValueList;
use askama::Template;
use axum::http::StatusCode;

/// Where the page is.
const PATH: &str = "/portail/gae/effectifs/confirmation";

/// A situation to confirm.
struct ReviewLineView {
    rpps: String,
    name: String,
    profession: String,
    role: String,
    from: String,
    confirmed: String,
    state: &'static str,
    situation: String,
    is_own: bool,
}

/// « Enregistrements à vérifier ».
#[derive(Template)]
#[template(path = "gae/review.html")]
struct StaffReviewPage<'a> {
    frame: &'a PortalFrame,
    places: Vec<RegisteredPlace>,
    chosen: String,
    lines: Vec<ReviewLineView>,
    /// Whether somebody else than the manager is on the page.
    has_others: bool,
    total: String,
    page: u32,
    before: String,
    after: String,
    key: String,
}

fn date(iso: &str) -> String {
    parse_iso(iso).map(french).unwrap_or_default()
}

/// `GET /portail/gae/effectifs/confirmation?structure=…&page=…`
pub(crate) async fn review(visit: ManagerVisit) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let registration = portal.registration();
    let places = registration.perimeter_places(&session).await?;
    let asked = request.parameter("structure");
    let chosen = if asked.is_empty() { places.first().map(|place| place.number.clone()).unwrap_or_default() } else { asked };
    let size = PAGE_SIZES[2];
    let page: u32 = request.parameter("page").parse().unwrap_or(1).max(1);
    let (mut lines, mut total) = (Vec::new(), 0);
    if !chosen.is_empty() {
        let found = registration.situations_to_review(&session, &chosen, (page - 1).saturating_mul(size), size).await?;
        total = found.total;
        let values = portal.values();
        let word = |list, code: &str| values.label(list, code).unwrap_or(code).to_owned();
        lines.extend(found.lines.into_iter().map(|line| ReviewLineView {
            profession: word(ValueList::Profession, &line.profession),
            role: word(ValueList::Role, &line.role),
            from: date(&line.from),
            confirmed: date(&line.confirmed_on),
            state: if line.step == ReviewStep::NotConfirmed { "non confirmé" } else { "à vérifier" },
            rpps: line.rpps,
            name: line.name,
            situation: line.situation,
            is_own: line.is_own,
        }));
    }
    let link = |to: u32| format!("{PATH}?structure={chosen}&page={to}");
    let view = StaffReviewPage {
        frame: &frame,
        places,
        has_others: lines.iter().any(|line| !line.is_own),
        before: if page > 1 { link(page - 1) } else { String::new() },
        after: if u64::from(page).saturating_mul(u64::from(size)) < total { link(page.saturating_add(1)) } else { String::new() },
        lines,
        total: counted(total, "enregistrement à vérifier", "enregistrements à vérifier"),
        page,
        key: portal.key(),
        chosen: chosen.clone(),
    };
    Ok(answer::page(&portal, &request, StatusCode::OK, &view))
}

/// `POST /portail/gae/effectifs/confirmation`: what the button says, of one line or of the page.
pub(crate) async fn answer_review(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let (structure, situation) = (form.text("structure"), form.text("situation"));
    let subject = |ends| RegistrationSubject::Situation { rpps: form.text("rpps"), situation: situation.clone(), ends };
    let begin =
        async |ends: bool| registration.create_request_once(&visit.session, form.get("cle"), &structure, &subject(ends)).await;
    match form.get("faire") {
        "present" => {
            let all: Vec<String> = form.all("situation").map(str::to_owned).collect();
            registration.confirm_situations(&visit.session, &structure, &all).await?;
            let back: String = form_urlencoded::byte_serialize(structure.as_bytes()).collect();
            Ok(answer::see_other(&format!("{PATH}?structure={back}&fait=confirmees")))
        }
        "parti" => {
            let begun = begin(true).await?;
            let draft = SectionDraft::Closing(ClosingDraft { date_fin: form.text("depart"), motif: String::new() });
            let checked = registration.validate_section(&visit.session, &begun.number, begun.version, draft, &[]).await;
            let to = match checked {
                Ok(outcome) if outcome.valid => format!("/portail/gae/demandes/{}/soumettre", begun.number),
                // What is wrong stands beside the field; a form that was sent twice leads to what it began.
                Ok(_) => format!("/portail/gae/demandes/{}?controle=situation", begun.number),
                Err(RegistrationStop::Refused(_)) => format!("/portail/gae/demandes/{}", begun.number),
                Err(stop) => return Err(stop.into()),
            };
            Ok(answer::see_other(&to))
        }
        "role" => Ok(answer::see_other(&format!("/portail/gae/demandes/{}", begin(false).await?.number))),
        _ => Err(PortalFault::Unreadable),
    }
}
