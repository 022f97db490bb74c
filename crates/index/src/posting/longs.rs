//! Long texts that no term has any more.

use heed::{RoTxn, RwTxn};

use super::block::BlockReader;
use crate::databases::Databases;
use crate::error::Error;
use crate::key::{KeyText, class};

/// Bytes of a key before its value: type, parameter, class.
const HEAD: usize = 3;

/// Removes from `longs` the texts of terms that are gone, unless another term has the text too: of another parameter, or in
/// another form. Cost: the parameters of the store, and a look-up in each of them for each text.
pub fn remove_unused(dbs: &Databases, txn: &mut RwTxn<'_>, terms: &[Vec<u8>]) -> Result<(), Error> {
    if terms.is_empty() {
        return Ok(());
    }
    let heads = text_heads(dbs, txn)?;
    for term in terms {
        let Some(KeyText::Truncated { hash }) = KeyText::of_key(term) else { continue };
        // The folded text and its end, without the form.
        let text = &term[HEAD..=HEAD + memchr::memchr(0, &term[HEAD..]).unwrap_or_default()];
        let mut is_used = false;
        for head in &heads {
            let wanted = [head, text].concat();
            is_used |= first_term_from(dbs, txn, &wanted)?.is_some_and(|found| found.starts_with(&wanted));
        }
        if !is_used {
            dbs.longs.delete(txn, hash)?;
        }
    }
    Ok(())
}

/// Heads of the keys of texts, one for each type and parameter that has texts.
fn text_heads(dbs: &Databases, txn: &RoTxn<'_>) -> Result<Vec<[u8; HEAD]>, Error> {
    let mut heads = Vec::new();
    let mut from = [0, 0, class::TEXT];
    while let Some(found) = first_term_from(dbs, txn, &from)? {
        let &[ty, param, found_class, ..] = found.as_slice() else { return Err(Error::Corrupt("term")) };
        let head = [ty, param, class::TEXT];
        if found_class == class::TEXT {
            heads.push(head);
        }
        // The next parameter, unless the term found is before the texts of its own.
        from = if found_class < class::TEXT {
            head
        } else {
            match u16::from_be_bytes([ty, param]).checked_add(1) {
                Some(next) => [next.to_be_bytes()[0], next.to_be_bytes()[1], class::TEXT],
                None => break,
            }
        };
    }
    Ok(heads)
}

/// The first term at or after a key. Cost: one look-up, and passing empty blocks.
fn first_term_from(dbs: &Databases, txn: &RoTxn<'_>, from: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let mut found = dbs.terms.get_lower_than_or_equal_to(txn, from)?;
    while let Some((start, block)) = found {
        let mut entries = BlockReader::new(block);
        if entries.seek(from)?.is_some() {
            return Ok(Some(entries.key));
        }
        found = dbs.terms.get_greater_than(txn, start)?;
    }
    Ok(None)
}
