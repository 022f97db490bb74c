//! An authenticator in software, written from WebAuthn Level 3 alone: it knows nothing of the service that it tests.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use annuaire_jose::{PrivateKey, SignatureAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Flags of authenticator data (§6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;

/// An authenticator with one passkey, in a browser that shows one origin. What a test sets wrong, it does wrong.
pub struct Authenticator {
    pub key: PrivateKey,
    pub credential_id: Vec<u8>,
    pub user_handle: Vec<u8>,
    /// The origin that the browser shows.
    pub origin: String,
    pub rp_id: String,
    /// Whether it verifies its user.
    pub verifies: bool,
    /// Whether its passkeys are copied between devices.
    pub is_synced: bool,
    /// Counts signatures; zero for ever in those that do not count.
    pub count: u32,
    pub counts: bool,
}

fn cbor_head(major: u8, value: usize) -> Vec<u8> {
    match value {
        0..=23 => vec![major << 5 | value as u8],
        24..=255 => vec![major << 5 | 24, value as u8],
        _ => [&[major << 5 | 25][..], &(value as u16).to_be_bytes()].concat(),
    }
}

fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    [&cbor_head(2, bytes.len())[..], bytes].concat()
}

fn cbor_text(text: &str) -> Vec<u8> {
    [&cbor_head(3, text.len())[..], text.as_bytes()].concat()
}

/// An integer of a signature in DER.
fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let mut value = bytes[start..].to_vec();
    if value[0] & 0x80 != 0 {
        value.insert(0, 0);
    }
    [&[2, value.len() as u8][..], &value].concat()
}

impl Authenticator {
    /// One that does not let its keys go and counts, in a browser that shows `origin`.
    pub fn new(origin: &str, name: &str) -> Self {
        let key = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
        Self {
            key,
            credential_id: Sha256::digest(name.as_bytes()).to_vec(),
            user_handle: Vec::new(),
            origin: origin.into(),
            rp_id: origin.split("://").nth(1).unwrap().split(':').next().unwrap().into(),
            verifies: true,
            is_synced: false,
            count: 0,
            counts: true,
        }
    }

    pub fn synced(origin: &str, name: &str) -> Self {
        Self { is_synced: true, counts: false, ..Self::new(origin, name) }
    }

    /// Gives it the key of another one: a copy.
    pub fn take_key_of(&mut self, other: &Self) {
        self.key = PrivateKey::from_pkcs8(SignatureAlgorithm::Es256, &other.key.pkcs8()).unwrap();
    }

    /// Gives it a key that nobody knows.
    pub fn new_key(&mut self) {
        self.key = PrivateKey::generate(SignatureAlgorithm::Es256).unwrap();
    }

    fn data(&mut self, attested: &[u8]) -> Vec<u8> {
        if self.counts {
            self.count += 1;
        }
        let mut flags = PRESENT;
        for (set, flag) in
            [(self.verifies, VERIFIED), (self.is_synced, BACKUP_ELIGIBLE | BACKED_UP), (!attested.is_empty(), ATTESTED)]
        {
            flags |= if set { flag } else { 0 };
        }
        let hash = Sha256::digest(self.rp_id.as_bytes());
        [&hash[..], &[flags], &self.count.to_be_bytes(), attested].concat()
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let all = json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false});
        all.to_string().into_bytes()
    }

    /// `navigator.credentials.create` with these options.
    pub fn create(&mut self, options: &Value) -> Value {
        let options = &options["publicKey"];
        let selection = &options["authenticatorSelection"];
        assert_eq!((&selection["residentKey"], &selection["userVerification"]), (&json!("required"), &json!("required")));
        assert_eq!((&options["rp"]["id"], &options["attestation"]), (&json!(self.rp_id), &json!("none")));
        assert!(options["pubKeyCredParams"].as_array().unwrap().iter().any(|one| one["alg"] == -7));
        self.user_handle = URL_SAFE_NO_PAD.decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let jwk = self.key.public().jwk();
        let coordinate = |name: &str| cbor_bytes(&URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap());
        // kty EC2, alg ES256, crv P-256, x, y (RFC 9053 §7.1).
        let cose = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21][..], &coordinate("x"), &[0x22], &coordinate("y")].concat();
        let id_length = (self.credential_id.len() as u16).to_be_bytes();
        let attested = [&[0; 16][..], &id_length, &self.credential_id, &cose].concat();
        let data = self.data(&attested);
        let object = [
            &[0xa3][..],
            &cbor_text("fmt"),
            &cbor_text("none"),
            &cbor_text("attStmt"),
            &[0xa0],
            &cbor_text("authData"),
            &cbor_bytes(&data),
        ];
        let client_data = self.client_data("webauthn.create", options["challenge"].as_str().unwrap());
        let id = URL_SAFE_NO_PAD.encode(&self.credential_id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "attestationObject": URL_SAFE_NO_PAD.encode(object.concat()),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// `navigator.credentials.get` with this challenge, base64url.
    pub fn get(&mut self, challenge: &str) -> Value {
        let data = self.data(&[]);
        let client_data = self.client_data("webauthn.get", challenge);
        let signed = [&data[..], &Sha256::digest(&client_data)].concat();
        let raw = self.key.sign_bytes(&signed).unwrap();
        let parts = [der_integer(&raw[..32]), der_integer(&raw[32..])].concat();
        let signature = [&[0x30, parts.len() as u8][..], &parts].concat();
        let id = URL_SAFE_NO_PAD.encode(&self.credential_id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "signature": URL_SAFE_NO_PAD.encode(signature),
                "userHandle": URL_SAFE_NO_PAD.encode(&self.user_handle),
            },
        })
    }

    /// The assertion over what a phone decides.
    pub fn approval(&mut self, tx: &str, challenge: &str, number: &str, client_id: &str) -> Value {
        let lines = format!("ecps-approval\n{tx}\n{challenge}\n{number}\n{client_id}");
        self.get(&URL_SAFE_NO_PAD.encode(Sha256::digest(lines.as_bytes())))
    }
}
