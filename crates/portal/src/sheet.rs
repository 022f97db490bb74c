//! A request that is read and not filled in.

use crate::door::Portal;
use crate::french::{instant, typeset};
use crate::gae::list::state_class;
use crate::sections::{SummaryLines, civil_summary, closing_summary, contact_summary, situation_summary};
use annuaire_registry::RequestSheet;
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::state::RequestState;

/// What pages show of it.
pub(crate) struct SheetView {
    pub(crate) number: String,
    pub(crate) kind: &'static str,
    pub(crate) state: String,
    pub(crate) state_class: &'static str,
    pub(crate) origin: &'static str,
    pub(crate) blocked: &'static str,
    pub(crate) version: u64,
    pub(crate) place: String,
    pub(crate) rpps: String,
    /// « 1. Etat civil » and so on: titles and lines.
    pub(crate) sections: Vec<(String, SummaryLines)>,
    /// Instants and labels of the steps.
    pub(crate) steps: Vec<(String, String)>,
    /// Reasons that people gave, the oldest first.
    pub(crate) reasons: Vec<String>,
}

/// When each state was entered: saving a draft again is no step.
fn entered(sheet: &RequestSheet) -> Vec<(i64, RequestState)> {
    let mut steps = sheet.steps.clone();
    steps.dedup_by_key(|(_, state)| *state);
    steps
}

/// Makes it.
pub(crate) fn sheet_view(portal: &Portal, sheet: &RequestSheet) -> SheetView {
    let values = portal.values();
    let third = if sheet.kind == RequestKind::Fin {
        ("Fermer la situation", closing_summary(&sheet.closing, &values))
    } else {
        ("Situation professionnelle", situation_summary(&sheet.situation, sheet.place.as_ref(), &values))
    };
    let all =
        [("Etat civil", civil_summary(&sheet.civil, &values)), ("Données de contact", contact_summary(&sheet.contact)), third];
    let is_shown = |title: &str| match sheet.kind {
        RequestKind::Primo => true,
        RequestKind::Coord => title == "Données de contact",
        RequestKind::Civil => title == "Etat civil",
        _ => title != "Données de contact",
    };
    let shown = all.into_iter().filter(|(title, _)| is_shown(title)).enumerate();
    SheetView {
        number: sheet.number.clone(),
        kind: sheet.kind.label(),
        state: typeset(&sheet.state.label()),
        state_class: state_class(sheet.state),
        origin: sheet.origin.label(),
        blocked: sheet.blocked.map_or("", |why| why.plain()),
        version: sheet.version,
        place: sheet.place.as_ref().map(|place| format!("{} - {}", place.number, place.name)).unwrap_or_default(),
        rpps: sheet.rpps.clone().unwrap_or_default(),
        sections: shown.map(|(n, (title, lines))| (format!("{}. {title}", n + 1), lines)).collect(),
        steps: entered(sheet).into_iter().map(|(at, state)| (instant(at), state.statut().to_owned())).collect(),
        reasons: sheet.reasons.iter().map(|reason| typeset(reason)).collect(),
    }
}
