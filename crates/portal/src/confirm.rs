//! Deeds that cannot be undone: a page asks before.

use crate::frame::PortalFrame;
use crate::french::typeset;
use annuaire_workflow::messages::MessageCode;
use askama::Template;

/// A deed that is confirmed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfirmedDeed {
    /// « Abandonner » a draft (M10).
    Abandon,
    /// « Retirer » what was sent.
    Withdraw,
    /// « Erreur de personne » within 24 hours.
    Cancel,
}

impl ConfirmedDeed {
    /// By the end of its address.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "abandonner" => Some(Self::Abandon),
            "retirer" => Some(Self::Withdraw),
            "annuler" => Some(Self::Cancel),
            _ => None,
        }
    }
}

/// The page that asks.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage<'a> {
    frame: &'a PortalFrame,
    title: &'static str,
    text: String,
    action: String,
    back: String,
    words: &'static str,
}

impl<'a> ConfirmPage<'a> {
    /// Of a request below `base`.
    pub(crate) fn of(frame: &'a PortalFrame, deed: ConfirmedDeed, base: &str, number: &str) -> Self {
        let (title, text, words, end) = match deed {
            ConfirmedDeed::Abandon => {
                ("Abandonner la demande", MessageCode::M10.fill(&[("num", number)]), "Abandonner", "abandonner")
            }
            ConfirmedDeed::Withdraw => {
                let text = format!("Retirer la demande {number} ? Elle ne sera pas traitée. Cette action est définitive.");
                ("Retirer la demande", text, "Retirer", "retirer")
            }
            ConfirmedDeed::Cancel => {
                let text = format!(
                    "Annuler la demande {number} pour erreur de personne ? L'arbitre national doit le confirmer. La situation sera \
                     marquée comme annulée, et le numéro RPPS ne sera jamais réattribué."
                );
                ("Annuler un enregistrement", text, "Demander l’annulation", "annuler")
            }
        };
        Self {
            frame,
            title,
            text: typeset(&text),
            action: format!("{base}/{number}/{end}"),
            back: format!("{base}/{number}"),
            words,
        }
    }
}
