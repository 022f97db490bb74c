//! A world in which hours take no time, and what the tests of this room share.

#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

mod fake_origin;
pub mod publisher;

pub use fake_origin::{Asked, FakeOrigin, Fault, OriginState, Version, instant, resource};

use annuaire_mirror::{FilesManifest, World};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// 2026-11-26T10:00:00Z.
pub const START_MS: i64 = 1_795_687_200_000;

/// A clock that pauses move.
pub struct TestWorld {
    pub now_ms: AtomicI64,
    pub elapsed_ms: AtomicU64,
    pub seed: AtomicU64,
    pub paused: Mutex<Vec<Duration>>,
    /// How often it says that the mirror may go on.
    pub questions: AtomicI64,
}

impl TestWorld {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            now_ms: AtomicI64::new(START_MS),
            elapsed_ms: AtomicU64::new(0),
            seed: AtomicU64::new(seed | 1),
            paused: Mutex::default(),
            questions: AtomicI64::new(i64::MAX),
        })
    }

    pub fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
        self.elapsed_ms.fetch_add(ms.unsigned_abs(), Ordering::SeqCst);
    }
}

impl World for TestWorld {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed_ms.load(Ordering::SeqCst))
    }

    fn pause(&self, time: Duration) {
        self.paused.lock().unwrap().push(time);
        self.pass(i64::try_from(time.as_millis()).unwrap());
    }

    fn random(&self) -> u64 {
        let mut x = self.seed.load(Ordering::SeqCst);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.seed.store(x, Ordering::SeqCst);
        x
    }

    fn stopped(&self) -> bool {
        self.questions.fetch_sub(1, Ordering::SeqCst) <= 0
    }
}

/// What a directory of files holds: (type, id) → JSON.
pub fn content(dir: &Path) -> BTreeMap<(String, String), String> {
    let manifest = FilesManifest::read(dir).unwrap();
    let mut all = BTreeMap::new();
    for (ty, files) in &manifest.types {
        let before = all.len();
        manifest
            .each(dir, ty, &mut |id, json| {
                all.insert((ty.clone(), id.to_owned()), String::from_utf8(json.to_vec()).unwrap());
                Ok(())
            })
            .unwrap();
        assert_eq!((all.len() - before) as u64, files.count);
    }
    all
}
