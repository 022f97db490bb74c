//! The data directory: registry, publication stores, keys.

use crate::limits::MAP_BYTES;
use crate::progress::{Tell, during};
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_publish::{Error as Publish, SetAside};
use annuaire_store::Registry;
use annuaire_store_postgres::PostgresRegistry;
use annuaire_store_sqlite::SqliteRegistry;
use anyhow::{Context, Result, anyhow, bail};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::OsRng};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Where an installation lives.
#[derive(clap::Args, Clone)]
pub(crate) struct DataPlace {
    /// Data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// File that holds the URL of a PostgreSQL database to use as registry (postgres://user:password@host/database); without
    /// it the registry is a SQLite file of the data directory
    #[arg(long)]
    pub(crate) database: Option<PathBuf>,
}

impl DataPlace {
    /// Looks at the data directory before anything is done with it. What only its owner may read is made so again.
    ///
    /// # Errors
    /// When it is not what the command needs: a mistyped name must not become a second, empty directory of professionals.
    pub(crate) fn expect(&self, what: Expect) -> Result<()> {
        let data = self.data.display();
        let entries = match fs::read_dir(&self.data) {
            Ok(entries) => entries.map(|e| e.map(|e| e.file_name())).collect::<std::io::Result<Vec<_>>>(),
            Err(e) => Err(e),
        };
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                if what != Expect::MadeIfAbsent {
                    bail!("{data}: no such data directory; look at --data (only `annuaire import` makes a data directory)");
                }
                create(&self.data)?;
                println!("{data}: a new data directory");
                return Ok(());
            }
            Err(e) => return Err(e).with_context(|| format!("reading {data}")),
        };
        // What file systems put at their root.
        entries.retain(|name| name != "lost+found");
        if entries.is_empty() {
            match what {
                Expect::Standing => bail!("{data}: empty, no data directory; look at --data, or import into it first"),
                Expect::MadeIfAbsent => println!("{data}: a new data directory"),
                Expect::StandingOrEmpty => {}
            }
        } else if !entries.iter().any(|name| KNOWN.iter().any(|known| name == known)) {
            let other = entries[0].to_string_lossy().into_owned();
            bail!("{data}: no data directory (it holds {other:?} and nothing of annuaire); look at --data");
        }
        self.keep_private();
        Ok(())
    }

    /// Takes away what others may do with the directory and with the files that hold secrets or civil status.
    fn keep_private(&self) {
        #[cfg(unix)]
        for (path, mode) in self.private() {
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

    /// Directory and files that only their owner may reach, with the mode that they have then.
    pub(crate) fn private(&self) -> Vec<(PathBuf, u32)> {
        let files = ["registry.sqlite", "registry.sqlite-wal", "registry.sqlite-shm", "cursor.key", "publisher.lock"];
        let files = files.iter().map(|name| (self.data.join(name), 0o600));
        let stores = STORES.iter().map(|name| (self.data.join(name), 0o700));
        std::iter::once((self.data.clone(), 0o700)).chain(stores).chain(files).filter(|(path, _)| path.exists()).collect()
    }

    /// The system of record.
    pub(crate) fn registry(&self) -> Result<Box<dyn Registry>> {
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
        Ok(Box::new(SqliteRegistry::open(&path)?))
    }

    /// Whether neither registry nor store was ever made here.
    pub(crate) fn is_empty(&self) -> bool {
        !registry_path(&self.data).exists() && !STORES.iter().any(|name| self.store_file(name).exists())
    }

    /// Where the bytes of a store are.
    pub(crate) fn store_file(&self, name: &str) -> PathBuf {
        self.data.join(name).join("data.mdb")
    }

    /// The registry in PostgreSQL, when one is named.
    pub(crate) fn named_database(&self) -> Result<Option<Box<dyn Registry>>> {
        let Some(path) = &self.database else { return Ok(None) };
        // A file and not an argument: the URL holds a password, and arguments are seen by every user of the machine.
        let url = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Some(Box::new(PostgresRegistry::open(url.trim())?)))
    }
}

/// What a command needs of its data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// That an import made it.
    Standing,
    /// That it exists: a node of a cluster starts with nothing.
    StandingOrEmpty,
    /// Nothing: it is made.
    MadeIfAbsent,
}

