//! `annuaire mirror`.

use super::import::{Delivery, import};
use crate::amounts::{age, date_utc, thousands};
use crate::clock::now_ms;
use crate::copied_directory::{tells_its_log, update};
use crate::copy_origin::CopyOrigin;
use crate::data_place::{DataPlace, ExpectedData, registry_path};
use crate::exit::{Exit, Usage, one_line};
use crate::options::{AcceptingOptions, GivenOptions, GuideOption, PlaceOptions, reason};
use crate::priority::run_behind_readers;
use crate::progress::{self, SharedTell};
use crate::publisher::{Publisher, current_holder};
use crate::serve::{self, Listeners, ServedData};
use crate::world::Machine;
use annuaire_exchange::Options as ExchangeOptions;
use annuaire_fhir::Guide;
use annuaire_mirror::{
    AccessKey, DatabaseSink, Error, FeedDelivery, FeedSink, FileSink, Mirror, MirrorMetrics, MirrorOptions, RunReport, Sink,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Copies another FHIR directory, as files, as a PostgreSQL database or into a data directory, and keeps the copy fresh
#[derive(Args)]
pub(crate) struct MirrorArguments {
    /// Base address of the FHIR service, such as https://gateway.api.esante.gouv.fr/fhir/v2
    url: String,
    /// Data directory. An annuaire is copied as it is, and served here when --once is not given; what comes from another service is imported,
    /// and published in the restricted perimeter only, unless --open
    #[arg(long, required_unless_present = "into", conflicts_with = "into")]
    data: Option<PathBuf>,
    /// Directory of NDJSON files with a manifest.json, or postgres://user@host/database: a table for each type (leave the password to
    /// ~/.pgpass)
    #[arg(long, value_name = "DIR|URL")]
    into: Option<String>,
    /// Directory of what the mirror remembers [default: .mirror in DIR, mirror in the data directory]; needed with a database
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Makes the copy, or brings it up to date, and ends; without it, goes on for ever
    #[arg(long)]
    once: bool,
    /// Minutes between two runs, to which a random part is added
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1440), conflicts_with = "once")]
    every: u32,
    /// Types of resources to keep, with commas between; all that the service has without it
    #[arg(long, value_delimiter = ',')]
    types: Vec<String>,
    /// File that holds the key of the service, one line
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Header in which the key is sent
    #[arg(long, value_name = "NAME", default_value = AccessKey::NATIONAL_HEADER)]
    key_header: String,
    /// Requests a second (the national service allows 17)
    #[arg(long, default_value_t = 17, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Resources of a page; less when the service refuses so many
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    page_size: u32,
    /// PEM file of root certificates to trust instead of the usual ones
    #[arg(long, value_name = "FILE")]
    root_certificates: Option<PathBuf>,
    /// HTTP proxy (http://host:port)
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Other host from which files of the service may come (https://files.example); may be given several times
    #[arg(long, value_name = "URL")]
    file_host: Vec<String>,
    /// Share of a type that one run may delete or deactivate
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    max_change: u32,
    /// Passes the guard against mass changes once, after a look at the service; the reason has 10 characters at least
    #[arg(long, value_name = "REASON", value_parser = reason, requires = "once")]
    confirm_mass_change: Option<String>,
    /// File that holds the URL of the PostgreSQL registry of the data directory
    #[arg(long, requires = "data")]
    database: Option<PathBuf>,
    /// Configuration file of the data directory; without it, its annuaire.toml
    #[arg(long, value_name = "FILE", requires = "data")]
    config: Option<PathBuf>,
    /// What the service says is open data and may be public
    #[arg(long, requires = "data")]
    open: bool,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    guide: GuideOption,
}

