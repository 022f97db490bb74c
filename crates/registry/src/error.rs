//! What can go wrong. What a person may not do is a refusal with its code and French text; all else is a failure with its cause.

use annuaire_workflow::decide::RequestRefusal;
use annuaire_workflow::messages::MessageCode;

/// Why somebody may not do something now. It was audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRefusal {
    /// The stable code.
    pub code: MessageCode,
    /// The French text, complete.
    pub text: String,
}

/// A failure of the installation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error("the registry: {0}")]
    Registry(#[from] annuaire_store::Error),
    /// A row has a content that this release does not know.
    #[error("a row of kind {kind} cannot be read: {cause}")]
    Unreadable {
        /// Kind of the row.
        kind: &'static str,
        /// Why.
        cause: serde_json::Error,
    },
    /// A row says something that this release does not know.
    #[error("a row of kind {kind} holds the unknown word {word:?}: a newer release wrote it")]
    UnknownWord {
        /// Kind of the row.
        kind: &'static str,
        /// The word.
        word: String,
    },
    /// The facts of a person or structure cannot be merged.
    #[error("the facts of {entity}: {reason}")]
    Facts {
        /// The person or structure.
        entity: String,
        /// Why.
        reason: String,
    },
    /// The owners of the registry cannot be read.
    #[error("the owners of the registry: {0}")]
    Owners(#[from] annuaire_consolidate::Error),
    /// What was sealed does not open.
    #[error("a row of kind {kind} does not open: the secret of the installation is another one than when it was sealed")]
    Sealed {
        /// Kind of the row.
        kind: &'static str,
    },
    /// The prefix of RPPS numbers is none.
    #[error("{0}")]
    Range(annuaire_workflow::rpps_number::NotARange),
    /// There is no RPPS number left.
    #[error("every RPPS number that begins with {prefix} is given: name another prefix")]
    RangeUsedUp {
        /// The prefix.
        prefix: String,
    },
    /// The search for structures failed.
    #[error("the search for structures: {0}")]
    Structures(String),
    /// A notification names a place that this room does not fill.
    #[error("{0}")]
    Notice(annuaire_workflow::notifications::MissingPlace),
    /// Others wrote first again and again.
    #[error("request {number} is written by others without end")]
    Contended {
        /// The request, or what else was written.
        number: String,
    },
    /// A step needs something that the request does not hold.
    #[error("request {number} holds no {what}")]
    Incomplete {
        /// The request.
        number: String,
        /// What is missing.
        what: &'static str,
    },
}

/// Why a use case gave no result.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationStop {
    /// The person may not: tell them the text.
    #[error("{}: {}", .0.code, .0.text)]
    Refused(RegistrationRefusal),
    /// The installation failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<annuaire_store::Error> for RegistrationStop {
    fn from(error: annuaire_store::Error) -> Self {
        Self::Failed(Error::Registry(error))
    }
}

impl From<RegistrationRefusal> for RegistrationStop {
    fn from(refusal: RegistrationRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<RequestRefusal> for RegistrationRefusal {
    fn from(RequestRefusal { code, text }: RequestRefusal) -> Self {
        Self { code, text }
    }
}

impl RegistrationRefusal {
    /// The refusal of a code whose text has no places.
    #[must_use]
    pub fn plain(code: MessageCode) -> Self {
        Self { code, text: code.text() }
    }

    /// The refusal of a code with the values of its places.
    #[must_use]
    pub fn filled(code: MessageCode, values: &[(&str, &str)]) -> Self {
        Self { code, text: code.fill(values) }
    }
}

impl RegistrationStop {
    /// The refusal, when it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&RegistrationRefusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Failed(_) => None,
        }
    }
}
