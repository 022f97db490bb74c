//! Pre-registration: somebody who comes with FranceConnect fills in the one request of theirs, sends it and follows it (SC20, SC54).

use crate::answer;
use crate::confirm::{ConfirmPage, ConfirmedDeed};
use crate::entry::{self, is_drafted};
use crate::fault::{PageAnswer, PortalFault};
use crate::filler::Filler;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::gae::request::summary;
use crate::sheet::{SheetView, sheet_view};
use crate::who::ApplicantVisit;
use annuaire_registry::RequestSheet;
use annuaire_workflow::routing::NO_MANAGER_TEXT;
use annuaire_workflow::state::RequestState;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// Before the first request.
#[derive(Template)]
#[template(path = "pro/begin.html")]
struct BeginPage<'a> {
    frame: &'a PortalFrame,
    /// Requests that are over: number and status.
    former: Vec<(String, String)>,
}

/// A step of the tracker.
struct TrackedStep {
    words: &'static str,
    when: String,
    class: &'static str,
}

/// SC54.
#[derive(Template)]
#[template(path = "pro/tracker.html")]
struct TrackerPage<'a> {
    frame: &'a PortalFrame,
    sheet: SheetView,
    steps: Vec<TrackedStep>,
    /// Who must act, in a sentence.
    turn: String,
    can_recall: bool,
    can_withdraw: bool,
}

const BASE: &str = "/portail/pro/inscription";

/// `GET /portail/pro/inscription`: the request that is open, or the beginning of one.
pub(crate) async fn home(visit: ApplicantVisit) -> PageAnswer {
    let all = visit.portal.registration().own_requests(&visit.session).await?;
    if let Some(open) = all.iter().find(|sheet| !sheet.state.terminal()) {
        return Ok(answer::see_other(&format!("{BASE}/{}", open.number)));
    }
    let former = all.into_iter().map(|sheet| (sheet.number, sheet.state.statut().to_owned())).collect();
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &BeginPage { frame: &visit.frame, former }))
}

/// `POST /portail/pro/inscription`
pub(crate) async fn begin(visit: ApplicantVisit, _form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    // A second click finds the request that the first one began.
    let all = registration.own_requests(&visit.session).await?;
    let number = match all.into_iter().find(|sheet| !sheet.state.terminal()) {
        Some(open) => open.number,
        None => registration.pre_register(&visit.session).await?.number,
    };
    Ok(answer::see_other(&format!("{BASE}/{number}")))
}

/// The steps « Déposée → Chez votre établissement → Vérification → Numéro attribué ».
fn tracked(sheet: &RequestSheet) -> Vec<TrackedStep> {
    use RequestState as S;
    let at = |states: &[S]| sheet.steps.iter().find(|(_, state)| states.contains(state)).map(|(at, _)| *at);
    let reached = match sheet.state {
        S::S11 => 0,
        S::S20 | S::S25 => 1,
        S::S30 | S::S35 => 2,
        S::S40 => 4,
        _ => 0,
    };
    let words = ["Déposée", "Chez votre établissement", "Vérification", "Numéro attribué"];
    let times = [at(&[S::S20]), at(&[S::S20]), at(&[S::S30]), at(&[S::S40])];
    let class = |n: usize| if n < reached { "past" } else { "" };
    let mut steps: Vec<TrackedStep> = words
        .iter()
        .zip(times)
        .enumerate()
        .map(|(n, (words, at))| TrackedStep { words, when: at.map(crate::french::day_of).unwrap_or_default(), class: class(n) })
        .collect();
    if (1..4).contains(&reached)
        && let Some(step) = steps.get_mut(reached)
    {
        step.class = "now";
    }
    steps
}

