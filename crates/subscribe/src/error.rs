//! Errors: of this server, and refusals that a client reads.

/// Why the work of subscriptions could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] annuaire_store::Error),
    /// A publication store failed.
    #[error("{0}")]
    Index(#[from] annuaire_index::Error),
    /// What is stored of a subscription cannot be read: another program, or another secret, wrote it.
    #[error(
        "the subscription {id} cannot be read ({reason}): remove it, or bring back the secret of the installation (cursor.key)"
    )]
    Unreadable {
        /// The subscription.
        id: String,
        /// What is wrong with it; no content.
        reason: String,
    },
}

/// Result of this room.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a client is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The body is not a Subscription in JSON (400).
    Malformed,
    /// The Subscription asks for what is not served: topic, filter, channel, content, address (422; SUB-5).
    NotServed,
    /// No subscription of this caller has the id (404).
    Unknown,
    /// `If-Match` names another version, or somebody changed it meanwhile (412).
    Stale,
    /// The owner has as many as it may have (409).
    TooMany,
}

/// A refusal, or a failure of this server.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The client is refused.
    #[error("{text}")]
    Refused {
        /// Which refusal.
        kind: RefusalKind,
        /// What is wrong, and where.
        text: String,
        /// What to do.
        hint: String,
    },
    /// This server failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<annuaire_store::Error> for ServiceError {
    fn from(error: annuaire_store::Error) -> Self {
        match error {
            annuaire_store::Error::SubscriptionChanged { .. } => {
                refused(RefusalKind::Stale, "The subscription was changed meanwhile.", "Read it again, and decide again.")
            }
            other => Self::Failed(other.into()),
        }
    }
}

/// A refusal.
pub(crate) fn refused(kind: RefusalKind, text: impl Into<String>, hint: impl Into<String>) -> ServiceError {
    ServiceError::Refused { kind, text: text.into(), hint: hint.into() }
}
