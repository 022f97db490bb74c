//! Indicators of quality (registration §15): counted once a night, read as they were counted. What is kept of territories is what is published;
//! what is kept of a structure is read by its managers alone, beside the median of all authorities.

use crate::acting::CaseActor;
use crate::auditor::AuditorSession;
use crate::error::Error;
use crate::indicator_count::{CountedQuality, PlaceShares, TerritoryCount};
use crate::limits::{PAGE, SCORED_PLACES};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, beginning, read};
use crate::service::{Registration, SystemActor};
use crate::session::{ArbiterSession, ManagerSession, audit_event};
use annuaire_store::{Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::indicators::{
    PublishedFigure, QualityIndicator, QualityShare, authority_score, median_score, published, published_median,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The note of the last night whose count is done.
const NIGHT: (&str, &str) = ("registration", "indicators");
/// Key of the row of the whole country.
const WHOLE: &str = "*";
/// Key of the row of what has no place.
const NOWHERE: &str = "-";
/// Rows of territories that are read at most: all departments, and more.
const TERRITORIES_MAX: usize = 1_000;

/// What is published of a territory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TerritoryQualityRow {
    territory: String,
    counted_on: String,
    /// By code of the indicator.
    shares: BTreeMap<String, KeptFigure>,
    delay: KeptFigure,
    /// Median of the scores of all authorities, in the row of the whole.
    #[serde(default)]
    median_score: Option<u32>,
}

/// A [`PublishedFigure`] in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KeptFigure {
    Nothing,
    Hidden,
    Shown { value: u32, of: u64 },
}

/// What was counted of a structure: part and whole of its certified persons, confirmed situations and filled attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlaceQualityRow {
    structure: String,
    shares: [(u64, u64); 3],
}

impl RegistrationRow for TerritoryQualityRow {
    const KIND: &'static str = "territory-quality";

    fn key(&self) -> String {
        self.territory.clone()
    }
}

impl RegistrationRow for PlaceQualityRow {
    const KIND: &'static str = "place-quality";

    fn key(&self) -> String {
        self.structure.clone()
    }
}

impl From<PublishedFigure> for KeptFigure {
    fn from(figure: PublishedFigure) -> Self {
        match figure {
            PublishedFigure::Nothing => Self::Nothing,
            PublishedFigure::Hidden => Self::Hidden,
            PublishedFigure::Shown { value, of } => Self::Shown { value, of },
        }
    }
}

impl From<KeptFigure> for PublishedFigure {
    fn from(figure: KeptFigure) -> Self {
        match figure {
            KeptFigure::Nothing => Self::Nothing,
            KeptFigure::Hidden => Self::Hidden,
            KeptFigure::Shown { value, of } => Self::Shown { value, of },
        }
    }
}

/// Who reads the indicators.
#[derive(Debug, Clone, Copy)]
pub enum IndicatorReader<'a> {
    /// An auditor.
    Auditor(&'a AuditorSession),
    /// A national arbiter.
    Arbiter(&'a ArbiterSession),
}

/// What a night counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndicatorsRun {
    /// Persons with a situation that stands.
    pub persons: u64,
    /// Structures with situations of their own.
    pub places: u64,
    /// Persons whose facts cannot be merged, who were left out.
    pub faulty: u64,
}

/// The figures of a territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerritoryFigures {
    /// Code of the department; empty for what has no place, and for the whole.
    pub territory: String,
    /// In the order of [`QualityIndicator::ALL`].
    pub shares: Vec<PublishedFigure>,
    /// Hours from the draft to the number, the median.
    pub delay: PublishedFigure,
}

/// All figures of a night.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityReport {
    /// The day of the count.
    pub counted_on: Day,
    /// All territories together.
    pub whole: TerritoryFigures,
    /// Each of them, by code; last what has no place.
    pub territories: Vec<TerritoryFigures>,
}

/// The score of a perimeter beside the median, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoredAuthority {
    /// Of the own perimeter.
    pub own: u32,
    /// Of all authorities; `None` while they are too few.
    pub median: Option<u32>,
}

