//! `annuaire diff`.

use crate::amounts::thousands;
use crate::exit::Exit;
use crate::new_directory::{expect_replaceable, making, replace};
use crate::progress;
use annuaire_extract::{DeliveryDifference, DiffOptions, diff};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// File in which a directory of deltas describes itself.
const NOTE: &str = "diff.json";

/// Compares two official deliveries, without a registry: what was added, removed and changed
#[derive(Args)]
pub(crate) struct DiffArguments {
    /// The older delivery: a file, an archive, or a directory of them
    old: PathBuf,
    /// The newer delivery
    new: PathBuf,
    /// Directory to make for the delta files; one that a diff made before is replaced when the new files are complete
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// What differs as JSON
    #[arg(long)]
    json: bool,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
}

impl DiffArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let beside = match &self.to {
            Some(to) => {
                expect_replaceable(to, NOTE)?;
                Some(making(to)?)
            }
            None => None,
        };
        let dir = beside.as_ref().map(|d| d.path().to_owned());
        let options = DiffOptions {
            to: dir.clone(),
            spill: dir,
            progress: Some(progress::shown_unless(self.quiet)),
            ..DiffOptions::default()
        };
        let found = diff(&self.old, &self.new, &options)?;
        if let (Some(made), Some(to)) = (beside, &self.to) {
            replace(made, to, NOTE, &json!({"diff": found})).with_context(|| format!("{}: left as it was", to.display()))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&found)?);
        } else {
            print(&found);
        }
        Ok(if found.unreadable > 0 { Exit::Incomplete } else { Exit::Done })
    }
}

fn print(found: &DeliveryDifference) {
    for file in &found.files {
        println!("{}: {} -> {}", file.format, file.old, file.new);
        let [before, after, added, removed] = [file.old_lines, file.new_lines, file.added, file.removed].map(thousands);
        println!("  lines: {before} before, {after} after, {added} added, {removed} removed");
        for o in &file.objects {
            let [added, removed, changed, unchanged] = [o.added, o.removed, o.changed, o.unchanged].map(thousands);
            println!("  {}: {added} added, {removed} removed, {changed} changed, {unchanged} unchanged", o.what);
        }
    }
    for note in &found.notes {
        println!("{note}");
    }
    if found.unreadable > 0 {
        println!("{} lines cannot be read: they are in no count and in no delta", thousands(found.unreadable));
    }
}
