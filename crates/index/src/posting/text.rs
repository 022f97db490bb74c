//! Reading posting lists: texts that start with, or contain, a value.

use std::ops::{Bound, ControlFlow};

use annuaire_base::text::fold;
use annuaire_terms::{ParamId, TypeId};
use memchr::memmem;
use roaring::RoaringBitmap;

use super::read::{TermScan, every_block};
use super::union::RowUnion;
use super::{block, bloom};
use crate::error::Error;
use crate::key::{self, KeyText};

impl TermScan<'_> {
    /// Rows with a text whose folded form starts with the folded value. Cost: the blocks of the range, so that a longer value
    /// never costs more than a shorter one.
    pub fn texts_starting_with(self, ty: TypeId, param: ParamId, value: &str) -> Result<RoaringBitmap, Error> {
        let wanted = fold(value);
        let prefix = key::text_prefix(ty, param, &wanted);
        if prefix.len() < 3 + key::TRUNCATED {
            // Keys hold enough of every text.
            return self.prefix(&prefix);
        }
        self.texts_matching(ty, param, &prefix, &every_block, |text| text.starts_with(wanted.as_bytes()))
    }

    /// Rows with a text whose folded form contains the folded value. Cost: skipping the blocks whose Bloom filter excludes the
    /// value, and looking at every text of the others; a value of one or two letters excludes none.
    pub fn texts_containing(self, ty: TypeId, param: ParamId, value: &str) -> Result<RoaringBitmap, Error> {
        let wanted = fold(value);
        let finder = memmem::Finder::new(&wanted);
        let mut escaped = Vec::new();
        key::escape(wanted.as_bytes(), &mut escaped);
        // Filters are made of escaped texts. A value with control characters could meet only the second half of an escape
        // sequence, so it excludes no block.
        let is_plain = wanted.bytes().all(|b| b > 2);
        let bits: Vec<usize> = if is_plain { bloom::bits(&escaped).collect() } else { Vec::new() };
        let block_filter = |block: &[u8]| bits.is_empty() || block::may_contain(block, &bits);
        let start = key::text_prefix(ty, param, "");
        let contains = |text: &[u8]| finder.find(text).is_some();
        if is_plain {
            // The value has no byte that escaping changes: escaped texts can be searched as they are.
            return self.scan_texts(ty, param, &start, &block_filter, contains);
        }
        self.texts_matching(ty, param, &start, &block_filter, contains)
    }

    /// [`TermScan::scan_texts`] with a predicate on unescaped texts.
    fn texts_matching(
        self,
        ty: TypeId,
        param: ParamId,
        start: &[u8],
        block_filter: &dyn Fn(&[u8]) -> bool,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Result<RoaringBitmap, Error> {
        self.scan_texts(ty, param, start, block_filter, |escaped| match memchr::memchr(1, escaped) {
            None => matches(escaped),
            Some(_) => matches(&key::unescape(escaped)),
        })
    }

    /// Rows of the texts with keys that start with `start` and escaped forms that satisfy `matches`.
    fn scan_texts(
        self,
        ty: TypeId,
        param: ParamId,
        start: &[u8],
        block_filter: &dyn Fn(&[u8]) -> bool,
        matches: impl Fn(&[u8]) -> bool,
    ) -> Result<RoaringBitmap, Error> {
        let end = key::texts_end(ty, param);
        let mut union = RowUnion::new(self.dbs, self.txn);
        self.visit(start, Bound::Excluded(&end), block_filter, &mut |term, rows| {
            if !term.starts_with(start) {
                return Ok(ControlFlow::Break(()));
            }
            let is_match = match KeyText::of_key(term).ok_or(Error::Corrupt("key of a text"))? {
                KeyText::Complete(text) => matches(text),
                KeyText::Truncated { hash } => matches(self.dbs.longs.get(self.txn, hash)?.ok_or(Error::Corrupt("long value"))?),
            };
            if is_match {
                union.add(term, rows)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(union.into_rows())
    }
}
