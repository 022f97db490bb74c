//! Calls of a provider: what is asked, what is answered, and how it goes over HTTPS.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Error};

use crate::limits::{ANSWER_BYTES, CALL_MS};

/// A call of a provider.
#[derive(Clone)]
pub struct ProviderCall {
    /// Where: an absolute address.
    pub address: String,
    /// A form to post, encoded; without one it is a GET.
    pub form: Option<String>,
    /// The access token to show.
    pub bearer: Option<String>,
}

/// It shows no form and no token.
impl std::fmt::Debug for ProviderCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.address.split('?').next().unwrap_or_default();
        f.debug_struct("ProviderCall").field("address", &path).field("posts", &self.form.is_some()).finish_non_exhaustive()
    }
}

/// What a provider answers.
#[derive(Clone)]
pub struct ProviderAnswer {
    /// Status of HTTP.
    pub status: u16,
    /// Media type in small letters, without its parameters.
    pub media_type: String,
    /// The body, at most [`limits::ANSWER_BYTES`](crate::limits::ANSWER_BYTES).
    pub body: Vec<u8>,
}

/// Who calls providers.
#[async_trait]
pub trait ProviderCaller: Send + Sync {
    /// Calls; redirections are not followed, and any status is an answer.
    ///
    /// # Errors
    /// Why there is no answer, in words without address, header or body.
    async fn call(&self, call: ProviderCall) -> Result<ProviderAnswer, String>;
}

/// Calls over HTTPS.
#[derive(Clone)]
pub struct HttpCaller(Agent);

impl HttpCaller {
    /// A caller. `roots` are certificates in PEM form that are trusted instead of the built-in ones.
    ///
    /// # Errors
    /// When they hold no certificate.
    pub fn new(roots: Option<&[u8]>) -> Result<Self, String> {
        Self::waiting(roots, Duration::from_millis(CALL_MS))
    }

