//! A directory that copies another one: exact, kept fresh, served when the origin is gone, and never half of it.
#![allow(clippy::unwrap_used, missing_docs)]
#![expect(clippy::disallowed_methods, reason = "how long the program takes to answer or to end is measured")]
#![cfg(unix)]

mod common;

use annuaire_testkit::Dice;
use common::breaking_line::BreakingLine;
use common::{Server, annuaire, delivery, import, path_str, program, published_resources, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A fictional population in two deliveries.
fn population(dir: &Path, professionals: &str) -> [Vec<PathBuf>; 2] {
    let files = dir.join("files");
    let seeded = ["--seed", "11", "--changed-per-mille", "30", "--out", path_str(&files)];
    assert!(annuaire(&[&["generate", "--professionals", professionals][..], &seeded].concat()).0);
    [delivery(&files), delivery(&files.join("next"))]
}

fn base(server: &Server) -> String {
    format!("http://{}", server.base)
}

fn mirror(origin: &str, data: &Path) -> (i32, String) {
    run(&["mirror", origin, "--data", path_str(data), "--once", "--rate", "1000", "--quiet"])
}

#[test]
fn a_copy_is_its_origin_to_the_byte_and_outlives_it() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = population(dir.path(), "300");
    let (origin_data, data) = (dir.path().join("origin"), dir.path().join("copy"));
    assert!(import(&origin_data, &first).0);
    let origin = Server::start(&origin_data, &[]);
    let url = base(&origin);
    let (code, output) = mirror(&url, &data);
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("the state of transaction 1"), "{output}");
    let copy = Server::start(&data, &[]);
    let published = published_resources(&origin);
    assert!(published.len() > 900);
    assert_eq!(published_resources(&copy), published);

    // A running copy takes what the origin commits.
    assert!(import(&origin_data, &second).0);
    copy.until(2);
    let published = published_resources(&origin);
    assert_eq!(published_resources(&copy), published);
    let told = |server: &Server| server.get("$changes?after=1&limit=9999", "").1;
    assert!(told(&origin).lines().count() > 10);
    let lines = |text: String| text.lines().filter(|line| line.starts_with('{')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(told(&copy)), lines(told(&origin)), "and tells it as the origin does");

    // The origin is gone: what was copied is served, and health says why it is not fresh.
    drop(origin);
    let begun = Instant::now();
    while copy.json(&format!("http://{}/health", copy.base.split_once('/').unwrap().0))["status"] == "ok" {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(published_resources(&copy), published);
    drop(copy);
    let settings = data.join("annuaire.toml");
    fs::write(&settings, "[registration]\nrpps_prefix = \"999\"\n").unwrap();
    let (code, output) = run(&["serve", "--quiet", "--listen", "127.0.0.1:0", "--data", path_str(&data)]);
    assert!(code != 0 && output.contains("has no registry to register people in"), "{output}");
    fs::remove_file(&settings).unwrap();
    let copy = Server::start(&data, &[]);
    assert_eq!(published_resources(&copy), published, "offline from the start");

    let (code, output) = run(&["status", "--data", path_str(&data)]);
    assert!(code == 0 && output.contains(&format!("copies {url}")), "{output}");
    let (_, output) = run(&["doctor", "--data", path_str(&data)]);
    assert!(output.contains("OK   registry: none: this directory copies"), "{output}");

    // Two programs on one directory, another origin, a delivery into a copy: refused, and nothing changes.
    let (code, output) = mirror(&url, &data);
    assert!(code != 0 && output.contains("keeps its copy fresh itself"), "{output}");
    drop(copy);
    let (code, output) = mirror("http://127.0.0.1:9/fhir/v2", &data);
    assert!(code != 0 && output.contains("this directory copies"), "{output}");
    let (ok, output) = import(&data, &first);
    assert!(!ok && output.contains("has no registry"), "{output}");
    let (code, output) = run(&["rebuild", "--data", path_str(&data)]);
    assert!(code != 0 && output.contains("has no registry"), "{output}");
}

#[test]
fn another_log_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = population(dir.path(), "60");
    let data = dir.path().join("copy");
    let (one, other) = (dir.path().join("one"), dir.path().join("other"));
    assert!(import(&one, &first).0 && import(&other, &first).0 && import(&other, &second).0);
    let origin = Server::start(&one, &[]);
    assert_eq!(mirror(&base(&origin), &data).0, 0);
    let before = published_resources(&origin);
    let address = origin.base.split_once('/').unwrap().0.to_owned();
    drop(origin);
    // Another registry answers at the address of the origin.
    let impostor =
        program().args(["serve", "--quiet", "--listen", &address, "--data", path_str(&other)]).stdout(Stdio::null()).spawn();
    let _impostor = Server { child: impostor.unwrap(), base: format!("{address}/fhir/v2") };
    while std::net::TcpStream::connect(&address).is_err() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, output) = mirror(&format!("http://{address}/fhir/v2"), &data);
    assert!(code != 0 && output.contains("another log"), "{output}");
    let copy = Server::start(&data, &[]);
    assert_eq!(published_resources(&copy), before);
}

#[test]
fn a_copy_that_is_killed_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = population(dir.path(), "400");
    let (origin_data, data) = (dir.path().join("origin"), dir.path().join("copy"));
    assert!(import(&origin_data, &first).0);
    let origin = Server::start(&origin_data, &[]);
    let mut dice = Dice::new(5, 0, 0);
    let mut killed = |data: &Path| {
        let arguments = ["mirror", &base(&origin), "--data", path_str(data), "--once", "--rate", "1000", "--quiet"];
        let mut child = program().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(dice.below(900)));
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        ended
    };
    for _ in 0..6 {
        killed(&data);
    }
    let (code, output) = mirror(&base(&origin), &data);
    assert_eq!(code, 0, "{output}");
    assert!(import(&origin_data, &second).0);
    for _ in 0..6 {
        killed(&data);
    }
    assert_eq!(mirror(&base(&origin), &data).0, 0);
    let copy = Server::start(&data, &[]);
    assert_eq!(published_resources(&copy), published_resources(&origin));
}

#[test]
fn a_copy_comes_through_a_line_that_breaks() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = population(dir.path(), "400");
    let (origin_data, data) = (dir.path().join("origin"), dir.path().join("copy"));
    assert!(import(&origin_data, &first).0);
    let origin = Server::start(&origin_data, &[]);
    // An answer with all lines takes more than twice the longest connection, even if it is compressed to a thirtieth.
    let all = origin.get("$changes?after=0&limit=9999", "").1.len();
    let longest = 20_000;
    assert!(all > 2 * longest * 30, "{all}");
    let line = BreakingLine::new(longest as u64);
    line.to(&origin);
    line.breaks.store(i64::MAX, Ordering::SeqCst);
    let until_complete = || {
        let complete = (0..30).any(|_| mirror(&line.base, &data).0 == 0);
        assert!(complete, "it goes on where it was");
    };
    until_complete();
    assert!(import(&origin_data, &second).0);
    until_complete();
    let copy = Server::start(&data, &[]);
    assert_eq!(published_resources(&copy), published_resources(&origin));
}