impl MirrorArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let tell = progress::shown_unless(self.quiet);
        match (&self.data, &self.into) {
            (Some(data), _) => match self.as_it_is(data, given, &tell)? {
                Some(exit) => Ok(exit),
                None => self.mirror_to_registry(data, given, &tell),
            },
            (None, Some(url)) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let Some(state) = &self.state else {
                    return Err(
                        Usage("a mirror in a database needs a directory for what it remembers: give --state DIR".into()).into()
                    );
                };
                self.mirror(state, Box::new(DatabaseSink::new(url)?), &tell)
            }
            (None, Some(dir)) => {
                let dir = Path::new(dir);
                let sink = FileSink::open(dir)?;
                self.mirror(&self.state.clone().unwrap_or_else(|| dir.join(".mirror")), Box::new(sink), &tell)
            }
            (None, None) => Err(Usage("say where the copy goes: --into DIR, --into postgres://… or --data DIR".into()).into()),
        }
    }

    /// Copies an annuaire by its log; `None` when the service is of another kind, or is to be imported.
    fn as_it_is(&self, data: &Path, given: &GivenOptions, tell: &SharedTell) -> Result<Option<Exit>> {
        let known = CopyOrigin::of(data)?;
        let imports = self.open || !self.types.is_empty() || self.database.is_some() || registry_path(data).exists();
        if known.is_none() && imports {
            return Ok(None);
        }
        if self.open || !self.types.is_empty() {
            bail!("{}: this directory holds a whole copy; --open and --types are for services that are imported", data.display());
        }
        if self.key_header != AccessKey::NATIONAL_HEADER || self.proxy.is_some() {
            return Ok(None);
        }
        let options = PlaceOptions { data: data.to_owned(), database: None, config: self.config.clone() };
        let (place, mut configuration) = options.open()?;
        self.guide.apply(given, &mut configuration);
        place.expect(ExpectedData::MadeIfAbsent)?;
        let mut origin = CopyOrigin::new(self.url.trim().trim_end_matches('/').to_owned());
        origin.key_file = self.key_file.as_deref().map(std::path::absolute).transpose()?;
        origin.root_certificates = self.root_certificates.as_deref().map(std::path::absolute).transpose()?;
        (origin.rate, origin.max_change) = (self.rate, self.max_change);
        if known.is_none() && !tells_its_log(&place, &origin, tell)? {
            return Ok(None);
        }
        let Some(publisher) = Publisher::take_soon(data, "mirror")? else {
            let who = current_holder(data)?.unwrap_or_default();
            bail!(
                "{}: another process works there, the {}; a server keeps its copy fresh itself",
                data.display(),
                who.description()
            );
        };
        let guide: Guide = configuration.publication.guide.into();
        let report = update(&place, &origin, guide, self.confirm_mass_change.is_some(), tell)?;
        println!("{} versions applied: the state of transaction {} of {}", thousands(report.versions), report.tx, origin.origin);
        drop(publisher);
        if self.once {
            return Ok(Some(Exit::Done));
        }
        let listeners = Listeners { plain: serve::listen(configuration.server.listen, "--listen")?, tls: None };
        serve::serve(&place, &configuration, listeners, ServedData::Real, tell).map(|()| Some(Exit::Done))
    }

    /// Has each round imported as one transaction.
    fn mirror_to_registry(&self, data: &Path, given: &GivenOptions, tell: &SharedTell) -> Result<Exit> {
        let options = PlaceOptions { data: data.to_owned(), database: self.database.clone(), config: self.config.clone() };
        let (place, mut configuration) = options.open()?;
        self.guide.apply(given, &mut configuration);
        let guide: Guide = configuration.publication.guide.into();
        place.expect(ExpectedData::MadeIfAbsent)?;
        // A registry that was restored has another identity: the mirror fills it anew.
        let registry = place.registry()?.log()?.to_string();
        let mut exchange = AcceptingOptions::default().exchange_options(&place, &configuration, self.quiet);
        exchange.author = "mirror".into();
        exchange.open = self.open;
        // The mirror has a guard of its own, and has asked.
        exchange.accept_mass_change = self.confirm_mass_change.clone();
        run_behind_readers(configuration.import.niceness.get());
        let incomplete = std::cell::Cell::new(false);
        let state = self.state.clone().unwrap_or_else(|| data.join("mirror"));
        let deliver = |delivery: &FeedDelivery| {
            let exit = import_round(&place, &exchange, guide, delivery, tell).map_err(|e| one_line(&e))?;
            incomplete.set(incomplete.get() || exit != Exit::Done);
            Ok(())
        };
        let sink = FeedSink::open(&state.join("outbox"), &registry, Box::new(deliver))?;
        let exit = self.mirror(&state, Box::new(sink), tell)?;
        Ok(if incomplete.get() { Exit::Incomplete } else { exit })
    }

    fn mirror<'a>(&self, state: &Path, sink: Box<dyn Sink + 'a>, tell: &SharedTell) -> Result<Exit> {
        let mut options = MirrorOptions::new(&self.url, state.to_owned());
        options.types = self.types.iter().map(|ty| ty.trim().to_owned()).filter(|ty| !ty.is_empty()).collect();
        options.http.rate = self.rate;
        options.http.user_agent = concat!("annuaire/", env!("CARGO_PKG_VERSION")).to_owned();
        options.http.proxy.clone_from(&self.proxy);
        options.http.file_hosts.clone_from(&self.file_host);
        if let Some(file) = &self.key_file {
            let key = fs::read_to_string(file).with_context(|| format!("reading the key in {}", file.display()))?;
            options.http.key = Some(AccessKey::new(&self.key_header, &key)?);
        }
        if let Some(file) = &self.root_certificates {
            options.http.root_certificates = Some(fs::read(file).with_context(|| format!("reading {}", file.display()))?);
        }
        (options.page_size, options.max_change) = (self.page_size, self.max_change);
        options.confirm_mass_change.clone_from(&self.confirm_mass_change);
        options.tell = tell.clone();
        let mut mirror = Mirror::open(options, sink, Arc::new(Machine::new()))?;
        if self.once {
            let report = mirror.once()?;
            return Ok(print(&report, mirror.metrics()));
        }
        let cadence = Duration::from_secs(u64::from(self.every) * 60);
        annuaire_mirror::follow(&mut mirror, cadence, &mut |done, metrics| match done {
            Ok(report) => _ = print(report, metrics),
            Err(Error::Stopped) => {}
            Err(e) => eprintln!("not up to date: {e}"),
        })?;
        Ok(Exit::Done)
    }
}

