//! `$export` over HTTP, rule by rule (interop §5): who may have an export, what it tells, and what becomes of it.

#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use annuaire_api::{ApiSettings, export_filter, reduced_resource, router};
use annuaire_base::Tx;
use annuaire_bulk::{ExportJobs, ExportLimits, ExportOptions};
use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER, TYPES};
use annuaire_index::{Error, GroupItem, Index, TxEnd};
use annuaire_terms::{Presence, Resource, TypeId};
use annuaire_web::{Gate, GateSettings};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

const START: &str = "/fhir/v2/$export";
const JSON: (&str, &str) = ("content-type", "application/fhir+json");
const KEY: (&str, &str) = ("esante-api-key", "key-1");
const OTHER: (&str, &str) = ("esante-api-key", "key-2");

fn resource(ty: TypeId, name: &str, id: &str, text: &str) -> Resource {
    Resource {
        ty,
        before: format!(r#"{{"resourceType":"{name}","id":"{id}","meta":{{"#).into_bytes(),
        after: format!(r#"}},"active":true,"name":"{text}","note":"n"}}"#).into_bytes(),
        terms: Vec::new(),
        id: id.to_owned(),
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

fn organization(n: u64, text: &str) -> Resource {
    resource(ORGANIZATION, "Organization", &format!("001-{n:04}"), text)
}

fn practitioner(n: u64) -> Resource {
    resource(PRACTITIONER, "Practitioner", &format!("003-{n:04}"), "p")
}

struct Exporter {
    public: Arc<Index>,
    restricted: Arc<Index>,
    jobs: Arc<ExportJobs>,
    app: Router,
    now_ms: Arc<AtomicI64>,
    gate: GateSettings,
    dir: tempfile::TempDir,
}

impl Exporter {
    fn new(keys: &[&str], limits: ExportLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| Arc::new(Index::open(&dir.path().join(name), 1 << 26, annuaire_fhir::dictionary::ALL).unwrap());
        let (public, restricted) = (open("public"), open("restricted"));
        let now_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
        let clock = Arc::clone(&now_ms);
        let gate = GateSettings {
            api_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            credentials: vec!["let-me-in".to_owned()],
            history_credentials: vec!["historian".to_owned()],
            ..GateSettings::new([1; 32], Arc::new(move || clock.load(Ordering::SeqCst) * 1_000))
        };
        let jobs = open_jobs(dir.path().join("exports"), limits);
        let app = app(&public, &restricted, &jobs, gate.clone());
        Self { public, restricted, jobs, app, now_ms, gate, dir }
    }

    /// The program ends and begins again.
    fn restart(&mut self) {
        self.jobs = open_jobs(self.dir.path().join("exports"), ExportLimits::default());
        self.app = app(&self.public, &self.restricted, &self.jobs, self.gate.clone());
    }

    fn apply(&self, tx: u64, resources: Vec<Resource>, vanished: &[(TypeId, &str)], withdrawn: &[&str]) {
        for index in [&self.public, &self.restricted] {
            let (number, ms) = (Tx::new(tx), tx as i64 * 1_000);
            let mut preparer = index.preparer(number, ms).unwrap();
            let mut items: Vec<Result<GroupItem, Error>> =
                resources.iter().cloned().map(|r| preparer.prepare_for(r, number, ms).map(GroupItem::Resource)).collect();
            let gone = vanished.iter().map(|(ty, id)| (*ty, (*id).to_owned(), 9)).collect();
            let withdrawn = withdrawn.iter().map(|id| (ORGANIZATION, (*id).to_owned())).collect();
            items.push(Ok(GroupItem::End(TxEnd { tx: number, commit_ms: ms, vanished: gone, withdrawn, ..TxEnd::default() })));
            index.apply_group(items.into_iter(), None).unwrap();
        }
    }

    fn make(&self) {
        let (public, restricted) = (Arc::clone(&self.public), Arc::clone(&self.restricted));
        let index_of = move |scope: &str| Some(if scope.is_empty() { Arc::clone(&public) } else { Arc::clone(&restricted) });
        self.jobs.sweep(&index_of, self.now()).unwrap();
        while let Some(report) = self.jobs.run_next(&index_of, &|| self.now()) {
            assert!(report.fault.is_none(), "{:?}", report.fault);
        }
    }

    fn now(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path).header("host", "annuaire.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, to_bytes(body, 1 << 26).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
        self.send("GET", path, headers, "").await
    }

    /// Starts an export by these parameters of the address; the path of its state.
    async fn start(&self, query: &str, headers: &[(&str, &str)]) -> String {
        let (status, headers, body) = self.get(&format!("{START}?{query}"), headers).await;
        assert_eq!(status, 202, "{query}: {}", String::from_utf8_lossy(&body));
        path(headers["content-location"].to_str().unwrap())
    }

    async fn manifest(&self, state: &str, headers: &[(&str, &str)]) -> Value {
        let (status, headers, body) = self.get(state, headers).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/json"));
        serde_json::from_slice(&body).unwrap()
    }

    /// The lines of the files of a list, of one type.
    async fn lines(&self, list: &Value, ty: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for item in list.as_array().unwrap().iter().filter(|item| item["type"] == ty) {
            let (status, headers, body) = self.get(&path(item["url"].as_str().unwrap()), &[]).await;
            assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/fhir+ndjson"));
            let text = String::from_utf8(body).unwrap();
            assert_eq!(item["fileSize"], text.len());
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(item["count"], lines.len());
            all.extend(lines);
        }
        all
    }

    /// What an export of these parameters tells.
    async fn export(&self, query: &str) -> Value {
        let state = self.start(query, &[]).await;
        self.make();
        self.manifest(&state, &[]).await
    }
}

fn open_jobs(dir: PathBuf, limits: ExportLimits) -> Arc<ExportJobs> {
    static RANDOM: AtomicU64 = AtomicU64::new(1);
    let options = ExportOptions {
        types: (0..).map(TypeId::new).zip(TYPES).collect(),
        compile: Box::new(export_filter),
        reduce: reduced_resource,
        entropy: Box::new(|bytes| {
            let n = RANDOM.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            bytes.iter_mut().zip(n.iter().cycle()).for_each(|(byte, n)| *byte = *n);
        }),
        limits,
    };
    Arc::new(ExportJobs::open(&dir, options).unwrap())
}

fn app(public: &Arc<Index>, restricted: &Arc<Index>, jobs: &Arc<ExportJobs>, gate: GateSettings) -> Router {
    let settings =
        ApiSettings { exports: Some(Arc::clone(jobs)), ..ApiSettings::new(Arc::new(Gate::new(gate)), [7; 32], Arc::default()) };
    router(Arc::clone(public).into(), Some(Arc::clone(restricted).into()), settings)
}

fn path(url: &str) -> String {
    url.strip_prefix("http://annuaire.example").unwrap().to_owned()
}

fn ids(lines: &[Value]) -> Vec<&str> {
    let mut all: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    all.sort_unstable();
    all
}

fn deleted(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .flat_map(|bundle| {
            assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("transaction")));
            bundle["entry"].as_array().unwrap().iter().map(|entry| {
                assert_eq!(entry["request"]["method"], "DELETE");
                entry["request"]["url"].as_str().unwrap()
            })
        })
        .collect()
}

fn code(body: &[u8]) -> String {
    let outcome: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    outcome["issue"][0]["code"].as_str().unwrap().to_owned()
}

fn filled() -> Exporter {
    let exporter = Exporter::new(&[], ExportLimits::default());
    exporter.apply(1, (0..20).map(|n| organization(n, "first")).chain([practitioner(1)]).collect(), &[], &[]);
    exporter
}

#[tokio::test]
async fn bulk_1_2_10_11_12_an_export_is_started_polled_and_told() {
    let exporter = filled();
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "_type", "valueString": "Organization"}, {"name": "_outputFormat", "valueCode": "ndjson"}]});
    let prefer = ("prefer", "respond-async");
    let (status, headers, answer) = exporter.send("POST", START, &[JSON, prefer], &body.to_string()).await;
    assert_eq!((status, answer.len()), (202, 0));
    let state = headers["content-location"].to_str().unwrap();
    assert!(state.starts_with("http://annuaire.example/fhir/v2/$export/"), "{state}");
    assert_eq!(state.rsplit_once('/').unwrap().1.len(), 32);
    let state = path(state);

    let (status, headers, _) = exporter.get(&state, &[]).await;
    assert_eq!(
        (status, &headers["x-progress"], &headers["retry-after"]),
        (202, &"waiting".parse().unwrap(), &"2".parse().unwrap())
    );
    let (status, headers, body) = exporter.get(&state, &[]).await;
    assert_eq!((status, code(&body).as_str()), (429, "throttled"));
    assert!(headers.contains_key("retry-after"));
    exporter.pass(2_000);
    assert_eq!(exporter.get(&state, &[]).await.0, 202);

    exporter.make();
    let (status, headers, body) = exporter.get(&state, &[]).await;
    assert_eq!(
        (status, &headers["content-type"], &headers["cache-control"]),
        (200, &"application/json".parse().unwrap(), &"no-store".parse().unwrap())
    );
    assert!(headers.contains_key("expires"));
    let manifest: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(manifest["transactionTime"], "1970-01-01T00:00:01.000Z");
    assert_eq!(
        (&manifest["request"], &manifest["requiresAccessToken"]),
        (&json!("http://annuaire.example/fhir/v2/$export"), &json!(false))
    );
    assert_eq!((&manifest["error"], &manifest["deleted"], &manifest["extension"]), (&json!([]), &json!([]), &Value::Null));
    assert_eq!(exporter.lines(&manifest["output"], "Organization").await.len(), 20);
    assert_eq!(manifest["output"].as_array().unwrap().len(), 1);

    // BULK-2: the older way, with a comma, gives the types in their order.
    let both = exporter.export("_type=Practitioner,Organization").await;
    assert_eq!(exporter.lines(&both["output"], "Practitioner").await.len(), 1);
    assert_eq!(exporter.lines(&both["output"], "Organization").await.len(), 20);
    assert!(both["request"].as_str().unwrap().ends_with("?_type=Practitioner,Organization"));
    let (status, _, told) = exporter
        .send(
            "POST",
            START,
            &[JSON],
            &json!({"resourceType": "Parameters", "parameter": [
        {"name": "_type", "valueString": "Practitioner,Organization"}]})
            .to_string(),
        )
        .await;
    assert_eq!((status, code(&told).as_str()), (400, "not-supported"));
}

