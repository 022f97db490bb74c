//! The ring: at every instant, what was signed verifies, and what is signed is known.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_jose::limits::RETIRED;
use annuaire_jose::{JoseError, KeyRing, KeyStage, RotationRule, SignatureAlgorithm, open_token, read_jwks, sign};
use common::ANY;
use proptest::prelude::*;
use serde_json::{Value, json};

const ED: SignatureAlgorithm = SignatureAlgorithm::EdDsa;
const ES: SignatureAlgorithm = SignatureAlgorithm::Es256;
const T: i64 = 1_795_000_000_000;
const RULE: RotationRule = RotationRule { announce_ms: 1_000, life_ms: 10_000, keep_ms: 3_000 };

type RingEdit<'a> = &'a dyn Fn(&mut Value);

fn signed(ring: &KeyRing) -> String {
    sign(ring.signer(ED).unwrap(), "JWT", &json!({ "sub": "x" })).unwrap()
}

/// Whether somebody who has this key set verifies the token.
fn known(jwks: &Value, token: &str) -> bool {
    let keys = read_jwks(jwks).unwrap();
    open_token(token, &ANY, &|header| header.candidates(&keys)).is_ok()
}

fn stages(ring: &KeyRing, alg: SignatureAlgorithm) -> Vec<(KeyStage, i64)> {
    ring.keys().into_iter().filter(|k| k.algorithm() == alg).map(|k| (k.stage(), k.since_ms() - T)).collect()
}

#[test]
fn a_ring_rotates_when_it_is_due() {
    use KeyStage::{Current, Next, Retired};
    let mut ring = KeyRing::new(&[ES, ED, ES], T).unwrap();
    assert_eq!(stages(&ring, ED), [(Current, 0), (Next, 0)]);
    assert_eq!(ring.keys().len(), 4);
    assert_eq!(ring.due_ms(&RULE), Some(T + 10_000));
    assert!(!ring.step(T + 9_999, &RULE).unwrap());
    let first = ring.signer(ED).unwrap().kid().to_owned();

    assert!(ring.step(T + 10_000, &RULE).unwrap());
    assert_eq!(stages(&ring, ED), [(Current, 10_000), (Next, 10_000), (Retired, 10_000)]);
    assert_eq!(stages(&ring, ES), stages(&ring, ED));
    assert_ne!(ring.signer(ED).unwrap().kid(), first);
    assert!(ring.find(&first).is_some());
    assert_eq!(ring.due_ms(&RULE), Some(T + 13_001));

    assert!(!ring.step(T + 13_000, &RULE).unwrap());
    assert!(ring.step(T + 13_001, &RULE).unwrap());
    assert_eq!(stages(&ring, ED), [(Current, 10_000), (Next, 10_000)]);
    assert!(ring.find(&first).is_none());
    // A service that slept for long rotates once.
    assert!(ring.step(T + 1_000_000, &RULE).unwrap());
    assert_eq!(stages(&ring, ED), [(Current, 1_000_000), (Next, 1_000_000), (Retired, 1_000_000)]);
    // A clock that was set back changes nothing.
    assert!(!ring.step(T, &RULE).unwrap());
    assert!(!ring.step(i64::MIN, &RULE).unwrap());
}

#[test]
fn the_key_set_begins_with_the_current_key() {
    let mut ring = KeyRing::new(&[ES, ED], T).unwrap();
    ring.rotate_now(ES, T + 1).unwrap();
    ring.rotate_now(ED, T + 2).unwrap();
    ring.rotate_now(ES, T + 3).unwrap();
    let jwks = ring.jwks();
    let keys = jwks["keys"].as_array().unwrap();
    let algorithms: Vec<&str> = keys.iter().map(|k| k["alg"].as_str().unwrap()).collect();
    assert_eq!(algorithms, ["ES256", "ES256", "ES256", "ES256", "EdDSA", "EdDSA", "EdDSA"]);
    assert_eq!(keys[0]["kid"], ring.signer(ES).unwrap().kid());
    assert_eq!(keys[4]["kid"], ring.signer(ED).unwrap().kid());
    assert!(keys.iter().all(|k| k.get("d").is_none() && k["use"] == "sig"));
    assert_eq!(read_jwks(&jwks).unwrap().len(), 7);
}