/// Names of which a data directory has at least one.
const KNOWN: [&str; 5] = ["registry.sqlite", "public", "restricted", "publisher.lock", "cursor.key"];

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
pub(crate) fn check_apart(dir: &Path, tell: &Tell) -> Result<Checked> {
    let program = std::env::current_exe().context("finding this program")?;
    let run = || Command::new(program).arg("check-store").arg(dir).output().context("starting a check");
    let out = during(tell, &format!("checking {}", dir.display()), &|| (0, 0), run)?;
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

/// Makes a directory that only its owner may reach.
pub(crate) fn create(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).with_context(|| format!("creating {}", dir.display()))
}

/// The publication stores of a data directory.
pub(crate) struct Stores {
    pub(crate) public: Arc<Index>,
    /// Present once a server was started with a restricted credential.
    pub(crate) restricted: Option<Arc<Index>>,
    guide: Guide,
}

/// What following the log did to all stores.
#[derive(Default)]
pub(crate) struct Followed {
    /// New resource versions.
    pub(crate) versions: u64,
    /// What could not be published, with the name of the store.
    pub(crate) set_aside: Vec<(&'static str, SetAside)>,
}

fn name(perimeter: Perimeter) -> &'static str {
    let [public, restricted] = STORES;
    match perimeter {
        Perimeter::Public => public,
        Perimeter::Restricted => restricted,
    }
}

/// How the command line names a guide.
pub(crate) fn guide_name(guide: Guide) -> &'static str {
    match guide {
        Guide::V120 => "v120",
        Guide::V110 => "v110",
    }
}

/// Opens a store; `None` when another version of the program wrote it.
fn open(data: &Path, view: View) -> Result<Option<Index>> {
    let name = name(view.perimeter);
    let dir = data.join(name);
    create(&dir)?;
    match annuaire_publish::open(&dir, MAP_BYTES, view) {
        Ok(index) => Ok(Some(index)),
        Err(Publish::Outdated) => Ok(None),
        Err(Publish::OtherView { found, wanted }) => {
            let asked = guide_name(view.guide);
            bail!(
                "{}: the store holds {found}, and this command asks for {wanted}: give the --guide of the store, or make the \
                 stores again with `annuaire rebuild --guide {asked}`",
                dir.display()
            )
        }
        Err(Publish::Index(e @ annuaire_index::Error::Corrupt(_))) => {
            let dir = dir.display();
            Err(e).with_context(|| format!("the {name} store ({dir}) is damaged; `annuaire rebuild` makes it again from the log"))
        }
        Err(e) => Err(e).with_context(|| format!("the {name} store ({})", dir.display())),
    }
}

/// What is to be said of a store that can be opened and is not as it should be: of another guide, or of another version of the
/// program.
pub(crate) fn state(data: &Path, perimeter: Perimeter) -> Result<Option<String>> {
    let view = View { guide: Guide::V120, perimeter };
    match annuaire_publish::open(&data.join(name(perimeter)), MAP_BYTES, view) {
        Ok(_) => Ok(None),
        Err(Publish::Outdated) => {
            Ok(Some("written by another version of the program: the next import or server makes it again from the log".into()))
        }
        // Another guide than the first one is the operator's choice.
        Err(Publish::OtherView { found, .. }) => {
            Ok((!found.contains(name(perimeter)))
                .then(|| format!("holds {found}: make the stores again with `annuaire rebuild`")))
        }
        Err(e) => Err(e.into()),
    }
}

impl Stores {
    fn perimeters(data: &Path, restricted: bool) -> Vec<Perimeter> {
        let wanted = restricted || data.join(name(Perimeter::Restricted)).exists();
        if wanted { vec![Perimeter::Public, Perimeter::Restricted] } else { vec![Perimeter::Public] }
    }

    /// Opens the public store, and the restricted one when it exists or `restricted` asks for it.
    pub(crate) fn open(data: &Path, guide: Guide, restricted: bool) -> Result<Self> {
        Self::open_with(data, guide, restricted, &mut |view| {
            let name = name(view.perimeter);
            bail!("the {name} store was written by another version of the program: make the stores again with `annuaire rebuild`")
        })
    }

    /// [`Stores::open`], and makes again from the log what another version of the program wrote: it cannot be read.
    pub(crate) fn open_renewed(place: &DataPlace, guide: Guide, restricted: bool, tell: &Tell) -> Result<Self> {
        Self::open_with(&place.data, guide, restricted, &mut |view| {
            eprintln!(
                "the {} store was written by another version of the program; it is made again from the log",
                name(view.perimeter)
            );
            renew(place, view, &mut *place.registry()?, tell).map(|_| ())
        })
    }

