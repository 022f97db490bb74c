//! One node of a cluster, filled by hand.

use std::sync::Arc;

use annuaire_base::{LogIdentity, Tx};
use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER_ROLE, param};
use annuaire_index::{Error, GroupItem, Index, TxEnd};
use annuaire_terms::{Presence, Resource, Term, TypeId};
use annuaire_web::{Gate, GateSettings, ServedStore};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use tower::ServiceExt;

pub const LOG: LogIdentity = LogIdentity { id: 0x0123_4567, epoch: 1 };

/// One node: a store, and the API over it.
pub struct Node {
    pub index: Arc<Index>,
    pub served: ServedStore<Index>,
    pub app: Router,
    _dir: tempfile::TempDir,
}

pub fn open(dir: &std::path::Path, log: LogIdentity) -> Arc<Index> {
    let index = Index::open(dir, 1 << 28, annuaire_fhir::dictionary::ALL).unwrap();
    index.bind_log(log).unwrap();
    Arc::new(index)
}

pub fn organization(n: u64, name: &str) -> Resource {
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

pub fn role(n: u64, organization: u64) -> Resource {
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
    pub fn new(log: LogIdentity) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = open(&dir.path().join("a"), log);
        let gate = Arc::new(Gate::new(GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))));
        let settings = annuaire_api::ApiSettings { gate, cursor_key: [7; 32], lane: Arc::default(), restricted_past: None };
        let served = ServedStore::new(Arc::clone(&index));
        let app = annuaire_api::router(served.clone(), None, settings);
        Self { index, served, app, _dir: dir }
    }

    /// Applies a transaction and says so, as a follower does.
    pub fn apply(&self, tx: u64, resources: Vec<Resource>) {
        apply(&self.index, tx, resources);
        self.served.published();
    }

    pub async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
        let mut request = Request::get(path).header("host", "annuaire.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 26).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn json(&self, path: &str) -> Value {
        let (status, _, body) = self.ask(path, &[]).await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }
}

pub fn commit_ms(tx: u64) -> i64 {
    1_799_000_000_000 + tx as i64 * 1_000
}

pub fn apply(index: &Index, tx: u64, resources: Vec<Resource>) {
    let mut preparer = index.preparer(Tx::new(tx), commit_ms(tx)).unwrap();
    let prepared: Vec<_> = resources.into_iter().map(|resource| preparer.prepare(resource)).collect();
    index.apply::<Error>(Tx::new(tx), commit_ms(tx), prepared.into_iter()).unwrap();
}

/// Withdraws resources in a transaction of its own.
pub fn withdraw(index: &Index, tx: u64, withdrawn: Vec<(TypeId, String)>) {
    let end = TxEnd { tx: Tx::new(tx), commit_ms: commit_ms(tx), withdrawn, ..TxEnd::default() };
    index.apply_group::<Error>(std::iter::once(Ok(GroupItem::End(end))), None).unwrap();
}

/// The path of the `next` link.
pub fn next(bundle: &Value) -> String {
    let link = bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").expect("a next page");
    link["url"].as_str().unwrap().strip_prefix("http://annuaire.example").unwrap().to_owned()
}

pub fn first_resources() -> Vec<Resource> {
    (1..=4).map(|n| organization(n, &format!("CLINIQUE {n}"))).chain([role(1, 1)]).collect()
}
