//! The extractions as strangers, browsers and programs meet them.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use annuaire_index::Index;
use annuaire_pages::{Edition, EditionFile, FileGroup, NOTE, PagesSettings};
use annuaire_web::limits::LONG;
use annuaire_web::{Gate, GateSettings, Lane};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use tower::ServiceExt;

const KEY: (&str, &str) = ("esante-api-key", "key-1");
const CREDENTIAL: (&str, &str) = ("authorization", "Bearer let-me-in");
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
const CONTENT: &str = "Type d'identifiant PP|Identifiant PP|\n8|10999000010|\n";
/// What the note says of its SHA-256.
const DIGEST: [u8; 32] = [7; 32];

/// Writes an edition of one archive, one table and a difference.
fn write_edition(dir: &Path, name: &str, prefix: &str) {
    let place = dir.join(name);
    fs::create_dir_all(place.join("views")).unwrap();
    let file = |name: String, stable: &str, group| {
        fs::write(place.join(&name), CONTENT).unwrap();
        let sha256 = DIGEST.iter().map(|byte| format!("{byte:02x}")).collect();
        EditionFile { name, stable: stable.to_owned(), group, lines: Some(1), bytes: CONTENT.len() as u64, sha256 }
    };
    let files = vec![
        file(format!("{prefix}PS_LibreAcces_{name}.zip"), &format!("{prefix}PS_LibreAcces"), FileGroup::National),
        file("views/practitioner.csv".to_owned(), "views/practitioner.csv", FileGroup::Table),
    ];
    let committed = "2026-11-25T23:00:00.000Z".to_owned();
    let edition = Edition { edition: name.to_owned(), tx: 41, committed, files, ..Edition::default() };
    fs::write(place.join(NOTE), serde_json::to_vec(&edition).unwrap()).unwrap();
}

struct Server {
    app: Router,
    dir: tempfile::TempDir,
}

impl Server {
    fn new(api_keys: &[&str], credentials: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Index::open(&dir.path().join("store"), 1 << 24, annuaire_fhir::dictionary::ALL).unwrap());
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let gate = GateSettings {
            api_keys: owned(api_keys),
            credentials: owned(credentials),
            history_credentials: vec!["historian".to_owned()],
            ..GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))
        };
        let extractions = dir.path().join("extractions");
        for (perimeter, prefix) in [("public", ""), ("restricted", "Restreint_")] {
            for name in ["202611250330", "202611260330"] {
                write_edition(&extractions.join(perimeter), name, prefix);
            }
        }
        // What a request must never reach.
        fs::write(extractions.join("secret.txt"), "SECRET").unwrap();
        fs::write(extractions.join("public/202611260330/secret.txt"), "SECRET").unwrap();
        let settings = PagesSettings {
            gate: Arc::new(Gate::new(gate)),
            operator: "Essai".to_owned(),
            notices: annuaire_pages::LegalNotices::default(),
            fictional: false,
            lane: Arc::new(Lane::new()),
            work: LONG,
            extractions: Some(extractions),
            is_indexed: true,
            has_portal: true,
        };
        Self { app: annuaire_pages::router(store.into(), settings), dir }
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "annuaire.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 22).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        self.send("GET", path, headers).await
    }
}

const PATHS: [&str; 5] = ["", "/", "/202611260330/", "/latest/views/practitioner.csv", "/202611260330/views/practitioner.csv"];

#[tokio::test]
async fn strangers_are_told_what_they_lack_and_nothing_else() {
    let server = Server::new(&["key-1"], &["let-me-in"]);
    for end in PATHS {
        for (mount, right, wrong) in [("/extractions", KEY, CREDENTIAL), ("/extractions/restreint", CREDENTIAL, KEY)] {
            let path = format!("{mount}{end}");
            for header in [("x-none", ""), wrong, ("authorization", "Bearer historian"), ("esante-api-key", "wrong")] {
                let (status, headers, body) = server.get(&path, &[header]).await;
                assert_eq!(status, 401, "{path} {header:?}");
                assert!(
                    headers.contains_key("www-authenticate") && !body.contains("PS_LibreAcces") && !body.contains("10999"),
                    "{body}"
                );
            }
            let (status, headers, _) = server.get(&path, &[right]).await;
            assert!(status == 200 || status == 302, "{path}: {status}");
            let restricted = mount.ends_with("restreint");
            assert_eq!(headers["cache-control"] == "no-store", restricted, "{path}");
            // Only reading has a meaning.
            for method in ["POST", "PUT", "DELETE"] {
                assert_eq!(server.send(method, &path, &[right]).await.0, 405, "{method} {path}");
                assert_eq!(server.send(method, &path, &[]).await.0, 401, "{method} {path}");
            }
        }
    }
    // A server without credentials has no restricted files, whatever lies on its disk.
    let open = Server::new(&[], &[]);
    for end in PATHS {
        assert_eq!(open.get(&format!("/extractions/restreint{end}"), &[CREDENTIAL]).await.0, 401, "{end}");
        assert_ne!(open.get(&format!("/extractions{end}"), &[]).await.0, 401, "{end}");
    }
    // The page of a refusal, for a browser.
    let (status, _, body) = server.get("/extractions/", &[BROWSER]).await;
    assert!(status == 401 && body.contains("<h1>Clé demandée</h1>") && body.contains("ESANTE-API-KEY"), "{body}");
}

