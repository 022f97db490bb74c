//! Keys against the vectors of the standards, and keys that are refused.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_jose::limits::FOREIGN_KEYS;
use annuaire_jose::{JoseError, PrivateKey, PublicKey, SignatureAlgorithm, read_jwks};
use common::{base64url, from_base64url, vector};
use serde_json::{Value, json};

const SIGNED: [&str; 4] = ["rfc7515-a2", "ps256", "rfc7515-a3", "rfc8037-a4"];

#[test]
fn thumbprints_of_the_standards() {
    let of = |name| PublicKey::from_jwk(&vector(name).jwk()).unwrap();
    let rsa = of("rfc7638");
    assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!((rsa.kid(), rsa.algorithm()), ("2011-04-29", Some(SignatureAlgorithm::Rs256)));
    let okp = of("rfc8037-a4");
    assert_eq!(okp.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!((okp.kid(), okp.algorithm()), (okp.thumbprint(), None));
}

#[test]
fn signatures_of_the_standards_verify_and_no_other_does() {
    for name in SIGNED {
        let v = vector(name);
        let key = PublicKey::from_jwk(&v.jwk()).unwrap();
        let token = v.token();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = from_base64url(signature);
        for alg in SignatureAlgorithm::ALL {
            assert_eq!(key.verifies(alg, signed.as_bytes(), &signature), alg == v.alg(), "{name} {alg:?}");
        }
        for at in [0, 1, signature.len() / 2, signature.len() - 1] {
            let mut wrong = signature.clone();
            wrong[at] ^= 1;
            assert!(!key.verifies(v.alg(), signed.as_bytes(), &wrong), "{name} {at}");
        }
        for wrong in
            [&signature[1..], &[], &[&signature[..], &[0]].concat(), &vec![0; signature.len()], &vec![255; signature.len()]]
        {
            assert!(!key.verifies(v.alg(), signed.as_bytes(), wrong), "{name} {}", wrong.len());
        }
        assert!(!key.verifies(v.alg(), b"other", &signature), "{name}");
    }
}

#[test]
fn a_key_for_one_algorithm_verifies_no_other_one_of_its_kind() {
    let v = vector("ps256");
    let token = v.token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let verifies = |alg: &str| {
        let key = PublicKey::from_jwk(&with(&v.jwk(), "alg", json!(alg))).unwrap();
        key.verifies(SignatureAlgorithm::Ps256, signed.as_bytes(), &from_base64url(signature))
    };
    assert!(verifies("PS256") && !verifies("RS256"));
}

#[test]
fn a_pss_salt_has_the_length_of_the_hash() {
    let token = vector("ps256-salt-20").token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let key = PublicKey::from_jwk(&vector("ps256").jwk()).unwrap();
    assert!(!key.verifies(SignatureAlgorithm::Ps256, signed.as_bytes(), &from_base64url(signature)));
}

/// RS256 and EdDSA give one signature for one text: that of the standard.
#[test]
fn keys_of_the_standards_sign_as_they_do() {
    for name in SIGNED {
        let v = vector(name);
        let key = PrivateKey::from_pkcs8(v.alg(), &v.der("pkcs8")).unwrap();
        let token = v.token();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let made = key.sign_bytes(signed.as_bytes()).unwrap();
        assert!(key.public().verifies(v.alg(), signed.as_bytes(), &made), "{name}");
        let repeats = matches!(v.alg(), SignatureAlgorithm::Rs256 | SignatureAlgorithm::EdDsa);
        assert_eq!(base64url(made) == signature, repeats, "{name}");
    }
}

#[test]
fn one_key_is_equal_from_a_jwk_a_certificate_and_its_private_part() {
    for name in SIGNED {
        let v = vector(name);
        let public = PublicKey::from_jwk(&v.jwk()).unwrap();
        let certified = PublicKey::from_certificate_spki(&v.der("spki")).unwrap();
        let private = PrivateKey::from_pkcs8(v.alg(), &v.der("pkcs8")).unwrap();
        assert_eq!((&public, &public), (&certified, &private.public()), "{name}");
        assert_eq!(private.kid(), public.thumbprint());
        assert_eq!(private.public().algorithm(), Some(v.alg()));
        assert_eq!(certified.algorithm(), None);
        assert_eq!(format!("{private:?}"), format!("PrivateKey({})", public.thumbprint()));
        assert_eq!(PrivateKey::from_pkcs8(v.alg(), &private.pkcs8()).unwrap().kid(), private.kid());

        let jwk = private.public().jwk();
        let names: Vec<&String> = jwk.as_object().unwrap().keys().collect();
        assert!(names.iter().all(|n| ["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"].contains(&n.as_str())), "{names:?}");
        assert_eq!((&jwk["use"], &jwk["alg"], &jwk["kid"]), (&json!("sig"), &json!(v.alg().name()), &json!(private.kid())));
        assert_eq!(PublicKey::from_jwk(&jwk).unwrap().jwk(), jwk);
    }
    let long = vector("rsa-4096");
    assert_eq!(PublicKey::from_certificate_spki(&long.der("spki")), PublicKey::from_jwk(&long.jwk()));
}

#[test]
fn new_keys_differ_and_are_of_their_kind() {
    for alg in SignatureAlgorithm::ALL {
        let (a, b) = (PrivateKey::generate(alg).unwrap(), PrivateKey::generate(alg).unwrap());
        assert_ne!(a.kid(), b.kid());
        assert_eq!(a.algorithm(), alg);
        let signature = a.sign_bytes(b"text").unwrap();
        assert!(a.public().verifies(alg, b"text", &signature));
        assert!(!b.public().verifies(alg, b"text", &signature));
        for other in SignatureAlgorithm::ALL {
            assert_eq!(a.public().is_for(other), other == alg);
        }
    }
}

#[test]
fn a_private_key_of_another_kind_is_refused() {
    for name in ["rfc7515-a2", "rfc7515-a3", "rfc8037-a4", "p-384"] {
        let v = vector(name);
        let der = v.der("pkcs8");
        for alg in SignatureAlgorithm::ALL {
            let fits = match name {
                "rfc7515-a2" => matches!(alg, SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256),
                "p-384" => false,
                _ => v.alg() == alg,
            };
            assert_eq!(PrivateKey::from_pkcs8(alg, &der).is_ok(), fits, "{name} {alg:?}");
        }
        for wrong in [&der[..der.len() - 1], &der[1..], &[]] {
            assert_eq!(PrivateKey::from_pkcs8(SignatureAlgorithm::Es256, wrong).unwrap_err(), JoseError::PrivateKey("ES256"));
        }
    }
}

/// A key with one member changed, or taken away.
fn with(jwk: &Value, name: &str, value: Value) -> Value {
    let mut jwk = jwk.clone();
    match value {
        Value::Null => drop(jwk.as_object_mut().unwrap().remove(name)),
        value => jwk[name] = value,
    }
    jwk
}

#[test]
fn public_keys_that_are_refused() {
    let (rsa, ec, okp) = (vector("rfc7515-a2").jwk(), vector("rfc7515-a3").jwk(), vector("rfc8037-a4").jwk());
    let padded_modulus = base64url([&[0][..], &from_base64url(rsa["n"].as_str().unwrap())].concat());
    let even_modulus = {
        let mut n = from_base64url(rsa["n"].as_str().unwrap());
        *n.last_mut().unwrap() &= 0xfe;
        base64url(n)
    };
    let short = base64url(&from_base64url(ec["x"].as_str().unwrap())[1..]);
    let table = [
        (json!([]), "JSON object"),
        (json!("x"), "JSON object"),
        (json!({}), "only RSA, EC"),
        (json!({ "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ" }), "private members"),
        (json!({ "kty": "oct" }), "only RSA, EC"),
        (with(&rsa, "kty", json!("EC")), "only RSA, EC"),
        (with(&rsa, "kty", json!(1)), "are strings"),
        (with(&ec, "crv", json!("P-384")), "only RSA, EC"),
        (with(&ec, "crv", json!("secp256k1")), "only RSA, EC"),
        (with(&okp, "crv", json!("X25519")), "only RSA, EC"),
        (vector("p-384").jwk(), "only RSA, EC"),
        (vector("rsa-1024").jwk(), "2048 bits at least"),
        (vector("rsa-exponent-3").jwk(), "exponent"),
        (with(&rsa, "e", json!("AQ")), "exponent"),
        (with(&rsa, "e", json!("AQAA")), "exponent"),
        (with(&rsa, "e", json!("AQAAAAE")), "exponent"),
        (with(&rsa, "e", json!("AAEAAQ")), "begins with a byte zero"),
        (with(&rsa, "e", json!("")), "empty"),
        (with(&rsa, "n", json!(padded_modulus)), "begins with a byte zero"),
        (with(&rsa, "n", json!(even_modulus)), "modulus"),
        (with(&rsa, "n", json!(base64url([255; 513]))), "4096 bits at most"),
        (with(&rsa, "n", json!("+/")), "base64url"),
        (with(&rsa, "n", Value::Null), "missing"),
        (with(&ec, "x", json!(short)), "32 bytes"),
        (with(&ec, "x", ec["y"].clone()), "not on P-256"),
        (with(&ec, "y", Value::Null), "missing"),
        (with(&okp, "x", json!(short)), "32 bytes"),
        (with(&ec, "use", json!("enc")), "use"),
        (with(&ec, "key_ops", json!(["sign"])), "key_ops"),
        (with(&ec, "key_ops", json!("verify")), "key_ops"),
        (with(&ec, "alg", json!("ES384")), "alg"),
        (with(&ec, "alg", json!("HS256")), "alg"),
        (with(&ec, "alg", json!("none")), "alg"),
        (with(&ec, "alg", json!("RS256")), "not one of its `kty`"),
        (with(&rsa, "alg", json!("ES256")), "not one of its `kty`"),
        (with(&ec, "kid", json!("")), "kid"),
        (with(&ec, "kid", json!("k".repeat(257))), "kid"),
        (with(&ec, "kid", json!(7)), "are strings"),
    ];
    for (jwk, why) in table {
        let error = PublicKey::from_jwk(&jwk).unwrap_err();
        assert!(matches!(error, JoseError::Key(_)) && error.to_string().contains(why), "{jwk}: {error}");
    }
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for (jwk, value) in [(&ec, json!("AQAB")), (&rsa, json!(null)), (&okp, json!([]))] {
            let mut jwk = jwk.clone();
            jwk[private] = value;
            assert!(PublicKey::from_jwk(&jwk).unwrap_err().to_string().contains("private members"), "{private}");
        }
    }
    assert!(PublicKey::from_jwk(&with(&ec, "key_ops", json!(["verify"]))).is_ok());
    assert!(PublicKey::from_jwk(&with(&ec, "x5c", json!(["ignored"]))).is_ok());
}

