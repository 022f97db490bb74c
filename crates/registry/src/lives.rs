//! Situations and persons as days pass (registration §10): planned situations begin, planned ends are told and come, exercises close, and
//! a death ends everything. Each person is one transaction.

use crate::acting::CaseActor;
use crate::due::DueRun;
use crate::error::{Error, RegistrationStop};
use crate::feed_stated::{OwnStatements, authorities_of};
use crate::followed::{CertificationRow, FRAUD_ALERT, FollowedPersonRow, WithheldMeansRow};
use crate::grants::{ManagerRow, PlaceManagers};
use crate::limits::{PAGE, TIMER_HOUR_MS};
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::{RegisteredPerson, persons};
use crate::place::RegisteredPlace;
use crate::reviewing::ReviewedSituation;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, read};
use crate::service::{Registration, SystemActor};
use crate::statement::BY_ROLE;
use annuaire_base::fact::{Fact, Publication};
use annuaire_mos::owner::Facet;
use annuaire_mos::{Objet, SituationEnregistree};
use annuaire_store::{CaseFilter, CaseOrder, Cause, Change, Channel, Expect, Registry};
use annuaire_workflow::day::{Day, french, paris_midnight, parse_iso, plus_days, plus_months};
use annuaire_workflow::fields::END_BY_DEATH;
use annuaire_workflow::habilitation::HabilitationState;
use annuaire_workflow::limits::{END_NOTICE_DAYS, EXERCISE_CLOSED_MONTHS};
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::person::{ends_with_death, exercise_is_closed};
use annuaire_workflow::request::RequestEvent;
use annuaire_workflow::situation::{SituationLife, SituationState};
use annuaire_workflow::state::RequestState;

/// Owners of facts that local authorities state.
const LOCAL: &str = "ENREG:";

/// Why means are withheld after a death.
pub(crate) const DECEASED: &str = "décès";

/// A situation that a local authority states.
struct LocalSituation<'a> {
    fact: &'a Fact,
    stated: SituationEnregistree,
    life: SituationLife,
}

impl LocalSituation<'_> {
    fn reviewed(&self, today: Day) -> ReviewedSituation<'_> {
        ReviewedSituation {
            id: &self.stated.situation.id_situation_exercice,
            structure: &self.stated.situation.structure,
            text: &self.fact.payload,
            from: self.life.from,
            state: self.life.state(today),
        }
    }
}

fn own_situations(person: &RegisteredPerson) -> Result<Vec<LocalSituation<'_>>, Error> {
    let mut all = Vec::new();
    for fact in person.facts.iter().filter(|fact| fact.key.owner.starts_with(LOCAL)) {
        let Ok(Facet::Situation { .. }) = fact.key.facet.parse() else { continue };
        let unreadable = |cause| Error::Unreadable { kind: "fact", cause };
        let Objet::Situation(stated) = serde_json::from_str(&fact.payload).map_err(unreadable)? else { continue };
        let life = SituationLife {
            from: parse_iso(&stated.situation.date_debut).unwrap_or(Day::MIN),
            until: parse_iso(&stated.situation.date_fin),
            cancelled: false,
            structure_closed: None,
        };
        all.push(LocalSituation { fact, stated, life });
    }
    Ok(all)
}

/// A new version of a fact that was read.
fn again(person: &RegisteredPerson, fact: &Fact, object: &Objet, publication: Publication) -> Result<(Change, Expect), Error> {
    let payload = serde_json::to_string(object).map_err(|cause| Error::Unreadable { kind: "fact", cause })?;
    let change = Change { key: fact.key.clone(), payload: Some(payload), publication, fingerprint: 0 };
    Ok((change, Expect::UnchangedSince(person.at)))
}

/// A fact with another mark of publication.
fn marked(person: &RegisteredPerson, fact: &Fact, publication: Publication) -> (Change, Expect) {
    let change = Change { key: fact.key.clone(), payload: Some(fact.payload.clone()), publication, fingerprint: 0 };
    (change, Expect::UnchangedSince(person.at))
}

/// The next day on which something happens to a situation.
fn next_day(life: &SituationLife, today: Day) -> Option<Day> {
    let ends = life
        .until
        .into_iter()
        .flat_map(|until| END_NOTICE_DAYS.iter().map(move |days| plus_days(until, -days)).chain([plus_days(until, 1)]));
    let closes = life.until.map(|until| plus_days(plus_months(until, EXERCISE_CLOSED_MONTHS), 1));
    ends.chain(closes).chain([life.from]).filter(|day| *day > today).min()
}

