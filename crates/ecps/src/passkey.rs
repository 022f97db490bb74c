//! Passkeys: the WebAuthn credential of a means, and what one proves (identity §2.7). `webauthn-rs` verifies; this file chooses challenges and
//! keeps what was verified.

use crate::limits;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;
use webauthn_rs::prelude::{
    Credential, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
    Webauthn, WebauthnBuilder, WebauthnError,
};

/// By what a holder proves on the phone that it is them, beside the key of the phone. The operator may leave out either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApprovalMethods {
    /// The PIN, or a passkey where there is one.
    #[default]
    PinOrPasskey,
    /// The PIN alone: no passkey is made or taken, on login pages neither.
    PinOnly,
    /// A passkey alone. The PIN is still chosen, and asked for when a passkey is added.
    PasskeyOnly,
}

impl ApprovalMethods {
    /// Whether a PIN approves.
    #[must_use]
    pub const fn takes_pin(self) -> bool {
        matches!(self, Self::PinOrPasskey | Self::PinOnly)
    }

    /// Whether a passkey approves.
    #[must_use]
    pub const fn takes_passkey(self) -> bool {
        matches!(self, Self::PinOrPasskey | Self::PasskeyOnly)
    }
}

/// How a holder proved that it is them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HolderProof {
    /// A PIN. Rows of before passkeys say nothing else.
    #[default]
    Pin,
    /// A passkey that cannot leave its authenticator.
    BoundPasskey,
    /// A passkey that may be copied between the devices of an account.
    SyncedPasskey,
}

impl HolderProof {
    /// The methods of RFC 8176 (identity §2.7).
    pub(crate) fn amr(self) -> Vec<&'static str> {
        match self {
            Self::Pin => vec!["swk", "pin", "mfa"],
            Self::BoundPasskey => vec!["hwk", "user", "mfa"],
            Self::SyncedPasskey => vec!["swk", "user", "mfa"],
        }
    }
}

/// A passkey as the row of its means keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptPasskey {
    /// Id, public key, sign count, whether it may be backed up: in the form that its library keeps readable.
    pub credential: Passkey,
    pub added_ms: i64,
    /// Hash of the signature of its last assertion: presented again, it is a replay and no sign of a copy.
    #[serde(default)]
    pub last_sha256: String,
    /// When its sign count went back: it may have been copied, and proves nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted_ms: Option<i64>,
}

impl PartialEq for KeptPasskey {
    fn eq(&self, other: &Self) -> bool {
        serde_json::to_value(self).ok() == serde_json::to_value(other).ok()
    }
}

/// A passkey as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownPasskey {
    /// Its id, base64url: browsers find it by it.
    pub credential_id: String,
    /// Whether it may be copied between the devices of an account (backup-eligible).
    pub is_synced: bool,
    /// When it was added, milliseconds since 1970 UTC.
    pub added_ms: i64,
    /// Whether its sign count went back: it must be replaced.
    pub is_doubted: bool,
}

impl KeptPasskey {
    fn inner(&self) -> Credential {
        self.credential.clone().into()
    }

    pub(crate) fn credential_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.credential.cred_id())
    }

    pub(crate) fn shown(&self) -> ShownPasskey {
        ShownPasskey {
            credential_id: self.credential_id(),
            is_synced: self.inner().backup_eligible,
            added_ms: self.added_ms,
            is_doubted: self.doubted_ms.is_some(),
        }
    }

    pub(crate) fn proof(&self) -> HolderProof {
        if self.inner().backup_eligible { HolderProof::SyncedPasskey } else { HolderProof::BoundPasskey }
    }
}

/// Why an assertion or a new credential proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasskeyFault {
    /// It is not right: the part that is wrong.
    Wrong(&'static str),
    /// It is right, but its sign count went back: there may be two of it.
    Copied,
}

/// What a browser needs for the proof of a login without a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRequest {
    /// The host for which passkeys are.
    pub rp_id: String,
    /// The challenge, base64url.
    pub challenge: String,
}

/// The relying party of passkeys: one host.
pub(crate) struct PasskeyParty {
    webauthn: Webauthn,
    pub rp_id: String,
}

/// The bytes of the number of a means: the user handle of its passkey.
pub(crate) fn user_handle(means_id: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(means_id, 16).ok().filter(|_| means_id.len() == 32).map(u128::to_be_bytes)
}

/// The challenge of the assertion that approves a request: SHA-256 of what is decided (identity §2.7.3), a line each. The application makes
/// it alike, so that the assertion covers what was shown.
pub(crate) fn approval_challenge(tx: &str, challenge: &str, number: &str, client_id: &str) -> [u8; 32] {
    Sha256::digest(["ecps-approval", tx, challenge, number, client_id].join("\n")).into()
}

/// The state of a ceremony, with a challenge of ours in the place of the one that the library drew. What a state serialises to is its only
/// form, and the challenge is a member of it: a test fails should a new version of the library name it otherwise.
fn with_challenge(mut state: Value, part: &str, challenge: &[u8; 32]) -> Option<Value> {
    let slot = state.get_mut(part)?.get_mut("challenge").filter(|slot| slot.is_string())?;
    *slot = URL_SAFE_NO_PAD.encode(challenge).into();
    Some(state)
}

