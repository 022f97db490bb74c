//! What an import prints of the files that it read and of what they changed.

use crate::amounts::lines;
use annuaire_exchange::Report;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Rejected lines that are printed; the others are in `--report` and in `annuaire quarantine`.
const PRINTED_LINES_MAX: usize = 20;

/// Whether an import wrote what it reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportOf {
    /// A transaction.
    Import,
    /// A comparison: nothing was written.
    DryRun,
}

/// Writes the report as JSON.
pub(crate) fn write(report: &Report, to: &Path) -> Result<()> {
    fs::write(to, serde_json::to_vec_pretty(report)?).with_context(|| format!("writing {}", to.display()))
}

/// Prints the report for people.
pub(crate) fn print(report: &Report, of: ReportOf) {
    print_files(report);
    print_findings(report);
    let stages: Vec<String> = report.stages.iter().map(|(what, seconds)| format!("{what} {seconds:.1} s")).collect();
    if !stages.is_empty() {
        println!("{}", stages.join(", "));
    }
    let counts = format!(
        "{} objects new, {} changed, {} ended, {} unchanged",
        report.created, report.changed, report.ended, report.unchanged
    );
    if report.withheld > 0 {
        println!("{} objects are of withdrawn persons or structures and were left out", report.withheld);
    }
    if of == ReportOf::DryRun {
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

/// Each file: its format, its lines, what was odd in them.
fn print_files(report: &Report) {
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
        for r in f.rejected_lines.iter().take(PRINTED_LINES_MAX) {
            println!("  line {}{}{}: {}", r.line, if r.column.is_empty() { "" } else { ", column " }, r.column, r.reason);
        }
    }
}

/// What concerns the delivery as a whole.
fn print_findings(report: &Report) {
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
}