impl Registration {
    /// Looks at the registered persons who are due.
    pub(crate) async fn run_persons(&self, _by: &SystemActor, run: &mut DueRun) -> Result<(), Error> {
        let now_ms = self.now_ms();
        loop {
            let rows = self.registry().identity_rows_due(FollowedPersonRow::KIND, now_ms, PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let kept: VersionedRow<FollowedPersonRow> = VersionedRow::of(row)?;
                let (written, happened) = self.person_due(&kept).await?;
                moved |= written;
                run.persons += u64::from(written && happened);
            }
            if !moved || rows.len() < PAGE as usize {
                return Ok(());
            }
        }
    }

    /// Whether the row was written, and whether something happened to the person.
    async fn person_due(&self, kept: &VersionedRow<FollowedPersonRow>) -> Result<(bool, bool), Error> {
        let today = self.today();
        let mut row = kept.value.clone();
        let mut writes = PendingWrites::default();
        let mut happened = false;
        let mut next = None;
        let mut left = Vec::new();
        if let Some(person) = self.person(&row.person).await?.filter(|person| !person.is_deceased()) {
            let all = own_situations(&person)?;
            for own in &all {
                next = [next, next_day(&own.life, today)].into_iter().flatten().min();
                let state = own.life.state(today);
                let shown = if state.is_public() { Publication::Open } else { Publication::Restricted };
                if own.fact.publication != shown {
                    let (change, expect) = marked(&person, own.fact, shown);
                    writes.change(change, expect);
                    happened = true;
                    if state == SituationState::Active {
                        self.show_person(&mut writes, &person, &own.fact.key.owner);
                    } else if state == SituationState::Ended {
                        left.push(own.stated.situation.structure.clone());
                        self.tell_situation(&mut writes, &person, own, NoticeId::N16).await?;
                    }
                }
                if let Some(days) = own.life.end_notice(today) {
                    let mark = (own.stated.situation.id_situation_exercice.clone(), own.stated.situation.date_fin.clone(), days);
                    if !row.told.contains(&mark) {
                        row.told.push(mark);
                        happened = true;
                        self.tell_situation(&mut writes, &person, own, NoticeId::N19).await?;
                    }
                }
            }
            let stated: Vec<ReviewedSituation<'_>> = all.iter().map(|own| own.reviewed(today)).collect();
            self.keep_reviews(&mut writes, &person.national_id, &stated).await?;
            let days: Vec<Option<Day>> = all.iter().map(|own| own.life.until).collect();
            if exercise_is_closed(&days, today) {
                happened |= self.close_exercise(&mut writes, &person, days.into_iter().flatten().max())?;
            }
            // What orders and agencies state follows its days alone: whom they tell, and when, is theirs.
            for owner in authorities_of(&person) {
                let stated = OwnStatements::of(&owner, &person.national_id, &person.facts)?;
                next = [next, stated.next_day(today)].into_iter().flatten().min();
                for (change, expect) in stated.changes(Some(&person), today)? {
                    happened = true;
                    writes.change(change, expect);
                }
            }
        }
        row.due_ms = next.map(|day| paris_midnight(day).saturating_add(TIMER_HOUR_MS));
        writes.put(&row, Some(kept.version))?;
        if happened {
            writes.audit(CaseActor::system().event("situations", &row.person));
        }
        let cause = Cause::new(Channel::System, "system", "situations");
        let written = self.write(writes, &cause).await?;
        if written {
            for structure in left {
                self.leave_habilitation(&row.person, &structure).await?;
            }
        }
        Ok((written, happened))
    }

    /// The person and the practice that an authority states become public with the first situation that begins.
    fn show_person(&self, writes: &mut PendingWrites, person: &RegisteredPerson, owner: &str) {
        for fact in person.facts.iter().filter(|fact| fact.key.owner == owner && fact.publication == Publication::Restricted) {
            if matches!(fact.key.facet.parse(), Ok(Facet::Whole | Facet::Practice { .. })) {
                let (change, expect) = marked(person, fact, Publication::Open);
                writes.change(change, expect);
            }
        }
    }

