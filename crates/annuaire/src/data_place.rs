//! The data directory: registry, publication stores, keys; who may reach them, and what a command expects to find.

use crate::copy_origin::CopyOrigin;
use crate::registry;
use annuaire_fhir::Perimeter;
use annuaire_store::BlockingRegistry;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where an installation lives.
#[derive(Debug, Clone)]
pub(crate) struct DataPlace {
    /// Data directory.
    pub(crate) data: PathBuf,
    /// File that holds the URL of a PostgreSQL registry; without it the registry is a SQLite file of the data directory.
    pub(crate) database: Option<PathBuf>,
    /// Address space reserved for each publication store, in bytes.
    pub(crate) map_bytes: usize,
    /// For how long stores keep what was replaced.
    pub(crate) retained: RetainedVersions,
}

/// How long each store keeps versions that were replaced or vanished; `None`: for ever.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RetainedVersions {
    pub(crate) public: Option<Duration>,
    pub(crate) restricted: Option<Duration>,
}

impl RetainedVersions {
    /// The time of the store of a perimeter.
    pub(crate) fn of(self, perimeter: Perimeter) -> Option<Duration> {
        match perimeter {
            Perimeter::Public => self.public,
            Perimeter::Restricted => self.restricted,
        }
    }
}

impl DataPlace {
    /// Checks the data directory before a command uses it, and makes it private to its owner again.
    ///
    /// # Errors
    /// When it is not what the command needs: a mistyped name must not become a second, empty directory of professionals.
    pub(crate) fn expect(&self, expected: ExpectedData) -> Result<()> {
        let data = self.data.display();
        let entries = match fs::read_dir(&self.data) {
            Ok(entries) => entries.map(|e| e.map(|e| e.file_name())).collect::<std::io::Result<Vec<_>>>(),
            Err(e) => Err(e),
        };
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                if expected != ExpectedData::MadeIfAbsent {
                    bail!("{data}: no such data directory; look at --data (only `annuaire import` makes a data directory)");
                }
                create_private(&self.data)?;
                println!("{data}: a new data directory");
                return Ok(());
            }
            Err(e) => return Err(e).with_context(|| format!("reading {data}")),
        };
        // File systems put the first at their root; operators write the second before the first import.
        entries.retain(|name| name != "lost+found" && name != CONFIGURATION);
        if entries.is_empty() {
            match expected {
                ExpectedData::Present => bail!("{data}: empty, no data directory; look at --data, or import into it first"),
                ExpectedData::MadeIfAbsent => println!("{data}: a new data directory"),
                ExpectedData::PresentOrEmpty => {}
            }
        } else if !entries.iter().any(|name| SIGNS.iter().any(|sign| name == sign)) {
            let other = entries[0].to_string_lossy().into_owned();
            bail!("{data}: no data directory (it holds {other:?} and nothing of annuaire); look at --data");
        }
        self.keep_private();
        Ok(())
    }

    /// Takes away the permissions of group and others on the directory and on the files that hold secrets or civil status.
    fn keep_private(&self) {
        #[cfg(unix)]
        for (path, mode) in self.private_paths() {
            use std::os::unix::fs::PermissionsExt;
            let Ok(found) = fs::metadata(&path).map(|m| m.permissions().mode() & 0o777) else { continue };
            if found & 0o077 == 0 {
                continue;
            }
            match fs::set_permissions(&path, PermissionsExt::from_mode(mode)) {
                Ok(()) => {
                    eprintln!("{}: others could reach it (mode {found:o}); now its owner alone can ({mode:o})", path.display())
                }
                Err(e) => {
                    eprintln!("{}: others can reach it (mode {found:o}), and it cannot be closed to them: {e}", path.display())
                }
            }
        }
    }

    /// Closes to others, without a word, what this program or a database has just made.
    pub(crate) fn close_to_others(&self) {
        #[cfg(unix)]
        for (path, mode) in self.private_paths() {
            // What cannot be closed now is told by the next command.
            let _ = fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode));
        }
    }

    /// Directory and files that exist and that only their owner may reach, each with the mode that it should have.
    pub(crate) fn private_paths(&self) -> Vec<(PathBuf, u32)> {
        let of_registry = ["", "-wal", "-shm", "-door", "-lock"].map(|end| format!("registry.sqlite{end}"));
        let others = ["cursor.key", "publisher.lock", "log.key", "log.salts", "log.json"].map(str::to_owned);
        let files = of_registry.iter().chain(&others);
        let files = files.map(|name| (self.data.join(name), 0o600));
        let stores = STORES.iter().map(|name| (self.data.join(name), 0o700));
        std::iter::once((self.data.clone(), 0o700)).chain(stores).chain(files).filter(|(path, _)| path.exists()).collect()
    }

    /// Opens the registry.
    pub(crate) fn registry(&self) -> Result<BlockingRegistry> {
        if let Some(copied) = CopyOrigin::of(&self.data)? {
            bail!(
                "{}: this directory copies {} and has no registry; `annuaire mirror` brings it up to date, `annuaire serve` serves it",
                self.data.display(),
                copied.origin
            );
        }
        if let Some(registry) = self.named_database()? {
            return Ok(registry);
        }
        let path = registry_path(&self.data);
        if !path.exists() {
            if let Some(store) = STORES.iter().find(|name| self.store_file(name).exists()) {
                bail!(
                    "{}: missing, while the {store} store was published from it: bring it back with `annuaire restore` from a \
                     backup (if it is in PostgreSQL, name it with --database)",
                    path.display()
                );
            }
            // SQLite gives its other files the mode of the first.
            let mut open = fs::OpenOptions::new();
            open.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
            match open.open(&path) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => {
                    return Err(e).with_context(|| format!("registry: creating {}", path.display()));
                }
                _ => {}
            }
        }
        let registry = registry::open_file(&path)?;
        // Bringing an older registry forward makes its file anew.
        self.close_to_others();
        Ok(registry)
    }

    /// Whether neither registry nor store was ever made here.
    pub(crate) fn is_empty(&self) -> bool {
        !registry_path(&self.data).exists() && !STORES.iter().any(|name| self.store_file(name).exists())
    }

    /// File of a publication store.
    pub(crate) fn store_file(&self, name: &str) -> PathBuf {
        self.data.join(name).join("data.mdb")
    }

    /// Opens the registry in PostgreSQL, when the installation has one there.
    pub(crate) fn named_database(&self) -> Result<Option<BlockingRegistry>> {
        self.database_url()?.map(|url| registry::open_database(&url)).transpose()
    }

    /// URL of the PostgreSQL database, when the installation has one.
    pub(crate) fn database_url(&self) -> Result<Option<String>> {
        let Some(path) = &self.database else { return Ok(None) };
        // A file and not an argument: the URL holds a password, and arguments are seen by every user of the machine.
        let url = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Some(url.trim().to_owned()))
    }
}

/// State in which a command needs its data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpectedData {
    /// An import made it.
    Present,
    /// It exists: a node of a cluster starts with an empty one.
    PresentOrEmpty,
    /// Any: it is made when it is absent.
    MadeIfAbsent,
}

/// Files and directories of which a data directory has at least one.
const SIGNS: [&str; 6] = ["registry.sqlite", "mirror", "public", "restricted", "publisher.lock", "cursor.key"];

/// File of the SQLite registry of a data directory.
pub(crate) fn registry_path(data: &Path) -> PathBuf {
    data.join("registry.sqlite")
}

/// Names of the publication stores in a data directory.
pub(crate) const STORES: [&str; 2] = ["public", "restricted"];

/// Name of the configuration file in a data directory.
pub(crate) const CONFIGURATION: &str = "annuaire.toml";

/// Name of the store of a perimeter.
pub(crate) fn store_name(perimeter: Perimeter) -> &'static str {
    let [public, restricted] = STORES;
    match perimeter {
        Perimeter::Public => public,
        Perimeter::Restricted => restricted,
    }
}

/// Makes a directory that only its owner may reach.
pub(crate) fn create_private(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).with_context(|| format!("creating {}", dir.display()))
}
