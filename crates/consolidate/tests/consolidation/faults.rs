//! What cannot be used is said, and is not passed over.

use crate::facts::{PERSON, fact, filed, owners, person_in, practice, registered_practice, registered_situation, situation};
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_consolidate::{EntityFault, Perimeter, consolidate};
use annuaire_mos::{ExerciceProfessionnel, Objet, Structure};

/// The fault of a person of whom `psla` speaks, too.
fn fault(bad: Fact) -> EntityFault {
    let file = fact("psla", 1, &filed("10", "DUPONT", vec![]));
    let entity = person_in(Perimeter::Restricted, vec![bad, file]);
    assert!(entity.professional.is_some());
    entity.fault.unwrap()
}

#[test]
fn a_fault_names_owner_and_reason() {
    let stated = || registered_situation("10", situation("01", "F990000019"));
    let under = |facet: &str, fact: Fact| Fact { key: FactKey { facet: facet.into(), ..fact.key }, ..fact };
    let with_situation = ExerciceProfessionnel { situations: vec![situation("01", "")], ..practice("10", "DUPONT") };
    for (bad, owner, reason) in [
        (fact("stranger", 2, &stated()), "stranger", "the registry does not describe its owner: register the owner"),
        (under("carte:1", fact("CNOM", 2, &stated())), "CNOM", "\"carte:1\" is no facet"),
        (
            under("situation:02", fact("CNOM", 2, &stated())),
            "CNOM",
            "it is stored as facet \"situation:02\" and speaks of \"situation:01\"",
        ),
        (under("", fact("CNOM", 2, &stated())), "CNOM", "it is stored as facet \"\" and speaks of \"situation:01\""),
        (
            under("contact", fact("psla-sf", 2, &filed("10", "A", vec![]))),
            "psla-sf",
            "it is stored as facet \"contact\" and speaks of \"\"",
        ),
        (Fact { payload: "{".into(), ..fact("CNOM", 2, &stated()) }, "CNOM", "it cannot be read: "),
        (fact("CNOM", 2, &registered_practice(with_situation)), "CNOM", "it states situations within a practice"),
    ] {
        let fault = fault(bad);
        assert_eq!((fault.entity.as_str(), fault.owner.as_str()), (PERSON, owner));
        assert!(fault.reason.starts_with(reason), "{}", fault.reason);
    }
}

#[test]
fn facets_are_parts_of_persons() {
    let mut stated = fact("CNOM", 1, &registered_situation("10", situation("01", "F990000019")));
    stated.key.entity = "ST:F990000019".into();
    let all = consolidate(vec![stated], owners(), Perimeter::Restricted);
    let fault = all["ST:F990000019"].fault.clone().unwrap();
    assert_eq!(fault.reason, "it is stored as \"situation:01\", a facet of persons");
}

/// What the public perimeter does not count cannot put a public resource aside.
#[test]
fn a_restricted_fact_is_no_fault_of_the_public_perimeter() {
    let bad = Fact {
        key: FactKey { owner: "stranger".into(), entity: "ST:F990000019".into(), facet: String::new() },
        payload: "{".into(),
        publication: Publication::Restricted,
        ..fact("CNOM", 2, &filed("10", "A", vec![]))
    };
    let structure = Objet::Structure(Structure { id_technique: "F990000019".into(), ..Default::default() });
    let mut good = fact("finess-eg", 1, &structure);
    good.key.entity = "ST:F990000019".into();
    for (perimeter, faulty) in [(Perimeter::Public, false), (Perimeter::Restricted, true)] {
        let all = consolidate(vec![bad.clone(), good.clone()], owners(), perimeter);
        let entity = &all["ST:F990000019"];
        assert_eq!((entity.fault.is_some(), entity.structure.is_some()), (faulty, true));
    }
}
