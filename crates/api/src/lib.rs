//! The FHIR door: HTTP over publication stores.
//!
//! [`router`] serves the public perimeter under `/fhir/v2` and its alias `/fhir/dp`, the restricted one under `/fhir/dr`
//! once a credential is configured, `/health` and `/metrics`. Every request passes the [`Gate`] (host, key, credential, rate)
//! and is checked (method, size, format) before anything is read of its body, and ends as one log line. An internal error is
//! told to the client as such, and to the operator with its causes and the request id that the client got.
//!
//! | Door | Asks | A stranger gets |
//! |---|---|---|
//! | `/fhir/v2`, `/fhir/dp` | an API key, when the service has any | 401, else everything public |
//! | `/fhir/dr` | a credential | 401 |
//! | `/health` | nothing | how the public store stands |
//! | `/metrics` | an API key, when the service has any | 401, else the counters without the restricted store |

mod answers;
mod bundle;
mod capability;
mod cursor;
mod health;
mod limits;
mod query;
mod share;
mod splice;
mod stream;
mod xml;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use annuaire_base::date::{http_date, parse_http_date};
use annuaire_gzip::Encoder;
use annuaire_index::{Effort, Index, RoaringBitmap, Snapshot};
use annuaire_web::limits::{LONG, QUICK};
use annuaire_web::{
    Anyone, ApiClient, Arrival, Client, Full, Gate, Lane, RateRule, Refusal, RequestLine, RequestSubject, RestrictedReader,
    accepts_gzip,
};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use axum::response::Response;
use axum::routing::any;

use answers::Answers;
use bundle::{Draft, Frame};
use cursor::Cursor;
use query::{Handling, Types};
use share::Shares;

const TOO_OLD: &str = "The url can't be processed. Maybe it is too old or corrupted.";

/// Settings of the service.
#[derive(Clone)]
pub struct ApiSettings {
    /// Where requests arrive and leave; the doors of a server share one.
    pub gate: Arc<Gate>,
    /// Key of the paging tokens: keep it across restarts.
    pub cursor_key: [u8; 32],
    /// Where long requests wait their turn.
    pub lane: Arc<Lane>,
}

impl fmt::Debug for ApiSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiSettings").field("gate", &self.gate).field("cursor_key", &"hidden").finish_non_exhaustive()
    }
}

/// A perimeter as served.
struct Door {
    index: Arc<Index>,
    types: Types,
}

struct App {
    public: Door,
    restricted: Option<Door>,
    gate: Arc<Gate>,
    settings: ApiSettings,
    answers: Answers,
    shares: Shares,
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
    /// What went wrong inside, for the operator alone.
    cause: Option<String>,
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
        Self { status, code, text: text.into(), hint: String::new(), unknown: false, exhausted: false, cause: None }
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

/// A failure that is not the client's, which is not told its cause; the operator is, by [`refusal`].
pub(crate) fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
    let cause = annuaire_web::cause_chain(&*cause.into());
    Fault { cause: Some(cause), ..Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "Unexpected error") }
}

/// The service over the public store and, when given, the restricted one.
pub fn router(index: Arc<Index>, restricted: Option<Arc<Index>>, settings: ApiSettings) -> Router {
    let app = App {
        public: Door { index, types: Types::Public },
        restricted: restricted.map(|index| Door { index, types: Types::Restricted }),
        gate: Arc::clone(&settings.gate),
        answers: Answers::new(),
        shares: Shares::default(),
        settings,
    };
    let paths = ["/fhir", "/fhir/", "/fhir/{*rest}", "/health", "/metrics"];
    paths.into_iter().fold(Router::new(), |router, path| router.route(path, any(serve))).with_state(Arc::new(app))
}

