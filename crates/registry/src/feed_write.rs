//! One line of a feed of an authority becomes one transaction of the log: facts of the authority, what is known of the source, keys of
//! identity, and the audit event, all of it or nothing. A line that was done answers again what it answered.

use crate::error::Error;
use crate::feed::FeedSender;
use crate::feed_record::{AuthorityRecord, RecordFault};
use crate::feed_rows::{FeedAnswer, FeedBatchRow, FeedSourceRow, unreadable};
use crate::feed_stated::{OwnStatements, RecordRemark, SituationKeys};
use crate::followed::{CertificationRow, FollowedPersonRow};
use crate::identity_key::{IdentityLockRow, SoughtIdentity};
use crate::limits::{ATTEMPTS, TIMER_HOUR_MS};
use crate::merging::MergedPersonRow;
use crate::person::RegisteredPerson;
use crate::row::{PendingWrites, VersionedRow, read};
use crate::service::{Registration, with_member};
use crate::session::audit_event;
use crate::statement::owner_row;
use annuaire_mos::owner::{Facet, Owner};
use annuaire_store::Cause;
use annuaire_workflow::certification::CertificationState;
use annuaire_workflow::day::{paris_midnight, parse_iso, plus_days};
use annuaire_workflow::decide::is_certain;
use annuaire_workflow::duplicates::{BirthPlace, IdentityTraits, MatchClass, score};
use annuaire_workflow::feed::{KnownRecord, RecordCode, RecordOperation, RecordResult, RecordStanding, standing};
use annuaire_workflow::rpps_number::idnps;
use serde_json::json;
use std::collections::BTreeMap;

/// Whose line it is.
struct RecordSubject {
    /// The person as it stands; `None` for one who gets a number.
    person: Option<RegisteredPerson>,
    /// The number that was merged into that of the person, with what is known of it.
    alias: Option<RegisteredPerson>,
    /// The lock on day and sex of birth, for one who gets a number.
    lock: Option<(String, Option<VersionedRow<IdentityLockRow>>)>,
}

/// What is written of a line.
struct RecordWrite<'a> {
    batch: &'a FeedBatchRow,
    record: &'a AuthorityRecord,
    hash: String,
    fingerprint: String,
    known: Option<VersionedRow<FeedSourceRow>>,
}

/// A fault at a member of the line.
fn fault(code: RecordCode, field: &str) -> RecordFault {
    RecordFault { code, field: field.to_owned(), near: None }
}

/// The answer to a line that is rejected.
pub(crate) fn rejected(line: u32, source: Option<(String, u64)>, fault: &RecordFault) -> FeedAnswer {
    let (source_id, version) = source.unzip();
    FeedAnswer {
        line,
        source_id,
        version: version.filter(|version| *version > 0),
        result: RecordResult::Rejected.code().to_owned(),
        code: Some(fault.code.code().to_owned()),
        field: Some(fault.field.clone()).filter(|field| !field.is_empty()),
        near: fault.near.map(str::to_owned),
        message: Some(fault.code.label().to_owned()),
        rpps: None,
    }
}

fn accepted(line: u32, record: &AuthorityRecord, national_id: &str, remark: Option<(&str, &str)>) -> FeedAnswer {
    let code = remark.and_then(|(code, _)| RecordCode::ALL.iter().find(|known| known.code() == code));
    let result = if remark.is_some() { RecordResult::Warned } else { RecordResult::Accepted };
    FeedAnswer {
        line,
        source_id: Some(record.source.clone()),
        version: Some(record.version),
        result: result.code().to_owned(),
        code: remark.map(|(code, _)| code.to_owned()),
        field: remark.map(|(_, field)| field.to_owned()).filter(|field| !field.is_empty()),
        near: None,
        message: code.map(|code| code.label().to_owned()),
        rpps: national_id.get(1..).filter(|rpps| !rpps.is_empty()).map(str::to_owned),
    }
}

fn traits_of(record: &AuthorityRecord) -> Option<IdentityTraits> {
    let person = record.person.as_ref()?;
    let abroad = person.commune.is_empty();
    let mut other_names: Vec<String> = record.exercises.iter().map(|e| e.family.clone()).collect();
    other_names.retain(|name| !name.is_empty() && *name != person.family);
    Some(IdentityTraits {
        family_name: person.family.clone(),
        other_names,
        given_names: person.given.clone(),
        birth: parse_iso(&person.birth),
        place: BirthPlace {
            commune: person.commune.clone(),
            country: person.country.clone(),
            town: if abroad { person.place.clone() } else { String::new() },
        },
        sex: person.sex.clone(),
        contacts: Vec::new(),
    })
}

