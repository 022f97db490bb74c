//! What a manager may be told about a match (registration §8.2), as a type: nothing else can be shown.

use super::score::MatchClass;
use crate::day::{Day, french};
use crate::messages::MessageCode;

/// Where the best match is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchPlace {
    /// In the perimeter of the manager, who sees that person anyway.
    Inside {
        /// First given name, as it is shown.
        given_name: String,
        /// Family name, as it is shown.
        family_name: String,
        /// Day of birth.
        birth: Day,
        /// RPPS number.
        rpps: String,
    },
    /// Anywhere else.
    Outside,
}

/// What the form may show after the civil status. It can be made by [`disclosure`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryDisclosure {
    told: ToldMatch,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ToldMatch {
    Nothing,
    Inside { text: String, rpps: String },
    Identical,
}

/// The sentence of a match elsewhere, which appears only when the five traits were typed exactly.
const IDENTICAL_ELSEWHERE: &str = "Une identité identique est déjà enregistrée. Demandez son numéro RPPS au professionnel, ou continuez : la situation sera rattachée à son identité.";
/// What the arbiter tells an authority of a person whom an order struck off or suspended (registration §8.3).
pub const ORDER_SANCTION_TEXT: &str = "La situation ordinale doit être vérifiée auprès de l'ordre.";

/// What a manager is told of the best match: a possible one in the own perimeter with its number; elsewhere only that an
/// identical one exists, when the five traits are equal. A merely near identity elsewhere is never told, however near it is.
#[must_use]
pub fn disclosure(class: MatchClass, strict: bool, place: &MatchPlace) -> EntryDisclosure {
    let told = match place {
        MatchPlace::Inside { given_name, family_name, birth, rpps } if class >= MatchClass::Possible => {
            let text = format!(
                "{given_name} {}, né(e) le {}, est déjà enregistré(e) dans votre structure (RPPS {rpps}).",
                family_name.to_uppercase(),
                french(*birth)
            );
            ToldMatch::Inside { text, rpps: rpps.clone() }
        }
        MatchPlace::Outside if strict => ToldMatch::Identical,
        _ => ToldMatch::Nothing,
    };
    EntryDisclosure { told }
}

impl EntryDisclosure {
    /// The sentence; `None` when nothing is told.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.told {
            ToldMatch::Nothing => None,
            ToldMatch::Inside { text, .. } => Some(text),
            ToldMatch::Identical => Some(IDENTICAL_ELSEWHERE),
        }
    }

    /// The number of the person in the own perimeter, for « Ouvrir la fiche ».
    #[must_use]
    pub fn rpps(&self) -> Option<&str> {
        match &self.told {
            ToldMatch::Inside { rpps, .. } => Some(rpps),
            _ => None,
        }
    }

    /// The warning that the request keeps.
    #[must_use]
    pub fn warning(&self) -> Option<MessageCode> {
        self.rpps().map(|_| MessageCode::WCiv02)
    }

    /// Whether it counts as a warning that somebody might collect (registration §8.5).
    #[must_use]
    pub fn counts_as_outside_warning(&self) -> bool {
        self.told == ToldMatch::Identical
    }
}
