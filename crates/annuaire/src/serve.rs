//! Serving: publication in the background, HTTP in front.

use crate::connections;
use crate::limits::Limits;
use crate::stores::{Place, Stores, cursor_key, publisher_lock};
use crate::{Serving, behind_readers, now_us};
use annuaire_index::{LONG, Lane};
use annuaire_web::{Base, Gate, Proxies, Publication, Rate, StoreState};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often a server looks for transactions committed by another process.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// How much is told of errors and events.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Has events written to standard error.
fn tell_events(level: Option<Level>) -> Result<()> {
    let level = match (level, std::env::var("ANNUAIRE_LOG")) {
        (Some(level), _) => level,
        (None, Err(_)) => Level::Warn,
        (None, Ok(named)) => match <Level as clap::ValueEnum>::from_str(named.trim(), true) {
            Ok(level) => level,
            Err(_) => refuse(&format!("ANNUAIRE_LOG={named} is no level: error, warn, info, debug or trace")),
        },
    };
    let level = match level {
        Level::Error => tracing::Level::ERROR,
        Level::Warn => tracing::Level::WARN,
        Level::Info => tracing::Level::INFO,
        Level::Debug => tracing::Level::DEBUG,
        Level::Trace => tracing::Level::TRACE,
    };
    let ansi = std::io::stderr().is_terminal();
    let events = tracing_subscriber::fmt().with_max_level(level).with_ansi(ansi).with_writer(std::io::stderr);
    events.try_init().map_err(|e| anyhow::anyhow!("events cannot be written: {e}"))
}

/// Ends the program as a mistaken argument does.
fn refuse(why: &str) -> ! {
    let mut command = <crate::Arguments as clap::CommandFactory>::command();
    command.error(clap::error::ErrorKind::ValueValidation, why).exit()
}

/// The address that clients see, given with or without the path of the API.
pub(crate) fn public_base(text: &str) -> Result<Base, String> {
    let root = text.trim_end_matches('/');
    let root = ["/fhir/v2", "/fhir/dp", "/fhir/dr"].iter().find_map(|mount| root.strip_suffix(mount)).unwrap_or(root);
    root.parse().map_err(|e: annuaire_web::NotABase| e.to_string())
}

/// Who answers for the directory. An address that others reach needs one: the law wants it on the page of legal notices.
fn operator(options: &Serving, fictional: bool) -> String {
    match options.operator.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None if fictional || options.listen.ip().to_canonical().is_loopback() => {
            "L’exploitant de ce service (à préciser par lui).".to_owned()
        }
        None => refuse(&format!(
            "{} is reached by others: name with --operator who answers for the directory, as its legal notices must",
            options.listen
        )),
    }
}

/// Tells the doors how the stores stand after an attempt to follow the log.
fn tell(publication: &Publication, stores: &Stores, log_tx: Option<u64>, waiting: Option<&str>) {
    let before = publication.get();
    for (store, index, _) in stores.each() {
        let applied_tx = index.applied_tx();
        let late = |state: &StoreState| state.waiting.is_some() || state.log_tx.is_none_or(|last| last > state.applied_tx);
        let since = before.iter().find(|state| state.store == store && late(state)).map(|state| state.since_ms);
        let since_ms = since.unwrap_or_else(|| now_us() / 1_000);
        let waiting = waiting.map(str::to_owned);
        publication.set(StoreState { store, applied_tx, log_tx, set_aside: 0, waiting, since_ms });
    }
}

/// Says that publication has ended when its thread does.
struct Ending(Arc<Publication>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Secrets of a file, one a line.
fn secrets(path: Option<&Path>) -> Result<Vec<String>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let all: Vec<String> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
    if all.is_empty() {
        bail!("{}: holds nothing; leave the option out instead", path.display());
    }
    Ok(all)
}

