//! A phone is activated: link, code, key, digits, PIN.

use crate::activation::{Activation, ActivationFault, ActivationStep};
use crate::error::{PhoneError, PhoneRefusal};
use crate::limits;
use crate::means::{ActivationMode, Means, MeansState, PhoneDevice};
use crate::message::{Notice, Way};
use crate::pin::check_pin;
use crate::proof;
use crate::rows::{self, Event, StoredRow};
use crate::secrets::{key_of, key_of_parts, shown_code, typed_code};
use crate::service::{PhoneService, is_national_id, is_row_name};
use annuaire_base::text::hex;
use annuaire_jose::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the page of an activation shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationView {
    /// Where it is.
    pub step: ActivationStep,
    /// How the person proves who they are.
    pub mode: ActivationMode,
    /// The code that the phone reads, in groups, while it waits for a phone.
    pub code: Option<String>,
    /// Milliseconds until the next code is shown.
    pub renewed_in_ms: i64,
    /// Name of the phone that read it.
    pub device: String,
    /// Wrong digits so far.
    pub wrong_codes: u32,
}

/// A page of an activation that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedActivation {
    /// Its number.
    pub activation_id: String,
    /// The cookie that binds the page to this browser.
    pub cookie: String,
}

/// A phone asks to be bound to an activation.
#[derive(Debug, Clone, Deserialize)]
pub struct BindCall {
    /// The code of the QR.
    pub activation_code: String,
    /// Public key of the phone, as a JWK.
    pub device_key: Value,
    /// What the phone says of itself.
    #[serde(default)]
    pub device: PhoneDevice,
    /// JWS of type `ecps-bind+jwt` by that key over `activation_code` and `iat`.
    pub proof: String,
}

/// What a phone that was bound does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundAnswer {
    /// Number of the activation, in the calls that follow.
    pub activation_id: String,
    /// Six digits to show, which the page of a card session asks for; `None` when an SMS brings them to the phone.
    pub pc_code: Option<String>,
}

/// A QR code that may be read, as its row keeps it.
#[derive(Serialize, Deserialize)]
struct PhoneLink {
    activation: String,
    number: i64,
}

impl From<ActivationFault> for PhoneRefusal {
    fn from(fault: ActivationFault) -> Self {
        match fault {
            ActivationFault::Used => Self::LinkUsed,
            ActivationFault::Over => Self::ActivationOver,
            ActivationFault::WrongCode { left } => Self::WrongCode(left),
        }
    }
}

impl PhoneService {
    fn new_activation(&self, national_id: &str, mode: ActivationMode, now_ms: i64) -> (String, Activation) {
        let activation = Activation {
            national_id: national_id.to_owned(),
            mode,
            seed: hex(&self.secrets.random::<32>()),
            asked_ms: now_ms,
            opened: None,
            phone: None,
            wrong_codes: 0,
            proven_ms: None,
            means_id: None,
        };
        (hex(&self.secrets.random::<16>()), activation)
    }

    pub(crate) async fn activation(&self, activation_id: &str) -> Result<StoredRow<Activation>, PhoneError> {
        let found = match is_row_name(activation_id) {
            true => rows::load(self.registry(), rows::ACTIVATION, activation_id).await?,
            false => None,
        };
        found.ok_or_else(|| PhoneRefusal::UnknownLink.into())
    }

