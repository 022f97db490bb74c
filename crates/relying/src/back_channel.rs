//! A logout that a provider tells (OpenID Connect Back-Channel Logout 1.0; identity.md §5, 8).

use serde::{Deserialize, Serialize};

use crate::error::RelyingError;
use crate::fault::{LoginFault, TokenFault};
use crate::limits::{LEEWAY_S, LOGOUT_TOKEN_AGE_S};
use crate::relying::RelyingParty;
use crate::rows::{KeptRow, RowWrites, sha256_key};
use crate::told_logout::ToldLogout;
use crate::verify::{self, LOGOUT_TYPES};

/// A logout token that was taken: it is taken once.
#[derive(Serialize, Deserialize)]
pub(crate) struct TakenLogout {
    /// SHA-256 of issuer and `jti`.
    key: String,
    due_ms: i64,
}

impl KeptRow for TakenLogout {
    const KIND: &'static str = "relying_logout";

    fn key(&self) -> &str {
        &self.key
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

/// Why a logout token is refused. It says nothing about a person.
#[derive(Debug, thiserror::Error)]
pub enum LogoutFault {
    /// The token is not what it must be.
    #[error("the logout token is refused: {0}")]
    Token(#[from] TokenFault),
    /// It was given before.
    #[error("the logout token was given before")]
    Used,
    /// The provider's keys cannot be had, or the database fails.
    #[error(transparent)]
    Provider(#[from] LoginFault),
}

impl RelyingParty {
    /// Judges a logout token, and takes it: of the one who gives it twice, the second time is refused. Who calls ends the sessions that it
    /// names.
    ///
    /// # Errors
    /// Why it ends nothing.
    pub async fn told_logout(&self, now_ms: i64, token: &str) -> Result<ToldLogout, LogoutFault> {
        let endpoints = self.endpoints(now_ms).await?;
        let algorithms = &self.settings().id_token_algorithms;
        let opened = self.open(now_ms, &endpoints, token, &LOGOUT_TYPES, algorithms).await??;
        let settings = self.settings();
        let told = verify::judge_logout(&opened, &settings.issuer, &settings.client_id, now_ms.div_euclid(1_000))?;
        let key = sha256_key(&format!("{} {}", settings.issuer, told.id));
        let due_ms = now_ms.saturating_add((LOGOUT_TOKEN_AGE_S + 2 * LEEWAY_S) * 1_000);
        let taken = RowWrites::default().create(&TakenLogout { key, due_ms }).map_err(LoginFault::from)?;
        if !self.rows().write(taken, now_ms).await.map_err(LoginFault::from)? {
            return Err(LogoutFault::Used);
        }
        Ok(told.of)
    }
}

impl From<RelyingError> for LogoutFault {
    fn from(error: RelyingError) -> Self {
        Self::Provider(error.into())
    }
}
