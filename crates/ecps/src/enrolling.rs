//! A passkey is added to a means, removed, or put in doubt (identity §2.7.2).
//!
//! Who may add one: the phone of an activation, right after its PIN; later the phone with its PIN; or its holder, in a session of a login
//! that is recent. In each case all contacts are told.

use crate::activation::ActivationStep;
use crate::devices::SignedIn;
use crate::error::{PhoneError, PhoneRefusal};
use crate::limits;
use crate::means::{Means, passkey_name};
use crate::message::{Notice, Way};
use crate::passkey::{HolderProof, KeptPasskey, PasskeyFault, ShownPasskey};
use crate::proof;
use crate::rows::{self, Event, StoredRow};
use crate::service::PhoneService;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The making of a passkey that a browser began: any node finishes it.
#[derive(Serialize, Deserialize)]
struct PasskeyStart {
    /// The state of the library.
    state: Value,
    /// Who began: the phone, or a session.
    by: String,
}

/// The phone as one who begins; a session is one by its number.
const PHONE: &str = "phone";

impl PhoneService {
    /// Begins the first passkey of a phone whose PIN was just chosen. `call` is a JWS of type `ecps-passkey+jwt` over `activation_id` and
    /// `iat`. Gives the options of `navigator.credentials.create`.
    ///
    /// # Errors
    /// [`PhoneRefusal::Proof`], [`PhoneRefusal::ActivationOver`], [`PhoneRefusal::HasPasskey`], [`PhoneRefusal::NoPasskeys`]; those of the
    /// registry.
    pub async fn start_first_passkey(&self, activation_id: &str, call: &str) -> Result<Value, PhoneError> {
        let (means_id, _) = self.activated(activation_id, call).await?;
        self.begin(&means_id, PHONE, false).await
    }

    /// Finishes it with what the browser made, a `PublicKeyCredential` in JSON. `call` is a JWS of type `ecps-passkey+jwt` over
    /// `activation_id`, `credential_id` and `iat`.
    ///
    /// # Errors
    /// As [`start_first_passkey`](Self::start_first_passkey), and [`PhoneRefusal::Passkey`].
    pub async fn finish_first_passkey(&self, activation_id: &str, call: &str, made: &Value) -> Result<ShownPasskey, PhoneError> {
        let (means_id, claims) = self.activated(activation_id, call).await?;
        must_name(&claims, made)?;
        self.finish(&means_id, PHONE, made).await
    }

    /// The means that an activation just made, when its phone asks.
    async fn activated(&self, activation_id: &str, call: &str) -> Result<(String, Map<String, Value>), PhoneError> {
        let found = self.activation(activation_id).await?;
        let claims = self.signed_by_phone(&found, call, proof::PASSKEY)?;
        let now_ms = self.now_ms();
        let until_ms = found.value.proven_ms.map_or(0, |at| at.saturating_add(limits::FIRST_PASSKEY_MS));
        match &found.value.means_id {
            Some(means_id) if found.value.step(now_ms) == ActivationStep::Done && now_ms < until_ms => {
                Ok((means_id.clone(), claims))
            }
            _ => Err(PhoneRefusal::ActivationOver.into()),
        }
    }

    /// Begins the passkey of a phone that has none. `call` is a JWS of type `ecps-passkey+jwt` over `means_id`, `pin` and `iat`. Gives the
    /// options of `navigator.credentials.create`.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownMeans`], [`PhoneRefusal::Proof`], [`PhoneRefusal::NotUsable`], [`PhoneRefusal::WrongPin`],
    /// [`PhoneRefusal::PinLocked`], [`PhoneRefusal::HasPasskey`], [`PhoneRefusal::NoPasskeys`]; those of the registry.
    pub async fn start_passkey(&self, means_id: &str, call: &str) -> Result<Value, PhoneError> {
        let now_ms = self.now_ms();
        let (means, claims) = self.signing_means(means_id, call, proof::PASSKEY, now_ms).await?;
        let pin = proof::claim(&claims, "pin")?;
        self.refuse_passkey(&means.value, now_ms)?;
        self.check_pin(means_id, pin).await?;
        self.begin(means_id, PHONE, true).await
    }

