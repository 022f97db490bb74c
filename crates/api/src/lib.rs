//! The FHIR door: HTTP over publication stores.
//!
//! [`router`] serves the public perimeter under `/fhir/v2` and its alias `/fhir/dp`.

mod bundle;
mod capability;
mod cursor;
mod query;

use std::fmt;
use std::sync::Arc;

use annuaire_index::{Index, RoaringBitmap, Snapshot};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use axum::response::Response;

use bundle::Frame;
use cursor::Cursor;

/// Bounds of a request, in one place.
pub(crate) mod limits {
    /// Default page size.
    pub const PAGE: usize = 50;
    /// Largest page size; more is lowered.
    pub const PAGE_CAP: usize = 1_000;
    /// Most targets of a chained parameter.
    pub const CHAIN_TARGETS: u64 = 10_000;
    /// Most sources of a `_has`.
    pub const HAS_SOURCES: u64 = 100_000;
    /// Most included resources on one page.
    pub const INCLUDED: u64 = 50_000;
    /// Most characters of a token.
    pub const TOKEN: usize = 1_023;
    /// Most bytes of a query, in the URL or a form: its paging token must still fit a URL.
    pub const QUERY: usize = 40_000;
}

const TOO_OLD: &str = "The url can't be processed. Maybe it is too old or corrupted.";
const UNSUPPORTED_TYPE: &str = "Can't process the request. Resource type not supported. Server knows how to handle: [Device, HealthcareService, Organization, Practitioner, PractitionerRole]";

/// Settings of the service.
#[derive(Clone)]
pub struct Settings {
    /// Scheme, host and path prefix that clients see, before `/fhir/v2`; by default `http://` and the `Host` header.
    pub public_base: Option<String>,
    /// Accepted `ESANTE-API-KEY` values; empty opens the service.
    pub api_keys: Vec<String>,
    /// Key of the paging tokens: keep it across restarts.
    pub cursor_key: [u8; 32],
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("public_base", &self.public_base)
            .field("api_keys", &format_args!("{} hidden", self.api_keys.len()))
            .field("cursor_key", &"hidden")
            .finish()
    }
}

struct App {
    index: Arc<Index>,
    settings: Settings,
}

/// A refused request.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    code: &'static str,
    text: String,
    /// The cause is an unknown parameter, which lenient handling ignores.
    unknown: bool,
}

impl Fault {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, code: "exception", text: text.into(), unknown: false }
    }

    fn client(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    fn unknown(name: &str, ty: &str) -> Self {
        Self { unknown: true, ..Self::client(format!("Parameter {name} not found for resource {ty}")) }
    }

    fn too_costly(text: String) -> Self {
        Self { code: "too-costly", ..Self::client(text) }
    }

    fn missing(id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Resource not found with id: {id}"))
    }
}

/// A failure that is not the client's; its cause is not told.
pub(crate) fn internal<E: fmt::Display>(_cause: E) -> Fault {
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "Unexpected error")
}

/// The service over one publication store.
pub fn router(index: Arc<Index>, settings: Settings) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(App { index, settings }))
}

async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = match app.admit(&parts) {
        Err(fault) => Err(fault),
        Ok(()) if parts.method == Method::POST => match to_bytes(body, limits::QUERY).await {
            Ok(form) => app.post(&parts, &form),
            Err(_) => Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large.")),
        },
        Ok(()) => app.get(&parts),
    };
    let mut response = outcome.unwrap_or_else(|fault| {
        let mut response = reply(fault.status, bundle::outcome("error", fault.code, &fault.text));
        if fault.status == StatusCode::UNAUTHORIZED {
            set(&mut response, header::WWW_AUTHENTICATE, "ESANTE-API-KEY realm=\"fhir\"");
        }
        response
    });
    if parts.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// A FHIR answer.
fn reply(status: StatusCode, body: Vec<u8>) -> Response {
    let length = body.len().to_string();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "application/fhir+json;charset=UTF-8");
    set(&mut response, header::CONTENT_LENGTH, &length);
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn text(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> &str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// Equality in a time that depends on the lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0u8, |acc, (x, y)| std::hint::black_box(acc | (x ^ y)));
    a.len() == b.len() && differ == 0
}

