//! `annuaire-bench commits [PROFESSIONALS] [SECONDS] [IMPORTED]`: small commits beside a server, alone and while a delivery of
//! `IMPORTED` professionals is imported.

use crate::imports;
use crate::load::{self, Figures};
use crate::program::{FinishedRun, measured, serve_with};
use crate::table::row;
use crate::writer::{WriterFigures, database, registry, write_until};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Prints the table.
pub fn run(professionals: &str, seconds: f64, imported: &str) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let small = generate(dir.path(), "small", professionals)?;
    let large = generate(dir.path(), "large", imported)?;
    import(dir.path(), &data, &small)?;
    println!("| {professionals} professionals, {} commits a second | Figure |\n|---|---|", crate::writer::RATE);

    let database = database_option(dir.path())?;
    let options: Vec<&str> = database.iter().map(String::as_str).collect();
    let (server, _) = serve_with(&data.to_string_lossy(), &options, "")?;
    // On a database, a second node with stores of its own.
    let second = match &options[..] {
        [] => None,
        _ => {
            let second = dir.path().join("second");
            fs::create_dir_all(&second)?;
            Some(serve_with(&second.to_string_lossy(), &options, "")?.0)
        }
    };
    let hosts: Vec<&str> = std::iter::once(&server).chain(&second).map(|server| server.host.as_str()).collect();
    hosts.iter().try_for_each(|host| wait_until_caught_up(host))?;
    let writer = registry(&data)?;
    let stop = AtomicBool::new(false);
    let quiet = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_secs_f64(seconds));
            stop.store(true, Ordering::Relaxed);
        });
        write_until(&writer, &hosts, 1, &stop)
    })?;
    print("alone", &quiet);

    let stop = AtomicBool::new(false);
    let (busy, import_seconds) = std::thread::scope(|scope| -> Result<_> {
        let importing = scope.spawn(|| {
            let done = import(dir.path(), &data, &large);
            stop.store(true, Ordering::Relaxed);
            done
        });
        let figures = write_until(&writer, &hosts, 1_000_000, &stop)?;
        Ok((figures, importing.join().map_err(|_| anyhow::anyhow!("the import panicked"))??.seconds))
    })?;
    print(&format!("while {imported} professionals are imported"), &busy);
    drop((writer, server, second));

    if database.is_empty() {
        // The base of the ratio: the import of the large delivery over the small one, undisturbed.
        let alone = dir.path().join("alone");
        import(dir.path(), &alone, &small)?;
        let (server, _) = serve_with(&alone.to_string_lossy(), &[], "")?;
        let undisturbed = import(dir.path(), &alone, &large)?.seconds;
        drop(server);
        row("that import, undisturbed", &format!("{undisturbed:.1} s"));
        row("that import, beside the commits", &format!("{import_seconds:.1} s, {:.2} ×", import_seconds / undisturbed));
    } else {
        row("that import, beside the commits", &format!("{import_seconds:.1} s"));
    }
    Ok(())
}

fn print(when: &str, figures: &WriterFigures) {
    let times = |f: &Figures| {
        let ms = |us: u64| us as f64 / 1_000.0;
        format!("{}: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms", f.count(), ms(f.p50()), ms(f.p99()), ms(f.worst()))
    };
    row(&format!("commits {when}"), &times(&figures.commits));
    for (visible, node) in figures.visible.iter().zip(["the API", "the API of another node"]) {
        row(&format!("visible in {node} {when}"), &format!("{}, {} never seen", times(&visible.times), visible.unseen));
    }
}

/// Waits until a node has published what was committed before it started.
fn wait_until_caught_up(host: &str) -> Result<()> {
    let mut before = None;
    loop {
        let now = load::json(host, "/health")?["tx"].as_u64();
        if now.is_some_and(|tx| tx > 0) && now == before {
            return Ok(());
        }
        before = now;
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Files of a nation.
pub fn generate(dir: &Path, name: &str, professionals: &str) -> Result<Vec<PathBuf>> {
    let folder = dir.join(name);
    measured(&["generate", "--professionals", professionals, "--seed", "7", "--out", &folder.to_string_lossy()])?;
    imports::files(&folder)
}

/// The option that names the database to measure, when there is one.
pub fn database_option(dir: &Path) -> Result<Vec<String>> {
    let Some(url) = database() else { return Ok(Vec::new()) };
    let file = dir.join("database");
    fs::write(&file, url)?;
    Ok(vec!["--database".to_owned(), file.to_string_lossy().into_owned()])
}

/// Imports files into a data directory of the database to measure, whatever they change.
pub fn import(dir: &Path, data: &Path, files: &[PathBuf]) -> Result<FinishedRun> {
    let mut options = ["--accept-mass-change", "a larger nation for the benchmark"].map(str::to_owned).to_vec();
    options.extend(database_option(dir)?);
    imports::import(data, &options, files)
}
