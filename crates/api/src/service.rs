//! The service: what all its doors share.

use std::fmt;
use std::sync::Arc;

use annuaire_index::Index;
use annuaire_web::{Gate, KeptAnswers, Lane, Shares, Turns};

use crate::cursor::TokenCipher;

/// Settings of the API.
#[derive(Clone)]
pub struct ApiSettings {
    /// Gate of the server, which all its doors share.
    pub gate: Arc<Gate>,
    /// Key of the page tokens. Keep it across restarts, or running pages end.
    pub cursor_key: [u8; 32],
    /// Lane of long work, which all doors of the server share.
    pub lane: Arc<Lane>,
}

impl fmt::Debug for ApiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiSettings").field("gate", &self.gate).field("cursor_key", &"hidden").finish_non_exhaustive()
    }
}

/// Stores, turns and kept answers of the API.
pub(crate) struct Service {
    pub public: Arc<Index>,
    /// The restricted store, when it is served.
    pub restricted: Option<Arc<Index>>,
    pub turns: Turns,
    /// Cipher of the page tokens.
    pub cipher: Arc<TokenCipher>,
    pub kept: KeptAnswers,
}

impl Service {
    pub(crate) fn new(public: Arc<Index>, restricted: Option<Arc<Index>>, settings: ApiSettings) -> Self {
        let ApiSettings { gate, cursor_key, lane } = settings;
        let turns = Turns { gate, lane, shares: Arc::new(Shares::default()) };
        let cipher = Arc::new(TokenCipher::new(&cursor_key));
        Self { public, restricted, turns, cipher, kept: KeptAnswers::default() }
    }
}
