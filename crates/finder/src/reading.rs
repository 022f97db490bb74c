//! How what was typed in the box « what » can be read: numbers, an address of a mailbox, or words of which some may name a place, a
//! profession or a specialty.

use annuaire_base::words::{is_little, words};

use crate::concept::{SpokenConcept, read_concept};
use crate::limits;
use crate::place::{Place, PlaceKind, place_at_edge};

/// What was typed, understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// Nothing, or signs alone.
    Nothing,
    /// Numbers, each without its spaces and points.
    Numbers(Vec<String>),
    /// An address of a mailbox, or the beginning of one, in lower case.
    Mailbox(String),
    /// Words, in all the ways to read them, the one that explains most of them first.
    Words(Vec<TypedReading>),
}

/// One way to read words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TypedReading {
    /// Words of a name, titles left out; little words stay.
    pub name: Vec<String>,
    /// Place that other words name.
    pub place: Option<Place>,
    /// Profession or specialty that other words name.
    pub concept: Option<SpokenConcept>,
}

impl TypedReading {
    /// The words that a name must have: the little ones only when there are no others.
    #[must_use]
    pub fn required(&self) -> Vec<&str> {
        required(&self.name)
    }
}

/// The words that a name must have: the little ones only when there are no others.
pub(crate) fn required(name: &[String]) -> Vec<&str> {
    let all: Vec<&str> = name.iter().map(String::as_str).collect();
    let required: Vec<&str> = all.iter().copied().filter(|word| !is_little(word)).collect();
    if required.is_empty() { all } else { required }
}

/// Titles that people put before a name; no name must have them.
fn is_title(word: &str) -> bool {
    matches!(
        word,
        "dr" | "drs"
            | "docteur"
            | "docteure"
            | "docteurs"
            | "pr"
            | "prof"
            | "professeur"
            | "professeure"
            | "mr"
            | "m"
            | "mme"
            | "mm"
            | "madame"
            | "monsieur"
            | "mlle"
            | "mademoiselle"
    )
}

/// Reads what was typed. Cost: linear in its first [`limits::TYPED_CHARS`] letters, and looking up a few beginnings of words.
#[must_use]
pub fn read_typed(typed: &str) -> Typed {
    let typed: String = typed.chars().take(limits::TYPED_CHARS).collect();
    if let Some(numbers) = numbers(&typed) {
        return Typed::Numbers(numbers);
    }
    let lower = typed.trim().to_lowercase();
    if lower.contains('@') && !lower.contains(char::is_whitespace) && lower.chars().any(char::is_alphanumeric) {
        return Typed::Mailbox(lower);
    }
    let mut all = words(&typed);
    all.truncate(limits::WORDS);
    if all.is_empty() {
        return Typed::Nothing;
    }
    Typed::Words(readings(&all))
}

/// The ways to read words, without repetition.
fn readings(all: &[String]) -> Vec<TypedReading> {
    let mut readings: Vec<TypedReading> = Vec::new();
    let mut add = |words: &[String], place: Option<&Place>, concept: Option<&SpokenConcept>| {
        let reading = TypedReading { name: without_titles(words), place: place.cloned(), concept: concept.cloned() };
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    };
    let places: Vec<_> = place_at_edge(all).into_iter().take(limits::EDGE_PLACES).collect();
    for (range, place) in &places {
        let mut rest = all.to_vec();
        rest.drain(range.clone());
        // « 29200 Brest »: the postal code of the town that stands beside it says nothing more.
        if place.kind != PlaceKind::PostalCode {
            rest.retain(|word| !place.postal.contains(word));
        }
        for (at, used, concept) in concepts(&rest) {
            add(&without(&rest, at, used), Some(place), Some(&concept));
        }
        add(&rest, Some(place), None);
    }
    for (at, used, concept) in concepts(all) {
        add(&without(all, at, used), None, Some(&concept));
    }
    add(all, None, None);
    readings
}

/// Professions and specialties that words name: where, how many words, which.
fn concepts(words: &[String]) -> Vec<(usize, usize, SpokenConcept)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() && found.len() < limits::CONCEPTS {
        match read_concept(&words[at..]) {
            Some((used, concept)) if used > 0 => {
                found.push((at, used, concept));
                at += used;
            }
            _ => at += 1,
        }
    }
    found
}

fn without(words: &[String], at: usize, used: usize) -> Vec<String> {
    words.iter().enumerate().filter(|(n, _)| !(at..at + used).contains(n)).map(|(_, word)| word.clone()).collect()
}

