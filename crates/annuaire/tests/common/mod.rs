//! What the tests of the program share: running it, and asking a server of its own.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

pub mod breaking_line;
pub mod portal_browser;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_annuaire"))
}

pub fn annuaire(arguments: &[&str]) -> (bool, String) {
    let out = program().args(arguments).output().unwrap();
    (out.status.success(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
}

/// Exit code and output of a command.
pub fn run(arguments: &[&str]) -> (i32, String) {
    code_and_output(&program().args(arguments).output().unwrap())
}

/// Exit code and both outputs of a command that ended.
pub fn code_and_output(out: &Output) -> (i32, String) {
    let output = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    (out.status.code().expect("killed"), output)
}

/// A path as an argument.
pub fn path_str(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An import; true when it was committed and published, with or without something left to look at (exit codes 0 and 3).
pub fn import(data: &Path, files: &[PathBuf]) -> (bool, String) {
    let out = program().args(["import", "--data", data.to_str().unwrap()]).args(files).output().unwrap();
    let output = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    (matches!(out.status.code(), Some(0 | 3)), output)
}

pub fn delivery(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect()
}

pub struct Server {
    pub child: Child,
    pub base: String,
}

impl Server {
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = program()
            .args(["serve", "--quiet", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.split_whitespace().nth(1).unwrap().trim_start_matches("http://").to_owned();
        Self { child, base }
    }

    pub fn get(&self, path: &str, headers: &str) -> (u16, String) {
        let (host, prefix) = self.base.split_once('/').unwrap();
        let path = path
            .strip_prefix("http://")
            .and_then(|u| u.split_once('/'))
            .map_or_else(|| format!("{prefix}/{path}"), |u| u.1.into());
        let mut stream = TcpStream::connect(host).unwrap();
        // A client of HTTP/1.0 gets no chunks.
        write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// All resources of a search, by following `next`.
    pub fn walk(&self, first: &str) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        let mut page = self.json(first);
        loop {
            for e in page["entry"].as_array().into_iter().flatten() {
                let id = e["resource"]["id"].as_str().unwrap().to_owned();
                assert!(all.insert(id, e["resource"].clone()).is_none(), "a resource came twice");
            }
            match next(&page) {
                Some(url) => page = self.json(&url),
                None => return all,
            }
        }
    }
}

pub fn next(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array()?;
    links.iter().find(|l| l["relation"] == "next").map(|l| l["url"].as_str().unwrap().to_owned())
}

impl Server {
    /// Waits until the server has published a transaction.
    pub fn until(&self, tx: u64) {
        let wanted = format!("annuaire_applied_tx{{store=\"public\"}} {tx}\n");
        let metrics = format!("http://{}/metrics", self.base.split_once('/').unwrap().0);
        for _ in 0..600 {
            if self.get(&metrics, "").1.contains(&wanted) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("transaction {tx} is not published");
    }
}

/// Every published resource, by type and id, as the bytes of a search give it.
pub fn published_resources(server: &Server) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for ty in ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"] {
        for (id, body) in server.walk(&format!("{ty}?_count=1000")) {
            all.insert(format!("{ty}/{id}"), body.to_string());
        }
    }
    all
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
