//! The public perimeter as files: pages, files in each encoding, ranges, and what was removed.

#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_bulk::{LogDirectories, NoWitness, PublishedLog, PublishedTree, TreeLimits, TreeOptions};
use annuaire_fhir::schema::{ORGANIZATION, PUBLIC_TYPES, TYPES};
use annuaire_index::{Error, GroupItem, Index, TxEnd};
use annuaire_terms::{Presence, Resource, TypeId};
use annuaire_web::{Gate, GateSettings, Rate};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

const ROOT: &str = "/fhir/v2/$bulk-publish";
const DAY: i64 = 86_400_000;

struct Publisher {
    index: Arc<Index>,
    tree: Arc<PublishedTree>,
    app: Router,
    dir: tempfile::TempDir,
}

fn organization(n: u64, name: &str) -> Resource {
    let id = format!("001-{n:04}");
    Resource {
        ty: ORGANIZATION,
        before: format!(r#"{{"resourceType":"Organization","id":"{id}","meta":{{"#).into_bytes(),
        after: format!(r#"}},"active":true,"name":"{name} é {n}"}}"#).into_bytes(),
        terms: Vec::new(),
        id,
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

impl Publisher {
    fn new(settings: impl FnOnce(GateSettings) -> GateSettings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = Arc::new(Index::open(&dir.path().join("store"), 1 << 26, annuaire_fhir::dictionary::ALL).unwrap());
        let types = (0..).map(TypeId::new).zip(TYPES[..PUBLIC_TYPES].iter().copied()).collect();
        let limits = TreeLimits { file_bytes: 700_000, root_share: 1_000_000, ..TreeLimits::default() };
        let options = TreeOptions { types, cadence: "PT15M".into(), limits };
        let tree = Arc::new(PublishedTree::open(&dir.path().join("files"), options).unwrap());
        let gate = Arc::new(Gate::new(settings(GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000)))));
        let files = Some(Arc::clone(&tree));
        let settings = annuaire_api::ApiSettings { files, ..annuaire_api::ApiSettings::new(gate, [7; 32], Arc::default()) };
        let restricted = Arc::new(Index::open(&dir.path().join("restricted"), 1 << 24, &[]).unwrap());
        let app = annuaire_api::router(Arc::clone(&index).into(), Some(restricted.into()), settings);
        Self { index, tree, app, dir }
    }

    fn apply(&self, tx: u64, resources: Vec<Resource>, withdrawn: &[&str]) {
        let (number, ms) = (Tx::new(tx), tx as i64 * 1_000);
        let mut preparer = self.index.preparer(number, ms).unwrap();
        let mut items: Vec<Result<GroupItem, Error>> =
            resources.into_iter().map(|r| preparer.prepare_for(r, number, ms).map(GroupItem::Resource)).collect();
        let withdrawn = withdrawn.iter().map(|id| (ORGANIZATION, (*id).to_owned())).collect();
        items.push(Ok(GroupItem::End(TxEnd { tx: number, commit_ms: ms, withdrawn, ..TxEnd::default() })));
        self.index.apply_group(items.into_iter(), None).unwrap();
    }

    fn update(&self, now_ms: i64) {
        self.tree.update(&self.index, "v", now_ms, &mut NoWitness).unwrap();
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path).header("host", "annuaire.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, to_bytes(body, 1 << 26).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        self.send("GET", path, headers).await
    }

    async fn page(&self, path: &str) -> Value {
        let (status, headers, body) = self.get(path, &[]).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/json"), "{path}");
        serde_json::from_slice(&body).unwrap()
    }
}

/// The path of an address on this server.
fn path(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix("http://annuaire.example").unwrap().to_owned()
}

fn fact<'a>(item: &'a Value, name: &str) -> &'a Value {
    let facts = item["extension"][0]["extension"].as_array().unwrap();
    facts.iter().find(|fact| fact["url"] == name).unwrap_or(&Value::Null)
}

fn base64_digest(bytes: &[u8]) -> String {
    use base64::Engine;
    format!("sha-256=:{}:", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes)))
}

