//! Random searches compared with a naive look at the JSON of every resource, while a writer publishes between two pages.

#![allow(clippy::unwrap_used)]

use annuaire_base::date::parse_instant;
use annuaire_base::text::fold;
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_store::Registry;
use annuaire_store_sqlite::SqliteRegistry;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use tower::ServiceExt;

struct World {
    registry: SqliteRegistry,
    index: Arc<Index>,
    app: Router,
    runtime: tokio::runtime::Runtime,
    dir: tempfile::TempDir,
}

const VIEW: View = View { guide: Guide::V120, perimeter: Perimeter::Public };

impl World {
    /// A small nation, first delivery published.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plan = annuaire_testkit::Plan { professionals: 250, seed: 3, changed_per_mille: 200 };
        annuaire_testkit::generate(&dir.path().join("files"), &plan).unwrap();
        let index = Arc::new(Index::open(&dir.path().join("i"), 1 << 28, annuaire_fhir::dictionary::ALL).unwrap());
        // Long after every delivery.
        let gate = annuaire_web::Gate::new(annuaire_web::GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000)));
        let settings = annuaire_api::ApiSettings { gate: Arc::new(gate), cursor_key: [1; 32], lane: Arc::default() };
        let app = annuaire_api::router(Arc::clone(&index), None, settings);
        let registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut world = Self { registry, index, app, runtime, dir };
        world.deliver("files", 1_700_000_000_000);
        world
    }

    fn deliver(&mut self, folder: &str, now_ms: i64) {
        let entries = std::fs::read_dir(self.dir.path().join(folder)).unwrap().map(|e| e.unwrap().path());
        let files: Vec<PathBuf> = entries.filter(|p| p.is_file()).collect();
        let options = annuaire_exchange::Options {
            clock: Arc::new(move || now_ms),
            accept_mass_change: Some("a test of the model".into()),
            ..Default::default()
        };
        annuaire_exchange::import(&mut self.registry, &files, &options).unwrap();
        annuaire_publish::follow(&mut self.registry as &mut dyn Registry, &self.index, VIEW, &|_, _, _| {}).unwrap();
    }

    fn get(&self, path: &str) -> Value {
        let path = path.strip_prefix("http://localhost").unwrap_or(path);
        let (status, _, body) = self.send(Request::get(path).body(Body::empty()).unwrap());
        assert!(status == 200, "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Status, headers and body of an answer.
    fn send(&self, request: Request<Body>) -> (u16, HeaderMap, String) {
        self.runtime.block_on(async {
            let response = self.app.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 1 << 30).await.unwrap();
            (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
        })
    }

    /// The same for a GET with one header.
    fn ask(&self, path: &str, header: (&str, &str)) -> (u16, HeaderMap, String) {
        self.send(Request::get(path).header(header.0, header.1).body(Body::empty()).unwrap())
    }

    fn walk(&self, path: &str, between: &mut dyn FnMut()) -> (u64, Vec<String>) {
        let mut page = self.get(path);
        let (total, mut ids) = (page["total"].as_u64().unwrap(), Vec::new());
        loop {
            ids.extend(page["entry"].as_array().into_iter().flatten().map(|e| e["resource"]["id"].as_str().unwrap().to_owned()));
            between();
            let links = page["link"].as_array().unwrap();
            match links.iter().find(|l| l["relation"] == "next") {
                Some(next) => page = self.get(next["url"].as_str().unwrap()),
                None => return (total, ids),
            }
        }
    }

    fn all(&self, ty: &str) -> Vec<Value> {
        let mut page = self.get(&format!("/fhir/v2/{ty}?_count=1000"));
        let mut out = Vec::new();
        loop {
            out.extend(page["entry"].as_array().into_iter().flatten().map(|e| e["resource"].clone()));
            match page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next") {
                Some(next) => page = self.get(next["url"].as_str().unwrap()),
                None => return out,
            }
        }
    }
}

/// Values at a path; arrays are walked through.
fn at<'a>(v: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(vec![v], |found, m| {
        let below = found.into_iter().filter_map(|x| x.get(m));
        below.flat_map(|x| x.as_array().map_or_else(|| vec![x], |a| a.iter().collect())).collect()
    })
}

fn texts(v: &Value, paths: &[&str]) -> Vec<String> {
    paths.iter().flat_map(|p| at(v, p)).filter_map(|x| x.as_str().map(str::to_owned)).collect()
}

