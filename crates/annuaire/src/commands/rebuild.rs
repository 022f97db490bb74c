//! `annuaire rebuild`.

use crate::data_place::{DataPlace, ExpectedData, STORES};
use crate::exit::Exit;
use crate::options::{GivenOptions, GuideOption, PlaceOptions};
use crate::progress::{self, SharedTell};
use crate::publisher::{Publisher, current_holder};
use crate::renewal::{ask, renew, wait_for_server};
use crate::stores::Stores;
use annuaire_fhir::{Guide, Perimeter, View};
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
        place.expect(ExpectedData::PresentOrEmpty)?;
        let tell = progress::shown_unless(self.quiet);
        let guide = configuration.publication.guide.into();
        let Some(_publisher) = Publisher::take_soon(&place.data, "rebuild")? else {
            return rebuilt_by_server(&place, guide, &tell);
        };
        let registry = place.registry()?;
        let mut versions = renew(&place, View { guide, perimeter: Perimeter::Public }, &registry, &tell)?;
        if place.data.join(STORES[1]).exists() {
            versions += renew(&place, View { guide, perimeter: Perimeter::Restricted }, &registry, &tell)?;
        }
        println!("rebuilt: {versions} resource versions, up to transaction {}", registry.last_tx()?);
        Ok(Exit::Done)
    }
}

/// Has the running server make the stores again beside those that it serves.
fn rebuilt_by_server(place: &DataPlace, guide: Guide, tell: &SharedTell) -> Result<Exit> {
    let server = || Ok(current_holder(&place.data)?.filter(|who| who.by == "serve"));
    if server()?.is_none() {
        bail!("an import or another rebuild is at work on {}: wait for its end", place.data.display());
    }
    // The server makes what it serves; another guide is another service.
    Stores::check_guide(place, guide)?;
    let stores: Vec<&str> = STORES.into_iter().filter(|store| place.store_file(store).exists()).collect();
    for store in &stores {
        ask(place, store)?;
    }
    wait_for_server(place, &stores, &server, tell)?;
    println!("rebuilt by the running server, which answered meanwhile");
    Ok(Exit::Done)
}