/// Perimeter prefix of a path and the rest, when the path is ours.
fn mount(path: &str) -> Option<(&'static str, &str)> {
    ["/fhir/v2", "/fhir/dp", "/fhir/dr"].into_iter().find_map(|mount| {
        let rest = path.strip_prefix(mount)?;
        (rest.is_empty() || rest.starts_with('/')).then_some((mount, rest))
    })
}

fn lenient(parts: &Parts) -> bool {
    let all = parts.headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split([',', ';'])).any(|v| v.trim().eq_ignore_ascii_case("handling=lenient"))
}

/// Where a request stands: public base and decoded path segments below it.
struct Place {
    base: String,
    rest: String,
    segments: Vec<String>,
}

impl App {
    /// Checks the path's perimeter, the key, the method and the size, before any body is read.
    fn admit(&self, parts: &Parts) -> Result<(), Fault> {
        let path = parts.uri.path();
        let keys = &self.settings.api_keys;
        if path == "/fhir" || path.starts_with("/fhir/") {
            let given = text(&parts.headers, "esante-api-key").as_bytes();
            let known = keys.iter().fold(false, |known, key| known | (!key.is_empty() & same(key.as_bytes(), given)));
            if !keys.is_empty() && !known {
                return Err(Fault::new(StatusCode::UNAUTHORIZED, "A valid ESANTE-API-KEY header is required."));
            }
        }
        if matches!(mount(path), Some(("/fhir/dr", _))) {
            return Err(Fault::new(StatusCode::UNAUTHORIZED, "The restricted perimeter is not configured."));
        }
        if ![Method::GET, Method::HEAD, Method::POST].contains(&parts.method) {
            return Err(Fault::new(StatusCode::FORBIDDEN, "Forbidden: this service is read only."));
        }
        // A paging token is a query in base64 and may be a third longer.
        if parts.uri.query().is_some_and(|q| q.len() > limits::QUERY && !path.ends_with("/_page")) {
            return Err(Fault::too_costly("The query is too long.".to_owned()));
        }
        Ok(())
    }

    fn place(&self, parts: &Parts) -> Result<Place, Fault> {
        let unknown = || Fault::new(StatusCode::NOT_FOUND, "No resource at this address.");
        let (mount, rest) = mount(parts.uri.path()).ok_or_else(unknown)?;
        let root = match &self.settings.public_base {
            Some(root) => root.trim_end_matches('/').trim_end_matches(mount).to_owned(),
            None => {
                let host = text(&parts.headers, header::HOST);
                let host = if host.is_empty() { parts.uri.authority().map_or("", |a| a.as_str()) } else { host };
                let clean = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
                format!("http://{}", if clean { host } else { "localhost" })
            }
        };
        let segments = rest.split('/').filter(|s| !s.is_empty()).map(|s| query::decode(s, false).ok_or_else(unknown));
        Ok(Place { base: format!("{root}{mount}"), rest: rest.to_owned(), segments: segments.collect::<Result<_, _>>()? })
    }

    fn snapshot(&self) -> Result<Snapshot, Fault> {
        self.index.snapshot().map_err(internal)
    }

    fn post(&self, parts: &Parts, form: &[u8]) -> Result<Response, Fault> {
        let place = self.place(parts)?;
        let names: Vec<&str> = place.segments.iter().map(String::as_str).collect();
        let kind = text(&parts.headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
        let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        match names.as_slice() {
            [ty, "_search"] | [ty] if is_form => {
                let raw = std::str::from_utf8(form).map_err(|_| Fault::client("Bad parameter value."))?;
                check_format(raw)?;
                self.search(parts, &place, ty, raw)
            }
            [_, "_search"] => {
                Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/x-www-form-urlencoded."))
            }
            _ => Err(Fault::new(StatusCode::FORBIDDEN, "Forbidden: this service is read only.")),
        }
    }

    fn get(&self, parts: &Parts) -> Result<Response, Fault> {
        if parts.uri.path() == "/health" {
            let mut response = Response::new(Body::from("ok\n"));
            set(&mut response, header::CONTENT_TYPE, "text/plain");
            set(&mut response, header::CONTENT_LENGTH, "3");
            return Ok(response);
        }
        let place = self.place(parts)?;
        let raw = parts.uri.query().unwrap_or_default();
        check_format(raw)?;
        let names: Vec<&str> = place.segments.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["metadata"] => Ok(reply(StatusCode::OK, capability::statement(&place.base).to_string().into_bytes())),
            ["_page"] => self.page(&place, raw),
            ["_history"] | [_, "_history"] | [_, _, "_history"] => {
                let snap = self.snapshot()?;
                self.history(&snap, &place, &names.join("/"), raw, None, lenient(parts))
            }
            [ty] | [ty, "_search"] => self.search(parts, &place, ty, raw),
            [ty, id] => self.read(parts, ty, id, None),
            [ty, id, "_history", version] => self.read(parts, ty, id, Some(version)),
            _ => Err(Fault::new(StatusCode::NOT_FOUND, "No resource at this address.")),
        }
    }

