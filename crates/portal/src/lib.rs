//! The public pages: search for people, a permanent page per professional and per structure.
//!
//! Server-rendered, without script. They read only the public store, and hence can show nothing else.

mod find;
mod history;
mod view;

use annuaire_base::date::iso_ms;
use annuaire_index::{Effort, Error, Filter, Full, Index, Lane, Row, Snapshot};
use askama::Template;
use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use find::Choices;
use history::Change;
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use view::{Place, Practice, Situation, points, token, ty};

/// Bounds of a page, in one place.
pub(crate) mod limits {
    /// Answers a page.
    pub const PAGE: usize = 20;
    /// Characters of a field; more is cut.
    pub const FIELD: usize = 100;
    /// Words of a name that count.
    pub const WORDS: usize = 8;
    /// Answers that are sorted by name.
    pub const SORTED: u64 = 2_000;
    /// People shown on the page of a structure at a time.
    pub const PEOPLE: usize = 50;
    /// Establishments or activities shown on the page of a structure.
    pub const PARTS: usize = 200;
    /// Last page that can be asked.
    pub const LAST_PAGE: usize = 10_000;
    /// Days of changes that a page tells: the public perimeter keeps no longer history (data-perimeters §5).
    pub const HISTORY_DAYS: i64 = 30;
}

const STYLE: &str = include_str!("../assets/style.css");

/// What the pages need besides the store.
#[derive(Clone)]
pub struct Settings {
    /// The clock: microseconds since 1970 UTC.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Who answers for the directory, as named on the page of legal notices.
    pub operator: String,
    /// True when all data is fictional: each page says so.
    pub fictional: bool,
    /// Where pages that search are made, one client after the other.
    pub lane: Arc<Lane>,
    /// Work that a page may take.
    pub work: Effort,
}

struct Pages {
    index: Arc<Index>,
    settings: Settings,
    choices: Choices,
    style: String,
}

/// The pages over the public store. Unknown addresses get a page too.
pub fn router(index: Arc<Index>, settings: Settings) -> Router {
    let style = format!("/annuaire.{:08x}.css", xxhash_rust::xxh3::xxh3_64(STYLE.as_bytes()) >> 32);
    let css = |State(_): State<Arc<Pages>>| async {
        let mut r = Response::new(Body::from(STYLE));
        r.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css;charset=UTF-8"));
        r.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        r
    };
    let pages = Pages { index, settings, choices: find::choices(), style: style.clone() };
    Router::new()
        .route("/", get(home))
        .route(
            "/recherche",
            get(async |pages, who, RawQuery(raw)| in_turn(pages, who, move |pages| people(pages, raw.as_deref())).await),
        )
        .route(
            "/structures",
            get(async |pages, who, RawQuery(raw)| in_turn(pages, who, move |pages| structures(pages, raw.as_deref())).await),
        )
        .route(
            "/professionnel/{id}",
            get(async |pages, who, Path(id): Path<String>| in_turn(pages, who, move |pages| professional(pages, &id)).await),
        )
        .route(
            "/structure/{id}",
            get(async |pages, who, Path(id): Path<String>, RawQuery(raw)| {
                in_turn(pages, who, move |pages| structure(pages, &id, raw.as_deref())).await
            }),
        )
        .route("/mentions", get(notices))
        .route("/robots.txt", get(|| async { "User-agent: *\nDisallow: /recherche\nDisallow: /structures\n" }))
        .route(&style, get(css))
        .fallback(missing)
        .with_state(Arc::new(pages))
}

/// What every page shows around its content.
struct Frame {
    title: String,
    style: String,
    fictional: bool,
    /// Address of the same facts for machines.
    machine: String,
    index: bool,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: Frame,
    form: Form<'a>,
    professionals: String,
    structures: String,
    date: String,
}

/// The search form with what was typed.
struct Form<'a> {
    nom: String,
    profession: String,
    specialite: String,
    lieu: String,
    choices: &'a Choices,
}

#[derive(Template)]
#[template(path = "people.html")]
struct People<'a> {
    frame: Frame,
    form: Form<'a>,
    results: Vec<(Practice, Vec<Situation>)>,
    summary: String,
    problem: String,
    previous: String,
    next: String,
}

