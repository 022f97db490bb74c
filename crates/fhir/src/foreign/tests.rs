//! A resource of a feed keeps its bytes, shows in public what is enumerated alone, and is stamped by the log.

use super::{Stamps, check_publishable, full_form, reduced_form};
use crate::tests::{PUBLIC, RESTRICTED, SAMPLES};
use crate::view::View;
use annuaire_terms::Resource;
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000_000;

fn body(r: &Resource) -> String {
    let stamp = r.foreign_stamp.as_ref().map_or_else(|| b"\"STAMP\":0".to_vec(), |s| s.stamp.clone());
    let comma: &[u8] = if r.foreign_stamp.is_none() && r.after.first() != Some(&b'}') { b"," } else { b"" };
    String::from_utf8([&r.before[..], &stamp, comma, &r.after].concat()).unwrap()
}

fn published(view: View, json: &str, stamps: Stamps) -> Resource {
    full_form(view, json, stamps).unwrap().unwrap()
}

#[test]
fn a_stamp_of_the_log_takes_the_place_of_the_one_sent_and_other_bytes_stay() {
    let cases = [
        (r#"{"resourceType":"Device","id":"a"}"#, r#"{"resourceType":"Device","id":"a","meta":{"STAMP":0}}"#),
        (
            r#"{"id":"a","resourceType":"Device","status":"active"}"#,
            r#"{"id":"a","meta":{"STAMP":0},"resourceType":"Device","status":"active"}"#,
        ),
        (
            r#"{"resourceType":"Device","id":"a","meta":{"versionId":"3","lastUpdated":"0001-01-01T00:00:00Z"},"x":1.10}"#,
            r#"{"resourceType":"Device","id":"a","meta":{"STAMP":0},"x":1.10}"#,
        ),
        (
            r#"{"resourceType":"Device","id":"a","meta":{"source":"s","lastUpdated":5,"profile":["p"],"versionId":9}}"#,
            r#"{"resourceType":"Device","id":"a","meta":{"source":"s","STAMP":0,"profile":["p"]}}"#,
        ),
        (
            r#"{"resourceType":"Device","id":"a","meta":{"source":"s"}}"#,
            r#"{"resourceType":"Device","id":"a","meta":{"STAMP":0,"source":"s"}}"#,
        ),
    ];
    for (sent, want) in cases {
        assert_eq!(body(&published(RESTRICTED, sent, Stamps::Log)), want);
    }
}

#[test]
fn the_first_load_keeps_stamps_that_can_be_true() {
    let first = Stamps::Feed { before_ms: NOW };
    let with = |meta: &str| format!(r#"{{"resourceType":"Device","id":"a","meta":{{{meta}}},"status":"active"}}"#);
    for (meta, version, ms) in [
        (r#""versionId":"7","lastUpdated":"2020-05-01T02:00:00.000+02:00""#, 7, 1_588_291_200_000),
        (r#""lastUpdated":"2020-05-01T00:00:00Z","versionId":7,"source":"s""#, 7, 1_588_291_200_000),
    ] {
        let r = published(RESTRICTED, &with(meta), first);
        let stamp = r.foreign_stamp.clone().unwrap();
        assert_eq!((body(&r), stamp.version, stamp.last_updated_ms), (with(meta), Some(version), ms));
    }
    let r = published(RESTRICTED, &with(r#""versionId":"abc","lastUpdated":"2020-05-01T00:00:00Z""#), first);
    assert_eq!(body(&r), with(r#""versionId":"1","lastUpdated":"2020-05-01T00:00:00Z""#));
    for absurd in
        ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "1999-12-31T23:59:59Z", "2020-05-01", "hier", "2030-01-01T00:00:00Z"]
    {
        let meta = format!(r#""versionId":"7","lastUpdated":"{absurd}""#);
        assert_eq!(published(RESTRICTED, &with(&meta), first).foreign_stamp, None, "{absurd}");
    }
}

#[test]
fn what_cannot_be_published_is_said_before() {
    let deep = format!(r#"{{"resourceType":"Device","id":"a","x":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    let long = format!(r#"{{"resourceType":"Device","id":"a","x":"{}"}}"#, "y".repeat(crate::limits::RESOURCE));
    for (json, word) in [
        (deep.as_str(), "recursion"),
        (r#"{"resourceType":"Device","id":"a","manufacturer":"\ud800"}"#, "hex escape"),
        (r#"{"resourceType":"Patient","id":"a"}"#, "Patient"),
        (r#"{"resourceType":"Device","id":"a b"}"#, "id"),
        (r#"{"resourceType":"Device"}"#, "id"),
        (r#"{"resourceType":"Device","id":"a","meta":[]}"#, "meta"),
        (r#"{"resourceType":"Device","id":"a","meta":{},"meta":{}}"#, "twice"),
        (r#"{"resourceType":"Device","id":"a","meta":{"lastUpdated":"x","lastUpdated":"y"}}"#, "twice"),
        (r#"{"resourceType":"Device","id":"a""#, "JSON"),
        (long.as_str(), "longer"),
    ] {
        let reason = check_publishable(json).unwrap_err();
        assert!(reason.contains(word), "{reason}");
    }
    for fine in [
        r#"{"resourceType":"Device","id":"a","meta":{"lastUpdated":"0001-01-01T00:00:00Z"}}"#,
        r#"{"resourceType":"Person","id":"p","birthDate":"absurd"}"#,
        r#"{"resourceType":"Practitioner","id":"p","telecom":"no array","extension":[1,null]}"#,
    ] {
        assert_eq!(check_publishable(fine), Ok(()), "{fine}");
    }
}

/// The samples of the guide are public as they are.
#[test]
fn public_samples_lose_nothing() {
    for sample in SAMPLES {
        let json = serde_json::from_str::<Value>(sample).unwrap().to_string();
        let made = published(PUBLIC, &json, Stamps::Feed { before_ms: i64::MAX });
        assert_eq!(serde_json::from_str::<Value>(&body(&made)).unwrap(), serde_json::from_str::<Value>(sample).unwrap());
    }
}

#[test]
fn only_what_is_named_is_public() {
    let email = json!({"url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type", "valueCoding": {"code": "MSSANTE"}});
    let metadata = |more: Value| json!({"url": "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata", "extension": [more]});
    let secret = json!({
        "resourceType": "Practitioner", "id": "p", "implicitRules": "SECRET",
        "meta": {"tag": [{"code": "SECRET"}], "source": "s"},
        "text": {"status": "generated", "div": "<div>SECRET</div>"}, "contained": [{"resourceType": "Person", "id": "SECRET"}],
        "extension": [{"url": "urn:SECRET", "valueString": "SECRET"},
            {"url": "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-smartcard", "extension": [
                {"url": "number", "valueString": "1"}, {"url": "oppositionDate", "valueDateTime": "SECRET"}], "id": "SECRET"}],
        "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": "10999000001", "period": {"start": "SECRET"}, "assigner": {"display": "SECRET"}},
            {"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "SECRET"}, {"value": "SECRET"}],
        "active": true, "birthDate": "SECRET", "_birthDate": {"extension": [{"url": "SECRET"}]}, "gender": "SECRET", "photo": [{"data": "SECRET"}],
        "name": [{"use": "maiden", "family": "SECRET"}, {"use": "usual", "family": "A", "given": ["B"], "_given": [{"id": "SECRET"}], "period": {"start": "SECRET"}},
            {"use": "official", "family": "SECRET"}],
        "telecom": [{"system": "phone", "value": "SECRET"}, {"system": "email", "value": "SECRET"},
            {"extension": [email.clone(), metadata(json!({"url": "listeRouge", "valueBoolean": true}))], "system": "email", "value": "SECRET"},
            {"extension": [email.clone(), metadata(json!({"url": "responsible", "valueString": "SECRET"}))], "system": "email", "value": "a@mssante.example", "period": {"start": "SECRET"}}],
        "address": [{"city": "SECRET"}], "communication": [{"text": "SECRET"}],
        "qualification": [{"code": {"coding": [{"system": "s", "code": "10", "extension": [{"url": "SECRET"}]}]}, "period": {"start": "SECRET"}, "issuer": {"display": "SECRET"},
            "identifier": [{"value": "SECRET"}]}],
        "SECRET": 1
    });
    let public: Value = serde_json::from_str(&body(&published(PUBLIC, &secret.to_string(), Stamps::Log))).unwrap();
    let want = json!({
        "resourceType": "Practitioner", "id": "p", "meta": {"STAMP": 0, "source": "s"},
        "extension": [{"url": "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-smartcard", "extension": [{"url": "number", "valueString": "1"}]}],
        "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": "10999000001"}],
        "active": true, "name": [{"use": "usual", "family": "A", "given": ["B"]}],
        "telecom": [{"extension": [email], "system": "email", "value": "a@mssante.example"}],
        "qualification": [{"code": {"coding": [{"system": "s", "code": "10"}]}}]
    });
    assert_eq!(public, want);
    // All of it stays in the restricted perimeter, and nothing of it is found by a public search.
    assert!(body(&published(RESTRICTED, &secret.to_string(), Stamps::Log)).contains("<div>SECRET"));
    assert!(!format!("{:?}", published(PUBLIC, &secret.to_string(), Stamps::Log).terms).contains("SECRET"));
    let reduced = reduced_form(PUBLIC, &secret.to_string()).unwrap().unwrap();
    assert!(!body(&reduced).contains("SECRET"));
    for hidden in [
        json!({"resourceType": "Person", "id": "p"}),
        json!({"resourceType": "Device", "id": "p", "meta": {"profile": ["https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-device"]}}),
        json!({"resourceType": "Device", "id": "p", "meta": {"security": [{"code": "R"}]}}),
    ] {
        assert!(full_form(PUBLIC, &hidden.to_string(), Stamps::Log).unwrap().is_none());
        assert!(reduced_form(PUBLIC, &hidden.to_string()).unwrap().is_none());
    }
}

#[test]
fn names_cannot_be_disguised() {
    // An escaped name is the name; a member given twice in an inner object passes by the same rule.
    let sent = r#"{"resourceType":"Practitioner","id":"p","birth\u0044ate":"SECRET","n\u0061me":[{"family":"A","per\u0069od":{"start":"SECRET"}}],"qualification":[{"code":{},"code":{"text":"T","x":"SECRET"}}]}"#;
    assert_eq!(
        body(&published(PUBLIC, sent, Stamps::Log)),
        r#"{"resourceType":"Practitioner","id":"p","meta":{"STAMP":0},"name":[{"family":"A"}],"qualification":[{"code":{},"code":{"text":"T"}}]}"#
    );
}

#[test]
fn what_is_withdrawn_keeps_what_it_is_known_by() {
    let of = |json: Value| -> Value {
        serde_json::from_str(&body(&reduced_form(RESTRICTED, &json.to_string()).unwrap().unwrap())).unwrap()
    };
    let meta = json!({"versionId": "4", "lastUpdated": "2020-01-01T00:00:00Z", "source": "s", "profile": ["p"], "tag": [{}]});
    let left = json!({"STAMP": 0, "source": "s", "profile": ["p"]});
    assert_eq!(
        of(
            json!({"resourceType": "Organization", "id": "o", "meta": meta, "language": "fr", "identifier": [{"value": "9"}], "active": true, "name": "CLINIQUE", "telecom": [{}]})
        ),
        json!({"resourceType": "Organization", "id": "o", "meta": left, "language": "fr", "identifier": [{"value": "9"}], "name": "CLINIQUE", "active": false})
    );
    assert_eq!(
        of(json!({"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/p"}, "code": []})),
        json!({"resourceType": "PractitionerRole", "id": "r", "meta": {"STAMP": 0}, "practitioner": {"reference": "Practitioner/p"}, "active": false})
    );
    assert_eq!(
        of(json!({"resourceType": "Device", "id": "d", "status": "active", "identifier": [{"value": "1"}], "manufacturer": "M"})),
        json!({"resourceType": "Device", "id": "d", "meta": {"STAMP": 0}, "identifier": [{"value": "1"}], "status": "inactive"})
    );
    assert_eq!(
        of(json!({"resourceType": "Practitioner", "id": "p", "name": [{"family": "A"}], "identifier": []})),
        json!({"resourceType": "Practitioner", "id": "p", "meta": {"STAMP": 0}, "identifier": [], "active": false})
    );
}

/// A published form is its own public part, so that a copy of the public store holds what its origin does.
#[test]
fn an_adeli_number_is_public_when_the_national_identification_is_made_of_it() {
    let of = |system: &str, value: &str| json!({"system": system, "value": value});
    let (national, adeli) = ("urn:oid:1.2.250.1.71.4.2.1", "https://adeli.esante.gouv.fr");
    let shown = |identifiers: Value| {
        let person = json!({"resourceType": "Practitioner", "id": "p", "identifier": identifiers});
        let body: Value = serde_json::from_str(&body(&published(PUBLIC, &person.to_string(), Stamps::Log))).unwrap();
        body["identifier"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(shown(json!([of(national, "0990001489"), of(adeli, "990001489")])), 2);
    assert_eq!(
        shown(json!([of(national, "810999000010"), of(adeli, "990001489")])),
        1,
        "of somebody with an RPPS number it is not"
    );
    assert_eq!(shown(json!([of(adeli, "990001489")])), 0);
    assert_eq!(shown(json!(of(national, "0990001489"))), 0, "no list");
}
