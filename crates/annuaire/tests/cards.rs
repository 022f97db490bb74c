//! Cards in a demonstration: the program, its two listeners, and a browser that has a card.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_cards::read_certificate;
use common::program;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;

const ENDPOINTS: &str = "/auth/realms/esante-wallet/protocol/openid-connect";

struct Demo {
    child: Child,
    /// Address of the plain listener.
    plain: String,
    /// Address of the TLS listener.
    tls: String,
    /// Directory of the cards.
    dir: PathBuf,
}

impl Drop for Demo {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Head and body of an answer.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn read(stream: &mut impl Read) -> Self {
        let mut text = String::new();
        // A peer that closes without a word of TLS has said everything.
        _ = stream.read_to_string(&mut text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        Self { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("{}\n{}", self.head, self.body))
    }
}

impl Demo {
    fn start() -> Self {
        let mut child = program()
            .args(["demo", "--professionals", "60", "--quiet", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut said, mut lines) = (String::new(), BufReader::new(child.stdout.take().unwrap()).lines());
        while !said.contains("  try  ") {
            said.push_str(&lines.next().unwrap().unwrap());
            said.push('\n');
        }
        std::thread::spawn(move || lines.for_each(drop));
        let after = |begin: &str| said.split(begin).nth(1).unwrap_or_else(|| panic!("{begin}: {said}"));
        let plain = after("ready: http://").split('/').next().unwrap().to_owned();
        let port = after("certificates: https://carte.localhost:").lines().next().unwrap();
        assert!(said.contains(&format!("certificates: https://mtls.localhost:{port}\n")), "{said}");
        assert!(said.contains("openssl pkcs12 -export -in "), "{said}");
        let first = after("until this demonstration ends:\n").trim_start().split(": ").next().unwrap();
        let dir = PathBuf::from(first).parent().unwrap().parent().unwrap().to_owned();
        Self { child, plain, tls: format!("127.0.0.1:{port}"), dir }
    }

    fn plain(&self, request: &str, headers: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(&self.plain).unwrap();
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}",
            self.plain
        );
        stream.write_all(text.as_bytes()).unwrap();
        Reply::read(&mut stream)
    }

    /// Asks over TLS: the name of the handshake, that of the request, and the file of a certificate.
    fn tls(&self, (name, host): (&str, &str), certificate: Option<&str>, request: &str) -> Reply {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(self.dir.join("roots.pem")).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match certificate {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let pem = fs::read(self.dir.join(file)).unwrap();
                let chain = CertificateDer::pem_slice_iter(&pem).map(Result::unwrap).collect();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(&pem).unwrap()).unwrap()
            }
        };
        let connection = ClientConnection::new(Arc::new(config), name.to_owned().try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(&self.tls).unwrap());
        write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap();
        Reply::read(&mut stream)
    }

    /// Logs in with a card and returns what UserInfo tells.
    fn userinfo(&self, card: &str) -> Value {
        let query = "response_type=code&client_id=demonstration&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback\
                     &scope=openid%20scope_all&acr_values=eidas1&state=e&nonce=n";
        let mut cookies = BTreeMap::new();
        let mut step = |request: &str, form: &str| {
            let path = request.replacen(&format!("http://{}", self.plain), "", 1);
            let kept: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let headers = format!("Cookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n", kept.join("; "));
            let reply = self.plain(&path, &headers, form);
            for line in reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
                let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            reply
        };
        let start = step(&format!("GET /auth?{query}"), "");
        let page = step(&format!("GET {}", start.location()), "");
        let between = |before: &str| page.body.split(before).nth(1).unwrap().split('"').next().unwrap().to_owned();
        let (action, proof) = (between("<form method=\"post\" action=\""), between("name=\"proof\" value=\""));
        let chosen = step(&format!("POST {action}"), &format!("proof={proof}&action=carte"));
        let to = chosen.location();
        let (host, path) = to.strip_prefix("https://").unwrap().split_at(to.find("/auth/").unwrap() - "https://".len());
        let shown = self.tls(("carte.localhost", host), Some(card), &format!("GET {path}"));
        assert_eq!(shown.status, 303, "{}", shown.body);
        let back = step(&format!("GET {}", shown.location()), "");
        let (_, code) = back.location().split_once("code=").unwrap();
        let code = code.split('&').next().unwrap();
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback\
             &client_id=demonstration&client_secret=secret-de-demonstration"
        );
        // The client is registered for the header.
        let basic = "Authorization: Basic ZGVtb25zdHJhdGlvbjpzZWNyZXQtZGUtZGVtb25zdHJhdGlvbg==\r\n";
        let typed = format!("{basic}Content-Type: application/x-www-form-urlencoded\r\n");
        let form = form.split("&client_id").next().unwrap();
        let tokens = self.plain(&format!("POST {ENDPOINTS}/token"), &typed, form);
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        let tokens: Value = serde_json::from_str(&tokens.body).unwrap();
        let bearer = format!("Authorization: Bearer {}\r\n", tokens["access_token"].as_str().unwrap());
        serde_json::from_str(&self.plain(&format!("GET {ENDPOINTS}/userinfo"), &bearer, "").body).unwrap()
    }
}