impl Registration {
    /// The keyed hash of a reference of an authority.
    pub(crate) fn feed_hash(&self, authority: &str, source: &str) -> String {
        self.keys.hashed("feed-source", &[authority, source])
    }

    /// The keyed hash of what a line says, whatever its version.
    pub(crate) fn feed_fingerprint(&self, record: &AuthorityRecord) -> Result<String, Error> {
        let text = serde_json::to_string(&AuthorityRecord { version: 0, ..record.clone() }).map_err(unreadable)?;
        Ok(self.keys.hashed("feed-content", &[&text]))
    }

    /// The stable key of a situation of an authority: 20 digits that follow from the references.
    fn feed_situation(&self, authority: &str, source: &str, situation: &str) -> String {
        let hash = self.keys.hashed("feed-situation", &[authority, source, situation]);
        let number = hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
        format!("{number:020}")
    }

    /// Structure and key of each situation of a line; a fault when a structure is unknown. Cost: the facts of the structures.
    async fn feed_situations(
        &self,
        authority: &str,
        record: &AuthorityRecord,
    ) -> Result<Result<SituationKeys, RecordFault>, Error> {
        let mut keys = BTreeMap::new();
        for (e, exercise) in record.exercises.iter().enumerate() {
            for (s, situation) in exercise.situations.iter().enumerate() {
                let mut structure = String::new();
                if !situation.structure.is_empty() {
                    let Some(place) = self.place_numbered(&situation.structure).await? else {
                        let field = format!("exercises[{e}].situations[{s}].structure");
                        return Ok(Err(fault(RecordCode::UnknownStructure, &field)));
                    };
                    structure = place.id;
                }
                let id = self.feed_situation(authority, &record.source, &situation.source);
                keys.insert(situation.source.clone(), (structure, id));
            }
        }
        Ok(Ok(keys))
    }

    /// Facets of practices and situations that a line names: what a full set does not leave out.
    pub(crate) fn named_parts(&self, authority: &str, record: &AuthorityRecord) -> Vec<String> {
        let mut parts = Vec::new();
        for exercise in &record.exercises {
            let practice = Facet::Practice { profession: exercise.profession.clone(), category: exercise.category.clone() };
            parts.push(practice.to_string());
            for situation in &exercise.situations {
                let id = self.feed_situation(authority, &record.source, &situation.source);
                parts.push(Facet::Situation { id }.to_string());
            }
        }
        parts
    }

    /// Applies a line; whoever loses a race reads and decides again. Cost: some point reads, the candidates of an identity without number,
    /// and one unit.
    pub(crate) async fn apply_record(
        &self,
        (by, batch): (&FeedSender, &FeedBatchRow),
        line: u32,
        record: &AuthorityRecord,
    ) -> Result<FeedAnswer, Error> {
        let authority = batch.authority.as_str();
        let hash = self.feed_hash(authority, &record.source);
        let fingerprint = self.feed_fingerprint(record)?;
        for _ in 0..ATTEMPTS {
            let key = FeedSourceRow::key_of(authority, &hash);
            let known: Option<VersionedRow<FeedSourceRow>> = read(self.registry(), &key).await?;
            let before =
                known.as_ref().map(|known| KnownRecord { version: known.value.version, fingerprint: &known.value.fingerprint });
            let state = standing(record.version, &fingerprint, before);
            if let Some(known) = &known {
                let without_effect = match state {
                    RecordStanding::Older => Some(Some((RecordCode::OlderVersion.code(), ""))),
                    RecordStanding::Contradicts => Some(Some((RecordCode::SameVersion.code(), "version"))),
                    // A page that is done again after a kill answers as the first time.
                    RecordStanding::Known if known.value.batch == batch.id => {
                        Some(known.value.remark.as_ref().map(|(code, field)| (code.as_str(), field.as_str())))
                    }
                    RecordStanding::Known => Some(None),
                    RecordStanding::Repeats | RecordStanding::Changes => None,
                };
                if let Some(remark) = without_effect {
                    return Ok(accepted(line, record, &known.value.person, remark));
                }
            }
            let write = RecordWrite { batch, record, hash: hash.clone(), fingerprint: fingerprint.clone(), known };
            match self.write_record(by, &write).await? {
                None => {}
                Some(Err(fault)) => {
                    return Ok(rejected(line, Some((record.source.clone(), record.version)), &fault));
                }
                Some(Ok((national_id, remark))) => {
                    let remark = remark.as_ref().map(|(code, field)| (code.code(), field.as_str()));
                    return Ok(accepted(line, record, &national_id, remark));
                }
            }
        }
        Err(Error::Contended { number: batch.id.clone() })
    }

