//! Another implementation of tokens reads what we write, and we read what it writes. The cryptography below is one; the forms are not.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_jose::{PrivateKey, SignatureAlgorithm, TokenRule, sign};
use common::open_with;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Value, json};

fn of(alg: SignatureAlgorithm) -> Algorithm {
    match alg {
        SignatureAlgorithm::Rs256 => Algorithm::RS256,
        SignatureAlgorithm::Ps256 => Algorithm::PS256,
        SignatureAlgorithm::Es256 => Algorithm::ES256,
        SignatureAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

#[test]
fn our_tokens_and_key_sets_are_read() {
    for alg in SignatureAlgorithm::ALL {
        let key = PrivateKey::generate(alg).unwrap();
        let claims = json!({ "iss": "https://id.example", "aud": "app", "exp": 4_000_000_000_u64, "sub": "899900000011" });
        let token = sign(&key, "at+jwt", &claims).unwrap();
        let jwk: Jwk = serde_json::from_value(key.public().jwk()).unwrap();
        assert_eq!(jwk.thumbprint(ThumbprintHash::SHA256).unwrap(), key.kid());
        let mut validation = Validation::new(of(alg));
        validation.set_audience(&["app"]);
        validation.set_issuer(&["https://id.example"]);
        let read = decode::<Value>(&token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap();
        assert_eq!(read.claims, claims);
        assert_eq!((read.header.typ.as_deref(), read.header.kid.as_deref()), (Some("at+jwt"), Some(key.kid())));
    }
}

#[test]
fn its_tokens_are_read() {
    for alg in [SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa] {
        let key = PrivateKey::generate(alg).unwrap();
        let der = key.pkcs8();
        let theirs = match alg {
            SignatureAlgorithm::Es256 => EncodingKey::from_ec_der(&der),
            _ => EncodingKey::from_ed_der(&der),
        };
        let claims = json!({ "sub": "899900000011" });
        let token = encode(&Header { kid: Some("k".to_owned()), ..Header::new(of(alg)) }, &claims, &theirs).unwrap();
        let opened = open_with(&token, &TokenRule { types: &["JWT"], algorithms: &[alg] }, &key.public()).unwrap();
        assert_eq!(Value::from(opened.claims), claims);
        assert_eq!(opened.header.kid.as_deref(), Some("k"));
    }
}
