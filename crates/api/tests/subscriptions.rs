//! Subscriptions over HTTP: who may have them, what is answered, in both formats.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use annuaire_api::{ApiSettings, router, subscription_filter};
use annuaire_index::Index;
use annuaire_subscribe::{AddressRules, PROFILE, SEAL_PURPOSE, Sealer, SubscriptionService, TOPIC_BASE};
use annuaire_web::{Gate, GateSettings};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

const KEY: (&str, &str) = ("esante-api-key", "key-1");
const OTHER: (&str, &str) = ("esante-api-key", "key-2");
const CREDENTIAL: (&str, &str) = ("authorization", "Bearer let-me-in");

struct Service {
    app: Router,
    _dir: tempfile::TempDir,
}

impl Service {
    fn new(keys: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| Arc::new(Index::open(&dir.path().join(name), 1 << 24, annuaire_fhir::dictionary::ALL).unwrap());
        let gate = GateSettings {
            api_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            credentials: vec!["let-me-in".to_owned()],
            ..GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))
        };
        let random = std::sync::atomic::AtomicU64::new(1);
        let path = dir.path().join("r.sqlite");
        // It blocks, and this is a thread that runs tasks.
        let registry = std::thread::spawn(move || annuaire_store_sqlite::open_blocking(&path).unwrap()).join().unwrap();
        let subscriptions = SubscriptionService {
            registry,
            sealer: Arc::new(Sealer::new(&[1; 32], SEAL_PURPOSE)),
            rules: AddressRules::default(),
            entropy: Arc::new(move |bytes| {
                let n = random.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_le_bytes();
                bytes.iter_mut().zip(n.iter().cycle()).for_each(|(byte, n)| *byte = *n);
            }),
            now_ms: Arc::new(|| 1_800_000_000_000),
            compile: Arc::new(subscription_filter),
            wake: Arc::new(|| ()),
            counts: Arc::default(),
        };
        let settings = ApiSettings {
            subscriptions: Some(Arc::new(subscriptions)),
            ..ApiSettings::new(Arc::new(Gate::new(gate)), [1; 32], Arc::default())
        };
        Self { app: router(open("public").into(), Some(open("restricted").into()), settings), _dir: dir }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "annuaire.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 5], 4_711))));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 22).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
        let (status, _, body) = self.ask(method, path, headers, body).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }
}

const JSON: (&str, &str) = ("content-type", "application/fhir+json");

fn subscription(filter: &str) -> Value {
    let backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";
    json!({
        "resourceType": "Subscription", "status": "requested", "criteria": format!("{TOPIC_BASE}practitioner-changed"),
        "_criteria": {"extension": [{"url": format!("{backport}backport-filter-criteria"), "valueString": filter}]},
        "channel": {
            "type": "rest-hook", "endpoint": "https://hook.example/x", "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": format!("{backport}backport-payload-content"), "valueCode": "id-only"}]},
            "header": ["Authorization: Bearer s3cret"],
        },
    })
}

const EVERY: [(&str, &str); 10] = [
    ("GET", "/Subscription"),
    ("POST", "/Subscription"),
    ("GET", "/Subscription/_search"),
    ("GET", "/Subscription/$status"),
    ("GET", "/Subscription/x"),
    ("PUT", "/Subscription/x"),
    ("DELETE", "/Subscription/x"),
    ("GET", "/Subscription/x/$status"),
    ("GET", "/Subscription/x/$events"),
    ("POST", "/Subscription/x/$resend"),
];