#[tokio::test]
async fn bulk_3_4_5_what_is_not_served_is_said() {
    let exporter = filled();
    for method in ["GET", "POST"] {
        let (status, _, body) = exporter.send(method, "/fhir/v2/Organization/$export", &[], "").await;
        assert_eq!((status, code(&body).as_str()), (404, "not-supported"), "{method}");
    }
    for accept in ["application/fhir+xml", "application/fhir+ndjson", "text/turtle"] {
        assert_eq!(exporter.get(START, &[("accept", accept)]).await.0, 406, "{accept}");
    }
    assert_eq!(exporter.send("HEAD", START, &[], "").await.0, 404);
    assert_eq!(exporter.send("POST", START, &[("content-type", "application/fhir+xml")], "<Parameters/>").await.0, 415);
    for body in ["{", "[]", r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Parameters","parameter":[{"name":"_type"}]}"#] {
        assert_eq!(exporter.send("POST", START, &[JSON], body).await.0, 400, "{body}");
    }
    for query in [
        "includeAssociatedData=LatestProvenanceResources",
        "_type=Patient",
        "_typeFilter=Organization%3F_include%3D*",
        "_typeFilter=Organization%3F_count%3D1",
        "_typeFilter=Organization%3Ffamily%3Dx",
        "_since=yesterday",
        "_until=1970-01-01T00:00:00Z",
        "_outputFormat=text/csv",
    ] {
        let (status, _, body) = exporter.get(&format!("{START}?{query}"), &[]).await;
        assert_eq!(status, 400, "{query}: {}", String::from_utf8_lossy(&body));
    }
    assert_eq!(exporter.jobs.amounts(), (0, 0));

    let state = exporter.start("_type=Organization,Patient&patient=x", &[("prefer", "respond-async, handling=lenient")]).await;
    exporter.make();
    let manifest = exporter.manifest(&state, &[]).await;
    assert_eq!(exporter.lines(&manifest["outcome"], "OperationOutcome").await.len(), 2);
    assert_eq!(manifest["outcome"][0]["countSeverity"], json!([{"code": "warning", "count": 2}]));
    assert_eq!(manifest["error"], manifest["outcome"]);
}

