//! The extractions over HTTP: a list for people and programs, and the files, whole or in part.
//!
//! | Address | Answer |
//! |---|---|
//! | `/extractions/` | the editions, as a page or as JSON |
//! | `/extractions/{edition}/` | one edition as JSON |
//! | `/extractions/{edition}/{file}` | a file; it never changes |
//! | `/extractions/latest/{file}` | the way to that file in the newest edition, by its name with or without the date |
//! | `/annuaire-sante-webservices/V300/services/extraction/{name}` | that file itself, where loaders of the national service look for it |
//!
//! Restricted files are below `/extractions/restreint`, for holders of a credential alone. Which directory is read follows from the type
//! of the pass.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use annuaire_web::{
    ApiClient, Pass, RateRule, Refusal, Representation, RequestLine, RequestSubject, RestrictedReader, account_for,
    lenient_quality,
};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use axum::response::Response;
use axum::routing::any;
use serde_json::{Value, json};

use crate::extraction::{Edition, EditionFile, LATEST, editions, path_of};
use crate::frame::PageFrame;
use crate::page::extractions::{CredentialRequired, EditionView, ExtractionsPage, KeyRequired, OnlyRead, UnknownExtraction};
use crate::page::message::{BadHost, Incident, Message, TooManyRequests, respond_with};
use crate::page::respond;
use crate::site::Site;
use crate::visit::PageRequest;
use crate::words::Language;

/// Where loaders of the national service look for its files (source-files §2.1).
const NATIONAL_MOUNT: &str = "/annuaire-sante-webservices/V300/services/extraction";