#[tokio::test]
async fn subscriptions_belong_to_a_key() {
    let body = subscription("Practitioner?active=true").to_string();
    let keyed = Service::new(&["key-1"]);
    for (method, path) in EVERY {
        for door in ["/fhir/v2", "/fhir/dp", "/fhir/dr"] {
            let (status, _, _) = keyed.ask(method, &format!("{door}{path}"), &[JSON], &body).await;
            assert_eq!(status, 401, "{method} {door}{path}: a stranger");
        }
        let known = if path.ends_with("/x") || path.contains("/x/") { 404 } else { 200 };
        for (door, header) in [("/fhir/v2", KEY), ("/fhir/dr", CREDENTIAL)] {
            let (status, headers, _) = keyed.ask(method, &format!("{door}{path}"), &[JSON, header], &body).await;
            let expected = if (method, path) == ("POST", "/Subscription") { 201 } else { known };
            assert_eq!(status, expected, "{method} {door}{path}");
            assert!(status >= 400 || headers["cache-control"] == "no-store");
        }
    }
    let open = Service::new(&[]);
    for (method, path) in EVERY {
        let (status, outcome) = open.json(method, &format!("/fhir/v2{path}"), &[JSON], &body).await;
        assert_eq!(status, 403, "{method} {path}: an open service");
        assert!(outcome["issue"][0]["details"]["text"].as_str().unwrap().contains("API key"));
    }
    let (status, _, _) = keyed.ask("PATCH", "/fhir/v2/Subscription/x", &[KEY], "").await;
    assert_eq!(status, 403);
    let (status, _, _) = keyed.ask("PUT", "/fhir/v2/Practitioner/x", &[KEY, JSON], "{}").await;
    assert_eq!(status, 403, "nothing else is written");
}

#[tokio::test]
async fn a_subscription_is_made_read_changed_and_removed() {
    let service = Service::new(&["key-1", "key-2"]);
    let numbers: Vec<String> = (0..10_000).map(|n| format!("https://rpps.esante.gouv.fr|10999{n:06}")).collect();
    let long = subscription(&format!("Practitioner?identifier={}&active=true", numbers.join(",")));
    let (status, headers, body) = service.ask("POST", "/fhir/v2/Subscription", &[KEY, JSON], &long.to_string()).await;
    assert_eq!(status, 201, "{}", &body[..body.len().min(300)]);
    assert!(headers["webhook-secret"].to_str().unwrap().starts_with("whsec_"));
    let made: Value = serde_json::from_str(&body).unwrap();
    let id = made["id"].as_str().unwrap();
    let at = format!("/fhir/v2/Subscription/{id}");
    assert_eq!(headers["location"], format!("http://annuaire.example{at}/_history/1"));
    assert_eq!((headers["etag"].to_str().unwrap(), made["meta"]["profile"][0].as_str()), ("W/\"1\"", Some(PROFILE)));
    assert!(!body.contains("s3cret"));

    let (status, headers, read) = service.ask("GET", &at, &[KEY], "").await;
    assert_eq!((status, read), (200, body), "as it was made");
    assert!(!headers.contains_key("webhook-secret"), "once");
    assert_eq!(service.ask("GET", &at, &[OTHER], "").await.0, 404);
    let (_, list) = service.json("GET", "/fhir/v2/Subscription", &[KEY], "").await;
    assert_eq!((&list["total"], &list["entry"][0]["resource"]), (&json!(1), &made));
    assert_eq!(service.json("GET", "/fhir/v2/Subscription", &[OTHER], "").await.1["total"], 0);
    assert_eq!(service.ask("GET", "/fhir/v2/Subscription?status=active", &[KEY], "").await.0, 400, "no criteria");

    let mut next = subscription("Practitioner?family=essai");
    next["id"] = json!(id);
    let put = async |version: &str, resource: &Value| {
        service.ask("PUT", &at, &[KEY, JSON, ("if-match", version)], &resource.to_string()).await
    };
    assert_eq!(put("W/\"7\"", &next).await.0, 412);
    let (status, headers, _) = put("W/\"1\"", &next).await;
    assert_eq!((status, headers["etag"].to_str().unwrap()), (200, "W/\"2\""));
    assert_eq!(put("W/\"2\"", &subscription("Practitioner?family=essai")).await.0, 400, "the id is missing");

    let (status, bundle) = service.json("GET", &format!("{at}/$status"), &[KEY], "").await;
    let parameters = &bundle["entry"][0]["resource"];
    assert_eq!((status, &parameters["parameter"][2]["valueCode"]), (200, &json!("requested")));
    let (_, all) = service.json("GET", "/fhir/v2/Subscription/$status?status=error,off", &[KEY], "").await;
    assert_eq!(all["total"], 0);
    let (_, all) = service.json("GET", &format!("/fhir/v2/Subscription/$status?id={id}"), &[KEY], "").await;
    assert_eq!(all["total"], 1);
    let (status, events) = service.json("GET", &format!("{at}/$events?eventsSinceNumber=1&content=empty"), &[KEY], "").await;
    assert_eq!((status, &events["type"], events["entry"].as_array().unwrap().len()), (200, &json!("history"), 1));
    for bad in ["eventsSinceNumber=x", "content=all", "since=1"] {
        assert_eq!(service.ask("GET", &format!("{at}/$events?{bad}"), &[KEY], "").await.0, 400, "{bad}");
    }
    assert_eq!(service.ask("POST", &format!("{at}/$resend"), &[KEY], "").await.0, 422, "it is not active");

    for (path, inner) in [
        (at.clone(), "<endpoint value=\"https://hook.example/x\"/>"),
        (format!("{at}/$status"), "<valueCode value=\"query-status\"/>"),
    ] {
        let (status, headers, xml) = service.ask("GET", &path, &[KEY, ("accept", "application/fhir+xml")], "").await;
        assert_eq!(status, 200);
        assert!(headers["content-type"].to_str().unwrap().contains("xml") && xml.contains(inner), "{xml}");
    }
    assert_eq!(service.ask("DELETE", &at, &[KEY], "").await.0, 204);
    assert_eq!(service.ask("GET", &at, &[KEY], "").await.0, 404);
}