#[derive(Template)]
#[template(path = "structures.html")]
struct Structures<'a> {
    frame: Frame,
    form: Form<'a>,
    results: Vec<Place>,
    summary: String,
    previous: String,
    next: String,
}

#[derive(Template)]
#[template(path = "professional.html")]
struct Professional {
    frame: Frame,
    name: String,
    national: String,
    rpps: String,
    practices: Vec<(Practice, Vec<Situation>)>,
    changes: Vec<Change>,
    updated: String,
}

#[derive(Template)]
#[template(path = "structure.html")]
struct StructurePage {
    frame: Frame,
    place: Place,
    parent: Option<Place>,
    parts: Vec<Place>,
    people: Vec<(Practice, String)>,
    total: u64,
    activities: Vec<String>,
    changes: Vec<Change>,
    previous: String,
    next: String,
    updated: String,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    frame: Frame,
    heading: String,
    text: String,
}

#[derive(Template)]
#[template(path = "notices.html")]
struct Notices {
    frame: Frame,
    operator: String,
    date: String,
}

fn page(status: StatusCode, template: &impl Template, indexed: bool) -> Response {
    let (status, body) = match template.render() {
        Ok(body) => (status, body),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "La page ne peut pas être affichée.".to_owned()),
    };
    let mut r = Response::new(Body::from(body));
    *r.status_mut() = status;
    let headers = r.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html;charset=UTF-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !indexed {
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    }
    r
}

/// Parameters of a query string, each value bounded and trimmed. The first of each name counts.
fn fields(query: Option<&str>) -> HashMap<String, String> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(b) = rest.next() {
            bytes.push(match b {
                b'+' => b' ',
                b'%' => {
                    let hex = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                    str::from_utf8(&hex).ok().and_then(|h| u8::from_str_radix(h, 16).ok()).unwrap_or(b' ')
                }
                b => b,
            });
        }
        String::from_utf8_lossy(&bytes)
            .chars()
            .filter(|c| !c.is_control())
            .take(limits::FIELD)
            .collect::<String>()
            .trim()
            .to_owned()
    };
    let mut out = HashMap::new();
    for part in query.unwrap_or_default().split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        out.entry(decode(name)).or_insert_with(|| decode(value));
    }
    out
}

/// A query string of these fields, without the empty ones.
fn query(path: &str, fields: &[(&str, &str)], number: usize) -> String {
    let mut out = format!("{path}?");
    let number = number.to_string();
    for (name, value) in fields.iter().copied().chain([("page", number.as_str())]).filter(|f| !f.1.is_empty()) {
        if !out.ends_with('?') {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        for b in value.bytes() {
            match b {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(b)),
                b => out.push_str(&format!("%{b:02X}")),
            }
        }
    }
    out
}

/// Number of a page asked, from 1.
fn number(fields: &HashMap<String, String>) -> usize {
    fields.get("page").and_then(|n| n.parse().ok()).unwrap_or(1).clamp(1, limits::LAST_PAGE)
}

