//! `annuaire backup`.

use crate::clock::now_ms;
use crate::copies;
use crate::data_place::ExpectedData;
use crate::exit::Exit;
use crate::options::PlaceOptions;
use crate::progress;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Copies everything into a new directory, while servers and imports run
#[derive(Args)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    /// Directory to make; it must be absent or empty
    #[arg(long)]
    to: PathBuf,
}

impl BackupArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, _) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        println!("{}", copies::backup(&place, &self.to, now_ms(), &progress::shown_unless(self.quiet))?);
        Ok(Exit::Done)
    }
}
