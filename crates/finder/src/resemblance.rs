//! How well a practice fits the description of a person, and why: pure functions over what is compared.
//!
//! Each feature that the description has may weigh up to a share of a thousand; what agrees less weighs less. Names, profession and
//! place share the thousand as [`Feature::share`] says, whether the description has them or not, so that a name alone is never certain.
//! A number says more than all of them: it takes what they leave, and they then count for three fifths.

use annuaire_base::sound::sound_key;
use annuaire_base::words::{is_little, searchable_words, words};

use crate::limits;

/// A person, as described by somebody or as published. Texts are as they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonTraits {
    /// Identifiers: system and value. In a description, an empty system stands for any.
    pub identifiers: Vec<(String, String)>,
    /// Family name.
    pub family: String,
    /// Given names, separated by spaces.
    pub given: String,
    /// Codes of professions and specialties, with their systems. In a description, an empty system stands for any.
    pub professions: Vec<(String, String)>,
    /// Places of practice.
    pub places: Vec<AddressTraits>,
}

/// Postal code and town of an address; either may be empty in a description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressTraits {
    /// Postal code.
    pub postal: String,
    /// Town, perhaps with what the post adds to it.
    pub city: String,
}

impl AddressTraits {
    fn text(&self) -> String {
        format!("{} {}", self.postal, self.city).trim().to_owned()
    }
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// A national number, or another identifier.
    Identifier,
    /// The family name.
    Family,
    /// The given names.
    Given,
    /// Professions and specialties.
    Profession,
    /// Where they practise.
    Place,
}

impl Feature {
    /// Its code in an explanation.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Family => "family",
            Self::Given => "given",
            Self::Profession => "profession",
            Self::Place => "place",
        }
    }

    /// Thousandths that it weighs at most in a description without a number.
    fn share(self) -> u32 {
        match self {
            Self::Identifier => 1_000,
            Self::Family => 350,
            Self::Given => 250,
            Self::Profession | Self::Place => 200,
        }
    }
}

/// How two values agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// They are one and the same, but for case, accents and signs.
    Exact,
    /// One has all the words of the other.
    Word,
    /// They differ by a letter or two.
    Near,
    /// They sound alike.
    Sound,
    /// A part agrees: some of the words, or the postal code without the town.
    Partial,
    /// They have nothing in common.
    Different,
}

impl Agreement {
    /// Its code in an explanation.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Word => "word",
            Self::Near => "near",
            Self::Sound => "sound",
            Self::Partial => "partial",
            Self::Different => "different",
        }
    }

    /// Thousandths of the share of a feature that this agreement is worth.
    fn worth(self) -> u32 {
        match self {
            Self::Exact => 1_000,
            Self::Word => 950,
            Self::Near => 800,
            Self::Sound => 700,
            Self::Partial => 400,
            Self::Different => 0,
        }
    }
}

/// One line of the explanation of a score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedFeature {
    /// What is compared.
    pub feature: Feature,
    /// What the description has.
    pub given: String,
    /// What was found and agrees best; empty when nothing was found.
    pub found: String,
    /// How both agree.
    pub agreement: Agreement,
    /// Thousandths that it adds to the score.
    pub weight: u32,
}

/// How sure it is that a practice is the person that was described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchGrade {
    /// From [`limits::CERTAIN`] on.
    Certain,
    /// From [`limits::PROBABLE`] on.
    Probable,
    /// From [`limits::POSSIBLE`] on.
    Possible,
    /// Below.
    CertainlyNot,
}

impl MatchGrade {
    /// The grade of a score in thousandths, by the thresholds of [`limits`].
    #[must_use]
    pub fn of(score: u32) -> Self {
        match score {
            limits::CERTAIN.. => Self::Certain,
            limits::PROBABLE.. => Self::Probable,
            limits::POSSIBLE.. => Self::Possible,
            _ => Self::CertainlyNot,
        }
    }

    /// Its code in the value set `match-grade` of FHIR.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Probable => "probable",
            Self::Possible => "possible",
            Self::CertainlyNot => "certainly-not",
        }
    }
}

