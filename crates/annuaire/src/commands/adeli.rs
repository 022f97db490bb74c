//! `annuaire adeli`: correspondence files of ADELI and RPPS numbers.

use crate::catch_up::publish_and_report;
use crate::config::Configuration;
use crate::data_place::{DataPlace, ExpectedData};
use crate::exit::Exit;
use crate::operator_registration::operator_registration;
use crate::options::{GivenOptions, GuideOption, PlaceOptions};
use crate::page_key::page_key;
use crate::progress;
use crate::publisher::Publisher;
use crate::registry::runtime;
use crate::stores::Stores;
use annuaire_registry::{CorrespondenceReport, Registration, SystemActor};
use annuaire_workflow::adeli::{CORRESPONDENCE_HEADER, CorrespondenceCode, REPORT_HEADER, read_correspondence};
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Loads correspondence files of ADELI and RPPS numbers, takes them back, and writes what stands
#[derive(Args)]
pub(crate) struct AdeliArguments {
    #[command(flatten)]
    place: PlaceOptions,
    #[command(flatten)]
    guide: GuideOption,
    #[command(subcommand)]
    what: AdeliCommand,
}

#[derive(Subcommand)]
enum AdeliCommand {
    /// Loads a file `N° ADELI;N° RPPS`: each number leads to the person from then on. A line that cannot be applied is reported
    Load {
        /// The file, in UTF-8 or Windows-1252
        file: PathBuf,
        /// Says what would happen, and writes nothing into the registry
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        outputs: ReportOutputs,
    },
    /// Takes back what one load applied
    Undo {
        /// Number of the load, as `load` printed it
        load: String,
        #[command(flatten)]
        outputs: ReportOutputs,
    },
    /// Writes the ADELI numbers that loads applied, with the RPPS numbers to which they lead
    Correspondence {
        /// The file to write, in UTF-8
        file: PathBuf,
    },
}

/// Where a report goes.
#[derive(Args)]
struct ReportOutputs {
    /// Writes a line `original_Id;target_Id;code` for each line of the file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Writes `UPDATE;id` and `DELETE;id` for those who keep a copy by national identification
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

impl AdeliArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, mut configuration) = self.place.open()?;
        self.guide.apply(given, &mut configuration);
        place.expect(ExpectedData::Present)?;
        match self.what {
            AdeliCommand::Load { file, dry_run, outputs } => {
                // The whole file is judged before anything is opened for writing.
                let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                let lines = read_correspondence(&decoded(bytes)).with_context(|| file.display().to_string())?;
                run(&place, &configuration, dry_run, &outputs, async |registration, system| {
                    Ok(registration.load_correspondence(system, &lines, dry_run).await?)
                })
            }
            AdeliCommand::Undo { load, outputs } => run(&place, &configuration, false, &outputs, async |registration, system| {
                let report = registration.undo_correspondence(system, &load).await?;
                report.with_context(|| format!("there is no load {load:?}: `annuaire adeli load` printed its number"))
            }),
            AdeliCommand::Correspondence { file } => {
                let registry = place.registry()?;
                let (registration, system) = operator_registration(&registry, &configuration, page_key(&place)?)?;
                let table = runtime()?.block_on(registration.correspondence_table(&system))?;
                let mut text = format!("{CORRESPONDENCE_HEADER}\n");
                for (adeli, rpps) in &table {
                    writeln!(text, "{adeli};{rpps}")?;
                }
                write(&file, &text)?;
                println!("{} numbers written to {}", table.len(), file.display());
                Ok(Exit::Done)
            }
        }
    }
}

/// Runs a use case, writes its report and publishes what it changed.
fn run(
    place: &DataPlace,
    configuration: &Configuration,
    dry_run: bool,
    outputs: &ReportOutputs,
    work: impl AsyncFnOnce(&Registration, &SystemActor) -> Result<CorrespondenceReport>,
) -> Result<Exit> {
    let guide = configuration.publication.guide.into();
    // Nothing is committed that could not be published afterwards.
    if !dry_run && let Some(_publisher) = Publisher::take(&place.data, "adeli")? {
        Stores::check_guide(place, guide)?;
    }
    let registry = place.registry()?;
    let (registration, system) = operator_registration(&registry, configuration, page_key(place)?)?;
    let before = registry.last_tx()?;
    let report = runtime()?.block_on(work(&registration, &system))?;
    outputs.write(&report)?;
    print(&report, dry_run);
    let is_whole = report.codes.keys().all(|code| matches!(code, CorrespondenceCode::Applied | CorrespondenceCode::Known));
    let exit = if is_whole { Exit::Done } else { Exit::Incomplete };
    if dry_run {
        return Ok(exit);
    }
    let changed = registry.last_tx()? > before;
    publish_and_report(place, guide, &registry, changed, &progress::shown_unless(true), exit)
}

impl ReportOutputs {
    fn write(&self, report: &CorrespondenceReport) -> Result<()> {
        if let Some(file) = &self.report {
            let lines = report.lines.iter().map(String::as_str);
            write(file, &[REPORT_HEADER].into_iter().chain(lines).map(|line| format!("{line}\n")).collect::<String>())?;
        }
        if let Some(file) = &self.events {
            write(file, &report.events.iter().map(|event| format!("{event}\n")).collect::<String>())?;
        }
        Ok(())
    }
}

fn print(report: &CorrespondenceReport, dry_run: bool) {
    for (code, count) in &report.codes {
        let what = match code {
            CorrespondenceCode::Applied => "applied",
            CorrespondenceCode::Refused => "refused: a wrong number, or one that leads to somebody else",
            CorrespondenceCode::Known => "known before",
            CorrespondenceCode::TargetUnknown => "with an RPPS number that nobody has",
        };
        println!("{count} lines {what} ({})", code.number());
    }
    match &report.load {
        Some(load) => println!("load {load}"),
        None if dry_run => println!("nothing was written"),
        None => println!("nothing changed"),
    }
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

/// Text of UTF-8, or else of Windows-1252: beyond ASCII, a correspondence file has its degree sign alone, which is one byte of equal value in
/// Latin-1.
fn decoded(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().iter().map(|byte| char::from(*byte)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_of_the_header_are_read() {
        assert_eq!(decoded("N° ADELI;N° RPPS".into()), CORRESPONDENCE_HEADER);
        assert_eq!(decoded(b"N\xb0 ADELI;N\xb0 RPPS".to_vec()), CORRESPONDENCE_HEADER);
    }
}
