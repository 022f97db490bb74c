//! Qualified home helpers, profession 371 (registration §5.7): what the employer attested is kept beside the situation, and its end is
//! told three months and one month before (N21).

use crate::acting::{CaseActor, CaseStep, TypedSection};
use crate::content::{HomeHelpValues, SituationValues};
use crate::effects::Settling;
use crate::error::Error;
use crate::followed::HomeHelpRow;
use crate::grants::PlaceManagers;
use crate::limits::PAGE;
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::persons;
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, read};
use crate::service::Registration;
use crate::session::HolderSession;
use crate::statement::state_of;
use annuaire_store::{Cause, Channel};
use annuaire_workflow::attestation::HomeHelpDraft;
use annuaire_workflow::day::{Day, french, plus_days, plus_months};
use annuaire_workflow::fields::SituationDraft;
use annuaire_workflow::limits::HOME_HELP_NOTICE_MONTHS;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::situation::SituationState;
use annuaire_workflow::value_sets::{QUALIFIED_HOME_HELP, needs_attestation};

/// The fields of an attestation in the third section.
pub(crate) fn home_help_fields(draft: &SituationDraft) -> HomeHelpDraft {
    let (critere, date_verification) = (draft.critere.clone(), draft.date_verification.clone());
    HomeHelpDraft { critere, verifie: draft.verifie, date_verification }
}

/// What an employer attested of a qualified home helper, as far as it is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedHomeHelp {
    /// RPPS number.
    pub rpps: String,
    /// Given and family names of exercise.
    pub names: Vec<String>,
    /// The employer.
    pub place: RegisteredPlace,
    /// Day on which the employer checked the proofs.
    pub verified_on: Day,
    /// Last day on which it is valid.
    pub valid_until: Day,
}

impl Settling<'_> {
    /// Keeps, renews or drops the attestation of a situation that is written.
    pub(crate) fn keep_home_help(&mut self, person: &str, situation: &str, values: &SituationValues) -> Result<(), Error> {
        let known = self.home_help.take();
        let (same, other) = match known {
            Some(row) if row.value.situation == situation => (Some(row), None),
            other => (None, other),
        };
        // The situation goes on under another key.
        if let Some(other) = other {
            self.writes.remove(&other);
        }
        let Some(HomeHelpValues { criterion, verified_on }) = values.home_help.clone() else {
            if let Some(same) = same {
                self.writes.remove(&same);
            }
            return Ok(());
        };
        let told = match &same {
            Some(row) if row.value.verified_on == verified_on => row.value.told.clone(),
            _ => Vec::new(),
        };
        let (situation, person) = (situation.to_owned(), person.to_owned());
        let row = HomeHelpRow { situation, person, criterion, verified_on, told };
        self.writes.put(&row, same.map(|row| row.version))
    }
}

