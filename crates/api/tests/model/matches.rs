//! `$match-practitioner`: people are found again from what is published of them, and as others would write it.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::naive::texts;
use crate::nation::TestNation;

const ADDRESS: &str = "/fhir/v2/Practitioner/$match-practitioner";

fn ask(world: &TestNation, media: &str, body: &Value) -> (u16, Value) {
    let request = Request::post(ADDRESS).header("content-type", media).body(Body::from(body.to_string())).unwrap();
    let (status, headers, body) = world.send(request);
    assert!(status != 200 || headers["cache-control"] == "no-store");
    (status, serde_json::from_str(&body).unwrap())
}

fn matches(world: &TestNation, mut person: Value, more: &[Value]) -> Vec<Value> {
    person["resourceType"] = "Practitioner".into();
    let mut parameters = vec![json!({"name": "resource", "resource": person})];
    parameters.extend(more.iter().cloned());
    let (status, bundle) = ask(world, "application/fhir+json", &json!({"resourceType": "Parameters", "parameter": parameters}));
    assert_eq!((status, bundle["type"].as_str()), (200, Some("searchset")), "{bundle}");
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let mut before = 1.0;
    for entry in &entries {
        let score = entry["search"]["score"].as_f64().unwrap();
        assert!(score <= before && score > 0.0, "the likeliest first");
        before = score;
        let weights: f64 = entry["search"]["extension"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|e| e["extension"].as_array().cloned().unwrap_or_default())
            .filter(|part| part["url"] == "weight")
            .map(|part| part["valueDecimal"].as_f64().unwrap())
            .sum();
        assert!((weights - score).abs() < 1e-9, "{entry}");
    }
    entries
}

fn grade(entry: &Value) -> &str {
    entry["search"]["extension"][0]["valueCode"].as_str().unwrap()
}

fn agreement<'a>(entry: &'a Value, feature: &str) -> &'a str {
    let lines = entry["search"]["extension"].as_array().unwrap();
    let line = lines.iter().find(|line| line["extension"][0]["valueCode"] == feature).unwrap();
    line["extension"].as_array().unwrap().iter().find(|part| part["url"] == "agreement").unwrap()["valueCode"].as_str().unwrap()
}

#[test]
fn who_is_published_is_found_again() {
    let world = TestNation::new();
    let people = world.all("Practitioner");
    let (mut with_place, mut sounding) = (0, 0);
    for person in people.iter().filter(|p| p["active"] == true).take(40) {
        let id = person["id"].as_str().unwrap();
        let is_there = |found: &[Value]| found.iter().any(|entry| entry["resource"]["id"] == id);
        // It is told as a read tells it.
        let numbered = matches(&world, json!({"identifier": [person["identifier"][0]]}), &[]);
        let own = numbered.iter().find(|entry| entry["resource"]["id"] == id).unwrap();
        assert_eq!((&own["resource"], grade(own), agreement(own, "identifier")), (person, "certain", "exact"));

        let name = json!({"family": person["name"][0]["family"], "given": person["name"][0]["given"]});
        let named = matches(&world, json!({"name": [name]}), &[json!({"name": "count", "valueInteger": 100})]);
        assert!(is_there(&named), "{name}");
        assert!(named.iter().all(|entry| grade(entry) == "possible"), "a name alone is never certain");

        // One letter typed twice.
        let family = person["name"][0]["family"].as_str().unwrap().to_lowercase();
        if family.chars().count() >= 5 && family.chars().all(char::is_alphabetic) {
            let wrong = format!("{family}{}", family.chars().last().unwrap());
            let near = matches(&world, json!({"name": [{"family": wrong, "given": name["given"]}]}), &[]);
            let own = near.iter().find(|entry| entry["resource"]["id"] == id).unwrap_or_else(|| panic!("{wrong}"));
            assert_eq!(agreement(own, "family"), "near");
            sounding += 1;
        }

        // With profession and place of practice.
        let role = world.get(&format!("/fhir/v2/PractitionerRole?practitioner={id}&_include=PractitionerRole:organization"));
        let entries = role["entry"].as_array().cloned().unwrap_or_default();
        let place = entries.iter().find(|e| !texts(&e["resource"], &["address.city"]).is_empty());
        if let Some(place) = place {
            let described = json!({
                "name": [name],
                "qualification": person["qualification"],
                "address": [{"city": place["resource"]["address"][0]["city"], "postalCode": place["resource"]["address"][0]["postalCode"]}],
            });
            let found = matches(&world, described.clone(), &[]);
            let own = found.iter().find(|entry| entry["resource"]["id"] == id).unwrap();
            assert_eq!((grade(own), agreement(own, "place"), agreement(own, "profession")), ("certain", "exact", "exact"));
            let certain = matches(&world, described, &[json!({"name": "onlyCertainMatches", "valueBoolean": true})]);
            let all_certain = found.iter().filter(|entry| grade(entry) == "certain").count();
            assert_eq!(certain.len(), usize::from(all_certain == 1), "the one that is certain, or none");
            with_place += 1;
        }
    }
    assert!(with_place > 5 && sounding > 5, "{with_place} {sounding}");
    assert!(matches(&world, json!({"name": [{"family": "Zzyzxqwk"}]}), &[]).is_empty());
    let some = matches(
        &world,
        json!({"name": [{"given": people[0]["name"][0]["given"]}]}),
        &[json!({"name": "count", "valueInteger": 1})],
    );
    assert_eq!(some.len(), 1);
}

#[test]
fn bad_questions_are_refused_with_the_place_of_the_fault() {
    let world = TestNation::new();
    let empty =
        json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Practitioner"}}]});
    let (status, outcome) = ask(&world, "application/fhir+json", &empty);
    assert_eq!((status, outcome["resourceType"].as_str()), (400, Some("OperationOutcome")));
    assert_eq!(outcome["issue"][0]["expression"][0], "Parameters.parameter[0].resource");
    assert_eq!(outcome["issue"][0]["code"], "value");
    assert_eq!(ask(&world, "application/fhir+xml", &empty).0, 415);
    assert_eq!(ask(&world, "application/json", &json!([])).0, 400);
    let long = json!({"resourceType": "Parameters", "x": "x".repeat(70_000)});
    assert_eq!(ask(&world, "application/json", &long).0, 413);
    // It is an operation that is posted, and stands in the statement.
    assert_eq!(world.send(Request::get(ADDRESS).body(Body::empty()).unwrap()).0, 404);
    let statement = world.get("/fhir/v2/metadata");
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let operations: Vec<&Value> = resources.iter().flat_map(|r| r["operation"].as_array().into_iter().flatten()).collect();
    assert_eq!(operations.iter().map(|o| o["name"].as_str().unwrap()).collect::<Vec<_>>(), ["match-practitioner"]);
    let martin = json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Practitioner", "name": [{"family": "Martin"}]}}]});
    let xml = Request::post(ADDRESS)
        .header("content-type", "application/fhir+json")
        .header("accept", "application/fhir+xml")
        .body(Body::from(martin.to_string()))
        .unwrap();
    let (status, _, body) = world.send(xml);
    assert!(status == 200 && body.contains("<Bundle"), "{body}");
}