#[test]
fn an_algorithm_that_is_added_signs_when_it_is_known() {
    let mut ring = KeyRing::new(&[ES], T).unwrap();
    assert!(ring.signer(ED).is_none());
    assert_eq!(ring.rotate_now(ED, T).unwrap_err(), JoseError::NoKeys("EdDSA"));
    assert!(ring.add(ED, T + 5).unwrap());
    assert!(!ring.add(ED, T + 6).unwrap());
    assert!(ring.signer(ED).is_none());
    assert_eq!(ring.jwks()["keys"].as_array().unwrap().len(), 3);
    assert!(!ring.step(T + 1_005, &RULE).unwrap());
    assert!(ring.step(T + 1_006, &RULE).unwrap());
    assert_eq!(stages(&ring, ED), [(KeyStage::Current, 1_006), (KeyStage::Next, 1_006)]);
}

#[test]
fn a_key_that_others_saw_is_taken_away_at_once() {
    let mut ring = KeyRing::new(&[ED], T).unwrap();
    let (stolen, current) = (signed(&ring), ring.signer(ED).unwrap().kid().to_owned());
    let cached = ring.jwks();
    assert!(ring.withdraw(&current, T + 1).unwrap());
    assert!(!known(&ring.jwks(), &stolen) && ring.find(&current).is_none());
    assert!(known(&cached, &signed(&ring)), "the next key was known");
    assert_eq!(stages(&ring, ED), [(KeyStage::Current, 1), (KeyStage::Next, 1)]);

    let next = ring.keys()[1].kid().to_owned();
    assert!(ring.withdraw(&next, T + 2).unwrap());
    assert_eq!(stages(&ring, ED), [(KeyStage::Current, 1), (KeyStage::Next, 2)]);
    assert!(ring.find(&next).is_none());

    ring.rotate_now(ED, T + 3).unwrap();
    let retired = ring.keys()[2].kid().to_owned();
    assert!(ring.withdraw(&retired, T + 4).unwrap());
    assert_eq!(stages(&ring, ED).len(), 2);
    assert!(!ring.withdraw(&retired, T + 4).unwrap());
}

#[test]
fn a_clock_that_was_set_back_shortens_nothing() {
    let mut ring = KeyRing::new(&[ED], T).unwrap();
    let token = signed(&ring);
    ring.rotate_now(ED, T - 5_000).unwrap();
    ring.step(T + RULE.keep_ms, &RULE).unwrap();
    assert!(known(&ring.jwks(), &token));
}

#[test]
fn retired_keys_are_bounded() {
    let mut ring = KeyRing::new(&[ED], T).unwrap();
    for i in 0..RETIRED as i64 {
        ring.rotate_now(ED, T + i).unwrap();
    }
    assert_eq!(ring.rotate_now(ED, T + 100).unwrap_err(), JoseError::Retired("EdDSA"));
    assert!(!ring.step(T + 100, &RotationRule { announce_ms: 0, life_ms: 0, keep_ms: 3_000 }).unwrap());
    assert!(ring.to_json().len() < annuaire_jose::limits::RING / 2);
    assert_eq!(KeyRing::from_json(&ring.to_json()).unwrap().keys().len(), RETIRED + 2);
    assert!(ring.step(T + 3_001, &RULE).unwrap());
    ring.rotate_now(ED, T + 3_002).unwrap();
}

#[test]
fn a_ring_comes_back_from_its_text() {
    let mut ring = KeyRing::new(&SignatureAlgorithm::ALL, T).unwrap();
    ring.step(T + 20_000, &RULE).unwrap();
    let text = ring.to_json();
    let read = KeyRing::from_json(&text).unwrap();
    assert_eq!(*read.to_json(), *text);
    assert_eq!(read.jwks(), ring.jwks());
    assert!(known(&ring.jwks(), &signed(&read)));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["version"], 1);
    assert!(text.len() * (RETIRED + 2) / 3 < annuaire_jose::limits::RING / 2, "a full ring fits: {}", text.len());

    // No `Debug` form shows a private key: three of its bytes never stand in it.
    let shown = format!("{ring:?}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert!(value["keys"].as_array().unwrap().iter().all(|k| !shown.contains(&k["pkcs8"].as_str().unwrap()[40..52])));
}

