//! The FHIR door: HTTP over publication stores.
//!
//! [`router`] serves the public perimeter under `/fhir/v2` and its alias `/fhir/dp`, the restricted one under `/fhir/dr`
//! once a credential is configured, `/health` and `/metrics`. Every request is admitted (perimeter, key, rate, method,
//! size) before anything is read of its body, and ends as one log line.

mod answers;
mod bundle;
mod capability;
mod cursor;
mod gzip;
mod limits;
mod metrics;
mod query;
mod rate;
mod share;
mod stream;
mod xml;

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use annuaire_base::date::{http_date, parse_http_date};
use annuaire_index::{Effort, Full, Index, LONG, Lane, RoaringBitmap, Snapshot};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use axum::response::Response;
use axum::routing::any;

use answers::Answers;
use bundle::{Draft, Frame};
use cursor::Cursor;
use metrics::Metrics;
use query::{Handling, Types};
pub use rate::Rate;
use rate::{Limiter, Verdict};
use share::Shares;

const TOO_OLD: &str = "The url can't be processed. Maybe it is too old or corrupted.";

/// A sink of log lines.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;
/// A clock: microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Settings of the service.
#[derive(Clone)]
pub struct Settings {
    /// Scheme, host and path prefix that clients see, before `/fhir/v2`; by default `http://` and the `Host` header.
    pub public_base: Option<String>,
    /// Accepted `ESANTE-API-KEY` values; empty opens the service.
    pub api_keys: Vec<String>,
    /// Key of the paging tokens: keep it across restarts.
    pub cursor_key: [u8; 32],
    /// Requests that one key, or one address when the service is open, may make.
    pub rate: Option<Rate>,
    /// Where the line of each request goes: `time`, `method`, `route`, `type`, `status`, `bytes`, `us` (microseconds of
    /// work), `client` (hash of the key or address), `results` (matches sent), `id` (request id). Never a parameter value:
    /// names are personal data.
    pub log: Option<Log>,
    /// The clock.
    pub clock: Clock,
    /// Where long requests wait their turn.
    pub lane: Arc<Lane>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("public_base", &self.public_base)
            .field("api_keys", &format_args!("{} hidden", self.api_keys.len()))
            .field("cursor_key", &"hidden")
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// The restricted perimeter: its store, and who may read it.
#[derive(Clone)]
pub struct Restricted {
    /// Store of the restricted perimeter.
    pub index: Arc<Index>,
    /// Accepted `Authorization: Bearer` values. Empty: nobody.
    pub credentials: Vec<String>,
}

/// A perimeter as served.
struct Door {
    index: Arc<Index>,
    types: Types,
}

struct App {
    public: Door,
    restricted: Option<Door>,
    credentials: Vec<String>,
    settings: Settings,
    limiter: Option<Limiter>,
    answers: Answers,
    shares: Shares,
    metrics: Metrics,
    requests: AtomicU64,
}

/// A refused request.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    code: &'static str,
    /// The documented text of the case.
    text: String,
    /// Where, and what to do, when the text does not say it.
    hint: String,
    /// The cause is an unknown parameter, which lenient handling ignores.
    unknown: bool,
    /// The cause is the work it takes: with more of it, there may be an answer.
    exhausted: bool,
}

impl Fault {
    /// A fault whose code says the kind of its status; `contract` gives it the one of the national service.
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let code = match status {
            StatusCode::UNAUTHORIZED => "login",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not-found",
            StatusCode::GONE => "deleted",
            StatusCode::NOT_ACCEPTABLE | StatusCode::UNSUPPORTED_MEDIA_TYPE => "not-supported",
            StatusCode::PAYLOAD_TOO_LARGE => "too-long",
            StatusCode::TOO_MANY_REQUESTS => "throttled",
            StatusCode::BAD_REQUEST => "invalid",
            _ => "exception",
        };
        Self { status, code, text: text.into(), hint: String::new(), unknown: false, exhausted: false }
    }

    fn client(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// A value that does not follow its form.
    fn value(hint: &str) -> Self {
        Self::client("Bad parameter value.").code("value").hint(hint)
    }

    /// A name that `ty` does not have, and the ones that it has.
    fn unknown<'a>(name: &str, ty: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        let hint = if known.is_empty() { String::new() } else { format!("Known: {known}.") };
        let text = format!("Parameter {name} not found for resource {ty}");
        Self { unknown: true, ..Self::client(text).contract().hint(hint) }
    }

    fn code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// The fault of a documented situation (fhir-api §5), in which clients of the national service read `exception`.
    fn contract(self) -> Self {
        self.code("exception")
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// Says that the fault is in the parameter `name`.
    fn at(mut self, name: &str) -> Self {
        if !self.text.contains(name) && !self.hint.starts_with("In ") {
            self.hint = format!("In {name}: {}", self.hint).trim_end_matches([' ', ':']).to_owned();
        }
        self
    }

    fn too_costly(text: String) -> Self {
        Self { code: "too-costly", ..Self::client(text) }
    }

    fn missing(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Resource not found with id: {id}")).contract()
    }

    /// A resource that the directory had, and whose time in it is over. The text is that of a resource that is not there.
    fn gone(id: &str) -> Self {
        Self { status: StatusCode::GONE, ..Self::missing(id) }
            .code("deleted")
            .hint("It left the directory. Its versions are in its history: add /_history to its address.")
    }

    fn login(text: &str) -> Self {
        Self { code: "login", ..Self::new(StatusCode::UNAUTHORIZED, text) }
    }

    fn unsupported_type(status: StatusCode, types: Types) -> Self {
        let mut names = types.names().to_vec();
        names.sort_unstable();
        let text =
            format!("Can't process the request. Resource type not supported. Server knows how to handle: [{}]", names.join(", "));
        Self::new(status, text).contract()
    }
}

