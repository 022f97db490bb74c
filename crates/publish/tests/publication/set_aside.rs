//! An entity out of which nothing can be made stays as it is published and stops nothing.

use crate::followed_registry::*;
use annuaire_fhir::schema::{DEVICE, ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE};
use annuaire_index::Index;
use annuaire_mos::{BoiteLettresMss, Objet, Structure};
use annuaire_publish::limits;
use annuaire_store::OwnerRow;
use serde_json::json;

/// A resource nested too deep, one with a lone surrogate, an object that is no object: what was published stays, what follows
/// is published, and an object that can be made takes its place.
#[test]
fn what_cannot_be_made_stops_nothing() {
    let w = FollowedRegistry::new();
    let good =
        |m: &str| device("fhir", &format!(r#"{{"resourceType":"Device","id":"d","status":"active","manufacturer":"{m}"}}"#));
    let first = w.commit_and_compare(T0, &[good("A"), structure("990000019", "CLINIQUE")]);
    assert_eq!((first.versions, first.set_aside_count), (2, 0));
    for (n, bad) in [
        device("fhir", &deep()),
        device("fhir", r#"{"resourceType":"Device","id":"d","manufacturer":"\ud800"}"#),
        ("FH:Device/d".to_owned(), "fhir", Some("{\"objet\":\"ressource\",\"json\":7}".to_owned())),
        ("FH:Device/d".to_owned(), "fhir", Some("not json".to_owned())),
    ]
    .into_iter()
    .enumerate()
    {
        let followed = w.commit_and_compare(T0 + 1 + n as i64, &[bad, structure("990000019", &format!("CLINIQUE {n}"))]);
        assert_eq!((followed.versions, followed.set_aside_count), (1, 1), "only the structure");
        let named = &followed.set_aside[0];
        assert_eq!((named.entity.as_str(), named.source.as_str(), named.tx.get()), ("FH:Device/d", "fhir", n as u64 + 2));
        assert_eq!(annuaire_publish::set_aside(&w.public).unwrap(), (followed.set_aside, 1));
        assert_eq!(w.body(DEVICE, "d").unwrap()["manufacturer"], "A");
        assert_eq!(w.body(ORGANIZATION, "001-F990000019").unwrap()["name"], format!("CLINIQUE {n}"));
    }
    w.commit_and_compare(T0 + 9, &[good("B")]);
    let made = w.body(DEVICE, "d").unwrap();
    assert_eq!((&made["manufacturer"], &made["meta"]["versionId"]), (&json!("B"), &json!("2")));
    assert_eq!(annuaire_publish::set_aside(&w.public).unwrap(), (vec![], 0));
    // Ended while it is set aside: what is published leaves.
    w.commit_and_compare(T0 + 10, &[device("fhir", &deep())]);
    w.commit_and_compare(T0 + 11, &[("FH:Device/d".into(), "fhir", None)]);
    let made = w.body(DEVICE, "d").unwrap();
    assert_eq!((&made["status"], &made["meta"]["versionId"]), (&json!("inactive"), &json!("3")));
    assert_eq!(annuaire_publish::set_aside(&w.public).unwrap().1, 0);
}

/// A person whose other source cannot be read stays as published; a source that is not open does not disturb the public store.
#[test]
fn an_entity_is_left_as_it_is_as_a_whole() {
    let w = FollowedRegistry::new();
    w.commit_and_compare(T0, &[person("F990000019"), structure("990000019", "A")]);
    let bad: SourceChange = ("PP:810999000003".into(), "r-etatciv", Some("{".into()));
    let followed = w.commit_and_compare(T0 + 1, &[bad]);
    assert_eq!(followed.set_aside_count, 0, "restricted changes are none of the public store");
    assert_eq!(annuaire_publish::set_aside(&w.restricted).unwrap().1, 1);
    // Changes wait in the restricted store meanwhile, and are published there in the end.
    w.commit_and_compare(T0 + 2, &[person("F990000027"), structure("990000027", "B")]);
    let place = |index: &Index| body(index, PRACTITIONER_ROLE, "005-12345").unwrap()["organization"]["reference"].clone();
    assert_eq!(place(&w.public), "Organization/001-F990000027");
    assert_eq!(place(&w.restricted), "Organization/001-F990000019");
    w.commit_and_compare(T0 + 3, &[("PP:810999000003".into(), "r-etatciv", None)]);
    assert_eq!(place(&w.restricted), "Organization/001-F990000027");
}

/// Mailboxes are filed apart from their structure: when they cannot be read, it waits for them, published or not.
#[test]
fn a_structure_waits_for_its_mailboxes() {
    let w = FollowedRegistry::new();
    let s = |name: &str| {
        let s = Structure {
            id_technique: "C99000000000017".into(),
            id_nat_struct: "399000000000017".into(),
            raison_sociale: name.into(),
            ..Default::default()
        };
        put("ST:C99000000000017", "psla", Objet::Structure(s))
    };
    let boxes = |address: &str| {
        let one = BoiteLettresMss { adresse: address.into(), type_bal: "ORG".into(), ..Default::default() };
        put("NS:399000000000017", "mss", Objet::BoitesLettres { boites: vec![one] })
    };
    let bad: SourceChange = ("NS:399000000000017".into(), "mss", Some("{".into()));
    let followed = w.commit_and_compare(T0, &[bad.clone(), s("A")]);
    assert_eq!(followed.set_aside_count, 2);
    assert_eq!(w.body(ORGANIZATION, "001-C99000000000017"), None);
    w.commit_and_compare(T0 + 1, &[boxes("a@mssante.example")]);
    assert_eq!(w.body(ORGANIZATION, "001-C99000000000017").unwrap()["telecom"][0]["value"], "a@mssante.example");
    w.commit_and_compare(T0 + 2, &[bad, s("B")]);
    assert_eq!(w.body(ORGANIZATION, "001-C99000000000017").unwrap()["name"], "A");
    w.commit_and_compare(T0 + 3, &[boxes("b@mssante.example")]);
    let made = w.body(ORGANIZATION, "001-C99000000000017").unwrap();
    assert_eq!((&made["name"], &made["telecom"][0]["value"]), (&json!("B"), &json!("b@mssante.example")));
}

/// A fact of an owner whom nobody describes cannot be ranked: its entity waits, and the others are published. Once the owner is
/// described, the next change is made with both.
#[test]
fn facts_of_strangers_are_set_aside() {
    let w = FollowedRegistry::new();
    let describe = |description: &str| {
        let mut unit = w.registry.begin().unwrap();
        unit.set_owner(&OwnerRow { code: "reprise".into(), description: description.into() }).unwrap();
        save(unit, T0);
    };
    describe("");
    let mut of_order = person("F990000019");
    of_order.1 = "reprise";
    w.commit_and_compare(T0, &[of_order, structure("990000019", "A")]);
    let (named, count) = annuaire_publish::set_aside(&w.restricted).unwrap();
    assert_eq!((count, named[0].source.as_str()), (1, "reprise"));
    assert!(named[0].reason.contains("register the owner"), "{}", named[0].reason);
    assert!(body(&w.restricted, ORGANIZATION, "001-F990000019").is_some());
    describe(r#"{"code":"reprise","kind":"order"}"#);
    commit(&w.registry, T0 + 1, &[person("F990000019")]);
    for (index, view) in [(&w.public, PUBLIC), (&w.restricted, RESTRICTED)] {
        follow(&w.registry, index, view);
        assert_eq!(annuaire_publish::verify(&w.registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
    }
    assert_eq!(annuaire_publish::set_aside(&w.restricted).unwrap().1, 0);
    assert!(body(&w.restricted, PRACTITIONER, PP).is_some() && w.body(PRACTITIONER, PP).is_some());
}

/// More entities than are named: the list is bounded, the count is not.
#[test]
fn many_set_aside_are_counted() {
    let w = FollowedRegistry::new();
    let all: Vec<SourceChange> = (0..50).map(|n| (format!("FH:Device/d{n}"), "fhir", Some("{".to_owned()))).collect();
    let followed = w.commit_and_compare(T0, &all);
    assert_eq!((followed.set_aside.len(), followed.set_aside_count), (limits::NAMED, 50));
}

/// The first changes that are published are not always the first of the log.
#[test]
fn a_late_first_load_is_a_first_load() {
    let w = FollowedRegistry::new();
    w.commit_and_compare(T0, &[device("fhir-restreint", &deep())]);
    w.commit_and_compare(T0 + 1, &[("FH:Device/d".into(), "fhir-restreint", None)]);
    assert!(w.public.is_empty());
    w.commit_and_compare(T0 + 2, &[person("F990000019"), structure("990000019", "A")]);
    assert_eq!(w.body(PRACTITIONER, PP).unwrap()["meta"]["versionId"], "1");
}