#[tokio::test]
async fn bulk_15_16_17_files_tell_one_state_and_what_was_deleted_since() {
    let exporter = filled();
    let state = exporter.start("_type=Organization", &[]).await;
    // What comes between start and end is not told (BULK-15).
    exporter.apply(2, vec![organization(3, "second"), organization(50, "second")], &[(ORGANIZATION, "001-0007")], &[]);
    exporter.make();
    let first = exporter.manifest(&state, &[]).await;
    let lines = exporter.lines(&first["output"], "Organization").await;
    assert_eq!(lines.len(), 20);
    assert!(lines.iter().all(|line| line["name"] == "first"));

    let since = first["transactionTime"].as_str().unwrap();
    let second = exporter.export(&format!("_type=Organization&_since={since}")).await;
    assert_eq!(second["transactionTime"], "1970-01-01T00:00:02.000Z");
    assert_eq!(ids(&exporter.lines(&second["output"], "Organization").await), ["001-0003", "001-0050"]);
    assert_eq!(deleted(&exporter.lines(&second["deleted"], "Bundle").await), ["Organization/001-0007"]);

    // What comes back is not deleted.
    exporter.apply(3, vec![organization(7, "third")], &[(ORGANIZATION, "001-0050")], &[]);
    let third = exporter.export(&format!("_type=Organization&_since={since}")).await;
    assert_eq!(ids(&exporter.lines(&third["output"], "Organization").await), ["001-0003", "001-0007"]);
    assert_eq!(deleted(&exporter.lines(&third["deleted"], "Bundle").await), ["Organization/001-0050"]);
    // The interval of the log: after the first transaction, before the third.
    let between = exporter.export(&format!("_type=Organization&_since={since}&_until=1970-01-01T00:00:03Z")).await;
    assert_eq!(
        (&between["transactionTime"], &between["output"], &between["deleted"][0]["count"]),
        (&second["transactionTime"], &relocated(&second["output"], &between["output"]), &json!(1))
    );
    let now = exporter.export("_type=Organization&_since=1970-01-01T00:00:03Z").await;
    assert_eq!((&now["output"], &now["deleted"]), (&json!([]), &json!([])));
}

