//! Signed tokens: JWS in its compact form with claims (RFC 7515, RFC 7519, RFC 8725).

use crate::algorithm::SignatureAlgorithm;
use crate::encoding::{base64url, from_base64url, strict_json};
use crate::error::{JoseError, shown};
use crate::limits::{CANDIDATES, SIGNED, TOKEN};
use crate::private::PrivateKey;
use crate::public::PublicKey;
use serde_json::{Map, Value, json};

/// Signs claims. The header says algorithm, `typ` (left out when empty) and `kid`; claims keep their order.
///
/// # Errors
///
/// [`JoseError::NotObject`] for claims that are no object, [`JoseError::Made`] for more than [`limits::SIGNED`](crate::limits::SIGNED) bytes, and
/// [`JoseError::Library`]. A token that is read here again must be shorter, see [`limits::TOKEN`](crate::limits::TOKEN).
pub fn sign(key: &PrivateKey, typ: &str, claims: &Value) -> Result<String, JoseError> {
    if !claims.is_object() {
        return Err(JoseError::NotObject("claims"));
    }
    let header = match typ {
        "" => json!({ "alg": key.algorithm().name(), "kid": key.kid() }),
        typ => json!({ "alg": key.algorithm().name(), "typ": typ, "kid": key.kid() }),
    };
    let mut token = base64url(header.to_string());
    token.push('.');
    token.push_str(&base64url(claims.to_string()));
    let signature = key.sign_bytes(token.as_bytes())?;
    token.push('.');
    token.push_str(&base64url(signature));
    if token.len() > SIGNED { Err(JoseError::Made(token.len())) } else { Ok(token) }
}

/// Which tokens are read.
#[derive(Debug, Clone, Copy)]
pub struct TokenRule<'a> {
    /// Accepted types, as the header parameter `typ` names them: compared without regard to case, with or without `application/` (RFC 7515 §4.1.9).
    /// An empty text accepts a token without type. A type keeps an access token from passing for an ID token (RFC 8725 §3.11).
    pub types: &'a [&'a str],
    /// Accepted algorithms.
    pub algorithms: &'a [SignatureAlgorithm],
}

/// The header of a token: what it claims before its signature is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenHeader {
    /// The algorithm, which the rule accepts.
    pub alg: SignatureAlgorithm,
    /// The type as it is written.
    pub typ: Option<String>,
    /// The name of the key.
    pub kid: Option<String>,
    /// A key that the sender shows. It proves nothing but that the sender has it: only a proof of possession uses it.
    pub jwk: Option<Value>,
}

impl TokenHeader {
    /// Those of `keys` that may have signed the token: the one that `kid` names; without `kid` the only one for the algorithm, and none when there
    /// are several (OpenID Connect Core §10.1).
    #[must_use]
    pub fn candidates(&self, keys: &[PublicKey]) -> Vec<PublicKey> {
        let mut found = keys.iter().filter(|key| match &self.kid {
            Some(kid) => key.kid() == kid,
            None => key.is_for(self.alg),
        });
        match (found.next(), found.next()) {
            (Some(only), None) => vec![only.clone()],
            _ => Vec::new(),
        }
    }
}

/// A token whose signature is right. Its claims are not judged yet: see [`check_claims`](crate::check_claims).
#[derive(Debug, Clone, PartialEq)]
pub struct OpenedToken {
    /// The header.
    pub header: TokenHeader,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Reads a token and checks its signature. `find` tells the keys that may have signed it: of whom they are is all that the signature proves.
///
/// Refused are: algorithms that the rule leaves out, `none` and those with a shared secret among them; a key that is for another algorithm;
/// extensions (`crit`); members named twice, in header and claims; other forms than three parts, and encrypted tokens; padding; claims that are no
/// object; more bytes than [`limits::TOKEN`](crate::limits::TOKEN). Header parameters that lead to a key elsewhere (`jku`, `x5u`, `x5c`) are not
/// followed.
///
/// The cost is that of one check of a signature for each key that `find` gives: 30 µs with RSA, 50 to 70 µs with the others.
///
/// # Errors
///
/// [`JoseError`] says which of these it is.
pub fn open_token(
    token: &str,
    rule: &TokenRule<'_>,
    find: &dyn Fn(&TokenHeader) -> Vec<PublicKey>,
) -> Result<OpenedToken, JoseError> {
    if token.len() > TOKEN {
        return Err(JoseError::Long(token.len()));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { return Err(JoseError::Parts(parts.len())) };
    let signed = &token[..header.len() + 1 + claims.len()];
    let header = read_header(&part(header, "header")?, rule)?;
    let signature = from_base64url(signature).ok_or(JoseError::Base64("signature"))?;
    let keys = find(&header);
    if keys.is_empty() {
        return Err(JoseError::UnknownKey);
    }
    if keys.len() > CANDIDATES {
        return Err(JoseError::Candidates(keys.len()));
    }
    if !keys.iter().any(|key| key.is_for(header.alg)) {
        return Err(JoseError::KeyMismatch(header.alg.name()));
    }
    if !keys.iter().any(|key| key.verifies(header.alg, signed.as_bytes(), &signature)) {
        return Err(JoseError::Signature);
    }
    Ok(OpenedToken { header, claims: part(claims, "claims")? })
}

/// A part that is a JSON object.
fn part(text: &str, name: &'static str) -> Result<Map<String, Value>, JoseError> {
    let bytes = from_base64url(text).ok_or(JoseError::Base64(name))?;
    match strict_json(&bytes).map_err(|why| JoseError::Json { part: name, why })? {
        Value::Object(members) => Ok(members),
        _ => Err(JoseError::NotObject(name)),
    }
}

fn read_header(members: &Map<String, Value>, rule: &TokenRule<'_>) -> Result<TokenHeader, JoseError> {
    let text = |name: &'static str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(s)) => Ok(Some(s.as_str())),
        Some(_) => Err(JoseError::Header(name)),
    };
    if members.contains_key("crit") {
        return Err(JoseError::Critical);
    }
    let name = text("alg")?.ok_or(JoseError::Header("alg"))?;
    let alg = SignatureAlgorithm::of_name(name).ok_or_else(|| JoseError::Algorithm(shown(name)))?;
    if !rule.algorithms.contains(&alg) {
        return Err(JoseError::NotAllowed(alg.name()));
    }
    let typ = text("typ")?;
    let accepted = match typ {
        None => rule.types.contains(&""),
        Some(given) if bare_type(given).is_empty() => false,
        Some(given) => rule.types.iter().any(|t| bare_type(t).eq_ignore_ascii_case(bare_type(given))),
    };
    if !accepted {
        return Err(JoseError::Type(typ.map_or_else(|| "missing".to_owned(), shown)));
    }
    let jwk = members.get("jwk").cloned();
    Ok(TokenHeader { alg, typ: typ.map(str::to_owned), kid: text("kid")?.map(str::to_owned), jwk })
}

/// A media type without `application/`.
fn bare_type(typ: &str) -> &str {
    match typ.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => typ,
    }
}
