//! Practices of people that may be the person that somebody described, the likeliest first.

use annuaire_base::words::words;
use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE, params};
use annuaire_index::{Error, Filter, RoaringBitmap, Row, Snapshot, Version};
use serde_json::Value;

use crate::limits;
use crate::located::practising_at;
use crate::matching::{COST_MAX, Names, WordMatcher};
use crate::reading::required;
use crate::resemblance::{AddressTraits, ComparedFeature, MatchGrade, PersonTraits, compare, score};

const FAMILY: Names = Names { ty: PRACTITIONER, params: &[params::FAMILY.id] };
const GIVEN: Names = Names { ty: PRACTITIONER, params: &[params::GIVEN.id] };

/// A practice that may be the person that was described.
#[derive(Debug)]
pub struct ScoredPractice {
    /// The version of the Practitioner.
    pub version: Version,
    /// Thousandths, the sum of the weights of `compared`.
    pub score: u32,
    /// How sure that is.
    pub grade: MatchGrade,
    /// Why: one line for each feature of the description.
    pub compared: Vec<ComparedFeature>,
}

/// Whether a description says enough to look for somebody: a number, or a name with letters.
#[must_use]
pub fn can_be_looked_for(described: &PersonTraits) -> bool {
    !described.identifiers.is_empty() || !words(&described.family).is_empty() || !words(&described.given).is_empty()
}

/// Practices that possibly are the person that was described, the likeliest first, then by id. At most [`limits::SCORED`] are read and
/// scored: those with a number of the description, then those with names nearest to its names; of more of one nearness, those of its
/// profession and its place first. Cost: look-ups of words by spelling and sound, then a read for each practice, and for each of its
/// situations when the description has a place.
///
/// # Errors
/// [`Error::Exhausted`], or when the store cannot be read.
pub fn scored_practices(snapshot: &Snapshot, described: &PersonTraits) -> Result<Vec<ScoredPractice>, Error> {
    let mut found = Vec::new();
    for row in candidates(snapshot, described)? {
        let version = snapshot.read(row)?;
        let traits = traits_of(snapshot, &version, !described.places.is_empty())?;
        let compared = compare(described, &traits);
        let score = score(&compared);
        let grade = MatchGrade::of(score);
        if grade != MatchGrade::CertainlyNot {
            found.push(ScoredPractice { version, score, grade, compared });
        }
    }
    found.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.version.id().cmp(b.version.id())));
    Ok(found)
}

/// Rows to score, in the order of the store within each nearness.
fn candidates(snapshot: &Snapshot, described: &PersonTraits) -> Result<Vec<Row>, Error> {
    let active = Filter::Token { param: params::ACTIVE.id, system: None, code: Some("true".to_owned()) };
    let eligible = snapshot.search(PRACTITIONER, &active)?;
    let mut chosen = RowsToScore { rows: Vec::new(), seen: RoaringBitmap::new() };
    if !described.identifiers.is_empty() {
        let number = |(system, value): &(String, String)| Filter::Token {
            param: params::IDENTIFIER.id,
            system: (!system.is_empty()).then(|| system.clone()),
            code: Some(value.clone()),
        };
        let numbered = Filter::Or(described.identifiers.iter().map(number).collect());
        chosen.add(&(&*snapshot.search(PRACTITIONER, &numbered)? & &*eligible));
    }
    let (family, given) = (first_words(&described.family), first_words(&described.given));
    let (family, given) = (required(&family), required(&given));
    let narrower = Narrower { snapshot, described };
    let mut of_family = WordMatcher::new(snapshot, FAMILY, &family, &eligible);
    let mut of_given = WordMatcher::new(snapshot, GIVEN, &given, &eligible);
    if !family.is_empty() && !given.is_empty() {
        for cost in 0..=COST_MAX {
            if chosen.is_full() {
                return Ok(chosen.rows);
            }
            narrower.add(of_family.within(cost)? & of_given.within(cost)?, &mut chosen)?;
        }
    }
    // One of the names may be wrong or missing; the given name alone is looked for only when there is no other.
    let alone = if family.is_empty() { (!given.is_empty()).then_some(&mut of_given) } else { Some(&mut of_family) };
    if let Some(matcher) = alone {
        for cost in 0..=COST_MAX {
            if chosen.is_full() {
                break;
            }
            narrower.add(matcher.within(cost)?, &mut chosen)?;
        }
    }
    Ok(chosen.rows)
}

fn first_words(name: &str) -> Vec<String> {
    let mut all = words(name);
    all.truncate(limits::WORDS);
    all
}

/// Rows that will be scored.
struct RowsToScore {
    rows: Vec<Row>,
    seen: RoaringBitmap,
}

impl RowsToScore {
    fn room(&self) -> usize {
        limits::SCORED - self.rows.len()
    }

    fn is_full(&self) -> bool {
        self.room() == 0
    }

    fn add(&mut self, rows: &RoaringBitmap) {
        let new: Vec<u32> = (rows - &self.seen).iter().take(self.room()).collect();
        self.seen.extend(new.iter().copied());
        self.rows.extend(new.into_iter().map(Row::new));
    }
}

