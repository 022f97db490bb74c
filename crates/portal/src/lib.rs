//! The public pages: search for people, a permanent page per professional and per structure.
//!
//! Server-rendered, without script. They read only the public store, and hence can show nothing else.

mod find;
mod history;
mod view;

use annuaire_base::date::iso_ms;
use annuaire_index::{Filter, Index, Row, Snapshot};
use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use find::Choices;
use history::Change;
use serde_json::Value;
use std::collections::HashMap;
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
        .route("/recherche", get(people))
        .route("/structures", get(structures))
        .route("/professionnel/{id}", get(professional))
        .route("/structure/{id}", get(structure))
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
    fn changes(&self, snap: &Snapshot, resources: &[(u8, String, &str)]) -> Vec<Change> {
        let since = (self.settings.clock)() / 1_000 - limits::HISTORY_DAYS * 86_400_000;
        let mut all: Vec<(i64, String)> = Vec::new();
        for (kind, id, what) in resources {
            let Ok(rows) = snap.history(*kind, id) else { continue };
            for (n, row) in rows.iter().enumerate() {
                let Ok(entry) = snap.entry(*row) else { continue };
                if entry.commit_ms < since {
                    break;
                }
                let old = rows.get(n + 1).and_then(|r| snap.entry(*r).ok()).map(|e| view::parse(&e));
                let words = history::describe(old.as_ref(), &view::parse(&entry));
                all.push((entry.commit_ms, format!("{what} : {words}")));
            }
        }
        all.sort_by(|a, b| b.cmp(a));
        all.dedup();
        all.into_iter().map(|(ms, words)| Change { day: view::day(&iso_ms(ms)), words }).collect()
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

async fn people(State(pages): State<Arc<Pages>>, RawQuery(raw): RawQuery) -> Response {
    let fields = fields(raw.as_deref());
    let form = pages.form(&fields);
    let Ok(snap) = pages.index.snapshot() else { return pages.broken() };
    let nothing = form.nom.is_empty() && form.profession.is_empty() && form.specialite.is_empty() && form.lieu.is_empty();
    let found = (!nothing).then(|| find::people(&snap, &form.nom, &form.profession, &form.specialite, &form.lieu));
    let number = number(&fields);
    let start = (number - 1) * limits::PAGE;
    let (mut results, mut text, mut problem, mut more) = (Vec::new(), String::new(), String::new(), false);
    match found {
        Some(Ok(found)) => {
            for row in found.rows.iter().skip(start).take(limits::PAGE) {
                let Ok(entry) = snap.entry(*row) else { return pages.broken() };
                results.push(with_situations(&snap, view::practice(&view::parse(&entry))));
            }
            more = found.rows.len() > start + results.len();
            text = summary(found.total, found.sorted, start, results.len(), ("résultat", "résultats"));
        }
        None => "Indiquez au moins un nom, une profession, une spécialité ou un lieu.".clone_into(&mut problem),
        Some(Err(_)) => return pages.broken(),
    }
    let kept =
        [("nom", form.nom.as_str()), ("profession", &form.profession), ("specialite", &form.specialite), ("lieu", &form.lieu)];
    let link = |on: bool, n: usize| if on { query("/recherche", &kept, n) } else { String::new() };
    let (previous, next) = (link(number > 1, number.saturating_sub(1)), link(more, number + 1));
    let title = if problem.is_empty() { text.clone() } else { "Recherche à préciser".to_owned() };
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let frame = pages.frame(&title, String::new(), false);
    page(status, &People { frame, form, results, summary: text, problem, previous, next }, false)
}

fn with_situations(snap: &Snapshot, practice: Practice) -> (Practice, Vec<Situation>) {
    let target = format!("Practitioner/{}", practice.id);
    let filter = Filter::And(vec![view::active("PractitionerRole"), points("PractitionerRole", "practitioner", &target)]);
    let rows = snap.search(ty("PractitionerRole"), &filter).unwrap_or_default();
    let roles = rows.iter().filter_map(|row| snap.entry(row).ok()).map(|e| view::situation(snap, &view::parse(&e))).collect();
    (practice, roles)
}

async fn structures(State(pages): State<Arc<Pages>>, RawQuery(raw): RawQuery) -> Response {
    let fields = fields(raw.as_deref());
    let form = pages.form(&fields);
    let Ok(snap) = pages.index.snapshot() else { return pages.broken() };
    let (number, mut results) = (number(&fields), Vec::new());
    let start = (number - 1) * limits::PAGE;
    let asked = !(form.nom.is_empty() && form.lieu.is_empty());
    let (mut text, mut more) = (String::new(), false);
    if asked {
        let Ok(found) = find::structures(&snap, &form.nom, &form.lieu) else { return pages.broken() };
        for row in found.rows.iter().skip(start).take(limits::PAGE) {
            let Ok(entry) = snap.entry(*row) else { return pages.broken() };
            results.push(view::place(&view::parse(&entry)));
        }
        more = found.rows.len() > start + results.len();
        text = summary(found.total, found.sorted, start, results.len(), ("structure trouvée", "structures trouvées"));
    }
    let kept = [("nom", form.nom.as_str()), ("lieu", &form.lieu)];
    let link = |on: bool, n: usize| if on { query("/structures", &kept, n) } else { String::new() };
    let (previous, next) = (link(number > 1, number.saturating_sub(1)), link(more, number + 1));
    let title = if asked { text.clone() } else { "Trouver une structure".to_owned() };
    let frame = pages.frame(&title, String::new(), false);
    page(StatusCode::OK, &Structures { frame, form, results, summary: text, previous, next }, false)
}

async fn professional(State(pages): State<Arc<Pages>>, Path(id): Path<String>) -> Response {
    let Ok(snap) = pages.index.snapshot() else { return pages.broken() };
    let filter = token("Practitioner", "identifier", Some(annuaire_fhir::forms::IDNPS), &id);
    let Ok(rows) = snap.search(ty("Practitioner"), &filter) else { return pages.broken() };
    let entries: Vec<(Value, i64)> =
        rows.iter().filter_map(|r| snap.entry(r).ok()).map(|e| (view::parse(&e), e.commit_ms)).collect();
    if entries.is_empty() {
        return pages.message(
            StatusCode::NOT_FOUND,
            "Professionnel inconnu",
            "Aucun professionnel n’est publié sous ce numéro. Vérifiez l’adresse ou lancez une recherche.",
        );
    }
    let updated = entries.iter().map(|e| e.1).max().map(|ms| view::day(&iso_ms(ms))).unwrap_or_default();
    let live: Vec<Practice> = entries.iter().map(|e| view::practice(&e.0)).filter(|p| p.active).collect();
    let Some(first) = live.first() else {
        return pages.message(
            StatusCode::GONE,
            "Ce professionnel n’est plus publié",
            &format!("Ses données ont été retirées de l’annuaire le {updated}."),
        );
    };
    let (name, national, rpps) = (first.name.clone(), first.national.clone(), first.rpps.clone());
    let mut resources: Vec<(u8, String, &str)> = Vec::new();
    for p in &live {
        resources.push((ty("Practitioner"), p.id.clone(), "Exercice"));
        let target = format!("Practitioner/{}", p.id);
        let rows = snap.search(ty("PractitionerRole"), &points("PractitionerRole", "practitioner", &target)).unwrap_or_default();
        let ids = rows.iter().filter_map(|r| snap.entry(r).ok()).map(|e| e.id().to_owned());
        resources.extend(ids.map(|id| (ty("PractitionerRole"), id, "Activité")));
    }
    let changes = pages.changes(&snap, &resources);
    let machine = format!("/fhir/v2/Practitioner?identifier={national}&_revinclude=PractitionerRole:practitioner");
    let frame = pages.frame(&name, machine, true);
    let practices = live.into_iter().map(|p| with_situations(&snap, p)).collect();
    page(StatusCode::OK, &Professional { frame, name, national, rpps, practices, changes, updated }, true)
}

async fn structure(State(pages): State<Arc<Pages>>, Path(id): Path<String>, RawQuery(raw): RawQuery) -> Response {
    let Ok(snap) = pages.index.snapshot() else { return pages.broken() };
    let resource = annuaire_fhir::forms::organization_id(&id);
    let Ok(found) = snap.current(ty("Organization"), &resource) else { return pages.broken() };
    let Some(entry) = found else {
        return pages.message(
            StatusCode::NOT_FOUND,
            "Structure inconnue",
            "Aucune structure n’est publiée sous ce numéro. Vérifiez l’adresse ou lancez une recherche.",
        );
    };
    let (place, updated) = (view::place(&view::parse(&entry)), view::day(&iso_ms(entry.commit_ms)));
    let target = format!("Organization/{resource}");
    let live = |kind: &str, name: &str| {
        let mut filters = vec![points(kind, name, &target)];
        // A device has a status instead.
        filters.push(if kind == "Device" { token(kind, "status", None, "active") } else { view::active(kind) });
        let rows = snap.search(ty(kind), &Filter::And(filters)).unwrap_or_default();
        (rows.len(), rows.iter().collect::<Vec<Row>>())
    };
    let read = |rows: &[Row], n: usize| -> Vec<Value> {
        rows.iter().take(n).filter_map(|r| snap.entry(*r).ok()).map(|e| view::parse(&e)).collect()
    };
    let number = number(&fields(raw.as_deref()));
    let start = ((number - 1) * limits::PEOPLE).min(usize::MAX / 2);
    let (total, roles) = live("PractitionerRole", "organization");
    let shown = roles.get(start..).unwrap_or_default();
    let mut people: Vec<(Practice, String)> = Vec::new();
    for role in read(shown, limits::PEOPLE) {
        let who = role.pointer("/practitioner/reference").and_then(Value::as_str).unwrap_or_default();
        if let Some(p) = view::follow(&snap, who) {
            people.push((view::practice(&p), view::situation(&snap, &role).labels.join(", ")));
        }
    }
    people.sort_by(|a, b| (&a.0.family, &a.0.given).cmp(&(&b.0.family, &b.0.given)));
    let mut parts: Vec<Place> = read(&live("Organization", "partof").1, limits::PARTS).iter().map(view::place).collect();
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    let mut activities: Vec<String> = ["HealthcareService", "Device"]
        .iter()
        .flat_map(|kind| read(&live(kind, "organization").1, limits::PARTS))
        .map(|v| view::activity(&v))
        .collect();
    activities.sort();
    activities.dedup();
    let link = |on: bool, n: usize| if on { query(&format!("/structure/{id}"), &[], n) } else { String::new() };
    let page_of = StructurePage {
        frame: pages.frame(&place.name, format!("/fhir/v2/{target}"), true),
        parent: view::follow(&snap, &place.parent).map(|v| view::place(&v)),
        changes: pages.changes(&snap, &[(ty("Organization"), resource.clone(), "Structure")]),
        previous: link(number > 1, number - 1),
        next: link(roles.len() > start + limits::PEOPLE, number + 1),
        place,
        parts,
        people,
        total,
        activities,
        updated,
    };
    page(StatusCode::OK, &page_of, true)
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
}
