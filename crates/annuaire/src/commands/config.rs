//! `annuaire config`.

use crate::config::{Configuration, ConfigurationSource};
use crate::exit::Exit;
use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use std::fs;
use std::path::PathBuf;

/// Checks a configuration file, or prints the configuration in use
#[derive(Args)]
#[command(group = ArgGroup::new("action").required(true))]
pub(crate) struct ConfigArguments {
    /// Checks a file, and that the files which it names can be read; without FILE, the one that --config or --data gives
    #[arg(long, group = "action", value_name = "FILE", num_args = 0..=1)]
    check: Option<Option<PathBuf>>,
    /// Prints the configuration that commands use, with the meaning and the default of each key, as a file; no secret is in it
    #[arg(long, group = "action")]
    print: bool,
    /// Data directory whose annuaire.toml is used
    #[arg(long)]
    data: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let source = ConfigurationSource::find(self.config.as_deref(), self.data.as_deref());
        match self.check {
            Some(Some(file)) => check(&ConfigurationSource::File(file)),
            Some(None) => check(&source),
            None => print(&source),
        }
    }
}

fn print(source: &ConfigurationSource) -> Result<Exit> {
    let (origin, configuration) = match source {
        ConfigurationSource::File(file) => {
            (format!("{}, and defaults for the keys that it leaves out", file.display()), Configuration::load(file)?)
        }
        ConfigurationSource::Defaults => ("the defaults; there is no configuration file".to_owned(), Configuration::default()),
    };
    print!("# Configuration of annuaire {}: {origin}.\n\n{}", env!("CARGO_PKG_VERSION"), configuration.to_commented_toml());
    Ok(Exit::Done)
}

fn check(source: &ConfigurationSource) -> Result<Exit> {
    let ConfigurationSource::File(file) = source else {
        println!("no configuration file: everything has its default");
        return Ok(Exit::Done);
    };
    let mut configuration = Configuration::load(file)?;
    let unreadable: Vec<String> = configuration
        .paths()
        .into_iter()
        .filter_map(|(key, path)| {
            let readable = if path.is_dir() { fs::read_dir(&*path).map(drop) } else { fs::File::open(&*path).map(drop) };
            readable.err().map(|e| format!("{key}: {}: {e}", path.display()))
        })
        .collect();
    if !unreadable.is_empty() {
        bail!("{}: {}", file.display(), unreadable.join("; "));
    }
    println!("{}: good", file.display());
    Ok(Exit::Done)
}