/// Prefers the practices of the described profession and place when there are too many.
struct Narrower<'a> {
    snapshot: &'a Snapshot,
    described: &'a PersonTraits,
}

impl Narrower<'_> {
    fn add(&self, rows: RoaringBitmap, chosen: &mut RowsToScore) -> Result<(), Error> {
        let new = rows - &chosen.seen;
        if new.len() > chosen.room() as u64 {
            let of_profession = self.of_profession()?;
            let there = self.in_place()?;
            if let (Some(of_profession), Some(there)) = (&of_profession, &there) {
                chosen.add(&(&(&new & of_profession) & there));
            }
            for narrow in [of_profession, there].into_iter().flatten() {
                chosen.add(&(&new & narrow));
            }
        }
        chosen.add(&new);
        Ok(())
    }

    fn of_profession(&self) -> Result<Option<RoaringBitmap>, Error> {
        if self.described.professions.is_empty() {
            return Ok(None);
        }
        let without_system = |(system, code): &(String, String)| Filter::Token {
            param: params::QUALIFICATION_CODE.id,
            system: (!system.is_empty()).then(|| system.clone()),
            code: Some(code.clone()),
        };
        let any = Filter::Or(self.described.professions.iter().map(without_system).collect());
        Ok(Some((*self.snapshot.search(PRACTITIONER, &any)?).clone()))
    }

    fn in_place(&self) -> Result<Option<RoaringBitmap>, Error> {
        let Some(place) = self.described.places.first() else { return Ok(None) };
        let postal = place.postal.split_whitespace().collect::<String>();
        let mut all = Vec::new();
        if !postal.is_empty() {
            all.push(Filter::Folded { param: params::ADDRESS_POSTALCODE.id, value: postal });
        }
        if !words(&place.city).is_empty() {
            all.push(Filter::Prefix { param: params::ADDRESS_CITY.id, value: place.city.clone() });
        }
        if all.is_empty() {
            return Ok(None);
        }
        Ok(Some((*self.snapshot.search(PRACTITIONER, &practising_at(Filter::Or(all)))?).clone()))
    }
}

/// What is compared of a practice, out of its JSON; of its places, those of the structures of its situations.
fn traits_of(snapshot: &Snapshot, version: &Version, with_places: bool) -> Result<PersonTraits, Error> {
    let body: Value = serde_json::from_slice(version.body()).unwrap_or_default();
    let mut traits = described_by(&body);
    traits.places = if with_places { places_of(snapshot, version.id())? } else { Vec::new() };
    Ok(traits)
}

/// What is compared of a Practitioner in JSON, partial or whole: identifiers, the first name with a family or given name, codes of
/// qualifications, addresses. Other members are passed over.
#[must_use]
pub fn described_by(practitioner: &Value) -> PersonTraits {
    let text = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().trim().to_owned();
    let list = |value: &Value, member: &str| value[member].as_array().cloned().unwrap_or_default();
    let coded = |all: Vec<Value>, code: &str| -> Vec<(String, String)> {
        all.iter().map(|one| (text(one, "system"), text(one, code))).filter(|(_, code)| !code.is_empty()).collect()
    };
    let named = |name: &Value| {
        let given: Vec<String> = list(name, "given").iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect();
        let (family, given) = (text(name, "family"), given.join(" "));
        (!words(&family).is_empty() || !words(&given).is_empty()).then_some((family, given))
    };
    let (family, given) = list(practitioner, "name").iter().find_map(named).unwrap_or_default();
    let codings = list(practitioner, "qualification").iter().flat_map(|one| list(&one["code"], "coding")).collect();
    let addresses = list(practitioner, "address");
    let places = addresses.iter().map(|one| AddressTraits { postal: text(one, "postalCode"), city: text(one, "city") });
    PersonTraits {
        identifiers: coded(list(practitioner, "identifier"), "value"),
        family,
        given,
        professions: coded(codings, "code"),
        places: places.filter(|place| !place.postal.is_empty() || !words(&place.city).is_empty()).collect(),
    }
}

/// Postal codes and towns of the structures where a practice has a situation.
fn places_of(snapshot: &Snapshot, practice: &str) -> Result<Vec<AddressTraits>, Error> {
    let target = format!("Practitioner/{practice}");
    let roles = snapshot.search(PRACTITIONER_ROLE, &Filter::Reference { param: params::PRACTITIONER.id, target })?;
    let mut places = Vec::new();
    for role in roles.iter().map(Row::new).take(limits::SCORED_PLACES) {
        for (param, target) in snapshot.references(role)? {
            if param == params::ORGANIZATION.id
                && let Some(id) = target.strip_prefix("Organization/")
                && let Some(structure) = snapshot.current(ORGANIZATION, id)?
            {
                let body: Value = serde_json::from_slice(structure.body()).unwrap_or_default();
                places.extend(described_by(&body).places);
            }
        }
    }
    Ok(places)
}
