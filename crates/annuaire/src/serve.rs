//! Serving: publication in the background, HTTP in front.

use crate::connections;
use crate::limits::Limits;
use crate::stores::{Place, Stores, cursor_key, publisher_lock};
use crate::{Serving, behind_readers, now_us};
use annuaire_api::{Rate, Restricted, Settings};
use annuaire_index::{LONG, Lane};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often a server looks for transactions committed by another process.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

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
fn log_to_stderr() -> annuaire_api::Log {
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
    let data = place.data.as_path();
    let Some(lock) = publisher_lock(data)? else { bail!("a server is already running on {}", data.display()) };
    let api_keys = secrets(options.api_keys.as_deref())?;
    let credentials = secrets(options.restricted_credentials.as_deref())?;
    let mut registry = place.registry()?;
    let stores = Stores::open(data, options.guide.into(), !credentials.is_empty())?;
    stores.follow(&mut *registry)?;
    let open = api_keys.is_empty();
    let lane = Arc::new(Lane::new());
    let settings = Settings {
        public_base: options.public_base.clone(),
        api_keys,
        cursor_key: cursor_key(data)?,
        rate: options.rate.map(|per_second| Rate { per_second, burst: per_second.saturating_mul(2) }),
        log: (!options.quiet).then(log_to_stderr),
        clock: Arc::new(now_us),
        lane: Arc::clone(&lane),
    };
    let restricted = match (&stores.restricted, credentials.is_empty()) {
        (Some(index), false) => Some(Restricted { index: Arc::clone(index), credentials }),
        _ => None,
    };
    let with_restricted = restricted.is_some();
    let pages = annuaire_portal::Settings {
        clock: Arc::new(now_us),
        operator: options.operator.clone().unwrap_or_else(|| "L’exploitant de ce service (à préciser par lui).".to_owned()),
        fictional,
        lane,
        work: LONG,
    };
    let api = annuaire_api::router(Arc::clone(&stores.public), restricted, settings);
    let app = annuaire_portal::router(Arc::clone(&stores.public), pages).merge(api);
    std::thread::spawn(move || {
        let _lock = lock;
        // The threads that it starts are as patient.
        behind_readers();
        if let Err(e) = stores.public.warm() {
            eprintln!("store: {e}");
        }
        loop {
            std::thread::sleep(FOLLOW_EVERY);
            if let Err(e) = stores.follow(&mut *registry) {
                eprintln!("publication: {e}");
            }
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
