//! `annuaire verify`.

use crate::data_place::{DataPlace, ExpectedData, STORES};
use crate::exit::{Exit, Usage, one_line};
use crate::options::{GivenOptions, GuideOption, PlaceOptions};
use crate::progress::{self, SharedTell, during};
use crate::published_files::verify_published;
use crate::store_check::check_in_own_process;
use crate::stores::Stores;
use annuaire_base::Tx;
use annuaire_fhir::Guide;
use anyhow::{Result, bail};
use clap::Args;
use std::path::PathBuf;

/// Advice for each kind of fault.
const OF_STORE: &str = "the stores are views of the log: make them again with `annuaire rebuild`";
const OF_REGISTRY: &str =
    "the registry is the truth: bring it back with `annuaire restore` from a backup, then import what came since";
const OF_EITHER: &str = "if the registry is as it should be, `annuaire rebuild` makes the stores again; if not, `annuaire restore` \
    brings it back from a backup";

/// Compares log, registry and publication stores, and names every difference; or checks published files against a pinned key
#[derive(Args)]
#[command(mut_arg("data", |data| data.required(false).required_unless_present("published")))]
pub(crate) struct VerifyArguments {
    /// Absent for published files.
    #[command(flatten)]
    place: Option<PlaceOptions>,
    /// Checks published files instead, of any publisher: the address of a directory (…/fhir/v2), or a copy of its files
    #[arg(long, value_name = "URL_OR_DIRECTORY", requires = "key", conflicts_with_all = ["data", "database"])]
    published: Option<String>,
    /// Public key of the publisher, NAME+HASH+BASE64, got on another way than the files; again for a second one
    #[arg(long, value_name = "KEY", requires = "published")]
    key: Vec<String>,
    /// File that remembers the checkpoint: the next check proves that nothing was rewritten since
    #[arg(long, value_name = "FILE", requires = "published")]
    state: Option<PathBuf>,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    guide: GuideOption,
}

impl VerifyArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        if let Some(published) = &self.published {
            return verify_published(published, &self.key, self.state.as_deref());
        }
        let place = self.place.ok_or_else(|| Usage("--data is needed".to_owned()))?;
        let (place, mut configuration) = place.open()?;
        self.guide.apply(given, &mut configuration);
        verify(&place, configuration.publication.guide.into(), &progress::shown_unless(self.quiet))
    }
}

/// Reads everything and names every difference; fails when there is one.
fn verify(place: &DataPlace, guide: Guide, tell: &SharedTell) -> Result<Exit> {
    place.expect(ExpectedData::Present)?;
    let mut faults = Vec::new();
    let mut advice = Vec::new();
    // Before this process maps a page of theirs: a damaged one could kill it.
    for name in STORES {
        let dir = place.data.join(name);
        if dir.join("data.mdb").exists() {
            faults.extend(
                check_in_own_process(&dir, place.map_bytes, tell)?.faults.into_iter().map(|f| format!("{name} store: {f}")),
            );
        }
    }
    let readable = faults.is_empty();
    if !readable {
        advice.push(OF_STORE);
    }
    let mut last = Tx::NONE;
    let mut at = None;
    let read = (|| -> Result<Vec<String>> {
        let registry = place.registry()?;
        let found = during(tell, "verifying the registry", &|| (0, 0), || registry.verify())?;
        if !readable || !found.is_empty() {
            return Ok(found);
        }
        last = registry.last_tx()?;
        let stores = Stores::open(place, guide)?;
        for (name, index, view) in stores.each() {
            let differ = faults.len();
            if index.applied_tx() > last {
                faults.push(format!("the {name} store is at transaction {}, the log ends at {last}", index.applied_tx()));
            }
            faults.extend(
                annuaire_publish::verify(&registry, index, view, &**tell)?.into_iter().map(|f| format!("{name} store: {f}")),
            );
            if faults.len() > differ {
                advice.push(OF_EITHER);
            }
        }
        at = Some(stores.public.applied_tx());
        Ok(found)
    })();
    match read {
        Ok(found) if found.is_empty() => {}
        Ok(found) => {
            faults.extend(found.into_iter().map(|f| format!("registry: {f}")));
            advice.push(OF_REGISTRY);
        }
        Err(e) => {
            use annuaire_publish::Error as Publish;
            let damaged = matches!(e.downcast_ref(), Some(annuaire_store::Error::Damaged(_)))
                || matches!(e.downcast_ref(), Some(Publish::Store(annuaire_store::Error::Damaged(_))));
            if !damaged && faults.is_empty() {
                return Err(e);
            }
            faults.push(one_line(&e));
            if damaged {
                advice.push(OF_REGISTRY);
            }
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        advice.dedup();
        bail!("{} differences; {}", faults.len(), advice.join("; "));
    }
    println!("log, registry and publication stores agree at transaction {} (log at {last})", at.unwrap_or_default());
    Ok(Exit::Done)
}
