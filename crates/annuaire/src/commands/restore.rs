//! `annuaire restore`.

use crate::copies::{self, RaiseEpoch};
use crate::exit::Exit;
use crate::options::PlaceOptions;
use crate::progress;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Checks a backup and makes a data directory of it; that directory must be absent or empty
#[derive(Args)]
pub(crate) struct RestoreArguments {
    /// Directory that `backup` made
    #[arg(long)]
    from: PathBuf,
    #[command(flatten)]
    place: PlaceOptions,
    /// The PostgreSQL database was itself brought back from a copy: page links and stores of the time after that copy are refused
    /// from now on
    #[arg(long, requires = "database")]
    database_restored: bool,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
}

impl RestoreArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, _) = self.place.open()?;
        let raise = if self.database_restored { RaiseEpoch::Yes } else { RaiseEpoch::No };
        println!("{}", copies::restore(&self.from, &place, raise, &progress::shown_unless(self.quiet))?);
        Ok(Exit::Done)
    }
}
