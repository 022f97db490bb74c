//! The annuaire program: arguments, wiring, life cycle. The only room that reads the environment and the clock.

use annuaire_exchange::{Options, Report};
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_store::Registry;
use annuaire_store_sqlite::SqliteRegistry;
use anyhow::{Context, Result, bail};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::OsRng};
use clap::{Parser, Subcommand, ValueEnum};
use std::fs::{self, File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Address space reserved for a publication store. It is reserved, not used: the file grows as needed.
const MAP_BYTES: usize = 64 << 30;
/// How often a server looks for transactions committed by another process.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// The directory of health and social-care professionals: registry, log and FHIR publication.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A fictional nation, imported from its official files and served
    Demo {
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Number of fictional professionals
        #[arg(long, default_value_t = 5_000)]
        professionals: u32,
    },
    /// Writes two successive deliveries of a fictional nation, in DIR/1 and DIR/2
    Generate {
        /// Number of professionals
        #[arg(long)]
        professionals: u32,
        /// Same seed, same bytes
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Professionals that differ in the second delivery, per mille
        #[arg(long, default_value_t = 3)]
        changed_per_mille: u32,
        /// Output directory
        #[arg(long)]
        out: PathBuf,
    },
    /// Imports national files (text, gzip or zip; the format is recognised) as one transaction
    Import {
        /// Data directory
        #[arg(long)]
        data: PathBuf,
        /// Passes the volume and key guards; the reason goes to the log
        #[arg(long, value_name = "REASON")]
        accept_mass_change: Option<String>,
        /// Writes the full report as JSON
        #[arg(long)]
        report: Option<PathBuf>,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
        /// The files of one delivery
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Serves the API
    Serve {
        /// Data directory
        #[arg(long)]
        data: PathBuf,
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Address that clients see, when a proxy stands in front (https://…)
        #[arg(long)]
        public_base: Option<String>,
        /// File with one accepted API key a line; without it the API is open
        #[arg(long)]
        api_keys: Option<PathBuf>,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
    },
    /// Deletes the publication store and builds it again from the log
    Rebuild {
        /// Data directory
        #[arg(long)]
        data: PathBuf,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
    },
    /// Compares log, registry and publication store, and names every difference
    Verify {
        /// Data directory
        #[arg(long)]
        data: PathBuf,
    },
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum GuideArgument {
    /// 1.2.0-snapshot-2
    #[default]
    V120,
    /// 1.1.0
    V110,
}

impl From<GuideArgument> for Guide {
    fn from(g: GuideArgument) -> Self {
        match g {
            GuideArgument::V120 => Self::V120,
            GuideArgument::V110 => Self::V110,
        }
    }
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Demo { listen, professionals } => demo(listen, professionals),
        Command::Generate { professionals, seed, changed_per_mille, out } => {
            let plan = annuaire_testkit::Plan { professionals, seed, changed_per_mille };
            let planted = annuaire_testkit::generate(&out, &plan).with_context(|| format!("writing {}", out.display()))?;
            println!(
                "{}: second delivery has {} persons changed, {} new, {} gone",
                out.display(),
                planted.persons_changed,
                planted.persons_new,
                planted.persons_gone
            );
            Ok(())
        }
        Command::Import { data, accept_mass_change, report, guide, files } => {
            let done = import(&data, &files, accept_mass_change, guide.into())?;
            print_report(&done);
            if let Some(path) = report {
                fs::write(&path, serde_json::to_vec_pretty(&done)?).with_context(|| format!("writing {}", path.display()))?;
            }
            Ok(())
        }
        Command::Serve { data, listen, public_base, api_keys, guide } => {
            let api_keys = match api_keys {
                None => Vec::new(),
                Some(path) => {
                    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                    let keys: Vec<String> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
                    if keys.is_empty() {
                        bail!("{}: no key; leave --api-keys out to serve openly", path.display());
                    }
                    keys
                }
            };
            serve(&data, listen, public_base, api_keys, guide.into())
        }
        Command::Rebuild { data, guide } => {
            let _lock = publisher_lock(&data)?.context("a server is running on this data directory; stop it first")?;
            let store = data.join("public");
            if store.exists() {
                fs::remove_dir_all(&store)?;
            }
            let mut registry = open_registry(&data)?;
            let index = open_index(&data)?;
            let versions = annuaire_publish::follow(&mut registry, &index, public(guide.into()))?;
            println!("rebuilt: {versions} resource versions, up to transaction {}", index.applied_tx());
            Ok(())
        }
        Command::Verify { data } => verify(&data),
    }
}

fn demo(listen: SocketAddr, professionals: u32) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let plan = annuaire_testkit::Plan { professionals, seed: 1, changed_per_mille: 3 };
    annuaire_testkit::generate(&dir.path().join("files"), &plan)?;
    let data = dir.path().join("data");
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir.path().join("files/1"))?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    print_report(&import(&data, &files, None, Guide::default())?);
    println!("everything in this demonstration is fictional");
    serve(&data, listen, None, Vec::new(), Guide::default())
}

fn now_ms() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