/// A failure of the index: the client's when it asked for too much.
pub(crate) fn failed(cause: annuaire_index::Error) -> Fault {
    match cause {
        annuaire_index::Error::Exhausted => Fault { exhausted: true, ..Fault::too_costly(
            "This search needs more work than one request may take. Give longer values or fewer of them, add a criterion, or copy the directory and search in it.".to_owned(),
        ) },
        other => internal(other),
    }
}

/// A failure that is not the client's; its cause is not told.
pub(crate) fn internal<E: fmt::Display>(_cause: E) -> Fault {
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "Unexpected error")
}

/// The service over the public store and, when given, the restricted one.
pub fn router(index: Arc<Index>, restricted: Option<Restricted>, settings: Settings) -> Router {
    let (door, credentials) = match restricted {
        Some(r) => (Some(Door { index: r.index, types: Types::Restricted }), r.credentials),
        None => (None, Vec::new()),
    };
    let app = App {
        public: Door { index, types: Types::Public },
        restricted: door,
        credentials,
        limiter: settings.rate.map(Limiter::new),
        answers: Answers::new(),
        shares: Shares::default(),
        settings,
        metrics: Metrics::default(),
        requests: AtomicU64::new(0),
    };
    let paths = ["/fhir", "/fhir/", "/fhir/{*rest}", "/health", "/metrics"];
    paths.into_iter().fold(Router::new(), |router, path| router.route(path, any(serve))).with_state(Arc::new(app))
}

/// What a request asked, for the log and the counters. Known as far as the request was understood.
#[derive(Clone, Copy)]
struct Seen {
    route: &'static str,
    ty: &'static str,
    results: Option<u64>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { route: "other", ty: "-", results: None }
    }
}

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Xml,
}

async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let start = (app.settings.clock)();
    let (parts, body) = request.into_parts();
    let client = app.client(&parts);
    let verdict = app.limiter.as_ref().filter(|_| is_fhir(parts.uri.path())).map(|l| (l.rate(), l.take(client, start)));
    let format = format_of(&parts);
    let admitted = app.admit(&parts, verdict.map(|v| v.1)).and(format.as_ref().map_err(Fault::copy).copied());
    let mut asked = Asked { format: format.unwrap_or(Format::Json), form: None, parts, client, seen: Seen::default(), key: None };
    let outcome = match admitted {
        Err(fault) => Err(fault),
        Ok(_) if asked.parts.method == Method::OPTIONS => Ok(reply(StatusCode::NO_CONTENT, Vec::new())),
        Ok(_) => match asked.take_form(body).await {
            Err(fault) => Err(fault),
            Ok(()) => {
                asked.key = app.key(&asked);
                let quick = match app.shares.pace(client, start) {
                    None => app.respond(&mut asked, limits::QUICK),
                    Some(wait) => {
                        tokio::time::sleep(Duration::from_micros(wait)).await;
                        None
                    }
                };
                let (asked, response) = match quick {
                    Some(response) => (asked, response),
                    None => app.respond_in_turn(asked).await,
                };
                return app.end(asked, response, verdict, start);
            }
        },
    };
    let answer = outcome.unwrap_or_else(|fault| refusal(&fault, &asked.parts));
    let response = finish(answer, &asked, &app);
    app.end(asked, response, verdict, start)
}

/// A request as far as it was read.
struct Asked {
    parts: Parts,
    /// Body of a POST.
    form: Option<Bytes>,
    format: Format,
    client: u64,
    seen: Seen,
    /// Which answer this is, when it is one that may have been given before.
    key: Option<answers::Key>,
}

impl Asked {
    /// Reads the body of a POST. What it says of the format comes before what the headers say.
    async fn take_form(&mut self, body: Body) -> Result<(), Fault> {
        if self.parts.method != Method::POST {
            return Ok(());
        }
        let form = to_bytes(body, limits::QUERY).await;
        let form = form.map_err(|_| Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large."))?;
        if is_form(&self.parts)
            && let Some(format) = asked_format(std::str::from_utf8(&form).unwrap_or_default())?
        {
            self.format = format;
        }
        self.form = Some(form);
        Ok(())
    }

    /// The same request again, without its body: for the answer when its turn does not come.
    fn copy(&self) -> Self {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = self.parts.method.clone();
        parts.uri = self.parts.uri.clone();
        parts.headers = self.parts.headers.clone();
        Self { parts, form: None, key: None, ..*self }
    }
}

/// What a line of the log and the counters tell of a request.
struct Line {
    method: Method,
    seen: Seen,
    status: StatusCode,
    client: u64,
    id: String,
    start: i64,
}

fn refusal(fault: &Fault, parts: &Parts) -> Answer {
    let mut answer = reply(fault.status, bundle::issues("error", std::slice::from_ref(fault)));
    if fault.status == StatusCode::UNAUTHORIZED {
        let scheme = if parts.uri.path().starts_with("/fhir/dr") { "Bearer" } else { "ESANTE-API-KEY" };
        answer.set(header::WWW_AUTHENTICATE, format!("{scheme} realm=\"fhir\""));
    }
    answer
}

/// An answer before its format, compression and common headers.
struct Answer {
    status: StatusCode,
    /// FHIR JSON, or plain text.
    body: Vec<u8>,
    /// What follows the body, not made yet.
    rest: Option<Rest>,
    plain: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// A value that cannot stand in a header is left out.
    fn set(&mut self, name: HeaderName, value: String) {
        self.headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.set(name, value);
        self
    }
}

fn reply(status: StatusCode, body: Vec<u8>) -> Answer {
    Answer { status, body, rest: None, plain: false, headers: Vec::new() }
}

/// The end of a bundle, and where its rows are.
struct Rest {
    draft: Draft,
    index: Arc<Index>,
}

impl Rest {
    /// What follows, about `piece` bytes of it, and whether that is all.
    fn next(&mut self, piece: usize) -> Result<(Vec<u8>, bool), Fault> {
        // Rows do not change: the same transaction is there for as long as the store is.
        let snap = self.index.snapshot_at(self.draft.tx()).map_err(internal)?.ok_or_else(|| internal("transaction"))?;
        let done = self.draft.write(&snap, piece)?;
        Ok((self.draft.take(), done))
    }
}

/// A state to answer from, and the store that it is of.
struct At<'a> {
    snap: Snapshot,
    index: &'a Arc<Index>,
}

