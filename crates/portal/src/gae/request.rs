//! Requests of managers: begun (SC20), filled in, submitted, confirmed (SC21), given up.

use crate::answer;
use crate::confirm::{ConfirmPage, ConfirmedDeed};
use crate::door::Portal;
use crate::entry::{self, is_drafted};
use crate::fault::{PageAnswer, PortalFault};
use crate::filler::Filler;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::legal::{LegalBlock, statement_of};
use crate::request::PortalRequest;
use crate::sheet::{SheetView, sheet_view};
use crate::who::ManagerVisit;
use annuaire_registry::{RegisteredPlace, RegistrationStop, RegistrationSubject, RequestSheet};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::state::RequestState;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// « Pour quel établissement ? »
#[derive(Template)]
#[template(path = "gae/new.html")]
struct NewRequestPage<'a> {
    frame: &'a PortalFrame,
    places: Vec<RegisteredPlace>,
    key: String,
    /// Where the choice is sent.
    action: &'static str,
}

/// `GET /portail/gae/nouvelle`
pub(crate) async fn new(visit: ManagerVisit) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let places = portal.registration().perimeter_places(&session).await?;
    let page = NewRequestPage { frame: &frame, places, key: portal.key(), action: "/portail/gae/nouvelle" };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

/// `POST /portail/gae/nouvelle`: the first « Enregistrer ». The form has a key, so that a double click begins one request.
pub(crate) async fn create(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let structure = form.get("structure");
    let stepped =
        registration.create_request_once(&visit.session, form.get("cle"), structure, &RegistrationSubject::Unknown).await?;
    Ok(answer::see_other(&format!("/portail/gae/demandes/{}", stepped.number)))
}

/// `GET /portail/gae/demandes/{numero}`: the form, the instruction or the summary, as the state is.
pub(crate) async fn show(visit: ManagerVisit, Path(number): Path<String>) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let sheet = portal.registration().open_sheet(&session, &number).await?;
    let by = Filler::Manager(&session);
    match sheet.state {
        RequestState::S20 => {
            super::instruction::show(&portal, &request, &frame, &session, &sheet, None, LegalBlock::default()).await
        }
        state if is_drafted(state) && by.is_author(&sheet) => {
            entry::show(&portal, &request, &frame, &by, &sheet, Vec::new()).await
        }
        _ => summary(&portal, &request, &frame, &by, &sheet, false).await,
    }
}

/// `POST /portail/gae/demandes/{numero}/saisie`
pub(crate) async fn take(visit: ManagerVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    entry::take(&portal, &request, &frame, &Filler::Manager(&session), (&number, &form)).await
}

/// SC21, and every later look at a request.
#[derive(Template)]
#[template(path = "summary.html")]
pub(crate) struct RequestSummaryPage<'a> {
    pub(crate) frame: &'a PortalFrame,
    pub(crate) sheet: SheetView,
    pub(crate) base: &'static str,
    /// Whether it was sent just now: the heading and sentence of SC21.
    pub(crate) is_confirmation: bool,
    /// Civility, given name and family name.
    pub(crate) person: String,
    pub(crate) can_withdraw: bool,
    pub(crate) can_cancel: bool,
    pub(crate) can_recall: bool,
    pub(crate) again: String,
    pub(crate) is_manager: bool,
}

/// The summary of a request.
pub(crate) async fn summary(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    by: &Filler<'_>,
    sheet: &RequestSheet,
    is_confirmation: bool,
) -> PageAnswer {
    let civility = if sheet.civil.civilite == "M" { "Monsieur" } else { "Madame" };
    let c = &sheet.civil;
    let page = RequestSummaryPage {
        frame,
        base: by.base(),
        is_confirmation,
        person: format!("{civility} {} {}", c.prenom1, c.nom_famille.to_uppercase()),
        can_withdraw: matches!(sheet.state, RequestState::S20 | RequestState::S25 | RequestState::S35) && by.is_author(sheet),
        can_cancel: by.is_manager()
            && sheet.state == RequestState::S40
            && portal.now_ms() - sheet.changed_ms < annuaire_workflow::limits::WRONG_PERSON_HOURS * 3_600_000,
        can_recall: !by.is_manager() && sheet.state == RequestState::S20,
        again: sheet.place.as_ref().map(|place| place.number.clone()).unwrap_or_default(),
        is_manager: by.is_manager(),
        sheet: sheet_view(portal, sheet),
    };
    Ok(answer::page(portal, request, StatusCode::OK, &page))
}

