//! Who may activate a means, as the registry says: with or without registration, since what it withheld stays withheld.

use crate::clock::now_ms;
use annuaire_ecps::ActivationRight;
use annuaire_registry::{means_withheld, note_activation};
use annuaire_store::Registry;
use async_trait::async_trait;
use std::sync::Arc;

/// Whose means are withheld, as the registry says.
pub(crate) struct WithheldInRegistry(pub(crate) Arc<dyn Registry>);

#[async_trait]
impl ActivationRight for WithheldInRegistry {
    async fn is_withheld(&self, national_id: &str) -> Result<bool, String> {
        let reason = means_withheld(&*self.0, national_id).await.map_err(|error| error.to_string())?;
        Ok(reason.is_some())
    }

    async fn note_activation(&self, national_id: &str) -> Result<(), String> {
        note_activation(&*self.0, national_id, now_ms(), &now_ms).await.map_err(|error| error.to_string())
    }
}
