//! Requests for pages: who is let in, what is counted and logged, and what a visitor reads when something goes wrong.

#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use annuaire_base::Tx;
use annuaire_fhir::schema::type_id;
use annuaire_fhir::systems::IDNPS;
use annuaire_index::{Error, Index};
use annuaire_pages::{ApiDoor, PagesSettings};
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
    let json = format!(r#"{{"resourceType":"{ty}","id":"{id}","active":{active}{members}}}"#);
    terms.extend(annuaire_fhir::extract::terms(ty, &serde_json::from_str(&json).unwrap()));
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

/// Five professionals, of whom two left and one has a name with direction marks, and a structure where the first practises.
fn fill(store: &Index) {
    let person = |id: &str, national_id: &str, family: &str, active: bool| {
        let identifier = format!(r#"{{"type":{{"coding":[{{"code":"IDNPS"}}]}},"system":"{IDNPS}","value":"{national_id}"}}"#);
        let name = format!(r#"{{"family":"{family}","given":["A\u200bnne"]}}"#);
        resource("Practitioner", id, active, &format!(r#","identifier":[{identifier}],"name":[{name}]"#), Vec::new())
    };
    let (at, of) = ("Organization/001-F990000001", "Practitioner/003-2");
    let resources = [
        person("003-1", "810999000001", "DE\u{202e}SSAI", true),
        person("003-2", "810999000002", "EXEMPLE", true),
        person("003-3", "810999000003", "ABSENT", false),
        person("003-4", "810999000028", "ENCORE", true),
        person("003-5", "810999000036", "PARTI", false),
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
        Self::with(change, |_| {})
    }

    fn with(change: impl FnOnce(&mut GateSettings), change_pages: impl FnOnce(&mut PagesSettings)) -> Self {
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
        let mut settings = PagesSettings {
            gate: Arc::clone(&gate),
            operator: "Essai".to_owned(),
            notices: annuaire_pages::LegalNotices::default(),
            fictional: true,
            lane: Arc::new(Lane::new()),
            work: LONG,
            extractions: None,
            is_indexed: true,
            has_portal: true,
        };
        change_pages(&mut settings);
        // In the place of the API, something that has its address.
        let api = ApiDoor { router: Router::new().route("/fhir/v2", get(async || "API")), contact: None };
        let app = annuaire_pages::router_with_api(Arc::clone(&store).into(), settings, api);
        Self { store, gate, lines, app, _directory: directory }
    }

    async fn ask(&self, from: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let (status, headers, body) = self.answer("GET", from, path, headers).await;
        (status, headers, String::from_utf8(body).unwrap())
    }

    /// An answer whose body may be compressed.
    async fn bytes(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        self.answer(method, "203.0.113.5", path, headers).await
    }

    async fn answer(&self, method: &str, from: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
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
        (parts.status.as_u16(), parts.headers, body.to_vec())
    }

    /// The path that a row of [`ROUTES`] means: that of a file beside the pages is as the first page links it.
    async fn path(&self, row: &str) -> String {
        let before = match row {
            "stylesheet" => "rel=\"stylesheet\" href=\"",
            "script" => "<script src=\"",
            "icon" => "rel=\"icon\" href=\"",
            path => return path.to_owned(),
        };
        let (_, _, home) = self.ask("203.0.113.5", "/", &[]).await;
        home.split(before).nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    async fn metrics(&self) -> String {
        self.gate.metrics(None, &[])
    }
}

/// Every route: a path, its name in the request log, the status that a stranger gets.
const ROUTES: &[(&str, &str, u16)] = &[
    ("/", "pages.home", 200),
    ("/recherche?q=exemple", "pages.search", 200),
    ("/recherche", "pages.search", 400),
    ("/recherche/avancee", "pages.advanced", 200),
    ("/structures?nom=exemple", "pages.structures", 301),
    ("/professionnel/810999000002", "pages.professional", 200),
    ("/professionnel/810999000003", "pages.professional", 410),
    ("/professionnel/exemple", "pages.professional", 404),
    ("/professionnel/810999000002/carte.vcf", "pages.professional-card", 200),
    ("/professionnel/810999000003/carte.vcf", "pages.professional-card", 410),
    ("/professionnel/exemple/carte.vcf", "pages.professional-card", 404),
    ("/professionnel/810999000002/qr.svg", "pages.professional-qr", 200),
    ("/professionnel/810999000003/qr.svg", "pages.professional-qr", 410),
    ("/structure/F990000001", "pages.structure", 200),
    ("/structure/exemple", "pages.structure", 404),
    ("/structure/F990000001/carte.vcf", "pages.structure-card", 200),
    ("/structure/exemple/carte.vcf", "pages.structure-card", 404),
    ("/structure/F990000001/qr.svg", "pages.structure-qr", 200),
    ("/structure/exemple/qr.svg", "pages.structure-qr", 404),
    ("/mentions", "pages.notices", 200),
    ("/accessibilite", "pages.accessibility", 200),
    ("/verifier", "pages.verify", 200),
    ("/verifier?numero=10999000044", "pages.verify", 404),
    ("/verifier?numero=exemple", "pages.verify", 400),
    ("/sitemap.xml", "pages.sitemap", 200),
    ("/sitemap/professionnel-0.xml", "pages.sitemap-part", 200),
    ("/sitemap/structure-0.xml", "pages.sitemap-part", 200),
    ("/sitemap/exemple-0.xml", "pages.sitemap-part", 404),
    ("/sitemap/structure-4294967295.xml", "pages.sitemap-part", 404),
    ("/robots.txt", "pages.robots", 200),
    ("stylesheet", "pages.style", 200),
    ("script", "pages.script", 200),
    ("icon", "pages.icon", 200),
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
    assert!(body.contains("<strong>5</strong> à présent"), "{body}");
    assert!(body.contains("<code>Practitioner?family=") && !body.contains('\u{202e}'), "{body}");
}

/// The pages are for anyone: keys of the other doors neither open nor close them, right, wrong or missing.
#[tokio::test]
async fn every_endpoint_answers_a_stranger() {
    let site = TestSite::new(|settings| {
        settings.api_keys = vec!["key-1".to_owned()];
        settings.credentials = vec!["token-1".to_owned()];
    });
    for (path, _, status) in ROUTES.iter().copied() {
        let path = site.path(path).await;
        let path = path.as_str();
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
    for (path, route, status) in ROUTES.iter().copied() {
        let path = site.path(path).await;
        let path = path.as_str();
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
        ("/recherche?q=exemple", "href=\"/professionnel/810999000002\">Anne EXEMPLE</a>"),
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
        let (status, headers, body) = site.ask("203.0.113.5", "/recherche?q=exemple", &headers).await;
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
    for path in [
        "/",
        "/recherche?q=exemple",
        "/recherche/avancee",
        "/mentions",
        "/accessibilite",
        "/professionnel/810999000002",
        "/structure/F990000001",
        "/verifier?numero=10999000028",
        "/x",
    ] {
        let (_, _, body) = site.ask("10.0.0.1", path, &told).await;
        for link in body.split("href=\"").chain(body.split("action=\"")).skip(1).filter(|l| l.starts_with('/')) {
            assert!(link.starts_with("/sante/"), "{path}: {}", &link[..40]);
        }
        let (_, _, body) = site.ask("203.0.113.5", path, &told).await;
        assert!(!body.contains("/sante"), "{path}: a stranger is not believed");
    }
}

/// Who comes by TLS is told to come back so; who comes without, or says so without being believed, is not.
#[tokio::test]
async fn tls_is_asked_for_behind_tls() {
    let told = [("x-forwarded-for", "203.0.113.5"), ("x-forwarded-proto", "https")];
    let behind = TestSite::new(|s| s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]));
    for path in ["/", "/exemple", "/extractions/"] {
        let header = async |from: &str| behind.ask(from, path, &told).await.1.get("strict-transport-security").cloned();
        assert_eq!(header("10.0.0.1").await.unwrap(), "max-age=31536000", "{path}");
        assert_eq!(header("203.0.113.5").await, None, "{path}");
    }
    let named = TestSite::new(|s| s.public_base = Some("https://annuaire.example".parse().unwrap()));
    assert!(named.ask("203.0.113.5", "/", &[]).await.1.contains_key("strict-transport-security"));
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
    let (status, _, body) = site.ask("203.0.113.5", "/recherche?q=e%E2%80%AExem%E2%80%8Bple%00%C2%9B", &[]).await;
    assert!(status == 200 && body.contains("value=\"exemple\"") && body.contains("Anne EXEMPLE"), "{body}");
    let (_, _, body) = site.ask("203.0.113.5", "/recherche?q=de", &[]).await;
    assert!(body.contains("DESSAI"), "{body}");
    assert!(!body.chars().any(|c| (c.is_control() && c != '\n')
        || ('\u{200b}'..='\u{200f}').contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)));
    for typed in ["-", "%27", "...", "*", "%25", "-%20-", "%CC%81"] {
        let (status, _, body) = site.ask("203.0.113.5", &format!("/recherche?q={typed}"), &[]).await;
        assert!(status == 400 && body.contains("ne contient ni lettre ni chiffre"), "q={typed}: {body}");
        let (status, _, body) = site.ask("203.0.113.5", &format!("/recherche?nom={typed}"), &[]).await;
        assert!(status == 200 && body.contains("<strong>Aucun résultat</strong>"), "nom={typed}: {body}");
    }
}

/// What people type that no name has: a sentence says what was understood, and nothing is everything.
#[tokio::test]
async fn what_is_typed_is_told_as_it_was_understood() {
    let site = TestSite::new(|_| {});
    let long = format!("/recherche?q={}", "x".repeat(3_000));
    for (path, status, sentence) in [
        ("/recherche?q=exmeple", 200, "Résultats pour « exemple »"),
        ("/recherche?q=exmeple", 200, "Chercher exactement « exmeple »"),
        ("/recherche?q=exmeple&exact=1", 200, "Avec les noms proches (1"),
        ("/recherche?q=exemple&ou=qqqqqqqq", 200, "Aucun lieu de France ne s’appelle « qqqqqqqq »"),
        ("/recherche?q=exemple&ou=brest", 200, "La même recherche dans toute la France (1"),
        ("/recherche?q=10999000010,990000010,990000028", 200, "Compris : 3 numéros"),
        ("/recherche?q=10999000011", 200, "sa clé de contrôle est fausse"),
        ("/recherche?q=exemple&type=professionnels&page=7", 404, "moins de pages de résultats"),
        (&long, 200, "Seuls les 200 premiers signes"),
    ] {
        let (got, _, body) = site.ask("203.0.113.5", path, &[]).await;
        assert!(got == status && body.contains(sentence), "{path}: {got} {body}");
    }
    // A number that one person has leads to their sheet.
    let (status, headers, _) = site.ask("203.0.113.5", "/recherche?q=8%2010999%20000002", &[]).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (303, "/professionnel/810999000002"));
    let (status, headers, _) = site.ask("203.0.113.5", "/structures?nom=centre&lieu=brest", &[]).await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (301, "/recherche?q=centre&ou=brest&type=structures"));
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
    for path in ["/", "/recherche?q=exemple", "/mentions", "/structure/1"] {
        let (status, headers, body) = site.ask("203.0.113.5", path, &[]).await;
        let id = headers["x-request-id"].to_str().unwrap();
        assert!(status == 500 && body.contains(&format!("numéro d’incident : {id}")), "{path}: {body}");
        assert!(!body.contains(&cause) && !body.contains("storage"), "{body}");
        assert!(site.lines.lock().unwrap().last().unwrap().contains(" status=500 "));
    }
    drop(readers);
    assert_eq!(site.ask("203.0.113.5", "/", &[]).await.0, 200);
}

/// A page has a tag. Whoever has it gets no body, and a page that changed is sent again.
#[tokio::test]
async fn a_page_that_the_client_has_is_not_sent_again() {
    let site = TestSite::new(|_| {});
    for path in ["/", "/professionnel/810999000002", "/structure/F990000001", "/structure/F990000001/carte.vcf", "/mentions"] {
        let (status, headers, body) = site.ask("203.0.113.5", path, &[]).await;
        let tag = headers["etag"].to_str().unwrap();
        assert!(status == 200 && !body.is_empty(), "{path}");
        for known in [tag.to_owned(), format!("\"x\", {tag}"), tag.trim_start_matches("W/").to_owned(), "*".to_owned()] {
            let (status, headers, body) = site.ask("203.0.113.5", path, &[("if-none-match", &known)]).await;
            assert_eq!((status, body.as_str(), &headers["etag"]), (304, "", &headers["etag"]), "{path} {known}");
            assert_eq!(headers["etag"].to_str().unwrap(), tag);
            assert!(!headers.contains_key("content-type") && headers["cache-control"] == "no-cache", "{path}: {headers:?}");
        }
        assert_eq!(site.ask("203.0.113.5", path, &[("if-none-match", "\"x\"")]).await.0, 200, "{path}");
    }
    let (status, headers, _) = site.ask("203.0.113.5", "/structure/exemple", &[("if-none-match", "*")]).await;
    assert!(status == 404 && !headers.contains_key("etag"));
}

/// A client that accepts gzip gets the plain answer compressed, with the tag of the plain one.
#[tokio::test]
async fn pages_are_compressed_for_those_who_accept_it() {
    let site = TestSite::new(|_| {});
    for path in ["/", "/structure/F990000001", "/exemple"] {
        let (_, plain_headers, plain) = site.ask("203.0.113.5", path, &[]).await;
        assert!(!plain_headers.contains_key("content-encoding") && plain_headers["vary"] == "Accept-Encoding", "{path}");
        let (_, headers, bytes) = site.bytes("GET", path, &[("accept-encoding", "gzip")]).await;
        assert_eq!(headers["content-encoding"], "gzip", "{path}");
        let mut decoded = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut decoded).unwrap();
        assert!(decoded.ends_with("</html>\n") || decoded.ends_with("</html>"), "{path}");
        assert_eq!(headers.get("etag"), plain_headers.get("etag"));
        if plain_headers.contains_key("etag") {
            assert_eq!(decoded, plain, "{path}");
        }
        assert!(bytes.len() < plain.len(), "{path}: {} of {}", bytes.len(), plain.len());
    }
    let (_, headers, _) = site.bytes("HEAD", "/", &[]).await;
    assert_eq!(headers["etag"], site.bytes("GET", "/", &[]).await.1["etag"]);
}

/// A card says what the sheet says, and the address in both is that which clients see.
#[tokio::test]
async fn cards_and_canonical_addresses_name_the_address_that_clients_see() {
    let site = TestSite::new(|s| s.public_base = Some("https://annuaire.example/sante".parse().unwrap()));
    let address = "https://annuaire.example/sante/professionnel/810999000002";
    let (_, headers, card) = site.ask("203.0.113.5", "/professionnel/810999000002/carte.vcf", &[]).await;
    assert_eq!(headers["content-type"], "text/vcard;charset=UTF-8");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"professionnel-810999000002.vcf\"");
    assert!(card.contains("\r\nFN:Anne EXEMPLE\r\n") && card.contains(&format!("\r\nURL:{address}\r\n")), "{card}");
    let (_, _, sheet) = site.ask("203.0.113.5", "/professionnel/810999000002?x=1", &[]).await;
    assert!(sheet.contains(&format!("<link rel=\"canonical\" href=\"{address}\">")), "{sheet}");
    assert!(sheet.contains("href=\"/sante/professionnel/810999000002/carte.vcf\""), "{sheet}");
    let (_, _, search) = site.ask("203.0.113.5", "/recherche?nom=exemple", &[]).await;
    assert!(!search.contains("rel=\"canonical\"") && search.contains("noindex"), "{search}");
}

/// The sitemap leads to every sheet and to nobody who left; a directory that is not to be listed has none, and says so on each page.
#[tokio::test]
async fn the_sitemap_lists_sheets_unless_the_operator_does_not_want_that() {
    let site = TestSite::new(|s| s.public_base = Some("https://annuaire.example/sante".parse().unwrap()));
    let (_, _, robots) = site.ask("203.0.113.5", "/robots.txt", &[]).await;
    assert!(robots.contains("Disallow: /sante/recherche\n"), "{robots}");
    assert!(robots.ends_with("Sitemap: https://annuaire.example/sante/sitemap.xml\n"), "{robots}");
    let (_, headers, index) = site.ask("203.0.113.5", "/sitemap.xml", &[]).await;
    assert_eq!(headers["content-type"], "application/xml;charset=UTF-8");
    let locations = |xml: &str| -> Vec<String> {
        xml.split("<loc>").skip(1).map(|rest| rest.split("</loc>").next().unwrap().to_owned()).collect()
    };
    let mut sheets = Vec::new();
    for part in locations(&index) {
        let path = part.strip_prefix("https://annuaire.example/sante").unwrap();
        let (status, _, xml) = site.ask("203.0.113.5", path, &[]).await;
        assert_eq!(status, 200, "{path}");
        sheets.extend(locations(&xml));
    }
    let expected =
        ["professionnel/810999000001", "professionnel/810999000002", "professionnel/810999000028", "structure/F990000001"];
    assert_eq!(sheets, expected.map(|sheet| format!("https://annuaire.example/sante/{sheet}")));

    let hidden = TestSite::with(|_| {}, |settings| settings.is_indexed = false);
    for path in ["/sitemap.xml", "/sitemap/structure-0.xml"] {
        assert_eq!(hidden.ask("203.0.113.5", path, &[]).await.0, 404, "{path}");
    }
    let (_, headers, sheet) = hidden.ask("203.0.113.5", "/structure/F990000001", &[]).await;
    assert!(headers["x-robots-tag"] == "noindex" && sheet.contains("content=\"noindex\"") && !sheet.contains("canonical"));
    assert!(!hidden.ask("203.0.113.5", "/robots.txt", &[]).await.2.contains("Sitemap"));
}

/// A check says who, what and when; of a number that is none, what is wrong; and of somebody who left, nothing but that.
#[tokio::test]
async fn a_check_says_what_the_public_perimeter_says() {
    let site = TestSite::new(|_| {});
    let (status, headers, body) = site.ask("203.0.113.5", "/verifier?numero=1+0999+000+028", &[]).await;
    assert!(status == 200 && headers["x-robots-tag"] == "noindex", "{status} {body}");
    for part in [
        "<h1>Anne ENCORE</h1>",
        "Ce numéro RPPS est publié",
        "<dd>10999000028</dd>",
        "transaction 1<",
        ">15/01/2027 à 09",
        "Date de début non publique",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    for (number, status, text) in [
        ("10999000036", 404, "Plus publié depuis</dt><dd>14 novembre 2023"),
        ("10999000044", 404, "Aucun professionnel n’est publié sous ce numéro"),
        ("10999000023", 400, "clé de contrôle"),
        ("%3Ci%3E", 400, "onze chiffres"),
    ] {
        let (got, _, body) = site.ask("203.0.113.5", &format!("/verifier?numero={number}"), &[]).await;
        assert!(
            got == status && body.contains(text) && !body.contains("PARTI") && !body.contains("<i>"),
            "{number}: {got} {body}"
        );
    }
}

/// What the operator says of the law is shown, and what is not said is told as missing.
#[tokio::test]
async fn legal_notices_are_those_of_the_operator() {
    let site = TestSite::with(|_| {}, |settings| settings.notices.director = "Direction <d’essai>".to_owned());
    let (_, _, body) = site.ask("203.0.113.5", "/mentions", &[]).await;
    assert!(body.contains("<dt>Direction de la publication</dt><dd>Direction &#60;d’essai&#62;</dd>"), "{body}");
    assert!(body.contains("<dt>Hébergement</dt><dd>à préciser par l’exploitant</dd>"), "{body}");
}

/// Sheets and checks are in English where the address says so, whatever a browser prefers; data of the directory is marked as French.
#[tokio::test]
async fn the_address_alone_decides_the_language() {
    let site = TestSite::new(|_| {});
    for (path, french, english) in [
        ("/professionnel/810999000028?lang=en", "Dates de ces données", "Dates of these data"),
        ("/structure/F990000001?lang=en", "Dates de ces données", "Dates of these data"),
        ("/verifier?numero=10999000028&lang=en", "Ce que cette page ne dit pas", "What this page does not say"),
        ("/verifier?numero=1&lang=en", "onze chiffres", "eleven digits"),
    ] {
        let (_, _, body) = site.ask("203.0.113.5", path, &[]).await;
        assert!(body.contains("<html lang=\"en\">") && body.contains(english) && !body.contains(french), "{path}: {body}");
        assert!(body.contains("lang=\"fr\" hreflang=\"fr\">Français</a>"), "{path}: {body}");
        let plain = path.replace("?lang=en", "").replace("&lang=en", "");
        let (_, headers, body) = site.ask("203.0.113.5", &plain, &[("accept-language", "en")]).await;
        assert!(body.contains("<html lang=\"fr\">") && body.contains(french) && !body.contains(english), "{plain}: {body}");
        assert!(!headers.get("vary").is_some_and(|vary| vary.to_str().unwrap().contains("Language")), "{plain}");
    }
    let (_, _, body) = site.ask("203.0.113.5", "/recherche?nom=exemple&lang=en", &[]).await;
    assert!(body.contains("<html lang=\"fr\">") && !body.contains("English"), "a page without translation has none: {body}");
}