    /// Finishes it with what the browser made. `call` is a JWS of type `ecps-passkey+jwt` over `means_id`, `credential_id` and `iat`.
    ///
    /// # Errors
    /// As [`start_passkey`](Self::start_passkey), and [`PhoneRefusal::Passkey`].
    pub async fn finish_passkey(&self, means_id: &str, call: &str, made: &Value) -> Result<ShownPasskey, PhoneError> {
        let (_, claims) = self.signing_means(means_id, call, proof::PASSKEY, self.now_ms()).await?;
        must_name(&claims, made)?;
        self.finish(means_id, PHONE, made).await
    }

    /// Begins the passkey of a phone in the browser of its holder, soon after a login.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownMeans`] for a phone of somebody else too, [`PhoneRefusal::LoginTooOld`], [`PhoneRefusal::NotUsable`],
    /// [`PhoneRefusal::HasPasskey`], [`PhoneRefusal::NoPasskeys`]; those of the registry.
    pub async fn start_passkey_as(&self, who: &SignedIn, means_id: &str) -> Result<Value, PhoneError> {
        self.refuse_holder(who, means_id).await?;
        self.begin(means_id, &who.sid, false).await
    }

    /// Finishes it with what the browser made.
    ///
    /// # Errors
    /// As [`start_passkey_as`](Self::start_passkey_as), and [`PhoneRefusal::Passkey`].
    pub async fn finish_passkey_as(&self, who: &SignedIn, means_id: &str, made: &Value) -> Result<ShownPasskey, PhoneError> {
        self.refuse_holder(who, means_id).await?;
        self.finish(means_id, &who.sid, made).await
    }

    /// Whether a session may add a passkey: its login is recent, and there are passkeys.
    #[must_use]
    pub fn may_add_passkey(&self, who: &SignedIn) -> bool {
        self.has_passkeys() && self.now_ms().saturating_sub(who.login_ms) < limits::RECENT_LOGIN_MS
    }

    async fn refuse_holder(&self, who: &SignedIn, means_id: &str) -> Result<(), PhoneError> {
        let means = self.one_means(means_id).await?;
        if !who.is(&means.value.national_id) {
            return Err(PhoneRefusal::UnknownMeans.into());
        }
        self.passkeys()?;
        if self.may_add_passkey(who) { Ok(()) } else { Err(PhoneRefusal::LoginTooOld.into()) }
    }

    /// Refuses a passkey for a means that cannot get one.
    fn refuse_passkey(&self, means: &Means, now_ms: i64) -> Result<(), PhoneRefusal> {
        self.passkeys()?;
        Self::refuse_unusable(means, now_ms)?;
        if means.passkey.is_some() { Err(PhoneRefusal::HasPasskey) } else { Ok(()) }
    }