    fn search(&self, parts: &Parts, place: &Place, ty: &str, raw: &str) -> Result<Response, Fault> {
        let (ty, number) = query::known_type(ty).ok_or_else(|| Fault::client(UNSUPPORTED_TYPE))?;
        let snap = self.snapshot()?;
        let search = query::compile(&snap, ty, raw, lenient(parts))?;
        let mut self_url = format!("{}{}", place.base, place.rest);
        if let Some(shown) = parts.uri.query().filter(|_| parts.method != Method::POST) {
            self_url.push('?');
            self_url.push_str(&applied(shown, search.capped));
        }
        let frame =
            Frame { base: &place.base, key: &self.settings.cursor_key, self_url: &self_url, scope: ty, query: raw, from: None };
        Ok(reply(StatusCode::OK, bundle::searchset(&snap, number, &search, &frame)?))
    }

    /// A following page, in the state of the first one.
    fn page(&self, place: &Place, raw: &str) -> Result<Response, Fault> {
        let id = query::pairs(raw)?.into_iter().find(|(name, value)| name == "id" && !value.is_empty());
        let (_, token) = id.ok_or_else(|| Fault::client("Parameter id required to fetch the next page"))?;
        let too_old = || Fault::client(TOO_OLD);
        let cursor = Cursor::open(&token, &self.settings.cursor_key).ok_or_else(too_old)?;
        let snap = self.index.snapshot_at(cursor.tx).map_err(internal)?.ok_or_else(too_old)?;
        let from = Some((cursor.last_row, cursor.total));
        if cursor.scope.ends_with("_history") {
            return self.history(&snap, place, &cursor.scope, &cursor.query, from, true);
        }
        let (ty, number) = query::known_type(&cursor.scope).ok_or_else(too_old)?;
        // The first page settled what is accepted.
        let search = query::compile(&snap, ty, &cursor.query, true)?;
        let self_url = format!("{}/_page?id={token}", place.base);
        let frame = Frame {
            base: &place.base,
            key: &self.settings.cursor_key,
            self_url: &self_url,
            scope: ty,
            query: &cursor.query,
            from,
        };
        Ok(reply(StatusCode::OK, bundle::searchset(&snap, number, &search, &frame)?))
    }

    /// History of everything, a type or a resource: `scope` is the path.
    fn history(
        &self,
        snap: &Snapshot,
        place: &Place,
        scope: &str,
        raw: &str,
        from: Option<(u32, Option<u64>)>,
        lenient: bool,
    ) -> Result<Response, Fault> {
        let names: Vec<&str> = scope.split('/').collect();
        let unsupported = || Fault::new(StatusCode::NOT_FOUND, UNSUPPORTED_TYPE);
        let ty = match names.as_slice() {
            [name, _] | [name, _, _] => Some(query::known_type(name).ok_or_else(unsupported)?),
            _ => None,
        };
        let (mut count, mut capped, mut since) = (limits::PAGE, false, 0);
        for (name, value) in query::pairs(raw)? {
            match name.as_str() {
                "_since" if value.is_empty() => {}
                "_since" => since = query::since(&value)?,
                "_count" => (count, capped) = query::count(&value)?.unwrap_or((count, capped)),
                "_format" | "_pretty" => {}
                _ if lenient => {}
                _ => return Err(Fault::unknown(&name, ty.map_or("System", |(ty, _)| ty))),
            }
        }
        let rows = match (names.as_slice(), ty) {
            ([_, id, _], Some((_, number))) => {
                let versions = snap.history(number, id).map_err(internal)?;
                if versions.is_empty() {
                    return Err(Fault::missing(id));
                }
                let mut rows = RoaringBitmap::new();
                for row in versions {
                    if snap.entry(row).map_err(internal)?.commit_ms >= since {
                        rows.insert(row);
                    }
                }
                rows
            }
            _ => snap.versions_since(ty.map(|(_, number)| number), since).map_err(internal)?,
        };
        let shown = if raw.is_empty() { String::new() } else { format!("?{}", applied(raw, capped)) };
        let self_url = match from {
            // The token alone does not come this far: the address of a later page is the first one's.
            Some(_) => format!("{}/{scope}{shown}", place.base),
            None => format!("{}{}{shown}", place.base, place.rest),
        };
        let frame = Frame { base: &place.base, key: &self.settings.cursor_key, self_url: &self_url, scope, query: raw, from };
        Ok(reply(StatusCode::OK, bundle::history(snap, rows, count, &frame)?))
    }

