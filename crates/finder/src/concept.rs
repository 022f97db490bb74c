//! Professions and specialties as people say them: « cardio », « kiné », « infirmière », « médecin généraliste ».
//!
//! A [`Family`] is what people mean by one word, as codes of the national terminologies: several codes say « généraliste ». The labels of the
//! terminologies are understood too. Words compare folded, in the masculine singular.

mod families;

use crate::limits::{CONCEPT_BEGINNING, CONCEPT_WORDS};
use annuaire_base::text::fold;
use annuaire_nos::Nos;
use families::FAMILIES;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::OnceLock;

/// Tables of professions and specialties of which every open code is understood by its label.
const TABLES: [&str; 7] = ["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291", "TRE_R38", "TRE_R40", "TRE_R44"];

/// What words of a text mean: a profession or a specialty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenConcept {
    /// What users read: « Cardiologue », « Médecine vasculaire ».
    pub label: &'static str,
    /// Code system (canonical URL) and code of each; a professional who has one of them is meant.
    pub codes: Vec<(String, String)>,
    /// Whether the words are complete; otherwise they are the beginning of what is meant, and could be a name as well.
    pub is_exact: bool,
}

/// Codes that people call by one word.
#[derive(Debug)]
pub struct Family {
    /// What users read: « Médecin généraliste ».
    pub label: &'static str,
    /// Code system (canonical URL) and code of each.
    pub codes: Vec<(String, String)>,
}

/// One meaning: a family, or codes of one label of the terminologies.
struct Meaning {
    label: &'static str,
    codes: Vec<(String, String)>,
    is_family: bool,
}

/// All that can be said, and what it means.
struct Lexicon {
    meanings: Vec<Meaning>,
    /// Position of the meaning of a phrase, in the form of [`phrase_key`].
    phrases: BTreeMap<String, usize>,
    families: Vec<Family>,
}

/// The families, in the order in which lists show them: medical professions first. Made at the first use.
#[must_use]
pub fn families() -> &'static [Family] {
    &lexicon().families
}

/// The profession or specialty that the first words of a text say, and how many words say it: the longest phrase of up to four folded words.
///
/// A complete phrase is a label of the terminologies that is in force, or one of a family. The beginning of one, from four letters, counts
/// when all that begins so is one family (« ophtal », not « ortho »). A few look-ups in a sorted map.
#[must_use]
pub fn read_concept(words: &[String]) -> Option<(usize, SpokenConcept)> {
    let lexicon = lexicon();
    (1..=words.len().min(CONCEPT_WORDS)).rev().find_map(|length| Some((length, lexicon.read(&words[..length])?)))
}

fn lexicon() -> &'static Lexicon {
    static ALL: OnceLock<Lexicon> = OnceLock::new();
    ALL.get_or_init(|| Lexicon::new(Nos::embedded()))
}

