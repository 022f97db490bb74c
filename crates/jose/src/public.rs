//! Public keys: read from a JSON Web Key or a certificate, and what they verify.

use crate::algorithm::SignatureAlgorithm;
use crate::der::{self, Spki};
use crate::encoding::{base64url, from_base64url};
use crate::error::JoseError;
use crate::hash::sha256;
use crate::limits::{FOREIGN_KEYS, KID, RSA_BITS_LEAST, RSA_BITS_MOST};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::Arc;

/// Members of a JSON Web Key that only a private or a secret key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A public key that was checked: RSA of 2048 to 4096 bits, P-256 or Ed25519. Copies are cheap.
#[derive(Clone)]
pub struct PublicKey(Arc<CheckedKey>);

struct CheckedKey {
    material: KeyMaterial,
    /// The one algorithm that the key is for, where its owner says so.
    alg: Option<SignatureAlgorithm>,
    kid: String,
    thumbprint: String,
}

/// The key itself, with the form that verifies.
enum KeyMaterial {
    Rsa { n: Vec<u8>, e: Vec<u8>, pkcs1: ParsedPublicKey, pss: ParsedPublicKey },
    P256 { x: [u8; 32], y: [u8; 32], parsed: ParsedPublicKey },
    Ed25519 { x: [u8; 32], parsed: ParsedPublicKey },
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {:?})", self.0.kid, self.0.alg)
    }
}

impl PartialEq for PublicKey {
    /// Equal when the keys are, whatever their names.
    fn eq(&self, other: &Self) -> bool {
        self.0.thumbprint == other.0.thumbprint
    }
}

impl Eq for PublicKey {}

