//! Each target on its seeds and on a bounded number of inputs made of them. `ANNUAIRE_FUZZ=50` makes fifty times as many.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the environment gives the number of inputs")]

/// Tries a target.
fn smoke(name: &str, inputs: usize) {
    let times = std::env::var("ANNUAIRE_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    assert!(annuaire_fuzz::run(name, inputs * times).unwrap() > inputs);
}

#[test]
fn texts() {
    smoke("texts", 40_000);
}

#[test]
fn request() {
    smoke("request", 3_000);
}

#[test]
fn bodies() {
    smoke("bodies", 150);
}

#[test]
fn import() {
    smoke("import", 120);
}

#[test]
fn tokens() {
    smoke("tokens", 40_000);
}

#[test]
fn certificates() {
    smoke("certificates", 20_000);
}
