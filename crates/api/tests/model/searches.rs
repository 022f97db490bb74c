//! Searches compared with a naive look at every resource, while a writer publishes between two pages.

use annuaire_base::date::parse_instant;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

use crate::naive::{Criterion, Looks, PARAMETERS, criterion, encode, pairs, texts};
use crate::nation::TestNation;

#[test]
fn random_searches_agree_with_a_naive_look_and_pages_never_move() {
    let mut world = TestNation::new();
    let first: Vec<(&str, Vec<Value>)> =
        ["Practitioner", "PractitionerRole", "Organization"].into_iter().map(|ty| (ty, world.all(ty))).collect();
    let mut checked = 0;
    let mut held: Vec<(String, BTreeSet<String>, String)> = Vec::new();
    let strategy = (
        0..3_usize,
        prop::collection::vec((0..PARAMETERS.len(), 0..8_u8, 0..6_usize, any::<[u16; 3]>(), 1..4_usize), 1..4),
        1..90_usize,
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&strategy, |(kind, draws, count)| {
            let (ty, all) = &first[kind];
            let criteria: Vec<Criterion> = draws
                .iter()
                .filter(|d| PARAMETERS[d.0].0 == *ty)
                .map(|(p, form, cut, picks, n)| {
                    let samples: Vec<&Value> = picks[..*n.min(&3)].iter().map(|i| &all[usize::from(*i) % all.len()]).collect();
                    criterion(*p, &samples, *form, *cut)
                })
                .collect();
            let query = criteria.iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join("&");
            let wanted: BTreeSet<String> = all
                .iter()
                .filter(|r| criteria.iter().all(|c| (c.keeps)(r)))
                .map(|r| r["id"].as_str().unwrap().to_owned())
                .collect();
            let (total, ids) = world.walk(&format!("/fhir/v2/{ty}?_count={count}&{query}"), &mut || {});
            prop_assert_eq!(total as usize, wanted.len(), "{}?{}", ty, query);
            prop_assert_eq!(ids.len(), wanted.len(), "{}?{}: a resource came twice or is missing", ty, query);
            prop_assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), wanted, "{}?{}", ty, query);
            Ok(())
        })
        .unwrap();
    // Pages begun before the second delivery end in the state of their first page.
    for (ty, all) in &first {
        for sort in ["", "&_sort=_id", "&_sort=-_lastUpdated"] {
            let page = world.get(&format!("/fhir/v2/{ty}?_count=40{sort}"));
            let next = page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next").unwrap()["url"].to_string();
            let ids =
                page["entry"].as_array().unwrap().iter().map(|e| e["resource"]["id"].as_str().unwrap().to_owned()).collect();
            held.push((next.trim_matches('"').to_owned(), ids, format!("{ty}{sort}")));
            checked += all.len();
        }
    }
    world.deliver("files/next", 1_700_000_100_000);
    for (n, (next, mut ids, what)) in held.into_iter().enumerate() {
        let (total, rest) = world.walk(&next, &mut || {});
        for id in rest {
            assert!(ids.insert(id), "{what}: a resource came twice");
        }
        let wanted: BTreeSet<String> = first[n / 3].1.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((total as usize, &ids), (wanted.len(), &wanted), "{what}");
    }
    // Delta: what changed since the second delivery is what differs now.
    for (ty, old) in &first {
        let now = world.all(ty);
        let changed: BTreeSet<&str> = now.iter().filter(|r| !old.contains(r)).map(|r| r["id"].as_str().unwrap()).collect();
        let since =
            now.iter().filter(|r| parse_instant(r["meta"]["lastUpdated"].as_str().unwrap()).unwrap().0 >= 1_700_000_100_000);
        assert_eq!(changed, since.map(|r| r["id"].as_str().unwrap()).collect(), "{ty}");
        let (total, _) = world.walk(&format!("/fhir/v2/{ty}?_lastUpdated=ge2023-11-14T22:15:00Z"), &mut || {});
        assert_eq!(total as usize, changed.len(), "{ty}");
    }
    assert!(checked > 500);
}

