//! What a search by words needs beside its filter: near spellings, beginnings, and the stored order.

use std::ops::ControlFlow;

use annuaire_base::text::fold;
use annuaire_terms::{ParamId, TypeId};
use roaring::RoaringBitmap;

use crate::error::Error;
use crate::posting::near::NearAutomaton;
use crate::row::Row;
use crate::snapshot::Snapshot;

/// A word of names that is near another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearWord {
    /// The word, as the store has it.
    pub word: String,
    /// Letters missing, added, replaced or exchanged.
    pub edits: usize,
    /// Rows that have it, those that are not live included.
    pub rows: u64,
}

impl Snapshot {
    /// Words of a parameter that differ from `word` by at most `edits` letters (2 at most): the nearest first, then those of most
    /// rows, at most `limit`. Empty for a word of more than 63 bytes. Cost: a step over each block of the words of the parameter
    /// (some 2 000 for a country), and reading those whose words can be near.
    ///
    /// # Errors
    /// [`Error::Exhausted`], or when the store cannot be read.
    pub fn near_words(&self, ty: TypeId, param: ParamId, word: &str, edits: usize, limit: usize) -> Result<Vec<NearWord>, Error> {
        let Some(automaton) = NearAutomaton::new(word, edits) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        self.scan().words_near(ty, param, &automaton, &mut |word, edits, rows| {
            found.push(NearWord { word: String::from_utf8_lossy(word).into_owned(), edits, rows });
            Ok(ControlFlow::Continue(()))
        })?;
        found.sort_by(|a, b| (a.edits, b.rows, &a.word).cmp(&(b.edits, a.rows, &b.word)));
        found.truncate(limit);
        Ok(found)
    }

    /// The rows of `rows`, live rows of a type, in the stored order of the type, without the first `skip`, at most `limit`. With
    /// `beginning`, only those whose listed text begins with it. Rows that are listed under one text are in the order in which they were
    /// published. Cost: walking the listed texts until they are met; rows are never read.
    ///
    /// # Errors
    /// [`Error::Exhausted`], or when the store cannot be read.
    pub fn listed(
        &self,
        ty: TypeId,
        rows: &RoaringBitmap,
        beginning: &str,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let mut out = Vec::with_capacity(limit.min(1_024));
        let (mut skipped, mut met) = (0, 0);
        let wanted = rows.len();
        if wanted == 0 || limit == 0 {
            return Ok(out);
        }
        self.scan().listed(ty, &fold(beginning), &mut |listed| {
            for row in listed.iter().copied().filter(|row| rows.contains(row.get())) {
                met += 1;
                if skipped < skip {
                    skipped += 1;
                } else {
                    out.push(row);
                }
                if out.len() == limit || met == wanted {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(out)
    }
}
