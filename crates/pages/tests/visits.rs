//! Requests for pages: who is let in, what is counted and logged, and what a visitor reads when something goes wrong.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use annuaire_base::Tx;
use annuaire_fhir::schema::type_id;
use annuaire_index::{Error, Index};
use annuaire_pages::ApiDoor;
use annuaire_terms::{ParamId, Presence, Resource, Term};
use annuaire_web::limits::LONG;
use annuaire_web::{Gate, GateSettings, Lane, Proxies, Rate};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use axum::routing::get;
use tower::ServiceExt;

/// The pages over a small store, with the lines of their request log.
struct TestSite {
    store: Arc<Index>,
    gate: Arc<Gate>,
    lines: Arc<Mutex<Vec<String>>>,
    app: Router,
    _directory: tempfile::TempDir,
}

/// The number of a parameter of a type.
fn param(ty: &str, name: &str) -> ParamId {
    annuaire_fhir::schema::param(ty, name).unwrap().id
}

/// A resource with these members, which it begins with a comma, and terms; `active` is both.
fn resource(ty: &str, id: &str, active: bool, members: &str, mut terms: Vec<Term>) -> Resource {
    terms.push(Term::Token { param: param(ty, "active"), system: String::new(), code: active.to_string() });
    Resource {
        ty: type_id(ty).unwrap(),
        id: id.to_owned(),
        before: format!(r#"{{"resourceType":"{ty}","id":"{id}","meta":{{"#).into_bytes(),
        after: format!(r#""profile":["p"]}},"active":{active}{members}}}"#).into_bytes(),
        terms,
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

/// Three professionals, of whom one left and one has a name with direction marks, and a structure where the first practises.
fn fill(store: &Index) {
    let person = |id: &str, national_id: &str, family: &str, active: bool| {
        let identifier = format!(r#"{{"type":{{"coding":[{{"code":"IDNPS"}}]}},"value":"{national_id}"}}"#);
        let name = format!(r#"{{"family":"{family}","given":["A\u200bnne"]}}"#);
        let terms = vec![
            Term::Text { param: param("Practitioner", "name"), value: family.to_owned() },
            Term::Token {
                param: param("Practitioner", "identifier"),
                system: annuaire_fhir::systems::IDNPS.to_owned(),
                code: national_id.to_owned(),
            },
        ];
        resource("Practitioner", id, active, &format!(r#","identifier":[{identifier}],"name":[{name}]"#), terms)
    };
    let (at, of) = ("Organization/001-F990000001", "Practitioner/003-2");
    let resources = [
        person("003-1", "810999000001", "DE\u{202e}SSAI", true),
        person("003-2", "810999000002", "EXEMPLE", true),
        person("003-3", "810999000003", "ABSENT", false),
        resource("Organization", "001-F990000001", true, r#","name":"CENTRE D’ESSAI""#, Vec::new()),
        resource(
            "PractitionerRole",
            "005-1",
            true,
            &format!(r#","practitioner":{{"reference":"{of}"}},"organization":{{"reference":"{at}"}}"#),
            vec![
                Term::Reference { param: param("PractitionerRole", "organization"), target: at.to_owned() },
                Term::Reference { param: param("PractitionerRole", "practitioner"), target: of.to_owned() },
            ],
        ),
    ];
    let mut preparer = store.preparer(Tx::new(1), 1_700_000_000_000).unwrap();
    let prepared = resources.map(|resource| preparer.prepare(resource));
    store.apply::<Error>(Tx::new(1), 1_700_000_000_000, prepared.into_iter()).unwrap();
}

impl TestSite {
    fn new(change: impl FnOnce(&mut GateSettings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Index::open(directory.path(), 1 << 28, annuaire_fhir::dictionary::ALL).unwrap());
        fill(&store);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let mut settings = GateSettings {
            log: Some(Arc::new(move |line| sink.lock().unwrap().push(line.to_owned()))),
            ..GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))
        };
        change(&mut settings);
        let gate = Arc::new(Gate::new(settings));
        let settings = annuaire_pages::PagesSettings {
            gate: Arc::clone(&gate),
            operator: "Essai".to_owned(),
            fictional: true,
            lane: Arc::new(Lane::new()),
            work: LONG,
            extractions: None,
        };
        // In the place of the API, something that has its address.
        let api = ApiDoor { router: Router::new().route("/fhir/v2", get(async || "API")), contact: None };
        let app = annuaire_pages::router_with_api(Arc::clone(&store).into(), settings, api);
        Self { store, gate, lines, app, _directory: directory }
    }

    async fn ask(&self, from: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request = Request::get(path);
        for (name, value) in [("host", "annuaire.example"), ("accept", "text/html")] {
            if !headers.iter().any(|h| h.0 == name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 4711)));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 24).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The path of the style sheet, as the first page links it.
    async fn stylesheet(&self) -> String {
        let (_, _, home) = self.ask("203.0.113.5", "/", &[]).await;
        home.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    async fn metrics(&self) -> String {
        self.gate.metrics(None, &[])
    }
}

/// Every route: a path, its name in the request log, the status that a stranger gets.
const ROUTES: [(&str, &str, u16); 17] = [
    ("/", "pages.home", 200),
    ("/recherche?nom=exemple", "pages.people", 200),
    ("/recherche", "pages.people", 400),
    ("/structures?nom=exemple", "pages.structures", 200),
    ("/professionnel/810999000002", "pages.professional", 200),
    ("/professionnel/810999000003", "pages.professional", 410),
    ("/professionnel/exemple", "pages.professional", 404),
    ("/structure/F990000001", "pages.structure", 200),
    ("/structure/exemple", "pages.structure", 404),
    ("/mentions", "pages.notices", 200),
    ("/robots.txt", "pages.robots", 200),
    ("stylesheet", "pages.style", 200),
    ("/exemple/exemple", "pages.missing", 404),
    ("/fhir/v2", "pages.developers", 200),
    ("/developpeurs/demande?type=Device", "pages.ask", 303),
    ("/developpeurs/guide", "pages.guide", 200),
    ("/developpeurs/guide-en", "pages.guide", 200),
];

#[test]
fn the_list_of_routes_is_complete() {
    let source = include_str!("../src/routes.rs");
    let mut named: Vec<&str> = source.split('"').filter(|text| text.starts_with("pages.")).collect();
    let mut listed: Vec<&str> = ROUTES.iter().map(|route| route.1).collect();
    listed.dedup();
    named.sort_unstable();
    named.dedup();
    listed.sort_unstable();
    assert_eq!(named, listed);
}

/// A program finds the API where a browser finds a page.
#[tokio::test]
async fn a_program_passes_the_door_of_developers_untouched() {
    let site = TestSite::new(|_| {});
    for accept in ["*/*", "application/fhir+json", "application/json, text/html"] {
        let (status, _, body) = site.ask("203.0.113.5", "/fhir/v2", &[("accept", accept)]).await;
        assert_eq!((status, body.as_str()), (200, "API"), "{accept}");
    }
    let (_, headers, body) = site.ask("203.0.113.5", "/fhir/v2", &[]).await;
    assert_eq!(headers["vary"], "Accept");
    assert!(body.contains("<strong>3</strong> à présent"), "{body}");
    assert!(body.contains("<code>Practitioner?family=") && !body.contains('\u{202e}'), "{body}");
}

/// The pages are for anyone: keys of the other doors neither open nor close them, right, wrong or missing.
#[tokio::test]
async fn every_endpoint_answers_a_stranger() {
    let site = TestSite::new(|settings| {
        settings.api_keys = vec!["key-1".to_owned()];
        settings.credentials = vec!["token-1".to_owned()];
    });
    let stylesheet = site.stylesheet().await;
    for (path, _, status) in ROUTES {
        let path = if path == "stylesheet" { &stylesheet } else { path };
        let (_, _, expected) = site.ask("203.0.113.5", path, &[]).await;
        for headers in [
            &[][..],
            &[("esante-api-key", "wrong"), ("authorization", "Bearer wrong")],
            &[("esante-api-key", "key-1"), ("authorization", "Bearer token-1")],
        ] {
            let (got, _, body) = site.ask("203.0.113.5", path, headers).await;
            assert_eq!((got, &body), (status, &expected), "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn each_request_is_one_line_and_one_count_without_personal_data() {
    let site = TestSite::new(|_| {});
    let stylesheet = site.stylesheet().await;
    for (path, route, status) in ROUTES {
        let path = if path == "stylesheet" { &stylesheet } else { path };
        site.lines.lock().unwrap().clear();
        let (got, headers, body) = site.ask("203.0.113.5", path, &[]).await;
        assert_eq!(got, status, "{path}");
        let lines = site.lines.lock().unwrap().clone();
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        let id = headers["x-request-id"].to_str().unwrap();
        for part in
            [format!(" method=GET route={route} type=- status={status} bytes={} us=", body.len()), format!(" results=- id={id}")]
        {
            assert!(lines[0].contains(&part), "{part}: {}", lines[0]);
        }
        assert!(!lines[0].contains("exemple") && !lines[0].contains("203.0.113"), "{}", lines[0]);
        let count = format!("annuaire_requests_total{{route=\"{route}\",status=\"{status}\"}}");
        assert!(site.metrics().await.contains(&count), "{count}");
    }
}

/// A professional and the structure link to each other, and a search finds both.
#[tokio::test]
async fn pages_link_to_each_other() {
    let site = TestSite::new(|_| {});
    for (path, link) in [
        ("/recherche?nom=exemple", "href=\"/professionnel/810999000002\">Anne EXEMPLE</a>"),
        ("/professionnel/810999000002", "href=\"/structure/F990000001\">CENTRE D’ESSAI</a>"),
        ("/structure/F990000001", "href=\"/professionnel/810999000002\">Anne EXEMPLE</a>"),
    ] {
        let (_, _, body) = site.ask("203.0.113.5", path, &[]).await;
        assert!(body.contains(link), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_rate_holds_for_pages_and_is_told_in_french() {
    let site = TestSite::new(|s| {
        s.rate = Some(Rate { per_second: 1, burst: 3 });
        s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]);
    });
    let mut served = 0;
    for n in 0..8 {
        let forged = format!("198.51.100.{n}");
        let headers = [("x-forwarded-for", forged.as_str()), ("authorization", &forged)];
        let (status, headers, body) = site.ask("203.0.113.5", "/recherche?nom=exemple", &headers).await;
        served += u32::from(status == 200);
        if status != 200 {
            assert_eq!((status, headers["retry-after"].to_str().unwrap()), (429, "1"));
            assert!(body.contains("Trop de demandes") && body.contains("Réessayez dans 1 seconde."), "{body}");
        }
    }
    assert_eq!(served, 3);
    // What belongs to a page that was shown is not refused; others are not touched.
    assert_eq!(site.ask("203.0.113.5", "/robots.txt", &[]).await.0, 200);
    for client in ["203.0.113.6", "203.0.113.7"] {
        assert_eq!(site.ask("10.0.0.1", "/", &[("x-forwarded-for", client)]).await.0, 200);
    }
}

#[tokio::test]
async fn links_start_with_what_a_trusted_proxy_cut() {
    let site = TestSite::new(|s| s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]));
    let told = [("x-forwarded-for", "203.0.113.5"), ("x-forwarded-prefix", "/sante")];
    for path in ["/", "/recherche?nom=exemple", "/structures", "/mentions", "/x"] {
        let (_, _, body) = site.ask("10.0.0.1", path, &told).await;
        for link in body.split("href=\"").chain(body.split("action=\"")).skip(1).filter(|l| l.starts_with('/')) {
            assert!(link.starts_with("/sante/"), "{path}: {}", &link[..40]);
        }
        let (_, _, body) = site.ask("203.0.113.5", path, &told).await;
        assert!(!body.contains("/sante"), "{path}: a stranger is not believed");
    }
}

#[tokio::test]
async fn a_host_that_is_none_is_refused_in_french() {
    let site = TestSite::new(|_| {});
    let (status, _, body) = site.ask("203.0.113.5", "/", &[("host", "a.example"), ("host", "b.example")]).await;
    assert!(status == 400 && body.contains("<html lang=\"fr\">") && body.contains("Demande incorrecte"), "{status} {body}");
}

#[tokio::test]
async fn marks_do_not_reach_pages_and_signs_find_nobody() {
    let site = TestSite::new(|_| {});
    let (status, _, body) = site.ask("203.0.113.5", "/recherche?nom=e%E2%80%AExem%E2%80%8Bple%00%C2%9B", &[]).await;
    assert!(status == 200 && body.contains("value=\"exemple\"") && body.contains("Anne EXEMPLE"), "{body}");
    let (_, _, body) = site.ask("203.0.113.5", "/recherche?nom=de", &[]).await;
    assert!(body.contains("DESSAI"), "{body}");
    assert!(!body.chars().any(|c| (c.is_control() && c != '\n')
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)));
    for typed in ["-", "%27", "...", "*", "%25", "-%20-", "%CC%81"] {
        for field in ["nom", "lieu"] {
            let (status, _, body) = site.ask("203.0.113.5", &format!("/recherche?{field}={typed}"), &[]).await;
            assert!(status == 200 && body.contains("<strong>0 résultat</strong>"), "{field}={typed}: {body}");
            let (_, _, body) = site.ask("203.0.113.5", &format!("/structures?{field}={typed}"), &[]).await;
            assert!(body.contains("0 structure trouvée"), "{field}={typed}: {body}");
        }
    }
}

#[tokio::test]
async fn an_incident_has_the_number_that_the_visitor_reads() {
    let site = TestSite::new(|_| {});
    let mut readers = Vec::new();
    let cause = loop {
        match site.store.snapshot() {
            Ok(reader) => readers.push(reader),
            Err(cause) => break cause.to_string(),
        }
    };
    for path in ["/", "/recherche?nom=exemple", "/mentions", "/structure/1"] {
        let (status, headers, body) = site.ask("203.0.113.5", path, &[]).await;
        let id = headers["x-request-id"].to_str().unwrap();
        assert!(status == 500 && body.contains(&format!("numéro d’incident : {id}")), "{path}: {body}");
        assert!(!body.contains(&cause) && !body.contains("storage"), "{body}");
        assert!(site.lines.lock().unwrap().last().unwrap().contains(" status=500 "));
    }
    drop(readers);
    assert_eq!(site.ask("203.0.113.5", "/", &[]).await.0, 200);
}
