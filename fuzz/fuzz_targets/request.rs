//! Any text as path and query of a request.
#![no_main]

use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, OnceLock};
use tower::ServiceExt;

fn app() -> &'static (axum::Router, tempfile::TempDir) {
    static APP: OnceLock<(axum::Router, tempfile::TempDir)> = OnceLock::new();
    APP.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let index = Arc::new(annuaire_index::Index::open(dir.path(), 1 << 26, annuaire_fhir::dictionary::ALL).expect("an index"));
        let settings = annuaire_api::Settings {
            public_base: None,
            api_keys: Vec::new(),
            cursor_key: [1; 32],
            rate: None,
            log: None,
            clock: Arc::new(|| 0),
        };
        (annuaire_api::router(index, None, settings), dir)
    })
}

fuzz_target!(|data: &str| {
    let Ok(request) = Request::get(format!("/fhir/v2/{data}")).body(Body::empty()) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let response = runtime.block_on(app().0.clone().oneshot(request)).expect("an answer");
    assert!(response.status().as_u16() < 500);
});