fn open_registry(data: &Path) -> Result<SqliteRegistry> {
    fs::create_dir_all(data).with_context(|| format!("creating {}", data.display()))?;
    Ok(SqliteRegistry::open(&data.join("registry.sqlite"))?)
}

fn open_index(data: &Path) -> Result<Index> {
    let dir = data.join("public");
    fs::create_dir_all(&dir)?;
    Ok(Index::open(&dir, MAP_BYTES)?)
}

/// What the public store shows.
fn public(guide: Guide) -> View {
    View { guide, perimeter: Perimeter::Public }
}

/// The right to write the publication stores of a data directory; `None` when another process has it.
fn publisher_lock(data: &Path) -> Result<Option<File>> {
    fs::create_dir_all(data).with_context(|| format!("creating {}", data.display()))?;
    let file = File::create(data.join("publisher.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e.into()),
    }
}

fn import(data: &Path, files: &[PathBuf], accept_mass_change: Option<String>, guide: Guide) -> Result<Report> {
    let mut registry = open_registry(data)?;
    let options = Options { author: "import".into(), now_ms: now_ms(), accept_mass_change, ..Options::default() };
    let report = annuaire_exchange::import(&mut registry, files, &options)?;
    if let Some(_lock) = publisher_lock(data)? {
        annuaire_publish::follow(&mut registry, &open_index(data)?, public(guide))?;
    } else {
        println!("committed; the running server publishes it");
    }
    Ok(report)
}

fn print_report(report: &Report) {
    for f in &report.files {
        if f.already_imported {
            println!("{}: already imported", f.file);
            continue;
        }
        if !f.left_out.is_empty() {
            println!("{}: {}, left out: {}", f.file, f.format, f.left_out);
            continue;
        }
        println!(
            "{}: {}, {} lines, {} duplicates, {} rejected, {} wrong keys",
            f.file, f.format, f.lines, f.duplicates, f.rejected, f.wrong_keys
        );
        for (what, n) in f.oddities.iter().chain(&f.unknown_codes) {
            println!("  {n} × {what}");
        }
        for column in &f.unknown_columns {
            println!("  column {column:?} is new and was not read");
        }
        for r in f.rejected_lines.iter().take(20) {
            println!("  line {}{}{}: {}", r.line, if r.column.is_empty() { "" } else { ", column " }, r.column, r.reason);
        }
    }
    for note in &report.notes {
        println!("{note}");
    }
    match report.tx {
        Some(tx) => println!(
            "transaction {tx}: {} objects new, {} changed, {} ended, {} unchanged",
            report.created, report.changed, report.ended, report.unchanged
        ),
        None => println!("nothing changed ({} objects unchanged)", report.unchanged),
    }
}

fn cursor_key(data: &Path) -> Result<[u8; 32]> {
    let path = data.join("cursor.key");
    if let Ok(bytes) = fs::read(&path) {
        return bytes
            .try_into()
            .map_err(|_| anyhow::anyhow!("{}: not a key of 32 bytes; delete it to make a new one", path.display()));
    }
    let key: [u8; 32] = ChaCha20Poly1305::generate_key(&mut OsRng).into();
    let mut open = fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    std::io::Write::write_all(&mut open.open(&path)?, &key)?;
    Ok(key)
}

fn serve(data: &Path, listen: SocketAddr, public_base: Option<String>, api_keys: Vec<String>, guide: Guide) -> Result<()> {
    let Some(lock) = publisher_lock(data)? else { bail!("a server is already running on {}", data.display()) };
    let mut registry = open_registry(data)?;
    let index = Arc::new(open_index(data)?);
    annuaire_publish::follow(&mut registry, &index, public(guide))?;
    let open = api_keys.is_empty();
    let settings = annuaire_api::Settings { public_base, api_keys, cursor_key: cursor_key(data)? };
    let app = annuaire_api::router(Arc::clone(&index), settings);
    std::thread::spawn(move || {
        let _lock = lock;
        loop {
            std::thread::sleep(FOLLOW_EVERY);
            if let Err(e) = annuaire_publish::follow(&mut registry, &index, public(guide)) {
                eprintln!("publication: {e}");
            }
        }
    });
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        let address = listener.local_addr()?;
        println!("ready: http://{address}/fhir/v2 ({})", if open { "open" } else { "key required in ESANTE-API-KEY" });
        println!("  try  http://{address}/fhir/v2/Practitioner?family=mar&_revinclude=PractitionerRole:practitioner");
        axum::serve(listener, app)
            .with_graceful_shutdown(async {
                let _ = tokio::signal::ctrl_c().await;
            })
            .await?;
        Ok(())
    })
}

fn verify(data: &Path) -> Result<()> {
    let mut registry = open_registry(data)?;
    let mut faults = registry.verify()?;
    let index = open_index(data)?;
    let last = registry.last_tx()?;
    if index.applied_tx() > last {
        faults.push(format!("the publication store is at transaction {}, the log ends at {last}", index.applied_tx()));
    }
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        bail!("{} differences", faults.len());
    }
    println!("log, registry and publication store agree at transaction {} (log at {last})", index.applied_tx());
    Ok(())
}
