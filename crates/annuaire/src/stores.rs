//! The data directory: registry, publication stores, keys, and the right to publish.

use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_store::Registry;
use annuaire_store_postgres::PostgresRegistry;
use annuaire_store_sqlite::SqliteRegistry;
use anyhow::{Context, Result, anyhow};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::OsRng};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Address space reserved for a publication store. It is reserved, not used: the file grows as needed.
const MAP_BYTES: usize = 64 << 30;

/// Where an installation lives.
#[derive(clap::Args, Clone)]
pub(crate) struct Place {
    /// Data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// File that holds the URL of a PostgreSQL database to use as registry (postgres://user:password@host/database); without
    /// it the registry is a SQLite file of the data directory
    #[arg(long)]
    pub(crate) database: Option<PathBuf>,
}

impl Place {
    /// The system of record.
    pub(crate) fn registry(&self) -> Result<Box<dyn Registry>> {
        create(&self.data)?;
        if let Some(registry) = self.named_database()? {
            return Ok(registry);
        }
        Ok(Box::new(SqliteRegistry::open(&registry_path(&self.data))?))
    }

    /// The registry in PostgreSQL, when one is named.
    pub(crate) fn named_database(&self) -> Result<Option<Box<dyn Registry>>> {
        let Some(path) = &self.database else { return Ok(None) };
        // A file and not an argument: the URL holds a password, and arguments are seen by every user of the machine.
        let url = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Some(Box::new(PostgresRegistry::open(url.trim())?)))
    }
}

/// The registry of a data directory.
pub(crate) fn registry_path(data: &Path) -> PathBuf {
    data.join("registry.sqlite")
}

/// Names of the publication stores in a data directory.
pub(crate) const STORES: [&str; 2] = ["public", "restricted"];

/// What a whole reading of a store found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// Transaction of the store, `None` when it could not be opened.
    pub(crate) tx: Option<u64>,
    /// What is unreadable, in words.
    pub(crate) faults: Vec<String>,
}

/// Reads a whole store and prints what [`check_apart`] understands.
pub(crate) fn check(dir: &Path) -> Result<()> {
    let index = Index::open(dir, MAP_BYTES, annuaire_fhir::dictionary::ALL)?;
    println!("{}", index.applied_tx());
    for fault in index.check()? {
        println!("{fault}");
    }
    Ok(())
}

/// Reads a whole store in a process of its own: the storage engine trusts the page numbers of its file, and a damaged one can
/// end the process that follows it.
pub(crate) fn check_apart(dir: &Path) -> Result<Checked> {
    let program = std::env::current_exe().context("finding this program")?;
    let out = Command::new(program).arg("check-store").arg(dir).output().context("starting a check")?;
    let said = String::from_utf8_lossy(&out.stdout);
    let mut lines = said.lines();
    let tx = lines.next().and_then(|line| line.parse().ok());
    let mut faults: Vec<String> = lines.map(str::to_owned).collect();
    if !out.status.success() {
        let why = String::from_utf8_lossy(&out.stderr);
        faults.push(format!("reading it ended with {}: {}", out.status, why.lines().next().unwrap_or("nothing was said")));
    }
    Ok(Checked { tx, faults })
}

fn create(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))
}

/// The publication stores of a data directory.
pub(crate) struct Stores {
    pub(crate) public: Arc<Index>,
    /// Present once a server was started with a restricted credential.
    pub(crate) restricted: Option<Arc<Index>>,
    guide: Guide,
}

fn folder(data: &Path, perimeter: Perimeter) -> PathBuf {
    let [public, restricted] = STORES;
    data.join(match perimeter {
        Perimeter::Public => public,
        Perimeter::Restricted => restricted,
    })
}

impl Stores {
    /// Opens the public store, and the restricted one when it exists or `restricted` asks for it.
    pub(crate) fn open(data: &Path, guide: Guide, restricted: bool) -> Result<Self> {
        let open = |perimeter| -> Result<Arc<Index>> {
            let dir = folder(data, perimeter);
            create(&dir)?;
            Ok(Arc::new(Index::open(&dir, MAP_BYTES, annuaire_fhir::dictionary::ALL)?))
        };
        let wanted = restricted || folder(data, Perimeter::Restricted).exists();
        let restricted = if wanted { Some(open(Perimeter::Restricted)?) } else { None };
        Ok(Self { public: open(Perimeter::Public)?, restricted, guide })
    }

    /// Deletes the stores of a data directory. They are views: the log brings them back.
    pub(crate) fn delete(data: &Path) -> Result<()> {
        for perimeter in [Perimeter::Public, Perimeter::Restricted] {
            let dir = folder(data, perimeter);
            if dir.exists() {
                for entry in fs::read_dir(&dir)? {
                    fs::remove_file(entry?.path())?;
                }
            }
        }
        Ok(())
    }

    /// Each store with the view that it holds.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, &Arc<Index>, View)> {
        let view = |perimeter| View { guide: self.guide, perimeter };
        let restricted = self.restricted.iter().map(move |i| ("restricted", i, view(Perimeter::Restricted)));
        std::iter::once(("public", &self.public, view(Perimeter::Public))).chain(restricted)
    }

    /// Applies what the log has and the stores have not; returns the number of new resource versions.
    pub(crate) fn follow(&self, registry: &mut dyn Registry) -> Result<u64> {
        let mut versions = 0;
        for (_, index, view) in self.each() {
            versions += annuaire_publish::follow(registry, index, view, &|_, _, _| {})?.versions;
        }
        Ok(versions)
    }
}

/// The right to write the publication stores of a data directory; `None` when another process has it.
pub(crate) fn publisher_lock(data: &Path) -> Result<Option<File>> {
    create(data)?;
    let file = File::create(data.join("publisher.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e.into()),
    }
}

/// The key of paging tokens, made once.
pub(crate) fn cursor_key(data: &Path) -> Result<[u8; 32]> {
    let path = data.join("cursor.key");
    if let Ok(bytes) = fs::read(&path) {
        return bytes.try_into().map_err(|_| anyhow!("{}: not a key of 32 bytes; delete it to make a new one", path.display()));
    }
    let key: [u8; 32] = ChaCha20Poly1305::generate_key(&mut OsRng).into();
    let mut open = fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    std::io::Write::write_all(&mut open.open(&path)?, &key)?;
    Ok(key)
}