fn figures_of(row: &TerritoryQualityRow) -> TerritoryFigures {
    let figure = |indicator: QualityIndicator| {
        row.shares.get(indicator.code()).map_or(PublishedFigure::Nothing, |figure| PublishedFigure::from(*figure))
    };
    let is_named = row.territory != WHOLE && row.territory != NOWHERE;
    TerritoryFigures {
        territory: if is_named { row.territory.clone() } else { String::new() },
        shares: QualityIndicator::ALL.into_iter().map(figure).collect(),
        delay: row.delay.into(),
    }
}

/// The rows of a count: each territory, then the whole.
fn rows_of(counted: &mut CountedQuality, counted_on: &str) -> Vec<TerritoryQualityRow> {
    let mut counts: Vec<(String, &mut TerritoryCount)> = Vec::new();
    for (code, count) in &mut counted.territories {
        counts.push((if code.is_empty() { NOWHERE.to_owned() } else { code.clone() }, count));
    }
    let mut rows: Vec<TerritoryQualityRow> = counts
        .iter_mut()
        .map(|(territory, count)| (territory.clone(), published_median(&mut count.delays)))
        .chain([(WHOLE.to_owned(), published_median(&mut counted.whole.delays))])
        .map(|(territory, delay)| TerritoryQualityRow {
            territory,
            counted_on: counted_on.to_owned(),
            shares: BTreeMap::new(),
            delay: delay.into(),
            median_score: None,
        })
        .collect();
    for indicator in QualityIndicator::ALL {
        let shares: Vec<QualityShare> = counts.iter().map(|(_, count)| count.share(indicator)).collect();
        let (figures, whole) = published(&shares, counted.whole.share(indicator));
        for (row, figure) in rows.iter_mut().zip(figures.into_iter().chain([whole])) {
            row.shares.insert(indicator.code().to_owned(), figure.into());
        }
    }
    rows
}

fn shares_of(row: &PlaceQualityRow) -> PlaceShares {
    row.shares.map(|(part, of)| QualityShare { part, of })
}

impl Registration {
    /// Counts the indicators, once for each night, which begins at 3:00 in Paris (registration §13); `None` when that of this night is done. To be
    /// called every minute or so; nodes that do it at once count the same. Cost: that of one walk over what is registered, minutes to a
    /// quarter of an hour for 2 million people; see `count_quality`.
    ///
    /// # Errors
    /// Those of the registry; the night is not done then, and the figures of the former one stand.
    pub async fn run_nightly_indicators(&self, _by: &SystemActor) -> Result<Option<IndicatorsRun>, Error> {
        let night = self.today().to_string();
        if self.registry().note(NIGHT.0, NIGHT.1).await?.is_some_and(|done| done >= night) {
            return Ok(None);
        }
        let mut counted = self.count_quality().await?;
        let mut rows = rows_of(&mut counted, &night);
        let mut scores: Vec<u32> = counted.places.values().filter_map(authority_score).collect();
        if let Some(whole) = rows.last_mut() {
            whole.median_score = median_score(&mut scores);
        }
        self.keep_places(&counted.places).await?;
        let mut writes = PendingWrites::default();
        let mut former: BTreeMap<String, VersionedRow<TerritoryQualityRow>> = BTreeMap::new();
        for kept in beginning::<TerritoryQualityRow>(self.registry(), "", TERRITORIES_MAX).await? {
            former.insert(kept.value.territory.clone(), kept);
        }
        for row in &rows {
            writes.put(row, former.remove(&row.territory).map(|kept| kept.version))?;
        }
        former.values().for_each(|gone| writes.remove(gone));
        writes.note(NIGHT.0, NIGHT.1, night);
        // Another node that counted at once wrote what this one would.
        self.write(writes, &Cause::new(Channel::System, "system", "indicators")).await?;
        let places = u64::try_from(counted.places.len()).unwrap_or(u64::MAX);
        Ok(Some(IndicatorsRun { persons: counted.persons, places, faulty: counted.faulty }))
    }

