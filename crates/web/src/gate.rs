//! Where requests arrive and leave.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Version, header, request::Parts};
use axum::response::Response;

use crate::guess::{Guesses, Turn};
use crate::journal::Metrics;
use crate::proxy::{is_host, prefix};
use crate::rate::Limiter;
use crate::who::{Hasher, Keys, Verified, Who};
use crate::{Client, LogSink, Operator, Origin, Pass, Proxies, Publication, Rate, RateVerdict, RequestLine, StoreHealth};

/// A clock: microseconds since 1970 UTC.
pub type ClockUs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Scheme, host and path prefix that clients see, without a last slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicBase {
    root: String,
    /// Where the path begins in `root`.
    path: usize,
}

/// What is no base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPublicBase(String);

impl fmt::Display for NotAPublicBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an address that clients can see: write scheme and host, as in https://annuaire.example or \
             https://www.example/annuaire",
            self.0
        )
    }
}

impl std::error::Error for NotAPublicBase {}

impl FromStr for PublicBase {
    type Err = NotAPublicBase;

    fn from_str(text: &str) -> Result<Self, NotAPublicBase> {
        let bad = || NotAPublicBase(text.to_owned());
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        let start = ["http://", "https://"].iter().find(|s| lower.starts_with(**s)).ok_or_else(bad)?.len();
        let end = text[start..].find('/').map_or(text.len(), |at| start + at);
        let path = prefix(&text[end..]).ok_or_else(bad)?;
        if !is_host(&text[start..end]) {
            return Err(bad());
        }
        Ok(Self { root: format!("{}{}{path}", &lower[..start], &text[start..end]), path: end })
    }
}

/// Settings of the gate.
#[derive(Clone)]
pub struct GateSettings {
    /// Secret of the installation, from which the keys of hashes derive: keep it across restarts.
    pub secret: [u8; 32],
    /// Accepted `ESANTE-API-KEY` values; empty opens the public doors.
    pub api_keys: Vec<String>,
    /// Accepted `Authorization: Bearer` values of the restricted perimeter; empty closes it.
    pub credentials: Vec<String>,
    /// Proxies that are believed.
    pub proxies: Proxies,
    /// What clients see before our paths; by default what a trusted proxy says, else `http://` and the `Host` header.
    pub public_base: Option<PublicBase>,
    /// Requests that one client may make.
    pub rate: Option<Rate>,
    /// Where the line of each request goes: `time`, `method`, `route`, `type`, `status`, `bytes`, `us` (microseconds of
    /// work), `client` (hash of the key or address), `results` (matches sent), `id` (request id). Never a parameter value:
    /// names are personal data.
    pub log: Option<LogSink>,
    /// The clock.
    pub clock: ClockUs,
    /// How far the stores are.
    pub publication: Arc<Publication>,
}

