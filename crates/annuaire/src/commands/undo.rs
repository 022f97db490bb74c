//! `annuaire undo`.

use crate::catch_up::publish_and_report;
use crate::data_place::ExpectedData;
use crate::exit::Exit;
use crate::options::{AcceptingOptions, GivenOptions, GuideOption, PlaceOptions};
use crate::priority::run_behind_readers;
use crate::progress;
use crate::publisher::Publisher;
use crate::report::{self, ReportOf};
use crate::stores::Stores;
use anyhow::Result;
use clap::Args;

/// Says again, in a new transaction, what a delivery ended or changed
#[derive(Args)]
pub(crate) struct UndoArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// Number of the delivery, as `deliveries` lists it
    number: u64,
    /// Ends what the delivery made, too
    #[arg(long)]
    created_too: bool,
    #[command(flatten)]
    accepting: AcceptingOptions,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    guide: GuideOption,
}

impl UndoArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, mut configuration) = self.place.open()?;
        self.guide.apply(given, &mut configuration);
        let guide = configuration.publication.guide.into();
        run_behind_readers(configuration.import.niceness.get());
        place.expect(ExpectedData::Present)?;
        // Nothing is committed that could not be published afterwards.
        if let Some(_publisher) = Publisher::take(&place.data, "undo")? {
            Stores::check_guide(&place, guide)?;
        }
        let registry = place.registry()?;
        let options = self.accepting.exchange_options(&place, &configuration, self.quiet);
        let undone = annuaire_exchange::undo(&registry, self.number, self.created_too, &options)?;
        report::print(&undone, ReportOf::Import);
        let exit = if undone.complete() { Exit::Done } else { Exit::Incomplete };
        let tell = progress::shown_unless(self.quiet);
        publish_and_report(&place, guide, &registry, undone.tx.is_some(), &tell, exit)
    }
}