    fn open_with(data: &Path, guide: Guide, restricted: bool, outdated: &mut dyn FnMut(View) -> Result<()>) -> Result<Self> {
        let mut opened = Vec::new();
        for perimeter in Self::perimeters(data, restricted) {
            let view = View { guide, perimeter };
            let index = match open(data, view)? {
                Some(index) => index,
                None => {
                    outdated(view)?;
                    open(data, view)?.context("a store just made is of another version")?
                }
            };
            opened.push(Arc::new(index));
        }
        let mut opened = opened.into_iter();
        let public = opened.next().context("no public store")?;
        Ok(Self { public, restricted: opened.next(), guide })
    }

    /// Whether the stores can be published to with this guide. Costs their opening; an outdated store is made again anyway.
    pub(crate) fn check_guide(data: &Path, guide: Guide) -> Result<()> {
        for perimeter in Self::perimeters(data, false) {
            if data.join(name(perimeter)).join("data.mdb").exists() {
                open(data, View { guide, perimeter })?;
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

    /// Applies what the log has and the stores have not. A store that fails keeps no other from its turn; the first failure is
    /// returned at the end.
    pub(crate) fn follow(&self, registry: &mut dyn Registry, tell: &Tell) -> Result<Followed> {
        let mut all = Followed::default();
        let mut failure = None;
        for (name, index, view) in self.each() {
            match annuaire_publish::follow(registry, index, view, &**tell) {
                Ok(done) => {
                    all.versions += done.versions;
                    all.set_aside.extend(done.set_aside.into_iter().map(|aside| (name, aside)));
                }
                Err(e) => {
                    failure.get_or_insert(anyhow::Error::new(e).context(format!("the {name} store")));
                }
            }
        }
        failure.map_or(Ok(all), Err)
    }

    /// The transaction that all stores have.
    pub(crate) fn applied_tx(&self) -> u64 {
        self.each().map(|(_, index, _)| index.applied_tx()).min().unwrap_or_default()
    }
}

/// Folder, inside that of a store, where it is made again.
const MAKING: &str = "rebuilding";

/// Makes a store again from the log, beside the one that is there, and then puts it in its place: whenever this is interrupted,
/// one of the two is there and whole. Needs the room of both. Returns the number of resource versions.
///
/// The caller has the right to publish, and has not opened the store.
pub(crate) fn renew(place: &DataPlace, view: View, registry: &mut dyn Registry, tell: &Tell) -> Result<u64> {
    let dir = place.data.join(name(view.perimeter));
    create(&dir)?;
    let making = dir.join(MAKING);
    remove(&making)?;
    create(&making)?;
    let made = (|| -> Result<u64> {
        let index = annuaire_publish::open(&making, MAP_BYTES, view)?;
        let followed = annuaire_publish::follow(registry, &index, view, &**tell)?;
        for aside in &followed.set_aside {
            eprintln!("{}", set_aside(name(view.perimeter), aside));
        }
        drop(index);
        fs::File::open(making.join("data.mdb"))?.sync_all()?;
        // The file of locks speaks of the file that it was made for.
        let lock = dir.join("lock.mdb");
        absent(fs::remove_file(&lock))?;
        fs::rename(making.join("data.mdb"), dir.join("data.mdb")).context("putting the store in place")?;
        absent(fs::remove_file(&lock))?;
        fs::File::open(&dir)?.sync_all()?;
        Ok(followed.versions)
    })();
    // On an error too: what is half made would only take room.
    let removed = remove(&making);
    let versions = made?;
    removed?;
    Ok(versions)
}

/// What could not be published, in words.
pub(crate) fn set_aside(store: &str, aside: &SetAside) -> String {
    format!(
        "the {store} store: {} of {} in transaction {} cannot be published, what was published of it stays: {}",
        aside.entity, aside.source, aside.tx, aside.reason
    )
}

fn absent(done: std::io::Result<()>) -> std::io::Result<()> {
    done.or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

fn remove(dir: &Path) -> Result<()> {
    absent(fs::remove_dir_all(dir)).with_context(|| format!("removing {}", dir.display()))
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
