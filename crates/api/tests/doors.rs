//! The doors as strangers, holders and browsers find them: who is let in, what is told, in which headers.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use annuaire_base::Tx;
use annuaire_fhir::schema::type_id;
use annuaire_index::{Error, Index};
use annuaire_terms::{Presence, Resource};
use annuaire_web::{Gate, PublicationStates, Rate, StoreState};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request};
use http_body::Body as _;
use tower::ServiceExt;

const NOW: i64 = 1_800_000_000_000_000;
/// Bytes of an answer made at a time.
const PIECE: usize = 256 << 10;

struct DoorsUnderTest {
    public: Arc<Index>,
    publication: Arc<PublicationStates>,
    lines: Arc<Mutex<Vec<String>>>,
    app: Router,
    _dir: tempfile::TempDir,
}

/// Makes version 1 of `count` organizations of about `bytes` bytes each.
fn fill(index: &Index, tx: u64, ty: &str, first: usize, count: usize, bytes: usize) {
    let mut preparer = index.preparer(Tx::new(tx), 1_799_900_000_000 + tx as i64 * 1_000).unwrap();
    let resources = (first..first + count).map(|n| {
        let id = format!("001-{n:06}");
        let before = format!(r#"{{"resourceType":"{ty}","id":"{id}","meta":{{"#).into_bytes();
        let name = format!("É & <\"{n}\"> ").replace('"', "\\\"").repeat(bytes / 20 + 1);
        let after = format!(r#""profile":["p"]}},"active":true,"name":"{name}"}}"#).into_bytes();
        let resource = Resource {
            ty: type_id(ty).unwrap(),
            id,
            before,
            after,
            terms: Vec::new(),
            foreign_stamp: None,
            presence: Presence::Described,
        };
        preparer.prepare(resource)
    });
    index.apply::<Error>(Tx::new(tx), 1_799_900_000_000 + tx as i64 * 1_000, resources).unwrap();
}

impl DoorsUnderTest {
    fn new(change: impl FnOnce(&mut annuaire_web::GateSettings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| Arc::new(Index::open(&dir.path().join(name), 1 << 30, annuaire_fhir::dictionary::ALL).unwrap());
        let (public, restricted) = (open("public"), open("restricted"));
        fill(&public, 1, "Organization", 0, 3, 50);
        fill(&restricted, 1, "Person", 0, 3, 50);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let publication = Arc::new(PublicationStates::default());
        let mut settings = annuaire_web::GateSettings {
            credentials: vec!["let-me-in".to_owned()],
            log: Some(Arc::new(move |line| sink.lock().unwrap().push(line.to_owned()))),
            publication: Arc::clone(&publication),
            ..annuaire_web::GateSettings::new([1; 32], Arc::new(|| NOW))
        };
        change(&mut settings);
        let gate = Arc::new(Gate::new(settings));
        let settings = annuaire_api::ApiSettings { gate, cursor_key: [1; 32], lane: Arc::default(), subscriptions: None };
        let app = annuaire_api::router(Arc::clone(&public).into(), Some(restricted.into()), settings);
        Self { public, publication, lines, app, _dir: dir }
    }

    async fn send(&self, request: Request<Body>) -> (u16, HeaderMap, Vec<u8>) {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, to_bytes(body, 1 << 30).await.unwrap().to_vec())
    }

    /// Asks from an address over a connection.
    async fn from(&self, address: &str, method: Method, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "annuaire.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().unwrap(), 4711)));
        let (status, headers, body) = self.send(request).await;
        (status, headers, String::from_utf8(body).unwrap())
    }

    async fn stranger(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        self.from("203.0.113.5", Method::GET, path, headers).await
    }
}

const HOLDER: (&str, &str) = ("authorization", "Bearer let-me-in");

#[tokio::test]
async fn every_door_as_a_stranger() {
    let world = DoorsUnderTest::new(|s| s.api_keys = vec!["key-1".to_owned()]);
    let doors =
        ["metadata", "Organization", "Organization/001-000000", "Organization/001-000000/_history/1", "_history", "_page?id=x"];
    for door in doors {
        for path in [format!("/fhir/v2/{door}"), format!("/fhir/dp/{door}"), format!("/fhir/dr/{door}")] {
            for headers in [
                &[][..],
                &[("authorization", "Bearer x")],
                &[("esante-api-key", "x")],
                &[("authorization", "Bearer key-1")],
                &[("esante-api-key", "let-me-in")],
            ] {
                // From many addresses: these are not guesses of one.
                let n = world.lines.lock().unwrap().len();
                let (status, headers, body) =
                    world.from(&format!("198.51.{}.{}", n / 250, n % 250), Method::GET, &path, headers).await;
                assert_eq!((status, body.contains("login")), (401, true), "{path}: {body}");
                assert_eq!(headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"), path.contains("/dr/"));
            }
        }
    }
    let (status, _, body) = world.stranger("/metrics", &[]).await;
    assert!(status == 401 && !body.contains("annuaire_"), "{body}");
    assert_eq!(world.stranger("/health", &[]).await.0, 200);
    assert_eq!(world.stranger("/fhir", &[("esante-api-key", "key-1")]).await.0, 404);
    assert_eq!(world.stranger("/fhir/v2/Organization", &[("esante-api-key", "key-1")]).await.0, 200);
    assert_eq!(world.stranger("/fhir/v2/Organization", &[HOLDER]).await.0, 401, "a credential is no key");
    assert_eq!(world.stranger("/fhir/dr/Person", &[("esante-api-key", "key-1")]).await.0, 401, "a key is no credential");
    assert_eq!(world.stranger("/fhir/dr/Person", &[HOLDER]).await.0, 200);
    assert_eq!(world.stranger("/fhir/v2/Person", &[("esante-api-key", "key-1"), HOLDER]).await.0, 400, "not of this perimeter");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let (status, ..) = world.from("203.0.113.5", method, "/fhir/dr/Person", &[]).await;
        assert_eq!(status, 401);
    }
}

#[tokio::test]
async fn guesses_at_the_restricted_perimeter_are_limited() {
    let world = DoorsUnderTest::new(|_| {});
    assert_eq!(world.stranger("/fhir/dr/Person", &[HOLDER]).await.0, 200);
    let mut refused = 0;
    for n in 0..14 {
        let (status, headers, _) = world.stranger("/fhir/dr/Person", &[("authorization", &format!("Bearer {n}"))]).await;
        assert!(status == 401 || (status == 429 && headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1));
        assert_eq!(headers["cache-control"], "no-store");
        refused += u32::from(status == 429);
    }
    assert!(refused >= 4, "{refused}");
    assert_eq!(world.stranger("/fhir/dr/Person", &[HOLDER]).await.0, 200);
    assert_eq!(world.from("203.0.113.6", Method::GET, "/fhir/dr/Person", &[HOLDER]).await.0, 200);
    assert_eq!(world.stranger("/fhir/v2/Organization", &[("authorization", "Bearer x")]).await.0, 200);
    let lines = world.lines.lock().unwrap();
    assert!(!lines.concat().contains("let-me-in"));
}

#[tokio::test]
async fn a_rate_counts_the_address_and_not_its_headers() {
    let world = DoorsUnderTest::new(|s| s.rate = Some(Rate { per_second: 1, burst: 2 }));
    let mut served = 0;
    for n in 0..8 {
        let (bearer, forged) = (format!("Bearer {n}"), format!("198.51.100.{n}"));
        let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", &forged), ("esante-api-key", &forged)];
        let (status, headers, _) = world.stranger("/fhir/v2/metadata", &headers).await;
        assert_eq!(headers.contains_key("retry-after"), status == 429);
        served += u32::from(status == 200);
    }
    assert_eq!(served, 2);
    let clients: std::collections::BTreeSet<String> =
        world.lines.lock().unwrap().iter().map(|l| l.split(" client=").nth(1).unwrap()[..8].to_owned()).collect();
    assert_eq!(clients.len(), 1);
}

#[tokio::test]
async fn what_is_restricted_is_stored_nowhere_and_read_by_no_page_of_another_site() {
    let world = DoorsUnderTest::new(|_| {});
    let paths =
        ["metadata", "Person", "Person/001-000000", "Person/001-000000/_history/1", "_history", "Person/none", "Bogus", ""];
    for path in paths {
        for headers in [&[HOLDER][..], &[], &[HOLDER, ("if-none-match", "*")], &[HOLDER, ("accept", "application/fhir+xml")]] {
            let (status, headers, _) = world.stranger(&format!("/fhir/dr/{path}"), headers).await;
            assert_eq!(headers.get_all("cache-control").iter().collect::<Vec<_>>(), ["no-store"], "{path} {status}");
            assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")), "{path}");
        }
    }
    let (_, headers, _) = world.from("203.0.113.5", Method::OPTIONS, "/fhir/dr/Person", &[("origin", "https://x.example")]).await;
    assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")));
    for path in ["/health", "/metrics"] {
        let (_, headers, _) = world.stranger(path, &[("origin", "https://x.example")]).await;
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
    let (_, headers, _) = world.stranger("/fhir/v2/Organization/001-000000/_history/1", &[]).await;
    assert!(headers["cache-control"].to_str().unwrap().contains("max-age"));
}

#[tokio::test]
async fn a_browser_on_another_site_may_ask_with_its_key_and_read_what_it_needs() {
    let world = DoorsUnderTest::new(|s| s.api_keys = vec!["key-1".to_owned()]);
    let (status, headers, _) = world
        .from(
            "203.0.113.5",
            Method::OPTIONS,
            "/fhir/v2/Practitioner",
            &[("origin", "https://x.example"), ("access-control-request-headers", "authorization,esante-api-key")],
        )
        .await;
    assert_eq!((status, headers["access-control-allow-origin"].to_str().unwrap()), (204, "*"));
    let allowed = headers["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
    for name in ["authorization", "esante-api-key", "content-type", "if-none-match", "prefer", "x-request-id", "accept"] {
        assert!(allowed.split(", ").any(|a| a == name), "{name}: {allowed}");
    }
    for (path, key) in
        [("/fhir/v2/Organization", "key-1"), ("/fhir/v2/Organization", "x"), ("/fhir/v2/Organization/none", "key-1")]
    {
        let (_, headers, _) = world.stranger(path, &[("esante-api-key", key)]).await;
        let exposed = headers["access-control-expose-headers"].to_str().unwrap().to_ascii_lowercase();
        for name in ["etag", "last-modified", "location", "retry-after", "ratelimit", "x-request-id", "content-location", "link"]
        {
            assert!(exposed.split(", ").any(|e| e == name), "{name}: {exposed}");
        }
    }
}

#[tokio::test]
async fn the_host_is_named_once_and_links_follow_who_may_say_so() {
    let world = DoorsUnderTest::new(|s| s.proxies = annuaire_web::Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]));
    for hosts in [&[][..], &["a.example", "b.example"], &["a b"], &["u@a"], &[""]] {
        let mut request = Request::get("/fhir/v2/metadata");
        for host in hosts {
            request = request.header("host", *host);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 5], 1))));
        assert_eq!(world.send(request).await.0, 400, "{hosts:?}");
    }
    let forged = [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "pages.example"),
        ("x-forwarded-prefix", "/sante"),
    ];
    // Twice: an answer that is kept for one base is not given to another.
    for _ in 0..3 {
        let (_, _, body) = world.stranger("/fhir/v2/Organization?_count=2", &forged).await;
        assert!(body.contains("http://annuaire.example/fhir/v2/Organization/") && !body.contains("pages.example"), "{body}");
        let (_, _, body) = world.from("10.1.2.3", Method::GET, "/fhir/v2/Organization?_count=2", &forged).await;
        assert!(body.contains("https://pages.example/sante/fhir/v2/_page?id=") && !body.contains("annuaire.example"), "{body}");
    }
}