impl Lexicon {
    fn new(nos: &'static Nos) -> Self {
        let mut all = Self { meanings: Vec::new(), phrases: BTreeMap::new(), families: Vec::new() };
        for row in FAMILIES {
            let of_table = |(table, codes): &(&str, &'static [&'static str])| {
                let system = nos.table(table).map(|t| t.system.clone()).unwrap_or_default();
                codes.iter().map(move |code| (system.clone(), (*code).to_owned())).collect::<Vec<_>>()
            };
            let codes: Vec<_> = row.codes.iter().flat_map(of_table).collect();
            all.families.push(Family { label: row.label, codes: codes.clone() });
            let meaning = all.meanings.len();
            all.meanings.push(Meaning { label: row.label, codes, is_family: true });
            // A label that counts several professions up is no phrase.
            for said in std::iter::once(&row.label).filter(|label| !label.contains(',')).chain(row.said) {
                // A test refuses a phrase that two families claim.
                all.phrases.entry(phrase_key(said)).or_insert(meaning);
            }
        }
        for table in TABLES.iter().filter_map(|name| nos.table(name)) {
            for concept in table.concepts().iter().filter(|c| c.valid_on("")) {
                let code = (table.system.clone(), concept.code.clone());
                let others = concept
                    .extra
                    .split(';')
                    .filter_map(|pair| pair.strip_prefix("short=").or_else(|| pair.strip_prefix("long=")));
                for label in std::iter::once(concept.label.as_str()).chain(others) {
                    all.add_label(label, &code);
                }
            }
        }
        all
    }

    /// Adds a label of the terminologies. What a family says already, it goes on saying; codes of one label are told together.
    fn add_label(&mut self, label: &'static str, code: &(String, String)) {
        let key = phrase_key(label);
        if let Some(position) = self.phrases.get(&key) {
            let meaning = &mut self.meanings[*position];
            if !meaning.is_family && !meaning.codes.contains(code) {
                meaning.codes.push(code.clone());
            }
        } else if !key.is_empty() {
            self.phrases.insert(key, self.meanings.len());
            let label = label.rsplit_once(" (").map_or(label, |(before, _)| before);
            self.meanings.push(Meaning { label, codes: vec![code.clone()], is_family: false });
        }
    }

    fn read(&self, words: &[String]) -> Option<SpokenConcept> {
        let key = phrase_key(&words.join(" "));
        if let Some(position) = self.phrases.get(&key) {
            return Some(self.spoken(*position, true));
        }
        // The last word may be cut; it must be long enough to say something.
        let cut = words.join(" ");
        if words.last().is_none_or(|word| word.chars().count() < CONCEPT_BEGINNING) {
            return None;
        }
        [key, fold(&cut)]
            .iter()
            .filter(|beginning| !beginning.is_empty())
            .find_map(|beginning| self.beginning(beginning))
            .map(|p| self.spoken(p, false))
    }

    /// The one meaning of all phrases that begin so.
    fn beginning(&self, beginning: &str) -> Option<usize> {
        let from = (Bound::Included(beginning.to_owned()), Bound::Unbounded);
        let all: Vec<_> = self.phrases.range(from).take_while(|(phrase, _)| phrase.starts_with(beginning)).collect();
        let (shortest, meant) = all.iter().min_by_key(|(phrase, _)| phrase.len())?;
        // « infirm »: every phrase goes on after the word « infirmier », so this word is meant.
        let goes_on =
            |phrase: &str| phrase.strip_prefix(shortest.as_str()).is_some_and(|more| more.is_empty() || more.starts_with(' '));
        if all.iter().all(|(phrase, _)| goes_on(phrase)) {
            return Some(**meant);
        }
        // The smallest family that holds them all.
        let holds = |family: &Meaning| {
            all.iter().all(|(_, position)| self.meanings[**position].codes.iter().all(|code| family.codes.contains(code)))
        };
        let holding = (0..self.meanings.len()).filter(|p| self.meanings[*p].is_family && holds(&self.meanings[*p]));
        holding.min_by_key(|p| self.meanings[*p].codes.len())
    }

    fn spoken(&self, position: usize, is_exact: bool) -> SpokenConcept {
        let meaning = &self.meanings[position];
        SpokenConcept { label: meaning.label, codes: meaning.codes.clone(), is_exact }
    }
}

/// The form in which phrases compare: folded, without what stands in brackets, each word in the masculine singular.
fn phrase_key(phrase: &str) -> String {
    let mut depth = 0_usize;
    let outside: String = phrase
        .chars()
        .filter(|c| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect();
    let folded = fold(&outside);
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(masculine).collect::<Vec<_>>().join(" ")
}

/// Feminine endings of professions, with the masculine ones.
const FEMININE: [(&str, &str); 7] =
    [("trice", "teur"), ("ienne", "ien"), ("iere", "ier"), ("euse", "eur"), ("ante", "ant"), ("ale", "al"), ("ee", "e")];

/// A folded word in the masculine singular. What is no profession changes too, but always in one way.
fn masculine(word: &str) -> String {
    let singular = if word.len() > 4 { word.strip_suffix(['s', 'x']).unwrap_or(word) } else { word };
    for (feminine, masculine) in FEMININE {
        if let Some(stem) = singular.strip_suffix(feminine)
            && stem.len() > 2
        {
            return format!("{stem}{masculine}");
        }
    }
    singular.to_owned()
}

#[cfg(test)]
mod tests;
