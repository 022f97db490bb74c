//! A list of another manager, or of a software, that somebody validates at once (registration §17.2): what is ready, what is opened alone, and
//! what was refused.

use crate::answer;
use crate::fault::{PageAnswer, PortalFault};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{counted, instant, typeset};
use crate::gae::lot_words::{SHOWN_LINES, phase_words, refusal_words};
use crate::who::ManagerVisit;
use annuaire_registry::{LotPhase, RegistrationStop, SharedLineState, SharedLot, SharedLotLine, SharedLotSheet};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// A list of somebody else, in the table of lists.
pub(crate) struct SharedLotView {
    pub(crate) id: String,
    pub(crate) sender: String,
    pub(crate) sent: String,
    pub(crate) phase: &'static str,
}

/// A line of the list.
struct SharedLineView {
    line: u32,
    name: String,
    state: String,
    class: &'static str,
    refused: String,
    number: String,
}

/// The list.
#[derive(Template)]
#[template(path = "gae/lot_shared.html")]
struct SharedLotPage<'a> {
    frame: &'a PortalFrame,
    lot: SharedLotView,
    ends: String,
    done: String,
    is_at_work: bool,
    ready: usize,
    to_open: usize,
    settled: usize,
    refused: usize,
    lines: Vec<SharedLineView>,
    hidden: String,
    error: String,
}

/// A list for the table.
pub(crate) fn shared_view(lot: &SharedLot) -> SharedLotView {
    SharedLotView {
        id: lot.id.clone(),
        sender: if lot.sender.is_empty() { "Un logiciel de la structure".to_owned() } else { lot.sender.clone() },
        sent: instant(lot.begun_ms),
        phase: phase_words(lot.phase),
    }
}

/// Whether the validation of a line was refused and it still waits.
fn is_refused(line: &SharedLotLine) -> bool {
    line.refused.is_some() && line.standing != SharedLineState::Settled
}

fn line_view(line: &SharedLotLine) -> SharedLineView {
    let (state, class) = match line.standing {
        _ if is_refused(line) => ("validation refusée", "bad"),
        SharedLineState::Ready => ("prête à valider", "good"),
        SharedLineState::ToOpen => ("à ouvrir et à valider seule", "act"),
        SharedLineState::Settled => (line.state.statut(), ""),
    };
    SharedLineView {
        line: line.line,
        name: line.name.clone(),
        state: typeset(state),
        class,
        refused: line.refused.filter(|_| is_refused(line)).map(refusal_words).unwrap_or_default(),
        number: line.number.clone(),
    }
}

fn lot_page(visit: &ManagerVisit, sheet: &SharedLotSheet, error: String) -> PageAnswer {
    // What somebody has to do comes first; the order of the file within.
    let mut lines: Vec<&SharedLotLine> = sheet.lines.iter().collect();
    let rank = |line: &SharedLotLine| match line.standing {
        _ if is_refused(line) => 0,
        SharedLineState::ToOpen => 1,
        SharedLineState::Ready => 2,
        SharedLineState::Settled => 3,
    };
    lines.sort_by_key(|line| (rank(line), line.line));
    let hidden = lines.len().saturating_sub(SHOWN_LINES);
    let page = SharedLotPage {
        frame: &visit.frame,
        lot: shared_view(&sheet.lot),
        ends: instant(sheet.lot.ends_ms),
        done: format!("{} sur {}", sheet.lot.steps_done, sheet.lot.steps),
        is_at_work: sheet.lot.phase == LotPhase::Validating,
        ready: sheet.count(SharedLineState::Ready),
        to_open: sheet.count(SharedLineState::ToOpen),
        settled: sheet.count(SharedLineState::Settled),
        refused: sheet.lines.iter().filter(|line| is_refused(line)).count(),
        lines: lines.iter().take(SHOWN_LINES).map(|line| line_view(line)).collect(),
        hidden: if hidden > 0 { counted(hidden as u64, "autre ligne", "autres lignes") } else { String::new() },
        error,
    };
    let status = if page.error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/gae/lots/{lot}/tiers`
pub(crate) async fn show(visit: ManagerVisit, Path(lot): Path<String>) -> PageAnswer {
    let sheet = visit.portal.registration().shared_lot(&visit.session, &lot).await?;
    lot_page(&visit, &sheet, String::new())
}

/// `POST /portail/gae/lots/{lot}/tiers`: validates what is ready.
pub(crate) async fn validate(visit: ManagerVisit, Path(lot): Path<String>, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    match registration.validate_shared_lot(&visit.session, &lot, form.is_ticked("legal")).await {
        Ok(_) => Ok(answer::see_other(&format!("/portail/gae/lots/{lot}/tiers"))),
        // A refusal belongs on the page of the list, where the list may be told at all.
        Err(RegistrationStop::Refused(refusal)) => match registration.shared_lot(&visit.session, &lot).await {
            Ok(sheet) => lot_page(&visit, &sheet, typeset(&refusal.text)),
            Err(_) => Err(PortalFault::Refused(refusal)),
        },
        Err(stop) => Err(stop.into()),
    }
}
