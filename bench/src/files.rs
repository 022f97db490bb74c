//! Published files: what a follower receives, and how fast the server sends it beside a loop that copies a file into a socket.

use crate::imports;
use crate::load::{self, Connection};
use crate::program::{Nginx, measured, serve};
use crate::table::row;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

const ROOT: &str = "/fhir/v2/$bulk-publish";
const MIB: f64 = 1_048_576.0;

/// Prints the table for a nation of so many professionals.
pub fn run(professionals: &str, seconds: f64) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    measured(&["generate", "--professionals", professionals, "--seed", "7", "--out", &files.to_string_lossy()])?;
    imports::import(&data, &[], &imports::files(&files)?)?;
    fs::write(data.join("annuaire.toml"), "[publication]\nfiles = \"PT1S\"\n")?;
    let start = Instant::now();
    let (server, _) = serve(&data.to_string_lossy())?;
    let host = server.host.as_str();
    let root = until(host, 1)?;
    println!("| Published files, {professionals} professionals | Figure |\n|---|---|");
    row("from the start of the server to the first root", &format!("{:.1} s", start.elapsed().as_secs_f64()));
    let (stored, lines) = weight(&root);
    row(
        "root",
        &format!("{} files, {:.1} MiB stored, {:.1} MiB of lines", items(&root).len(), stored as f64 / MIB, lines as f64 / MIB),
    );
    imports::import(&data, &[], &imports::files(&files.join("next"))?)?;
    until(host, 2)?;
    let stub = load::json(host, &path(&root["link"][0]["url"])?)?;
    let next = load::json(host, &path(&stub["link"][0]["url"])?)?;
    let (stored_next, lines_next) = weight(&next);
    let share = 100.0 * stored_next as f64 / stored.max(1) as f64;
    let mib = |bytes: u64| bytes as f64 / MIB;
    row(
        "increment of a day",
        &format!("{:.2} MiB stored, {:.2} MiB of lines: {share:.2} % of the root", mib(stored_next), mib(lines_next)),
    );

    // The largest file: what is measured is sending, not the number of requests.
    let largest = items(&root).into_iter().max_by_key(|item| fact(item, "size")).context("the root has no file")?;
    let (url, size) = (path(&largest["url"])?, fact(largest, "size"));
    let mut content = Vec::new();
    Connection::open(host)?.get(&url, "Accept-Encoding: zstd\r\n", &mut content)?;
    for connections in [1, 4] {
        let speed = |answers: usize, bytes: u64| format!("{:.2} GB/s", answers as f64 * bytes as f64 / seconds / 1e9);
        let with = |header: &str| load::run(host, std::slice::from_ref(&url), header, connections, seconds).count();
        row(
            &format!("stored bytes, {connections} connections, files of {:.1} MiB", mib(size)),
            &speed(with("Accept-Encoding: zstd\r\n"), size),
        );
        row(&format!("plain lines, {connections} connections"), &speed(with(""), fact(largest, "decodedSize")));
        row(
            &format!("a loop that copies a file into a socket, {connections} connections"),
            &loop_speed(&content, connections, seconds)?,
        );
        if let Some(nginx) = Nginx::start(dir.path()) {
            row(
                &format!("nginx, {connections} connections"),
                &speed(nginx.run(&content, "", connections, seconds).count(), size),
            );
        }
    }
    row("memory while serving", &format!("{} MiB beyond page cache", server.memory_kib("RssAnon") / 1024));
    Ok(())
}

/// The root page, once the files tell a transaction.
fn until(host: &str, tx: u64) -> Result<Value> {
    let wanted = format!("annuaire_files_tx{{store=\"public\"}} {tx}\n");
    for _ in 0..6_000 {
        if String::from_utf8_lossy(&load::fetch(host, "/metrics")?).contains(&wanted) {
            return load::json(host, ROOT);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("transaction {tx} did not come into the files")
}

fn items(page: &Value) -> Vec<&Value> {
    [&page["output"], &page["deleted"]].into_iter().filter_map(Value::as_array).flatten().collect()
}

/// A number that an item says of its file.
fn fact(item: &Value, name: &str) -> u64 {
    let facts = item["extension"][0]["extension"].as_array();
    facts.and_then(|facts| facts.iter().find(|fact| fact["url"] == name)?["valueDecimal"].as_u64()).unwrap_or(0)
}

/// Stored bytes and bytes of lines of a page.
fn weight(page: &Value) -> (u64, u64) {
    items(page).iter().fold((0, 0), |(stored, lines), item| (stored + fact(item, "size"), lines + fact(item, "decodedSize")))
}

fn path(url: &Value) -> Result<String> {
    let url = url.as_str().context("a page without address")?;
    Ok(format!("/{}", url.splitn(4, '/').nth(3).context("an address without path")?))
}

/// A file is copied into sockets, each by a thread, and read at the other end.
fn loop_speed(content: &[u8], connections: usize, seconds: f64) -> Result<String> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    fs::write(&file, content)?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let threads: Vec<_> = (0..connections).map(|_| copied_until(&file, end)).collect::<Result<_>>()?;
    let bytes: u64 = threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
    Ok(format!("{:.2} GB/s", bytes as f64 / seconds / 1e9))
}

/// Two threads: one copies the file again and again until `end`, the other one, which is returned, counts what it reads.
fn copied_until(file: &Path, end: Instant) -> Result<std::thread::JoinHandle<u64>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut to = TcpStream::connect(listener.local_addr()?)?;
    let (mut from, _) = listener.accept()?;
    let mut file = File::open(file)?;
    std::thread::spawn(move || -> std::io::Result<()> {
        let mut buffer = vec![0; 256 << 10];
        while Instant::now() < end {
            match file.read(&mut buffer)? {
                0 => std::io::Seek::rewind(&mut file)?,
                n => to.write_all(&buffer[..n])?,
            }
        }
        Ok(())
    });
    Ok(std::thread::spawn(move || {
        let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0);
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            bytes += n as u64;
        }
        bytes
    }))
}