#[test]
fn keys_of_certificates_that_are_refused() {
    assert!(PublicKey::from_certificate_spki(&vector("p-384").der("spki")).is_err());
    for name in ["rfc7515-a2", "rfc7515-a3", "rfc8037-a4"] {
        let der = vector(name).der("spki");
        for wrong in [&der[..der.len() - 1], &der[1..], &[&der[..], &[0]].concat()] {
            assert!(PublicKey::from_certificate_spki(wrong).is_err(), "{name}");
        }
        // Each byte of the head says what the rest is.
        for at in 0..12 {
            let mut wrong = der.clone();
            wrong[at] ^= 0x10;
            assert!(PublicKey::from_certificate_spki(&wrong).is_err(), "{name} {at}");
        }
    }
}

#[test]
fn a_key_set_keeps_what_is_known() {
    let (rsa, ec, okp) = (vector("rfc7638").jwk(), vector("rfc7515-a3").jwk(), vector("rfc8037-a4").jwk());
    let set = json!({ "keys": [with(&rsa, "use", json!("enc")), vector("p-384").jwk(), ec, { "kty": "new" }, okp, 7], "x": 1 });
    assert_eq!(read_jwks(&set).unwrap(), [PublicKey::from_jwk(&ec).unwrap(), PublicKey::from_jwk(&okp).unwrap()]);
    assert_eq!(read_jwks(&json!({ "keys": [] })), Ok(Vec::new()));
    let many = |count: usize| json!({ "keys": (0..count).map(|i| with(&ec, "kid", json!(i.to_string()))).collect::<Vec<_>>() });
    assert_eq!(read_jwks(&many(FOREIGN_KEYS)).unwrap().len(), FOREIGN_KEYS);
    let refused = [
        json!([ec]),
        json!({ "keys": {} }),
        many(FOREIGN_KEYS + 1),
        json!({ "keys": [ec, ec] }),
        json!({ "keys": [with(&ec, "kid", json!("a")), with(&okp, "kid", json!("a"))] }),
        json!({ "keys": [ec, with(&okp, "d", json!("nWGx"))] }),
        json!({ "keys": [{ "kty": "oct", "k": "AyM1" }] }),
    ];
    for set in refused {
        assert!(read_jwks(&set).is_err(), "{set}");
    }
}

/// The sets of RFC 7517 §A.1 and §A.2.
#[test]
fn the_key_sets_of_the_standard() {
    let mut ec = json!({
        "kty": "EC", "crv": "P-256", "use": "enc", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let rsa = vector("rfc7638").jwk();
    let read = read_jwks(&json!({ "keys": [ec, rsa] })).unwrap();
    assert_eq!(read.iter().map(PublicKey::kid).collect::<Vec<_>>(), ["2011-04-29"], "a key for encryption is left out");
    assert!(PublicKey::from_jwk(&with(&ec, "use", Value::Null)).is_ok());
    ec["d"] = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE".into();
    assert!(read_jwks(&json!({ "keys": [ec, rsa] })).is_err(), "a private key is shown");
}
