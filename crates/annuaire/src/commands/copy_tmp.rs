//! tmp
use crate::copied_directory::{CopyOrigin, update};
use crate::data_place::ExpectedData;
use crate::exit::Exit;
use crate::options::PlaceOptions;
use crate::progress;
use crate::publisher::Publisher;
use anyhow::{Context, Result};
use clap::Args;

/// tmp
#[derive(Args)]
pub(crate) struct CopyTmpArguments {
    /// url
    url: String,
    #[command(flatten)]
    place: PlaceOptions,
}

impl CopyTmpArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, configuration) = self.place.open()?;
        place.expect(ExpectedData::MadeIfAbsent)?;
        let tell = progress::shown_unless(false);
        let _publisher = Publisher::take_soon(&place.data, "mirror")?.context("busy")?;
        let mut origin = CopyOrigin::new(self.url);
        origin.rate = 1000;
        let report = update(&place, &origin, configuration.publication.guide.into(), false, &tell)?;
        println!("{} versions, transaction {}", report.versions, report.tx);
        Ok(Exit::Done)
    }
}