    /// Writes a line that counts; `None` when somebody else wrote first.
    async fn write_record(
        &self,
        by: &FeedSender,
        write: &RecordWrite<'_>,
    ) -> Result<Option<Result<(String, Option<RecordRemark>), RecordFault>>, Error> {
        let (record, batch, today) = (write.record, write.batch, self.today());
        let Some(owner) = Owner::authority(&batch.authority) else {
            return Err(Error::UnknownWord { kind: "feed-batch", word: batch.authority.clone() });
        };
        let subject = match self.record_subject(write).await? {
            Ok(subject) => subject,
            Err(fault) => return Ok(Some(Err(fault))),
        };
        let keys = match self.feed_situations(&batch.authority, record).await? {
            Ok(keys) => keys,
            Err(fault) => return Ok(Some(Err(fault))),
        };
        let person = subject.person.as_ref();
        if record.operation == RecordOperation::Upsert && person.is_some_and(RegisteredPerson::is_deceased) {
            return Ok(Some(Err(fault(RecordCode::Deceased, ""))));
        }
        let mut writes = PendingWrites::default();
        let followed: Option<VersionedRow<FollowedPersonRow>> = match person {
            Some(person) => read(self.registry(), &person.national_id).await?,
            None => None,
        };
        let takeover = match &record.person {
            Some(_) => self.told_of_takeover(person, &owner.code).await?,
            None => None,
        };
        let mut unit = self.registry().begin().await?;
        let national_id = match person {
            Some(person) => person.national_id.clone(),
            None => idnps(&self.allot_rpps(&mut *unit, &mut writes).await?),
        };
        let mut stated = OwnStatements::of(&owner, &national_id, person.map_or(&[], |person| &person.facts))?;
        let mut remark = None;
        if let Some(alias) = &subject.alias {
            let mut under_alias = OwnStatements::of(&owner, &alias.national_id, &alias.facts)?;
            stated.take_over(OwnStatements::of(&owner, &alias.national_id, &alias.facts)?);
            under_alias.cancel();
            for (change, expect) in under_alias.changes(Some(alias), today)? {
                writes.change(change, expect);
            }
            remark = Some((RecordCode::Merged, "rpps".to_owned()));
        }
        match record.operation {
            RecordOperation::Upsert => {
                remark = stated.take(record, &keys, person, today).or(remark);
                if batch.full {
                    let named = self.named_parts(&batch.authority, record);
                    let left_out: Vec<String> = stated.parts(today).into_iter().filter(|part| !named.contains(part)).collect();
                    stated.leave_out(&left_out, today);
                }
            }
            RecordOperation::Close => {
                if let Some(until) = parse_iso(&record.until) {
                    stated.close(until, &record.reason);
                }
            }
            RecordOperation::Cancel => stated.cancel(),
        }
        writes.owner(owner_row(&owner).map_err(unreadable)?);
        for (change, expect) in stated.changes(person, today)? {
            writes.change(change, expect);
        }
        self.new_identity(&mut writes, write, &subject, &national_id)?;
        self.follow_record(&mut writes, &stated, &national_id, followed)?;
        let parts = stated.parts(today);
        let row = FeedSourceRow {
            authority: batch.authority.clone(),
            hash: write.hash.clone(),
            person: national_id.clone(),
            version: record.version,
            fingerprint: write.fingerprint.clone(),
            stands: !stated.is_empty() && record.operation == RecordOperation::Upsert,
            parts,
            batch: batch.id.clone(),
            remark: remark.as_ref().map(|(code, field)| (code.code().to_owned(), field.clone())),
        };
        writes.put(&row, write.known.as_ref().map(|known| known.version))?;
        let mut event = audit_event(by.kind(), &by.id, &by.trace, "flux-autorite", &national_id);
        for (name, value) in [("authority", &batch.authority), ("batch", &batch.id)] {
            event.detail = with_member(&event.detail, name, &json!(value));
        }
        event.detail = with_member(&event.detail, "operation", &json!(record.operation.code()));
        if takes_civil_status(record, person, &owner, remark.as_ref()) {
            let mut taken = event.clone();
            "inscription-flux-proprietaire".clone_into(&mut taken.event);
            writes.audit(taken);
            if let Some(people) = &takeover {
                self.tell_takeover(&mut writes, people, &owner.code)?;
            }
        }
        writes.audit(event);
        let commit_ms = &self.settings.commit_ms;
        let saved = writes.save(unit, &by.cause("flux"), &|| commit_ms()).await?;
        Ok(saved.then_some(Ok((national_id, remark))))
    }

