//! People and structures that fit what was typed, in the order in which a person wants them.

use annuaire_fhir::schema::{FAMILY_END, ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE, params};
use annuaire_index::{Error, Filter, RoaringBitmap, Row, Snapshot};
use annuaire_terms::{ParamId, TypeId};

use crate::limits;
use crate::located::{practising_at, structures_in};
use crate::matching::{COST_MAX, Names, WordMatcher};
use crate::place::Place;
use crate::reading::TypedReading;

const PEOPLE: Names = Names { ty: PRACTITIONER, params: &[params::FAMILY.id, params::GIVEN.id] };
const STRUCTURES: Names = Names { ty: ORGANIZATION, params: &[params::NAME.id] };

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Question<'q> {
    /// Ways to read the words that were typed; none when none were typed.
    pub readings: &'q [TypedReading],
    /// Place that was asked for beside them: any of these.
    pub places: &'q [Place],
    /// Conditions on practices that were chosen.
    pub of_people: Vec<Filter>,
    /// Conditions on structures that were chosen.
    pub of_structures: Vec<Filter>,
    /// Only names as they were typed.
    pub is_literal: bool,
}

/// How well the best of what was found fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Its whole name was typed.
    WholeName,
    /// All its words were typed.
    Words,
    /// Beginnings of its words were typed, or no name at all.
    Beginnings,
    /// It sounds or is spelt nearly so.
    Near,
    /// Nothing was found.
    Nothing,
}

/// What was found of one type, in order.
#[derive(Debug, Clone)]
pub struct Listing {
    names: Names,
    /// Rows to list one group after the other, each in the stored order from a beginning on.
    groups: Vec<(RoaringBitmap, String)>,
    /// Rows with names as they were typed.
    pub literal: u64,
    /// Further rows, with names near to what was typed, at most [`limits::NEAR_RESULTS`].
    near: Vec<Row>,
    /// Words that stand for typed words that no name has, as typed and as found.
    pub corrections: Vec<(String, String)>,
    /// How the words were read that found the first of them.
    pub reading: Option<TypedReading>,
    /// How well the first one fits.
    pub fit: Fit,
}

impl Listing {
    fn new(names: Names) -> Self {
        let (groups, near, corrections) = (Vec::new(), Vec::new(), Vec::new());
        Self { names, groups, literal: 0, near, corrections, reading: None, fit: Fit::Nothing }
    }

    /// Nothing of a type.
    #[must_use]
    pub fn none(ty: TypeId) -> Self {
        Self::new(if ty == PRACTITIONER { PEOPLE } else { STRUCTURES })
    }

    /// Rows of a type that were found by something else than a name.
    #[must_use]
    pub fn of_rows(ty: TypeId, rows: &RoaringBitmap) -> Self {
        let mut listing = Self::none(ty);
        listing.add(rows.clone(), String::new(), None, Fit::WholeName);
        listing
    }

    /// Number of all that was found.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.literal + self.near.len() as u64
    }

    /// All the rows, in the order of the store.
    #[must_use]
    pub fn rows(&self) -> RoaringBitmap {
        let mut all: RoaringBitmap = self.near.iter().map(|row| row.get()).collect();
        self.groups.iter().for_each(|(rows, _)| all |= rows);
        all
    }

    /// The rows after the first `skip`, at most `limit`. Cost: walking the listed names of each group until they are met.
    ///
    /// # Errors
    /// [`Error::Exhausted`], or when the store cannot be read.
    pub fn page(&self, snapshot: &Snapshot, skip: usize, limit: usize) -> Result<Vec<Row>, Error> {
        let (mut skip, mut page) = (skip, Vec::new());
        for (rows, beginning) in &self.groups {
            let count = usize::try_from(rows.len()).unwrap_or(usize::MAX);
            if skip >= count {
                skip -= count;
                continue;
            }
            page.extend(listed(snapshot, self.names, rows, beginning, skip, limit - page.len())?);
            skip = 0;
            if page.len() >= limit {
                return Ok(page);
            }
        }
        page.extend(self.near.iter().skip(skip).take(limit - page.len()));
        Ok(page)
    }

    fn add(&mut self, rows: RoaringBitmap, beginning: String, reading: Option<&TypedReading>, fit: Fit) {
        if rows.is_empty() {
            return;
        }
        self.literal += rows.len();
        self.fit = self.fit.min(fit);
        if self.reading.is_none() {
            self.reading = reading.cloned();
        }
        self.groups.push((rows, beginning));
    }

    fn is_enough(&self) -> bool {
        self.total() >= limits::ENOUGH
    }
}