impl Pages {
    /// The present state, and the work that a page may take of it.
    fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(self.index.snapshot()?.within(self.settings.work))
    }

    fn frame(&self, title: &str, machine: String, index: bool) -> Frame {
        Frame { title: title.to_owned(), style: self.style.clone(), fictional: self.settings.fictional, machine, index }
    }

    fn form(&self, fields: &HashMap<String, String>) -> Form<'_> {
        let get = |name: &str| fields.get(name).cloned().unwrap_or_default();
        Form {
            nom: get("nom"),
            profession: get("profession"),
            specialite: get("specialite"),
            lieu: get("lieu"),
            choices: &self.choices,
        }
    }

    fn message(&self, status: StatusCode, heading: &str, text: &str) -> Response {
        let frame = self.frame(heading, String::new(), false);
        page(status, &Message { frame, heading: heading.to_owned(), text: text.to_owned() }, false)
    }

    fn broken(&self) -> Response {
        self.message(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Une erreur est survenue",
            "L’annuaire ne peut pas répondre pour le moment. Réessayez dans quelques minutes.",
        )
    }

    /// Changes of these resources in the last days, newest first, without repetition.
    fn changes(&self, snap: &Snapshot, resources: &[(u8, String, &str)]) -> Result<Vec<Change>, Error> {
        let since = (self.settings.clock)() / 1_000 - limits::HISTORY_DAYS * 86_400_000;
        let mut all: Vec<(i64, String)> = Vec::new();
        for (kind, id, what) in resources {
            let rows = snap.history(*kind, id)?;
            for (n, row) in rows.iter().enumerate() {
                let entry = snap.entry(*row)?;
                if entry.commit_ms < since {
                    break;
                }
                let old = rows.get(n + 1).map(|r| snap.entry(*r)).transpose()?.map(|e| view::parse(&e));
                let words = history::describe(old.as_ref(), &view::parse(&entry));
                all.push((entry.commit_ms, format!("{what} : {words}")));
            }
        }
        all.sort_by(|a, b| b.cmp(a));
        all.dedup();
        Ok(all.into_iter().map(|(ms, words)| Change { day: view::day(&iso_ms(ms)), words }).collect())
    }
}

type Page = Result<Response, Error>;
/// Who asks, when it is known.
type Who = Option<Extension<ConnectInfo<SocketAddr>>>;

/// Makes a page in the turn of who asks for it: what it searches and reads costs nothing to the threads that read connections.
async fn in_turn(State(pages): State<Arc<Pages>>, who: Who, make: impl FnOnce(&Pages) -> Page + Send + 'static) -> Response {
    let address = who.map(|Extension(ConnectInfo(address))| address.ip().to_canonical().to_string()).unwrap_or_default();
    let maker = Arc::clone(&pages);
    let made = match pages.settings.lane.run(xxhash_rust::xxh3::xxh3_64(address.as_bytes()), move || make(&maker)) {
        Ok(page) => page.await,
        Err(Full) => {
            return pages.message(
                StatusCode::TOO_MANY_REQUESTS,
                "Trop de demandes à la fois",
                "Des pages demandées depuis votre adresse sont encore en préparation. Attendez qu’elles s’affichent, puis réessayez.",
            );
        }
    };
    match made {
        Ok(Ok(page)) => page,
        Ok(Err(Error::Exhausted)) => pages.message(
            StatusCode::BAD_REQUEST,
            "Recherche trop large",
            "Cette recherche demande trop de travail. Précisez-la : un nom plus complet, une profession ou un lieu.",
        ),
        _ => pages.broken(),
    }
}

async fn home(State(pages): State<Arc<Pages>>) -> Response {
    let Ok(snap) = pages.index.snapshot() else { return pages.broken() };
    let count = |name: &str| snap.search(ty(name), &view::active(name)).map(|r| view::grouped(r.len())).unwrap_or_default();
    let date = if snap.tx() > 0 { view::day(&iso_ms(snap.commit_ms())) } else { String::new() };
    let home = Home {
        frame: pages.frame("Trouver un professionnel ou une structure", String::new(), true),
        form: pages.form(&HashMap::new()),
        professionals: count("Practitioner"),
        structures: count("Organization"),
        date,
    };
    page(StatusCode::OK, &home, true)
}

/// Where an answer stands in words: `21 à 40 sur 132`.
fn summary(total: u64, sorted: bool, start: usize, shown: usize, what: (&str, &str)) -> String {
    let plural = if total > 1 { what.1 } else { what.0 };
    let range = if shown == 0 { String::new() } else { format!(", affichage de {} à {}", start + 1, start + shown) };
    let order = if sorted || shown == 0 { "" } else { " ; précisez la recherche pour un classement par nom" };
    format!("{} {plural}{range}{order}", view::grouped(total))
}

