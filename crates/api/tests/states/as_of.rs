//! Reads of a past state (interop §11.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use annuaire_base::Tx;
use annuaire_base::date::{http_date, iso_ms};
use annuaire_fhir::schema::ORGANIZATION;
use annuaire_index::{Error, GroupItem, TxEnd};
use annuaire_terms::TypeId;
use annuaire_web::{Gate, GateSettings};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use proptest::prelude::*;
use serde_json::Value;
use tower::ServiceExt;

use crate::node::{LOG, Node, commit_ms, first_resources, next, organization, role, withdraw};

/// A node over the store of another one, which has kept no answer yet.
async fn ask_fresh(node: &Node, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, String) {
    let gate = Arc::new(Gate::new(GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))));
    let settings = annuaire_api::ApiSettings::new(gate, [7; 32], Arc::default());
    let app = annuaire_api::router(node.served.clone(), None, settings);
    let mut request = Request::get(path).header("host", "annuaire.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
    let body = to_bytes(body, 1 << 26).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The directory as a client that writes everything down has it.
#[derive(Clone, Default)]
struct NaiveState {
    /// Name and version of each structure that stands.
    organizations: BTreeMap<u64, (String, u32)>,
    /// Structure of each role that stands.
    roles: BTreeMap<u64, u64>,
}

/// What a transaction does.
#[derive(Debug, Clone)]
enum Step {
    Name { n: u64, name: &'static str },
    Role { n: u64, organization: u64 },
    Vanish { n: u64 },
    Withdraw { n: u64 },
    Nothing,
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop::sample::select(vec!["CLINIQUE A", "CLINIQUE B", "MAISON C"]);
    prop_oneof![
        6 => (1..5_u64, name).prop_map(|(n, name)| Step::Name { n, name }),
        4 => (1..4_u64, 1..5_u64).prop_map(|(n, organization)| Step::Role { n, organization }),
        2 => (1..5_u64).prop_map(|n| Step::Vanish { n }),
        1 => (1..5_u64).prop_map(|n| Step::Withdraw { n }),
        1 => Just(Step::Nothing),
    ]
}

/// Three commits fall into two seconds.
fn instant_ms(tx: u64) -> i64 {
    1_799_000_000_000 + i64::try_from(tx).unwrap() * 667
}

fn end(node: &Node, tx: u64, vanished: Vec<(TypeId, String, u32)>, withdrawn: Vec<(TypeId, String)>) {
    let end = TxEnd { tx: Tx::new(tx), commit_ms: instant_ms(tx), vanished, withdrawn, ..TxEnd::default() };
    node.index.apply_group::<Error>(std::iter::once(Ok(GroupItem::End(end))), None).unwrap();
}

/// Applies a step, to the store and to what the client wrote down. `numbers` are the last versions.
fn take(node: &Node, tx: u64, step: &Step, states: &mut [NaiveState], now: &mut NaiveState, numbers: &mut BTreeMap<u64, u32>) {
    let id = |n: u64| format!("001-{n:04}");
    let put = |resource| {
        let mut preparer = node.index.preparer(Tx::new(tx), instant_ms(tx)).unwrap();
        let prepared = preparer.prepare(resource);
        node.index.apply::<Error>(Tx::new(tx), instant_ms(tx), std::iter::once(prepared)).unwrap();
    };
    match *step {
        Step::Name { n, name } => {
            // Equal content is no version.
            if now.organizations.get(&n).is_none_or(|(before, _)| before != name) {
                *numbers.entry(n).or_default() += 1;
                now.organizations.insert(n, (name.to_owned(), numbers[&n]));
            }
            put(organization(n, name));
        }
        Step::Role { n, organization } => {
            now.roles.insert(n, organization);
            put(role(n, organization));
        }
        Step::Vanish { n } => match now.organizations.remove(&n) {
            Some((_, version)) => {
                numbers.insert(n, version + 1);
                end(node, tx, vec![(ORGANIZATION, id(n), version + 1)], Vec::new());
            }
            None => end(node, tx, Vec::new(), Vec::new()),
        },
        Step::Withdraw { n } => {
            now.organizations.remove(&n);
            for state in states {
                // ASOF-6: what is withdrawn now was never there.
                state.organizations.remove(&n);
            }
            if let Some(number) = numbers.get_mut(&n) {
                *number += 1;
            }
            end(node, tx, Vec::new(), vec![(ORGANIZATION, id(n))]);
        }
        Step::Nothing => end(node, tx, Vec::new(), Vec::new()),
    }
}

const SEARCHES: [&str; 5] = [
    "/fhir/v2/Organization?_count=2",
    "/fhir/v2/Organization?name=clinique&_count=10&_revinclude=PractitionerRole:organization",
    "/fhir/v2/PractitionerRole?organization.name=clinique&_include=PractitionerRole:organization",
    "/fhir/v2/Organization?_summary=count",
    "/fhir/v2/Organization?_sort=-_lastUpdated&_count=3",
];

/// Every answer of a state: the searches with their pages, the reads.
async fn answers(node: &Node, headers: &[(&str, &str)]) -> Vec<(u16, String)> {
    let mut all = Vec::new();
    for search in SEARCHES {
        let mut path = search.to_owned();
        loop {
            let (status, _, body) = ask_fresh(node, &path, headers).await;
            let bundle: Value = serde_json::from_str(&body).unwrap();
            all.push((status, body));
            if !bundle["link"].as_array().unwrap().iter().any(|link| link["relation"] == "next") {
                break;
            }
            path = next(&bundle);
        }
    }
    for n in 1..5 {
        let (status, _, body) = ask_fresh(node, &format!("/fhir/v2/Organization/001-{n:04}"), headers).await;
        all.push((status, body));
    }
    all
}

/// Compares the search on everything, as of a state, with what the client wrote down.
async fn compare(node: &Node, as_of: &str, state: &NaiveState) {
    let path = format!("/fhir/v2/Organization?_count=50&_asOf={as_of}");
    let (status, _, body) = ask_fresh(node, &path, &[]).await;
    assert_eq!(status, 200, "{path}: {body}");
    let bundle: Value = serde_json::from_str(&body).unwrap();
    let found: BTreeMap<u64, (String, u32)> = bundle["entry"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            let resource = &entry["resource"];
            let n = resource["id"].as_str().unwrap().strip_prefix("001-").unwrap().parse().unwrap();
            let version = resource["meta"]["versionId"].as_str().unwrap().parse().unwrap();
            (n, (resource["name"].as_str().unwrap().to_owned(), version))
        })
        .collect();
    assert_eq!(found, state.organizations, "{path}");
    assert_eq!(bundle["total"].as_u64(), Some(state.organizations.len() as u64));
    let clinic = |organization: &u64| state.organizations.get(organization).is_some_and(|(name, _)| name.starts_with("CLINIQUE"));
    let wanted = state.roles.values().filter(|organization| clinic(organization)).count();
    let path = format!("/fhir/v2/PractitionerRole?organization.name=clinique&_summary=count&_asOf={as_of}");
    let (_, _, body) = ask_fresh(node, &path, &[]).await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["total"].as_u64(), Some(wanted as u64), "{path}: {body}");
}