    /// Writes what changed of the structures, in pages.
    async fn keep_places(&self, places: &BTreeMap<String, PlaceShares>) -> Result<(), Error> {
        let mut left = places.clone();
        let mut after = String::new();
        let cause = Cause::new(Channel::System, "system", "indicators");
        loop {
            let page = self.registry().identity_rows(PlaceQualityRow::KIND, None, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.key);
            let mut writes = PendingWrites::default();
            for row in &page {
                let kept: VersionedRow<PlaceQualityRow> = VersionedRow::of(row)?;
                match left.remove(&kept.value.structure) {
                    None => writes.remove(&kept),
                    Some(shares) if shares != shares_of(&kept.value) => {
                        writes.put(&kept_place(&kept.value.structure, &shares), Some(kept.version))?;
                    }
                    Some(_) => {}
                }
            }
            if !writes.is_empty() {
                self.write(writes, &cause).await?;
            }
        }
        let new: Vec<(String, PlaceShares)> = left.into_iter().collect();
        for some in new.chunks(PAGE as usize) {
            let mut writes = PendingWrites::default();
            for (structure, shares) in some {
                writes.put(&kept_place(structure, shares), None)?;
            }
            self.write(writes, &cause).await?;
        }
        Ok(())
    }

    /// The figures of the last night; `None` before the first one. The read is audited. Cost: a row for each department.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn quality_report(&self, by: IndicatorReader<'_>) -> Result<Option<QualityReport>, Error> {
        self.audit(match by {
            IndicatorReader::Auditor(by) => audit_event(ActorKind::Aud, &by.person, &by.trace, "lire-indicateurs", ""),
            IndicatorReader::Arbiter(by) => CaseActor::arbiter(by).event("lire-indicateurs", ""),
        })
        .await?;
        let rows = beginning::<TerritoryQualityRow>(self.registry(), "", TERRITORIES_MAX).await?;
        let (mut whole, mut nowhere, mut territories) = (None, None, Vec::new());
        for row in rows.into_iter().map(|row| row.value) {
            let figures = figures_of(&row);
            match row.territory.as_str() {
                WHOLE => whole = parse_iso(&row.counted_on).map(|day| (day, figures)),
                NOWHERE => nowhere = Some(figures),
                _ => territories.push(figures),
            }
        }
        territories.extend(nowhere);
        Ok(whole.map(|(counted_on, whole)| QualityReport { counted_on, whole, territories }))
    }

    /// The score of the own perimeter beside the median of all authorities (registration §15): how many persons are certified, situations
    /// confirmed, attributes filled. `None` before the first night, and while there is nothing to count. Cost: a row for each structure of the perimeter
    /// and one more.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn authority_score(&self, by: &ManagerSession) -> Result<Option<ScoredAuthority>, Error> {
        let places = self.places_shown(by).await?;
        let mut shares = PlaceShares::default();
        for some in places.chunks(SCORED_PLACES) {
            let keys: Vec<(&str, &str)> = some.iter().map(|place| (PlaceQualityRow::KIND, place.id.as_str())).collect();
            for row in self.registry().identity_rows_at(&keys).await?.iter().flatten() {
                let row: VersionedRow<PlaceQualityRow> = VersionedRow::of(row)?;
                shares.iter_mut().zip(shares_of(&row.value)).for_each(|(sum, share)| sum.add(share));
            }
        }
        let Some(own) = authority_score(&shares) else { return Ok(None) };
        let whole: Option<VersionedRow<TerritoryQualityRow>> = read(self.registry(), WHOLE).await?;
        Ok(Some(ScoredAuthority { own, median: whole.and_then(|row| row.value.median_score) }))
    }
}

fn kept_place(structure: &str, shares: &PlaceShares) -> PlaceQualityRow {
    PlaceQualityRow { structure: structure.to_owned(), shares: shares.map(|share| (share.part, share.of)) }
}
