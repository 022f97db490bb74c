//! Requests of every kind: hostile ones, conditional ones, forms, and refusals.

use axum::body::{Body, to_bytes};
use axum::http::Request;
use proptest::prelude::*;
use serde_json::Value;
use tower::ServiceExt;

use crate::naive::encode;
use crate::nation::TestNation;

/// Whatever is asked, the answer is FHIR and the server did not fail.
#[test]
fn hostile_requests_get_a_fhir_answer() {
    let world = TestNation::new();
    let segment = prop_oneof![
        Just("Practitioner".to_owned()),
        Just("Organization".to_owned()),
        Just("_page".to_owned()),
        Just("_history".to_owned()),
        "[ -~]{0,12}"
    ];
    let name = prop_oneof![
        Just("family:contains".to_owned()),
        Just("_lastUpdated".to_owned()),
        Just("_include:iterate".to_owned()),
        Just("_sort".to_owned()),
        Just("_has:PractitionerRole:practitioner:role".to_owned()),
        Just("organization.address-city".to_owned()),
        Just("period".to_owned()),
        Just("identifier:of-type".to_owned()),
        Just("_count".to_owned()),
        Just("id".to_owned()),
        Just("_format".to_owned()),
        ".{0,10}",
    ];
    let strategy = (prop::collection::vec(segment, 0..4), prop::collection::vec((name, ".{0,20}"), 0..4));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1_500));
    runner
        .run(&strategy, |(segments, pairs)| {
            let path = segments.iter().map(|s| encode(s)).collect::<Vec<_>>().join("/");
            let query = pairs.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect::<Vec<_>>().join("&");
            let request = Request::get(format!("/fhir/v2/{path}?{query}")).body(Body::empty()).unwrap();
            let (status, kind, body) = world.runtime.block_on(async {
                let response = world.app.clone().oneshot(request).await.unwrap();
                let kind = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
                (response.status().as_u16(), kind, to_bytes(response.into_body(), 1 << 30).await.unwrap())
            });
            prop_assert!(status < 500, "{}?{}: {}", path, query, String::from_utf8_lossy(&body));
            prop_assert!(kind.is_some_and(|k| k.starts_with("application/fhir+")), "{}?{}", path, query);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_date_after_the_last_change_is_not_modified() {
    let world = TestNation::new();
    let id = world.get("/fhir/v2/Practitioner?_count=1")["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    let path = format!("/fhir/v2/Practitioner/{id}");
    let (status, headers, _) = world.ask(&path, ("accept", "*/*"));
    let modified = headers["last-modified"].to_str().unwrap().to_owned();
    assert_eq!((status, headers["cache-control"].to_str().unwrap()), (200, "no-cache"));
    let (_, headers, _) = world.ask(&format!("{path}/_history/1"), ("accept", "*/*"));
    assert_eq!(headers["cache-control"], "max-age=86400, immutable");
    // The delivery is the last transaction: the date of the answer itself and any later one are good, a future one is not.
    for (date, wanted) in [
        (modified.as_str(), 304),
        ("Fri, 15 Dec 2023 00:00:00 GMT", 304),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 200),
        ("Wed, 01 Jan 2031 00:00:00 GMT", 200),
    ] {
        assert_eq!(world.ask(&path, ("if-modified-since", date)).0, wanted, "{date}");
    }
}

#[test]
fn a_read_is_cut_as_a_search_is() {
    let world = TestNation::new();
    for query in ["_elements=name", "_elements=Practitioner.name", "_summary=true", "_summary=text", "_summary=data"] {
        let found = &world.get(&format!("/fhir/v2/Practitioner?_count=1&{query}"))["entry"][0]["resource"];
        let path = format!("/fhir/v2/Practitioner/{}", found["id"].as_str().unwrap());
        assert_eq!(&world.get(&format!("{path}?{query}")), found, "{query}");
        assert_eq!(&world.get(&format!("{path}/_history/1?{query}")), found, "{query}");
        assert_eq!(world.ask(&format!("{path}?_summary=x"), ("accept", "*/*")).0, 400);
    }
}

#[test]
fn a_form_asks_its_format_as_a_query_does() {
    let world = TestNation::new();
    let post = |form: &str, tag: &str| {
        let request = Request::post("/fhir/v2/Practitioner/_search")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("if-none-match", tag)
            .body(Body::from(form.to_owned()))
            .unwrap();
        let (status, headers, _) = world.send(request);
        (status, headers["content-type"].to_str().unwrap().to_owned(), headers.get("etag").cloned())
    };
    assert_eq!(post("_count=1&_format=xml", "x").1, "application/fhir+xml;charset=UTF-8");
    assert_eq!(post("bogus=1&_format=application%2Ffhir%2Bxml", "x").1, "application/fhir+xml;charset=UTF-8");
    assert_eq!(post("_count=1&_format=ttl", "x").0, 406);
    let (status, kind, tag) = post("_count=1", "x");
    assert_eq!((status, kind.as_str()), (200, "application/fhir+json;charset=UTF-8"));
    assert_eq!(post("_count=1", tag.unwrap().to_str().unwrap()).0, 200, "a POST is answered whatever the client holds");
    for (accept, status) in [("application/fhir+json; fhirVersion=4.0", 200), ("application/fhir+json; fhirVersion=3.0", 406)] {
        assert_eq!(world.ask("/fhir/v2/Device?_count=0", ("accept", accept)).0, status, "{accept}");
    }
}

/// The documented text alone in `diagnostics`, the kind in `code` where the contract leaves it, the help in `details`.
#[test]
fn a_refusal_says_what_is_documented_and_what_to_do() {
    let world = TestNation::new();
    let value = "Bad parameter value.";
    let long = "x".repeat(1_024);
    let long = format!("Practitioner?identifier={long}");
    let reader = "Parameter bogus not found for resource Practitioner";
    let unsupported = "Can't process the request. Resource type not supported. Server knows how to handle: [Device, HealthcareService, Organization, Practitioner, PractitionerRole]";
    for (path, status, code, text, words) in [
        ("Practitioner?name=a&active=%01", 400, "exception", value, ["In active", "control character"]),
        ("Practitioner?_id=a%09b", 400, "exception", value, ["In _id", "control character"]),
        ("Practitioner?_id=a%00", 400, "exception", value, ["In _id", "control character"]),
        ("PractitionerRole?organization=a%0Ab", 400, "exception", value, ["In organization", "control character"]),
        ("Practitioner?name=%00", 400, "exception", value, ["In name", "control character"]),
        (&long, 400, "exception", value, ["In identifier", "1023"]),
        ("Practitioner?active:missing=maybe", 400, "value", value, ["In active", "true or false"]),
        ("Practitioner?identifier:of-type=a", 400, "value", value, ["In identifier", "system|type|value"]),
        ("PractitionerRole?organization=a/b/c", 400, "exception", "Unknown error", ["In organization", "Type/id"]),
        ("PractitionerRole?organization=/", 400, "value", value, ["In organization", "Type/id"]),
        ("Practitioner?name=%FF", 400, "value", value, ["UTF-8", ""]),
        ("Practitioner?name=100%", 400, "value", value, ["%25", ""]),
        ("Practitioner?=a", 400, "value", value, ["name=value", ""]),
        ("Practitioner?name=-", 400, "value", value, ["In name", "letters or digits"]),
        ("Practitioner?name:contains=%27.%20-", 400, "value", value, ["In name", "letters or digits"]),
        ("Practitioner?name=a,-", 400, "value", value, ["In name", "letters or digits"]),
        ("PractitionerRole?practitioner.name=-", 400, "value", value, ["In practitioner.name", "letters or digits"]),
        ("Practitioner?name=+", 400, "value", value, ["In name", "leave the parameter out"]),
        ("Practitioner?name=,", 400, "value", value, ["In name", "leave the parameter out"]),
        ("Practitioner?identifier=%7C", 400, "value", value, ["In identifier", "system|code"]),
        ("HealthcareService?_profile=%7C1", 400, "value", value, ["In _profile", "canonical"]),
        ("Practitioner?_count=3&_count=4", 400, "value", value, ["In _count", "twice"]),
        (
            "Practitioner?_lastUpdated=gt2022-13",
            400,
            "exception",
            "Bad date literal: gt2022-13",
            ["In _lastUpdated", "2026-11-25"],
        ),
        (
            "Practitioner?_lastUpdated=ge2022-00",
            400,
            "exception",
            "Bad date literal: ge2022-00",
            ["In _lastUpdated", "2026-11-25"],
        ),
        ("Organization?period=2022-02-30", 400, "exception", "Bad date literal: 2022-02-30", ["In period", "2026-11-25"]),
        ("_history?_since=x", 400, "exception", "Bad date literal: x", ["In _since", ""]),
        ("Practitioner?bogus=1", 400, "exception", reader, ["qualification-code", "_id"]),
        ("Practitioner?bogus:exact=1", 400, "exception", reader, ["qualification-code", "_id"]),
        (
            "PractitionerRole?organization.bogus=1",
            400,
            "exception",
            "Parameter bogus not found for resource Organization",
            ["address-city", ""],
        ),
        (
            "Practitioner?_sort=name",
            400,
            "exception",
            "Parameter _sort=name not found for resource Practitioner",
            ["Known: _lastUpdated, _id.", ""],
        ),
        (
            "Organization?_include=x",
            400,
            "exception",
            "Parameter x not found for resource Organization",
            ["Organization:partof", "*"],
        ),
        (
            "Organization?_include=Organization:partof:Device",
            400,
            "exception",
            "Parameter Organization:partof:Device not found for resource Organization",
            ["Organization:partof:Organization", ""],
        ),
        (
            "Practitioner?_revinclude=x",
            400,
            "exception",
            "Parameter x not found for resource Practitioner",
            ["PractitionerRole:practitioner", ""],
        ),
        ("_page?id=x", 400, "exception", "The url can't be processed. Maybe it is too old or corrupted.", ["first page", ""]),
        ("_page", 400, "exception", "Parameter id required to fetch the next page", ["", ""]),
        (
            "Practitioner?_count=x",
            400,
            "exception",
            "The _count parameter must be in the FHIR format with an integer value : \"_count=30\"",
            ["", ""],
        ),
        (
            "Practitioner?_total=x",
            400,
            "exception",
            "Bad value for the _total parameter. Allowed values are : accurate, none, estimate",
            ["", ""],
        ),
        ("Practitioner/none", 404, "exception", "Resource not found with id: none", ["", ""]),
        ("Patient/1", 404, "exception", unsupported, ["", ""]),
        ("Patient", 400, "exception", unsupported, ["", ""]),
        ("Patient?_count=1", 400, "exception", unsupported, ["", ""]),
        ("Patient?name=a", 400, "exception", "Parameter name not found for resource Patient", ["Server knows how to handle", ""]),
        ("Practitioner/a/b/c/d", 404, "not-found", "No resource at this address.", ["", ""]),
        (
            "Practitioner?_format=csv",
            406,
            "not-supported",
            "Format csv is not served: use application/fhir+json or application/fhir+xml, FHIR 4.0.",
            ["", ""],
        ),
    ] {
        let (found, _, body) = world.ask(&format!("/fhir/v2/{path}"), ("accept", "*/*"));
        let told: Value = serde_json::from_str(&body).unwrap();
        let issue = &told["issue"][0];
        assert_eq!((found, issue["code"].as_str(), issue["diagnostics"].as_str()), (status, Some(code), Some(text)), "{path}");
        let help = issue["details"]["text"].as_str().unwrap_or_default();
        assert!(words.iter().all(|w| help.contains(w)), "{path}: {help}");
        assert!(issue["details"]["text"].is_null() != (words != ["", ""]), "{path}: {issue}");
        assert!(issue["details"]["coding"][0]["code"].is_string(), "{path}: {issue}");
    }
    let strict = |path: &str| world.ask(&format!("/fhir/v2/{path}"), ("prefer", "handling=strict"));
    for path in ["Practitioner?bogus=1", "Practitioner?name:bogus=a", "Practitioner?_count:exact=1"] {
        let (status, _, body) = strict(path);
        assert_eq!((status, body.contains("\"not-supported\"")), (400, true), "{path}: {body}");
    }
}
