//! How fast a file is sent over loopback, in gigabytes a second: `cargo run --release -p annuaire-web --example send_file -- [MIB] [SECONDS]`.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use annuaire_web::connections::{ConnectionLimits, serve};
use annuaire_web::{Gate, GateSettings, Representation};
use axum::Router;
use axum::extract::Request;
use axum::routing::get;

fn main() {
    let word = |n: usize, default: u64| std::env::args().nth(n).map_or(default, |text| text.parse().unwrap());
    let (length, seconds) = (word(1, 8) << 20, word(2, 3));
    let path = std::env::temp_dir().join(format!("annuaire-send-file-{}", std::process::id()));
    File::create(&path).unwrap().write_all(&vec![7; length as usize]).unwrap();
    let gate = Arc::new(Gate::new(GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))));
    let sent = path.clone();
    let answer = move |request: Request| {
        let representation = Representation {
            length,
            etag: "\"a\"".into(),
            sha256: None,
            content_type: "application/octet-stream",
            content_encoding: None,
        };
        let answer = representation.answer(File::open(&sent).unwrap(), request.method(), request.headers(), &gate);
        std::future::ready(answer.unwrap())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", get(answer));
    runtime.spawn(serve(listener, app, ConnectionLimits::default(), std::future::pending()));
    for connections in [1, 2, 4] {
        let end = Instant::now() + Duration::from_secs(seconds);
        let clients: Vec<_> =
            (0..connections).map(|_| std::thread::spawn(move || download_until(address, length, end))).collect();
        let bytes: u64 = clients.into_iter().map(|client| client.join().unwrap()).sum();
        println!("{connections} connections: {:.2} GB/s", bytes as f64 / seconds as f64 / 1e9);
    }
    std::fs::remove_file(path).unwrap();
}

/// Bytes that one connection receives until an instant.
fn download_until(address: SocketAddr, length: u64, end: Instant) -> u64 {
    let mut stream = TcpStream::connect(address).unwrap();
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    while Instant::now() < end {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let (mut head, mut received) = (Vec::new(), 0_u64);
        while received < length {
            let n = stream.read(&mut buffer).unwrap();
            assert!(n > 0, "the answer ends early");
            // The head comes in the first bytes; its end is where the content begins.
            let body = match received {
                0 => {
                    head.extend_from_slice(&buffer[..n]);
                    head.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |at| head.len() - at - 4)
                }
                _ => n,
            };
            received += body as u64;
        }
        bytes += received;
    }
    bytes
}