#[tokio::test]
async fn gzip_is_not_forced_on_who_refuses_it() {
    let world = DoorsUnderTest::new(|_| {});
    fill(&world.public, 2, "Organization", 10, 40, 500);
    for (accepted, encoding) in [("gzip;q=0, *", None), ("gzip", Some("gzip")), ("*", Some("gzip")), ("identity", None)] {
        let (_, headers, _) = {
            let request = Request::get("/fhir/v2/Organization?_count=40").header("accept-encoding", accepted);
            world.send(request.body(Body::empty()).unwrap()).await
        };
        assert_eq!(headers.get("content-encoding").map(|v| v.to_str().unwrap()), encoding, "{accepted}");
    }
}

/// Whatever encoder the operator chose, a client reads the plain answer, in one piece and in several.
#[tokio::test]
async fn each_gzip_encoder_sends_the_plain_answer() {
    let mut compressed = Vec::new();
    for gzip in annuaire_web::GzipCoding::ALL {
        let world = DoorsUnderTest::new(|s| s.gzip = gzip);
        fill(&world.public, 2, "Organization", 10, 900, 500);
        for path in ["/fhir/v2/Organization?_count=40", "/fhir/v2/Organization?_count=900"] {
            let get = async |accepted: &str| {
                world.send(Request::get(path).header("accept-encoding", accepted).body(Body::empty()).unwrap()).await
            };
            let ((_, headers, packed), (_, _, plain)) = (get("gzip").await, get("identity").await);
            assert_eq!(headers["content-encoding"], "gzip");
            let mut read = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut read).unwrap();
            assert!(read == plain && plain.len() > 20_000, "{gzip} {path}: {} bytes of {}", read.len(), plain.len());
            compressed.push(packed);
        }
    }
    assert!(compressed[0] != compressed[2] && compressed[1] != compressed[3], "the setting has an effect");
}