/// Practices of people that fit a question, the best first.
///
/// # Errors
/// [`Error::Exhausted`], or when the store cannot be read.
pub fn people(snapshot: &Snapshot, question: &Question<'_>) -> Result<Listing, Error> {
    let eligible = |reading: &TypedReading| {
        let mut all = vec![active(params::ACTIVE.id)];
        all.extend(question.of_people.iter().cloned());
        all.extend(reading.concept.iter().map(|concept| any_code(&concept.codes)));
        snapshot.search(PRACTITIONER, &Filter::And(all))
    };
    let in_place = |rows: RoaringBitmap, reading: &TypedReading| {
        let places = places_of(question, reading);
        if places.is_empty() || rows.is_empty() {
            return Ok(rows);
        }
        let there = Filter::And(vec![active(params::ACTIVE.id), Filter::Or(places.iter().copied().map(structures_in).collect())]);
        if rows.len() > limits::CANDIDATES {
            return Ok(&*snapshot.search(PRACTITIONER, &practising_at(there))? & rows);
        }
        let there = snapshot.search(ORGANIZATION, &there)?;
        let mut kept = RoaringBitmap::new();
        for row in &rows {
            if practises_at(snapshot, Row::new(row), &there)? {
                kept.insert(row);
            }
        }
        Ok(kept)
    };
    find(snapshot, PEOPLE, question, &eligible, &in_place)
}

/// Structures that fit a question, the best first.
///
/// # Errors
/// [`Error::Exhausted`], or when the store cannot be read.
pub fn structures(snapshot: &Snapshot, question: &Question<'_>) -> Result<Listing, Error> {
    // Structures have no profession: words that name one must be in the name of the structure.
    let without_concept: Vec<TypedReading> =
        question.readings.iter().filter(|reading| reading.concept.is_none()).cloned().collect();
    let question = &Question { readings: &without_concept, ..question.clone() };
    let eligible = |reading: &TypedReading| {
        let mut all = vec![active(params::ACTIVE.id)];
        all.extend(question.of_structures.iter().cloned());
        let places = places_of(question, reading);
        if !places.is_empty() {
            all.push(Filter::Or(places.iter().copied().map(structures_in).collect()));
        }
        snapshot.search(ORGANIZATION, &Filter::And(all))
    };
    find(snapshot, STRUCTURES, question, &eligible, &|rows, _| Ok(rows))
}

/// The place that was asked for; else the one that the words name.
fn places_of<'q>(question: &Question<'q>, reading: &'q TypedReading) -> Vec<&'q Place> {
    match &reading.place {
        Some(place) if question.places.is_empty() => vec![place],
        _ => question.places.iter().collect(),
    }
}

type Eligible<'f> = &'f dyn Fn(&TypedReading) -> Result<std::sync::Arc<RoaringBitmap>, Error>;
type InPlace<'f> = &'f dyn Fn(RoaringBitmap, &TypedReading) -> Result<RoaringBitmap, Error>;

