//! The pieces that a record gives, and the oddities met on the way.

use std::collections::BTreeMap;

/// A piece of one source: (source, entity, piece).
pub(crate) type FinessPiece = (&'static str, String, Vec<u8>);

/// The piece of an object: its JSON, after a letter for an activity.
pub(super) fn piece<T: serde::Serialize>(level: &str, value: &T) -> Vec<u8> {
    let mut out = level.as_bytes().to_vec();
    // Strings and options always serialise.
    let _ = serde_json::to_writer(&mut out, value);
    out
}

/// Level of the piece of an authorised activity.
pub(super) const AUTHORISED: &str = "A";
/// Level of the piece of an activity that is carried out.
pub(super) const CARRIED_OUT: &str = "X";
/// Level of the piece of a structure or of a group.
pub(super) const NO_LEVEL: &str = "";

/// Known defects of the documents, with the number of records that have them.
#[derive(Default)]
pub(crate) struct Oddities(pub(crate) BTreeMap<&'static str, u64>);

impl Oddities {
    pub(super) fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}
