//! The programs measured: annuaire, and nginx beside it.

use crate::load;
use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn annuaire() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("annuaire");
    ensure!(path.exists(), "{} is not there; build it first: cargo build --release", path.display());
    Ok(path)
}

/// Output and cost of a command that ended.
pub struct FinishedRun {
    pub said: String,
    pub seconds: f64,
    pub peak_mib: u64,
}

/// Runs the program to its end and measures it.
pub fn measured(arguments: &[&str]) -> Result<FinishedRun> {
    let start = Instant::now();
    let child = Command::new(annuaire()?).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let pid = child.id();
    let watch = std::thread::spawn(move || {
        let mut peak = 0;
        while let Some(kib) = memory(pid, "VmHWM") {
            peak = peak.max(kib / 1024);
            std::thread::sleep(Duration::from_millis(20));
        }
        peak
    });
    let out = child.wait_with_output()?;
    // 3: done, with something left to look at.
    ensure!(matches!(out.status.code(), Some(0 | 3)), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    let seconds = start.elapsed().as_secs_f64();
    Ok(FinishedRun { said: String::from_utf8_lossy(&out.stdout).into_owned(), seconds, peak_mib: watch.join().unwrap_or(0) })
}

/// A line of `/proc/PID/status` in KiB; `None` once the process ended.
pub fn memory(pid: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find(|l| l.starts_with(field))?.split_whitespace().nth(1)?.parse().ok()
}

/// A server that is stopped when it is dropped.
pub struct MeasuredServer {
    child: Child,
    pub host: String,
}

impl MeasuredServer {
    pub fn memory_kib(&self, field: &str) -> u64 {
        memory(self.child.id(), field).unwrap_or(0)
    }
}

impl Drop for MeasuredServer {
    fn drop(&mut self) {
        // SIGTERM first: a killed nginx leaves its workers behind.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|s| s.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Serves a data directory. The second value is the time from the start to the first answer, in seconds.
pub fn serve(data: &str) -> Result<(MeasuredServer, f64)> {
    serve_with(data, &[], "")
}

/// [`serve`] with more arguments. The first request, which must be answered, carries `headers`.
pub fn serve_with(data: &str, more: &[&str], headers: &str) -> Result<(MeasuredServer, f64)> {
    let start = Instant::now();
    let child = Command::new(annuaire()?)
        .args(["serve", "--quiet", "--data", data, "--listen", "127.0.0.1:0"])
        .args(more)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut server = MeasuredServer { child, host: String::new() };
    let mut line = String::new();
    BufReader::new(server.child.stdout.take().context("no output")?).read_line(&mut line)?;
    server.host = line.split("http://").nth(1).and_then(|h| h.split('/').next()).context("the server did not start")?.to_owned();
    load::Connection::open(&server.host)?.get("/fhir/v2/Practitioner?_count=1", headers, &mut Vec::new())?;
    Ok((server, start.elapsed().as_secs_f64()))
}

/// A demonstration of so many professionals, whose data is deleted at its end.
pub fn demo(professionals: &str) -> Result<MeasuredServer> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let host = format!("127.0.0.1:{port}");
    // The name by which its pages are reached, which a login needs.
    let base = format!("http://localhost:{port}");
    let mut child = Command::new(annuaire()?)
        .args(["demo", "--quiet", "--professionals", professionals, "--listen", &host, "--public-base", &base])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(child.stdout.take().context("no output")?);
    let server = MeasuredServer { child, host };
    let mut line = String::new();
    // The line after the last thing that it introduces.
    while !line.starts_with("  try ") {
        line.clear();
        ensure!(said.read_line(&mut line)? > 0, "the demonstration did not start");
    }
    // What it says later must not stop it.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    Ok(server)
}

/// Bytes that a file or folder uses.
pub fn disk(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    if !meta.is_dir() {
        // Allocated blocks: the size of a sparse file counts what is merely reserved.
        return std::os::unix::fs::MetadataExt::blocks(&meta) * 512;
    }
    fs::read_dir(path).map(|d| d.filter_map(Result::ok).map(|e| disk(&e.path())).sum()).unwrap_or(0)
}

/// Raises the limit of open descriptors of this process to the maximum that the system allows, and returns it.
pub fn descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
}

/// nginx over a folder of files.
pub struct Nginx {
    server: MeasuredServer,
    root: PathBuf,
}

impl Nginx {
    /// `None` when it is not installed.
    pub fn start(dir: &Path) -> Option<Self> {
        let root = dir.join("www");
        fs::create_dir_all(&root).ok()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let configuration = format!(
            "daemon off; worker_processes 2; pid {0}/nginx.pid; error_log {0}/error.log; events {{ worker_connections 1024; }}
             http {{ access_log off; sendfile on; keepalive_requests 100000000; default_type application/fhir+json;
             open_file_cache max=100; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0};
             uwsgi_temp_path {0}; scgi_temp_path {0};
             gzip on; gzip_comp_level 1; gzip_types application/fhir+json; gzip_min_length 100;
             server {{ listen 127.0.0.1:{port}; root {0}/www; }} }}",
            dir.display()
        );
        let file = dir.join("nginx.conf");
        fs::write(&file, configuration).ok()?;
        let child = Command::new("nginx").arg("-c").arg(file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        std::thread::sleep(Duration::from_millis(500));
        Some(Self { server: MeasuredServer { child, host: format!("127.0.0.1:{port}") }, root })
    }

    /// The load of `load::run` on a file of this content.
    pub fn run(&self, content: &[u8], headers: &str, connections: usize, seconds: f64) -> load::Figures {
        // A new name for each load, since nginx caches open files by name.
        let name = format!("/{}-{}", content.len(), fs::read_dir(&self.root).map_or(0, Iterator::count));
        if fs::write(self.root.join(&name[1..]), content).is_err() {
            return load::Figures::default();
        }
        load::run(&self.server.host, &[name], headers, connections, seconds)
    }
}