/// What a parameter looks at: texts, or (system, code) pairs.
enum Looks {
    Texts(&'static [&'static str]),
    Codings(&'static str),
    Identifiers,
    Flag,
    Link(&'static str),
}

const PARAMETERS: &[(&str, &str, Looks)] = &[
    ("Practitioner", "family", Looks::Texts(&["name.family"])),
    ("Practitioner", "given", Looks::Texts(&["name.given"])),
    ("Practitioner", "name", Looks::Texts(&["name.family", "name.given", "name.prefix", "name.suffix"])),
    ("Practitioner", "qualification-code", Looks::Codings("qualification.code.coding")),
    ("Practitioner", "identifier", Looks::Identifiers),
    ("Practitioner", "active", Looks::Flag),
    ("PractitionerRole", "role", Looks::Codings("code.coding")),
    ("PractitionerRole", "organization", Looks::Link("organization.reference")),
    ("PractitionerRole", "active", Looks::Flag),
    ("Organization", "name", Looks::Texts(&["name", "alias"])),
    ("Organization", "address-city", Looks::Texts(&["address.city"])),
    ("Organization", "address-postalcode", Looks::Texts(&["address.postalCode"])),
    ("Organization", "type", Looks::Codings("type.coding")),
    ("Organization", "identifier", Looks::Identifiers),
    ("Organization", "partof", Looks::Link("partOf.reference")),
];

fn pairs(looks: &Looks, r: &Value) -> Vec<(String, String)> {
    let text = |v: &Value, m: &str| v[m].as_str().unwrap_or_default().to_owned();
    match looks {
        Looks::Codings(path) => at(r, path).into_iter().map(|c| (text(c, "system"), text(c, "code"))).collect(),
        Looks::Identifiers => at(r, "identifier").into_iter().map(|i| (text(i, "system"), text(i, "value"))).collect(),
        Looks::Flag => vec![("http://hl7.org/fhir/ValueSet/special-values".into(), r["active"].to_string())],
        Looks::Texts(_) | Looks::Link(_) => Vec::new(),
    }
}

/// One criterion as text and as a predicate.
struct Criterion {
    text: String,
    keeps: Box<dyn Fn(&Value) -> bool>,
}

fn encode(s: &str) -> String {
    s.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn escape(s: &str) -> String {
    s.replace('\\', "\\\\").replace(',', "\\,").replace('|', "\\|").replace('$', "\\$")
}

/// A criterion drawn from a parameter, a resource to take values from, and a few numbers.
fn criterion(parameter: usize, samples: &[&Value], form: u8, cut: usize) -> Criterion {
    let (_, name, looks) = &PARAMETERS[parameter];
    match looks {
        Looks::Texts(paths) => {
            let values: Vec<String> = samples.iter().filter_map(|r| texts(r, paths).into_iter().next()).collect();
            let part = |v: &String| -> String {
                let chars: Vec<char> = v.chars().collect();
                match form % 3 {
                    0 => chars[..chars.len().min(1 + cut)].iter().collect(),
                    1 => chars[(cut % chars.len().max(1))..].iter().take(4).collect(),
                    _ => v.clone(),
                }
            };
            let wanted: Vec<String> = values.iter().map(part).filter(|p| !p.trim().is_empty()).collect();
            let modifier = ["", ":contains", ":exact"][usize::from(form % 3)];
            let list = wanted.iter().map(|w| encode(&escape(w))).collect::<Vec<_>>().join(",");
            let keeps = move |r: &Value| {
                wanted.is_empty()
                    || texts(r, paths).iter().any(|t| {
                        wanted.iter().any(|w| match modifier {
                            ":contains" => fold(t).contains(&fold(w)),
                            ":exact" => t == w,
                            _ => fold(t).starts_with(&fold(w)),
                        })
                    })
            };
            Criterion { text: format!("{name}{modifier}={list}"), keeps: Box::new(keeps) }
        }
        Looks::Link(path) => {
            let wanted: Vec<String> = samples.iter().flat_map(|r| texts(r, &[path])).collect();
            let list = wanted.join(",");
            let keeps = move |r: &Value| wanted.is_empty() || texts(r, &[path]).iter().any(|t| wanted.contains(t));
            Criterion { text: format!("{name}={list}"), keeps: Box::new(keeps) }
        }
        _ if form == 7 => Criterion {
            text: format!("{name}:missing=false"),
            keeps: Box::new(move |r| pairs(looks, r).iter().any(|p| !p.1.is_empty())),
        },
        _ => {
            let wanted: Vec<(String, String)> = samples.iter().filter_map(|r| pairs(looks, r).into_iter().nth(cut % 2)).collect();
            let (with_system, only_system) = (form % 3 == 1, form % 3 == 2);
            let one = |p: &(String, String)| match (with_system, only_system) {
                (true, _) => format!("{}%7C{}", encode(&p.0), encode(&escape(&p.1))),
                (_, true) => format!("{}%7C", encode(&p.0)),
                _ => encode(&escape(&p.1)),
            };
            let list = wanted.iter().filter(|w| !(only_system && w.0.is_empty())).map(one).collect::<Vec<_>>().join(",");
            let not = form >= 5;
            let empty = list.is_empty();
            let keeps = move |r: &Value| {
                let has = pairs(looks, r).iter().any(|p| {
                    wanted.iter().any(|w| {
                        (with_system || only_system || p.1 == w.1) && (!with_system || p == w) && (!only_system || p.0 == w.0)
                    })
                });
                empty || (has != not)
            };
            Criterion { text: format!("{name}{}={list}", if not { ":not" } else { "" }), keeps: Box::new(keeps) }
        }
    }
}

#[test]
fn random_searches_agree_with_a_naive_look_and_pages_never_move() {
    let mut world = World::new();
    let first: Vec<(&str, Vec<Value>)> =
        ["Practitioner", "PractitionerRole", "Organization"].into_iter().map(|ty| (ty, world.all(ty))).collect();
    let mut checked = 0;
    let mut held: Vec<(String, BTreeSet<String>, String)> = Vec::new();
    let strategy = (
        0..3_usize,
        prop::collection::vec((0..PARAMETERS.len(), 0..8_u8, 0..6_usize, any::<[u16; 3]>(), 1..4_usize), 1..4),
        1..90_usize,
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&strategy, |(kind, draws, count)| {
            let (ty, all) = &first[kind];
            let criteria: Vec<Criterion> = draws
                .iter()
                .filter(|d| PARAMETERS[d.0].0 == *ty)
                .map(|(p, form, cut, picks, n)| {
                    let samples: Vec<&Value> = picks[..*n.min(&3)].iter().map(|i| &all[usize::from(*i) % all.len()]).collect();
                    criterion(*p, &samples, *form, *cut)
                })
                .collect();
            let query = criteria.iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join("&");
            let wanted: BTreeSet<String> = all
                .iter()
                .filter(|r| criteria.iter().all(|c| (c.keeps)(r)))
                .map(|r| r["id"].as_str().unwrap().to_owned())
                .collect();
            let (total, ids) = world.walk(&format!("/fhir/v2/{ty}?_count={count}&{query}"), &mut || {});
            prop_assert_eq!(total as usize, wanted.len(), "{}?{}", ty, query);
            prop_assert_eq!(ids.len(), wanted.len(), "{}?{}: a resource came twice or is missing", ty, query);
            prop_assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), wanted, "{}?{}", ty, query);
            Ok(())
        })
        .unwrap();
    // Pages begun before the second delivery end in the state of their first page.
    for (ty, all) in &first {
        for sort in ["", "&_sort=_id", "&_sort=-_lastUpdated"] {
            let page = world.get(&format!("/fhir/v2/{ty}?_count=40{sort}"));
            let next = page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next").unwrap()["url"].to_string();
            let ids =
                page["entry"].as_array().unwrap().iter().map(|e| e["resource"]["id"].as_str().unwrap().to_owned()).collect();
            held.push((next.trim_matches('"').to_owned(), ids, format!("{ty}{sort}")));
            checked += all.len();
        }
    }
    world.deliver("files/next", 1_700_000_100_000);
    for (n, (next, mut ids, what)) in held.into_iter().enumerate() {
        let (total, rest) = world.walk(&next, &mut || {});
        for id in rest {
            assert!(ids.insert(id), "{what}: a resource came twice");
        }
        let wanted: BTreeSet<String> = first[n / 3].1.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((total as usize, &ids), (wanted.len(), &wanted), "{what}");
    }
    // Delta: what changed since the second delivery is what differs now.
    for (ty, old) in &first {
        let now = world.all(ty);
        let changed: BTreeSet<&str> = now.iter().filter(|r| !old.contains(r)).map(|r| r["id"].as_str().unwrap()).collect();
        let since =
            now.iter().filter(|r| parse_instant(r["meta"]["lastUpdated"].as_str().unwrap()).unwrap().0 >= 1_700_000_100_000);
        assert_eq!(changed, since.map(|r| r["id"].as_str().unwrap()).collect(), "{ty}");
        let (total, _) = world.walk(&format!("/fhir/v2/{ty}?_lastUpdated=ge2023-11-14T22:15:00Z"), &mut || {});
        assert_eq!(total as usize, changed.len(), "{ty}");
    }
    assert!(checked > 500);
}

