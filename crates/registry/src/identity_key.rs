//! Rows by which an identity is found: keyed hashes, so that the database alone tells no trait (registration §8.1).

use crate::error::Error;
use crate::limits::CANDIDATES_MAX;
use crate::person::{self, RegisteredPerson};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::service::Registration;
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::Day;
use annuaire_workflow::duplicates::{
    BlockingKey, BlockingSource, IdentityTraits, blocking_keys, is_strict_match, name_and_birth_agree, score,
};
use annuaire_workflow::request::IdentityMatch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A person under a key of candidates.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonKeyRow {
    pub(crate) hash: String,
    pub(crate) person: String,
}

/// An open request about an unregistered identity: the row keeps a second one out (G-uniq).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenIdentityRow {
    pub(crate) hash: String,
    pub(crate) number: String,
}

/// The lock of the processing (§6.5), one for each day and sex of birth: whoever gives a number replaces it in the unit that gives it,
/// so that of two at once one begins again and finds the other's person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IdentityLockRow {
    pub(crate) hash: String,
    /// Request that was written last.
    pub(crate) number: String,
}

impl RegistrationRow for PersonKeyRow {
    const KIND: &'static str = "person-key";

    fn key(&self) -> String {
        format!("{}|{}", self.hash, self.person)
    }

    fn subject(&self) -> String {
        self.person.clone()
    }
}

impl RegistrationRow for OpenIdentityRow {
    const KIND: &'static str = "open-identity";

    fn key(&self) -> String {
        self.hash.clone()
    }
}

impl RegistrationRow for IdentityLockRow {
    const KIND: &'static str = "identity-lock";

    fn key(&self) -> String {
        self.hash.clone()
    }
}

/// The best candidate of a search, with the number of the person.
#[derive(Debug, Clone)]
pub(crate) struct FoundIdentity {
    pub(crate) person: RegisteredPerson,
    pub(crate) found: IdentityMatch,
}

/// What is compared with registered persons.
#[derive(Debug, Clone, Default)]
pub(crate) struct SoughtIdentity {
    pub(crate) traits: IdentityTraits,
    pub(crate) email: String,
    pub(crate) mobile: String,
    /// Whether FranceConnect vouches for it.
    pub(crate) certified: bool,
    /// Persons who were declared distinct.
    pub(crate) distinct: Vec<String>,
}

impl Registration {
    fn hashes(&self, traits: &IdentityTraits, email: &str, mobile: &str, identifiers: &[String]) -> BTreeSet<String> {
        let known = |text: &str| Some(text.to_lowercase()).into_iter().filter(|text| !text.is_empty()).collect();
        let source =
            BlockingSource { mail_hashes: known(email), mobile_hashes: known(mobile), identifiers: identifiers.to_vec() };
        blocking_keys(traits, &source).iter().map(|key| self.keys.blocking(key)).collect()
    }

    /// Writes the keys under which a person is found, in place of the former ones.
    pub(crate) fn index_person(
        &self,
        writes: &mut PendingWrites,
        national_id: &str,
        former: &[VersionedRow<PersonKeyRow>],
        traits: &IdentityTraits,
        (email, mobile): (&str, &str),
    ) -> Result<(), Error> {
        self.index_with(writes, (national_id, former), traits, (email, mobile), &[])
    }

    pub(crate) fn index_with(
        &self,
        writes: &mut PendingWrites,
        (national_id, former): (&str, &[VersionedRow<PersonKeyRow>]),
        traits: &IdentityTraits,
        (email, mobile): (&str, &str),
        identifiers: &[String],
    ) -> Result<(), Error> {
        let mut wanted = self.hashes(traits, email, mobile, identifiers);
        for kept in former {
            if !wanted.remove(&kept.value.hash) {
                writes.remove(kept);
            }
        }
        for hash in wanted {
            writes.put(&PersonKeyRow { hash, person: national_id.to_owned() }, None)?;
        }
        Ok(())
    }

    /// The keys of a person as they stand.
    pub(crate) async fn person_keys(&self, national_id: &str) -> Result<Vec<VersionedRow<PersonKeyRow>>, Error> {
        about(self.registry(), national_id).await
    }

