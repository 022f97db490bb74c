//! `cargo run --release -p annuaire-bench -- [PROFESSIONALS] [SECONDS]`: generates a nation, imports it, serves it, and prints
//! a table. Measures the release binary next to it; nginx too when it is installed.

#![allow(missing_docs)]

mod load;
mod searches;

use load::{Connection, Figures};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Connections of a load.
const CONNECTIONS: usize = 8;

fn annuaire() -> PathBuf {
    let path = std::env::current_exe().expect("own path").with_file_name("annuaire");
    assert!(path.exists(), "build it first: cargo build --release");
    path
}

/// Runs the program to its end; returns its words, the seconds and the peak memory in MiB.
fn measured(arguments: &[&str]) -> (String, f64, u64) {
    let start = Instant::now();
    let child = Command::new(annuaire()).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("annuaire");
    let pid = child.id();
    let watch = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(kib) = memory(pid, "VmHWM") {
            peak = peak.max(kib / 1024);
            std::thread::sleep(Duration::from_millis(20));
        }
        peak
    });
    let out = child.wait_with_output().expect("annuaire");
    assert!(out.status.success(), "{arguments:?}");
    let seconds = start.elapsed().as_secs_f64();
    (String::from_utf8_lossy(&out.stdout).into_owned(), seconds, watch.join().unwrap_or(0))
}

/// A line of `/proc/PID/status` in KiB; `None` once the process ended.
fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find(|l| l.starts_with(field))?.split_whitespace().nth(1)?.parse().ok()
}