#[tokio::test]
async fn a_stranger_copies_the_perimeter_and_follows_it() {
    let publisher = Publisher::new(|gate| GateSettings { rate: Some(Rate { per_second: 1, burst: 1 }), ..gate });
    let (status, headers, _) = publisher.get(ROOT, &[]).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "2"));
    publisher.apply(1, (0..40).map(|n| organization(n, "first")).collect(), &[]);
    publisher.update(0);
    let root = publisher.page(ROOT).await;
    assert_eq!(root["manifestType"], "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkPublishManifest");
    assert_eq!((&root["transactionTime"], &root["updateCadence"]), (&"1970-01-01T00:00:01.000Z".into(), &"PT15M".into()));
    assert_eq!(root["requiresAccessToken"], false);
    let item = &root["output"][0];
    assert_eq!(
        (&item["type"], &item["count"], fact(item, "tx")["valueDecimal"].as_u64()),
        (&"Organization".into(), &40.into(), Some(1))
    );
    let (status, _, lines) = publisher.get(&path(&item["url"]), &[]).await;
    assert_eq!((status, lines.split(|b| *b == b'\n').count()), (200, 41));
    // The chain: a page without files, then the increments.
    let stub_path = path(&root["link"][0]["url"]);
    let stub = publisher.page(&stub_path).await;
    assert_eq!((&stub["output"], &stub["deleted"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    assert!(stub["link"][0]["url"].as_str().unwrap().ends_with("#pending"));
    let (_, headers, _) = publisher.get(&stub_path, &[]).await;
    assert_eq!(headers["cache-control"], "public, max-age=10");
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let (status, _, body) = publisher.get(&stub_path, &[("if-none-match", &tag)]).await;
    assert_eq!((status, body.len()), (304, 0));
    publisher.apply(2, vec![organization(3, "second")], &[]);
    publisher.update(DAY);
    let (status, _, body) = publisher.get(&stub_path, &[("if-none-match", &tag)]).await;
    assert_eq!(status, 200);
    let stub: Value = serde_json::from_slice(&body).unwrap();
    let next = publisher.page(&path(&stub["link"][0]["url"])).await;
    let range = fact(&next["output"][0], "tx-range")["extension"].as_array().unwrap();
    assert_eq!((range[0]["valueDecimal"].as_u64(), range[1]["valueDecimal"].as_u64()), (Some(1), Some(2)));
    let (_, _, line) = publisher.get(&path(&next["output"][0]["url"]), &[]).await;
    let (_, _, read) = publisher.get("/fhir/v2/Organization/001-0003", &[]).await;
    assert_eq!(line, [&read[..], b"\n"].concat(), "a line is what a read answers");
    // None of this counted for the rate, which allows one request a second.
    let (status, ..) = publisher.get("/fhir/v2/Organization/001-0003", &[]).await;
    assert_eq!(status, 429);
    let (_, _, body) = publisher.get("/metrics", &[]).await;
    assert!(String::from_utf8(body).unwrap().contains("annuaire_files_tx{store=\"public\"} 2\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_in_the_encoding_that_the_client_accepts_and_from_any_byte() {
    let publisher = Publisher::new(|gate| gate);
    publisher.apply(1, (0..9_000).map(|n| organization(n, "x")).collect(), &[]);
    publisher.update(0);
    let root = publisher.page(ROOT).await;
    assert!(root["output"].as_array().unwrap().len() > 1);
    let item = &root["output"][0];
    let url = path(&item["url"]);
    let (status, plain_headers, plain) = publisher.get(&url, &[]).await;
    assert_eq!((status, plain_headers["content-type"].to_str().unwrap()), (200, "application/fhir+ndjson"));
    assert_eq!(plain_headers["cache-control"], "public, max-age=86400, immutable");
    assert_eq!(
        (&item["fileSize"], plain_headers["content-length"].to_str().unwrap()),
        (&plain.len().into(), plain.len().to_string().as_str())
    );
    assert!(plain.len() > 2 * annuaire_web::limits::PIECE && !plain_headers.contains_key("content-encoding"));
    let (_, stored_headers, stored) = publisher.get(&url, &[("accept-encoding", "gzip, zstd")]).await;
    assert_eq!(stored_headers["content-encoding"], "zstd");
    assert_eq!(zstd::decode_all(&stored[..]).unwrap(), plain);
    assert_eq!(fact(item, "size")["valueDecimal"], stored.len());
    let hex: String = Sha256::digest(&stored).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(fact(item, "sha256")["valueString"], hex);
    let (_, gzip_headers, gzip) = publisher.get(&url, &[("accept-encoding", "gzip")]).await;
    assert_eq!(gzip_headers["content-encoding"], "gzip");
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(&gzip[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    let (_, _, again) = publisher.get(&url, &[("accept-encoding", "gzip")]).await;
    assert_eq!(again, gzip);
    // Each encoding has a tag of its own; those of bytes that never change are strong.
    let tags = [&plain_headers, &stored_headers, &gzip_headers].map(|headers| headers["etag"].to_str().unwrap().to_owned());
    assert!(tags[0].starts_with('"') && tags[1].starts_with('"') && tags[2].starts_with("W/"), "{tags:?}");
    assert!(tags[0] != tags[1] && !gzip_headers.contains_key("accept-ranges"));
    for (headers, bytes) in [(&plain_headers, &plain), (&stored_headers, &stored)] {
        let digest = base64_digest(bytes);
        assert_eq!((headers["repr-digest"].to_str().unwrap(), headers["content-digest"].to_str().unwrap()), (&*digest, &*digest));
        assert_eq!(headers["accept-ranges"], "bytes");
    }
    for (encoding, tag) in ["identity", "zstd", "gzip"].into_iter().zip(&tags) {
        let (status, _, body) = publisher.get(&url, &[("accept-encoding", encoding), ("if-none-match", tag)]).await;
        assert_eq!((status, body.len()), (304, 0), "{encoding}");
        let (status, headers, body) = publisher.send("HEAD", &url, &[("accept-encoding", encoding)]).await;
        assert_eq!((status, headers["etag"].to_str().unwrap(), body.len()), (200, tag.as_str(), 0));
    }
    // Any part, in both encodings that have parts.
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        proptest!(ProptestConfig::with_cases(24), |(coded in any::<bool>(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>())| {
            let (encoding, bytes, tag) = if coded { ("zstd", &stored, &tags[1]) } else { ("identity", &plain, &tags[0]) };
            let (a, b) = (a.index(bytes.len()), b.index(bytes.len()));
            let (first, last) = (a.min(b), a.max(b));
            let range = format!("bytes={first}-{last}");
            let asked = [("accept-encoding", encoding), ("range", &range), ("if-range", tag)];
            let (status, headers, part) = runtime.block_on(publisher.get(&url, &asked));
            prop_assert_eq!(status, 206);
            prop_assert_eq!(headers["content-range"].to_str().unwrap(), &format!("bytes {first}-{last}/{}", bytes.len()));
            prop_assert!(part == bytes[first..=last]);
        });
    });
    let beyond = format!("bytes={}-", plain.len());
    let (status, headers, body) = publisher.get(&url, &[("range", &beyond)]).await;
    assert_eq!((status, headers["content-range"].to_str().unwrap()), (416, format!("bytes */{}", plain.len()).as_str()));
    assert!(String::from_utf8(body).unwrap().contains("OperationOutcome"));
    let (status, ..) = publisher.get(&url, &[("if-match", "\"other\"")]).await;
    assert_eq!(status, 412);
    // A part of other bytes than those that the client has is never sent.
    let (status, _, body) = publisher.get(&url, &[("range", "bytes=5-"), ("if-range", &tags[1])]).await;
    assert_eq!((status, body.len()), (200, plain.len()));
}

#[tokio::test]
async fn what_was_removed_is_gone_and_what_never_was_is_not_found() {
    let publisher = Publisher::new(|gate| gate);
    publisher.apply(1, vec![organization(1, "zyzzyva"), organization(2, "stays")], &[]);
    publisher.update(0);
    let root = publisher.page(ROOT).await;
    let old = path(&root["output"][0]["url"]);
    publisher.apply(2, Vec::new(), &["001-0001"]);
    publisher.update(1);
    let (status, _, body) = publisher.get(&old, &[]).await;
    let body = String::from_utf8(body).unwrap();
    assert!(status == 410 && body.contains(r#""code":"expired""#) && body.contains("root page"), "{status} {body}");
    let stub = publisher.page(&path(&root["link"][0]["url"])).await;
    assert!(stub["link"][0]["url"].as_str().unwrap().ends_with("#closed"));
    let new = publisher.page(ROOT).await;
    let (_, _, lines) = publisher.get(&path(&new["output"][0]["url"]), &[]).await;
    let lines = String::from_utf8(lines).unwrap();
    assert!(lines.contains("stays") && !lines.contains("zyzzyva"));
    for never in [
        "files/x.ndjson",
        "files/..%2fstate.json",
        "files/%2e%2e%2f%2e%2e%2fstore%2fdata.mdb",
        "pages/..",
        "pages/root",
        "state.json",
        "files",
        "pages/",
    ] {
        let (status, _, body) = publisher.get(&format!("{ROOT}/{never}"), &[]).await;
        assert_eq!(status, 404, "{never}");
        assert!(String::from_utf8(body).unwrap().contains("OperationOutcome"));
    }
    // A `$` may be percent-encoded, and the other name of the perimeter has the pages too, under its own addresses.
    let (status, ..) = publisher.get("/fhir/v2/%24bulk-publish", &[]).await;
    assert_eq!(status, 200);
    let other = publisher.page("/fhir/dp/$bulk-publish").await;
    assert!(other["output"][0]["url"].as_str().unwrap().contains("/fhir/dp/$bulk-publish/files/"));
    // A file whose bytes are lost on disk is an error of the server, which it tells.
    let file = std::fs::read_dir(publisher.dir.path().join("files/files")).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(file).unwrap();
    let (status, ..) = publisher.get(&path(&new["output"][0]["url"]), &[("accept-encoding", "zstd")]).await;
    assert_eq!(status, 500);
}

#[tokio::test]
async fn keys_open_the_files_where_there_are_keys_and_the_restricted_perimeter_has_none() {
    let publisher = Publisher::new(|gate| GateSettings { api_keys: vec!["k".into()], credentials: vec!["c".into()], ..gate });
    publisher.apply(1, vec![organization(1, "x")], &[]);
    publisher.update(0);
    let key = [("esante-api-key", "k")];
    let (status, _, body) = publisher.get(ROOT, &key).await;
    assert_eq!(status, 200);
    let root: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(root["requiresAccessToken"], true);
    for address in [ROOT.to_owned(), path(&root["output"][0]["url"]), path(&root["link"][0]["url"])] {
        assert_eq!(publisher.get(&address, &[]).await.0, 401, "{address}");
        assert_eq!(publisher.get(&address, &key).await.0, 200, "{address}");
    }
    let (status, _, body) = publisher.get("/fhir/dr/$bulk-publish", &[("authorization", "Bearer c")]).await;
    assert_eq!(status, 404);
    assert!(String::from_utf8(body).unwrap().contains("not published as files"));
    for (address, header, told) in
        [("/fhir/v2/metadata", key[0], true), ("/fhir/dr/metadata", ("authorization", "Bearer c"), false)]
    {
        let (_, _, body) = publisher.get(address, &[header]).await;
        assert_eq!(String::from_utf8(body).unwrap().contains("OperationDefinition/bulk-publish"), told, "{address}");
    }
}

/// The paths of a log.
const LOG: [&str; 5] = ["checkpoint", "key", "root.sig", "tile/0/000.p/5", "tile/0/x001/000"];

#[tokio::test]
async fn the_log_is_served_beside_the_files_and_its_salts_go_with_what_is_withdrawn() {
    let publisher = Publisher::new(|settings| settings);
    let types = (0..).map(TypeId::new).zip(TYPES[..PUBLIC_TYPES].iter().copied()).collect();
    let directories = LogDirectories { tree: publisher.dir.path().join("files"), private: publisher.dir.path().to_owned() };
    let mut number = 0;
    let random = move |bytes: &mut [u8; 32]| {
        number += 1;
        *bytes = [number; 32];
    };
    let mut log = PublishedLog::open(directories, "annuaire.example/log", types, Box::new(random)).unwrap();
    publisher.tree.serve_salts(log.salts());
    publisher.apply(1, (0..5).map(|n| organization(n, "Maison")).collect(), &[]);
    publisher.tree.update(&publisher.index, "v", DAY, &mut log).unwrap();
    log.settle().unwrap();

    let (status, headers, checkpoint) = publisher.get(&format!("{ROOT}/checkpoint"), &[]).await;
    let text = String::from_utf8(checkpoint).unwrap();
    assert_eq!((status, text.lines().nth(1)), (200, Some("5")));
    assert_eq!(headers["cache-control"], "public, max-age=10");
    let (status, _, key) = publisher.get(&format!("{ROOT}/key"), &[]).await;
    assert_eq!((status, key), (200, format!("{}\n", log.verifiers().next().unwrap()).into_bytes()));
    let (status, headers, tile) = publisher.get(&format!("{ROOT}/tile/0/000.p/5"), &[]).await;
    assert_eq!((status, tile.len(), headers["content-type"].to_str().unwrap()), (200, 160, "application/octet-stream"));
    for wrong in [
        "tile/0/000",
        "tile/0/000.p/4",
        "tile/0/0",
        "tile/8/000",
        "tile/0/x000/000",
        "tile/0/x001/x001/000.p/7",
        "pages/none.sig",
        "pages/root.sig",
    ] {
        assert_eq!(publisher.get(&format!("{ROOT}/{wrong}"), &[]).await.0, 404, "{wrong}");
    }
    let root = publisher.page(ROOT).await;
    let stub = path(&root["link"][0]["url"]);
    for signature in [format!("{ROOT}/root.sig"), format!("{stub}.sig")] {
        let (status, _, text) = publisher.get(&signature, &[]).await;
        assert!(status == 200 && text.starts_with(b"annuaire-page/1\nannuaire.example/log/"), "{signature}");
    }
    let salts = path(&root["output"][0]["url"]).replace(".ndjson", ".salts");
    let (status, headers, text) = publisher.get(&salts, &[]).await;
    let text = String::from_utf8(text).unwrap();
    assert!(status == 200 && text.lines().count() == 5 && text.lines().all(|line| line.starts_with("1 1000 create ")), "{text}");
    assert_eq!(headers["cache-control"], "no-store");

    publisher.apply(2, Vec::new(), &["001-0003"]);
    publisher.tree.update(&publisher.index, "v", 2 * DAY, &mut log).unwrap();
    log.settle().unwrap();
    assert_eq!(publisher.get(&salts, &[]).await.0, 410);
    let root = publisher.page(ROOT).await;
    let (_, _, rest) = publisher.get(&path(&root["output"][0]["url"]).replace(".ndjson", ".salts"), &[]).await;
    let rest = String::from_utf8(rest).unwrap();
    assert_eq!(
        text.lines().filter(|line| rest.lines().any(|other| other == *line)).count(),
        4,
        "those that stay are as they were"
    );
    let text = String::from_utf8(publisher.get(&format!("{ROOT}/checkpoint"), &[]).await.2).unwrap();
    assert_eq!(text.lines().nth(1), Some("6"), "the leaves stay, the tombstone has one");
}

#[tokio::test]
async fn a_stranger_gets_nothing_of_the_log_where_keys_are_asked_for_and_a_tree_without_a_log_has_none() {
    let publisher = Publisher::new(|settings| settings);
    publisher.apply(1, (0..5).map(|n| organization(n, "Maison")).collect(), &[]);
    publisher.update(DAY);
    let salts = path(&publisher.page(ROOT).await["output"][0]["url"]).replace(".ndjson", ".salts");
    for name in LOG {
        assert_eq!(publisher.get(&format!("{ROOT}/{name}"), &[]).await.0, 404, "{name}");
        assert_eq!(publisher.get(&format!("{}/{name}", ROOT.replace("/v2/", "/dr/")), &[]).await.0, 401, "{name}");
    }
    assert_eq!(publisher.get(&salts, &[]).await.0, 404);
    let closed = Publisher::new(|settings| GateSettings { api_keys: vec!["k".repeat(32)], ..settings });
    for path in LOG.iter().map(|name| format!("{ROOT}/{name}")).chain([salts]) {
        assert_eq!(closed.get(&path, &[]).await.0, 401, "{path}");
    }
}
