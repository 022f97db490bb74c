//! What another arbiter decides again, as it is kept.

use crate::limits::SECOND_LOOK_KEPT_MS;
use crate::row::RegistrationRow;
use annuaire_workflow::request::RequestEvent;
use serde::{Deserialize, Serialize};

/// Subject of the rows that wait for another arbiter.
pub(crate) const WAITS: &str = "waits";
/// Subject of the rows in which two arbiters decided otherwise.
pub(crate) const DISAGREED: &str = "disagreed";

/// What an arbiter decides about two identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityDecision {
    /// « Même personne ».
    Same,
    /// « Personnes distinctes ».
    Distinct,
    /// « Rejeter ».
    Rejected,
}

impl IdentityDecision {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 3] = [Self::Same, Self::Distinct, Self::Rejected];

    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Same => "meme",
            Self::Distinct => "distinctes",
            Self::Rejected => "rejet",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Same => "Même personne",
            Self::Distinct => "Personnes distinctes",
            Self::Rejected => "Rejeter",
        }
    }

    /// The decision of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.code() == code)
    }

    /// The decision of an event on a request; `None` for one that decides nothing.
    pub(crate) const fn of(event: &RequestEvent) -> Option<Self> {
        match event {
            RequestEvent::SamePerson { .. } => Some(Self::Same),
            RequestEvent::DistinctPersons { .. } => Some(Self::Distinct),
            RequestEvent::Reject { .. } => Some(Self::Rejected),
            _ => None,
        }
    }
}

/// A decision that another arbiter makes again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondLookRow {
    pub(crate) key: String,
    /// Number of the request; empty for two registered persons.
    pub(crate) request: String,
    /// National identification of the registered person whose file it is.
    pub(crate) person: String,
    /// National identification of the first arbiter.
    pub(crate) first_by: String,
    pub(crate) first: String,
    pub(crate) at_ms: i64,
    /// The two civil statuses, sealed.
    pub(crate) sealed: String,
    pub(crate) second_by: Option<String>,
    pub(crate) second: Option<String>,
    pub(crate) second_ms: Option<i64>,
}

impl RegistrationRow for SecondLookRow {
    const KIND: &'static str = "second-look";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn subject(&self) -> String {
        match &self.second {
            None => WAITS.to_owned(),
            Some(second) if *second != self.first => DISAGREED.to_owned(),
            Some(_) => String::new(),
        }
    }

    fn due_ms(&self) -> Option<i64> {
        self.second_ms.map(|at_ms| at_ms.saturating_add(SECOND_LOOK_KEPT_MS))
    }
}
