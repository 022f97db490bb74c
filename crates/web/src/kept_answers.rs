//! Answers kept for clients that ask for them again in one state of the directory.
//!
//! Links to pages are equal for everybody, so that clients that copy the directory ask for the same pages. An answer is kept
//! from its second request on, so that a client that walks through everything once fills nothing. A door looks for a kept
//! answer only after it admitted the request.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use annuaire_base::Tx;
use annuaire_cache::Generations;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::limits;
use crate::request_log::RequestSubject;

/// All that an answer depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    /// State of the directory that it was made from.
    pub tx: Tx,
    /// Every part of the request that chooses the answer: address, format, compression, preferences, base of the links.
    pub request: String,
}

#[derive(Clone)]
struct KeptAnswer {
    body: Bytes,
    headers: Arc<HeaderMap>,
    subject: RequestSubject,
}

struct KeptTables {
    /// Hashes of the keys that were asked for once.
    asked_once: Generations<u64, ()>,
    kept: Generations<AnswerKey, KeptAnswer>,
}

/// The answers that a door keeps, at most [`limits::KEPT_BYTES`] of them.
pub struct KeptAnswers(Mutex<KeptTables>);

impl Default for KeptAnswers {
    fn default() -> Self {
        let asked_once = Generations::new(limits::ASKED_ONCE);
        Self(Mutex::new(KeptTables { asked_once, kept: Generations::new(limits::KEPT_BYTES) }))
    }
}

impl KeptAnswers {
    /// The kept answer, and what its request asked for.
    pub fn find(&self, key: &AnswerKey) -> Option<(Response, RequestSubject)> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).kept.get(key)?;
        let mut response = Response::new(Body::from(kept.body));
        *response.headers_mut() = (*kept.headers).clone();
        Some((response, kept.subject))
    }

    /// Keeps an answer of status 200 if it was asked for before.
    pub fn keep(&self, key: AnswerKey, body: Bytes, headers: &HeaderMap, subject: RequestSubject) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tables.asked_once.get(&hasher.finish()).is_none() {
            tables.asked_once.insert(hasher.finish(), (), 1);
            return;
        }
        // The key counts too, with about a thousand bytes of headers and tables.
        let weight = body.len() + key.request.len() + 1_000;
        tables.kept.insert(key, KeptAnswer { body, headers: Arc::new(headers.clone()), subject }, weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_from_its_second_request_on() {
        let answers = KeptAnswers::default();
        let key = |tx| AnswerKey { tx: Tx::new(tx), request: "/Organization?_count=2".to_owned() };
        let keep = || answers.keep(key(1), Bytes::from_static(b"body"), &HeaderMap::new(), RequestSubject::default());
        keep();
        assert!(answers.find(&key(1)).is_none(), "asked once");
        keep();
        assert!(answers.find(&key(1)).is_some());
        assert!(answers.find(&key(2)).is_none(), "another state");
    }
}
