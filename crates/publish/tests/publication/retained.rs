//! Versions that were closed long ago are removed, and nothing else changes.

use crate::followed_registry::*;
use annuaire_base::Tx;
use annuaire_fhir::schema::ORGANIZATION;
use std::cell::Cell;

#[test]
fn closed_versions_are_removed_when_it_pays() {
    let w = FollowedRegistry::new();
    let all: Vec<SourceChange> = (0..40).map(|n| structure(&format!("9900{n:05}"), "A")).collect();
    commit(&w.registry, T0, &all);
    for day in 1..=20 {
        commit(&w.registry, T0 + day * DAY, &[structure("990000000", &format!("A{day}"))]);
    }
    follow(&w.registry, &w.public, PUBLIC);
    let versions = || w.public.snapshot().unwrap().history(ORGANIZATION, "001-F990000000").unwrap().len();
    assert_eq!(versions(), 21);
    let compact = |since_ms: i64, go_on: &dyn Fn() -> bool| annuaire_publish::compact(&w.public, since_ms, go_on).unwrap();
    assert!(compact(T0, &|| true));
    assert_eq!(versions(), 21, "nothing was closed before");
    // Stopped, because a transaction waits; then gone on with.
    let asked = Cell::new(0);
    let stopped = compact(T0 + 10 * DAY, &|| {
        asked.set(asked.get() + 1);
        false
    });
    assert!(!stopped && asked.get() == 1);
    assert!(w.public.compact(T0 + 10 * DAY, &|| true).unwrap().is_complete);
    assert_eq!(versions(), 11);
    assert_eq!(w.public.retained_from(), Tx::new(11));
    // Numbers of versions and instants do not depend on it.
    let now = w.commit_body_of(T0 + 21 * DAY);
    assert_eq!(now["meta"]["versionId"], "22");
    let again = tempfile::tempdir().unwrap();
    let rebuilt = annuaire_publish::open(again.path(), MAP, PUBLIC).unwrap();
    follow(&w.registry, &rebuilt, PUBLIC);
    assert_eq!(body(&rebuilt, ORGANIZATION, "001-F990000000").unwrap(), now);
    for index in [&w.public, &rebuilt] {
        assert_eq!(annuaire_publish::verify(&w.registry, index, PUBLIC, &|_, _, _| {}).unwrap(), Vec::<String>::new());
        assert_eq!(index.check().unwrap(), Vec::<String>::new());
    }
}

impl FollowedRegistry {
    /// Changes the structure once more, and returns its body.
    fn commit_body_of(&self, ms: i64) -> serde_json::Value {
        commit(&self.registry, ms, &[structure("990000000", "LAST")]);
        follow(&self.registry, &self.public, PUBLIC);
        self.body(ORGANIZATION, "001-F990000000").unwrap()
    }
}