/// Imports the files of a round.
fn import_round(
    place: &DataPlace,
    options: &ExchangeOptions,
    guide: Guide,
    delivery: &FeedDelivery,
    tell: &SharedTell,
) -> Result<Exit> {
    let options = ExchangeOptions { full_feed: delivery.replaces, ..options.clone() };
    import(place, &Delivery { files: delivery.files.clone(), options, report: None }, guide, tell)
}

/// Prints what a run did, in a few lines.
fn print(report: &RunReport, metrics: &MirrorMetrics) -> Exit {
    let counts = &report.counts;
    if report.copied_anew {
        println!("the service does not remember far enough back: everything was compared");
    }
    println!(
        "{} put, {} deleted, {} deactivated, {} unchanged, {} older and left out",
        thousands(counts.upserted),
        thousands(counts.deleted),
        thousands(counts.deactivated),
        thousands(counts.unchanged),
        thousands(counts.older)
    );
    if report.reconciled {
        println!("all ids were compared: {} differences", thousands(report.differences));
    }
    for (reason, n) in &report.rejects {
        println!("  {} left out: {reason}", thousands(*n));
    }
    for ty in &report.doubtful {
        println!("warning: what came of {ty} leaves doubt; nothing of it was deleted for being absent");
    }
    let held: Vec<String> = report.held.iter().map(|(ty, n)| format!("{} {ty}", thousands(*n))).collect();
    println!("held: {}", if held.is_empty() { "nothing".to_owned() } else { held.join(", ") });
    let told = report.told_ms.map_or_else(String::new, |ms| format!(", up to {} ({})", date_utc(ms), age(ms, now_ms())));
    let http = &metrics.http;
    println!(
        "{}{told}; {} requests, {} of them again",
        if report.ready { "ready" } else { "not ready" },
        thousands(http.requests),
        thousands(http.repeated)
    );
    // An entry of another kind on a page is usual; what could not be read is not.
    let usual = ["included", "outcome", "another type"];
    let unread = report.rejects.keys().any(|reason| !usual.contains(&reason.as_str()));
    if unread || !report.doubtful.is_empty() || !report.ready { Exit::Incomplete } else { Exit::Done }
}
