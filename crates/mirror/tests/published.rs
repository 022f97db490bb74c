//! Mirrors of published files, over good and bad lines.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_mirror::{Error, FileSink, Mirror, MirrorChannel, MirrorOptions, Result, RunReport};
use common::publisher::{Publisher, damage};
use common::{FakeOrigin, Fault, TestWorld, content};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn options(origin: &FakeOrigin, dir: &Path) -> MirrorOptions {
    let mut options = MirrorOptions::new(&origin.base, dir.join("state"));
    options.http.rate = 1_000_000;
    options.max_change = 30;
    options
}

fn once(options: &MirrorOptions, dir: &Path, world: &Arc<TestWorld>) -> Result<RunReport> {
    let sink = FileSink::open(&dir.join("copy"))?;
    Mirror::open(options.clone(), Box::new(sink), world.clone())?.once()
}

fn scene(resources: usize, encoding: &str) -> (FakeOrigin, Publisher, tempfile::TempDir, Arc<TestWorld>) {
    let origin = FakeOrigin::start();
    origin.lock().publishes = true;
    for n in 0..resources {
        origin.put("Device", &format!("d-{n}"), &format!(r#""status":"active","x":"{n} é""#));
        origin.put("Organization", &format!("o-{n}"), r#""active":true"#);
    }
    let mut publisher = Publisher::default();
    publisher.root(&origin, encoding);
    (origin, publisher, tempfile::tempdir().unwrap(), TestWorld::new(3))
}

#[test]
fn a_root_and_its_increments_are_followed() {
    for encoding in ["identity", "gzip", "zstd"] {
        let (origin, mut publisher, dir, world) = scene(20, encoding);
        let options = options(&origin, dir.path());
        let report = once(&options, dir.path(), &world).unwrap();
        assert!(report.ready && report.counts.upserted == 40 && report.rounds == 1, "{report:?}");
        assert_eq!(report.cadence.as_deref(), Some("PT15M"));
        assert_eq!(content(&dir.path().join("copy")), origin.truth());
        origin.put("Device", "d-3", r#""status":"active","x":"new""#);
        origin.lock().delete("Organization", "o-4");
        publisher.increment(&origin, encoding);
        origin.put("Device", "d-3", r#""status":"active","x":"newer""#);
        publisher.increment(&origin, encoding);
        let report = once(&options, dir.path(), &world).unwrap();
        assert_eq!((report.rounds, report.counts.upserted, report.counts.deleted), (2, 2, 1), "{report:?}");
        assert_eq!(content(&dir.path().join("copy")), origin.truth());
        // Nothing new costs one conditional request.
        origin.asked();
        assert_eq!(once(&options, dir.path(), &world).unwrap().rounds, 0);
        assert_eq!(origin.asked(), ["/fhir/page-2"]);
        // The end of a chain: what the new root does not name is gone.
        origin.lock().delete("Device", "d-9");
        publisher.root(&origin, encoding);
        let report = once(&options, dir.path(), &world).unwrap();
        assert_eq!((report.counts.upserted, report.counts.deleted, report.copied_anew), (0, 1, true), "{report:?}");
        assert_eq!(content(&dir.path().join("copy")), origin.truth());
    }
}

#[test]
fn a_root_without_chain_is_asked_again_and_a_chain_goes_on_after_a_stop() {
    let (origin, mut publisher, dir, world) = scene(10, "zstd");
    let options = options(&origin, dir.path());
    // The increments are there before the first load, which stops after the root.
    origin.put("Device", "d-3", r#""x":"new""#);
    publisher.increment(&origin, "zstd");
    origin.put("Device", "d-4", r#""x":"newer""#);
    publisher.increment(&origin, "zstd");
    origin.lock().faults = Box::new(|asked| asked.path.contains("page-2").then(|| Fault::Answer(502, Vec::new(), String::new())));
    once(&options, dir.path(), &world).unwrap_err();
    assert_ne!(content(&dir.path().join("copy")), origin.truth());
    origin.lock().faults = Box::new(|_| None);
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    // Another origin replaces its root, which has two pages and no chain, and gives no ETags.
    let (origin, mut publisher, dir, world) = scene(10, "gzip");
    let options = self::options(&origin, dir.path());
    let unchain = |origin: &FakeOrigin| {
        let mut state = origin.lock();
        for path in ["/fhir/root-1-2", "/fhir/root-2-2"] {
            if let Some((body, _)) = state.files.get_mut(path) {
                let text = String::from_utf8(body.clone()).unwrap();
                *body = text.split(",\"link\"").next().map(|head| format!("{head}}}").into_bytes()).unwrap();
            }
        }
        state.files.iter_mut().filter(|(path, _)| path.starts_with("/fhir/")).for_each(|(_, file)| file.1 = String::new());
    };
    unchain(&origin);
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    assert_eq!(once(&options, dir.path(), &world).unwrap().rounds, 0);
    origin.put("Device", "d-3", r#""x":"new""#);
    publisher.root(&origin, "gzip");
    unchain(&origin);
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}

#[test]
fn files_go_on_at_any_byte() {
    let (origin, _, dir, world) = scene(40, "identity");
    origin.lock().file_bytes = 173;
    let options = options(&origin, dir.path());
    let mut stops = 0;
    loop {
        world.questions.store(14, Ordering::SeqCst);
        match once(&options, dir.path(), &world) {
            Ok(_) => break,
            Err(Error::Stopped) => stops += 1,
            Err(e) => panic!("{e}"),
        }
        assert!(stops < 400);
    }
    assert!(stops > 3);
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
    let state = origin.lock();
    let ranges = state.asked.iter().filter(|a| a.headers.contains_key("range")).collect::<Vec<_>>();
    assert!(ranges.len() > 20 && ranges.iter().all(|a| a.headers.contains_key("if-range")), "{}", ranges.len());
}

#[test]
fn a_file_with_wrong_bytes_is_never_applied() {
    for encoding in ["identity", "zstd"] {
        let (origin, mut publisher, dir, world) = scene(20, encoding);
        let options = options(&origin, dir.path());
        once(&options, dir.path(), &world).unwrap();
        let before = content(&dir.path().join("copy"));
        origin.lock().files.retain(|path, _| !path.starts_with("/files/"));
        origin.put("Device", "d-3", r#""status":"active","x":"new""#);
        publisher.increment(&origin, encoding);
        damage(&origin, 0);
        let error = once(&options, dir.path(), &world).unwrap_err().to_string();
        assert!(error.contains("has not the digest"), "{error}");
        assert_eq!(content(&dir.path().join("copy")), before);
        // A file that changed while it was received is noticed by its ETag, and by its digest.
        damage(&origin, 0);
        once(&options, dir.path(), &world).unwrap();
        assert_eq!(content(&dir.path().join("copy")), origin.truth());
    }
}

#[test]
fn what_is_gone_leads_back_to_the_root_and_the_old_state_stands_meanwhile() {
    let (origin, mut publisher, dir, world) = scene(20, "gzip");
    let options = options(&origin, dir.path());
    once(&options, dir.path(), &world).unwrap();
    let before = content(&dir.path().join("copy"));
    for status in [404, 410] {
        origin.put("Device", "d-3", &format!(r#""status":"active","x":"{status}""#));
        publisher.increment(&origin, "gzip");
        // The last page cannot be had, nor the root: the old state stands.
        origin.lock().faults =
            Box::new(move |asked| (!asked.path.contains("metadata")).then(|| Fault::Answer(status, Vec::new(), String::new())));
        let error = once(&options, dir.path(), &world).unwrap_err();
        assert!(matches!(error, Error::Status { status: found, .. } if found == status), "{error}");
        assert_eq!(content(&dir.path().join("copy")), before);
        origin.lock().faults = Box::new(|_| None);
    }
    // The pages of the chain are gone for good; a new root stands.
    origin.lock().files.retain(|path, _| !path.contains("root-1") && !path.contains("page-"));
    publisher.root(&origin, "gzip");
    let report = once(&options, dir.path(), &world).unwrap();
    assert!(report.copied_anew && report.counts.upserted == 1, "{report:?}");
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}

#[test]
fn hostile_manifests_are_refused() {
    let (origin, _, dir, world) = scene(5, "identity");
    let mut options = options(&origin, dir.path());
    options.channel = MirrorChannel::Published;
    let file = r#"{"type":"Device","url":"/files/x","count":1,"extension":{"size":60,"encoding":"ENCODING"}}"#;
    let with = |file: &str| format!(r#"{{"transactionTime":"2026-11-26T10:00:00Z","output":[{file}]}}"#);
    for (manifest, said) in [
        (with(r#"{"type":"Device","url":"https://evil.example/x"}"#), "this file is not at the origin"),
        (with(r#"{"type":"../x","url":"/files/x"}"#), "which is none"),
        (with(&file.replace("ENCODING", "7z")), "compressed as \"7z\""),
        (with(&file.replace("ENCODING", "identity").replace("60", "40")), "longer than the 40 bytes"),
        (with(&file.replace("ENCODING", "identity").replace("60", "70")), "ends after 60 bytes, 70 are announced"),
        (with(&file.replace("ENCODING", "identity").replace(":1,", ":2,")), "2 are announced"),
        (with(&file.replace("ENCODING", "gzip")), "is damaged"),
        (with(&file.replace("\"encoding\":\"ENCODING\"", "\"sha256\":\"00\"")), "has not the digest"),
        (r#"{"transactionTime":"tomorrow","output":[]}"#.to_owned(), "is no instant"),
        (
            r#"{"transactionTime":"2026-11-26T10:00:00Z","link":[{"relation":"next","url":"/fhir/$bulk-publish"}]}"#.to_owned(),
            "in a circle",
        ),
        (r#"{"resourceType":"OperationOutcome"}"#.to_owned(), "a OperationOutcome where a manifest"),
    ] {
        let line = r#"{"resourceType":"Device","id":"a","x":"0123456789012345678"}"#;
        let mut bytes = line.as_bytes().to_vec();
        bytes.truncate(59);
        bytes.push(b'\n');
        assert_eq!(bytes.len(), 60);
        {
            let mut state = origin.lock();
            state.files.insert("/fhir/$bulk-publish".into(), (manifest.clone().into_bytes(), "\"m\"".into()));
            state.files.insert("/files/x".into(), (bytes, "\"x\"".into()));
        }
        let error = once(&options, dir.path(), &world).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert!(!dir.path().join("copy/manifest.json").exists());
    }
}

#[test]
fn a_mass_change_that_the_manifest_announces_passes() {
    let (origin, mut publisher, dir, world) = scene(20, "zstd");
    let options = options(&origin, dir.path());
    once(&options, dir.path(), &world).unwrap();
    let before = content(&dir.path().join("copy"));
    for n in 0..15 {
        origin.lock().delete("Device", &format!("d-{n}"));
    }
    publisher.increment(&origin, "zstd");
    let error = once(&options, dir.path(), &world).unwrap_err();
    assert!(matches!(error, Error::MassChange { gone: 15, known: 20, .. }), "{error}");
    assert_eq!(content(&dir.path().join("copy")), before);
    {
        let mut state = origin.lock();
        let (body, etag) = state.files.get_mut("/fhir/page-1").unwrap();
        let text = String::from_utf8(body.clone()).unwrap();
        let text = text.replacen('{', r#"{"extension":{"mass-change":{"reason":"a register was closed"}},"#, 1);
        (*body, *etag) = (text.into_bytes(), "\"announced\"".into());
    }
    once(&options, dir.path(), &world).unwrap();
    assert_eq!(content(&dir.path().join("copy")), origin.truth());
}
