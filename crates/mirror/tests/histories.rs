//! Whatever an origin lives through, and however bad the line is: its mirrors become its present state.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_mirror::{Error, FeedDelivery, FeedSink, FileSink, Mirror, MirrorChannel, MirrorOptions, Sink};
use common::publisher::Publisher;
use common::{FakeOrigin, Fault, TestWorld, content};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

type Copy = BTreeMap<(String, String), String>;

/// What happens to an origin.
#[derive(Debug, Clone)]
enum Event {
    Put(u8, u8, u16),
    Deactivate(u8, u8),
    /// With a trace where the origin leaves one.
    Delete(u8, u8),
    Pass(u16),
    /// The line is bad from here on, this often in sixteen times.
    Line(u8),
    /// The mirror runs.
    Run,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..2_u8, 0..12_u8, any::<u16>()).prop_map(|(ty, id, x)| Event::Put(ty, id, x)),
        1 => (0..2_u8, 0..12_u8).prop_map(|(ty, id)| Event::Deactivate(ty, id)),
        2 => (0..2_u8, 0..12_u8).prop_map(|(ty, id)| Event::Delete(ty, id)),
        1 => (0..10_000_u16).prop_map(Event::Pass),
        1 => (0..7_u8).prop_map(Event::Line),
        3 => Just(Event::Run),
    ]
}

/// How the origin tells.
#[derive(Debug, Clone, Copy)]
enum Way {
    History,
    LastUpdated,
    Published,
}

fn name(ty: u8, id: u8) -> (&'static str, String) {
    (["Device", "Organization"][usize::from(ty)], format!("r-{id}"))
}

/// Applies deliveries to a map, as a registry would.
fn registry(copy: &Rc<RefCell<Copy>>) -> impl FnMut(&FeedDelivery) -> Result<(), String> + use<> {
    let copy = copy.clone();
    move |delivery| {
        let mut copy = copy.borrow_mut();
        if delivery.replaces {
            copy.clear();
        }
        let mut seen = 0;
        for file in &delivery.files {
            let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
            if file.ends_with("deleted.json") {
                let bundle: serde_json::Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
                for entry in bundle["entry"].as_array().unwrap() {
                    let (ty, id) = entry["request"]["url"].as_str().unwrap().split_once('/').unwrap();
                    copy.remove(&(ty.to_owned(), id.to_owned()));
                    seen += 1;
                }
                continue;
            }
            for line in text.lines() {
                let head: serde_json::Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
                let key = (head["resourceType"].as_str().unwrap().to_owned(), head["id"].as_str().unwrap().to_owned());
                copy.insert(key, line.to_owned());
                seen += 1;
            }
        }
        assert_eq!(seen, delivery.upserted + delivery.deleted);
        Ok(())
    }
}

/// Runs a mirror until it succeeds, or this often.
fn run(
    origin: &FakeOrigin,
    state: &Path,
    way: Way,
    world: &Arc<TestWorld>,
    sink: &dyn Fn() -> Box<dyn Sink>,
    times: u32,
) -> bool {
    let mut options = MirrorOptions::new(&origin.base, state.to_owned());
    options.page_size = 3;
    options.http.rate = 1_000_000;
    options.max_change = 100;
    options.reconcile = Duration::ZERO;
    options.channel = if matches!(way, Way::Published) { MirrorChannel::Published } else { MirrorChannel::Plain };
    for _ in 0..times {
        match Mirror::open(options.clone(), sink(), world.clone()).unwrap().once() {
            Ok(_) => return true,
            Err(Error::Unreachable { .. } | Error::Status { .. } | Error::Later { .. }) => {}
            Err(e) => panic!("{e}"),
        }
    }
    false
}

fn lives_through(events: &[Event], way: Way, seed: u64) {
    let origin = FakeOrigin::start();
    origin.lock().history = matches!(way, Way::History);
    origin.lock().bundle_meta = seed.is_multiple_of(2);
    origin.lock().gzip = seed.is_multiple_of(3);
    let (dir, world) = (tempfile::tempdir().unwrap(), TestWorld::new(seed));
    let copy = Rc::new(RefCell::new(Copy::new()));
    let files = dir.path().join("files");
    let sinks: [Box<dyn Fn() -> Box<dyn Sink>>; 2] = [
        Box::new(|| Box::new(FileSink::open(&files).unwrap())),
        Box::new(|| Box::new(FeedSink::open(&dir.path().join("outbox"), "log 1", Box::new(registry(&copy))).unwrap())),
    ];
    let mut publisher = Publisher::default();
    let mut publish = |origin: &FakeOrigin, n: usize| {
        let encoding = ["identity", "gzip", "zstd"][n % 3];
        if n.is_multiple_of(7) { publisher.root(origin, encoding) } else { publisher.increment(origin, encoding) }
    };
    if matches!(way, Way::Published) {
        publish(&origin, 0);
    }
    let mut dice = seed | 1;
    for (n, event) in events.iter().enumerate() {
        match event {
            Event::Put(ty, id, x) => {
                let (ty, id) = name(*ty, *id);
                origin.put(ty, &id, &format!(r#""active":true,"x":"{x}""#));
            }
            Event::Deactivate(ty, id) => {
                let (ty, id) = name(*ty, *id);
                origin.put(ty, &id, r#""active":false"#);
            }
            Event::Delete(ty, id) => {
                let (ty, id) = name(*ty, *id);
                if matches!(way, Way::LastUpdated) {
                    origin.lock().resources.remove(&(ty.to_owned(), id));
                } else {
                    origin.lock().delete(ty, &id);
                }
            }
            Event::Pass(seconds) => {
                world.pass(i64::from(*seconds) * 1000);
                origin.lock().clock_ms += i64::from(*seconds) * 1000;
            }
            Event::Line(bad) => {
                let bad = u64::from(*bad);
                origin.lock().faults = Box::new(move |_| {
                    dice ^= dice << 13;
                    dice ^= dice >> 7;
                    dice ^= dice << 17;
                    let fault = match dice >> 8 & 3 {
                        0 => Fault::HangUp,
                        1 => Fault::Truncate(usize::try_from(dice >> 16 & 1023).unwrap()),
                        2 => Fault::Answer(429, vec![("retry-after", "2".into())], String::new()),
                        _ => Fault::Answer(503, Vec::new(), String::new()),
                    };
                    (dice & 15 < bad).then_some(fault)
                });
            }
            Event::Run => {
                if matches!(way, Way::Published) {
                    publish(&origin, n);
                }
                for (number, sink) in sinks.iter().enumerate() {
                    run(&origin, &dir.path().join(format!("state-{number}")), way, &world, sink.as_ref(), 1);
                }
            }
        }
    }
    origin.lock().faults = Box::new(|_| None);
    if matches!(way, Way::Published) {
        publish(&origin, 1);
    }
    for (number, sink) in sinks.iter().enumerate() {
        let done = run(&origin, &dir.path().join(format!("state-{number}")), way, &world, sink.as_ref(), 3);
        assert!(done, "an origin without faults is mirrored");
    }
    assert_eq!(content(&files), origin.truth(), "files, {way:?}");
    assert_eq!(*copy.borrow(), origin.truth(), "feed, {way:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_mirror_becomes_what_its_origin_is(
        events in prop::collection::vec(event(), 1..40),
        way in prop_oneof![Just(Way::History), Just(Way::LastUpdated), Just(Way::Published)],
        seed in 1..u64::MAX,
    ) {
        lives_through(&events, way, seed);
    }
}