/// Chains and `_has`, through few links and through all of them, before and after a delivery that changes both ends.
#[test]
fn questions_through_links_agree_with_a_naive_look() {
    let mut world = World::new();
    // Searched, how its criteria begin, type that they are about, type and place of the link.
    let links = [
        ("PractitionerRole", "organization.", "Organization", "organization.reference"),
        ("PractitionerRole", "practitioner:Practitioner.", "Practitioner", "practitioner.reference"),
        ("Organization", "partof.", "Organization", "partOf.reference"),
        ("Practitioner", "_has:PractitionerRole:practitioner:", "PractitionerRole", "practitioner.reference"),
        ("Organization", "_has:PractitionerRole:organization:", "PractitionerRole", "organization.reference"),
        ("Organization", "_has:Organization:partof:", "Organization", "partOf.reference"),
    ];
    let strategy = (0..links.len(), 0..PARAMETERS.len(), 0..8_u8, 0..6_usize, any::<[u16; 3]>());
    for round in 0..2 {
        let all: std::collections::BTreeMap<&str, Vec<Value>> =
            ["Practitioner", "PractitionerRole", "Organization"].into_iter().map(|ty| (ty, world.all(ty))).collect();
        let full = std::cell::Cell::new(0);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1_500));
        runner
            .run(&strategy, |(link, parameter, form, cut, picks)| {
                let (ty, begin, inner, path) = links[link];
                if PARAMETERS[parameter].0 != inner {
                    return Ok(());
                }
                let samples: Vec<&Value> = picks.iter().map(|i| &all[inner][usize::from(*i) % all[inner].len()]).collect();
                let criterion = criterion(parameter, &samples, form, cut);
                if criterion.text.ends_with('=') {
                    return Ok(());
                }
                let name = |ty: &str, r: &Value| format!("{ty}/{}", r["id"].as_str().unwrap());
                let kept = || all[inner].iter().filter(|r| (criterion.keeps)(r));
                let ends: BTreeSet<String> = match begin.starts_with("_has") {
                    true => kept().flat_map(|r| texts(r, &[path])).collect(),
                    false => kept().map(|r| name(inner, r)).collect(),
                };
                let wanted = all[ty].iter().filter(|r| match begin.starts_with("_has") {
                    true => ends.contains(&name(ty, r)),
                    false => texts(r, &[path]).iter().any(|to| ends.contains(to)),
                });
                let wanted: BTreeSet<String> = wanted.map(|r| r["id"].as_str().unwrap().to_owned()).collect();
                let (total, ids) = world.walk(&format!("/fhir/v2/{ty}?_count=1000&{begin}{}", criterion.text), &mut || {});
                prop_assert_eq!(total as usize, wanted.len(), "{}?{}{}", ty, begin, criterion.text);
                prop_assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), wanted, "{}?{}{}", ty, begin, criterion.text);
                full.set(full.get() + usize::from(total > 0));
                Ok(())
            })
            .unwrap();
        assert!(full.get() > 100, "only {} answers with something", full.get());
        if round == 0 {
            world.deliver("files/next", 1_700_000_100_000);
        }
    }
}

