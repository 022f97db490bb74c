//! Options that several commands share.

use crate::clock::{now_ms, uptime};
use crate::config::{Configuration, GuideVersion};
use crate::data_place::DataPlace;
use crate::progress;
use annuaire_exchange::Options as ExchangeOptions;
use anyhow::Result;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Options that the command line itself names: those whose value is a default leave the word to the configuration.
pub(crate) struct GivenOptions(BTreeSet<String>);

impl GivenOptions {
    /// The options given to a command.
    pub(crate) fn new(command: &ArgMatches) -> Self {
        let given = command.ids().filter(|id| command.value_source(id.as_str()) == Some(ValueSource::CommandLine));
        Self(given.map(|id| id.as_str().to_owned()).collect())
    }

    /// `value`, when the command line names `option`.
    pub(crate) fn value<T>(&self, option: &str, value: T) -> Option<T> {
        self.0.contains(option).then_some(value)
    }
}

/// Where an installation is.
#[derive(Args, Clone)]
pub(crate) struct PlaceOptions {
    /// Data directory
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// File that holds the URL of a PostgreSQL database to use as registry (postgres://user:password@host/database); without
    /// it the registry is a SQLite file of the data directory
    #[arg(long)]
    pub(crate) database: Option<PathBuf>,
    /// Configuration file; without it, annuaire.toml of the data directory, if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl PlaceOptions {
    /// Reads the configuration, and finds the installation with it.
    pub(crate) fn open(&self) -> Result<(DataPlace, Configuration)> {
        let mut configuration = Configuration::of_installation(self.config.as_deref(), Some(&self.data))?;
        if let Some(database) = &self.database {
            configuration.registry.database = Some(database.clone());
        }
        Ok((configuration.data_place(&self.data), configuration))
    }
}

/// Version of the guide.
#[derive(Args)]
pub(crate) struct GuideOption {
    /// Version of the national guide that resources follow
    #[arg(long, value_enum, default_value_t)]
    guide: GuideVersion,
}

impl GuideOption {
    /// Puts the guide into the configuration, when the command line names one.
    pub(crate) fn apply(&self, given: &GivenOptions, configuration: &mut Configuration) {
        if let Some(guide) = given.value("guide", self.guide) {
            configuration.publication.guide = guide;
        }
    }
}

/// What an operator who has looked at a delivery accepts.
#[derive(Args, Default)]
pub(crate) struct AcceptingOptions {
    /// Passes the guards against mass changes and wrong keys; the reason (10 characters at least) goes to the log
    #[arg(long, value_name = "REASON", value_parser = reason)]
    accept_mass_change: Option<String>,
    /// Commits although the clock of this machine and the last transaction are far apart
    #[arg(long)]
    accept_clock: bool,
}

/// A reason that somebody can understand a year later.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() < annuaire_exchange::limits::REASON_MIN {
        return Err(format!("say why in {} characters or more: the log keeps it", annuaire_exchange::limits::REASON_MIN));
    }
    Ok(text.to_owned())
}

impl AcceptingOptions {
    /// Options of an import or undo of this installation. What does not fit in memory goes to the disk of the data: the temporary
    /// directory of the system is often memory.
    pub(crate) fn exchange_options(&self, place: &DataPlace, configuration: &Configuration, quiet: bool) -> ExchangeOptions {
        ExchangeOptions {
            author: "import".into(),
            clock: Arc::new(now_ms),
            any_clock: self.accept_clock,
            accept_mass_change: self.accept_mass_change.clone(),
            check: Some(annuaire_fhir::foreign::check_publishable),
            progress: Some(progress::shown_unless(quiet)),
            now: Some(uptime),
            sort_bytes: configuration.import.sort_bytes.get(),
            spill: Some(configuration.import.spill.clone().unwrap_or_else(|| place.data.clone())),
            threads: configuration.import.threads.get(),
            ..ExchangeOptions::default()
        }
    }
}
