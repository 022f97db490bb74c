//! The annuaire program: arguments, wiring, life cycle. The only room that reads the environment and the clock.

mod backup;
mod doctor;
mod exit;
mod history;
mod import;
mod limits;
mod progress;
mod publication;
mod publisher;
mod serve;
mod status;
mod stores;
mod verify;

use annuaire_fhir::{Guide, Perimeter, View};
use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use exit::Exit;
use progress::told;
use publisher::Publisher;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;
use stores::{DataPlace, Expect};

/// The directory of health and social-care professionals: registry, log and FHIR publication.
#[derive(Parser)]
#[command(version, after_help = exit::CODES)]
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
        place: DataPlace,
        #[command(flatten)]
        accepting: Accepting,
        /// Reads, checks and compares everything, says what would appear, change and end, and writes nothing
        #[arg(long)]
        dry_run: bool,
        /// What FHIR files say is open data and may be public; without it, it is published in the restricted perimeter only
        #[arg(long)]
        open: bool,
        /// The FHIR files given are all that their directory has: what they do not name ends
        #[arg(long)]
        full: bool,
        /// Writes the full report as JSON
        #[arg(long)]
        report: Option<PathBuf>,
        /// No word of what is under way
        #[arg(long)]
        quiet: bool,
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
        place: DataPlace,
        #[command(flatten)]
        serving: Serving,
    },
    /// Lists what was delivered, when, and what it changed
    Deliveries {
        #[command(flatten)]
        place: DataPlace,
        /// Lists the lines that wait in quarantine instead
        #[arg(long)]
        quarantine: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Lists the lines that could not be read, until a later delivery settles them
    Quarantine {
        #[command(flatten)]
        place: DataPlace,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Says again, in a new transaction, what a delivery ended or changed
    Undo {
        #[command(flatten)]
        place: DataPlace,
        /// Number of the delivery, as `deliveries` lists it
        number: u64,
        /// Ends what the delivery made, too
        #[arg(long)]
        created_too: bool,
        #[command(flatten)]
        accepting: Accepting,
        /// No word of what is under way
        #[arg(long)]
        quiet: bool,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
    },
    /// Says where log and stores are, what was delivered last, and what waits
    Status {
        #[command(flatten)]
        place: DataPlace,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Looks for what is wrong or soon will be, and says what to do
    Doctor {
        #[command(flatten)]
        place: DataPlace,
        /// Days without a delivery before a warning
        #[arg(long, default_value_t = limits::doctor::DAYS)]
        days: u32,
    },
    /// Makes the publication stores again from the log, beside those that are there, and puts them in their place
    Rebuild {
        #[command(flatten)]
        place: DataPlace,
        /// No word of what is under way
        #[arg(long)]
        quiet: bool,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
    },
    /// Compares log, registry and publication stores, and names every difference
    Verify {
        #[command(flatten)]
        place: DataPlace,
        /// No word of what is under way
        #[arg(long)]
        quiet: bool,
        /// Version of the national guide that resources follow
        #[arg(long, value_enum, default_value_t)]
        guide: GuideArgument,
    },
    /// Copies everything into a new directory, while servers and imports run
    Backup {
        #[command(flatten)]
        place: DataPlace,
        /// No word of what is under way
        #[arg(long)]
        quiet: bool,
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
        place: DataPlace,
        /// No word of what is under way
        #[arg(long)]
        quiet: bool,
    },
    /// Reads one publication store whole; `verify`, `backup` and `restore` start this
    #[command(hide = true)]
    CheckStore {
        /// Directory of the store
        dir: PathBuf,
    },
}

/// What an operator who has looked lets pass.
#[derive(Args)]
pub(crate) struct Accepting {
    /// Passes the guards against mass changes and wrong keys; the reason (10 characters at least) goes to the log
    #[arg(long, value_name = "REASON", value_parser = reason)]
    accept_mass_change: Option<String>,
    /// Commits although the clock of this machine and the last transaction are far apart
    #[arg(long)]
    accept_clock: bool,
}

/// A reason that somebody can read a year later.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() < annuaire_exchange::limits::REASON_MIN {
        return Err(format!("say why in {} characters or more: the log keeps it", annuaire_exchange::limits::REASON_MIN));
    }
    Ok(text.to_owned())
}

