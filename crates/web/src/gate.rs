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
use crate::who::{Hasher, Keys, Proven};
use crate::{Caller, Line, Log, Origin, Pass, Proxies, Publication, Rate, Standing, Verdict};

/// A clock: microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Scheme, host and path prefix that clients see, without a last slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    root: String,
    /// Where the path begins in `root`.
    path: usize,
}

/// What is no base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotABase(String);

impl fmt::Display for NotABase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an address that clients can see: write scheme and host, as in https://annuaire.example or \
             https://www.example/annuaire",
            self.0
        )
    }
}

impl std::error::Error for NotABase {}

impl FromStr for Base {
    type Err = NotABase;

    fn from_str(text: &str) -> Result<Self, NotABase> {
        let bad = || NotABase(text.to_owned());
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

/// What the gate needs.
#[derive(Clone)]
pub struct Settings {
    /// Secret of the installation, from which the keys of hashes derive: keep it across restarts.
    pub secret: [u8; 32],
    /// Accepted `ESANTE-API-KEY` values; empty opens the public doors.
    pub api_keys: Vec<String>,
    /// Accepted `Authorization: Bearer` values of the restricted perimeter; empty closes it.
    pub credentials: Vec<String>,
    /// Proxies that are believed.
    pub proxies: Proxies,
    /// What clients see before our paths; by default what a trusted proxy says, else `http://` and the `Host` header.
    pub public_base: Option<Base>,
    /// Requests that one client may make.
    pub rate: Option<Rate>,
    /// Where the line of each request goes: `time`, `method`, `route`, `type`, `status`, `bytes`, `us` (microseconds of
    /// work), `client` (hash of the key or address), `results` (matches sent), `id` (request id). Never a parameter value:
    /// names are personal data.
    pub log: Option<Log>,
    /// The clock.
    pub clock: Clock,
    /// How far the stores are.
    pub publication: Arc<Publication>,
}

impl Settings {
    /// An open service without limits, log and proxies.
    #[must_use]
    pub fn new(secret: [u8; 32], clock: Clock) -> Self {
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

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("secret", &"hidden")
            .field("api_keys", &format_args!("{} hidden", self.api_keys.len()))
            .field("credentials", &format_args!("{} hidden", self.credentials.len()))
            .field("proxies", &self.proxies)
            .field("public_base", &self.public_base)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// What a door asks of who comes. Only the header that it asks for is looked at, so that no other door tells whether a key is
/// right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// An API key, when the service has any.
    ApiKey,
    /// A credential of the restricted perimeter.
    Credential,
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
    /// Who asks.
    pub caller: Caller,
    /// What it may read, or why it is refused.
    pub pass: Result<Pass, Refusal>,
    /// What the client is told of its rate, where there is one.
    pub rate: Option<(Rate, Verdict)>,
}

/// The gate of a server: one for all its doors.
pub struct Gate {
    settings: Settings,
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
    pub fn new(settings: Settings) -> Self {
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

    /// Lets a request in, or says why not. Nothing of its body was read. `rated` is false for what a rate does not count.
    /// Waits only when the address of the request sent too many wrong keys.
    pub async fn arrive(&self, parts: &mut Parts, asks: Asks, rated: bool) -> Arrival {
        let start = self.now();
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let origin = self.settings.proxies.origin(peer, &parts.headers);
        let (caller, admitted) = self.identify(parts, &origin, asks, start).await;
        let host = check_host(parts, peer.is_some());
        parts.extensions.insert(origin);
        let rate = self.limiter.as_ref().filter(|_| rated).map(|l| (l.rate(), l.take(caller.client, start)));
        let pass = if !host {
            Err(Refusal::Host)
        } else if rate.is_some_and(|(_, verdict)| !verdict.allowed) {
            Err(Refusal::Rate)
        } else {
            admitted
        };
        Arrival { start, id: self.request_id(parts, start), caller, pass, rate }
    }

    /// Who asks. The only place where headers become an identity: one that is not verified identifies nobody.
    async fn identify(&self, parts: &Parts, origin: &Origin, asks: Asks, now_us: i64) -> (Caller, Result<Pass, Refusal>) {
        let address = self.hasher.stranger(origin.address);
        let near = origin.direct && origin.address.is_some_and(|address| address.is_loopback());
        let stranger = Caller { client: address, proven: Proven::Nothing, near };
        let public = Pass { restricted: false };
        let (keys, given, missing) = match asks {
            Asks::Nothing => return (stranger, Ok(public)),
            Asks::ApiKey if self.keys.is_empty() => return (stranger, Ok(public)),
            Asks::Credential if self.credentials.is_empty() => return (stranger, Err(Refusal::Closed)),
            Asks::ApiKey => (&self.keys, single(parts, &HeaderName::from_static("esante-api-key")), Refusal::ApiKey),
            Asks::Credential => (&self.credentials, bearer(single(parts, &header::AUTHORIZATION)), Refusal::Credential),
        };
        let Some(given) = given.filter(|given| !given.is_empty()) else { return (stranger, Err(missing)) };
        let hash = self.hasher.key(given);
        let mut proof = [0; 16];
        proof.copy_from_slice(&hash.as_bytes()[..16]);
        let waited = match self.guesses.turn(address, proof, now_us) {
            Turn::Now => false,
            Turn::After(micros) => {
                tokio::time::sleep(Duration::from_micros(micros)).await;
                true
            }
            Turn::Refused(seconds) => return (stranger, Err(Refusal::Guesses(seconds))),
        };
        if !keys.contains(&hash) {
            if waited {
                return (stranger, Err(Refusal::Guesses(1)));
            }
            self.guesses.wrong(address, now_us);
            return (stranger, Err(missing));
        }
        self.guesses.right(address, proof);
        let restricted = asks == Asks::Credential;
        let proven = if restricted { Proven::Credential } else { Proven::ApiKey };
        (Caller { client: self.hasher.holder(&hash), proven, near }, Ok(Pass { restricted }))
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
        if let Err(Refusal::Guesses(seconds)) = arrival.pass {
            set("retry-after", seconds.max(1).to_string());
        }
    }

    /// Counts an answered request and writes its line: `bytes` of its body, `micros` of work.
    pub fn account(&self, line: &Line, bytes: u64, micros: i64) {
        let micros = u64::try_from(micros).unwrap_or(0);
        self.metrics.record(line.seen.route, line.status.as_u16(), bytes, micros);
        if let Some(log) = &self.settings.log {
            log(&line.text(bytes, micros));
        }
    }

    /// How the stores stand that the caller may know of.
    #[must_use]
    pub fn standings(&self, restricted: bool) -> Vec<Standing> {
        let mut all = self.settings.publication.standings(self.now().div_euclid(1_000));
        all.retain(|standing| restricted || standing.store == "public");
        all
    }

    /// The text of `/metrics`; `stores` are the applied transactions by perimeter. The restricted store is left out unless
    /// the caller may know of it.
    #[must_use]
    pub fn metrics(&self, caller: &Caller, stores: &[(&str, u64)]) -> String {
        let all = caller.is_operator();
        let stores: Vec<(&str, u64)> = stores.iter().copied().filter(|(store, _)| all || *store == "public").collect();
        self.metrics.text(&stores, &self.standings(all))
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
    use crate::limits;
    use axum::http::Request;
    use std::sync::atomic::AtomicI64;

    struct World {
        gate: Gate,
    }

    impl World {
        fn new(change: impl FnOnce(&mut Settings)) -> Self {
            let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
            let clock = Arc::clone(&now);
            let mut settings = Settings::new([3; 32], Arc::new(move || clock.fetch_add(1, Ordering::Relaxed)));
            change(&mut settings);
            Self { gate: Gate::new(settings) }
        }

        async fn ask(&self, from: &str, asks: Asks, headers: &[(&str, &str)]) -> Arrival {
            let mut request = Request::get("/").header("host", "a.example");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 1)));
            self.gate.arrive(&mut parts, asks, true).await
        }
    }

    fn keyed(settings: &mut Settings) {
        settings.api_keys = vec!["key-1".to_owned(), "key-2".to_owned()];
        settings.credentials = vec!["token-1".to_owned()];
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_that_is_not_verified_identifies_nobody() {
        let world = World::new(keyed);
        let stranger = world.ask("203.0.113.5", Asks::Nothing, &[]).await.caller.client;
        for (asks, headers) in [
            (Asks::Nothing, [("authorization", "Bearer token-1")]),
            (Asks::Nothing, [("esante-api-key", "key-1")]),
            (Asks::ApiKey, [("esante-api-key", "other")]),
            (Asks::ApiKey, [("authorization", "Bearer token-1")]),
            (Asks::ApiKey, [("esante-api-key", "")]),
            (Asks::Credential, [("authorization", "Bearer key-1")]),
            (Asks::Credential, [("authorization", "Basic token-1")]),
            (Asks::Credential, [("authorization", "token-1")]),
            (Asks::Credential, [("esante-api-key", "token-1")]),
        ] {
            let arrival = world.ask("203.0.113.5", asks, &headers).await;
            assert_eq!(arrival.caller.client, stranger, "{asks:?} {headers:?}");
            assert_eq!(arrival.pass.is_ok(), asks == Asks::Nothing, "{asks:?} {headers:?}");
            assert!(!arrival.caller.is_operator());
        }
        let holder = world.ask("203.0.113.5", Asks::ApiKey, &[("esante-api-key", "key-1")]).await;
        assert!(holder.pass.is_ok_and(|pass| !pass.is_restricted()) && holder.caller.is_operator());
        assert_ne!(holder.caller.client, stranger);
        let elsewhere = world.ask("203.0.113.6", Asks::ApiKey, &[("esante-api-key", "key-1")]).await;
        assert_eq!(elsewhere.caller.client, holder.caller.client, "the key, not the address");
        let reader = world.ask("203.0.113.5", Asks::Credential, &[("authorization", "bEARER  token-1 ")]).await;
        assert!(reader.pass.is_ok_and(Pass::is_restricted));
        let twice = [("authorization", "Bearer no"), ("authorization", "Bearer token-1")];
        assert_eq!(world.ask("203.0.113.5", Asks::Credential, &twice).await.pass.unwrap_err(), Refusal::Credential);
        let closed = World::new(|_| {});
        assert_eq!(closed.ask("203.0.113.5", Asks::Credential, &[]).await.pass.unwrap_err(), Refusal::Closed);
        assert!(closed.ask("203.0.113.5", Asks::ApiKey, &[]).await.pass.is_ok(), "open");
    }

    #[tokio::test(start_paused = true)]
    async fn guesses_are_limited_without_a_rate_and_lock_nobody_else_out() {
        for (asks, name, right) in
            [(Asks::Credential, "authorization", "Bearer token-1"), (Asks::ApiKey, "esante-api-key", "key-2")]
        {
            let world = World::new(keyed);
            assert!(world.ask("203.0.113.5", asks, &[(name, right)]).await.pass.is_ok());
            let mut refused = 0;
            for n in 0..40 {
                let guess = format!("Bearer guess-{n}");
                // One network of version 6 would be one address too.
                if let Err(Refusal::Guesses(_)) = world.ask("203.0.113.5", asks, &[(name, &guess)]).await.pass {
                    refused += 1;
                }
            }
            assert_eq!(refused, 40 - limits::GUESSES, "{asks:?}");
            assert!(world.ask("203.0.113.5", asks, &[(name, right)]).await.pass.is_ok(), "its key was right before");
            assert!(world.ask("203.0.113.6", asks, &[(name, right)]).await.pass.is_ok(), "another address");
            assert!(world.ask("203.0.113.5", Asks::Nothing, &[(name, "Bearer x")]).await.pass.is_ok(), "what asks for nothing");
            assert!(matches!(world.ask("203.0.113.5", asks, &[]).await.pass, Err(Refusal::ApiKey | Refusal::Credential)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_guess_comes_no_sooner_than_a_wrong_one() {
        let world = World::new(keyed);
        let ask = async |token: &str| world.ask("203.0.113.5", Asks::Credential, &[("authorization", token)]).await;
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
            let arrival = world.ask("2001:db8::1", Asks::ApiKey, &headers).await;
            served += i32::from(arrival.pass.is_ok());
        }
        assert_eq!(served, 3);
        assert_eq!(world.ask("2001:db8::2:2", Asks::ApiKey, &[]).await.pass.unwrap_err(), Refusal::Rate, "the network around it");
        assert!(world.ask("2001:db8:1::1", Asks::ApiKey, &[]).await.pass.is_ok());
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
                served += i32::from(world.ask("10.0.0.1", Asks::ApiKey, &[("x-forwarded-for", &list)]).await.pass.is_ok());
            }
            assert_eq!(served, 2, "{client}");
        }
    }

    #[tokio::test]
    async fn only_who_is_near_or_holds_a_key_sees_the_restricted_store() {
        let world = World::new(|s| s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]));
        let sees = async |from: &str, headers: &[(&str, &str)]| {
            let caller = world.ask(from, Asks::ApiKey, headers).await.caller;
            world.gate.metrics(&caller, &[("public", 7), ("restricted", 8)]).contains("restricted")
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
            let base: Base = text.parse().unwrap();
            assert_eq!(&base.root[base.path..], path);
            assert!(base.root.starts_with("http") && !base.root.ends_with('/'), "{}", base.root);
        }
        for bad in
            ["a.example", "", "https://", "//a.example", "ftp://a", "https://a.example?x", "https://u@a.example", "https://a//b"]
        {
            assert!(bad.parse::<Base>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let world = World::new(keyed);
        let text = format!("{:?}", world.gate);
        assert!(!text.contains("key-1") && !text.contains("token-1") && !text.contains("3, 3"), "{text}");
    }
}