struct Server {
    child: Child,
    host: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // A killed nginx leaves its workers behind: it is asked to end.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|s| s.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn serve(data: &str) -> (Server, f64) {
    let start = Instant::now();
    let mut child = Command::new(annuaire())
        .args(["serve", "--quiet", "--data", data, "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("annuaire");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("ready line");
    let host = line.split("http://").nth(1).and_then(|h| h.split('/').next()).expect("address").to_owned();
    let mut body = Vec::new();
    Connection::open(&host).get("/fhir/v2/Practitioner?_count=1", "", &mut body);
    (Server { child, host }, start.elapsed().as_secs_f64())
}

fn disk(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    if !meta.is_dir() {
        // Sparse files: what is used, not what is reserved.
        return std::os::unix::fs::MetadataExt::blocks(&meta) * 512;
    }
    fs::read_dir(path).map(|d| d.filter_map(Result::ok).map(|e| disk(&e.path())).sum()).unwrap_or(0)
}

fn get(host: &str, path: &str) -> Value {
    let mut body = Vec::new();
    assert_eq!(Connection::open(host).get(path, "", &mut body), 200, "{path}");
    serde_json::from_slice(&body).expect("JSON")
}

fn mib(n: u64) -> f64 {
    n as f64 / f64::from(1 << 20)
}

/// Imports a later delivery while a server of the same data answers reads: seconds until published, peak memory of the
/// import, and what the readers felt.
fn next_day(data: &str, import: &(dyn Fn() -> (String, f64, u64) + Sync)) -> (f64, u64, String) {
    let (server, _) = serve(data);
    let page = get(&server.host, "/fhir/v2/Practitioner?_count=200");
    let reads: Vec<String> = page["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|e| format!("/fhir/v2/Practitioner/{}", e["resource"]["id"].as_str().expect("id")))
        .collect();
    let quiet = load::run(&server.host, &reads, "", 1, 0.5);
    let tag = |host: &str| get(host, "/health")["tx"].as_u64().unwrap_or(0);
    let before = tag(&server.host);
    let start = Instant::now();
    let (busy, (_, _, peak)) = std::thread::scope(|scope| {
        let importing = scope.spawn(import);
        let mut worst = load::Figures { per_second: 0.0, p50_us: 0, p99_us: 0, bytes: 0 };
        while !importing.is_finished() || tag(&server.host) == before {
            let f = load::run(&server.host, &reads, "", 1, 0.5);
            worst.p99_us = worst.p99_us.max(f.p99_us);
            worst.p50_us = worst.p50_us.max(f.p50_us);
        }
        (worst, importing.join().expect("the import"))
    });
    let felt = format!(
        "reads meanwhile: worst p50 {} µs, worst p99 {} µs of half a second (alone {} and {})",
        busy.p50_us, busy.p99_us, quiet.p50_us, quiet.p99_us
    );
    (start.elapsed().as_secs_f64(), peak, felt)
}

/// Every resource of every type, by following `next`: (resources, seconds, bytes of NDJSON plain and compressed). What the
/// measure itself costs, counting and compressing, is not in the seconds.
fn walk(host: &str) -> (u64, f64, (u64, u64)) {
    let (mut count, mut bytes, mut body) = (0, 0, Vec::new());
    let mut packed = zstd::stream::write::Encoder::new(Counter(0), 3).expect("zstd");
    let mut c = Connection::open(host);
    let mut asked = Duration::ZERO;
    for ty in ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"] {
        let mut path = format!("/fhir/v2/{ty}?_count=1000");
        loop {
            let start = Instant::now();
            assert_eq!(c.get(&path, "", &mut body), 200, "{path}");
            asked += start.elapsed();
            for resource in resources(&body) {
                count += 1;
                bytes += resource.len() as u64 + 1;
                packed.write_all(resource).and_then(|()| packed.write_all(b"\n")).expect("zstd");
            }
            // Links come last: the page is not parsed.
            let tail = String::from_utf8_lossy(&body[body.len().saturating_sub(4_096)..]).into_owned();
            let next = tail.split("\"relation\":\"next\",\"url\":\"").nth(1).and_then(|t| t.split('"').next()).map(str::to_owned);
            match next {
                Some(url) => path = url.split_once("://").and_then(|u| u.1.find('/').map(|i| u.1[i..].to_owned())).unwrap_or(url),
                None => break,
            }
        }
    }
    let packed = packed.finish().expect("zstd").0;
    (count, asked.as_secs_f64(), (bytes, packed))
}

/// The resources of a page, as they are.
fn resources(page: &[u8]) -> impl Iterator<Item = &[u8]> {
    let page = std::str::from_utf8(page).expect("UTF-8");
    let entries = page.split(",\"search\":{\"mode\":\"match\"}").filter_map(|e| e.split_once(",\"resource\":"));
    entries.map(|(_, resource)| resource.as_bytes())
}

/// Counts what is written to it.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// nginx with files of the sizes measured; `None` when it is not installed.
fn nginx(dir: &Path, sizes: &[(&str, Vec<u8>)]) -> Option<Server> {
    let root = dir.join("www");
    fs::create_dir_all(&root).ok()?;
    for (name, content) in sizes {
        fs::write(root.join(name), content).ok()?;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let configuration = format!(
        "daemon off; worker_processes 2; pid {0}/nginx.pid; error_log {0}/error.log; events {{ worker_connections 1024; }}
         http {{ access_log off; sendfile on; keepalive_requests 100000000; default_type application/fhir+json; open_file_cache max=100;
         client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};
         gzip on; gzip_comp_level 1; gzip_types application/fhir+json; gzip_min_length 100;
         server {{ listen 127.0.0.1:{port}; root {0}/www; }} }}",
        dir.display()
    );
    fs::write(dir.join("nginx.conf"), configuration).ok()?;
    let child =
        Command::new("nginx").arg("-c").arg(dir.join("nginx.conf")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    std::thread::sleep(Duration::from_millis(500));
    Some(Server { child, host: format!("127.0.0.1:{port}") })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let professionals: u32 = arguments.first().map_or(20_000, |a| a.parse().expect("a number of professionals"));
    let seconds: f64 = arguments.get(1).map_or(3.0, |a| a.parse().expect("seconds for each load"));
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let (files, data) = (path("files"), path("data"));
    let count = professionals.to_string();
    let (_, generate, _) = measured(&["generate", "--professionals", &count, "--seed", "7", "--out", &files]);
    let inputs = |folder: &str| -> Vec<String> {
        let all = fs::read_dir(folder).expect("files").map(|e| e.expect("file").path()).filter(|p| p.is_file());
        all.map(|p| p.to_string_lossy().into_owned()).collect()
    };
    let import = |folder: &str| {
        let mut list = vec!["import".to_owned(), "--data".into(), data.clone()];
        list.extend(inputs(folder));
        measured(&list.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (said, first, peak) = import(&files);
    let objects: u64 =
        said.split("transaction 1: ").nth(1).and_then(|t| t.split(' ').next()).and_then(|n| n.parse().ok()).unwrap_or(0);
    println!("| What | Figure |\n|---|---|");
    println!(
        "| generate {professionals} professionals, two deliveries | {generate:.1} s, {:.0} MiB of files |",
        mib(disk(Path::new(&files)))
    );
    for line in said.lines().filter(|l| l.starts_with("time: ")) {
        println!("| import, {} | |", line.trim_start_matches("time: "));
    }
    let (second, second_peak, disturbed) = next_day(&data, &|| import(&format!("{files}/next")));
    let (server, start) = serve(&data);
    let (resources, walked, ndjson) = walk(&server.host);
    println!(
        "| import into an empty registry, published | {first:.1} s, {objects} objects, {:.0} resources/s, peak {peak} MiB |",
        resources as f64 / first
    );
    println!("| import of the second delivery | {second:.1} s, peak {second_peak} MiB; {disturbed} |");
    println!("| start to first answer | {start:.2} s |");
    println!("| full walk, `_count=1000` | {resources} resources, {:.0}/s |", resources as f64 / walked);
    println!(
        "| disk | registry {:.0} MiB, public store {:.0} MiB ({:.0} bytes a resource), NDJSON {:.0} MiB, the same by zstd -3 {:.0} MiB |",
        mib(disk(&dir.path().join("data/registry.sqlite")) + disk(&dir.path().join("data/registry.sqlite-wal"))),
        mib(disk(&dir.path().join("data/public"))),
        disk(&dir.path().join("data/public")) as f64 / resources as f64,
        mib(ndjson.0),
        mib(ndjson.1)
    );
    let page = get(&server.host, "/fhir/v2/Practitioner?_count=400");
    let entries = page["entry"].as_array().expect("entries");
    let reads: Vec<String> =
        entries.iter().map(|e| format!("/fhir/v2/Practitioner/{}", e["resource"]["id"].as_str().expect("id"))).collect();
    let identifiers: Vec<String> = entries
        .iter()
        .filter_map(|e| e["resource"]["identifier"][0]["value"].as_str())
        .map(|v| format!("/fhir/v2/Practitioner?identifier={v}"))
        .collect();
    let one = |q: &str| vec![format!("/fhir/v2/{q}")];
    let loads: Vec<(&str, Vec<String>, &str)> = vec![
        ("read by id", reads, ""),
        ("identifier search, bundle of one", identifiers, ""),
        ("name search, page of 50, exact total", one("Practitioner?name=mar&_count=50"), ""),
        ("`:contains`, page of 50", one("Practitioner?name:contains=rti&_count=50"), ""),
        (
            "10 hospitals and their roles (`_revinclude`)",
            one("Organization?name=centre%20hosp&_count=10&_revinclude=PractitionerRole:organization"),
            "",
        ),
        ("gzip, page of 50", one("Practitioner?name=mar&_count=50"), "Accept-Encoding: gzip\r\n"),
    ];
    let mut bodies: Vec<(&str, Vec<u8>)> = Vec::new();
    for (file, path) in [("read", loads[0].1[0].as_str()), ("identifier", &loads[1].1[0]), ("page", &loads[2].1[0])] {
        let mut body = Vec::new();
        Connection::open(&server.host).get(path, "", &mut body);
        bodies.push((file, body));
    }
    let rival = nginx(dir.path(), &bodies);
    for (n, (name, paths, headers)) in loads.iter().enumerate() {
        let f: Figures = load::run(&server.host, paths, headers, CONNECTIONS, seconds);
        let file = ["/read", "/identifier", "/page", "", "", "/page"][n];
        let ratio = rival.as_ref().filter(|_| !file.is_empty()).map(|r| {
            let base = load::run(&r.host, &[file.to_owned()], headers, CONNECTIONS, seconds);
            format!(", {:.2} × nginx ({:.0}/s)", f.per_second / base.per_second, base.per_second)
        });
        println!(
            "| {name} | {:.0}/s, p50 {} µs, p99 {} µs, {} bytes{} |",
            f.per_second,
            f.p50_us,
            f.p99_us,
            f.bytes,
            ratio.unwrap_or_default()
        );
    }
    println!("\n| Search, page of 50, one client | p50 | p99 | total |\n|---|---|---|---|");
    let long = searches::long_list();
    for (name, query) in searches::ALL.iter().copied().chain([("66 categories", long.as_str())]) {
        let path = format!("/fhir/v2/{query}");
        let mut body = Vec::new();
        let status = Connection::open(&server.host).get(&path, "", &mut body);
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        if status != 200 {
            println!("| {name}: `{query}` | refused, {status}: {} | | |", answer["issue"][0]["diagnostics"]);
            continue;
        }
        let total = answer["total"].as_u64();
        let f = load::run(&server.host, std::slice::from_ref(&path), "", 1, seconds / 3.0);
        println!(
            "| {name}: `{}` | {} µs | {} µs | {} |",
            query.chars().take(90).collect::<String>(),
            f.p50_us,
            f.p99_us,
            total.unwrap_or(0)
        );
    }
    let resident = memory(server.child.id(), "VmRSS").unwrap_or(0) / 1024;
    let anonymous = memory(server.child.id(), "RssAnon").unwrap_or(0) / 1024;
    println!("\n| Memory while serving | {resident} MiB resident, of which {anonymous} MiB beyond page cache |\n|---|---|");
    if rival.is_none() {
        println!("\nnginx is not installed: no ratio.");
    }
}
