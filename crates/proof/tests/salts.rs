//! Salts: what they depend on, that destruction destroys one resource's and no other's, and what is stored.

#![allow(clippy::unwrap_used)]

use annuaire_base::Tx;
use annuaire_proof::{EntryOp, LogEntry, SaltLine, SaltState, SaltStateError, Secret, VersionSalt, commitment};
use hmac::{Hmac, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn state() -> SaltState {
    SaltState::new(Secret::take(&mut [7; 32]))
}

fn destroy(state: &mut SaltState, name: &str, event: u64) -> bool {
    state.destroy(name, event, Secret::take(&mut [8; 32]))
}

fn salt(state: &SaltState, name: &str, version: u64) -> String {
    state.of(name).salt(version).unwrap().to_hex()
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The definition, for a state of which nothing was destroyed.
fn by_definition(seed: [u8; 32], name: &str, version: u64) -> String {
    let path: [u8; 32] = Sha256::digest(name).into();
    let steps = path[..8].iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let key = steps.fold(seed, |seed, step| hmac(&seed, &[step]));
    let salt = hmac(&key, &[&version.to_be_bytes(), name.as_bytes()].concat());
    salt.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn salts_are_those_of_the_definition() {
    for (name, version) in [("Practitioner/003-1099900001-10", 1), ("Practitioner/003-1099900001-10", 2), ("Organization/1", 1)] {
        assert_eq!(salt(&state(), name, version), by_definition([7; 32], name, version));
    }
}

#[test]
fn a_destroyed_salt_follows_from_nothing_that_is_left_and_the_next_versions_have_others() {
    let (gone, other) = ("Practitioner/003-1099900001-10", "Practitioner/003-1099900002-10");
    let mut state = state();
    let before = [1, 2, 3].map(|version| salt(&state, gone, version));
    let kept = salt(&state, other, 1);
    assert!(destroy(&mut state, gone, 1));
    assert_eq!(salt(&state, other, 1), kept);
    for (version, before) in (1..).zip(&before) {
        assert_ne!(salt(&state, gone, version), *before);
        assert_eq!(salt(&state, gone, version), by_definition([8; 32], gone, version), "from the second tree");
    }
    // No stored seed lies on its path: the seeds of all depths, by the definition.
    let stored = state.to_bytes();
    let path: [u8; 32] = Sha256::digest(gone).into();
    let mut seed = [7; 32];
    for step in path[..8].iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        assert!(!stored.windows(32).any(|window| window == seed));
        seed = hmac(&seed, &[step]);
    }
    assert!(!stored.windows(32).any(|window| window == seed));

    // Once for each withdrawal; a second one, after a return, destroys again.
    assert!(!destroy(&mut state, gone, 1));
    let after_return = salt(&state, gone, 5);
    assert!(state.destroy(gone, 2, Secret::take(&mut [9; 32])));
    assert_eq!(salt(&state, gone, 5), by_definition([9; 32], gone, 5));
    assert_ne!(salt(&state, gone, 5), after_return);
    assert_eq!(salt(&state, other, 1), kept);
}

#[test]
fn what_is_stored_has_the_size_that_is_told_and_leads_back() {
    let mut state = state();
    assert_eq!(state.to_bytes().len(), 16 + 8 + 8 + 8 + 41 + 32);
    let names: Vec<String> = (0..50).map(|n| format!("Practitioner/{n}")).collect();
    for (event, name) in (0..).zip(&names) {
        let before = state.to_bytes().len();
        assert!(destroy(&mut state, name, event));
        let grown = state.to_bytes().len() - before;
        assert!(grown <= 240 * 41 + 8 + 8 + 41, "{grown} bytes");
    }
    let read = SaltState::of_bytes(&state.to_bytes()).unwrap();
    assert_eq!(*read.to_bytes(), *state.to_bytes());
    for name in names.iter().map(String::as_str).chain(["Organization/1"]) {
        assert_eq!(salt(&read, name, 1), salt(&state, name, 1));
    }
    let mut read = read;
    assert!(!destroy(&mut read, &names[0], 0), "what was done is stored too");
}

#[test]
fn damaged_states_are_refused_without_a_word_of_them() {
    let mut state = state();
    destroy(&mut state, "Practitioner/1", 1);
    let good = state.to_bytes();
    assert_eq!(SaltState::of_bytes(b"").unwrap_err(), SaltStateError::Form);
    assert_eq!(SaltState::of_bytes(&good[..16]).unwrap_err(), SaltStateError::Damaged);
    for n in (0..good.len()).step_by(97) {
        let mut bytes = good.to_vec();
        bytes[n] ^= 4;
        assert!(SaltState::of_bytes(&bytes).is_err(), "byte {n}");
        assert!(SaltState::of_bytes(&good[..n]).is_err(), "cut at {n}");
    }
    // Whole, with its digest, and still none: no tree, a tree without a root, a node below another one, counts beyond the bytes.
    let sealed = |content: &[u8]| {
        let bytes = [b"annuaire-salts 1", content].concat();
        [bytes.as_slice(), &Sha256::digest(&bytes)].concat()
    };
    let node = |depth: u8, path: u64| [&[depth][..], &path.to_be_bytes(), &[1; 32]].concat();
    let n = |count: u64| count.to_be_bytes().to_vec();
    for content in [
        vec![],
        n(0),
        [n(0), n(0)].concat(),
        [n(0), n(1), n(0)].concat(),
        [n(0), n(u64::MAX)].concat(),
        [n(u64::MAX)].concat(),
        [n(0), n(1), n(1), node(1, 0)].concat(),
        [n(0), n(1), n(1), node(0, 1)].concat(),
        [n(0), n(1), n(1), node(17, 0)].concat(),
        [n(0), n(1), n(2), node(0, 0), node(1, 0)].concat(),
        [n(0), n(1), n(1), node(0, 0), vec![0]].concat(),
    ] {
        assert_eq!(SaltState::of_bytes(&sealed(&content)).unwrap_err(), SaltStateError::Form, "{content:?}");
    }
    assert!(SaltState::of_bytes(&sealed(&[n(0), n(1), n(1), node(0, 0)].concat())).is_ok());
    assert_eq!(format!("{state:?}"), "SaltState { trees: 2, done: 1, .. }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is destroyed in whatever order: the salts of all others stay, and those of the destroyed ones are new.
    #[test]
    fn only_what_is_destroyed_changes(destroyed in prop::collection::btree_set(0..40_u32, 0..12), read in prop::collection::vec(0..40_u32, 1..20)) {
        let (before, mut after) = (state(), state());
        for n in &destroyed {
            destroy(&mut after, &format!("T/{n}"), u64::from(*n));
        }
        for n in read {
            let name = format!("T/{n}");
            prop_assert_eq!(salt(&before, &name, 3) != salt(&after, &name, 3), destroyed.contains(&n));
        }
    }

    #[test]
    fn no_state_panics(bytes: Vec<u8>) {
        let sealed = [b"annuaire-salts 1", bytes.as_slice()].concat();
        let sealed = [sealed.as_slice(), &Sha256::digest(&sealed)].concat();
        let _ = SaltState::of_bytes(&sealed);
    }

    #[test]
    fn lines_of_a_sidecar_lead_back(tx: u64, ms: u32, bytes: [u8; 32], text in "[0-9a-f -]{0,80}") {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for salt in [None, VersionSalt::parse(&hex)] {
            for op in [EntryOp::Create, EntryOp::Update, EntryOp::Delete] {
                let line = SaltLine { tx: Tx::new(tx), commit_ms: i64::from(ms), op, salt: salt.clone() };
                prop_assert_eq!(SaltLine::parse(&line.to_string()), Ok(line));
            }
        }
        if let Ok(line) = SaltLine::parse(&text) {
            prop_assert_eq!(line.to_string(), text);
        }
    }
}

#[test]
fn lines_of_another_shape_are_refused() {
    let salt = "ab".repeat(32);
    assert!(SaltLine::parse(&format!("41 7 create {salt}")).is_ok());
    for bad in [
        String::new(),
        format!("41 7 create {salt} "),
        format!("041 7 create {salt}"),
        format!("41 7 Create {salt}"),
        format!("41 7  create {salt}"),
        format!("41 7 create {}", &salt[..62]),
        format!("41 -7 create {salt}"),
        format!("41 create {salt}"),
        format!("41 7 create {}", salt.to_uppercase()),
        format!("-1 7 create {salt}"),
        "41 7 create".to_owned(),
    ] {
        assert!(SaltLine::parse(&bad).is_err(), "{bad}");
    }
    assert_eq!(format!("{:?}", VersionSalt::parse(&salt).unwrap()), "VersionSalt(…)");
}

/// Byte by byte, so that another program can make a leaf.
#[test]
fn an_entry_is_its_five_fields_with_their_lengths() {
    let entry = LogEntry { tx: Tx::new(41), commit_ms: 1_000, resource_type: "Device", op: EntryOp::Update, commitment: [9; 32] };
    let mut expected = vec![8, 0, 0, 0, 0, 0, 0, 0, 41, 8, 0, 0, 0, 0, 0, 0, 3, 232, 6];
    expected.extend(b"Device\x06update\x20");
    expected.extend([9; 32]);
    assert_eq!(entry.to_bytes(), expected);
    let leaf: [u8; 32] = Sha256::digest([&[0], expected.as_slice()].concat()).into();
    assert_eq!(entry.leaf(), leaf);

    let salt = VersionSalt::parse(&"0b".repeat(32)).unwrap();
    let mut message = vec![0, 0, 0, 0, 0, 0, 0, 2];
    message.extend(b"id");
    message.extend([0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 32]);
    message.extend([5; 32]);
    assert_eq!(commitment(&salt, "id", 3, &[5; 32]), hmac(&[0x0b; 32], &message));
}
