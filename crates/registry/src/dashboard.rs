//! « Tableau de bord de l'AE » (SC41, registration §4.10): figures of the requests and of the staff of a perimeter, without names.

use crate::acting::CaseActor;
use crate::error::Error;
use crate::limits::{DASHBOARD_PERSONS_MAX, FINISHED_DAYS, PAGE, REFUSALS_MAX};
use crate::person::persons;
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::row::VersionedRow;
use crate::service::Registration;
use crate::session::ManagerSession;
use crate::statement::state_of;
use annuaire_store::{CaseFilter, CaseOrder};
use annuaire_workflow::day::{Day, paris_day, paris_midnight, parse_iso, plus_days};
use annuaire_workflow::request::RefusalReason;
use annuaire_workflow::situation::SituationState;
use annuaire_workflow::state::RequestState;
use std::collections::{BTreeMap, BTreeSet};

/// Days that divide the ages of open requests.
const AGES: [i32; 2] = [7, 30];
/// Days within which a planned end counts.
const ENDS: [i32; 3] = [30, 60, 90];

/// Figures of a perimeter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dashboard {
    /// Requests by state; finished ones of the last 90 days. Drafts of professionals are not counted.
    pub by_state: BTreeMap<RequestState, u64>,
    /// Open requests by days since their status began: less than 7, 7 to 30, more than 30.
    pub by_age: [u64; 3],
    /// Refusals of the last 90 days by reason, among the last [`REFUSALS_MAX`].
    pub refusals: BTreeMap<RefusalReason, u64>,
    /// Situations that nobody confirmed for a year, or half a year where more than 500 persons work.
    pub to_review: u64,
    /// Figures of the staff; `None` when the perimeter has too many persons to read them for a page.
    pub staff: Option<StaffFigures>,
}

/// Figures of the staff of a perimeter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StaffFigures {
    /// Persons with a situation that stands or is planned.
    pub persons: u64,
    /// Of them, those for whose civil status nobody vouches.
    pub uncertified: u64,
    /// Of them, those who verified no contact.
    pub unverified_contact: u64,
    /// Of them, those of whom no mobile is known.
    pub without_mobile: u64,
    /// Planned ends within 30, 60 and 90 days; each counts the former ones too.
    pub ends: [u64; 3],
}

impl Registration {
    /// The figures of the perimeter, as far as « Agir pour » shows it. Cost: four counts, up to [`REFUSALS_MAX`] rows of refusals, and
    /// the facts of the staff while it has no more than [`DASHBOARD_PERSONS_MAX`] persons. For a page that somebody opens, not for
    /// every request.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn dashboard(&self, by: &ManagerSession) -> Result<Dashboard, Error> {
        let places = self.places_shown(by).await?;
        let today = paris_day(self.now_ms());
        let structures: Vec<String> = places.iter().map(|place| place.id.clone()).collect();
        let filter = |states: &[RequestState]| CaseFilter {
            structures: Some(structures.clone()),
            states: Some(states.iter().map(|state| state.code().to_owned()).collect()),
            ..CaseFilter::default()
        };
        let is_open = |state: &&RequestState| !state.terminal() && **state != RequestState::S11;
        let open: Vec<RequestState> = RequestState::ALL.iter().filter(is_open).copied().collect();
        let finished: Vec<RequestState> = RequestState::ALL.iter().filter(|state| state.terminal()).copied().collect();
        let since = Some(paris_midnight(plus_days(today, -FINISHED_DAYS)));
        let counts = self.registry().case_counts(&filter(&open)).await?;
        let all: u64 = counts.values().sum();
        let ended = self.registry().case_counts(&CaseFilter { from_ms: since, ..filter(&finished) }).await?;
        let by_state = counts.iter().chain(&ended).filter_map(|(code, n)| Some((RequestState::parse(code)?, *n))).collect();
        let mut older = [0; 2];
        // « more than 30 » begins on the 31st day, « 7 to 30 » on the 7th.
        for (older, days) in older.iter_mut().zip([AGES[0] - 1, AGES[1]]) {
            let until_ms = Some(paris_midnight(plus_days(today, -days)));
            *older = self.registry().case_counts(&CaseFilter { until_ms, ..filter(&open) }).await?.values().sum();
        }
        let by_age = [all.saturating_sub(older[0]), older[0].saturating_sub(older[1]), older[1]];
        let refused = CaseFilter { from_ms: since, ..filter(&[RequestState::S50]) };
        let dashboard = Dashboard {
            by_state,
            by_age,
            refusals: self.refusals(&refused).await?,
            to_review: self.reviews_of(&places).await?,
            staff: self.staff_figures(&places).await?,
        };
        self.audit(CaseActor::manager(by).event("tableau-de-bord", "")).await?;
        Ok(dashboard)
    }

    async fn refusals(&self, filter: &CaseFilter) -> Result<BTreeMap<RefusalReason, u64>, Error> {
        let mut reasons = BTreeMap::new();
        let mut offset = 0;
        while offset < REFUSALS_MAX {
            let cases = self.registry().cases(filter, CaseOrder::NewestFirst, offset, PAGE).await?;
            for case in &cases {
                let row: VersionedRow<RequestRow> = VersionedRow::of(&case.row)?;
                if let Some(reason) = RefusalReason::ALL.iter().find(|reason| reason.code() == row.value.outcome) {
                    *reasons.entry(*reason).or_default() += 1;
                }
            }
            if cases.len() < PAGE as usize {
                break;
            }
            offset += PAGE;
        }
        Ok(reasons)
    }

    async fn staff_figures(&self, places: &[RegisteredPlace]) -> Result<Option<StaffFigures>, Error> {
        let today = self.today();
        let mut figures = StaffFigures::default();
        let mut seen = BTreeSet::new();
        let mut left = DASHBOARD_PERSONS_MAX;
        for place in places {
            let found = self.settings.structures.persons_of(&place.id, 0, left).await;
            let (numbers, total) = found.map_err(Error::Structures)?;
            if total > u64::from(left) {
                return Ok(None);
            }
            let found = persons(self.registry(), &numbers).await?;
            left -= u32::try_from(total).unwrap_or(left).min(left);
            for person in found {
                let here = person.situations().filter(|(_, _, s)| s.structure == place.id);
                let standing =
                    here.filter(|(_, _, s)| matches!(state_of(s, today), SituationState::Active | SituationState::Planned));
                let ends: Vec<Option<Day>> = standing.map(|(_, _, s)| parse_iso(&s.date_fin)).collect();
                for (count, days) in figures.ends.iter_mut().zip(ENDS) {
                    let within = ends.iter().flatten().filter(|end| **end <= plus_days(today, days)).count();
                    *count += u64::try_from(within).unwrap_or(0);
                }
                if ends.is_empty() || !seen.insert(person.national_id.clone()) {
                    continue;
                }
                figures.persons += 1;
                figures.uncertified += u64::from(!person.is_certified());
                figures.unverified_contact += u64::from(person.verified_contact().is_none());
                figures.without_mobile += u64::from(person.contact().mobile.is_empty());
            }
        }
        Ok(Some(figures))
    }
}
