//! A typed place as words: folded, « st » in full, CEDEX dropped, districts and postal codes recognised.

use crate::limits::{TYPED, TYPED_WORDS};
use annuaire_base::text::fold;

/// The words of a text in the form in which names of places compare: what is no letter and no digit parts words, « st » and « ste » are in full, and CEDEX is
/// dropped with the number after it.
pub(super) fn words(text: &str) -> Vec<String> {
    let text: String = text.chars().take(TYPED).collect();
    let folded = fold(&text);
    let mut words = Vec::new();
    let mut parts = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    while let Some(part) = parts.next() {
        if part == "cedex" {
            parts.next_if(|number| number.len() <= 2 && is_number(number));
            continue;
        }
        if words.len() == TYPED_WORDS {
            break;
        }
        words.push(match part {
            "st" => "saint".to_owned(),
            "ste" => "sainte".to_owned(),
            part => part.to_owned(),
        });
    }
    words
}

/// The form in which the name of a place is kept and compared.
pub(super) fn name_key(name: &str) -> String {
    words(name).join(" ")
}

/// Whether a word is made of digits alone.
pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a word has the form of a postal code.
pub(super) fn is_postal(word: &str) -> bool {
    word.len() == 5 && is_number(word)
}

/// Whether a word says that a number is that of a district.
fn says_district(word: &str) -> bool {
    matches!(word, "arrondissement" | "arrond" | "arrdt" | "ardt" | "arr")
}

/// The number of a district: « 15 », « 1er », « 15e », « 3eme », « 3ieme ». The flag tells whether it is plainly an ordinal.
fn ordinal(word: &str) -> Option<(u8, bool)> {
    let end = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let plain = match &word[end..] {
        "" => false,
        "e" | "eme" | "ieme" | "er" | "ere" => true,
        _ => return None,
    };
    if end > 2 {
        return None;
    }
    word[..end].parse().ok().filter(|n| (1..=20).contains(n)).map(|n| (n, plain))
}

/// A district that words name, with the places of these words.
pub(super) struct NamedDistrict {
    /// `paris`, `lyon` or `marseille`.
    pub city: String,
    /// From 1.
    pub number: u8,
    /// Positions of the words that say it.
    pub said: Vec<usize>,
}

/// The district that words name: « paris 15 », « Lyon 3ème », « 15e arrondissement Paris ».
pub(super) fn district(words: &[String]) -> Option<NamedDistrict> {
    let city = words.iter().position(|word| matches!(word.as_str(), "paris" | "lyon" | "marseille"))?;
    let mut said = vec![city];
    // After the city.
    if let Some((number, _)) = words.get(city + 1).and_then(|word| ordinal(word)) {
        said.push(city + 1);
        if words.get(city + 2).is_some_and(|word| says_district(word)) {
            said.push(city + 2);
        }
        return Some(NamedDistrict { city: words[city].clone(), number, said });
    }
    // Before it: a bare number there is something else, such as that of a street.
    let mut before = city.checked_sub(1)?;
    let says = says_district(&words[before]);
    if says {
        said.push(before);
        before = before.checked_sub(1)?;
    }
    let (number, plain) = ordinal(&words[before])?;
    said.push(before);
    (says || plain).then(|| NamedDistrict { city: words[city].clone(), number, said })
}

#[cfg(test)]
mod tests {
    use super::{district, name_key, words};

    #[test]
    fn names_compare_whatever_their_writing() {
        for name in ["Saint-Étienne", "ST ETIENNE", "st. etienne cedex 2", "Saint Etienne CEDEX", "(st-étienne)"] {
            assert_eq!(name_key(name), "saint etienne", "{name}");
        }
        assert_eq!(name_key("L'Abergement-Clémenciat"), "l abergement clemenciat");
        assert_eq!(words("  ,;  "), Vec::<String>::new());
        assert_eq!(words(&"a ".repeat(500)).len(), crate::limits::TYPED_WORDS);
    }

    #[test]
    fn districts_are_numbers_beside_their_city() {
        let named = |text: &str| district(&words(text)).map(|d| (d.city, d.number, d.said.len()));
        assert_eq!(named("paris 15"), Some(("paris".to_owned(), 15, 2)));
        assert_eq!(named("Paris 1er arrondissement"), Some(("paris".to_owned(), 1, 3)));
        assert_eq!(named("Lyon 3ème"), Some(("lyon".to_owned(), 3, 2)));
        assert_eq!(named("15e arrondissement Paris"), Some(("paris".to_owned(), 15, 3)));
        assert_eq!(named("16e Marseille"), Some(("marseille".to_owned(), 16, 2)));
        assert_eq!(named("15 arr. paris"), Some(("paris".to_owned(), 15, 3)));
        for other in ["12 paris", "paris", "paris 21", "brest 3", "paris 0", "paris 15b", "75015 paris"] {
            assert!(named(other).is_none(), "{other}");
        }
    }
}