    /// A caller that gives a whole call this long.
    fn waiting(roots: Option<&[u8]>, most: Duration) -> Result<Self, String> {
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
            .timeout_global(Some(most))
            .proxy(None)
            .user_agent(concat!("annuaire/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("")
            .build();
        Ok(Self(config.new_agent()))
    }

    fn call_now(&self, call: &ProviderCall) -> Result<ProviderAnswer, String> {
        const ACCEPTED: &str = "application/json, application/jwt;q=0.9";
        let bearer = call.bearer.as_ref().map(|token| format!("Bearer {token}"));
        let answer = match &call.form {
            Some(form) => {
                let request = self.0.post(&call.address).header("accept", ACCEPTED);
                let request = request.header("content-type", "application/x-www-form-urlencoded");
                match bearer {
                    Some(value) => request.header("authorization", value).send(form),
                    None => request.send(form),
                }
            }
            None => {
                let request = self.0.get(&call.address).header("accept", ACCEPTED);
                match bearer {
                    Some(value) => request.header("authorization", value).call(),
                    None => request.call(),
                }
            }
        };
        let mut answer = answer.map_err(|error| reason(&error))?;
        let media_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let media_type = media_type.map(bare_media_type).unwrap_or_default();
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        let most = u64::try_from(ANSWER_BYTES).unwrap_or(u64::MAX);
        let read = answer.body_mut().as_reader().take(most + 1).read_to_end(&mut body);
        read.map_err(|error| format!("the answer broke off ({:?})", error.kind()))?;
        if body.len() > ANSWER_BYTES {
            return Err(format!("the answer is longer than {ANSWER_BYTES} bytes"));
        }
        Ok(ProviderAnswer { status, media_type, body })
    }
}

#[async_trait]
impl ProviderCaller for HttpCaller {
    async fn call(&self, call: ProviderCall) -> Result<ProviderAnswer, String> {
        let caller = self.clone();
        let done = tokio::task::spawn_blocking(move || caller.call_now(&call)).await;
        done.unwrap_or_else(|_| Err("the call was given up".into()))
    }
}

/// A media type in small letters, without parameters.
pub(crate) fn bare_media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The reason of a failure, without address, header or body.
fn reason(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "no answer in time".into(),
        Error::HostNotFound => "its host has no address".into(),
        Error::ConnectionFailed => "no connection".into(),
        Error::Tls(_) | Error::Rustls(_) => "no encrypted connection: look at its certificate".into(),
        Error::Io(error) if error.to_string().contains("certificate") => "its certificate is not accepted".into(),
        Error::Io(error) => format!("the connection failed ({:?})", error.kind()),
        _ => "it did not answer as HTTP asks".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn provider(answer: Vec<u8>) -> (String, std::sync::mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/p?secret=1", listener.local_addr().unwrap());
        let (send, sent) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut buffer = [0; 8_192];
                let n = stream.read(&mut buffer).unwrap_or(0);
                let mut head = String::from_utf8_lossy(&buffer[..n]).into_owned();
                if head.starts_with("POST") && !head.contains("a=b") {
                    let n = stream.read(&mut buffer).unwrap_or(0);
                    head += &String::from_utf8_lossy(&buffer[..n]);
                }
                let _ = send.send(head);
                let _ = stream.write_all(&answer);
            }
        });
        (address, sent)
    }

    #[tokio::test]
    async fn a_call_carries_form_and_token_and_brings_the_answer() {
        let answer = b"HTTP/1.1 400 Bad\r\ncontent-type: Application/JWT; charset=x\r\ncontent-length: 2\r\n\r\nok".to_vec();
        let (address, sent) = provider(answer);
        let caller = HttpCaller::new(None).unwrap();
        let call = ProviderCall { address: address.clone(), form: Some("a=b".into()), bearer: None };
        assert!(!format!("{call:?}").contains("secret"));
        let got = caller.call(call).await.unwrap();
        assert_eq!((got.status, got.media_type.as_str(), got.body.as_slice()), (400, "application/jwt", &b"ok"[..]));
        let head = sent.recv().unwrap().to_lowercase();
        assert!(
            head.starts_with("post /p?secret=1") && head.contains("application/x-www-form-urlencoded") && head.ends_with("a=b")
        );
        caller.call(ProviderCall { address, form: None, bearer: Some("t0k".into()) }).await.unwrap();
        assert!(sent.recv().unwrap().to_lowercase().contains("authorization: bearer t0k"));
    }

    #[tokio::test]
    async fn long_answers_and_redirections_are_not_followed() {
        let mut long = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", ANSWER_BYTES + 1).into_bytes();
        long.resize(long.len() + ANSWER_BYTES + 1, b'x');
        let caller = HttpCaller::new(None).unwrap();
        let said = caller.call(ProviderCall { address: provider(long).0, form: None, bearer: None }).await.err().unwrap();
        assert!(said.contains("longer than"), "{said}");
        let (target, reached) = provider(Vec::new());
        let moved = format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n").into_bytes();
        let got = caller.call(ProviderCall { address: provider(moved).0, form: None, bearer: None }).await.unwrap();
        assert_eq!(got.status, 302);
        assert!(reached.try_recv().is_err());
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let call = ProviderCall { address: format!("http://{closed}/s3cret"), form: None, bearer: None };
        assert!(!caller.call(call).await.err().unwrap().contains("s3cret"));
    }

    #[tokio::test]
    async fn a_silent_provider_is_given_up() {
        let caller = HttpCaller::waiting(None, Duration::from_millis(300)).unwrap();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let slow = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_owned().into_bytes();
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", held.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = held.accept().unwrap();
            let _ = stream.write_all(&slow);
            std::thread::sleep(Duration::from_secs(60));
        });
        for address in [format!("http://{}/", silent.local_addr().unwrap()), address] {
            let call = caller.call(ProviderCall { address, form: None, bearer: None });
            let said = tokio::time::timeout(Duration::from_secs(20), call).await.expect("it gives up").err().unwrap();
            assert!(said.contains("in time") || said.contains("broke off"), "{said}");
        }
        assert!(HttpCaller::new(Some(b"no certificate")).err().unwrap().contains("BEGIN CERTIFICATE"));
    }
}
