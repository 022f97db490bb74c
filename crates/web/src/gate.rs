//! The gate: where requests arrive and where their answers leave.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use annuaire_gzip::Encoder;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Version, header, request::Parts};
use axum::response::Response;

use crate::client::{AcceptedKeys, Client, SecretHasher};
use crate::guesses::{GuessTurn, Guesses};
use crate::host::is_host;
use crate::limits;
use crate::metrics::Metrics;
use crate::pass::{Operator, Pass, Verified, Who};
use crate::position::StorePosition;
use crate::proxies::Origin;
use crate::publication::{ClockHealth, StoreHealth};
use crate::rate::{Rate, RateLimiter, RateVerdict};
use crate::request_log::RequestLine;
use crate::settings::GateSettings;

/// Whether a request counts for the rate of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateRule {
    /// It takes a token of its client.
    Counted,
    /// It takes none: health, metrics, style sheets.
    Exempt,
}

/// Why the gate refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no `Host` header, there are several, or its value is no host.
    Host,
    /// The client exceeded its rate.
    Rate,
    /// The address sent too many wrong keys. It may send one more after that many seconds.
    Guesses(u32),
    /// An API key is missing or wrong.
    ApiKey,
    /// A credential of the restricted perimeter is missing or wrong.
    Credential,
    /// The restricted perimeter is not served.
    Closed,
    /// A credential of the historised perimeter is missing or wrong.
    HistoryCredential,
    /// The historised perimeter is not served.
    HistoryClosed,
}

/// A request that has arrived, let in or not.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Instant of arrival, in microseconds since 1970 UTC.
    pub start: i64,
    /// Request id: the one that the client sent when it is well-formed, else one of ours.
    pub id: String,
    /// Client that it counts for in rate, share and turn.
    pub client: Client,
    /// Why the gate refuses it; `None` when it is let in.
    pub refusal: Option<Refusal>,
    /// Rate and answer of the rate limiter, when the request counts for a rate.
    pub rate: Option<(Rate, RateVerdict)>,
    /// Whether the client reaches this server by TLS, as its public address or a trusted proxy says.
    pub is_https: bool,
}

/// The gate of a server, which all its doors share.
pub struct Gate {
    settings: GateSettings,
    hasher: SecretHasher,
    keys: AcceptedKeys,
    credentials: AcceptedKeys,
    history_credentials: AcceptedKeys,
    guesses: Guesses,
    limiter: Option<RateLimiter>,
    metrics: Metrics,
    requests: AtomicU64,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate with these settings.
    #[must_use]
    pub fn new(settings: GateSettings) -> Self {
        let hasher = SecretHasher::new(&settings.secret);
        Self {
            keys: AcceptedKeys::new(&hasher, &settings.api_keys),
            credentials: AcceptedKeys::new(&hasher, &settings.credentials),
            history_credentials: AcceptedKeys::new(&hasher, &settings.history_credentials),
            hasher,
            guesses: Guesses::new(),
            limiter: settings.rate.map(RateLimiter::new),
            metrics: Metrics::default(),
            requests: AtomicU64::new(0),
            settings,
        }
    }

