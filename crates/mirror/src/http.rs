//! Requests to an origin: one after the other, at a bounded rate, tried again when the line or the server fails.

use crate::error::{Error, Result, refused, shown};
use crate::limits;
use crate::origin::{OriginBase, absolute};
use crate::secret::AccessKey;
use crate::world::{World, random_time};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// How an origin is asked.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Header that opens the origin, if it needs one. It is sent to the scheme, host and port of the base address only.
    pub key: Option<AccessKey>,
    /// Requests a second; the national service allows 17.
    pub rate: u32,
    /// Root certificates in PEM form. They are trusted instead of the built-in ones: for origins of a private authority.
    pub root_certificates: Option<Vec<u8>>,
    /// A proxy (`http://host:port`); the environment is not looked at.
    pub proxy: Option<String>,
    /// Other scheme, host and port from which published files may come, as `https://files.example`.
    pub file_hosts: Vec<String>,
    /// Time for the head of an answer; the national service gives up after 30 s itself.
    pub answer_time: Duration,
    /// Time for the body of a page. Files take as long as they need, up to [`limits::FILE`] for one part.
    pub body_time: Duration,
    /// Name of the program, as the origin's log shows it.
    pub user_agent: String,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            key: None,
            rate: 17,
            root_certificates: None,
            proxy: None,
            file_hosts: Vec::new(),
            answer_time: limits::ANSWER,
            body_time: limits::BODY,
            user_agent: concat!("annuaire-mirror/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// What asking has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HttpCounts {
    /// Requests sent.
    pub requests: u64,
    /// Of these, repetitions after a failure.
    pub repeated: u64,
    /// Bytes of bodies as they came.
    pub bytes: u64,
}

/// An origin that can be asked.
pub(crate) struct HttpSource {
    agent: Agent,
    origin: OriginBase,
    files: Vec<OriginBase>,
    key: Option<AccessKey>,
    body_time: Duration,
    world: Arc<dyn World>,
    /// Time between two requests.
    gap: Duration,
    /// When the next request may be sent, on the clock of [`World::elapsed`].
    next: Duration,
    /// How often a document is asked for that breaks off.
    attempts_when_cut: u32,
    pub(crate) counts: HttpCounts,
}

/// An answer whose body was read whole and decompressed.
#[derive(Debug)]
pub(crate) struct HttpPage<T> {
    /// Its address.
    pub(crate) url: String,
    /// What the body says; `None` for 304.
    pub(crate) content: Option<T>,
    /// Milliseconds since 1970 of its `Date`; it has whole seconds.
    pub(crate) date_ms: Option<i64>,
    pub(crate) etag: Option<String>,
    pub(crate) headers: HeaderMap,
}

impl<T> HttpPage<T> {
    /// A header, when it is text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        header(&self.headers, name)
    }
}

/// How one attempt ended.
enum HttpAttempt<T> {
    Done(T),
    /// Worth another attempt, of `of` in all.
    Again {
        reason: String,
        after: Option<Duration>,
        of: u32,
        status: Option<u16>,
        /// The answer began to come.
        cut: bool,
    },
}