#[test]
fn another_text_is_refused() {
    let ring = KeyRing::new(&[ED, ES], T).unwrap();
    let good: Value = serde_json::from_str(&ring.to_json()).unwrap();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut value = good.clone();
        edit(&mut value);
        KeyRing::from_json(&value.to_string()).unwrap_err()
    };
    let table: [(RingEdit<'_>, &str); 12] = [
        (&|v| v["version"] = 2.into(), "another version"),
        (&|v| v["keys"] = json!({}), "not that of a ring"),
        (&|v| v["more"] = 1.into(), "not that of a ring"),
        (&|v| v["keys"][0]["more"] = 1.into(), "not that of a ring"),
        (&|v| v["keys"][0]["since_ms"] = "1".into(), "not that of a ring"),
        (&|v| v["keys"][0]["alg"] = "HS256".into(), "unknown algorithm"),
        (&|v| v["keys"][0]["alg"] = "ES256".into(), "no PKCS#8 private key"),
        (&|v| v["keys"][0]["stage"] = "old".into(), "unknown stage"),
        (&|v| v["keys"][0]["stage"] = "current".into(), "too many or too few"),
        (&|v| v["keys"][0]["pkcs8"] = "!".into(), "not base64"),
        (&|v| v["keys"][1] = v["keys"][0].clone(), "twice"),
        (&|v| drop(v["keys"].as_array_mut().unwrap().remove(0)), "too many or too few"),
    ];
    for (edit, why) in table {
        let error = edited(edit).to_string();
        assert!(error.contains(why), "{error} / {why}");
    }
    for text in ["", "null", "{", &" ".repeat(300_000)] {
        assert!(KeyRing::from_json(text).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// With steps at any instants: the key set of now verifies each token of the last `keep_ms`, and each key set of the last `announce_ms` verifies a
    /// token of now. Storing and reading the ring in between changes nothing.
    #[test]
    fn nobody_sees_a_rotation(
        waits in prop::collection::vec((0_i64..8, 0_i64..3, any::<bool>()), 1..60),
        (announce, life, keep) in (0_i64..6, 0_i64..18, 0_i64..12),
    ) {
        // Multiples of a half second, and a few milliseconds beside them: instants that meet are the difficult ones.
        let (announce_ms, life_ms, keep_ms) = (announce * 500, life * 500, keep * 500);
        let rule = RotationRule { announce_ms, life_ms, keep_ms };
        let mut now = T;
        let mut ring = KeyRing::new(&[ED], now).unwrap();
        let (mut tokens, mut sets) = (vec![(now, signed(&ring))], vec![(now, ring.jwks())]);
        for (halves, beside, steps) in waits {
            // Just before the step, others see the ring as it was.
            now += halves * 500 + beside;
            tokens.push((now, signed(&ring)));
            sets.push((now, ring.jwks()));
            if steps {
                let due = ring.due_ms(&rule).unwrap();
                let changed = ring.step(now, &rule).unwrap();
                prop_assert_eq!(changed, due <= now);
                ring = KeyRing::from_json(&ring.to_json()).unwrap();
                tokens.push((now, signed(&ring)));
                sets.push((now, ring.jwks()));
            }
            let token = signed(&ring);
            for (at, set) in &sets {
                prop_assert!(now - at > announce_ms || known(set, &token), "a key set {} ms old", now - at);
            }
            // The set of that instant is the newest that is not younger.
            if let Some((_, set)) = sets.iter().rev().find(|(at, _)| *at <= now - announce_ms) {
                prop_assert!(known(set, &token));
            }
            let set = ring.jwks();
            for (at, token) in &tokens {
                prop_assert!(now - at > keep_ms || known(&set, token), "a token {} ms old", now - at);
            }
            tokens.retain(|(at, _)| now - at <= keep_ms);
        }
    }
}
