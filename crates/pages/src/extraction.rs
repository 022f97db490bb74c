//! Editions of the extractions: files of one state of the directory that are made once a day, as they lie on disk.
//!
//! An edition is a directory whose name is the minute at which it was begun (Paris, 12 digits). It is put in place whole, never changes
//! after that, and its note lists every file with its digest. What is not in a note is not there: no name of a request is ever a path.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::limits;

/// File of an edition in which it describes itself.
pub const NOTE: &str = "edition.json";
/// Name of the newest edition in addresses.
pub(crate) const LATEST: &str = "latest";

/// An edition of the extractions of a perimeter, as its note describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edition {
    /// Its name: the minute at which it was begun, 12 digits of the time of Paris.
    pub edition: String,
    /// Transaction whose state the files show.
    pub tx: u64,
    /// Instant of that transaction, ISO 8601 in UTC.
    pub committed: String,
    /// Log in which the transaction has its number: id, a point, epoch.
    pub log: String,
    /// Transaction from which the differences lead to this state; `None` when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Edition of that transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_edition: Option<String>,
    /// What was withdrawn by law in between: whoever holds lines of it removes them all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<String>,
    /// What the files do not say and why, in English.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The files.
    pub files: Vec<EditionFile>,
}

/// A file of an edition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditionFile {
    /// Its name, with a `/` when it lies in a directory of the edition.
    pub name: String,
    /// Its name in every edition, without the date.
    pub stable: String,
    /// What it is.
    pub group: FileGroup,
    /// Lines, rows or changes, when they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
}

/// What a file of an edition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileGroup {
    /// A file in the layout of the national service.
    National,
    /// What changed of a national file since the edition before.
    Difference,
    /// A table, in one format.
    Table,
    /// The list of the tables.
    Manifest,
}

impl Edition {
    /// Its file of that name, which is that of the edition or that of every edition.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&EditionFile> {
        let by_name = self.files.iter().find(|file| file.name == name);
        by_name.or_else(|| self.files.iter().find(|file| file.stable == name))
    }
}

impl EditionFile {
    /// The digest as bytes; `None` when the note holds no digest.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 32]> {
        let mut digest = [0; 32];
        if self.sha256.len() != 64 || !self.sha256.is_ascii() {
            return None;
        }
        for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(self.sha256.get(at..at + 2)?, 16).ok()?;
        }
        Some(digest)
    }

    /// Media type of its content.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map_or("", |(_, end)| end) {
            "zip" => "application/zip",
            "parquet" => "application/vnd.apache.parquet",
            "csv" => "text/csv;charset=UTF-8;header=present",
            "ndjson" => "application/x-ndjson",
            "json" => "application/json",
            _ => "text/plain;charset=UTF-8",
        }
    }

    /// The last part of its name.
    pub(crate) fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// Whether a name is that of an edition.
#[must_use]
pub fn is_edition(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit())
}

/// The editions in a directory, the newest first. One whose note cannot be read is left out, and told to the operator. A directory
/// that does not exist has none.
///
/// # Errors
/// When the directory cannot be read.
pub fn editions(dir: &Path) -> io::Result<Vec<Edition>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_edition(name)));
    }
    names.sort_unstable_by(|a, b| b.cmp(a));
    let read = |name: String| {
        let edition = read_note(&dir.join(&name).join(NOTE)).and_then(|edition| match edition.edition == name {
            true => Ok(edition),
            false => Err(io::Error::other("it is that of another edition")),
        });
        // One that was removed a moment ago is no fault.
        edition
            .inspect_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {}
                _ => tracing::warn!("the note of the extractions {name} cannot be read: {error}"),
            })
            .ok()
    };
    Ok(names.into_iter().filter_map(read).collect())
}

fn read_note(path: &Path) -> io::Result<Edition> {
    let mut text = Vec::new();
    File::open(path)?.take(limits::NOTE_BYTES).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

/// Path of a file of an edition; `None` for a name that leads out of it, which only a note that somebody wrote by hand has.
pub(crate) fn path_of(dir: &Path, edition: &Edition, file: &EditionFile) -> Option<PathBuf> {
    let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
    file.name.split('/').all(is_plain).then(|| dir.join(&edition.edition).join(&file.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, stable: &str) -> EditionFile {
        let (name, stable, sha256) = (name.to_owned(), stable.to_owned(), "0f".repeat(32));
        EditionFile { name, stable, group: FileGroup::National, lines: Some(2), bytes: 3, sha256 }
    }

    #[test]
    fn only_whole_editions_are_listed_and_the_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        assert!(editions(&dir.path().join("none")).unwrap().is_empty());
        for name in ["202611250330", "202611260330", "202611270330", "202611280330", ".202611290330.partial-x", "x"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let write = |name: &str, text: &[u8]| fs::write(dir.path().join(name).join(NOTE), text).unwrap();
        for name in ["202611250330", "202611260330"] {
            let edition = Edition { edition: name.to_owned(), files: vec![file("a_1.zip", "a")], ..Edition::default() };
            write(name, &serde_json::to_vec(&edition).unwrap());
        }
        write("202611270330", b"{\"edition\":");
        // A copy under another name is no edition.
        write("202611280330", &fs::read(dir.path().join("202611260330").join(NOTE)).unwrap());
        let found = editions(dir.path()).unwrap();
        assert_eq!(found.iter().map(|e| e.edition.as_str()).collect::<Vec<_>>(), ["202611260330", "202611250330"]);
        assert_eq!(found[0].file("a").map(|f| f.name.as_str()), Some("a_1.zip"));
        assert!(found[0].file("a_1.zip").is_some() && found[0].file("../registry.sqlite").is_none());
    }

    #[test]
    fn no_name_leads_out_of_an_edition() {
        let edition = Edition { edition: "202611260330".to_owned(), ..Edition::default() };
        let path = |name: &str| path_of(Path::new("/x"), &edition, &file(name, "a"));
        assert_eq!(path("views/a.csv"), Some(PathBuf::from("/x/202611260330/views/a.csv")));
        for name in ["../a", "a/../../b", "/etc/a", "", "a//b", ".a", "views/.a"] {
            assert_eq!(path(name), None, "{name}");
        }
    }

    #[test]
    fn a_digest_is_read_or_absent() {
        assert_eq!(file("a", "a").digest(), Some([15; 32]));
        for bad in ["", "0f", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(EditionFile { sha256: bad.to_owned(), ..file("a", "a") }.digest(), None, "{bad}");
        }
    }
}
