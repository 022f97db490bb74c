//! Proofs of possession: the examples of RFC 9449, each of the checks of its §4.3, and what must not matter.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_jose::{ClaimFault, DpopFault, DpopRule, JoseError, PrivateKey, SignatureAlgorithm, check_dpop, s256};
use common::{base64url, forged, vector};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_795_000_000;
const RULE: DpopRule<'static> =
    DpopRule { method: "POST", url: "https://id.example/token", access_token: None, nonce: None, now_s: NOW };

#[test]
fn the_examples_of_rfc_9449() {
    let at_token = DpopRule { url: "https://server.example.com/token", now_s: 1_562_262_616, ..RULE };
    let proof = check_dpop(&vector("rfc9449-token").token(), &at_token).unwrap();
    assert_eq!(proof.thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!((proof.jti.as_str(), proof.iat_s, proof.until_s), ("-BwC3ESc6acc2lTc", 1_562_262_616, 1_562_262_677));

    let at_resource = DpopRule {
        method: "GET",
        url: "https://resource.example.org/protectedresource",
        access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
        nonce: None,
        now_s: 1_562_262_618,
    };
    let proof = vector("rfc9449-resource").token();
    assert_eq!(check_dpop(&proof, &at_resource).unwrap().jti, "e1j3V_bKic8-LAEB");
    assert_eq!(check_dpop(&proof, &DpopRule { access_token: Some("other"), ..at_resource }), Err(DpopFault::AccessToken));
}

/// A proof of this key. A member that is given replaces one; `null` takes it away.
fn proof(key: &PrivateKey, header: Value, claims: Value) -> String {
    let jwk = {
        let mut jwk = key.public().jwk();
        for name in ["kid", "use", "alg"] {
            jwk.as_object_mut().unwrap().remove(name);
        }
        jwk
    };
    let merged = |mut all: Value, changes: Value| {
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
                value => all[name] = value.clone(),
            }
        }
        all.to_string()
    };
    let header = merged(json!({ "typ": "dpop+jwt", "alg": key.algorithm().name(), "jwk": jwk }), header);
    let claims = merged(json!({ "jti": "n-1", "htm": "POST", "htu": "https://id.example/token", "iat": NOW }), claims);
    forged(key, &header, &claims)
}

fn es256() -> PrivateKey {
    PrivateKey::from_pkcs8(SignatureAlgorithm::Es256, &vector("rfc7515-a3").der("pkcs8")).unwrap()
}

#[test]
fn each_claim_is_judged() {
    use ClaimFault as F;
    let key = es256();
    let table = [
        (json!({}), Ok(())),
        (json!({ "htm": "GET" }), Err(DpopFault::Method)),
        (json!({ "htm": "post" }), Err(DpopFault::Method)),
        (json!({ "htm": null }), Err(F::Missing("htm").into())),
        (json!({ "htm": 1 }), Err(F::Shape("htm").into())),
        (json!({ "htu": "https://id.example/other" }), Err(DpopFault::Url)),
        (json!({ "htu": "http://id.example/token" }), Err(DpopFault::Url)),
        (json!({ "htu": "https://id.example:8443/token" }), Err(DpopFault::Url)),
        (json!({ "htu": "https://id.example/token/" }), Err(DpopFault::Url)),
        (json!({ "htu": "https://id.example/TOKEN" }), Err(DpopFault::Url)),
        (json!({ "htu": "https://id.example.attacker.example/token" }), Err(DpopFault::Url)),
        (json!({ "htu": "https://id.example@attacker.example/token" }), Err(DpopFault::Url)),
        (json!({ "htu": "/token" }), Err(DpopFault::Url)),
        (json!({ "htu": null }), Err(F::Missing("htu").into())),
        (json!({ "htu": "HTTPS://ID.example:443/%74oken?a=1#b" }), Ok(())),
        (json!({ "htu": "https://id.example/x/../token" }), Ok(())),
        (json!({ "iat": null }), Err(F::Missing("iat").into())),
        (json!({ "iat": "1795000000" }), Err(F::Shape("iat").into())),
        (json!({ "iat": NOW - 60 }), Ok(())),
        (json!({ "iat": NOW - 61 }), Err(F::Old(61).into())),
        (json!({ "iat": NOW + 10 }), Ok(())),
        (json!({ "iat": NOW + 11 }), Err(F::Future(11).into())),
        (json!({ "iat": i64::MIN }), Err(F::Old(i64::MAX).into())),
        (json!({ "jti": null }), Err(F::Missing("jti").into())),
        (json!({ "jti": "" }), Err(F::Shape("jti").into())),
        (json!({ "jti": "j".repeat(257) }), Err(F::Shape("jti").into())),
        (json!({ "ath": "not asked for", "nonce": "not asked for", "exp": 1 }), Ok(())),
    ];
    for (claims, expected) in table {
        assert_eq!(check_dpop(&proof(&key, json!({}), claims.clone()), &RULE).map(drop), expected, "{claims}");
    }
}