/// A thread that writes log lines, so that no request waits for a terminal.
fn log_to_stderr() -> annuaire_web::Log {
    let (send, lines) = mpsc::channel::<String>();
    std::thread::spawn(move || {
        let mut out = std::io::BufWriter::new(std::io::stderr());
        while let Ok(line) = lines.recv() {
            let _ = writeln!(out, "{line}");
            for more in lines.try_iter() {
                let _ = writeln!(out, "{more}");
            }
            let _ = out.flush();
        }
    });
    Arc::new(move |line| _ = send.send(line.to_owned()))
}

/// Serves until interrupted or asked to end; running answers are finished.
pub(crate) fn serve(place: &Place, options: &Serving, fictional: bool) -> Result<()> {
    let operator = operator(options, fictional);
    tell_events(options.log)?;
    let data = place.data.as_path();
    let Some(lock) = publisher_lock(data)? else { bail!("a server is already running on {}", data.display()) };
    let api_keys = secrets(options.api_keys.as_deref())?;
    let credentials = secrets(options.restricted_credentials.as_deref())?;
    let mut registry = place.registry()?;
    let stores = Stores::open(data, options.guide.into(), !credentials.is_empty())?;
    stores.follow(&mut *registry)?;
    let open = api_keys.is_empty();
    let lane = Arc::new(Lane::new());
    let with_restricted = stores.restricted.is_some() && !credentials.is_empty();
    let restricted = stores.restricted.clone().filter(|_| with_restricted);
    let secret = cursor_key(data)?;
    let publication = Arc::new(Publication::new(Arc::new(now_us)));
    tell(&publication, &stores, registry.last_tx().ok(), None);
    let gate = Arc::new(Gate::new(annuaire_web::Settings {
        api_keys,
        credentials,
        proxies: Proxies::new(options.trusted_proxy.clone()),
        public_base: options.public_base.clone(),
        rate: options.rate.map(|per_second| Rate { per_second, burst: per_second.saturating_mul(2) }),
        log: (!options.quiet).then(log_to_stderr),
        publication: Arc::clone(&publication),
        ..annuaire_web::Settings::new(secret, Arc::new(now_us))
    }));
    let settings = annuaire_api::Settings { gate: Arc::clone(&gate), cursor_key: secret, lane: Arc::clone(&lane) };
    let pages = annuaire_portal::Settings { gate, operator, fictional, lane, work: LONG };
    let api = annuaire_api::router(Arc::clone(&stores.public), restricted, settings);
    let app = annuaire_portal::router(Arc::clone(&stores.public), pages).merge(api);
    std::thread::spawn(move || {
        let _lock = lock;
        let _ending = Ending(Arc::clone(&publication));
        // The threads that it starts are as patient.
        behind_readers();
        if let Err(e) = stores.public.warm() {
            eprintln!("store: {e}");
        }
        loop {
            std::thread::sleep(FOLLOW_EVERY);
            let failed = stores.follow(&mut *registry).err().map(|e| format!("{e:#}"));
            if let Some(why) = &failed {
                tracing::error!(target: "annuaire", cause = why, "publication waits");
            }
            tell(&publication, &stores, registry.last_tx().ok(), failed.as_deref());
        }
    });
    let listen = options.listen;
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        let address = listener.local_addr()?;
        // Whoever started us may have closed the other end: that is no reason to stop serving.
        let mut out = std::io::stdout();
        let access = if open { "open" } else { "key required in ESANTE-API-KEY" };
        let _ = writeln!(out, "ready: http://{address}/fhir/v2 ({access})");
        if with_restricted {
            let _ = writeln!(out, "  restricted: http://{address}/fhir/dr (Authorization: Bearer …)");
        }
        let _ = writeln!(out, "  pages: http://{address}/");
        let example = "Practitioner?family=mar&_revinclude=PractitionerRole:practitioner";
        let _ = writeln!(out, "  try  http://{address}/fhir/v2/{example}");
        // What service managers send, and what a terminal sends.
        let mut terminated = signal(SignalKind::terminate())?;
        let interrupted = async {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
        };
        let all = Limits::default();
        let limits = Limits { connections: connections::room().min(all.connections), ..all };
        connections::serve(listener, app, limits, interrupted).await;
        Ok(())
    })
}
