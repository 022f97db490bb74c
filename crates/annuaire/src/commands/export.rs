//! `annuaire export`.

use crate::amounts::{date_utc, thousands};
use crate::data_place::{DataPlace, ExpectedData};
use crate::exit::{Exit, Usage};
use crate::new_directory::{expect_replaceable, making, replace};
use crate::options::PlaceOptions;
use crate::progress;
use crate::store_export::{StoreFiles, state_named, write_store_files};
use crate::store_selection::ChosenRows;
use crate::stores::Stores;
use annuaire_base::date::iso_ms;
use annuaire_extract::{
    ActivityFilter, ExtractOptions, ExtractReport, HeaderWidth, NationalFile, RegistryState, StateReading, extract,
    extract_delta, lines_of_person,
};
use annuaire_fhir::{Guide, Perimeter};
use annuaire_store::BlockingRegistry;
use annuaire_views::TableFormat;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::{Path, PathBuf};

/// File in which an export describes itself.
const NOTE: &str = "export.json";

/// Writes a state of the directory, or what changed between two, as files
#[derive(Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// Form of the files
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// Directory to make; one that an export made before is replaced when the new files are complete
    #[arg(long, value_name = "DIR", required_unless_present = "person", conflicts_with = "person")]
    to: Option<PathBuf>,
    /// Whom the files are for; restricted data is for bodies that are entitled to it
    #[arg(long, value_enum, default_value_t)]
    perimeter: ExportPerimeter,
    /// Writes a delta from this state, a transaction (12) or an instant (2026-11-24, 2026-11-24T08:00:00), in place of whole files
    #[arg(long, value_name = "TX|INSTANT", conflicts_with = "person")]
    since: Option<String>,
    /// State to write; without it, the last one
    #[arg(long, value_name = "TX|INSTANT")]
    at: Option<String>,
    /// Only these files: diplomas, activities, know-how, cards, mailboxes, prosanteconnect, finess-501 to finess-505, finess-507
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    only: Vec<NationalFile>,
    /// Only activities of these professions, by code, and what is known of who has one
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    profession: Vec<String>,
    /// Only activities in these departments (29, 2A, 971), and what is known of who has one
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    department: Vec<String>,
    /// Only activities in these regions, by INSEE code; beside departments, either will do
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    region: Vec<String>,
    /// Only activities in these structures: technical identifier, FINESS number, SIRET or national number
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    structure: Vec<String>,
    /// Columns of PS_LibreAcces_Personne_activite: 48 (up to 2019), 52 (2021) or 56
    #[arg(long, value_name = "COLUMNS", default_value = "56")]
    header: HeaderWidth,
    /// Prints the lines of one person, by national identification (810999000010), in place of files
    #[arg(long, value_name = "ID")]
    person: Option<String>,
    /// What was written as JSON
    #[arg(long)]
    json: bool,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
}

/// Form of exported files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// The national files, as today's loaders read them
    #[default]
    National,
    /// The published resources, one a line, a file for each type
    Ndjson,
    /// The published tables, for spreadsheets
    Csv,
    /// The published tables, for DuckDB, pandas and the like
    Parquet,
}

/// Perimeter of exported files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ExportPerimeter {
    /// Open data
    #[default]
    Public,
    /// All that is known
    Restricted,
}

impl ExportArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, configuration) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        let store_files = match self.format {
            ExportFormat::National => None,
            ExportFormat::Ndjson => Some(StoreFiles::Resources),
            ExportFormat::Csv => Some(StoreFiles::Tables(TableFormat::Csv)),
            ExportFormat::Parquet => Some(StoreFiles::Tables(TableFormat::Parquet)),
        };
        if let Some(files) = store_files {
            return self.write_store(&place, configuration.publication.guide.into(), files);
        }
        let registry = place.registry()?;
        let state = match &self.at {
            Some(text) => RegistryState::named(&registry, text)?,
            None => RegistryState::last(&registry)?,
        };
        let options = ExtractOptions {
            perimeter: match self.perimeter {
                ExportPerimeter::Public => Perimeter::Public,
                ExportPerimeter::Restricted => Perimeter::Restricted,
            },
            only: self.only.clone(),
            filter: self.filter(),
            width: self.header,
            // The share of an import is for all of a country; lines are sorted in a quarter of it.
            sort_bytes: configuration.import.sort_bytes.get().min(annuaire_extract::limits::SORT_BYTES),
            spill: Some(configuration.import.spill.clone().unwrap_or_else(|| place.data.clone())),
            threads: configuration.import.threads.get(),
            progress: Some(progress::shown_unless(self.quiet)),
        };
        match (&self.person, &self.to) {
            (Some(person), _) => print_person(&registry, state, person, &options),
            (None, Some(to)) => self.write(&registry, state, to, &options),
            (None, None) => Err(Usage("name a directory with --to".into()).into()),
        }
    }

    fn filter(&self) -> ActivityFilter {
        ActivityFilter {
            professions: self.profession.clone(),
            departments: self.department.clone(),
            regions: self.region.clone(),
            structures: self.structure.clone(),
        }
    }

    fn write(&self, registry: &BlockingRegistry, state: RegistryState, to: &Path, options: &ExtractOptions) -> Result<Exit> {
        expect_replaceable(to, NOTE)?;
        let since = self.since.as_deref().map(|text| RegistryState::named(registry, text)).transpose()?;
        let new = making(to)?;
        let as_it_was = || match to.exists() {
            true => format!("{}: left as it was", to.display()),
            false => format!("{}: not made", to.display()),
        };
        let report = match since {
            Some(since) => extract_delta(registry, since, state, new.path(), options, StateReading::Cheapest),
            None => extract(registry, state, new.path(), options),
        };
        let report = report.with_context(as_it_was)?;
        if self.perimeter == ExportPerimeter::Public {
            open_to_others(new.path())?;
        }
        let log = registry.log()?;
        let log = json!({"id": format!("{:032x}", log.id), "epoch": log.epoch});
        let note = json!({"format": "national", "log": log, "export": report});
        replace(new, to, NOTE, &note).with_context(as_it_was)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print(to, state, &report);
        }
        Ok(if report.faults > 0 || !report.withdrawn.is_empty() { Exit::Incomplete } else { Exit::Done })
    }
}