impl HttpSource {
    /// An origin that was not asked yet.
    ///
    /// # Errors
    /// When an address, a certificate or the proxy cannot be used, or the key would travel unencrypted.
    pub(crate) fn new(origin: OriginBase, options: &HttpOptions, world: Arc<dyn World>) -> Result<Self> {
        if options.key.is_some() && !origin.is_encrypted() && !origin.is_loopback() {
            return Err(Error::Request("the key would travel unencrypted: give the https address of the origin".into()));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
        if let Some(pem) = &options.root_certificates {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(pem)?));
        }
        let proxy = options.proxy.as_deref().map(ureq::Proxy::new).transpose();
        let proxy = proxy.map_err(|_| Error::Request("the address of the proxy is none; one is http://host:port".into()))?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls.build())
            .proxy(proxy)
            .user_agent(options.user_agent.as_str())
            .accept_encoding("")
            .timeout_connect(Some(limits::CONNECT))
            .timeout_recv_response(Some(options.answer_time))
            .build()
            .into();
        let files = options.file_hosts.iter().map(|host| OriginBase::parse(host)).collect::<Result<_>>()?;
        let gap = Duration::from_secs(1) / options.rate.max(1);
        let next = world.elapsed();
        Ok(Self {
            agent,
            origin,
            files,
            key: options.key.clone(),
            body_time: options.body_time,
            world,
            gap,
            next,
            attempts_when_cut: limits::ATTEMPTS,
            counts: HttpCounts::default(),
        })
    }

    /// Asks so many times for a document that breaks off on its way: somebody who can ask for less gives up early.
    pub(crate) fn give_up_cut_answers_after(&mut self, attempts: u32) {
        self.attempts_when_cut = attempts;
    }

    /// The base address.
    pub(crate) fn origin(&self) -> &OriginBase {
        &self.origin
    }

    /// The world in which it is asked.
    pub(crate) fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    /// Asks for a document below the base and has `read` read it. A body that `read` does not accept was perhaps cut, and is asked
    /// for again.
    ///
    /// # Errors
    /// When the origin cannot be reached, refuses, or sends what cannot be read, after all attempts.
    pub(crate) fn get<T>(
        &mut self,
        url: &str,
        if_none_match: Option<&str>,
        read: &mut dyn FnMut(&[u8]) -> std::result::Result<T, String>,
    ) -> Result<HttpPage<T>> {
        if !self.origin.holds(url) {
            return Err(refused(url, "this address is not at the origin; it was not asked"));
        }
        self.repeat(url, &mut |this| {
            let mut headers = vec![("accept", "application/fhir+json, application/json;q=0.9"), ("accept-encoding", "gzip")];
            headers.extend(if_none_match.map(|etag| ("if-none-match", etag)));
            let mut answer = match this.ask(url, &headers, this.body_time)? {
                Ok(answer) => answer,
                Err(again) => return Ok(again),
            };
            let date_ms = header(answer.headers(), "date")
                .and_then(|d| httpdate::parse_http_date(&d).ok())
                .and_then(|d| i64::try_from(d.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?.as_millis()).ok());
            let etag = header(answer.headers(), "etag");
            if answer.status().as_u16() == 304 {
                return Ok(HttpAttempt::Done(HttpPage {
                    url: url.to_owned(),
                    content: None,
                    date_ms,
                    etag,
                    headers: answer.headers().clone(),
                }));
            }
            let body = match this.body(url, &mut answer)? {
                Ok(body) => body,
                Err(reason) => {
                    let of = this.attempts_when_cut;
                    return Ok(HttpAttempt::Again { reason, after: None, of, status: None, cut: true });
                }
            };
            let status = answer.status().as_u16();
            if status != 200 {
                let diagnostics = diagnostics(&body);
                if status == 500 {
                    let reason = if diagnostics.is_empty() { "the origin answers 500".into() } else { diagnostics };
                    return Ok(again_after_500(reason));
                }
                return Err(Error::Status { url: shown(url), status, diagnostics });
            }
            match read(&body) {
                Ok(content) => Ok(HttpAttempt::Done(HttpPage {
                    url: url.to_owned(),
                    content: Some(content),
                    date_ms,
                    etag,
                    headers: answer.headers().clone(),
                })),
                Err(reason) => Ok(again(reason)),
            }
        })
    }

    /// Asks for the bytes of a file from `from` on, and hands what comes to `take`, with the place at which it stands in the file.
    /// Ends when the body ends, whole or cut; the caller knows how long the file should be. `validator` is the strong ETag of the bytes that
    /// the caller has. The answer is the ETag of the file, and whether the body ended properly.
    ///
    /// # Errors
    /// When the origin cannot be reached or refuses, after all attempts, or `take` fails.
    pub(crate) fn get_file(
        &mut self,
        url: &str,
        encoding: Option<&str>,
        from: u64,
        validator: Option<&str>,
        take: &mut dyn FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<(Option<String>, bool)> {
        if !self.origin.holds(url) && !self.files.iter().any(|f| f.holds(url)) {
            let host = absolute(url, "/").unwrap_or_default();
            return Err(refused(url, format!("this file is not at the origin; if that is right, allow files of {host}")));
        }
        self.repeat(url, &mut |this| {
            let range = format!("bytes={from}-");
            // Sizes and digests are those of this encoding: it comes as it is stored, and is not decompressed here.
            let accepted = encoding.filter(|named| matches!(*named, "zstd" | "gzip")).unwrap_or("identity");
            let mut headers = vec![("accept", "*/*"), ("accept-encoding", accepted)];
            if from > 0 {
                headers.push(("range", &range));
                headers.extend(validator.map(|etag| ("if-range", etag)));
            }
            let mut answer = match this.ask(url, &headers, limits::FILE)? {
                Ok(answer) => answer,
                Err(again) => return Ok(again),
            };
            let status = answer.status().as_u16();
            let etag = header(answer.headers(), "etag").filter(|e| !e.starts_with("W/"));
            let mut at = match (status, header(answer.headers(), "content-range")) {
                (200, _) => 0,
                (206, Some(range)) if range.starts_with(&format!("bytes {from}-")) => from,
                (206, _) => return Err(refused(url, "a part of the file that was not asked for")),
                // Nothing is left of it: the caller compares the size.
                (416, _) => return Ok(HttpAttempt::Done((None, true))),
                (500, _) => {
                    let reason = "the origin answers 500".into();
                    return Ok(again_after_500(reason));
                }
                _ => {
                    let body = this.body(url, &mut answer)?.unwrap_or_default();
                    return Err(Error::Status { url: shown(url), status, diagnostics: diagnostics(&body) });
                }
            };
            let mut reader = answer.body_mut().with_config().limit(u64::MAX).reader();
            let mut buffer = vec![0; 64 << 10];
            loop {
                if this.world.stopped() {
                    return Err(Error::Stopped);
                }
                match reader.read(&mut buffer) {
                    Ok(0) => return Ok(HttpAttempt::Done((etag, true))),
                    Ok(n) => {
                        this.counts.bytes += n as u64;
                        take(at, &buffer[..n])?;
                        at += n as u64;
                    }
                    Err(_) => return Ok(HttpAttempt::Done((etag, false))),
                }
            }
        })
    }

    /// Makes attempts until one is done.
    fn repeat<T>(&mut self, url: &str, attempt: &mut dyn FnMut(&mut Self) -> Result<HttpAttempt<T>>) -> Result<T> {
        let mut number = 1;
        loop {
            self.wait_for_turn()?;
            self.counts.requests += 1;
            self.counts.repeated += u64::from(number > 1);
            let (reason, after, of, status, cut) = match attempt(self)? {
                HttpAttempt::Done(done) => return Ok(done),
                HttpAttempt::Again { reason, after, of, status, cut } => (reason, after, of, status, cut),
            };
            if let Some(after) = after.filter(|after| *after > limits::RETRY_AFTER_MAX) {
                return Err(Error::Later { url: shown(url), seconds: after.as_secs() });
            }
            if number >= of {
                return Err(match status {
                    Some(status) => Error::Status { url: shown(url), status, diagnostics: shown(&reason) },
                    None => Error::Unreachable { url: shown(url), reason: shown(&reason), attempts: number, cut },
                });
            }
            let grown = limits::PAUSE.saturating_mul(1 << (number - 1).min(16)).min(limits::PAUSE_MAX);
            // Half of the pause is chance, so that clients that failed together do not come back together.
            let pause = grown / 2 + random_time(self.world.as_ref(), grown / 2);
            self.world.pause(after.map_or(pause, |after| after + random_time(self.world.as_ref(), limits::PAUSE)));
            number += 1;
        }
    }

    fn wait_for_turn(&mut self) -> Result<()> {
        if self.world.stopped() {
            return Err(Error::Stopped);
        }
        let now = self.world.elapsed();
        if self.next > now {
            self.world.pause(self.next - now);
        }
        self.next = self.world.elapsed().max(self.next) + self.gap;
        if self.world.stopped() { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Sends a request. The inner error is worth another attempt.
    fn ask<T>(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body_time: Duration,
    ) -> Result<std::result::Result<Response<Body>, HttpAttempt<T>>> {
        let mut request = self.agent.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = self.key.as_ref().filter(|_| self.origin.holds(url)) {
            let (name, value) = key.exposed();
            request = request.header(name, value);
        }
        let answer = match request.config().timeout_recv_body(Some(body_time)).build().call() {
            Ok(answer) => answer,
            Err(e @ (ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::Tls(_) | ureq::Error::Rustls(_))) => {
                return Err(refused(url, format!("{e}")));
            }
            // Another attempt would meet the same certificate.
            Err(ureq::Error::Io(e)) if e.kind() == std::io::ErrorKind::InvalidData && e.to_string().contains("certificate") => {
                let advice = "if the origin has a private authority, give its root certificate (--root-certificates)";
                return Err(refused(url, format!("its certificate is not accepted: {e}; {advice}")));
            }
            Err(e) => return Ok(Err(again(e.to_string()))),
        };
        let status = answer.status().as_u16();
        match status {
            300..=303 | 307 | 308 => {
                let to = header(answer.headers(), "location").unwrap_or_default();
                let to = shown(&to);
                Err(refused(
                    url,
                    format!("the origin redirects to {to:?}, which was not followed; give the address where it answers"),
                ))
            }
            401 | 403 => Err(Error::Status {
                url: shown(url),
                status,
                diagnostics: if self.key.is_some() { "it does not accept the key" } else { "it asks for a key" }.into(),
            }),
            408 | 425 | 429 | 502 | 503 | 504 => {
                let after = header(answer.headers(), "retry-after").and_then(|t| self.retry_after(&t));
                Ok(Err(HttpAttempt::Again {
                    reason: format!("the origin answers {status}"),
                    after,
                    of: limits::ATTEMPTS,
                    status: Some(status),
                    cut: false,
                }))
            }
            _ => Ok(Ok(answer)),
        }
    }

    /// Seconds, or a date of HTTP (RFC 9110).
    fn retry_after(&self, text: &str) -> Option<Duration> {
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(text).ok()?.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
        let now = Duration::from_millis(u64::try_from(self.world.now_ms()).unwrap_or(0));
        Some(date.saturating_sub(now))
    }

    /// The body of an answer, decompressed. The inner error is worth another attempt.
    fn body(&mut self, url: &str, answer: &mut Response<Body>) -> Result<std::result::Result<Vec<u8>, String>> {
        let encoding = header(answer.headers(), "content-encoding").unwrap_or_default();
        let mut raw = Vec::new();
        let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
        let read = reader.take(limits::BODY_BYTES + 1).read_to_end(&mut raw);
        self.counts.bytes += raw.len() as u64;
        if let Err(e) = read {
            return Ok(Err(format!("the answer is cut after {} bytes ({e})", raw.len())));
        }
        let too_long = || refused(url, format!("an answer of more than {} bytes", limits::BODY_BYTES));
        if raw.len() as u64 > limits::BODY_BYTES {
            return Err(too_long());
        }
        match encoding.to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Ok(raw)),
            "gzip" | "x-gzip" => {
                let mut body = Vec::new();
                let mut decoder = flate2::read::MultiGzDecoder::new(raw.as_slice()).take(limits::BODY_BYTES + 1);
                if let Err(e) = decoder.read_to_end(&mut body) {
                    return Ok(Err(format!("its gzip is damaged ({e})")));
                }
                if body.len() as u64 > limits::BODY_BYTES { Err(too_long()) } else { Ok(Ok(body)) }
            }
            other => Err(refused(url, format!("an answer compressed as {:?}, which was not asked for", shown(other)))),
        }
    }
}