    /// Registered persons who share a key with an identity.
    async fn candidates(&self, sought: &SoughtIdentity) -> Result<Vec<RegisteredPerson>, Error> {
        let mut numbers = BTreeSet::new();
        for hash in self.hashes(&sought.traits, &sought.email, &sought.mobile, &[]) {
            let rows: Vec<VersionedRow<PersonKeyRow>> = beginning(self.registry(), &format!("{hash}|"), CANDIDATES_MAX).await?;
            numbers.extend(rows.into_iter().map(|row| row.value.person));
        }
        numbers.retain(|number| !sought.distinct.contains(number));
        let numbers: Vec<String> = numbers.into_iter().collect();
        let mut all = Vec::new();
        for some in numbers.chunks(50) {
            all.extend(person::persons(self.registry(), some).await?);
        }
        Ok(all)
    }

    /// The person to whom the ADELI number of a candidate leads, and whether it leads somewhere (registration §8.4); the candidate otherwise.
    async fn led_by_adeli(&self, candidate: RegisteredPerson) -> Result<(RegisteredPerson, bool), Error> {
        let Some(adeli) = candidate.national_id.strip_prefix('0') else { return Ok((candidate, false)) };
        let Some(rpps) = self.rpps_of_adeli(adeli).await? else { return Ok((candidate, false)) };
        Ok(match self.person(&annuaire_workflow::rpps_number::idnps(&rpps)).await? {
            Some(person) => (person, true),
            None => (candidate, false),
        })
    }

    /// The best candidate for an identity (registration §8); `None` when nobody is alike. Cost: a page of rows for each key, and
    /// the facts of the candidates.
    pub(crate) async fn find_identity(&self, sought: &SoughtIdentity, today: Day) -> Result<Option<FoundIdentity>, Error> {
        let communes = CommuneIndex::embedded();
        let mut traits = sought.traits.clone();
        traits.contacts = [&sought.email, &sought.mobile].into_iter().filter(|c| !c.is_empty()).cloned().collect();
        let mut best: Option<FoundIdentity> = None;
        for person in self.candidates(sought).await? {
            let (person, is_led) = self.led_by_adeli(person).await?;
            if sought.distinct.contains(&person.national_id) {
                continue;
            }
            let Some(theirs) = person.traits() else { continue };
            let found = IdentityMatch {
                score: score(&traits, &theirs, communes).total,
                strict: is_strict_match(&traits, &theirs),
                one_side_certified: sought.certified || person.is_certified(),
                sanctioned: person.is_sanctioned(today),
                contact_verified: person.verified_contact().is_some(),
                adeli_agrees: is_led && name_and_birth_agree(&traits, &theirs),
                adeli_without_rpps: person.national_id.starts_with('0'),
                ..Default::default()
            };
            let rank = |found: &IdentityMatch| (found.strict, found.adeli_agrees, found.score);
            if best.as_ref().is_none_or(|known| rank(&found) > rank(&known.found)) {
                best = Some(FoundIdentity { person, found });
            }
        }
        Ok(best.filter(|best| best.found.score > 0))
    }

    /// Whether another registered person has an address or a mobile (W-CON-02).
    pub(crate) async fn contact_used(&self, email: &str, mobile: &str, by: Option<&str>) -> Result<(bool, bool), Error> {
        let mut used = [false, false];
        let keys = [(email, BlockingKey::Mail as fn(String) -> BlockingKey), (mobile, BlockingKey::Mobile)];
        for (used, (text, kind)) in used.iter_mut().zip(keys) {
            if text.is_empty() {
                continue;
            }
            let hash = self.keys.blocking(&kind(text.to_lowercase()));
            let rows: Vec<VersionedRow<PersonKeyRow>> = beginning(self.registry(), &format!("{hash}|"), CANDIDATES_MAX).await?;
            *used = rows.iter().any(|row| Some(row.value.person.as_str()) != by);
        }
        Ok((used[0], used[1]))
    }

    /// The open request about an identity, if there is one.
    pub(crate) async fn open_identity(&self, hash: &str) -> Result<Option<VersionedRow<OpenIdentityRow>>, Error> {
        read(self.registry(), hash).await
    }
}
