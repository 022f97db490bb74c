//! Requests of registered professionals about themselves: contact, another activity, an error, a departure (SC51, SC52).

use crate::answer;
use crate::confirm::{ConfirmPage, ConfirmedDeed};
use crate::entry::{self, is_drafted};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::OpenPoint;
use crate::filler::Filler;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{day_of, typeset};
use crate::gae::list::state_class;
use crate::gae::request::summary;
use crate::structure_choice::StructureChoice;
use crate::who::HolderVisit;
use annuaire_registry::{RegistrationStop, RegistrationSubject};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

const BASE: &str = "/portail/pro/demandes";

/// A line of « Mes demandes ».
struct OwnRequestLine {
    number: String,
    kind: &'static str,
    place: String,
    state: String,
    state_class: &'static str,
    date: String,
}

/// « Mes demandes ».
#[derive(Template)]
#[template(path = "pro/requests.html")]
struct OwnRequestsPage<'a> {
    frame: &'a PortalFrame,
    lines: Vec<OwnRequestLine>,
}

/// « Ajouter une activité »: the structure first.
#[derive(Template)]
#[template(path = "pro/add.html")]
struct AddActivityPage<'a> {
    frame: &'a PortalFrame,
    choice: StructureChoice,
    points: Vec<OpenPoint>,
    /// Whether the contact waits for the codes that every request needs (transition 07).
    needs_contact: bool,
}

/// `GET /portail/pro/demandes`
pub(crate) async fn list(visit: HolderVisit) -> PageAnswer {
    let all = visit.portal.registration().holder_requests(&visit.session).await?;
    let lines = all.into_iter().map(|sheet| OwnRequestLine {
        kind: sheet.kind.label(),
        place: sheet.place.map(|place| place.name).unwrap_or_default(),
        state: typeset(&sheet.state.label()),
        state_class: state_class(sheet.state),
        date: day_of(sheet.changed_ms),
        number: sheet.number,
    });
    let page = OwnRequestsPage { frame: &visit.frame, lines: lines.collect() };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/pro/demandes/{numero}`
pub(crate) async fn show(visit: HolderVisit, Path(number): Path<String>) -> PageAnswer {
    let HolderVisit { portal, request, session, frame } = visit;
    let by = Filler::Holder(&session);
    let sheet = by.sheet(portal.registration(), &number).await?;
    if is_drafted(sheet.state) {
        return entry::show(&portal, &request, &frame, &by, &sheet, Vec::new()).await;
    }
    summary(&portal, &request, &frame, &by, &sheet, false).await
}

/// `POST /portail/pro/demandes/{numero}/saisie`
pub(crate) async fn take(visit: HolderVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let HolderVisit { portal, request, session, frame } = visit;
    entry::take(&portal, &request, &frame, &Filler::Holder(&session), (&number, &form)).await
}

/// `GET /portail/pro/demandes/{numero}/confirmation`
pub(crate) async fn confirmation(visit: HolderVisit, Path(number): Path<String>) -> PageAnswer {
    let HolderVisit { portal, request, session, frame } = visit;
    let by = Filler::Holder(&session);
    let sheet = by.sheet(portal.registration(), &number).await?;
    summary(&portal, &request, &frame, &by, &sheet, !is_drafted(sheet.state)).await
}

/// `GET /portail/pro/demandes/{numero}/codes`
pub(crate) async fn codes(visit: HolderVisit, Path(number): Path<String>) -> PageAnswer {
    let HolderVisit { portal, request, session, frame } = visit;
    super::codes::show(&portal, &request, &frame, &Filler::Holder(&session), &number, "").await
}

/// `POST /portail/pro/demandes/{numero}/codes`
pub(crate) async fn enter_codes(visit: HolderVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let HolderVisit { portal, request, session, frame } = visit;
    super::codes::take(&portal, &request, &frame, &Filler::Holder(&session), (&number, &form)).await
}

/// `GET /portail/pro/demandes/{numero}/{acte}`
pub(crate) async fn before_deed(visit: HolderVisit, Path((number, deed)): Path<(String, String)>) -> PageAnswer {
    let Some(deed) = ConfirmedDeed::of(&deed) else { return Err(PortalFault::Nothing) };
    Filler::Holder(&visit.session).sheet(visit.portal.registration(), &number).await?;
    let page = ConfirmPage::of(&visit.frame, deed, BASE, &number);
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/pro/demandes/{numero}/{acte}`
pub(crate) async fn deed(visit: HolderVisit, Path((number, deed)): Path<(String, String)>, _form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let by = Filler::Holder(&visit.session);
    let told = match (deed.as_str(), ConfirmedDeed::of(&deed)) {
        ("relancer", _) => {
            registration.recall_holder(&visit.session, &number).await?;
            "relance"
        }
        (_, Some(ConfirmedDeed::Abandon)) => {
            by.abandon(registration, &number).await?;
            "abandonnee"
        }
        (_, Some(ConfirmedDeed::Withdraw)) => {
            by.withdraw(registration, &number).await?;
            "retiree"
        }
        _ => return Err(PortalFault::Nothing),
    };
    Ok(answer::see_other(&format!("{BASE}/{number}?fait={told}")))
}

/// `POST /portail/pro/coordonnees`: « Modifier ».
pub(crate) async fn change_contact(visit: HolderVisit, _form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    // One change is open at a time: a second click comes back to it.
    let open = registration.holder_requests(&visit.session).await?;
    let open =
        open.into_iter().find(|sheet| sheet.kind == annuaire_workflow::kind::RequestKind::Coord && is_drafted(sheet.state));
    let number = match open {
        Some(sheet) => sheet.number,
        None => registration.create_contact_request(&visit.session).await?.number,
    };
    Ok(answer::see_other(&format!("{BASE}/{number}")))
}

/// `GET /portail/pro/situations/ajouter`
pub(crate) async fn add_page(visit: HolderVisit) -> PageAnswer {
    let HolderVisit { portal, request, session, frame } = visit;
    let by = Filler::Holder(&session);
    let mut choice = StructureChoice::new(None, &by);
    let is_asked = request.uri.query().is_some_and(|query| query.contains("q-"));
    let points = if is_asked { choice.search(&portal, &by, &request).await? } else { Vec::new() };
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let needs_contact = !portal.registration().own_file(&session).await?.contact_verified;
    Ok(answer::page(&portal, &request, status, &AddActivityPage { frame: &frame, choice, points, needs_contact }))
}

/// `POST /portail/pro/situations/demande`: another activity, an error, a departure.
pub(crate) async fn begin(visit: HolderVisit, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let rpps = visit.session.person().get(1..).unwrap_or_default().to_owned();
    let situation = form.text("situation");
    let subject = match form.get("faire") {
        "ajouter" => RegistrationSubject::NewActivity { rpps },
        "erreur" => RegistrationSubject::Situation { rpps, situation, ends: false },
        "depart" => RegistrationSubject::Situation { rpps, situation, ends: true },
        _ => return Err(PortalFault::Unreadable),
    };
    match registration.create_holder_request(&visit.session, form.get("structure"), &subject).await {
        Ok(stepped) => Ok(answer::see_other(&format!("{BASE}/{}", stepped.number))),
        Err(RegistrationStop::Refused(refusal)) if form.get("structure").is_empty() => {
            Err(PortalFault::told(StatusCode::UNPROCESSABLE_ENTITY, "Choisissez un établissement", refusal.text))
        }
        Err(stop) => Err(stop.into()),
    }
}
