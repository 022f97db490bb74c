//! The count behind the indicators (registration §15): one walk over the rows of registration and the facts of the persons whom it follows.
//!
//! People whom files alone describe are not counted: their source answers for them. Since the walk reads the facts of all others, those whose verified
//! contact has no day of confirmation yet get it on the way (`contact_confirm.rs`).

use crate::duplicates::DuplicatePairRow;
use crate::error::Error;
use crate::followed::FollowedPersonRow;
use crate::limits::{INDICATOR_BEGUN_MONTHS, INDICATOR_MONTHS, INDICATOR_PERSONS, PAGE};
use crate::merging::MergedPersonRow;
use crate::notice::DeliveryRow;
use crate::person::{RegisteredPerson, persons_or_faults, structures};
use crate::request_row::RequestRow;
use crate::reviewing::SituationReviewRow;
use crate::row::{RegistrationRow, VersionedRow};
use crate::service::Registration;
use crate::statement::state_of;
use crate::survey::SurveyAnswerRow;
use annuaire_mos::owner::Facet;
use annuaire_workflow::day::{Day, paris_day, paris_midnight, parse_iso, plus_months};
use annuaire_workflow::indicators::{QualityIndicator, QualityShare, territory_of};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::situation::SituationState;
use annuaire_workflow::state::RequestState;
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Owners of facts that local authorities state.
const LOCAL: &str = "ENREG:";

/// What was counted of a territory.
#[derive(Debug, Clone, Default)]
pub(crate) struct TerritoryCount {
    shares: BTreeMap<QualityIndicator, QualityShare>,
    /// Hours from the beginning of a request to its number.
    pub(crate) delays: Vec<u32>,
}

impl TerritoryCount {
    pub(crate) fn share(&self, indicator: QualityIndicator) -> QualityShare {
        self.shares.get(&indicator).copied().unwrap_or_default()
    }

    fn add(&mut self, indicator: QualityIndicator, share: QualityShare) {
        self.shares.entry(indicator).or_default().add(share);
    }
}

/// Certified persons, confirmed situations, filled attributes of what a structure states.
pub(crate) type PlaceShares = [QualityShare; 3];

/// What a walk counted.
#[derive(Debug, Default)]
pub(crate) struct CountedQuality {
    /// By department; without a name what has no place.
    pub(crate) territories: BTreeMap<String, TerritoryCount>,
    pub(crate) whole: TerritoryCount,
    /// By technical identifier.
    pub(crate) places: BTreeMap<String, PlaceShares>,
    /// Persons whose facts cannot be merged: they are left out.
    pub(crate) faulty: u64,
    pub(crate) persons: u64,
    /// Territories of the structures that were met.
    located: BTreeMap<String, String>,
}

const fn one(is_part: bool) -> QualityShare {
    QualityShare { part: if is_part { 1 } else { 0 }, of: 1 }
}

impl CountedQuality {
    /// Counts once for each territory, and once for the whole.
    fn count<'a>(
        &mut self,
        structures: impl IntoIterator<Item = &'a str>,
        indicators: &[(QualityIndicator, QualityShare)],
    ) -> BTreeSet<String> {
        let territories: BTreeSet<String> =
            structures.into_iter().map(|id| self.located.get(id).cloned().unwrap_or_default()).collect();
        for (indicator, share) in indicators {
            for territory in &territories {
                self.territories.entry(territory.clone()).or_default().add(*indicator, *share);
            }
            self.whole.add(*indicator, *share);
        }
        territories
    }

    fn count_place(&mut self, structure: &str, n: usize, share: QualityShare) {
        if let Some(counted) = self.places.entry(structure.to_owned()).or_default().get_mut(n) {
            counted.add(share);
        }
    }
}

/// What a person should have, and how much of it is there: birth place, verified contact or else e-mail and mobile, and for each situation that
/// stands its role, mode and first day.
fn completeness(person: &RegisteredPerson, standing: &[&annuaire_mos::SituationExercice]) -> QualityShare {
    let mut share = QualityShare::default();
    let civil = person.merged.etat_civil.clone().unwrap_or_default();
    let contact = person.contact();
    share.count(!civil.date_naissance.is_empty());
    share.count(!civil.commune_naissance.is_empty() || (!civil.pays_naissance.is_empty() && !civil.lieu_naissance.is_empty()));
    share.count(!civil.sexe_administratif.is_empty());
    share.count(!contact.mail.is_empty());
    share.count(!contact.mobile.is_empty());
    for s in standing {
        [&s.genre_activite, &s.mode_exercice, &s.date_debut].into_iter().for_each(|text| share.count(!text.is_empty()));
    }
    share
}

