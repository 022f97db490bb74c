//! The correspondence between ADELI and RPPS numbers (registration §8.4, §16.6, §16.7): files are loaded and taken back, and an ADELI number
//! leads to the person who had it.
//!
//! A number that is applied is a restricted fact of the owner `adeli` about the person, so that it is never public. Beside it stands a row
//! that says which load applied it, under the keyed hash of the number.

use crate::acting::CaseActor;
use crate::error::Error;
use crate::identity_key::PersonKeyRow;
use crate::limits::{ATTEMPTS, CANDIDATES_MAX, CORRESPONDENCE_LINES};
use crate::person::RegisteredPerson;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::service::{Registration, SystemActor, with_member};
use crate::statement;
use annuaire_base::fact::Fact;
use annuaire_mos::owner::{Owner, file_source};
use annuaire_mos::{IdentifiantAlternatif, Objet, Professionnel};
use annuaire_store::{Cause, Channel, Expect};
use annuaire_workflow::adeli::{CorrespondenceCode, CorrespondenceLine, HISTORIC, last_known};
use annuaire_workflow::duplicates::BlockingKey;
use annuaire_workflow::fields::check_adeli;
use annuaire_workflow::rpps_number::idnps;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Code of the owner of what is loaded.
const OWNER: &str = "adeli";
/// Origin of an ADELI number.
const ADELI: &str = "ADELI";

/// A load that applied something.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdeliLoadRow {
    pub(crate) number: String,
    /// Keyed hash of the lines: a load that was interrupted goes on under its number.
    pub(crate) digest: String,
    pub(crate) applied: u64,
    /// Day on which it began.
    pub(crate) on: String,
    /// Day on which it was taken back.
    pub(crate) undone_on: Option<String>,
}

/// An ADELI number that a load applied.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AdeliLinkRow {
    pub(crate) hash: String,
    pub(crate) person: String,
    pub(crate) load: String,
}

impl RegistrationRow for AdeliLoadRow {
    const KIND: &'static str = "adeli-load";

    fn key(&self) -> String {
        self.number.clone()
    }
}

impl RegistrationRow for AdeliLinkRow {
    const KIND: &'static str = "adeli-link";

    fn key(&self) -> String {
        self.hash.clone()
    }

    fn subject(&self) -> String {
        self.load.clone()
    }
}

/// What a load or its reversal did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CorrespondenceReport {
    /// Number of the load; `None` when nothing was applied.
    pub load: Option<String>,
    /// Lines `original_Id;target_Id;code` in national forms, without header.
    pub lines: Vec<String>,
    /// Lines `UPDATE;id` and `DELETE;id` for those who keep a copy by national identification, without repetition.
    pub events: BTreeSet<String>,
    /// How many lines got each code.
    pub codes: BTreeMap<CorrespondenceCode, u64>,
}

impl CorrespondenceReport {
    fn add(&mut self, line: String, code: CorrespondenceCode) {
        self.lines.push(line);
        *self.codes.entry(code).or_default() += 1;
    }
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: "fact", cause }
}

fn owner() -> Option<Owner> {
    file_source(OWNER).map(|file| file.owner())
}

/// The fact that loads wrote about a person, and what it says.
fn loaded(person: &RegisteredPerson) -> Result<Option<(&Fact, Professionnel)>, Error> {
    let Some(fact) = person.facts.iter().find(|fact| fact.key.owner == OWNER && fact.key.facet.is_empty()) else {
        return Ok(None);
    };
    match serde_json::from_str(&fact.payload).map_err(unreadable)? {
        Objet::Professionnel(stated) => Ok(Some((fact, stated))),
        _ => Ok(None),
    }
}

/// A person whom the lines of a unit concern.
struct Concerned {
    person: RegisteredPerson,
    /// Numbers that are added.
    added: Vec<String>,
}

impl Registration {
    fn adeli_hash(&self, national: &str) -> String {
        self.keys.blocking(&BlockingKey::Identifier(national.to_owned()))
    }

    /// National identifications of those to whom an ADELI number in national form leads, aliases as their survivors.
    async fn holders_of_adeli(&self, national: &str) -> Result<BTreeSet<String>, Error> {
        let prefix = format!("{}|", self.adeli_hash(national));
        let rows: Vec<VersionedRow<PersonKeyRow>> = beginning(self.registry(), &prefix, CANDIDATES_MAX).await?;
        let mut holders = BTreeSet::new();
        for row in rows {
            holders.insert(self.survivor_of(&row.value.person).await?);
        }
        Ok(holders)
    }

    async fn survivor_of(&self, national_id: &str) -> Result<String, Error> {
        let rpps = national_id.get(1..).unwrap_or_default();
        Ok(self.surviving_number(rpps).await?.map_or_else(|| national_id.to_owned(), |kept| idnps(&kept)))
    }

