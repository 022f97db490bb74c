//! A small installation for the targets: registry, publication store and API in a temporary directory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use annuaire_exchange::Options;
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_store::BlockingRegistry;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

const VIEW: View = View { guide: Guide::V120, perimeter: Perimeter::Public };
/// Bytes that the store may take.
const MAP: usize = 1 << 27;
/// Most bytes of an answer.
const ANSWER: usize = 1 << 28;

/// Registry, publication store and API, in a directory that is deleted when the value is dropped.
pub struct FuzzWorld {
    registry: BlockingRegistry,
    index: Arc<Index>,
    app: Router,
    dir: tempfile::TempDir,
}

#[expect(clippy::unwrap_used, reason = "an installation that cannot be made ends the run")]
impl FuzzWorld {
    /// An installation without any resource.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let index = Arc::new(Index::open(&dir.path().join("i"), MAP, annuaire_fhir::dictionary::ALL).unwrap());
        let gate = annuaire_web::GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000));
        let gate = Arc::new(annuaire_web::Gate::new(gate));
        let settings = annuaire_api::ApiSettings { gate, cursor_key: [1; 32], lane: Arc::default(), subscriptions: None };
        let app = annuaire_api::router(annuaire_web::ServedStore::new(Arc::clone(&index)), None, settings);
        let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap();
        Self { registry, index, app, dir }
    }

    /// An installation with a few dozen professionals, made once for the process.
    pub fn small() -> &'static Self {
        static SMALL: OnceLock<FuzzWorld> = OnceLock::new();
        SMALL.get_or_init(|| {
            let world = Self::empty();
            let files = world.dir.path().join("files");
            annuaire_testkit::generate(&files, &annuaire_testkit::Plan { professionals: 40, seed: 5, changed_per_mille: 100 })
                .unwrap();
            let all = std::fs::read_dir(&files).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file());
            assert!(world.import(&all.collect::<Vec<_>>()), "the fictional nation is read");
            world
        })
    }

    fn import(&self, files: &[PathBuf]) -> bool {
        let options = Options {
            clock: Arc::new(|| 1_700_000_000_000),
            accept_mass_change: Some("a try of the fuzz targets".into()),
            open: true,
            threads: 1,
            ..Options::default()
        };
        annuaire_exchange::import(&self.registry, files, &options).is_ok()
            && annuaire_publish::follow(&self.registry, &self.index, VIEW, &|_, _, _| {}).is_ok()
    }

    /// Imports and publishes a file; false when it was refused.
    pub fn deliver(&self, name: &str, content: &[u8]) -> bool {
        let path = self.dir.path().join(Path::new(name).file_name().unwrap_or_default());
        std::fs::write(&path, content).unwrap();
        let read = self.import(std::slice::from_ref(&path));
        std::fs::remove_file(&path).unwrap();
        read
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When the answer is not FHIR, or the server failed.
    pub fn expect_fhir(&self, request: Request<Body>) {
        let what = format!("{} {}", request.method(), request.uri());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, kind, body) = runtime.block_on(async {
            let response = self.app.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let kind = parts.headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            (parts.status, kind, to_bytes(body, ANSWER).await.unwrap())
        });
        assert!(status < StatusCode::INTERNAL_SERVER_ERROR, "{what}: {status} {}", String::from_utf8_lossy(&body));
        match kind.as_str() {
            "application/fhir+json;charset=UTF-8" => {
                serde_json::from_slice::<serde_json::Value>(&body).unwrap();
            }
            "application/fhir+xml;charset=UTF-8" => {
                let text = std::str::from_utf8(&body).unwrap();
                assert!(text.starts_with("<?xml ") && text.ends_with('>') && !text.contains('\0'), "{what}: {text}");
            }
            other => assert!(body.is_empty(), "{what}: {other:?}"),
        }
    }
}