impl GateSettings {
    /// An open service without limits, log and proxies.
    #[must_use]
    pub fn new(secret: [u8; 32], clock: ClockUs) -> Self {
        Self {
            secret,
            api_keys: Vec::new(),
            credentials: Vec::new(),
            proxies: Proxies::default(),
            public_base: None,
            rate: None,
            log: None,
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
            .field("proxies", &self.proxies)
            .field("public_base", &self.public_base)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// Whether a request counts for the rate of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateRule {
    /// It takes one of the requests that the client may make.
    Counted,
    /// It takes none: health, metrics, what a page brings with it.
    Exempt,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No `Host`, several, or one that is no host.
    Host,
    /// The client has used its rate.
    Rate,
    /// The address sent too many wrong keys; seconds after which it may send one more.
    Guesses(u32),
    /// An API key is missing or wrong.
    ApiKey,
    /// A credential is missing or wrong.
    Credential,
    /// The restricted perimeter is not served.
    Closed,
}

/// A request that has arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// When, microseconds since 1970 UTC.
    pub start: i64,
    /// Its id, the one of the client when that is clean.
    pub id: String,
    /// Whose rate, share and turn it counts for.
    pub client: Client,
    /// Why it is refused, when it is.
    pub refusal: Option<Refusal>,
    /// What the client is told of its rate, where there is one.
    pub rate: Option<(Rate, RateVerdict)>,
}

/// The gate of a server: one for all its doors.
pub struct Gate {
    settings: GateSettings,
    hasher: Hasher,
    keys: Keys,
    credentials: Keys,
    guesses: Guesses,
    limiter: Option<Limiter>,
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
        let hasher = Hasher::new(&settings.secret);
        Self {
            keys: Keys::new(&hasher, &settings.api_keys),
            credentials: Keys::new(&hasher, &settings.credentials),
            hasher,
            guesses: Guesses::new(),
            limiter: settings.rate.map(Limiter::new),
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

    /// Lets a request in as a caller of kind `P`, or says why not. Only the header that `P` asks for is looked at, so that no
    /// other door tells whether a key is right. Nothing of the body was read. Waits only when the address of the request sent
    /// too many wrong keys.
    pub async fn arrive<P: Pass>(&self, parts: &mut Parts, rule: RateRule) -> (Arrival, Result<P, Refusal>) {
        let start = self.now();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let origin = self.settings.proxies.origin(peer, &parts.headers);
        let (client, admitted) = self.identify(parts, &origin, P::WHO, start).await;
        let host = check_host(parts, peer.is_some());
        parts.extensions.insert(origin);
        let limiter = self.limiter.as_ref().filter(|_| rule == RateRule::Counted);
        let rate = limiter.map(|l| (l.rate(), l.take(client, start)));
        let pass = if !host {
            Err(Refusal::Host)
        } else if rate.is_some_and(|(_, verdict)| !verdict.allowed) {
            Err(Refusal::Rate)
        } else {
            admitted.map(P::given)
        };
        (Arrival { start, id: self.request_id(parts, start), client, refusal: pass.err(), rate }, pass)
    }

    /// Who asks. The only place where headers become an identity: one that is not verified identifies nobody.
    async fn identify(&self, parts: &Parts, origin: &Origin, who: Who, now_us: i64) -> (Client, Result<Verified, Refusal>) {
        let address = self.hasher.stranger(origin.address);
        let near = origin.direct && origin.address.is_some_and(|address| address.is_loopback());
        let stranger = Verified { near, proven: false };
        let (keys, given, missing) = match who {
            Who::Anyone => return (address, Ok(stranger)),
            Who::ApiClient if self.keys.is_empty() => return (address, Ok(stranger)),
            Who::RestrictedReader if self.credentials.is_empty() => return (address, Err(Refusal::Closed)),
            Who::ApiClient => (&self.keys, single(parts, &HeaderName::from_static("esante-api-key")), Refusal::ApiKey),
            Who::RestrictedReader => (&self.credentials, bearer(single(parts, &header::AUTHORIZATION)), Refusal::Credential),
        };
        let Some(given) = given.filter(|given| !given.is_empty()) else { return (address, Err(missing)) };
        let hash = self.hasher.key(given);
        let mut proof = [0; 16];
        proof.copy_from_slice(&hash.as_bytes()[..16]);
        let waited = match self.guesses.turn(address, proof, now_us) {
            Turn::Now => false,
            Turn::After(micros) => {
                tokio::time::sleep(Duration::from_micros(micros)).await;
                true
            }
            Turn::Refused(seconds) => return (address, Err(Refusal::Guesses(seconds))),
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

    /// What addresses of ours start with, as who asked sees them: scheme, host and prefix, without a last slash.
    #[must_use]
    pub fn base(&self, parts: &Parts) -> String {
        if let Some(base) = &self.settings.public_base {
            return base.root.clone();
        }
        let none = Origin::default();
        let origin = parts.extensions.get::<Origin>().unwrap_or(&none);
        let asked = parts.uri.authority().map(|a| a.as_str());
        let asked = asked.or_else(|| parts.headers.get(header::HOST).and_then(|v| v.to_str().ok())).filter(|host| is_host(host));
        let host = origin.host.as_deref().or(asked).unwrap_or("localhost");
        format!("{}://{host}{}", origin.scheme.unwrap_or("http"), origin.prefix.as_deref().unwrap_or_default())
    }

    /// The path of [`Gate::base`]: empty, or what stands before paths of ours in links.
    #[must_use]
    pub fn prefix(&self, parts: &Parts) -> String {
        if let Some(base) = &self.settings.public_base {
            return base.root[base.path..].to_owned();
        }
        parts.extensions.get::<Origin>().and_then(|origin| origin.prefix.clone()).unwrap_or_default()
    }

    /// Headers that every answer has: the request id, and what the client may still ask.
    pub fn stamp(&self, arrival: &Arrival, response: &mut Response) {
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        };
        set("x-request-id", arrival.id.clone());
        if let Some((rate, v)) = arrival.rate {
            // The draft of the working group and the names that clients already know.
            set("ratelimit-policy", format!("\"default\";q={};w=1", rate.per_second));
            set("ratelimit", format!("\"default\";r={};t={}", v.remaining, v.reset));
            set("x-ratelimit-limit", rate.burst.to_string());
            set("x-ratelimit-remaining", v.remaining.to_string());
            set("x-ratelimit-reset", v.reset.to_string());
            if !v.allowed {
                set("retry-after", v.reset.max(1).to_string());
            }
        }
        if let Some(Refusal::Guesses(seconds)) = arrival.refusal {
            set("retry-after", seconds.max(1).to_string());
        }
    }

    /// Counts an answered request and writes its line: `bytes` of its body, `micros` of work.
    pub fn account(&self, line: &RequestLine, bytes: u64, micros: i64) {
        let micros = u64::try_from(micros).unwrap_or(0);
        self.metrics.record(line.subject.route, line.status.as_u16(), bytes, micros);
        if let Some(log) = &self.settings.log {
            log(&line.text(bytes, micros));
        }
    }

    /// Publication of the public store, when somebody publishes here.
    #[must_use]
    pub fn public_store_health(&self) -> Option<StoreHealth> {
        self.store_health().into_iter().find(|health| health.store == "public")
    }

    fn store_health(&self) -> Vec<StoreHealth> {
        self.settings.publication.health(self.now().div_euclid(1_000))
    }

    /// The text of `/metrics`; `stores` are the applied transactions by perimeter. Only the operator is told of the restricted
    /// store.
    #[must_use]
    pub fn metrics(&self, operator: Option<Operator>, stores: &[(&str, u64)]) -> String {
        let told = |store: &str| operator.is_some() || store == "public";
        let stores: Vec<(&str, u64)> = stores.iter().copied().filter(|(store, _)| told(store)).collect();
        let mut health = self.store_health();
        health.retain(|health| told(health.store));
        self.metrics.text(&stores, &health)
    }
}

/// Whether a request names its host as it must: once, and by a name. HTTP/1.0 and requests made within the program may leave it
/// out.
fn check_host(parts: &Parts, connected: bool) -> bool {
    let mut all = parts.headers.get_all(header::HOST).iter();
    let (first, more) = (all.next(), all.next());
    let named = match first {
        Some(host) => host.to_str().is_ok_and(is_host),
        None => !connected || parts.version < Version::HTTP_11,
    };
    named && more.is_none() && parts.uri.authority().is_none_or(|a| is_host(a.as_str()))
}

/// The value of a header that stands once.
fn single<'a>(parts: &'a Parts, name: &HeaderName) -> Option<&'a [u8]> {
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
mod tests {
    use super::*;
    use crate::{Anyone, ApiClient, RestrictedReader, limits};
    use axum::http::Request;
    use std::sync::atomic::AtomicI64;

