//! `annuaire demo`.

use crate::commands::import::{self, Delivery};
use crate::commands::serve::ServingOptions;
use crate::config::Configuration;
use crate::demo_people::{RightOfFormer, register_people};
use crate::exit::Exit;
use crate::options::{AcceptingOptions, GivenOptions};
use crate::progress;
use crate::serve::{self, ServedData};
use anyhow::Result;
use clap::Args;
use std::fs;
use std::path::PathBuf;

/// A fictional nation, imported from its official files and served
#[derive(Args)]
pub(crate) struct DemoArguments {
    /// Number of fictional professionals
    #[arg(long, default_value_t = 5_000)]
    professionals: u32,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    serving: ServingOptions,
}

impl DemoArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let mut configuration = Configuration::of_installation(self.config.as_deref(), None)?;
        self.serving.apply(given, &mut configuration);
        // A demonstration has a registry of its own, never that of an installation.
        configuration.registry.database = None;
        // Copies can be tried out.
        if configuration.publication.files.is_none() {
            configuration.publication.files = Some("PT1M".parse().map_err(anyhow::Error::msg)?);
        }
        // Before the work: a taken port would otherwise be reported after it.
        let listener = serve::listen(configuration.server.listen)?;
        let dir = tempfile::tempdir()?;
        let plan = annuaire_testkit::Plan { professionals: self.professionals, seed: 1, changed_per_mille: 3 };
        let files = dir.path().join("files");
        println!("making a nation of {} fictional professionals", self.professionals);
        annuaire_testkit::generate(&files, &plan)?;
        let place = configuration.data_place(&dir.path().join("data"));
        let mut paths: Vec<PathBuf> = fs::read_dir(&files)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        // The second delivery, in a directory, is for people who generate files.
        paths.retain(|path| path.is_file());
        paths.sort();
        let options = AcceptingOptions::default().exchange_options(&place, &configuration, self.serving.quiet);
        let tell = progress::shown_unless(self.serving.quiet);
        let delivery = Delivery { files: paths, options, report: None };
        import::import(&place, &delivery, configuration.publication.guide.into(), &tell)?;
        register_people(&place.registry()?, RightOfFormer::Open)?;
        println!("everything in this demonstration is fictional");
        serve::serve(&place, &configuration, listener, ServedData::Fictional, &tell).map(|()| Exit::Done)
    }
}
