//! What a client may rely on while states change: links between the nodes of a cluster, kept answers, another log, withdrawal.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use annuaire_base::{LogIdentity, Tx};
use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER_ROLE, param, type_id};
use annuaire_index::{Error, GroupItem, Index, TxEnd};
use annuaire_terms::{Presence, Resource, Term, TypeId};
use annuaire_web::{Gate, GateSettings, ServedStore};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use tower::ServiceExt;

const LOG: LogIdentity = LogIdentity { id: 0x0123_4567, epoch: 1 };

/// One node: a store, and the API over it.
struct Node {
    index: Arc<Index>,
    served: ServedStore<Index>,
    app: Router,
    _dir: tempfile::TempDir,
}

fn open(dir: &std::path::Path, log: LogIdentity) -> Arc<Index> {
    let index = Index::open(dir, 1 << 28, annuaire_fhir::dictionary::ALL).unwrap();
    index.bind_log(log).unwrap();
    Arc::new(index)
}

fn organization(n: u64, name: &str) -> Resource {
    let id = format!("001-{n:04}");
    Resource {
        ty: ORGANIZATION,
        before: format!(r#"{{"resourceType":"Organization","id":"{id}","meta":{{"#).into_bytes(),
        // Long enough to be kept.
        after: format!(r#"}},"active":true,"name":"{name}","alias":["{}"]}}"#, "x".repeat(9_000)).into_bytes(),
        terms: vec![Term::Text { param: param("Organization", "name").unwrap().id, value: name.to_owned() }],
        id,
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

fn role(n: u64, organization: u64) -> Resource {
    let id = format!("005-{n:04}");
    let target = format!("Organization/001-{organization:04}");
    Resource {
        ty: PRACTITIONER_ROLE,
        before: format!(r#"{{"resourceType":"PractitionerRole","id":"{id}","meta":{{"#).into_bytes(),
        after: format!(r#"}},"active":true,"organization":{{"reference":"{target}"}}}}"#).into_bytes(),
        terms: vec![Term::Reference { param: param("PractitionerRole", "organization").unwrap().id, target }],
        id,
        foreign_stamp: None,
        presence: Presence::Described,
    }
}

impl Node {
    fn new(log: LogIdentity) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = open(&dir.path().join("a"), log);
        let gate = Arc::new(Gate::new(GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))));
        let settings = annuaire_api::ApiSettings { gate, cursor_key: [7; 32], lane: Arc::default(), subscriptions: None };
        let served = ServedStore::new(Arc::clone(&index));
        let app = annuaire_api::router(served.clone(), None, settings);
        Self { index, served, app, _dir: dir }
    }

    /// Applies a transaction and says so, as a follower does.
    fn apply(&self, tx: u64, resources: Vec<Resource>) {
        apply(&self.index, tx, resources);
        self.served.published();
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request = Request::get(path).header("host", "annuaire.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 26).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn json(&self, path: &str) -> Value {
        let (status, _, body) = self.ask(path, &[]).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

fn commit_ms(tx: u64) -> i64 {
    1_799_000_000_000 + tx as i64 * 1_000
}

fn apply(index: &Index, tx: u64, resources: Vec<Resource>) {
    let mut preparer = index.preparer(Tx::new(tx), commit_ms(tx)).unwrap();
    let prepared: Vec<_> = resources.into_iter().map(|resource| preparer.prepare(resource)).collect();
    index.apply::<Error>(Tx::new(tx), commit_ms(tx), prepared.into_iter()).unwrap();
}

/// Withdraws resources in a transaction of its own.
fn withdraw(index: &Index, tx: u64, withdrawn: Vec<(TypeId, String)>) {
    let end = TxEnd { tx: Tx::new(tx), commit_ms: commit_ms(tx), withdrawn, ..TxEnd::default() };
    index.apply_group::<Error>(std::iter::once(Ok(GroupItem::End(end))), None).unwrap();
}

/// The path of the `next` link.
fn next(bundle: &Value) -> String {
    let link = bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").expect("a next page");
    link["url"].as_str().unwrap().strip_prefix("http://annuaire.example").unwrap().to_owned()
}

fn first_resources() -> Vec<Resource> {
    (1..=4).map(|n| organization(n, &format!("CLINIQUE {n}"))).chain([role(1, 1)]).collect()
}

/// Two nodes of a cluster follow one log, one behind the other: a link of the first waits at the second until it has the state.
#[tokio::test]
async fn a_link_waits_for_a_node_that_is_behind() {
    let (first, second) = (Node::new(LOG), Node::new(LOG));
    first.apply(1, first_resources());
    let path = next(&first.json("/fhir/v2/Organization?_count=2").await);
    let there = first.ask(&path, &[]).await.2;

    // Nothing comes: the wait ends, and is told.
    let begun = tokio::time::Instant::now();
    let (status, headers, body) = second.ask(&path, &[]).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "2"), "{body}");
    assert!(body.contains("OperationOutcome") && body.contains("ask again") && body.contains("transient"), "{body}");
    assert!((Duration::from_secs(2)..Duration::from_secs(10)).contains(&begun.elapsed()), "{:?}", begun.elapsed());

    // More links wait than there are threads, and others are answered meanwhile.
    let waiting: Vec<_> = (0..300)
        .map(|_| {
            let (app, path) = (second.app.clone(), path.clone());
            tokio::spawn(async move {
                let request = Request::get(path).header("host", "annuaire.example").body(Body::empty()).unwrap();
                let response = app.oneshot(request).await.unwrap();
                (response.status().as_u16(), to_bytes(response.into_body(), 1 << 26).await.unwrap())
            })
        })
        .collect();
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    assert_eq!(second.json("/fhir/v2/Organization?_count=2").await["total"], 0);
    second.apply(1, first_resources());
    for answer in waiting {
        let (status, body) = answer.await.unwrap();
        assert!(status == 200 && body == there.as_bytes(), "{status}");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "woken by the publication: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_link_of_another_log_or_epoch_starts_again() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    let bundle = node.json("/fhir/v2/Organization?_count=2").await;
    let (_, headers, _) = node.ask("/fhir/v2/Organization?_count=2", &[]).await;
    for other in [LogIdentity { epoch: 2, ..LOG }, LogIdentity { id: 9, ..LOG }] {
        let other = Node::new(other);
        other.apply(1, first_resources());
        let (status, _, body) = other.ask(&next(&bundle), &[]).await;
        assert!(status == 400 && body.contains("Run the search again from its first page."), "{status} {body}");
        let tag = headers["etag"].to_str().unwrap();
        let (status, ..) = other.ask("/fhir/v2/Organization?_count=2", &[("if-none-match", tag)]).await;
        assert_eq!(status, 200, "the tag of a transaction of another log");
        let (status, ..) = node.ask("/fhir/v2/Organization?_count=2", &[("if-none-match", tag)]).await;
        assert_eq!(status, 304);
        assert_ne!(other.json("/fhir/v2/Organization?_count=2").await["id"], bundle["id"]);
    }
}

/// Asks until the answer is kept: three times make it asked for, kept, found.
async fn kept(node: &Node, path: &str) -> Value {
    node.json(path).await;
    node.json(path).await;
    node.json(path).await
}

/// Everything that an answer says of the directory: all but its name, its watermark and the links, which name its state.
fn content(bundle: &Value) -> (Value, Value) {
    (bundle["total"].clone(), bundle["entry"].clone())
}

/// An answer is given again after transactions that touched none of the types that it involves, and it is an answer that the newer
/// state may give: the same content, a watermark after which nothing of these types changed, and links that go on.
#[tokio::test]
async fn an_answer_outlives_transactions_that_do_not_touch_it() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    let search = "/fhir/v2/Organization?_count=3";
    let chain = "/fhir/v2/Organization?_count=3&_has:PractitionerRole:organization:_id=005-0001";
    let included = "/fhir/v2/Organization?_count=3&_revinclude=PractitionerRole:organization";
    let history = "/fhir/v2/Organization/_history?_count=3";
    let everything = "/fhir/v2/_history?_count=3";
    let all = [search, chain, included, history, everything];
    let mut before = Vec::new();
    for path in all {
        before.push(kept(&node, path).await);
    }
    assert!(before.iter().all(|bundle| bundle["meta"]["lastUpdated"] == "2027-01-03T18:13:21.000Z"), "{}", before[0]["meta"]);

    // Roles alone change.
    node.apply(2, vec![role(2, 2)]);
    for (path, before) in all.into_iter().zip(&before) {
        let after = node.json(path).await;
        if path == search || path == history {
            assert_eq!(after, *before, "{path}: kept");
            let walked = node.json(&next(&after)).await;
            assert!(walked["entry"].as_array().is_some_and(|entries| entries.len() == 1), "its link goes on");
            // An answer that is made now, of a search that was not asked before, says the same.
            let fresh = node.json(&format!("{path}&_format=application/json")).await;
            assert_eq!(content(&fresh), content(&after), "{path}");
            assert!(fresh["meta"]["lastUpdated"].as_str() > after["meta"]["lastUpdated"].as_str());
            let since = after["meta"]["lastUpdated"].as_str().unwrap();
            let changed = node.json(&format!("/fhir/v2/Organization?_count=0&_lastUpdated=gt{since}")).await;
            assert_eq!(changed["total"], 0, "nothing is lost by a follower that goes on from the watermark");
        } else {
            assert_ne!(after["meta"], before["meta"], "{path}: made again");
        }
    }

    // The type itself changes: nothing old is given.
    node.apply(3, vec![organization(5, "CLINIQUE 5"), organization(1, "CLINIQUE 1 BIS")]);
    let after = node.json(search).await;
    assert_eq!((after["total"].as_u64(), &after["meta"]["lastUpdated"]), (Some(5), &Value::from("2027-01-03T18:13:23.000Z")));
    for path in all {
        assert_eq!(node.json(path).await["meta"]["lastUpdated"], "2027-01-03T18:13:23.000Z", "{path}");
    }
}

/// A page that a link names is of one state for ever: whatever is committed, its answer stays, to the byte.
#[tokio::test]
async fn a_page_stays_while_everything_changes() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    let path = next(&node.json("/fhir/v2/Organization?_count=2").await);
    let before = kept(&node, &path).await;
    node.apply(2, vec![organization(3, "AUTRE"), organization(9, "AUTRE")]);
    assert_eq!(node.json(&path).await, before);
    // Made anew, without the kept one.
    assert_eq!(content(&node.json(&format!("{path}&_pretty=1")).await), content(&before));
}

/// A store that takes the place of another one: requests go to it, and nothing kept of the former is given.
#[tokio::test]
async fn a_rebuilt_store_takes_the_place_of_the_served_one() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    let path = "/fhir/v2/Organization?_count=3";
    let before = kept(&node, path).await;
    let dir = tempfile::tempdir().unwrap();
    let rebuilt = open(dir.path(), LOG);
    apply(&rebuilt, 1, vec![organization(1, "REFAITE")]);
    node.served.replace(rebuilt);
    let after = node.json(path).await;
    assert_eq!((before["total"].as_u64(), after["total"].as_u64()), (Some(4), Some(1)));
}

/// Nothing of what was withdrawn by law is told any more, by any address, of any state; that it was there is.
#[tokio::test]
async fn what_is_withdrawn_is_gone_from_every_address() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    node.apply(2, vec![organization(2, "CLINIQUE SECRET")]);
    let searches = ["/fhir/v2/Organization?_count=3", "/fhir/v2/Organization?name=clinique", "/fhir/v2/_history?_count=9"];
    for search in searches {
        kept(&node, search).await;
    }
    let link = next(&node.json("/fhir/v2/Organization?_count=1").await);
    kept(&node, &link).await;
    assert!(node.ask("/fhir/v2/Organization/001-0002", &[]).await.2.contains("SECRET"));

    withdraw(&node.index, 3, vec![(type_id("Organization").unwrap(), "001-0002".to_owned())]);
    node.served.forget();
    node.served.published();
    for (path, version) in [("", 3), ("/_history/1", 1), ("/_history/2", 2), ("/_history/3", 3)] {
        let (status, headers, body) = node.ask(&format!("/fhir/v2/Organization/001-0002{path}"), &[]).await;
        assert_eq!((status, headers["etag"].to_str().unwrap()), (410, &*format!("W/\"{version}\"")), "{path}: {body}");
        assert!(body.contains("OperationOutcome") && body.contains("\"deleted\"") && body.contains("must delete it"), "{body}");
    }
    for path in searches.into_iter().chain([&*link]) {
        let (status, _, body) = node.ask(path, &[]).await;
        assert!(status == 200 && !body.contains("SECRET") && !body.contains("CLINIQUE 2"), "{path}: {status} {body}");
    }
    assert_eq!(node.json("/fhir/v2/Organization?name=clinique").await["total"], 3);
    let history = node.json("/fhir/v2/Organization/001-0002/_history").await;
    let entries = history["entry"].as_array().unwrap();
    // Of the versions before, nothing but their number is left.
    let [entry] = &entries[..] else { panic!("{history}") };
    assert_eq!(entry["request"]["method"], "DELETE");
    assert_eq!(entry["request"]["url"], "Organization/001-0002");
    assert_eq!((&entry["response"]["status"], entry.get("resource")), (&Value::from("204"), None));
    assert_eq!(entry["response"]["etag"], "W/\"3\"");
    let (status, _, body) = node.ask("/fhir/v2/Organization/001-0002/_history", &[("accept", "application/fhir+xml")]).await;
    assert!(status == 200 && body.contains("<method value=\"DELETE\"/>") && !body.contains("SECRET"), "{body}");
    // Others are as they were, and a cache holds no version beyond the deadline of a withdrawal.
    let (status, headers, _) = node.ask("/fhir/v2/Organization/001-0003/_history/1", &[]).await;
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (200, "max-age=86400, immutable"));

    // An operator lifts it and a file speaks of it again: its numbers go on.
    node.apply(4, vec![organization(2, "CLINIQUE REVENUE")]);
    let (status, headers, _) = node.ask("/fhir/v2/Organization/001-0002", &[]).await;
    assert_eq!((status, headers["etag"].to_str().unwrap()), (200, "W/\"4\""));
    assert_eq!(node.ask("/fhir/v2/Organization/001-0002/_history/2", &[]).await.0, 410);
}

