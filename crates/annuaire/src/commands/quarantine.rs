//! `annuaire quarantine`.

use crate::amounts::lines;
use crate::data_place::{DataPlace, ExpectedData};
use crate::exit::Exit;
use crate::options::PlaceOptions;
use anyhow::Result;
use clap::Args;

/// Lists the lines that could not be read, until a later delivery settles them
#[derive(Args)]
pub(crate) struct QuarantineArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl QuarantineArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, _) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        list(&place, self.json)
    }
}

/// Lists the lines that wait, each with the objects that it names.
pub(crate) fn list(place: &DataPlace, json: bool) -> Result<Exit> {
    let all = annuaire_exchange::quarantine(&place.registry()?)?;
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