fn without_titles(words: &[String]) -> Vec<String> {
    let rest: Vec<String> = words.iter().filter(|word| !is_title(word)).cloned().collect();
    if rest.is_empty() { words.to_vec() } else { rest }
}

/// The numbers that a text consists of; `None` when it has anything else. Numbers of RPPS, ADELI, FINESS, SIREN or SIRET have 9 digits or
/// more (Corsican ones a letter), and groups of fewer are parts of one that was typed with spaces.
fn numbers(typed: &str) -> Option<Vec<String>> {
    let is_number = |part: &str| {
        let letters = part.chars().filter(char::is_ascii_alphabetic).count();
        letters == 0 || (letters == 1 && matches!(part.get(..2), Some("2A" | "2B" | "2a" | "2b")))
    };
    let mut numbers: Vec<String> = Vec::new();
    // Commas and lines separate numbers; spaces and points may stand within one.
    for part in typed.split([',', ';', '\n', '/']) {
        let groups: Vec<String> = part
            .split(|c: char| c.is_whitespace() || matches!(c, '.' | '-' | '\u{a0}'))
            .filter(|group| !group.is_empty())
            .map(str::to_owned)
            .collect();
        if groups.iter().any(|group| !group.chars().all(|c| c.is_ascii_alphanumeric())) {
            return None;
        }
        let glued = groups.concat();
        if groups.is_empty() {
            continue;
        }
        if groups.iter().all(|group| group.len() >= 9 && is_number(group)) {
            numbers.extend(groups);
        } else if (9..=14).contains(&glued.len()) && is_number(&glued) {
            numbers.push(glued);
        } else {
            return None;
        }
    }
    numbers.truncate(limits::NUMBERS);
    let upper = |number: String| number.to_uppercase();
    (!numbers.is_empty()).then(|| numbers.into_iter().map(upper).collect())
}

#[cfg(test)]
mod tests {
    use super::{Typed, TypedReading, read_typed};

    fn readings(typed: &str) -> Vec<TypedReading> {
        match read_typed(typed) {
            Typed::Words(readings) => readings,
            other => panic!("{typed}: {other:?}"),
        }
    }

    fn named(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn numbers_are_read_with_their_spaces_and_several_apart() {
        for (typed, numbers) in [
            ("10999000010", vec!["10999000010"]),
            ("1 09 99 000 01 0", vec!["10999000010"]),
            ("810999000010", vec!["810999000010"]),
            ("2a0000006", vec!["2A0000006"]),
            ("123 456 789 00012", vec!["12345678900012"]),
            ("10999000010, 990000010; 810999000010", vec!["10999000010", "990000010", "810999000010"]),
            ("10999000010 990000010", vec!["10999000010", "990000010"]),
        ] {
            assert_eq!(read_typed(typed), Typed::Numbers(named(&numbers)), "{typed}");
        }
        for typed in ["29200", "19", "PHARMACIE 19", "12ab56789"] {
            assert!(!matches!(read_typed(typed), Typed::Numbers(_)), "{typed}");
        }
    }

    #[test]
    fn signs_alone_are_nothing() {
        for typed in ["", "-", "* %", "«»", ",", "@"] {
            assert!(!matches!(read_typed(typed), Typed::Words(_)), "{typed}");
        }
        assert_eq!(read_typed("Jean.Essai@Exemple.mssante.example"), Typed::Mailbox("jean.essai@exemple.mssante.example".into()));
    }

    #[test]
    fn a_sticky_note_is_read_whole_first() {
        let first = &readings("29200 Brest, Dr Lefebvre, cardio")[0];
        assert_eq!(first.name, ["lefebvre"]);
        assert_eq!(first.place.as_ref().map(|place| place.label.as_str()), Some("Brest (29)"));
        assert!(first.concept.is_some());
        // It stays possible that all the words are of a name.
        let last = readings("lefebvre brest").pop().expect("a reading");
        assert_eq!((last.name, last.place), (named(&["lefebvre", "brest"]), None));
    }

    #[test]
    fn titles_and_little_words_are_not_required_unless_alone() {
        let required =
            |typed: &str| readings(typed).pop().map(|r| r.required().into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(required("Docteur de la Tour"), Some(named(&["tour"])));
        assert_eq!(required("le"), Some(named(&["le"])));
        assert_eq!(required("Dr"), Some(named(&["dr"])));
        assert_eq!(required("centre de santé"), Some(named(&["centre", "sante"])));
    }
}
