//! The attestation campaign (registration §15, timer `situation.review` of §13): managers confirm each situation that their structure states.
//!
//! A situation that stands has a row with the day on which it was confirmed last: by « Toujours présent », by its registration, or by a change of
//! what the authority says. A structure has one row with the next day on which something happens, so that a night reads the
//! structures that are due and no other. Of 200,000 situations in 5,000 structures, confirmed on any day of the year, a night reads some 40 structures
//! with about 1,600 rows. Nothing is ever removed from the directory because nobody answered.

use crate::acting::{CaseActor, plain_cause};
use crate::error::{Error, RegistrationStop};
use crate::followed::FollowedPersonRow;
use crate::grants::PlaceManagers;
use crate::limits::{ATTEMPTS, PAGE, REVIEW_MESSAGE_DAYS, REVIEWED_AT_ONCE, TIMER_HOUR_MS};
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::{RegisteredPerson, persons};
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, read};
use crate::service::{Registration, refusal, with_member};
use crate::session::ManagerSession;
use crate::statement::state_of;
use annuaire_store::{Cause, Channel};
use annuaire_workflow::day::{Day, french, paris_midnight, parse_iso, plus_days, plus_months};
use annuaire_workflow::limits::REVIEW_MONTHS_LARGE;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::reviews::{ReviewStep, review_days, review_step};
use annuaire_workflow::situation::SituationState;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Note of how far the situations that were registered before reviews began have been looked at.
const SEEDED: (&str, &str) = ("registration", "reviews-seeded");
/// What the note says at the end.
const ALL_SEEDED: &str = "~";

/// When a situation that stands was confirmed last.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SituationReviewRow {
    pub(crate) situation: String,
    /// National identification.
    pub(crate) person: String,
    /// Technical identifier of the structure.
    pub(crate) structure: String,
    pub(crate) confirmed_on: String,
    /// Hash of what the authority stated then.
    pub(crate) mark: String,
}

/// The campaign of a structure.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlaceReviewRow {
    /// Technical identifier of the structure.
    pub(crate) structure: String,
    /// Situations that wait for an answer.
    pub(crate) waiting: u64,
    /// Last message to the managers.
    pub(crate) told_on: Option<String>,
    /// Last message to the legal representative.
    pub(crate) reminded_on: Option<String>,
    pub(crate) due_ms: i64,
}

impl RegistrationRow for SituationReviewRow {
    const KIND: &'static str = "situation-review";

    fn key(&self) -> String {
        self.situation.clone()
    }

    fn subject(&self) -> String {
        self.structure.clone()
    }
}

impl RegistrationRow for PlaceReviewRow {
    const KIND: &'static str = "place-review";

    fn key(&self) -> String {
        self.structure.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

impl SituationReviewRow {
    fn confirmed(&self) -> Day {
        parse_iso(&self.confirmed_on).unwrap_or(Day::MIN)
    }
}

fn due_on(day: Day) -> i64 {
    paris_midnight(day).saturating_add(TIMER_HOUR_MS)
}

/// A situation, as its authority states it.
pub(crate) struct ReviewedSituation<'a> {
    pub(crate) id: &'a str,
    pub(crate) structure: &'a str,
    /// Text of the fact.
    pub(crate) text: &'a str,
    pub(crate) from: Day,
    pub(crate) state: SituationState,
}

/// A situation that a manager is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewLine {
    /// RPPS number.
    pub rpps: String,
    /// Given and family name of exercise.
    pub name: String,
    /// Profession: code.
    pub profession: String,
    /// « Rôle dans l'établissement »: code.
    pub role: String,
    /// Identifier of the situation.
    pub situation: String,
    /// First day, ISO.
    pub from: String,
    /// Day of the last confirmation, ISO.
    pub confirmed_on: String,
    /// How far the review is.
    pub step: ReviewStep,
    /// Whether the manager is this person, and so cannot confirm it.
    pub is_own: bool,
}

/// A page of what a structure has to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewPage {
    /// The structure.
    pub place: RegisteredPlace,
    /// Those that wait longest first.
    pub lines: Vec<ReviewLine>,
    /// How many wait in all.
    pub total: u64,
}

