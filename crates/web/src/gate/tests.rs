//! The gate as strangers, holders of keys and proxies meet it.

use super::*;
use crate::limits;
use crate::pass::{Anyone, ApiClient, HistoryReader, RestrictedReader};
use crate::proxies::Proxies;
use annuaire_base::{LogIdentity, Tx};
use axum::http::Request;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

struct TestGate {
    gate: Gate,
}

impl TestGate {
    fn new(change: impl FnOnce(&mut GateSettings)) -> Self {
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let clock = Arc::clone(&now);
        let mut settings = GateSettings::new([3; 32], Arc::new(move || clock.fetch_add(1, Ordering::Relaxed)));
        change(&mut settings);
        Self { gate: Gate::new(settings) }
    }

    async fn ask(&self, from: &str, who: Who, headers: &[(&str, &str)]) -> TestArrival {
        let mut request = Request::get("/").header("host", "a.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 1)));
        let rule = RateRule::Counted;
        match who {
            Who::Anyone => TestArrival::from(self.gate.arrive::<Anyone>(&mut parts, rule).await, |_| None),
            Who::ApiClient => TestArrival::from(self.gate.arrive::<ApiClient>(&mut parts, rule).await, ApiClient::operator),
            Who::RestrictedReader => TestArrival::from(self.gate.arrive::<RestrictedReader>(&mut parts, rule).await, |_| None),
            Who::HistoryReader => TestArrival::from(self.gate.arrive::<HistoryReader>(&mut parts, rule).await, |_| None),
        }
    }
}

/// An arrival without the type of its pass.
struct TestArrival {
    client: Client,
    pass: Result<Option<Operator>, Refusal>,
}

impl TestArrival {
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
    settings.history_credentials = vec!["token-2".to_owned()];
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_not_verified_identifies_nobody() {
    let world = TestGate::new(keyed);
    let stranger = world.ask("203.0.113.5", Who::Anyone, &[]).await.client;
    for (who, headers) in [
        (Who::Anyone, [("authorization", "Bearer token-1")]),
        (Who::Anyone, [("esante-api-key", "key-1")]),
        (Who::ApiClient, [("esante-api-key", "other")]),
        (Who::ApiClient, [("authorization", "Bearer token-1")]),
        (Who::ApiClient, [("esante-api-key", "")]),
        (Who::RestrictedReader, [("authorization", "Bearer key-1")]),
        (Who::RestrictedReader, [("authorization", "Bearer token-2")]),
        (Who::HistoryReader, [("authorization", "Bearer token-1")]),
        (Who::HistoryReader, [("authorization", "Bearer key-1")]),
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
    let closed = TestGate::new(|_| {});
    assert_eq!(closed.ask("203.0.113.5", Who::RestrictedReader, &[]).await.pass.unwrap_err(), Refusal::Closed);
    let history = |token| [("authorization", token)];
    assert_eq!(
        closed.ask("203.0.113.5", Who::HistoryReader, &history("Bearer token-1")).await.pass.unwrap_err(),
        Refusal::HistoryClosed
    );
    assert!(world.ask("203.0.113.5", Who::HistoryReader, &history("Bearer token-2")).await.pass.is_ok());
    assert!(closed.ask("203.0.113.5", Who::ApiClient, &[]).await.pass.is_ok(), "open");
}

#[tokio::test(start_paused = true)]
async fn guesses_are_limited_without_a_rate_and_lock_nobody_else_out() {
    for (who, name, right) in
        [(Who::RestrictedReader, "authorization", "Bearer token-1"), (Who::ApiClient, "esante-api-key", "key-2")]
    {
        let world = TestGate::new(keyed);
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
    let world = TestGate::new(keyed);
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
    let world = TestGate::new(|s| s.rate = Some(Rate { per_second: 1, burst: 3 }));
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
    assert_eq!(world.ask("2001:db8::2:2", Who::ApiClient, &[]).await.pass.unwrap_err(), Refusal::Rate, "the network around it");
    assert!(world.ask("2001:db8:1::1", Who::ApiClient, &[]).await.pass.is_ok());
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_rate() {
    let world = TestGate::new(|s| {
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
    let world = TestGate::new(|s| s.proxies = Proxies::new(vec!["10.0.0.1".parse().unwrap()]));
    let sees = async |from: &str, headers: &[(&str, &str)]| {
        let operator = world.ask(from, Who::ApiClient, headers).await.operator();
        let at = |store| StorePosition {
            store,
            log: Some(LogIdentity { id: 1, epoch: 1 }),
            tx: Tx::new(7),
            commit_ms: 0,
            digest: [7; 32],
            retained_from: Tx::NONE,
        };
        world.gate.metrics(operator, &[at("public"), at("restricted")]).contains("restricted")
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
        names_its_host(&request.body(()).unwrap().into_parts().0, true)
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
fn secrets_do_not_print() {
    let world = TestGate::new(keyed);
    let text = format!("{:?}", world.gate);
    assert!(!text.contains("key-1") && !text.contains("token-1") && !text.contains("3, 3"), "{text}");
}
