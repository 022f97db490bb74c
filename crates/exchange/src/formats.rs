//! The national text formats, one file for each family: which columns each has, and what each column means. Nothing else in
//! this room knows a header.
//!
//! To add a format, write it in the file of its family; its name goes to [`crate::recognise`] when the name of a file
//! announces it.

mod ameli;
mod columns;
mod finess;
mod open_extractions;
mod prosanteconnect;
mod restricted;
mod slot;
mod switch_over;
mod text_format;

pub(crate) use restricted::NOT_IN_ALL_PROFILES;
pub(crate) use slot::{SLOTS, Slot};
pub(crate) use text_format::{LineKind, Separator, TextFormat};

use std::sync::LazyLock;

/// All text formats.
pub(crate) fn all() -> &'static [TextFormat] {
    static ALL: LazyLock<Vec<TextFormat>> = LazyLock::new(|| {
        let families = [
            prosanteconnect::formats(),
            open_extractions::formats(),
            restricted::formats(),
            switch_over::formats(),
            ameli::formats(),
            finess::formats(),
        ];
        families.into_iter().flatten().collect()
    });
    &ALL
}

/// The sources of all formats that have one.
#[cfg(test)]
pub(crate) fn sources() -> Vec<&'static str> {
    all().iter().map(|f| f.source).filter(|s| !s.is_empty()).collect()
}
