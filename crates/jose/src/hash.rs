//! Hashes that bind one thing to another: a token to a certificate or an answer, a code to who asked for it.

use crate::algorithm::SignatureAlgorithm;
use crate::encoding::base64url;
use sha2::{Digest, Sha256, Sha512};

/// SHA-256 as base64url.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    base64url(Sha256::digest(bytes))
}

/// Whether two secrets are equal, in a time that tells their length and nothing else.
#[must_use]
pub fn equal(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a.as_ref(), b.as_ref()).is_ok()
}

/// The thumbprint `x5t#S256` of a certificate, to which a token is bound (RFC 8705 §3.1): SHA-256 of its DER, as base64url.
#[must_use]
pub fn certificate_thumbprint(der: &[u8]) -> String {
    sha256(der)
}

/// The form of published examples of the trusted space ("espace de confiance"): base64url of the hexadecimal text of the SHA-256
/// (identity §1.11). It is read where an option says so, and never written.
#[must_use]
pub fn certificate_thumbprint_hex_form(der: &[u8]) -> String {
    base64url(hex_text(der))
}

/// SHA-256 in small hexadecimal digits.
fn hex_text(der: &[u8]) -> String {
    annuaire_base::text::hex(&Sha256::digest(der))
}

/// Whether `given`, the `x5t#S256` of a token, names the certificate. With `accept_both` the form of the trusted space is accepted too,
/// in small or capital digits and with or without padding.
#[must_use]
pub fn matches_thumbprint(der: &[u8], given: &str, accept_both: bool) -> bool {
    if equal(certificate_thumbprint(der), given) {
        return true;
    }
    let bare = given.strip_suffix("==").unwrap_or(given);
    accept_both && [certificate_thumbprint_hex_form(der), base64url(hex_text(der).to_uppercase())].iter().any(|t| equal(t, bare))
}

/// The `at_hash` of an ID token (OpenID Connect Core §3.1.3.6), and `c_hash` of a code: the left half of the hash that `alg`, the
/// algorithm of the ID token, uses. That is SHA-256, and SHA-512 for Ed25519, which hashes with it.
#[must_use]
pub fn access_token_hash(token: &str, alg: SignatureAlgorithm) -> String {
    match alg {
        SignatureAlgorithm::EdDsa => base64url(&Sha512::digest(token)[..32]),
        _ => base64url(&Sha256::digest(token)[..16]),
    }
}

/// The challenge `S256` of a PKCE verifier (RFC 7636 §4.2).
#[must_use]
pub fn s256(verifier: &str) -> String {
    sha256(verifier)
}

/// Whether a text is a PKCE verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[must_use]
pub fn is_code_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_code_verifier(verifier));
        assert_eq!(s256(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_verifier_is_long_enough_and_unreserved() {
        assert!(is_code_verifier(&"a".repeat(43)) && is_code_verifier(&"-._~09AZaz".repeat(12)));
        for wrong in ["a".repeat(42), "a".repeat(129), "a".repeat(42) + "+", "a".repeat(42) + "=", "é".repeat(30), String::new()]
        {
            assert!(!is_code_verifier(&wrong), "{wrong}");
        }
    }

    /// The first is the example of OpenID Connect Core §A.3.
    #[test]
    fn the_hash_of_an_access_token() {
        assert_eq!(
            access_token_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", SignatureAlgorithm::Rs256),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        let token = "YmJiZTAwYmYtMzgyOC00NzhkLTkyOTItNjJjNDM3MGYzOWIy9sFhvH8K_x8UIHj1osisS57f5DduL";
        assert_eq!(access_token_hash(token, SignatureAlgorithm::Es256), "xsZZrUssMXjL3FBlzoSh2g");
        assert_eq!(access_token_hash(token, SignatureAlgorithm::Ps256), "xsZZrUssMXjL3FBlzoSh2g");
        assert_eq!(access_token_hash(token, SignatureAlgorithm::EdDsa), "p2LHG4H-8pYDc0hyVOo3iIHvZJUqe9tbj3jESOuXbkY");
    }

    #[test]
    fn both_forms_of_a_thumbprint_name_one_certificate() {
        let der = b"abc";
        assert_eq!(certificate_thumbprint(der), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        let hexadecimal = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(certificate_thumbprint_hex_form(der), base64url(hexadecimal));
        let capital = base64url(hexadecimal.to_uppercase());
        for both in [false, true] {
            assert!(matches_thumbprint(der, &certificate_thumbprint(der), both));
            assert!(!matches_thumbprint(b"abd", &certificate_thumbprint(der), both));
            assert_eq!(matches_thumbprint(der, &certificate_thumbprint_hex_form(der), both), both);
            assert_eq!(matches_thumbprint(der, &capital, both), both);
            assert_eq!(matches_thumbprint(der, &(certificate_thumbprint_hex_form(der) + "=="), both), both);
            assert!(!matches_thumbprint(der, "", both));
        }
        assert!(!matches_thumbprint(b"abd", &certificate_thumbprint_hex_form(der), true));
    }

    #[test]
    fn equal_compares_all_bytes() {
        assert!(equal("abc", b"abc") && equal("", ""));
        assert!(!equal("abc", "abd") && !equal("abc", "ab") && !equal("", "a"));
    }
}
