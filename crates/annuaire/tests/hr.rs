//! The interface for software of employers in a server: a demonstration prints a software, which gets a token, and whose list becomes requests in
//! the background.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::program;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

struct Demonstration {
    child: Child,
    address: String,
    client: String,
    secret: String,
}

impl Drop for Demonstration {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Demonstration {
    fn start() -> Self {
        let mut child = program()
            .args(["demo", "--professionals", "60", "--quiet", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = String::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["ready:", at, ..] => address = at.trim_start_matches("http://").split('/').next().unwrap().to_owned(),
                ["software", "of", .., "client_id", client, "client_secret", secret] => {
                    let (client, secret) = ((*client).to_owned(), (*secret).to_owned());
                    // What it goes on to print is read, so that it never waits for us.
                    std::thread::spawn(move || lines.for_each(drop));
                    return Self { child, address, client, secret };
                }
                _ => {}
            }
        }
        panic!("the demonstration ended without a software");
    }

    /// Status and body of an answer of the interface.
    fn ask(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let media = if path == "/jeton" { "application/x-www-form-urlencoded" } else { "application/json" };
        write!(
            stream,
            "{method} /portail/api/v1{path} HTTP/1.0\r\nHost: {}\r\nConnection: close\r\nContent-Type: {media}\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn json(&self, method: &str, path: &str, token: &str, body: &str, status: u16) -> Value {
        let (told, text) = self.ask(method, path, token, body);
        assert_eq!(told, status, "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn a_list_of_a_software_becomes_requests_in_the_background() {
    let demo = Demonstration::start();
    assert_eq!(demo.json("GET", "/demandes", "", "", 401)["code"], "A-JETON");
    let document = demo.json("GET", "/openapi.json", "", "", 200);
    assert_eq!(document["servers"][0]["url"], format!("http://{}/portail/api/v1", demo.address));
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", demo.client, demo.secret);
    let token = demo.json("POST", "/jeton", "", &form, 200)["access_token"].as_str().unwrap().to_owned();
    let own = demo.json("GET", "/structures", &token, "", 200);
    assert_eq!(own["structures"][0]["finess"], "990000010", "{own}");
    assert!(demo.json("GET", "/demandes", &token, "", 200)["total"].as_u64().unwrap() > 0, "requests of the demonstration");
    let list = "ref_externe;civilite;sexe;nom_famille;prenom;date_naissance;commune_naissance_insee;email;mobile;finess;profession;role;mode;\
        date_debut;identite_verifiee;information_faite\n\
        RH-1;MME;F;Zzessai;Zoé;1991-05-07;97128;zoe.zz@personne.example;0639980099;990000010;313;GENR08;S;02/11/2026;DOCUMENT_RH;OUI\n";
    let lot = demo.json("POST", "/lots?nom=effectifs.csv", &token, list, 201);
    let id = lot["id"].as_str().unwrap();
    demo.json("POST", &format!("/lots/{id}/soumettre"), &token, "", 202);
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(200));
        let lot = demo.json("GET", &format!("/lots/{id}"), &token, "", 200);
        if lot["phase"] == "MIS_EN_INSTRUCTION" {
            assert_eq!(lot["detail"][0]["resultat"], "CREEE", "{lot}");
            return;
        }
    }
    panic!("the list was not gone through");
}
