//! The fields of one line by meaning, and the packed form in which a piece holds them.

use crate::formats::{SLOTS, Slot};
use std::borrow::Cow;

/// Separates the fields of a piece; no field of these formats can hold it.
pub(crate) const UNIT_SEPARATOR: char = '\u{1f}';

/// The fields of one line. A line has some thirty fields of the hundred and twenty that are known: a byte for each known one
/// gives its place.
pub(crate) struct LineFields<'a> {
    /// For each slot one more than the index of its field, or zero.
    places: [u8; SLOTS],
    fields: Vec<Cow<'a, str>>,
}

/// A set of slots.
pub(super) type SlotSet = [bool; SLOTS];

pub(super) const ALL: &SlotSet = &[true; SLOTS];

/// The slots of `list`.
pub(super) const fn only(list: &[Slot]) -> SlotSet {
    with_membership([false; SLOTS], list, true)
}

/// The slots of `list` and of `more`.
pub(super) const fn union(list: &[Slot], more: &[Slot]) -> SlotSet {
    with_membership(only(list), more, true)
}

/// All slots but those of `list`.
pub(super) const fn all_but(list: &[Slot]) -> SlotSet {
    with_membership(*ALL, list, false)
}

const fn with_membership(mut base: SlotSet, list: &[Slot], member: bool) -> SlotSet {
    let mut i = 0;
    while i < list.len() {
        base[list[i] as usize] = member;
        i += 1;
    }
    base
}

impl<'a> LineFields<'a> {
    /// No field yet, and room for `capacity` of them.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { places: [0; SLOTS], fields: Vec::with_capacity(capacity) }
    }

    /// The field of this meaning; empty when the line has none.
    pub(crate) fn get(&self, slot: Slot) -> &str {
        self.nth(slot as usize)
    }

    fn nth(&self, slot: usize) -> &str {
        self.fields.get(usize::from(self.places[slot]).wrapping_sub(1)).map_or("", |f| f)
    }

    /// Sets the field of a slot; of two fields the last one counts. A number that is no slot is ignored.
    pub(super) fn put(&mut self, slot: usize, value: Cow<'a, str>) {
        let Some(place) = self.places.get_mut(slot) else { return };
        match self.fields.get_mut(usize::from(*place).wrapping_sub(1)) {
            Some(field) => *field = value,
            None => {
                self.fields.push(value);
                // There are no more fields than slots.
                *place = u8::try_from(self.fields.len()).unwrap_or(0);
            }
        }
    }

    /// The piece made of the non-empty fields of `slots`, each after the mark of its slot.
    pub(super) fn pack(&self, slots: &SlotSet) -> String {
        let mut out = String::with_capacity(256);
        for (slot, wanted) in slots.iter().enumerate() {
            let value = self.nth(slot);
            if *wanted && !value.is_empty() {
                out.push(mark(slot as u32));
                out.push_str(value);
                out.push(UNIT_SEPARATOR);
            }
        }
        out
    }
}

/// First of the characters that mark slots, above the control characters.
const FIRST_MARK: u32 = 0x100;

/// The character that marks a slot.
fn mark(slot: u32) -> char {
    char::from_u32(FIRST_MARK + slot).unwrap_or_default()
}

/// Reads a piece back.
pub(crate) fn unpack(piece: &[u8]) -> LineFields<'_> {
    // A short piece has few fields, and an entity may have tens of thousands of pieces.
    let mut fields = LineFields::with_capacity((piece.len() / 8).min(64));
    for part in str::from_utf8(piece).unwrap_or_default().split(UNIT_SEPARATOR) {
        let mut chars = part.chars();
        if let Some(slot) = chars.next() {
            fields.put((slot as usize).wrapping_sub(FIRST_MARK as usize), Cow::Borrowed(chars.as_str()));
        }
    }
    fields
}
