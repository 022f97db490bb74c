//! The key that seals links to next pages: a file of the data directory, or, for the nodes of a cluster, a note of their database.
//!
//! Pseudonyms of clients in the request log derive from it too. It is never printed.

use crate::clock::now_ms;
use crate::data_place::DataPlace;
use crate::exit::one_line;
use crate::registry::random_bytes;
use annuaire_base::text::hex;
use annuaire_store::{BlockingRegistry, Cause, Channel, CommitClock};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Note of the database that holds the key in hexadecimal.
const KIND: &str = "secret";
const NAME: &str = "pages";

/// The key of an installation; the first call makes it.
///
/// The nodes of a cluster share that of their database, so that a link which one of them gave opens on every other. Each keeps a
/// copy, with which it starts while the database does not answer.
pub(crate) fn page_key(place: &DataPlace) -> Result<[u8; 32]> {
    let file = key_file(&place.data);
    let own = read_file(&file)?;
    let shared = match place.named_database() {
        Ok(None) => return own.map_or_else(|| write_file(&file, random_key(), Replace::No), Ok),
        Ok(Some(registry)) => shared_key(&registry, own),
        Err(e) => Err(e),
    };
    match (shared, own) {
        (Ok(key), Some(own)) if key == own => Ok(key),
        (Ok(key), _) => write_file(&file, key, Replace::Yes),
        (Err(e), Some(own)) => {
            eprintln!(
                "the secret of page links cannot be read from the database, the copy of this node serves: {}",
                one_line(&e)
            );
            Ok(own)
        }
        (Err(e), None) => Err(e).context("reading the secret of page links from the database"),
    }
}

/// File of the key in a data directory.
fn key_file(data: &Path) -> PathBuf {
    data.join("cursor.key")
}

fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    random_bytes(&mut key);
    key
}

fn read_file(path: &Path) -> Result<Option<[u8; 32]>> {
    match fs::read(path) {
        Ok(bytes) => match bytes.try_into() {
            Ok(key) => Ok(Some(key)),
            Err(_) => Err(anyhow!("{}: not a key of 32 bytes; delete it to make a new one", path.display())),
        },
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("reading {}", path.display())),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replace {
    Yes,
    No,
}

fn write_file(path: &Path, key: [u8; 32], replace: Replace) -> Result<[u8; 32]> {
    if replace == Replace::Yes {
        let _ = fs::remove_file(path);
    }
    let mut open = fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut file = open.open(path).with_context(|| format!("creating {}", path.display()))?;
    std::io::Write::write_all(&mut file, &key).with_context(|| format!("writing {}", path.display()))?;
    Ok(key)
}

/// The key of the database. The first node makes it, of its own key when it has one: links that it gave before go on.
fn shared_key(registry: &BlockingRegistry, own: Option<[u8; 32]>) -> Result<[u8; 32]> {
    if let Some(text) = registry.note(KIND, NAME)? {
        return parse(&text);
    }
    let mut unit = registry.begin()?;
    // From here on nobody else writes: of two nodes that start at once, the second reads what the first made.
    unit.next_tx()?;
    if let Some(text) = unit.note(KIND, NAME)? {
        return parse(&text);
    }
    let key = own.unwrap_or_else(random_key);
    let text = hex(&key);
    unit.set_note(KIND, NAME, Some(&text))?;
    let cause = Cause::new(Channel::System, "serve", "secret of page links");
    unit.save(&cause, CommitClock { now_ms: &now_ms, any_clock: true })?;
    Ok(key)
}

/// Reads the note. No error repeats its text.
fn parse(text: &str) -> Result<[u8; 32]> {
    let byte = |n: usize| text.get(2 * n..2 * n + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
    let key = bytes.filter(|_| text.len() == 64).and_then(|bytes| bytes.try_into().ok());
    key.ok_or_else(|| anyhow!("the note {KIND} {NAME} of the database is no key of 64 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_one_database_share_a_key_that_one_of_them_makes() {
        let dir = tempfile::tempdir().expect("a directory");
        let open = || crate::registry::open_file(&dir.path().join("registry.sqlite")).expect("a registry");
        let (first, second) = (open(), open());
        let key = shared_key(&first, Some([7; 32])).expect("a key");
        assert_eq!(key, [7; 32], "the links of the first node go on");
        assert_eq!(shared_key(&second, Some([8; 32])).expect("a key"), key);
        assert_eq!(shared_key(&second, None).expect("a key"), key);
        assert_eq!(first.last_tx().expect("a log"), annuaire_base::Tx::NONE, "it is no fact of the log");
    }

    #[test]
    fn a_damaged_note_is_refused_without_its_text() {
        for bad in ["", "00", &"zz".repeat(32), &"00".repeat(33), "é"] {
            let error = parse(bad).expect_err("no key").to_string();
            assert!(error.contains("no key") && (bad.is_empty() || bad == "00" || !error.contains(bad)), "{error}");
        }
        assert_eq!(parse(&"0a".repeat(32)).expect("a key"), [10; 32]);
    }
}
