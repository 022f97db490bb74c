//! A mirror that is killed at any moment goes on, and ends as what its origin is.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_mirror::{FileSink, Mirror, MirrorChannel, MirrorOptions, World};
use common::publisher::Publisher;
use common::{FakeOrigin, content};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Name of the variable that makes a test the victim: origin, directory and channel, with blanks between.
const VICTIM: &str = "ANNUAIRE_TEST_MIRROR";

/// The machine.
struct RealWorld;

#[expect(clippy::disallowed_methods, reason = "a process that is killed runs in the real world")]
impl World for RealWorld {
    fn now_ms(&self) -> i64 {
        i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        BEGIN.get_or_init(Instant::now).elapsed()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn random(&self) -> u64 {
        u64::try_from(self.now_ms()).unwrap().wrapping_mul(2_654_435_761)
    }
}

/// Not a test of its own: what the process does that is killed.
#[test]
#[ignore = "run by the test of kills"]
fn victim() {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
    let Ok(given) = std::env::var(VICTIM) else { return };
    let words: Vec<&str> = given.split(' ').collect();
    let dir = Path::new(words[1]);
    let mut options = MirrorOptions::new(words[0], dir.join("state"));
    options.page_size = 5;
    options.http.rate = 10_000;
    options.max_change = 100;
    options.reconcile = Duration::ZERO;
    options.channel = if words[2] == "published" { MirrorChannel::Published } else { MirrorChannel::Plain };
    let sink = FileSink::open(&dir.join("copy")).unwrap();
    Mirror::open(options, Box::new(sink), Arc::new(RealWorld)).unwrap().once().unwrap();
}

fn start(origin: &FakeOrigin, dir: &Path, way: &str) -> std::process::Child {
    let program = std::env::current_exe().unwrap();
    let given = format!("{} {} {way}", origin.base, dir.display());
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", "victim"]).env(VICTIM, given);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_killed_mirror_goes_on() {
    #[expect(clippy::disallowed_methods, reason = "how a developer asks for more kills")]
    let kills: u64 = std::env::var("ANNUAIRE_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    for way in ["history", "last-updated", "published"] {
        let origin = FakeOrigin::start();
        origin.lock().history = way == "history";
        for n in 0..40 {
            origin.put("Device", &format!("d-{n}"), &format!(r#""x":{n}"#));
            origin.put("Organization", &format!("o-{n}"), r#""active":true"#);
        }
        let mut publisher = Publisher::default();
        publisher.root(&origin, "zstd");
        let dir = tempfile::tempdir().unwrap();
        let mut killed = 0;
        for n in 0..kills {
            let mut child = start(&origin, dir.path(), way);
            std::thread::sleep(Duration::from_millis(15 + n * 379 % 400));
            killed += u64::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
            // Readers see a whole state, or none.
            if dir.path().join("copy/manifest.json").exists() {
                content(&dir.path().join("copy"));
            }
            if n % 2 == 1 {
                origin.put("Device", &format!("d-{n}"), r#""x":"changed""#);
                origin.lock().delete("Organization", &format!("o-{n}"));
                publisher.increment(&origin, "identity");
            }
        }
        assert!(killed > 0, "a mirror that is never killed shows nothing");
        let done = start(&origin, dir.path(), way).wait_with_output().unwrap();
        assert!(done.status.success(), "{way}: {}", String::from_utf8_lossy(&done.stdout));
        assert_eq!(content(&dir.path().join("copy")), origin.truth(), "{way}");
    }
}
