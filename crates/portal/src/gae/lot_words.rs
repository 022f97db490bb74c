//! What pages of lists say alike, own ones and those of others.

use crate::french::typeset;
use annuaire_registry::LotPhase;
use annuaire_workflow::messages::MessageCode;

/// Lines of a list that a page shows: those with a remark first.
pub(crate) const SHOWN_LINES: usize = 200;

/// The phase of a list, in words.
pub(crate) fn phase_words(phase: LotPhase) -> &'static str {
    match phase {
        LotPhase::Checked => "Vérifiée, rien n’est encore créé",
        LotPhase::Filing => "Mise en instruction en cours",
        LotPhase::Filed => "En instruction",
        LotPhase::Validating => "Validation en cours",
        LotPhase::Validated => "Validée",
    }
}

/// Why a line was refused. The code is kept without what its text names: the request itself says it.
pub(crate) fn refusal_words(code: MessageCode) -> String {
    let text = match code {
        MessageCode::ELot08 => "Ouvrez cette demande et validez-la seule.".to_owned(),
        _ if code.template().contains('{') => "Ouvrez cette demande : une règle empêche sa validation.".to_owned(),
        _ => code.text(),
    };
    typeset(&format!("{text} ({code})"))
}