/// Whatever is committed, a state of the past answers what it answered then, byte by byte, and what a client wrote down.
#[test]
fn a_past_state_answers_what_it_answered_then() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases: 24, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let steps = prop::collection::vec(step(), 3..14);
    let run = |steps: Vec<Step>| {
        runtime.block_on(async {
            let node = Node::new(LOG);
            let (mut states, mut then) = (Vec::new(), Vec::new());
            let (mut now, mut numbers) = (NaiveState::default(), BTreeMap::new());
            let mut last_withdrawal = 0;
            for (step, tx) in steps.iter().zip(1..) {
                take(&node, tx, step, &mut states, &mut now, &mut numbers);
                states.push(now.clone());
                then.push(answers(&node, &[]).await);
                if matches!(step, Step::Withdraw { .. }) {
                    last_withdrawal = tx;
                }
            }
            let last = steps.len() as u64;
            for (tx, (state, then)) in (1..).zip(states.iter().zip(&then)) {
                compare(&node, &format!("tx:{tx}"), state).await;
                compare(&node, &iso_ms(instant_ms(tx)), state).await;
                if tx < last {
                    compare(&node, &iso_ms(instant_ms(tx + 1) - 1), state).await;
                }
                // The header names a whole second: the last commit in it.
                let is_last_of_second = instant_ms(tx) / 1_000 < instant_ms(tx + 1) / 1_000;
                if is_last_of_second && tx >= last_withdrawal {
                    let again = answers(&node, &[("accept-datetime", &http_date(instant_ms(tx)))]).await;
                    assert_eq!(again, *then, "as of transaction {tx}");
                }
            }
        });
        Ok(())
    };
    runner.run(&steps, run).unwrap();
}

