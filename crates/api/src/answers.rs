//! Answers given before, for those who ask the same again in the same state of the directory.
//!
//! Links of pages are the same for everybody, so that those who copy the directory ask for the same pages. An answer is kept
//! from the second time on: who walks through everything once fills nothing. Only what was admitted is looked for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use annuaire_cache::Generations;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, header, request::Parts};
use axum::response::Response;

use annuaire_web::{RequestSubject, accepts_gzip};

use crate::{Asked, limits, text};

/// All that an answer depends on: the transaction, and what of the request says which answer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64, String);

#[derive(Clone)]
struct Kept {
    body: Bytes,
    headers: Arc<HeaderMap>,
    seen: RequestSubject,
}

struct Caches {
    /// Asked once.
    met: Generations<u64, ()>,
    kept: Generations<Key, Kept>,
}

pub(crate) struct Answers(Mutex<Caches>);

impl Answers {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Caches { met: Generations::new(limits::MET), kept: Generations::new(limits::KEPT) }))
    }

    /// The key of a request for a page whose links start with `base`, `None` for any other.
    pub(crate) fn key(tx: u64, asked: &Asked, base: &str) -> Option<Key> {
        let Parts { method, uri, headers, .. } = &asked.parts;
        let page = *method == Method::GET && uri.query().is_some() && !headers.contains_key(header::IF_NONE_MATCH);
        page.then(|| {
            let prefer = text(headers, "prefer");
            let more = headers.get_all("prefer").iter().count();
            let gzip = accepts_gzip(headers);
            Key(tx, format!("{uri}\n{base}\n{more}{prefer}\n{:?}\n{gzip}", asked.format))
        })
    }

    /// The answer given before.
    pub(crate) fn find(&self, key: &Key) -> Option<(Response, RequestSubject)> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).kept.get(key)?;
        let mut response = Response::new(Body::from(kept.body));
        *response.headers_mut() = (*kept.headers).clone();
        Some((response, kept.seen))
    }

    /// Keeps an answer that was asked before.
    pub(crate) fn keep(&self, key: Key, body: Bytes, headers: &HeaderMap, seen: RequestSubject) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let mut caches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if caches.met.get(&hasher.finish()).is_none() {
            caches.met.insert(hasher.finish(), (), 1);
            return;
        }
        let weight = body.len() + key.1.len() + 1_000;
        caches.kept.insert(key, Kept { body, headers: Arc::new(headers.clone()), seen }, weight);
    }
}
