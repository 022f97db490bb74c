//! Where a demonstration is: a temporary directory, or one that stays and is served again.

use crate::data_place::create_private;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// File of the data directory that says that the demonstration was made to its end.
const MADE: &str = "demonstration";

/// The directory of a demonstration.
pub(crate) struct DemoDirectory {
    path: PathBuf,
    /// Deletes it in the end, unless somebody named it.
    _temporary: Option<TempDir>,
    /// Cards are made anew each time: their authority lasts as long as the program.
    cards: TempDir,
}

impl DemoDirectory {
    /// Takes the directory that somebody named, or makes a temporary one.
    ///
    /// # Errors
    /// When the directory holds something else, or a demonstration that was interrupted while it was made.
    pub(crate) fn open(named: Option<&Path>) -> Result<Self> {
        let Some(path) = named else {
            let dir = tempfile::tempdir()?;
            let cards = tempfile::tempdir_in(dir.path())?;
            return Ok(Self { path: dir.path().to_owned(), _temporary: Some(dir), cards });
        };
        create_private(path)?;
        let shown = path.display();
        let is_used = fs::read_dir(path).with_context(|| format!("reading {shown}"))?.next().is_some();
        if is_used && !path.join("data").join(MADE).exists() {
            bail!("{shown}: holds no demonstration that was made to its end; delete it, or name a directory that does not exist");
        }
        // Outside: what stays is data alone.
        Ok(Self { path: path.to_owned(), _temporary: None, cards: tempfile::tempdir()? })
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Data directory, as commands name it.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Where the files of the nation are generated.
    pub(crate) fn files(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Where cards are made; it does not exist yet.
    pub(crate) fn cards(&self) -> PathBuf {
        self.cards.path().join("cards")
    }

    /// Whether the demonstration was made before.
    pub(crate) fn is_made(&self) -> bool {
        is_made(&self.data())
    }
}

/// Whether a data directory holds a demonstration that was made to its end.
pub(crate) fn is_made(data: &Path) -> bool {
    data.join(MADE).exists()
}

/// Notes that a demonstration was made to its end.
///
/// # Errors
/// When the note cannot be written.
pub(crate) fn note_made(data: &Path) -> Result<()> {
    let note = data.join(MADE);
    fs::write(&note, "").with_context(|| format!("writing {}", note.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_served_again_once_its_demonstration_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let named = dir.path().join("demo");
        let open = || DemoDirectory::open(Some(&named));
        assert!(!open().unwrap().is_made());
        fs::create_dir(named.join("data")).unwrap();
        let refused = open().err().unwrap().to_string();
        assert!(refused.contains("made to its end; delete it"), "{refused}");
        note_made(&named.join("data")).unwrap();
        assert!(open().unwrap().is_made());
        let temporary = DemoDirectory::open(None).unwrap();
        let path = temporary.path().to_owned();
        assert!(!temporary.is_made());
        drop(temporary);
        assert!(!path.exists() && named.exists());
    }
}
