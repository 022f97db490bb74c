//! The keys of a log, for the operator: shown, added, retired. A log that is open takes them with its next start.

use std::path::Path;

use annuaire_proof::{Secret, SignedNote, SignerKey, VerifierKey};

use crate::published_log::{LogError, read_keys, write_keys};

/// The public keys that sign the log whose secrets are in the directory `private`; none when it has no key yet.
///
/// # Errors
/// When they cannot be read.
pub fn log_keys(private: &Path) -> Result<Vec<VerifierKey>, LogError> {
    Ok(read_keys(private)?.iter().map(|key| key.verifier().clone()).collect())
}

/// A text as a note that the keys of the log sign; `None` when it has no key yet.
///
/// # Errors
/// When the keys cannot be read, or the text is no text of a note.
pub fn signed_by_log_keys(private: &Path, text: &str) -> Result<Option<String>, LogError> {
    let keys = read_keys(private)?;
    if keys.is_empty() {
        return Ok(None);
    }
    Ok(Some(SignedNote::sign(text, &keys.iter().collect::<Vec<_>>())?.to_string()))
}

/// Adds a key of 32 random bytes, with the name of the first one: both sign from then on (TLOG-5). `false` when there is no key yet,
/// and when two sign already.
///
/// # Errors
/// When they cannot be read or written.
pub fn add_log_key(private: &Path, random: &mut [u8; 32]) -> Result<bool, LogError> {
    let mut keys = read_keys(private)?;
    let [only] = keys.as_slice() else { return Ok(false) };
    let added = SignerKey::of_seed(only.verifier().name(), Secret::take(random));
    keys.push(added.map_err(|reason| LogError::Key { path: private.to_owned(), reason })?);
    write_keys(private, &keys)?;
    Ok(true)
}

/// Takes the older of two keys away. `false` when there is one only.
///
/// # Errors
/// When they cannot be read or written.
pub fn retire_log_key(private: &Path) -> Result<bool, LogError> {
    let mut keys = read_keys(private)?;
    if keys.len() < 2 {
        return Ok(false);
    }
    keys.remove(0);
    write_keys(private, &keys)?;
    Ok(true)
}
