//! What can go wrong inside the installation. What a provider or a browser did wrong is a [`LoginFault`](crate::LoginFault).

/// A failure of the installation.
#[derive(Debug, thiserror::Error)]
pub enum RelyingError {
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
    /// What is at rest does not open under the secret of the installation.
    #[error("a row of kind {0} does not open: the secret of the installation is another one than when it was sealed")]
    Sealed(&'static str),
    /// A token cannot be made.
    #[error("a token of ours: {0}")]
    Token(#[from] annuaire_jose::JoseError),
    /// A row was written by others between reading and writing.
    #[error("a row of kind {0} was written by somebody else meanwhile: try again")]
    Contended(&'static str),
    /// A setting of a provider cannot be used.
    #[error("the settings of the provider: {0}")]
    Setting(String),
}
