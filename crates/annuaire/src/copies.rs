//! Backups of an installation, made while it runs, and their restoration.

use crate::data_place::{CONFIGURATION, DataPlace, STORES, registry_path};
use crate::limits::LOGIN_ROWS;
use crate::new_directory::{making, put_in_place};
use crate::progress::{SharedTell, during};
use crate::registry::{open_sqlite, runtime};
use crate::store_check::{StoreCheck, check_in_own_process};
use annuaire_base::{LogIdentity, Tx};
use annuaire_identity::PROVIDER_LOGIN_KINDS;
use annuaire_index::{Index, Peek};
use annuaire_relying::CIVIL_LOGIN_KINDS;
use annuaire_store::{BlockingRegistry, Registry};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Format of the copies; `restore` refuses another one.
const FORMAT: u64 = 1;
/// File in which a copy describes itself.
const NOTE: &str = "backup.json";

/// Copies a data directory, in use or not, into `to`, which is absent or empty. `now_ms` goes into the note.
///
/// Stores are copied before the registry that they are views of: whatever commits meanwhile, no store of the copy is ahead of
/// its registry, and a restored server publishes what is missing.
pub(crate) fn backup(place: &DataPlace, to: &Path, now_ms: i64, tell: &SharedTell) -> Result<String> {
    absent_or_empty(to)?;
    let making = making(to)?;
    let mut stores = serde_json::Map::new();
    for name in STORES {
        let from = place.data.join(name);
        if !from.join("data.mdb").exists() {
            continue;
        }
        let copy = making.path().join(name);
        fs::create_dir(&copy)?;
        copying(tell, name, &from.join("data.mdb"), &copy.join("data.mdb"), || Index::copy(&from, &copy))
            .with_context(|| format!("copying the {name} store"))?;
        match sound_tx(name, &copy, place.map_bytes, tell)? {
            Some(tx) => _ = stores.insert(name.to_owned(), json!(tx)),
            None => leave_out(name, &copy)?,
        }
    }
    let registry = match place.database {
        Some(_) => Value::Null,
        None => {
            let path = registry_path(&place.data);
            if !path.exists() {
                bail!("{}: no registry; is it in PostgreSQL? then name it with --database", path.display());
            }
            let (registry, to) = (open_sqlite(&path)?, registry_path(making.path()));
            let copy = || -> Result<Tx> { Ok(runtime()?.block_on(registry.backup(&to))?) };
            let tx = copying(tell, "registry", &path, &to, copy).context("copying the registry")?;
            json!(tx)
        }
    };
    copy_small_files(&place.data, making.path())?;
    let note = json!({"format": FORMAT, "instant_ms": now_ms, "registry_tx": registry, "store_tx": stores});
    fs::write(making.path().join(NOTE), serde_json::to_vec_pretty(&note)?)?;
    put_in_place(making, to)?;
    Ok(match registry.as_u64() {
        Some(tx) => format!("{}: registry at transaction {tx}, stores {}", to.display(), Value::Object(stores)),
        None => format!(
            "{}: stores {} only; save the registry with PostgreSQL's own tools (pg_dump, pg_basebackup), after this copy: \
             a store must not be ahead of its registry",
            to.display(),
            Value::Object(stores)
        ),
    })
}

