//! Who may activate a means, as the registry says: with or without registration, since what it withheld stays withheld.

use crate::clock::now_ms;
use annuaire_ecps::ActivationRight;
use annuaire_registry::{means_frozen, means_withheld, note_activation};
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

    async fn is_frozen(&self, national_id: &str) -> Result<bool, String> {
        means_frozen(&*self.0, national_id).await.map_err(|error| error.to_string())
    }

    async fn note_activation(&self, national_id: &str) -> Result<(), String> {
        note_activation(&*self.0, national_id, now_ms(), &now_ms).await.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activation_is_known_to_registration_before_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("r.sqlite")).unwrap();
        let right = WithheldInRegistry(Arc::clone(registry.registry()));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for _ in 0..2 {
            runtime.block_on(right.note_activation("899900000011")).unwrap();
        }
        let noted = registry.identity_rows("first-activation", None, "", 9).unwrap();
        assert_eq!(noted.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["899900000011"]);
        assert!(!runtime.block_on(right.is_withheld("899900000011")).unwrap());
        assert_eq!(registry.audit_trail(0, 9).unwrap().len(), 1, "noted once");
    }
}
