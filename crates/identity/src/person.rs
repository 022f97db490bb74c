//! People as the provider reads them: the merged view of all owners, as it stands at the moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use annuaire_cache::Generations;
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate, entity_key};
use annuaire_mos::Structure;
use annuaire_store::Registry;
use tokio::sync::watch;

use crate::at_work::PersonAtWork;
use crate::claims::{NoRight, ProfessionalClaims, claims};
use crate::error::Error;
use crate::limits::PEOPLE;

/// What is known of a national identifier at a transaction.
#[derive(Clone)]
struct KeptPerson {
    at: Tx,
    /// `None`: nobody has it.
    person: Option<Arc<PersonAtWork>>,
    /// What relying parties are told on a day.
    told: Option<(String, ToldClaims)>,
}

/// The claims of a person, or why there are none.
pub(crate) type ToldClaims = Result<Arc<ProfessionalClaims>, NoRight>;

/// Reads people from the registry, and keeps who was read until the log goes on. Cost of a person: look-ups of their facts, and of those
/// of their structures; of one who is kept, a lock.
pub struct People {
    registry: Arc<dyn Registry>,
    /// The end of the log, as far as this node knows: its own commits at once, those of others a tenth of a second later.
    commits: watch::Receiver<Tx>,
    /// The last transaction that a follower named: it may be ahead of what this node was told.
    named: AtomicU64,
    owners: Mutex<Option<(Tx, Arc<Owners>)>>,
    kept: Mutex<Generations<String, KeptPerson>>,
}

impl People {
    /// Reads people from this registry.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        let commits = registry.commits();
        Self { registry, commits, named: AtomicU64::new(0), owners: Mutex::default(), kept: Mutex::new(Generations::new(PEOPLE)) }
    }

    /// A person by national identifier, with all that is known of them (the restricted perimeter: it is the person's own login);
    /// `None` when nobody has this identifier.
    ///
    /// # Errors
    /// When the registry cannot be read, or facts about the person cannot be used.
    pub async fn person(&self, national_id: &str) -> Result<Option<Arc<PersonAtWork>>, Error> {
        Ok(self.kept(national_id).await?.person)
    }

    /// A person as [`Self::person`] has it, with the claims of a day.
    pub(crate) async fn told(&self, national_id: &str, today: &str) -> Result<Option<(Arc<PersonAtWork>, ToldClaims)>, Error> {
        let mut kept = self.kept(national_id).await?;
        let Some(person) = kept.person.clone() else { return Ok(None) };
        if let Some((day, told)) = &kept.told
            && day == today
        {
            return Ok(Some((person, told.clone())));
        }
        let told = claims(&person, today).map(Arc::new);
        kept.told = Some((today.to_owned(), told.clone()));
        self.keep(national_id, kept);
        Ok(Some((person, told)))
    }

    /// Reads nobody as they were before this transaction any more.
    pub(crate) fn know(&self, tx: Tx) {
        self.named.fetch_max(tx.get(), Ordering::AcqRel);
    }

    async fn kept(&self, national_id: &str) -> Result<KeptPerson, Error> {
        let at = (*self.commits.borrow()).max(Tx::new(self.named.load(Ordering::Acquire)));
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&national_id.to_owned());
        if let Some(kept) = kept.filter(|kept| kept.at == at) {
            return Ok(kept);
        }
        let kept = KeptPerson { at, person: self.read(national_id, at).await?.map(Arc::new), told: None };
        self.keep(national_id, kept.clone());
        Ok(kept)
    }

    fn keep(&self, national_id: &str, kept: KeptPerson) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(national_id.to_owned(), kept, 1);
    }

    async fn read(&self, national_id: &str, tx: Tx) -> Result<Option<PersonAtWork>, Error> {
        let owners = self.owners(tx).await?;
        let entity = entity_key::person(national_id);
        let facts = self.registry.facts_at(tx, std::slice::from_ref(&entity)).await?;
        let Some(person) = merged(facts, &owners)?.remove(&entity) else { return Ok(None) };
        if person.professional.is_none() && person.cards.is_empty() {
            return Ok(None);
        }
        let practices = person.professional.iter().flat_map(|p| &p.exercices);
        let mut places: Vec<String> =
            practices.flat_map(|e| &e.situations).map(|s| s.structure.clone()).filter(|s| !s.is_empty()).collect();
        places.sort_unstable();
        places.dedup();
        Ok(Some(PersonAtWork { person, structures: self.structures_at(tx, &owners, &places).await? }))
    }

    /// Structures by technical identifier; those that nobody knows are left out.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub(crate) async fn structures(&self, places: &[String]) -> Result<BTreeMap<String, Structure>, Error> {
        let tx = self.registry.last_tx().await?;
        let owners = self.owners(tx).await?;
        self.structures_at(tx, &owners, places).await
    }

    async fn structures_at(&self, tx: Tx, owners: &Owners, places: &[String]) -> Result<BTreeMap<String, Structure>, Error> {
        let keys: Vec<String> =
            places.iter().filter(|place| !place.is_empty()).map(|place| entity_key::structure(place)).collect();
        let structures = match keys.is_empty() {
            true => BTreeMap::new(),
            // A structure at fault is left out: its situation keeps its identifier.
            false => consolidate(self.registry.facts_at(tx, &keys).await?, owners, Perimeter::Restricted),
        };
        Ok(structures.into_values().filter_map(|e| e.structure).map(|s| (s.id_technique.clone(), s)).collect())
    }

    /// The owners at a transaction. Cost: once for each transaction, the rows that have a description.
    async fn owners(&self, tx: Tx) -> Result<Arc<Owners>, Error> {
        if let Some((at, owners)) = &*self.owners.lock().unwrap_or_else(PoisonError::into_inner)
            && *at == tx
        {
            return Ok(Arc::clone(owners));
        }
        let rows = self.registry.described_owners().await?;
        let owners = Arc::new(Owners::new(rows.iter().map(|row| (&row.code, &row.description)))?);
        *self.owners.lock().unwrap_or_else(PoisonError::into_inner) = Some((tx, Arc::clone(&owners)));
        Ok(owners)
    }
}

fn merged(facts: Vec<Fact>, owners: &Owners) -> Result<BTreeMap<String, ConsolidatedEntity>, Error> {
    let merged = consolidate(facts, owners, Perimeter::Restricted);
    match merged.values().find_map(|entity| entity.fault.as_ref()) {
        Some(fault) => Err(Error::Facts { entity: fault.entity.clone(), reason: fault.reason.clone() }),
        None => Ok(merged),
    }
}
