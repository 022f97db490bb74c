//! Connections of strangers: slow, silent, many, or not speaking HTTP; and the client beside them that is still answered.
#![allow(clippy::unwrap_used)]

use annuaire_web::connections::{self, ConnectionLimits};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::routing::get;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(200);
/// A server that does not do what it should is given up after this.
const LONG: Duration = Duration::from_secs(60);

/// An answer that says when it is let go.
struct Large(Vec<u8>, mpsc::Sender<()>);

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        let _ = self.1.send(());
    }
}

struct ServerUnderTest {
    address: SocketAddr,
    /// One message for each slow answer begun and each large one let go.
    events: mpsc::Receiver<()>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl ServerUnderTest {
    fn start(limits: ConnectionLimits) -> Self {
        connections::raise_descriptor_limit();
        let (said, events) = mpsc::channel();
        let (started, dropped) = (said.clone(), said);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (ready, address) = mpsc::channel();
        let app = Router::new()
            .route("/", get(|ConnectInfo(client): ConnectInfo<SocketAddr>| async move { client.ip().to_string() }))
            .route(
                "/slow",
                get(move || async move {
                    let _ = started.send(());
                    tokio::time::sleep(SHORT * 2).await;
                }),
            )
            .route(
                "/large",
                get(move || async move { Body::from(Bytes::from_owner(Large(vec![b'x'; 64 << 20], dropped.clone()))) }),
            );
        let thread = std::thread::spawn(move || {
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                connections::serve(listener, app, limits, async { _ = stopped.await }).await;
            });
        });
        Self { address: address.recv().unwrap(), events, stop: Some(stop), thread: Some(thread) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// A client that does nothing wrong gets its answer, which is its address.
    fn answers(&self) {
        let mut stream = self.connect();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n127.0.0.1"), "{answer}");
    }
}

/// Asks on a connection that stays open.
fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n127.0.0.1") {
        let mut part = [0; 1024];
        let n = stream.read(&mut part).unwrap();
        assert!(n > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&part[..n]);
    }
}

/// Whether the server ended the connection, which it may do with or without a word; a time-out is not an end.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn half_a_request_is_closed_and_an_idle_connection_stays() {
    let server = ServerUnderTest::start(ConnectionLimits { request: SHORT, ..ConnectionLimits::default() });
    let mut idle = server.connect();
    ask(&mut idle);
    let mut silent = server.connect();
    for half in ["G", "GET / HTTP/1.1\r\nHost: x\r\nX-Lo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"] {
        // A request before it, on one connection of two, changes nothing.
        for before in [false, true] {
            let mut slow = server.connect();
            if before {
                ask(&mut slow);
            }
            slow.write_all(half.as_bytes()).unwrap();
            assert!(is_closed(&mut slow), "{half:?}");
        }
    }
    // Byte by byte is no better.
    let mut drip = server.connect();
    assert!((0..6_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        drip.write_all(b"a").is_err()
    }));
    ask(&mut idle);
    ask(&mut silent);
    server.answers();
}

#[test]
fn a_reader_that_stops_is_closed() {
    let server = ServerUnderTest::start(ConnectionLimits { reader: SHORT, ..ConnectionLimits::default() });
    let mut stopped = server.connect();
    stopped.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    server.events.recv_timeout(LONG).unwrap();
    let mut answer = Vec::new();
    let _ = stopped.read_to_end(&mut answer);
    assert!(answer.len() < 64 << 20, "{}", answer.len());
    server.answers();
}

#[test]
fn a_large_answer_reaches_who_reads_it() {
    let server = ServerUnderTest::start(ConnectionLimits::default());
    let mut stream = server.connect();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.len() > 64 << 20);
}

#[test]
fn many_idle_connections_harm_nobody() {
    let server = ServerUnderTest::start(ConnectionLimits::default());
    // Where the system allows fewer descriptors, fewer: both ends are in this process.
    let many = (connections::raise_descriptor_limit() / 2).saturating_sub(100).min(2_000);
    let mut idle: Vec<TcpStream> = (0..many).map(|_| server.connect()).collect();
    idle.iter_mut().for_each(ask);
    server.answers();
    idle.iter_mut().for_each(ask);
}

#[test]
fn idle_connections_make_room_when_there_is_none() {
    let server = ServerUnderTest::start(ConnectionLimits { connections: 8, crowded: SHORT, ..ConnectionLimits::default() });
    let mut idle: Vec<TcpStream> = (0..8).map(|_| server.connect()).collect();
    ask(&mut idle[0]);
    for _ in 0..20 {
        server.answers();
    }
}

#[test]
fn garbage_is_refused_and_long_heads_are_bounded() {
    let server = ServerUnderTest::start(ConnectionLimits { request: SHORT, ..ConnectionLimits::default() });
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..], b"\0\0\0\0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[255; 4_096]]
    {
        let mut stranger = server.connect();
        stranger.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        let _ = stranger.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{:?}", String::from_utf8_lossy(&answer));
        server.answers();
    }
    let status = |head: &str| {
        let mut stream = server.connect();
        // The end of a head that is too long may find the connection closed.
        let _ = stream.write_all(format!("GET /{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).map(|()| String::from_utf8_lossy(&answer[9..]).into_owned()).unwrap_or_default()
    };
    assert_eq!(status(&format!("?q={}", "a".repeat(60_000))), "200");
    assert_ne!(status(&format!("?q={}", "a".repeat(200_000))), "200");
}

#[test]
fn a_running_answer_is_finished_at_the_end() {
    let mut server = ServerUnderTest::start(ConnectionLimits { finish: LONG, ..ConnectionLimits::default() });
    let mut idle = server.connect();
    ask(&mut idle);
    let mut running = server.connect();
    ask(&mut running);
    running.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    server.events.recv_timeout(LONG).unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(is_closed(&mut idle));
    server.thread.take().unwrap().join().unwrap();
}