/// What the door at a path asks of who comes. A preflight request of a browser carries no key.
async fn arrive(gate: &Gate, parts: &mut Parts) -> (Arrival, Result<Given, Refusal>) {
    let path = parts.uri.path();
    let rule = if is_fhir(path) { RateRule::Counted } else { RateRule::Exempt };
    if parts.method == Method::OPTIONS || !(is_fhir(path) || path == "/metrics") {
        let (arrival, pass) = gate.arrive::<Anyone>(parts, rule).await;
        (arrival, pass.map(|_| Given::Anyone))
    } else if is_restricted(path) {
        let (arrival, pass) = gate.arrive::<RestrictedReader>(parts, rule).await;
        (arrival, pass.map(|_| Given::RestrictedReader))
    } else {
        let (arrival, pass) = gate.arrive::<ApiClient>(parts, rule).await;
        (arrival, pass.map(Given::ApiClient))
    }
}

/// The pass of a request.
#[derive(Debug, Clone, Copy)]
enum Given {
    Anyone,
    ApiClient(ApiClient),
    RestrictedReader,
}

/// Headers that a page of another site may send.
const ALLOWED: &str =
    "Accept, Authorization, Content-Type, ESANTE-API-KEY, If-Modified-Since, If-None-Match, Prefer, X-Request-Id";
/// Headers of answers that it may read.
const EXPOSED: &str = "Content-Location, ETag, Last-Modified, Link, Location, RateLimit, RateLimit-Policy, Retry-After, \
    X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id";

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Xml,
}

async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let (arrival, pass) = arrive(&app.gate, &mut parts).await;
    let start = arrival.start;
    let format = format_of(&parts);
    let admitted = app.admit(&parts, pass).and_then(|pass| match &format {
        Ok(_) => Ok(pass),
        Err(fault) => Err(fault.copy()),
    });
    let format = format.unwrap_or(Format::Json);
    let mut asked = Asked { format, form: None, parts, arrival, pass, seen: RequestSubject::default(), key: None };
    let outcome = match admitted {
        Err(fault) => Err(fault),
        Ok(_) if asked.parts.method == Method::OPTIONS => Ok(reply(StatusCode::NO_CONTENT, Vec::new())),
        Ok(_) => match asked.take_form(body).await {
            Err(fault) => Err(fault),
            Ok(()) => {
                asked.key = app.key(&asked);
                let quick = match app.shares.pace(asked.client(), start) {
                    None => app.respond(&mut asked, QUICK),
                    Some(wait) => {
                        tokio::time::sleep(Duration::from_micros(wait)).await;
                        None
                    }
                };
                let (asked, response) = match quick {
                    Some(response) => (asked, response),
                    None => app.respond_in_turn(asked).await,
                };
                return app.end(asked, response);
            }
        },
    };
    let answer = outcome.unwrap_or_else(|fault| refusal(&fault, &asked));
    let response = finish(answer, &asked, &app);
    app.end(asked, response)
}

/// A request as far as it was read.
struct Asked {
    parts: Parts,
    /// Body of a POST.
    form: Option<Bytes>,
    format: Format,
    arrival: Arrival,
    pass: Result<Given, Refusal>,
    seen: RequestSubject,
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
        parts.extensions = self.parts.extensions.clone();
        Self {
            parts,
            form: None,
            format: self.format,
            arrival: self.arrival.clone(),
            pass: self.pass,
            seen: self.seen,
            key: None,
        }
    }

    /// Whose share and turn this takes.
    fn client(&self) -> Client {
        self.arrival.client
    }
}

