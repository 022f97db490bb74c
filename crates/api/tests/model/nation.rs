//! A small fictional nation, published and served.

use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_store::BlockingRegistry;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use tower::ServiceExt;

pub struct TestNation {
    pub registry: BlockingRegistry,
    pub index: Arc<Index>,
    pub app: Router,
    pub runtime: tokio::runtime::Runtime,
    pub dir: tempfile::TempDir,
}

pub const VIEW: View = View { guide: Guide::V120, perimeter: Perimeter::Public };

impl TestNation {
    /// A small nation, first delivery published.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plan = annuaire_testkit::Plan { professionals: 250, seed: 3, changed_per_mille: 200 };
        annuaire_testkit::generate(&dir.path().join("files"), &plan).unwrap();
        let index = Arc::new(Index::open(&dir.path().join("i"), 1 << 28, annuaire_fhir::dictionary::ALL).unwrap());
        // Long after every delivery.
        let gate = annuaire_web::Gate::new(annuaire_web::GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000)));
        let settings =
            annuaire_api::ApiSettings { gate: Arc::new(gate), cursor_key: [1; 32], lane: Arc::default(), subscriptions: None };
        let app = annuaire_api::router(Arc::clone(&index).into(), None, settings);
        let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut world = Self { registry, index, app, runtime, dir };
        world.deliver("files", 1_700_000_000_000);
        world
    }

    pub fn deliver(&mut self, folder: &str, now_ms: i64) {
        let entries = std::fs::read_dir(self.dir.path().join(folder)).unwrap().map(|e| e.unwrap().path());
        let files: Vec<PathBuf> = entries.filter(|p| p.is_file()).collect();
        let options = annuaire_exchange::Options {
            clock: Arc::new(move || now_ms),
            accept_mass_change: Some("a test of the model".into()),
            ..Default::default()
        };
        annuaire_exchange::import(&self.registry, &files, &options).unwrap();
        annuaire_publish::follow(&self.registry, &self.index, VIEW, &|_, _, _| {}).unwrap();
    }

    pub fn get(&self, path: &str) -> Value {
        let path = path.strip_prefix("http://localhost").unwrap_or(path);
        let (status, _, body) = self.send(Request::get(path).body(Body::empty()).unwrap());
        assert!(status == 200, "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Status, headers and body of an answer.
    pub fn send(&self, request: Request<Body>) -> (u16, HeaderMap, String) {
        self.runtime.block_on(async {
            let response = self.app.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, 1 << 30).await.unwrap();
            (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
        })
    }

    /// Sends a GET with one header.
    pub fn ask(&self, path: &str, header: (&str, &str)) -> (u16, HeaderMap, String) {
        self.send(Request::get(path).header(header.0, header.1).body(Body::empty()).unwrap())
    }

    pub fn walk(&self, path: &str, between: &mut dyn FnMut()) -> (u64, Vec<String>) {
        let mut page = self.get(path);
        let (total, mut ids) = (page["total"].as_u64().unwrap(), Vec::new());
        loop {
            ids.extend(page["entry"].as_array().into_iter().flatten().map(|e| e["resource"]["id"].as_str().unwrap().to_owned()));
            between();
            let links = page["link"].as_array().unwrap();
            match links.iter().find(|l| l["relation"] == "next") {
                Some(next) => page = self.get(next["url"].as_str().unwrap()),
                None => return (total, ids),
            }
        }
    }

    pub fn all(&self, ty: &str) -> Vec<Value> {
        let mut page = self.get(&format!("/fhir/v2/{ty}?_count=1000"));
        let mut out = Vec::new();
        loop {
            out.extend(page["entry"].as_array().into_iter().flatten().map(|e| e["resource"].clone()));
            match page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next") {
                Some(next) => page = self.get(next["url"].as_str().unwrap()),
                None => return out,
            }
        }
    }
}