fn find(
    snapshot: &Snapshot,
    names: Names,
    question: &Question<'_>,
    eligible: Eligible<'_>,
    in_place: InPlace<'_>,
) -> Result<Listing, Error> {
    let mut listing = Listing::new(names);
    let unnamed = [TypedReading::default()];
    let readings = if question.readings.is_empty() { &unnamed[..] } else { question.readings };
    // All words as a name come first when a name has them all as typed: somebody may be called like a town.
    let (name_alone, others) = readings.split_last().map_or((None, readings), |(last, others)| (Some(last), others));
    for reading in name_alone.into_iter().chain(others.iter()) {
        let is_name_alone = name_alone.is_some_and(|alone| std::ptr::eq(alone, reading));
        add_exact(snapshot, names, reading, eligible, in_place, &mut listing)?;
        if !listing.is_enough() && (!is_name_alone || others.is_empty()) {
            add_beginnings(snapshot, names, reading, eligible, in_place, &mut listing)?;
        }
        if listing.is_enough() {
            return Ok(listing);
        }
    }
    if let Some(alone) = name_alone.filter(|_| !others.is_empty()) {
        add_beginnings(snapshot, names, alone, eligible, in_place, &mut listing)?;
    }
    if question.is_literal || listing.is_enough() {
        return Ok(listing);
    }
    for reading in readings.iter().filter(|reading| !reading.name.is_empty()) {
        add_near(snapshot, names, reading, eligible, in_place, &mut listing)?;
        if listing.is_enough() {
            break;
        }
    }
    Ok(listing)
}

/// Adds the rows whose names have the words as they were typed: whole names first, then those with all the words; all eligible rows when
/// no name was typed.
fn add_exact(
    snapshot: &Snapshot,
    names: Names,
    reading: &TypedReading,
    eligible: Eligible<'_>,
    in_place: InPlace<'_>,
    listing: &mut Listing,
) -> Result<(), Error> {
    let eligible = eligible(reading)?;
    let required = reading.required();
    if required.is_empty() {
        let rows = in_place((*eligible).clone(), reading)? - listing.rows();
        listing.add(rows, String::new(), Some(reading), Fit::Beginnings);
        return Ok(());
    }
    let mut exact = WordMatcher::new(snapshot, names, &required, &eligible).exact()?;
    for glued in glued_pairs(&reading.name) {
        let words: Vec<&str> = glued.iter().map(String::as_str).collect();
        exact |= WordMatcher::new(snapshot, names, &words, &eligible).exact()?;
    }
    let exact = in_place(exact, reading)? - listing.rows();
    let mut rest = exact.clone();
    for phrase in phrases(names, &reading.name) {
        let whole = Filter::Folded { param: names.params[0], value: phrase.clone() };
        let rows = &rest & &*snapshot.search(names.ty, &whole)?;
        rest -= &rows;
        let beginning = if names.ty == PRACTITIONER { format!("{phrase}{FAMILY_END}") } else { phrase };
        listing.add(rows, beginning, Some(reading), Fit::WholeName);
    }
    if names.ty == PRACTITIONER {
        // A word of the family name before a given name.
        let mut of_family = RoaringBitmap::new();
        for word in &required {
            let word = Filter::Word { param: names.params[0], word: (*word).to_owned() };
            of_family |= &*snapshot.search(names.ty, &word)?;
        }
        let of_family = &rest & of_family;
        rest -= &of_family;
        listing.add(of_family, String::new(), Some(reading), Fit::Words);
    }
    listing.add(rest, String::new(), Some(reading), Fit::Words);
    Ok(())
}

/// Adds the rows whose names have words that begin as they were typed.
fn add_beginnings(
    snapshot: &Snapshot,
    names: Names,
    reading: &TypedReading,
    eligible: Eligible<'_>,
    in_place: InPlace<'_>,
    listing: &mut Listing,
) -> Result<(), Error> {
    let required = reading.required();
    if required.is_empty() {
        return Ok(());
    }
    let eligible = eligible(reading)?;
    let literal = WordMatcher::new(snapshot, names, &required, &eligible).literal()?;
    let literal = in_place(literal, reading)? - listing.rows();
    listing.add(literal, String::new(), Some(reading), Fit::Beginnings);
    Ok(())
}