    /// The exercise by role ends twelve months after its last situation (registration §10.2).
    fn close_exercise(&self, writes: &mut PendingWrites, person: &RegisteredPerson, last: Option<Day>) -> Result<bool, Error> {
        let mut closed = false;
        for fact in person.facts.iter().filter(|fact| fact.key.owner.starts_with(LOCAL)) {
            let Ok(Facet::Practice { profession, .. }) = fact.key.facet.parse() else { continue };
            if profession != BY_ROLE || fact.publication == Publication::Restricted {
                continue;
            }
            let unreadable = |cause| Error::Unreadable { kind: "fact", cause };
            let Objet::Exercice(mut stated) = serde_json::from_str(&fact.payload).map_err(unreadable)? else { continue };
            stated.exercice.date_fin_effet_exercice = last.map(|day| day.to_string()).unwrap_or_default();
            let (change, expect) = again(person, fact, &Objet::Exercice(stated), Publication::Restricted)?;
            writes.change(change, expect);
            closed = true;
        }
        Ok(closed)
    }

    async fn tell_situation(
        &self,
        writes: &mut PendingWrites,
        person: &RegisteredPerson,
        own: &LocalSituation<'_>,
        notice: NoticeId,
    ) -> Result<(), Error> {
        let place = self.place(&own.stated.situation.structure).await?;
        let managers = match &place {
            Some(place) => PlaceManagers::of(self.registry(), place, self.today()).await?.all(),
            None => Vec::new(),
        };
        let name = place.as_ref().map(|place| place.name.clone()).unwrap_or_default();
        let mut people = NoticePeople::default();
        let managers = persons(self.registry(), &managers).await?;
        people.set(NoticeAudience::Managers, managers.iter().map(Into::into).collect());
        people.set(NoticeAudience::Professional, vec![person.into()]);
        let end = own.life.until.map(french).unwrap_or_default();
        let mut values = NoticeValues::of("");
        values.set("structure", &name);
        values.set("date", &end);
        values.set("contact", place.as_ref().map_or("", |place: &RegisteredPlace| place.mail.as_str()));
        let role = own.stated.situation.genre_activite.as_str();
        let list = annuaire_workflow::value_sets::ValueList::Role;
        values.set("avant", self.values().label(list, role).unwrap_or_default());
        values.set("apres", &format!("fin d'activité le {end}"));
        self.notify(writes, notice, &people, &values, self.now_ms())
    }

    /// Who leaves a structure manages it no longer (registration §2.4).
    async fn leave_habilitation(&self, person: &str, structure: &str) -> Result<(), Error> {
        let Some(place) = self.place(structure).await? else { return Ok(()) };
        let target = crate::target::text_of(&place.target());
        for mut kept in about::<ManagerRow>(self.registry(), person).await? {
            if kept.value.target != target || kept.value.state()? != HabilitationState::Active {
                continue;
            }
            HabilitationState::Revoked.key().clone_into(&mut kept.value.state);
            kept.value.ended_on = Some(self.today().to_string());
            let mut writes = PendingWrites::default();
            writes.put(&kept.value, Some(kept.version))?;
            writes.audit(CaseActor::system().event("depart-gestionnaire", &format!("{target}|{person}")));
            if self.write(writes, &Cause::new(Channel::System, "system", "habilitation")).await? {
                self.requests_of_follow(&place).await?;
            }
        }
        Ok(())
    }

