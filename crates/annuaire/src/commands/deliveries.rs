//! `annuaire deliveries`.

use crate::amounts::{date_utc, thousands};
use crate::commands::quarantine;
use crate::data_place::ExpectedData;
use crate::exit::Exit;
use crate::options::PlaceOptions;
use anyhow::Result;
use clap::Args;

/// Lists what was delivered, when, and what it changed
#[derive(Args)]
pub(crate) struct DeliveriesArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// Lists the lines that wait in quarantine instead
    #[arg(long)]
    quarantine: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl DeliveriesArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, _) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        if self.quarantine {
            return quarantine::list(&place, self.json);
        }
        let all = annuaire_exchange::deliveries(&place.registry()?)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&all)?);
            return Ok(Exit::Done);
        }
        print(&all);
        Ok(Exit::Done)
    }
}

/// Prints the deliveries, the last one last.
fn print(all: &[annuaire_exchange::Delivered]) {
    if all.is_empty() {
        println!("nothing was delivered yet");
        return;
    }
    let head = ["number", "date", "transaction", "new", "changed", "ended", "quarantined", "what"].map(str::to_owned);
    let mut table = vec![head];
    for d in all {
        let mut what = match (d.files.is_empty(), d.undoes) {
            (_, Some(undone)) => format!("undoes delivery {undone}"),
            (true, None) => d.reason.clone(),
            (false, None) => d.files.iter().map(|f| file_name(&f.file)).collect::<Vec<_>>().join(", "),
        };
        if let Some(by) = d.undone_by {
            what.push_str(&format!(" (undone by delivery {by})"));
        }
        let quarantined: u64 = d.files.iter().map(|f| f.quarantined).sum();
        table.push([
            d.number.to_string(),
            date_utc(d.at_ms),
            d.tx.map_or_else(|| "–".to_owned(), |tx| tx.to_string()),
            thousands(d.created),
            thousands(d.changed),
            thousands(d.ended),
            thousands(quarantined),
            what,
        ]);
    }
    print_table(&table);
}

/// The name of a file without its directories.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Prints columns as wide as their widest cell, numbers to the right.
fn print_table<const N: usize>(table: &[[String; N]]) {
    let width: Vec<usize> = (0..N).map(|c| table.iter().map(|row| row[c].chars().count()).max().unwrap_or(0)).collect();
    for row in table {
        let cells: Vec<String> = row
            .iter()
            .zip(&width)
            .enumerate()
            .map(|(c, (cell, width))| {
                // The date and the last column are words.
                if c == 1 || c + 1 == N { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            })
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
}