/// The extractions that a pass opens.
trait Shelf: Pass {
    /// Their directory, below that of all extractions.
    const DIR: &'static str;
    /// Their address.
    const MOUNT: &'static str;
    /// Name of the list and of the files in the request log.
    const ROUTES: [&'static str; 2];
    /// Value of `Cache-Control` of a file. What holds personal data is not kept beyond the deadline of a withdrawal (WDR-5).
    const CACHE: &'static str;
    /// Scheme that a stranger is asked to authenticate with.
    const CHALLENGE: &'static str;
    /// Whether the list is a page too: a browser sends no credential.
    const HAS_PAGE: bool;
}

impl Shelf for ApiClient {
    const DIR: &'static str = "public";
    const MOUNT: &'static str = "/extractions";
    const ROUTES: [&'static str; 2] = ["extractions.list", "extractions.file"];
    const CACHE: &'static str = "max-age=86400";
    const CHALLENGE: &'static str = "ESANTE-API-KEY realm=\"extractions\"";
    const HAS_PAGE: bool = true;
}

impl Shelf for RestrictedReader {
    const DIR: &'static str = "restricted";
    const MOUNT: &'static str = "/extractions/restreint";
    const ROUTES: [&'static str; 2] = ["extractions.restricted.list", "extractions.restricted.file"];
    const CACHE: &'static str = "no-store";
    const CHALLENGE: &'static str = "Bearer realm=\"extractions\"";
    const HAS_PAGE: bool = false;
}

/// The routes of the extractions.
pub(crate) fn routes(site: &Arc<Site>) -> Router<Arc<Site>> {
    let mut router = shelf::<RestrictedReader>(shelf::<ApiClient>(Router::new(), site), site);
    let at_national = Arc::clone(site);
    let handler = move |request: Request| serve::<ApiClient>(Arc::clone(&at_national), NATIONAL_MOUNT, request);
    router = router.route(&format!("{NATIONAL_MOUNT}/{{name}}"), any(handler));
    router
}

fn shelf<P: Shelf>(router: Router<Arc<Site>>, site: &Arc<Site>) -> Router<Arc<Site>> {
    ["", "/", "/{*path}"].into_iter().fold(router, |router, end| {
        let site = Arc::clone(site);
        router.route(&format!("{}{end}", P::MOUNT), any(move |request: Request| serve::<P>(Arc::clone(&site), P::MOUNT, request)))
    })
}

/// What is at an address.
enum FoundExtraction {
    List(Vec<Edition>),
    Edition(Edition),
    File(Edition, EditionFile, File),
    /// Path of the file, below the mount.
    Elsewhere(String),
    Nothing,
}

/// Answers a request: let in or refused, answered, counted.
async fn serve<P: Shelf>(site: Arc<Site>, mount: &'static str, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let gate = &site.settings.gate;
    let (arrival, pass) = gate.arrive::<P>(&mut parts, RateRule::Counted).await;
    let below = parts.uri.path().strip_prefix(mount).unwrap_or_default().trim_start_matches('/').to_owned();
    let route = P::ROUTES[usize::from(!below.is_empty())];
    let (root, base, path) = (gate.prefix(&parts), gate.base(&parts), parts.uri.path().to_owned());
    let page =
        PageRequest { client: arrival.client, id: arrival.id.clone(), route, root, base, path, language: Language::French };
    let mut response = match pass {
        Err(Refusal::Rate) => {
            let seconds = arrival.rate.map_or(1, |(_, verdict)| verdict.reset.max(1));
            message(&site, &page, &parts, TooManyRequests { seconds })
        }
        Err(Refusal::Guesses(seconds)) => message(&site, &page, &parts, TooManyRequests { seconds }),
        Err(Refusal::Host) => message(&site, &page, &parts, BadHost),
        Err(_) => {
            let mut response = match P::HAS_PAGE {
                true => message(&site, &page, &parts, KeyRequired),
                false => message(&site, &page, &parts, CredentialRequired),
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(P::CHALLENGE));
            response
        }
        Ok(_) if ![Method::GET, Method::HEAD].contains(&parts.method) => {
            let mut response = message(&site, &page, &parts, OnlyRead);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
        Ok(pass) => answer(&site, &page, &parts, pass, mount, below).await,
    };
    if P::CACHE == "no-store" {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(P::CACHE));
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Authorization, ESANTE-API-KEY"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    gate.stamp(&arrival, &mut response);
    let subject = RequestSubject { route, ..RequestSubject::default() };
    let line = RequestLine {
        method: parts.method,
        subject,
        status: response.status(),
        client: arrival.client,
        id: arrival.id,
        start: arrival.start,
    };
    account_for(gate, &mut response, line);
    response
}

async fn answer<P: Shelf>(
    site: &Arc<Site>,
    page: &PageRequest,
    parts: &Parts,
    pass: P,
    mount: &'static str,
    below: String,
) -> Response {
    let dir = directory(site, pass);
    let is_national = mount == NATIONAL_MOUNT;
    // Directories are read by a thread that may wait for the disk.
    let found = tokio::task::spawn_blocking(move || match dir {
        Some(dir) => find(dir, &below, is_national),
        None => Ok(if below.is_empty() { FoundExtraction::List(Vec::new()) } else { FoundExtraction::Nothing }),
    });
    let found = match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            page.record_cause(&error);
            return message(site, page, parts, Incident { id: page.id.clone() });
        }
        Err(error) => {
            page.record_cause(&error);
            return message(site, page, parts, Incident { id: page.id.clone() });
        }
    };
    match found {
        FoundExtraction::List(editions) if P::HAS_PAGE && wants_page(&parts.headers) => {
            let visible = page.visible_path(P::MOUNT);
            let shown = ExtractionsPage {
                frame: PageFrame::new(site, page),
                address: format!("{}{}", site.settings.gate.base(parts), P::MOUNT),
                editions: editions.iter().map(|edition| EditionView::new(edition, &visible)).collect(),
            };
            respond(page, &shown)
        }
        FoundExtraction::List(editions) => {
            let mount = format!("{}{}", site.settings.gate.base(parts), P::MOUNT);
            let latest = editions.first().map(|edition| edition.edition.clone());
            let editions: Vec<Value> = editions.iter().map(|edition| as_json(edition, &mount)).collect();
            json_response(&json!({"latest": latest, "editions": editions}))
        }
        FoundExtraction::Edition(edition) => {
            json_response(&as_json(&edition, &format!("{}{}", site.settings.gate.base(parts), P::MOUNT)))
        }
        FoundExtraction::Elsewhere(path) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::FOUND;
            let location = HeaderValue::try_from(page.visible_path(&format!("{}/{path}", P::MOUNT)));
            response.headers_mut().extend(location.ok().map(|value| (header::LOCATION, value)));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        FoundExtraction::File(edition, file, open) => {
            let cache = if is_national { "no-cache" } else { P::CACHE };
            file_response(site, parts, (&edition, &file), open, cache)
        }
        FoundExtraction::Nothing => message(site, page, parts, UnknownExtraction),
    }
}

/// The directory that a pass opens; `None` when this server makes no extractions.
fn directory<P: Shelf>(site: &Site, _: P) -> Option<PathBuf> {
    site.settings.extractions.as_ref().map(|dir| dir.join(P::DIR))
}

/// What is at an address below a mount. At that of the national service, a name is that of a file of the newest edition.
fn find(dir: PathBuf, below: &str, is_national: bool) -> io::Result<FoundExtraction> {
    let all = editions(&dir)?;
    if below.is_empty() {
        return Ok(FoundExtraction::List(all));
    }
    let (name, file) = match is_national {
        true => (LATEST, below),
        false => below.split_once('/').unwrap_or((below, "")),
    };
    let edition = match name {
        LATEST => all.into_iter().next(),
        _ => all.into_iter().find(|edition| edition.edition == name),
    };
    let Some(edition) = edition else { return Ok(FoundExtraction::Nothing) };
    if file.is_empty() {
        return Ok(FoundExtraction::Edition(edition));
    }
    let Some(file) = edition.file(file).cloned() else { return Ok(FoundExtraction::Nothing) };
    if name == LATEST && !is_national {
        // A client that resumes must not get the rest of another day: it is led to a file that never changes.
        return Ok(FoundExtraction::Elsewhere(format!("{}/{}", edition.edition, file.name)));
    }
    let Some(path) = path_of(&dir, &edition, &file) else { return Ok(FoundExtraction::Nothing) };
    match File::open(path) {
        Ok(open) => Ok(FoundExtraction::File(edition, file, open)),
        // The edition was removed a moment ago.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(FoundExtraction::Nothing),
        Err(error) => Err(error),
    }
}

fn file_response(
    site: &Site,
    parts: &Parts,
    (edition, file): (&Edition, &EditionFile),
    open: File,
    cache: &'static str,
) -> Response {
    let representation = Representation {
        length: file.bytes,
        etag: format!("\"{}\"", file.sha256),
        sha256: file.digest(),
        content_type: file.media_type(),
        content_encoding: None,
    };
    let mut response = match representation.answer(open, &parts.method, &parts.headers, &site.settings.gate) {
        Ok(response) => response,
        Err(refusal) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = refusal.status();
            response.headers_mut().extend(refusal.header());
            return response;
        }
    };
    let headers = response.headers_mut();
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{}\"", file.file_name()));
    headers.extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Some((ms, _)) = annuaire_base::date::parse_instant(&edition.committed) {
        let modified = HeaderValue::try_from(annuaire_base::date::http_date(ms));
        headers.extend(modified.ok().map(|value| (header::LAST_MODIFIED, value)));
    }
    response
}