    struct World {
        gate: Gate,
    }

    impl World {
        fn new(change: impl FnOnce(&mut GateSettings)) -> Self {
            let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
            let clock = Arc::clone(&now);
            let mut settings = GateSettings::new([3; 32], Arc::new(move || clock.fetch_add(1, Ordering::Relaxed)));
            change(&mut settings);
            Self { gate: Gate::new(settings) }
        }

        async fn ask(&self, from: &str, who: Who, headers: &[(&str, &str)]) -> Answered {
            let mut request = Request::get("/").header("host", "a.example");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 1)));
            let rule = RateRule::Counted;
            match who {
                Who::Anyone => Answered::from(self.gate.arrive::<Anyone>(&mut parts, rule).await, |_| None),
                Who::ApiClient => Answered::from(self.gate.arrive::<ApiClient>(&mut parts, rule).await, ApiClient::operator),
                Who::RestrictedReader => Answered::from(self.gate.arrive::<RestrictedReader>(&mut parts, rule).await, |_| None),
            }
        }
    }

    /// An arrival without the type of its pass.
    struct Answered {
        client: Client,
        pass: Result<Option<Operator>, Refusal>,
    }

    impl Answered {
        fn from<P: Pass>((arrival, pass): (Arrival, Result<P, Refusal>), operator: fn(P) -> Option<Operator>) -> Self {
            Self { client: arrival.client, pass: pass.map(operator) }
        }

        fn operator(&self) -> Option<Operator> {
            self.pass.ok().flatten()
        }
    }

    fn keyed(settings: &mut GateSettings) {
        settings.api_keys = vec!["key-1".to_owned(), "key-2".to_owned()];
        settings.credentials = vec!["token-1".to_owned()];
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_that_is_not_verified_identifies_nobody() {
        let world = World::new(keyed);
        let stranger = world.ask("203.0.113.5", Who::Anyone, &[]).await.client;
        for (who, headers) in [
            (Who::Anyone, [("authorization", "Bearer token-1")]),
            (Who::Anyone, [("esante-api-key", "key-1")]),
            (Who::ApiClient, [("esante-api-key", "other")]),
            (Who::ApiClient, [("authorization", "Bearer token-1")]),
            (Who::ApiClient, [("esante-api-key", "")]),
            (Who::RestrictedReader, [("authorization", "Bearer key-1")]),
            (Who::RestrictedReader, [("authorization", "Basic token-1")]),
            (Who::RestrictedReader, [("authorization", "token-1")]),
            (Who::RestrictedReader, [("esante-api-key", "token-1")]),
        ] {
            let arrival = world.ask("203.0.113.5", who, &headers).await;
            assert_eq!(arrival.client, stranger, "{who:?} {headers:?}");
            assert_eq!(arrival.pass.is_ok(), who == Who::Anyone, "{who:?} {headers:?}");
            assert!(arrival.operator().is_none());
        }
        let holder = world.ask("203.0.113.5", Who::ApiClient, &[("esante-api-key", "key-1")]).await;
        assert!(holder.operator().is_some());
        assert_ne!(holder.client, stranger);
        let elsewhere = world.ask("203.0.113.6", Who::ApiClient, &[("esante-api-key", "key-1")]).await;
        assert_eq!(elsewhere.client, holder.client, "the key, not the address");
        let reader = world.ask("203.0.113.5", Who::RestrictedReader, &[("authorization", "bEARER  token-1 ")]).await;
        assert!(reader.pass.is_ok());
        let twice = [("authorization", "Bearer no"), ("authorization", "Bearer token-1")];
        assert_eq!(world.ask("203.0.113.5", Who::RestrictedReader, &twice).await.pass.unwrap_err(), Refusal::Credential);
        let closed = World::new(|_| {});
        assert_eq!(closed.ask("203.0.113.5", Who::RestrictedReader, &[]).await.pass.unwrap_err(), Refusal::Closed);
        assert!(closed.ask("203.0.113.5", Who::ApiClient, &[]).await.pass.is_ok(), "open");
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_are_limited_without_a_rate_and_lock_nobody_else_out() {
        for (who, name, right) in
            [(Who::RestrictedReader, "authorization", "Bearer token-1"), (Who::ApiClient, "esante-api-key", "key-2")]
        {
            let world = World::new(keyed);
            assert!(world.ask("203.0.113.5", who, &[(name, right)]).await.pass.is_ok());
            let mut refused = 0;
            for n in 0..40 {
                let guess = format!("Bearer guess-{n}");
                // One network of version 6 would be one address too.
                if let Err(Refusal::Guesses(_)) = world.ask("203.0.113.5", who, &[(name, &guess)]).await.pass {
                    refused += 1;
                }
            }
            assert_eq!(refused, 40 - limits::GUESSES, "{who:?}");
            assert!(world.ask("203.0.113.5", who, &[(name, right)]).await.pass.is_ok(), "its key was right before");
            assert!(world.ask("203.0.113.6", who, &[(name, right)]).await.pass.is_ok(), "another address");
            assert!(world.ask("203.0.113.5", Who::Anyone, &[(name, "Bearer x")]).await.pass.is_ok(), "what asks for nothing");
            assert!(matches!(world.ask("203.0.113.5", who, &[]).await.pass, Err(Refusal::ApiKey | Refusal::Credential)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_guess_comes_no_sooner_than_a_wrong_one() {
        let world = World::new(keyed);
        let ask = async |token: &str| world.ask("203.0.113.5", Who::RestrictedReader, &[("authorization", token)]).await;
        while !matches!(ask("Bearer wrong").await.pass, Err(Refusal::Guesses(_))) {}
        let start = tokio::time::Instant::now();
        assert!(ask("Bearer token-1").await.pass.is_ok(), "a neighbour who comes for the first time is served");
        assert!(start.elapsed() >= Duration::from_micros(limits::GUESS_EVERY as u64) - Duration::from_millis(1));
        // The clock of the test stands: every guess waits behind those before it, until one waits too long.
        for _ in 0..10 {
            let _ = ask("Bearer wrong").await;
        }
        let neighbour = ask("Bearer token-1").await;
        assert!(neighbour.pass.is_ok(), "now it is known");
    }

    #[tokio::test]
    async fn a_rate_is_not_escaped_by_a_header() {
        let world = World::new(|s| s.rate = Some(Rate { per_second: 1, burst: 3 }));
        let mut served = 0;
        for n in 0..20 {
            let (bearer, key, forged) = (format!("Bearer {n}"), format!("{n}"), format!("198.51.100.{n}"));
            let headers = [
                ("authorization", bearer.as_str()),
                ("esante-api-key", &key),
                ("x-forwarded-for", &forged),
                ("forwarded", &format!("for={forged}")),
            ];
            let arrival = world.ask("2001:db8::1", Who::ApiClient, &headers).await;
            served += i32::from(arrival.pass.is_ok());
        }
        assert_eq!(served, 3);
        assert_eq!(
            world.ask("2001:db8::2:2", Who::ApiClient, &[]).await.pass.unwrap_err(),
            Refusal::Rate,
            "the network around it"
        );
        assert!(world.ask("2001:db8:1::1", Who::ApiClient, &[]).await.pass.is_ok());
    }

    #[tokio::test]
    async fn behind_a_trusted_proxy_each_client_has_its_rate() {
        let world = World::new(|s| {
            s.rate = Some(Rate { per_second: 1, burst: 2 });
            s.proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        });
        for client in ["203.0.113.5", "203.0.113.6"] {
            let mut served = 0;
            for n in 0..10 {
                let list = format!("198.51.100.{n}, {client}");
                served += i32::from(world.ask("10.0.0.1", Who::ApiClient, &[("x-forwarded-for", &list)]).await.pass.is_ok());
            }
            assert_eq!(served, 2, "{client}");
        }
    }

    #[tokio::test]
    async fn only_who_is_near_or_holds_a_key_sees_the_restricted_store() {
        let world = World::new(|s| s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]));
        let sees = async |from: &str, headers: &[(&str, &str)]| {
            let operator = world.ask(from, Who::ApiClient, headers).await.operator();
            world.gate.metrics(operator, &[("public", 7), ("restricted", 8)]).contains("restricted")
        };
        assert!(sees("127.0.0.1", &[]).await && sees("::1", &[]).await);
        assert!(!sees("203.0.113.5", &[]).await);
        // A proxy on this machine that the operator did not name.
        assert!(!sees("127.0.0.1", &[("x-forwarded-for", "203.0.113.5")]).await);
        assert!(!sees("127.0.0.1", &[("via", "1.1 proxy")]).await);
        assert!(!sees("10.0.0.1", &[("x-forwarded-for", "127.0.0.1")]).await, "who says so");
        assert!(!sees("127.0.0.1", &[("esante-api-key", "x"), ("forwarded", "for=127.0.0.1")]).await);
    }

    #[test]
    fn a_host_is_named_once_and_by_a_name() {
        let check = |version, hosts: &[&str], uri: &str| {
            let mut request = Request::get(uri).version(version);
            for host in hosts {
                request = request.header("host", *host);
            }
            check_host(&request.body(()).unwrap().into_parts().0, true)
        };
        let one = Version::HTTP_11;
        assert!(check(one, &["a.example"], "/") && check(one, &["[::1]:80"], "/") && check(Version::HTTP_10, &[], "/"));
        for hosts in [&[][..], &["a.example", "b.example"], &["a.example", "a.example"], &[""], &["a b"], &["a/b"], &["u@a"]] {
            assert!(!check(one, hosts, "/"), "{hosts:?}");
        }
        assert!(!check(Version::HTTP_10, &["a", "b"], "/"));
        assert!(check(one, &["a.example"], "http://b.example/") && !check(one, &["a.example"], "http://u@b.example/"));
    }

    #[test]
    fn bases_are_whole_or_refused() {
        for (text, path) in [("https://a.example", ""), ("HTTPS://a.example/", ""), ("http://[::1]:80/x/y/", "/x/y")] {
            let base: PublicBase = text.parse().unwrap();
            assert_eq!(&base.root[base.path..], path);
            assert!(base.root.starts_with("http") && !base.root.ends_with('/'), "{}", base.root);
        }
        for bad in
            ["a.example", "", "https://", "//a.example", "ftp://a", "https://a.example?x", "https://u@a.example", "https://a//b"]
        {
            assert!(bad.parse::<PublicBase>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let world = World::new(keyed);
        let text = format!("{:?}", world.gate);
        assert!(!text.contains("key-1") && !text.contains("token-1") && !text.contains("3, 3"), "{text}");
    }
}
