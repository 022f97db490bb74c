//! `cargo run --release -p annuaire-bench -- [PROFESSIONALS] [SECONDS] [NAME=BASE_URL…]`: generates a nation, imports it,
//! serves it, and prints tables. It measures the program `annuaire` of its own directory, nginx beside it when installed, and
//! the FHIR servers given as `NAME=BASE_URL`.
//!
//! Other tables, by a first word: `commits` (small commits beside readers and imports), `year` (a year of deliveries and
//! registrations), `logins` and `registrations` (what the portal waits for), `portal` (its pages), `files` (the directory as files), `gold` (how good the search of the pages is), `databases` (PostgreSQL beside SQLite). With `cargo xtask with-postgres` before them, `commits`, `logins`,
//! `registrations` and `databases` measure PostgreSQL.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod abuse;
mod commits;
mod databases;
mod files;
mod gold;
mod imports;
mod load;
mod logins;
mod names;
mod others;
mod pages;
mod portal;
mod program;
mod registrations;
mod searches;
mod table;
mod writer;
mod year;

use anyhow::{Context, Result};
use load::Figures;
use program::{MeasuredServer, Nginx, disk, measured, serve, serve_with};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Instant;
use table::{CONNECTIONS, mib, row};

/// Pages of each type that are walked compressed.
const GZIP_PAGES: usize = 300;
/// Connections that stay idle, when a load lasts a second or more.
const IDLE: f64 = 10_000.0;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |n: usize, default: &'static str| words.get(n).cloned().unwrap_or_else(|| default.to_owned());
    match word(0, "").as_str() {
        "commits" => return commits::run(&word(1, "200000"), word(2, "60").parse()?, &word(3, "2000000")),
        "databases" => return databases::run(&word(1, "300000")),
        "logins" => return logins::run(&word(1, "20000"), word(2, "3").parse()?),
        "registrations" => return registrations::run(word(1, "2000").parse()?),
        "portal" => return portal::run(&word(1, "200000")),
        "gold" => return gold::run(word(1, "200000").parse()?),
        "files" => return files::run(&word(1, "200000"), word(2, "3").parse()?),
        "year" => return year::run(&word(1, "200000"), word(2, "365").parse()?, word(3, "30000").parse()?),
        _ => {}
    }
    let mut arguments = words.into_iter();
    let professionals: u32 = arguments.next().map_or(Ok(20_000), |a| a.parse()).context("a number of professionals")?;
    let seconds: f64 = arguments.next().map_or(Ok(3.0), |a| a.parse()).context("seconds for each load")?;
    let servers: Vec<String> = arguments.collect();
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data").to_string_lossy().into_owned();
    let everything = store(professionals, dir.path(), &data)?;

    let nginx = Nginx::start(dir.path());
    let (server, _) = serve(&data)?;
    let host = server.host.as_str();
    println!("\n| {CONNECTIONS} clients | Figure |\n|---|---|");
    names::measure(host, &everything.names, nginx.as_ref(), seconds);
    let ours = loads(host, &everything.page, nginx.as_ref(), seconds);
    others::measure(&servers, &ours, seconds);
    if nginx.is_none() {
        row("nginx", "not installed: no ratio");
    }
    searches(host, seconds / 3.0);
    pages::deep(host, seconds * 30.0);
    memory("Memory while serving", &server);
    let [(_, reads), (_, identifiers), _] = others::loads(&everything.page, "/fhir/v2");
    abuse::idle(&server, &reads, (IDLE * seconds.min(1.0)) as usize, seconds);
    drop(server);
    let keys = dir.path().join("keys");
    fs::write(&keys, abuse::KEYS.join("\n"))?;
    let (server, _) = serve_with(&data, &["--api-keys", &keys.to_string_lossy()], &abuse::key(abuse::KEYS[0]))?;
    abuse::measure(&server.host, &reads, &identifiers, &everything.names, seconds);
    memory("Memory after the abuse", &server);
    Ok(())
}

fn memory(what: &str, server: &MeasuredServer) {
    let (resident, anonymous) = (server.memory_kib("VmRSS") / 1024, server.memory_kib("RssAnon") / 1024);
    println!("\n| {what} | {resident} MiB resident, of which {anonymous} MiB beyond page cache |\n|---|---|");
}

/// What the loads are made of.
struct Everything {
    names: Vec<String>,
    /// Some practitioners.
    page: Value,
}