impl PublicKey {
    /// Reads a JSON Web Key (RFC 7517, RFC 7518 §6, RFC 8037).
    ///
    /// # Errors
    ///
    /// [`JoseError::Key`] for a key with private members, for RSA below 2048 or above 4096 bits or with an exponent that FIPS 186-5 refuses, for
    /// another curve than P-256 and Ed25519, for a `use`, `key_ops` or `alg` that is not about such signatures, and for numbers that are not
    /// written as the standard asks (their thumbprint would be another).
    pub fn from_jwk(jwk: &Value) -> Result<Self, JoseError> {
        let members = jwk.as_object().ok_or(JoseError::Key("a JSON Web Key is a JSON object"))?;
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err(JoseError::Key(
                "it holds private members: send the public part only, and replace the key, which is known now",
            ));
        }
        let text = |name: &'static str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(s)) => Ok(Some(s.as_str())),
            Some(_) => Err(JoseError::Key("`kty`, `crv`, `use`, `alg`, `kid` and the numbers of the key are strings")),
        };
        if !matches!(text("use")?, None | Some("sig")) {
            return Err(JoseError::Key("its `use` is not `sig`"));
        }
        if members.get("key_ops").is_some_and(|ops| !ops.as_array().is_some_and(|a| a.iter().any(|o| o == "verify"))) {
            return Err(JoseError::Key("its `key_ops` do not name `verify`"));
        }
        let alg = match text("alg")? {
            None => None,
            Some(name) => {
                Some(SignatureAlgorithm::of_name(name).ok_or(JoseError::Key("its `alg` is none of RS256, PS256, ES256, EdDSA"))?)
            }
        };
        let bytes = |name: &'static str| {
            text(name)?
                .and_then(from_base64url)
                .ok_or(JoseError::Key("a number of it is missing or not base64url without padding"))
        };
        let coordinate =
            |name| <[u8; 32]>::try_from(bytes(name)?).map_err(|_| JoseError::Key("a coordinate of it is not of 32 bytes"));
        let material = match (text("kty")?, text("crv")?) {
            (Some("RSA"), _) => KeyMaterial::rsa(bytes("n")?, bytes("e")?)?,
            (Some("EC"), Some("P-256")) => KeyMaterial::p256(coordinate("x")?, coordinate("y")?)?,
            (Some("OKP"), Some("Ed25519")) => KeyMaterial::ed25519(coordinate("x")?)?,
            _ => return Err(JoseError::Key("only RSA, EC on P-256 and OKP on Ed25519 are known here")),
        };
        let kid = text("kid")?;
        if kid.is_some_and(|k| k.is_empty() || k.len() > KID) {
            return Err(JoseError::Key("its `kid` is empty or too long"));
        }
        Self::new(material, alg, kid)
    }

    /// Reads the `SubjectPublicKeyInfo` of a certificate, in DER. Such a key is for every algorithm of its kind. Chain, dates and usages of the
    /// certificate are the caller's.
    ///
    /// # Errors
    ///
    /// [`JoseError::Key`], as [`from_jwk`](Self::from_jwk).
    pub fn from_certificate_spki(der: &[u8]) -> Result<Self, JoseError> {
        let material = match der::spki(der).ok_or(JoseError::Key("the certificate holds no RSA, P-256 or Ed25519 key"))? {
            Spki::Rsa(key) => KeyMaterial::rsa_of_der(key)?,
            Spki::P256(point) => {
                let (x, y) = point.split_at(32);
                KeyMaterial::p256(fixed(x)?, fixed(y)?)?
            }
            Spki::Ed25519(key) => KeyMaterial::ed25519(fixed(key)?)?,
        };
        Self::new(material, None, None)
    }

    /// The public part of a key of ours: `bytes` is a `RSAPublicKey` in DER, a point of P-256 or an Ed25519 key.
    pub(crate) fn of_private(alg: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, JoseError> {
        let material = match (alg, bytes) {
            (SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256, der) => KeyMaterial::rsa_of_der(der)?,
            (SignatureAlgorithm::Es256, [4, point @ ..]) if point.len() == 64 => {
                let (x, y) = point.split_at(32);
                KeyMaterial::p256(fixed(x)?, fixed(y)?)?
            }
            (SignatureAlgorithm::EdDsa, key) => KeyMaterial::ed25519(fixed(key)?)?,
            (SignatureAlgorithm::Es256, _) => return Err(JoseError::Key("it is no uncompressed point")),
        };
        Self::new(material, Some(alg), None)
    }

    fn new(material: KeyMaterial, alg: Option<SignatureAlgorithm>, kid: Option<&str>) -> Result<Self, JoseError> {
        if alg.is_some_and(|a| !material.is_for(a)) {
            return Err(JoseError::Key("its `alg` is not one of its `kty`"));
        }
        let thumbprint = sha256(material.required().to_string());
        let kid = kid.unwrap_or(&thumbprint).to_owned();
        Ok(Self(Arc::new(CheckedKey { material, alg, kid, thumbprint })))
    }

    /// The key as a JSON Web Key: `kty` and the numbers, `kid`, `use`, and `alg` where the key is for one only.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk = self.0.material.required();
        jwk["kid"] = self.0.kid.as_str().into();
        jwk["use"] = "sig".into();
        if let Some(alg) = self.0.alg {
            jwk["alg"] = alg.name().into();
        }
        jwk
    }

    /// The thumbprint with SHA-256 (RFC 7638): one for each key, whoever writes it. It is `jkt` of a token that is bound with DPoP.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// The name that its owner gave to the key, else the thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The one algorithm that the key is for; `None` when its owner does not say.
    #[must_use]
    pub fn algorithm(&self) -> Option<SignatureAlgorithm> {
        self.0.alg
    }

    /// Whether the key may verify this algorithm: it has the right kind, and its owner did not say that it is for another one.
    #[must_use]
    pub fn is_for(&self, alg: SignatureAlgorithm) -> bool {
        self.0.material.is_for(alg) && self.0.alg.is_none_or(|own| own == alg)
    }

    /// Whether `signature` is one of this key over `message`. A signature of ES256 is its two numbers of 32 bytes (RFC 7518 §3.4).
    #[must_use]
    pub fn verifies(&self, alg: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        let parsed = match (&self.0.material, alg) {
            (KeyMaterial::Rsa { pss, .. }, SignatureAlgorithm::Ps256) => pss,
            (KeyMaterial::Rsa { pkcs1, .. }, SignatureAlgorithm::Rs256) => pkcs1,
            (KeyMaterial::P256 { parsed, .. }, SignatureAlgorithm::Es256) => parsed,
            (KeyMaterial::Ed25519 { parsed, .. }, SignatureAlgorithm::EdDsa) => parsed,
            _ => return false,
        };
        self.is_for(alg) && parsed.verify_sig(message, signature).is_ok()
    }
}