/// The items of a list under the addresses of another one: equal files have equal names.
fn relocated(items: &Value, like: &Value) -> Value {
    let address = like[0]["url"].as_str().unwrap().rsplit_once('/').unwrap().0;
    let mut items = items.clone();
    for item in items.as_array_mut().unwrap() {
        let name = item["url"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        item["url"] = format!("{address}/{name}").into();
    }
    items
}

#[tokio::test]
async fn filters_elements_and_sizes() {
    let exporter = filled();
    let ids_of = "Organization%3F_id%3D001-0001,001-0002,Organization%3F_id%3D001-0005";
    let found =
        exporter.export(&format!("_typeFilter={ids_of}&_type=Organization,Practitioner&_elements=Organization.name")).await;
    let lines = exporter.lines(&found["output"], "Organization").await;
    assert_eq!(ids(&lines), ["001-0001", "001-0002", "001-0005"]);
    assert_eq!((&lines[0]["name"], &lines[0]["note"], &lines[0]["active"]), (&json!("first"), &Value::Null, &json!(true)));
    assert_eq!(lines[0]["meta"]["tag"][0]["code"], "SUBSETTED");
    let whole = &exporter.lines(&found["output"], "Practitioner").await[0];
    assert_eq!((&whole["note"], &whole["meta"]["tag"]), (&json!("n"), &Value::Null));

    let text = "x".repeat(60_000);
    exporter.apply(2, (100..140).map(|n| organization(n, &text)).collect(), &[], &[]);
    let cut = exporter.export("_type=Organization&_maximumFileSize=1048576").await;
    let sizes: Vec<u64> = cut["output"].as_array().unwrap().iter().map(|item| item["fileSize"].as_u64().unwrap()).collect();
    assert!(sizes.len() >= 3 && sizes.iter().all(|size| *size <= 1 << 20), "{sizes:?}");
    assert_eq!(exporter.lines(&cut["output"], "Organization").await.len(), 60);
}

#[tokio::test]
async fn bulk_7_13_14_21_exports_share_files_end_and_survive() {
    let mut exporter = filled();
    let first = exporter.start("_type=Organization", &[]).await;
    let cut = exporter.start("_type=Practitioner", &[]).await;
    // BULK-21: nothing was made, and the program ends.
    exporter.restart();
    exporter.make();
    let manifest = exporter.manifest(&first, &[]).await;
    assert_eq!(exporter.lines(&manifest["output"], "Organization").await.len(), 20);
    exporter.restart();
    assert_eq!(exporter.manifest(&first, &[]).await, manifest);

    // BULK-7: an equal one has the files, whatever becomes of the first.
    let second = exporter.start("_type=Organization", &[]).await;
    exporter.make();
    let stored = |state: &str| {
        let name = manifest["output"][0]["url"].as_str().unwrap().rsplit_once('/').unwrap().1;
        let id = state.rsplit_once('/').unwrap().1;
        exporter.dir.path().join("exports").join(id).join("files").join(format!("{name}.zst"))
    };
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(stored(&first)).unwrap()),
        std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(stored(&second)).unwrap())
    );
    let (status, _, body) = exporter.send("DELETE", &first, &[], "").await;
    assert_eq!((status, body.len()), (202, 0));
    for method in ["GET", "DELETE"] {
        let (status, _, body) = exporter.send(method, &first, &[], "").await;
        assert_eq!((status, code(&body).as_str()), (404, "not-found"), "{method}");
    }
    assert_eq!(exporter.get(&path(manifest["output"][0]["url"].as_str().unwrap()), &[]).await.0, 404);
    let manifest = exporter.manifest(&second, &[]).await;
    assert_eq!(exporter.lines(&manifest["output"], "Organization").await.len(), 20);

    // One that waits ends too, and a day later nothing is left.
    let waiting = exporter.start("_type=Device", &[]).await;
    assert_eq!(exporter.send("DELETE", &waiting, &[], "").await.0, 202);
    exporter.make();
    assert_eq!(exporter.get(&waiting, &[]).await.0, 404);
    exporter.pass(86_400_000 - 1);
    exporter.make();
    assert_eq!((exporter.get(&second, &[]).await.0, exporter.get(&cut, &[]).await.0), (200, 200));
    exporter.pass(1);
    assert_eq!(exporter.get(&second, &[]).await.0, 404);
    exporter.make();
    assert_eq!(std::fs::read_dir(exporter.dir.path().join("exports")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_withdrawal_by_law_takes_older_exports_with_it() {
    let exporter = filled();
    let done = exporter.start("_type=Organization", &[]).await;
    exporter.make();
    let manifest = exporter.manifest(&done, &[]).await;
    let file = path(manifest["output"][0]["url"].as_str().unwrap());
    let waiting = exporter.start("_type=Organization,Practitioner", &[]).await;
    exporter.apply(2, Vec::new(), &[], &["001-0004"]);
    // Nothing was swept yet.
    assert_eq!(exporter.get(&file, &[]).await.0, 410);
    let (status, _, body) = exporter.get(&done, &[]).await;
    assert_eq!((status, code(&body).as_str()), (410, "expired"));
    let id = done.rsplit_once('/').unwrap().1;
    assert!(!exporter.dir.path().join("exports").join(id).join("files").exists());
    exporter.make();
    assert_eq!(exporter.get(&waiting, &[]).await.0, 410);
    // Neither a new one nor one of the state before tells it.
    let new = exporter.export("_type=Organization&_since=1970-01-01T00:00:01Z").await;
    assert_eq!(deleted(&exporter.lines(&new["deleted"], "Bundle").await), ["Organization/001-0004"]);
    let before = exporter.export("_type=Organization&_until=1970-01-01T00:00:02Z").await;
    let lines = exporter.lines(&before["output"], "Organization").await;
    assert!(lines.len() == 19 && !ids(&lines).contains(&"001-0004"), "{}", lines.len());
}

#[tokio::test]
async fn bulk_18_21_an_export_is_told_to_its_caller_at_its_door() {
    let exporter = Exporter::new(&["key-1", "key-2"], ExportLimits::default());
    exporter.apply(1, vec![organization(1, "first")], &[], &[]);
    let state = exporter.start("", &[KEY]).await;
    exporter.make();
    let manifest = exporter.manifest(&state, &[KEY]).await;
    assert_eq!(manifest["requiresAccessToken"], true);
    let file = path(manifest["output"][0]["url"].as_str().unwrap());
    for (headers, status) in [(&[][..], 401), (&[OTHER][..], 404), (&[KEY][..], 200)] {
        for address in [&state, &file] {
            assert_eq!(exporter.get(address, headers).await.0, status, "{address} {headers:?}");
        }
    }
    assert_eq!(exporter.send("DELETE", &state, &[OTHER], "").await.0, 404);
    assert_eq!(exporter.send("DELETE", &state, &[], "").await.0, 401);
    // The public perimeter has two names; the other doors do not know the export.
    assert_eq!(exporter.get(&state.replace("/v2/", "/dp/"), &[KEY]).await.0, 200);
    for (door, credential) in [("/dr/", "Bearer let-me-in"), ("/historique/", "Bearer historian")] {
        let moved = state.replace("/v2/", door);
        assert_eq!(exporter.get(&moved, &[]).await.0, 401);
        assert_eq!(exporter.get(&moved, &[("authorization", credential)]).await.0, 404);
        let start = format!("/fhir{door}$export");
        assert_eq!(exporter.get(&start, &[KEY]).await.0, 401);
        let (status, headers, _) = exporter.get(&start, &[("authorization", credential)]).await;
        let own = path(headers["content-location"].to_str().unwrap());
        exporter.make();
        assert_eq!((status, exporter.get(&own, &[("authorization", credential)]).await.0), (202, 200));
        assert_eq!(exporter.get(&own.replace(door, "/v2/"), &[KEY]).await.0, 404);
        let other = if door == "/dr/" { ("/historique/", "Bearer historian") } else { ("/dr/", "Bearer let-me-in") };
        assert_eq!(exporter.get(&own.replace(door, other.0), &[("authorization", other.1)]).await.0, 404);
    }
    let (_, _, metadata) = exporter.get("/fhir/v2/metadata", &[KEY]).await;
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(
        metadata["rest"][0]["operation"],
        json!([
        {"name": "export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"}])
    );
}

#[tokio::test]
async fn bulk_19_20_files_are_served_in_parts_and_encodings() {
    let exporter = filled();
    let manifest = exporter.export("_type=Organization").await;
    let file = path(manifest["output"][0]["url"].as_str().unwrap());
    let (_, headers, plain) = exporter.get(&file, &[]).await;
    assert!(!headers.contains_key("content-encoding") && headers["accept-ranges"] == "bytes");
    assert!(headers["cache-control"].to_str().unwrap().starts_with("private"));
    let tag = headers["etag"].to_str().unwrap();
    let range = [("range", "bytes=100-"), ("if-range", tag)];
    let (status, _, rest) = exporter.get(&file, &range).await;
    assert_eq!((status, &rest[..]), (206, &plain[100..]));
    let (_, headers, stored) = exporter.get(&file, &[("accept-encoding", "zstd")]).await;
    assert_eq!(headers["content-encoding"], "zstd");
    assert_eq!(zstd::decode_all(&stored[..]).unwrap(), plain);
    assert_eq!(file.rsplit_once('/').unwrap().1.len(), 64 + ".ndjson".len());
    let digest: String = Sha256::digest(&plain).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(file.contains(&digest));
    let (_, headers, zipped) = exporter.get(&file, &[("accept-encoding", "gzip")]).await;
    let mut unzipped = Vec::new();
    assert_eq!(headers["content-encoding"], "gzip");
    flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain);
    for name in ["x", "..%2fjob.json", "job.json", ".ndjson"] {
        let other = format!("{}/{name}", file.rsplit_once('/').unwrap().0);
        assert_eq!(exporter.get(&other, &[]).await.0, 404, "{name}");
    }
}

#[tokio::test]
async fn a_caller_and_the_server_have_so_many_exports() {
    let limits = ExportLimits { waiting: 3, waiting_of_caller: 2, jobs_of_caller: 4, ..ExportLimits::default() };
    let exporter = Exporter::new(&["key-1", "key-2"], limits);
    exporter.apply(1, vec![organization(1, "first")], &[], &[]);
    let states = [exporter.start("", &[KEY]).await, exporter.start("_type=Organization", &[KEY]).await];
    let (status, headers, body) = exporter.get(START, &[KEY]).await;
    assert_eq!((status, code(&body).as_str(), headers["retry-after"].to_str().unwrap()), (429, "throttled", "60"));
    exporter.start("", &[OTHER]).await;
    assert_eq!(exporter.get(START, &[OTHER]).await.0, 429, "the server is full");
    exporter.make();
    exporter.start("", &[KEY]).await;
    exporter.start("", &[KEY]).await;
    exporter.make();
    assert_eq!(exporter.get(START, &[KEY]).await.0, 429);
    assert_eq!(exporter.send("DELETE", &states[0], &[KEY], "").await.0, 202);
    assert_eq!(exporter.get(START, &[KEY]).await.0, 202);

    // There is no room: the export fails, and says so (BULK-13).
    let exporter = Exporter::new(&[], ExportLimits { bytes_of_caller: 10, ..ExportLimits::default() });
    exporter.apply(1, vec![organization(1, "first")], &[], &[]);
    let state = exporter.start("", &[]).await;
    exporter.make();
    let (status, _, body) = exporter.get(&state, &[]).await;
    assert_eq!((status, code(&body).as_str()), (400, "too-costly"));
    assert_eq!(exporter.jobs.amounts(), (0, 0));
}

#[tokio::test]
async fn an_empty_directory_has_no_export_yet() {
    let exporter = Exporter::new(&[], ExportLimits::default());
    let (status, headers, body) = exporter.get(START, &[]).await;
    assert_eq!((status, code(&body).as_str()), (503, "transient"));
    assert!(headers.contains_key("retry-after"));
    assert!(!exporter.dir.path().join("exports").exists(), "the first job makes the directory");
}