/// Puts a copy into `place`, which is absent or empty, once everything in it was read and found sound. A registry that comes out of
/// the copy begins another epoch; for one in PostgreSQL `raise` says whether it was brought back from a copy itself.
pub(crate) fn restore(from: &Path, place: &DataPlace, raise: RaiseEpoch, tell: &SharedTell) -> Result<String> {
    absent_or_empty(&place.data)?;
    let path = from.join(NOTE);
    let text = fs::read(&path).with_context(|| format!("{}: not a backup", path.display()))?;
    let note: Value = serde_json::from_slice(&text).with_context(|| format!("{}: unreadable", path.display()))?;
    if note["format"] != FORMAT {
        bail!("{}: a backup of another form than {FORMAT}; restore it with the version that made it", path.display());
    }
    let making = making(&place.data)?;
    let (last, log) = match (note["registry_tx"].as_u64().map(Tx::new), &place.database) {
        (Some(_), Some(_)) => bail!("the backup holds a SQLite registry; leave --database out"),
        (None, None) => {
            bail!("the backup holds stores only; restore the registry with PostgreSQL's tools and name it with --database")
        }
        (None, Some(_)) => {
            let registry = place.named_database()?.context("the backup holds no registry")?;
            (registry.last_tx()?, lives(&registry, raise)?)
        }
        (Some(noted), None) => {
            let copy = registry_path(making.path());
            let from = registry_path(from);
            copying(tell, "registry", &from, &copy, || fs::copy(&from, &copy)).context("copying the registry")?;
            let file = Arc::new(open_sqlite(&copy).context("the registry of the backup is damaged")?);
            let registry = BlockingRegistry::new(Arc::clone(&file) as Arc<dyn Registry>, runtime()?.handle().clone());
            let faults = during(tell, "verifying the registry", &|| (0, 0), || registry.verify())
                .context("the registry of the backup is damaged")?;
            if let Some(fault) = faults.first() {
                bail!("the registry of the backup is damaged ({fault}); take another backup");
            }
            let last = registry.last_tx()?;
            if last != noted {
                bail!("the registry of the backup ends at transaction {last} and its note says {noted}; take another backup");
            }
            // What was committed after the copy is gone, and its numbers will be given to other transactions.
            let log = lives(&registry, RaiseEpoch::Yes)?;
            drop(registry);
            runtime()?.block_on(file.close())?;
            (last, log)
        }
    };
    for name in STORES {
        let Some(noted) = note["store_tx"][name].as_u64().map(Tx::new) else { continue };
        let copy = making.path().join(name);
        fs::create_dir(&copy)?;
        let (from, to) = (from.join(name).join("data.mdb"), copy.join("data.mdb"));
        copying(tell, name, &from, &to, || fs::copy(&from, &to)).with_context(|| format!("copying the {name} store"))?;
        let Some(tx) = sound_tx(name, &copy, place.map_bytes, tell)? else {
            leave_out(name, &copy)?;
            continue;
        };
        if tx != noted || tx > last {
            bail!("the {name} store of the backup is at transaction {tx}, its note says {noted} and the registry ends at {last}");
        }
        rebind(name, &copy, place.map_bytes, log)?;
    }
    copy_small_files(from, making.path())?;
    DataPlace { data: making.path().to_owned(), ..place.clone() }.close_to_others();
    put_in_place(making, &place.data)?;
    Ok(format!("{}: restored, log at transaction {last}, epoch {}", place.data.display(), log.now.epoch))
}

/// Whether a registry begins another life: what was committed after it was copied is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RaiseEpoch {
    Yes,
    No,
}

/// A log before and after the restoration.
#[derive(Clone, Copy)]
struct Lives {
    before: LogIdentity,
    now: LogIdentity,
}

/// Ends every login of a registry that was brought back: those that ended since the copy would stand again. Phones and cards stand as they
/// stood at the copy.
fn end_logins(registry: &BlockingRegistry) -> Result<()> {
    let kinds = [&PROVIDER_LOGIN_KINDS[..], &CIVIL_LOGIN_KINDS[..]].concat();
    while registry.sweep_identity(&kinds, i64::MAX, LOGIN_ROWS)? > 0 {}
    Ok(())
}

/// The identity of a restored registry, whose epoch is raised.
fn lives(registry: &BlockingRegistry, raise: RaiseEpoch) -> Result<Lives> {
    let before = registry.log()?;
    let now = match raise {
        RaiseEpoch::Yes => {
            end_logins(registry)?;
            registry.raise_epoch()?
        }
        RaiseEpoch::No => before,
    };
    Ok(Lives { before, now })
}

/// Binds a restored store, which is not ahead of its log, to the log's new life. A store of another log is refused, and so is one of
/// another epoch: its transactions are others than those of the registry. A store of an older format is made again anyway.
fn rebind(name: &str, dir: &Path, map_bytes: usize, log: Lives) -> Result<()> {
    let Peek { log: followed, .. } = Index::peek(dir)?;
    match followed {
        Some(followed) if followed == log.before => {
            let index = Index::open(dir, map_bytes, annuaire_fhir::dictionary::ALL)?;
            Ok(index.rebind_log(log.now)?)
        }
        Some(other) => bail!(
            "the {name} store of the backup follows the log {other} and its registry is {}: they are not of one installation, or not of \
             one time; take another backup",
            log.before
        ),
        None => Ok(()),
    }
}