    /// Asks for an activation by contact data. The answer and the work are the same for everybody: whether there is somebody to write to is
    /// looked up when the message is sent.
    ///
    /// # Errors
    /// [`PhoneRefusal::NationalId`]; those of the registry.
    pub async fn start_activation(&self, national_id: &str) -> Result<String, PhoneError> {
        if !is_national_id(national_id) {
            return Err(PhoneRefusal::NationalId.into());
        }
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let mut found = self.find_pair(key_of_parts(&["activation", national_id]), "activation").await?;
            let (id, activation) = self.new_activation(national_id, ActivationMode::ContactData, now_ms);
            found.pair.asked.retain(|asked| asked.at_ms > now_ms.saturating_sub(limits::LINK_WINDOW_MS));
            let mut event = Event::default();
            let sends = found.pair.asked.len() < limits::LINKS;
            if sends {
                found.pair.asked.push(crate::pair::Asked { at_ms: now_ms, by: String::new(), prompt: String::new() });
                self.tell(&mut event, national_id, &Notice::ActivationLink { activation: id.clone() }, &[Way::Mail], now_ms);
            }
            event.create((rows::ACTIVATION, &id), national_id, activation.due_ms(), &activation)?;
            event.audit("stranger", "ecps-activation-asked", &format!("person/{national_id}"), &json!({"sends": sends}));
            self.write_pair(&mut event, national_id, found, now_ms)?;
            if self.save(event).await? {
                return Ok(id);
            }
        }
        Err(PhoneError::Contended)
    }

    /// Starts an activation by card, for the person of a session that was opened by one.
    ///
    /// # Errors
    /// [`PhoneRefusal::Withheld`]; those of the registry and of the rights.
    pub async fn start_with_card(&self, national_id: &str) -> Result<OpenedActivation, PhoneError> {
        self.refuse_withheld(national_id).await?;
        let now_ms = self.now_ms();
        let (activation_id, mut activation) = self.new_activation(national_id, ActivationMode::Card, now_ms);
        let cookie = self.secrets.handle();
        activation.open(&key_of(&cookie), now_ms).map_err(PhoneRefusal::from)?;
        let mut event = Event::default();
        event.create((rows::ACTIVATION, &activation_id), national_id, activation.due_ms(), &activation)?;
        event.audit(national_id, "ecps-activation-by-card", &format!("person/{national_id}"), &json!({}));
        if self.save(event).await? { Ok(OpenedActivation { activation_id, cookie }) } else { Err(PhoneError::Contended) }
    }

    /// Ends the activations of a person that are not finished: a contact in the register was changed (`registration.md` §10.5).
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn cancel_activations(&self, national_id: &str, actor: &str) -> Result<(), PhoneError> {
        for row in self.rows_of(rows::ACTIVATION, national_id).await? {
            let found = StoredRow::<Activation>::read(row)?;
            if found.value.means_id.is_some() {
                continue;
            }
            let mut event = Event::default();
            event.remove(&found.row);
            event.audit(actor, "ecps-activation-cancelled", &format!("person/{national_id}"), &json!({}));
            // A step that somebody makes at this very instant shows by the row that it leaves: it is looked at again.
            if !self.save(event).await?
                && let Some(row) = self.registry().identity_row(rows::ACTIVATION, &found.row.key).await?
            {
                let mut event = Event::default();
                event.remove(&row);
                if !self.save(event).await? {
                    return Err(PhoneError::Contended);
                }
            }
        }
        Ok(())
    }

    /// The part of a link that its mail carries.
    pub(crate) fn link_of(&self, activation_id: &str, seed: &str) -> String {
        format!("{activation_id}.{}", self.secrets.derived_handle("link", &[activation_id, seed]))
    }

    /// The six digits of an activation.
    pub(crate) fn digits_of(&self, seed: &str, mode: ActivationMode) -> String {
        let purpose = match mode {
            ActivationMode::Card => "screen",
            ActivationMode::ContactData => "sms",
        };
        self.secrets.derived_digits(purpose, &[seed])
    }

    fn code_of(&self, seed: &str, number: i64) -> String {
        self.secrets.derived_code("qr", &[seed, &number.to_string()])
    }

    /// Opens the link of a mail: it then belongs to this browser. With the cookie of the first time it opens again.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownLink`], [`PhoneRefusal::LinkUsed`], [`PhoneRefusal::ActivationOver`]; those of the registry.
    pub async fn open_link(&self, link: &str, cookie: Option<&str>) -> Result<OpenedActivation, PhoneError> {
        let (activation_id, _) = link.split_once('.').ok_or(PhoneRefusal::UnknownLink)?;
        for _ in 0..limits::TRIES {
            let mut found = self.activation(activation_id).await?;
            let right = self.link_of(activation_id, &found.value.seed);
            if !annuaire_jose::equal(&right, link) || found.value.mode != ActivationMode::ContactData {
                return Err(PhoneRefusal::UnknownLink.into());
            }
            // Never the cookie of before for another activation: somebody else may have set it.
            if let Some(cookie) = cookie.filter(|cookie| found.value.is_open_in(&key_of(cookie))) {
                return Ok(OpenedActivation { activation_id: activation_id.to_owned(), cookie: cookie.to_owned() });
            }
            let opened = OpenedActivation { activation_id: activation_id.to_owned(), cookie: self.secrets.handle() };
            found.value.open(&key_of(&opened.cookie), self.now_ms()).map_err(PhoneRefusal::from)?;
            let mut event = Event::default();
            event.replace(&found, found.value.due_ms())?;
            event.audit("stranger", "ecps-link-opened", &format!("person/{}", found.value.national_id), &json!({}));
            if self.save(event).await? {
                return Ok(opened);
            }
        }
        Err(PhoneError::Contended)
    }

    /// What the page shows. While it waits for a phone, its code is made readable: one row each ninety seconds.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownLink`] to a browser that did not open it; those of the registry.
    pub async fn activation_view(&self, opened: &OpenedActivation) -> Result<ActivationView, PhoneError> {
        let found = self.activation(&opened.activation_id).await?;
        if !found.value.is_open_in(&key_of(&opened.cookie)) {
            return Err(PhoneRefusal::UnknownLink.into());
        }
        let now_ms = self.now_ms();
        let mut view = ActivationView {
            step: found.value.step(now_ms),
            mode: found.value.mode,
            code: None,
            renewed_in_ms: 0,
            device: found.value.phone.as_ref().map(|phone| phone.device.name.clone()).unwrap_or_default(),
            wrong_codes: found.value.wrong_codes,
        };
        if let Some((number, until_ms)) = found.value.shown_code(now_ms) {
            let code = self.code_of(&found.value.seed, number);
            let key = key_of(&code);
            if self.registry().identity_row(rows::PHONE_LINK, &key).await?.is_none() {
                let mut event = Event::default();
                let link = PhoneLink { activation: opened.activation_id.clone(), number };
                let due_ms = until_ms.saturating_add(limits::QR_GRACE_MS);
                event.create((rows::PHONE_LINK, &key), &found.value.national_id, due_ms, &link)?;
                // Another view of this page may have written it meanwhile: it is then there all the same.
                self.save(event).await?;
            }
            view.code = Some(shown_code(&code));
            view.renewed_in_ms = until_ms.saturating_sub(now_ms);
        }
        Ok(view)
    }

    /// Binds the key of a phone to the activation whose code it read; the code is used up.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownCode`], [`PhoneRefusal::Proof`], [`PhoneRefusal::TooManyDevices`], [`PhoneRefusal::ActivationOver`]; those of
    /// the registry.
    pub async fn bind_phone(&self, call: &BindCall) -> Result<BoundAnswer, PhoneError> {
        let code = typed_code(&call.activation_code);
        let key = PublicKey::from_jwk(&call.device_key).map_err(|_| PhoneRefusal::Proof("device_key"))?;
        let claims = proof::signed(&call.proof, proof::BIND, &key, self.now_ms())?;
        proof::must_say(&claims, &[("activation_code", &call.activation_code)])?;
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let link: Option<StoredRow<PhoneLink>> = rows::load(self.registry(), rows::PHONE_LINK, &key_of(&code)).await?;
            let link = link.ok_or(PhoneRefusal::UnknownCode)?;
            let mut found = self.activation(&link.value.activation).await?;
            if !found.value.accepts_code(link.value.number, now_ms) {
                return Err(PhoneRefusal::UnknownCode.into());
            }
            self.refuse_more_devices(&found.value.national_id, now_ms).await?;
            found.value.bind(key.jwk(), call.device.cleaned(), now_ms).map_err(PhoneRefusal::from)?;
            let Activation { national_id, mode, seed, .. } = &found.value;
            let mut event = Event::default();
            event.replace(&found, found.value.due_ms())?;
            event.remove(&link.row);
            event.audit(national_id, "ecps-phone-bound", &format!("person/{national_id}"), &json!({"key": key.thumbprint()}));
            let activation_id = found.row.key.clone();
            let pc_code = (*mode == ActivationMode::Card).then(|| self.digits_of(seed, *mode));
            if pc_code.is_none() {
                let notice = Notice::ActivationCode { activation: activation_id.clone() };
                self.tell(&mut event, national_id, &notice, &[Way::Sms], now_ms);
            }
            if self.save(event).await? {
                return Ok(BoundAnswer { activation_id, pc_code });
            }
        }
        Err(PhoneError::Contended)
    }

    /// Refuses somebody whose activation waits.
    async fn refuse_withheld(&self, national_id: &str) -> Result<(), PhoneError> {
        if self.is_withheld(national_id).await? { Err(PhoneRefusal::Withheld.into()) } else { Ok(()) }
    }

    async fn refuse_more_devices(&self, national_id: &str, now_ms: i64) -> Result<(), PhoneError> {
        let all = self.means_of(national_id, &[]).await?;
        let used = all.iter().filter(|means| means.value.state_at(now_ms).is_in_use()).count();
        if used >= limits::DEVICES { Err(PhoneRefusal::TooManyDevices.into()) } else { Ok(()) }
    }

    /// Looks at the six digits: those of the SMS when the phone sends them, those of the phone when the page of the card does.
    async fn prove(&self, mut found: StoredRow<Activation>, digits: &str) -> Result<bool, PhoneError> {
        let Activation { national_id, mode, seed, .. } = found.value.clone();
        let right = annuaire_jose::equal(self.digits_of(&seed, mode), digits.trim());
        let outcome = found.value.prove(right, self.now_ms());
        if outcome == Err(ActivationFault::Over) {
            return Err(PhoneRefusal::ActivationOver.into());
        }
        let mut event = Event::default();
        event.replace(&found, found.value.due_ms())?;
        let code = if right { "ecps-code-right" } else { "ecps-code-wrong" };
        event.audit(&national_id, code, &format!("person/{national_id}"), &json!({}));
        if !self.save(event).await? {
            return Ok(false);
        }
        outcome.map(|()| true).map_err(|fault| PhoneRefusal::from(fault).into())
    }

    /// The six digits of the SMS, as the phone sends them: `call` is a JWS of type `ecps-code+jwt` over `activation_id`, `otp` and `iat`.
    ///
    /// # Errors
    /// [`PhoneRefusal::Proof`], [`PhoneRefusal::WrongCode`], [`PhoneRefusal::ActivationOver`]; those of the registry.
    pub async fn check_code(&self, activation_id: &str, call: &str) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let found = self.activation(activation_id).await?;
            let claims = self.signed_by_phone(&found, call, proof::CODE)?;
            if found.value.mode != ActivationMode::ContactData {
                return Err(PhoneRefusal::ActivationOver.into());
            }
            if self.prove(found, proof::claim(&claims, "otp")?).await? {
                return Ok(());
            }
        }
        Err(PhoneError::Contended)
    }

    /// The six digits that the phone shows, as the page of a card session sends them.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownLink`] to another browser, [`PhoneRefusal::WrongCode`], [`PhoneRefusal::ActivationOver`]; those of the registry.
    pub async fn check_screen_code(&self, opened: &OpenedActivation, digits: &str) -> Result<(), PhoneError> {
        for _ in 0..limits::TRIES {
            let found = self.activation(&opened.activation_id).await?;
            if found.value.mode != ActivationMode::Card || !found.value.is_open_in(&key_of(&opened.cookie)) {
                return Err(PhoneRefusal::UnknownLink.into());
            }
            if self.prove(found, digits).await? {
                return Ok(());
            }
        }
        Err(PhoneError::Contended)
    }

    pub(crate) fn signed_by_phone(
        &self,
        found: &StoredRow<Activation>,
        call: &str,
        typ: &str,
    ) -> Result<serde_json::Map<String, Value>, PhoneRefusal> {
        let phone = found.value.phone.as_ref().ok_or(PhoneRefusal::ActivationOver)?;
        let key = PublicKey::from_jwk(&phone.key).map_err(|_| PhoneRefusal::Proof("device_key"))?;
        let claims = proof::signed(call, typ, &key, self.now_ms())?;
        proof::must_say(&claims, &[("activation_id", &found.row.key)])?;
        Ok(claims)
    }

    /// Whether the digits were right: a phone that shows them asks until they are. `call` is a JWS of type `ecps-list+jwt` over
    /// `activation_id` and `iat`.
    ///
    /// # Errors
    /// [`PhoneRefusal::Proof`]; those of the registry.
    pub async fn activation_step(&self, activation_id: &str, call: &str) -> Result<ActivationStep, PhoneError> {
        let found = self.activation(activation_id).await?;
        self.signed_by_phone(&found, call, proof::LIST)?;
        Ok(found.value.step(self.now_ms()))
    }

    /// The PIN, which makes the means: `call` is a JWS of type `ecps-pin+jwt` over `activation_id`, `pin` and `iat`. Gives the number of the
    /// means.
    ///
    /// # Errors
    /// [`PhoneRefusal::Proof`], [`PhoneRefusal::Pin`], [`PhoneRefusal::Withheld`], [`PhoneRefusal::TooManyDevices`],
    /// [`PhoneRefusal::ActivationOver`]; those of the registry, of the contacts and of the rights.
    pub async fn choose_pin(&self, activation_id: &str, call: &str) -> Result<String, PhoneError> {
        let found = self.activation(activation_id).await?;
        let claims = self.signed_by_phone(&found, call, proof::PIN)?;
        let pin = proof::claim(&claims, "pin")?.to_owned();
        if found.value.step(self.now_ms()) != ActivationStep::Proven {
            return Err(PhoneRefusal::ActivationOver.into());
        }
        let contacts = self.settings.contacts.contacts(&found.value.national_id).await.map_err(PhoneError::Contacts)?;
        // By card too, who left the register gets no means.
        let contacts = contacts.ok_or(PhoneRefusal::ActivationOver)?;
        check_pin(&pin, contacts.birth_date.as_deref()).map_err(PhoneRefusal::Pin)?;
        let kept = self.keep_pin(pin).await?;
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let mut found = self.activation(activation_id).await?;
            self.refuse_withheld(&found.value.national_id).await?;
            self.refuse_more_devices(&found.value.national_id, now_ms).await?;
            let means_id = hex(&self.secrets.random::<16>());
            found.value.finish(&means_id, now_ms).map_err(PhoneRefusal::from)?;
            let Some(phone) = found.value.phone.clone() else { return Err(PhoneRefusal::ActivationOver.into()) };
            let mut means = Means {
                means_id: means_id.clone(),
                national_id: found.value.national_id.clone(),
                state: MeansState::Pending,
                mode: found.value.mode,
                device: phone.device,
                device_key: phone.key,
                passkey: None,
                pin: Some(kept.clone()),
                push: None,
                created_ms: now_ms,
                expires_ms: now_ms.saturating_add(limits::MEANS_MS),
                last_used_ms: None,
                ended_ms: None,
            };
            means.become_state(MeansState::Active, now_ms);
            let mut event = Event::default();
            event.replace(&found, found.value.due_ms())?;
            event.create((rows::MEANS, &means_id), &means.national_id, means.due_ms(), &means)?;
            let detail = json!({"national_id": means.national_id, "mode": means.mode});
            event.audit(&means.national_id, "ecps-activated", &format!("means/{means_id}"), &detail);
            let notice = Notice::Activated { device: means.device.name.clone() };
            self.tell(&mut event, &means.national_id, &notice, &[Way::Mail, Way::Sms], now_ms);
            self.settings.rights.note_activation(&means.national_id).await.map_err(PhoneError::Rights)?;
            if self.save(event).await? {
                return Ok(means_id);
            }
        }
        Err(PhoneError::Contended)
    }
}