/// The answer that is a bundle, made with `make`: whole when it is short, else its first piece and the rest; 304 for a client
/// that holds this very bundle, which is then not made.
fn bundle(
    parts: &Parts,
    at: &At,
    frame: Frame,
    seen: &mut Seen,
    make: impl FnOnce(Frame) -> Result<Draft, Fault>,
) -> Result<Answer, Fault> {
    let tag = bundle_tag(&at.snap, &frame);
    // The answer to a POST is never in a cache.
    if parts.method != Method::POST && holds(parts, &tag) {
        return Ok(reply(StatusCode::NOT_MODIFIED, Vec::new()).with(header::ETAG, tag));
    }
    let mut draft = make(frame)?;
    let whole = draft.write(&at.snap, limits::PIECE)?;
    seen.results = Some(draft.matches());
    let body = draft.take();
    let rest = (!whole).then(|| Rest { draft, index: Arc::clone(at.index) });
    Ok(Answer { rest, ..reply(StatusCode::OK, body) }.with(header::ETAG, tag))
}

/// Writes the answer in the format asked, compressed when the client accepts it and it pays.
fn finish(answer: Answer, asked: &Asked, app: &Arc<App>) -> Response {
    let Answer { mut status, mut body, mut rest, plain, headers } = answer;
    let parts = &asked.parts;
    let mut kind = if plain { "text/plain;charset=UTF-8" } else { "application/fhir+json;charset=UTF-8" };
    if asked.format == Format::Xml && !plain && !body.is_empty() {
        match whole(&mut body, rest.take()).and_then(|()| xml::document(&body).map_err(internal)) {
            Ok(document) => (body, kind) = (document, "application/fhir+xml;charset=UTF-8"),
            Err(_) => {
                status = StatusCode::INTERNAL_SERVER_ERROR;
                body = bundle::outcome("error", "exception", "Unexpected error");
            }
        }
    }
    let made = body.len();
    let mut encoder = (accepts_gzip(&parts.headers) && body.len() >= limits::GZIP_FROM).then(gzip::Encoder::new);
    let encoding = encoder.as_ref().map(|_| "gzip");
    if rest.is_none()
        && let Some(encoder) = encoder.take()
    {
        body = encoder.whole(&body);
    }
    let empty = body.is_empty();
    let body = Bytes::from(body);
    // What may be asked again is kept; of a body that is not, there is one owner, which costs less.
    let key = asked.key.clone().filter(|_| rest.is_none() && status == StatusCode::OK && made >= limits::WORTH_KEEPING);
    let kept = key.map(|key| (key, body.clone()));
    let mut response = match rest {
        None => Response::new(Body::from(body)),
        Some(rest) => stream::response(&body, rest, encoder, app, asked.client),
    };
    *response.status_mut() = status;
    if !empty {
        fix(&mut response, header::CONTENT_TYPE, kind);
    }
    if let Some(encoding) = encoding {
        fix(&mut response, header::CONTENT_ENCODING, encoding);
    }
    fix(&mut response, header::VARY, "Accept, Accept-Encoding, Authorization, ESANTE-API-KEY");
    fix(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if !parts.uri.path().starts_with("/fhir/dr") {
        // Public data may be read by pages of any site, with their own key.
        fix(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        if parts.method == Method::OPTIONS {
            set(&mut response, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST");
            let allowed = "Accept, Content-Type, ESANTE-API-KEY, If-None-Match, If-Modified-Since, Prefer";
            set(&mut response, header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
            set(&mut response, header::ACCESS_CONTROL_MAX_AGE, "86400");
        }
    }
    response.headers_mut().extend(headers);
    if let Some((key, body)) = kept {
        app.answers.keep(key, body, response.headers(), asked.seen);
    }
    response
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    text(headers, header::ACCEPT_ENCODING).split(',').any(|e| {
        let mut words = e.split(';').map(str::trim);
        let gzip = words.next().is_some_and(|n| n.eq_ignore_ascii_case("gzip") || n == "*");
        gzip && !words.any(|w| matches!(w.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Writes the rest of a bundle after its first piece.
fn whole(body: &mut Vec<u8>, rest: Option<Rest>) -> Result<(), Fault> {
    if let Some(mut rest) = rest {
        body.append(&mut rest.next(usize::MAX)?.0);
    }
    Ok(())
}

fn rate_headers(response: &mut Response, rate: Rate, v: Verdict) {
    // The draft of the working group and the names that clients already know.
    let header = HeaderName::from_static;
    set(response, header("ratelimit-policy"), &format!("\"default\";q={};w=1", rate.per_second));
    set(response, header("ratelimit"), &format!("\"default\";r={};t={}", v.remaining, v.reset));
    set(response, header("x-ratelimit-limit"), &rate.burst.to_string());
    set(response, header("x-ratelimit-remaining"), &v.remaining.to_string());
    set(response, header("x-ratelimit-reset"), &v.reset.to_string());
    if !v.allowed {
        set(response, header::RETRY_AFTER, &v.reset.max(1).to_string());
    }
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The same for a value known beforehand, which is neither checked nor copied.
fn fix(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Bytes of the body of a response, 0 for one that is made in pieces.
fn length(response: &Response) -> u64 {
    response.body().size_hint().exact().unwrap_or(0)
}

fn text(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> &str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// The format of a media type, with the parameters that may follow it.
fn named_format(name: &str) -> Option<Format> {
    let mut words = name.split(';').map(|w| w.trim().to_ascii_lowercase());
    let format = match words.next().unwrap_or_default().as_str() {
        "json" | "application/fhir+json" | "application/json" | "text/json" | "application/json+fhir" => Format::Json,
        "xml" | "application/fhir+xml" | "application/xml" | "text/xml" | "application/xml+fhir" => Format::Xml,
        "*/*" | "application/*" | "text/html" | "text/*" | "text/plain" => Format::Json,
        _ => return None,
    };
    let other = words.any(|w| w.strip_prefix("fhirversion=").is_some_and(|v| !is_r4(v.trim_matches('"'))));
    (!other).then_some(format)
}

fn is_r4(version: &str) -> bool {
    matches!(version, "" | "4.0" | "4.0.1")
}

fn refused_format(what: &str) -> Fault {
    let text = format!("Format {what} is not served: use application/fhir+json or application/fhir+xml, FHIR 4.0.");
    Fault::new(StatusCode::NOT_ACCEPTABLE, text)
}

/// The format that the parameters of a query or a form ask.
fn asked_format(raw: &str) -> Result<Option<Format>, Fault> {
    let mut found = None;
    // Every request comes here: what is not asked for is not decoded.
    for (name, value) in raw.split('&').filter_map(|part| part.split_once('=')) {
        let name = query::decode(name, true);
        let value = || query::decode(value, true).unwrap_or_default();
        match name.as_deref() {
            // A `+` of the media type arrives as a space when the client did not encode it.
            Some("_format") if found.is_none() => {
                let value = value().replace(' ', "+");
                if !value.is_empty() {
                    found = Some(named_format(&value).ok_or_else(|| refused_format(&value))?);
                }
            }
            Some("fhirVersion") if !is_r4(&value()) => return Err(refused_format(&format!("FHIR {}", value()))),
            _ => {}
        }
    }
    Ok(found)
}

/// Whether the body of a request holds parameters.
fn is_form(parts: &Parts) -> bool {
    let kind = text(&parts.headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The format that a request asks: `_format` first, then `Accept` (HTTP-1, HTTP-2).
fn format_of(parts: &Parts) -> Result<Format, Fault> {
    if let Some(format) = asked_format(parts.uri.query().unwrap_or_default())? {
        return Ok(format);
    }
    let accept = text(&parts.headers, header::ACCEPT);
    if accept.trim().is_empty() {
        return Ok(Format::Json);
    }
    // The best quality wins, the first one among equals.
    let mut best: Option<(f32, Format)> = None;
    for item in accept.split(',') {
        let quality = item.split(';').skip(1).find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        if let Some(format) = named_format(item).filter(|_| quality > 0.0)
            && best.is_none_or(|b| quality > b.0)
        {
            best = Some((quality, format));
        }
    }
    best.map(|b| b.1).ok_or_else(|| refused_format(accept))
}

/// Equality in a time that depends on the lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0u8, |acc, (x, y)| std::hint::black_box(acc | (x ^ y)));
    a.len() == b.len() && differ == 0
}

/// Whether `given` is one of `known`, in a time that does not tell which.
fn one_of(known: &[String], given: &[u8]) -> bool {
    known.iter().fold(false, |found, key| found | (!key.is_empty() & same(key.as_bytes(), given)))
}

fn is_fhir(path: &str) -> bool {
    path == "/fhir" || path.starts_with("/fhir/")
}

/// Perimeter prefix of a path and the rest, when the path is ours.
fn mount(path: &str) -> Option<(&'static str, &str)> {
    ["/fhir/v2", "/fhir/dp", "/fhir/dr"].into_iter().find_map(|mount| {
        let rest = path.strip_prefix(mount)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
    })
}

fn handling(parts: &Parts) -> Handling {
    let all = parts.headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
    let wanted = all.flat_map(|v| v.split([',', ';'])).find_map(|v| match v.trim().to_ascii_lowercase().as_str() {
        "handling=lenient" => Some(Handling::Lenient),
        "handling=strict" => Some(Handling::Strict),
        _ => None,
    });
    wanted.unwrap_or(Handling::Usual)
}

/// Where a request stands: perimeter, and the path below it, as written and in decoded segments.
struct Place<'a> {
    door: &'a Door,
    mount: &'static str,
    rest: &'a str,
    segments: Vec<Cow<'a, str>>,
}

impl Fault {
    /// The same fault again: a refused format is also the format of the refusal.
    fn copy(&self) -> Self {
        Self { status: self.status, code: self.code, text: self.text.clone(), hint: self.hint.clone(), ..*self }
    }
}

impl App {
    /// Short hash of who asks: the key, or the address when there is none.
    fn client(&self, parts: &Parts) -> u64 {
        let key = text(&parts.headers, "esante-api-key");
        let bearer = text(&parts.headers, header::AUTHORIZATION);
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|a| a.0.ip().to_canonical());
        let who = if !bearer.is_empty() { bearer } else { key };
        // Keyed, so that the hash in a log tells nothing to who does not hold the key of this installation. An unknown key
        // does not make a new client: a stranger is known by its address.
        let known = one_of(&self.settings.api_keys, key.as_bytes()) || !bearer.is_empty();
        let secret = &self.settings.cursor_key;
        match address {
            _ if known => cursor::hash(1, &[secret, who.as_bytes()]),
            Some(IpAddr::V4(address)) => cursor::hash(1, &[secret, &address.octets()]),
            Some(IpAddr::V6(address)) => cursor::hash(1, &[secret, &address.octets()]),
            None => cursor::hash(1, &[secret]),
        }
    }

    fn request_id(&self, parts: &Parts, start: i64) -> String {
        let given = text(&parts.headers, "x-request-id");
        let clean = (1..=64).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if clean { given.to_owned() } else { format!("{start:x}-{:x}", self.requests.fetch_add(1, Ordering::Relaxed)) }
    }

    /// Which answer a request asks for.
    fn key(&self, asked: &Asked) -> Option<answers::Key> {
        let door = match mount(asked.parts.uri.path())?.0 {
            "/fhir/dr" => self.restricted.as_ref()?,
            _ => &self.public,
        };
        Answers::key(door.index.applied_tx(), asked)
    }

    /// Headers that every answer has, and its line.
    fn end(&self, asked: Asked, mut response: Response, verdict: Option<(Rate, Verdict)>, start: i64) -> Response {
        let id = self.request_id(&asked.parts, start);
        set(&mut response, HeaderName::from_static("x-request-id"), &id);
        if let Some((rate, v)) = verdict {
            rate_headers(&mut response, rate, v);
        }
        // The body of an answer to HEAD is dropped by the router, which tells its length.
        let head = asked.parts.method == Method::HEAD;
        let line =
            Line { method: asked.parts.method, seen: asked.seen, status: response.status(), client: asked.client, id, start };
        // An answer made in pieces is accounted for when its last one is made.
        match response.extensions_mut().remove::<stream::Watch>() {
            Some(watch) if !head => watch.set(line),
            _ => {
                self.account(&line, length(&response), (self.settings.clock)() - start);
            }
        }
        response
    }

    /// Answers with that much work.
    fn answer(&self, asked: &mut Asked, effort: Effort) -> Result<Answer, Fault> {
        let Asked { parts, form, format, seen, .. } = asked;
        let answer = match form {
            Some(form) => self.post(parts, form, effort, seen),
            None => self.get(parts, effort, seen),
        }?;
        if effort == limits::QUICK && *format == Format::Xml && answer.rest.is_some() {
            // XML is made of the whole bundle.
            return Err(failed(annuaire_index::Error::Exhausted));
        }
        Ok(answer)
    }

    /// The response that was given before or that this much work makes; `None` when it needs more.
    fn respond(self: &Arc<Self>, asked: &mut Asked, effort: Effort) -> Option<Response> {
        let start = (self.settings.clock)();
        let response = self.respond_with(asked, effort);
        let now = (self.settings.clock)();
        self.shares.count(asked.client, now, now - start, response.as_ref().map_or(0, length), i64::from(response.is_some()));
        response
    }

    fn respond_with(self: &Arc<Self>, asked: &mut Asked, effort: Effort) -> Option<Response> {
        if let Some((response, seen)) = asked.key.as_ref().and_then(|key| self.answers.find(key)) {
            asked.seen = seen;
            return Some(response);
        }
        let answer = match self.answer(asked, effort) {
            Err(fault) if fault.exhausted && effort < LONG => return None,
            outcome => outcome.unwrap_or_else(|fault| refusal(&fault, &asked.parts)),
        };
        Some(finish(answer, asked, self))
    }

    /// Responds when the turn of the client comes, with the work that a long request may take.
    async fn respond_in_turn(self: &Arc<Self>, mut asked: Asked) -> (Asked, Response) {
        let (app, spare) = (Arc::clone(self), asked.copy());
        let job = move || {
            let response = app.respond(&mut asked, LONG);
            (asked, response)
        };
        let fault = match self.settings.lane.run(spare.client, job) {
            Ok(result) => match result.await {
                Ok((asked, Some(response))) => return (asked, response),
                _ => internal("a job was lost"),
            },
            Err(Full) => Fault {
                code: "throttled",
                ..Fault::new(StatusCode::TOO_MANY_REQUESTS, "Too many long searches at once: wait for their answers.")
            },
        };
        let response = finish(refusal(&fault, &spare.parts), &spare, self);
        (spare, response)
    }

    /// Counts the request and writes its line; `micros` of work.
    fn account(&self, line: &Line, bytes: u64, micros: i64) {
        let micros = u64::try_from(micros).unwrap_or(0);
        let Line { method, seen, status, client, id, start } = line;
        let status = status.as_u16();
        self.metrics.record(seen.route, status, bytes, micros);
        if let Some(log) = &self.settings.log {
            let time = annuaire_base::date::iso_ms(start / 1_000);
            let results = seen.results.map_or_else(|| "-".to_owned(), |n| n.to_string());
            log(&format!(
                "time={time} method={method} route={} type={} status={status} bytes={bytes} us={micros} client={:08x} results={results} id={id}",
                seen.route,
                seen.ty,
                client >> 32
            ));
        }
    }

    /// Checks the rate, the path's perimeter, the key, the method and the size, before any body is read.
    fn admit(&self, parts: &Parts, verdict: Option<Verdict>) -> Result<(), Fault> {
        let path = parts.uri.path();
        if verdict.is_some_and(|v| !v.allowed) {
            return Err(Fault {
                code: "throttled",
                ..Fault::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests: see Retry-After.")
            });
        }
        if parts.method == Method::OPTIONS {
            return Ok(());
        }
        if matches!(mount(path), Some(("/fhir/dr", _))) {
            let bearer = text(&parts.headers, header::AUTHORIZATION);
            let given = bearer.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let known = given.is_some_and(|(_, token)| one_of(&self.credentials, token.trim().as_bytes()));
            return if self.restricted.is_none() || self.credentials.is_empty() {
                Err(Fault::login("The restricted perimeter is not configured."))
            } else if !known {
                Err(Fault::login("A valid credential is required for the restricted perimeter."))
            } else {
                self.shape(parts)
            };
        }
        let keys = &self.settings.api_keys;
        if (is_fhir(path) || path == "/metrics")
            && !keys.is_empty()
            && !one_of(keys, text(&parts.headers, "esante-api-key").as_bytes())
        {
            return Err(Fault::login("A valid ESANTE-API-KEY header is required."));
        }
        self.shape(parts)
    }

    /// Method and size.
    fn shape(&self, parts: &Parts) -> Result<(), Fault> {
        if ![Method::GET, Method::HEAD, Method::POST].contains(&parts.method) {
            let refused = Fault::new(StatusCode::FORBIDDEN, "Forbidden: this service is read only.");
            return Err(Fault { code: "forbidden", ..refused });
        }
        // A paging token is a query in base64 and may be a third longer.
        if parts.uri.query().is_some_and(|q| q.len() > limits::QUERY && !parts.uri.path().ends_with("/_page")) {
            return Err(Fault::too_costly("The query is too long.".to_owned()));
        }
        Ok(())
    }

    fn place<'a>(&'a self, parts: &'a Parts) -> Result<Place<'a>, Fault> {
        let unknown = || Fault::new(StatusCode::NOT_FOUND, "No resource at this address.");
        let (mount, rest) = mount(parts.uri.path()).ok_or_else(unknown)?;
        let door = match (mount, &self.restricted) {
            ("/fhir/dr", door) => door.as_ref().ok_or_else(unknown)?,
            _ => &self.public,
        };
        let segments = rest.split('/').filter(|s| !s.is_empty()).map(|s| query::decode(s, false).ok_or_else(unknown));
        Ok(Place { door, mount, rest, segments: segments.collect::<Result<_, _>>()? })
    }

    /// What public addresses start with.
    fn base(&self, parts: &Parts, place: &Place) -> String {
        let mount = place.mount;
        if let Some(root) = &self.settings.public_base {
            return format!("{}{mount}", root.trim_end_matches('/').trim_end_matches(mount));
        }
        let host = text(&parts.headers, header::HOST);
        let host = if host.is_empty() { parts.uri.authority().map_or("", |a| a.as_str()) } else { host };
        let clean = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
        format!("http://{}{mount}", if clean { host } else { "localhost" })
    }

    fn post(&self, parts: &Parts, form: &[u8], effort: Effort, seen: &mut Seen) -> Result<Answer, Fault> {
        let place = self.place(parts)?;
        let names: Vec<&str> = place.segments.iter().map(AsRef::as_ref).collect();
        match names.as_slice() {
            [ty, "_search"] | [ty] if is_form(parts) => {
                let body = std::str::from_utf8(form).map_err(|_| Fault::value("The body is not UTF-8."))?;
                // R4 allows parameters on both sides.
                let raw = match parts.uri.query() {
                    Some(query) if !query.is_empty() => format!("{query}&{body}"),
                    _ => body.to_owned(),
                };
                search(self, parts, &place, ty, &raw, effort, seen)
            }
            [_, "_search"] => {
                Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/x-www-form-urlencoded."))
            }
            _ => Err(Fault { code: "forbidden", ..Fault::new(StatusCode::FORBIDDEN, "Forbidden: this service is read only.") }),
        }
    }

    fn get(&self, parts: &Parts, effort: Effort, seen: &mut Seen) -> Result<Answer, Fault> {
        match parts.uri.path() {
            "/health" => {
                seen.route = "health";
                return self.health();
            }
            "/metrics" => {
                seen.route = "metrics";
                let mut stores = vec![("public", self.public.index.applied_tx())];
                stores.extend(self.restricted.iter().map(|d| ("restricted", d.index.applied_tx())));
                return Ok(Answer { plain: true, ..reply(StatusCode::OK, self.metrics.text(&stores).into_bytes()) });
            }
            _ => {}
        }
        let place = self.place(parts)?;
        let raw = parts.uri.query().unwrap_or_default();
        let names: Vec<&str> = place.segments.iter().map(AsRef::as_ref).collect();
        match names.as_slice() {
            ["metadata"] => {
                seen.route = "metadata";
                Ok(reply(
                    StatusCode::OK,
                    capability::statement(&self.base(parts, &place), place.door.types).to_string().into_bytes(),
                ))
            }
            ["_page"] => {
                seen.route = "page";
                self.page(parts, &place, raw, effort, seen)
            }
            ["_history"] | [_, "_history"] | [_, _, "_history"] => {
                seen.route = "history";
                let snap = place.door.index.snapshot().map_err(internal)?.within(effort);
                self.history(parts, snap, &place, &names.join("/"), raw, None, handling(parts) == Handling::Lenient, seen)
            }
            [ty] | [ty, "_search"] => search(self, parts, &place, ty, raw, effort, seen),
            [ty, id] => self.read(parts, &place, ty, id, None, seen),
            [ty, id, "_history", version] => self.read(parts, &place, ty, id, Some(version), seen),
            _ => Err(Fault::new(StatusCode::NOT_FOUND, "No resource at this address.")),
        }
    }

    /// Alive, and how fresh.
    fn health(&self) -> Result<Answer, Fault> {
        let snap = self.public.index.snapshot().map_err(internal)?;
        let body = serde_json::json!({
            "status": "ok",
            "tx": snap.tx(),
            "commit": (snap.tx() > 0).then(|| annuaire_base::date::iso_ms(snap.commit_ms())),
        });
        Ok(Answer { plain: true, ..reply(StatusCode::OK, format!("{body}\n").into_bytes()) }
            .with(header::CONTENT_TYPE, "application/json".to_owned()))
    }

    fn frame(
        &self,
        base: String,
        self_url: String,
        scope: String,
        query: String,
        from: Option<(Option<u32>, Option<u64>)>,
    ) -> Frame {
        Frame { base, key: self.settings.cursor_key, self_url, scope, query, from }
    }

    /// A following page, in the state of the first one.
    fn page(&self, parts: &Parts, place: &Place, raw: &str, effort: Effort, seen: &mut Seen) -> Result<Answer, Fault> {
        let id = query::pairs(raw)?.into_iter().find(|(name, value)| name == "id" && !value.is_empty());
        let (_, token) = id.ok_or_else(|| Fault::client("Parameter id required to fetch the next page").contract())?;
        let too_old = || Fault::client(TOO_OLD).contract().hint("Run the search again from its first page.");
        let cursor = Cursor::open(&token, &self.settings.cursor_key).ok_or_else(too_old)?;
        // A token of one perimeter opens nothing in another: its scope begins with the perimeter.
        let scope = cursor.scope.strip_prefix(place.door.prefix()).ok_or_else(too_old)?;
        let snap = place.door.index.snapshot_at(cursor.tx).map_err(internal)?.ok_or_else(too_old)?.within(effort);
        let from = Some((cursor.last_row, cursor.total));
        if scope.ends_with("_history") {
            return self.history(parts, snap, place, scope, &cursor.query, from, true, seen);
        }
        let (ty, number) = place.door.types.known(scope).ok_or_else(too_old)?;
        seen.ty = ty;
        // The first page settled what is accepted.
        let base = self.base(parts, place);
        let search = query::compile(&snap, &base, ty, &cursor.query, Handling::Lenient)?;
        let self_url = format!("{base}/_page?{raw}");
        let frame = self.frame(base, self_url, cursor.scope, cursor.query, from);
        let at = At { snap, index: &place.door.index };
        bundle(parts, &at, frame, seen, |frame| bundle::searchset(&at.snap, number, search, frame))
    }

    /// The current version of a resource, or the one asked.
    fn read(
        &self,
        parts: &Parts,
        place: &Place,
        ty: &str,
        id: &str,
        version: Option<&str>,
        seen: &mut Seen,
    ) -> Result<Answer, Fault> {
        let types = place.door.types;
        seen.route = if version.is_some() { "vread" } else { "read" };
        let (ty, number) = types.known(ty).ok_or_else(|| Fault::unsupported_type(StatusCode::NOT_FOUND, types))?;
        seen.ty = ty;
        let snap = place.door.index.snapshot().map_err(internal)?;
        let found = match version.map(str::parse::<u32>) {
            None => snap.current(number, id).map_err(internal)?,
            Some(Ok(n)) => snap.version(number, id, n).map_err(internal)?,
            Some(Err(_)) => None,
        };
        let asked = || version.map_or_else(|| id.to_owned(), |version| format!("{id}/_history/{version}"));
        let Some(entry) = found else {
            // What left the directory has versions and no current one.
            let left = version.is_none() && !snap.history(number, id).map_err(internal)?.is_empty();
            return Err(if left { Fault::gone(id) } else { Fault::missing(&asked()) });
        };
        let tag = format!("W/\"{}\"", entry.version);
        // If-None-Match present: it alone is evaluated (COND-2).
        let fresh = if parts.headers.contains_key(header::IF_NONE_MATCH) {
            holds(parts, &tag)
        } else {
            // One-second resolution: 304 only when the second that the client names is over, so that nothing newer fits in it
            // (COND-4).
            let date = parse_http_date(text(&parts.headers, header::IF_MODIFIED_SINCE));
            let now = (self.settings.clock)().div_euclid(1_000_000);
            date.is_some_and(|second| entry.commit_ms.div_euclid(1_000) <= second && second < now)
        };
        let kept = query::kept(ty, parts.uri.query().unwrap_or_default())?;
        let updated = entry.commit_ms;
        let answer = match kept {
            _ if fresh => reply(StatusCode::NOT_MODIFIED, Vec::new()),
            Some(names) => reply(StatusCode::OK, bundle::reduce(entry.body(), &names)),
            None => reply(StatusCode::OK, entry.into_body()),
        };
        // A version never changes; it may be withdrawn, which caches must see within a day (COND-5, WDR-5).
        let keep = match (version, types) {
            (None, _) => "no-cache".to_owned(),
            (Some(_), Types::Public) => format!("max-age={}, immutable", limits::VERSION_KEPT),
            (Some(_), Types::Restricted) => format!("private, max-age={}, immutable", limits::VERSION_KEPT),
        };
        Ok(answer.with(header::ETAG, tag).with(header::LAST_MODIFIED, http_date(updated)).with(header::CACHE_CONTROL, keep))
    }

    /// History of everything, a type or a resource: `scope` is the path.
    #[allow(clippy::too_many_arguments)]
    fn history(
        &self,
        parts: &Parts,
        snap: Snapshot,
        place: &Place,
        scope: &str,
        raw: &str,
        from: Option<(Option<u32>, Option<u64>)>,
        lenient: bool,
        seen: &mut Seen,
    ) -> Result<Answer, Fault> {
        let types = place.door.types;
        let names: Vec<&str> = scope.split('/').collect();
        let ty = match names.as_slice() {
            [name, _] | [name, _, _] => {
                Some(types.known(name).ok_or_else(|| Fault::unsupported_type(StatusCode::NOT_FOUND, types))?)
            }
            _ => None,
        };
        seen.ty = ty.map_or("-", |t| t.0);
        let (mut count, mut capped, mut since, mut at, mut oldest_first) = (limits::PAGE, false, i64::MIN, None, false);
        for (name, value) in query::pairs(raw)? {
            match name.as_str() {
                "_since" | "_at" if value.is_empty() => {}
                "_since" => since = query::interval(&value).map_err(|f| f.at(&name))?.0,
                "_at" => at = Some(query::interval(&value).map_err(|f| f.at(&name))?),
                "_count" => (count, capped) = query::count(&value)?.unwrap_or((count, capped)),
                "_sort" => {
                    oldest_first = match value.as_str() {
                        "_lastUpdated" => true,
                        "-_lastUpdated" | "" | "none" => false,
                        _ => return Err(Fault::unknown(&format!("_sort={value}"), "System", ["_lastUpdated", "-_lastUpdated"])),
                    }
                }
                "_format" | "_pretty" | "fhirVersion" => {}
                _ if lenient => {}
                _ => return Err(Fault::unknown(&name, ty.map_or("System", |(ty, _)| ty), ["_since", "_at", "_count", "_sort"])),
            }
        }
        let mut rows = match (names.as_slice(), ty) {
            ([_, id, _], Some((_, number))) => {
                let versions = snap.history(number, id).map_err(failed)?;
                if versions.is_empty() {
                    return Err(Fault::missing(id));
                }
                let rows: RoaringBitmap = versions.into_iter().collect();
                rows & snap.versions_since(Some(number), since).map_err(failed)?
            }
            _ => snap.versions_since(ty.map(|(_, number)| number), since).map_err(internal)?,
        };
        if let Some((first, last)) = at {
            rows = snap.current_during(&rows, first, last).map_err(failed)?;
        }
        let shown = if raw.is_empty() { String::new() } else { format!("?{}", applied(raw, capped)) };
        let base = self.base(parts, place);
        let self_url = match from {
            Some(_) => format!("{base}/_page?{}", parts.uri.query().unwrap_or_default()),
            None => format!("{base}{}{shown}", place.rest),
        };
        let frame = self.frame(base, self_url, format!("{}{scope}", place.door.prefix()), raw.to_owned(), from);
        let at = At { snap, index: &place.door.index };
        bundle(parts, &at, frame, seen, |frame| Ok(bundle::history(&at.snap, rows, count, oldest_first, frame)))
    }
}

impl Door {
    /// What the scope of a paging token begins with.
    fn prefix(&self) -> &'static str {
        match self.types {
            Types::Public => "",
            Types::Restricted => "dr:",
        }
    }
}

/// COND-6: the snapshot and the query name the answer.
fn bundle_tag(snap: &Snapshot, frame: &Frame) -> String {
    let last = frame.from.map_or_else(String::new, |f| format!("{:?}", f.0));
    let hash = cursor::hash(1, &[frame.base.as_bytes(), frame.scope.as_bytes(), frame.query.as_bytes(), last.as_bytes()]);
    format!("W/\"tx-{}-{hash:016x}\"", snap.tx())
}

/// Whether `If-None-Match` names this tag (weak comparison, lists and `*`).
fn holds(parts: &Parts, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    let wanted = text(&parts.headers, header::IF_NONE_MATCH);
    !wanted.is_empty() && wanted.split(',').map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == opaque)
}

fn search(
    app: &App,
    parts: &Parts,
    place: &Place,
    ty: &str,
    raw: &str,
    effort: Effort,
    seen: &mut Seen,
) -> Result<Answer, Fault> {
    let types = place.door.types;
    seen.route = "search";
    let Some((ty, number)) = types.known(ty) else {
        let fault = Fault::unsupported_type(StatusCode::BAD_REQUEST, types);
        return Err(match query::first_criterion(raw)? {
            None => fault,
            Some(name) => Fault::unknown(&name, ty, []).hint(fault.text),
        });
    };
    seen.ty = ty;
    let snap = place.door.index.snapshot().map_err(internal)?.within(effort);
    let base = app.base(parts, place);
    let search = query::compile(&snap, &base, ty, raw, handling(parts))?;
    let mut self_url = format!("{base}{}", place.rest);
    if let Some(shown) = parts.uri.query().filter(|_| parts.method != Method::POST) {
        self_url.push('?');
        self_url.push_str(&applied(shown, search.capped));
    }
    let frame = app.frame(base, self_url, format!("{}{ty}", place.door.prefix()), raw.to_owned(), None);
    let at = At { snap, index: &place.door.index };
    bundle(parts, &at, frame, seen, |frame| bundle::searchset(&at.snap, number, search, frame))
}

/// The query as it was applied: a lowered `_count` shows its cap.
fn applied(raw: &str, capped: bool) -> String {
    if !capped {
        return raw.to_owned();
    }
    let show = |part: &str| {
        let is_count = part.split('=').next().and_then(|n| query::decode(n, true)).is_some_and(|n| n == "_count");
        if is_count { format!("_count={}", limits::PAGE_CAP) } else { part.to_owned() }
    };
    raw.split('&').map(show).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_helpers() {
        assert!(same(b"key", b"key") && !same(b"key", b"kez") && !same(b"key", b"ke") && !same(b"", b"k"));
        assert_eq!(mount("/fhir/v2/x"), Some(("/fhir/v2", "/x")));
        assert_eq!(mount("/fhir/v22"), None);
        assert_eq!(applied("a=1&_count=9999", true), "a=1&_count=1000");
        let settings = Settings {
            public_base: None,
            api_keys: vec!["secret".into()],
            cursor_key: [7; 32],
            rate: None,
            log: None,
            clock: Arc::new(|| 0),
            lane: Arc::default(),
        };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