    /// The RPPS number to which an ADELI number leads, whatever file said it; `None` for a text that is no ADELI number, for a number that
    /// nobody had, and for one that leads to several persons. Cost: a page of rows.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn rpps_of_adeli(&self, typed: &str) -> Result<Option<String>, Error> {
        let Some(adeli) = check_adeli(typed).0 else { return Ok(None) };
        let mut holders = self.holders_of_adeli(&format!("0{adeli}")).await?.into_iter();
        let only = holders.next().filter(|_| holders.next().is_none());
        Ok(only.and_then(|holder| holder.strip_prefix('8').map(str::to_owned)))
    }

    /// Loads the lines of a correspondence file (A27): a line with an unknown RPPS number is reported, and the others are applied. A second
    /// load of the file applies what the first one did not. With `dry_run` nothing is written, and the report says what a load would do.
    ///
    /// Cost: for each line some point reads, and one transaction for [`CORRESPONDENCE_LINES`] lines.
    ///
    /// # Errors
    /// Those of the registry. Units that were written before stay.
    pub async fn load_correspondence(
        &self,
        _by: &SystemActor,
        lines: &[CorrespondenceLine],
        dry_run: bool,
    ) -> Result<CorrespondenceReport, Error> {
        let parts: Vec<&str> = lines.iter().flat_map(|line| [line.adeli.as_str(), line.rpps.as_str()]).collect();
        let digest = self.keys.hashed("correspondence", &parts);
        let loads: Vec<VersionedRow<AdeliLoadRow>> = beginning(self.registry(), "", usize::MAX).await?;
        let begun = loads.iter().find(|load| load.value.digest == digest && load.value.undone_on.is_none());
        let next = loads.last().and_then(|load| load.value.number.parse::<u64>().ok()).unwrap_or_default().saturating_add(1);
        let number = begun.map_or_else(|| format!("{next:06}"), |load| load.value.number.clone());
        let mut report = CorrespondenceReport::default();
        for chunk in lines.chunks(CORRESPONDENCE_LINES) {
            let mut attempts = 0..ATTEMPTS;
            loop {
                if attempts.next().is_none() {
                    return Err(Error::Contended { number });
                }
                let mut unit = CorrespondenceReport::default();
                let concerned = self.judge(chunk, &mut unit).await?;
                if !concerned.is_empty() && !dry_run {
                    let writes = self.load_writes(&concerned, &number, &digest).await?;
                    if !self.write(writes, &Cause::new(Channel::Operator, "operator", "adeli load")).await? {
                        continue;
                    }
                    report.load = Some(number.clone());
                }
                report.lines.append(&mut unit.lines);
                report.events.append(&mut unit.events);
                unit.codes.into_iter().for_each(|(code, count)| *report.codes.entry(code).or_default() += count);
                break;
            }
        }
        Ok(report)
    }

    /// Reports each line of a unit, and returns the persons who get a number. A person whose facts cannot be merged counts as unknown.
    async fn judge(&self, chunk: &[CorrespondenceLine], report: &mut CorrespondenceReport) -> Result<Vec<Concerned>, Error> {
        let mut survivors = Vec::with_capacity(chunk.len());
        for line in chunk {
            survivors.push(self.survivor_of(&line.target_id()).await?);
        }
        let numbers: BTreeSet<String> = survivors.iter().cloned().collect();
        let mut persons = self.readable_persons(&numbers.into_iter().collect::<Vec<_>>()).await?;
        persons.retain(|_, person| person.facts.iter().any(|fact| fact.key.owner != OWNER));
        let mut concerned: BTreeMap<String, Concerned> = BTreeMap::new();
        for (line, survivor) in chunk.iter().zip(&survivors) {
            let original = line.original_id();
            let code = match (line.verdict, persons.get(survivor)) {
                (Err(code), _) => code,
                (Ok(()), None) => CorrespondenceCode::TargetUnknown,
                (Ok(()), Some(person)) => self.code_of(&original, person).await?,
            };
            if let (CorrespondenceCode::Applied, Some(person)) = (code, persons.get(survivor)) {
                let of_person =
                    concerned.entry(survivor.clone()).or_insert_with(|| Concerned { person: person.clone(), added: Vec::new() });
                of_person.added.push(original.clone());
                report.events.insert(format!("DELETE;{original}"));
                report.events.insert(format!("UPDATE;{survivor}"));
            }
            report.add(line.reported(code), code);
        }
        Ok(concerned.into_values().collect())
    }

    async fn code_of(&self, original: &str, person: &RegisteredPerson) -> Result<CorrespondenceCode, Error> {
        if person.merged.identifiants_alternatifs.iter().any(|known| known.id_nat_ps == original) {
            return Ok(CorrespondenceCode::Known);
        }
        let link: Option<VersionedRow<AdeliLinkRow>> = read(self.registry(), &self.adeli_hash(original)).await?;
        let mut others = self.holders_of_adeli(original).await?;
        if let Some(link) = link {
            others.insert(self.survivor_of(&link.value.person).await?);
        }
        others.remove(&person.national_id);
        Ok(if others.is_empty() { CorrespondenceCode::Applied } else { CorrespondenceCode::Refused })
    }

    async fn load_writes(&self, concerned: &[Concerned], number: &str, digest: &str) -> Result<PendingWrites, Error> {
        let mut writes = PendingWrites::default();
        let mut applied = 0;
        for Concerned { person, added } in concerned {
            applied += added.len() as u64;
            self.state_numbers(&mut writes, person, added)?;
            let former = self.person_keys(&person.national_id).await?;
            for original in added {
                let hash = self.adeli_hash(original);
                if !former.iter().any(|key| key.value.hash == hash) {
                    writes.put(&PersonKeyRow { hash: hash.clone(), person: person.national_id.clone() }, None)?;
                }
                let known: Option<VersionedRow<AdeliLinkRow>> = read(self.registry(), &hash).await?;
                let link = AdeliLinkRow { hash, person: person.national_id.clone(), load: number.to_owned() };
                writes.put(&link, known.map(|known| known.version))?;
            }
            let mut event = CaseActor::system().event("adeli-charger", "");
            event.object.clone_from(&person.national_id);
            event.detail = with_member(&event.detail, "load", &json!(number));
            writes.audit(event);
        }
        let load: Option<VersionedRow<AdeliLoadRow>> = read(self.registry(), number).await?;
        let mut row = load.as_ref().map_or_else(
            || AdeliLoadRow {
                number: number.to_owned(),
                digest: digest.to_owned(),
                applied: 0,
                on: self.today().to_string(),
                undone_on: None,
            },
            |load| load.value.clone(),
        );
        if row.digest != digest {
            // Another file took the number in between.
            return Err(Error::Contended { number: format!("load {number}") });
        }
        row.applied += applied;
        writes.put(&row, load.map(|load| load.version))?;
        Ok(writes)
    }

    /// The fact about a person with some more numbers.
    fn state_numbers(&self, writes: &mut PendingWrites, person: &RegisteredPerson, added: &[String]) -> Result<(), Error> {
        let Some(owner) = owner() else { return Ok(()) };
        writes.owner(statement::owner_row(&owner).map_err(unreadable)?);
        let known = loaded(person)?;
        let expect = if known.is_some() { Expect::UnchangedSince(person.at) } else { Expect::Absent };
        let mut stated = known.map_or_else(
            || Professionnel {
                type_id_nat_pp: "8".to_owned(),
                id_pp: person.national_id.get(1..).unwrap_or_default().to_owned(),
                id_nat_ps: person.national_id.clone(),
                ..Default::default()
            },
            |(_, stated)| stated,
        );
        stated.identifiants_alternatifs.extend(added.iter().map(|original| IdentifiantAlternatif {
            id_nat_ps: original.clone(),
            origine: ADELI.to_owned(),
            statut: HISTORIC.to_owned(),
            ..Default::default()
        }));
        flag_last(&mut stated.identifiants_alternatifs, person);
        let object = Objet::Professionnel(stated);
        writes.change(statement::change(&owner, &person.national_id, &object, true).map_err(unreadable)?, expect);
        Ok(())
    }

    /// Takes back what a load applied: the numbers leave the facts of their persons and lead to nobody. `None` for a number that is no
    /// load. A second call finds nothing left and changes nothing.
    ///
    /// # Errors
    /// Those of the registry. Units that were written before stay.
    pub async fn undo_correspondence(&self, _by: &SystemActor, load: &str) -> Result<Option<CorrespondenceReport>, Error> {
        let known: Option<VersionedRow<AdeliLoadRow>> = read(self.registry(), load).await?;
        if known.is_none() {
            return Ok(None);
        }
        let mut report = CorrespondenceReport { load: Some(load.to_owned()), ..Default::default() };
        let mut lost = 0;
        loop {
            let links: Vec<VersionedRow<AdeliLinkRow>> = about(self.registry(), load).await?;
            let mut done = true;
            for chunk in links.chunks(CORRESPONDENCE_LINES) {
                let (writes, mut lines) = self.undo_writes(chunk, load).await?;
                if !self.write(writes, &Cause::new(Channel::Operator, "operator", "adeli undo")).await? {
                    done = false;
                    break;
                }
                for (original, person) in lines.drain(..) {
                    report.events.insert(format!("UPDATE;{original}"));
                    report.events.insert(format!("UPDATE;{person}"));
                    let code = CorrespondenceCode::Applied;
                    report.add(format!("{person};{original};{}", code.number()), code);
                }
            }
            if done && self.close_load(load).await? {
                return Ok(Some(report));
            }
            lost += 1;
            if lost >= ATTEMPTS {
                return Err(Error::Contended { number: format!("load {load}") });
            }
        }
    }

    async fn close_load(&self, load: &str) -> Result<bool, Error> {
        let row: Option<VersionedRow<AdeliLoadRow>> = read(self.registry(), load).await?;
        let Some(mut row) = row.filter(|row| row.value.undone_on.is_none()) else { return Ok(true) };
        row.value.undone_on = Some(self.today().to_string());
        let mut writes = PendingWrites::default();
        writes.put(&row.value, Some(row.version))?;
        self.write(writes, &Cause::new(Channel::Operator, "operator", "adeli undo")).await
    }

    /// What takes some numbers back, and the pairs of number and person that it concerns.
    async fn undo_writes(
        &self,
        links: &[VersionedRow<AdeliLinkRow>],
        load: &str,
    ) -> Result<(PendingWrites, Vec<(String, String)>), Error> {
        let mut writes = PendingWrites::default();
        let mut pairs = Vec::new();
        let mut of_person: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for link in links {
            writes.remove(link);
            of_person.entry(link.value.person.clone()).or_default().insert(&link.value.hash);
        }
        let persons = self.readable_persons(&of_person.keys().cloned().collect::<Vec<_>>()).await?;
        for (national_id, hashes) in of_person {
            // A key that another file gives too comes back as the log is followed.
            for key in self.person_keys(&national_id).await?.iter().filter(|key| hashes.contains(key.value.hash.as_str())) {
                writes.remove(key);
            }
            let Some(person) = persons.get(&national_id) else { continue };
            let (Some(owner), Some((fact, mut stated))) = (owner(), loaded(person)?) else { continue };
            let (gone, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut stated.identifiants_alternatifs)
                .into_iter()
                .partition(|number| hashes.contains(self.adeli_hash(&number.id_nat_ps).as_str()));
            pairs.extend(gone.into_iter().map(|number| (number.id_nat_ps, national_id.clone())));
            let is_empty = stay.is_empty();
            stated.identifiants_alternatifs = stay;
            flag_last(&mut stated.identifiants_alternatifs, person);
            let object = Objet::Professionnel(stated);
            let mut change = statement::change(&owner, &national_id, &object, true).map_err(unreadable)?;
            change.key.clone_from(&fact.key);
            if is_empty {
                change.payload = None;
            }
            writes.change(change, Expect::UnchangedSince(person.at));
            let mut event = CaseActor::system().event("adeli-annuler", "");
            event.object.clone_from(&national_id);
            event.detail = with_member(&event.detail, "load", &json!(load));
            writes.audit(event);
        }
        Ok((writes, pairs))
    }

    /// Every ADELI number that loads applied and that stands, with the RPPS number to which it leads; in the order of ADELI numbers, without
    /// type digits. Cost: all of them in memory, and the facts of their persons.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn correspondence_table(&self, _by: &SystemActor) -> Result<Vec<(String, String)>, Error> {
        let links: Vec<VersionedRow<AdeliLinkRow>> = beginning(self.registry(), "", usize::MAX).await?;
        let persons: BTreeSet<String> = links.into_iter().map(|link| link.value.person).collect();
        let mut pairs = Vec::new();
        for some in persons.into_iter().collect::<Vec<_>>().chunks(CORRESPONDENCE_LINES) {
            for (national_id, person) in self.readable_persons(some).await? {
                let survivor = self.survivor_of(&national_id).await?;
                let rpps = survivor.get(1..).unwrap_or_default();
                let numbers = loaded(&person)?.map(|(_, stated)| stated.identifiants_alternatifs).unwrap_or_default();
                let numbers = numbers.iter().filter_map(|number| number.id_nat_ps.strip_prefix('0'));
                pairs.extend(numbers.map(|adeli| (adeli.to_owned(), rpps.to_owned())));
            }
        }
        pairs.sort_unstable();
        Ok(pairs)
    }
}

/// Flags the last known of the numbers of a person, beside those that other owners state.
fn flag_last(numbers: &mut [IdentifiantAlternatif], person: &RegisteredPerson) {
    let is_new = |other: &&IdentifiantAlternatif| {
        other.origine == ADELI && other.statut != HISTORIC && numbers.iter().all(|number| number.id_nat_ps != other.id_nat_ps)
    };
    let others: Vec<String> =
        person.merged.identifiants_alternatifs.iter().filter(is_new).map(|other| other.date_fin.clone()).collect();
    let days: Vec<String> = numbers.iter().map(|number| number.date_fin.clone()).chain(others).collect();
    let last = last_known(&days.iter().map(String::as_str).collect::<Vec<_>>());
    for (position, number) in numbers.iter_mut().enumerate() {
        number.dernier_connu = last == Some(position);
    }
}
