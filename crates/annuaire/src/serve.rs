//! Serving: publication in the background, HTTP in front.

use crate::limits::{START_NEW, START_WHOLE};
use crate::progress::{Tell, told};
use crate::publication::{Follower, name, wait};
use crate::publisher::{Publisher, holder};
use crate::stores::{DataPlace, Expect, Stores, cursor_key};
use crate::{Serving, behind_readers, now_us};
use annuaire_web::connections::{self, ConnectionLimits};
use annuaire_web::limits::LONG;
use annuaire_web::{Gate, GateSettings, Lane, LogSink, NotAPublicBase, Proxies, PublicBase, Publication, Rate};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, mpsc};
use tokio::signal::unix::{SignalKind, signal};

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
pub(crate) fn public_base(text: &str) -> Result<PublicBase, String> {
    let root = text.trim_end_matches('/');
    let root = ["/fhir/v2", "/fhir/dp", "/fhir/dr"].iter().find_map(|mount| root.strip_suffix(mount)).unwrap_or(root);
    root.parse().map_err(|e: NotAPublicBase| e.to_string())
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
fn log_to_stderr() -> LogSink {
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

/// Takes the address before any work is done for it.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener> {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let listener = TcpListener::bind(address).map_err(|e| {
        let advice = match e.kind() {
            AddrInUse => "another program listens there: end it, or choose another port with --listen 127.0.0.1:8081",
            AddrNotAvailable => "no network card of this machine has this address: choose another with --listen",
            PermissionDenied => "ports below 1024 are for the system: choose another with --listen, and put a proxy in front",
            _ => "choose another address with --listen",
        };
        anyhow::Error::new(e).context(format!("cannot listen on {address}: {advice}"))
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until interrupted or asked to end; running answers are finished.
pub(crate) fn serve(place: &DataPlace, options: &Serving, listener: TcpListener, fictional: bool) -> Result<()> {
    let operator = operator(options, fictional);
    tell_events(options.log)?;
    let data = place.data.as_path();
    place.expect(Expect::StandingOrEmpty)?;
    let api_keys = secrets(options.api_keys.as_deref())?;
    let credentials = secrets(options.restricted_credentials.as_deref())?;
    let Some(publisher) = Publisher::take_soon(data, "serve")? else {
        let who = holder(data)?.unwrap_or_default();
        if who.by == "serve" {
            bail!("a server is already running on {} (process {})", data.display(), who.pid);
        }
        bail!("{}: another process publishes there, the {}; wait for its end", data.display(), name(&who))
    };
    if place.database.is_none() && place.is_empty() {
        // The log of an empty directory comes before its stores: stores without a log are those of a lost one.
        drop(place.registry()?);
    }
    let tell = told(options.quiet);
    let stores = Stores::open_renewed(place, options.guide.into(), !credentials.is_empty(), &tell)?;
    let publication = start(place, &stores, publisher, &tell)?;
    let open = api_keys.is_empty();
    let lane = Arc::new(Lane::new());
    let with_restricted = stores.restricted.is_some() && !credentials.is_empty();
    let restricted = stores.restricted.clone().filter(|_| with_restricted);
    let secret = cursor_key(data)?;
    let gate = Arc::new(Gate::new(GateSettings {
        api_keys,
        credentials,
        proxies: Proxies::new(options.trusted_proxy.clone()),
        public_base: options.public_base.clone(),
        rate: options.rate.map(|per_second| Rate { per_second, burst: per_second.saturating_mul(2) }),
        log: (!options.quiet).then(log_to_stderr),
        publication: Arc::clone(&publication),
        ..GateSettings::new(secret, Arc::new(now_us))
    }));
    let settings = annuaire_api::ApiSettings { gate: Arc::clone(&gate), cursor_key: secret, lane: Arc::clone(&lane) };
    let pages = annuaire_pages::PagesSettings { gate, operator, fictional, lane, work: LONG };
    let api = annuaire_api::router(Arc::clone(&stores.public), restricted, settings);
    let app = annuaire_pages::router(Arc::clone(&stores.public), pages).merge(api);
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        // Whoever started us may have closed the other end: that is no reason to stop serving.
        let mut out = std::io::stdout();
        let access = if open { "open" } else { "key required in ESANTE-API-KEY" };
        let _ = writeln!(out, "ready: http://{address}/fhir/v2 ({access})");
        if with_restricted {
            let _ = writeln!(out, "  restricted: http://{address}/fhir/dr (Authorization: Bearer …)");
        }
        let _ = writeln!(out, "  pages: http://{address}/");
        let _ = writeln!(out, "  state: http://{address}/health and http://{address}/metrics");
        let example = "Practitioner?family=mar&_revinclude=PractitionerRole:practitioner";
        let _ = writeln!(out, "  try  http://{address}/fhir/v2/{example}");
        for behind in behind(&publication) {
            let _ = writeln!(out, "  {behind}");
        }
        // What service managers send, and what a terminal sends.
        let mut terminated = signal(SignalKind::terminate())?;
        let interrupted = async {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
        };
        let all = ConnectionLimits::default();
        let limits = ConnectionLimits { connections: connections::raise_descriptor_limit().min(all.connections), ..all };
        connections::serve(listener, app, limits, interrupted).await;
        Ok(())
    })
}

/// Starts publication, each store in a thread and with a connection to the registry of its own, so that none waits for another.
///
/// A store that was published once is served as it is at once, however far the log is. One that was never published holds
/// nothing true: it is waited for.
fn start(place: &DataPlace, stores: &Stores, publisher: Publisher, tell: &Tell) -> Result<Arc<Publication>> {
    let publication = Arc::new(Publication::new(Arc::new(now_us)));
    let turn = Arc::default();
    let publisher = Arc::new(publisher);
    for (store, index, view) in stores.each() {
        let (place, index) = (place.clone(), Arc::clone(index));
        let (publication, publisher, tell) = (Arc::clone(&publication), Arc::clone(&publisher), Arc::clone(tell));
        let telling = Arc::clone(&turn);
        let follower = Follower { place, store, index, view, publication, publisher, tell, telling };
        let thread = std::thread::Builder::new().spawn(move || {
            // The threads that it starts are as patient.
            behind_readers();
            follower.run();
        });
        thread.context("starting the publication")?;
    }
    let names: Vec<&str> = stores.each().map(|(name, ..)| name).collect();
    if stores.public.applied_tx() == 0
        && let Some(why) = wait(&publication, &names[..1], None)
    {
        bail!("nothing was ever published here, and the log cannot be: {why}");
    }
    let new = stores.each().any(|(_, index, _)| index.applied_tx() == 0);
    wait(&publication, &names, Some(if new { START_NEW } else { START_WHOLE }));
    Ok(publication)
}

/// How far the stores are behind the log, in words.
fn behind(publication: &Publication) -> Vec<String> {
    let of = |s: &annuaire_web::StoreState| match (s.log_tx, &s.waiting) {
        (_, Some(why)) => Some(format!("{} store: at transaction {}, publication waits: {why}", s.store, s.applied_tx)),
        (Some(last), None) if last > s.applied_tx => {
            Some(format!("{} store: at transaction {} of {last}; publication goes on beside", s.store, s.applied_tx))
        }
        (None, None) => Some(format!("{} store: at transaction {}; the log was not read yet", s.store, s.applied_tx)),
        _ => None,
    };
    publication.states().iter().filter_map(of).collect()
}
