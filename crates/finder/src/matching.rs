//! Rows whose names match typed words: literally, by sound, or with a few letters wrong.
//!
//! Each way to match a word has a cost; a row costs the sum over all words. Rows are found in the order of cost, by sets: for each word
//! the rows that match it at most at a cost, for all words the union over the ways to share a cost among them. No row is read.

use annuaire_base::sound::sound_key;
use annuaire_index::{Error, Filter, RoaringBitmap, Snapshot};
use annuaire_terms::{ParamId, TypeId};

use crate::limits;

/// A word is there as it was typed.
pub const EXACT: usize = 0;
/// A word begins as it was typed, or sounds so and differs by a letter.
pub const CLOSE: usize = 1;
/// A word sounds as it was typed, or differs by a letter.
const NEAR: usize = 2;
/// A word differs by two letters.
const FAR: usize = 3;
/// Costs of one word.
const COSTS: usize = 4;
/// Highest cost of all words together.
pub const COST_MAX: usize = 5;

/// Names of a type of resource: where words are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    pub ty: TypeId,
    pub params: &'static [ParamId],
}

/// A typed word, with the rows that match it, filled as far as they are asked for.
struct WordRows<'w> {
    word: &'w str,
    /// Rows at each cost or below; one entry for each cost that was asked for.
    within: Vec<RoaringBitmap>,
    /// Words of the store that differ by at most one letter, and by at most two, the nearest first.
    near: [Option<Vec<String>>; 2],
}

/// Finds the rows of names that match words.
pub struct WordMatcher<'s, 'w> {
    snapshot: &'s Snapshot,
    names: Names,
    words: Vec<WordRows<'w>>,
    /// Rows that are eligible at all.
    eligible: &'s RoaringBitmap,
}

impl<'s, 'w> WordMatcher<'s, 'w> {
    pub fn new(snapshot: &'s Snapshot, names: Names, words: &[&'w str], eligible: &'s RoaringBitmap) -> Self {
        let words = words.iter().map(|word| WordRows { word, within: Vec::new(), near: [None, None] }).collect();
        Self { snapshot, names, words, eligible }
    }

    /// Eligible rows with every word as it was typed.
    pub fn exact(&mut self) -> Result<RoaringBitmap, Error> {
        self.within(EXACT)
    }

    /// Eligible rows with every word as it was typed, or as the beginning of a word.
    pub fn literal(&mut self) -> Result<RoaringBitmap, Error> {
        let mut rows = self.eligible.clone();
        for at in 0..self.words.len() {
            rows &= &(self.exactly(at)? | self.beginning(at)?);
        }
        Ok(rows)
    }

    /// Eligible rows that match all the words at most at a cost. Cost: for each word, a look at the words near it.
    pub fn within(&mut self, cost: usize) -> Result<RoaringBitmap, Error> {
        // For each total so far, the rows that the words before match within it.
        let mut so_far: Vec<RoaringBitmap> = vec![self.eligible.clone(); cost + 1];
        for at in 0..self.words.len() {
            let highest = cost.min(COSTS - 1);
            while self.words[at].within.len() <= highest {
                let more = self.at_cost(at, self.words[at].within.len())?;
                let before = self.words[at].within.last().cloned().unwrap_or_default();
                self.words[at].within.push(before | more);
            }
            let of_word = &self.words[at].within;
            so_far = (0..=cost)
                .map(|total| {
                    (0..=total.min(highest)).fold(RoaringBitmap::new(), |mut rows, share| {
                        rows |= &so_far[total - share] & &of_word[share];
                        rows
                    })
                })
                .collect();
        }
        Ok(so_far.pop().unwrap_or_default())
    }

    /// Words of the store that stand for a typed word that the store does not have, as typed and as found.
    pub fn corrections(&self) -> Vec<(String, String)> {
        let first = |word: &WordRows<'_>| {
            let found = word.near.iter().flatten().flatten().next()?;
            Some((word.word.to_owned(), found.clone()))
        };
        self.words.iter().filter(|word| word.within.first().is_some_and(RoaringBitmap::is_empty)).filter_map(first).collect()
    }

    fn any_of(&self, filter: impl Fn(ParamId) -> Filter) -> Result<RoaringBitmap, Error> {
        let mut rows = RoaringBitmap::new();
        for param in self.names.params {
            rows |= &*self.snapshot.search(self.names.ty, &filter(*param))?;
        }
        Ok(rows)
    }

    fn exactly(&self, at: usize) -> Result<RoaringBitmap, Error> {
        let word = self.words[at].word;
        self.any_of(|param| Filter::Word { param, word: word.to_owned() })
    }

    /// A single letter is an initial when other words narrow the search.
    fn beginning(&self, at: usize) -> Result<RoaringBitmap, Error> {
        let word = self.words[at].word;
        if word.chars().count() < limits::BEGINNING && self.words.len() == 1 || word.chars().all(|c| c.is_ascii_digit()) {
            return Ok(RoaringBitmap::new());
        }
        self.any_of(|param| Filter::WordStart { param, beginning: word.to_owned() })
    }

    /// Rows that match a word at a cost and perhaps below it.
    fn at_cost(&mut self, at: usize, cost: usize) -> Result<RoaringBitmap, Error> {
        let word = self.words[at].word.to_owned();
        match cost {
            EXACT => self.exactly(at),
            CLOSE => {
                let sound = sound_key(&word);
                let near = self.near(at, 1)?;
                let close: Vec<String> = near.into_iter().filter(|near| sound_key(near) == sound).collect();
                Ok(self.beginning(at)? | self.with_any(&close)?)
            }
            NEAR => {
                let sound = sound_key(&word);
                let near = self.near(at, 1)?;
                let mut rows = self.with_any(&near)?;
                if !sound.is_empty() && word.chars().count() >= limits::SOUND {
                    rows |= self.any_of(|param| Filter::Sound { param, sound: sound.clone() })?;
                }
                Ok(rows)
            }
            _ => {
                let near = self.near(at, 2)?;
                self.with_any(&near)
            }
        }
    }

    /// Words of the store that differ from a typed one by at most `edits` letters; short words and numbers have none.
    fn near(&mut self, at: usize, edits: usize) -> Result<Vec<String>, Error> {
        if let Some(known) = &self.words[at].near[edits - 1] {
            return Ok(known.clone());
        }
        let word = self.words[at].word;
        let enough = if edits > 1 { limits::TWO_EDITS } else { limits::ONE_EDIT };
        let mut found = Vec::new();
        if word.chars().count() >= enough && !word.chars().any(|c| c.is_ascii_digit()) {
            for param in self.names.params {
                found.extend(self.snapshot.near_words(self.names.ty, *param, word, edits, limits::NEAR_WORDS)?);
            }
        }
        found.retain(|near| near.edits > 0);
        found.sort_by(|a, b| (a.edits, b.rows, &a.word).cmp(&(b.edits, a.rows, &b.word)));
        let mut words: Vec<String> = found.into_iter().map(|near| near.word).collect();
        words.dedup();
        self.words[at].near[edits - 1] = Some(words.clone());
        Ok(words)
    }

    fn with_any(&self, words: &[String]) -> Result<RoaringBitmap, Error> {
        let mut rows = RoaringBitmap::new();
        for word in words {
            rows |= self.any_of(|param| Filter::Word { param, word: word.clone() })?;
        }
        Ok(rows)
    }
}

const _: () = assert!(FAR == COSTS - 1);
