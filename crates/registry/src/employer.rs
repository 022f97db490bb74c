//! The structures of an establishment or employer (SIRET, SIREN).
//!
//! The search finds a SIREN where a source states one. A structure that is known by its SIRET alone has none to be found by; its number begins with
//! it, so that the registry finds it in the order of its keys.

use crate::error::Error;
use crate::limits::{PAGE, PERIMETER_PLACES_MAX};
use crate::service::Registration;
use annuaire_consolidate::entity_key;

/// Digits of a SIREN, with which the SIRET numbers of its establishments begin.
const SIREN_DIGITS: usize = 9;

impl Registration {
    /// Technical identifiers of the structures with this SIRET, or of this SIREN. The caller looks at each of them again, so that one too many
    /// does no harm. Cost: a look-up in the index; for a SIREN, a page of the facts of the registry too.
    ///
    /// # Errors
    /// Those of the registry and of the search for structures.
    pub(crate) async fn ids_of_employer(&self, number: &str) -> Result<Vec<String>, Error> {
        let mut ids = self.settings.structures.by_siret(number).await.map_err(Error::Structures)?;
        if number.len() == SIREN_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit()) {
            ids.extend(self.known_by_siret(number).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Structures whose technical identifier is a SIRET of this SIREN.
    async fn known_by_siret(&self, siren: &str) -> Result<Vec<String>, Error> {
        let registry = self.registry();
        let (start, at) = (entity_key::structure(&format!("C{siren}")), registry.last_tx().await?);
        let (mut ids, mut after): (Vec<String>, String) = (Vec::new(), start.clone());
        loop {
            let (facts, next) = registry.standing(at, &after, PAGE).await?;
            for fact in &facts {
                let Some(nic) = fact.key.entity.strip_prefix(&start) else { return Ok(ids) };
                let id = format!("C{siren}{nic}");
                if ids.last() != Some(&id) {
                    ids.push(id);
                }
            }
            // A page without a fact may lie beyond them; its end says so.
            match next {
                Some(next) if next.starts_with(&start) && ids.len() < PERIMETER_PLACES_MAX => after = next,
                _ => return Ok(ids),
            }
        }
    }
}