fn people(pages: &Pages, raw: Option<&str>) -> Page {
    let fields = fields(raw);
    let form = pages.form(&fields);
    let snap = pages.snapshot()?;
    let nothing = form.nom.is_empty() && form.profession.is_empty() && form.specialite.is_empty() && form.lieu.is_empty();
    let find = || find::people(&snap, &form.nom, &form.profession, &form.specialite, &form.lieu);
    let found = (!nothing).then(find).transpose()?;
    let number = number(&fields);
    let start = (number - 1) * limits::PAGE;
    let (mut results, mut text, mut problem, mut more) = (Vec::new(), String::new(), String::new(), false);
    match found {
        Some(found) => {
            for row in found.rows.iter().skip(start).take(limits::PAGE) {
                results.push(with_situations(&snap, view::practice(&view::parse(&snap.entry(*row)?)))?);
            }
            more = found.rows.len() > start + results.len();
            text = summary(found.total, found.sorted, start, results.len(), ("résultat", "résultats"));
        }
        None => "Indiquez au moins un nom, une profession, une spécialité ou un lieu.".clone_into(&mut problem),
    }
    let kept =
        [("nom", form.nom.as_str()), ("profession", &form.profession), ("specialite", &form.specialite), ("lieu", &form.lieu)];
    let link = |on: bool, n: usize| if on { query("/recherche", &kept, n) } else { String::new() };
    let (previous, next) = (link(number > 1, number.saturating_sub(1)), link(more, number + 1));
    let title = if problem.is_empty() { text.clone() } else { "Recherche à préciser".to_owned() };
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let frame = pages.frame(&title, String::new(), false);
    Ok(page(status, &People { frame, form, results, summary: text, problem, previous, next }, false))
}

fn with_situations(snap: &Snapshot, practice: Practice) -> Result<(Practice, Vec<Situation>), Error> {
    let target = format!("Practitioner/{}", practice.id);
    let filter = Filter::And(vec![view::active("PractitionerRole"), points("PractitionerRole", "practitioner", &target)]);
    let rows = snap.search(ty("PractitionerRole"), &filter)?;
    let roles = rows.iter().map(|row| view::situation(snap, &view::parse(&snap.entry(row)?))).collect::<Result<_, _>>()?;
    Ok((practice, roles))
}

fn structures(pages: &Pages, raw: Option<&str>) -> Page {
    let fields = fields(raw);
    let form = pages.form(&fields);
    let snap = pages.snapshot()?;
    let (number, mut results) = (number(&fields), Vec::new());
    let start = (number - 1) * limits::PAGE;
    let asked = !(form.nom.is_empty() && form.lieu.is_empty());
    let (mut text, mut more) = (String::new(), false);
    if asked {
        let found = find::structures(&snap, &form.nom, &form.lieu)?;
        for row in found.rows.iter().skip(start).take(limits::PAGE) {
            results.push(view::place(&view::parse(&snap.entry(*row)?)));
        }
        more = found.rows.len() > start + results.len();
        text = summary(found.total, found.sorted, start, results.len(), ("structure trouvée", "structures trouvées"));
    }
    let kept = [("nom", form.nom.as_str()), ("lieu", &form.lieu)];
    let link = |on: bool, n: usize| if on { query("/structures", &kept, n) } else { String::new() };
    let (previous, next) = (link(number > 1, number.saturating_sub(1)), link(more, number + 1));
    let title = if asked { text.clone() } else { "Trouver une structure".to_owned() };
    let frame = pages.frame(&title, String::new(), false);
    Ok(page(StatusCode::OK, &Structures { frame, form, results, summary: text, previous, next }, false))
}

