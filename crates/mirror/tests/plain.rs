//! Mirrors of plain FHIR servers, well and badly behaved.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_mirror::{Error, FileSink, FilesManifest, Mirror, MirrorChannel, MirrorOptions, Result, RunReport};
use common::{FakeOrigin, Fault, START_MS, TestWorld, content};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn options(origin: &FakeOrigin, dir: &Path) -> MirrorOptions {
    let mut options = MirrorOptions::new(&origin.base, dir.join("state"));
    options.page_size = 4;
    options.http.rate = 1_000_000;
    options
}

fn once(options: &MirrorOptions, dir: &Path, world: &Arc<TestWorld>) -> Result<RunReport> {
    let sink = FileSink::open(&dir.join("copy"))?;
    Mirror::open(options.clone(), Box::new(sink), world.clone())?.once()
}

/// An origin with some resources, a directory, a world.
fn scene(resources: usize) -> (FakeOrigin, tempfile::TempDir, Arc<TestWorld>) {
    let origin = FakeOrigin::start();
    for n in 0..resources {
        origin.put("Device", &format!("d-{n}"), &format!(r#""status":"active","x":{n}"#));
        origin.put("Organization", &format!("o-{n}"), r#""active":true,"name":"Exemple \\ \"un\"""#);
    }
    (origin, tempfile::tempdir().unwrap(), TestWorld::new(7))
}

#[test]
fn a_copy_is_made_and_kept_fresh_by_history() {
    let (origin, dir, world) = scene(10);
    origin.lock().history = true;
    origin.lock().gzip = true;
    let options = options(&origin, dir.path());
    let report = once(&options, dir.path(), &world).unwrap();
    assert!(report.ready && report.counts.upserted == 20, "{report:?}");
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    origin.put("Device", "d-3", r#""status":"active","x":"new""#);
    origin.lock().delete("Device", "d-4");
    origin.put("Device", "d-new", r#""status":"active""#);
    world.pass(60_000);
    let mut lax = options.clone();
    lax.max_change = 20;
    origin.asked();
    let report = once(&lax, dir.path(), &world).unwrap();
    assert_eq!((report.counts.upserted, report.counts.deleted), (2, 1), "{report:?}");
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    assert!(origin.asked().iter().any(|p| p.contains("/Device/_history?_since=")));
    let manifest = FilesManifest::read(&dir.path().join("copy")).unwrap();
    assert_eq!((manifest.types["Device"].count, manifest.ready), (10, true));
    let again = once(&lax, dir.path(), &world).unwrap();
    assert_eq!(again.counts.changes(), 0);
}

#[test]
fn a_type_of_which_nothing_changes_holds_up_no_other() {
    let (origin, dir, world) = scene(4);
    origin.lock().history = true;
    origin.lock().bundle_meta = true;
    let options = options(&origin, dir.path());
    once(&options, dir.path(), &world).unwrap();
    // The answer about devices is one that a cache keeps, with the instant of then.
    let old = common::instant(START_MS);
    let body = format!(r#"{{"resourceType":"Bundle","type":"history","meta":{{"lastUpdated":"{old}"}},"total":0}}"#);
    origin.lock().faults =
        Box::new(move |asked| asked.path.contains("/Device/_history").then(|| Fault::Answer(200, Vec::new(), body.clone())));
    for _ in 0..3 {
        world.pass(86_400_000);
        origin.lock().clock_ms += 86_400_000;
        origin.put("Organization", "o-1", r#""active":true"#);
        origin.asked();
        let report = once(&options, dir.path(), &world).unwrap();
        assert!(report.told_ms.is_some_and(|told| told + 5_000 > origin.lock().clock_ms), "{report:?}");
    }
    let asked = origin.asked();
    assert!(asked.contains(&"/fhir/Device/_history?_since=2026-11-26T09:00:00Z&_count=4".to_owned()), "{asked:?}");
    assert!(asked.iter().any(|p| p.starts_with("/fhir/Organization/_history?_since=2026-11-28T0")), "{asked:?}");
}

#[test]
fn without_history_last_updated_and_a_comparison_of_ids_find_everything() {
    let (origin, dir, world) = scene(10);
    let mut options = options(&origin, dir.path());
    options.max_change = 20;
    once(&options, dir.path(), &world).unwrap();
    origin.put("Device", "d-3", r#""status":"active","x":"new""#);
    // This one vanishes without a trace, and that one changes without its date.
    origin.lock().resources.remove(&("Device".into(), "d-4".into()));
    let key = ("Organization".to_owned(), "o-1".to_owned());
    origin.lock().resources.get_mut(&key).unwrap().version = 9;
    origin.lock().resources.get_mut(&key).unwrap().at_ms = START_MS - 9 * 86_400_000;
    world.pass(3_600_000);
    let report = once(&options, dir.path(), &world).unwrap();
    assert!(!report.reconciled && report.counts.upserted == 1, "{report:?}");
    assert_ne!(content(&dir.path().join("copy")), origin.truth());
    world.pass(8 * 86_400_000);
    origin.lock().clock_ms += 8 * 86_400_000;
    let report = once(&options, dir.path(), &world).unwrap();
    assert!(report.reconciled && report.differences == 2, "{report:?}");
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}

#[test]
fn a_copy_goes_on_where_it_was_broken_off() {
    let (origin, dir, world) = scene(30);
    let options = options(&origin, dir.path());
    let mut stops = 0;
    loop {
        world.questions.store(9, Ordering::SeqCst);
        match once(&options, dir.path(), &world) {
            Ok(_) => break,
            Err(Error::Stopped) => stops += 1,
            Err(e) => panic!("{e}"),
        }
        assert!(!dir.path().join("copy/manifest.json").exists() || !FilesManifest::read(&dir.path().join("copy")).unwrap().ready);
        assert!(stops < 50);
    }
    assert!(stops > 2, "{stops}");
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    // Two types of eight pages, copied, then asked for changes: seven of eight are behind a link.
    let pages = origin.asked().iter().filter(|p| p.contains("_page")).count();
    assert!((28..28 + 4).contains(&pages), "{pages} pages were asked for");
}

#[test]
fn an_expired_link_begins_the_walk_again_from_its_boundary_or_from_the_start() {
    for sorts in [false, true] {
        let (origin, dir, world) = scene(30);
        origin.lock().sorts = sorts;
        for n in 0..30 {
            origin.lock().clock_ms += 60_000;
            origin.put("Device", &format!("late-{n}"), r#""status":"active""#);
        }
        let options = options(&origin, dir.path());
        world.questions.store(21, Ordering::SeqCst);
        assert!(matches!(once(&options, dir.path(), &world), Err(Error::Stopped)));
        world.questions.store(i64::MAX, Ordering::SeqCst);
        origin.lock().tokens.clear();
        origin.asked();
        let report = once(&options, dir.path(), &world).unwrap();
        assert!(report.ready);
        assert_eq!(content(&dir.path().join("copy")), origin.truth());
        let asked = origin.asked();
        assert_eq!(
            asked.iter().any(|p| p.starts_with("/fhir/Device?_lastUpdated=ge") && p.contains("_sort")),
            sorts,
            "{asked:?}"
        );
    }
}

#[test]
fn faults_of_line_and_server_are_waited_for() {
    let (origin, dir, world) = scene(12);
    let mut n = 0_usize;
    origin.lock().faults = Box::new(move |_| {
        n += 1;
        match n % 6 {
            0 => Some(Fault::Answer(429, vec![("retry-after", "7".into())], String::new())),
            1 => Some(Fault::HangUp),
            2 => Some(Fault::Truncate(n * 13 % 400)),
            3 => Some(Fault::Answer(503, Vec::new(), "<html>".into())),
            _ => None,
        }
    });
    let report = once(&options(&origin, dir.path()), dir.path(), &world).unwrap();
    assert!(report.ready);
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    let pauses = world.paused.lock().unwrap();
    assert!(pauses.iter().any(|p| *p >= Duration::from_secs(7) && *p < Duration::from_secs(8)), "Retry-After is honoured");
}

#[test]
fn silence_is_not_waited_for_for_ever() {
    let (origin, dir, world) = scene(5);
    let mut options = options(&origin, dir.path());
    (options.http.answer_time, options.http.body_time) = (Duration::from_millis(300), Duration::from_millis(300));
    let mut n = 0;
    origin.lock().faults = Box::new(move |_| {
        n += 1;
        match n % 4 {
            1 => Some(Fault::Stall(Duration::from_millis(900))),
            2 => Some(Fault::StallInBody(Duration::from_millis(900))),
            _ => None,
        }
    });
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    origin.lock().faults = Box::new(|_| Some(Fault::Stall(Duration::from_millis(900))));
    let error = once(&options, dir.path(), &world).unwrap_err().to_string();
    assert!(error.contains("6 attempts") && error.contains("run this again"), "{error}");
}

#[test]
fn what_an_origin_must_not_send_is_refused_in_a_sentence_and_changes_nothing() {
    let (origin, dir, world) = scene(12);
    let mut options = options(&origin, dir.path());
    options.max_change = 100;
    once(&options, dir.path(), &world).unwrap();
    let before = content(&dir.path().join("copy"));
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[]}"#;
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let answers: Vec<(Fault, &str)> = vec![
        (Fault::Answer(200, Vec::new(), outcome.into()), "OperationOutcome and no Bundle"),
        (Fault::Answer(200, Vec::new(), r#"{"resourceType":"Bundle","type":"batch"}"#.into()), "of type \"batch\""),
        (Fault::Answer(200, Vec::new(), nested), "no complete Bundle"),
        (Fault::Answer(302, vec![("location", "https://evil.example/".into())], String::new()), "redirects to"),
        (Fault::Answer(401, Vec::new(), String::new()), "it asks for a key"),
        (Fault::Answer(429, vec![("retry-after", "86400".into())], String::new()), "come back in 86400 s"),
        (Fault::Answer(200, vec![("content-encoding", "br".into())], "x".into()), "compressed as \"br\""),
        (
            Fault::Answer(
                200,
                Vec::new(),
                r#"{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"https://evil.example/x"}]}"#
                    .into(),
            ),
            "its link leads to https://evil.example/x",
        ),
    ];
    for (fault, said) in answers {
        origin.lock().faults = Box::new(move |asked| asked.path.contains("_lastUpdated").then(|| fault.clone()));
        let error = once(&options, dir.path(), &world).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(content(&dir.path().join("copy")), before, "{said}");
    }
    origin.lock().faults = Box::new(|_| None);
    once(&options, dir.path(), &world).unwrap();
}

#[test]
fn pages_in_a_circle_are_noticed() {
    let (origin, dir, world) = scene(12);
    let base = origin.base.clone();
    let mut n = 0;
    origin.lock().faults = Box::new(move |asked| {
        n += 1;
        asked.path.contains("/Device").then(|| {
            let body = format!(
                r#"{{"resourceType":"Bundle","type":"searchset","link":[{{"relation":"next","url":"{base}/Device?p={n}"}}],
                    "entry":[{{"resource":{{"resourceType":"Device","id":"a"}}}}]}}"#
            );
            Fault::Answer(200, Vec::new(), body)
        })
    });
    let error = once(&options(&origin, dir.path()), dir.path(), &world).unwrap_err().to_string();
    assert!(error.contains("lead in a circle"), "{error}");
    assert!(origin.asked().len() < 60);
}

#[test]
fn too_much_change_stops_before_anything_is_changed_and_can_be_confirmed() {
    let (origin, dir, world) = scene(30);
    origin.lock().history = true;
    let mut options = options(&origin, dir.path());
    once(&options, dir.path(), &world).unwrap();
    let before = content(&dir.path().join("copy"));
    origin.lock().delete("Device", "d-1");
    origin.put("Device", "d-2", r#""status":"inactive""#);
    for _ in 0..2 {
        let error = once(&options, dir.path(), &world).unwrap_err();
        assert!(matches!(error, Error::MassChange { gone: 2, known: 30, percent: 5, .. }), "{error}");
        assert!(error.to_string().contains("--confirm-mass-change"));
        assert_eq!(content(&dir.path().join("copy")), before);
    }
    options.confirm_mass_change = Some("the agency has announced it".into());
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    // An origin that was mended is asked again.
    options.confirm_mass_change = None;
    let held = origin.lock().resources.clone();
    for n in 3..20 {
        origin.lock().delete("Device", &format!("d-{n}"));
    }
    assert!(matches!(once(&options, dir.path(), &world), Err(Error::MassChange { .. })));
    let log = origin.lock().log.len() - 17;
    origin.lock().log.truncate(log);
    origin.lock().resources = held;
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}

#[test]
fn an_older_version_never_replaces_a_newer_one_and_a_clock_that_steps_back_loses_nothing() {
    let (origin, dir, world) = scene(6);
    let options = options(&origin, dir.path());
    once(&options, dir.path(), &world).unwrap();
    // A cache in front of the origin answers with an old version.
    let key = ("Device".to_owned(), "d-1".to_owned());
    origin.put("Device", "d-1", r#""x":"two""#);
    let old = origin.lock().resources[&key].clone();
    origin.put("Device", "d-1", r#""x":"three""#);
    once(&options, dir.path(), &world).unwrap();
    let right = origin.truth();
    let newest = origin.lock().resources.insert(key.clone(), old).unwrap();
    let report = once(&options, dir.path(), &world).unwrap();
    assert_eq!(report.counts.older, 1, "{report:?}");
    assert_eq!(content(&dir.path().join("copy")), right);
    origin.lock().resources.insert(key, newest);
    // The clock of the origin steps back by a day, and something changes then.
    origin.lock().clock_ms -= 86_400_000;
    world.pass(60_000);
    origin.lock().clock_ms += 60_000;
    origin.put("Device", "d-2", r#""x":"after the step""#);
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}

#[test]
fn an_origin_that_counts_anew_is_believed_once_it_is_asked_by_name() {
    let (origin, dir, world) = scene(6);
    let mut options = options(&origin, dir.path());
    origin.put("Device", "d-1", r#""x":"two""#);
    once(&options, dir.path(), &world).unwrap();
    origin.lock().resources.remove(&("Device".into(), "d-1".into()));
    origin.put("Device", "d-1", r#""x":"one again""#);
    let report = once(&options, dir.path(), &world).unwrap();
    assert_eq!((report.counts.older, report.counts.changes()), (1, 0), "a page may come from a cache");
    options.reconcile = Duration::ZERO;
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}

#[test]
fn a_list_that_leaves_doubt_deletes_nothing() {
    let (origin, dir, world) = scene(20);
    let mut options = options(&origin, dir.path());
    options.max_change = 100;
    options.reconcile = Duration::ZERO;
    once(&options, dir.path(), &world).unwrap();
    let before = content(&dir.path().join("copy"));
    // Half of the ids, and a total that says so.
    let half: Vec<String> = (0..10).map(|n| format!(r#"{{"resource":{{"resourceType":"Device","id":"d-{n}"}}}}"#)).collect();
    let body = format!(r#"{{"resourceType":"Bundle","type":"searchset","total":20,"entry":[{}]}}"#, half.join(","));
    origin.lock().faults =
        Box::new(move |asked| asked.path.contains("/Device?_elements").then(|| Fault::Answer(200, Vec::new(), body.clone())));
    let report = once(&options, dir.path(), &world).unwrap();
    assert!(report.doubtful.contains("Device"), "{report:?}");
    assert_eq!(content(&dir.path().join("copy")), before);
    // A list that slips: it names 19 of 20 without saying so. The one that is missing is asked for, and stays.
    let most: Vec<String> = (0..20)
        .filter(|n| *n != 7)
        .map(|n| common::resource("Device", &format!("d-{n}"), &origin.lock().resources[&("Device".into(), format!("d-{n}"))]))
        .map(|json| format!(r#"{{"resource":{json}}}"#))
        .collect();
    let body = format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, most.join(","));
    origin.lock().faults =
        Box::new(move |asked| asked.path.contains("/Device?_elements").then(|| Fault::Answer(200, Vec::new(), body.clone())));
    let report = once(&options, dir.path(), &world).unwrap();
    assert_eq!((report.differences, report.counts.deleted), (1, 0), "{report:?}");
    assert_eq!(content(&dir.path().join("copy")), before);
}

#[test]
fn the_size_of_pages_is_what_the_origin_accepts_and_entries_of_others_are_left_out() {
    let (origin, dir, world) = scene(20);
    origin.lock().count_max = 30;
    let mut options = options(&origin, dir.path());
    options.page_size = 100;
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    assert!(origin.asked().iter().any(|p| p.contains("_count=25")));
}

#[test]
fn a_directory_is_of_one_origin_and_one_mirror_at_a_time() {
    let (origin, dir, world) = scene(3);
    let options = options(&origin, dir.path());
    once(&options, dir.path(), &world).unwrap();
    let (other, _, _) = scene(3);
    let moved = MirrorOptions { origin: other.base.clone(), ..options.clone() };
    let error = once(&moved, dir.path(), &world).unwrap_err().to_string();
    assert!(error.contains("this directory is the mirror of"), "{error}");
    let typed = MirrorOptions { types: ["Device".to_owned()].into(), ..options.clone() };
    assert!(once(&typed, dir.path(), &world).unwrap_err().to_string().contains("for other types use another directory"));
    let sink = || Box::new(FileSink::open(&dir.path().join("copy")).unwrap());
    let first = Mirror::open(options.clone(), sink(), world.clone()).unwrap();
    let error = Mirror::open(options.clone(), sink(), world.clone()).err().unwrap().to_string();
    assert!(error.contains("another mirror works on this directory"), "{error}");
    drop(first);
    // The state is lost: what is there is not taken for ours. The copy is lost: it is made anew.
    let lost = MirrorOptions { state: dir.path().join("other state"), ..options.clone() };
    assert!(once(&lost, dir.path(), &world).unwrap_err().to_string().contains("another mirror"));
    std::fs::remove_dir_all(dir.path().join("copy")).unwrap();
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}

#[test]
fn the_key_goes_to_the_origin_only_and_never_unencrypted() {
    let (origin, dir, world) = scene(3);
    let mut options = options(&origin, dir.path());
    options.http.key = Some(annuaire_mirror::AccessKey::new("ESANTE-API-KEY", "secret").unwrap());
    options.channel = MirrorChannel::Plain;
    once(&options, dir.path(), &world).unwrap();
    assert!(origin.lock().asked.iter().all(|a| a.headers.get("esante-api-key").is_some_and(|k| k == "secret")));
    options.origin = "http://directory.example/fhir".into();
    options.state = dir.path().join("s2");
    let error =
        Mirror::open(options, Box::new(FileSink::open(&dir.path().join("c2")).unwrap()), world).err().unwrap().to_string();
    assert!(error.contains("unencrypted") && !error.contains("secret"), "{error}");
}
