//! The server as strangers reach it over the network: hosts, proxies, guesses, and arguments that cannot serve.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, program};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

/// Sends these bytes and reads the answer to its end.
fn raw(server: &Server, request: &str) -> String {
    let host = server.base.split_once('/').unwrap().0;
    let mut stream = TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn hosts_proxies_and_guesses() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let secret = dir.path().join("credentials");
    fs::write(&secret, "let-me-in\n").unwrap();
    let restricted = ["--restricted-credentials", secret.to_str().unwrap()];
    {
        let server = Server::start(&data, &restricted);
        let end = "Connection: close\r\n\r\n";
        for (host, status) in [
            ("", 400),
            ("Host: a.example\r\n", 200),
            ("Host: a.example\r\nHost: a.example\r\n", 400),
            ("Host: a b\r\n", 400),
            ("Host:\r\n", 400),
        ] {
            for path in ["/fhir/v2/metadata", "/"] {
                let answer = raw(&server, &format!("GET {path} HTTP/1.1\r\n{host}{end}"));
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host:?} {path}: {answer}");
            }
        }
        let answer = raw(&server, "GET /fhir/v2/metadata HTTP/1.0\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.0 200 ") && answer.contains("http://localhost/fhir/v2"), "{answer}");
        // Nobody is a proxy: what they say changes nothing.
        let forged = "Forwarded: for=203.0.113.5;host=evil.example;proto=https\r\nX-Forwarded-Prefix: /evil\r\n";
        let answer = raw(&server, &format!("GET /fhir/v2/metadata HTTP/1.1\r\nHost: a.example\r\n{forged}{end}"));
        assert!(answer.contains("http://a.example/fhir/v2") && !answer.contains("evil"), "{answer}");
        let url = format!("http://{}/fhir/dr/Person", server.base.split_once('/').unwrap().0);
        let mut refused = 0;
        for n in 0..16 {
            let forged =
                format!("Authorization: Bearer {n}\r\nX-Forwarded-For: 203.0.113.{n}\r\nForwarded: for=203.0.113.{n}\r\n");
            let (status, _) = server.get(&url, &forged);
            assert!(status == 401 || status == 429, "{status}");
            refused += u32::from(status == 429);
        }
        assert!(refused >= 2, "{refused}");
        assert_eq!(server.get(&url, "Authorization: Bearer let-me-in\r\n").0, 200, "a holder behind that address");
    }
    let more = ["--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "::1"];
    let server = Server::start(&data, &[&restricted[..], &more].concat());
    let told = "X-Forwarded-For: 198.51.100.1, 203.0.113.5\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n\
                X-Forwarded-Prefix: /sante\r\n";
    let (_, body) = server.get("metadata", told);
    assert!(body.contains("https://a.example/sante/fhir/v2"), "{body}");
    let url = format!("http://{}/fhir/dr/Person", server.base.split_once('/').unwrap().0);
    for n in 0..12 {
        server.get(&url, &format!("Authorization: Bearer {n}\r\nX-Forwarded-For: 203.0.113.5\r\n"));
    }
    let guess = |address: &str| server.get(&url, &format!("Authorization: Bearer x\r\nX-Forwarded-For: {address}\r\n")).0;
    assert_eq!((guess("198.51.100.7, 203.0.113.5"), guess("203.0.113.6")), (429, 401));
}

#[test]
fn arguments_that_cannot_serve_are_refused_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    for (arguments, output) in [
        (&["--rate", "0"][..], "0 is not in 1.."),
        (&["--public-base", "annuaire.example"], "write scheme and host"),
        (&["--public-base", "https://"], "write scheme and host"),
        (&["--trusted-proxy", "10.0.0.1/8"], "neither an address"),
        (&["--trusted-proxy", "proxy"], "neither an address"),
        (&["--listen", "0.0.0.0:0"], "--operator"),
        (&["--listen", "0.0.0.0:0", "--operator", "  "], "--operator"),
        (&["--listen", "[::]:0", "--operator", ""], "--operator"),
        (&["--public-base", "https://annuaire.example"], "https://annuaire.example is reached by others"),
        (&["--log", "loud"], "possible values"),
    ] {
        let mut command = program();
        command.args(["serve", "--data", data.to_str().unwrap()]).args(arguments).stdout(Stdio::null());
        let out = command.output().unwrap();
        let text = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.code() == Some(2) && text.contains(output), "{arguments:?}: {:?} {text}", out.status);
    }
    assert!(!data.exists(), "nothing was made");
}
