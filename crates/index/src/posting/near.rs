//! Words that differ from a word by a few letters.
//!
//! The words of a parameter lie in one range of sorted blocks. An automaton of bits walks the words: it follows all ways to spell the
//! wanted word with at most `k` edits at once, one machine word for each number of edits. A prefix that leaves no way open ends the
//! walk of everything that begins with it, whole blocks included, which are then not read.

use std::ops::{Bound, ControlFlow};

use annuaire_terms::{ParamId, TypeId};

use super::block::{BlockReader, TermRows, shared_prefix};
use super::read::TermScan;
use super::row_set;
use crate::budget;
use crate::error::Error;
use crate::key;

/// Most edits that are looked for.
pub const EDITS_MAX: usize = 2;
/// Longest wanted word, in bytes: a bit for each prefix of it, the empty one included.
pub const WANTED_MAX: usize = 63;

/// Which prefixes of the wanted word are spelt, by number of edits.
type Prefixes = [u64; EDITS_MAX + 1];

/// Follows a word, letter by letter (bytes of folded words), through all spellings of the wanted word with a few edits: a letter
/// missing, added, replaced, or two neighbours exchanged (optimal string alignment).
pub struct NearAutomaton {
    wanted: Vec<u8>,
    edits: usize,
    /// For each byte, the positions of the wanted word that have it.
    positions: Box<[u64; 256]>,
}

/// Where the automaton is after a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NearState {
    now: Prefixes,
    /// One letter earlier: an exchange spans two letters.
    before: Prefixes,
    last: u8,
}

impl NearAutomaton {
    /// `None` for a word that is empty or longer than [`WANTED_MAX`]. At most [`EDITS_MAX`] edits.
    pub fn new(wanted: &str, edits: usize) -> Option<Self> {
        let wanted = wanted.as_bytes().to_vec();
        if wanted.is_empty() || wanted.len() > WANTED_MAX {
            return None;
        }
        let mut positions = Box::new([0_u64; 256]);
        for (at, byte) in wanted.iter().enumerate() {
            positions[usize::from(*byte)] |= 1 << at;
        }
        Some(Self { wanted, edits: edits.min(EDITS_MAX), positions })
    }

    /// Before any letter: with `d` edits, the first `d` letters may be missing.
    pub fn start(&self) -> NearState {
        let mut now = [0; EDITS_MAX + 1];
        for (edits, prefixes) in now.iter_mut().enumerate() {
            *prefixes = (2 << edits) - 1;
        }
        NearState { now, before: [0; EDITS_MAX + 1], last: 0 }
    }

    /// After one letter more.
    pub fn step(&self, state: &NearState, letter: u8) -> NearState {
        let (here, last) = (self.positions[usize::from(letter)], self.positions[usize::from(state.last)]);
        let mut next = [0_u64; EDITS_MAX + 1];
        next[0] = (state.now[0] & here) << 1;
        for edits in 1..=self.edits {
            let matched = (state.now[edits] & here) << 1;
            let added = state.now[edits - 1];
            let replaced = state.now[edits - 1] << 1;
            let missing = next[edits - 1] << 1;
            // The word has here what is wanted one letter earlier, and had there what is wanted here.
            let exchanged = (state.before[edits - 1] & here & (last >> 1)) << 2;
            next[edits] = matched | added | replaced | missing | exchanged;
        }
        NearState { now: next, before: state.now, last: letter }
    }

    /// Whether no word that goes on from here is near.
    pub fn is_dead(&self, state: &NearState) -> bool {
        let used = (2_u64 << self.wanted.len()).wrapping_sub(1);
        let exchange = if self.edits > 0 { state.before[self.edits - 1] } else { 0 };
        // A way that is over now may go on by an exchange that began one letter ago.
        (state.now[self.edits] | (exchange & (self.positions[usize::from(state.last)] >> 1))) & used == 0
    }

    /// Number of edits between the wanted word and the letters so far; `None` when they are too many.
    pub fn distance(&self, state: &NearState) -> Option<usize> {
        (0..=self.edits).find(|edits| state.now[*edits] >> self.wanted.len() & 1 == 1)
    }
}

/// Receives a near word, its number of edits and its number of rows.
pub type NearVisitor<'v> = dyn FnMut(&[u8], usize, u64) -> Result<ControlFlow<()>, Error> + 'v;