/// Compares what was described with what was found: one line for each feature of the description. The weights add up to the score, at
/// most a thousand. Cost: for names, the product of their numbers of words.
#[must_use]
pub fn compare(described: &PersonTraits, found: &PersonTraits) -> Vec<ComparedFeature> {
    let mut all: Vec<(Feature, String, (Agreement, String))> = Vec::new();
    if !described.identifiers.is_empty() {
        let given = described.identifiers.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ");
        all.push((Feature::Identifier, given, codes(&described.identifiers, &found.identifiers)));
    }
    for (feature, given, other) in
        [(Feature::Family, &described.family, &found.family), (Feature::Given, &described.given, &found.given)]
    {
        if !words(given).is_empty() {
            all.push((feature, given.clone(), (names(given, other), other.clone())));
        }
    }
    if !described.professions.is_empty() {
        let given = described.professions.iter().map(|(_, code)| code.as_str()).collect::<Vec<_>>().join(", ");
        all.push((Feature::Profession, given, codes(&described.professions, &found.professions)));
    }
    if let Some(asked) = described.places.first() {
        let best = found.places.iter().map(|place| (place_agreement(asked, place), place.text())).min();
        all.push((Feature::Place, asked.text(), best.unwrap_or((Agreement::Different, String::new()))));
    }
    let numbered = all.iter().any(|(feature, ..)| *feature == Feature::Identifier);
    let beside_number = |feature: &Feature| feature.share() * 3 / 5;
    let others: u32 = all.iter().map(|(feature, ..)| feature).filter(|f| **f != Feature::Identifier).map(beside_number).sum();
    let share = |feature: Feature| match (feature, numbered) {
        (Feature::Identifier, _) => 1_000 - others,
        (feature, true) => beside_number(&feature),
        (feature, false) => feature.share(),
    };
    all.into_iter()
        .map(|(feature, given, (agreement, found))| {
            let weight = share(feature) * agreement.worth() / 1_000;
            ComparedFeature { feature, given, found, agreement, weight }
        })
        .collect()
}

/// The sum of the weights, in thousandths.
#[must_use]
pub fn score(compared: &[ComparedFeature]) -> u32 {
    compared.iter().map(|line| line.weight).sum()
}

/// All codes of a description are found, some, or none.
fn codes(described: &[(String, String)], found: &[(String, String)]) -> (Agreement, String) {
    let is =
        |wanted: &(String, String), code: &(String, String)| wanted.1 == code.1 && (wanted.0.is_empty() || wanted.0 == code.0);
    let common: Vec<&str> = described.iter().filter(|d| found.iter().any(|f| is(d, f))).map(|(_, code)| code.as_str()).collect();
    let agreement = match common.len() {
        0 => Agreement::Different,
        all if all == described.len() => Agreement::Exact,
        _ => Agreement::Partial,
    };
    (agreement, common.join(", "))
}

/// How two names agree. Little words (`de`, `la`) are required of nobody.
fn names(described: &str, found: &str) -> Agreement {
    let (asked, other) = (words(described), words(found));
    if other.is_empty() {
        return Agreement::Different;
    }
    if asked == other {
        return Agreement::Exact;
    }
    if asked.concat() == other.concat() {
        return Agreement::Word;
    }
    let required = |all: &[String]| -> Vec<String> {
        let some: Vec<String> = all.iter().filter(|word| !is_little(word)).cloned().collect();
        if some.is_empty() { all.to_vec() } else { some }
    };
    let known = searchable_words(found);
    let asked = required(&asked);
    let each: Vec<Agreement> = asked.iter().map(|word| best_of(word, &known)).collect();
    let worst = each.iter().max().copied().unwrap_or(Agreement::Different);
    if worst < Agreement::Partial {
        return worst;
    }
    // The published name is shorter: all of it was typed.
    if required(&other).iter().all(|word| asked.contains(word)) {
        return Agreement::Word;
    }
    if each.iter().any(|agreement| *agreement < Agreement::Partial) { Agreement::Partial } else { Agreement::Different }
}

/// How a word agrees with the best of others.
fn best_of(word: &str, others: &[String]) -> Agreement {
    let letters = word.chars().count();
    let sound = sound_key(word);
    let agreement = |other: &String| {
        let allowed = match letters {
            limits::TWO_EDITS.. => 2,
            limits::ONE_EDIT.. => 1,
            _ => 0,
        };
        if word == other {
            Agreement::Word
        } else if edits(word, other) <= allowed {
            Agreement::Near
        } else if letters >= limits::SOUND && !sound.is_empty() && sound_key(other) == sound {
            Agreement::Sound
        } else {
            Agreement::Different
        }
    };
    others.iter().map(agreement).min().unwrap_or(Agreement::Different)
}

/// Letters missing, added, replaced, or exchanged with their neighbour, between two words (of at most
/// [`WORD_LETTERS`](annuaire_base::words::WORD_LETTERS) letters).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (mut before, mut above): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let mut least = (above[j] + usize::from(a[i] != b[j])).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

