//! Queries for structures.

use annuaire_testkit::Dice;

use super::draft::{GoldDraft, MOST_ANSWERS};
use super::nation::{GoldNation, KnownStructure};
use super::people_kinds::{one_word, spaced, typed, typed_town};
use super::respelling::respelt;
use super::slips::{FingerSlip, slipped};
use super::spelling::{LITTLE_WORDS, plain, squeezed, telling_words, unaccented};

/// A structure of the nation: half of the draws are of FINESS, which are fewer than private practices.
fn one<'n>(nation: &'n GoldNation, dice: &mut Dice) -> Option<&'n KnownStructure> {
    let finess = dice.once_in(2);
    for _ in 0..50 {
        let at = usize::try_from(dice.below(nation.structures.len() as u64)).ok()?;
        let structure = nation.structures.get(at)?;
        if structure.finess.is_empty() != finess {
            return Some(structure);
        }
    }
    None
}

/// Pages of those among `found` that fulfil `also`.
fn pages(nation: &GoldNation, found: &[usize], also: impl Fn(&KnownStructure) -> bool) -> Vec<String> {
    let right = found.iter().map(|at| &nation.structures[*at]).filter(|structure| also(structure));
    right.map(|structure| format!("structure/{}", structure.technical_id)).collect()
}

/// A query by a name alone, as it is typed; all that have the true name answer it. Refused when others have the typed one.
fn by_name(nation: &GoldNation, structure: &KnownStructure, q: String) -> Option<GoldDraft> {
    let others = nation.structures_named(&q);
    let same = |at: &usize| telling_words(&nation.structures[*at].name) == telling_words(&structure.name);
    if !others.is_empty() && !others.iter().any(same) {
        return None;
    }
    let answers = pages(nation, nation.structures_named(&structure.name), |_| true);
    Some(GoldDraft { q, ou: String::new(), answers })
}

pub(crate) fn exact(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    by_name(nation, structure, typed(&structure.name, dice))
}

pub(crate) fn without_little_words(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    let q = telling_words(&structure.name);
    if q == plain(&structure.name) {
        return None;
    }
    by_name(nation, structure, q)
}

pub(crate) fn other_little_words(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    let words = plain(&structure.name);
    let others = ["de", "du", "des", "de la", "les", "et"];
    let changed: Vec<&str> =
        words.split(' ').map(|word| if LITTLE_WORDS.contains(&word) { *dice.pick(&others) } else { word }).collect();
    let q = changed.join(" ");
    if q == words { None } else { by_name(nation, structure, q) }
}

pub(crate) fn without_last_word(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    let words = typed(&structure.name, dice);
    let (q, last) = words.rsplit_once(' ')?;
    if last.is_empty() || telling_words(q).split(' ').count() < 2 {
        return None;
    }
    let found = nation.structures_beginning(q, MOST_ANSWERS);
    if !found.is_empty() && found.len() <= MOST_ANSWERS {
        return Some(GoldDraft { q: q.to_owned(), ou: String::new(), answers: pages(nation, &found, |_| true) });
    }
    // Too many begin so: the town tells which is meant.
    let town = structure.town.as_ref()?;
    let all = nation.structures_beginning(q, nation.structures.len());
    let answers = pages(nation, &all, |other| is_in(other, &town.name));
    Some(GoldDraft { q: q.to_owned(), ou: typed_town(&town.name, dice), answers })
}

pub(crate) fn slip(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    let slips = [FingerSlip::Neighbour, FingerSlip::Transposed, FingerSlip::Missing, FingerSlip::Doubled, FingerSlip::Extra];
    let slip = *dice.pick(&slips);
    let q = one_word(&typed(&structure.name, dice), dice, |word, dice| slipped(word, slip, dice))?;
    by_name(nation, structure, q)
}

pub(crate) fn by_sound(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    let letters = |word: &str, dice: &mut Dice| {
        if word.bytes().all(|b| b.is_ascii_lowercase()) { respelt(word, dice) } else { None }
    };
    by_name(nation, structure, one_word(&unaccented(&structure.name), dice, letters)?)
}

pub(crate) fn shuffled(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    let words = typed(&structure.name, dice);
    let (first, rest) = words.split_once(' ')?;
    by_name(nation, structure, format!("{rest} {first}"))
}

fn is_in(structure: &KnownStructure, town: &str) -> bool {
    structure.town.as_ref().is_some_and(|known| squeezed(&known.name) == squeezed(town))
}

fn in_town(nation: &GoldNation, dice: &mut Dice, apart: bool) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    let town = structure.town.as_ref()?;
    let answers = pages(nation, nation.structures_named(&structure.name), |other| is_in(other, &town.name));
    let (name, said) = (typed(&structure.name, dice), typed_town(&town.name, dice));
    let (q, ou) = if apart { (name, said) } else { (format!("{name} {said}"), String::new()) };
    Some(GoldDraft { q, ou, answers })
}

pub(crate) fn town_apart(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    in_town(nation, dice, true)
}

pub(crate) fn town_inside(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    in_town(nation, dice, false)
}

/// A query for one structure alone.
fn number(structure: &KnownStructure, q: String) -> Option<GoldDraft> {
    let answers = vec![format!("structure/{}", structure.technical_id)];
    (!q.is_empty()).then_some(GoldDraft { q, ou: String::new(), answers })
}

pub(crate) fn finess(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    number(structure, spaced(&structure.finess, &[2, 3, 3], dice))
}

pub(crate) fn siret(nation: &GoldNation, dice: &mut Dice) -> Option<GoldDraft> {
    let structure = one(nation, dice)?;
    number(structure, spaced(&structure.siret, &[3, 3, 3], dice))
}