/// `GET /portail/pro/inscription/{numero}`
pub(crate) async fn show(visit: ApplicantVisit, Path(number): Path<String>) -> PageAnswer {
    let ApplicantVisit { portal, request, session, frame } = visit;
    let by = Filler::Applicant(&session);
    let sheet = by.sheet(portal.registration(), &number).await?;
    if is_drafted(sheet.state) {
        return entry::show(&portal, &request, &frame, &by, &sheet, Vec::new()).await;
    }
    let place = sheet.place.as_ref().map(|place| place.name.clone()).unwrap_or_default();
    let turn = match sheet.state {
        RequestState::S20 if sheet.waits_for_manager => NO_MANAGER_TEXT.to_owned(),
        RequestState::S20 => format!("Votre établissement ({place}) doit traiter votre demande."),
        RequestState::S30 => "Votre numéro est en cours d'attribution : vous n'avez rien à faire.".to_owned(),
        RequestState::S35 => "Votre identité est en cours de vérification : vous n'avez rien à faire.".to_owned(),
        RequestState::S40 => {
            "Votre numéro RPPS vous a été envoyé à votre adresse email. Activez ensuite votre e-CPS avec le message reçu."
                .to_owned()
        }
        RequestState::S50 | RequestState::S51 => "Votre demande n'a pas abouti. Le motif vous a été envoyé.".to_owned(),
        _ => "Cette demande est terminée. Vous pouvez en commencer une autre.".to_owned(),
    };
    let page = TrackerPage {
        frame: &frame,
        steps: tracked(&sheet),
        turn: crate::french::typeset(&turn),
        can_recall: sheet.state == RequestState::S20 && !sheet.waits_for_manager,
        can_withdraw: matches!(sheet.state, RequestState::S20 | RequestState::S25 | RequestState::S35),
        sheet: sheet_view(&portal, &sheet),
    };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

/// `POST /portail/pro/inscription/{numero}/saisie`
pub(crate) async fn take(visit: ApplicantVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let ApplicantVisit { portal, request, session, frame } = visit;
    entry::take(&portal, &request, &frame, &Filler::Applicant(&session), (&number, &form)).await
}

/// `GET /portail/pro/inscription/{numero}/confirmation`
pub(crate) async fn confirmation(visit: ApplicantVisit, Path(number): Path<String>) -> PageAnswer {
    let ApplicantVisit { portal, request, session, frame } = visit;
    let by = Filler::Applicant(&session);
    let sheet = by.sheet(portal.registration(), &number).await?;
    summary(&portal, &request, &frame, &by, &sheet, !is_drafted(sheet.state)).await
}

/// `GET /portail/pro/inscription/{numero}/codes`
pub(crate) async fn codes(visit: ApplicantVisit, Path(number): Path<String>) -> PageAnswer {
    let ApplicantVisit { portal, request, session, frame } = visit;
    super::codes::show(&portal, &request, &frame, &Filler::Applicant(&session), &number, "").await
}

/// `POST /portail/pro/inscription/{numero}/codes`
pub(crate) async fn enter_codes(visit: ApplicantVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let ApplicantVisit { portal, request, session, frame } = visit;
    super::codes::take(&portal, &request, &frame, &Filler::Applicant(&session), (&number, &form)).await
}

/// `GET /portail/pro/inscription/{numero}/{acte}`
pub(crate) async fn before_deed(visit: ApplicantVisit, Path((number, deed)): Path<(String, String)>) -> PageAnswer {
    let Some(deed) = ConfirmedDeed::of(&deed) else { return Err(PortalFault::Nothing) };
    Filler::Applicant(&visit.session).sheet(visit.portal.registration(), &number).await?;
    let page = ConfirmPage::of(&visit.frame, deed, BASE, &number);
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/pro/inscription/{numero}/{acte}`
pub(crate) async fn deed(visit: ApplicantVisit, Path((number, deed)): Path<(String, String)>, _form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let by = Filler::Applicant(&visit.session);
    match (deed.as_str(), ConfirmedDeed::of(&deed)) {
        ("relancer", _) => {
            registration.recall(&visit.session, &number).await?;
            return Ok(answer::see_other(&format!("{BASE}/{number}?fait=relance")));
        }
        (_, Some(ConfirmedDeed::Abandon)) => by.abandon(registration, &number).await?,
        (_, Some(ConfirmedDeed::Withdraw)) => by.withdraw(registration, &number).await?,
        _ => return Err(PortalFault::Nothing),
    };
    Ok(answer::see_other(&format!("{BASE}?fait=retiree")))
}
