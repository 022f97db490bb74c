//! Searches by sound, compared with a naive look at the names of every resource.

use std::collections::BTreeSet;

use annuaire_base::sound::sound_key;
use annuaire_base::words::{searchable_words, words};
use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::naive::{encode, texts};
use crate::nation::TestNation;

const BOTH: &[&str] = &["name.family", "name.given"];

/// Ids of the resources of which each word of a value sounds as a word of their names.
fn heard(all: &[Value], paths: &[&str], value: &str) -> BTreeSet<String> {
    let sounds = |text: &str| searchable_words(text).iter().map(|word| sound_key(word)).collect::<Vec<_>>();
    let of = |r: &Value| -> BTreeSet<String> { texts(r, paths).iter().flat_map(|text| sounds(text)).collect() };
    let keeps = |r: &&Value| words(value).iter().all(|word| of(r).contains(&sound_key(word)));
    all.iter().filter(keeps).map(|r| r["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn names_are_found_by_sound_and_nothing_else_changes() {
    let world = TestNation::new();
    let people = world.all("Practitioner");
    let structures = world.all("Organization");
    let mut found = 0;
    for person in people.iter().take(60) {
        let of = |path: &str| texts(person, &[path]).first().cloned().unwrap_or_default();
        let (family, given) = (of("name.family"), of("name.given"));
        for (name, value, paths) in [
            ("phonetic", format!("{given} {family}"), BOTH),
            ("name:phonetic", family.clone(), BOTH),
            ("family:phonetic", family.clone(), &BOTH[..1]),
            ("given:phonetic", given.clone(), &BOTH[1..]),
        ] {
            let (_, ids) = world.walk(&format!("/fhir/v2/Practitioner?{name}={}", encode(&value)), &mut || {});
            let wanted = heard(&people, paths, &value);
            found += wanted.len();
            assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), wanted, "{name}={value}");
        }
    }
    assert!(found > 240, "each person is found at least by each of the own names: {found}");
    for structure in structures.iter().filter(|s| s["name"].is_string()).take(20) {
        let name = structure["name"].as_str().unwrap();
        let (_, ids) = world.walk(&format!("/fhir/v2/Organization?name:phonetic={}", encode(name)), &mut || {});
        assert!(ids.contains(&structure["id"].as_str().unwrap().to_owned()), "{name}");
    }
    // As other parameters: in chains, with `_has`, several values, and absent names.
    let ids = |query: &str| world.walk(&format!("/fhir/v2/{query}"), &mut || {}).1.into_iter().collect::<BTreeSet<_>>();
    let family = texts(&people[0], &["name.family"])[0].clone();
    let sound = encode(&family);
    let alike: Vec<String> = ids(&format!("Practitioner?family:phonetic={sound}")).into_iter().collect();
    let roles = ids(&format!("PractitionerRole?practitioner.family:phonetic={sound}"));
    assert_eq!(roles, ids(&format!("PractitionerRole?practitioner={}", alike.join(","))));
    let by_both = ids(&format!("PractitionerRole?practitioner.phonetic={sound}"));
    assert!(by_both.is_superset(&roles) && !roles.is_empty());
    let all: BTreeSet<String> = people.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
    let (without, with) = (ids("Practitioner?phonetic:missing=true"), ids("Practitioner?phonetic:missing=false"));
    assert!(without.is_disjoint(&with) && !with.is_empty());
    assert_eq!(&without | &with, all);
    assert_eq!(ids("Practitioner?phonetic="), all, "an empty value is no criterion");
}

#[test]
fn a_value_that_has_no_sound_is_refused_and_never_means_everything() {
    let world = TestNation::new();
    for query in ["phonetic=19", "phonetic=h", "phonetic=-", "name:phonetic=%20.%20", "given:phonetic=martin,12", "phonetic=,"] {
        let (status, _, body) = world.send(Request::get(format!("/fhir/v2/Practitioner?{query}")).body(Body::empty()).unwrap());
        let outcome: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, outcome["resourceType"].as_str()), (400, Some("OperationOutcome")), "{query}: {body}");
        let details = outcome["issue"][0]["details"]["text"].as_str().unwrap();
        assert!(details.contains("phonetic") || details.contains("name") || details.contains("given"), "{query}: {details}");
    }
    let strict = |query: &str| world.ask(&format!("/fhir/v2/{query}"), ("prefer", "handling=strict")).0;
    assert_eq!(strict("Practitioner?name:phonetic=martin"), 200);
    assert_eq!(strict("Organization?name:phonetic=martin"), 200);
    for unheard in ["Practitioner?mailbox-mss:phonetic=a", "Practitioner?phonetic:exact=a", "Organization?phonetic=a"] {
        assert_eq!(strict(unheard), 400, "{unheard}");
    }
}
