//! Mirrors that go on, and rounds that a registry does not take at once.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_mirror::{Error, FeedDelivery, FeedSink, FileSink, Mirror, MirrorChannel, MirrorOptions, follow};
use common::{FakeOrigin, Fault, TestWorld};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn options(origin: &FakeOrigin, dir: &Path) -> MirrorOptions {
    let mut options = MirrorOptions::new(&origin.base, dir.join("state"));
    options.http.rate = 1_000_000;
    options.channel = MirrorChannel::Plain;
    options
}

#[test]
fn runs_follow_each_other_with_a_random_part_and_a_failure_is_waited_for() {
    let (origin, dir, world) = (FakeOrigin::start(), tempfile::tempdir().unwrap(), TestWorld::new(11));
    origin.lock().history = true;
    for n in 0..30 {
        origin.put("Device", &format!("d-{n}"), r#""status":"active""#);
    }
    let sink = FileSink::open(&dir.path().join("copy")).unwrap();
    let mut mirror = Mirror::open(options(&origin, dir.path()), Box::new(sink), world.clone()).unwrap();
    let cadence = Duration::from_secs(900);
    let (mut runs, mut ends) = (0, Vec::new());
    let ended = follow(&mut mirror, cadence, &mut |done, metrics| {
        runs += 1;
        ends.push((done.is_ok(), metrics.lag_ms(origin.lock().clock_ms)));
        origin.lock().faults = match runs {
            // One bad run: the head of every answer fails.
            3 => Box::new(|_| Some(Fault::HangUp)),
            _ => Box::new(|_| None),
        };
        origin.lock().clock_ms += 900_000;
        origin.put("Device", &format!("new-{runs}"), r#""status":"active""#);
        if runs == 6 {
            for n in 0..20 {
                origin.lock().delete("Device", &format!("d-{n}"));
            }
        }
    });
    // The breaker ends it: waiting would not mend that.
    assert!(matches!(ended, Err(Error::MassChange { gone: 20, .. })), "{ended:?}");
    assert_eq!(ends.iter().map(|e| e.0).collect::<Vec<_>>(), [true, true, true, false, true, true, false]);
    assert!(ends.iter().filter(|e| e.0).all(|e| e.1.is_some_and(|lag| lag < 1_000)), "{ends:?}");
    let long: Vec<Duration> = world.paused.lock().unwrap().iter().copied().filter(|p| *p >= Duration::from_secs(60)).collect();
    assert_eq!(long.len(), 6, "{long:?}");
    let regular: Vec<&Duration> = long.iter().filter(|p| **p >= cadence).collect();
    assert!(regular.len() == 5 && regular.iter().all(|p| **p < cadence + cadence / 4), "{long:?}");
    assert_eq!((mirror.metrics().runs, mirror.metrics().ready), ((5, 2), true));
    // Asked to stop, it stops.
    world.questions.store(0, Ordering::SeqCst);
    follow(&mut mirror, cadence, &mut |_, _| panic!("no run is made")).unwrap();
}

#[test]
fn a_round_that_the_registry_did_not_confirm_is_delivered_again_as_it_was() {
    let (origin, dir, world) = (FakeOrigin::start(), tempfile::tempdir().unwrap(), TestWorld::new(5));
    origin.lock().history = true;
    for n in 0..30 {
        origin.put("Device", &format!("d-{n}"), r#""status":"active""#);
    }
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let run = |registry: &str, fails: bool| {
        let seen = seen.clone();
        let deliver = move |delivery: &FeedDelivery| {
            let texts: Vec<String> = delivery.files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
            seen.borrow_mut().push(format!("{} {}", delivery.replaces, texts.concat()));
            if fails { Err("the registry was killed".to_owned()) } else { Ok(()) }
        };
        let sink = FeedSink::open(&dir.path().join("outbox"), registry, Box::new(deliver)).unwrap();
        Mirror::open(options(&origin, dir.path()), Box::new(sink), world.clone()).unwrap().once()
    };
    run("log 1", false).unwrap();
    assert_eq!(seen.borrow().len(), 1);
    origin.put("Device", "d-3", r#""status":"active","x":"first""#);
    origin.lock().delete("Device", "d-4");
    assert!(run("log 1", true).unwrap_err().to_string().contains("the registry was killed"));
    // The origin goes on meanwhile; what was handed over is handed over again, then what came after.
    origin.put("Device", "d-3", r#""status":"active","x":"second""#);
    run("log 1", false).unwrap();
    let deliveries = seen.borrow().clone();
    assert_eq!(deliveries.len(), 4, "{deliveries:?}");
    assert!(deliveries[1] == deliveries[2] && deliveries[1].contains("first") && deliveries[1].contains("Device/d-4"));
    assert!(deliveries[3].contains("second") && !deliveries[3].contains("d-4"));
    // A registry that began anew is filled anew, and ends what it had beside that.
    run("log 1.2", false).unwrap();
    let last = seen.borrow().last().cloned().unwrap();
    assert!(last.starts_with("true ") && last.lines().count() == 29, "{last}");
}
