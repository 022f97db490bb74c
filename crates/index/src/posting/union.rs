//! The union of the rows of many terms.

use heed::RoTxn;
use roaring::RoaringBitmap;

use super::block::TermRows;
use super::row_set::{self, BITMAP};
use crate::chunk;
use crate::databases::Databases;
use crate::error::Error;
use crate::row::Row;

/// Most inline rows that are sorted; more are set in a bitmap of all the rows of the store (a megabyte for a country).
const SORTED_MAX: usize = if cfg!(test) { 16 } else { 8_192 };
/// Most sets that are united one by one; more are set in that bitmap. Tests take both ways.
const UNITED_MAX: usize = if cfg!(test) { 1 } else { 8 };

/// Collects the rows of terms. Few rows are sorted, few sets are united; beyond that a plain bitmap is faster.
pub struct RowUnion<'t> {
    dbs: &'t Databases,
    txn: &'t RoTxn<'t>,
    /// Inline rows that are not in `bits` yet.
    inline: Vec<Row>,
    /// Number of sets met.
    sets: usize,
    /// Union of the first sets.
    united: RoaringBitmap,
    /// One bit for each row of the store; empty until it is needed.
    bits: Vec<u8>,
}

impl<'t> RowUnion<'t> {
    pub fn new(dbs: &'t Databases, txn: &'t RoTxn<'t>) -> Self {
        Self { dbs, txn, inline: Vec::new(), sets: 0, united: RoaringBitmap::new(), bits: Vec::new() }
    }

    /// Adds the rows of a term.
    pub fn add(&mut self, term: &[u8], rows: TermRows<'_>) -> Result<(), Error> {
        if let TermRows::Inline { .. } = rows {
            rows.append_inline_to(&mut self.inline)?;
            return if self.inline.len() > SORTED_MAX { self.move_inline_to_bits() } else { Ok(()) };
        }
        self.sets += 1;
        if self.sets <= UNITED_MAX {
            self.united |= row_set::read(self.dbs, self.txn, term)?;
            return Ok(());
        }
        let (dbs, txn) = (self.dbs, self.txn);
        row_set::read_into_bits(dbs, txn, term, self.bits()?)
    }

    /// All the rows.
    pub fn into_rows(mut self) -> RoaringBitmap {
        if !self.bits.is_empty() {
            self.united |= RoaringBitmap::from_lsb0_bytes(0, &self.bits);
        }
        if !self.inline.is_sorted_by(|a, b| a < b) {
            self.inline.sort_unstable();
            self.inline.dedup();
        }
        // Strictly ascending by now: the iterator cannot be refused.
        self.united | RoaringBitmap::from_sorted_iter(self.inline.into_iter().map(Row::get)).unwrap_or_default()
    }

    /// The bitmap. It gets its full length at once, since growing it would cost more than filling it.
    fn bits(&mut self) -> Result<&mut Vec<u8>, Error> {
        if self.bits.is_empty() {
            let last = chunk::last_row(self.dbs, self.txn)?.unwrap_or(Row::FIRST).get();
            self.bits = vec![0; ((last >> 16) as usize + 1) * BITMAP];
        }
        Ok(&mut self.bits)
    }

    fn move_inline_to_bits(&mut self) -> Result<(), Error> {
        let mut inline = std::mem::take(&mut self.inline);
        let bits = self.bits()?;
        for row in inline.drain(..) {
            *bits.get_mut((row.get() >> 3) as usize).ok_or(Error::Corrupt("row of a term"))? |= 1 << (row.get() & 7);
        }
        self.inline = inline;
        Ok(())
    }
}
