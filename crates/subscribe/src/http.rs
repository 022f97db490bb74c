//! Notifications over HTTPS. `ureq` is the client that copies use too: a delivery blocks a thread of its own, and its resolver can be
//! replaced, so that a connection is made to no other address than the one that was checked.

use crate::address::AddressRules;
use crate::limits;
use crate::transport::{Notification, Transport};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

/// Sends notifications over HTTPS.
pub struct HttpTransport(Agent);

/// Resolves names, and leaves out addresses that must not be called.
#[derive(Debug)]
struct CheckedResolver {
    rules: AddressRules,
    resolver: DefaultResolver,
}

impl Resolver for CheckedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let encrypted = uri.scheme_str() == Some("https");
        let found = self.resolver.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        found.iter().filter(|address| self.rules.may_connect(address.ip(), encrypted)).for_each(|address| allowed.push(*address));
        // The client learns no address of our network.
        if allowed.is_empty() { Err(Error::Other("no address of this host may be called".into())) } else { Ok(allowed) }
    }
}

impl HttpTransport {
    /// A transport with these rules. `roots` are certificates in PEM form that are trusted instead of the built-in ones.
    ///
    /// # Errors
    /// When they hold no certificate.
    pub fn new(rules: AddressRules, roots: Option<&[u8]>) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
        if let Some(pem) = roots {
            let parsed = ureq::tls::parse_pem(pem).filter_map(|item| match item {
                Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            let certificates: Vec<_> = parsed.collect();
            if certificates.is_empty() {
                return Err("the file of root certificates holds none (-----BEGIN CERTIFICATE-----)".into());
            }
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls.build())
            // The environment names none, and each call is resolved and checked anew.
            .proxy(None)
            .max_idle_connections(0)
            .user_agent(concat!("annuaire/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("")
            .build();
        let resolver = CheckedResolver { rules, resolver: DefaultResolver::default() };
        Ok(Self(Agent::with_parts(config, DefaultConnector::default(), resolver)))
    }
}

impl Transport for HttpTransport {
    fn send(&self, notification: &Notification) -> Result<(), String> {
        let Notification { endpoint, headers, body, timeout } = notification;
        self.post(endpoint, "application/fhir+json", headers, body, *timeout)
    }
}

impl HttpTransport {
    /// Posts a body, by the rules of addresses, and takes any 2xx for success. It blocks the thread.
    ///
    /// # Errors
    /// Why nobody took it, in words without address, header or body.
    pub fn post(
        &self,
        endpoint: &str,
        content_type: &str,
        headers: &[(String, String)],
        body: &[u8],
        timeout: Duration,
    ) -> Result<(), String> {
        match self.post_for_status(endpoint, content_type, headers, body, timeout)? {
            200..=299 => Ok(()),
            status @ 300..=399 => Err(format!("the receiver answers {status}: redirections are not followed")),
            other => Err(format!("the receiver answers {other}")),
        }
    }

    /// As [`post`](Self::post), for callers to whom the status of an answer says more than success or failure.
    ///
    /// # Errors
    /// Why there was no answer, in words without address, header or body.
    pub fn post_for_status(
        &self,
        endpoint: &str,
        content_type: &str,
        headers: &[(String, String)],
        body: &[u8],
        timeout: Duration,
    ) -> Result<u16, String> {
        let mut request = self.0.post(endpoint).header("content-type", content_type);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.config().timeout_global(Some(timeout)).build();
        let mut answer = request.send(body).map_err(|error| reason(&error))?;
        let status = answer.status();
        // Some servers take an answer that nobody reads for a failure; a long one is not waited for.
        let mut rest = Vec::new();
        _ = answer.body_mut().as_reader().take(limits::ANSWER_BYTES).read_to_end(&mut rest);
        Ok(status.as_u16())
    }
}

impl HttpTransport {
    /// Gets a body of at most `most` bytes, by the rules of addresses. It blocks the thread.
    ///
    /// # Errors
    /// Why it did not come, in words without address or body.
    pub fn get(&self, address: &str, most: usize, timeout: Duration) -> Result<Vec<u8>, String> {
        let request = self.0.get(address).config().timeout_global(Some(timeout)).build();
        let mut answer = request.call().map_err(|error| reason(&error))?;
        if answer.status().as_u16() != 200 {
            return Err(format!("the server answers {}", answer.status().as_u16()));
        }
        let mut body = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        answer.body_mut().as_reader().take(limit).read_to_end(&mut body).map_err(|error| {
            if error.kind() == std::io::ErrorKind::TimedOut {
                "the server did not answer in time".to_owned()
            } else {
                error.to_string()
            }
        })?;
        if body.len() > most { Err(format!("the answer has more than {most} bytes")) } else { Ok(body) }
    }
}

/// The reason of a failure, without address, header or body.
fn reason(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "the receiver did not answer in time".into(),
        Error::HostNotFound => "the host of the receiver has no address".into(),
        Error::ConnectionFailed => "no connection to the receiver".into(),
        Error::Tls(_) | Error::Rustls(_) => "no encrypted connection to the receiver: look at its certificate".into(),
        Error::Io(error) if error.to_string().contains("certificate") => "the certificate of the receiver is not accepted".into(),
        Error::Io(error) => format!("the connection to the receiver failed ({:?})", error.kind()),
        Error::Other(error) => error.to_string(),
        _ => "the receiver did not answer as HTTP asks".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;
    use std::sync::mpsc;

    /// A receiver on this machine: answers each connection with a text, and tells what it was sent.
    fn receiver(answer: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
        let (send, sent) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut all = Vec::new();
                let mut buffer = [0; 4_096];
                while !all.ends_with(b"{}") {
                    match stream.read(&mut buffer) {
                        Ok(n) if n > 0 => all.extend_from_slice(&buffer[..n]),
                        _ => break,
                    }
                }
                let _ = send.send(String::from_utf8_lossy(&all).into_owned());
                if answer.is_empty() {
                    std::thread::sleep(Duration::from_secs(600));
                }
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (endpoint, sent)
    }

    fn notification(endpoint: &str) -> Notification {
        let headers = vec![("authorization".to_owned(), "Bearer s".to_owned()), ("webhook-id".to_owned(), "a".to_owned())];
        Notification { endpoint: endpoint.into(), headers, body: b"{}".to_vec(), timeout: Duration::from_millis(300) }
    }

    fn ours() -> HttpTransport {
        HttpTransport::new(AddressRules::allowing(|a| a.is_loopback()), None).unwrap()
    }

    #[test]
    fn a_notification_arrives_with_its_headers() {
        let (endpoint, sent) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(ours().send(&notification(&endpoint)), Ok(()));
        let got = sent.recv().unwrap().to_lowercase();
        for part in [
            "post /hook?x=1 http/1.1",
            "authorization: bearer s",
            "webhook-id: a",
            "content-type: application/fhir+json",
            "content-length: 2",
        ] {
            assert!(got.contains(part), "{part}: {got}");
        }
    }

    #[test]
    fn what_is_no_2xx_is_a_failure_and_no_redirection_is_followed() {
        let (endpoint, _sent) = receiver("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n");
        assert!(ours().send(&notification(&endpoint)).unwrap_err().contains("500"));
        let (target, reached) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let answer = format!("HTTP/1.1 307 Moved\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
        let (endpoint, _sent) = receiver(Box::leak(answer.into_boxed_str()));
        assert!(ours().send(&notification(&endpoint)).unwrap_err().contains("307"));
        assert!(reached.try_recv().is_err());
    }

    #[test]
    fn a_silent_receiver_is_given_up_and_a_closed_one_is_told() {
        let (endpoint, _sent) = receiver("");
        assert!(ours().send(&notification(&endpoint)).unwrap_err().contains("in time"));
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let said = ours().send(&notification(&format!("http://{closed}/s3cret"))).unwrap_err();
        assert!(!said.contains("s3cret"), "{said}");
    }

    #[test]
    fn a_body_is_fetched_whole_or_refused() {
        // The receiver answers when the head of the request is there: its last bytes are not those of a notification.
        let publisher = |answer: &'static str| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = format!("http://{}/list.crl", listener.local_addr().unwrap());
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let (mut head, mut byte) = (Vec::new(), [0]);
                    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                        head.push(byte[0]);
                    }
                    let _ = stream.write_all(answer.as_bytes());
                    if answer.is_empty() || answer.ends_with('+') {
                        std::thread::sleep(Duration::from_secs(600));
                    }
                }
            });
            address
        };
        let get = |answer| ours().get(&publisher(answer), 4, Duration::from_millis(300));
        assert_eq!(get("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabcd"), Ok(b"abcd".to_vec()));
        assert!(get("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde").unwrap_err().contains("more than 4 bytes"));
        assert!(get("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n").unwrap_err().contains("404"));
        assert!(
            get("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n").unwrap_err().contains("302")
        );
        assert!(get("").unwrap_err().contains("in time"));
        // An answer that stops in its middle is no answer.
        assert!(get("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na+").is_err());
        let strict = HttpTransport::new(AddressRules::default(), None).unwrap();
        let refused = strict.get(&publisher("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), 4, Duration::from_secs(1));
        assert_eq!(refused, Err("no address of this host may be called".to_owned()));
    }

    #[test]
    fn no_address_of_our_own_network_is_called() {
        let (endpoint, sent) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let strict = HttpTransport::new(AddressRules::default(), None).unwrap();
        for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
            let at = endpoint.replace("127.0.0.1", host);
            for at in [at.replace("http:", "https:"), at] {
                assert_eq!(strict.send(&notification(&at)), Err("no address of this host may be called".to_owned()), "{at}");
            }
        }
        assert!(sent.try_recv().is_err(), "nothing was sent");
    }
}
