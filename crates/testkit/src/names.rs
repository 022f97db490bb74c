//! Names of a fictional population: frequent ones, thousands composed of syllables, particles, hyphens, accents.
//!
//! A name takes one draw, or two when it is double, whatever the lists hold: other facts of a person do not move when a list grows.

use crate::dice::Dice;
use crate::{family_names, given_names};
use std::borrow::Cow;
use std::sync::LazyLock;

const FIRST: &[&str] = &[
    "BAR", "BEL", "BER", "BOU", "BRI", "CAM", "CHA", "COR", "DEL", "DES", "DU", "FA", "FER", "FON", "FRA", "GAL", "GAR", "GRI",
    "HA", "JAC", "JOU", "LAC", "LAN", "LAR", "LE", "MAL", "MAR", "MEN", "MON", "NOR", "PAR", "PEL", "PER", "POI", "RAV", "REN",
    "ROC", "SAL", "SEG", "TAR", "TER", "TRE", "VAL", "VER", "VIL",
];
const MIDDLE: &[&str] = &[
    "A", "AN", "AR", "BE", "CE", "CHE", "DE", "DI", "ELI", "FRE", "GE", "I", "LA", "LI", "MA", "NE", "O", "OUR", "QUE", "RI",
    "SI", "TE", "TI", "U", "VI",
];
const LAST: &[&str] = &[
    "AUD", "AULT", "BERT", "CHON", "DIER", "EAU", "EL", "ÈRE", "ET", "EZ", "GNE", "IER", "IN", "LET", "LON", "MAND", "NARD",
    "NET", "OIS", "ON", "OT", "RAND", "RÉ", "SKI", "TIER", "VAL",
];
/// Given names that begin a composed one.
const BEFORE_HYPHEN: [&[&str]; 2] = [
    &["JEAN", "PIERRE", "PAUL", "LOUIS", "CHARLES", "FRANÇOIS", "MARC", "HENRI", "ABDEL", "YVES"],
    &["MARIE", "ANNE", "ROSE", "ÈVE", "LOU", "JEANNE", "MARIE", "ANNE"],
];
/// Given names that end a composed one.
const AFTER_HYPHEN: usize = 70;
/// The head of family names is so flat: the first has one in two hundred people, as in the whole of France.
const FLAT_FAMILY: f64 = 30.0;
/// The head of given names is so flat: the first has one in a hundred and thirty people.
const FLAT_GIVEN: f64 = 15.0;

static FREQUENT: LazyLock<Vec<&str>> = LazyLock::new(|| family_names::FREQUENT.split(',').collect());
/// Men, women.
static GIVEN: LazyLock<[Vec<&str>; 2]> =
    LazyLock::new(|| [given_names::MEN, given_names::WOMEN].map(|names| names.split(',').collect()));

fn single(dice: &mut Dice) -> String {
    let composed = FIRST.len() * MIDDLE.len() * LAST.len();
    let rank = dice.flattened_zipf((FREQUENT.len() + composed) as u64, FLAT_FAMILY);
    let rank = usize::try_from(rank).unwrap_or(0);
    if let Some(name) = FREQUENT.get(rank) {
        return (*name).to_owned();
    }
    // Neighbouring ranks differ in their first syllable, so that no letter takes all the frequent names.
    let n = rank - FREQUENT.len();
    let (a, b, c) = (n % FIRST.len(), n / FIRST.len() % MIDDLE.len(), n / (FIRST.len() * MIDDLE.len()) % LAST.len());
    format!("{}{}{}", FIRST[a], MIDDLE[b], LAST[c])
}

/// A family name: one in fifteen is double, one in two hundred has a particle.
pub(crate) fn family(dice: &mut Dice) -> String {
    let name = single(dice);
    match dice.below(200) {
        0 => format!("DE {name}"),
        1..=13 => format!("{name}-{}", single(dice)),
        _ => name,
    }
}

/// A given name and whether it is a woman's. One in twelve is composed.
pub(crate) fn given(dice: &mut Dice) -> (Cow<'static, str>, bool) {
    let mut own = Dice::new(dice.draw(), 50, 0);
    let sex = usize::from(own.below(100) < 55);
    let names = &GIVEN[sex];
    let composed = own.once_in(12);
    // Composed names end in a frequent one.
    let choice = if composed { AFTER_HYPHEN.min(names.len()) } else { names.len() };
    let name = names[usize::try_from(own.flattened_zipf(choice as u64, FLAT_GIVEN)).unwrap_or(0)];
    let before = own.pick(BEFORE_HYPHEN[sex]);
    if composed && !name.contains('-') && *before != name {
        return (format!("{before}-{name}").into(), sex == 1);
    }
    (name.into(), sex == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_large_nation_has_a_frequent_head_and_a_long_tail_of_names() {
        let (mut families, mut givens) = (HashMap::<String, u32>::new(), HashMap::<String, u32>::new());
        let n = 200_000;
        for i in 0..n {
            let mut dice = Dice::new(7, 1, i);
            *families.entry(family(&mut dice)).or_default() += 1;
            *givens.entry(given(&mut dice).0.into_owned()).or_default() += 1;
        }
        let most = |names: &HashMap<String, u32>| *names.values().max().unwrap();
        assert!((35_000..48_000).contains(&families.len()), "{} family names", families.len());
        assert!((1_300..2_000).contains(&givens.len()), "{} given names", givens.len());
        assert!((600..1_400).contains(&most(&families)), "{}", most(&families));
        assert!((1_000..3_000).contains(&most(&givens)), "{}", most(&givens));
        let alone = families.values().filter(|n| **n == 1).count();
        assert!(alone > families.len() / 4, "{alone} families of one person");
    }

    #[test]
    fn lists_hold_no_name_twice_and_no_blank() {
        for names in [&*FREQUENT, &GIVEN[0], &GIVEN[1]] {
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), names.len());
            assert!(names.iter().all(|n| !n.is_empty() && n.trim() == *n));
        }
    }
}
