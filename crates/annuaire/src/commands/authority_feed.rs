//! `annuaire authority-feed`: what an order or a regional agency sends about its population.

use crate::catch_up::publish_and_report;
use crate::data_place::ExpectedData;
use crate::exit::{Exit, Usage};
use crate::operator_registration::operator_registration;
use crate::options::{GivenOptions, GuideOption, PlaceOptions, reason};
use crate::page_key::page_key;
use crate::progress;
use crate::publisher::Publisher;
use crate::registry::runtime;
use crate::stores::Stores;
use annuaire_registry::{FeedPhase, FeedSender, ListedFeed, Registration, SystemActor};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::path::PathBuf;

/// Takes what an order or regional agency sends about its population (docs/authority-feeds.md), or decides on a batch that waits. It may run beside a server
#[derive(Args)]
pub(crate) struct AuthorityFeedArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// The authority: a code of TRE_R60 (CNOM, ARS-53)
    #[arg(long, value_name = "CODE")]
    authority: String,
    /// The file is the whole population: what it leaves out ends
    #[arg(long, requires = "file")]
    full: bool,
    /// Says what would change, and writes nothing
    #[arg(long, requires = "file")]
    dry_run: bool,
    /// Writes the acknowledgement here, one JSON line for each line; the file must not exist
    #[arg(long, value_name = "FILE")]
    acknowledgement: Option<PathBuf>,
    /// Applies a batch that waits
    #[arg(long, value_name = "BATCH", requires = "reason", conflicts_with_all = ["file", "reject"])]
    apply: Option<String>,
    /// Rejects a batch that waits
    #[arg(long, value_name = "BATCH", requires = "reason", conflicts_with = "file")]
    reject: Option<String>,
    /// Why, in 10 characters at least, without naming a person; goes to the trail
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Option<String>,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    guide: GuideOption,
    /// JSON lines, one for each person; without it and without a decision, batches are listed
    file: Option<PathBuf>,
}

impl AuthorityFeedArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, mut configuration) = self.place.open()?;
        self.guide.apply(given, &mut configuration);
        let guide = configuration.publication.guide.into();
        place.expect(ExpectedData::Present)?;
        // Nothing is committed that could not be published afterwards.
        if let Some(_publisher) = Publisher::take(&place.data, "authority-feed")? {
            Stores::check_guide(&place, guide)?;
        }
        let registry = place.registry()?;
        let (registration, system) = operator_registration(&registry, &configuration, page_key(&place)?)?;
        let Some(by) = FeedSender::operator(&system, &self.authority) else {
            return Err(Usage(format!("--authority {}: this is no code of an order or agency in TRE_R60", self.authority)).into());
        };
        let before = runtime()?.block_on(registry.registry().last_tx())?;
        let exit = self.act(&registration, &system, &by)?;
        let changed = runtime()?.block_on(registry.registry().last_tx())? > before;
        publish_and_report(&place, guide, &registry, changed, &progress::shown_unless(self.quiet), exit)
    }

    fn act(&self, registration: &Registration, system: &SystemActor, by: &FeedSender) -> Result<Exit> {
        let wait = runtime()?;
        let reason = self.reason.as_deref().unwrap_or_default();
        let batch = match (&self.file, self.apply.as_deref().or(self.reject.as_deref())) {
            (Some(file), _) => {
                let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
                let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if self.dry_run {
                    let would = wait.block_on(registration.preview_feed(by, self.full, &name, &bytes))?;
                    print(&would);
                    return Ok(if would.phase == FeedPhase::Held { Exit::Incomplete } else { Exit::Done });
                }
                wait.block_on(registration.receive_feed(by, self.full, &name, &bytes))?
            }
            (None, Some(id)) => wait.block_on(registration.decide_feed(by, id, self.apply.is_some(), reason))?,
            (None, None) => {
                for batch in wait.block_on(registration.feeds(by))? {
                    print(&batch);
                }
                return Ok(Exit::Done);
            }
        };
        let run = wait.block_on(registration.run_feeds(system))?;
        if run.failed > 0 {
            bail!("a page of the batch {} failed: a server or the next call tries it again", batch.id);
        }
        let batch = wait.block_on(registration.feed(by, &batch.id))?;
        print(&batch);
        if let Some(file) = &self.acknowledgement {
            let text = wait.block_on(registration.feed_acknowledgement(by, &batch.id))?;
            let mut out = fs::File::create_new(file).with_context(|| format!("creating {}", file.display()))?;
            std::io::Write::write_all(&mut out, text.as_bytes()).with_context(|| format!("writing {}", file.display()))?;
        }
        let incomplete = batch.phase == FeedPhase::Held || batch.rejected > 0;
        Ok(if incomplete { Exit::Incomplete } else { Exit::Done })
    }
}

/// What a batch is, and did or would do.
fn print(batch: &ListedFeed) {
    let kind = if batch.full { "full set" } else { "delta" };
    println!(
        "{}: {kind} of {} lines, {:?} (until {})",
        batch.id,
        batch.lines,
        batch.phase,
        crate::amounts::date_utc(batch.ends_ms)
    );
    println!(
        "  population {}: {} new, {} changed, {} ended, {} left out, {} as known; {} lines cannot be read",
        batch.population, batch.created, batch.changed, batch.ended, batch.removed, batch.unchanged, batch.unreadable
    );
    match batch.phase {
        FeedPhase::Held => {
            println!("  it changes too much and waits: look at it, then --apply {} or --reject {0}, with --reason", batch.id)
        }
        FeedPhase::Applied => println!(
            "  accepted {}, with a remark {}, rejected {}; ended by absence {}",
            batch.accepted, batch.warned, batch.rejected, batch.left_out
        ),
        FeedPhase::Applying | FeedPhase::Rejected => {}
    }
}
