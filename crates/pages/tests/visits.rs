//! Visits of the pages: let in, counted, told; and what a visitor reads when something goes wrong.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use annuaire_base::Tx;
use annuaire_fhir::schema::{PARAMS, type_id};
use annuaire_index::{Error, Index};
use annuaire_terms::{Presence, Resource, Term};
use annuaire_web::limits::LONG;
use annuaire_web::{Gate, GateSettings, Lane, Proxies, Rate};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use tower::ServiceExt;

struct World {
    index: Arc<Index>,
    gate: Arc<Gate>,
    lines: Arc<Mutex<Vec<String>>>,
    app: Router,
    _dir: tempfile::TempDir,
}

/// Two professionals; the name of one holds marks of direction.
fn fill(index: &Index) {
    let param = |name: &str| PARAMS.iter().find(|p| p.name == name && p.types.contains(&"Practitioner")).unwrap().id;
    let mut preparer = index.preparer(Tx::new(1), 1_700_000_000_000).unwrap();
    let resources = [("003-1", "DE\u{202e}SSAI"), ("003-2", "EXEMPLE")].map(|(id, family)| {
        let before = format!(r#"{{"resourceType":"Practitioner","id":"{id}","meta":{{"#).into_bytes();
        let after =
            format!(r#""profile":["p"]}},"active":true,"name":[{{"family":"{family}","given":["A\u200bnne"]}}]}}"#).into_bytes();
        let terms = vec![
            Term::Token { param: param("active"), system: String::new(), code: "true".into() },
            Term::Text { param: param("name"), value: family.into() },
        ];
        preparer.prepare(Resource {
            ty: type_id("Practitioner").unwrap(),
            id: id.into(),
            before,
            after,
            terms,
            foreign_stamp: None,
            presence: Presence::Described,
        })
    });
    index.apply::<Error>(Tx::new(1), 1_700_000_000_000, resources.into_iter()).unwrap();
}

impl World {
    fn new(change: impl FnOnce(&mut GateSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = Arc::new(Index::open(dir.path(), 1 << 28, annuaire_fhir::dictionary::ALL).unwrap());
        fill(&index);
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
        };
        let app = annuaire_pages::router(Arc::clone(&index), settings);
        Self { index, gate, lines, app, _dir: dir }
    }

    async fn ask(&self, from: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request = Request::get(path);
        if !headers.iter().any(|h| h.0 == "host") {
            request = request.header("host", "annuaire.example");
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

    async fn metrics(&self) -> String {
        self.gate.metrics(None, &[])
    }
}

#[tokio::test]
async fn each_request_is_one_line_and_one_count_without_personal_data() {
    let world = World::new(|_| {});
    let (_, _, home) = world.ask("203.0.113.5", "/", &[]).await;
    let style = home.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (path, route, status) in [
        ("/", "pages.home", 200),
        ("/recherche?nom=exemple", "pages.people", 200),
        ("/recherche", "pages.people", 400),
        ("/structures?nom=exemple", "pages.structures", 200),
        ("/professionnel/exemple", "pages.professional", 404),
        ("/structure/exemple", "pages.structure", 404),
        ("/mentions", "pages.notices", 200),
        ("/robots.txt", "pages.robots", 200),
        (style.as_str(), "pages.style", 200),
        ("/exemple/exemple", "pages.missing", 404),
    ] {
        world.lines.lock().unwrap().clear();
        let (got, headers, body) = world.ask("203.0.113.5", path, &[]).await;
        assert_eq!(got, status, "{path}");
        let lines = world.lines.lock().unwrap().clone();
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        let id = headers["x-request-id"].to_str().unwrap();
        for part in
            [format!(" method=GET route={route} type=- status={status} bytes={} us=", body.len()), format!(" results=- id={id}")]
        {
            assert!(lines[0].contains(&part), "{part}: {}", lines[0]);
        }
        assert!(!lines[0].contains("exemple") && !lines[0].contains("203.0.113"), "{}", lines[0]);
        let count = format!("annuaire_requests_total{{route=\"{route}\",status=\"{status}\"}}");
        assert!(world.metrics().await.contains(&count), "{count}");
    }
}

#[tokio::test]
async fn a_rate_holds_for_pages_and_is_told_in_french() {
    let world = World::new(|s| {
        s.rate = Some(Rate { per_second: 1, burst: 3 });
        s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]);
    });
    let mut served = 0;
    for n in 0..8 {
        let forged = format!("198.51.100.{n}");
        let headers = [("x-forwarded-for", forged.as_str()), ("authorization", &forged)];
        let (status, headers, body) = world.ask("203.0.113.5", "/recherche?nom=exemple", &headers).await;
        served += u32::from(status == 200);
        if status != 200 {
            assert_eq!((status, headers["retry-after"].to_str().unwrap()), (429, "1"));
            assert!(body.contains("Trop de demandes") && body.contains("Réessayez dans 1 seconde."), "{body}");
        }
    }
    assert_eq!(served, 3);
    // What belongs to a page that was shown is not refused; others are not touched.
    assert_eq!(world.ask("203.0.113.5", "/robots.txt", &[]).await.0, 200);
    for client in ["203.0.113.6", "203.0.113.7"] {
        assert_eq!(world.ask("10.0.0.1", "/", &[("x-forwarded-for", client)]).await.0, 200);
    }
}

#[tokio::test]
async fn links_start_with_what_a_trusted_proxy_cut() {
    let world = World::new(|s| s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]));
    let told = [("x-forwarded-for", "203.0.113.5"), ("x-forwarded-prefix", "/sante")];
    for path in ["/", "/recherche?nom=exemple", "/structures", "/mentions", "/x"] {
        let (_, _, body) = world.ask("10.0.0.1", path, &told).await;
        for link in body.split("href=\"").chain(body.split("action=\"")).skip(1).filter(|l| l.starts_with('/')) {
            assert!(link.starts_with("/sante/"), "{path}: {}", &link[..40]);
        }
        let (_, _, body) = world.ask("203.0.113.5", path, &told).await;
        assert!(!body.contains("/sante"), "{path}: a stranger is not believed");
    }
}

