//! A phone without a phone: for tests, and for demonstrations whose keys live on the server. It does what the application does, by the
//! service's own calls and nothing else.

use crate::activating::BindCall;
use crate::answering::{DecisionCall, PhoneView, ShownPrompt};
use crate::error::PhoneError;
use crate::limits;
use crate::mailbox::{LocalMailbox, LocalMessage};
use crate::means::PhoneDevice;
use crate::prompt::DecisionOutcome;
use crate::proof;
use crate::rows::{self, Event, StoredRow};
use crate::service::PhoneService;
use annuaire_jose::{PrivateKey, SignatureAlgorithm, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// Why a simulated phone could not do something.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The service refused or failed.
    #[error(transparent)]
    Service(#[from] PhoneError),
    /// A key could not be made or used.
    #[error("the key of the simulated phone: {0}")]
    Key(String),
    /// The message that brings a link or a code did not come: the person has no contacts, or asked too often.
    #[error("no message {0} came for this person")]
    NoMessage(&'static str),
}

/// A simulated phone. It holds a key and a PIN, so that it has no `Debug` form.
pub struct SimulatedPhone {
    key: PrivateKey,
    /// The means of this phone.
    pub means_id: String,
    /// The activation that made it; empty in one that was kept.
    pub activation_id: String,
    /// Its PIN.
    pub pin: String,
}

/// A simulated phone as its row keeps it.
#[derive(Serialize, Deserialize)]
struct KeptPhone {
    key: String,
    means_id: String,
    pin: String,
}

impl SimulatedPhone {
    /// Activates a phone for a person, as that person would do it: by the link of the mail and the code of the SMS, which it reads in the
    /// mailbox. The service must send its messages there.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub async fn activate(
        service: &PhoneService,
        mailbox: &LocalMailbox,
        national_id: &str,
        name: &str,
        pin: &str,
    ) -> Result<Self, SimulationError> {
        let key = PrivateKey::generate(SignatureAlgorithm::Es256).map_err(|error| SimulationError::Key(error.to_string()))?;
        let before = mailbox.messages().await?;
        service.start_activation(national_id).await?;
        let mail = read(service, mailbox, &before, "ecps-activation-link").await?;
        let link =
            mail.split_whitespace().find_map(|word| word.split_once("/e-cps/activation/")).map(|(_, link)| link.to_owned());
        let link = link.ok_or(SimulationError::NoMessage("ecps-activation-link"))?;
        let opened = service.open_link(&link, None).await?;
        let code = service.activation_view(&opened).await?.code.unwrap_or_default();
        let mut phone = Self { key, means_id: String::new(), activation_id: String::new(), pin: pin.to_owned() };
        let call = phone.bind_call(service.now_ms(), &code, name)?;
        let bound = service.bind_phone(&call).await?;
        let sms = read(service, mailbox, &before, "ecps-activation-code").await?;
        let digits = sms.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
        let digits = digits.ok_or(SimulationError::NoMessage("ecps-activation-code"))?;
        let call = phone.signed(proof::CODE, service.now_ms(), json!({"activation_id": bound.activation_id, "otp": digits}))?;
        service.check_code(&bound.activation_id, &call).await?;
        let call = phone.signed(proof::PIN, service.now_ms(), json!({"activation_id": bound.activation_id, "pin": pin}))?;
        phone.means_id = service.choose_pin(&bound.activation_id, &call).await?;
        phone.activation_id = bound.activation_id;
        service.run_messages(service.now_ms()).await?;
        Ok(phone)
    }

    /// A call of this phone, signed.
    ///
    /// # Errors
    /// [`SimulationError::Key`].
    pub fn signed(&self, typ: &str, now_ms: i64, mut claims: Value) -> Result<String, SimulationError> {
        claims["iat"] = (now_ms / 1_000).into();
        sign(&self.key, typ, &claims).map_err(|error| SimulationError::Key(error.to_string()))
    }

    /// The call that binds this phone to the activation of a code.
    ///
    /// # Errors
    /// [`SimulationError::Key`].
    pub fn bind_call(&self, now_ms: i64, code: &str, name: &str) -> Result<BindCall, SimulationError> {
        let device = PhoneDevice { name: name.into(), model: "Simulateur".into(), os: "aucun".into(), app_version: "1".into() };
        let proof = self.signed(proof::BIND, now_ms, json!({"activation_code": code}))?;
        Ok(BindCall { activation_code: code.to_owned(), device_key: self.key.public().jwk(), device, proof })
    }

    /// What waits for this phone.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub async fn look(&self, service: &PhoneService) -> Result<PhoneView, SimulationError> {
        let call = self.signed(proof::LIST, service.now_ms(), json!({"means_id": self.means_id}))?;
        Ok(service.waiting(&self.means_id, &call).await?)
    }

    /// The decision about a request, as this phone sends it.
    ///
    /// # Errors
    /// [`SimulationError::Key`].
    pub fn decision(
        &self,
        now_ms: i64,
        prompt: &ShownPrompt,
        decision: &str,
        number: &str,
    ) -> Result<DecisionCall, SimulationError> {
        let claims = json!({
            "tx": prompt.tx,
            "challenge": prompt.challenge,
            "number": number,
            "decision": decision,
            "client_id": prompt.client_id,
        });
        Ok(DecisionCall {
            means_id: self.means_id.clone(),
            tx: prompt.tx.clone(),
            decision: decision.to_owned(),
            number: number.to_owned(),
            pin: if decision == "approve" { self.pin.clone() } else { String::new() },
            webauthn: None,
            proof: self.signed(proof::DECISION, now_ms, claims)?,
        })
    }

    /// Approves the newest request, with this number.
    ///
    /// # Errors
    /// [`SimulationError`]; without a request [`SimulationError::NoMessage`].
    pub async fn approve(&self, service: &PhoneService, number: &str) -> Result<DecisionOutcome, SimulationError> {
        self.decide(service, "approve", number).await
    }

    /// Decides about the newest request: `approve`, `refuse` or `not_asked`.
    ///
    /// # Errors
    /// As [`approve`](Self::approve).
    pub async fn decide(&self, service: &PhoneService, decision: &str, number: &str) -> Result<DecisionOutcome, SimulationError> {
        let view = self.look(service).await?;
        let prompt = view.prompts.first().ok_or(SimulationError::NoMessage("of a request"))?;
        let call = self.decision(service.now_ms(), prompt, decision, number)?;
        Ok(service.decide(&call).await?)
    }

    /// Keeps this phone in the registry, key and PIN in the open: for demonstrations, whose persons are fictional.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub async fn keep(&self, service: &PhoneService, national_id: &str) -> Result<(), SimulationError> {
        let der = self.key.pkcs8();
        let kept = KeptPhone { key: STANDARD.encode(&der[..]), means_id: self.means_id.clone(), pin: self.pin.clone() };
        let due_ms = service.now_ms().saturating_add(limits::MEANS_MS);
        let mut event = Event::default();
        match rows::load::<KeptPhone>(service.registry(), rows::SIMULATED_PHONE, national_id).await? {
            Some(former) => event.replace(&StoredRow { row: former.row, value: kept }, due_ms)?,
            None => event.create((rows::SIMULATED_PHONE, national_id), national_id, due_ms, &kept)?,
        }
        if service.save(event).await? { Ok(()) } else { Err(PhoneError::Contended.into()) }
    }

    /// The phone that was [kept](Self::keep) for a person.
    ///
    /// # Errors
    /// [`SimulationError`].
    pub async fn kept(service: &PhoneService, national_id: &str) -> Result<Option<Self>, SimulationError> {
        let found: Option<StoredRow<KeptPhone>> = rows::load(service.registry(), rows::SIMULATED_PHONE, national_id).await?;
        let Some(StoredRow { value, .. }) = found else { return Ok(None) };
        let der = STANDARD.decode(&value.key).map_err(|error| SimulationError::Key(error.to_string()))?;
        let key = PrivateKey::from_pkcs8(SignatureAlgorithm::Es256, &der);
        let key = key.map_err(|error| SimulationError::Key(error.to_string()))?;
        Ok(Some(Self { key, means_id: value.means_id, activation_id: String::new(), pin: value.pin }))
    }
}

/// The text of the message of this kind that was not there before. It is sent here, unless another worker has it in hand.
async fn read(
    service: &PhoneService,
    mailbox: &LocalMailbox,
    before: &[LocalMessage],
    kind: &'static str,
) -> Result<String, SimulationError> {
    for _ in 0..limits::TRIES {
        service.run_messages(service.now_ms()).await?;
        let all = mailbox.messages().await?;
        if let Some(new) = all.into_iter().find(|message| message.kind == kind && !before.contains(message)) {
            return Ok(new.text);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(SimulationError::NoMessage(kind))
}
