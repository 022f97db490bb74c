//! Connections inside TLS: cards that log in or are told why not, strangers that shake hands badly, and what is replaced meanwhile.
#![allow(clippy::unwrap_used)]

use annuaire_cards::{
    CardAuthorities, CardEnvironment, IssuedCertificate, TestAuthority, TestAuthorityPlan, TestCard, TestCase, TestHolders,
    TestRandom, check_card,
};
use annuaire_web::connections::{self, ConnectionLimits};
use annuaire_web::{ClientCertificates, PeerCertificates, Proxies, ServedTls, TlsConfiguration, TlsFault};
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, SignatureScheme, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const NOW_MS: i64 = 1_795_514_400_000;
const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(60);
const PHYSICIAN: &str = "899900000011";
const VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

type TlsClient = StreamOwned<ClientConnection, TcpStream>;

/// A server of two hosts: `carte.localhost` asks for certificates, every other name does not.
struct TlsServerUnderTest {
    address: SocketAddr,
    authority: TestAuthority,
    tls: Arc<ServedTls>,
    cards: Arc<ArcSwap<CardAuthorities>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

/// Small numbers from a counter, for keys and serials of a test.
fn random() -> TestRandom {
    let count = AtomicU64::new(1);
    Arc::new(move |bytes| {
        bytes.fill(1);
        let n = count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let at = bytes.len().min(8);
        bytes[..at].copy_from_slice(&n[8 - at..]);
    })
}

fn physician() -> TestCard {
    TestCard::new(PHYSICIAN, "EXEMPLE", "CAMILLE")
}

fn hints(authority: &TestAuthority) -> Vec<Vec<u8>> {
    authority.crl_store(TestHolders::Persons, NOW_MS).unwrap().authorities().hints()
}

fn configuration(authority: &mut TestAuthority) -> TlsConfiguration {
    let server = authority.server(&["localhost", "carte.localhost"]).unwrap();
    let (chain, key) = (server.chain_pem(), server.key_pem());
    let asked = ClientCertificates::Asked { issuers: hints(authority) };
    TlsConfiguration::new(chain.as_bytes(), key.as_bytes(), &ClientCertificates::NotAsked)
        .and_then(|made| made.with_host("carte.localhost", chain.as_bytes(), key.as_bytes(), &asked))
        .unwrap()
}

impl TlsServerUnderTest {
    fn start(limits: ConnectionLimits) -> Self {
        let mut authority = TestAuthority::new(TestAuthorityPlan::for_tests(NOW_MS), random()).unwrap();
        let tls = Arc::new(ServedTls::new(configuration(&mut authority)));
        let cards = Arc::new(ArcSwap::from_pointee(authority.card_authorities(NOW_MS).unwrap()));
        let checked = Arc::clone(&cards);
        // What a page of login does: the chain is nothing before it is checked.
        let login = move |request: Request| async move {
            let chain = PeerCertificates::of(&request.into_parts().0, &Proxies::default()).unwrap();
            let chain = chain.map_or_else(Vec::new, |chain| chain.0.to_vec());
            match check_card(&chain, &checked.load(), NOW_MS, CardEnvironment::Test) {
                Ok(holder) => format!("welcome {}", holder.national_id()),
                Err(refusal) => format!("refused: {}", refusal.code()),
            }
        };
        let app = Router::new()
            .route("/", get(login))
            .route("/large", get(|| async { vec![b'x'; 64 << 20] }))
            .route("/slow", get(|| async { tokio::time::sleep(SHORT).await }));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (ready, address) = mpsc::channel();
        let served = Arc::clone(&tls);
        std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                connections::serve_tls(listener, served, app, limits, async { _ = stopped.await }).await;
            });
        });
        Self { address: address.recv().unwrap(), authority, tls, cards, stop: Some(stop) }
    }

    fn socket(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// Settings of a client that trusts our server.
    fn client(&self, version: &'static rustls::SupportedProtocolVersion, card: Option<&IssuedCertificate>) -> Arc<ClientConfig> {
        let builder = client_builder(&self.authority, version);
        Arc::new(match card {
            Some(card) => builder.with_client_auth_cert(card.chain.clone(), card.key()).unwrap(),
            None => builder.with_no_client_auth(),
        })
    }

    fn connect(&self, client: &Arc<ClientConfig>, host: &str) -> TlsClient {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        StreamOwned::new(ClientConnection::new(Arc::clone(client), name).unwrap(), self.socket())
    }

    /// What the page of login says to a new connection.
    fn login(&self, client: &Arc<ClientConfig>, host: &str) -> String {
        ask(&mut self.connect(client, host)).unwrap()
    }
}

