//! Words of a text, as searches by words compare them.

use crate::text::fold;

/// Longest word, in letters; of a longer one the beginning counts.
pub const WORD_LETTERS: usize = 64;
/// Longest pair of words that is also known as one word, in letters.
const GLUED_LETTERS: usize = 24;
/// Longest word that people write together with the next one in any text (`l'hôpital`, `le Goff`), in letters.
const SHORT: usize = 3;
/// Most words of a text of which every pair is known as one word: a name of a person rather than a title.
const NAME_WORDS: usize = 4;

/// The words of a text: folded, cut at everything that is neither letter nor digit, `st` and `ste` spelt out. Linear in the text.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let parts = folded.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(|part| spelt_out(part).chars().take(WORD_LETTERS).collect()).collect()
}

/// The words of a text, and those that people make by leaving out the space or hyphen between two or three of them (`legoff`,
/// `jeanpierre`, `delatour`). Without repetition, in no particular order.
#[must_use]
pub fn searchable_words(text: &str) -> Vec<String> {
    let words = words(text);
    let letters = |word: &String| word.chars().count();
    let mut all = words.clone();
    for pair in words.windows(2) {
        let may_glue = words.len() <= NAME_WORDS || letters(&pair[0]) <= SHORT;
        if may_glue && letters(&pair[0]) + letters(&pair[1]) <= GLUED_LETTERS {
            all.push(pair.concat());
        }
    }
    for three in words.windows(3) {
        if letters(&three[0]) <= SHORT && letters(&three[1]) <= SHORT && letters(&three[2]) <= GLUED_LETTERS {
            all.push(three.concat());
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a word is so small that nobody must type it: articles, prepositions, `et`. `st` and `ste` are words like others.
#[must_use]
pub fn is_little(word: &str) -> bool {
    matches!(
        word,
        "a" | "au" | "aux" | "d" | "de" | "des" | "du" | "en" | "et" | "l" | "la" | "le" | "les" | "sur" | "sous" | "pour"
    )
}

fn spelt_out(word: &str) -> &str {
    match word {
        "st" => "saint",
        "ste" => "sainte",
        "sts" => "saints",
        "stes" => "saintes",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{WORD_LETTERS, is_little, searchable_words, words};

    #[test]
    fn signs_separate_words_and_abbreviations_are_spelt_out() {
        assert_eq!(
            words("Pharmacie de l’Hôtel-Dieu (St Luc), SARL"),
            ["pharmacie", "de", "l", "hotel", "dieu", "saint", "luc", "sarl"]
        );
        assert_eq!(words("CŒURDOUX/LEFÈVRE 19"), ["coeurdoux", "lefevre", "19"]);
        for signs in ["", "-", "* , ;", "«»", "\u{301}"] {
            assert!(words(signs).is_empty(), "{signs:?}");
        }
        assert_eq!(words(&"é".repeat(200)), ["e".repeat(WORD_LETTERS)]);
    }

    #[test]
    fn names_are_known_glued_too() {
        let of = |text: &str| searchable_words(text);
        assert_eq!(of("LE GOFF"), ["goff", "le", "legoff"]);
        assert_eq!(of("Jean-Pierre"), ["jean", "jeanpierre", "pierre"]);
        assert!(of("DE LA TOUR").contains(&"delatour".to_owned()));
        assert!(of("N'GUESSAN").contains(&"nguessan".to_owned()));
        let title = of("Centre de santé de l'hôpital de la ville");
        assert!(title.contains(&"lhopital".to_owned()) && !title.contains(&"centrede".to_owned()));
        assert_eq!(of("MARTIN"), ["martin"]);
    }

    #[test]
    fn words_of_meaning_are_not_little() {
        assert!(["de", "l", "et", "du"].into_iter().all(is_little));
        assert!(["saint", "goff", "ch", "o"].into_iter().all(|word| !is_little(word)));
    }
}
