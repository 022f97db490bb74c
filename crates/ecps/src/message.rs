//! Messages to people: what they say, and who sends them.

use crate::french::typeset;
use crate::means::shown;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// To whom a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A mail address.
    Mail(String),
    /// A mobile number.
    Sms(String),
}

/// A message that leaves. It may hold a code: it has no `Debug` form.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// To whom.
    pub to: Recipient,
    /// Subject, of mails.
    pub subject: String,
    /// Text, in French, without markup.
    pub text: String,
    /// Name of its template, which has no personal data: for logs.
    pub kind: &'static str,
}

/// Sends messages. May be called by several tasks at once.
#[async_trait]
pub trait MessageSender: Send + Sync {
    /// Sends one.
    ///
    /// # Errors
    /// Why it was not accepted, in words without code and recipient. It is tried again later.
    async fn send(&self, message: &OutgoingMessage) -> Result<(), String>;
}

/// What the register knows of a person, for correspondence alone.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownContacts {
    /// Verified mail address that may be used for an activation.
    pub mail: Option<String>,
    /// Verified mobile number, likewise.
    pub mobile: Option<String>,
    /// First name, for the salutation.
    pub name: String,
    /// Birth date, `YYYY-MM-DD`: no PIN may be it.
    pub birth_date: Option<String>,
}

/// Where contacts come from.
#[async_trait]
pub trait ContactBook: Send + Sync {
    /// The contacts of a person; `None` for somebody whom the register does not know, or who may have no means.
    ///
    /// # Errors
    /// Why it cannot be said now.
    async fn contacts(&self, national_id: &str) -> Result<Option<KnownContacts>, String>;
}

/// Who may activate a means now, and who did.
#[async_trait]
pub trait ActivationRight: Send + Sync {
    /// Whether the activation of a person waits: their identity or their contact is to be settled first (`registration.md` §8.1). Means
    /// that are active stay so, unless they are [frozen](Self::is_frozen).
    ///
    /// # Errors
    /// Why it cannot be said now; nothing is activated then.
    async fn is_withheld(&self, national_id: &str) -> Result<bool, String>;

    /// Whether what a person activated before is frozen: after an alert of fraud nothing is approved and nobody logs in with it, until
    /// somebody settled the alert. It may still refuse, and be revoked.
    ///
    /// # Errors
    /// Why it cannot be said now; nothing is approved then.
    async fn is_frozen(&self, national_id: &str) -> Result<bool, String>;

    /// Notes that a person activates a means: every proof is given, and the means is written next. What rests on it (their contact belongs
    /// to them alone from now on) so holds before there is a means. It is told for each means, and again when writing it is tried again.
    ///
    /// # Errors
    /// Why it cannot be noted now; nothing is activated then.
    async fn note_activation(&self, national_id: &str) -> Result<(), String>;
}

/// Is told that a means ended, so that sessions end that it opened.
#[async_trait]
pub trait MeansEnded: Send + Sync {
    /// A means was revoked or locked, or expired: sessions end that rest on it or on its passkey. Or its passkey alone was removed or is in
    /// doubt: `means_id` is then [`passkey_name`](crate::passkey_name) of it, and sessions end that rest on that. It may be told twice.
    async fn means_ended(&self, national_id: &str, means_id: &str);
}

/// By which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    Mail,
    Sms,
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notice {
    /// The link of an activation; the link itself is made when it is sent.
    ActivationLink {
        activation: String,
    },
    /// The six digits of an activation.
    ActivationCode {
        activation: String,
    },
    Activated {
        device: String,
    },
    Suspended {
        device: String,
    },
    Resumed {
        device: String,
    },
    Revoked {
        device: String,
    },
    Locked {
        device: String,
    },
    Expired {
        device: String,
    },
    PasskeyAdded {
        device: String,
    },
    PasskeyRemoved {
        device: String,
    },
    /// The sign count of a passkey went back.
    PasskeyDoubted {
        device: String,
    },
    /// An application was approved for the first time.
    NewClient {
        client: String,
    },
    /// Requests of an asker are refused for a time, because there were too many or they were refused.
    AskerBlocked {
        label: String,
    },
    /// The holder said that they did not ask.
    NotAsked {
        label: String,
    },
}