/// How an address agrees with a place of practice. A town may go on after its name (`BREST CEDEX 2`).
fn place_agreement(described: &AddressTraits, found: &AddressTraits) -> Agreement {
    let (asked, other) = (words(&described.city), words(&found.city));
    let postal = described.postal.split_whitespace().collect::<String>();
    let same_postal = !postal.is_empty() && postal == found.postal;
    let town = match asked.is_empty() {
        true => None,
        false if other.starts_with(&asked) => Some(Agreement::Exact),
        false => Some(names(&described.city, &found.city)),
    };
    match (postal.is_empty(), town) {
        (true, town) => town.unwrap_or(Agreement::Different),
        (false, None) if same_postal => Agreement::Exact,
        (false, Some(town)) if same_postal => town.min(Agreement::Partial),
        (false, Some(town)) if town < Agreement::Partial => Agreement::Partial,
        (false, _) => Agreement::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(codes: &[(&str, &str)]) -> Vec<(String, String)> {
        codes.iter().map(|(system, code)| ((*system).to_owned(), (*code).to_owned())).collect()
    }

    fn person(
        numbers: &[(&str, &str)],
        family: &str,
        given: &str,
        professions: &[(&str, &str)],
        places: &[(&str, &str)],
    ) -> PersonTraits {
        let place = |(postal, city): &(&str, &str)| AddressTraits { postal: (*postal).into(), city: (*city).into() };
        PersonTraits {
            identifiers: pairs(numbers),
            family: family.into(),
            given: given.into(),
            professions: pairs(professions),
            places: places.iter().map(place).collect(),
        }
    }

    #[test]
    fn a_score_is_the_sum_of_its_explained_weights() {
        use MatchGrade::{Certain, CertainlyNot, Possible, Probable};
        let found = person(
            &[("rpps", "10999000010"), ("idnps", "810999000010")],
            "LEFÈVRE",
            "MARIE CLAIRE",
            &[("g15", "10"), ("r38", "SM04")],
            &[("29200", "BREST CEDEX 2"), ("35000", "RENNES")],
        );
        let number = &[("", "10999000010")][..];
        let wrong = &[("rpps", "10999000028")][..];
        let (none, doctor, brest) = (&[][..], &[("g15", "10")][..], &[("29200", "Brest")][..]);
        for (described, score_of, grade) in [
            (person(number, "", "", none, none), 1_000, Certain),
            (person(number, "lefevre", "marie claire", none, none), 1_000, Certain),
            (person(number, "dupont", "marie claire", none, none), 790, Probable),
            (person(number, "dupont", "jean", none, none), 640, Possible),
            (person(wrong, "lefevre", "marie claire", doctor, brest), 600, Possible),
            (person(wrong, "", "", none, none), 0, CertainlyNot),
            (person(none, "lefevre", "marie claire", doctor, brest), 1_000, Certain),
            (person(none, "Lefevre", "Marie", doctor, brest), 987, Certain),
            (person(none, "lefevre", "marie claire", doctor, none), 800, Probable),
            (person(none, "lefevre", "marie claire", none, none), 600, Possible),
            (person(none, "lefebvre", "marie claire", none, none), 530, Possible),
            (person(none, "lefebvre", "", none, none), 280, Possible),
            (person(none, "lephaivre", "", none, none), 245, Possible),
            (person(none, "lefevre", "marie", &[("g15", "60")], &[("75001", "Paris")]), 587, Possible),
            (person(none, "lefevre", "marie", &[("", "10"), ("", "60")], &[("29200", "")]), 867, Probable),
            (person(none, "dupont", "marie", none, none), 237, Possible),
            (person(none, "dupont", "jean", none, none), 0, CertainlyNot),
        ] {
            let compared = compare(&described, &found);
            assert_eq!((score(&compared), MatchGrade::of(score(&compared))), (score_of, grade), "{described:?}: {compared:?}");
        }
    }

    #[test]
    fn names_agree_as_people_write_them() {
        use Agreement::{Different, Exact, Near, Partial, Sound, Word};
        for (described, found, agreement) in [
            ("Bénédicte", "BENEDICTE", Exact),
            ("legoff", "LE GOFF", Word),
            ("le goff", "LEGOFF", Word),
            ("goff", "LE GOFF", Word),
            ("de la tour", "TOUR", Word),
            ("jean pierre", "JEAN", Word),
            ("martin dupont", "MARTIN", Word),
            ("martin", "DUPONT-MARTIN", Word),
            ("martni", "MARTIN", Near),
            ("lephaivre", "LEFEVRE", Sound),
            ("martin durand", "MARTIN DUPONT", Partial),
            ("martin", "DUPONT", Different),
            ("ly", "LI", Different),
            ("martin", "", Different),
        ] {
            assert_eq!(names(described, found), agreement, "{described} {found}");
        }
    }

    #[test]
    fn places_agree_by_postal_code_and_town() {
        let place = |postal: &str, city: &str| AddressTraits { postal: postal.into(), city: city.into() };
        for (postal, city, agreement) in [
            ("29200", "Brest", Agreement::Exact),
            ("29 200", "", Agreement::Exact),
            ("", "brest", Agreement::Exact),
            ("29200", "brets", Agreement::Near),
            ("29200", "Rennes", Agreement::Partial),
            ("29000", "Brest", Agreement::Partial),
            ("35000", "", Agreement::Different),
            ("35000", "Rennes", Agreement::Different),
        ] {
            assert_eq!(place_agreement(&place(postal, city), &place("29200", "BREST CEDEX 2")), agreement, "{postal} {city}");
        }
    }

    #[test]
    fn an_exchange_of_neighbours_is_one_edit() {
        for (a, b, expected) in
            [("", "abc", 3), ("martin", "martin", 0), ("martni", "martin", 1), ("abc", "", 3), ("kitten", "sitting", 3)]
        {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }
}
