//! Who may call each route: the list of routes is the truth, whatever spelling of its path and whatever method is asked.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use annuaire_api::{ApiSettings, Route, router, routes};
use annuaire_index::Index;
use annuaire_web::{Gate, GateSettings, Who};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use tower::ServiceExt;

const KEY: (&str, &str) = ("esante-api-key", "key-1");
const CREDENTIAL: (&str, &str) = ("authorization", "Bearer let-me-in");

struct ApiUnderTest {
    app: Router,
    /// Requests sent: each comes from an address of its own, so that wrong keys are no guesses of one address.
    sent: std::sync::atomic::AtomicU32,
    _dir: tempfile::TempDir,
}

impl ApiUnderTest {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| Arc::new(Index::open(&dir.path().join(name), 1 << 24, annuaire_fhir::dictionary::ALL).unwrap());
        let gate = GateSettings {
            api_keys: vec!["key-1".to_owned()],
            credentials: vec!["let-me-in".to_owned()],
            ..GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))
        };
        let settings =
            ApiSettings { gate: Arc::new(Gate::new(gate)), cursor_key: [1; 32], lane: Arc::default(), subscriptions: None };
        Self { app: router(open("public").into(), Some(open("restricted").into()), settings), sent: 0.into(), _dir: dir }
    }

    async fn ask(&self, method: &str, path: &str, header: Option<(&str, &str)>) -> (u16, HeaderMap, String) {
        let n = self.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut request = Request::builder().method(method).uri(path).header("host", "annuaire.example");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        let address = std::net::Ipv4Addr::from(0xc633_6400 + n);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 4_711))));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }
}

/// A path of a route, with something for each parameter.
fn filled(route: &Route) -> String {
    let path = route.path.replace("{type}", "Organization").replace("{id}", "1").replace("{version}", "2");
    path.replace("{*more}", "x/y").replace("{*path}", "x")
}

#[test]
fn the_list_names_every_route_once() {
    let all = routes();
    let paths: std::collections::BTreeSet<&str> = all.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(paths.len(), all.len());
    for (path, methods, who) in [
        ("/fhir/v2/{type}/{id}", &["GET"][..], Who::ApiClient),
        ("/fhir/dp/{type}/_search", &["GET", "POST"], Who::ApiClient),
        ("/fhir/dr/{type}/{id}/_history/{version}", &["GET"], Who::RestrictedReader),
        ("/fhir/dr/{type}/{id}/{*more}", &[], Who::RestrictedReader),
        ("/health", &["GET"], Who::Anyone),
        ("/metrics", &["GET"], Who::ApiClient),
    ] {
        let route = all.iter().find(|route| route.path == path).unwrap();
        assert_eq!((route.methods.as_slice(), route.who), (methods, who), "{path}");
    }
}

#[tokio::test]
async fn each_route_lets_in_whom_its_list_says() {
    let api = ApiUnderTest::new();
    for route in routes() {
        let path = filled(&route);
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
            for header in
                [None, Some(KEY), Some(CREDENTIAL), Some(("esante-api-key", "wrong")), Some(("authorization", "Bearer wrong"))]
            {
                let (status, headers, _) = api.ask(method, &path, header).await;
                let let_in = match route.who {
                    Who::Anyone => true,
                    Who::ApiClient => header == Some(KEY),
                    Who::RestrictedReader => header == Some(CREDENTIAL),
                };
                assert_eq!(status != 401, let_in, "{method} {path} {header:?}: {status}");
                if !let_in {
                    let scheme = if route.who == Who::RestrictedReader { "Bearer" } else { "ESANTE-API-KEY" };
                    assert!(headers["www-authenticate"].to_str().unwrap().starts_with(scheme), "{path}");
                }
                assert!(let_in || method == "HEAD" || headers["content-type"].to_str().unwrap().contains("fhir"));
            }
        }
        assert_eq!(api.ask("OPTIONS", &path, None).await.0, 204, "a browser asks without a key: {path}");
    }
}

/// A path means the same however it is spelled, to whoever asks: no spelling leads to another door or another operation.
#[tokio::test]
async fn no_spelling_of_a_path_changes_what_it_names() {
    let api = ApiUnderTest::new();
    for route in routes().into_iter().filter(|route| !route.methods.is_empty() && route.path.starts_with("/fhir/")) {
        let path = filled(&route);
        let (mount, below) = path.split_at("/fhir/v2".len());
        let header = if route.who == Who::RestrictedReader { CREDENTIAL } else { KEY };
        let encoded = |letter: char| format!("%{:02X}", u32::from(letter));
        let (first, rest) = below[1..].split_at(1);
        let spellings = [
            format!("{mount}{below}/"),
            format!("{mount}/{below}"),
            format!("{mount}{}//", below.replace('/', "//")),
            format!("{mount}/{}{rest}", encoded(first.chars().next().unwrap())),
            format!("{mount}{}", below.replace("_h", "%5fh").replace("_s", "%5Fs")),
        ];
        for method in ["GET", "POST"] {
            let (status, _, body) = api.ask(method, &path, Some(header)).await;
            for spelling in &spellings {
                // The self link of a bundle repeats the address as it was asked.
                let (found, _, same) = api.ask(method, spelling, Some(header)).await;
                assert_eq!((found, same.replace(spelling, &path)), (status, body.clone()), "{method} {spelling}");
            }
            assert_eq!(api.ask(method, &spellings[0], None).await.0, 401, "{spellings:?}");
        }
    }
}
