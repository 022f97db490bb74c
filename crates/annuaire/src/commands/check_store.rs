//! `annuaire check-store`, which no person types.

use crate::exit::Exit;
use crate::store_check;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// Reads one publication store whole; `verify`, `backup` and `restore` start this
#[derive(Args)]
#[command(hide = true)]
pub(crate) struct CheckStoreArguments {
    /// Address space reserved for the store, in bytes
    #[arg(long)]
    map_bytes: usize,
    /// Directory of the store
    dir: PathBuf,
}

impl CheckStoreArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        store_check::check_and_print(&self.dir, self.map_bytes).map(|()| Exit::Done)
    }
}
