//! The annuaire program: arguments, wiring, life cycle. The only room that reads the environment and the clock.

mod backup;
mod connections;
mod limits;
mod serve;
mod stores;

use annuaire_exchange::{Options, Progress, Report};
use annuaire_fhir::Guide;
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use stores::{Place, Stores, publisher_lock};

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
        /// Number of fictional professionals
        #[arg(long, default_value_t = 5_000)]
        professionals: u32,
        #[command(flatten)]
        serving: Serving,
    },
    /// Writes two successive deliveries of a fictional nation: the first in DIR, the second in DIR/next
    Generate {
        /// Number of professionals
        #[arg(long)]
        professionals: u32,
        /// Same seed, same bytes
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Share of facts that differ in the second delivery, per mille
        #[arg(long, default_value_t = 3)]
        changed_per_mille: u32,
        /// Output directory
        #[arg(long)]
        out: PathBuf,
    },
    /// Imports national files or FHIR resources (text, gzip or zip; the format is recognised) as one transaction
    Import {
        #[command(flatten)]
        place: Place,
        /// Passes the volume and key guards; the reason goes to the log
        #[arg(long, value_name = "REASON")]
        accept_mass_change: Option<String>,
        /// The FHIR files given are all that their directory has: what they do not name ends
        #[arg(long)]
        full: bool,
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
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        serving: Serving,
    },
    /// Deletes the publication stores and builds them again from the log
    Rebuild {
        #[command(flatten)]
        place: Place,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
    },
    /// Compares log, registry and publication stores, and names every difference
    Verify {
        #[command(flatten)]
        place: Place,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
    },
    /// Copies everything into a new directory, while servers and imports run
    Backup {
        #[command(flatten)]
        place: Place,
        /// Directory to make; it must be absent or empty
        #[arg(long)]
        to: PathBuf,
    },
    /// Checks a backup and makes a data directory of it; that directory must be absent or empty
    Restore {
        /// Directory that `backup` made
        #[arg(long)]
        from: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Reads one publication store whole; `verify`, `backup` and `restore` start this
    #[command(hide = true)]
    CheckStore {
        /// Directory of the store
        dir: PathBuf,
    },
}

/// How to serve.
#[derive(Args)]
pub(crate) struct Serving {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address that clients see, when a proxy stands in front (https://…); with --trusted-proxy it may be left out
    #[arg(long, value_parser = serve::public_base)]
    public_base: Option<annuaire_web::Base>,
    /// Proxy whose Forwarded and X-Forwarded-For, -Proto, -Host and -Prefix are believed; may be given several times
    #[arg(long, value_name = "ADDR|CIDR")]
    trusted_proxy: Vec<annuaire_web::Network>,
    /// File with one accepted API key a line; without it the API is open
    #[arg(long)]
    api_keys: Option<PathBuf>,
    /// File with one accepted bearer credential a line; opens the restricted perimeter to their holders
    #[arg(long)]
    restricted_credentials: Option<PathBuf>,
    /// Requests a second that one key, or one address, may make (the national service allows 17)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Who answers for the directory, as the page of legal notices names it; needed on an address that others reach
    #[arg(long)]
    operator: Option<String>,
    /// No log line per request
    #[arg(long)]
    quiet: bool,
    /// How much is told of errors and events, beside the line of each request [default: that of ANNUAIRE_LOG, else warn]
    #[arg(long, value_enum)]
    log: Option<serve::Level>,
    /// Version of the national guide that resources follow
    #[arg(long, value_enum, default_value_t)]
    guide: GuideArgument,
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

/// Several threads make millions of small strings during an import, where the allocator of the system spends a fifth of the
/// time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Demo { professionals, serving } => demo(professionals, &serving),
        Command::Generate { professionals, seed, changed_per_mille, out } => {
            let plan = annuaire_testkit::Plan { professionals, seed, changed_per_mille };
            let planted = annuaire_testkit::generate(&out, &plan).with_context(|| format!("writing {}", out.display()))?;
            println!("{}: the second delivery has {planted}", out.display());
            Ok(())
        }
        Command::Import { place, accept_mass_change, full, report, guide, files } => {
            let options = Options { accept_mass_change, full_feed: full, ..import_options() };
            behind_readers();
            let done = import(&place, &files, &options, guide.into())?;
            print_report(&done);
            if let Some(path) = report {
                fs::write(&path, serde_json::to_vec_pretty(&done)?).with_context(|| format!("writing {}", path.display()))?;
            }
            Ok(())
        }
        Command::Serve { place, serving } => serve::serve(&place, &serving, false),
        Command::Rebuild { place, guide } => {
            let _lock = publisher_lock(&place.data)?.context("a server is running on this data directory; stop it first")?;
            let mut registry = place.registry()?;
            Stores::delete(&place.data)?;
            let stores = Stores::open(&place.data, guide.into(), false)?;
            let versions = stores.follow(&mut *registry)?;
            println!("rebuilt: {versions} resource versions, up to transaction {}", stores.public.applied_tx());
            Ok(())
        }
        Command::Verify { place, guide } => verify(&place, guide.into()),
        Command::Backup { place, to } => {
            println!("{}", backup::backup(&place, &to, now_us() / 1_000)?);
            Ok(())
        }
        Command::Restore { from, place } => {
            println!("{}", backup::restore(&from, &place)?);
            Ok(())
        }
        Command::CheckStore { dir } => stores::check(&dir),
    }
}

fn demo(professionals: u32, serving: &Serving) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let plan = annuaire_testkit::Plan { professionals, seed: 1, changed_per_mille: 3 };
    let files = dir.path().join("files");
    annuaire_testkit::generate(&files, &plan)?;
    let place = Place { data: dir.path().join("data"), database: None };
    let mut paths: Vec<PathBuf> = fs::read_dir(&files)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    print_report(&import(&place, &paths, &import_options(), serving.guide.into())?);
    println!("everything in this demonstration is fictional");
    serve::serve(&place, serving, true)
}

