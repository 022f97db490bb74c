//! `annuaire serve`.

use crate::config::{ClientBase, Configuration, LogLevel, TextValue};
use crate::exit::Exit;
use crate::options::{GivenOptions, GuideOption, PlaceOptions};
use crate::progress;
use crate::serve::{self, Listeners, ServedData};
use annuaire_web::Network;
use anyhow::Result;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serves the API
#[derive(Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    place: PlaceOptions,
    #[command(flatten)]
    serving: ServingOptions,
}

impl ServeArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, mut configuration) = self.place.open()?;
        self.serving.apply(given, &mut configuration);
        let listeners = Listeners::of(&configuration)?;
        let tell = progress::shown_unless(self.serving.quiet);
        serve::serve(&place, &configuration, listeners, ServedData::Real, &tell).map(|()| Exit::Done)
    }
}

/// How to serve.
#[derive(Args)]
pub(crate) struct ServingOptions {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address that clients see, when a proxy stands in front (https://…); with --trusted-proxy it may be left out
    #[arg(long)]
    public_base: Option<TextValue<ClientBase>>,
    /// Proxy whose Forwarded and X-Forwarded-For, -Proto, -Host and -Prefix are believed; may be given several times
    #[arg(long, value_name = "ADDR|CIDR")]
    trusted_proxy: Vec<TextValue<Network>>,
    /// File with one accepted API key a line; without it the API is open
    #[arg(long)]
    api_keys: Option<PathBuf>,
    /// File with one accepted bearer credential a line; opens the restricted perimeter to their holders
    #[arg(long)]
    restricted_credentials: Option<PathBuf>,
    /// File with one accepted bearer credential a line; opens the historised perimeter, the restricted data with all its past
    #[arg(long)]
    history_credentials: Option<PathBuf>,
    /// Requests a second that one key, or one address, may make (the national service allows 17)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Who answers for the directory, as the page of legal notices names it; needed on an address that others reach
    #[arg(long)]
    operator: Option<String>,
    /// Asks search engines to list no page, and offers no sitemap
    #[arg(long)]
    no_index: bool,
    /// No log line per request
    #[arg(long)]
    pub(crate) quiet: bool,
    /// How much is told of errors and events, beside the line of each request [default: that of ANNUAIRE_LOG, else warn]
    #[arg(long, value_enum)]
    log: Option<LogLevel>,
    #[command(flatten)]
    guide: GuideOption,
}

impl ServingOptions {
    /// Puts the options that the command line names into the configuration.
    pub(crate) fn apply(&self, given: &GivenOptions, configuration: &mut Configuration) {
        let Configuration { server, access, .. } = configuration;
        if let Some(listen) = given.value("listen", self.listen) {
            server.listen = listen;
        }
        replace(&mut server.public_base, &self.public_base);
        if !self.trusted_proxy.is_empty() {
            server.trusted_proxies.clone_from(&self.trusted_proxy);
        }
        replace(&mut access.api_keys, &self.api_keys);
        replace(&mut access.restricted_credentials, &self.restricted_credentials);
        replace(&mut access.history_credentials, &self.history_credentials);
        replace(&mut access.rate, &self.rate.and_then(std::num::NonZeroU32::new));
        replace(&mut server.operator, &self.operator);
        if self.no_index {
            server.indexed = false;
        }
        replace(&mut server.log, &self.log);
        if self.quiet {
            server.request_log = false;
        }
        self.guide.apply(given, configuration);
    }
}

/// Puts `given` in the place of `configured`, when it is there.
fn replace<T: Clone>(configured: &mut Option<T>, given: &Option<T>) {
    if given.is_some() {
        configured.clone_from(given);
    }
}
