//! `$export` from the server, which is killed while exports are made and goes on.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, annuaire, delivery, import, path_str, published_resources};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Starts an export; the path of its state below the base.
fn start(server: &Server, query: &str) -> String {
    let host = server.base.split_once('/').unwrap().0;
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "POST /fhir/v2/$export?{query} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 202 "), "{answer}");
    let location = answer.lines().find_map(|line| line.strip_prefix("content-location: ")).unwrap();
    location.split_once("/fhir/v2/").unwrap().1.to_owned()
}

/// The manifest, when it is there.
fn manifest(server: &Server, state: &str) -> Value {
    for _ in 0..120 {
        let (status, body) = server.get(state, "");
        match status {
            200 => return serde_json::from_str(&body).unwrap(),
            202 | 429 => std::thread::sleep(Duration::from_millis(500)),
            other => panic!("{other}: {body}"),
        }
    }
    panic!("the export is not made");
}

/// Lines of an export, by type and id.
fn told(server: &Server, manifest: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for item in manifest["output"].as_array().unwrap() {
        let address = item["url"].as_str().unwrap().split_once("/fhir/v2/").unwrap().1;
        let (status, body) = server.get(address, "");
        assert_eq!(status, 200, "{body}");
        for line in body.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            all.insert(format!("{}/{}", line["resourceType"].as_str().unwrap(), line["id"].as_str().unwrap()), line);
        }
    }
    all
}

#[test]
fn exports_survive_a_server_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    assert!(annuaire(&["generate", "--professionals", "400", "--seed", "5", "--out", path_str(&files)]).0);
    assert!(import(&data, &delivery(&files)).0);
    let mut server = Server::start(&data, &[]);
    server.until(1);
    let states: Vec<String> =
        ["", "_type=Organization", "_typeFilter=PractitionerRole%3Factive%3Dtrue&_type=PractitionerRole", "_type=Practitioner"]
            .iter()
            .map(|query| start(&server, query))
            .collect();
    // Whatever it was doing.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    drop(server);
    let server = Server::start(&data, &[]);
    let manifests: Vec<Value> = states.iter().map(|state| manifest(&server, state)).collect();
    let all: BTreeMap<String, Value> =
        published_resources(&server).into_iter().map(|(id, json)| (id, serde_json::from_str(&json).unwrap())).collect();
    assert!(all.len() > 1_000);
    assert_eq!(told(&server, &manifests[0]), all);
    let of = |ty: &str| all.keys().filter(|id| id.starts_with(&format!("{ty}/"))).cloned().collect::<Vec<_>>();
    assert_eq!(told(&server, &manifests[1]).into_keys().collect::<Vec<_>>(), of("Organization"));
    assert_eq!(told(&server, &manifests[3]).into_keys().collect::<Vec<_>>(), of("Practitioner"));
    let active = server.walk("PractitionerRole?active=true&_count=1000");
    assert_eq!(told(&server, &manifests[2]).len(), active.len());
    assert!(!active.is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(data.join("exports")).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
    }
}