#[tokio::test]
async fn a_host_that_is_none_is_refused_in_french() {
    let world = World::new(|_| {});
    let (status, _, body) = world.ask("203.0.113.5", "/", &[("host", "a.example"), ("host", "b.example")]).await;
    assert!(status == 400 && body.contains("<html lang=\"fr\">") && body.contains("Demande incorrecte"), "{status} {body}");
}

#[tokio::test]
async fn marks_do_not_reach_pages_and_signs_find_nobody() {
    let world = World::new(|_| {});
    let (status, _, body) = world.ask("203.0.113.5", "/recherche?nom=e%E2%80%AExem%E2%80%8Bple%00%C2%9B", &[]).await;
    assert!(status == 200 && body.contains("value=\"exemple\"") && body.contains("Anne EXEMPLE"), "{body}");
    let (_, _, body) = world.ask("203.0.113.5", "/recherche?nom=de", &[]).await;
    assert!(body.contains("DESSAI"), "{body}");
    assert!(!body.chars().any(|c| (c.is_control() && c != '\n')
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)));
    for typed in ["-", "%27", "...", "*", "%25", "-%20-", "%CC%81"] {
        for field in ["nom", "lieu"] {
            let (status, _, body) = world.ask("203.0.113.5", &format!("/recherche?{field}={typed}"), &[]).await;
            assert!(status == 200 && body.contains("<strong>0 résultat</strong>"), "{field}={typed}: {body}");
            let (_, _, body) = world.ask("203.0.113.5", &format!("/structures?{field}={typed}"), &[]).await;
            assert!(body.contains("0 structure trouvée"), "{field}={typed}: {body}");
        }
    }
}

#[tokio::test]
async fn an_incident_has_the_number_that_the_visitor_reads() {
    let world = World::new(|_| {});
    let mut readers = Vec::new();
    let cause = loop {
        match world.index.snapshot() {
            Ok(reader) => readers.push(reader),
            Err(cause) => break cause.to_string(),
        }
    };
    for path in ["/", "/recherche?nom=exemple", "/mentions", "/structure/1"] {
        let (status, headers, body) = world.ask("203.0.113.5", path, &[]).await;
        let id = headers["x-request-id"].to_str().unwrap();
        assert!(status == 500 && body.contains(&format!("numéro d’incident : {id}")), "{path}: {body}");
        assert!(!body.contains(&cause) && !body.contains("storage"), "{body}");
        assert!(world.lines.lock().unwrap().last().unwrap().contains(" status=500 "));
    }
    drop(readers);
    assert_eq!(world.ask("203.0.113.5", "/", &[]).await.0, 200);
}
