//! Names that differ from a typed one by few errors, found among all names without comparing it with each.
//!
//! The names are sorted, so those that begin alike are neighbours: the rows of the comparison for a common beginning are computed once, and as
//! soon as a beginning has too many errors all names that begin so are skipped by a binary search. Only the cells of a row that few errors
//! can reach are computed. Letters are bytes: the names of places fold to ASCII.

use crate::limits::{NEAR_NAME, NEAR_ROWS, ONE_ERROR, TWO_ERRORS};

/// A cell that few errors cannot reach.
const FAR: u8 = u8::MAX / 2;

/// Errors that a typed name may have.
pub(super) fn allowed_errors(typed: &str) -> u8 {
    match typed.chars().filter(|c| c.is_alphabetic()).count() {
        letters if letters >= TWO_ERRORS => 2,
        letters if letters >= ONE_ERROR => 1,
        _ => 0,
    }
}

/// What a walk over the names found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct NearNames {
    /// Positions of names, with their errors.
    pub found: Vec<(usize, u8)>,
    /// Rows that were computed.
    pub rows: usize,
}

/// Positions of the sorted names within so many errors of a typed one. An error is a letter too many, one that lacks, another
/// one, or two neighbours exchanged.
pub(super) fn near<'a>(names: usize, name: impl Fn(usize) -> &'a str, typed: &str, errors: u8) -> NearNames {
    let mut walk = NearNames::default();
    if errors == 0 || typed.is_empty() || typed.len() > NEAR_NAME {
        return walk;
    }
    let mut rows = ErrorTable::new(typed.as_bytes(), errors);
    let mut before: &[u8] = &[];
    // Rows that stand, of the letters of the name before.
    let mut standing = 0;
    let mut at = 0;
    while at < names && walk.rows < NEAR_ROWS {
        let letters = name(at).as_bytes();
        let mut end = letters.iter().zip(before).take_while(|(a, b)| a == b).count().min(standing);
        let mut is_hopeless = false;
        while end < letters.len() && !is_hopeless {
            end += 1;
            is_hopeless = rows.compute(&letters[..end]) > errors;
            walk.rows += 1;
        }
        standing = end;
        before = letters;
        if is_hopeless {
            at = first_after(at, names, |position| name(position).as_bytes().starts_with(&letters[..end]));
        } else {
            let distance = rows.distance(letters.len());
            if distance <= errors {
                walk.found.push((at, distance));
            }
            at += 1;
        }
    }
    walk
}

/// The errors between beginnings of a name and beginnings of the typed one: cell `j` of row `i` is about the first `i` and `j` letters.
struct ErrorTable<'a> {
    typed: &'a [u8],
    errors: usize,
    cells: Vec<u8>,
}

impl<'a> ErrorTable<'a> {
    fn new(typed: &'a [u8], errors: u8) -> Self {
        let errors = usize::from(errors);
        // A name that is longer by more than the errors has no cell left within reach, so no further row is needed.
        let mut cells = vec![FAR; (typed.len() + errors + 2) * (typed.len() + 1)];
        for (j, cell) in cells.iter_mut().take(errors.min(typed.len()) + 1).enumerate() {
            *cell = j as u8;
        }
        Self { typed, errors, cells }
    }

    fn cell(&self, i: usize, j: usize) -> u8 {
        self.cells[i * (self.typed.len() + 1) + j]
    }

    fn set(&mut self, i: usize, j: usize, errors: u8) {
        self.cells[i * (self.typed.len() + 1) + j] = errors;
    }

    /// Computes the row of a beginning of a name, of which all shorter ones have theirs; answers its smallest cell.
    fn compute(&mut self, name: &[u8]) -> u8 {
        let i = name.len();
        let (from, to) = (i.saturating_sub(self.errors).max(1), (i + self.errors).min(self.typed.len()));
        if from > to {
            return FAR;
        }
        let first = if from == 1 && i <= self.errors { i as u8 } else { FAR };
        self.set(i, from - 1, first);
        let mut best = first;
        for j in from..=to {
            let changed = self.cell(i - 1, j - 1) + u8::from(name[i - 1] != self.typed[j - 1]);
            let mut errors = changed.min(self.cell(i - 1, j) + 1).min(self.cell(i, j - 1) + 1).min(FAR);
            if i > 1 && j > 1 && name[i - 1] == self.typed[j - 2] && name[i - 2] == self.typed[j - 1] {
                errors = errors.min(self.cell(i - 2, j - 2) + 1);
            }
            self.set(i, j, errors);
            best = best.min(errors);
        }
        if to < self.typed.len() {
            self.set(i, to + 1, FAR);
        }
        best
    }

    /// The errors between a name of so many letters, of which the row stands, and the whole typed one.
    fn distance(&self, letters: usize) -> u8 {
        if letters.abs_diff(self.typed.len()) > self.errors { FAR } else { self.cell(letters, self.typed.len()) }
    }
}

/// The first position after one where something holds at which it no longer does; it holds for a run. Looks near first, since most runs are short.
pub(super) fn first_after(from: usize, to: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (from + 1, 1);
    while low + step <= to && holds(low + step - 1) {
        low += step;
        step *= 2;
    }
    let mut high = (low + step - 1).min(to);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::{first_after, near};
    use proptest::prelude::*;

    /// The errors between two words, by the whole table.
    fn distance(a: &str, b: &str) -> u8 {
        let (a, b) = (a.as_bytes(), b.as_bytes());
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let changed = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let plain = changed.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    let exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if exchanged { plain.min(table[i - 2][j - 2] + 1) } else { plain }
                };
            }
        }
        u8::try_from(table[a.len()][b.len()]).unwrap()
    }

    #[test]
    fn an_error_is_one_letter_or_an_exchange() {
        let is_near = |name: &str, typed: &str| near(1, |_| name, typed, 1).found == [(0, 1)];
        assert!(
            is_near("quimper", "quimpre") && is_near("brest", "breest") && is_near("brest", "bret") && is_near("brest", "brast")
        );
        assert_eq!(near(1, |_| "brest", "brest", 1).found, [(0, 0)]);
        assert!(near(1, |_| "abcd", "badc", 1).found.is_empty());
    }

    #[test]
    fn a_run_ends_where_it_ends() {
        for to in 1..40 {
            for end in 1..=to {
                assert_eq!(first_after(0, to, |i| i < end), end, "{end} of {to}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_walk_finds_what_comparing_with_each_finds(
            mut names in proptest::collection::vec("[abc]{0,7}", 0..80), typed in "[abc]{1,7}", errors in 1..3_u8,
        ) {
            names.sort();
            let expected: Vec<_> =
                names.iter().enumerate().map(|(i, name)| (i, distance(name, &typed))).filter(|(_, d)| *d <= errors).collect();
            prop_assert_eq!(near(names.len(), |i| names[i].as_str(), &typed, errors).found, expected);
        }
    }
}