/// Reads the JSON Web Key Set of a client or of another provider. Keys of unknown kinds, for encryption or badly written are left out, as RFC 7517
/// §5 asks.
///
/// # Errors
///
/// [`JoseError::Key`] when `set` is none or has more than [`limits::FOREIGN_KEYS`](crate::limits::FOREIGN_KEYS), when two keys that are kept
/// have one `kid`, and when the set shows a private key: then it must not be trusted any more.
pub fn read_jwks(set: &Value) -> Result<Vec<PublicKey>, JoseError> {
    let keys =
        set.get("keys").and_then(Value::as_array).ok_or(JoseError::Key("a key set is a JSON object with the array `keys`"))?;
    if keys.len() > FOREIGN_KEYS {
        return Err(JoseError::Key("the key set has too many keys"));
    }
    let mut out: Vec<PublicKey> = Vec::with_capacity(keys.len());
    for jwk in keys {
        if jwk.as_object().is_some_and(|members: &Map<_, _>| PRIVATE.iter().any(|name| members.contains_key(*name))) {
            return Err(JoseError::Key("the key set shows a private or a secret key: replace that key, which is known now"));
        }
        let Ok(key) = PublicKey::from_jwk(jwk) else { continue };
        if out.iter().any(|other| other.kid() == key.kid()) {
            return Err(JoseError::Key("two keys of the key set have one `kid`"));
        }
        out.push(key);
    }
    Ok(out)
}

fn fixed(bytes: &[u8]) -> Result<[u8; 32], JoseError> {
    bytes.try_into().map_err(|_| JoseError::Key("it is not of 32 bytes"))
}

impl KeyMaterial {
    fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, JoseError> {
        if n.first().is_none_or(|b| *b == 0) || e.first().is_none_or(|b| *b == 0) {
            return Err(JoseError::Key("an RSA number is empty or begins with a byte zero (RFC 7518 §6.3.1)"));
        }
        let bits = n.len() * 8 - n[0].leading_zeros() as usize;
        if bits < RSA_BITS_LEAST {
            return Err(JoseError::Key("RSA keys have 2048 bits at least"));
        }
        if bits > RSA_BITS_MOST {
            return Err(JoseError::Key("RSA keys have 4096 bits at most"));
        }
        // The exponent is odd and above 2^16 (FIPS 186-5 §5.1), and fits 32 bits: the library takes no larger one.
        let exponent = e.iter().try_fold(0_u32, |value, b| value.checked_mul(256)?.checked_add((*b).into()));
        if exponent.is_none_or(|e| e <= 65_536 || e % 2 == 0) || n.last().is_none_or(|b| b % 2 == 0) {
            return Err(JoseError::Key("its modulus or its exponent cannot be one of RSA; the usual exponent is 65537"));
        }
        let parse = |parameters| {
            RsaPublicKeyComponents { n: &n, e: &e }
                .to_parsed_public_key(parameters)
                .map_err(|_| JoseError::Key("its numbers are no RSA key"))
        };
        let (pkcs1, pss) = (parse(&RSA_PKCS1_2048_8192_SHA256)?, parse(&RSA_PSS_2048_8192_SHA256)?);
        Ok(Self::Rsa { n, e, pkcs1, pss })
    }

    fn rsa_of_der(der: &[u8]) -> Result<Self, JoseError> {
        let (n, e) = der::rsa_components(der).ok_or(JoseError::Key("it is no RSA key in DER"))?;
        Self::rsa(n.to_vec(), e.to_vec())
    }

    fn p256(x: [u8; 32], y: [u8; 32]) -> Result<Self, JoseError> {
        let point = [&[4][..], &x, &y].concat();
        let parsed =
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| JoseError::Key("its point is not on P-256"))?;
        Ok(Self::P256 { x, y, parsed })
    }

    fn ed25519(x: [u8; 32]) -> Result<Self, JoseError> {
        let parsed = ParsedPublicKey::new(&ED25519, x).map_err(|_| JoseError::Key("it is no Ed25519 key"))?;
        Ok(Self::Ed25519 { x, parsed })
    }

    fn is_for(&self, alg: SignatureAlgorithm) -> bool {
        matches!(
            (self, alg),
            (Self::Rsa { .. }, SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256)
                | (Self::P256 { .. }, SignatureAlgorithm::Es256)
                | (Self::Ed25519 { .. }, SignatureAlgorithm::EdDsa)
        )
    }

    /// The members that a thumbprint is made of, in the order of their names (RFC 7638 §3.2).
    fn required(&self) -> Value {
        match self {
            Self::Rsa { n, e, .. } => json!({ "e": base64url(e), "kty": "RSA", "n": base64url(n) }),
            Self::P256 { x, y, .. } => json!({ "crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y) }),
            Self::Ed25519 { x, .. } => json!({ "crv": "Ed25519", "kty": "OKP", "x": base64url(x) }),
        }
    }
}
