//! Serving: publication in the background, HTTP in front.

use crate::certificates::refuse_without_provider;
use crate::clock::now_us;
use crate::config::{Configuration, LogLevel, TextValue};
use crate::copied_directory::{CopyThread, open_served};
use crate::copy_origin::CopyOrigin;
use crate::data_place::{DataPlace, ExpectedData, STORES};
use crate::exit::InvalidValue;
use crate::exports::start_exports;
use crate::extractions::{DailyTime, ExtractionThread, extractions_dir};
use crate::files::{key_name, start_files};
use crate::follower::{FollowerThread, wait_for_stores};
use crate::identity::{Identity, IdentityParts, IdentityUse};
use crate::limits::{COMPARE_CLOCKS, START_NEW, START_WHOLE};
use crate::notifier::{Notifier, NotifierSettings};
use crate::page_key::page_key;
use crate::portal::{hr_router, portal_router};
use crate::priority::run_behind_readers;
use crate::progress::SharedTell;
use crate::publisher::{Publisher, current_holder};
use crate::registration::{RegistrationParts, RegistrationService, refuse_without_identity};
use crate::registry::{ahead_of_database_ms, runtime};
use crate::stores::{RestrictedStore, Stores};
use crate::{demo_directory, demo_people, demo_requests};
use annuaire_extract::ExtractOptions;
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_subscribe::AddressRules;
use annuaire_web::connections::{self, ConnectionLimits};
use annuaire_web::limits::LONG;
use annuaire_web::{Gate, GateSettings, Lane, LogSink, Proxies, PublicationStates, Rate, ServedStore};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// What a server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServedData {
    /// The data of an installation.
    Real,
    /// A demonstration: pages say that everything is fictional.
    Fictional,
}

/// Starts writing events of at least this level to the error output; without one, that of `ANNUAIRE_LOG`, else warnings.
fn write_events(level: Option<LogLevel>) -> Result<()> {
    let level = match level {
        Some(level) => level,
        None => environment_level()?.unwrap_or(LogLevel::Warn),
    };
    let level = match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    };
    let ansi = std::io::stderr().is_terminal();
    let events = tracing_subscriber::fmt().with_max_level(level).with_ansi(ansi).with_writer(std::io::stderr);
    events.try_init().map_err(|e| anyhow::anyhow!("events cannot be written: {e}"))
}

/// Level that the environment names.
#[expect(clippy::disallowed_methods, reason = "the one variable that the program reads, documented in the operator's guide")]
fn environment_level() -> Result<Option<LogLevel>> {
    let Ok(named) = std::env::var("ANNUAIRE_LOG") else { return Ok(None) };
    match <LogLevel as clap::ValueEnum>::from_str(named.trim(), true) {
        Ok(level) => Ok(Some(level)),
        Err(_) => Err(InvalidValue(format!("ANNUAIRE_LOG={named} is no level: error, warn, info, debug or trace")).into()),
    }
}

/// Who answers for the directory, on the page of legal notices.
///
/// # Errors
/// When nobody is named and others than this machine reach the address, as it is or as a proxy shows it: the law wants a name there.
fn operator(configuration: &Configuration, served: ServedData) -> Result<String> {
    let listen = configuration.server.listen;
    let base = configuration.server.public_base.as_ref().filter(|base| !base.value.0.is_local());
    match configuration.server.operator.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => Ok(name.to_owned()),
        None if served == ServedData::Fictional || base.is_none() && listen.ip().to_canonical().is_loopback() => {
            Ok("L’exploitant de ce service (à préciser par lui).".to_owned())
        }
        None => Err(InvalidValue(format!(
            "{} is reached by others: name with --operator who answers for the directory, as its legal notices must",
            base.map_or_else(|| listen.to_string(), |base| base.text().to_owned())
        ))
        .into()),
    }
}