/// Chains and `_has`, through few links and through all of them, before and after a delivery that changes both ends.
#[test]
fn questions_through_links_agree_with_a_naive_look() {
    let mut world = TestNation::new();
    // Searched, how its criteria begin, type that they are about, type and place of the link.
    let links = [
        ("PractitionerRole", "organization.", "Organization", "organization.reference"),
        ("PractitionerRole", "practitioner:Practitioner.", "Practitioner", "practitioner.reference"),
        ("Organization", "partof.", "Organization", "partOf.reference"),
        ("Practitioner", "_has:PractitionerRole:practitioner:", "PractitionerRole", "practitioner.reference"),
        ("Organization", "_has:PractitionerRole:organization:", "PractitionerRole", "organization.reference"),
        ("Organization", "_has:Organization:partof:", "Organization", "partOf.reference"),
    ];
    let strategy = (0..links.len(), 0..PARAMETERS.len(), 0..8_u8, 0..6_usize, any::<[u16; 3]>());
    for round in 0..2 {
        let all: std::collections::BTreeMap<&str, Vec<Value>> =
            ["Practitioner", "PractitionerRole", "Organization"].into_iter().map(|ty| (ty, world.all(ty))).collect();
        let full = std::cell::Cell::new(0);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1_500));
        runner
            .run(&strategy, |(link, parameter, form, cut, picks)| {
                let (ty, begin, inner, path) = links[link];
                if PARAMETERS[parameter].0 != inner {
                    return Ok(());
                }
                let samples: Vec<&Value> = picks.iter().map(|i| &all[inner][usize::from(*i) % all[inner].len()]).collect();
                let criterion = criterion(parameter, &samples, form, cut);
                if criterion.text.ends_with('=') {
                    return Ok(());
                }
                let name = |ty: &str, r: &Value| format!("{ty}/{}", r["id"].as_str().unwrap());
                let kept = || all[inner].iter().filter(|r| (criterion.keeps)(r));
                let ends: BTreeSet<String> = match begin.starts_with("_has") {
                    true => kept().flat_map(|r| texts(r, &[path])).collect(),
                    false => kept().map(|r| name(inner, r)).collect(),
                };
                let wanted = all[ty].iter().filter(|r| match begin.starts_with("_has") {
                    true => ends.contains(&name(ty, r)),
                    false => texts(r, &[path]).iter().any(|to| ends.contains(to)),
                });
                let wanted: BTreeSet<String> = wanted.map(|r| r["id"].as_str().unwrap().to_owned()).collect();
                let (total, ids) = world.walk(&format!("/fhir/v2/{ty}?_count=1000&{begin}{}", criterion.text), &mut || {});
                prop_assert_eq!(total as usize, wanted.len(), "{}?{}{}", ty, begin, criterion.text);
                prop_assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), wanted, "{}?{}{}", ty, begin, criterion.text);
                full.set(full.get() + usize::from(total > 0));
                Ok(())
            })
            .unwrap();
        assert!(full.get() > 100, "only {} answers with something", full.get());
        if round == 0 {
            world.deliver("files/next", 1_700_000_100_000);
        }
    }
}