#[tokio::test]
async fn health_tells_what_stops_publication_and_nothing_of_what_is_restricted() {
    let world = DoorsUnderTest::new(|_| {});
    let health = async || {
        let (status, _, body) = world.stranger("/health", &[]).await;
        assert!(!body.contains("restricted") && !body.contains("PP:1") && !body.contains("Person"), "{body}");
        (status, serde_json::from_str::<serde_json::Value>(&body).unwrap())
    };
    let (status, at_first) = health().await;
    assert_eq!((status, &at_first["status"], &at_first["tx"]), (200, &"ok".into(), &1.into()));
    // A delivery that changes nothing public moves the store and not what is told.
    world.public.apply::<Error>(Tx::new(2), 1_799_900_900_000, std::iter::empty()).unwrap();
    assert_eq!(health().await.1, at_first);
    let state = StoreState {
        store: "public",
        applied_tx: Tx::new(2),
        log_tx: Some(Tx::new(2)),
        set_aside: 0,
        waiting: None,
        renewing: false,
        since_ms: 0,
    };
    world.publication.report(StoreState { store: "restricted", waiting: Some("Person PP:1".into()), ..state.clone() });
    world.publication.report(state.clone());
    assert_eq!(health().await.1["status"], "ok", "how the restricted store stands is not told here");
    for (word, bad) in [
        ("behind", StoreState { log_tx: Some(Tx::new(9)), ..state.clone() }),
        ("degraded", StoreState { waiting: Some("the map is full at Person PP:1".into()), ..state.clone() }),
        ("degraded", StoreState { set_aside: 2, ..state.clone() }),
    ] {
        world.publication.report(bad);
        let (status, body) = health().await;
        assert_eq!((status, &body["status"]), (200, &word.into()), "reading goes on");
        assert!(body["reason"].as_str().unwrap().len() > 10);
    }
    world.publication.report(StoreState { log_tx: Some(Tx::new(9)), ..state.clone() });
    assert_eq!(health().await.1["lag"]["transactions"], 7);
    world.publication.report(state);
    world.publication.end();
    assert_eq!(health().await.1["status"], "degraded");
    let gauges = async |address: &str| world.from(address, Method::GET, "/metrics", &[]).await.2;
    let (far, near) = (gauges("203.0.113.5").await, gauges("127.0.0.1").await);
    for gauge in ["annuaire_publication_ok", "annuaire_publication_behind_transactions", "annuaire_publication_set_aside"] {
        assert!(far.contains(&format!("{gauge}{{store=\"public\"}}")) && !far.contains("restricted"), "{far}");
        assert!(near.contains(&format!("{gauge}{{store=\"restricted\"}}")), "{near}");
    }
    assert!(near.contains("annuaire_publication_ok{store=\"public\"} 0"));
}

