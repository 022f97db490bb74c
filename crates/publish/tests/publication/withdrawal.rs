//! A withdrawn resource stays in its reduced form for a month.

use crate::followed_registry::*;
use annuaire_base::Tx;
use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE};
use annuaire_index::{Filter, Row};
use annuaire_mos::{Objet, Structure};
use annuaire_terms::Presence;

/// A withdrawn resource is gone from the public store after a month, unless another one points to it; the restricted store
/// keeps it.
#[test]
fn what_left_vanishes() {
    let w = FollowedRegistry::new();
    w.commit_and_compare(T0, &[person("F990000019"), structure("990000019", "A"), structure("990000027", "B")]);
    let gone = |w: &FollowedRegistry, ty, id: &str| {
        let s = w.public.snapshot().unwrap();
        assert_eq!(s.current(ty, id).unwrap().is_some(), s.exists(ty, id).unwrap());
        s.current(ty, id).unwrap().is_none() && !s.history(ty, id).unwrap().is_empty()
    };
    // The person leaves on the first day, both structures on the second; somebody else's role still points to the first one.
    let other = || {
        let mut change = person("F990000019");
        change.0 = "PP:810999000011".into();
        change.2 = change.2.map(|p| p.replace("10999000003", "10999000011").replace("12345", "67890"));
        change
    };
    w.commit_and_compare(T0 + DAY, &[("PP:810999000003".into(), "psla", None), other()]);
    w.commit_and_compare(T0 + 2 * DAY, &[("ST:F990000019".into(), "psla", None), ("ST:F990000027".into(), "psla", None)]);
    assert_eq!(w.body(PRACTITIONER, PP).unwrap()["active"], false);
    let tick =
        |w: &FollowedRegistry, day: i64| w.commit_and_compare(T0 + day * DAY + 1, &[structure("990000035", &format!("C{day}"))]);
    tick(&w, 30);
    assert!(!gone(&w, PRACTITIONER, PP), "a month less a day");
    tick(&w, 31);
    assert!(gone(&w, PRACTITIONER, PP) && gone(&w, PRACTITIONER_ROLE, "005-12345"));
    assert!(!gone(&w, ORGANIZATION, "001-F990000027"));
    {
        let s = w.public.snapshot().unwrap();
        assert_eq!(s.version(PRACTITIONER, PP, 2).unwrap().unwrap().presence, Presence::Withdrawn, "its versions stay");
        assert_eq!(s.search(PRACTITIONER, &Filter::All).unwrap().len(), 1);
        assert!(s.search(PRACTITIONER, &Filter::Ids(vec![PP.into()])).unwrap().is_empty());
        let past = w.public.snapshot_at(Tx::new(4)).unwrap().unwrap();
        assert!(past.current(PRACTITIONER, PP).unwrap().is_some(), "the past stays");
        let rows = s.history(PRACTITIONER, PP).unwrap().into_iter().map(Row::get).collect();
        assert_eq!(s.current_during(&rows, T0 + 31 * DAY + 1, i64::MAX).unwrap().len(), 0);
        assert_eq!(s.current_during(&rows, T0 + 30 * DAY, T0 + 30 * DAY).unwrap().len(), 1);
    }
    tick(&w, 32);
    assert!(gone(&w, ORGANIZATION, "001-F990000027"));
    assert!(!gone(&w, ORGANIZATION, "001-F990000019"), "a role points to it");
    assert!(body(&w.restricted, PRACTITIONER, PP).is_some());
    // It comes back as the next version, and the structure goes once nothing that stays points to it.
    w.commit_and_compare(T0 + 40 * DAY, &[person("F990000035"), ("PP:810999000011".into(), "psla", None)]);
    assert_eq!(w.body(PRACTITIONER, PP).unwrap()["meta"]["versionId"], "4");
    assert_eq!(w.body(PRACTITIONER_ROLE, "005-12345").unwrap()["meta"]["versionId"], "4");
    tick(&w, 42);
    assert!(gone(&w, ORGANIZATION, "001-F990000019"), "the reduced form of the role does not point to it");
    tick(&w, 80);
    assert!(gone(&w, PRACTITIONER_ROLE, "005-67890") && gone(&w, PRACTITIONER, "003-810999000011-10-C"));
}

/// A structure that its source calls closed is described: it stays.
#[test]
fn what_is_closed_is_not_withdrawn() {
    let w = FollowedRegistry::new();
    let s = Structure { id_technique: "F990000019".into(), num_finess: "990000019".into(), ferme: true, ..Default::default() };
    w.commit_and_compare(T0, &[put("ST:F990000019", "finess-eg", Objet::Structure(s))]);
    w.commit_and_compare(T0 + 100 * DAY, &[structure("990000027", "B")]);
    assert_eq!(w.body(ORGANIZATION, "001-F990000019").unwrap()["active"], false);
}
