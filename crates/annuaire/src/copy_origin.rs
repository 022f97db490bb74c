//! Which directory a data directory copies: `mirror/origin.json`.

use annuaire_mirror::LogName;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What a data directory copies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CopyOrigin {
    /// Base address of the FHIR service.
    pub(crate) origin: String,
    /// File with the key of the origin.
    pub(crate) key_file: Option<PathBuf>,
    /// File with the root certificates of the origin.
    pub(crate) root_certificates: Option<PathBuf>,
    /// Requests a second.
    pub(crate) rate: u32,
    /// Share of the resources that one update may delete, per cent (REPL-9).
    pub(crate) max_change: u32,
    /// Its log, once it was copied.
    pub(crate) log: Option<LogName>,
}

impl CopyOrigin {
    pub(crate) fn new(origin: String) -> Self {
        Self { origin, key_file: None, root_certificates: None, rate: 17, max_change: 5, log: None }
    }

    /// The origin that a data directory copies; `None` for one with a log of its own.
    pub(crate) fn of(data: &Path) -> Result<Option<Self>> {
        let path = origin_file(data);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("reading {}", path.display())),
        };
        serde_json::from_str(&text).map(Some).with_context(|| {
            format!("{}: this names no origin; bring it back, or copy the origin anew into another directory", path.display())
        })
    }

    /// Writes the file; its directory is there.
    pub(crate) fn write(&self, data: &Path) -> Result<()> {
        let (path, text) = (origin_file(data), serde_json::to_string_pretty(self)?);
        let new = path.with_extension("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).with_context(|| format!("writing {}", path.display()))
    }
}

/// Directory of what a copy keeps beside its store.
pub(crate) fn copy_dir(data: &Path) -> PathBuf {
    data.join("mirror")
}

fn origin_file(data: &Path) -> PathBuf {
    copy_dir(data).join("origin.json")
}
