//! Making a publication store again from the log.

use crate::data_place::{DataPlace, create_private, store_name};
use crate::progress::SharedTell;
use annuaire_fhir::View;
use annuaire_publish::SetAside;
use annuaire_store::Registry;
use anyhow::{Context, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Directory, inside that of a store, where the new one is made.
const MAKING: &str = "rebuilding";

/// Makes a store again from the log, beside the old one, and then puts it in its place: whenever this is interrupted, one of the
/// two is there and complete. Needs disk for both. Returns the number of resource versions.
///
/// The caller has the right to publish, and has not opened the store.
pub(crate) fn renew(place: &DataPlace, view: View, registry: &mut dyn Registry, tell: &SharedTell) -> Result<u64> {
    let dir = place.data.join(store_name(view.perimeter));
    create_private(&dir)?;
    let making = dir.join(MAKING);
    remove_dir(&making)?;
    create_private(&making)?;
    let made = (|| -> Result<u64> {
        let index = annuaire_publish::open(&making, place.map_bytes, view)?;
        let followed = annuaire_publish::follow(registry, &index, view, &**tell)?;
        for aside in &followed.set_aside {
            eprintln!("{}", set_aside_line(store_name(view.perimeter), aside));
        }
        drop(index);
        fs::File::open(making.join("data.mdb"))?.sync_all()?;
        // LMDB's lock file belongs to the old file.
        let lock = dir.join("lock.mdb");
        absent_is_fine(fs::remove_file(&lock))?;
        fs::rename(making.join("data.mdb"), dir.join("data.mdb")).context("putting the store in place")?;
        absent_is_fine(fs::remove_file(&lock))?;
        fs::File::open(&dir)?.sync_all()?;
        Ok(followed.versions)
    })();
    // On an error too: a store that is half made would only take disk.
    let removed = remove_dir(&making);
    let versions = made?;
    removed?;
    Ok(versions)
}

/// One line for an object that could not be published.
pub(crate) fn set_aside_line(store: &str, aside: &SetAside) -> String {
    format!(
        "the {store} store: {} of {} in transaction {} cannot be published, what was published of it stays: {}",
        aside.entity, aside.source, aside.tx, aside.reason
    )
}

/// Success also when there was nothing to remove.
fn absent_is_fine(done: std::io::Result<()>) -> std::io::Result<()> {
    done.or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

fn remove_dir(dir: &Path) -> Result<()> {
    absent_is_fine(fs::remove_dir_all(dir)).with_context(|| format!("removing {}", dir.display()))
}