fn client_builder(
    authority: &TestAuthority,
    version: &'static rustls::SupportedProtocolVersion,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(authority.roots(TestHolders::Organisations).as_bytes()) {
        roots.add(root.unwrap()).unwrap();
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
}

/// Asks on a connection that stays open, and returns the body.
fn ask(stream: &mut TlsClient) -> std::io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")?;
    let mut answer = String::new();
    loop {
        if let Some((head, body)) = answer.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return Ok(body.to_owned());
            }
        }
        let mut part = [0; 1024];
        let n = stream.read(&mut part)?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.push_str(std::str::from_utf8(&part[..n]).unwrap());
    }
}

/// Whether the server ended the connection; a time-out is not an end.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn cards_log_in_and_others_are_told_why_not() {
    let mut server = TlsServerUnderTest::start(ConnectionLimits::default());
    let good = server.authority.card(&physician()).unwrap();
    let bad: Vec<_> = TestCase::ALL.iter().map(|case| (*case, server.authority.case(*case, &physician()).unwrap())).collect();
    server.cards.store(Arc::new(server.authority.card_authorities(NOW_MS).unwrap()));
    for version in VERSIONS {
        let said = |card, host| server.login(&server.client(version, card), host);
        assert_eq!(said(Some(&good), "carte.localhost"), "welcome 899900000011");
        assert_eq!(said(None, "carte.localhost"), "refused: no_certificate");
        // The other host does not ask, so that no browser shows a choice.
        assert_eq!(said(Some(&good), "localhost"), "refused: no_certificate");
        for (case, card) in &bad {
            let expected = case.refusal().map_or_else(|| format!("welcome {PHYSICIAN}"), |code| format!("refused: {code}"));
            assert_eq!(said(Some(card), "carte.localhost"), expected, "{case:?}");
        }
    }
}

/// A client that answers with a certificate whatever the server asks, and notes what it asks.
#[derive(Debug)]
struct Insistent {
    key: Arc<CertifiedKey>,
    hints: Mutex<Vec<Vec<u8>>>,
}

