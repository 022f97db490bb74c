//! The service: what all its doors share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use annuaire_bulk::{ExportJobs, PublishedTree};
use annuaire_index::Index;
use annuaire_subscribe::SubscriptionService;
use annuaire_web::{Gate, KeptAnswers, Lane, ServedStore, Shares, Turns};

use crate::basis::AnswerBasis;
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
    /// The public perimeter as files, when it is published so.
    pub files: Option<Arc<PublishedTree>>,
    /// How long the restricted door tells a version after another one replaced it; `None` for as long as the store keeps it. The
    /// historised door tells them all.
    pub restricted_past: Option<Duration>,
    /// Subscriptions; `None` when the service has no keys to which they could belong, or no registry in which they are kept.
    pub subscriptions: Option<Arc<SubscriptionService>>,
    /// Exports of all perimeters; `None` for a service without a place for them.
    pub exports: Option<Arc<ExportJobs>>,
    /// Who answers for the service.
    pub operator: ServiceOperator,
}

/// Who answers for a service, as its CapabilityStatements tell developers.
#[derive(Debug, Clone, Default)]
pub struct ServiceOperator {
    /// Name of the organisation; `None` when nobody is named.
    pub name: Option<String>,
    /// Mail address, or address of a page, for questions of developers.
    pub contact: Option<String>,
}

impl ApiSettings {
    /// Without published files and exports, and with all the past that the restricted store keeps.
    #[must_use]
    pub fn new(gate: Arc<Gate>, cursor_key: [u8; 32], lane: Arc<Lane>) -> Self {
        Self {
            gate,
            cursor_key,
            lane,
            files: None,
            restricted_past: None,
            subscriptions: None,
            exports: None,
            operator: ServiceOperator::default(),
        }
    }
}

impl fmt::Debug for ApiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiSettings").field("gate", &self.gate).field("cursor_key", &"hidden").finish_non_exhaustive()
    }
}

/// The store of a perimeter, and the answers kept of it.
pub(crate) struct ServedPerimeter {
    pub store: ServedStore<Index>,
    pub kept: KeptAnswers<AnswerBasis>,
}

impl From<ServedStore<Index>> for ServedPerimeter {
    fn from(store: ServedStore<Index>) -> Self {
        Self { store, kept: KeptAnswers::default() }
    }
}

/// Perimeters and turns of the API.
pub(crate) struct Service {
    pub public: ServedPerimeter,
    /// The restricted perimeter, when it is served.
    pub restricted: Option<ServedPerimeter>,
    pub turns: Turns,
    /// How long the restricted door tells a version after another one replaced it.
    pub restricted_past: Option<Duration>,
    /// Cipher of the page tokens.
    pub cipher: Arc<TokenCipher>,
    /// The public perimeter as files.
    pub files: Option<Arc<PublishedTree>>,
    pub subscriptions: Option<Arc<SubscriptionService>>,
    pub exports: Option<Arc<ExportJobs>>,
    pub operator: ServiceOperator,
}

impl Service {
    pub(crate) fn new(public: ServedStore<Index>, restricted: Option<ServedStore<Index>>, settings: ApiSettings) -> Self {
        let ApiSettings { gate, cursor_key, lane, files, restricted_past, subscriptions, exports, operator } = settings;
        let turns = Turns { gate, lane, shares: Arc::new(Shares::default()) };
        let cipher = Arc::new(TokenCipher::new(&cursor_key));
        Self {
            public: public.into(),
            restricted: restricted.map(Into::into),
            turns,
            restricted_past,
            cipher,
            files,
            subscriptions,
            exports,
            operator,
        }
    }
}
