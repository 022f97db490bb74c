//! The state of every route.

use crate::BASE;
use crate::limits::{AUTHORITY_RATE, STRANGER_RATE};
use annuaire_registry::Registration;
use annuaire_web::{Gate, RateLimiter};
use serde_json::Value;
use std::sync::Arc;

/// What the program gives.
pub struct HrSettings {
    /// The use cases.
    pub registration: Arc<Registration>,
    /// The gate of the server.
    pub gate: Arc<Gate>,
    /// Scheme and host of the portal, without a last slash.
    pub public_base: String,
    /// Today in Paris, ISO: terminologies are shown as of it.
    pub today: Arc<dyn Fn() -> String + Send + Sync>,
}

/// The state of every route.
pub(crate) struct HrDoor {
    pub(crate) settings: HrSettings,
    /// The OpenAPI document.
    pub(crate) document: Value,
    /// Requests of each authority.
    pub(crate) authorities: RateLimiter,
    /// Wrong secrets and tokens of each address.
    pub(crate) strangers: RateLimiter,
}

impl HrDoor {
    pub(crate) fn new(settings: HrSettings, document: Value) -> Self {
        let (authorities, strangers) = (RateLimiter::new(AUTHORITY_RATE), RateLimiter::new(STRANGER_RATE));
        Self { settings, document, authorities, strangers }
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.settings.registration
    }

    /// A complete address of this room.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{BASE}{path}", self.settings.public_base)
    }
}