/// A message that waits to be sent. It holds no code, no address and no number: they are looked up when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageOrder {
    pub national_id: String,
    pub way: Way,
    pub notice: Notice,
}

/// What a notice shows that is not in its order.
pub(crate) struct Filled<'a> {
    pub name: &'a str,
    pub base: &'a str,
    /// Link or digits, of the two notices that have one.
    pub secret: &'a str,
}

impl Notice {
    /// Name of the template.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::ActivationLink { .. } => "ecps-activation-link",
            Self::ActivationCode { .. } => "ecps-activation-code",
            Self::Activated { .. } => "ecps-activated",
            Self::Suspended { .. } => "ecps-suspended",
            Self::Resumed { .. } => "ecps-resumed",
            Self::Revoked { .. } => "ecps-revoked",
            Self::Locked { .. } => "ecps-locked",
            Self::Expired { .. } => "ecps-expired",
            Self::PasskeyAdded { .. } => "ecps-passkey-added",
            Self::PasskeyRemoved { .. } => "ecps-passkey-removed",
            Self::PasskeyDoubted { .. } => "ecps-passkey-doubted",
            Self::NewClient { .. } => "ecps-new-client",
            Self::AskerBlocked { .. } => "ecps-asker-blocked",
            Self::NotAsked { .. } => "ecps-not-asked",
        }
    }

    /// The row of the activation that this notice is about.
    pub(crate) fn activation(&self) -> Option<&str> {
        match self {
            Self::ActivationLink { activation } | Self::ActivationCode { activation } => Some(activation),
            _ => None,
        }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::ActivationLink { .. } => "Activation de votre e-CPS",
            Self::ActivationCode { .. } => "Code d’activation de votre e-CPS",
            Self::Activated { .. } => "Un téléphone a été activé",
            Self::Suspended { .. } => "Un téléphone a été suspendu",
            Self::Resumed { .. } => "Un téléphone est de nouveau utilisable",
            Self::Revoked { .. } => "Un téléphone a été révoqué",
            Self::Locked { .. } => "Un téléphone a été verrouillé",
            Self::Expired { .. } => "Un téléphone n’est plus valable",
            Self::PasskeyAdded { .. } => "Une clé d’accès a été ajoutée",
            Self::PasskeyRemoved { .. } => "Une clé d’accès a été retirée",
            Self::PasskeyDoubted { .. } => "Une clé d’accès a peut-être été copiée",
            Self::NewClient { .. } => "Première connexion à une application",
            Self::AskerBlocked { .. } => "Demandes de connexion bloquées",
            Self::NotAsked { .. } => "Demande de connexion signalée",
        }
    }

    /// What happened, then what to do.
    fn body(&self, filled: &Filled<'_>) -> String {
        let device = |name: &str, what: &str| format!("le téléphone « {} » {what}", shown(name, crate::limits::NAME_CHARS));
        match self {
            Self::ActivationLink { .. } => format!(
                "l’activation d’une e-CPS a été demandée pour vous. Ouvrez ce lien sur un ordinateur, dans les 24 heures :\n\n{}\n\n\
                 Il ne s’ouvre qu’une fois. Si vous n’avez rien demandé, ne l’ouvrez pas : rien ne sera activé.",
                filled.secret
            ),
            Self::ActivationCode { .. } => format!(
                "votre code d’activation e-CPS est {}. Il est valable 10 minutes. Ne le donnez à personne.",
                filled.secret
            ),
            Self::Activated { device: name } => {
                device(name, "peut désormais approuver vos connexions. Si ce n’est pas vous, révoquez-le sans attendre.")
            }
            Self::Suspended { device: name } => device(name, "a été suspendu. Vous pouvez le réactiver dans « Mes appareils »."),
            Self::Resumed { device: name } => {
                device(name, "peut de nouveau approuver vos connexions. Si ce n’est pas vous, révoquez-le sans attendre.")
            }
            Self::Revoked { device: name } => device(name, "a été révoqué et ne peut plus rien approuver."),
            Self::Locked { device: name } => {
                device(name, "a été verrouillé après cinq codes PIN erronés. Activez de nouveau votre e-CPS pour l’utiliser.")
            }
            Self::Expired { device: name } => {
                device(name, "n’est plus valable : sa durée de trois ans est écoulée. Activez de nouveau votre e-CPS.")
            }
            Self::PasskeyAdded { device: name } => device(
                name,
                "a désormais une clé d’accès, qui approuve vos connexions et vous connecte aussi sans ce téléphone. Si ce n’est pas vous, \
                 révoquez ce téléphone sans attendre.",
            ),
            Self::PasskeyRemoved { device: name } => {
                device(name, "n’a plus de clé d’accès. Si ce n’est pas vous qui l’avez retirée, vérifiez vos appareils.")
            }
            Self::PasskeyDoubted { device: name } => device(
                name,
                "a une clé d’accès qui a peut-être été copiée : elle n’est plus acceptée. Retirez-la dans « Mes appareils » et ajoutez-en \
                 une nouvelle.",
            ),
            Self::NewClient { client } => format!(
                "vous venez d’approuver une connexion à « {} » pour la première fois. Si ce n’est pas vous, révoquez vos appareils sans attendre.",
                shown(client, crate::limits::SHOWN_CHARS)
            ),
            Self::AskerBlocked { label } => format!(
                "des demandes de connexion répétées ou refusées sont parvenues en votre nom ({}). Elles sont bloquées pendant 30 minutes ; \
                 vos autres moyens de connexion fonctionnent. Si vous n’avez rien demandé, refusez toute nouvelle demande et vérifiez vos appareils.",
                shown(label, crate::limits::SHOWN_CHARS)
            ),
            Self::NotAsked { label } => format!(
                "vous avez signalé une demande de connexion que vous n’aviez pas faite ({}). Ce demandeur est bloqué pendant 24 heures.",
                shown(label, crate::limits::SHOWN_CHARS)
            ),
        }
    }

    /// The message.
    pub(crate) fn written(&self, to: Recipient, filled: &Filled<'_>) -> OutgoingMessage {
        let body = typeset(&self.body(filled));
        let portal = format!("{}/e-cps/", filled.base);
        let capital = body.chars().next().map(|first| first.to_uppercase().to_string() + &body[first.len_utf8()..]);
        let text = match to {
            Recipient::Sms(_) => format!("{} {portal}", capital.unwrap_or_default()),
            Recipient::Mail(_) if filled.name.is_empty() => {
                format!("Bonjour,\n\n{}\n\nVos appareils et leur usage : {portal}\n", capital.unwrap_or_default())
            }
            Recipient::Mail(_) => {
                let name = shown(filled.name, crate::limits::NAME_CHARS);
                format!("Bonjour {name},\n\n{}\n\nVos appareils et leur usage : {portal}\n", capital.unwrap_or_default())
            }
        };
        OutgoingMessage { to, subject: self.subject().to_owned(), text, kind: self.kind() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sms_says_its_code_in_one_line_and_a_mail_greets() {
        let filled = Filled { name: "Camille", base: "https://id.example", secret: "123456" };
        let sms = Notice::ActivationCode { activation: "a".into() }.written(Recipient::Sms("+33199000011".into()), &filled);
        assert!(sms.text.starts_with("Votre code d’activation e-CPS est 123456.") && !sms.text.contains('\n'), "{}", sms.text);
        let mail = Notice::Revoked { device: "A\r\nBcc: x".into() }.written(Recipient::Mail("c@id.example".into()), &filled);
        assert!(mail.text.starts_with("Bonjour Camille,\n\nLe téléphone «\u{a0}A Bcc: x\u{a0}» a été révoqué"), "{}", mail.text);
    }
}
