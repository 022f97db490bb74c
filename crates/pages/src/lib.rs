//! The public pages: search for people, a permanent page per professional and per structure.
//!
//! Server-rendered, without script. They read only the public store, and hence can show nothing else. Each request passes the
//! [`Gate`] that the API passes too: one log line, one count, one rate. Whoever reads that something went wrong reads under
//! which number the operator finds it.

mod find;
mod history;
mod text;
mod view;
mod visit;

use annuaire_base::date::iso_day;
use annuaire_index::{Effort, Error, Filter, Index, Row, Snapshot};
use annuaire_web::{Full, Gate, Lane};
use askama::Template;
use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodRouter, any, get};
use find::Choices;
use history::Change;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use view::{Place, Practice, Situation, points, token, ty};
use visit::Visit;

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
pub struct PagesSettings {
    /// Where requests arrive and leave; the doors of a server share one.
    pub gate: Arc<Gate>,
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
    settings: PagesSettings,
    choices: Choices,
    style: String,
}

/// The pages over the public store. Unknown addresses get a page too.
pub fn router(index: Arc<Index>, settings: PagesSettings) -> Router {
    let style = format!("/annuaire.{:08x}.css", xxhash_rust::xxh3::xxh3_64(STYLE.as_bytes()) >> 32);
    let css = |State(_): State<Arc<Pages>>| async {
        let mut r = Response::new(Body::from(STYLE));
        r.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css;charset=UTF-8"));
        r.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        r
    };
    let pages = Arc::new(Pages { index, settings, choices: find::choices(), style: style.clone() });
    let named = |name: &'static str, route: MethodRouter<Arc<Pages>>| {
        route.layer(from_fn_with_state((Arc::clone(&pages), name), visit::pass))
    };
    let robots = get(|| async { "User-agent: *\nDisallow: /recherche\nDisallow: /structures\n" });
    Router::new()
        .route("/", named("pages.home", get(async |pages, visit| in_turn(pages, visit, home).await)))
        .route(
            "/recherche",
            named(
                "pages.people",
                get(async |pages, visit, RawQuery(raw): RawQuery| {
                    in_turn(pages, visit, move |pages, visit| people(pages, visit, raw.as_deref())).await
                }),
            ),
        )
        .route(
            "/structures",
            named(
                "pages.structures",
                get(async |pages, visit, RawQuery(raw): RawQuery| {
                    in_turn(pages, visit, move |pages, visit| structures(pages, visit, raw.as_deref())).await
                }),
            ),
        )
        .route(
            "/professionnel/{id}",
            named(
                "pages.professional",
                get(async |pages, visit, Path(id): Path<String>| {
                    in_turn(pages, visit, move |pages, visit| professional(pages, visit, &id)).await
                }),
            ),
        )
        .route(
            "/structure/{id}",
            named(
                "pages.structure",
                get(async |pages, visit, Path(id): Path<String>, RawQuery(raw): RawQuery| {
                    in_turn(pages, visit, move |pages, visit| structure(pages, visit, &id, raw.as_deref())).await
                }),
            ),
        )
        .route("/mentions", named("pages.notices", get(async |pages, visit| in_turn(pages, visit, notices).await)))
        .route("/robots.txt", named(visit::ROBOTS, robots))
        .route(&style, named(visit::STYLE, get(css)))
        .fallback_service(named("pages.missing", any(missing)).with_state(Arc::clone(&pages)))
        .with_state(pages)
}

