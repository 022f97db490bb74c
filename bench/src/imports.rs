//! Imports: the first, and the next day's while readers read.

use crate::load::{self, Figures};
use crate::program::{FinishedRun, measured, serve};
use anyhow::{Result, anyhow};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs `annuaire import` with these options and files.
pub fn import(data: &Path, options: &[String], files: &[PathBuf]) -> Result<FinishedRun> {
    let mut arguments = vec!["import".to_owned(), "--data".to_owned(), data.to_string_lossy().into_owned()];
    arguments.extend(options.iter().cloned());
    arguments.extend(files.iter().map(|f| f.to_string_lossy().into_owned()));
    measured(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Files of a folder.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// The stages that the output of an import names, as (name, seconds).
pub fn stages(said: &str) -> Vec<(&str, f64)> {
    // The line reads like "reading 65.1 s, sorting 3.0 s…": no other line consists of names and seconds alone.
    let stage = |part| -> Option<(&str, f64)> {
        let (name, seconds) = str::strip_suffix(part, " s")?.rsplit_once(' ')?;
        Some((name, seconds.parse().ok()?))
    };
    said.lines().find_map(|line| line.split(", ").map(stage).collect()).unwrap_or_default()
}

/// Imports a later delivery while a server of the data answers reads. The row gives seconds until published, peak memory of the
/// import and the latency of the readers.
pub fn next_day(data: &str, reads: &[String], import: &(dyn Fn() -> Result<FinishedRun> + Sync)) -> Result<String> {
    let (server, _) = serve(data)?;
    let quiet = load::run(&server.host, reads, "", 1, 0.5);
    let published = || load::json(&server.host, "/health").ok().and_then(|h| h["tx"].as_u64());
    let before = published();
    let start = Instant::now();
    let (halves, peak) = std::thread::scope(|scope| -> Result<(Vec<Figures>, u64)> {
        let importing = scope.spawn(import);
        let mut halves = Vec::new();
        let mut peak = None;
        let mut importing = Some(importing);
        while peak.is_none() || published() == before {
            halves.push(load::run(&server.host, reads, "", 1, 0.5));
            if importing.as_ref().is_some_and(|i| i.is_finished())
                && let Some(done) = importing.take()
            {
                // A failed import publishes nothing, so waiting for it would not end.
                peak = Some(done.join().map_err(|_| anyhow!("the import panicked"))??.peak_mib);
            }
        }
        Ok((halves, peak.unwrap_or(0)))
    })?;
    let seconds = start.elapsed().as_secs_f64();
    let worst = |of: fn(&Figures) -> u64| halves.iter().map(of).max().unwrap_or(0);
    let mut all = Figures::default();
    halves.iter().for_each(|h| all.join(h));
    Ok(format!(
        "{seconds:.1} s, peak {peak} MiB; reads meanwhile: p50 {} µs, p99 {} µs; worst p50 {} µs, worst p99 {} µs of half a \
         second (alone {} and {}){}",
        all.p50(),
        all.p99(),
        worst(Figures::p50),
        worst(Figures::p99),
        quiet.p50(),
        quiet.p99(),
        all.refusals()
    ))
}