#[tokio::test]
async fn no_address_leads_out_of_the_editions() {
    let server = Server::new(&[], &["let-me-in"]);
    for path in [
        "/extractions/202611260330/secret.txt",
        "/extractions/202611260330/edition.json",
        "/extractions/202611260330/../secret.txt",
        "/extractions/202611260330/..%2fsecret.txt",
        "/extractions/../secret.txt",
        "/extractions/secret.txt",
        "/extractions/..",
        "/extractions/../restricted/202611260330/views/practitioner.csv",
        "/extractions//restreint/202611260330/views/practitioner.csv",
        "/extractions/%72estreint/202611260330/views/practitioner.csv",
        "/extractions/restreint",
        "/extractions/202611240330/views/practitioner.csv",
        "/extractions/latest/PS",
        "/annuaire-sante-webservices/V300/services/extraction/Restreint_PS_LibreAcces",
        "/annuaire-sante-webservices/V300/services/extraction/..%2fsecret.txt",
    ] {
        let (status, _, body) = server.get(path, &[]).await;
        assert!(matches!(status, 401 | 404) && !body.contains("SECRET") && !body.contains("10999"), "{path}: {status} {body}");
    }
    // A name in a note that leads out of its edition is not followed.
    let note = server.dir.path().join("extractions/public/202611260330").join(NOTE);
    let text = fs::read_to_string(&note).unwrap().replace("views/practitioner.csv", "../../secret.txt");
    fs::write(&note, text).unwrap();
    let (status, _, body) = server.get("/extractions/202611260330/../../secret.txt", &[]).await;
    assert!(status == 404 && !body.contains("SECRET"), "{status} {body}");
}

#[tokio::test]
async fn a_program_gets_a_list_and_files_that_resume() {
    let server = Server::new(&[], &[]);
    let (_, headers, body) = server.get("/extractions/", &[]).await;
    assert_eq!(headers["content-type"], "application/json");
    let list: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&list["latest"], list["editions"].as_array().unwrap().len()), (&Value::from("202611260330"), 2));
    let file = &list["editions"][0]["files"][0];
    assert_eq!(file["url"], "http://annuaire.example/extractions/202611260330/PS_LibreAcces_202611260330.zip");
    assert_eq!(file["latestUrl"], "http://annuaire.example/extractions/latest/PS_LibreAcces");
    let (status, headers, _) = server.get("/extractions/latest/PS_LibreAcces", &[]).await;
    let location = headers["location"].to_str().unwrap();
    assert_eq!((status, location), (302, "/extractions/202611260330/PS_LibreAcces_202611260330.zip"));
    assert_eq!(headers["cache-control"], "no-cache");

    let (status, headers, whole) = server.get(location, &[]).await;
    assert_eq!((status, whole.as_str()), (200, CONTENT));
    let tag = format!("\"{}\"", "07".repeat(32));
    for (name, value) in [
        ("etag", &*tag),
        ("accept-ranges", "bytes"),
        ("content-type", "application/zip"),
        ("content-disposition", "attachment; filename=\"PS_LibreAcces_202611260330.zip\""),
        ("repr-digest", "sha-256=:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=:"),
        ("cache-control", "max-age=86400"),
        ("last-modified", "Wed, 25 Nov 2026 23:00:00 GMT"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    for cut in [1, 17, CONTENT.len() - 1] {
        let (status, headers, rest) = server.get(location, &[("range", &format!("bytes={cut}-")), ("if-range", &tag)]).await;
        assert_eq!((status, format!("{}{rest}", &CONTENT[..cut])), (206, CONTENT.to_owned()));
        assert_eq!(headers["content-range"], format!("bytes {cut}-{}/{}", CONTENT.len() - 1, CONTENT.len()));
    }
    assert_eq!(server.get(location, &[("range", "bytes=9999-")]).await.0, 416);
    assert_eq!(server.get(location, &[("if-none-match", &tag)]).await.0, 304);
    let (status, headers, body) = server.send("HEAD", location, &[]).await;
    assert_eq!((status, headers["content-length"].to_str().unwrap(), body.len()), (200, &*CONTENT.len().to_string(), 0));

    // Loaders of the national service find the file where they look for it.
    let national = "/annuaire-sante-webservices/V300/services/extraction/PS_LibreAcces";
    let (status, headers, body) = server.get(national, &[]).await;
    assert_eq!((status, body.as_str(), headers["cache-control"].to_str().unwrap()), (200, CONTENT, "no-cache"));
    assert!(headers["content-disposition"].to_str().unwrap().contains("PS_LibreAcces_202611260330.zip"));
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_server_that_makes_none_says_so() {
    let server = Server::new(&[], &[]);
    let (status, headers, body) = server.get("/extractions/", &[BROWSER]).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/html;charset=UTF-8"));
    assert!(headers["vary"].to_str().unwrap().contains("Accept"));
    for part in [
        "<h1>Fichiers de l’annuaire</h1>",
        "26/11/2026 à 03\u{a0}h\u{a0}30, transaction 41",
        "href=\"/extractions/202611260330/PS_LibreAcces_202611260330.zip\"",
        "<summary>25/11/2026 à 03\u{a0}h\u{a0}30",
        "curl -LO http://annuaire.example/extractions/latest/PS_LibreAcces",
        "fichiers du jour</a>",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    for (accept, media) in [
        ("application/json", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, text/html", "text/html;charset=UTF-8"),
        ("*/*", "application/json"),
    ] {
        assert_eq!(server.get("/extractions/", &[("accept", accept)]).await.1["content-type"], media, "{accept}");
    }
    fs::remove_dir_all(server.dir.path().join("extractions")).unwrap();
    let (status, _, body) = server.get("/extractions/", &[BROWSER]).await;
    assert!(status == 200 && body.contains("Aucun fichier n’est encore prêt"), "{body}");
    let (status, _, body) = server.get("/extractions/", &[]).await;
    let empty = serde_json::json!({"latest": null, "editions": []});
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (200, empty));
}