/// Events, as the program would write them.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl tracing::Subscriber for &'static Events {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct EventText(String);
        impl tracing::field::Visit for EventText {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!(" {}={value:?}", field.name()));
            }
        }
        let mut text = EventText(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// A clock that is behind the log is told long before imports are refused for it; reading goes on.
#[tokio::test]
async fn health_tells_that_the_clock_is_behind_the_log() {
    let world = DoorsUnderTest::new(|_| {});
    let clock_ok = async || world.from("127.0.0.1", Method::GET, "/metrics", &[]).await.2.contains("annuaire_clock_ok 1\n");
    assert!(clock_ok().await);
    world.public.apply::<Error>(Tx::new(2), NOW / 1_000 + 61_000, std::iter::empty()).unwrap();
    let (status, _, body) = world.stranger("/health", &[]).await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["status"], body["reason"] == body["clock"]), (200, &"degraded".into(), true));
    assert!(body["clock"].as_str().unwrap().contains("behind the last transaction"), "{body}");
    assert!(!clock_ok().await);
    let metrics = world.from("127.0.0.1", Method::GET, "/metrics", &[]).await.2;
    assert!(metrics.contains("annuaire_clock_behind_log_seconds 61\n"), "{metrics}");
}

/// A store that cannot be read: 500 for the client without a cause, 503 for who asks after its health, and the cause for the
/// operator under the request id that the client got.
#[tokio::test]
async fn an_internal_error_keeps_its_cause() {
    static EVENTS: std::sync::LazyLock<Events> = std::sync::LazyLock::new(Events::default);
    tracing::subscriber::set_global_default(&*EVENTS).unwrap();
    let world = DoorsUnderTest::new(|_| {});
    // All places of readers are taken.
    let mut readers = Vec::new();
    let cause = loop {
        match world.public.snapshot() {
            Ok(reader) => readers.push(reader),
            Err(cause) => break cause.to_string(),
        }
    };
    for (path, id, route) in [
        ("/fhir/v2/Organization/001-000000?secret=name", "id-read", "read"),
        ("/fhir/v2/Organization?name=secret", "id-search", "search"),
        ("/health", "id-health", "health"),
    ] {
        let (status, headers, body) = world.stranger(path, &[("x-request-id", id)]).await;
        assert_eq!((status, headers["x-request-id"].to_str().unwrap()), (if id == "id-health" { 503 } else { 500 }, id));
        assert!(!body.contains(&cause) && !body.contains("storage"), "{body}");
        let events = EVENTS.0.lock().unwrap().clone();
        let told: Vec<&String> = events.iter().filter(|e| e.contains(id)).collect();
        assert_eq!(told.len(), 1, "{events:?}");
        assert!(told[0].contains(route) && told[0].contains(&cause) && !told[0].contains("secret"), "{told:?}");
    }
    drop(readers);
    assert_eq!(world.stranger("/health", &[]).await.0, 200);
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_leaves_in_pieces_and_is_the_xml_of_the_whole() {
    let world = DoorsUnderTest::new(|_| {});
    fill(&world.public, 2, "Organization", 10, 1_000, 3_000);
    let xml = async |path: &str| {
        let request = Request::get(path).header("accept", "application/fhir+xml").body(Body::empty()).unwrap();
        world.app.clone().oneshot(request).await.unwrap()
    };
    let mut body = xml("/fhir/v2/Organization?_count=1000").await.into_body();
    assert!(body.size_hint().exact().is_none(), "it is not made yet");
    let (mut whole, mut pieces) = (Vec::new(), 0);
    while let Some(frame) = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await {
        let piece = frame.unwrap().into_data().unwrap();
        assert!(piece.len() < 3 * PIECE, "what waits for a slow reader is a piece: {}", piece.len());
        whole.extend_from_slice(&piece);
        pieces += 1;
    }
    let whole = String::from_utf8(whole).unwrap();
    assert!(pieces > 5 && whole.len() > 8 * PIECE && whole.ends_with("</entry></Bundle>"), "{pieces} {}", whole.len());
    assert!(whole.find("<link>").unwrap() < whole.find("<entry>").unwrap());
    // Short pages are turned whole: their entries are the same bytes.
    let (mut entries, mut next) = (Vec::new(), "/fhir/v2/Organization?_count=50".to_owned());
    while entries.len() < 1_000 {
        let page = to_bytes(xml(&next).await.into_body(), 1 << 30).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        entries.extend(between(&page, "<entry>", "</entry>").into_iter().map(str::to_owned));
        let link = between(&page, "<relation value=\"next\"/><url value=\"http://localhost", "\"").pop().unwrap();
        next = link.replace("&amp;", "&");
    }
    assert!(between(&whole, "<entry>", "</entry>").iter().eq(entries.iter()));
}

/// Beyond the length of an answer the page ends early; XML, which has its links first, ends where JSON does.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_cut_has_the_links_of_its_json() {
    let world = DoorsUnderTest::new(|_| {});
    fill(&world.public, 2, "Organization", 10, 1_000, 60_000);
    let get = async |accept: &str| {
        let request = Request::get("/fhir/v2/Organization?_count=1000").header("accept", accept).body(Body::empty()).unwrap();
        String::from_utf8(world.send(request).await.2).unwrap()
    };
    let (json, xml) = (get("application/fhir+json").await, get("application/fhir+xml").await);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let entries = json["entry"].as_array().unwrap().len();
    assert!(entries < 1_000, "it is cut");
    assert_eq!(xml.matches("<entry>").count(), entries);
    let urls: Vec<&str> = json["link"].as_array().unwrap().iter().map(|l| l["url"].as_str().unwrap()).collect();
    let told: Vec<String> = between(&xml, "<link><relation", "</link>")
        .iter()
        .map(|l| between(l, "<url value=\"", "\"")[0].replace("&amp;", "&"))
        .collect();
    assert_eq!(told, urls);
}