/// Adds rows whose names are near the typed words, the nearest first, until there are enough.
fn add_near(
    snapshot: &Snapshot,
    names: Names,
    reading: &TypedReading,
    eligible: Eligible<'_>,
    in_place: InPlace<'_>,
    listing: &mut Listing,
) -> Result<(), Error> {
    let eligible = eligible(reading)?;
    let required = reading.required();
    let mut matcher = WordMatcher::new(snapshot, names, &required, &eligible);
    for cost in 1..=COST_MAX {
        let mut rows = matcher.within(cost)?;
        rows -= listing.rows();
        let rows = in_place(rows, reading)?;
        if rows.is_empty() {
            continue;
        }
        listing.reading.get_or_insert_with(|| reading.clone());
        listing.fit = listing.fit.min(Fit::Near);
        let room = limits::NEAR_RESULTS - listing.near.len();
        listing.near.extend(listed(snapshot, names, &rows, "", 0, room)?);
        if listing.is_enough() {
            break;
        }
    }
    if listing.corrections.is_empty() {
        listing.corrections = matcher.corrections();
    }
    Ok(())
}

/// Rows in the order in which they are listed. A few are read, many are met by walking the listed texts.
fn listed(
    snapshot: &Snapshot,
    names: Names,
    rows: &RoaringBitmap,
    beginning: &str,
    skip: usize,
    limit: usize,
) -> Result<Vec<Row>, Error> {
    if rows.len() > limits::READ && beginning.is_empty() || !beginning.is_empty() && names.ty == PRACTITIONER {
        return snapshot.listed(names.ty, rows, beginning, skip, limit);
    }
    let mut keyed = Vec::new();
    for row in rows.iter().map(Row::new).take(usize::try_from(limits::READ).unwrap_or(usize::MAX)) {
        keyed.push((crate::listed_name::of(&snapshot.read(row)?), row));
    }
    keyed.sort();
    Ok(keyed.into_iter().map(|(_, row)| row).skip(skip).take(limit).collect())
}

/// Whether a practice has a situation at one of these structures.
fn practises_at(snapshot: &Snapshot, practice: Row, structures: &RoaringBitmap) -> Result<bool, Error> {
    let target = format!("Practitioner/{}", snapshot.read(practice)?.id());
    let roles = snapshot.search(PRACTITIONER_ROLE, &Filter::Reference { param: params::PRACTITIONER.id, target })?;
    for role in roles.iter().map(Row::new) {
        for (param, target) in snapshot.read(role)?.references()? {
            if param == params::ORGANIZATION.id
                && let Some(id) = target.strip_prefix("Organization/")
                && let Some(structure) = snapshot.current(ORGANIZATION, id)?
                && structures.contains(structure.row.get())
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Names of words that may be written as one: each pair of neighbours glued, the others required as they are.
fn glued_pairs(name: &[String]) -> Vec<Vec<String>> {
    let glued = |at: usize| {
        let mut words: Vec<String> = Vec::new();
        words.extend(name[..at].iter().filter(|word| !annuaire_base::words::is_little(word)).cloned());
        words.push(name[at..at + 2].concat());
        words.extend(name[at + 2..].iter().filter(|word| !annuaire_base::words::is_little(word)).cloned());
        words
    };
    (0..name.len().saturating_sub(1)).take(limits::GLUED).map(glued).collect()
}

/// Texts that the whole name of a row may be: for people any words in a row may be the family name, the longest first; for structures
/// all of them.
fn phrases(names: Names, name: &[String]) -> Vec<String> {
    if names.ty != PRACTITIONER {
        return vec![name.join(" ")];
    }
    let longest = name.len().min(limits::FAMILY_WORDS);
    let of_length = |length: usize| name.windows(length).map(|words| words.join(" "));
    (1..=longest).rev().flat_map(of_length).collect()
}

fn active(param: ParamId) -> Filter {
    Filter::Token { param, system: None, code: Some("true".to_owned()) }
}

/// Practices with one of these professions or specialties.
#[must_use]
pub fn any_code(codes: &[(String, String)]) -> Filter {
    let code = |(system, code): &(String, String)| Filter::Token {
        param: params::QUALIFICATION_CODE.id,
        system: Some(system.clone()),
        code: Some(code.clone()),
    };
    Filter::Or(codes.iter().map(code).collect())
}
