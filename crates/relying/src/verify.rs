//! What an ID token and a UserInfo must say (OpenID Connect Core §3.1.3.7, §5.3.2; identity.md §5). Pure functions.

use annuaire_jose::{
    ClaimFault, ClaimRule, OpenedToken, PublicKey, SignatureAlgorithm, TokenRule, access_token_hash, check_claims, equal,
    open_token,
};
use serde_json::{Map, Value};

use crate::fault::TokenFault;
use crate::limits::{ID_TOKEN_AGE_S, LEEWAY_S, LOGOUT_TOKEN_AGE_S, NAME_BYTES};
use crate::told_logout::ToldLogout;

/// Tokens of a login have the type of a JSON Web Token or none; an access token (`at+jwt`) or a logout token never passes.
pub(crate) const LOGIN_TYPES: [&str; 2] = ["JWT", ""];
/// Logout tokens may have a type of their own (OpenID Connect Back-Channel Logout §2.4).
pub(crate) const LOGOUT_TYPES: [&str; 3] = ["logout+jwt", "JWT", ""];
/// The event that makes a token a logout token.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What the tokens of one login must say.
pub(crate) struct LoginRule<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) now_s: i64,
    pub(crate) nonce: &'a str,
    pub(crate) acr: &'a str,
    pub(crate) max_age_s: Option<i64>,
    pub(crate) access_token: &'a str,
}

/// What an ID token told.
pub(crate) struct ToldIdentity {
    pub(crate) subject: String,
    /// The session at the provider (`sid`), if it is told.
    pub(crate) session: Option<String>,
    pub(crate) auth_time_s: Option<i64>,
}

/// Opens a token of one of these types by the keys of the provider.
pub(crate) fn open(
    token: &str,
    types: &[&str],
    algorithms: &[SignatureAlgorithm],
    keys: &[PublicKey],
) -> Result<OpenedToken, TokenFault> {
    let rule = TokenRule { types, algorithms };
    Ok(open_token(token, &rule, &|header| header.candidates(keys))?)
}

fn check_common(claims: &Map<String, Value>, rule: &LoginRule<'_>, max_age_s: Option<i64>) -> Result<(), TokenFault> {
    let claim_rule = ClaimRule {
        issuer: Some(rule.issuer),
        audiences: &[rule.client_id],
        now_s: rule.now_s,
        leeway_s: LEEWAY_S,
        longest_s: None,
        max_age_s,
    };
    check_claims(claims, &claim_rule)?;
    let several = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    match claims.get("azp") {
        None if several => Err(TokenFault::AuthorizedParty),
        Some(azp) if azp.as_str() != Some(rule.client_id) => Err(TokenFault::AuthorizedParty),
        _ => Ok(()),
    }
}

/// Judges the ID token of a login.
pub(crate) fn judge_id_token(opened: &OpenedToken, rule: &LoginRule<'_>) -> Result<ToldIdentity, TokenFault> {
    let claims = &opened.claims;
    check_common(claims, rule, Some(ID_TOKEN_AGE_S))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if !text("nonce").is_some_and(|nonce| equal(nonce, rule.nonce)) {
        return Err(TokenFault::Nonce);
    }
    if text("acr") != Some(rule.acr) {
        return Err(TokenFault::Level);
    }
    let auth_time_s = match (claims.get("auth_time"), rule.max_age_s) {
        (None, None) => None,
        (None, Some(_)) => return Err(TokenFault::LoggedInAt),
        (Some(value), most) => {
            let at = value.as_i64().ok_or(TokenFault::LoggedInAt)?;
            let age = rule.now_s.saturating_sub(at);
            if age < -LEEWAY_S || most.is_some_and(|most| age > most.saturating_add(LEEWAY_S)) {
                return Err(TokenFault::LoggedInAt);
            }
            Some(at)
        }
    };
    if let Some(hash) = claims.get("at_hash") {
        let expected = access_token_hash(rule.access_token, opened.header.alg);
        if !hash.as_str().is_some_and(|hash| equal(hash, &expected)) {
            return Err(TokenFault::AccessToken);
        }
    }
    let subject = text("sub").filter(|sub| !sub.is_empty() && sub.len() <= NAME_BYTES).ok_or(TokenFault::Subject)?;
    let session = text("sid").filter(|sid| !sid.is_empty() && sid.len() <= NAME_BYTES).map(str::to_owned);
    Ok(ToldIdentity { subject: subject.to_owned(), session, auth_time_s })
}

/// Judges a signed UserInfo. It has `exp`, and no `nonce`: an ID token does not pass for one.
pub(crate) fn judge_user_info(opened: &OpenedToken, rule: &LoginRule<'_>, subject: &str) -> Result<(), TokenFault> {
    check_common(&opened.claims, rule, None)?;
    if opened.claims.contains_key("nonce") {
        return Err(TokenFault::Claim(ClaimFault::Shape("nonce")));
    }
    judge_subject(&opened.claims, subject)
}

/// UserInfo is about the person of the ID token (OpenID Connect Core §5.3.2).
pub(crate) fn judge_subject(claims: &Map<String, Value>, subject: &str) -> Result<(), TokenFault> {
    if claims.get("sub").and_then(Value::as_str) == Some(subject) { Ok(()) } else { Err(TokenFault::Subject) }
}

/// What a logout token told.
pub(crate) struct JudgedLogout {
    /// Its own identifier (`jti`).
    pub(crate) id: String,
    pub(crate) of: ToldLogout,
}

/// Judges a logout token (OpenID Connect Back-Channel Logout §2.6). It has no `nonce`: an ID token never passes for one.
pub(crate) fn judge_logout(opened: &OpenedToken, issuer: &str, client_id: &str, now_s: i64) -> Result<JudgedLogout, TokenFault> {
    let claims = &opened.claims;
    let rule = ClaimRule {
        issuer: Some(issuer),
        audiences: &[client_id],
        now_s,
        leeway_s: LEEWAY_S,
        longest_s: None,
        max_age_s: Some(LOGOUT_TOKEN_AGE_S),
    };
    check_claims(claims, &rule)?;
    if !claims.get("events").and_then(|events| events.get(LOGOUT_EVENT)).is_some_and(Value::is_object) {
        return Err(TokenFault::Event);
    }
    if claims.contains_key("nonce") {
        return Err(TokenFault::Claim(ClaimFault::Shape("nonce")));
    }
    let named = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= NAME_BYTES => Ok(Some(text.clone())),
        Some(_) => Err(TokenFault::Claim(ClaimFault::Shape(name))),
    };
    let id = named("jti")?.ok_or(TokenFault::Claim(ClaimFault::Missing("jti")))?;
    let of = ToldLogout { subject: named("sub")?, session: named("sid")? };
    if of.subject.is_none() && of.session.is_none() {
        return Err(TokenFault::Subject);
    }
    Ok(JudgedLogout { id, of })
}