/// Microseconds since 1970 UTC.
pub(crate) fn now_us() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Lets the servers of the machine go before this thread and those that it starts.
pub(crate) fn behind_readers() {
    // Where the system refuses, readers wait a little: nothing else is lost.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), limits::NICE);
}

/// Time since the program first asked.
fn uptime() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

fn import_options() -> Options {
    Options {
        author: "import".into(),
        clock: Arc::new(|| now_us() / 1_000),
        progress: Some(progress()),
        now: Some(uptime),
        ..Options::default()
    }
}

/// A bar on a terminal, a line every ten seconds otherwise.
fn progress() -> Progress {
    if std::io::stderr().is_terminal() {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {elapsed}").unwrap_or(ProgressStyle::default_bar());
        bar.set_style(style);
        return Arc::new(move |what, done, total| {
            if total > 0 {
                bar.set_length(total);
                bar.set_position(done);
                bar.set_message(what.to_owned());
            } else {
                bar.set_length(0);
                bar.set_message(format!("{what}: {done}"));
            }
            if total > 0 && done >= total {
                bar.set_message(String::new());
                bar.set_position(0);
                bar.finish_and_clear();
            }
        });
    }
    let last = Mutex::new(SystemTime::now());
    Arc::new(move |what, done, total| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed().is_ok_and(|e| e >= Duration::from_secs(10)) {
            *last = SystemTime::now();
            match (done * 100).checked_div(total) {
                Some(percent) => eprintln!("{what}: {percent} %"),
                None => eprintln!("{what}: {done}"),
            }
        }
    })
}

fn import(place: &Place, files: &[PathBuf], options: &Options, guide: Guide) -> Result<Report> {
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = files.iter().cloned().partition(|f| f.is_dir());
    for folder in folders {
        println!("{}: a directory, left out", folder.display());
    }
    if files.is_empty() {
        bail!("no file to import");
    }
    let mut registry = place.registry()?;
    let report = annuaire_exchange::import(&mut *registry, &files, options)?;
    if let Some(_lock) = publisher_lock(&place.data)? {
        let published = Stores::open(&place.data, guide, false).and_then(|stores| stores.follow(&mut *registry));
        published.context("the import is committed; its publication failed and goes on with the next import or server")?;
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
    let stages: Vec<String> = report.stages.iter().map(|(what, seconds)| format!("{what} {seconds:.1} s")).collect();
    println!("{}", stages.join(", "));
    match report.tx {
        Some(tx) => println!(
            "transaction {tx}: {} objects new, {} changed, {} ended, {} unchanged",
            report.created, report.changed, report.ended, report.unchanged
        ),
        None => println!("nothing changed ({} objects unchanged)", report.unchanged),
    }
}

/// What to do about each kind of fault.
const OF_STORE: &str = "the stores are views of the log: make them again with `annuaire rebuild`";
const OF_REGISTRY: &str =
    "the registry is the truth: bring it back with `annuaire restore` from a backup, then import what came since";
const OF_EITHER: &str = "if the registry is as it should be, `annuaire rebuild` makes the stores again; if not, `annuaire restore` \
    brings it back from a backup";

fn verify(place: &Place, guide: Guide) -> Result<()> {
    let mut faults = Vec::new();
    let mut advice = Vec::new();
    // Before anything of this process touches a page of theirs.
    for name in stores::STORES {
        let dir = place.data.join(name);
        if dir.join("data.mdb").exists() {
            faults.extend(stores::check_apart(&dir)?.faults.into_iter().map(|f| format!("{name} store: {f}")));
        }
    }
    let readable = faults.is_empty();
    if !readable {
        advice.push(OF_STORE);
    }
    let mut last = 0;
    let mut at = None;
    let read = (|| -> Result<Vec<String>> {
        let mut registry = place.registry()?;
        let found = registry.verify()?;
        if !readable || !found.is_empty() {
            return Ok(found);
        }
        last = registry.last_tx()?;
        let stores = Stores::open(&place.data, guide, false)?;
        for (name, index, view) in stores.each() {
            let differ = faults.len();
            if index.applied_tx() > last {
                faults.push(format!("the {name} store is at transaction {}, the log ends at {last}", index.applied_tx()));
            }
            faults.extend(
                annuaire_publish::verify(&mut *registry, index, view, &|_, _, _| {})?
                    .into_iter()
                    .map(|f| format!("{name} store: {f}")),
            );
            if faults.len() > differ {
                advice.push(OF_EITHER);
            }
        }
        at = Some(stores.public.applied_tx());
        Ok(found)
    })();
    match read {
        Ok(found) if found.is_empty() => {}
        Ok(found) => {
            faults.extend(found.into_iter().map(|f| format!("registry: {f}")));
            advice.push(OF_REGISTRY);
        }
        Err(e) => {
            use annuaire_publish::Error as Publish;
            let damaged = matches!(e.downcast_ref(), Some(annuaire_store::Error::Damaged(_)))
                || matches!(e.downcast_ref(), Some(Publish::Object { .. } | Publish::Store(annuaire_store::Error::Damaged(_))));
            if !damaged && faults.is_empty() {
                return Err(e);
            }
            faults.push(format!("{e:#}"));
            if damaged {
                advice.push(OF_REGISTRY);
            }
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        advice.dedup();
        bail!("{} differences; {}", faults.len(), advice.join("; "));
    }
    println!("log, registry and publication stores agree at transaction {} (log at {last})", at.unwrap_or_default());
    Ok(())
}