fn again<T>(reason: String) -> HttpAttempt<T> {
    HttpAttempt::Again { reason, after: None, of: limits::ATTEMPTS, status: None, cut: false }
}

/// A fault of the origin is asked about less often than a bad line.
fn again_after_500<T>(reason: String) -> HttpAttempt<T> {
    HttpAttempt::Again { reason, after: None, of: limits::ATTEMPTS_500, status: Some(500), cut: false }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|v| v.trim().to_owned())
}

/// The text of the first issue of an OperationOutcome; empty for anything else.
fn diagnostics(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Outcome {
        #[serde(default)]
        issue: Vec<OutcomeIssue>,
    }
    #[derive(serde::Deserialize)]
    struct OutcomeIssue {
        diagnostics: Option<String>,
    }
    let outcome: Option<Outcome> = serde_json::from_slice(body).ok();
    let text = outcome.and_then(|o| o.issue.into_iter().find_map(|i| i.diagnostics));
    shown(&text.unwrap_or_default())
}

/// The certificates of a PEM file.
fn certificates(pem: &[u8]) -> Result<Vec<ureq::tls::Certificate<'static>>> {
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(e) => return Err(Error::Request(format!("the file of root certificates is no PEM file: {e}"))),
        }
    }
    if found.is_empty() {
        return Err(Error::Request("the file of root certificates holds none (-----BEGIN CERTIFICATE-----)".into()));
    }
    Ok(found)
}
