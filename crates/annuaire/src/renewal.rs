//! Making a publication store again from the log.

use crate::data_place::{DataPlace, create_private, store_name};
use crate::progress::SharedTell;
use annuaire_fhir::View;
use annuaire_index::Index;
use annuaire_publish::SetAside;
use annuaire_store::BlockingRegistry;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Beginning of the names of the directories, inside that of a store, in which new ones are made.
const MAKING: &str = "rebuilding";
/// File, inside the directory of a store, by which the running server is asked to make the store again.
const REQUEST: &str = "rebuild-wanted";

/// Makes a store again from the log, beside the old one, and then puts it in its place: whenever this is interrupted, one of the
/// two is there and complete. Needs disk for both. Returns the number of resource versions.
///
/// The caller has the right to publish, and has not opened the store.
pub(crate) fn renew(place: &DataPlace, view: View, registry: &BlockingRegistry, tell: &SharedTell) -> Result<u64> {
    renew_with(place, view, &mut |index| from_log(index, view, registry, tell))
}

/// [`renew`] with what `fill` puts into the new store.
pub(crate) fn renew_with(place: &DataPlace, view: View, fill: &mut dyn FnMut(&Index) -> Result<u64>) -> Result<u64> {
    let name = store_name(view.perimeter);
    let dir = place.data.join(name);
    remove_unfinished(place, name)?;
    let making = dir.join(MAKING);
    let made = (|| -> Result<u64> {
        let (index, versions) = make(place, view, &making, fill)?;
        drop(index);
        // LMDB's lock file belongs to a file that nobody has open.
        absent_is_fine(fs::remove_file(making.join(LOCK)))?;
        absent_is_fine(fs::remove_file(dir.join(LOCK)))?;
        put_in_place(&dir, &making)?;
        Ok(versions)
    })();
    // On an error too: a store that is half made would only take disk.
    let removed = remove_dir(&making);
    let versions = made?;
    removed?;
    absent_is_fine(fs::remove_file(dir.join(REQUEST)))?;
    Ok(versions)
}

/// [`renew`] while this process has the old store open and others read it. The new one, returned open, is in its place on disk.
/// The old one lives until it is closed.
pub(crate) fn renew_beside(
    place: &DataPlace,
    view: View,
    registry: &BlockingRegistry,
    tell: &SharedTell,
) -> Result<(Index, u64)> {
    let dir = place.data.join(store_name(view.perimeter));
    // A store that was made here by this process has its spill files in its directory still.
    let free = |n: &u32| !dir.join(format!("{MAKING}-{n}")).exists();
    let making = dir.join(format!("{MAKING}-{}", (1..u32::MAX).find(free).unwrap_or(u32::MAX)));
    let fill = &mut |index: &Index| from_log(index, view, registry, tell);
    let made = make(place, view, &making, fill).and_then(|made| {
        put_in_place(&dir, &making)?;
        Ok(made)
    });
    if made.is_err() {
        remove_dir(&making)?;
    }
    made
}

/// Removes what interrupted renewals left, and the directories of former ones. Nobody has the store open.
pub(crate) fn remove_unfinished(place: &DataPlace, store: &str) -> Result<()> {
    let dir = place.data.join(store);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e).with_context(|| format!("reading {}", dir.display())),
    };
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", dir.display()))?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(MAKING)) {
            remove_dir(&path)?;
        }
    }
    Ok(())
}

/// Fills a new store in a directory of its own.
fn make(place: &DataPlace, view: View, making: &Path, fill: &mut dyn FnMut(&Index) -> Result<u64>) -> Result<(Index, u64)> {
    remove_dir(making)?;
    create_private(making)?;
    let index = annuaire_publish::open(making, place.map_bytes, view)?;
    let versions = fill(&index)?;
    Ok((index, versions))
}

/// Fills a new store from the log.
fn from_log(index: &Index, view: View, registry: &BlockingRegistry, tell: &SharedTell) -> Result<u64> {
    let followed = annuaire_publish::follow(registry, index, view, &**tell)?;
    for aside in &followed.set_aside {
        eprintln!("{}", set_aside_line(store_name(view.perimeter), aside));
    }
    Ok(followed.versions)
}

/// LMDB's lock file.
const LOCK: &str = "lock.mdb";

/// Moves the files of a new store over those of the old one. The lock file comes first: whoever opens the store in between registers
/// as a reader of the new one and reads the old one, which nobody writes any more.
fn put_in_place(dir: &Path, making: &Path) -> Result<()> {
    let data = "data.mdb";
    fs::File::open(making.join(data))?.sync_all()?;
    absent_is_fine(fs::rename(making.join(LOCK), dir.join(LOCK)))?;
    fs::rename(making.join(data), dir.join(data)).context("putting the store in place")?;
    fs::File::open(dir)?.sync_all()?;
    Ok(())
}

fn request(place: &DataPlace, store: &str) -> PathBuf {
    place.data.join(store).join(REQUEST)
}

/// Asks the running server to make a store again.
pub(crate) fn ask(place: &DataPlace, store: &str) -> Result<()> {
    let path = request(place, store);
    fs::write(&path, b"").with_context(|| format!("writing {}", path.display()))
}

/// Whether a store is to be made again.
pub(crate) fn is_requested(place: &DataPlace, store: &str) -> bool {
    request(place, store).exists()
}

/// Notes that a store was made again as it was asked for.
pub(crate) fn answer_request(place: &DataPlace, store: &str) -> Result<()> {
    absent_is_fine(fs::remove_file(request(place, store))).context("removing the request to make the store again")
}

/// Waits until the running server has made these stores again. `who` tells the process that publishes, and why it waits.
pub(crate) fn wait_for_server(
    place: &DataPlace,
    stores: &[&str],
    who: &dyn Fn() -> Result<Option<crate::publisher::Holder>>,
    tell: &SharedTell,
) -> Result<()> {
    while stores.iter().any(|store| is_requested(place, store)) {
        tell("waiting for the running server, which makes the stores again", 0, 0);
        match who()? {
            None => bail!("the server ended before it had made the stores again; the next one does it, or `annuaire rebuild`"),
            Some(holder) => {
                if let Some(why) = holder.waiting {
                    bail!("the server cannot make the stores again for the moment ({why}); it tries again by itself");
                }
            }
        }
        std::thread::sleep(crate::limits::LOOK);
    }
    Ok(())
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