/// A link to a state that compaction removed says that it expired and where to start again.
#[tokio::test]
async fn a_link_to_a_state_that_is_not_kept_expires() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    let path = next(&node.json("/fhir/v2/Organization?_count=2").await);
    let search = "/fhir/v2/Organization?_count=3";
    kept(&node, search).await;
    for tx in 2..5 {
        node.apply(tx, vec![organization(1, &format!("CLINIQUE {tx}"))]);
    }
    kept(&node, search).await;
    node.apply(5, vec![role(7, 1)]);
    assert_eq!(node.json(search).await["meta"]["lastUpdated"], "2027-01-03T18:13:24.000Z", "kept");
    let done = node.index.compact(commit_ms(5), &|| true).unwrap();
    assert!(done.retained_from > Tx::new(4), "{done:?}");
    let (status, _, body) = node.ask(&path, &[]).await;
    assert!(status == 410 && body.contains("\"expired\"") && body.contains("from its first page"), "{status} {body}");
    let after = node.json(search).await;
    assert_eq!(after["meta"]["lastUpdated"], "2027-01-03T18:13:25.000Z", "an answer whose links lead nowhere is not given");
    node.json(&next(&after)).await;
}

/// The lines of an answer of `$changes`, with its headers.
async fn lines(node: &Node, path: &str) -> (HeaderMap, Vec<Value>) {
    let (status, headers, body) = node.ask(path, &[("accept", "application/x-ndjson")]).await;
    assert_eq!(status, 200, "{path}: {body}");
    assert_eq!(headers["content-type"], "application/x-ndjson");
    (headers, body.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The path of the `next` link of an answer of `$changes`.
fn next_changes(headers: &HeaderMap) -> String {
    let link = headers["link"].to_str().unwrap();
    link.strip_prefix("<http://annuaire.example").unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
}

/// What a client that only knows the lines has: versions by type and id.
fn replay(state: &mut std::collections::BTreeMap<String, (u64, String)>, lines: &[Value]) {
    for line in lines {
        let key = format!("{}/{}", line["type"].as_str().unwrap(), line["id"].as_str().unwrap());
        if line["op"] == "delete" {
            state.remove(&key);
        } else {
            state.insert(key, (line["version"].as_u64().unwrap(), line["resource"].to_string()));
        }
    }
}

#[tokio::test]
async fn changes_from_nothing_and_from_any_transaction_give_the_state() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    node.apply(2, vec![organization(1, "CABINET FICTIF UN")]);
    node.apply(3, vec![]);
    withdraw(&node.index, 4, vec![(ORGANIZATION, "001-0002".into())]);
    let vanished = vec![(ORGANIZATION, "001-0003".to_owned(), 2)];
    let end = TxEnd { tx: Tx::new(5), commit_ms: commit_ms(5), vanished, ..TxEnd::default() };
    node.index.apply_group::<Error>(std::iter::once(Ok(GroupItem::End(end))), None).unwrap();
    node.apply(6, vec![]);

    // What is committed for another perimeter shows in no number.
    let (headers, first) = lines(&node, "/fhir/v2/$changes?after=0&limit=2").await;
    assert_eq!(
        (first.len(), &headers["x-last-tx"], &headers["x-complete-tx"]),
        (2, &"5".parse().unwrap(), &"1".parse().unwrap())
    );
    assert_eq!(headers["x-log"], "00000000000000000000000001234567.1");
    let mut copied = std::collections::BTreeMap::new();
    replay(&mut copied, &first);
    let mut path = next_changes(&headers);
    // While the copy goes on, the directory does too.
    node.apply(7, vec![organization(9, "CABINET FICTIF NEUF")]);
    let reached = loop {
        let (headers, more) = lines(&node, &path).await;
        replay(&mut copied, &more);
        path = next_changes(&headers);
        if !path.contains("row=") {
            break headers["x-complete-tx"].clone();
        }
    };
    assert_eq!(reached, "5", "the state in which the copy began");
    assert!(!copied.contains_key("Organization/001-0009"));
    assert_eq!(path, "/fhir/v2/$changes?after=5&limit=2");
    let (_, after) = lines(&node, &path).await;
    replay(&mut copied, &after);

    // Each line tells what a read answers.
    for (key, (version, resource)) in &copied {
        let read = node.json(&format!("/fhir/v2/{key}")).await;
        assert_eq!((read["meta"]["versionId"].as_str().unwrap(), &read.to_string()), (&*version.to_string(), resource));
    }
    let total = |ty: &'static str| {
        let node = &node;
        async move { node.json(&format!("/fhir/v2/{ty}?_summary=count")).await["total"].as_u64().unwrap() }
    };
    let mut standing = 0;
    for ty in ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"] {
        standing += total(ty).await;
    }
    assert_eq!(copied.len() as u64, standing);

    // From any state on, the lines after it lead to the same one.
    for after in 0..=7 {
        let snap = node.index.snapshot_at(Tx::new(after)).unwrap().unwrap();
        let mut state = std::collections::BTreeMap::new();
        for row in snap.standing(&[ORGANIZATION, PRACTITIONER_ROLE]) {
            let version = snap.read(annuaire_index::Row::new(row)).unwrap();
            let ty = if version.ty == ORGANIZATION { "Organization" } else { "PractitionerRole" };
            let resource: Value = serde_json::from_slice(version.body()).unwrap();
            state.insert(format!("{ty}/{}", version.id()), (version.number.into(), resource.to_string()));
        }
        // A removed resource is gone from the states of before, and told as removed all the same.
        let (_, told) = lines(&node, &format!("/fhir/v2/$changes?after={after}")).await;
        replay(&mut state, &told);
        assert_eq!(state, copied, "after {after}");
    }
    let (_, told) = lines(&node, "/fhir/v2/$changes?after=3&_type=Organization&content=id-only").await;
    let deleted: Vec<_> = told.iter().map(|line| (line["id"].as_str().unwrap(), line["op"].as_str().unwrap())).collect();
    assert_eq!(deleted, [("001-0002", "delete"), ("001-0003", "delete"), ("001-0009", "create")]);
    assert_eq!((told[0]["withdrawn"].as_bool(), told[1]["withdrawn"].as_bool()), (Some(true), None));
    assert!(told[2].get("resource").is_none() && told[2]["hash"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(told[0]["time"], "2027-01-03T18:13:24.000Z");
    // Deletions are in histories too (HIST-4), and a read names the version of the deletion (HIST-10).
    let history = node.json("/fhir/v2/Organization/001-0003/_history").await;
    assert_eq!(history["entry"][0]["request"]["method"], "DELETE");
    assert_eq!(history["entry"][0]["response"]["etag"], "W/\"2\"");
    let (status, headers, _) = node.ask("/fhir/v2/Organization/001-0003", &[]).await;
    assert_eq!((status, &headers["etag"]), (410, &"W/\"2\"".parse().unwrap()));
    assert_eq!(node.ask("/fhir/v2/Organization/001-0003/_history/2", &[]).await.0, 410);
    assert_eq!(node.ask("/fhir/v2/Organization/001-0003/_history/1", &[]).await.0, 200);
}

#[tokio::test]
async fn the_state_of_the_log_is_that_of_the_perimeter() {
    let node = Node::new(LOG);
    assert_eq!(node.json("/fhir/v2/$changes/state").await, serde_json::json!({"first": 0, "last": 0, "lastTime": null}));
    node.apply(2, first_resources());
    node.apply(5, vec![organization(1, "CABINET FICTIF UN")]);
    node.apply(6, vec![]);
    let state = node.json("/fhir/v2/$changes/state").await;
    assert_eq!(state, serde_json::json!({"first": 0, "last": 5, "lastTime": "2027-01-03T18:13:25.000Z"}));
    let at = |time: &str| format!("/fhir/v2/$changes/at?time={time}");
    assert_eq!(node.json(&at("2027-01-03T18:13:24.999Z")).await["tx"], 2);
    assert_eq!(node.json(&at("2030-01-01T00:00:00Z")).await["tx"], 5, "and not 6, which shows nothing here");
    assert_eq!(node.ask(&at("2020-01-01T00:00:00Z"), &[]).await.0, 404);
    for (path, status, word) in [
        ("/fhir/v2/$changes/at", 400, "time"),
        ("/fhir/v2/$changes?after=x", 400, "after"),
        ("/fhir/v2/$changes?after=-1", 400, "after"),
        ("/fhir/v2/$changes?since=3", 400, "after"),
        ("/fhir/v2/$changes?content=none", 400, "content"),
        ("/fhir/v2/$changes?_type=Patient", 400, "Organization"),
        ("/fhir/v2/$changes?after=0&until=3", 400, "until"),
        ("/fhir/v2/Organization?_format=application/x-ndjson", 406, "lines"),
    ] {
        let (found, _, body) = node.ask(path, &[]).await;
        assert_eq!(found, status, "{path}: {body}");
        assert!(body.contains("OperationOutcome") && body.contains(word), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_client_waits_for_the_next_change_of_its_perimeter() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    let (headers, none) = lines(&node, "/fhir/v2/$changes?after=1").await;
    assert_eq!((none.len(), &headers["x-last-tx"]), (0, &"1".parse().unwrap()));
    let wait = lines(&node, "/fhir/v2/$changes?after=1&wait=30");
    let change = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        node.apply(2, vec![]);
        tokio::time::sleep(Duration::from_millis(50)).await;
        node.apply(3, vec![organization(1, "CABINET FICTIF UN")]);
    };
    let ((headers, told), ()) = tokio::join!(wait, change);
    assert_eq!((told.len(), &headers["x-complete-tx"]), (1, &"3".parse().unwrap()));
    // Nothing comes: the answer is empty when the time is over.
    let (headers, told) = lines(&node, "/fhir/v2/$changes?after=3&wait=1").await;
    assert_eq!((told.len(), next_changes(&headers)), (0, "/fhir/v2/$changes?after=3".to_owned()));
    // Another node of the cluster is ahead: this one waits for the transaction, then says that it is behind.
    assert_eq!(node.ask("/fhir/v2/$changes?after=9", &[]).await.0, 503);
}
