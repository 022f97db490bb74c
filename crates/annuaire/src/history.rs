//! What was delivered, what waits in quarantine, and taking a delivery back.

use crate::exit::{Exit, date};
use crate::import;
use crate::progress::{Tell, lines, thousands};
use crate::publisher::Publisher;
use crate::stores::{DataPlace, Expect, Stores};
use annuaire_exchange::Options;
use annuaire_fhir::Guide;
use anyhow::Result;

/// Lists the deliveries, the last one last.
pub(crate) fn deliveries(place: &DataPlace, json: bool) -> Result<Exit> {
    place.expect(Expect::Standing)?;
    let all = annuaire_exchange::deliveries(&mut *place.registry()?)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        println!("nothing was delivered yet");
        return Ok(Exit::Done);
    }
    let head = ["number", "date", "transaction", "new", "changed", "ended", "quarantined", "what"].map(str::to_owned);
    let mut table = vec![head];
    for d in &all {
        let mut what = match (d.files.is_empty(), d.undoes) {
            (_, Some(undone)) => format!("undoes delivery {undone}"),
            (true, None) => d.reason.clone(),
            (false, None) => d.files.iter().map(|f| base(&f.file)).collect::<Vec<_>>().join(", "),
        };
        if let Some(by) = d.undone_by {
            what.push_str(&format!(" (undone by delivery {by})"));
        }
        let quarantined: u64 = d.files.iter().map(|f| f.quarantined).sum();
        table.push([
            d.number.to_string(),
            date(d.at_ms),
            d.tx.map_or_else(|| "–".to_owned(), |tx| tx.to_string()),
            thousands(d.created),
            thousands(d.changed),
            thousands(d.ended),
            thousands(quarantined),
            what,
        ]);
    }
    print_table(&table);
    Ok(Exit::Done)
}

/// Lists the lines that wait, with what they name.
pub(crate) fn quarantine(place: &DataPlace, json: bool) -> Result<Exit> {
    place.expect(Expect::Standing)?;
    let all = annuaire_exchange::quarantine(&mut *place.registry()?)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Exit::Done);
    }
    for q in &all {
        let column = if q.column.is_empty() { String::new() } else { format!(", column {}", q.column) };
        let names = if q.names.is_empty() { String::new() } else { format!(" (keeps {})", q.names.join(", ")) };
        println!("{}, line {}{column}: {}{names}; source {}, delivery {}", q.file, q.line, q.reason, q.source, q.delivery);
    }
    println!("{} in quarantine", lines(all.len() as u64));
    Ok(Exit::Done)
}

/// Says again what a delivery ended or changed, and publishes it.
pub(crate) fn undo(
    place: &DataPlace,
    number: u64,
    created_too: bool,
    options: &Options,
    guide: Guide,
    tell: &Tell,
) -> Result<Exit> {
    place.expect(Expect::Standing)?;
    if let Some(_publisher) = Publisher::take(&place.data, "undo")? {
        Stores::check_guide(&place.data, guide)?;
    }
    let mut registry = place.registry()?;
    let report = annuaire_exchange::undo(&mut *registry, number, created_too, &import::spilling(place, options))?;
    import::print(&report, false);
    let exit = if report.complete() { Exit::Done } else { Exit::Incomplete };
    import::publish(place, guide, &mut *registry, report.tx.is_some(), tell, exit)
}

/// The name of a file without its directories.
fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Columns as wide as their widest cell; numbers stand to the right.
fn print_table<const N: usize>(table: &[[String; N]]) {
    let width: Vec<usize> = (0..N).map(|c| table.iter().map(|row| row[c].chars().count()).max().unwrap_or(0)).collect();
    for row in table {
        let cells: Vec<String> = row
            .iter()
            .zip(&width)
            .enumerate()
            .map(|(c, (cell, width))| {
                // Date and what are words.
                if c == 1 || c + 1 == N { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            })
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
}
