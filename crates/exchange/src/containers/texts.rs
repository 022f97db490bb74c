//! One text, from its first character.

use super::text_head::TextHead;
use crate::error::{Error, refused};
use std::io::BufRead;

/// Reads the text of this name; the format that it has.
pub(crate) type TextSink<'a> = &'a mut dyn FnMut(&str, &mut dyn BufRead) -> Result<String, Error>;

/// What an archive held beside the texts that were read.
#[derive(Debug, Default)]
pub(crate) struct ArchiveExtras {
    /// Members that are no national file.
    pub(crate) companions: Vec<String>,
    /// Members that it should have.
    pub(crate) missing: Vec<String>,
}

/// A name without its `.gz`.
pub(super) fn ungzipped(name: &str) -> &str {
    name.strip_suffix(".gz").or_else(|| name.strip_suffix(".GZ")).unwrap_or(name)
}

/// Checks the first bytes of a text, and hands it to `each` from its first character.
pub(super) fn read_text(name: &str, reader: &mut dyn BufRead, each: TextSink<'_>) -> Result<(), Error> {
    let head = TextHead::take(reader).map_err(|source| Error::Io { file: name.to_owned(), source })?;
    if let Some(reason) = head.fault(name) {
        return Err(refused(name, reason));
    }
    each(name, &mut head.chain(reader)).map(|_| ())
}