    /// Whose line it is: by what is known of the source, by number, by identity (registration §8).
    async fn record_subject(&self, write: &RecordWrite<'_>) -> Result<Result<RecordSubject, RecordFault>, Error> {
        let record = write.record;
        let known = write.known.as_ref().map(|known| known.value.person.clone());
        let given = Some(record.rpps.as_str()).filter(|rpps| !rpps.is_empty()).map(idnps);
        let mut found = known.clone().or_else(|| given.clone());
        let (mut alias, mut kept) = (None, given);
        if let Some(number) = found.clone() {
            let merged: Option<VersionedRow<MergedPersonRow>> = read(self.registry(), &number).await?;
            if let Some(merged) = merged {
                alias = self.person(&number).await?;
                found = Some(merged.value.kept);
                kept = kept.map(|given| if given == number { found.clone().unwrap_or_default() } else { given });
            }
        }
        if known.is_some() && kept.is_some() && kept != found {
            return Ok(Err(fault(RecordCode::OtherPerson, "rpps")));
        }
        if let Some(number) = found {
            let Some(person) = self.person(&number).await? else {
                // What was cancelled comes back under its number; nobody else has it.
                if known.is_some() && record.operation == RecordOperation::Upsert {
                    let person = RegisteredPerson::nobody(&number, self.registry().last_tx().await?);
                    return Ok(Ok(RecordSubject { person: Some(person), alias, lock: None }));
                }
                let code = if known.is_some() { RecordCode::UnknownSource } else { RecordCode::UnknownRpps };
                return Ok(Err(fault(code, if known.is_some() { "sourceId" } else { "rpps" })));
            };
            let theirs = person.traits().filter(|_| known.is_none());
            if let Some((mine, theirs)) = traits_of(record).zip(theirs) {
                let communes = annuaire_workflow::communes::CommuneIndex::embedded();
                if MatchClass::of(score(&mine, &theirs, communes).total) == MatchClass::None {
                    return Ok(Err(fault(RecordCode::OtherIdentity, "person")));
                }
            }
            if known.is_none() && record.operation != RecordOperation::Upsert {
                return Ok(Err(fault(RecordCode::UnknownSource, "sourceId")));
            }
            return Ok(Ok(RecordSubject { person: Some(person), alias, lock: None }));
        }
        if record.operation != RecordOperation::Upsert {
            return Ok(Err(fault(RecordCode::UnknownSource, "sourceId")));
        }
        let (Some(person), Some(traits)) = (&record.person, traits_of(record)) else {
            return Ok(Err(fault(RecordCode::MissingMember, "person")));
        };
        if record.exercises.is_empty() {
            return Ok(Err(fault(RecordCode::MissingMember, "exercises")));
        }
        // Read before the search: who wrote after this read makes this line lose and search again.
        let hash = self.keys.hashed("lock", &[&person.birth, &person.sex]);
        let lock = Some((hash.clone(), read(self.registry(), &hash).await?));
        let sought = SoughtIdentity { traits, ..Default::default() };
        let found = self.find_identity(&sought, self.today()).await?;
        match found {
            Some(found) if is_certain(&found.found) => {
                Ok(Ok(RecordSubject { person: Some(found.person), alias: None, lock: None }))
            }
            Some(found) if matches!(MatchClass::of(found.found.score), MatchClass::Certain | MatchClass::Probable) => {
                Ok(Err(fault(RecordCode::ProbableIdentity, "person")))
            }
            _ => Ok(Ok(RecordSubject { person: None, alias: None, lock })),
        }
    }