/// Steps of the situations of a structure.
struct StructureReview {
    rows: Vec<VersionedRow<SituationReviewRow>>,
    /// Persons who work there, whoever registered them.
    persons: u32,
    today: Day,
}

impl StructureReview {
    fn step(&self, row: &SituationReviewRow) -> ReviewStep {
        review_step(row.confirmed(), self.persons, self.today)
    }

    fn days(&self) -> impl Iterator<Item = [Day; 3]> {
        self.rows.iter().map(|row| review_days(row.value.confirmed(), self.persons))
    }

    fn count(&self, least: ReviewStep) -> u64 {
        u64::try_from(self.rows.iter().filter(|row| self.step(&row.value) >= least).count()).unwrap_or(u64::MAX)
    }

    /// The next day on which something changes; twice a year at least, so that a structure that grows beyond 500 persons is seen.
    fn next_day(&self) -> Day {
        let next = self.days().flatten().filter(|day| *day > self.today).min();
        let latest = plus_months(self.today, REVIEW_MONTHS_LARGE);
        next.map_or(latest, |day| day.min(latest))
    }

    /// Whether a step of some situation came since the last message. `step` is a place in [`review_days`].
    fn is_news(&self, step: usize, told_on: Option<&str>) -> bool {
        let told = told_on.and_then(parse_iso);
        self.days().filter_map(|days| days.get(step).copied()).any(|day| day <= self.today && told.is_none_or(|told| day > told))
    }
}

