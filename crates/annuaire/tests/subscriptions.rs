//! Subscriptions as a user has them: a key, a receiver on the network, deliveries, a server that ends and begins again.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_subscribe::{TOPIC_BASE, signature};
use common::{Server, annuaire, delivery, import};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

const KEY: &str = "ESANTE-API-KEY: fictional-key-of-a-test\r\n";
/// How long a notification is waited for, on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A notification as it arrived.
struct Arrived {
    head: String,
    body: String,
}

impl Arrived {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (n, value) = line.split_once(':')?;
            n.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        line.unwrap()
    }

    fn parameters(&self) -> Vec<Value> {
        let bundle: Value = serde_json::from_str(&self.body).unwrap();
        bundle["entry"][0]["resource"]["parameter"].as_array().unwrap().clone()
    }

    fn of(&self, name: &str) -> Value {
        self.parameters().into_iter().find(|p| p["name"] == name).unwrap()
    }
}

/// A receiver that answers 200 and tells what came.
fn receiver() -> (String, Receiver<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/hook", listener.local_addr().unwrap());
    let (send, arrived) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut all, mut buffer) = (Vec::new(), [0; 8_192]);
            let (head, body) = loop {
                let n = stream.read(&mut buffer).unwrap();
                all.extend_from_slice(&buffer[..n]);
                let text = String::from_utf8_lossy(&all).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length =
                        head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
                    if body.len() >= length.unwrap_or(0) {
                        break (head.to_owned(), body.to_owned());
                    }
                }
                assert!(n > 0, "cut: {text}");
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            if send.send(Arrived { head, body }).is_err() {
                return;
            }
        }
    });
    (endpoint, arrived)
}

/// Sends a request and reads head and body of its answer.
fn send(server: &Server, method: &str, path: &str, body: &str) -> (String, String) {
    let (host, prefix) = server.base.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let head = format!(
        "{method} /{prefix}/{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/fhir+json\r\nContent-Length: {length}\r\n{KEY}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Ends a server as a service manager does.
fn end(mut server: Server) {
    assert!(Command::new("kill").args(["-TERM", &server.child.id().to_string()]).status().unwrap().success());
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn what_a_delivery_changes_reaches_the_receiver_also_after_the_server_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    let made = annuaire(&[
        "generate",
        "--professionals",
        "300",
        "--seed",
        "9",
        "--changed-per-mille",
        "100",
        "--out",
        files.to_str().unwrap(),
    ]);
    assert!(made.0, "{}", made.1);
    assert!(import(&data, &delivery(&files).into_iter().filter(|f| f.is_file()).collect::<Vec<_>>()).0);
    let keys = dir.path().join("keys");
    fs::write(&keys, "fictional-key-of-a-test\n").unwrap();
    let options = ["--api-keys", keys.to_str().unwrap()];
    let (endpoint, arrived) = receiver();
    let backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content";
    let resource = json!({
        "resourceType": "Subscription", "status": "requested", "criteria": format!("{TOPIC_BASE}practitioner-changed"),
        "channel": {
            "type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": backport, "valueCode": "id-only"}]},
        },
    });

    let server = Server::start(&data, &options);
    let (head, refused) = send(&server, "POST", "Subscription", &resource.to_string());
    assert!(head.starts_with("HTTP/1.0 422") || head.starts_with("HTTP/1.1 422"), "{head}{refused}");
    assert!(refused.contains("endpoint"), "this machine is not of the internet, and nobody allowed it: {refused}");
    end(server);
    fs::write(data.join("annuaire.toml"), "[subscriptions]\nallowed_networks = [\"127.0.0.0/8\"]\n").unwrap();

    let server = Server::start(&data, &options);
    let (head, made) = send(&server, "POST", "Subscription", &resource.to_string());
    assert!(head.contains(" 201 "), "{head}{made}");
    let id = serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
    let secret = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().starts_with("webhook-secret:").then(|| line[15..].trim().to_owned()))
        .unwrap();
    let handshake = arrived.recv_timeout(PATIENCE).unwrap();
    assert_eq!(handshake.of("type")["valueCode"], "handshake");
    let status = |server: &Server| {
        let (_, bundle) = server.get(&format!("Subscription/{id}/$status"), KEY);
        serde_json::from_str::<Value>(&bundle).unwrap()["entry"][0]["resource"]["parameter"].as_array().unwrap().clone()
    };
    let begun = std::time::Duration::from_millis(50);
    while !status(&server).iter().any(|p| p["valueCode"] == "active") {
        std::thread::sleep(begun);
    }
    end(server);
    // Nobody serves while the files come.
    assert!(import(&data, &delivery(&files.join("next"))).0);
    let server = Server::start(&data, &options);
    let mut numbers: Vec<u64> = Vec::new();
    let total = loop {
        let notification = arrived.recv_timeout(PATIENCE).unwrap();
        assert_eq!(notification.of("type")["valueCode"], "event-notification");
        let timestamp = notification.header("webhook-timestamp").parse().unwrap();
        let expected = signature([secret.as_str()], notification.header("webhook-id"), timestamp, notification.body.as_bytes());
        assert_eq!(notification.header("webhook-signature"), expected);
        let events: Vec<Value> = notification.parameters().into_iter().filter(|p| p["name"] == "notification-event").collect();
        for event in &events {
            let focus = event["part"][2]["valueReference"]["reference"].as_str().unwrap();
            assert!(focus.contains("/fhir/v2/Practitioner/003-"), "{focus}");
        }
        numbers.extend(events.iter().map(|e| e["part"][0]["valueString"].as_str().unwrap().parse::<u64>().unwrap()));
        let told = status(&server);
        let total = told.iter().find(|p| p["name"] == "events-since-subscription-start").unwrap()["valueString"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap();
        if numbers.len() as u64 >= total {
            break total;
        }
    };
    assert_eq!(numbers, (1..=total).collect::<Vec<_>>());
    let (_, history) = server.get("Practitioner/_history?_count=1000&_since=2000-01-01T00:00:00Z", KEY);
    let history: Value = serde_json::from_str(&history).unwrap();
    let changed = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["resource"]["meta"]["versionId"] != "1" || e["resource"].is_null());
    assert!(total >= changed.count() as u64 && total > 10, "{total}");
    let (_, events) = server.get(&format!("Subscription/{id}/$events?eventsUntilNumber=3"), KEY);
    let parameters =
        serde_json::from_str::<Value>(&events).unwrap()["entry"][0]["resource"]["parameter"].as_array().unwrap().clone();
    assert_eq!(parameters.iter().filter(|p| p["name"] == "notification-event").count(), 3);
    let (_, said) = annuaire(&["status", "--data", data.to_str().unwrap()]);
    assert!(said.contains("subscriptions: 1 active"), "{said}");
    let (head, _) = send(&server, "DELETE", &format!("Subscription/{id}"), "");
    assert!(head.contains(" 204 "), "{head}");
    end(server);
}