#[tokio::test]
async fn an_answer_of_the_past_says_which_past_and_may_be_kept() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    node.apply(2, vec![organization(1, "CLINIQUE RENOMMEE"), organization(8, "NOUVELLE")]);
    let then = http_date(commit_ms(1));

    // A read, by header and by parameter.
    let path = "/fhir/v2/Organization/001-0001";
    for (path, headers) in [
        (path.to_owned(), vec![("accept-datetime", &*then)]),
        (format!("{path}?_asOf=tx:1"), vec![("accept-datetime", "nonsense, and the parameter wins")]),
        (format!("{path}?_asOf={}", iso_ms(commit_ms(1))), Vec::new()),
    ] {
        let (status, headers, body) = node.ask(&path, &headers).await;
        assert!(status == 200 && body.contains(r#""name":"CLINIQUE 1""#), "{path}: {status} {body:.200}");
        assert_eq!((text(&headers, "memento-datetime"), text(&headers, "etag")), (&*then, "W/\"1\""));
        assert!(text(&headers, "vary").contains("Accept-Datetime"));
        assert_eq!(text(&headers, "cache-control"), "max-age=86400");
        let address = "http://annuaire.example/fhir/v2/Organization/001-0001";
        assert_eq!(
            text(&headers, "link"),
            format!("<{address}>; rel=\"original\", <{address}/_history>; rel=\"timemap\"; type=\"application/fhir+json\"")
        );
        // Sent back, the instant of the answer gives the answer.
        let (_, _, again) =
            node.ask("/fhir/v2/Organization/001-0001", &[("accept-datetime", text(&headers, "memento-datetime"))]).await;
        assert_eq!(again, body);
    }
    let (status, headers, _) = node.ask(path, &[("accept-datetime", &then), ("if-none-match", "W/\"1\"")]).await;
    assert_eq!((status, text(&headers, "memento-datetime")), (304, &*then));
    let (status, headers, body) = node.ask(path, &[]).await;
    assert!(status == 200 && body.contains("RENOMMEE") && text(&headers, "vary").contains("Accept-Datetime"));
    assert_eq!((text(&headers, "memento-datetime"), text(&headers, "cache-control")), ("", "no-cache"));

    // What was not there yet; what answers no state of the past.
    assert_eq!(node.ask("/fhir/v2/Organization/001-0008?_asOf=tx:1", &[]).await.0, 404);
    assert_eq!(node.ask("/fhir/v2/Organization/001-0008?_asOf=tx:2", &[]).await.0, 200);
    let (_, headers, _) = node.ask("/fhir/v2/metadata", &[("accept-datetime", &then)]).await;
    assert!(text(&headers, "memento-datetime").is_empty() && !text(&headers, "vary").contains("Accept-Datetime"));
    assert_eq!(node.ask("/fhir/v2/Organization/_history?_asOf=tx:1", &[]).await.0, 400);

    // Searches: by address, by form, in XML, and their pages.
    let search = "/fhir/v2/Organization?_count=2&_asOf=tx:1";
    let (_, headers, body) = node.ask(search, &[]).await;
    let bundle: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((bundle["total"].as_u64(), &bundle["meta"]["lastUpdated"]), (Some(4), &Value::from(iso_ms(commit_ms(1)))));
    assert_eq!(text(&headers, "link"), "<http://annuaire.example/fhir/v2/Organization?_count=2>; rel=\"original\"");
    let (status, headers, page) = node.ask(&next(&bundle), &[]).await;
    assert_eq!((status, text(&headers, "memento-datetime")), (200, &*then), "{page:.200}");
    assert_eq!(text(&headers, "link"), "<http://annuaire.example/fhir/v2/Organization?_count=2>; rel=\"original\"");
    let form = Request::post("/fhir/v2/Organization/_search").header("host", "annuaire.example");
    let form = form.header("content-type", "application/x-www-form-urlencoded").body(Body::from("_count=2&_asOf=tx:1")).unwrap();
    let response = node.app.clone().oneshot(form).await.unwrap();
    assert_eq!(text(response.headers(), "memento-datetime"), then);
    let posted: Value = serde_json::from_slice(&to_bytes(response.into_body(), 1 << 26).await.unwrap()).unwrap();
    assert_eq!(posted["entry"], bundle["entry"]);
    let (_, headers, xml) = node.ask(search, &[("accept", "application/fhir+xml")]).await;
    assert!(text(&headers, "memento-datetime") == then && xml.contains("<total value=\"4\"/>"), "{xml:.300}");
}

/// Answers of different states have one address when a header names the state: none is given for another.
#[tokio::test]
async fn kept_answers_of_states_are_told_apart() {
    let node = Node::new(LOG);
    node.apply(1, first_resources());
    node.apply(2, vec![organization(1, "CLINIQUE 1 BIS"), organization(5, "CLINIQUE 5")]);
    let search = "/fhir/v2/Organization?_count=9";
    let then = http_date(commit_ms(1));
    for _ in 0..4 {
        for (headers, total) in [(vec![], 5), (vec![("accept-datetime", &*then)], 4)] {
            let (_, _, body) = node.ask(search, &headers).await;
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["total"], total);
        }
    }
    // The instant of now is not settled: a commit may still fall into it.
    let unsettled = format!("{search}&_asOf=2027-01-04");
    for _ in 0..3 {
        let (_, headers, body) = node.ask(&unsettled, &[]).await;
        assert_eq!(text(&headers, "cache-control"), "no-cache");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["total"], 5);
    }
    node.apply(3, vec![organization(6, "CLINIQUE 6")]);
    assert_eq!(node.json(&unsettled).await["total"], 6);
    assert_eq!(node.json(&format!("{search}&_asOf=2027-01-03T18:13:22Z")).await["total"], 5, "settled since");
}

