//! Importing: what the operator decided, what was done, and its publication.

use crate::exit::{Exit, Usage};
use crate::progress::{Tell, lines, told};
use crate::publication::{Published, name, to_the_end};
use crate::publisher::{Publisher, holder};
use crate::stores::{DataPlace, Expect, Stores, set_aside};
use crate::{Accepting, now_ms};
use annuaire_exchange::{Options, Report};
use annuaire_fhir::Guide;
use annuaire_store::Registry;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// Lines left out that are told one by one; the others are in `--report` and in `annuaire quarantine`.
const TOLD_LINES: usize = 20;

/// Time since the program first asked.
fn uptime() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// What an import is told, before what its own command line adds.
pub(crate) fn options(accepting: &Accepting, quiet: bool) -> Options {
    Options {
        author: "import".into(),
        clock: Arc::new(now_ms),
        any_clock: accepting.accept_clock,
        accept_mass_change: accepting.accept_mass_change.clone(),
        check: Some(annuaire_fhir::check),
        progress: Some(told(quiet)),
        now: Some(uptime),
        ..Options::default()
    }
}

/// Imports the files of one delivery and sees to it that they are published.
pub(crate) fn import(
    place: &DataPlace,
    files: &[PathBuf],
    options: &Options,
    guide: Guide,
    to: Option<&Path>,
    tell: &Tell,
) -> Result<Exit> {
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = files.iter().cloned().partition(|f| f.is_dir());
    for folder in &folders {
        println!("{}: a directory, left out; name its files", folder.display());
    }
    if files.is_empty() {
        return Err(Usage("no file to import: name files, or an archive".into()).into());
    }
    let nothing = fs::read_dir(&place.data).map_or_else(|_| !place.data.exists(), |mut entries| entries.next().is_none());
    if options.dry_run && nothing {
        // Compared with nothing, and nothing is made.
        let nowhere = tempfile::tempdir()?;
        let place = DataPlace { data: nowhere.path().join("data"), database: place.database.clone() };
        crate::stores::create(&place.data)?;
        return dry_run(&place, &files, options, to);
    }
    place.expect(Expect::MadeIfAbsent)?;
    if options.dry_run {
        return dry_run(place, &files, options, to);
    }
    // What could not be published afterwards is not committed.
    if let Some(_publisher) = Publisher::take(&place.data, "import")? {
        Stores::check_guide(&place.data, guide)?;
    }
    let mut registry = place.registry()?;
    let report = annuaire_exchange::import(&mut *registry, &files, &spilling(place, options))?;
    print(&report, false);
    write(&report, to)?;
    let exit = if report.complete() { Exit::Done } else { Exit::Incomplete };
    publish(place, guide, &mut *registry, report.tx.is_some(), tell, exit)
}

fn dry_run(place: &DataPlace, files: &[PathBuf], options: &Options, to: Option<&Path>) -> Result<Exit> {
    let mut registry = place.registry()?;
    let report = annuaire_exchange::import(&mut *registry, files, &spilling(place, options))?;
    print(&report, true);
    write(&report, to)?;
    Ok(if report.complete() { Exit::Done } else { Exit::Incomplete })
}

/// The options, with what does not fit in memory going to the disk of the data: the system's temporary directory is often memory.
pub(crate) fn spilling(place: &DataPlace, options: &Options) -> Options {
    Options { spill: Some(place.data.clone()), ..options.clone() }
}

fn write(report: &Report, to: Option<&Path>) -> Result<()> {
    let Some(path) = to else { return Ok(()) };
    fs::write(path, serde_json::to_vec_pretty(report)?).with_context(|| format!("writing {}", path.display()))
}