/// Reports how many bytes of a copy are there while `work` makes it. A copy that leaves out free pages is shorter.
fn copying<T>(tell: &SharedTell, name: &str, from: &Path, to: &Path, work: impl FnOnce() -> T) -> T {
    let length = |path: &Path| fs::metadata(path).map_or(0, |m| m.len());
    let total = length(from);
    during(tell, &format!("copying the {name}"), &|| (length(to), total), work)
}

/// Removes the copy of a store that another version of the program wrote: it is made again from the log anyway.
fn leave_out(name: &str, copy: &Path) -> Result<()> {
    eprintln!("the {name} store was written by another version of the program and is left out; it is made again from the log");
    fs::remove_dir_all(copy).with_context(|| format!("removing {}", copy.display()))
}

/// Transaction of a copied store, which is read whole first; `None` when another version of the program wrote it.
fn sound_tx(name: &str, dir: &Path, map_bytes: usize, tell: &SharedTell) -> Result<Option<Tx>> {
    let StoreCheck { tx, is_outdated, faults } = check_in_own_process(dir, map_bytes, tell)?;
    if is_outdated {
        return Ok(None);
    }
    if let Some(fault) = faults.first() {
        bail!("the {name} store is damaged ({fault}); make it again with `annuaire rebuild`, or take another backup");
    }
    // The check left it; the next process that opens the store makes it again.
    let _ = fs::remove_file(dir.join("lock.mdb"));
    tx.map(Some).with_context(|| format!("the {name} store does not say its transaction"))
}

fn absent_or_empty(dir: &Path) -> Result<()> {
    match fs::read_dir(dir) {
        Ok(entries) => {
            if entries.count() > 0 {
                bail!("{}: not empty; name a directory that does not exist", dir.display());
            }
            Ok(())
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e).with_context(|| format!("reading {}", dir.display())),
    }
}

/// The key of page links, that of the log of published files, and the configuration, when they are there. Without the first, links given
/// before end, and a new one is made; without the second, clients must pin a new one. The log itself is not copied: one that went on
/// from an older copy would contradict what it signed. Nor are its salts: an old backup brings back none that was destroyed.
fn copy_small_files(from: &Path, to: &Path) -> Result<()> {
    for name in ["cursor.key", "log.key", CONFIGURATION] {
        let (from, to) = (from.join(name), to.join(name));
        if from.exists() {
            // Permissions are copied too.
            fs::copy(&from, &to).with_context(|| format!("copying {name}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_store::identity::{IdentityRow, IdentityWrite};
    use annuaire_store::{Cause, Channel, CommitClock};

    #[test]
    fn a_registry_that_was_brought_back_has_nobody_logged_in() {
        let dir = tempfile::tempdir().unwrap();
        let file = Arc::new(open_sqlite(&registry_path(dir.path())).unwrap());
        let registry = BlockingRegistry::new(file as Arc<dyn Registry>, runtime().unwrap().handle().clone());
        let mut unit = registry.begin().unwrap();
        for (kind, due_ms) in [("session", Some(9)), ("grant", Some(i64::MAX - 1)), ("civil_session", Some(5)), ("client", None)]
        {
            let [kind, key, subject, content] = [kind, "k", "", "{}"].map(str::to_owned);
            unit.write_identity(&IdentityWrite::Create(IdentityRow { kind, key, subject, due_ms, version: 1, content })).unwrap();
        }
        let cause = Cause::new(Channel::System, "test", "test");
        unit.save(&cause, CommitClock { now_ms: &|| 1, any_clock: false }).unwrap();
        let standing = |registry: &BlockingRegistry| {
            ["session", "grant", "civil_session", "client"].map(|kind| registry.identity_row(kind, "k").unwrap().is_some())
        };
        lives(&registry, RaiseEpoch::No).unwrap();
        assert_eq!(standing(&registry), [true; 4]);
        let log = lives(&registry, RaiseEpoch::Yes).unwrap();
        assert_eq!(standing(&registry), [false, false, false, true]);
        assert_eq!(log.now.epoch, log.before.epoch + 1);
    }
}