/// Whatever is asked, the answer is FHIR and the server did not fail.
#[test]
fn hostile_requests_get_a_fhir_answer() {
    let world = World::new();
    let segment = prop_oneof![
        Just("Practitioner".to_owned()),
        Just("Organization".to_owned()),
        Just("_page".to_owned()),
        Just("_history".to_owned()),
        "[ -~]{0,12}"
    ];
    let name = prop_oneof![
        Just("family:contains".to_owned()),
        Just("_lastUpdated".to_owned()),
        Just("_include:iterate".to_owned()),
        Just("_sort".to_owned()),
        Just("_has:PractitionerRole:practitioner:role".to_owned()),
        Just("organization.address-city".to_owned()),
        Just("period".to_owned()),
        Just("identifier:of-type".to_owned()),
        Just("_count".to_owned()),
        Just("id".to_owned()),
        Just("_format".to_owned()),
        ".{0,10}",
    ];
    let strategy = (prop::collection::vec(segment, 0..4), prop::collection::vec((name, ".{0,20}"), 0..4));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1_500));
    runner
        .run(&strategy, |(segments, pairs)| {
            let path = segments.iter().map(|s| encode(s)).collect::<Vec<_>>().join("/");
            let query = pairs.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect::<Vec<_>>().join("&");
            let request = Request::get(format!("/fhir/v2/{path}?{query}")).body(Body::empty()).unwrap();
            let (status, kind, body) = world.runtime.block_on(async {
                let response = world.app.clone().oneshot(request).await.unwrap();
                let kind = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
                (response.status().as_u16(), kind, to_bytes(response.into_body(), 1 << 30).await.unwrap())
            });
            prop_assert!(status < 500, "{}?{}: {}", path, query, String::from_utf8_lossy(&body));
            prop_assert!(kind.is_some_and(|k| k.starts_with("application/fhir+")), "{}?{}", path, query);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_date_after_the_last_change_is_not_modified() {
    let world = World::new();
    let id = world.get("/fhir/v2/Practitioner?_count=1")["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    let path = format!("/fhir/v2/Practitioner/{id}");
    let (status, headers, _) = world.ask(&path, ("accept", "*/*"));
    let modified = headers["last-modified"].to_str().unwrap().to_owned();
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (200, "no-cache"));
    let (_, headers, _) = world.ask(&format!("{path}/_history/1"), ("accept", "*/*"));
    assert_eq!(headers["cache-control"], "max-age=86400, immutable");
    // The delivery is the last transaction: the date of the answer itself and any later one are good, a future one is not.
    for (date, wanted) in [
        (modified.as_str(), 304),
        ("Fri, 15 Dec 2023 00:00:00 GMT", 304),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 200),
        ("Wed, 01 Jan 2031 00:00:00 GMT", 200),
    ] {
        assert_eq!(world.ask(&path, ("if-modified-since", date)).0, wanted, "{date}");
    }
}

#[test]
fn a_read_is_cut_as_a_search_is() {
    let world = World::new();
    for query in ["_elements=name", "_elements=Practitioner.name", "_summary=true", "_summary=text", "_summary=data"] {
        let found = &world.get(&format!("/fhir/v2/Practitioner?_count=1&{query}"))["entry"][0]["resource"];
        let path = format!("/fhir/v2/Practitioner/{}", found["id"].as_str().unwrap());
        assert_eq!(&world.get(&format!("{path}?{query}")), found, "{query}");
        assert_eq!(&world.get(&format!("{path}/_history/1?{query}")), found, "{query}");
        assert_eq!(world.ask(&format!("{path}?_summary=x"), ("accept", "*/*")).0, 400);
    }
}

#[test]
fn a_form_asks_its_format_as_a_query_does() {
    let world = World::new();
    let post = |form: &str, tag: &str| {
        let request = Request::post("/fhir/v2/Practitioner/_search")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("if-none-match", tag)
            .body(Body::from(form.to_owned()))
            .unwrap();
        let (status, headers, _) = world.send(request);
        (status, headers["content-type"].to_str().unwrap().to_owned(), headers.get("etag").cloned())
    };
    assert_eq!(post("_count=1&_format=xml", "x").1, "application/fhir+xml;charset=UTF-8");
    assert_eq!(post("bogus=1&_format=application%2Ffhir%2Bxml", "x").1, "application/fhir+xml;charset=UTF-8");
    assert_eq!(post("_count=1&_format=ttl", "x").0, 406);
    let (status, kind, tag) = post("_count=1", "x");
    assert_eq!((status, kind.as_str()), (200, "application/fhir+json;charset=UTF-8"));
    assert_eq!(post("_count=1", tag.unwrap().to_str().unwrap()).0, 200, "a POST is answered whatever the client holds");
    for (accept, status) in [("application/fhir+json; fhirVersion=4.0", 200), ("application/fhir+json; fhirVersion=3.0", 406)] {
        assert_eq!(world.ask("/fhir/v2/Device?_count=0", ("accept", accept)).0, status, "{accept}");
    }
}

#[test]
fn an_excluded_id_is_excluded_and_strict_handling_refuses_idle_modifiers() {
    let world = World::new();
    let total = |query: &str| world.get(&format!("/fhir/v2/Practitioner?_count=0&{query}"))["total"].as_u64().unwrap();
    let first = world.get("/fhir/v2/Practitioner?_count=2");
    let id = |n: usize| first["entry"][n]["resource"]["id"].as_str().unwrap().to_owned();
    assert_eq!(total(&format!("_id:not={},{}", id(0), id(1))), total("") - 2);
    assert_eq!((total("_id:missing=true"), total("_lastUpdated:missing=false")), (0, total("")));
    let strict = |query: &str| world.ask(&format!("/fhir/v2/Practitioner?_count=0&{query}"), ("prefer", "handling=strict"));
    assert_eq!(total("active:bogus=true"), total("active=true"), "no effect, as on the national service");
    let (status, _, body) = strict("active:bogus=true");
    assert!(status == 400 && body.contains("active:bogus"), "{body}");
    assert_eq!(strict("active:not=true&name:contains=a").0, 200);
}

/// The documented text alone in `diagnostics`, the kind in `code` where the contract leaves it, the help in `details`.
#[test]
fn a_refusal_says_what_is_documented_and_what_to_do() {
    let world = World::new();
    let value = "Bad parameter value.";
    let long = "x".repeat(1_024);
    let long = format!("Practitioner?identifier={long}");
    let reader = "Parameter bogus not found for resource Practitioner";
    let unsupported = "Can't process the request. Resource type not supported. Server knows how to handle: [Device, HealthcareService, Organization, Practitioner, PractitionerRole]";
    for (path, status, code, text, words) in [
        ("Practitioner?name=a&active=%01", 400, "exception", value, ["In active", "control character"]),
        ("Practitioner?_id=a%09b", 400, "exception", value, ["In _id", "control character"]),
        ("Practitioner?_id=a%00", 400, "exception", value, ["In _id", "control character"]),
        ("PractitionerRole?organization=a%0Ab", 400, "exception", value, ["In organization", "control character"]),
        ("Practitioner?name=%00", 400, "exception", value, ["In name", "control character"]),
        (&long, 400, "exception", value, ["In identifier", "1023"]),
        ("Practitioner?active:missing=maybe", 400, "value", value, ["In active", "true or false"]),
        ("Practitioner?identifier:of-type=a", 400, "value", value, ["In identifier", "system|type|value"]),
        ("PractitionerRole?organization=a/b/c", 400, "exception", "Unknown error", ["In organization", "Type/id"]),
        ("PractitionerRole?organization=/", 400, "value", value, ["In organization", "Type/id"]),
        ("Practitioner?name=%FF", 400, "value", value, ["UTF-8", ""]),
        ("Practitioner?name=100%", 400, "value", value, ["%25", ""]),
        ("Practitioner?=a", 400, "value", value, ["name=value", ""]),
        ("Practitioner?name=-", 400, "value", value, ["In name", "letters or digits"]),
        ("Practitioner?name:contains=%27.%20-", 400, "value", value, ["In name", "letters or digits"]),
        ("Practitioner?name=a,-", 400, "value", value, ["In name", "letters or digits"]),
        ("PractitionerRole?practitioner.name=-", 400, "value", value, ["In practitioner.name", "letters or digits"]),
        ("Practitioner?name=+", 400, "value", value, ["In name", "leave the parameter out"]),
        ("Practitioner?name=,", 400, "value", value, ["In name", "leave the parameter out"]),
        ("Practitioner?identifier=%7C", 400, "value", value, ["In identifier", "system|code"]),
        ("HealthcareService?_profile=%7C1", 400, "value", value, ["In _profile", "canonical"]),
        ("Practitioner?_count=3&_count=4", 400, "value", value, ["In _count", "twice"]),
        (
            "Practitioner?_lastUpdated=gt2022-13",
            400,
            "exception",
            "Bad date literal: gt2022-13",
            ["In _lastUpdated", "2026-11-25"],
        ),
        (
            "Practitioner?_lastUpdated=ge2022-00",
            400,
            "exception",
            "Bad date literal: ge2022-00",
            ["In _lastUpdated", "2026-11-25"],
        ),
        ("Organization?period=2022-02-30", 400, "exception", "Bad date literal: 2022-02-30", ["In period", "2026-11-25"]),
        ("_history?_since=x", 400, "exception", "Bad date literal: x", ["In _since", ""]),
        ("Practitioner?bogus=1", 400, "exception", reader, ["qualification-code", "_id"]),
        ("Practitioner?bogus:exact=1", 400, "exception", reader, ["qualification-code", "_id"]),
        (
            "PractitionerRole?organization.bogus=1",
            400,
            "exception",
            "Parameter bogus not found for resource Organization",
            ["address-city", ""],
        ),
        (
            "Practitioner?_sort=name",
            400,
            "exception",
            "Parameter _sort=name not found for resource Practitioner",
            ["Known: _lastUpdated, _id.", ""],
        ),
        (
            "Organization?_include=x",
            400,
            "exception",
            "Parameter x not found for resource Organization",
            ["Organization:partof", "*"],
        ),
        (
            "Organization?_include=Organization:partof:Device",
            400,
            "exception",
            "Parameter Organization:partof:Device not found for resource Organization",
            ["Organization:partof:Organization", ""],
        ),
        (
            "Practitioner?_revinclude=x",
            400,
            "exception",
            "Parameter x not found for resource Practitioner",
            ["PractitionerRole:practitioner", ""],
        ),
        ("_page?id=x", 400, "exception", "The url can't be processed. Maybe it is too old or corrupted.", ["first page", ""]),
        ("_page", 400, "exception", "Parameter id required to fetch the next page", ["", ""]),
        (
            "Practitioner?_count=x",
            400,
            "exception",
            "The _count parameter must be in the FHIR format with an integer value : \"_count=30\"",
            ["", ""],
        ),
        (
            "Practitioner?_total=x",
            400,
            "exception",
            "Bad value for the _total parameter. Allowed values are : accurate, none, estimate",
            ["", ""],
        ),
        ("Practitioner/none", 404, "exception", "Resource not found with id: none", ["", ""]),
        ("Patient/1", 404, "exception", unsupported, ["", ""]),
        ("Patient", 400, "exception", unsupported, ["", ""]),
        ("Patient?_count=1", 400, "exception", unsupported, ["", ""]),
        ("Patient?name=a", 400, "exception", "Parameter name not found for resource Patient", ["Server knows how to handle", ""]),
        ("Practitioner/a/b/c/d", 404, "not-found", "No resource at this address.", ["", ""]),
        (
            "Practitioner?_format=csv",
            406,
            "not-supported",
            "Format csv is not served: use application/fhir+json or application/fhir+xml, FHIR 4.0.",
            ["", ""],
        ),
    ] {
        let (found, _, body) = world.ask(&format!("/fhir/v2/{path}"), ("accept", "*/*"));
        let told: Value = serde_json::from_str(&body).unwrap();
        let issue = &told["issue"][0];
        assert_eq!((found, issue["code"].as_str(), issue["diagnostics"].as_str()), (status, Some(code), Some(text)), "{path}");
        let help = issue["details"]["text"].as_str().unwrap_or_default();
        assert!(words.iter().all(|w| help.contains(w)), "{path}: {help}");
        assert!(issue["details"].is_null() != (words != ["", ""]), "{path}: {issue}");
    }
    let strict = |path: &str| world.ask(&format!("/fhir/v2/{path}"), ("prefer", "handling=strict"));
    for path in ["Practitioner?bogus=1", "Practitioner?name:bogus=a", "Practitioner?_count:exact=1"] {
        let (status, _, body) = strict(path);
        assert_eq!((status, body.contains("\"not-supported\"")), (400, true), "{path}: {body}");
    }
}

/// A literal of any year is answered at once, and cuts the directory where it should.
#[test]
fn dates_of_any_year_are_answered() {
    let world = World::new();
    let total = |query: &str| world.get(&format!("/fhir/v2/Organization?_count=0&{query}"))["total"].as_u64().unwrap();
    let all = total("");
    for (query, wanted) in [
        ("_lastUpdated=ge0001-01-01", all),
        ("_lastUpdated=ge0001-01-01T00:00:00", all),
        ("_lastUpdated=lt0640", 0),
        ("_lastUpdated=le9999-12-31", all),
        ("_lastUpdated=gt9999", 0),
        ("_lastUpdated=ge2023-11-14&_lastUpdated=lt2023-11-15", all),
        ("_lastUpdated=ge2023-11-14T23:13:20%2B01:00", all),
        ("_lastUpdated=ge2023-11-14T23:13:20+01:00", all),
        ("_lastUpdated=gt2023-11-14T23:13:20.000", 0),
        ("period=ge0001-01-01", total("period:missing=false")),
        ("period=gt9999", total("period=ge9999-12-31")),
    ] {
        assert_eq!(total(query), wanted, "{query}");
    }
    for literal in ["0000", "99999", "2022-00", "2022-99-99", "ge", "-1", "9999-12-31T23:59:59.999999999999999999999%2B14:01"] {
        assert_eq!(world.ask(&format!("/fhir/v2/_history?_since={literal}"), ("accept", "*/*")).0, 400, "{literal}");
    }
}

/// What tells the format of an answer goes on with its links, in both directions and in a form.
#[test]
fn the_pages_of_an_answer_have_its_format_and_its_watermark() {
    let world = World::new();
    let link = |body: &str, relation: &str| {
        let at = body.find(&format!("<relation value=\"{relation}\"/><url value=\"")).map(|at| &body[at..]);
        let url = at.and_then(|at| at.split("<url value=\"").nth(1)?.split('"').next().map(|url| url.replace("&amp;", "&")));
        url.and_then(|url| url.strip_prefix("http://localhost").map(str::to_owned))
    };
    let watermark = "<meta><lastUpdated value=\"2023-11-14T22:13:20.000Z\"/></meta>";
    for path in [
        "Practitioner?_count=60&_elements=name&_format=xml",
        "Practitioner/_history?_count=60&_format=application/fhir%2Bxml&_pretty=true",
    ] {
        let (mut next, mut pages) = (Some(format!("/fhir/v2/{path}")), 0);
        while let Some(url) = next {
            let (status, headers, body) = world.ask(&url, ("accept", "*/*"));
            assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/fhir+xml;charset=UTF-8"), "{url}");
            assert!(body.contains(watermark), "{url}");
            assert_eq!(link(&body, "self").as_deref(), Some(url.as_str()), "an address repeats what was asked");
            assert!(!path.contains("_elements") || body.contains("SUBSETTED"));
            if let Some(previous) = link(&body, "previous") {
                assert!(previous.contains("&_format=xml"), "{previous}");
            }
            next = link(&body, "next");
            pages += 1;
        }
        assert!(pages > 3, "{path}");
    }
    let page = world.get("/fhir/v2/Practitioner?_count=60");
    assert_eq!(page["meta"]["lastUpdated"], "2023-11-14T22:13:20.000Z");
    assert!(!page["link"][0]["url"].as_str().unwrap().contains("_format"));
}

/// Who asks from the watermark of the last answer misses nothing, whatever was delivered since.
#[test]
fn a_follower_that_asks_from_the_watermark_loses_nothing() {
    let mut world = World::new();
    let first = world.get("/fhir/v2/Practitioner?_count=1");
    let mark = first["meta"]["lastUpdated"].as_str().unwrap().to_owned();
    let old = world.all("Practitioner");
    world.deliver("files/next", 1_700_000_100_000);
    let next = first["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next").unwrap()["url"].as_str().unwrap();
    assert_eq!(world.get(next)["meta"]["lastUpdated"], mark.as_str(), "pages are of the state of the first one");
    let told: BTreeSet<String> =
        world.walk(&format!("/fhir/v2/Practitioner?_lastUpdated=ge{mark}"), &mut || {}).1.into_iter().collect();
    let changed =
        world.all("Practitioner").into_iter().filter(|r| !old.contains(r)).map(|r| r["id"].as_str().unwrap().to_owned());
    let changed: BTreeSet<String> = changed.collect();
    assert!(!changed.is_empty() && changed.is_subset(&told));
}

#[test]
fn a_modifier_without_effect_is_said() {
    let world = World::new();
    let page = world.get("/fhir/v2/Practitioner?name:family=m&active:bogus=true&_count=5");
    let plain = world.get("/fhir/v2/Practitioner?name=m&active=true&_count=5");
    assert_eq!(page["total"], plain["total"], "as on the national service");
    let entries = page["entry"].as_array().unwrap();
    let (told, matches) = entries.split_last().unwrap();
    assert_eq!(matches, plain["entry"].as_array().unwrap());
    assert_eq!(
        (told["search"]["mode"].as_str(), told["resource"]["resourceType"].as_str()),
        (Some("outcome"), Some("OperationOutcome"))
    );
    let issues = told["resource"]["issue"].as_array().unwrap();
    assert_eq!(issues.len(), 2);
    for (issue, (name, help)) in issues.iter().zip([("name:family", ":contains"), ("active:bogus", ":not")]) {
        assert_eq!((issue["severity"].as_str(), issue["code"].as_str()), (Some("warning"), Some("not-supported")));
        assert!(
            issue["diagnostics"].as_str().unwrap().contains(name) && issue["details"]["text"].as_str().unwrap().contains(help)
        );
    }
    let name = told["fullUrl"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap();
    assert_eq!(name.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert_eq!(world.get("/fhir/v2/Practitioner?name:family=m&active:bogus=true&_count=5"), page, "an answer asked again");
    for idle in ["active:not=true", "name:contains=m", "_id:missing=false", "identifier=a"] {
        let page = world.get(&format!("/fhir/v2/Practitioner?_count=1&{idle}"));
        assert!(page["entry"].as_array().into_iter().flatten().all(|e| e["search"]["mode"] == "match"), "{idle}");
    }
}

/// Each form of an include brings what a look at the links brings.
#[test]
fn forms_of_includes_bring_what_they_name() {
    let world = World::new();
    let brought = |query: &str| -> BTreeSet<String> {
        let page = world.get(&format!("/fhir/v2/{query}"));
        let included = page["entry"].as_array().unwrap().iter().filter(|e| e["search"]["mode"] == "include");
        included
            .map(|e| format!("{}/{}", e["resource"]["resourceType"].as_str().unwrap(), e["resource"]["id"].as_str().unwrap()))
            .collect()
    };
    let roles: Vec<Value> = world.get("/fhir/v2/PractitionerRole?_count=20")["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["resource"].clone())
        .collect();
    let linked = |paths: &[&str]| -> BTreeSet<String> { roles.iter().flat_map(|r| texts(r, paths)).collect() };
    let both = linked(&["practitioner.reference", "organization.reference"]);
    let one = linked(&["organization.reference"]);
    assert!(one.len() > 3 && both.len() > one.len());
    for (form, wanted) in [
        ("*", &both),
        ("PractitionerRole:*", &both),
        ("PractitionerRole:organization", &one),
        ("PractitionerRole:organization:Organization", &one),
    ] {
        assert_eq!(&brought(&format!("PractitionerRole?_count=20&_include={form}")), wanted, "{form}");
    }
    let busy = roles.iter().find_map(|r| r["organization"]["reference"].as_str()).unwrap().strip_prefix("Organization/").unwrap();
    let holders = |ty: &str, path: &str| -> BTreeSet<String> {
        let all = world.all(ty).into_iter().filter(|r| texts(r, &[path]).contains(&format!("Organization/{busy}")));
        all.map(|r| format!("{ty}/{}", r["id"].as_str().unwrap())).collect()
    };
    let roles = holders("PractitionerRole", "organization.reference");
    let mut every = roles.clone();
    every.extend(holders("HealthcareService", "providedBy.reference"));
    every.extend(holders("Device", "owner.reference"));
    every.extend(holders("Organization", "partOf.reference"));
    for (form, wanted) in [
        ("*", &every),
        ("PractitionerRole:*", &roles),
        ("PractitionerRole:organization", &roles),
        ("PractitionerRole:organization:Organization", &roles),
    ] {
        assert_eq!(&brought(&format!("Organization?_id={busy}&_revinclude={form}")), wanted, "{form}");
    }
}

/// The business identifier of a target, and addresses of resources here and elsewhere.
#[test]
fn references_by_identifier_and_by_address() {
    let world = World::new();
    let all = world.all("PractitionerRole");
    let total = |query: &str| world.get(&format!("/fhir/v2/PractitionerRole?_count=0&{query}"))["total"].as_u64().unwrap();
    let places = world.all("Organization");
    let mut found = 0;
    for place in places.iter().step_by(7) {
        let to = format!("Organization/{}", place["id"].as_str().unwrap());
        let wanted = all.iter().filter(|r| r["organization"]["reference"] == to.as_str()).count() as u64;
        for (system, value) in pairs(&Looks::Identifiers, place).into_iter().filter(|(s, _)| !s.contains("sirene")) {
            let (system, value) = (encode(&system), encode(&value));
            let here = total(&format!("organization:identifier={system}%7C{value}"));
            assert_eq!(here, total(&format!("organization.identifier={system}%7C{value}")));
            assert_eq!(here, wanted, "{to} {system}|{value}");
            found += here;
        }
        for (address, wanted) in [
            (format!("http://localhost/fhir/v2/{to}"), wanted),
            (format!("http://localhost/fhir/dp/{to}"), wanted),
            (format!("https://autre.example/fhir/v2/{to}"), 0),
            (format!("http://localhost.autre.example/fhir/v2/{to}"), 0),
            (format!("http://autre.example/http://localhost/fhir/v2/{to}"), 0),
        ] {
            assert_eq!(total(&format!("organization={}", encode(&address))), wanted, "{address}");
        }
    }
    assert!(found > 10);
    assert_eq!(world.ask("/fhir/v2/PractitionerRole?organization:identifier=%7C", ("accept", "*/*")).0, 400);
}

#[test]
fn every_order_pages_back_to_where_it_came_from() {
    let world = World::new();
    let link = |page: &Value, relation: &str| {
        let found = page["link"].as_array().unwrap().iter().find(|l| l["relation"] == relation).cloned();
        found.map(|l| l["url"].as_str().unwrap().to_owned())
    };
    for sort in ["", "_id", "-_id", "_lastUpdated", "-_lastUpdated"] {
        for count in [1, 7, 50] {
            let mut page = world.get(&format!("/fhir/v2/Practitioner?family=m&_sort={sort}&_count={count}"));
            let first = page["entry"].clone();
            assert_eq!((link(&page, "first"), link(&page, "previous")), (None, None));
            let mut pages = 0;
            while let Some(next) = link(&page, "next") {
                let following = world.get(&next);
                let back = world.get(&link(&following, "previous").unwrap());
                assert_eq!(back["entry"], page["entry"], "{sort} by {count}");
                assert_eq!(world.get(&link(&following, "first").unwrap())["entry"], first, "{sort} by {count}");
                page = following;
                pages += 1;
            }
            assert!(pages > 0 || count == 50);
        }
    }
    let next = link(&world.get("/fhir/v2/_history?_count=3"), "next").unwrap();
    assert_eq!(link(&world.get(&next), "self"), Some(next), "a later page of a history has its own address");
}

/// An answer is the same however often it is asked and in whatever form it is sent, short or in pieces; it changes with the
/// directory, and what is kept of it is for those who may read it.
#[test]
fn an_answer_asked_again_is_the_answer() {
    let mut world = World::new();
    let page = "/fhir/v2/PractitionerRole?_count=1000&_sort=_id";
    let short = "/fhir/v2/PractitionerRole?_count=30&_include=PractitionerRole:practitioner";
    let bytes = |app: &Router, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        world.runtime.block_on(async {
            let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts.status.as_u16(), parts.headers, to_bytes(body, 1 << 30).await.unwrap().to_vec())
        })
    };
    let mut plain_pages = Vec::new();
    for (path, pieces) in [(page, true), (short, false)] {
        let (status, headers, plain) = bytes(&world.app, path, &[]);
        assert_eq!((status, headers.contains_key("content-length")), (200, !pieces), "{path}");
        assert!(serde_json::from_slice::<Value>(&plain).unwrap()["entry"].as_array().unwrap().len() >= 30);
        for _ in 0..3 {
            let (_, again, body) = bytes(&world.app, path, &[]);
            assert_eq!((&body, again.get("etag")), (&plain, headers.get("etag")));
            let (_, packed, body) = bytes(&world.app, path, &[("accept-encoding", "gzip")]);
            assert_eq!(packed["content-encoding"], "gzip");
            let mut unpacked = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&body[..]), &mut unpacked).unwrap();
            assert_eq!(unpacked, plain);
            let (_, _, xml) = bytes(&world.app, path, &[("accept", "application/fhir+xml")]);
            assert!(xml.starts_with(b"<") && xml.ends_with(b"</Bundle>"), "{path}");
            // Links lead to who was asked.
            let (_, _, elsewhere) = bytes(&world.app, path, &[("host", "directory.test")]);
            assert!(String::from_utf8(elsewhere).unwrap().contains("http://directory.test/fhir/v2/PractitionerRole/"));
        }
        plain_pages.push(plain);
    }
    let gate = annuaire_web::Gate::new(annuaire_web::GateSettings {
        api_keys: vec!["known".to_owned()],
        ..annuaire_web::GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))
    });
    let settings = annuaire_api::ApiSettings { gate: Arc::new(gate), cursor_key: [1; 32], lane: Arc::default() };
    let closed = annuaire_api::router(Arc::clone(&world.index), None, settings);
    for _ in 0..3 {
        assert_eq!(bytes(&closed, short, &[("esante-api-key", "known")]).0, 200);
        assert_eq!(bytes(&closed, short, &[]).0, 401, "a stranger gets nothing of what others asked");
    }
    world.deliver("files/next", 1_700_000_100_000);
    for (path, plain) in [page, short].iter().zip(plain_pages) {
        let (_, _, body) = world.ask(path, ("accept", "*/*"));
        assert_ne!(body.as_bytes(), plain, "the directory changed");
    }
}