/// How to serve.
#[derive(Args)]
pub(crate) struct Serving {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address that clients see, when a proxy stands in front (https://…); with --trusted-proxy it may be left out
    #[arg(long, value_parser = serve::public_base)]
    public_base: Option<annuaire_web::PublicBase>,
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

fn main() -> ExitCode {
    // The parser ends the program itself, with 2, when it does not understand.
    run(Arguments::parse().command).unwrap_or_else(|e| exit::failed(&e)).into()
}

fn run(command: Command) -> Result<Exit> {
    match command {
        Command::Demo { professionals, serving } => demo(professionals, &serving),
        Command::Generate { professionals, seed, changed_per_mille, out } => {
            let plan = annuaire_testkit::Plan { professionals, seed, changed_per_mille };
            let planted = annuaire_testkit::generate(&out, &plan).with_context(|| format!("writing {}", out.display()))?;
            println!("{}: the second delivery has {planted}", out.display());
            Ok(Exit::Done)
        }
        Command::Import { place, accepting, dry_run, open, full, report, quiet, guide, files } => {
            let mut options = import::options(&accepting, quiet);
            (options.dry_run, options.open, options.full_feed) = (dry_run, open, full);
            behind_readers();
            import::import(&place, &files, &options, guide.into(), report.as_deref(), &told(quiet))
        }
        Command::Serve { place, serving } => {
            let listener = serve::listen(serving.listen)?;
            serve::serve(&place, &serving, listener, false).map(|()| Exit::Done)
        }
        Command::Deliveries { place, quarantine, json } => {
            if quarantine {
                history::quarantine(&place, json)
            } else {
                history::deliveries(&place, json)
            }
        }
        Command::Quarantine { place, json } => history::quarantine(&place, json),
        Command::Undo { place, number, created_too, accepting, quiet, guide } => {
            behind_readers();
            let options = import::options(&accepting, quiet);
            history::undo(&place, number, created_too, &options, guide.into(), &told(quiet))
        }
        Command::Status { place, json } => status::status(&place, json),
        Command::Doctor { place, days } => doctor::doctor(&place, days),
        Command::Rebuild { place, quiet, guide } => rebuild(&place, guide.into(), quiet),
        Command::Verify { place, quiet, guide } => verify::verify(&place, guide.into(), &told(quiet)),
        Command::Backup { place, quiet, to } => {
            place.expect(Expect::Standing)?;
            println!("{}", backup::backup(&place, &to, now_ms(), &told(quiet))?);
            Ok(Exit::Done)
        }
        Command::Restore { from, place, quiet } => {
            println!("{}", backup::restore(&from, &place, &told(quiet))?);
            Ok(Exit::Done)
        }
        Command::CheckStore { dir } => stores::check(&dir).map(|()| Exit::Done),
    }
}

fn rebuild(place: &DataPlace, guide: Guide, quiet: bool) -> Result<Exit> {
    place.expect(Expect::StandingOrEmpty)?;
    let Some(_publisher) = Publisher::take_soon(&place.data, "rebuild")? else {
        bail!("a server, an import or another rebuild is at work on {}: end it first", place.data.display())
    };
    let mut registry = place.registry()?;
    let tell = told(quiet);
    let mut versions = stores::renew(place, View { guide, perimeter: Perimeter::Public }, &mut *registry, &tell)?;
    if place.data.join(stores::STORES[1]).exists() {
        versions += stores::renew(place, View { guide, perimeter: Perimeter::Restricted }, &mut *registry, &tell)?;
    }
    println!("rebuilt: {versions} resource versions, up to transaction {}", registry.last_tx()?);
    Ok(Exit::Done)
}

fn demo(professionals: u32, serving: &Serving) -> Result<Exit> {
    // Before the work: a taken port would be told after it.
    let listener = serve::listen(serving.listen)?;
    let dir = tempfile::tempdir()?;
    let plan = annuaire_testkit::Plan { professionals, seed: 1, changed_per_mille: 3 };
    let files = dir.path().join("files");
    println!("making a nation of {professionals} fictional professionals");
    annuaire_testkit::generate(&files, &plan)?;
    let place = DataPlace { data: dir.path().join("data"), database: None };
    let mut paths: Vec<PathBuf> = fs::read_dir(&files)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    // The delivery that comes after it is for who generates files.
    paths.retain(|path| path.is_file());
    paths.sort();
    let options = import::options(&Accepting { accept_mass_change: None, accept_clock: false }, serving.quiet);
    import::import(&place, &paths, &options, serving.guide.into(), None, &told(serving.quiet))?;
    println!("everything in this demonstration is fictional");
    serve::serve(&place, serving, listener, true).map(|()| Exit::Done)
}

/// Microseconds since 1970 UTC.
pub(crate) fn now_us() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

/// Milliseconds since 1970 UTC.
pub(crate) fn now_ms() -> i64 {
    now_us() / 1_000
}

/// Lets the servers of the machine go before this thread and those that it starts.
pub(crate) fn behind_readers() {
    // Where the system refuses, readers wait a little: nothing else is lost.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), limits::NICE);
}
