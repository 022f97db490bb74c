//! Calls that a phone signs with its key.

use crate::error::PhoneRefusal;
use crate::limits;
use annuaire_jose::{PublicKey, SignatureAlgorithm, TokenRule, open_token};
use serde_json::{Map, Value};

/// Type of the proof with which a phone binds its key to an activation.
pub(crate) const BIND: &str = "ecps-bind+jwt";
/// Type of the call with the six digits.
pub(crate) const CODE: &str = "ecps-code+jwt";
/// Type of the call with the PIN.
pub(crate) const PIN: &str = "ecps-pin+jwt";
/// Type of the call that asks for waiting requests.
pub(crate) const LIST: &str = "ecps-list+jwt";
/// Type of the proof of a decision.
pub(crate) const DECISION: &str = "ecps-decision+jwt";
/// Type of the call by which a phone revokes itself.
pub(crate) const REVOKE: &str = "ecps-revoke+jwt";

/// Type of the calls that begin and finish the making of a passkey.
pub(crate) const PASSKEY: &str = "ecps-passkey+jwt";
/// Type of the call that removes a passkey.
pub(crate) const PASSKEY_REMOVAL: &str = "ecps-passkey-removal+jwt";

/// Type of the call that subscribes to notifications, or ends the subscription.
pub(crate) const PUSH: &str = "ecps-push+jwt";

/// The claims of a call of type `typ` that was signed by `key` just now.
pub(crate) fn signed(token: &str, typ: &str, key: &PublicKey, now_ms: i64) -> Result<Map<String, Value>, PhoneRefusal> {
    let rule = TokenRule { types: &[typ], algorithms: &[SignatureAlgorithm::Es256] };
    let opened = open_token(token, &rule, &|_| vec![key.clone()]).map_err(|_| PhoneRefusal::Proof("signature"))?;
    let iat = opened.claims.get("iat").and_then(Value::as_i64).ok_or(PhoneRefusal::Proof("iat"))?;
    if iat.saturating_mul(1_000).abs_diff(now_ms) > limits::PROOF_LEEWAY_MS.unsigned_abs() {
        return Err(PhoneRefusal::Proof("iat"));
    }
    Ok(opened.claims)
}

/// Refuses claims that do not say exactly this.
pub(crate) fn must_say(claims: &Map<String, Value>, expected: &[(&'static str, &str)]) -> Result<(), PhoneRefusal> {
    let wrong = expected.iter().find(|(name, value)| claims.get(*name).and_then(Value::as_str) != Some(value));
    wrong.map_or(Ok(()), |(name, _)| Err(PhoneRefusal::Proof(name)))
}

/// A text of the claims.
pub(crate) fn claim<'a>(claims: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, PhoneRefusal> {
    claims.get(name).and_then(Value::as_str).ok_or(PhoneRefusal::Proof(name))
}