/// Publishes up to the end of the log, or says who does, or that nobody does.
pub(crate) fn publish(
    place: &DataPlace,
    guide: Guide,
    registry: &mut dyn Registry,
    committed: bool,
    tell: &Tell,
    exit: Exit,
) -> Result<Exit> {
    let before = holder(&place.data)?.filter(|who| who.by == "serve");
    if let (Some(who), true) = (&before, committed) {
        println!("committed; the running server publishes it ({})", name(who));
    }
    let failed = if committed {
        "the import is committed; its publication failed and goes on with the next import or server"
    } else {
        "nothing was changed; the publication of what was committed before failed, and goes on with the next import or server"
    };
    let published = match to_the_end(place, guide, registry, tell).context(failed) {
        Ok(published) => published,
        // 1 says that nothing changed.
        Err(e) if committed => {
            eprintln!("{e:#}");
            return Ok(Exit::Incomplete);
        }
        Err(e) => return Err(e),
    };
    match published {
        Published::Here(followed) => {
            for (store, aside) in &followed.set_aside {
                eprintln!("{}", set_aside(store, aside));
            }
            println!("published: {} resource versions, up to transaction {}", followed.versions, registry.last_tx()?);
            Ok(if followed.set_aside.is_empty() { exit } else { Exit::Incomplete })
        }
        Published::By(by) => {
            let who = if by == "serve" { "the server" } else { "another process" };
            println!("published by {who}");
            Ok(exit)
        }
        Published::Nobody(why) => {
            let what = if committed { "the import is committed and not published" } else { "the stores are behind the log" };
            eprintln!("{what}: {why}");
            Ok(Exit::Incomplete)
        }
    }
}

/// Says what was read and what it changed, or would.
pub(crate) fn print(report: &Report, dry_run: bool) {
    for f in &report.files {
        if f.already_imported {
            println!("{}: already imported", f.file);
            continue;
        }
        if !f.left_out.is_empty() {
            println!("{}: {}, left out: {}", f.file, f.format, f.left_out);
            continue;
        }
        println!(
            "{}: {}, {} lines, {} duplicates, {} rejected, {} wrong keys",
            f.file, f.format, f.lines, f.duplicates, f.rejected, f.wrong_keys
        );
        for (what, n) in f.oddities.iter().chain(&f.unknown_codes) {
            println!("  {n} × {what}");
        }
        for column in &f.unknown_columns {
            println!("  column {column:?} is new and was not read");
        }
        for r in f.rejected_lines.iter().take(TOLD_LINES) {
            println!("  line {}{}{}: {}", r.line, if r.column.is_empty() { "" } else { ", column " }, r.column, r.reason);
        }
    }
    for note in &report.notes {
        println!("{note}");
    }
    for member in &report.companions {
        println!("{member}: left out, no file of the directory");
    }
    for warning in &report.warnings {
        println!("warning: {warning}");
    }
    for member in &report.missing {
        println!("missing: {member}");
    }
    if report.quarantined > 0 {
        let lines = lines(report.quarantined);
        println!("{lines} in quarantine: what they name keeps what was known of it (`annuaire quarantine` lists them)");
    }
    let stages: Vec<String> = report.stages.iter().map(|(what, seconds)| format!("{what} {seconds:.1} s")).collect();
    if !stages.is_empty() {
        println!("{}", stages.join(", "));
    }
    let counts = format!(
        "{} objects new, {} changed, {} ended, {} unchanged",
        report.created, report.changed, report.ended, report.unchanged
    );
    if dry_run {
        println!("would be: {counts}; nothing was written");
        for (what, names) in
            [("new", &report.examples.created), ("changed", &report.examples.changed), ("ended", &report.examples.ended)]
        {
            for name in names {
                println!("  {what}: {name}");
            }
        }
        return;
    }
    match (report.tx, report.delivery) {
        (Some(tx), Some(number)) => println!("delivery {number}, transaction {tx}: {counts}"),
        (Some(tx), None) => println!("transaction {tx}: {counts}"),
        (None, _) => println!("nothing changed ({} objects unchanged)", report.unchanged),
    }
}
