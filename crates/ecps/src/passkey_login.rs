//! A person proves by a passkey who they are, without the phone (identity §2.7: `authMode` `WEBAUTHN`).

use crate::answering::PhoneUse;
use crate::error::{PhoneError, PhoneRefusal};
use crate::limits;
use crate::means::{Means, passkey_name, shown};
use crate::passkey::means_of_assertion;
use crate::prompt::{Approval, DecisionOutcome};
use crate::rows::{self, Event, StoredRow};
use crate::service::PhoneService;
use annuaire_base::text::hex;
use serde_json::{Value, json};

/// What a login page was given.
#[derive(Debug, Clone)]
pub struct PasskeyLogin<'a> {
    /// The challenge of [`passkey_request`](PhoneService::passkey_request): of this login, and of no other one.
    pub challenge: &'a [u8; 32],
    /// What `navigator.credentials.get` gave: a `PublicKeyCredential` in JSON.
    pub assertion: &'a Value,
    /// Application for which the person signs in.
    pub client_id: &'a str,
    /// Its name, as people read it.
    pub client_name: &'a str,
    /// From where: the browser, as people read it.
    pub origin: &'a str,
}

impl PhoneService {
    /// The person whom an assertion proves. Its means must be active; whether the person may log in is decided by the caller. An assertion is
    /// taken once. Cost: one signature, a few rows.
    ///
    /// # Errors
    /// [`PhoneRefusal::Passkey`], for an unknown passkey and an assertion that was taken too; [`PhoneRefusal::PasskeyDoubted`], [`PhoneRefusal::NotUsable`], [`PhoneRefusal::NoPasskeys`],
    /// [`PhoneRefusal::Frozen`]; those of the registry and of the rights.
    pub async fn log_in_with_passkey(&self, login: &PasskeyLogin<'_>) -> Result<Approval, PhoneError> {
        self.passkeys()?;
        let means_id = means_of_assertion(login.assertion).ok_or(PhoneRefusal::Passkey("userHandle"))?;
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let found: Option<StoredRow<Means>> = rows::load(self.registry(), rows::MEANS, &means_id).await?;
            let mut means = found.ok_or(PhoneRefusal::Passkey("credential"))?;
            let proof = match self.use_passkey(&mut means.value, login.assertion, login.challenge) {
                Ok(proof) => proof,
                Err(PhoneRefusal::PasskeyDoubted) => return Err(self.doubt_passkey(&means_id).await?.into()),
                Err(refusal) => return Err(refusal.into()),
            };
            Self::refuse_unusable(&means.value, now_ms)?;
            self.refuse_frozen(&means.value.national_id).await?;
            means.value.last_used_ms = Some(now_ms);
            let mut event = Event::default();
            event.replace(&means, means.value.due_ms())?;
            let national_id = means.value.national_id.clone();
            let detail = json!({"means_id": means_id, "client_id": login.client_id});
            event.audit(&national_id, "ecps-passkey-login", &format!("person/{national_id}"), &detail);
            self.greet_client(&mut event, &national_id, (login.client_id, login.client_name), now_ms).await?;
            let used = PhoneUse {
                at_ms: now_ms,
                client_name: shown(login.client_name, limits::SHOWN_CHARS),
                origin: shown(login.origin, limits::SHOWN_CHARS),
                device: format!("{}, clé d’accès", means.value.device.name),
                outcome: DecisionOutcome::Approved,
            };
            Self::write_use(&mut event, &means.value, &used, &hex(&self.secrets.random::<8>()))?;
            if self.save(event).await? {
                return Ok(Approval { national_id, means_id: passkey_name(&means_id), amr: proof.amr(), auth_ms: now_ms });
            }
        }
        Err(PhoneError::Contended)
    }
}
