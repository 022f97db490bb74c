//! The compression dictionaries of a store.

use annuaire_terms::TypeId;
use zstd::zstd_safe::{CDict, DDict};

/// Level of compression: a higher one makes the store a few per cent smaller and takes twice as long to write.
pub const LEVEL: i32 = 3;

/// The dictionaries of a store. A record names its own by number, so that records outlive a change of dictionaries.
pub struct Dictionaries {
    /// By number; number 0 stands for none.
    readers: Vec<DDict<'static>>,
    /// By type: number and dictionary.
    writers: Vec<(u8, CDict<'static>)>,
}

impl Dictionaries {
    /// `all`: the dictionaries numbered from 1; `by_type`: the number for each type, 0 for none.
    pub fn new(all: &[Vec<u8>], by_type: &[u8]) -> Self {
        let bytes = |n: u8| n.checked_sub(1).and_then(|n| all.get(usize::from(n))).map_or(&[][..], Vec::as_slice);
        Self {
            readers: (0..=all.len()).map(|n| DDict::create(bytes(u8::try_from(n).unwrap_or(0)))).collect(),
            writers: by_type.iter().map(|n| (*n, CDict::create(bytes(*n), LEVEL))).collect(),
        }
    }

    /// Number and dictionary with which new records of a type are compressed; `None` when the type has none.
    pub fn writer(&self, ty: TypeId) -> Option<(u8, &CDict<'static>)> {
        self.writers.get(usize::from(ty)).filter(|(number, _)| *number > 0).map(|(number, dictionary)| (*number, dictionary))
    }

    /// The dictionary of a number; `None` when the store has no such dictionary.
    pub fn reader(&self, number: u8) -> Option<&DDict<'static>> {
        self.readers.get(usize::from(number))
    }
}