#[tokio::test]
async fn states_that_are_not_there_are_refused_with_their_reason() {
    let node = Node::new(LOG);
    let paths = ["/fhir/v2/Organization/001-0001", "/fhir/v2/Organization"];
    for path in paths {
        let (status, _, body) = node.ask(&format!("{path}?_asOf=2026"), &[]).await;
        assert!(status == 404 && body.contains("not-found"), "an empty directory: {status} {body}");
    }
    for tx in 1..6 {
        node.apply(tx, vec![organization(1, &format!("CLINIQUE {tx}")), role(1, 1)]);
    }
    for path in paths {
        for (as_of, wanted, code) in [
            ("2020", 404, "not-found"),
            ("tx:0", 404, "not-found"),
            ("2031-01-01", 400, "in the future"),
            ("tx:6", 400, "The last transaction here is 5."),
            ("tx:x", 400, "tx:41"),
            ("last week", 400, "Bad date literal"),
        ] {
            let (status, headers, body) = node.ask(&format!("{path}?_asOf={}", as_of.replace(' ', "%20")), &[]).await;
            assert!(status == wanted && body.contains(code) && body.contains("OperationOutcome"), "{as_of}: {status} {body}");
            assert!(text(&headers, "vary").contains("Accept-Datetime"), "{as_of}");
        }
        let (status, _, body) = node.ask(path, &[("accept-datetime", "Wed, 01 Jan 2031 00:00:00 GMT")]).await;
        assert!(status == 400 && body.contains("in the future"), "{body}");
    }
    // Compaction takes the states before the fourth transaction.
    node.index.compact(commit_ms(4), &|| true).unwrap();
    assert!(node.index.retained_from() > Tx::NONE);
    for path in paths {
        for as_of in ["tx:2", "2027-01-03T18:13:22Z", "2020", "tx:0"] {
            let (status, _, body) = node.ask(&format!("{path}?_asOf={as_of}"), &[]).await;
            let oldest = iso_ms(commit_ms(node.index.retained_from().get()));
            assert!(status == 410 && body.contains("expired") && body.contains(&oldest), "{as_of}: {status} {body}");
        }
        let (status, _, body) = node.ask(&format!("{path}?_asOf=tx:4"), &[]).await;
        assert!(status == 200 && body.contains("CLINIQUE 4"), "{status} {body:.200}");
    }
}

/// ASOF-6: what was withdrawn by law is in no state, under any address of it.
#[tokio::test]
async fn what_is_withdrawn_was_never_there() {
    let node = Node::new(LOG);
    node.apply(1, vec![organization(2, "CLINIQUE SECRET"), role(1, 2)]);
    node.apply(2, vec![organization(2, "CLINIQUE SECRET BIS")]);
    let search = "/fhir/v2/PractitionerRole?_include=PractitionerRole:organization&_asOf=tx:1";
    for _ in 0..3 {
        assert!(node.ask(search, &[]).await.2.contains("SECRET"));
    }
    withdraw(&node.index, 3, vec![(ORGANIZATION, "001-0002".to_owned())]);
    node.served.forget();
    node.served.published();
    let (status, _, body) = node.ask(search, &[]).await;
    assert!(status == 200 && !body.contains("SECRET") && body.contains("005-0001"), "{body}");
    for tx in 1..=3 {
        let (status, _, body) = node.ask(&format!("/fhir/v2/Organization/001-0002?_asOf=tx:{tx}"), &[]).await;
        assert!(status == 410 && !body.contains("SECRET"), "tx {tx}: {status} {body}");
        let found = node.json(&format!("/fhir/v2/Organization?name=clinique&_asOf=tx:{tx}")).await;
        assert_eq!(found["total"], 0);
    }
}

const READER: (&str, &str) = ("authorization", "Bearer reader");
const HISTORIAN: (&str, &str) = ("authorization", "Bearer historian");