/// What left long ago is neither found nor read, and a read says that it was there.
#[tokio::test]
async fn what_vanished_is_gone() {
    use annuaire_index::{ApplyOptions, Retention};
    let world = DoorsUnderTest::new(|_| {});
    let apply = |tx: u64, ms: i64, reduced: bool| {
        let mut preparer = world.public.preparer(Tx::new(tx), ms).unwrap();
        let made = reduced.then(|| {
            let before = br#"{"resourceType":"Organization","id":"001-000001","meta":{"#.to_vec();
            let after = br#""profile":["p"]},"active":false}"#.to_vec();
            let (ty, presence) = (type_id("Organization").unwrap(), Presence::Withdrawn);
            let id = "001-000001".to_owned();
            preparer.prepare(Resource { ty, id, before, after, terms: Vec::new(), foreign_stamp: None, presence })
        });
        let retention = Retention { after_ms: 1_000, again_ms: 1_000, links: &[] };
        let options = ApplyOptions { retention: Some(&retention), ..ApplyOptions::default() };
        world.public.apply_with::<Error>(Tx::new(tx), ms, made.into_iter(), &options).unwrap();
    };
    apply(2, 1_799_900_010_000, true);
    let read = async |id: &str| world.from("192.0.2.1", Method::GET, &format!("/fhir/v2/Organization/{id}"), &[]).await;
    let (status, _, body) = read("001-000001").await;
    assert!(status == 200 && body.contains("\"active\":false"), "{status} {body}");
    apply(3, 1_799_900_020_000, false);
    let (status, _, body) = read("001-000001").await;
    assert!(status == 410 && body.contains("\"code\":\"deleted\""), "{status} {body}");
    assert!(body.contains("Resource not found with id: 001-000001"), "{body}");
    assert_eq!((read("001-000001/_history/1").await.0, read("001-000001/_history").await.0), (200, 200));
    assert_eq!((read("001-000002").await.0, read("never").await.0), (200, 404));
    let (_, _, body) = world.from("192.0.2.1", Method::GET, "/fhir/v2/Organization?_total=accurate", &[]).await;
    assert!(body.contains("\"total\":2") && !body.contains("001-000001"), "{body}");
}