fn professional(pages: &Pages, id: &str) -> Page {
    let snap = pages.snapshot()?;
    let filter = token("Practitioner", "identifier", Some(annuaire_fhir::forms::IDNPS), id);
    let rows = snap.search(ty("Practitioner"), &filter)?;
    let entries: Vec<(Value, i64)> =
        rows.iter().map(|r| snap.entry(r).map(|e| (view::parse(&e), e.commit_ms))).collect::<Result<_, _>>()?;
    if entries.is_empty() {
        return Ok(pages.message(
            StatusCode::NOT_FOUND,
            "Professionnel inconnu",
            "Aucun professionnel n’est publié sous ce numéro. Vérifiez l’adresse ou lancez une recherche.",
        ));
    }
    let updated = entries.iter().map(|e| e.1).max().map(|ms| view::day(&iso_ms(ms))).unwrap_or_default();
    let live: Vec<Practice> = entries.iter().map(|e| view::practice(&e.0)).filter(|p| p.active).collect();
    let Some(first) = live.first() else {
        return Ok(pages.message(
            StatusCode::GONE,
            "Ce professionnel n’est plus publié",
            &format!("Ses données ont été retirées de l’annuaire le {updated}."),
        ));
    };
    let (name, national, rpps) = (first.name.clone(), first.national.clone(), first.rpps.clone());
    let mut resources: Vec<(u8, String, &str)> = Vec::new();
    for p in &live {
        resources.push((ty("Practitioner"), p.id.clone(), "Exercice"));
        let target = format!("Practitioner/{}", p.id);
        for row in snap.search(ty("PractitionerRole"), &points("PractitionerRole", "practitioner", &target))?.iter() {
            resources.push((ty("PractitionerRole"), snap.entry(row)?.id().to_owned(), "Activité"));
        }
    }
    let changes = pages.changes(&snap, &resources)?;
    let machine = format!("/fhir/v2/Practitioner?identifier={national}&_revinclude=PractitionerRole:practitioner");
    let frame = pages.frame(&name, machine, true);
    let practices = live.into_iter().map(|p| with_situations(&snap, p)).collect::<Result<_, _>>()?;
    Ok(page(StatusCode::OK, &Professional { frame, name, national, rpps, practices, changes, updated }, true))
}

fn structure(pages: &Pages, id: &str, raw: Option<&str>) -> Page {
    let snap = pages.snapshot()?;
    let resource = annuaire_fhir::forms::organization_id(id);
    let Some(entry) = snap.current(ty("Organization"), &resource)? else {
        return Ok(pages.message(
            StatusCode::NOT_FOUND,
            "Structure inconnue",
            "Aucune structure n’est publiée sous ce numéro. Vérifiez l’adresse ou lancez une recherche.",
        ));
    };
    let (place, updated) = (view::place(&view::parse(&entry)), view::day(&iso_ms(entry.commit_ms)));
    let target = format!("Organization/{resource}");
    let live = |kind: &str, name: &str| {
        let mut filters = vec![points(kind, name, &target)];
        // A device has a status instead.
        filters.push(if kind == "Device" { token(kind, "status", None, "active") } else { view::active(kind) });
        Ok::<_, Error>(snap.search(ty(kind), &Filter::And(filters))?.iter().collect::<Vec<Row>>())
    };
    let read = |rows: &[Row], n: usize| -> Result<Vec<Value>, Error> {
        rows.iter().take(n).map(|r| snap.entry(*r).map(|e| view::parse(&e))).collect()
    };
    let number = number(&fields(raw));
    let start = ((number - 1) * limits::PEOPLE).min(usize::MAX / 2);
    let roles = live("PractitionerRole", "organization")?;
    let total = roles.len() as u64;
    let shown = roles.get(start..).unwrap_or_default();
    let mut people: Vec<(Practice, String)> = Vec::new();
    for role in read(shown, limits::PEOPLE)? {
        let who = role.pointer("/practitioner/reference").and_then(Value::as_str).unwrap_or_default();
        if let Some(p) = view::follow(&snap, who)? {
            people.push((view::practice(&p), view::situation(&snap, &role)?.labels.join(", ")));
        }
    }
    people.sort_by(|a, b| (&a.0.family, &a.0.given).cmp(&(&b.0.family, &b.0.given)));
    let mut parts: Vec<Place> = read(&live("Organization", "partof")?, limits::PARTS)?.iter().map(view::place).collect();
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    let mut activities: Vec<String> = Vec::new();
    for kind in ["HealthcareService", "Device"] {
        activities.extend(read(&live(kind, "organization")?, limits::PARTS)?.iter().map(view::activity));
    }
    activities.sort();
    activities.dedup();
    let link = |on: bool, n: usize| if on { query(&format!("/structure/{id}"), &[], n) } else { String::new() };
    let page_of = StructurePage {
        frame: pages.frame(&place.name, format!("/fhir/v2/{target}"), true),
        parent: view::follow(&snap, &place.parent)?.map(|v| view::place(&v)),
        changes: pages.changes(&snap, &[(ty("Organization"), resource.clone(), "Structure")])?,
        previous: link(number > 1, number - 1),
        next: link(roles.len() > start + limits::PEOPLE, number + 1),
        place,
        parts,
        people,
        total,
        activities,
        updated,
    };
    Ok(page(StatusCode::OK, &page_of, true))
}