/// The restricted perimeter tells what was replaced lately, the historised one everything, each to its own callers.
#[tokio::test]
async fn the_past_of_the_restricted_data_has_a_door_of_its_own() {
    let node = Node::new(LOG);
    for tx in 1..=5 {
        node.apply(tx, vec![organization(1, &format!("CLINIQUE {tx}"))]);
    }
    node.apply(6, vec![organization(2, "AUTRE")]);
    let gate = GateSettings {
        credentials: vec!["reader".to_owned()],
        history_credentials: vec!["historian".to_owned()],
        ..GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))
    };
    // Half a second after the third transaction.
    let past = u64::try_from(1_800_000_000_000 - commit_ms(3) - 500).unwrap();
    let settings = annuaire_api::ApiSettings {
        restricted_past: Some(std::time::Duration::from_millis(past)),
        ..annuaire_api::ApiSettings::new(Arc::new(Gate::new(gate)), [7; 32], Arc::default())
    };
    let app = annuaire_api::router(node.served.clone(), Some(node.served.clone()), settings);
    let ask = async |path: &str, header: Option<(&str, &str)>| {
        let mut request = Request::get(path).header("host", "annuaire.example");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let (parts, body) = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 26).await.unwrap();
        (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
    };
    // A stranger, and the holder of the other credential.
    let all =
        ["metadata", "Organization", "Organization/001-0001", "Organization/001-0001/_history", "_history", "$changes?after=1"];
    for path in all {
        for (door, wrong) in [("dr", None), ("dr", Some(HISTORIAN)), ("historique", None), ("historique", Some(READER))] {
            let (status, headers, body) = ask(&format!("/fhir/{door}/{path}"), wrong).await;
            assert!(
                status == 401 && !body.contains("CLINIQUE") && text(&headers, "cache-control") == "no-store",
                "{door} {path}"
            );
        }
        for (door, right) in [("dr", READER), ("historique", HISTORIAN)] {
            let (status, headers, _) = ask(&format!("/fhir/{door}/{path}"), Some(right)).await;
            assert_eq!((status, text(&headers, "cache-control")), (200, "no-store"), "{door} {path}");
        }
    }
    // Asked twice and more, so that a kept answer would be given.
    for _ in 0..3 {
        for (path, told_lately) in [
            ("Organization/001-0001/_history?_count=9", vec![3, 4, 5]),
            ("Organization/_history?_count=9", vec![3, 4, 5]),
            ("_history?_count=9", vec![3, 4, 5]),
            ("$changes?after=1&limit=9", vec![3, 4, 5]),
        ] {
            for (door, header, told) in [
                ("dr", READER, &told_lately),
                ("historique", HISTORIAN, &if path.starts_with('$') { vec![2, 3, 4, 5] } else { vec![1, 2, 3, 4, 5] }),
            ] {
                let (status, _, body) = ask(&format!("/fhir/{door}/{path}"), Some(header)).await;
                let found: Vec<u64> = (1..=5).filter(|tx| body.contains(&format!("CLINIQUE {tx}\""))).collect();
                assert_eq!((status, &found), (200, told), "{door} {path}");
            }
        }
        for tx in 1..=5 {
            let lately = if tx < 3 { [404, 410] } else { [200, 200] };
            for (at, path) in [format!("001-0001/_history/{tx}"), format!("001-0001?_asOf=tx:{tx}")].iter().enumerate() {
                let (status, _, body) = ask(&format!("/fhir/dr/Organization/{path}"), Some(READER)).await;
                assert_eq!(status, lately[at], "{path}: {body:.300}");
                assert!(status == 200 || body.contains("historised perimeter"), "{body}");
                let (status, _, body) = ask(&format!("/fhir/historique/Organization/{path}"), Some(HISTORIAN)).await;
                assert!(status == 200 && body.contains(&format!("CLINIQUE {tx}\"")), "{path}: {status}");
            }
        }
        let first = async |door: &str, header| ask(&format!("/fhir/{door}/$changes/state"), Some(header)).await.2;
        assert!(
            first("dr", READER).await.contains(r#""first":3"#) && first("historique", HISTORIAN).await.contains(r#""first":0"#)
        );
    }
    // A token of one door opens nothing at the other.
    let (_, _, body) = ask("/fhir/historique/Organization?_count=1", Some(HISTORIAN)).await;
    let link = next(&serde_json::from_str(&body).unwrap());
    assert_eq!(ask(&link, Some(HISTORIAN)).await.0, 200);
    assert_eq!(ask(&link.replace("/historique/", "/dr/"), Some(READER)).await.0, 400);
}
