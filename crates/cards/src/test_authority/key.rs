//! Keys of a test authority and of what it issues.

use crate::der::{self, tag};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};

/// What keys a test authority makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestKeyKind {
    /// ECDSA on P-256: made in microseconds, from the random bytes of the caller.
    P256,
    /// RSA of 2048 bits, as national cards have: made in tenths of a second, with randomness of the crypto back-end.
    Rsa2048,
}

/// A key that signs.
pub(crate) enum TestKey {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl TestKey {
    /// Makes a key. `None` when the back-end fails.
    pub(crate) fn make(kind: TestKeyKind, random: &dyn Fn(&mut [u8])) -> Option<Self> {
        if kind == TestKeyKind::Rsa2048 {
            return RsaKeyPair::generate(KeySize::Rsa2048).ok().map(Self::Rsa);
        }
        // One number of 2³² is no private key; a generator that gives nothing else is broken.
        for _ in 0..16 {
            let mut bytes = [0; 32];
            random(&mut bytes);
            let Ok(secret) = PrivateKey::from_private_key(&ECDH_P256, &bytes) else { continue };
            let Ok(public) = secret.compute_public_key() else { continue };
            let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
            return EcdsaKeyPair::from_private_key_and_public_key(algorithm, &bytes, public.as_ref()).ok().map(Self::P256);
        }
        None
    }

    /// The public key as SubjectPublicKeyInfo.
    pub(crate) fn public(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let algorithm = der::sequence([&der::oid("1.2.840.10045.2.1"), &der::oid("1.2.840.10045.3.1.7")]);
                der::sequence([&algorithm, &der::bit_string(key.public_key().as_ref())])
            }
            Self::Rsa(key) => {
                let algorithm = der::sequence([&der::oid("1.2.840.113549.1.1.1"), &der::element(tag::NULL, &[])]);
                der::sequence([&algorithm, &der::bit_string(key.public_key().as_ref())])
            }
        }
    }

    /// Identifier of the algorithm of its signatures.
    pub(crate) fn algorithm(&self) -> Vec<u8> {
        match self {
            Self::P256(_) => der::sequence([&der::oid("1.2.840.10045.4.3.2")]),
            Self::Rsa(_) => der::sequence([&der::oid("1.2.840.113549.1.1.11"), &der::element(tag::NULL, &[])]),
        }
    }

    /// Signs. `None` when the back-end fails.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::P256(key) => key.sign(&SystemRandom::new(), message).ok().map(|signature| signature.as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }

    /// The private key as PKCS#8. `None` when the back-end fails.
    pub(crate) fn pkcs8(&self) -> Option<Vec<u8>> {
        match self {
            Self::P256(key) => key.to_pkcs8v1().ok().map(|document| document.as_ref().to_vec()),
            Self::Rsa(key) => {
                let document: Pkcs8V1Der<'_> = key.as_der().ok()?;
                Some(document.as_ref().to_vec())
            }
        }
    }
}