    /// Microseconds since 1970 UTC.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.settings.clock)()
    }

    /// Whether the public doors ask for a key.
    #[must_use]
    pub fn asks_for_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// An encoder for an answer that is sent compressed, of the kind that the operator chose.
    #[must_use]
    pub fn gzip_encoder(&self) -> Encoder {
        Encoder::new(self.settings.gzip)
    }

    /// Lets a request in with a pass of type `P`, or says why not. Only the header that `P` needs is read, so that no other door
    /// reveals whether a key is right. The body is not touched. This waits only when the address of the request sent too many
    /// wrong keys.
    pub async fn arrive<P: Pass>(&self, parts: &mut Parts, rule: RateRule) -> (Arrival, Result<P, Refusal>) {
        let start = self.now();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let origin = self.settings.proxies.origin(peer, &parts.headers);
        let (client, admitted) = self.identify(parts, &origin, P::WHO, start).await;
        let host_named = names_its_host(parts, peer.is_some());
        let is_https = match &self.settings.public_base {
            Some(base) => base.is_https(),
            None => origin.scheme == Some("https"),
        };
        parts.extensions.insert(origin);
        let limiter = self.limiter.as_ref().filter(|_| rule == RateRule::Counted);
        let rate = limiter.map(|l| (l.rate(), l.take(client, start)));
        let pass = if !host_named {
            Err(Refusal::Host)
        } else if rate.is_some_and(|(_, verdict)| !verdict.allowed) {
            Err(Refusal::Rate)
        } else {
            admitted.map(P::given)
        };
        (Arrival { start, id: self.request_id(parts, start), client, refusal: pass.err(), rate, is_https }, pass)
    }

    /// Client and rights of a request. This is the only place where headers become an identity: a header that was not verified
    /// identifies nobody.
    async fn identify(&self, parts: &Parts, origin: &Origin, who: Who, now_us: i64) -> (Client, Result<Verified, Refusal>) {
        let address = self.hasher.stranger(origin.address);
        let near = origin.direct && origin.address.is_some_and(|address| address.is_loopback());
        let stranger = Verified { near, proven: false };
        let (keys, given, missing) = match who {
            Who::Anyone => return (address, Ok(stranger)),
            Who::ApiClient if self.keys.is_empty() => return (address, Ok(stranger)),
            Who::RestrictedReader if self.credentials.is_empty() => return (address, Err(Refusal::Closed)),
            Who::HistoryReader if self.history_credentials.is_empty() => return (address, Err(Refusal::HistoryClosed)),
            Who::ApiClient => (&self.keys, sole_value(parts, &HeaderName::from_static("esante-api-key")), Refusal::ApiKey),
            Who::RestrictedReader => (&self.credentials, bearer(sole_value(parts, &header::AUTHORIZATION)), Refusal::Credential),
            Who::HistoryReader => {
                (&self.history_credentials, bearer(sole_value(parts, &header::AUTHORIZATION)), Refusal::HistoryCredential)
            }
        };
        let Some(given) = given.filter(|given| !given.is_empty()) else { return (address, Err(missing)) };
        let hash = self.hasher.key(given);
        let mut proof = [0; 16];
        proof.copy_from_slice(&hash.as_bytes()[..16]);
        let waited = match self.guesses.turn(address, proof, now_us) {
            GuessTurn::Now => false,
            GuessTurn::After(micros) => {
                tokio::time::sleep(Duration::from_micros(micros)).await;
                true
            }
            GuessTurn::Refused(seconds) => return (address, Err(Refusal::Guesses(seconds))),
        };
        if !keys.contains(&hash) {
            if waited {
                return (address, Err(Refusal::Guesses(1)));
            }
            self.guesses.wrong(address, now_us);
            return (address, Err(missing));
        }
        self.guesses.right(address, proof);
        (self.hasher.holder(&hash), Ok(Verified { near, proven: true }))
    }

    fn request_id(&self, parts: &Parts, start: i64) -> String {
        let given = parts.headers.get("x-request-id").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let clean = (1..=64).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if clean { given.to_owned() } else { format!("{start:x}-{:x}", self.requests.fetch_add(1, Ordering::Relaxed)) }
    }

    /// Scheme, host and prefix of our addresses as the client sees them, without a last slash.
    #[must_use]
    pub fn base(&self, parts: &Parts) -> String {
        if let Some(base) = &self.settings.public_base {
            return base.root().to_owned();
        }
        let none = Origin::default();
        let origin = parts.extensions.get::<Origin>().unwrap_or(&none);
        let asked = parts.uri.authority().map(|a| a.as_str());
        let asked = asked.or_else(|| parts.headers.get(header::HOST).and_then(|v| v.to_str().ok())).filter(|host| is_host(host));
        let host = origin.host.as_deref().or(asked).unwrap_or("localhost");
        format!("{}://{host}{}", origin.scheme.unwrap_or("http"), origin.prefix.as_deref().unwrap_or_default())
    }

    /// Notes where a request comes from, as [`Gate::arrive`] does, so that [`Gate::base`] and [`Gate::prefix`] can be asked before it.
    pub fn note_origin(&self, parts: &mut Parts) {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        parts.extensions.insert(self.settings.proxies.origin(peer, &parts.headers));
    }

    /// The path of [`Gate::base`], which links on our pages start with: empty or `/…`.
    #[must_use]
    pub fn prefix(&self, parts: &Parts) -> String {
        if let Some(base) = &self.settings.public_base {
            return base.path().to_owned();
        }
        parts.extensions.get::<Origin>().and_then(|origin| origin.prefix.clone()).unwrap_or_default()
    }

    /// Adds the headers of every answer: request id, rate, `Retry-After`, and, behind TLS, the order to come back by TLS alone (RFC 6797).
    pub fn stamp(&self, arrival: &Arrival, response: &mut Response) {
        let mut add = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        };
        add("x-request-id", arrival.id.clone());
        if arrival.is_https {
            // This host alone: what its parent domain serves is not ours to decide.
            add("strict-transport-security", format!("max-age={}", limits::TLS_ONLY_SECONDS));
        }
        if let Some((rate, v)) = arrival.rate {
            // The names of the IETF draft, then those that clients of the national service know.
            add("ratelimit-policy", format!("\"default\";q={};w=1", rate.per_second));
            add("ratelimit", format!("\"default\";r={};t={}", v.remaining, v.reset));
            add("x-ratelimit-limit", rate.burst.to_string());
            add("x-ratelimit-remaining", v.remaining.to_string());
            add("x-ratelimit-reset", v.reset.to_string());
            if !v.allowed {
                add("retry-after", v.reset.max(1).to_string());
            }
        }
        if let Some(Refusal::Guesses(seconds)) = arrival.refusal {
            add("retry-after", seconds.max(1).to_string());
        }
    }

    /// Counts an answered request and writes its log line: `bytes` of its body, `micros` of work.
    pub fn account(&self, line: &RequestLine, bytes: u64, micros: i64) {
        let micros = u64::try_from(micros).unwrap_or(0);
        self.metrics.count_answer(line.subject.route, line.status.as_u16(), bytes, micros);
        if let Some(log) = &self.settings.log {
            log(&line.to_text(bytes, micros));
        }
    }

    /// Health of the public store; `None` when nothing publishes here.
    #[must_use]
    pub fn public_store_health(&self) -> Option<StoreHealth> {
        self.store_health().into_iter().find(|health| health.store == "public")
    }

    fn store_health(&self) -> Vec<StoreHealth> {
        self.settings.publication.health(self.now().div_euclid(1_000))
    }

    /// Health of the clock of this machine, compared with the last transaction that a store shows and with the clock of the database.
    #[must_use]
    pub fn clock_health(&self, store: &StorePosition) -> ClockHealth {
        self.settings.publication.clock_health(self.now().div_euclid(1_000), store)
    }

    /// The text of `/metrics`; `stores` says where each store is, the public one first. Only the operator is told of the restricted
    /// store.
    #[must_use]
    pub fn metrics(&self, operator: Option<Operator>, stores: &[StorePosition]) -> String {
        let may_know = |store: &str| operator.is_some() || store == "public";
        let stores: Vec<StorePosition> = stores.iter().copied().filter(|position| may_know(position.store)).collect();
        let mut health = self.store_health();
        health.retain(|health| may_know(health.store));
        let clock = stores.first().map(|position| self.clock_health(position)).unwrap_or_default();
        self.metrics.to_text(&stores, &health, &clock)
    }
}

/// Whether a request names its host once, and by a well-formed name (RFC 9112 §3.2). HTTP/1.0 and requests made within the
/// program may leave the header out.
fn names_its_host(parts: &Parts, connected: bool) -> bool {
    let mut all = parts.headers.get_all(header::HOST).iter();
    let (first, more) = (all.next(), all.next());
    let named = match first {
        Some(host) => host.to_str().is_ok_and(is_host),
        None => !connected || parts.version < Version::HTTP_11,
    };
    named && more.is_none() && parts.uri.authority().is_none_or(|a| is_host(a.as_str()))
}

/// The value of a header that came exactly once.
fn sole_value<'a>(parts: &'a Parts, name: &HeaderName) -> Option<&'a [u8]> {
    let mut all = parts.headers.get_all(name).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.as_bytes().trim_ascii())
}

/// The token of `Bearer …`.
fn bearer(value: Option<&[u8]>) -> Option<&[u8]> {
    let value = value?;
    let (scheme, token) = value.split_at(value.iter().position(|b| *b == b' ')?);
    scheme.eq_ignore_ascii_case(b"bearer").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests;
