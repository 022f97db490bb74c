//! `annuaire import`.

use crate::catch_up::publish_and_report;
use crate::data_place::{DataPlace, ExpectedData, create_private};
use crate::exit::{Exit, Usage};
use crate::options::{AcceptingOptions, GivenOptions, GuideOption, PlaceOptions};
use crate::priority::run_behind_readers;
use crate::progress::{self, SharedTell};
use crate::publisher::Publisher;
use crate::report::{self, ReportOf};
use crate::stores::Stores;
use annuaire_exchange::Options as ExchangeOptions;
use annuaire_fhir::Guide;
use anyhow::Result;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

/// Imports national files or FHIR resources (text, gzip or zip; the format is recognised) as one transaction
#[derive(Args)]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    place: PlaceOptions,
    #[command(flatten)]
    accepting: AcceptingOptions,
    /// Reads, checks and compares everything, says what would appear, change and end, and writes nothing
    #[arg(long)]
    dry_run: bool,
    /// What FHIR files say is open data and may be public; without it, it is published in the restricted perimeter only
    #[arg(long)]
    open: bool,
    /// The FHIR files given are all that their directory has: what they do not name ends
    #[arg(long)]
    full: bool,
    /// Writes the full report as JSON
    #[arg(long)]
    report: Option<PathBuf>,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    guide: GuideOption,
    /// The files of one delivery
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl ImportArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, mut configuration) = self.place.open()?;
        self.guide.apply(given, &mut configuration);
        let mut options = self.accepting.exchange_options(&place, &configuration, self.quiet);
        (options.dry_run, options.open, options.full_feed) = (self.dry_run, self.open, self.full);
        run_behind_readers(configuration.import.niceness.get());
        let delivery = Delivery { files: self.files, options, report: self.report };
        import(&place, &delivery, configuration.publication.guide.into(), &progress::shown_unless(self.quiet))
    }
}

/// Files that are imported together.
pub(crate) struct Delivery {
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// How they are imported.
    pub(crate) options: ExchangeOptions,
    /// Where the full report goes, as JSON.
    pub(crate) report: Option<PathBuf>,
}

/// Imports a delivery and has it published.
pub(crate) fn import(place: &DataPlace, delivery: &Delivery, guide: Guide, tell: &SharedTell) -> Result<Exit> {
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = delivery.files.iter().cloned().partition(|f| f.is_dir());
    for folder in &folders {
        println!("{}: a directory, left out; name its files", folder.display());
    }
    if files.is_empty() {
        return Err(Usage("no file to import: name files, or an archive".into()).into());
    }
    let to = delivery.report.as_deref();
    if delivery.options.dry_run && is_absent_or_empty(&place.data) {
        // The files are compared with an empty registry elsewhere: a dry run makes no data directory.
        let elsewhere = tempfile::tempdir()?;
        let place = DataPlace { data: elsewhere.path().join("data"), ..place.clone() };
        create_private(&place.data)?;
        let options = ExchangeOptions { spill: Some(place.data.clone()), ..delivery.options.clone() };
        return dry_run(&place, &files, &options, to);
    }
    place.expect(ExpectedData::MadeIfAbsent)?;
    if delivery.options.dry_run {
        return dry_run(place, &files, &delivery.options, to);
    }
    // Nothing is committed that could not be published afterwards.
    if let Some(_publisher) = Publisher::take(&place.data, "import")? {
        Stores::check_guide(place, guide)?;
    }
    let registry = place.registry()?;
    let imported = annuaire_exchange::import(&registry, &files, &delivery.options)?;
    report::print(&imported, ReportOf::Import);
    if let Some(to) = to {
        report::write(&imported, to)?;
    }
    let exit = if imported.complete() { Exit::Done } else { Exit::Incomplete };
    publish_and_report(place, guide, &registry, imported.tx.is_some(), tell, exit)
}

fn is_absent_or_empty(dir: &Path) -> bool {
    fs::read_dir(dir).map_or_else(|_| !dir.exists(), |mut entries| entries.next().is_none())
}

fn dry_run(place: &DataPlace, files: &[PathBuf], options: &ExchangeOptions, to: Option<&Path>) -> Result<Exit> {
    let registry = place.registry()?;
    let compared = annuaire_exchange::import(&registry, files, options)?;
    report::print(&compared, ReportOf::DryRun);
    if let Some(to) = to {
        report::write(&compared, to)?;
    }
    Ok(if compared.complete() { Exit::Done } else { Exit::Incomplete })
}
