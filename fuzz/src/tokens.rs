//! Tokens, proofs of possession, keys and rings.

use std::sync::OnceLock;

use annuaire_jose::{
    AssertionRule, ClaimRule, DpopRule, KeyRing, PrivateKey, PublicKey, SignatureAlgorithm, TokenRule, check_assertion,
    check_claims, check_dpop, is_code_verifier, open_token, read_jwks,
};
use serde_json::Value;

/// What the vectors of the standards hold.
struct KnownTokens {
    keys: Vec<PublicKey>,
    /// What was signed: nothing else may pass.
    signed: Vec<String>,
}

#[expect(clippy::unwrap_used, reason = "vectors that cannot be read end the run")]
fn known() -> &'static KnownTokens {
    static KNOWN: OnceLock<KnownTokens> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let all: Value = serde_json::from_str(include_str!("../../crates/jose/tests/data/vectors.json")).unwrap();
        let entries: Vec<&Value> = all.as_object().unwrap().values().collect();
        let signed =
            entries.iter().filter_map(|v| v["token"].as_str()?.rsplit_once('.')).map(|(signed, _)| signed.to_owned()).collect();
        KnownTokens { keys: entries.iter().filter_map(|v| PublicKey::from_jwk(&v["jwk"]).ok()).collect(), signed }
    })
}

/// Whether a text is opened as a token by a key of the standards, or as a proof for this URL.
fn passes(token: &str, url: &str) -> bool {
    let rule = TokenRule { types: &["", "JWT"], algorithms: &SignatureAlgorithm::ALL };
    let proves =
        |method| check_dpop(token, &DpopRule { method, url, access_token: None, nonce: None, now_s: 1_562_262_620 }).is_ok();
    known().keys.iter().any(|key| open_token(token, &rule, &|_| vec![key.clone()]).is_ok())
        || ["GET", "POST"].into_iter().any(proves)
}

/// The first line as a token and as a proof for the URL of the second line; all bytes as a key, a key set, a ring, claims. Only what the owners of the
/// keys signed may pass, and what is read must be read again as it was.
///
/// # Panics
/// When one of this does not hold.
pub fn tokens(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    let (token, url) = text.split_once('\n').unwrap_or((text, "https://server.example.com/token"));
    if passes(token, url) {
        let genuine = token.rsplit_once('.').is_some_and(|(signed, _)| known().signed.iter().any(|s| s == signed));
        assert!(genuine, "a forged token or proof passed");
    }

    if let Ok(value) = serde_json::from_str::<Value>(text) {
        if let Ok(key) = PublicKey::from_jwk(&value) {
            assert_eq!(PublicKey::from_jwk(&key.jwk()).map(|k| k.jwk()), Ok(key.jwk()), "a key is read again");
        }
        let _ = read_jwks(&value);
        if let Some(claims) = value.as_object() {
            let rule = ClaimRule {
                now_s: 1_795_000_000,
                longest_s: Some(300),
                max_age_s: Some(300),
                leeway_s: 10,
                ..ClaimRule::default()
            };
            let _ = check_claims(claims, &rule);
            let _ = check_assertion(
                claims,
                &AssertionRule { client_id: "app", audiences: &["https://id.example"], now_s: rule.now_s },
            );
        }
    }
    if let Ok(key) = PublicKey::from_certificate_spki(data) {
        assert_eq!(PublicKey::from_jwk(&key.jwk()), Ok(key), "a key of a certificate is read as a JSON Web Key");
    }
    for alg in SignatureAlgorithm::ALL {
        if let Ok(key) = PrivateKey::from_pkcs8(alg, data) {
            let again = PrivateKey::from_pkcs8(alg, &key.pkcs8());
            assert_eq!(again.map(|k| k.public()), Ok(key.public()), "a private key is read again");
        }
    }
    if let Ok(ring) = KeyRing::from_json(text) {
        let again = KeyRing::from_json(&ring.to_json());
        assert_eq!(again.map(|r| r.to_json()), Ok(ring.to_json()), "a ring is read again");
    }
    let _ = is_code_verifier(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So that a target that refuses everything does not count as success.
    #[test]
    fn genuine_tokens_and_proofs_pass() {
        let all: Value = serde_json::from_str(include_str!("../../crates/jose/tests/data/vectors.json")).unwrap();
        for (name, url) in [
            ("rfc7515-a2", ""),
            ("rfc7515-a3", ""),
            ("ps256", ""),
            ("rfc9449-token", "https://server.example.com/token"),
            ("rfc9449-resource", "https://resource.example.org/protectedresource"),
        ] {
            let token = all[name]["token"].as_str().unwrap();
            assert!(passes(token, url), "{name}");
            assert!(!passes(&token[1..], url), "{name}");
        }
        assert!(!passes(all["rfc9449-token"]["token"].as_str().unwrap(), "https://other.example/token"));
    }
}
