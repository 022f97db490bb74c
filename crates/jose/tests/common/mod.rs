//! What the tests share.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used)]

use annuaire_jose::{OpenedToken, PublicKey, SignatureAlgorithm, TokenRule};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Every type and every algorithm.
pub const ANY: TokenRule<'static> =
    TokenRule { types: &["", "JWT", "at+jwt", "logout+jwt"], algorithms: &SignatureAlgorithm::ALL };

/// An entry of the file of vectors.
pub struct Vector(Value);

/// The vectors of the standards, and some that another library made (see `data/README.md`).
pub fn vector(name: &str) -> Vector {
    let all: Value = serde_json::from_str(include_str!("../data/vectors.json")).unwrap();
    Vector(all[name].clone())
}

impl Vector {
    pub fn alg(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::of_name(self.0["alg"].as_str().unwrap()).unwrap()
    }

    pub fn jwk(&self) -> Value {
        self.0["jwk"].clone()
    }

    pub fn token(&self) -> String {
        self.0["token"].as_str().unwrap().to_owned()
    }

    pub fn der(&self, name: &str) -> Vec<u8> {
        STANDARD.decode(self.0[name].as_str().unwrap()).unwrap()
    }
}

/// Opens with one key, whatever the header says.
pub fn open_with(token: &str, rule: &TokenRule<'_>, key: &PublicKey) -> Result<OpenedToken, annuaire_jose::JoseError> {
    annuaire_jose::open_token(token, rule, &|_| vec![key.clone()])
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A token of these texts, signed with this key whatever they say.
pub fn forged(key: &annuaire_jose::PrivateKey, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", base64url(header), base64url(claims));
    let signature = key.sign_bytes(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64url(signature))
}
