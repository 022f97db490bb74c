//! `annuaire rebuild`.

use crate::data_place::{Expect, STORES};
use crate::exit::Exit;
use crate::options::{GivenOptions, GuideOption, PlaceOptions};
use crate::progress;
use crate::publisher::Publisher;
use crate::renewal::renew;
use annuaire_fhir::{Perimeter, View};
use anyhow::{Result, bail};
use clap::Args;

/// Makes the publication stores again from the log, beside those that are there, and puts them in their place
#[derive(Args)]
pub(crate) struct RebuildArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    guide: GuideOption,
}

impl RebuildArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, mut configuration) = self.place.open()?;
        self.guide.apply(given, &mut configuration);
        place.expect(Expect::PresentOrEmpty)?;
        let Some(_publisher) = Publisher::take_soon(&place.data, "rebuild")? else {
            bail!("a server, an import or another rebuild is at work on {}: end it first", place.data.display())
        };
        let registry = place.registry()?;
        let tell = progress::shown_unless(self.quiet);
        let guide = configuration.publication.guide.into();
        let mut versions = renew(&place, View { guide, perimeter: Perimeter::Public }, &registry, &tell)?;
        if place.data.join(STORES[1]).exists() {
            versions += renew(&place, View { guide, perimeter: Perimeter::Restricted }, &registry, &tell)?;
        }
        println!("rebuilt: {versions} resource versions, up to transaction {}", registry.last_tx()?);
        Ok(Exit::Done)
    }
}
