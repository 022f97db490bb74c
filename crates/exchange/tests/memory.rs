//! The memory of an import is bounded by its limits, whatever the file: each of these took gigabytes once.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use annuaire_exchange::{Options, import};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Begins a new peak: files are made by this process too.
fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Peak of the memory of this process, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn zipped(dir: &Path, name: &str, member: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    zip.start_file(member, zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap();
    path
}

fn plain(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn no_file_takes_more_than_the_limits() {
    let dir = tempfile::tempdir().unwrap();
    let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("r")).unwrap();
    let spill = Some(dir.path().to_owned());
    let header = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/PS_LibreAcces_SavoirFaire_202610080843.txt"),
    );
    let header = header.unwrap().lines().next().unwrap().to_owned();
    let columns = header.matches('|').count();
    let lines = |of: &dyn Fn(u32) -> String, n: u32| {
        let mut text = format!("{header}\n");
        for i in 0..n {
            let line = of(i);
            writeln!(text, "{line}{}", "|".repeat(columns - line.matches('|').count())).unwrap();
        }
        text
    };
    let member = "PS_LibreAcces_SavoirFaire_202611240800.txt";
    let mut cases: Vec<(&str, PathBuf, &str)> = Vec::new();
    // A person on 400,000 lines, each with a code of its own.
    let one = lines(&|n| format!("8|10999000010|810999000010|||10||{n:06}|"), 400_000);
    cases.push((
        "lines of one person",
        zipped(dir.path(), "PS_LibreAcces_SavoirFaire_202611240900.zip", member, &one),
        "repeats itself",
    ));
    drop(one);
    // Records of 60 MB, one of them in a feed.
    let long = "x".repeat(60 << 20);
    let record = format!(
        "{{\"pmej\":[{{\"informationsGeneralesPMEJ\":{{\"numFinessPm\":\"990001000\",\"denominationPm\":\"{long}\"}}}}]}}"
    );
    cases.push(("a long record", plain(dir.path(), "finess-structures-journalier-20261124.json", &record), "larger than"));
    drop(record);
    let resource =
        format!("{{\"resourceType\":\"Device\",\"id\":\"a\"}}\n{{\"resourceType\":\"Device\",\"id\":\"b\",\"x\":\"{long}\"}}\n");
    cases.push(("a long resource", plain(dir.path(), "Device.ndjson", &resource), "more than"));
    drop((resource, long));
    // Millions of empty establishments in few bytes.
    let empty = format!(
        "{{\"pmej\":[{{\"informationsGeneralesPMEJ\":{{\"numFinessPm\":\"990001000\"}},\"ege\":[{}{{}}]}}]}}",
        "{},".repeat(4_000_000)
    );
    cases.push(("empty objects", zipped(dir.path(), "f.zip", "finess-structures-journalier-20261125.json", &empty), "objects"));
    drop(empty);
    // What is accepted takes its size in the sorter and little more: thirty of the largest resources.
    let mut feed = String::new();
    for n in 0..30 {
        writeln!(feed, "{{\"resourceType\":\"Device\",\"id\":\"d{n}\",\"x\":\"{}\"}}", "x".repeat((1 << 20) - 100)).unwrap();
    }
    cases.push(("large resources", plain(dir.path(), "Devices.ndjson", &feed), "created: 30"));
    drop(feed);
    for (what, path, reason) in cases {
        let options = Options { spill: spill.clone(), threads: 2, ..Options::default() };
        forget_peak();
        let said = import(&registry, &[path], &options).map(|r| format!("{r:?}")).unwrap_or_else(|e| e.to_string());
        eprintln!("{what}: {} MiB", peak());
        assert!(said.contains(reason), "{what}: {said}");
        assert!(peak() < 400, "{what}: {} MiB", peak());
    }
}