/// What every page shows around its content.
struct Frame {
    title: String,
    /// What a proxy cut from the path: links start with it.
    root: String,
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

fn page(visit: &Visit, status: StatusCode, template: &impl Template, indexed: bool) -> Response {
    let (status, body) = match template.render() {
        Ok(body) => (status, body),
        Err(error) => {
            visit.record(&error);
            (StatusCode::INTERNAL_SERVER_ERROR, format!("La page ne peut pas être affichée (incident {}).", visit.id))
        }
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

/// Parameters of a query string, each value bounded, trimmed and without marks. The first of each name counts.
fn fields(query: Option<&str>) -> HashMap<String, String> {
    let clean = |value: &str| text::clean(value).chars().take(limits::FIELD).collect::<String>().trim().to_owned();
    let mut out = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        out.entry(clean(&name)).or_insert_with(|| clean(&value));
    }
    out
}

/// What stands in a query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A query string of these fields, without the empty ones.
fn query(path: &str, fields: &[(&str, &str)], number: usize) -> String {
    let number = number.to_string();
    let fields = fields.iter().copied().chain([("page", number.as_str())]).filter(|field| !field.1.is_empty());
    let parts: Vec<String> = fields.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN))).collect();
    format!("{path}?{}", parts.join("&"))
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

    /// `machine` is a path of ours, or empty.
    fn frame(&self, visit: &Visit, title: &str, machine: &str, index: bool) -> Frame {
        let link = |path: &str| if path.is_empty() { String::new() } else { visit.link(path) };
        Frame {
            title: title.to_owned(),
            root: visit.root.clone(),
            style: link(&self.style),
            fictional: self.settings.fictional,
            machine: link(machine),
            index,
        }
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

    fn message(&self, visit: &Visit, status: StatusCode, heading: &str, text: &str) -> Response {
        let frame = self.frame(visit, heading, "", false);
        page(visit, status, &Message { frame, heading: heading.to_owned(), text: text.to_owned() }, false)
    }

    /// The page about an internal error, which `cause` tells the operator.
    fn broken(&self, visit: &Visit, cause: &(dyn std::error::Error + 'static)) -> Response {
        visit.record(cause);
        let text = format!(
            "L’annuaire ne peut pas répondre pour le moment. Réessayez dans quelques minutes. Si l’erreur persiste, signalez-la \
             avec ce numéro d’incident : {}.",
            visit.id
        );
        self.message(visit, StatusCode::INTERNAL_SERVER_ERROR, "Une erreur est survenue", &text)
    }

    /// Changes of these resources in the last days, newest first, without repetition.
    fn changes(&self, snap: &Snapshot, resources: &[(u8, String, &str)]) -> Result<Vec<Change>, Error> {
        let since = self.settings.gate.now() / 1_000 - limits::HISTORY_DAYS * 86_400_000;
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
        Ok(all.into_iter().map(|(ms, words)| Change { day: view::day(&iso_day(ms)), words }).collect())
    }
}

type Page = Result<Response, Error>;

/// Makes a page in the turn of who asks for it: what it searches and reads costs nothing to the threads that read connections.
async fn in_turn(
    State(pages): State<Arc<Pages>>,
    Extension(visit): Extension<Visit>,
    make: impl FnOnce(&Pages, &Visit) -> Page + Send + 'static,
) -> Response {
    let (maker, visitor) = (Arc::clone(&pages), visit.clone());
    let made = match pages.settings.lane.run(visit.client, move || make(&maker, &visitor)) {
        Ok(page) => page.await,
        Err(Full) => {
            return pages.message(
                &visit,
                StatusCode::TOO_MANY_REQUESTS,
                "Trop de demandes à la fois",
                "Des pages demandées depuis votre adresse sont encore en préparation. Attendez qu’elles s’affichent, puis réessayez.",
            );
        }
    };
    match made {
        Ok(Ok(page)) => page,
        Ok(Err(Error::Exhausted)) => pages.message(
            &visit,
            StatusCode::BAD_REQUEST,
            "Recherche trop large",
            "Cette recherche demande trop de travail. Précisez-la : un nom plus complet, une profession ou un lieu.",
        ),
        Ok(Err(error)) => pages.broken(&visit, &error),
        // Its job panicked.
        Err(lost) => pages.broken(&visit, &lost),
    }
}

fn home(pages: &Pages, visit: &Visit) -> Page {
    let snap = pages.index.snapshot()?;
    let count = |name: &str| Ok::<_, Error>(view::grouped(snap.search(ty(name), &view::active(name))?.len()));
    let date = if snap.tx() > 0 { view::day(&iso_day(snap.commit_ms())) } else { String::new() };
    let home = Home {
        frame: pages.frame(visit, "Trouver un professionnel ou une structure", "", true),
        form: pages.form(&HashMap::new()),
        professionals: count("Practitioner")?,
        structures: count("Organization")?,
        date,
    };
    Ok(page(visit, StatusCode::OK, &home, true))
}

/// Where an answer stands in words: `21 à 40 sur 132`.
fn summary(total: u64, sorted: bool, start: usize, shown: usize, what: (&str, &str)) -> String {
    let plural = if total > 1 { what.1 } else { what.0 };
    let range = if shown == 0 { String::new() } else { format!(", affichage de {} à {}", start + 1, start + shown) };
    let order = if sorted || shown == 0 { "" } else { " ; précisez la recherche pour un classement par nom" };
    format!("{} {plural}{range}{order}", view::grouped(total))
}

fn people(pages: &Pages, visit: &Visit, raw: Option<&str>) -> Page {
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
    let link = |on: bool, n: usize| if on { query(&visit.link("/recherche"), &kept, n) } else { String::new() };
    let (previous, next) = (link(number > 1, number.saturating_sub(1)), link(more, number + 1));
    let title = if problem.is_empty() { text.clone() } else { "Recherche à préciser".to_owned() };
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let frame = pages.frame(visit, &title, "", false);
    Ok(page(visit, status, &People { frame, form, results, summary: text, problem, previous, next }, false))
}

fn with_situations(snap: &Snapshot, practice: Practice) -> Result<(Practice, Vec<Situation>), Error> {
    let target = format!("Practitioner/{}", practice.id);
    let filter = Filter::And(vec![view::active("PractitionerRole"), points("PractitionerRole", "practitioner", &target)]);
    let rows = snap.search(ty("PractitionerRole"), &filter)?;
    let roles = rows.iter().map(|row| view::situation(snap, &view::parse(&snap.entry(row)?))).collect::<Result<_, _>>()?;
    Ok((practice, roles))
}

fn structures(pages: &Pages, visit: &Visit, raw: Option<&str>) -> Page {
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
    let link = |on: bool, n: usize| if on { query(&visit.link("/structures"), &kept, n) } else { String::new() };
    let (previous, next) = (link(number > 1, number.saturating_sub(1)), link(more, number + 1));
    let title = if asked { text.clone() } else { "Trouver une structure".to_owned() };
    let frame = pages.frame(visit, &title, "", false);
    Ok(page(visit, StatusCode::OK, &Structures { frame, form, results, summary: text, previous, next }, false))
}

fn professional(pages: &Pages, visit: &Visit, id: &str) -> Page {
    let snap = pages.snapshot()?;
    let filter = token("Practitioner", "identifier", Some(annuaire_fhir::systems::IDNPS), id);
    let rows = snap.search(ty("Practitioner"), &filter)?;
    let entries: Vec<(Value, i64)> =
        rows.iter().map(|r| snap.entry(r).map(|e| (view::parse(&e), e.commit_ms))).collect::<Result<_, _>>()?;
    if entries.is_empty() {
        return Ok(pages.message(
            visit,
            StatusCode::NOT_FOUND,
            "Professionnel inconnu",
            "Aucun professionnel n’est publié sous ce numéro. Vérifiez l’adresse ou lancez une recherche.",
        ));
    }
    let updated = entries.iter().map(|e| e.1).max().map(|ms| view::day(&iso_day(ms))).unwrap_or_default();
    let live: Vec<Practice> = entries.iter().map(|e| view::practice(&e.0)).filter(|p| p.active).collect();
    let Some(first) = live.first() else {
        return Ok(pages.message(
            visit,
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
    let frame = pages.frame(visit, &name, &machine, true);
    let practices = live.into_iter().map(|p| with_situations(&snap, p)).collect::<Result<_, _>>()?;
    Ok(page(visit, StatusCode::OK, &Professional { frame, name, national, rpps, practices, changes, updated }, true))
}

fn structure(pages: &Pages, visit: &Visit, id: &str, raw: Option<&str>) -> Page {
    let snap = pages.snapshot()?;
    let resource = annuaire_fhir::ids::organization_id(id);
    let Some(entry) = snap.current(ty("Organization"), &resource)? else {
        return Ok(pages.message(
            visit,
            StatusCode::NOT_FOUND,
            "Structure inconnue",
            "Aucune structure n’est publiée sous ce numéro. Vérifiez l’adresse ou lancez une recherche.",
        ));
    };
    let (place, updated) = (view::place(&view::parse(&entry)), view::day(&iso_day(entry.commit_ms)));
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
    let link = |on: bool, n: usize| {
        if on { query(&visit.link(&format!("/structure/{}", utf8_percent_encode(id, PLAIN))), &[], n) } else { String::new() }
    };
    let page_of = StructurePage {
        frame: pages.frame(visit, &place.name, &format!("/fhir/v2/{target}"), true),
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
    Ok(page(visit, StatusCode::OK, &page_of, true))
}

fn notices(pages: &Pages, visit: &Visit) -> Page {
    let ms = pages.index.snapshot()?.commit_ms();
    let frame = pages.frame(visit, "Mentions légales et réutilisation", "", true);
    let notices = Notices { frame, operator: pages.settings.operator.clone(), date: view::day(&iso_day(ms)) };
    Ok(page(visit, StatusCode::OK, &notices, true))
}

async fn missing(State(pages): State<Arc<Pages>>, Extension(visit): Extension<Visit>) -> Response {
    pages.message(
        &visit,
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
        let gate = Arc::new(Gate::new(annuaire_web::GateSettings::new([1; 32], Arc::new(|| 0))));
        // The same stranger: no address.
        let (mut parts, ()) = axum::http::Request::new(()).into_parts();
        let stranger = gate.arrive::<annuaire_web::Anyone>(&mut parts, annuaire_web::RateRule::Exempt).await.0.client;
        let settings = PagesSettings { gate, operator: "Essai".to_owned(), fictional: true, lane: Arc::clone(&lane), work: 0 };
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
            lane.run(stranger, move || wait.lock().unwrap().recv().is_ok())
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
