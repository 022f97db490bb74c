//! Settings of the gate.

use std::fmt;
use std::sync::Arc;

use annuaire_gzip::GzipCoding;

use crate::clock::ClockUs;
use crate::proxies::Proxies;
use crate::public_base::PublicBase;
use crate::publication::PublicationStates;
use crate::rate::Rate;
use crate::request_log::LogSink;

/// Settings of the gate.
#[derive(Clone)]
pub struct GateSettings {
    /// Secret of the installation, from which the keys of all hashes derive. Keep it across restarts.
    pub secret: [u8; 32],
    /// Accepted `ESANTE-API-KEY` values; empty opens the public doors.
    pub api_keys: Vec<String>,
    /// Accepted `Authorization: Bearer` values of the restricted perimeter; empty closes it.
    pub credentials: Vec<String>,
    /// Accepted `Authorization: Bearer` values of the historised perimeter; empty closes it.
    pub history_credentials: Vec<String>,
    /// Proxies whose forwarding headers are believed.
    pub proxies: Proxies,
    /// Scheme, host and prefix that clients see; by default what a trusted proxy says, else `http://` and the `Host` header.
    pub public_base: Option<PublicBase>,
    /// Requests that one client may make.
    pub rate: Option<Rate>,
    /// Sink of the request log: a line has `time`, `method`, `route`, `type`, `status`, `bytes`, `us` (microseconds of work),
    /// `client` (hash of the key or address), `results` (matches sent) and `id` (request id). It never has the value of a
    /// parameter, since names are personal data.
    pub log: Option<LogSink>,
    /// Encoder of compressed answers.
    pub gzip: GzipCoding,
    /// The clock.
    pub clock: ClockUs,
    /// State of publication, which `/health` and `/metrics` show.
    pub publication: Arc<PublicationStates>,
}

impl GateSettings {
    /// Settings of an open service without rate, log and proxies, with our own gzip encoder.
    #[must_use]
    pub fn new(secret: [u8; 32], clock: ClockUs) -> Self {
        Self {
            secret,
            api_keys: Vec::new(),
            credentials: Vec::new(),
            history_credentials: Vec::new(),
            proxies: Proxies::default(),
            public_base: None,
            rate: None,
            log: None,
            gzip: GzipCoding::default(),
            clock,
            publication: Arc::default(),
        }
    }
}

impl fmt::Debug for GateSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateSettings")
            .field("secret", &"hidden")
            .field("api_keys", &format_args!("{} hidden", self.api_keys.len()))
            .field("credentials", &format_args!("{} hidden", self.credentials.len()))
            .field("history_credentials", &format_args!("{} hidden", self.history_credentials.len()))
            .field("proxies", &self.proxies)
            .field("public_base", &self.public_base)
            .field("rate", &self.rate)
            .field("gzip", &self.gzip)
            .finish_non_exhaustive()
    }
}
