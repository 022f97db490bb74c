//! Names as somebody writes them who only heard them: rules of French spelling, each with its weight.

use annuaire_testkit::Dice;

/// Where in a word a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SoundPlace {
    Anywhere,
    Start,
    End,
    /// Before `e`, `i` or `y`.
    BeforeSoft,
    /// Before `a`, `o`, `u`, `l` or `r`.
    BeforeHard,
    BetweenVowels,
    /// Before a consonant.
    BeforeConsonant,
}
use SoundPlace::{Anywhere, BeforeConsonant, BeforeHard, BeforeSoft, BetweenVowels, End, Start};

/// (heard as written here, written so instead, where, weight).
const RULES: &[(&str, &str, SoundPlace, u64)] = &[
    ("ph", "f", Anywhere, 8),
    ("f", "ph", Anywhere, 2),
    ("eau", "o", Anywhere, 4),
    ("eau", "au", Anywhere, 4),
    ("eau", "ot", End, 3),
    ("eau", "ault", End, 2),
    ("ault", "aud", End, 5),
    ("ault", "eau", End, 4),
    ("ault", "aut", End, 5),
    ("ault", "o", End, 3),
    ("aud", "ault", End, 5),
    ("aud", "eau", End, 3),
    ("aud", "aut", End, 3),
    ("ot", "eau", End, 4),
    ("ot", "o", End, 3),
    ("au", "o", BeforeConsonant, 4),
    ("o", "au", BeforeConsonant, 1),
    ("qu", "k", BeforeSoft, 5),
    ("qu", "c", BeforeHard, 2),
    ("c", "k", BeforeHard, 4),
    ("k", "c", BeforeHard, 5),
    ("k", "qu", BeforeSoft, 4),
    ("ck", "k", Anywhere, 5),
    ("h", "", Start, 6),
    ("a", "ha", Start, 2),
    ("e", "he", Start, 2),
    ("o", "ho", Start, 1),
    ("th", "t", Anywhere, 6),
    ("t", "th", BeforeSoft, 1),
    ("rh", "r", Anywhere, 3),
    ("ll", "l", Anywhere, 5),
    ("nn", "n", Anywhere, 5),
    ("tt", "t", Anywhere, 5),
    ("rr", "r", Anywhere, 5),
    ("mm", "m", Anywhere, 5),
    ("pp", "p", Anywhere, 5),
    ("ff", "f", Anywhere, 5),
    ("l", "ll", BetweenVowels, 3),
    ("n", "nn", BetweenVowels, 3),
    ("t", "tt", BetweenVowels, 3),
    ("r", "rr", BetweenVowels, 2),
    ("m", "mm", BetweenVowels, 2),
    ("p", "pp", BetweenVowels, 2),
    ("ill", "y", BetweenVowels, 4),
    ("y", "ill", BetweenVowels, 2),
    ("y", "i", Anywhere, 5),
    ("i", "y", BeforeConsonant, 2),
    ("i", "y", End, 3),
    ("ai", "e", BeforeConsonant, 4),
    ("ei", "ai", BeforeConsonant, 3),
    ("er", "e", End, 3),
    ("et", "ais", End, 2),
    ("et", "ait", End, 2),
    ("ez", "e", End, 3),
    ("ez", "er", End, 3),
    ("ais", "et", End, 3),
    ("ain", "in", Anywhere, 4),
    ("in", "ain", End, 3),
    ("ein", "in", Anywhere, 4),
    ("en", "an", BeforeConsonant, 3),
    ("an", "en", BeforeConsonant, 2),
    ("s", "z", BetweenVowels, 3),
    ("z", "s", BetweenVowels, 3),
    ("c", "s", BeforeSoft, 3),
    ("ss", "c", BeforeSoft, 3),
    ("g", "j", BeforeSoft, 3),
    ("j", "g", BeforeSoft, 3),
    ("gn", "ni", Anywhere, 2),
    ("w", "v", Anywhere, 4),
    ("oeu", "eu", Anywhere, 5),
    ("x", "", End, 4),
    ("s", "", End, 3),
    ("t", "", End, 3),
    ("d", "", End, 3),
    ("e", "", End, 2),
    ("ou", "oux", End, 2),
    ("on", "ont", End, 2),
    ("an", "ant", End, 2),
    ("ar", "ard", End, 2),
    ("l", "le", End, 1),
];

/// Fewest letters of a word that is written by its sound.
const SHORTEST: usize = 4;

fn is_vowel(c: Option<char>) -> bool {
    c.is_some_and(|c| "aeiouy".contains(c))
}

fn holds(place: SoundPlace, before: &str, after: &str) -> bool {
    let next = after.chars().next();
    match place {
        Anywhere => true,
        Start => before.is_empty(),
        End => after.is_empty(),
        BeforeSoft => next.is_some_and(|c| "eiy".contains(c)),
        BeforeHard => next.is_some_and(|c| "aoulr".contains(c)),
        BetweenVowels => is_vowel(before.chars().last()) && is_vowel(next),
        BeforeConsonant => next.is_some() && !is_vowel(next),
    }
}

/// The word, which is in lower case and without accents, by one rule that holds for it; a rule is drawn by its weight. `None` when no
/// rule holds.
pub(crate) fn respelt(word: &str, dice: &mut Dice) -> Option<String> {
    if word.len() < SHORTEST {
        return None;
    }
    let mut ways: Vec<(String, u64)> = Vec::new();
    for (heard, written, place, weight) in RULES {
        for (at, _) in word.match_indices(heard) {
            let (before, after) = (&word[..at], &word[at + heard.len()..]);
            if holds(*place, before, after) {
                ways.push((format!("{before}{written}{after}"), *weight));
            }
        }
    }
    (!ways.is_empty()).then(|| dice.weighted(&ways, |way| way.1).0.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ways(word: &str) -> BTreeSet<String> {
        let mut dice = Dice::new(3, 4, 5);
        (0..2_000).filter_map(|_| respelt(word, &mut dice)).collect()
    }

    #[test]
    fn names_are_written_as_they_sound() {
        for (word, heard) in [
            ("philippe", "filippe"),
            ("thibault", "thibaud"),
            ("thibault", "tibault"),
            ("guillou", "guyou"),
            ("lefevre", "lefevr"),
            ("heraud", "eraud"),
            ("renault", "reneau"),
            ("quemeneur", "kemeneur"),
            ("meyer", "meye"),
            ("coeurdoux", "ceurdoux"),
            ("dupont", "dupon"),
        ] {
            assert!(ways(word).contains(heard), "{word}: {:?}", ways(word));
        }
        assert!(ways("roy").is_empty());
        assert!(ways("rossi").iter().all(|w| w != "rosi"), "an s between vowels would sound as z");
    }

    #[test]
    fn every_rule_can_be_drawn() {
        for (heard, written, place, weight) in RULES {
            assert!(*weight > 0 && heard != written, "{heard}");
            let around = |middle: &str| match place {
                Anywhere | BetweenVowels => format!("zua{middle}azu"),
                Start => format!("{middle}zuzu"),
                End => format!("zuzu{middle}"),
                BeforeSoft => format!("zuz{middle}ezu"),
                BeforeHard => format!("zuz{middle}lzu"),
                BeforeConsonant => format!("zuz{middle}bzu"),
            };
            let (word, expected) = (around(heard), around(written));
            assert!(ways(&word).contains(&expected), "{heard} → {written} in {word}");
        }
    }
}