impl TermScan<'_> {
    /// Visits the words of a parameter that the automaton accepts, in their order. Cost: a step over each block of the parameter, and
    /// reading those whose words can be near.
    pub fn words_near(
        self,
        ty: TypeId,
        param: ParamId,
        automaton: &NearAutomaton,
        visitor: &mut NearVisitor<'_>,
    ) -> Result<(), Error> {
        let (head, end) = (key::word_prefix(ty, param, ""), key::words_end(ty, param));
        let Some((first, _)) = self.dbs.terms.get_lower_than_or_equal_to(self.txn, &head)? else { return Ok(()) };
        let mut blocks = self.dbs.terms.range(self.txn, &(Bound::Included(first), Bound::Excluded(&end[..])))?.peekable();
        while let Some(item) = blocks.next() {
            let (start, block) = item?;
            let next = match blocks.peek() {
                Some(Ok((next, _))) => next,
                _ => &end[..],
            };
            // All the words of a block begin with what its key and the next one share.
            let shared = shared_prefix(start, next);
            if shared > head.len() && start.starts_with(&head) && self.is_dead_after(automaton, &start[head.len()..shared]) {
                self.meter.spend(budget::BLOCK_SKIPPED)?;
                continue;
            }
            self.meter.spend(budget::BLOCK)?;
            if self.near_in_block(block, &head, automaton, visitor)?.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_dead_after(self, automaton: &NearAutomaton, letters: &[u8]) -> bool {
        let mut state = automaton.start();
        letters.iter().any(|letter| {
            state = automaton.step(&state, *letter);
            automaton.is_dead(&state)
        })
    }

    fn near_in_block(
        self,
        block: &[u8],
        head: &[u8],
        automaton: &NearAutomaton,
        visitor: &mut NearVisitor<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let mut entries = BlockReader::new(block);
        // State after each prefix of the word before, and how many letters of it were followed.
        let mut states = vec![automaton.start()];
        let mut followed: Vec<u8> = Vec::new();
        while let Some(rows) = entries.next()? {
            let Some(word) = entries.key.strip_prefix(head).and_then(|rest| rest.strip_suffix(&[0])) else { continue };
            let shared = shared_prefix(&followed, word);
            // The word before died within what both share.
            let died = followed.len() == shared && automaton.is_dead(&states[shared]);
            if died {
                continue;
            }
            followed.truncate(shared);
            states.truncate(shared + 1);
            for letter in &word[shared..] {
                let state = automaton.step(&states[states.len() - 1], *letter);
                followed.push(*letter);
                states.push(state);
                if automaton.is_dead(&state) {
                    break;
                }
            }
            if followed.len() == word.len()
                && let Some(edits) = automaton.distance(&states[states.len() - 1])
            {
                let count = match rows {
                    TermRows::Inline { count, .. } => count as u64,
                    TermRows::InSet => row_set::count(self.dbs, self.txn, &entries.key)?,
                };
                if visitor(word, edits, count)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The distance that [`NearAutomaton`] measures, by the table of all prefixes.
#[cfg(test)]
pub mod naive {
    pub fn distance(a: &[u8], b: &[u8]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                table[i][j] = match (i, j) {
                    (0, _) => j,
                    (_, 0) => i,
                    _ => {
                        let replaced = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                        let mut least = replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                        if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                            least = least.min(table[i - 2][j - 2] + 1);
                        }
                        least
                    }
                };
            }
        }
        table[a.len()][b.len()]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::naive::distance;
    use super::{EDITS_MAX, NearAutomaton, WANTED_MAX};

    proptest! {
        #[test]
        fn the_automaton_accepts_what_the_table_measures(wanted in "[abc]{1,8}", word in "[abc]{0,9}", edits in 0..=EDITS_MAX) {
            let automaton = NearAutomaton::new(&wanted, edits).expect("a short word");
            let mut state = automaton.start();
            let mut died = automaton.is_dead(&state);
            for letter in word.bytes() {
                state = automaton.step(&state, letter);
                died |= automaton.is_dead(&state);
            }
            let measured = Some(distance(wanted.as_bytes(), word.as_bytes())).filter(|d| *d <= edits);
            prop_assert_eq!(automaton.distance(&state), measured);
            prop_assert!(measured.is_none() || !died);
        }
    }

    #[test]
    fn words_without_a_bit_for_each_prefix_are_refused() {
        assert!(NearAutomaton::new("", 1).is_none());
        let accepts = |len: usize| {
            let wanted = "a".repeat(len);
            NearAutomaton::new(&wanted, 2).map(|automaton| {
                let end = wanted.bytes().fold(automaton.start(), |state, letter| automaton.step(&state, letter));
                automaton.distance(&end)
            })
        };
        assert_eq!(accepts(WANTED_MAX), Some(Some(0)));
        assert_eq!(accepts(WANTED_MAX + 1), None);
    }
}
