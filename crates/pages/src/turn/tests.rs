use std::sync::{Mutex, mpsc};

use annuaire_index::Index;
use annuaire_web::{Anyone, Gate, GateSettings, Lane, RateRule};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use tower::ServiceExt;

use super::*;
use crate::{PagesSettings, router};

/// A page that costs too much, and a client whose pages all wait, are refused with a reason; once its pages are made, the client
/// is served again.
#[tokio::test]
async fn too_much_work_is_refused_in_french() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Index::open(directory.path(), 1 << 24, &[]).unwrap());
    let lane = Arc::new(Lane::new());
    let gate = Arc::new(Gate::new(GateSettings::new([1; 32], Arc::new(|| 0))));
    // Requests without an address are all of one client.
    let (mut parts, ()) = Request::new(()).into_parts();
    let client = gate.arrive::<Anyone>(&mut parts, RateRule::Exempt).await.0.client;
    let settings = PagesSettings {
        gate,
        operator: "Essai".to_owned(),
        notices: crate::LegalNotices::default(),
        fictional: true,
        lane: Arc::clone(&lane),
        work: 0,
        extractions: None,
        is_indexed: true,
        has_portal: true,
    };
    let app = router(annuaire_web::ServedStore::new(store), settings);
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    for path in
        ["/recherche?q=martin", "/recherche?ou=brest", "/recherche?q=centre&type=structures", "/professionnel/801234567890"]
    {
        let (status, body) = ask(path).await;
        assert!(status == StatusCode::BAD_REQUEST && body.contains("Recherche trop large"), "{path}: {status} {body}");
    }
    assert_eq!(ask("/structure/1").await.0, StatusCode::NOT_FOUND);

    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let blocked = || {
        let released = Arc::clone(&released);
        lane.run(client, move || released.lock().unwrap().recv().is_ok())
    };
    let mut waiting = Vec::new();
    while let Ok(job) = blocked() {
        waiting.push(job);
    }
    let (status, body) = ask("/recherche?nom=martin").await;
    assert!(status == StatusCode::TOO_MANY_REQUESTS && body.contains("Trop de demandes à la fois"), "{status} {body}");
    drop(release);
    for job in waiting {
        assert!(!job.await.unwrap());
    }
    assert_eq!(ask("/recherche?nom=martin").await.0, StatusCode::BAD_REQUEST, "once its pages are made, it is served again");
}