#[tokio::test]
async fn what_is_not_served_is_refused_with_its_reason() {
    let service = Service::new(&["key-1"]);
    let post = async |body: &str, media: &str| {
        service.json("POST", "/fhir/v2/Subscription", &[KEY, ("content-type", media)], body).await
    };
    for filter in [
        "Practitioner?nothing=1",
        "Practitioner?_lastUpdated=gt2026",
        "Practitioner?_count=3",
        "Practitioner?_has:PractitionerRole:practitioner:role=1",
        "Practitioner?identifier:of-type=a|b|c",
        "Practitioner?family:zzz=a",
        "Practitioner?family=",
        "Organization?name=a",
    ] {
        let (status, outcome) = post(&subscription(filter).to_string(), JSON.1).await;
        assert_eq!((status, &outcome["issue"][0]["code"]), (422, &json!("business-rule")), "{filter}");
    }
    let good = subscription("Practitioner?active:not=false&family=essai").to_string();
    assert_eq!(post(&good, "application/fhir+xml").await.0, 415);
    assert_eq!(post("{", JSON.1).await.0, 400);
    assert_eq!(post(&" ".repeat((1 << 20) + 1), JSON.1).await.0, 413);
    for _ in 0..annuaire_subscribe::limits::OF_OWNER {
        assert_eq!(post(&good, JSON.1).await.0, 201);
    }
    assert_eq!(post(&good, JSON.1).await.0, 409, "one more than an owner may have");
    let (_, statement) = service.json("GET", "/fhir/v2/metadata", &[], "").await;
    assert!(statement["rest"].is_null());
    let (_, statement) = service.json("GET", "/fhir/v2/metadata", &[KEY], "").await;
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let own = resources.iter().find(|r| r["type"] == "Subscription").unwrap();
    assert_eq!(own["extension"].as_array().unwrap().len(), annuaire_subscribe::TOPICS.len());
    assert!(
        statement["instantiates"]
            .as_array()
            .unwrap()
            .iter()
            .any(|i| i.as_str().unwrap().ends_with("backport-subscription-server-r4"))
    );
}