    /// A notice of death (registration §10.3): every situation that a local authority states ends with that day, nothing of them is
    /// public any more, means are withheld, and open requests are closed without a message. What orders and files state is theirs.
    ///
    /// # Errors
    /// The errors of the registry; E-RPPS-01 for an unknown number.
    pub async fn death_known(&self, _by: &SystemActor, rpps: &str, day: Day) -> Result<(), RegistrationStop> {
        let number = annuaire_workflow::rpps_number::idnps(rpps);
        let event = CaseActor::system().event("deces", &number);
        let mut identity = None;
        for attempt in 0..=crate::limits::ATTEMPTS {
            let Some(person) = self.person(&number).await? else {
                let unknown = crate::service::refusal(annuaire_workflow::messages::MessageCode::ERpps01);
                return self.refused(event, unknown).await;
            };
            identity = person.merged.etat_civil.as_ref().map(|civil| {
                let values = crate::content::CivilValues {
                    family_name: civil.nom_famille.clone(),
                    given_names: civil.prenoms.clone(),
                    birth: civil.date_naissance.clone(),
                    sex: civil.sexe_administratif.clone(),
                    ..Default::default()
                };
                self.identity_hash(&values)
            });
            let mut writes = self.deceased(&person, day)?;
            let withheld: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &number).await?;
            let row = WithheldMeansRow {
                person: number.clone(),
                reason: DECEASED.to_owned(),
                since: day.to_string(),
                request: String::new(),
            };
            writes.put(&row, withheld.map(|kept| kept.version))?;
            // Nobody verifies the identity, and what the register answers later is void.
            let certification: Option<VersionedRow<CertificationRow>> = read(self.registry(), &number).await?;
            certification.iter().for_each(|row| writes.remove(row));
            writes.audit(event.clone());
            if self.write(writes, &Cause::new(Channel::System, "system", "death")).await? {
                break;
            }
            if attempt == crate::limits::ATTEMPTS {
                return Err(Error::Contended { number }.into());
            }
        }
        let open = RequestState::ALL.iter().filter(|state| !state.terminal()).map(|state| state.code().to_owned());
        let filter = CaseFilter { subject: Some(number), states: Some(open.collect()), ..CaseFilter::default() };
        let cases = self.registry().cases(&filter, CaseOrder::OldestFirst, 0, PAGE).await?;
        let mut numbers: Vec<String> = cases.into_iter().map(|case| case.listing.number).collect();
        if let Some(hash) = identity
            && let Some(open) = self.open_identity(&hash).await?
        {
            numbers.push(open.value.number);
        }
        for number in numbers {
            self.as_system(&number, RequestEvent::DeathKnown).await?;
        }
        Ok(())
    }

    fn deceased(&self, person: &RegisteredPerson, day: Day) -> Result<PendingWrites, Error> {
        let mut writes = PendingWrites::default();
        for own in own_situations(person)? {
            if own.life.state(day) == SituationState::Ended {
                continue;
            }
            let mut stated = own.stated.clone();
            stated.situation.date_fin = ends_with_death(own.life.until, day).to_string();
            END_BY_DEATH.clone_into(&mut stated.situation.motif_fin);
            let (change, expect) = again(person, own.fact, &Objet::Situation(stated), Publication::Restricted)?;
            writes.change(change, expect);
        }
        for fact in person.facts.iter().filter(|fact| fact.key.owner.starts_with(LOCAL)) {
            let unreadable = |cause| Error::Unreadable { kind: "fact", cause };
            let (change, expect) = match serde_json::from_str(&fact.payload).map_err(unreadable)? {
                Objet::Exercice(mut stated) => {
                    stated.exercice.date_fin_effet_exercice = day.to_string();
                    again(person, fact, &Objet::Exercice(stated), Publication::Restricted)?
                }
                Objet::EtatCivil { civilite, mut etat_civil } => {
                    etat_civil.date_deces = day.to_string();
                    again(person, fact, &Objet::EtatCivil { civilite, etat_civil }, Publication::Restricted)?
                }
                Objet::Professionnel(_) => marked(person, fact, Publication::Restricted),
                _ => continue,
            };
            writes.change(change, expect);
        }
        Ok(writes)
    }

    /// As [`means_withheld`].
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn means_withheld(&self, national_id: &str) -> Result<Option<String>, Error> {
        means_withheld(self.registry(), national_id).await
    }
}

/// Why the means of a person may not be activated now; `None` when nothing stands against it. For the e-CPS, which asks it wherever a
/// registry is, with or without registration. Cost: one point read.
///
/// # Errors
/// Those of the registry.
pub async fn means_withheld(registry: &dyn Registry, national_id: &str) -> Result<Option<String>, Error> {
    let row: Option<VersionedRow<WithheldMeansRow>> = read(registry, national_id).await?;
    Ok(row.map(|row| row.value.reason))
}

/// Whether what a person activated before is frozen: since « Ce n'est pas moi », until support lifts the suspension. For the e-CPS, as
/// [`means_withheld`]. Cost: one point read.
///
/// # Errors
/// Those of the registry.
pub async fn means_frozen(registry: &dyn Registry, national_id: &str) -> Result<bool, Error> {
    Ok(means_withheld(registry, national_id).await?.is_some_and(|reason| reason == FRAUD_ALERT))
}
