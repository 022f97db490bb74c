//! What can go wrong inside the provider. What a client did wrong is an answer, not an error.

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
    /// The facts of a person cannot be merged.
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
    /// A key cannot be read or made.
    #[error("a signing key: {0}")]
    Key(#[from] annuaire_jose::JoseError),
    /// There is no key for an algorithm of ours.
    #[error("there is no key that signs {algorithm}")]
    NoSigner {
        /// The algorithm.
        algorithm: &'static str,
    },
    /// The means on phones.
    #[error("the means on phones: {0}")]
    Phone(#[from] annuaire_ecps::PhoneError),
    /// The keys at rest do not open under the secret of the installation.
    #[error("the signing keys do not open: the secret of the installation is another one than when they were sealed")]
    Sealed,
    /// A row was changed by others again and again.
    #[error("a row of kind {kind} is written by others without end")]
    Contended {
        /// Kind of the row.
        kind: &'static str,
    },
}