impl Registration {
    /// What is attested of the holder as a qualified home helper today: by the employer who checked the proofs last. `None` where nothing is,
    /// and where profession or employer are not public today. Cost: the facts of the person and of the structures.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn own_home_help(&self, by: &HolderSession) -> Result<Option<AttestedHomeHelp>, Error> {
        let (today, Some(person)) = (self.today(), self.person(&by.person).await?) else { return Ok(None) };
        let rows: Vec<VersionedRow<HomeHelpRow>> = about(self.registry(), &person.national_id).await?;
        let mut valid = Vec::new();
        for row in rows {
            if let Some(attested) = row.value.attestation().filter(|attested| attested.is_valid(today)) {
                valid.push((attested, row.value.situation));
            }
        }
        valid.sort_by_key(|(attested, _)| std::cmp::Reverse(attested.verified_on));
        let rpps = person.national_id.get(1..).unwrap_or_default();
        let Some(public) = self.attested_person(rpps).await?.filter(|_| !valid.is_empty()) else { return Ok(None) };
        if !public.functions.iter().any(|function| function == QUALIFIED_HOME_HELP) {
            return Ok(None);
        }
        for (attested, situation) in valid {
            let found = person.situations().find(|(_, _, s)| s.id_situation_exercice == situation);
            let place = found.and_then(|(_, _, s)| public.places.iter().find(|place| place.id == s.structure));
            if let Some(place) = place {
                return Ok(Some(AttestedHomeHelp {
                    rpps: public.rpps.clone(),
                    names: public.names.clone(),
                    place: place.clone(),
                    verified_on: attested.verified_on,
                    valid_until: plus_days(attested.ends(), -1),
                }));
            }
        }
        Ok(None)
    }

    /// Fills the form of a change with the attestation of the situation.
    pub(crate) async fn fill_home_help(&self, situation: &str, draft: &mut SituationDraft) -> Result<(), Error> {
        let row: Option<VersionedRow<HomeHelpRow>> = read(self.registry(), situation).await?;
        if let Some(attested) = row.and_then(|row| row.value.attestation()) {
            attested.criterion.key().clone_into(&mut draft.critere);
            draft.date_verification = french(attested.verified_on);
            draft.verifie = true;
        }
        Ok(())
    }

    /// Whether a request that a manager validates names profession 371, and nobody of the authority attested it: a professional
    /// cannot.
    pub(crate) async fn lacks_attestation(&self, number: &str, step: &CaseStep) -> Result<bool, Error> {
        let values = match (&step.section, self.request(number).await?) {
            (Some(TypedSection::Situation(_, values)), _) => values.clone(),
            (_, Some(kept)) => self.opened(&kept.value)?.situation_values,
            _ => None,
        };
        Ok(values.is_some_and(|values| needs_attestation(&values.profession) && values.home_help.is_none()))
    }

    /// Tells the ends of attestations that come (N21); returns how many were told.
    pub(crate) async fn run_home_helps(&self) -> Result<u64, Error> {
        let (now_ms, today) = (self.now_ms(), self.today());
        let mut told = 0;
        loop {
            let rows = self.registry().identity_rows_due(HomeHelpRow::KIND, now_ms, PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let kept: VersionedRow<HomeHelpRow> = VersionedRow::of(row)?;
                let Some(attested) = kept.value.attestation() else { continue };
                let notice = attested.notice(today);
                let mut row = kept.value.clone();
                // An earlier notice that a later one makes needless is over too.
                row.told =
                    HOME_HELP_NOTICE_MONTHS.into_iter().filter(|months| today >= plus_months(attested.ends(), -months)).collect();
                let mut writes = PendingWrites::default();
                writes.put(&row, Some(kept.version))?;
                let is_told = notice.is_some() && self.tell_home_help(&mut writes, &row, attested.ends()).await?;
                if self.write(writes, &Cause::new(Channel::System, "system", "home-help")).await? {
                    moved = true;
                    told += u64::from(is_told);
                }
            }
            if !moved || rows.len() < PAGE as usize {
                return Ok(told);
            }
        }
    }

    /// False when the person works there no longer: then there is nothing to renew.
    async fn tell_home_help(&self, writes: &mut PendingWrites, row: &HomeHelpRow, ends: Day) -> Result<bool, Error> {
        let Some(person) = self.person(&row.person).await?.filter(|person| !person.is_deceased()) else { return Ok(false) };
        let found = person.situations().find(|(_, _, s)| s.id_situation_exercice == row.situation);
        let Some((_, _, situation)) = found.filter(|(_, _, s)| state_of(s, self.today()) != SituationState::Ended) else {
            return Ok(false);
        };
        let managers = match self.place(&situation.structure).await? {
            Some(place) => PlaceManagers::of(self.registry(), &place, self.today()).await?.all(),
            None => Vec::new(),
        };
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::Professional, vec![(&person).into()]);
        people.set(NoticeAudience::Managers, persons(self.registry(), &managers).await?.iter().map(Into::into).collect());
        let mut values = NoticeValues::of("");
        values.set("date", &french(ends));
        self.notify(writes, NoticeId::N21, &people, &values, self.now_ms())?;
        writes.audit(CaseActor::system().event("rappel-aide-a-domicile", &row.person));
        Ok(true)
    }
}