/// What the page of legal notices says besides the operator.
fn legal_notices(configuration: &Configuration) -> annuaire_pages::LegalNotices {
    let said = |notice: &Option<String>| notice.as_deref().unwrap_or_default().trim().to_owned();
    let notices = &configuration.notices;
    annuaire_pages::LegalNotices {
        address: said(&notices.address),
        director: said(&notices.director),
        host: said(&notices.host),
        contact: said(&notices.contact),
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

/// What a server listens on.
pub(crate) struct Listeners {
    /// HTTP.
    pub(crate) plain: TcpListener,
    /// TLS, for cards and certificates of organisations.
    pub(crate) tls: Option<TcpListener>,
}

impl Listeners {
    /// Takes the addresses of a configuration before any work is done for them.
    pub(crate) fn of(configuration: &Configuration) -> Result<Self> {
        let tls = configuration.identity.tls_listen.map(|address| listen(address, "tls_listen of [identity]")).transpose()?;
        Ok(Self { plain: listen(configuration.server.listen, "--listen")?, tls })
    }
}

/// Takes an address, which `setting` chooses.
pub(crate) fn listen(address: SocketAddr, setting: &str) -> Result<TcpListener> {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let listener = TcpListener::bind(address).map_err(|e| {
        let advice = match e.kind() {
            AddrInUse if setting == "--listen" => {
                "another program listens there: end it, or choose another port with --listen 127.0.0.1:8081".to_owned()
            }
            AddrInUse => format!("another program listens there: end it, or choose another port with {setting}"),
            AddrNotAvailable => format!("no network card of this machine has this address: choose another with {setting}"),
            PermissionDenied => {
                format!("ports below 1024 are for the system: choose another with {setting}, and put a proxy in front")
            }
            _ => format!("choose another address with {setting}"),
        };
        anyhow::Error::new(e).context(format!("cannot listen on {address}: {advice}"))
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until interrupted or asked to end; running answers are finished.
pub(crate) fn serve(
    place: &DataPlace,
    configuration: &Configuration,
    listeners: Listeners,
    served: ServedData,
    tell: &SharedTell,
) -> Result<()> {
    let Configuration { server, access, .. } = configuration;
    let Listeners { plain: listener, tls: tls_listener } = listeners;
    let operator = operator(configuration, served)?;
    write_events(server.log)?;
    let data = place.data.as_path();
    place.expect(ExpectedData::PresentOrEmpty)?;
    let api_keys = secrets(access.api_keys.as_deref())?;
    let credentials = secrets(access.restricted_credentials.as_deref())?;
    let history_credentials = secrets(access.history_credentials.as_deref())?;
    if history_credentials.iter().any(|credential| credentials.contains(credential)) {
        bail!(
            "a credential opens both the restricted and the historised perimeter: give each body one for each perimeter that it may read"
        );
    }
    let is_restricted_read = !credentials.is_empty() || !history_credentials.is_empty();
    let Some(publisher) = Publisher::take_soon(data, "serve")? else {
        let who = current_holder(data)?.unwrap_or_default();
        if who.by == "serve" {
            bail!("a server is already running on {} (process {})", data.display(), who.pid);
        }
        bail!("{}: another process publishes there, the {}; wait for its end", data.display(), who.description())
    };
    if place.database.is_none() && place.is_empty() {
        // The log of an empty directory comes before its stores: stores without a log are those of a lost one.
        drop(place.registry()?);
    }
    let guide = configuration.publication.guide.into();
    let niceness = configuration.import.niceness.get();
    let Started { publication, public, restricted } = match CopyOrigin::of(data)? {
        Some(origin) => start_copy(place, origin, guide, publisher, niceness, tell)?,
        None => {
            let restricted = if is_restricted_read { RestrictedStore::Needed } else { RestrictedStore::IfPresent };
            let stores = Stores::open_served(place, guide, restricted, tell)?;
            start(place, stores, publisher, niceness, tell)?
        }
    };
    let open = api_keys.is_empty();
    let lane = Arc::new(Lane::new());
    let restricted = restricted.filter(|_| is_restricted_read);
    let with_restricted = restricted.is_some() && !credentials.is_empty();
    let with_history = restricted.is_some() && !history_credentials.is_empty();
    let extractions =
        start_extractions(place, configuration, &public, restricted.as_ref().filter(|_| !credentials.is_empty()), tell)?;
    let secret = page_key(place)?;
    let gate = Arc::new(Gate::new(GateSettings {
        api_keys,
        credentials,
        history_credentials,
        proxies: Proxies::new(server.trusted_proxies.iter().map(|network| network.value).collect()),
        public_base: server.public_base.as_ref().map(|base| base.value.0.clone()),
        rate: access.rate.map(|rate| Rate { per_second: rate.get(), burst: rate.get().saturating_mul(2) }),
        log: server.request_log.then(log_to_stderr),
        gzip: server.gzip.into(),
        publication: Arc::clone(&publication),
        ..GateSettings::new(secret, Arc::new(now_us))
    }));
    let notifier = notifier(place, configuration, (&public, restricted.as_ref()), secret, open)?;
    let subscriptions = notifier.as_ref().map(|notifier| Arc::clone(&notifier.service));
    let files = configuration.publication.files.as_ref();
    let files = files
        .map(|cadence| {
            start_files(place, public.clone(), cadence, &key_name(server.public_base.as_ref().map(TextValue::text)), niceness)
        })
        .transpose()?;
    let exports = start_exports(place, public.clone(), restricted.clone(), niceness)?;
    let settings = annuaire_api::ApiSettings {
        gate: Arc::clone(&gate),
        cursor_key: secret,
        lane: Arc::clone(&lane),
        files,
        subscriptions,
        exports: Some(exports),
        restricted_past: configuration.publication.restricted_past_days.time(),
        operator: annuaire_api::ServiceOperator {
            name: server.operator.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned),
            contact: server.contact.as_ref().map(|contact| contact.text().to_owned()),
        },
    };
    let with_extractions = extractions.is_some();
    let identity = identity(place, configuration, &gate, secret, (served, listener.local_addr()?))?;
    let registration = registration(place, configuration, identity.as_ref(), public.clone(), (secret, served))?;
    let pages = annuaire_pages::PagesSettings {
        gate: Arc::clone(&gate),
        operator,
        notices: legal_notices(configuration),
        fictional: served == ServedData::Fictional,
        lane,
        work: LONG,
        extractions,
        is_indexed: server.indexed,
        has_portal: registration.is_some(),
    };
    let api = annuaire_pages::ApiDoor {
        router: annuaire_api::router(public.clone(), restricted, settings),
        contact: server.contact.as_ref().map(|contact| contact.text().to_owned()),
    };
    let mut app = annuaire_pages::router_with_api(public, pages, api);
    if let Some(identity) = &identity {
        app = app.merge(identity.router(demo_people::names()));
        if let Some(registration) = &registration {
            app = app.merge(hr_router(identity, registration, Arc::clone(&gate)));
            app = app.merge(portal_router(identity, registration, Arc::clone(&gate), secret, annuaire_pages::stylesheet_path()));
        }
    }
    // The runtime outlives what is served, and the directory of a demonstration goes with it: loops end before.
    let mut loops = JoinSet::new();
    let served = runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        // Whoever started us may have closed the other end: that is no reason to stop serving.
        let mut out = std::io::stdout();
        let access = if open { "open" } else { "key required in ESANTE-API-KEY" };
        let _ = writeln!(out, "ready: http://{address}/fhir/v2 ({access})");
        if with_restricted {
            let _ = writeln!(out, "  restricted: http://{address}/fhir/dr (Authorization: Bearer …)");
        }
        if with_history {
            let _ = writeln!(out, "  historised: http://{address}/fhir/historique (Authorization: Bearer …)");
        }
        let _ = writeln!(out, "  pages: http://{address}/");
        if with_extractions {
            let _ = writeln!(out, "  files: http://{address}/extractions/");
        }
        let _ = writeln!(out, "  state: http://{address}/health and http://{address}/metrics");
        if let Some(identity) = &identity {
            identity.start(&mut loops).await?;
            let _ = writeln!(out, "  identity: {} (issuer)", identity.provider.issuer());
            if served == ServedData::Fictional {
                demo_people::introduce(identity, &mut out).await?;
            }
            if let Some(registration) = &registration {
                match served {
                    ServedData::Fictional if demo_directory::is_made(data) => {}
                    // Made before the loops begin: they would work by another clock.
                    ServedData::Fictional => demo_requests::make(registration, &mut out).await?,
                    ServedData::Real => _ = writeln!(out, "  registration: on"),
                }
                registration.start(&mut loops);
            }
            for host in [&identity.provider.addresses().card_host, &identity.provider.addresses().mtls_host].into_iter().flatten()
            {
                let _ = writeln!(out, "  certificates: {host}");
            }
        }
        if served == ServedData::Fictional {
            demo_directory::note_made(data)?;
        }
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
        let all = configuration.connection_limits();
        let limits = ConnectionLimits { connections: connections::raise_descriptor_limit().min(all.connections), ..all };
        let tls = identity.as_ref().and_then(|identity| Some((identity, identity.certificates.as_ref()?))).zip(tls_listener);
        let Some(((identity, certificates), tls_listener)) = tls else {
            connections::serve(listener, app, limits, interrupted).await;
            return Ok(());
        };
        // Both listeners end together. Logins are a small part of what a server answers.
        let connections = (limits.connections / 4).max(1);
        let tls_limits = ConnectionLimits { connections, ..limits.clone() };
        let limits = ConnectionLimits { connections: (limits.connections - connections).max(1), ..limits };
        let (stop, mut stopped) = tokio::sync::watch::channel(());
        let tls_listener = tokio::net::TcpListener::from_std(tls_listener)?;
        let (service, tls_app) = (certificates.tls(), certificates.router(&identity.provider));
        let ended = async move { _ = stopped.changed().await };
        let plain = connections::serve(listener, app, limits, async move {
            interrupted.await;
            drop(stop);
        });
        tokio::join!(plain, connections::serve_tls(tls_listener, service, tls_app, tls_limits, ended));
        Ok(())
    });
    runtime()?.block_on(loops.shutdown());
    if let Some(notifier) = notifier {
        notifier.stop();
    }
    served
}

/// The identity provider that the configuration asks for, and that of a demonstration; the copy of another directory has none.
fn identity(
    place: &DataPlace,
    configuration: &Configuration,
    gate: &Arc<Gate>,
    secret: [u8; 32],
    (served, address): (ServedData, SocketAddr),
) -> Result<Option<Identity>> {
    let fictional = served == ServedData::Fictional;
    let asked = configuration.identity.issuer.is_some() || fictional;
    if let Some(origin) = CopyOrigin::of(&place.data)? {
        if configuration.identity.issuer.is_some() {
            bail!(
                "identity.issuer is set, and {} is a copy of {}: a copy has no registry to log people in from; leave [identity] out",
                place.data.display(),
                origin.origin
            );
        }
        return Ok(None);
    }
    if !asked {
        refuse_without_provider(&configuration.identity)?;
        return Ok(None);
    }
    let base = configuration.server.public_base.as_ref().map(|base| base.text().trim_end_matches('/').to_owned());
    Identity::of(IdentityParts {
        registry: &place.registry()?,
        section: &configuration.identity,
        host: fictional.then(|| base.unwrap_or_else(|| format!("http://{address}"))),
        secret,
        gate: Arc::clone(gate),
        style: annuaire_pages::stylesheet_path(),
        usage: usage(served),
        serves: true,
    })
}

/// The registration that the configuration asks for; the copy of another directory has none.
fn registration(
    place: &DataPlace,
    configuration: &Configuration,
    identity: Option<&Identity>,
    store: ServedStore<Index>,
    (secret, served): ([u8; 32], ServedData),
) -> Result<Option<RegistrationService>> {
    let section = &configuration.registration;
    if let Some(origin) = CopyOrigin::of(&place.data)? {
        if section.enabled == Some(true) || section.rpps_prefix.is_some() {
            bail!(
                "[registration] is set, and {} is a copy of {}: a copy has no registry to register people in; leave [registration] out",
                place.data.display(),
                origin.origin
            );
        }
        return Ok(None);
    }
    let Some(identity) = identity else {
        refuse_without_identity(section)?;
        return Ok(None);
    };
    RegistrationService::of(RegistrationParts {
        registry: &identity.registry,
        section,
        store,
        secret,
        base: &identity.provider.addresses().login_host,
        messages: Arc::clone(&identity.messages),
        usage: usage(served),
    })
}

/// Who runs what people log in with.
const fn usage(served: ServedData) -> IdentityUse {
    match served {
        ServedData::Fictional => IdentityUse::Sandbox,
        ServedData::Real => IdentityUse::Real,
    }
}

/// Starts to deliver subscriptions; `None` where nobody can have one: a service without keys, or the copy of another directory.
fn notifier(
    place: &DataPlace,
    configuration: &Configuration,
    (public, restricted): (&ServedStore<Index>, Option<&ServedStore<Index>>),
    secret: [u8; 32],
    open: bool,
) -> Result<Option<Notifier>> {
    if (open && restricted.is_none()) || CopyOrigin::of(&place.data)?.is_some() {
        return Ok(None);
    }
    let section = &configuration.subscriptions;
    let networks: Vec<annuaire_web::Network> = section.allowed_networks.iter().map(|network| network.value).collect();
    let rules = match networks.is_empty() {
        true => AddressRules::default(),
        false => AddressRules::allowing(move |address| networks.iter().any(|network| network.contains(address))),
    };
    let read = |path: &std::path::PathBuf| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let roots = section.root_certificates.as_ref().map(read).transpose()?;
    let restricted = restricted.map(|store| (STORES[1], store.clone()));
    let stores = std::iter::once((STORES[0], public.clone())).chain(restricted).collect();
    Notifier::start(NotifierSettings { registry: place.registry()?, secret, rules, roots, stores }).map(Some)
}

/// Publication under way, and the stores that are served.
struct Started {
    publication: Arc<PublicationStates>,
    public: ServedStore<Index>,
    /// The restricted store, when there is one.
    restricted: Option<ServedStore<Index>>,
}

/// Starts publication, each store in a thread and with a connection to the registry of its own, so that none waits for another.
///
/// A store that was published once is served as it is at once, however far the log is, and while it is made again. One that was
/// never published holds nothing true: it is waited for.
fn start(place: &DataPlace, stores: Stores, publisher: Publisher, niceness: i32, tell: &SharedTell) -> Result<Started> {
    let publication = Arc::new(PublicationStates::new(Arc::new(now_us)));
    let turn: Arc<std::sync::Mutex<()>> = Arc::default();
    let publisher = Arc::new(publisher);
    let mut served = Vec::new();
    for (store, index, view) in stores.each() {
        let handle = ServedStore::new(Arc::clone(index));
        let follower = FollowerThread {
            place: place.clone(),
            store,
            served: handle.clone(),
            view,
            is_former: stores.is_former(view.perimeter),
            retained: stores.retained(view.perimeter),
            publication: Arc::clone(&publication),
            publisher: Arc::clone(&publisher),
            tell: Arc::clone(tell),
            writing: Arc::clone(&turn),
        };
        let thread = std::thread::Builder::new().spawn(move || {
            // The threads that it starts inherit the niceness.
            run_behind_readers(niceness);
            follower.run();
        });
        thread.context("starting the publication")?;
        served.push(handle);
    }
    // A store that another one replaces must end with its last answer.
    drop(stores);
    let mut served = served.into_iter();
    let public = served.next().context("no store is served")?;
    let restricted = served.next();
    let is_new = |store: &ServedStore<Index>| store.get().applied_tx() == annuaire_base::Tx::NONE;
    let names = &STORES[..1 + usize::from(restricted.is_some())];
    if is_new(&public)
        && let Some(why) = wait_for_stores(&publication, &names[..1], None)
    {
        bail!("nothing was ever published here, and the log cannot be: {why}");
    }
    let new = is_new(&public) || restricted.as_ref().is_some_and(is_new);
    wait_for_stores(&publication, names, Some(if new { START_NEW } else { START_WHOLE }));
    watch_database_clock(place, &publication, turn)?;
    Ok(Started { publication, public, restricted })
}

/// Starts to keep a copy of another directory up to date. What it has is served at once.
fn start_copy(
    place: &DataPlace,
    origin: CopyOrigin,
    guide: Guide,
    publisher: Publisher,
    niceness: i32,
    tell: &SharedTell,
) -> Result<Started> {
    let publication = Arc::new(PublicationStates::new(Arc::new(now_us)));
    let stores = open_served(place, &origin, guide, tell)?;
    let public = ServedStore::new(Arc::clone(&stores.public));
    let thread = CopyThread {
        place: place.clone(),
        origin,
        served: public.clone(),
        view: View { guide, perimeter: Perimeter::Public },
        retained: stores.retained(Perimeter::Public),
        publication: Arc::clone(&publication),
        publisher: Arc::new(publisher),
        tell: Arc::clone(tell),
    };
    let started = std::thread::Builder::new().spawn(move || {
        run_behind_readers(niceness);
        thread.run();
    });
    started.context("starting to follow the origin")?;
    Ok(Started { publication, public, restricted: None })
}

/// Compares the clock of this machine with that of the database, now and then: nodes date transactions by their own.
fn watch_database_clock(place: &DataPlace, publication: &Arc<PublicationStates>, turn: Arc<std::sync::Mutex<()>>) -> Result<()> {
    if place.database.is_none() {
        return Ok(());
    }
    let (place, publication) = (place.clone(), Arc::clone(publication));
    let watch = move || {
        loop {
            // A database that does not answer is told by those who publish.
            if let Ok(Some(Ok(ahead_ms))) = place.database_url().map(|url| url.map(|url| ahead_of_database_ms(&url))) {
                let _one = turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                publication.report_database_clock(ahead_ms);
            }
            std::thread::sleep(COMPARE_CLOCKS);
        }
    };
    std::thread::Builder::new().spawn(watch).context("comparing clocks")?;
    Ok(())
}

/// Starts to make the extractions of a server, when the operator wants some; returns their directory. Restricted files are made when
/// somebody has a credential for them.
fn start_extractions(
    place: &DataPlace,
    configuration: &Configuration,
    public: &ServedStore<Index>,
    restricted: Option<&ServedStore<Index>>,
    tell: &SharedTell,
) -> Result<Option<PathBuf>> {
    let at = configuration.publication.extractions.value;
    if at == DailyTime::Off {
        return Ok(None);
    }
    if CopyOrigin::of(&place.data)?.is_some() {
        bail!("[publication] extractions: a copy has no registry to make national files from; set it to \"off\" here");
    }
    let public = std::iter::once((Perimeter::Public, public.clone()));
    let import = &configuration.import;
    let thread = ExtractionThread {
        place: place.clone(),
        at,
        stores: public.chain(restricted.map(|store| (Perimeter::Restricted, store.clone()))).collect(),
        options: ExtractOptions {
            sort_bytes: import.sort_bytes.get().min(annuaire_extract::limits::SORT_BYTES),
            spill: Some(import.spill.clone().unwrap_or_else(|| place.data.clone())),
            threads: import.threads.get(),
            ..ExtractOptions::default()
        },
        tell: Arc::clone(tell),
    };
    let niceness = import.niceness.get();
    let started = std::thread::Builder::new().spawn(move || {
        run_behind_readers(niceness);
        thread.run();
    });
    started.context("starting the extractions")?;
    Ok(Some(extractions_dir(place)))
}

/// How far the stores are behind the log, in words.
fn behind(publication: &PublicationStates) -> Vec<String> {
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
