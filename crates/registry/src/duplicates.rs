//! The nightly search for persons with two numbers (registration §8.7): pairs that are alike and that nobody arbitrated wait for an arbiter, who
//! declares them distinct for ever or merges them.

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationStop};
use crate::followed::DistinctPairRow;
use crate::identity_key::PersonKeyRow;
use crate::limits::{DUPLICATE_GROUP_MAX, LIST_PAGE_MAX, PAGE};
use crate::person::{RegisteredPerson, persons_or_faults};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::second_look_row::IdentityDecision;
use crate::service::{Registration, SystemActor, refusal, typed_reason, with_member};
use crate::session::ArbiterSession;
use annuaire_mos::EtatCivil;
use annuaire_store::{Cause, Channel};
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::duplicates::{IdentityTraits, MatchClass, Score, score};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::rpps_number::idnps;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// Two registered persons who are alike and whom nobody arbitrated.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DuplicatePairRow {
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) score: u8,
    pub(crate) found_ms: i64,
}

impl RegistrationRow for DuplicatePairRow {
    const KIND: &'static str = "duplicate-pair";

    fn key(&self) -> String {
        pair_key(&self.first, &self.second)
    }

    fn subject(&self) -> String {
        self.first.clone()
    }
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DuplicatesRun {
    /// Pairs that were compared; a pair with several keys counts once for each.
    pub compared: u64,
    /// Pairs that wait for an arbiter since this run.
    pub found: u64,
    /// Persons whose facts cannot be merged, once for each key that they share: they are compared with nobody.
    pub faulty: u64,
    /// Keys that too many persons share.
    pub skipped: u64,
}

/// A pair that waits for an arbiter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicatePair {
    /// RPPS number.
    pub first: String,
    /// RPPS number.
    pub second: String,
    /// How alike they were when the pair was found, of 100.
    pub score: u8,
    /// When it was found, milliseconds since 1970 UTC.
    pub since_ms: i64,
}

/// A pair with what an arbiter compares.
#[derive(Debug, Clone)]
pub struct DuplicateSheet {
    /// Civil status of the first.
    pub first: EtatCivil,
    /// Civil status of the second.
    pub second: EtatCivil,
    /// How alike they are today, trait by trait.
    pub score: Score,
    /// RPPS number of the one who stays when they are merged: the oldest active one.
    pub survivor: String,
}

/// The key of a pair, whatever the order of the two.
pub(crate) fn pair_key(one: &str, other: &str) -> String {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    format!("{first}|{second}")
}

fn is_alike(score: u8) -> bool {
    matches!(MatchClass::of(score), MatchClass::Certain | MatchClass::Probable)
}

/// The note of the last night whose search is done.
const NIGHT: (&str, &str) = ("registration", "duplicates");

impl Registration {
    /// [`run_duplicates`](Self::run_duplicates), once for each night, which begins at 3:00 in Paris (registration §13); `None` when that of
    /// this night is done. A note keeps the night, so that a program that stood still at 3:00 does it when it starts. To be called every
    /// minute or so; several nodes may do it at once: pairs are noted once all the same.
    ///
    /// # Errors
    /// Those of the registry; the night is not done then.
    pub async fn run_nightly_duplicates(&self, by: &SystemActor) -> Result<Option<DuplicatesRun>, Error> {
        let night = self.today().to_string();
        if self.registry().note(NIGHT.0, NIGHT.1).await?.is_some_and(|done| done >= night) {
            return Ok(None);
        }
        let run = self.run_duplicates(by).await?;
        let mut writes = PendingWrites::default();
        writes.note(NIGHT.0, NIGHT.1, night);
        self.write(writes, &Cause::new(Channel::System, "system", "duplicates")).await?;
        Ok(Some(run))
    }

    /// Compares all registered persons who share a key of identity; call it once a night. Cost: a walk over the keys, and for each key that
    /// several persons share their facts and a comparison for each pair.
    ///
    /// # Errors
    /// Those of the registry. What was found before stands.
    pub async fn run_duplicates(&self, _by: &SystemActor) -> Result<DuplicatesRun, Error> {
        let mut run = DuplicatesRun::default();
        let (mut hash, mut group) = (String::new(), BTreeSet::new());
        let mut after = String::new();
        loop {
            let page = self.registry().identity_rows(PersonKeyRow::KIND, None, &after, PAGE).await?;
            for row in &page {
                let kept: VersionedRow<PersonKeyRow> = VersionedRow::of(row)?;
                if kept.value.hash != hash {
                    self.compare(&std::mem::take(&mut group), &mut run).await?;
                    hash = kept.value.hash;
                }
                // One more than is compared tells that there are too many.
                if group.len() <= DUPLICATE_GROUP_MAX {
                    group.insert(kept.value.person);
                }
            }
            match page.into_iter().last() {
                Some(last) => after = last.key,
                None => break,
            }
        }
        self.compare(&group, &mut run).await?;
        Ok(run)
    }

    async fn compare(&self, group: &BTreeSet<String>, run: &mut DuplicatesRun) -> Result<(), Error> {
        if group.len() < 2 {
            return Ok(());
        }
        if group.len() > DUPLICATE_GROUP_MAX {
            run.skipped += 1;
            return Ok(());
        }
        let numbers: Vec<String> = group.iter().cloned().collect();
        let mut known: Vec<(String, IdentityTraits)> = Vec::new();
        for some in numbers.chunks(50) {
            for person in persons_or_faults(self.registry(), some).await? {
                match person {
                    Ok(person) => known.extend(person.traits().map(|traits| (person.national_id.clone(), traits))),
                    Err(_) => run.faulty += 1,
                }
            }
        }
        for (n, (one, traits)) in known.iter().enumerate() {
            for (other, theirs) in known.iter().skip(n + 1) {
                run.compared += 1;
                let total = score(traits, theirs, CommuneIndex::embedded()).total;
                if is_alike(total) && self.note_pair(one, other, total).await? {
                    run.found += 1;
                }
            }
        }
        Ok(())
    }

