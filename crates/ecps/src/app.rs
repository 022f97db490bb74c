//! The application for phones: an installable web page, served as files.

use crate::door::PhoneDoor;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use std::sync::Arc;

/// The application runs its own script, talks to this server alone, and is shown in no frame.
const APP_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     manifest-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Address, type and content of each file. `sw.js` names those that it keeps.
const FILES: [(&str, &str, &str); 6] = [
    ("/e-cps/app/", "text/html;charset=UTF-8", include_str!("../assets/app.html")),
    ("/e-cps/app/app.js", "text/javascript;charset=UTF-8", include_str!("../assets/app.js")),
    ("/e-cps/app/app.css", "text/css;charset=UTF-8", include_str!("../assets/app.css")),
    ("/e-cps/app/sw.js", "text/javascript;charset=UTF-8", include_str!("../assets/sw.js")),
    ("/e-cps/app/manifest.webmanifest", "application/manifest+json", include_str!("../assets/manifest.webmanifest")),
    ("/e-cps/app/icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
];

pub(crate) fn routes() -> Router<Arc<PhoneDoor>> {
    FILES
        .into_iter()
        .fold(Router::new(), |router, (path, kind, content)| router.route(path, get(move || async move { file(kind, content) })))
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, APP_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // The service worker answers without network; with it, a new version is there at once.
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(), geolocation=()"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_worker_keeps_files_that_exist() {
        let worker = FILES.iter().find(|(path, ..)| path.ends_with("sw.js")).unwrap().2;
        let list = worker.split_once("const FILES = [").unwrap().1.split_once(']').unwrap().0;
        let kept: Vec<&str> =
            list.split(',').map(|name| name.trim().trim_matches('\'')).filter(|name| !name.is_empty()).collect();
        assert!(kept.len() >= 4);
        for name in kept {
            let path = format!("/e-cps/app/{}", name.trim_start_matches("./"));
            assert!(FILES.iter().any(|(there, ..)| *there == path), "{path}");
        }
    }

    #[test]
    fn no_file_has_what_the_policy_forbids() {
        for (path, _, content) in FILES {
            for forbidden in ["style=", "onclick=", "<script>", "javascript:", "eval(", "http://", "https://"] {
                let allowed = path.ends_with(".svg") && forbidden == "http://";
                assert!(allowed || !content.contains(forbidden), "{path}: {forbidden}");
            }
        }
    }
}
