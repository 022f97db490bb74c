//! SMS by an HTTP gateway: `POST` of a small JSON object, as most gateways take, or a relay in front of one.

use crate::limits;
use crate::message::{MessageSender, OutgoingMessage, Recipient};
use async_trait::async_trait;
use serde_json::json;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::TlsConfig;

/// The gateway of the operator. It holds a token, so that it has no `Debug` form.
#[derive(Clone)]
pub struct SmsSettings {
    /// Address that takes `{"to": "+33…", "text": "…", "from": "…"}` and answers 2xx.
    pub address: String,
    /// Sent as `Authorization: Bearer …`, where the gateway asks for it.
    pub token: Option<String>,
    /// Name of the sender that people see.
    pub from: String,
}

/// Sends SMS by an HTTP gateway.
pub struct SmsGateway {
    agent: Agent,
    settings: SmsSettings,
}

impl SmsGateway {
    /// A gateway with these settings. It does not connect yet.
    ///
    /// # Errors
    /// When the address is neither `https:` nor on this machine: codes would travel in the open.
    pub fn new(settings: SmsSettings) -> Result<Self, String> {
        let near = ["http://127.0.0.1:", "http://127.0.0.1/", "http://localhost:", "http://localhost/", "http://[::1]"];
        if !settings.address.starts_with("https://") && !near.iter().any(|start| settings.address.starts_with(start)) {
            return Err("the address of the SMS gateway must begin with https://, unless it is on this machine".into());
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build())
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(limits::SEND_SECONDS)))
            .user_agent(concat!("annuaire/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: Agent::new_with_config(config), settings })
    }
}

#[async_trait]
impl MessageSender for SmsGateway {
    async fn send(&self, message: &OutgoingMessage) -> Result<(), String> {
        let Recipient::Sms(number) = &message.to else { return Err("an SMS gateway sends no mails".into()) };
        let body = json!({"to": number, "text": message.text, "from": self.settings.from}).to_string();
        let mut request = self.agent.post(&self.settings.address).header("content-type", "application/json");
        if let Some(token) = &self.settings.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let sent = tokio::task::spawn_blocking(move || {
            let mut answer = request.send(body.as_bytes())?;
            let mut rest = Vec::new();
            _ = answer.body_mut().as_reader().take(limits::BODY as u64).read_to_end(&mut rest);
            Ok::<u16, ureq::Error>(answer.status().as_u16())
        });
        match sent.await {
            Ok(Ok(200..=299)) => Ok(()),
            Ok(Ok(status)) => Err(format!("the SMS gateway answers {status}")),
            Ok(Err(ureq::Error::Timeout(_))) => Err("the SMS gateway did not answer in time".into()),
            Ok(Err(_)) => Err("the SMS gateway cannot be reached".into()),
            Err(_) => Err("the SMS was given up".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;
    use std::sync::mpsc;

    fn gateway(answer: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/sms", listener.local_addr().unwrap());
        let (send, sent) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut all = Vec::new();
            let mut buffer = [0; 4_096];
            while !all.ends_with(b"}") {
                match stream.read(&mut buffer) {
                    Ok(n) if n > 0 => all.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            let _ = stream.write_all(answer.as_bytes());
            let _ = send.send(String::from_utf8_lossy(&all).into_owned());
        });
        (address, sent)
    }

    fn sms(address: String) -> SmsGateway {
        SmsGateway::new(SmsSettings { address, token: Some("t".into()), from: "e-CPS".into() }).unwrap()
    }

    fn message() -> OutgoingMessage {
        OutgoingMessage {
            to: Recipient::Sms("+33199000011".into()),
            subject: String::new(),
            text: "code 123456".into(),
            kind: "test",
        }
    }

    #[tokio::test]
    async fn an_sms_is_posted_as_json() {
        let (address, sent) = gateway("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(sms(address).send(&message()).await, Ok(()));
        let got = sent.recv().unwrap();
        assert!(got.starts_with("POST /sms HTTP/1.1") && got.to_lowercase().contains("authorization: bearer t"), "{got}");
        assert!(got.ends_with(r#"{"to":"+33199000011","text":"code 123456","from":"e-CPS"}"#), "{got}");
    }

    #[tokio::test]
    async fn a_refusal_shows_neither_number_nor_code() {
        let (address, _sent) = gateway("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(sms(address).send(&message()).await, Err("the SMS gateway answers 500".into()));
        assert!(
            SmsGateway::new(SmsSettings { address: "http://sms.example/".into(), token: None, from: String::new() }).is_err()
        );
    }
}