/// Each form of an include brings what a look at the links brings.
#[test]
fn forms_of_includes_bring_what_they_name() {
    let world = TestNation::new();
    let brought = |query: &str| -> BTreeSet<String> {
        let page = world.get(&format!("/fhir/v2/{query}"));
        let included = page["entry"].as_array().unwrap().iter().filter(|e| e["search"]["mode"] == "include");
        included
            .map(|e| format!("{}/{}", e["resource"]["resourceType"].as_str().unwrap(), e["resource"]["id"].as_str().unwrap()))
            .collect()
    };
    let roles: Vec<Value> = world.get("/fhir/v2/PractitionerRole?_count=20")["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["resource"].clone())
        .collect();
    let linked = |paths: &[&str]| -> BTreeSet<String> { roles.iter().flat_map(|r| texts(r, paths)).collect() };
    let both = linked(&["practitioner.reference", "organization.reference"]);
    let one = linked(&["organization.reference"]);
    assert!(one.len() > 3 && both.len() > one.len());
    for (form, wanted) in [
        ("*", &both),
        ("PractitionerRole:*", &both),
        ("PractitionerRole:organization", &one),
        ("PractitionerRole:organization:Organization", &one),
    ] {
        assert_eq!(&brought(&format!("PractitionerRole?_count=20&_include={form}")), wanted, "{form}");
    }
    let busy = roles.iter().find_map(|r| r["organization"]["reference"].as_str()).unwrap().strip_prefix("Organization/").unwrap();
    let holders = |ty: &str, path: &str| -> BTreeSet<String> {
        let all = world.all(ty).into_iter().filter(|r| texts(r, &[path]).contains(&format!("Organization/{busy}")));
        all.map(|r| format!("{ty}/{}", r["id"].as_str().unwrap())).collect()
    };
    let roles = holders("PractitionerRole", "organization.reference");
    let mut every = roles.clone();
    every.extend(holders("HealthcareService", "providedBy.reference"));
    every.extend(holders("Device", "owner.reference"));
    every.extend(holders("Organization", "partOf.reference"));
    for (form, wanted) in [
        ("*", &every),
        ("PractitionerRole:*", &roles),
        ("PractitionerRole:organization", &roles),
        ("PractitionerRole:organization:Organization", &roles),
    ] {
        assert_eq!(&brought(&format!("Organization?_id={busy}&_revinclude={form}")), wanted, "{form}");
    }
}

/// The business identifier of a target, and addresses of resources here and elsewhere.
#[test]
fn references_by_identifier_and_by_address() {
    let world = TestNation::new();
    let all = world.all("PractitionerRole");
    let total = |query: &str| world.get(&format!("/fhir/v2/PractitionerRole?_count=0&{query}"))["total"].as_u64().unwrap();
    let places = world.all("Organization");
    let mut found = 0;
    for place in places.iter().step_by(7) {
        let to = format!("Organization/{}", place["id"].as_str().unwrap());
        let wanted = all.iter().filter(|r| r["organization"]["reference"] == to.as_str()).count() as u64;
        for (system, value) in pairs(&Looks::Identifiers, place).into_iter().filter(|(s, _)| !s.contains("sirene")) {
            let (system, value) = (encode(&system), encode(&value));
            let here = total(&format!("organization:identifier={system}%7C{value}"));
            assert_eq!(here, total(&format!("organization.identifier={system}%7C{value}")));
            assert_eq!(here, wanted, "{to} {system}|{value}");
            found += here;
        }
        for (address, wanted) in [
            (format!("http://localhost/fhir/v2/{to}"), wanted),
            (format!("http://localhost/fhir/dp/{to}"), wanted),
            (format!("https://autre.example/fhir/v2/{to}"), 0),
            (format!("http://localhost.autre.example/fhir/v2/{to}"), 0),
            (format!("http://autre.example/http://localhost/fhir/v2/{to}"), 0),
        ] {
            assert_eq!(total(&format!("organization={}", encode(&address))), wanted, "{address}");
        }
    }
    assert!(found > 10);
    assert_eq!(world.ask("/fhir/v2/PractitionerRole?organization:identifier=%7C", ("accept", "*/*")).0, 400);
}

#[test]
fn an_excluded_id_is_excluded_and_strict_handling_refuses_idle_modifiers() {
    let world = TestNation::new();
    let total = |query: &str| world.get(&format!("/fhir/v2/Practitioner?_count=0&{query}"))["total"].as_u64().unwrap();
    let first = world.get("/fhir/v2/Practitioner?_count=2");
    let id = |n: usize| first["entry"][n]["resource"]["id"].as_str().unwrap().to_owned();
    assert_eq!(total(&format!("_id:not={},{}", id(0), id(1))), total("") - 2);
    assert_eq!((total("_id:missing=true"), total("_lastUpdated:missing=false")), (0, total("")));
    let strict = |query: &str| world.ask(&format!("/fhir/v2/Practitioner?_count=0&{query}"), ("prefer", "handling=strict"));
    assert_eq!(total("active:bogus=true"), total("active=true"), "no effect, as on the national service");
    let (status, _, body) = strict("active:bogus=true");
    assert!(status == 400 && body.contains("active:bogus"), "{body}");
    assert_eq!(strict("active:not=true&name:contains=a").0, 200);
}

/// A literal of any year is answered at once, and cuts the directory where it should.
#[test]
fn dates_of_any_year_are_answered() {
    let world = TestNation::new();
    let total = |query: &str| world.get(&format!("/fhir/v2/Organization?_count=0&{query}"))["total"].as_u64().unwrap();
    let all = total("");
    for (query, wanted) in [
        ("_lastUpdated=ge0001-01-01", all),
        ("_lastUpdated=ge0001-01-01T00:00:00", all),
        ("_lastUpdated=lt0640", 0),
        ("_lastUpdated=le9999-12-31", all),
        ("_lastUpdated=gt9999", 0),
        ("_lastUpdated=ge2023-11-14&_lastUpdated=lt2023-11-15", all),
        ("_lastUpdated=ge2023-11-14T23:13:20%2B01:00", all),
        ("_lastUpdated=ge2023-11-14T23:13:20+01:00", all),
        ("_lastUpdated=gt2023-11-14T23:13:20.000", 0),
        ("period=ge0001-01-01", total("period:missing=false")),
        ("period=gt9999", total("period=ge9999-12-31")),
    ] {
        assert_eq!(total(query), wanted, "{query}");
    }
    for literal in ["0000", "99999", "2022-00", "2022-99-99", "ge", "-1", "9999-12-31T23:59:59.999999999999999999999%2B14:01"] {
        assert_eq!(world.ask(&format!("/fhir/v2/_history?_since={literal}"), ("accept", "*/*")).0, 400, "{literal}");
    }
}

#[test]
fn a_modifier_without_effect_is_said() {
    let world = TestNation::new();
    let page = world.get("/fhir/v2/Practitioner?name:family=m&active:bogus=true&_count=5");
    let plain = world.get("/fhir/v2/Practitioner?name=m&active=true&_count=5");
    assert_eq!(page["total"], plain["total"], "as on the national service");
    let entries = page["entry"].as_array().unwrap();
    let (told, matches) = entries.split_last().unwrap();
    assert_eq!(matches, plain["entry"].as_array().unwrap());
    assert_eq!(
        (told["search"]["mode"].as_str(), told["resource"]["resourceType"].as_str()),
        (Some("outcome"), Some("OperationOutcome"))
    );
    let issues = told["resource"]["issue"].as_array().unwrap();
    assert_eq!(issues.len(), 2);
    for (issue, (name, help)) in issues.iter().zip([("name:family", ":contains"), ("active:bogus", ":not")]) {
        assert_eq!((issue["severity"].as_str(), issue["code"].as_str()), (Some("warning"), Some("not-supported")));
        assert!(
            issue["diagnostics"].as_str().unwrap().contains(name) && issue["details"]["text"].as_str().unwrap().contains(help)
        );
    }
    let name = told["fullUrl"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap();
    assert_eq!(name.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert_eq!(world.get("/fhir/v2/Practitioner?name:family=m&active:bogus=true&_count=5"), page, "an answer asked again");
    for idle in ["active:not=true", "name:contains=m", "_id:missing=false", "identifier=a"] {
        let page = world.get(&format!("/fhir/v2/Practitioner?_count=1&{idle}"));
        assert!(page["entry"].as_array().into_iter().flatten().all(|e| e["search"]["mode"] == "match"), "{idle}");
    }
}