/// The note of an edition, with the address of each file.
fn as_json(edition: &Edition, mount: &str) -> Value {
    let mut note = json!(edition);
    for file in note["files"].as_array_mut().into_iter().flatten() {
        let url = format!("{mount}/{}/{}", edition.edition, file["name"].as_str().unwrap_or_default());
        let latest = format!("{mount}/{LATEST}/{}", file["stable"].as_str().unwrap_or_default());
        file["url"] = json!(url);
        file["latestUrl"] = json!(latest);
    }
    note
}

fn json_response(body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A message as a page for a browser, as a line of text for a program.
fn message<M: Message>(site: &Site, page: &PageRequest, parts: &Parts, message: M) -> Response {
    if wants_page(&parts.headers) {
        return respond_with(site, page, message);
    }
    let mut response = Response::new(Body::from(format!("{}\n", message.text())));
    *response.status_mut() = M::STATUS;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Whether the client is a browser that shows a page: it names HTML, and does not prefer JSON to it.
fn wants_page(headers: &HeaderMap) -> bool {
    let (mut html, mut json) = (0.0_f32, 0.0_f32);
    let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for item in texts.flat_map(|text| text.split(',')) {
        match item.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/html" | "application/xhtml+xml" => html = html.max(lenient_quality(item)),
            "application/json" => json = json.max(lenient_quality(item)),
            _ => {}
        }
    }
    html > 0.0 && html >= json
}