    async fn begin(&self, means_id: &str, by: &str, pin_was_right: bool) -> Result<Value, PhoneError> {
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let mut means = self.one_means(means_id).await?;
            self.refuse_passkey(&means.value, now_ms)?;
            let challenge = self.secrets.random();
            let names = (means.value.national_id.as_str(), means.value.device.name.as_str());
            let begun = self.passkeys()?.begin(means_id, names, &challenge);
            let (options, state) = begun.map_err(PhoneRefusal::from)?;
            let start = PasskeyStart { state, by: by.to_owned() };
            let due_ms = now_ms.saturating_add(limits::PASSKEY_CEREMONY_MS);
            let mut event = Event::default();
            match rows::load::<PasskeyStart>(self.registry(), rows::PASSKEY_START, means_id).await? {
                Some(former) => event.replace(&StoredRow { row: former.row, value: start }, due_ms)?,
                None => event.create((rows::PASSKEY_START, means_id), &means.value.national_id, due_ms, &start)?,
            }
            if pin_was_right && let Some(pin) = &mut means.value.pin {
                pin.failures = 0;
                event.replace(&means, means.value.due_ms())?;
            }
            let object = format!("means/{means_id}");
            event.audit(&means.value.national_id, "ecps-passkey-begun", &object, &json!({"by_session": by != PHONE}));
            if self.save(event).await? {
                return Ok(options);
            }
        }
        Err(PhoneError::Contended)
    }

    async fn finish(&self, means_id: &str, by: &str, made: &Value) -> Result<ShownPasskey, PhoneError> {
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let mut means = self.one_means(means_id).await?;
            self.refuse_passkey(&means.value, now_ms)?;
            let start: Option<StoredRow<PasskeyStart>> = rows::load(self.registry(), rows::PASSKEY_START, means_id).await?;
            let is_theirs =
                |start: &StoredRow<PasskeyStart>| start.value.by == by && start.row.due_ms.is_some_and(|due| now_ms < due);
            let start = start.filter(is_theirs).ok_or(PhoneRefusal::Passkey("start"))?;
            let kept = self.passkeys()?.finish(&start.value.state, made, now_ms).map_err(PhoneRefusal::from)?;
            let told = kept.shown();
            means.value.passkey = Some(kept);
            let mut event = Event::default();
            event.remove(&start.row);
            event.replace(&means, means.value.due_ms())?;
            let detail = json!({"credential_id": told.credential_id, "synced": told.is_synced, "by_session": by != PHONE});
            event.audit(&means.value.national_id, "ecps-passkey-added", &format!("means/{means_id}"), &detail);
            let notice = Notice::PasskeyAdded { device: means.value.device.name.clone() };
            self.tell(&mut event, &means.value.national_id, &notice, &[Way::Mail, Way::Sms], now_ms);
            if self.save(event).await? {
                return Ok(told);
            }
        }
        Err(PhoneError::Contended)
    }

    /// Removes the passkey of a means; `false` when somebody wrote it meanwhile. Sessions end that rest on the passkey.
    pub(crate) async fn passkey_removed(
        &self,
        mut means: StoredRow<Means>,
        actor: &str,
        now_ms: i64,
    ) -> Result<bool, PhoneError> {
        let former = means.value.passkey.take().ok_or(PhoneRefusal::Passkey("none"))?;
        let mut event = Event::default();
        event.replace(&means, means.value.due_ms())?;
        let Means { means_id, national_id, device, .. } = &means.value;
        let detail = json!({"national_id": national_id, "credential_id": former.credential_id()});
        event.audit(actor, "ecps-passkey-removed", &format!("means/{means_id}"), &detail);
        self.tell(
            &mut event,
            national_id,
            &Notice::PasskeyRemoved { device: device.name.clone() },
            &[Way::Mail, Way::Sms],
            now_ms,
        );
        Self::order_end(&mut event, national_id, &passkey_name(means_id), now_ms);
        let saved = self.save(event).await?;
        if saved {
            self.tell_passkey_ended(&means.value).await;
        }
        Ok(saved)
    }

    /// Takes an assertion of the passkey of a means, whose sign count it notes.
    pub(crate) fn use_passkey(
        &self,
        means: &mut Means,
        assertion: &Value,
        challenge: &[u8; 32],
    ) -> Result<HolderProof, PhoneRefusal> {
        let kept = means.passkey.as_ref().ok_or(PhoneRefusal::Passkey("none"))?;
        let next = self.passkeys()?.check(&means.means_id, kept, assertion, challenge)?;
        if next.doubted_ms.is_some() {
            return Err(PasskeyFault::Copied.into());
        }
        let proof = next.proof();
        means.passkey = Some(next);
        Ok(proof)
    }

    /// Puts the passkey of a means in doubt, because its sign count went back: it proves nothing any more, its sessions end, and its holder is
    /// told, once. Gives the refusal of who presented it.
    pub(crate) async fn doubt_passkey(&self, means_id: &str) -> Result<PhoneRefusal, PhoneError> {
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let mut means = self.one_means(means_id).await?;
            let Some(passkey @ KeptPasskey { doubted_ms: None, .. }) = &mut means.value.passkey else {
                return Ok(PhoneRefusal::PasskeyDoubted);
            };
            passkey.doubted_ms = Some(now_ms);
            let credential_id = passkey.credential_id();
            let mut event = Event::default();
            event.replace(&means, means.value.due_ms())?;
            let Means { national_id, device, .. } = &means.value;
            let detail = json!({"national_id": national_id, "credential_id": credential_id});
            event.audit(national_id, "ecps-passkey-doubted", &format!("means/{means_id}"), &detail);
            let notice = Notice::PasskeyDoubted { device: device.name.clone() };
            self.tell(&mut event, national_id, &notice, &[Way::Mail, Way::Sms], now_ms);
            Self::order_end(&mut event, national_id, &passkey_name(means_id), now_ms);
            if self.save(event).await? {
                self.tell_passkey_ended(&means.value).await;
                return Ok(PhoneRefusal::PasskeyDoubted);
            }
        }
        Err(PhoneError::Contended)
    }
}

/// Refuses a call that was signed for another credential.
fn must_name(claims: &Map<String, Value>, made: &Value) -> Result<(), PhoneRefusal> {
    proof::must_say(claims, &[("credential_id", made["id"].as_str().unwrap_or_default())])
}
