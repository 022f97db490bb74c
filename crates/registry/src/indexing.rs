//! Persons whom deliveries and feeds describe become findable: the log is followed, page by page, and a note keeps the place, so that a
//! restart goes on where the former process ended.

use crate::error::Error;
use crate::identity_key::PersonKeyRow;
use crate::limits::{ATTEMPTS, INDEXED_PERSONS};
use crate::person::{RegisteredPerson, persons_or_faults};
use crate::row::PendingWrites;
use crate::service::{Registration, SystemActor};
use annuaire_base::Tx;
use annuaire_consolidate::entity_key;
use annuaire_store::{Cause, Channel};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The note of the place.
const PLACE: (&str, &str) = ("registration", "indexed");

/// What a step of [`Registration::index_next`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexingRun {
    /// Persons whose keys were looked at.
    pub persons: u64,
    /// The last transaction whose persons are all found.
    pub indexed: Tx,
    /// Whether more waits.
    pub is_behind: bool,
}

/// How far the log was followed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct IndexedUpTo {
    /// The last transaction that is done as a whole.
    tx: u64,
    /// Of the one that follows, the last entity that is done; empty before the first.
    after: String,
}

impl Registration {
    /// Makes a page of persons findable whom the next transactions of the log changed, by the keys under which a new registration looks
    /// for the same identity (registration §8.1). Call it until nothing waits, then after each commit. Several nodes may do it at once:
    /// work is done twice then, and nothing is lost.
    ///
    /// Cost: about [`INDEXED_PERSONS`] persons (twice as many at most), their facts and former keys by point reads, and one unit that writes the keys which
    /// changed and the place; no transaction of the log.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn index_next(&self, _by: &SystemActor) -> Result<IndexingRun, Error> {
        let mut place = self.indexed_up_to().await?;
        let last = self.registry().last_tx().await?;
        if place.tx >= last.get() {
            return Ok(IndexingRun { persons: 0, indexed: last, is_behind: false });
        }
        let mut numbers = BTreeSet::new();
        // Small transactions share a unit.
        while place.tx < last.get() && numbers.len() < INDEXED_PERSONS as usize {
            place = self.next_numbers(place, &mut numbers).await?;
        }
        let numbers: Vec<String> = numbers.into_iter().collect();
        self.index_numbers(&numbers, Some(&place)).await?;
        let indexed = Tx::new(place.tx);
        Ok(IndexingRun { persons: numbers.len() as u64, indexed, is_behind: indexed < last || !place.after.is_empty() })
    }

    /// Adds a page of the persons whom the transaction after `place` changed, and returns how far that page goes.
    async fn next_numbers(&self, place: IndexedUpTo, numbers: &mut BTreeSet<String>) -> Result<IndexedUpTo, Error> {
        let tx = Tx::new(place.tx).next();
        // Entities of persons have one beginning: what stands before them is passed over.
        let after = if place.after.is_empty() { entity_key::person("") } else { place.after.clone() };
        let page = self.registry().changed_entities(tx, &after, INDEXED_PERSONS).await?;
        let found = page.iter().map_while(|entity| entity_key::number_of_person(entity)).map(str::to_owned);
        let count = found.clone().count();
        numbers.extend(found);
        if let Some(entity) = page.last().filter(|_| count == INDEXED_PERSONS as usize) {
            return Ok(IndexedUpTo { tx: place.tx, after: entity.clone() });
        }
        let withdrawn = self.registry().withdrawn(tx).await?;
        numbers.extend(withdrawn.iter().filter_map(|entity| entity_key::number_of_person(entity)).map(str::to_owned));
        Ok(IndexedUpTo { tx: tx.get(), after: String::new() })
    }

    /// Makes persons findable who came in by files: their civil status and contact are read from the merged facts. It does nothing for those
    /// whose keys are right, and takes the keys of those who are known no longer.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn index_identities(&self, _by: &SystemActor, national_ids: &[String]) -> Result<(), Error> {
        for some in national_ids.chunks(INDEXED_PERSONS as usize) {
            self.index_numbers(some, None).await?;
        }
        Ok(())
    }

    async fn indexed_up_to(&self) -> Result<IndexedUpTo, Error> {
        let text = self.registry().note(PLACE.0, PLACE.1).await?;
        let unreadable = |cause| Error::Unreadable { kind: "indexed", cause };
        text.map_or_else(|| Ok(IndexedUpTo::default()), |text| serde_json::from_str(&text).map_err(unreadable))
    }

    /// Writes the keys of some persons, and the place, in one unit.
    async fn index_numbers(&self, numbers: &[String], place: Option<&IndexedUpTo>) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let mut writes = PendingWrites::default();
            let known = self.readable_persons(numbers).await?;
            for number in numbers {
                self.keys_of(&mut writes, number, known.get(number)).await?;
            }
            if let Some(place) = place {
                let text = serde_json::to_string(place).map_err(|cause| Error::Unreadable { kind: "indexed", cause })?;
                writes.note(PLACE.0, PLACE.1, text);
            }
            if writes.is_empty() {
                return Ok(());
            }
            let cause = Cause::new(Channel::System, "registration", "keys of identities");
            if self.write(writes, &cause).await? {
                return Ok(());
            }
        }
        Err(Error::Contended { number: "keys of identities".to_owned() })
    }

    /// The persons of these numbers whose facts can be read: one at fault keeps nobody else from being found.
    pub(crate) async fn readable_persons(&self, numbers: &[String]) -> Result<BTreeMap<String, RegisteredPerson>, Error> {
        let all = persons_or_faults(self.registry(), numbers).await?.into_iter().flatten();
        Ok(all.map(|person| (person.national_id.clone(), person)).collect())
    }

    async fn keys_of(&self, writes: &mut PendingWrites, number: &str, person: Option<&RegisteredPerson>) -> Result<(), Error> {
        let former = self.person_keys(number).await?;
        let known = person.and_then(|person| Some((person, person.traits()?)));
        let Some((person, traits)) = known else {
            former.iter().for_each(|kept| writes.remove::<PersonKeyRow>(kept));
            return Ok(());
        };
        let contact = person.contact();
        let others = &person.merged.identifiants_alternatifs;
        let identifiers: Vec<String> = others.iter().map(|other| other.id_nat_ps.clone()).collect();
        self.index_with(writes, (number, &former), &traits, (&contact.mail, &contact.mobile), &identifiers)
    }
}
