//! Resources of other directories: their stamps, what of them is public, their references.

use crate::followed_registry::*;
use annuaire_fhir::schema::{DEVICE, ORGANIZATION, PERSON, PRACTITIONER, PRACTITIONER_ROLE, params};
use annuaire_index::{Filter, Index, Row};
use annuaire_mos::Objet;
use annuaire_store::BlockingRegistry;
use serde_json::{Value, json};

/// The first load keeps the stamps of the feed; from then on they are those of the log.
#[test]
fn stamps_are_of_this_log() {
    let w = FollowedRegistry::new();
    let sent = |meta: &str, status: &str| {
        device(
            "fhir-restreint",
            &format!(r#"{{"resourceType":"Device","id":"d","meta":{{{meta}}},"status":"{status}","x":1.10}}"#),
        )
    };
    let raw = |w: &FollowedRegistry| {
        let entry = w.restricted.snapshot().unwrap().current(DEVICE, "d").unwrap().unwrap();
        (String::from_utf8(entry.body().to_vec()).unwrap(), entry.number, entry.last_updated_ms)
    };
    let old = r#""versionId":"7","lastUpdated":"2020-05-01T02:00:00.000+02:00","source":"urn:x""#;
    w.commit_and_compare(T0, &[sent(old, "active")]);
    let as_sent = format!(r#"{{"resourceType":"Device","id":"d","meta":{{{old}}},"status":"active","x":1.10}}"#);
    assert_eq!(raw(&w), (as_sent, 7, 1_588_291_200_000));
    // Other stamps alone are no change (LOG-5).
    w.commit_and_compare(T0 + 1, &[sent(r#""versionId":"9","lastUpdated":"2021-05-01T02:00:00Z","source":"urn:x""#, "active")]);
    assert_eq!((raw(&w).1, w.restricted.snapshot().unwrap().history(DEVICE, "d").unwrap().len()), (7, 1));
    // A change is a version of this log, whatever the feed gives.
    for (n, meta) in [
        r#""versionId":"3","lastUpdated":"2019-01-01T00:00:00Z","source":"urn:x""#,
        r#""versionId":"8","lastUpdated":"0001-01-01T00:00:00Z","source":"urn:x""#,
        r#""versionId":"99","lastUpdated":"9999-12-31T23:59:59Z","source":"urn:x""#,
        r#""lastUpdated":"absurd","source":"urn:x""#,
        r#""source":"urn:x""#,
    ]
    .into_iter()
    .enumerate()
    {
        let at = T0 + 1_000 * (n as i64 + 1);
        w.commit_and_compare(at, &[sent(meta, &format!("s{n}"))]);
        let stamp = format!(r#""versionId":"{}","lastUpdated":"{}""#, 8 + n, annuaire_base::date::iso_ms(at));
        let text =
            format!(r#"{{"resourceType":"Device","id":"d","meta":{{{stamp},"source":"urn:x"}},"status":"s{n}","x":1.10}}"#);
        assert_eq!(raw(&w), (text, 8 + n as u32, at));
    }
    // Never version 1 after a withdrawal.
    w.commit_and_compare(T0 + 10_000, &[("FH:Device/d".into(), "fhir-restreint", None)]);
    w.commit_and_compare(T0 + 11_000, &[sent(r#""versionId":"1","lastUpdated":"2020-01-01T00:00:00Z""#, "active")]);
    assert_eq!((raw(&w).1, raw(&w).2), (14, T0 + 11_000));
}

#[test]
fn a_feed_without_stamps_is_stamped_at_the_commit() {
    let w = FollowedRegistry::new();
    w.commit_and_compare(T0, &[device("fhir", r#"{"resourceType":"Device","id":"d","status":"active"}"#)]);
    let entry = w.public.snapshot().unwrap().current(DEVICE, "d").unwrap().unwrap();
    assert_eq!((entry.number, entry.last_updated_ms), (1, T0));
    assert_eq!(w.body(DEVICE, "d").unwrap()["meta"]["lastUpdated"], annuaire_base::date::iso_ms(T0));
}

/// The open feed is public by enumeration, the restricted one never, and a Person never.
#[test]
fn feeds_are_public_by_enumeration() {
    let w = FollowedRegistry::new();
    let p = |born: &str| json!({"resourceType": "Practitioner", "id": "p", "active": true, "birthDate": born}).to_string();
    let of = |source, id: &str, json: String| put(&format!("FH:{id}"), source, Objet::Ressource { json });
    w.commit_and_compare(
        T0,
        &[
            of("fhir", "Practitioner/p", p("1970-01-01")),
            of("fhir-restreint", "Practitioner/p", p("1970-01-02")),
            of("fhir-restreint", "Practitioner/q", p("1970-01-02").replace("\"p\"", "\"q\"")),
            of("fhir", "Person/x", json!({"resourceType": "Person", "id": "x"}).to_string()),
        ],
    );
    assert_eq!(w.body(PRACTITIONER, "p").unwrap()["birthDate"], Value::Null);
    assert_eq!((w.body(PRACTITIONER, "q"), w.body(PERSON, "x")), (None, None));
    assert_eq!(body(&w.restricted, PRACTITIONER, "p").unwrap()["birthDate"], "1970-01-02");
    assert!(body(&w.restricted, PERSON, "x").is_some());
    assert!(dump(&w.public).iter().all(|line| !line.contains("1970")));
}

/// A reference to another server is no reference to this one, whatever it ends with; a search finds it as it is written.
#[test]
fn another_server_is_not_this_one() {
    let w = FollowedRegistry::new();
    let role = |id: &str, to: &str| {
        let json = json!({"resourceType": "PractitionerRole", "id": id, "organization": {"reference": to}}).to_string();
        put(&format!("FH:PractitionerRole/{id}"), "fhir", Objet::Ressource { json })
    };
    let far = "https://autre.example/fhir/Organization/001-F990000019";
    let near = "Organization/001-F990000019";
    let roles =
        [role("a", far), role("b", near), role("c", &format!("{near}/_history/2")), role("d", "#x"), role("e", "urn:uuid:1")];
    w.commit_and_compare(T0, &[&roles[..], &[structure("990000019", "A")]].concat());
    let snapshot = w.public.snapshot().unwrap();
    let param = params::ORGANIZATION.id;
    let found = |to: &str| {
        let rows = snapshot.search(PRACTITIONER_ROLE, &Filter::Reference { param, target: to.into() }).unwrap();
        rows.iter().map(|row| snapshot.read(Row::new(row)).unwrap().id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (found(near), found(far), found("urn:uuid:1")),
        (vec!["b".into(), "c".into()], vec!["a".to_owned()], vec!["e".to_owned()])
    );
    let named = Box::new(Filter::Exact { param: params::NAME.id, value: "A".into() });
    let chain = Filter::Chain { param, target_type: ORGANIZATION, target_name: "Organization".into(), filter: named };
    assert_eq!(snapshot.search(PRACTITIONER_ROLE, &chain).unwrap().len(), 2);
}

/// A resource of another directory keeps its bytes, its version and its instant, and leaves in a reduced form.
#[test]
fn a_foreign_resource_is_published_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let registry = open_registry(&dir.path().join("r"));
    let index = Index::open(&dir.path().join("i"), 1 << 26, &[]).unwrap();
    let file = dir.path().join("f.ndjson");
    let json = "{\"resourceType\":\"Organization\",\"id\":\"x-1\",\"meta\":{\"versionId\":7,\"lastUpdated\":\"2020-05-01T02:00:00.000+02:00\"},\
        \"identifier\":[{\"system\":\"urn:s\",\"value\":\"9\"}],\"name\":\"CLINIQUE\"}";
    std::fs::write(&file, format!("{json}\n")).unwrap();
    let import = |registry: &BlockingRegistry, full| {
        let options = annuaire_exchange::Options {
            full_feed: full,
            open: true,
            clock: std::sync::Arc::new(|| 1_700_000_000_000),
            ..Default::default()
        };
        annuaire_exchange::import(registry, std::slice::from_ref(&file), &options).unwrap()
    };
    import(&registry, true);
    // A feed that is not given as open data stays restricted.
    let person = dir.path().join("p.ndjson");
    std::fs::write(&person, "{\"resourceType\":\"Person\",\"id\":\"p\"}\n").unwrap();
    let restricted = annuaire_exchange::Options { clock: std::sync::Arc::new(|| 1_700_000_000_000), ..Default::default() };
    annuaire_exchange::import(&registry, &[person], &restricted).unwrap();
    follow(&registry, &index, PUBLIC);
    {
        let s = index.snapshot().unwrap();
        let version = s.current(ORGANIZATION, "x-1").unwrap().unwrap();
        assert_eq!((version.body(), version.number, version.last_updated_ms), (json.as_bytes(), 7, 1_588_291_200_000));
        let updated = |from, before| s.search(ORGANIZATION, &Filter::Updated { from_ms: from, before_ms: before }).unwrap().len();
        assert_eq!((updated(Some(1_588_291_200_000), Some(1_588_291_200_001)), updated(Some(1_600_000_000_000), None)), (1, 0));
        assert!(s.search(PERSON, &Filter::All).unwrap().is_empty(), "a Person is never public");
    }
    std::fs::write(&file, "{\"resourceType\":\"Organization\",\"id\":\"y\"}\n").unwrap();
    import(&registry, true);
    follow(&registry, &index, PUBLIC);
    let s = index.snapshot().unwrap();
    let gone = s.current(ORGANIZATION, "x-1").unwrap().unwrap();
    let body: Value = serde_json::from_slice(gone.body()).unwrap();
    assert_eq!((body["active"].clone(), body["identifier"][0]["value"].clone(), gone.number), (false.into(), "9".into(), 8));
    assert_eq!(annuaire_publish::verify(&registry, &index, PUBLIC, &|_, _, _| {}).unwrap(), Vec::<String>::new());
}