    fn read(&self, parts: &Parts, ty: &str, id: &str, version: Option<&str>) -> Result<Response, Fault> {
        let unsupported = || Fault::new(StatusCode::NOT_FOUND, UNSUPPORTED_TYPE);
        let (_, number) = query::known_type(ty).ok_or_else(unsupported)?;
        let snap = self.snapshot()?;
        let found = match version.map(str::parse::<u32>) {
            None => snap.current(number, id).map_err(internal)?,
            Some(Ok(n)) => snap.version(number, id, n).map_err(internal)?,
            Some(Err(_)) => None,
        };
        let entry = found.ok_or_else(|| Fault::missing(id))?;
        let tag = format!("W/\"{}\"", entry.version);
        let opaque = tag.trim_start_matches("W/");
        let wanted = text(&parts.headers, header::IF_NONE_MATCH);
        let fresh = wanted.split(',').map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/") == opaque);
        let mut response = reply(StatusCode::OK, if fresh { Vec::new() } else { entry.body.to_vec() });
        if fresh {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        set(&mut response, header::ETAG, &tag);
        set(&mut response, header::LAST_MODIFIED, &imf(entry.commit_ms));
        set(&mut response, header::CACHE_CONTROL, "no-cache");
        Ok(response)
    }
}

/// Refuses XML, which is asked by `_format`.
fn check_format(raw: &str) -> Result<(), Fault> {
    let xml = |(name, value): &(String, String)| name == "_format" && value.to_ascii_lowercase().contains("xml");
    if query::pairs(raw)?.iter().any(xml) {
        return Err(Fault::new(StatusCode::NOT_ACCEPTABLE, "XML is not served yet: use application/fhir+json."));
    }
    Ok(())
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

/// HTTP date of an instant in milliseconds.
fn imf(ms: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, second) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 1_000);
    // Years are counted from 1 March, so that the leap day comes last.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    let march = (5 * in_year + 2) / 153;
    let month = (march + 2) % 12;
    let name = usize::try_from(month).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or_default();
    let week = usize::try_from(days.rem_euclid(7)).ok().and_then(|d| DAYS.get(d)).copied().unwrap_or_default();
    format!(
        "{week}, {:02} {name} {:04} {:02}:{:02}:{:02} GMT",
        in_year - (153 * march + 2) / 5 + 1,
        era * 400 + year + i64::from(month < 2),
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates() {
        assert_eq!(imf(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(imf(784_111_777_999), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(imf(951_782_400_000), "Tue, 29 Feb 2000 00:00:00 GMT");
    }

    #[test]
    fn small_helpers() {
        assert!(same(b"key", b"key") && !same(b"key", b"kez") && !same(b"key", b"ke") && !same(b"", b"k"));
        assert_eq!(mount("/fhir/v2/x"), Some(("/fhir/v2", "/x")));
        assert_eq!(mount("/fhir/v22"), None);
        assert_eq!(applied("a=1&_count=9999", true), "a=1&_count=1000");
        let settings = Settings { public_base: None, api_keys: vec!["secret".into()], cursor_key: [7; 32] };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
