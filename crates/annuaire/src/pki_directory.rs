//! Files of a test authority: certificates, and keys that their owner alone may read.

use annuaire_cards::IssuedCertificate;
use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileReaders {
    Owner,
    All,
}

/// The directory of a test authority that is being made.
pub(crate) struct PkiDirectory<'a>(pub(crate) &'a Path);

impl PkiDirectory<'_> {
    /// Writes a certificate, its chain and its private key into one file of PEM.
    pub(crate) fn write_issued(&self, name: &str, issued: &IssuedCertificate) -> Result<()> {
        let text = format!("{}{}", issued.chain_pem(), issued.key_pem());
        self.write(&format!("{name}.pem"), text.as_bytes(), FileReaders::Owner)
    }

    /// Writes a file that does not exist yet.
    pub(crate) fn write(&self, name: &str, bytes: &[u8], access: FileReaders) -> Result<()> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        let mut open = fs::OpenOptions::new();
        open.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, if access == FileReaders::Owner { 0o600 } else { 0o644 });
        #[cfg(not(unix))]
        let _ = access;
        let opened = open.open(&path);
        let written = opened.and_then(|mut file| file.write_all(bytes));
        written.with_context(|| format!("writing {}", path.display()))
    }
}
