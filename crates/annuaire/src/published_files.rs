//! The check of published files against a pinned key: of a directory, or of a server.

use crate::exit::{Exit, InvalidValue};
use crate::world::Machine;
use annuaire_bulk::{CopiedTree, PublishedFault, TreeDirectory, TreePart, VerifierKey, check_published};
use annuaire_mirror::{HttpOptions, OriginReader};
use anyhow::{Context, Result};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Requests for each second: the files are outside the quota of a directory, tiles are small.
const RATE: u32 = 200;
/// Checks of a server whose pages and checkpoint do not end together: it may be publishing.
const TRIES: u32 = 4;
/// Pause before the next of them.
const PAUSE: Duration = Duration::from_secs(1);

/// Checks published files, says what was checked, and remembers the checkpoint.
pub(crate) fn verify_published(published: &str, keys: &[String], state: Option<&Path>) -> Result<Exit> {
    let parse = |key: &String| VerifierKey::parse(key).map_err(|e| InvalidValue(format!("--key: {e}")));
    let keys: Vec<_> = keys.iter().map(parse).collect::<Result<_, _>>()?;
    let remembered = match state.map(fs::read_to_string) {
        None => None,
        Some(Err(e)) if e.kind() == io::ErrorKind::NotFound => None,
        Some(read) => Some(read.with_context(|| format!("reading {}", state.unwrap_or(Path::new("")).display()))?),
    };
    let is_address = ["http://", "https://"].iter().any(|scheme| published.starts_with(scheme));
    let report = match is_address {
        true => {
            let options = HttpOptions { rate: RATE, ..HttpOptions::default() };
            let base = published.trim_end_matches('/').trim_end_matches("/$bulk-publish");
            let mut tree = TreeAddress(OriginReader::new(base, &options, Arc::new(Machine::new()))?);
            let mut tries = 1;
            loop {
                match check_published(&mut tree, &keys, remembered.as_deref()) {
                    // A server that publishes: its page is there a moment before the checkpoint that covers it.
                    Err(PublishedFault::End { .. }) if tries < TRIES => {
                        std::thread::sleep(PAUSE);
                        tries += 1;
                    }
                    checked => break checked,
                }
            }
        }
        false => check_published(&mut TreeDirectory(published.into()), &keys, remembered.as_deref()),
    }?;
    if let Some(state) = state {
        let beside = state.with_extension("new");
        let written = fs::write(&beside, &report.checkpoint).and_then(|()| fs::rename(&beside, state));
        written.with_context(|| format!("writing {}", state.display()))?;
    }
    println!("{} pages and {} files are what was signed", report.pages, report.files);
    println!("{} lines are in the log of {} leaves", report.lines, report.leaves);
    if report.lines_without_salt > 0 {
        println!(
            "{} lines have no salt here: their pages are signed, but their leaves cannot be found",
            report.lines_without_salt
        );
    }
    match remembered {
        Some(_) => println!("nothing was rewritten since the last check"),
        None if state.is_some() => {
            println!("the checkpoint is remembered: the next check proves that nothing was rewritten since")
        }
        None => {}
    }
    Ok(Exit::Done)
}

/// Published files of a server.
struct TreeAddress(OriginReader);

impl CopiedTree for TreeAddress {
    fn part(&mut self, part: TreePart<'_>, most: u64) -> io::Result<Option<Vec<u8>>> {
        let name = match part {
            TreePart::Root => String::new(),
            TreePart::RootSignature => "/root.sig".to_owned(),
            TreePart::Page(name) => format!("/pages/{name}"),
            TreePart::PageSignature(name) => format!("/pages/{name}.sig"),
            TreePart::Lines(sha256) => format!("/files/{sha256}.ndjson"),
            TreePart::Salts(sha256) => format!("/files/{sha256}.salts"),
            TreePart::Checkpoint => "/checkpoint".to_owned(),
            TreePart::Key => "/key".to_owned(),
            TreePart::Tile(tile) => format!("/{tile}"),
        };
        let bytes = self.0.read(&format!("$bulk-publish{name}")).map_err(io::Error::other)?;
        match bytes {
            Some(bytes) if bytes.len() as u64 > most => Err(io::Error::other(format!("more than {most} bytes"))),
            bytes => Ok(bytes),
        }
    }
}
