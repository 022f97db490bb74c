//! Tokens: what is read, what is refused, and what no input can do.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_jose::limits::{SIGNED, TOKEN};
use annuaire_jose::{JoseError, PrivateKey, PublicKey, SignatureAlgorithm, TokenHeader, TokenRule, open_token, sign};
use common::{ANY, base64url, forged, from_base64url, open_with, vector};
use proptest::prelude::*;
use serde_json::{Value, json};

type IsFault = fn(&JoseError) -> bool;

fn key(alg: SignatureAlgorithm) -> PrivateKey {
    let name = match alg {
        SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256 => "rfc7515-a2",
        SignatureAlgorithm::Es256 => "rfc7515-a3",
        SignatureAlgorithm::EdDsa => "rfc8037-a4",
    };
    PrivateKey::from_pkcs8(alg, &vector(name).der("pkcs8")).unwrap()
}

#[test]
fn tokens_of_the_standards_are_read() {
    for name in ["rfc7515-a2", "rfc7515-a3", "ps256"] {
        let v = vector(name);
        let opened = open_with(&v.token(), &ANY, &PublicKey::from_jwk(&v.jwk()).unwrap()).unwrap();
        assert_eq!(Value::from(opened.claims), json!({ "iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true }));
        assert_eq!(opened.header, TokenHeader { alg: v.alg(), typ: None, kid: None, jwk: None });
    }
    // A text that is no JSON is signed in RFC 8037 §A.4.
    let v = vector("rfc8037-a4");
    let error = open_with(&v.token(), &ANY, &PublicKey::from_jwk(&v.jwk()).unwrap()).unwrap_err();
    assert!(matches!(error, JoseError::Json { part: "claims", .. }), "{error}");
}

#[test]
fn what_is_signed_is_opened() {
    let claims = json!({ "sub": "899900000011", "otherIds": [{ "qualite": 1 }], "é": "\u{1f600}\n", "b": 1.5, "a": null });
    for alg in SignatureAlgorithm::ALL {
        let key = key(alg);
        let token = sign(&key, "at+jwt", &claims).unwrap();
        let opened = open_with(&token, &TokenRule { types: &["at+jwt"], algorithms: &[alg] }, &key.public()).unwrap();
        assert_eq!(
            opened.header,
            TokenHeader { alg, typ: Some("at+jwt".to_owned()), kid: Some(key.kid().to_owned()), jwk: None }
        );
        assert_eq!(Value::from(opened.claims).to_string(), claims.to_string(), "claims keep their order");
        let bare = sign(&key, "", &claims).unwrap();
        assert_eq!(open_with(&bare, &ANY, &key.public()).unwrap().header.typ, None);
    }
    let key = key(SignatureAlgorithm::EdDsa);
    assert_eq!(sign(&key, "JWT", &json!([1])), Err(JoseError::NotObject("claims")));
    let Err(JoseError::Made(bytes)) = sign(&key, "JWT", &json!({ "a": "a".repeat(SIGNED) })) else { panic!("it is too long") };
    assert!(bytes > SIGNED);
    let long = sign(&key, "JWT", &json!({ "a": "a".repeat(TOKEN) })).unwrap();
    assert_eq!(open_with(&long, &ANY, &key.public()), Err(JoseError::Long(long.len())));
}

#[test]
fn a_wrong_signature_is_refused_wherever_a_bit_differs() {
    for alg in [SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa, SignatureAlgorithm::Rs256, SignatureAlgorithm::Ps256] {
        let key = key(alg);
        let token = sign(&key, "JWT", &json!({ "sub": "899900000011", "exp": 1 })).unwrap();
        for at in (0..token.len()).step_by(3) {
            let mut wrong = token.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(open_with(&wrong, &ANY, &key.public()).is_err(), "{alg:?} {at}");
        }
        let (signed, _) = token.rsplit_once('.').unwrap();
        assert_eq!(open_with(&format!("{signed}."), &ANY, &key.public()), Err(JoseError::Signature));
        let other = PrivateKey::generate(if alg == SignatureAlgorithm::Rs256 { SignatureAlgorithm::Es256 } else { alg }).unwrap();
        assert!(open_with(&token, &ANY, &other.public()).is_err());
    }
}

/// HMAC with SHA-256, as an attacker computes it with a public key for secret (RFC 2104).
fn hmac(secret: &[u8], text: &[u8]) -> Vec<u8> {
    aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret), text).as_ref().to_vec()
}

#[test]
fn one_algorithm_does_not_pass_for_another() {
    let rsa = key(SignatureAlgorithm::Rs256);
    let claims = r#"{"sub":"899900000011"}"#;
    let unsigned = |header: &str| format!("{}.{}", base64url(header), base64url(claims));

    for name in [
        "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "RS384", "RS512", "RS1", "ES384", "ES256K", "PS512", "rs256",
        "",
    ] {
        let signed = unsigned(&format!(r#"{{"alg":"{name}"}}"#));
        for token in [format!("{signed}."), format!("{signed}.{}", base64url(hmac(b"secret", signed.as_bytes())))] {
            assert!(matches!(open_with(&token, &ANY, &rsa.public()), Err(JoseError::Algorithm(_))), "{name}");
        }
    }
    // The public key as secret of HS256, in each form in which it is known.
    let v = vector("rfc7515-a2");
    let signed = unsigned(r#"{"alg":"HS256","typ":"JWT"}"#);
    for secret in [v.der("spki"), v.jwk().to_string().into_bytes(), from_base64url(v.jwk()["n"].as_str().unwrap())] {
        let token = format!("{signed}.{}", base64url(hmac(&secret, signed.as_bytes())));
        assert!(matches!(open_with(&token, &ANY, &rsa.public()), Err(JoseError::Algorithm(_))));
    }
    // A key for RS256 with a header of PS256, and the other way round; a key that names no algorithm is for both.
    let ps = key(SignatureAlgorithm::Ps256);
    let token = forged(&ps, r#"{"alg":"PS256"}"#, claims);
    assert!(open_with(&token, &ANY, &ps.public()).is_ok());
    assert_eq!(open_with(&token, &ANY, &rsa.public()), Err(JoseError::KeyMismatch("PS256")));
    assert!(open_with(&token, &ANY, &PublicKey::from_jwk(&v.jwk()).unwrap()).is_ok());
    let token = forged(&rsa, r#"{"alg":"RS256"}"#, claims);
    assert_eq!(open_with(&token, &ANY, &ps.public()), Err(JoseError::KeyMismatch("RS256")));
    assert_eq!(open_with(&token, &ANY, &key(SignatureAlgorithm::Es256).public()), Err(JoseError::KeyMismatch("RS256")));
    assert_eq!(
        open_with(&forged(&rsa, r#"{"alg":"PS256"}"#, claims), &ANY, &PublicKey::from_jwk(&v.jwk()).unwrap()),
        Err(JoseError::Signature),
        "a signature of RS256 under the name PS256"
    );
    // What the rule leaves out.
    let strict = TokenRule { algorithms: &[SignatureAlgorithm::Ps256, SignatureAlgorithm::Es256], ..ANY };
    assert_eq!(open_with(&token, &strict, &rsa.public()), Err(JoseError::NotAllowed("RS256")));
    assert_eq!(open_with(&token, &TokenRule { algorithms: &[], ..ANY }, &rsa.public()), Err(JoseError::NotAllowed("RS256")));
}

#[test]
fn keys_are_found_by_name() {
    let (a, b) = (key(SignatureAlgorithm::Es256), PrivateKey::generate(SignatureAlgorithm::Es256).unwrap());
    let other = key(SignatureAlgorithm::EdDsa);
    let all = [a.public(), b.public(), other.public()];
    let open = |token: &str| open_token(token, &ANY, &|header| header.candidates(&all)).map(drop);
    let claims = json!({ "sub": "x" });
    assert_eq!(open(&sign(&a, "JWT", &claims).unwrap()), Ok(()));
    assert_eq!(open(&forged(&a, r#"{"alg":"ES256","kid":"x"}"#, "{}")), Err(JoseError::UnknownKey));
    assert_eq!(open(&forged(&a, &format!(r#"{{"alg":"ES256","kid":"{}"}}"#, b.kid()), "{}")), Err(JoseError::Signature));
    assert_eq!(
        open(&forged(&a, &format!(r#"{{"alg":"ES256","kid":"{}"}}"#, other.kid()), "{}")),
        Err(JoseError::KeyMismatch("ES256"))
    );
    assert_eq!(open(&forged(&a, r#"{"alg":"ES256"}"#, "{}")), Err(JoseError::UnknownKey), "two keys could have signed it");
    assert_eq!(open(&forged(&other, r#"{"alg":"EdDSA"}"#, "{}")), Ok(()), "one key only is for it");
    assert_eq!(open_token(&sign(&a, "JWT", &claims).unwrap(), &ANY, &|_| vec![a.public(); 9]), Err(JoseError::Candidates(9)));
}

/// A key that the token itself brings, by value or by address, proves nothing here.
#[test]
fn keys_in_the_header_are_not_trusted() {
    let (ours, attacker) = (key(SignatureAlgorithm::Es256), PrivateKey::generate(SignatureAlgorithm::Es256).unwrap());
    let jwk = attacker.public().jwk();
    let header =
        json!({ "alg": "ES256", "kid": ours.kid(), "jwk": jwk, "jku": "https://attacker.example/jwks", "x5c": ["AA=="] });
    let token = forged(&attacker, &header.to_string(), "{}");
    let all = [ours.public()];
    assert_eq!(open_token(&token, &ANY, &|header| header.candidates(&all)), Err(JoseError::Signature));
    let unnamed = json!({ "alg": "ES256", "jwk": jwk });
    assert_eq!(
        open_token(&forged(&attacker, &unnamed.to_string(), "{}"), &ANY, &|header| header.candidates(&all)),
        Err(JoseError::Signature)
    );
}

#[test]
fn types_are_told_apart() {
    let key = key(SignatureAlgorithm::EdDsa);
    let open = |typ: &str, types: &[&str]| {
        open_with(&sign(&key, typ, &json!({})).unwrap(), &TokenRule { types, ..ANY }, &key.public()).map(drop)
    };
    for (typ, types) in [
        ("JWT", &["JWT"][..]),
        ("jwt", &["JWT"]),
        ("at+jwt", &["x", "at+jwt"]),
        ("application/at+jwt", &["at+jwt"]),
        ("APPLICATION/AT+JWT", &["at+jwt"]),
        ("at+jwt", &["application/at+jwt"]),
        ("", &[""]),
        ("", &["JWT", ""]),
    ] {
        assert_eq!(open(typ, types), Ok(()), "{typ} {types:?}");
    }
    for (typ, types) in [
        ("at+jwt", &["JWT", ""][..]),
        ("JWT", &["at+jwt"]),
        ("", &["JWT"]),
        ("JWT", &[""]),
        ("JWT", &[]),
        ("application/", &[""]),
        ("application/application/JWT", &["JWT"]),
        ("text/JWT", &["JWT"]),
        ("JWT ", &["JWT"]),
    ] {
        assert!(matches!(open(typ, types), Err(JoseError::Type(_))), "{typ} {types:?}");
    }
    let empty = forged(&key, r#"{"alg":"EdDSA","typ":""}"#, "{}");
    assert!(matches!(open_with(&empty, &ANY, &key.public()), Err(JoseError::Type(_))));
}

#[test]
fn other_forms_are_refused() {
    let key = key(SignatureAlgorithm::EdDsa);
    let open = |token: &str| open_with(token, &ANY, &key.public()).unwrap_err();
    let good = forged(&key, r#"{"alg":"EdDSA"}"#, "{}");
    let (header, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();

    assert_eq!(open(""), JoseError::Parts(1));
    assert_eq!(open(&format!("{header}.{claims}")), JoseError::Parts(2));
    assert_eq!(open(&format!("{good}.")), JoseError::Parts(4));
    assert_eq!(open("a.b.c.d.e"), JoseError::Parts(5));
    assert_eq!(open(&format!("{good}{}", "A".repeat(TOKEN))), JoseError::Long(good.len() + TOKEN));
    assert_eq!(open(&format!("{header}=.{claims}.{signature}")), JoseError::Base64("header"));
    assert_eq!(open(&format!("{header}.{claims}.{signature}==")), JoseError::Base64("signature"));
    assert_eq!(open(&format!(" {good}")), JoseError::Base64("header"));
    assert_eq!(open(&format!("{good}\n")), JoseError::Base64("signature"));

    let table: &[(&str, &str, IsFault)] = &[
        (r#"{"alg":"EdDSA","alg":"EdDSA"}"#, "{}", |e| matches!(e, JoseError::Json { part: "header", .. })),
        (r#"{"alg":"EdDSA","x":{"y":1,"y":2}}"#, "{}", |e| matches!(e, JoseError::Json { part: "header", .. })),
        (r#"{"alg":"EdDSA"} "x""#, "{}", |e| matches!(e, JoseError::Json { part: "header", .. })),
        (r#""EdDSA""#, "{}", |e| *e == JoseError::NotObject("header")),
        (r#"{"typ":"JWT"}"#, "{}", |e| *e == JoseError::Header("alg")),
        (r#"{"alg":["EdDSA"]}"#, "{}", |e| *e == JoseError::Header("alg")),
        (r#"{"alg":"EdDSA","typ":1}"#, "{}", |e| *e == JoseError::Header("typ")),
        (r#"{"alg":"EdDSA","kid":1}"#, "{}", |e| *e == JoseError::Header("kid")),
        (r#"{"alg":"EdDSA","crit":["exp"],"exp":1}"#, "{}", |e| *e == JoseError::Critical),
        (r#"{"alg":"EdDSA","crit":[]}"#, "{}", |e| *e == JoseError::Critical),
        (r#"{"alg":"EdDSA","b64":false,"crit":["b64"]}"#, "{}", |e| *e == JoseError::Critical),
        (r#"{"alg":"EdDSA"}"#, "[]", |e| *e == JoseError::NotObject("claims")),
        (r#"{"alg":"EdDSA"}"#, "", |e| matches!(e, JoseError::Json { part: "claims", .. })),
        (r#"{"alg":"EdDSA"}"#, r#"{"sub":"a","sub":"b"}"#, |e| matches!(e, JoseError::Json { part: "claims", .. })),
        (r#"{"alg":"EdDSA"}"#, r#"{"cnf":{"jkt":"a","jkt":"b"}}"#, |e| matches!(e, JoseError::Json { part: "claims", .. })),
    ];
    for (header, claims, expected) in table {
        let error = open(&forged(&key, header, claims));
        assert!(expected(&error), "{header} {claims}: {error}");
    }
}

#[test]
fn no_error_repeats_what_a_stranger_wrote_at_length() {
    let key = key(SignatureAlgorithm::EdDsa);
    let long = "\\u0007\\\"".repeat(500);
    for header in [
        format!(r#"{{"alg":"{long}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{long}"}}"#),
        format!(r#"{{"{long}":1,"{long}":2}}"#),
    ] {
        let error = open_with(&forged(&key, &header, "{}"), &ANY, &key.public()).unwrap_err().to_string();
        assert!(error.len() < 450 && !error.contains('\u{7}'), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// No text panics, and no text but a token of ours is opened.
    #[test]
    fn nothing_panics_and_nothing_passes(text in "\\PC{0,200}", header in "\\PC{0,60}", claims in "\\PC{0,60}", signature in any::<Vec<u8>>()) {
        let public = key(SignatureAlgorithm::EdDsa).public();
        prop_assert!(open_with(&text, &ANY, &public).is_err());
        for header in [header, r#"{"alg":"EdDSA"}"#.to_owned()] {
            let token = format!("{}.{}.{}", base64url(header), base64url(&claims), base64url(&signature));
            prop_assert!(open_with(&token, &ANY, &public).is_err());
        }
    }

    /// Whatever is edited in a token, it is refused, unless it is as it was.
    #[test]
    fn an_edited_token_is_refused(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_.=-]{0,3}", cut in 0_usize..4) {
        let key = key(SignatureAlgorithm::EdDsa);
        let token = sign(&key, "JWT", &json!({ "sub": "899900000011", "iat": 1 })).unwrap();
        let at = at.index(token.len());
        let edited = format!("{}{with}{}", &token[..at], token.get(at + cut..).unwrap_or(""));
        prop_assert_eq!(open_with(&edited, &ANY, &key.public()).is_ok(), edited == token);
    }

    /// Any claims come back as they were.
    #[test]
    fn claims_come_back(name in "\\PC{0,20}", text in "\\PC{0,200}", number in any::<i64>(), list in prop::collection::vec(any::<u32>(), 0..9)) {
        let key = key(SignatureAlgorithm::EdDsa);
        let claims = json!({ "x": { name: [text, number, list] } });
        let opened = open_with(&sign(&key, "JWT", &claims).unwrap(), &ANY, &key.public()).unwrap();
        prop_assert_eq!(Value::from(opened.claims), claims);
    }
}
