//! Files that change while they are read.

use crate::error::{Error, refused};
use std::fs::{File, Metadata};
use std::time::SystemTime;

/// An open file, as it was when it was opened.
pub(super) struct FileWatch<'a> {
    pub(super) name: &'a str,
    pub(super) file: File,
    pub(super) len: u64,
    pub(super) modified: Option<SystemTime>,
}

impl FileWatch<'_> {
    fn changed(&self, now: &Metadata) -> bool {
        now.len() != self.len || now.modified().ok() != self.modified
    }

    /// Refuses a file whose size or date has changed.
    pub(super) fn check_unchanged(&self) -> Result<(), Error> {
        let now = self.file.metadata().map_err(|source| Error::Io { file: self.name.to_owned(), source })?;
        if self.changed(&now) {
            let reason = "the file was changed while it was read; nothing was imported: import it again once it is complete";
            return Err(refused(self.name, reason.into()));
        }
        Ok(())
    }
}