impl Registration {
    /// Counts everything. Cost: a page of [`PAGE`] rows for each page of persons, reviews, requests of two years, deliveries of a year, and the
    /// facts of [`INDICATOR_PERSONS`] persons at a time. For 2 million followed persons with 3 million situations, a million requests and six million
    /// deliveries that is some 60,000 pages of rows and 40,000 reads of facts: minutes to a quarter of an hour of one connection, beside which others read
    /// and write. Memory: a counter for each structure and department, four bytes for each number that was given.
    pub(crate) async fn count_quality(&self) -> Result<CountedQuality, Error> {
        let mut counted = CountedQuality::default();
        let since = plus_months(self.today(), -INDICATOR_MONTHS);
        let alike = self.persons_with_two_numbers(since).await?;
        self.count_persons(&mut counted, &alike).await?;
        self.count_reviews(&mut counted, since).await?;
        self.count_requests(&mut counted, since).await?;
        self.count_deliveries(&mut counted, since).await?;
        self.count_surveys(&mut counted).await?;
        Ok(counted)
    }

    /// The rows of a kind after a key, page by page; `None` at the end.
    async fn page_of<T: RegistrationRow>(&self, after: &mut String) -> Result<Option<Vec<T>>, Error> {
        let rows = self.registry().identity_rows(T::KIND, None, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        after.clone_from(&last.key);
        let page = rows.iter().map(|row| Ok(VersionedRow::<T>::of(row)?.value)).collect::<Result<Vec<T>, Error>>()?;
        Ok(Some(page))
    }

    /// Learns the territories of structures that were not met before.
    async fn locate(&self, counted: &mut CountedQuality, ids: BTreeSet<String>) -> Result<(), Error> {
        let new: Vec<String> = ids.into_iter().filter(|id| !counted.located.contains_key(id)).collect();
        for some in new.chunks(INDICATOR_PERSONS) {
            for s in structures(self.registry(), some).await? {
                let territory = territory_of(&s.adresse.cog_commune, &s.adresse.code_postal);
                counted.located.insert(s.id_technique, territory);
            }
        }
        // One that nobody knows is looked for once.
        new.into_iter().for_each(|id| {
            counted.located.entry(id).or_default();
        });
        Ok(())
    }

    async fn persons_with_two_numbers(&self, since: Day) -> Result<BTreeSet<String>, Error> {
        let mut all = BTreeSet::new();
        let mut after = String::new();
        while let Some(page) = self.page_of::<DuplicatePairRow>(&mut after).await? {
            all.extend(page.into_iter().flat_map(|pair| [pair.first, pair.second]));
        }
        let mut after = String::new();
        while let Some(page) = self.page_of::<MergedPersonRow>(&mut after).await? {
            let lately = page.into_iter().filter(|merged| parse_iso(&merged.on).is_some_and(|on| on > since));
            all.extend(lately.map(|merged| merged.kept));
        }
        Ok(all)
    }

    async fn count_persons(&self, counted: &mut CountedQuality, alike: &BTreeSet<String>) -> Result<(), Error> {
        let today = self.today();
        let mut after = String::new();
        while let Some(page) = self.page_of::<FollowedPersonRow>(&mut after).await? {
            let numbers: Vec<String> = page.into_iter().map(|row| row.person).collect();
            for some in numbers.chunks(INDICATOR_PERSONS) {
                let mut known = Vec::new();
                for person in persons_or_faults(self.registry(), some).await? {
                    match person {
                        Ok(person) if !person.is_deceased() => known.push(person),
                        Ok(_) => {}
                        Err(_) => counted.faulty += 1,
                    }
                }
                self.plan_contact_questions(&known).await?;
                let mut at = BTreeSet::new();
                for person in &known {
                    at.extend(person.situations().map(|(_, _, s)| s.structure.clone()));
                }
                self.locate(counted, at).await?;
                for person in &known {
                    count_person(counted, person, today, alike.contains(&person.national_id));
                }
            }
        }
        Ok(())
    }

    async fn count_reviews(&self, counted: &mut CountedQuality, since: Day) -> Result<(), Error> {
        let mut after = String::new();
        while let Some(page) = self.page_of::<SituationReviewRow>(&mut after).await? {
            self.locate(counted, page.iter().map(|row| row.structure.clone()).collect()).await?;
            for row in &page {
                let share = one(parse_iso(&row.confirmed_on).is_some_and(|on| on > since));
                counted.count([row.structure.as_str()], &[(QualityIndicator::Reviewed, share)]);
                counted.count_place(&row.structure, 1, share);
            }
        }
        Ok(())
    }

    async fn count_requests(&self, counted: &mut CountedQuality, since: Day) -> Result<(), Error> {
        let since_ms = paris_midnight(since);
        // Numbers begin with the day on which the request was begun (registration §6.1).
        let begun = plus_months(self.today(), -INDICATOR_BEGUN_MONTHS);
        let mut after = format!("P{:04}{:02}{:02}", begun.year(), begun.month(), begun.day());
        while let Some(page) = self.page_of::<RequestRow>(&mut after).await? {
            let decided = |row: &&RequestRow| {
                let state = RequestState::parse(&row.state);
                row.state_ms >= since_ms && matches!(state, Some(RequestState::S40 | RequestState::S50 | RequestState::S51))
            };
            let decided: Vec<&RequestRow> = page.iter().filter(decided).collect();
            self.locate(counted, decided.iter().map(|row| row.structure.clone()).collect()).await?;
            for row in decided {
                let accepted = row.state == RequestState::S40.code();
                let structure = [row.structure.as_str()];
                let territories = counted.count(structure, &[(QualityIndicator::Refusals, one(!accepted))]);
                if !accepted {
                    continue;
                }
                if row.kind == RequestKind::Primo.code()
                    && let Some(completed_ms) = row.completed_ms
                {
                    let hours = u32::try_from((completed_ms - row.begun_ms).max(0) / HOUR_MS).unwrap_or(u32::MAX);
                    counted.whole.delays.push(hours);
                    for territory in territories {
                        counted.territories.entry(territory).or_default().delays.push(hours);
                    }
                } else if row.kind == RequestKind::Fin.code()
                    && let Some(closing) = self.opened(row)?.closing_values
                    && let Some(end) = parse_iso(&closing.end)
                {
                    let late = paris_day(row.begun_ms) > end;
                    counted.count(structure, &[(QualityIndicator::LateClosures, one(late))]);
                }
            }
        }
        Ok(())
    }

    async fn count_surveys(&self, counted: &mut CountedQuality) -> Result<(), Error> {
        let mut after = String::new();
        while let Some(page) = self.page_of::<SurveyAnswerRow>(&mut after).await? {
            for row in page {
                let territory = counted.territories.entry(row.territory).or_default();
                for (indicator, yes) in [(QualityIndicator::Informed, row.informed), (QualityIndicator::RoleExact, row.exact)] {
                    territory.add(indicator, one(yes));
                    counted.whole.add(indicator, one(yes));
                }
            }
        }
        Ok(())
    }

    async fn count_deliveries(&self, counted: &mut CountedQuality, since: Day) -> Result<(), Error> {
        // Keys begin with the instant at which the message was written.
        let mut after = format!("{:014}", paris_midnight(since));
        while let Some(page) = self.page_of::<DeliveryRow>(&mut after).await? {
            let ended = |row: &&DeliveryRow| row.channel == "mail" && row.state != "queued";
            let mails: Vec<&DeliveryRow> = page.iter().filter(ended).collect();
            let requests: BTreeSet<&str> = mails.iter().map(|row| row.request.as_str()).filter(|n| !n.is_empty()).collect();
            let places: Vec<(&str, &str)> = requests.iter().map(|number| (RequestRow::KIND, *number)).collect();
            let mut structures: BTreeMap<String, String> = BTreeMap::new();
            for row in self.registry().identity_rows_at(&places).await?.iter().flatten() {
                let row: VersionedRow<RequestRow> = VersionedRow::of(row)?;
                structures.insert(row.value.number, row.value.structure);
            }
            self.locate(counted, structures.values().cloned().collect()).await?;
            for row in mails {
                let at = structures.get(&row.request).map(String::as_str).unwrap_or_default();
                counted.count([at], &[(QualityIndicator::Bounces, one(matches!(row.state.as_str(), "bounced" | "lost")))]);
            }
        }
        Ok(())
    }
}

fn count_person(counted: &mut CountedQuality, person: &RegisteredPerson, today: Day, has_two_numbers: bool) {
    let standing: Vec<&annuaire_mos::SituationExercice> =
        person.situations().map(|(_, _, s)| s).filter(|s| state_of(s, today) == SituationState::Active).collect();
    if standing.is_empty() {
        return;
    }
    counted.persons += 1;
    let (certified, complete) = (one(person.is_certified()), completeness(person, &standing));
    let shares = [
        (QualityIndicator::Certified, certified),
        (QualityIndicator::Duplicates, one(has_two_numbers)),
        (QualityIndicator::Completeness, complete),
    ];
    counted.count(standing.iter().map(|s| s.structure.as_str()), &shares);
    let stated_here = |s: &annuaire_mos::SituationExercice| {
        let facet = Facet::Situation { id: s.id_situation_exercice.clone() }.to_string();
        person.facts.iter().any(|fact| fact.key.facet == facet && fact.key.owner.starts_with(LOCAL))
    };
    let own: BTreeSet<&str> = standing.iter().filter(|s| stated_here(s)).map(|s| s.structure.as_str()).collect();
    for structure in own {
        counted.count_place(structure, 0, certified);
        counted.count_place(structure, 2, complete);
    }
}