impl PasskeyParty {
    /// The relying party of a public address; `None` where browsers have no passkeys: without TLS but on this machine, or when the host is
    /// no name.
    pub(crate) fn of(public_base: &str) -> Option<Self> {
        let address = Url::parse(public_base).ok()?;
        let rp_id = address.domain()?.to_owned();
        if address.scheme() != "https" && rp_id != "localhost" {
            return None;
        }
        let origin = Url::parse(&address.origin().ascii_serialization()).ok()?;
        let time = Duration::from_millis(limits::PASSKEY_CEREMONY_MS.unsigned_abs());
        let webauthn = WebauthnBuilder::new(&rp_id, &origin).ok()?.rp_name("e-CPS").timeout(time).build().ok()?;
        Some(Self { webauthn, rp_id })
    }

    /// Begins the making of a passkey: options for the browser, and the state that [`finish`](Self::finish) needs.
    pub(crate) fn begin(
        &self,
        means_id: &str,
        (account, device): (&str, &str),
        challenge: &[u8; 32],
    ) -> Result<(Value, Value), PasskeyFault> {
        let wrong = |_| PasskeyFault::Wrong("start");
        let user = Uuid::from_bytes(user_handle(means_id).ok_or(PasskeyFault::Wrong("means"))?);
        let started = self.webauthn.start_passkey_registration(user, &format!("e-CPS {account}"), device, None);
        let (mut options, state) = started.map_err(|_| PasskeyFault::Wrong("start"))?;
        options.public_key.challenge = challenge.to_vec();
        let mut options = serde_json::to_value(&options).map_err(wrong)?;
        // A login page finds the person by the passkey alone: it must be discoverable, which the library leaves to the authenticator.
        options["publicKey"]["authenticatorSelection"]["residentKey"] = "required".into();
        options["publicKey"]["authenticatorSelection"]["requireResidentKey"] = true.into();
        let state = serde_json::to_value(&state).map_err(wrong)?;
        Ok((options, with_challenge(state, "rs", challenge).ok_or(PasskeyFault::Wrong("state"))?))
    }

    /// The passkey that a browser made.
    pub(crate) fn finish(&self, state: &Value, made: &Value, now_ms: i64) -> Result<KeptPasskey, PasskeyFault> {
        let state = PasskeyRegistration::deserialize(state).map_err(|_| PasskeyFault::Wrong("state"))?;
        let made = RegisterPublicKeyCredential::deserialize(made).map_err(|_| PasskeyFault::Wrong("credential"))?;
        let credential = self.webauthn.finish_passkey_registration(&made, &state).map_err(|error| fault(&error))?;
        Ok(KeptPasskey { credential, added_ms: now_ms, last_sha256: String::new(), doubted_ms: None })
    }

    /// Checks an assertion over a challenge of ours, and gives the passkey with its new sign count. Cost: one signature.
    pub(crate) fn check(
        &self,
        means_id: &str,
        kept: &KeptPasskey,
        assertion: &Value,
        challenge: &[u8; 32],
    ) -> Result<KeptPasskey, PasskeyFault> {
        let assertion = PublicKeyCredential::deserialize(assertion).map_err(|_| PasskeyFault::Wrong("assertion"))?;
        let sha256 = annuaire_base::text::hex(&Sha256::digest(&assertion.response.signature));
        if sha256 == kept.last_sha256 {
            return Err(PasskeyFault::Wrong("replay"));
        }
        // An authenticator that names the user must name the one of this means.
        let handle = user_handle(means_id).ok_or(PasskeyFault::Wrong("means"))?;
        if assertion.get_user_unique_id().is_some_and(|given| given != handle) {
            return Err(PasskeyFault::Wrong("userHandle"));
        }
        let wrong = |_| PasskeyFault::Wrong("state");
        let started = self.webauthn.start_passkey_authentication(std::slice::from_ref(&kept.credential));
        let (_, state) = started.map_err(|_| PasskeyFault::Wrong("start"))?;
        let state = with_challenge(serde_json::to_value(&state).map_err(wrong)?, "ast", challenge);
        let state: PasskeyAuthentication =
            serde_json::from_value(state.ok_or(PasskeyFault::Wrong("state"))?).map_err(|_| PasskeyFault::Wrong("state"))?;
        let said = self.webauthn.finish_passkey_authentication(&assertion, &state).map_err(|error| fault(&error))?;
        let mut next = KeptPasskey { last_sha256: sha256, ..kept.clone() };
        next.credential.update_credential(&said);
        Ok(next)
    }

    /// What a browser needs for a login without a phone.
    pub(crate) fn request(&self, challenge: &[u8; 32]) -> PasskeyRequest {
        PasskeyRequest { rp_id: self.rp_id.clone(), challenge: URL_SAFE_NO_PAD.encode(challenge) }
    }
}

fn fault(error: &WebauthnError) -> PasskeyFault {
    PasskeyFault::Wrong(match error {
        WebauthnError::CredentialPossibleCompromise => return PasskeyFault::Copied,
        WebauthnError::MismatchedChallenge => "challenge",
        WebauthnError::InvalidRPOrigin => "origin",
        WebauthnError::InvalidRPIDHash => "rp_id",
        WebauthnError::UserNotVerified | WebauthnError::UserNotPresent => "user",
        WebauthnError::CredentialNotFound => "credential",
        _ => "signature",
    })
}

/// The user handle of an assertion, as the number of a means.
pub(crate) fn means_of_assertion(assertion: &Value) -> Option<String> {
    let handle = assertion["response"]["userHandle"].as_str()?;
    let handle: [u8; 16] = URL_SAFE_NO_PAD.decode(handle).ok()?.try_into().ok()?;
    Some(annuaire_base::text::hex(&handle))
}