    /// Lets a pair wait for an arbiter; false when it waits already, or was declared distinct.
    async fn note_pair(&self, one: &str, other: &str, score: u8) -> Result<bool, Error> {
        let key = pair_key(one, other);
        let distinct: Option<VersionedRow<DistinctPairRow>> = read(self.registry(), &key).await?;
        let waits: Option<VersionedRow<DuplicatePairRow>> = read(self.registry(), &key).await?;
        if distinct.is_some() || waits.is_some() {
            return Ok(false);
        }
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        let row = DuplicatePairRow { first: first.to_owned(), second: second.to_owned(), score, found_ms: self.now_ms() };
        let mut writes = PendingWrites::default();
        writes.put(&row, None)?;
        // Another node that runs at once found it too.
        self.write(writes, &Cause::new(Channel::System, "system", "duplicates")).await
    }

    /// Pairs that wait for an arbiter after a key of the former page (the numbers of its last pair), by number.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn duplicate_pairs(
        &self,
        _by: &ArbiterSession,
        after: Option<&DuplicatePair>,
    ) -> Result<Vec<DuplicatePair>, Error> {
        let after = after.map(|pair| pair_key(&idnps(&pair.first), &idnps(&pair.second))).unwrap_or_default();
        let mut all = Vec::new();
        for row in self.registry().identity_rows(DuplicatePairRow::KIND, None, &after, LIST_PAGE_MAX).await? {
            let row: VersionedRow<DuplicatePairRow> = VersionedRow::of(&row)?;
            let rpps = |id: &str| id.get(1..).unwrap_or_default().to_owned();
            all.push(DuplicatePair {
                first: rpps(&row.value.first),
                second: rpps(&row.value.second),
                score: row.value.score,
                since_ms: row.value.found_ms,
            });
        }
        Ok(all)
    }

    /// Two registered persons side by side. The read of both files is audited with its purpose.
    ///
    /// # Errors
    /// E-RPPS-01 for a number that nobody has, or a person without civil status; the errors of the registry.
    pub async fn duplicate_sheet(
        &self,
        by: &ArbiterSession,
        first: &str,
        second: &str,
    ) -> Result<DuplicateSheet, RegistrationStop> {
        let actor = CaseActor::arbiter(by);
        let (one, other) = self.pair(&actor, "lire-fiche", first, second).await?;
        for person in [&one, &other] {
            self.audit(person_event(&actor, "lire-fiche", &person.national_id)).await?;
        }
        let (Some(ours), Some(theirs)) = (one.traits(), other.traits()) else {
            let event = person_event(&actor, "lire-fiche", &one.national_id);
            return self.refused(event, refusal(MessageCode::ERpps01)).await;
        };
        let survivor = self.surviving(&one, &other).await?;
        Ok(DuplicateSheet {
            score: score(&ours, &theirs, CommuneIndex::embedded()),
            survivor: survivor.unwrap_or_default(),
            first: one.merged.etat_civil.unwrap_or_default(),
            second: other.merged.etat_civil.unwrap_or_default(),
        })
    }

    /// Two different registered persons, by number.
    pub(crate) async fn pair(
        &self,
        actor: &CaseActor,
        name: &str,
        one: &str,
        other: &str,
    ) -> Result<(RegisteredPerson, RegisteredPerson), RegistrationStop> {
        let (one, other) = (idnps(one.trim()), idnps(other.trim()));
        let both = (self.person(&one).await?, self.person(&other).await?);
        match both {
            (Some(first), Some(second)) if one != other => Ok((first, second)),
            _ => self.refused(person_event(actor, name, &one), refusal(MessageCode::ERpps01)).await,
        }
    }

    /// « Personnes distinctes » for two registered persons: the pair is kept for ever and proposed no more.
    ///
    /// # Errors
    /// E-GEN-03 for the reason, E-RPPS-01 for a number that nobody has; the errors of the registry.
    pub async fn declare_distinct(
        &self,
        by: &ArbiterSession,
        first: &str,
        second: &str,
        reason: &str,
    ) -> Result<(), RegistrationStop> {
        let actor = CaseActor::arbiter(by);
        let (one, other) = self.pair(&actor, "distinguer", first, second).await?;
        let mut event = person_event(&actor, "distinguer", &one.national_id);
        let reason = match typed_reason(reason) {
            Ok(reason) => reason,
            Err(refused) => return self.refused(event, refused).await,
        };
        let key = pair_key(&one.national_id, &other.national_id);
        let known: Option<VersionedRow<DistinctPairRow>> = read(self.registry(), &key).await?;
        let waits: Option<VersionedRow<DuplicatePairRow>> = read(self.registry(), &key).await?;
        event.detail = with_member(&event.detail, "reason", &json!(reason));
        event.detail = with_member(&event.detail, "other", &json!(other.national_id));
        let mut writes = PendingWrites::default();
        if known.is_none() {
            writes.put(&DistinctPairRow::of(&one.national_id, &other.national_id, ""), None)?;
        }
        if let Some(waits) = &waits {
            writes.remove(waits);
        }
        self.draw_pair(&mut writes, by, (&one, &other), IdentityDecision::Distinct)?;
        writes.audit(event);
        self.written_once(writes, &actor, &key).await
    }
}