/// Imports, walks and weighs.
fn store(professionals: u32, dir: &Path, data: &str) -> Result<Everything> {
    let files = dir.join("files");
    let count = professionals.to_string();
    let generated = measured(&["generate", "--professionals", &count, "--seed", "7", "--out", &files.to_string_lossy()])?;
    let import = |folder: &Path| imports::import(Path::new(data), &[], &imports::files(folder)?);
    let first = import(&files)?;
    println!("| What | Figure |\n|---|---|");
    let size = mib(disk(&files));
    row(
        &format!("generate {professionals} professionals, two deliveries"),
        &format!("{:.1} s, {size:.0} MiB of files", generated.seconds),
    );
    let objects = first.said.split("transaction 1: ").nth(1).and_then(|t| t.split(' ').next()).unwrap_or("?");

    let (server, start) = serve(data)?;
    let names = names::queries(&server.host)?;
    let page = load::json(&server.host, "/fhir/v2/Practitioner?_count=400")?;
    drop(server);
    let [(_, reads), ..] = others::loads(&page, "/fhir/v2");
    let next = imports::next_day(data, &reads, &|| import(&files.join("next")));

    let (server, _) = serve(data)?;
    let walk = pages::walk(&server.host, false, usize::MAX)?;
    row(
        "import into an empty registry, published",
        &format!(
            "{:.1} s, {objects} objects, {:.0} resources/s, peak {} MiB",
            first.seconds,
            walk.resources as f64 / first.seconds,
            first.peak_mib
        ),
    );
    row("import of the second delivery", &next.unwrap_or_else(|e| format!("not measured: {e:#}")));
    row("start to first answer", &format!("{start:.2} s"));
    row("full walk, `_count=1000`", &format!("{} resources, {:.0}/s", walk.resources, walk.per_second()));
    row(
        &format!("walk with gzip, {GZIP_PAGES} pages of each type"),
        &pages::walk(&server.host, true, GZIP_PAGES).map_or_else(
            |e| format!("not measured: {e:#}"),
            |w| format!("{} resources, {:.0}/s, {:.1} MiB received", w.resources, w.per_second(), mib(w.received)),
        ),
    );
    let (registry, public) = (dir.join("data/registry.sqlite"), disk(&dir.join("data/public")));
    row(
        "disk",
        &format!(
            "registry {:.0} MiB, public store {:.0} MiB ({:.0} bytes a resource), NDJSON {:.0} MiB, the same by zstd -3 {:.0} MiB",
            mib(disk(&registry) + disk(&registry.with_extension("sqlite-wal"))),
            mib(public),
            public as f64 / walk.resources.max(1) as f64,
            mib(walk.ndjson),
            mib(walk.packed)
        ),
    );
    println!("\n| Stage of the first import | Seconds |\n|---|---|");
    let stages = imports::stages(&first.said);
    for (name, seconds) in &stages {
        row(name, &format!("{seconds:.1}"));
    }
    let rest = first.seconds - stages.iter().map(|s| s.1).sum::<f64>();
    row("publishing, and what is in no stage", &format!("{rest:.1}"));
    Ok(Everything { names, page })
}

/// The loads that nginx or another server can be compared with, then some that they cannot.
fn loads(host: &str, page: &Value, nginx: Option<&Nginx>, seconds: f64) -> Vec<(&'static str, Figures)> {
    let mut ours = Vec::new();
    for (name, paths) in others::loads(page, "/fhir/v2") {
        let f = load::run(host, &paths, "", CONNECTIONS, seconds);
        // Names have rows of their own beside nginx.
        if !name.starts_with("name") {
            let file = paths.first().map(|p| load::fetch(host, p).unwrap_or_default()).unwrap_or_default();
            let rival = nginx.map(|n| f.beside("nginx", &n.run(&file, "", CONNECTIONS, seconds)));
            row(name, &format!("{f}{}", rival.unwrap_or_default()));
        }
        ours.push((name, f));
    }
    for (name, query) in [
        ("`:contains`, page of 50", "Practitioner?name:contains=rti&_count=50"),
        (
            "10 hospitals and their roles (`_revinclude`)",
            "Organization?name=centre%20hosp&_count=10&_revinclude=PractitionerRole:organization",
        ),
    ] {
        row(name, &load::run(host, &[format!("/fhir/v2/{query}")], "", CONNECTIONS, seconds).to_string());
    }
    ours
}

/// Every kind of search, by one client.
fn searches(host: &str, seconds: f64) {
    // What was found is remembered: the first time is what a search costs, the others what its next pages cost.
    println!("\n| Search, page of 50, one client | first time | p50 | p99 | total |\n|---|---|---|---|---|");
    let long = searches::long_list();
    for (name, query) in searches::ALL.iter().copied().chain([("66 categories", long.as_str())]) {
        let path = format!("/fhir/v2/{query}");
        let shown: String = query.chars().take(90).collect();
        let start = Instant::now();
        let answer = load::json(host, &path);
        let first = start.elapsed().as_micros();
        match answer {
            Err(e) => println!("| {name}: `{shown}` | {e:#} | | | |"),
            Ok(answer) => {
                let total = answer["total"].as_u64().map_or_else(|| "unknown".to_owned(), |n| n.to_string());
                let f = load::run(host, &[path], "", 1, seconds);
                println!("| {name}: `{shown}` | {first} µs | {} µs | {} µs | {total}{} |", f.p50(), f.p99(), f.refusals());
            }
        }
    }
}
