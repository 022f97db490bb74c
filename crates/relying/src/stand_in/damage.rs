//! How the stand-in answers wrongly when a test asks for it: a relying party must refuse each.

use annuaire_jose::{JoseError, PrivateKey, SignatureAlgorithm, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Which tokens a damage is of, as tests write it: `id-token.…`, `userinfo.…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DamagedToken {
    Identity,
    UserInfo,
}

impl DamagedToken {
    /// The kind of damage that `asked` names for this token.
    pub(crate) fn kind(self, asked: &str) -> &str {
        let prefix = match self {
            Self::Identity => "id-token.",
            Self::UserInfo => "userinfo.",
        };
        asked.strip_prefix(prefix).unwrap_or_default()
    }
}

/// Signs claims as the damage says.
pub(crate) fn damaged(kind: &str, key: &PrivateKey, mut claims: Value, secret_sha256: &str) -> Result<String, JoseError> {
    let number = |claims: &Value, name: &str| claims[name].as_i64().unwrap_or_default();
    match kind {
        "other-sub" => claims["sub"] = json!(format!("{}v1", "0".repeat(64))),
        "no-sub" => drop(claims.as_object_mut().map(|members| members.remove("sub"))),
        "wrong-aud" => claims["aud"] = json!("another"),
        "several-aud" => claims["aud"] = json!([claims["aud"], "another"]),
        "other-azp" => claims["azp"] = json!("another"),
        "wrong-iss" => claims["iss"] = json!("https://another.exemple.test/api/v2"),
        "wrong-nonce" => claims["nonce"] = json!("another-nonce-0123456789"),
        "wrong-acr" => claims["acr"] = json!("eidas0"),
        "wrong-at-hash" => claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"),
        "late-auth-time" => claims["auth_time"] = json!(number(&claims, "iat") + 3_600),
        "future" => claims["iat"] = json!(number(&claims, "iat") + 3_600),
        "expired" => claims["exp"] = json!(number(&claims, "iat") - 31),
        "no-exp" => drop(claims.as_object_mut().map(|members| members.remove("exp"))),
        "bad-trait" => claims["birthdate"] = json!("29/02/1984"),
        _ => {}
    }
    match kind {
        "alg-none" => return Ok(format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims))),
        "hs256" => {
            // The attack that a careless reader falls for: the shared secret, or a public value, as the key of a signature.
            let signed = format!("{}.{}", part(&json!({"alg": "HS256", "kid": key.kid()})), part(&claims));
            let signature = hmac_sha256(secret_sha256.as_bytes(), signed.as_bytes());
            return Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)));
        }
        "strange-key" => return sign(&PrivateKey::generate(SignatureAlgorithm::Es256)?, "JWT", &claims),
        "access-token-type" => return sign(key, "at+jwt", &claims),
        "no-token" => return Ok("no.token".into()),
        _ => {}
    }
    let token = sign(key, "JWT", &claims)?;
    if kind != "bad-signature" {
        return Ok(token);
    }
    let at = token.rfind('.').map_or(0, |at| at + 1);
    let other = if token[at..].starts_with('A') { "B" } else { "A" };
    Ok(format!("{}{other}{}", &token[..at], &token[at + 1..]))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// RFC 2104, for a key of one block at most.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}