impl Registration {
    /// Writes the rows of the situations that local authorities state of a person, beside what else is written of the person.
    pub(crate) async fn keep_reviews(
        &self,
        writes: &mut PendingWrites,
        person: &str,
        stated: &[ReviewedSituation<'_>],
    ) -> Result<(), Error> {
        let today = self.today();
        // Structures with a new situation, and with one that waits no longer.
        let (mut begun, mut changed) = (BTreeSet::new(), BTreeSet::new());
        for s in stated {
            let kept: Option<VersionedRow<SituationReviewRow>> = read(self.registry(), s.id).await?;
            if !matches!(s.state, SituationState::Active | SituationState::Planned) {
                if let Some(kept) = kept {
                    writes.remove(&kept);
                    changed.insert(s.structure);
                }
                continue;
            }
            let mark = self.keys.hashed("situation-review", &[s.text]);
            if kept.as_ref().is_some_and(|kept| kept.value.mark == mark) {
                continue;
            }
            if kept.is_some() { &mut changed } else { &mut begun }.insert(s.structure);
            let row = SituationReviewRow {
                situation: s.id.to_owned(),
                person: person.to_owned(),
                structure: s.structure.to_owned(),
                confirmed_on: today.max(s.from).to_string(),
                mark,
            };
            writes.put(&row, kept.map(|kept| kept.version))?;
        }
        for structure in begun.union(&changed) {
            match read::<PlaceReviewRow>(self.registry(), structure).await? {
                None => {
                    let due_ms = due_on(plus_months(today, REVIEW_MONTHS_LARGE));
                    writes.put(&PlaceReviewRow { structure: (*structure).to_owned(), due_ms, ..Default::default() }, None)?;
                }
                // What waits is counted anew.
                Some(kept) if kept.value.waiting > 0 && changed.contains(structure) => {
                    writes.put(&PlaceReviewRow { due_ms: self.now_ms(), ..kept.value }, Some(kept.version))?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Tells managers and legal representatives what is to be confirmed (N20); returns how many structures were told.
    pub(crate) async fn run_reviews(&self) -> Result<u64, Error> {
        self.seed_reviews().await?;
        let mut told = 0;
        loop {
            let rows = self.registry().identity_rows_due(PlaceReviewRow::KIND, self.now_ms(), PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let (written, is_told) = self.review_place(&VersionedRow::of(row)?).await?;
                moved |= written;
                told += u64::from(written && is_told);
            }
            if !moved || rows.len() < PAGE as usize {
                return Ok(told);
            }
        }
    }

    /// Looks at a page of the persons who were registered before reviews began: the next run of timers writes their rows. Their situations
    /// count as confirmed on that day.
    async fn seed_reviews(&self) -> Result<(), Error> {
        let (kind, key) = SEEDED;
        let after = self.registry().note(kind, key).await?.unwrap_or_default();
        if after == ALL_SEEDED {
            return Ok(());
        }
        let rows = self.registry().identity_rows(FollowedPersonRow::KIND, None, &after, PAGE).await?;
        let mut writes = PendingWrites::default();
        for row in &rows {
            let kept: VersionedRow<FollowedPersonRow> = VersionedRow::of(row)?;
            writes.put(&FollowedPersonRow { due_ms: Some(self.now_ms()), ..kept.value }, Some(kept.version))?;
        }
        let last = rows.last().filter(|_| rows.len() == PAGE as usize);
        writes.note(kind, key, last.map_or_else(|| ALL_SEEDED.to_owned(), |row| row.key.clone()));
        // Whoever lost the race finds the page again in a minute.
        self.write(writes, &Cause::new(Channel::System, "system", "reviews")).await.map(|_| ())
    }

    /// The situations of a structure with the size by which they are reviewed. Cost: their rows, and one look-up in the index.
    async fn structure_review(&self, structure: &str) -> Result<StructureReview, Error> {
        let rows = about(self.registry(), structure).await?;
        let (_, persons) = self.settings.structures.persons_of(structure, 0, 1).await.map_err(Error::Structures)?;
        Ok(StructureReview { rows, persons: u32::try_from(persons).unwrap_or(u32::MAX), today: self.today() })
    }

    /// Leaves out the situations of which somebody is asked and that stand no longer: cancelled ones, and those of the deceased.
    async fn standing_only(&self, review: &mut StructureReview) -> Result<Vec<VersionedRow<SituationReviewRow>>, Error> {
        let asked: BTreeSet<String> = review
            .rows
            .iter()
            .filter(|row| review.step(&row.value) > ReviewStep::Fresh)
            .map(|row| row.value.person.clone())
            .collect();
        let known = self.persons_by_number(&asked).await?;
        let stands = |row: &SituationReviewRow| {
            !asked.contains(&row.person)
                || known.get(&row.person).and_then(|person| situation_of(person, &row.situation, review.today)).is_some()
        };
        let (standing, gone) = std::mem::take(&mut review.rows).into_iter().partition(|row| stands(&row.value));
        review.rows = standing;
        Ok(gone)
    }

    async fn persons_by_number(&self, numbers: &BTreeSet<String>) -> Result<BTreeMap<String, RegisteredPerson>, Error> {
        let numbers: Vec<String> = numbers.iter().cloned().collect();
        let mut all = BTreeMap::new();
        for some in numbers.chunks(50) {
            all.extend(persons(self.registry(), some).await?.into_iter().map(|person| (person.national_id.clone(), person)));
        }
        Ok(all)
    }

    /// Whether the row of a structure was written, and whether somebody was told.
    async fn review_place(&self, kept: &VersionedRow<PlaceReviewRow>) -> Result<(bool, bool), Error> {
        let mut review = self.structure_review(&kept.value.structure).await?;
        let mut writes = PendingWrites::default();
        self.standing_only(&mut review).await?.iter().for_each(|gone| writes.remove(gone));
        let (today, mut row, mut told) = (review.today, kept.value.clone(), false);
        let cause = Cause::new(Channel::System, "system", "reviews");
        if review.rows.is_empty() {
            writes.remove(kept);
            return Ok((self.write(writes, &cause).await?, false));
        }
        row.waiting = review.count(ReviewStep::Asked);
        let mut next = review.next_day();
        let waits = |told_on: Option<&str>| {
            told_on.and_then(parse_iso).map(|on| plus_days(on, REVIEW_MESSAGE_DAYS)).filter(|free| *free > today)
        };
        for (step, least, audience) in
            [(0, ReviewStep::Asked, NoticeAudience::Managers), (1, ReviewStep::Reminded, NoticeAudience::Representative)]
        {
            let told_on = if step == 0 { &mut row.told_on } else { &mut row.reminded_on };
            if !review.is_news(step, told_on.as_deref()) {
                continue;
            }
            match waits(told_on.as_deref()) {
                // One message in thirty days; the next one counts what came meanwhile.
                Some(free) => next = next.min(free),
                None => {
                    *told_on = Some(today.to_string());
                    self.tell_review(&mut writes, &review, least, audience, &kept.value.structure).await?;
                    told = true;
                }
            }
        }
        row.due_ms = due_on(next);
        if told {
            let mut event = CaseActor::system().event("revue", "");
            event.object.clone_from(&row.structure);
            event.detail = with_member(&event.detail, "situations", &json!(row.waiting));
            writes.audit(event);
        }
        writes.put(&row, Some(kept.version))?;
        Ok((self.write(writes, &cause).await?, told))
    }

    async fn tell_review(
        &self,
        writes: &mut PendingWrites,
        review: &StructureReview,
        least: ReviewStep,
        audience: NoticeAudience,
        structure: &str,
    ) -> Result<(), Error> {
        let Some(place) = self.place(structure).await? else { return Ok(()) };
        let managers = PlaceManagers::of(self.registry(), &place, review.today).await?;
        let numbers = match audience {
            NoticeAudience::Representative => managers.representatives(),
            _ => managers.all(),
        };
        let mut people = NoticePeople::default();
        people.set(audience, persons(self.registry(), &numbers).await?.iter().map(Into::into).collect());
        // The first day on which one of them is shown as not confirmed.
        let last = review.days().map(|[_, _, last]| last).filter(|last| *last > review.today).min();
        let mut values = NoticeValues::of("");
        values.set("n", &review.count(least).to_string());
        values.set("structure", &place.name);
        values.set("date", &french(last.unwrap_or_else(|| plus_days(review.today, REVIEW_MESSAGE_DAYS))));
        self.notify(writes, NoticeId::N20, &people, &values, self.now_ms())
    }

    /// What a structure has to confirm, by its number: `limit` situations at most, those that wait longest first. The read is audited.
    /// Cost: the rows of the structure, and the facts of the persons who are shown.
    ///
    /// # Errors
    /// E-PER-01 and E-PER-02 beyond the perimeter; the errors of the registry and of the search for structures.
    pub async fn situations_to_review(
        &self,
        by: &ManagerSession,
        structure: &str,
        offset: u32,
        limit: u32,
    ) -> Result<ReviewPage, RegistrationStop> {
        let actor = CaseActor::manager(by);
        let mut event = actor.event("lire-revue", structure);
        event.request = None;
        let place = self.place_within(&actor, structure, &event).await?;
        let review = self.structure_review(&place.id).await?;
        let mut rows: Vec<&SituationReviewRow> =
            review.rows.iter().map(|row| &row.value).filter(|row| review.step(row) > ReviewStep::Fresh).collect();
        rows.sort_by(|a, b| (&a.confirmed_on, &a.situation).cmp(&(&b.confirmed_on, &b.situation)));
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let shown: Vec<&SituationReviewRow> = rows.into_iter().skip(offset as usize).take(limit as usize).collect();
        let known = self.persons_by_number(&shown.iter().map(|row| row.person.clone()).collect()).await?;
        let mut lines = Vec::new();
        for row in shown {
            let found =
                known.get(&row.person).and_then(|person| Some((person, situation_of(person, &row.situation, review.today)?)));
            let Some((person, s)) = found else { continue };
            lines.push(ReviewLine {
                rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
                name: person.full_name(),
                profession: s.role.clone(),
                role: s.genre_activite.clone(),
                situation: row.situation.clone(),
                from: s.date_debut.clone(),
                confirmed_on: row.confirmed_on.clone(),
                step: review.step(row),
                is_own: row.person == by.person,
            });
        }
        event.object.clone_from(&place.number);
        event.detail = with_member(&event.detail, "situations", &json!(lines.len()));
        self.audit(event).await?;
        Ok(ReviewPage { place, lines, total })
    }

    /// « Toujours présent » for situations of a structure, by its number; one's own are left out. Confirmed again, they stay confirmed. Returns how many
    /// were confirmed. Cost: the rows of the structure and one unit.
    ///
    /// # Errors
    /// E-PER-01 and E-PER-02 beyond the perimeter, E-GEN-02 for a situation that is not of the structure and for more than
    /// [`REVIEWED_AT_ONCE`], E-REQ-04 for one's own alone; the errors of the registry and of the search for structures.
    pub async fn confirm_situations(
        &self,
        by: &ManagerSession,
        structure: &str,
        situations: &[String],
    ) -> Result<u64, RegistrationStop> {
        let actor = CaseActor::manager(by);
        let mut event = actor.event("confirmer-situations", structure);
        event.request = None;
        let place = self.place_within(&actor, structure, &event).await?;
        event.object.clone_from(&place.number);
        event.detail =
            with_member(&event.detail, "situations", &json!(situations.iter().take(REVIEWED_AT_ONCE).collect::<Vec<_>>()));
        for _ in 0..ATTEMPTS {
            let mut review = self.structure_review(&place.id).await?;
            let today = review.today.to_string();
            let mut writes = PendingWrites::default();
            let (mut found, mut confirmed) = (0, 0);
            for kept in review.rows.iter_mut().filter(|kept| situations.contains(&kept.value.situation)) {
                found += 1;
                if kept.value.person == by.person {
                    continue;
                }
                confirmed += 1;
                kept.value.confirmed_on = kept.value.confirmed_on.clone().max(today.clone());
                writes.put(&kept.value, Some(kept.version))?;
            }
            let asked: BTreeSet<&String> = situations.iter().collect();
            if found == 0 || found < asked.len() || asked.len() > REVIEWED_AT_ONCE {
                return self.refused(event, refusal(MessageCode::EGen02)).await;
            }
            if confirmed == 0 {
                return self.refused(event, refusal(MessageCode::EReq04)).await;
            }
            if let Some(kept) = read::<PlaceReviewRow>(self.registry(), &place.id).await? {
                let waiting = review.count(ReviewStep::Asked);
                writes.put(&PlaceReviewRow { waiting, ..kept.value }, Some(kept.version))?;
            }
            writes.audit(event.clone());
            if self.write(writes, &plain_cause(&actor, "")).await? {
                return Ok(confirmed);
            }
        }
        Err(Error::Contended { number: "reviews of a structure".to_owned() }.into())
    }

    /// How many situations of some structures wait for a confirmation. Cost: a row for each structure.
    pub(crate) async fn reviews_of(&self, places: &[RegisteredPlace]) -> Result<u64, Error> {
        let mut waiting = 0;
        for some in places.chunks(PAGE as usize) {
            let keys: Vec<(&str, &str)> = some.iter().map(|place| (PlaceReviewRow::KIND, place.id.as_str())).collect();
            for row in self.registry().identity_rows_at(&keys).await?.iter().flatten() {
                waiting += VersionedRow::<PlaceReviewRow>::of(row)?.value.waiting;
            }
        }
        Ok(waiting)
    }

    /// Where the reviews of some situations of a structure stand; those that no local authority states are left out.
    pub(crate) async fn review_steps(&self, persons: u32, situations: &[String]) -> Result<BTreeMap<String, ReviewStep>, Error> {
        let mut steps = BTreeMap::new();
        for some in situations.chunks(PAGE as usize) {
            let keys: Vec<(&str, &str)> = some.iter().map(|id| (SituationReviewRow::KIND, id.as_str())).collect();
            for row in self.registry().identity_rows_at(&keys).await?.iter().flatten() {
                let row: VersionedRow<SituationReviewRow> = VersionedRow::of(row)?;
                let step = review_step(row.value.confirmed(), persons, self.today());
                steps.insert(row.value.situation, step);
            }
        }
        Ok(steps)
    }
}

/// A situation of a person that stands or will.
fn situation_of<'a>(person: &'a RegisteredPerson, id: &str, today: Day) -> Option<&'a annuaire_mos::SituationExercice> {
    let stands =
        |s: &annuaire_mos::SituationExercice| matches!(state_of(s, today), SituationState::Active | SituationState::Planned);
    let mut all = person.situations().map(|(_, _, s)| s);
    all.find(|s| s.id_situation_exercice == id && stands(s)).filter(|_| !person.is_deceased())
}
