//! Answers kept for clients that ask for them again.
//!
//! Links to pages are equal for everybody, so that clients that copy the directory ask for the same pages. An answer is kept
//! from its second request on, so that a client that walks through everything once fills nothing. A door looks for a kept
//! answer only after it admitted the request, and says whether the state of now may still give it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use annuaire_cache::Generations;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::limits;
use crate::request_log::RequestSubject;

/// The request that an answer is for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AnswerKey {
    /// [`ServedStore::generation`](crate::ServedStore::generation), read before the store was: answers of another one are lost.
    pub generation: u64,
    /// Every part of the request that chooses the answer: address, format, compression, preferences, base of the links.
    pub request: String,
}

/// An answer with its basis: what the door must know to say whether it still holds.
#[derive(Clone)]
struct KeptAnswer<B> {
    basis: B,
    body: Bytes,
    headers: Arc<HeaderMap>,
    subject: RequestSubject,
}

struct KeptTables<B> {
    /// Generation of all that is kept.
    generation: u64,
    /// Hashes of the keys that were asked for once.
    asked_once: Generations<u64, ()>,
    kept: Generations<String, KeptAnswer<B>>,
}

impl<B: Clone> KeptTables<B> {
    fn new(generation: u64) -> Self {
        let (asked_once, kept) = (Generations::new(limits::ASKED_ONCE), Generations::new(limits::KEPT_BYTES));
        Self { generation, asked_once, kept }
    }

    /// Drops what was kept under an older generation, with what it may hold of withdrawn content; false when the key is of an older
    /// one itself.
    fn is_current(&mut self, key: &AnswerKey) -> bool {
        if key.generation > self.generation {
            *self = Self::new(key.generation);
        }
        key.generation == self.generation
    }
}

/// The answers that a door keeps of one store, at most [`limits::KEPT_BYTES`] of them. `B` is what an answer was made of.
pub struct KeptAnswers<B>(Mutex<KeptTables<B>>);

impl<B: Clone> Default for KeptAnswers<B> {
    fn default() -> Self {
        Self(Mutex::new(KeptTables::new(0)))
    }
}

impl<B: Clone> KeptAnswers<B> {
    /// The kept answer, if it `still_holds` by its basis, and what its request asked for.
    pub fn find(&self, key: &AnswerKey, still_holds: impl FnOnce(&B) -> bool) -> Option<(Response, RequestSubject)> {
        let kept = {
            let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if !tables.is_current(key) {
                return None;
            }
            tables.kept.get(&key.request)?
        };
        if !still_holds(&kept.basis) {
            return None;
        }
        let mut response = Response::new(Body::from(kept.body));
        *response.headers_mut() = (*kept.headers).clone();
        Some((response, kept.subject))
    }

    /// Keeps an answer of status 200 if it was asked for before. It takes the place of one that did not hold any more.
    pub fn keep(&self, key: AnswerKey, basis: B, body: Bytes, headers: &HeaderMap, subject: RequestSubject) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !tables.is_current(&key) {
            return;
        }
        if tables.asked_once.get(&hasher.finish()).is_none() {
            tables.asked_once.insert(hasher.finish(), (), 1);
            return;
        }
        // The key counts too, with about a thousand bytes of headers and tables.
        let weight = body.len() + key.request.len() + 1_000;
        tables.kept.insert(key.request, KeptAnswer { basis, body, headers: Arc::new(headers.clone()), subject }, weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(generation: u64) -> AnswerKey {
        AnswerKey { generation, request: "/Organization?_count=2".to_owned() }
    }

    fn keep(answers: &KeptAnswers<u32>, generation: u64, basis: u32) {
        let body = Bytes::from_static(b"body");
        answers.keep(key(generation), basis, body, &HeaderMap::new(), RequestSubject::default());
    }

    #[test]
    fn an_answer_is_kept_from_its_second_request_on() {
        let answers = KeptAnswers::default();
        keep(&answers, 0, 7);
        assert!(answers.find(&key(0), |_| true).is_none(), "asked once");
        keep(&answers, 0, 7);
        assert!(answers.find(&key(0), |basis| *basis == 7).is_some());
        assert!(answers.find(&key(0), |_| false).is_none(), "another state");
        keep(&answers, 0, 8);
        assert!(answers.find(&key(0), |basis| *basis == 8).is_some(), "the answer of the other state");
    }

    #[test]
    fn what_is_forgotten_does_not_come_back() {
        let answers = KeptAnswers::default();
        keep(&answers, 0, 7);
        keep(&answers, 0, 7);
        assert!(answers.find(&key(1), |_| true).is_none());
        assert!(answers.0.lock().unwrap().kept.get(&key(0).request).is_none(), "its bytes are gone too");
        // An answer that was being made meanwhile.
        keep(&answers, 0, 7);
        keep(&answers, 0, 7);
        assert!(answers.find(&key(0), |_| true).is_none() && answers.find(&key(1), |_| true).is_none());
    }
}