async fn notices(State(pages): State<Arc<Pages>>) -> Response {
    let ms = pages.index.snapshot().map(|s| s.commit_ms()).unwrap_or(0);
    let frame = pages.frame("Mentions légales et réutilisation", String::new(), true);
    page(StatusCode::OK, &Notices { frame, operator: pages.settings.operator.clone(), date: view::day(&iso_ms(ms)) }, true)
}

async fn missing(State(pages): State<Arc<Pages>>) -> Response {
    pages.message(
        StatusCode::NOT_FOUND,
        "Page introuvable",
        "Cette adresse ne correspond à aucune page de l’annuaire. Vérifiez-la ou revenez à la recherche.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_bounded_and_come_back_encoded() {
        let f = fields(Some("nom=le%20Goff+%C3%89&nom=x&page=2&lieu=%00%zz"));
        assert_eq!((f["nom"].as_str(), number(&f)), ("le Goff É", 2));
        assert_eq!(fields(Some(&format!("nom={}", "a".repeat(500))))["nom"].len(), limits::FIELD);
        assert_eq!(query("/r", &[("nom", "a&b É"), ("lieu", "")], 3), "/r?nom=a%26b%20%C3%89&page=3");
        assert_eq!(number(&fields(Some("page=-1"))), 1);
    }

    #[test]
    fn summaries_are_correct_french() {
        assert_eq!(summary(0, true, 0, 0, ("x trouvé", "x trouvés")), "0 x trouvé");
        assert!(summary(1_234_567, true, 0, 0, ("x", "x")).starts_with("1\u{202f}234\u{202f}567 x"));
        assert_eq!(summary(41, true, 20, 20, ("x trouvé", "x trouvés")), "41 x trouvés, affichage de 21 à 40");
    }

    /// Work is bounded and taken in turn, and who is refused reads why.
    #[tokio::test]
    async fn too_much_is_refused_in_french() {
        let dir = tempfile::tempdir().unwrap();
        let index = Arc::new(Index::open(dir.path(), 1 << 24, &[]).unwrap());
        let lane = Arc::new(Lane::new());
        let settings =
            Settings { clock: Arc::new(|| 0), operator: "Essai".to_owned(), fictional: true, lane: Arc::clone(&lane), work: 0 };
        let app = router(index, settings);
        let ask = async |path: &str| {
            let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
            let response = tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        for path in ["/recherche?nom=martin", "/recherche?lieu=brest", "/structures?nom=centre", "/professionnel/801234567890"] {
            let (status, body) = ask(path).await;
            assert!(status == StatusCode::BAD_REQUEST && body.contains("Recherche trop large"), "{path}: {status} {body}");
        }
        assert_eq!(ask("/structure/1").await.0, StatusCode::NOT_FOUND);
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let held = || {
            let wait = Arc::clone(&wait);
            // The same stranger: no address.
            lane.run(xxhash_rust::xxh3::xxh3_64(b""), move || wait.lock().unwrap().recv().is_ok())
        };
        let mut jobs = Vec::new();
        while let Ok(job) = held() {
            jobs.push(job);
        }
        let (status, body) = ask("/recherche?nom=martin").await;
        assert!(status == StatusCode::TOO_MANY_REQUESTS && body.contains("Trop de demandes à la fois"), "{status} {body}");
        drop(go);
        for job in jobs {
            assert!(!job.await.unwrap());
        }
        assert_eq!(ask("/recherche?nom=martin").await.0, StatusCode::BAD_REQUEST, "once they are done, it is served again");
    }
}