/// `GET /portail/gae/demandes/{numero}/confirmation`
pub(crate) async fn confirmation(visit: ManagerVisit, Path(number): Path<String>) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let sheet = portal.registration().open_sheet(&session, &number).await?;
    let is_sent = !is_drafted(sheet.state);
    summary(&portal, &request, &frame, &Filler::Manager(&session), &sheet, is_sent).await
}

/// « Valider » of a change or an end: the legal statement is part of it (transition 09).
#[derive(Template)]
#[template(path = "gae/submit.html")]
struct SubmitPage<'a> {
    frame: &'a PortalFrame,
    sheet: SheetView,
    legal: LegalBlock,
}

fn submit_page(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    sheet: &RequestSheet,
    legal: LegalBlock,
) -> PageAnswer {
    let status = if legal.error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(answer::page(portal, request, status, &SubmitPage { frame, sheet: sheet_view(portal, sheet), legal }))
}

/// `GET /portail/gae/demandes/{numero}/soumettre`
pub(crate) async fn before_submit(visit: ManagerVisit, Path(number): Path<String>) -> PageAnswer {
    let sheet = visit.portal.registration().open_sheet(&visit.session, &number).await?;
    if !is_drafted(sheet.state) {
        return Ok(answer::see_other(&format!("/portail/gae/demandes/{number}")));
    }
    submit_page(&visit.portal, &visit.request, &visit.frame, &sheet, LegalBlock::default())
}

/// `POST /portail/gae/demandes/{numero}/soumettre`
pub(crate) async fn submit(visit: ManagerVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let statement = statement_of(&form);
    match portal.registration().submit(&session, &number, statement).await {
        Ok(_) => Ok(answer::see_other(&format!("/portail/gae/demandes/{number}/confirmation"))),
        Err(RegistrationStop::Refused(refusal)) if matches!(refusal.code, MessageCode::ELeg01 | MessageCode::ELeg02) => {
            let sheet = portal.registration().open_sheet(&session, &number).await?;
            submit_page(&portal, &request, &frame, &sheet, LegalBlock { statement, error: crate::french::typeset(&refusal.text) })
        }
        Err(stop) => Err(stop.into()),
    }
}

/// `GET /portail/gae/demandes/{numero}/{abandonner|retirer|annuler}`
pub(crate) async fn before_deed(visit: ManagerVisit, Path((number, deed)): Path<(String, String)>) -> PageAnswer {
    let Some(deed) = ConfirmedDeed::of(&deed) else { return Err(PortalFault::Nothing) };
    // Opening it shows whether it may be seen.
    let sheet = visit.portal.registration().open_sheet(&visit.session, &number).await?;
    let page = ConfirmPage::of(&visit.frame, deed, "/portail/gae/demandes", &sheet.number);
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/gae/demandes/{numero}/{abandonner|retirer|annuler}`
pub(crate) async fn deed(visit: ManagerVisit, Path((number, deed)): Path<(String, String)>, _form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let by = Filler::Manager(&visit.session);
    let told = match ConfirmedDeed::of(&deed) {
        Some(ConfirmedDeed::Abandon) => {
            by.abandon(registration, &number).await?;
            "abandonnee"
        }
        Some(ConfirmedDeed::Withdraw) => {
            by.withdraw(registration, &number).await?;
            "retiree"
        }
        Some(ConfirmedDeed::Cancel) => {
            registration.cancel_wrong_person(&visit.session, &number, false).await?;
            "fait"
        }
        None => return Err(PortalFault::Nothing),
    };
    Ok(answer::see_other(&format!("/portail/gae/demandes/{number}?fait={told}")))
}
