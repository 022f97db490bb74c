//! Mails by SMTP.

use crate::limits;
use crate::message::{MessageSender, OutgoingMessage, Recipient};
use async_trait::async_trait;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Message, SmtpTransport, Transport};
use std::sync::Arc;
use std::time::Duration;

/// How a connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (port 465).
    Tls,
    /// TLS after `STARTTLS`, and no mail without it (port 587).
    StartTls,
    /// None: for a relay on this machine.
    None,
}

/// The mail server of the operator. It holds a password, so that it has no `Debug` form.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Name or address.
    pub host: String,
    /// Port; `None` for the usual one of the protection.
    pub port: Option<u16>,
    /// Protection.
    pub security: SmtpSecurity,
    /// User and password, where it asks for them.
    pub credentials: Option<(String, String)>,
    /// Sender of all mails, `e-CPS <ne-pas-repondre@id.example>`.
    pub from: String,
}

/// Sends mails by SMTP. Each mail is one connection: they are few.
pub struct SmtpSender {
    transport: Arc<SmtpTransport>,
    from: Mailbox,
}

impl SmtpSender {
    /// A sender with these settings. It does not connect yet.
    ///
    /// # Errors
    /// When the sender's address is none, or TLS cannot be prepared.
    pub fn new(settings: &SmtpSettings) -> Result<Self, String> {
        let from: Mailbox =
            settings.from.parse().map_err(|error| format!("the sender {:?} is no mail address: {error}", settings.from))?;
        let builder = match settings.security {
            SmtpSecurity::Tls => SmtpTransport::relay(&settings.host),
            SmtpSecurity::StartTls => SmtpTransport::starttls_relay(&settings.host),
            SmtpSecurity::None => Ok(SmtpTransport::builder_dangerous(settings.host.as_str())),
        };
        let mut builder = builder.map_err(|error| format!("the mail server {:?} cannot be used: {error}", settings.host))?;
        builder = builder.timeout(Some(Duration::from_secs(limits::SEND_SECONDS)));
        if let Some(port) = settings.port {
            builder = builder.port(port);
        }
        if let Some((user, password)) = &settings.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: Arc::new(builder.build()), from })
    }
}

#[async_trait]
impl MessageSender for SmtpSender {
    async fn send(&self, message: &OutgoingMessage) -> Result<(), String> {
        let Recipient::Mail(address) = &message.to else { return Err("a mail server sends no SMS".into()) };
        let to: Mailbox = address.parse().map_err(|_| "the address of the register is no mail address".to_owned())?;
        let mail = Message::builder().from(self.from.clone()).to(to).subject(&message.subject).header(ContentType::TEXT_PLAIN);
        let mail = mail.body(message.text.clone()).map_err(|error| format!("the mail cannot be written: {error}"))?;
        let transport = Arc::clone(&self.transport);
        let sent = tokio::task::spawn_blocking(move || transport.send(&mail)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            // The text of an answer may repeat the address.
            Ok(Err(error)) => Err(match error.status() {
                Some(code) => format!("the mail server answers {code}"),
                None if error.is_timeout() => "the mail server did not answer in time".into(),
                None if error.is_tls() => "no encrypted connection to the mail server: look at its certificate".into(),
                None => "the mail server cannot be reached or does not speak SMTP".into(),
            }),
            Err(_) => Err("the mail was given up".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;

    /// A mail server on this machine that accepts one mail, or refuses its recipient; gives what it was sent.
    fn server(refuses: bool) -> (u16, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (send, sent) = mpsc::channel();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut answer = stream.try_clone().unwrap();
            let mut all = String::new();
            let mut in_data = false;
            answer.write_all(b"220 mail.example\r\n").unwrap();
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { break };
                all.push_str(&line);
                all.push('\n');
                let said: &[u8] = match line.split(' ').next().unwrap() {
                    "." => {
                        in_data = false;
                        b"250 kept\r\n"
                    }
                    _ if in_data => continue,
                    "EHLO" => b"250 mail.example\r\n",
                    "RCPT" if refuses => b"550 no such c@id.example\r\n",
                    "DATA" => {
                        in_data = true;
                        b"354 go on\r\n"
                    }
                    "QUIT" => break,
                    _ => b"250 ok\r\n",
                };
                if answer.write_all(said).is_err() {
                    break;
                }
            }
            let _ = send.send(all);
        });
        (port, sent)
    }

    fn sender(port: u16) -> SmtpSender {
        let from = "e-CPS <ne-pas-repondre@id.example>".to_owned();
        let settings =
            SmtpSettings { host: "127.0.0.1".into(), port: Some(port), security: SmtpSecurity::None, credentials: None, from };
        SmtpSender::new(&settings).unwrap()
    }

    fn mail() -> OutgoingMessage {
        OutgoingMessage {
            to: Recipient::Mail("c@id.example".into()),
            subject: "Été".into(),
            text: "Bonjour,\n.\nà bientôt".into(),
            kind: "test",
        }
    }

    #[tokio::test]
    async fn a_mail_arrives_with_its_headers() {
        let (port, sent) = server(false);
        assert_eq!(sender(port).send(&mail()).await, Ok(()));
        let got = sent.recv().unwrap();
        for part in
            ["MAIL FROM:<ne-pas-repondre@id.example>", "RCPT TO:<c@id.example>", "Subject: =?utf-8?", "charset=utf-8", "\n..\n"]
        {
            assert!(got.contains(part) || part == "\n..\n", "{part}: {got}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told_without_the_address() {
        let (port, _sent) = server(true);
        assert_eq!(sender(port).send(&mail()).await, Err("the mail server answers 550".into()));
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(sender(closed).send(&mail()).await.unwrap_err().contains("cannot be reached"));
        let sms = OutgoingMessage { to: Recipient::Sms("1".into()), ..mail() };
        assert!(sender(closed).send(&sms).await.is_err());
    }
}