impl ExportArguments {
    /// Writes a state of a publication store.
    fn write_store(&self, place: &DataPlace, guide: Guide, files: StoreFiles) -> Result<Exit> {
        if self.person.is_some() || !self.only.is_empty() || self.header != HeaderWidth::default() {
            let what = "--person, --only and --header are for --format national: resources and tables have a file for each type";
            return Err(Usage(what.into()).into());
        }
        let filter = self.filter();
        if let Some(objection) = filter.objection() {
            return Err(Usage(objection).into());
        }
        let Some(to) = &self.to else { return Err(Usage("name a directory with --to".into()).into()) };
        expect_replaceable(to, NOTE)?;
        let stores = Stores::open(place, guide)?;
        let (index, perimeter) = match self.perimeter {
            ExportPerimeter::Public => (&stores.public, "public"),
            ExportPerimeter::Restricted => {
                let store = stores.restricted.as_ref();
                (store.context("there is no restricted store: a server with --restricted-credentials makes it")?, "restricted")
            }
        };
        let snapshot = match &self.at {
            Some(text) => state_named(index, "--at", text)?,
            None => index.snapshot()?,
        };
        let since = self.since.as_deref().map(|text| state_named(index, "--since", text)).transpose()?;
        let chosen = match &since {
            Some(since) if since.tx() > snapshot.tx() => {
                bail!("--since names transaction {}, which is after {}", since.tx(), snapshot.tx())
            }
            Some(since) => ChosenRows::between(since, &snapshot, &filter)?,
            None => ChosenRows::of(&snapshot, &filter)?,
        };
        let new = making(to)?;
        let written = write_store_files(&snapshot, &chosen, files, new.path(), &progress::shown_unless(self.quiet))
            .with_context(|| format!("{}: left as it was", to.display()))?;
        if self.perimeter == ExportPerimeter::Public {
            open_to_others(new.path())?;
        }
        let log = index.log()?.map(|log| json!({"id": format!("{:032x}", log.id), "epoch": log.epoch}));
        let mut report = json!({
            "tx": snapshot.tx().get(),
            "transactionTime": iso_ms(snapshot.commit_ms()),
            "perimeter": perimeter,
            "files": written,
        });
        if let Some(since) = &since {
            report["since"] = since.tx().get().into();
        }
        let format = self.format.to_possible_value().map(|value| value.get_name().to_owned());
        replace(new, to, NOTE, &json!({"format": format, "log": log, "export": report}))?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
            return Ok(Exit::Done);
        }
        let since = since.map(|since| format!("from transaction {} to ", since.tx())).unwrap_or_default();
        println!("{}: {since}transaction {} of {}, {perimeter}", to.display(), snapshot.tx(), date_utc(snapshot.commit_ms()));
        for file in &written {
            println!("{}: {} {}", file.name, thousands(file.rows), if file.table.is_some() { "rows" } else { "resources" });
        }
        Ok(Exit::Done)
    }
}

/// Open data may be read by whoever may reach the directory; restricted data stays its owner's alone.
fn open_to_others(dir: &Path) -> Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .with_context(|| format!("opening {} to others", dir.display()))?;
    Ok(())
}

fn print(to: &Path, state: RegistryState, report: &ExtractReport) {
    let since = report.since.map(|tx| format!("from transaction {tx} ")).unwrap_or_default();
    println!("{}: {since}to transaction {} of {}, {}", to.display(), state.tx, date_utc(state.commit_ms), report.perimeter);
    for file in &report.files {
        match (file.added, file.removed) {
            (Some(added), Some(removed)) => println!("{}: {} added, {} removed", file.name, thousands(added), thousands(removed)),
            _ => println!("{}: {} lines", file.name, thousands(file.lines)),
        }
    }
    for note in &report.notes {
        println!("{note}");
    }
}

fn print_person(registry: &BlockingRegistry, state: RegistryState, person: &str, options: &ExtractOptions) -> Result<Exit> {
    let files = lines_of_person(registry, state, person, options)?;
    if files.is_empty() {
        eprintln!("no file has a line of {person} at transaction {} (name it with its type digit: 810999000010)", state.tx);
        return Ok(Exit::Refused);
    }
    for file in files {
        println!("{}\n{}", file.name, file.header);
        for line in file.lines {
            println!("{line}");
        }
        println!();
    }
    Ok(Exit::Done)
}