/// Two texts that are no URLs are not equal.
#[test]
fn a_proof_for_no_url_is_refused() {
    let made = proof(&es256(), json!({}), json!({ "htu": "/token" }));
    assert_eq!(check_dpop(&made, &DpopRule { url: "/token", ..RULE }), Err(DpopFault::Url));
}

#[test]
fn a_proof_is_refused_when_its_instant_is_over() {
    let key = es256();
    let made = proof(&key, json!({}), json!({ "iat": NOW + 10 }));
    let until = check_dpop(&made, &RULE).unwrap().until_s;
    assert!(check_dpop(&made, &DpopRule { now_s: until - 1, ..RULE }).is_ok());
    assert!(check_dpop(&made, &DpopRule { now_s: until, ..RULE }).is_err());
}

#[test]
fn the_access_token_and_the_nonce_are_compared() {
    let key = es256();
    let with_token = DpopRule { access_token: Some("token"), ..RULE };
    let check = |claims, rule| check_dpop(&proof(&key, json!({}), claims), rule).map(drop);
    assert_eq!(check(json!({ "ath": s256("token") }), &with_token), Ok(()));
    assert_eq!(check(json!({ "ath": s256("other") }), &with_token), Err(DpopFault::AccessToken));
    assert_eq!(check(json!({}), &with_token), Err(ClaimFault::Missing("ath").into()));

    let with_nonce = DpopRule { nonce: Some("n"), ..RULE };
    assert_eq!(check(json!({ "nonce": "n" }), &with_nonce), Ok(()));
    for wrong in [json!({}), json!({ "nonce": "m" }), json!({ "nonce": 1 }), json!({ "nonce": "" })] {
        assert_eq!(check(wrong, &with_nonce), Err(DpopFault::Nonce));
    }
}

#[test]
fn the_header_is_judged() {
    let key = es256();
    let check = |header| check_dpop(&proof(&key, header, json!({})), &RULE).map(drop);
    assert_eq!(check(json!({ "kid": "ignored" })), Ok(()));
    assert_eq!(check(json!({ "jwk": null })), Err(DpopFault::NoKey));
    assert_eq!(check(json!({ "jwk": null, "kid": key.kid() })), Err(DpopFault::NoKey));
    for typ in [json!(null), json!("JWT"), json!("at+jwt"), json!("")] {
        assert!(matches!(check(json!({ "typ": typ })), Err(DpopFault::Token(JoseError::Type(_)))), "{typ}");
    }
    for alg in ["none", "HS256", "ES384"] {
        assert!(matches!(check(json!({ "alg": alg })), Err(DpopFault::Token(JoseError::Algorithm(_)))), "{alg}");
    }
    assert_eq!(check(json!({ "alg": "RS256" })), Err(JoseError::NotAllowed("RS256").into()));
    assert_eq!(check(json!({ "alg": "PS256" })), Err(JoseError::KeyMismatch("PS256").into()));
    assert_eq!(check(json!({ "crit": ["x"] })), Err(JoseError::Critical.into()));

    let mut private = key.public().jwk();
    private["d"] = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI".into();
    for jwk in [private, json!("x"), json!({}), vector("p-384").jwk(), json!({ "kty": "oct", "k": "AyM1" })] {
        assert!(matches!(check(json!({ "jwk": jwk })), Err(DpopFault::Token(JoseError::Key(_)))), "{jwk}");
    }
    // The key of somebody else.
    let other = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    assert_eq!(check(json!({ "jwk": other.public().jwk() })), Err(JoseError::Signature.into()));
}

#[test]
fn each_announced_algorithm_proves_its_key() {
    for alg in annuaire_jose::DPOP_ALGORITHMS {
        let key = PrivateKey::generate(alg).unwrap();
        let made = check_dpop(&proof(&key, json!({}), json!({})), &RULE).unwrap();
        assert_eq!(made.thumbprint, key.public().thumbprint());
    }
}

#[test]
fn two_proofs_are_none() {
    let made = proof(&es256(), json!({}), json!({}));
    for joined in [format!("{made},{made}"), format!("{made}, {made}"), format!("{made} ")] {
        assert!(matches!(check_dpop(&joined, &RULE), Err(DpopFault::Token(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_panics(text in "\\PC{0,200}", header in "\\PC{0,60}", url in "\\PC{0,60}", number in any::<f64>()) {
        prop_assert!(check_dpop(&text, &RULE).is_err());
        let forged = format!("{}.{}.", base64url(header), base64url("{}"));
        prop_assert!(check_dpop(&forged, &RULE).is_err());
        let rule = DpopRule { url: &url, ..RULE };
        let other = check_dpop(&proof(&es256(), json!({}), json!({ "htu": url, "iat": number })), &rule);
        prop_assert!(other.is_err() || url.starts_with("http"));
    }
}
