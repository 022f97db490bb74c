//! `annuaire demo`.

use crate::commands::import::{self, Delivery};
use crate::commands::serve::ServingOptions;
use crate::config::Configuration;
use crate::data_place::DataPlace;
use crate::demo_cards::{make_cards, tell_cards};
use crate::demo_directory::DemoDirectory;
use crate::demo_people::{RightOfFormer, register_people};
use crate::exit::Exit;
use crate::options::{AcceptingOptions, GivenOptions};
use crate::progress::{self, SharedTell};
use crate::registry::database_holds_nothing;
use crate::serve::{self, Listeners, ServedData};
use anyhow::{Result, bail};
use clap::Args;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A fictional nation, imported from its official files and served
#[derive(Args)]
pub(crate) struct DemoArguments {
    /// Number of fictional professionals
    #[arg(long, default_value_t = 5_000)]
    professionals: u32,
    /// Directory in which the demonstration stays when it ends; the one that it holds is served again. Without it, all is
    /// deleted at the end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// File that holds the URL of an empty PostgreSQL database (postgres://user:password@host/database) to use as registry;
    /// without it the registry is a SQLite file. The configuration file names none to a demonstration
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of the TLS listener for cards and certificates; when it is taken, there are none
    #[arg(long, default_value = "127.0.0.1:8443")]
    tls_listen: SocketAddr,
    #[command(flatten)]
    serving: ServingOptions,
}

impl DemoArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let mut configuration = Configuration::of_installation(self.config.as_deref(), None)?;
        self.serving.apply(given, &mut configuration);
        // A demonstration has a registry of its own, never that of an installation.
        configuration.registry.database.clone_from(&self.database);
        // Copies can be tried out.
        if configuration.publication.files.is_none() {
            configuration.publication.files = Some("PT1M".parse().map_err(anyhow::Error::msg)?);
        }
        let dir = DemoDirectory::open(self.data.as_deref())?;
        let place = configuration.data_place(&dir.data());
        if !dir.is_made()
            && let Some(url) = place.database_url()?
            && !database_holds_nothing(&url)?
        {
            bail!(
                "the database that --database names holds something already: a demonstration writes into an empty one; make one with \
                 CREATE DATABASE, or empty it if nothing of it is needed"
            );
        }
        // Before the work: a taken port would otherwise be reported after it.
        let (listeners, cards) = self.listeners(given, &mut configuration, &dir.cards())?;
        let tell = progress::shown_unless(self.serving.quiet);
        if dir.is_made() {
            println!("the demonstration of {}, as it was", dir.path().display());
        } else {
            self.make(&dir, &place, &configuration, &tell)?;
        }
        println!("everything in this demonstration is fictional");
        if let Some(cards) = cards {
            tell_cards(&cards);
        }
        serve::serve(&place, &configuration, listeners, ServedData::Fictional, &tell).map(|()| Exit::Done)
    }

    /// Imports the nation, and states the people with whom visitors log in. Their requests are made when it is served.
    fn make(&self, dir: &DemoDirectory, place: &DataPlace, configuration: &Configuration, tell: &SharedTell) -> Result<()> {
        let plan = annuaire_testkit::Plan { professionals: self.professionals, seed: 1, changed_per_mille: 3 };
        let files = dir.files();
        println!("making a nation of {} fictional professionals", self.professionals);
        annuaire_testkit::generate(&files, &plan)?;
        let mut paths: Vec<PathBuf> = fs::read_dir(&files)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        // The second delivery, in a directory, is for people who generate files.
        paths.retain(|path| path.is_file());
        paths.sort();
        let options = AcceptingOptions::default().exchange_options(place, configuration, self.serving.quiet);
        let delivery = Delivery { files: paths, options, report: None };
        import::import(place, &delivery, configuration.publication.guide.into(), tell)?;
        register_people(&place.registry()?, RightOfFormer::Open)
    }

    /// Takes the addresses, and makes cards if the configuration names no certificates of its own; returns where they are.
    fn listeners(
        &self,
        given: &GivenOptions,
        configuration: &mut Configuration,
        cards: &Path,
    ) -> Result<(Listeners, Option<PathBuf>)> {
        if given.value("tls_listen", self.tls_listen).is_none() && configuration.identity.tls_listen.is_some() {
            return Ok((Listeners::of(configuration)?, None));
        }
        let plain = serve::listen(configuration.server.listen, "--listen")?;
        match serve::listen(self.tls_listen, "--tls-listen") {
            Ok(listener) => {
                let address = listener.local_addr()?;
                configuration.identity.tls_listen = Some(address);
                make_cards(cards, address.port(), &mut configuration.identity)?;
                Ok((Listeners { plain, tls: Some(listener) }, Some(cards.to_owned())))
            }
            Err(error) => {
                println!("no cards in this demonstration: {error}");
                Ok((Listeners { plain, tls: None }, None))
            }
        }
    }
}