#[test]
fn a_demonstration_takes_its_cards_and_each_host_answers_its_own_routes() {
    let mut demo = Demo::start();
    let doctor = demo.userinfo("cards/899900000011.pem");
    assert_eq!((doctor["SubjectNameID"].as_str(), doctor["authMode"].as_str()), (Some("899900000011"), Some("CARD")));
    assert_eq!(doctor["SubjectRefPro"]["exercices"][0]["codeProfession"], "10");
    // Staff without and with an entry in the directory.
    for (file, id, name, civility) in [
        ("cards/3990000010_CPET00001.pem", "3990000010/CPET00001", "MODELE", ""),
        ("cards/3990000010_CPET00002.pem", "3990000010/CPET00002", "ESSAI", "MME"),
    ] {
        let staff = demo.userinfo(file);
        assert_eq!((staff["SubjectNameID"].as_str(), staff["family_name"].as_str()), (Some(id), Some(name)));
        assert_eq!(staff["otherIds"][0]["origine"], "FINESS");
        assert_eq!(staff["SubjectRole"], serde_json::json!([]));
        let about = &staff["SubjectRefPro"];
        assert_eq!(about["codeCivilite"], civility);
        let activity = &about["exercices"][0]["activities"][0];
        assert_eq!(
            (activity["codeModeExercice"].as_str(), activity["numeroFinessSite"].as_str()),
            (Some("S"), Some("990000010"))
        );
        assert_eq!(activity["raisonSocialeSite"], "HOPITAL DE DEMONSTRATION");
    }

    // Metadata tells the host of certificates; strangers on each host get nothing of the other.
    let metadata = demo.plain("GET /auth/realms/esante-wallet/.well-known/openid-configuration", "", "");
    let metadata: Value = serde_json::from_str(&metadata.body).unwrap();
    let alias = metadata["mtls_endpoint_aliases"]["token_endpoint"].as_str().unwrap();
    assert!(alias.starts_with("https://mtls.localhost:") && alias.ends_with("/token"), "{alias}");
    let (cards, mtls) = ("carte.localhost", "mtls.localhost");
    let (page, token) = ("GET /auth/carte/x".to_owned(), format!("POST {ENDPOINTS}/token"));
    for (name, host, request, status) in [
        (cards, cards, &page, 410),
        (cards, "CARTE.localhost:8443", &page, 410),
        (cards, mtls, &page, 421),
        (cards, "example.org", &page, 421),
        (cards, cards, &token, 421),
        (mtls, mtls, &token, 401),
        (mtls, cards, &token, 421),
        (mtls, mtls, &page, 421),
        (cards, cards, &"GET /auth".to_owned(), 404),
        (mtls, mtls, &"GET /fhir/v2/metadata".to_owned(), 404),
        (mtls, mtls, &"GET /".to_owned(), 404),
    ] {
        let reply = demo.tls((name, host), None, request);
        assert_eq!(reply.status, status, "{name} {host} {request}: {}", reply.body);
    }
    // The pages of cards have their style there; other listeners have no page of cards.
    let style = demo.plain("GET /auth/bac-a-sable", "", "").body;
    let style = style.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let sheet = demo.tls((cards, cards), None, &format!("GET {style}"));
    assert!(sheet.status == 200 && sheet.header("content-type").unwrap().starts_with("text/css"), "{}", sheet.head);
    assert_eq!(demo.plain("GET /auth/carte/x", "", "").status, 404);

    // Both listeners end together, and the keys of the cards with them.
    assert!(read_certificate(&CertificateDer::from_pem_file(demo.dir.join("cards/899900000011.pem")).unwrap()).is_ok());
    let kill = std::process::Command::new("kill").args(["-TERM", &demo.child.id().to_string()]).status().unwrap();
    assert!(kill.success() && demo.child.wait().unwrap().success());
    assert!(!demo.dir.exists() && TcpStream::connect(&demo.tls).is_err());
}

#[test]
fn a_demonstration_whose_tls_port_is_taken_goes_on_without_cards() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut child = program()
        .args(["demo", "--professionals", "20", "--quiet", "--listen", "127.0.0.1:0", "--tls-listen", &address])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        said.push_str(&line.unwrap());
        said.push('\n');
        if said.contains("  try  ") {
            break;
        }
    }
    _ = child.kill();
    _ = child.wait();
    assert!(said.contains("no cards in this demonstration: cannot listen on") && said.contains("--tls-listen"), "{said}");
    assert!(said.contains("ready: http://") && !said.contains("certificates: "), "{said}");
}
