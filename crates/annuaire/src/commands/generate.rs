//! `annuaire generate`.

use crate::exit::Exit;
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;

/// Writes two successive deliveries of a fictional nation: the first in DIR, the second in DIR/next
#[derive(Args)]
pub(crate) struct GenerateArguments {
    /// Number of professionals
    #[arg(long)]
    professionals: u32,
    /// Same seed, same bytes
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of facts that differ in the second delivery, per mille
    #[arg(long, default_value_t = 3)]
    changed_per_mille: u32,
    /// Output directory
    #[arg(long)]
    out: PathBuf,
}

impl GenerateArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let Self { professionals, seed, changed_per_mille, out } = self;
        let plan = annuaire_testkit::Plan { professionals, seed, changed_per_mille };
        let planted = annuaire_testkit::generate(&out, &plan).with_context(|| format!("writing {}", out.display()))?;
        println!("{}: the second delivery has {planted}", out.display());
        Ok(Exit::Done)
    }
}