impl ResolvesClientCert for Insistent {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.hints.lock().unwrap() = hints.iter().map(|hint| hint.to_vec()).collect();
        Some(Arc::clone(&self.key))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[test]
fn a_certificate_without_its_key_is_no_login_and_hints_are_those_of_persons() {
    let mut server = TlsServerUnderTest::start(ConnectionLimits::default());
    let (victim, thief) = (server.authority.card(&physician()).unwrap(), server.authority.card(&physician()).unwrap());
    for version in VERSIONS {
        let insistent = |chain: &[CertificateDer<'static>], key: PrivateKeyDer<'static>| {
            let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
            let key = Arc::new(CertifiedKey::new(chain.to_vec(), key));
            let resolver = Arc::new(Insistent { key, hints: Mutex::default() });
            let client = client_builder(&server.authority, version).with_client_cert_resolver(resolver.clone());
            (resolver, Arc::new(client))
        };
        let (_, client) = insistent(&victim.chain, thief.key());
        assert!(ask(&mut server.connect(&client, "carte.localhost")).is_err());
        let (_, client) = insistent(&[CertificateDer::from(vec![0x30, 0])], thief.key());
        assert!(ask(&mut server.connect(&client, "carte.localhost")).is_err());

        let (resolver, client) = insistent(&thief.chain, thief.key());
        assert_eq!(server.login(&client, "CARTE.localhost"), "welcome 899900000011");
        assert_eq!(*resolver.hints.lock().unwrap(), hints(&server.authority));
        // Nothing is resumed: each connection proves the key again.
        let mut again = server.connect(&client, "carte.localhost");
        ask(&mut again).unwrap();
        assert_eq!(again.conn.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(again.conn.alpn_protocol(), None);
    }
}

#[test]
fn lists_and_certificates_are_replaced_while_connections_are_open() {
    let mut server = TlsServerUnderTest::start(ConnectionLimits::default());
    let card = server.authority.card(&physician()).unwrap();
    let client = server.client(&TLS13, Some(&card));
    let mut open = server.connect(&client, "carte.localhost");
    assert_eq!(ask(&mut open).unwrap(), "welcome 899900000011");
    let first = open.conn.peer_certificates().unwrap()[0].clone();

    server.authority.revoke(&card);
    assert_eq!(ask(&mut open).unwrap(), "welcome 899900000011", "the list that is served does not know it yet");
    server.cards.store(Arc::new(server.authority.card_authorities(NOW_MS + 1_000).unwrap()));
    assert_eq!(ask(&mut open).unwrap(), "refused: revoked");

    server.tls.replace(configuration(&mut server.authority));
    assert_eq!(ask(&mut open).unwrap(), "refused: revoked");
    let mut new = server.connect(&client, "carte.localhost");
    ask(&mut new).unwrap();
    assert_ne!(new.conn.peer_certificates().unwrap()[0], first);
}

#[test]
fn slow_handshakes_are_closed_and_idle_connections_stay() {
    let server = TlsServerUnderTest::start(ConnectionLimits { request: SHORT, ..ConnectionLimits::default() });
    let client = server.client(&TLS13, None);
    let mut idle = server.connect(&client, "localhost");
    while idle.conn.is_handshaking() {
        idle.conn.complete_io(&mut idle.sock).unwrap();
    }
    // Silence, half a hello, a whole one and then silence, plain HTTP, bytes of chance.
    let mut hello = Vec::new();
    ClientConnection::new(Arc::clone(&client), "localhost".try_into().unwrap()).unwrap().write_tls(&mut hello).unwrap();
    for sent in [&b""[..], &hello[..hello.len() / 2], &hello, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[255; 4_096]] {
        let mut stranger = server.socket();
        stranger.write_all(sent).unwrap();
        assert!(is_closed(&mut stranger), "{}", sent.len());
    }
    // Byte by byte is no better.
    let mut drip = server.socket();
    assert!(hello.iter().cycle().take(6_000).any(|byte| {
        std::thread::sleep(Duration::from_millis(10));
        drip.write_all(&[*byte]).is_err()
    }));
    // The first request may come later than the limit of a request, and so may the next.
    for _ in 0..2 {
        assert_eq!(ask(&mut idle).unwrap(), "refused: no_certificate");
        std::thread::sleep(SHORT * 2);
    }
    // Half a request inside TLS is closed.
    let mut half = server.connect(&client, "localhost");
    half.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    assert!(half.read_to_end(&mut Vec::new()).is_ok_and(|n| n == 0) || is_closed(&mut half.sock));
    assert_eq!(ask(&mut idle).unwrap(), "refused: no_certificate");
}

#[test]
fn a_reader_that_stops_is_closed_and_a_running_answer_is_finished() {
    let limits = ConnectionLimits { reader: SHORT, finish: LONG, ..ConnectionLimits::default() };
    let mut server = TlsServerUnderTest::start(limits);
    for version in VERSIONS {
        let client = server.client(version, None);
        let mut stopped = server.connect(&client, "localhost");
        stopped.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut first = [0; 12];
        stopped.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        std::thread::sleep(SHORT * 4);
        let mut read = Vec::new();
        let _ = stopped.read_to_end(&mut read);
        assert!(read.len() < 64 << 20, "{}", read.len());
        // Who reads gets all of it.
        let mut reader = server.connect(&client, "localhost");
        reader.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        read.clear();
        reader.read_to_end(&mut read).unwrap();
        assert!(read.len() > 64 << 20);
    }
    let mut running = server.connect(&server.client(&TLS13, None), "localhost");
    assert_eq!(ask(&mut running).unwrap(), "refused: no_certificate");
    running.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    std::thread::sleep(SHORT / 3);
    server.stop.take().unwrap().send(()).unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn certificates_and_keys_that_do_not_fit_are_refused() {
    let mut authority = TestAuthority::new(TestAuthorityPlan::for_tests(NOW_MS), random()).unwrap();
    let (one, other) = (authority.server(&["localhost"]).unwrap(), authority.server(&["localhost"]).unwrap());
    let made = |chain: &str, key: &str| {
        TlsConfiguration::new(chain.as_bytes(), key.as_bytes(), &ClientCertificates::NotAsked).map(|_| ())
    };
    assert_eq!(made(&one.chain_pem(), &one.key_pem()), Ok(()));
    // Certificate and key may stand in one file.
    let both = format!("{}{}", one.chain_pem(), one.key_pem());
    assert_eq!(made(&both, &both), Ok(()));
    assert_eq!(made("", &one.key_pem()), Err(TlsFault::NoCertificate));
    assert!(matches!(made(&one.chain_pem(), ""), Err(TlsFault::Key(_))));
    assert!(matches!(made(&one.chain_pem(), &other.key_pem()), Err(TlsFault::Unusable(_))));
    assert!(matches!(made(&one.chain_pem().replace("MII", "M!I"), &one.key_pem()), Err(TlsFault::Certificates(_))));
}