/// The answer to a refused request. The cause of an internal error goes to the log of the operator.
fn refusal(fault: &Fault, asked: &Asked) -> Answer {
    if let Some(cause) = &fault.cause {
        annuaire_web::record_internal_error(&asked.arrival.id, asked.seen.route, cause);
    }
    let path = asked.parts.uri.path();
    if path == "/health" && fault.cause.is_some() {
        return health::unreadable();
    }
    let mut answer = reply(fault.status, bundle::issues("error", std::slice::from_ref(fault)));
    if fault.status == StatusCode::UNAUTHORIZED {
        let scheme = if is_restricted(path) { "Bearer" } else { "ESANTE-API-KEY" };
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
    /// What turns it into XML.
    xml: Option<splice::Entries>,
}

impl Rest {
    /// What follows, about `piece` bytes of it, and whether that is all.
    fn next(&mut self, piece: usize) -> Result<(Vec<u8>, bool), Fault> {
        // Rows do not change: the same transaction is there for as long as the store is.
        let snap = self.index.snapshot_at(self.draft.tx()).map_err(internal)?.ok_or_else(|| internal("transaction"))?;
        let done = self.draft.write(&snap, piece)?;
        let json = self.draft.take();
        match &mut self.xml {
            None => Ok((json, done)),
            Some(entries) => Ok((entries.next(&json, done)?, done)),
        }
    }

    /// The first piece of XML, of the first piece of JSON: the frame of the bundle with the links that follow its entries in
    /// JSON, then the entries that are there.
    fn xml_of(&mut self, json: &[u8]) -> Result<Vec<u8>, Fault> {
        let snap = self.index.snapshot_at(self.draft.tx()).map_err(internal)?.ok_or_else(|| internal("transaction"))?;
        let links = self.draft.settle(&snap)?;
        let (entries, first) = splice::Entries::start(json, &links)?;
        self.xml = Some(entries);
        Ok(first)
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
    seen: &mut RequestSubject,
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
    let rest = (!whole).then(|| Rest { draft, index: Arc::clone(at.index), xml: None });
    Ok(Answer { rest, ..reply(StatusCode::OK, body) }.with(header::ETAG, tag))
}

/// Writes the answer in the format asked, compressed when the client accepts it and it pays.
fn finish(answer: Answer, asked: &Asked, app: &Arc<App>) -> Response {
    let Answer { mut status, mut body, mut rest, plain, headers } = answer;
    let parts = &asked.parts;
    let mut kind = if plain { "text/plain;charset=UTF-8" } else { "application/fhir+json;charset=UTF-8" };
    if asked.format == Format::Xml && !plain && !body.is_empty() {
        let document = match &mut rest {
            None => xml::document(&body).map_err(internal),
            Some(rest) => rest.xml_of(&body),
        };
        match document {
            Ok(document) => (body, kind) = (document, "application/fhir+xml;charset=UTF-8"),
            Err(fault) => {
                (status, rest) = (StatusCode::INTERNAL_SERVER_ERROR, None);
                body = refusal(&fault, asked).body;
            }
        }
    }
    let made = body.len();
    let mut encoder = (accepts_gzip(&parts.headers) && body.len() >= limits::GZIP_FROM).then(Encoder::new);
    let encoding = encoder.as_ref().map(|_| "gzip");
    if rest.is_none()
        && let Some(encoder) = encoder.take()
    {
        body = encoder.compress_all(&body);
    }
    let empty = body.is_empty();
    let body = Bytes::from(body);
    // What may be asked again is kept; of a body that is not, there is one owner, which costs less.
    let key = asked.key.clone().filter(|_| rest.is_none() && status == StatusCode::OK && made >= limits::WORTH_KEEPING);
    let kept = key.map(|key| (key, body.clone()));
    let mut response = match rest {
        None => Response::new(Body::from(body)),
        Some(rest) => stream::response(&body, rest, encoder, app, asked.client()),
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
    response.headers_mut().extend(headers);
    if is_restricted(parts.uri.path()) {
        // Whatever the answer, nothing between us and who asked keeps it.
        fix(&mut response, header::CACHE_CONTROL, "no-store");
    } else if is_fhir(parts.uri.path()) {
        // Public data may be read by pages of any site, with their own key. Counters and health are for the operator, whose
        // browser must not read them for another site.
        fix(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        fix(&mut response, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if parts.method == Method::OPTIONS {
            fix(&mut response, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST");
            fix(&mut response, header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
            fix(&mut response, header::ACCESS_CONTROL_MAX_AGE, "86400");
        }
    }
    if let Some((key, body)) = kept {
        app.answers.keep(key, body, response.headers(), asked.seen);
    }
    response
}

/// Sets a header whose value is known beforehand: it is neither checked nor copied.
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

fn is_fhir(path: &str) -> bool {
    path == "/fhir" || path.starts_with("/fhir/")
}

/// Whether a path leads to the restricted perimeter.
fn is_restricted(path: &str) -> bool {
    matches!(mount(path), Some(("/fhir/dr", _)))
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

/// What a client that is not let in is told.
fn denied(refusal: Refusal) -> Fault {
    let throttled = |text: &str| Fault { code: "throttled", ..Fault::new(StatusCode::TOO_MANY_REQUESTS, text) };
    match refusal {
        Refusal::Host => Fault::client("The Host header must name this server, once."),
        Refusal::Rate => throttled("Too many requests: see Retry-After."),
        Refusal::Guesses(_) => throttled("Too many wrong keys or credentials from this address: see Retry-After."),
        Refusal::ApiKey => Fault::login("A valid ESANTE-API-KEY header is required."),
        Refusal::Credential => Fault::login("A valid credential is required for the restricted perimeter."),
        Refusal::Closed => Fault::login("The restricted perimeter is not configured."),
    }
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
        let (text, hint, cause) = (self.text.clone(), self.hint.clone(), self.cause.clone());
        Self { status: self.status, code: self.code, text, hint, cause, ..*self }
    }
}

impl App {
    /// Which answer a request asks for.
    fn key(&self, asked: &Asked) -> Option<answers::Key> {
        let door = match mount(asked.parts.uri.path())?.0 {
            "/fhir/dr" => self.restricted_door(asked.pass.ok()?)?,
            _ => &self.public,
        };
        Answers::key(door.index.applied_tx(), asked, &self.gate.base(&asked.parts))
    }

    /// Headers that every answer has, and its line.
    fn end(&self, asked: Asked, mut response: Response) -> Response {
        let Asked { parts, arrival, seen, .. } = asked;
        self.gate.stamp(&arrival, &mut response);
        // The body of an answer to HEAD is dropped by the router, which tells its length.
        let head = parts.method == Method::HEAD;
        let Arrival { start, id, client, .. } = arrival;
        let line = RequestLine { method: parts.method, subject: seen, status: response.status(), client, id, start };
        // An answer made in pieces is accounted for when its last one is made.
        match response.extensions_mut().remove::<stream::Watch>() {
            Some(watch) if !head => watch.set(line),
            _ => self.gate.account(&line, length(&response), self.gate.now() - start),
        }
        response
    }

    /// Answers with that much work.
    fn answer(&self, asked: &mut Asked, effort: Effort) -> Result<Answer, Fault> {
        let Asked { parts, form, format, pass, seen, .. } = asked;
        let pass = pass.map_err(denied)?;
        let answer = match (form, parts.uri.path()) {
            (None, "/health") => {
                seen.route = "health";
                health::answer(&self.public.index, self.gate.public_store_health())?
            }
            (None, "/metrics") => {
                seen.route = "metrics";
                let mut stores = vec![("public", self.public.index.applied_tx())];
                stores.extend(self.restricted.iter().map(|d| ("restricted", d.index.applied_tx())));
                let operator = match pass {
                    Given::ApiClient(client) => client.operator(),
                    Given::Anyone | Given::RestrictedReader => None,
                };
                let text = self.gate.metrics(operator, &stores);
                Answer { plain: true, ..reply(StatusCode::OK, text.into_bytes()) }
            }
            (Some(form), _) => self.post(parts, pass, form, effort, seen)?,
            (None, _) => self.get(parts, pass, effort, seen)?,
        };
        if effort == QUICK && *format == Format::Xml && answer.rest.is_some() {
            // XML starts with the links, which are known once the page is measured.
            return Err(failed(annuaire_index::Error::Exhausted));
        }
        Ok(answer)
    }

    /// The response that was given before or that this much work makes; `None` when it needs more.
    fn respond(self: &Arc<Self>, asked: &mut Asked, effort: Effort) -> Option<Response> {
        let start = self.gate.now();
        let response = self.respond_with(asked, effort);
        let now = self.gate.now();
        self.shares.count(asked.client(), now, now - start, response.as_ref().map_or(0, length), i64::from(response.is_some()));
        response
    }

    fn respond_with(self: &Arc<Self>, asked: &mut Asked, effort: Effort) -> Option<Response> {
        if let Some((response, seen)) = asked.key.as_ref().and_then(|key| self.answers.find(key)) {
            asked.seen = seen;
            return Some(response);
        }
        let answer = match self.answer(asked, effort) {
            Err(fault) if fault.exhausted && effort < LONG => return None,
            outcome => outcome.unwrap_or_else(|fault| refusal(&fault, asked)),
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
        let fault = match self.settings.lane.run(spare.client(), job) {
            Ok(result) => match result.await {
                Ok((asked, Some(response))) => return (asked, response),
                _ => internal("the answer was not made: its job panicked, or the server ends"),
            },
            Err(Full) => Fault {
                code: "throttled",
                ..Fault::new(StatusCode::TOO_MANY_REQUESTS, "Too many long searches at once: wait for their answers.")
            },
        };
        let response = finish(refusal(&fault, &spare), &spare, self);
        (spare, response)
    }

    /// Who was let in, and asks with a method and a size that are served; before any body is read.
    fn admit(&self, parts: &Parts, pass: Result<Given, Refusal>) -> Result<Given, Fault> {
        let pass = pass.map_err(denied)?;
        if parts.method == Method::OPTIONS {
            return Ok(pass);
        }
        if is_restricted(parts.uri.path()) && self.restricted_door(pass).is_none() {
            return Err(denied(Refusal::Closed));
        }
        self.shape(parts)?;
        Ok(pass)
    }

    /// The restricted perimeter, for who may read it.
    fn restricted_door(&self, pass: Given) -> Option<&Door> {
        self.restricted.as_ref().filter(|_| matches!(pass, Given::RestrictedReader))
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

    fn place<'a>(&'a self, parts: &'a Parts, pass: Given) -> Result<Place<'a>, Fault> {
        let unknown = || Fault::new(StatusCode::NOT_FOUND, "No resource at this address.");
        let (mount, rest) = mount(parts.uri.path()).ok_or_else(unknown)?;
        let door = match mount {
            "/fhir/dr" => self.restricted_door(pass).ok_or_else(unknown)?,
            _ => &self.public,
        };
        let segments = rest.split('/').filter(|s| !s.is_empty()).map(|s| query::decode(s, false).ok_or_else(unknown));
        Ok(Place { door, mount, rest, segments: segments.collect::<Result<_, _>>()? })
    }

    /// What public addresses start with.
    fn base(&self, parts: &Parts, place: &Place) -> String {
        let mount = place.mount;
        let root = self.gate.base(parts);
        format!("{}{mount}", root.trim_end_matches(mount))
    }

    fn post(&self, parts: &Parts, pass: Given, form: &[u8], effort: Effort, seen: &mut RequestSubject) -> Result<Answer, Fault> {
        let place = self.place(parts, pass)?;
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

    fn get(&self, parts: &Parts, pass: Given, effort: Effort, seen: &mut RequestSubject) -> Result<Answer, Fault> {
        let place = self.place(parts, pass)?;
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
    fn page(&self, parts: &Parts, place: &Place, raw: &str, effort: Effort, seen: &mut RequestSubject) -> Result<Answer, Fault> {
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
        seen: &mut RequestSubject,
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
            let now = self.gate.now().div_euclid(1_000_000);
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
        seen: &mut RequestSubject,
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
    let (hash, _) = cursor::digest(&[frame.base.as_bytes(), frame.scope.as_bytes(), frame.query.as_bytes(), last.as_bytes()]);
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
    seen: &mut RequestSubject,
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
        assert_eq!(mount("/fhir/v2/x"), Some(("/fhir/v2", "/x")));
        assert_eq!(mount("/fhir/v22"), None);
        assert_eq!(applied("a=1&_count=9999", true), "a=1&_count=1000");
        assert!(is_restricted("/fhir/dr") && is_restricted("/fhir/dr/Person") && !is_restricted("/fhir/drx"));
    }
}