    /// Lock, keys and certification of somebody who gets a number.
    fn new_identity(
        &self,
        writes: &mut PendingWrites,
        write: &RecordWrite<'_>,
        subject: &RecordSubject,
        national_id: &str,
    ) -> Result<(), Error> {
        let Some((hash, lock)) = &subject.lock else { return Ok(()) };
        let row = IdentityLockRow { hash: hash.clone(), number: write.batch.id.clone() };
        writes.put(&row, lock.as_ref().map(|lock| lock.version))?;
        if let Some(traits) = traits_of(write.record) {
            let contact = write.record.contact.as_ref();
            let reached = contact.map_or(("", ""), |contact| (contact.mail.as_str(), contact.mobile.as_str()));
            self.index_person(writes, national_id, &[], &traits, reached)?;
        }
        writes.put(
            &CertificationRow::first(national_id, CertificationState::Asked.code(), &write.batch.authority, self.today()),
            None,
        )
    }

    /// The person is looked at on the next day on which something begins or is over.
    fn follow_record(
        &self,
        writes: &mut PendingWrites,
        stated: &OwnStatements,
        national_id: &str,
        followed: Option<VersionedRow<FollowedPersonRow>>,
    ) -> Result<(), Error> {
        let next = stated.next_day(self.today()).map(|day| paris_midnight(day).saturating_add(TIMER_HOUR_MS));
        let Some(next) = next else { return Ok(()) };
        let due = followed.as_ref().and_then(|row| row.value.due_ms);
        if due.is_some_and(|due| due <= next) {
            return Ok(());
        }
        let told = followed.as_ref().map(|row| row.value.told.clone()).unwrap_or_default();
        let row = FollowedPersonRow { person: national_id.to_owned(), due_ms: Some(next), told };
        writes.put(&row, followed.map(|row| row.version))
    }

    /// Ends what an authority states of a person whom a full set leaves out; false when nothing stood.
    pub(crate) async fn leave_person_out(&self, by: &FeedSender, batch: &FeedBatchRow, hash: &str) -> Result<bool, Error> {
        let today = self.today();
        let Some(owner) = Owner::authority(&batch.authority) else { return Ok(false) };
        for _ in 0..ATTEMPTS {
            let key = FeedSourceRow::key_of(&batch.authority, hash);
            let known: Option<VersionedRow<FeedSourceRow>> = read(self.registry(), &key).await?;
            let Some(known) = known.filter(|known| known.value.stands) else { return Ok(false) };
            let mut writes = PendingWrites::default();
            let national_id = known.value.person.clone();
            if let Some(person) = self.person(&national_id).await? {
                let mut stated = OwnStatements::of(&owner, &national_id, &person.facts)?;
                stated.close(plus_days(today, -1), "");
                for (change, expect) in stated.changes(Some(&person), today)? {
                    writes.change(change, expect);
                }
            }
            // The version that was left out counts again when a later set brings it back.
            let row = FeedSourceRow {
                stands: false,
                parts: Vec::new(),
                version: known.value.version.saturating_sub(1),
                fingerprint: String::new(),
                batch: batch.id.clone(),
                ..known.value.clone()
            };
            writes.put(&row, Some(known.version))?;
            let mut event = audit_event(by.kind(), &by.id, &by.trace, "flux-autorite", &national_id);
            for (name, value) in [("authority", batch.authority.as_str()), ("batch", &batch.id), ("operation", "absence")] {
                event.detail = with_member(&event.detail, name, &json!(value));
            }
            writes.audit(event);
            if self.write(writes, &by.cause("flux")).await? {
                return Ok(true);
            }
        }
        Err(Error::Contended { number: batch.id.clone() })
    }
}

/// Whether an authority becomes the owner of a civil status that another one stated (registration §2.3).
fn takes_civil_status(
    record: &AuthorityRecord,
    person: Option<&RegisteredPerson>,
    owner: &Owner,
    remark: Option<&RecordRemark>,
) -> bool {
    let kept = remark.is_some_and(|(code, field)| *code == RecordCode::OwnedByOther && field == "person");
    let facet = Facet::CivilStatus.to_string();
    let Some(person) = person.filter(|_| record.person.is_some() && !kept) else { return false };
    let states = |code: &str| person.facts.iter().any(|fact| fact.key.owner == code && fact.key.facet == facet);
    !states(&owner.code) && person.facts.iter().any(|fact| fact.key.facet == facet)
}

impl FeedSender {
    /// The cause of what a batch writes.
    pub(crate) fn cause(&self, reason: &str) -> Cause {
        Cause { authority: Some(self.code.clone()), ..Cause::new(self.channel, &self.id, reason) }
    }
}
