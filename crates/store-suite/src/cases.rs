//! Cases: found by what their listings say, counted, in order.

use crate::acts::{sound, write};
use annuaire_store::case::{CASE, CaseFilter, CaseListing, CaseOrder, ListedCase};
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{BlockingRegistry, Error, Result, limits};
use std::collections::BTreeMap;

fn listing(number: &str, state: &str, structure: &str, changed_ms: i64) -> CaseListing {
    let [number, state, structure] = [number, state, structure].map(str::to_owned);
    let [kind, origin, author] = ["PRIMO", "AE", "899900000011"].map(str::to_owned);
    let [family, given] = ["DUPONT", "ZOE"].map(str::to_owned);
    CaseListing { number, state, kind, origin, structure, author, subject: String::new(), family, given, begun_ms: 1, changed_ms }
}

fn row(number: &str, version: u64) -> IdentityRow {
    let [kind, key, content] = [CASE, number, "{}"].map(str::to_owned);
    IdentityRow { kind, key, subject: "s".into(), due_ms: Some(7), version, content }
}

fn save(r: &BlockingRegistry, listings: &[CaseListing], write_row: fn(IdentityRow) -> IdentityWrite, version: u64) -> Result<()> {
    let saved = write(r, 0, &mut |u| {
        listings.iter().try_for_each(|of| {
            u.write_identity(&write_row(row(&of.number, version)))?;
            u.list_case(of)
        })
    });
    saved.map(|_| ())
}

fn numbers(found: Vec<ListedCase>) -> Vec<String> {
    found.into_iter().map(|case| case.listing.number).collect()
}

pub(crate) fn run(r: &BlockingRegistry) {
    let all = |filter: &CaseFilter| numbers(r.cases(filter, CaseOrder::NewestFirst, 0, 99).expect("cases"));
    let some = |values: &[&str]| Some(values.iter().map(|&value| value.to_owned()).collect::<Vec<String>>());
    assert_eq!(all(&CaseFilter::default()), Vec::<String>::new());
    let cases = [
        CaseListing { family: "DUPOND".into(), ..listing("P1", "S10", "F990000010", 10) },
        CaseListing { kind: "FIN".into(), ..listing("P2", "S20", "F990000010", 30) },
        CaseListing { author: "HR'".into(), origin: "API".into(), ..listing("P3", "S20", "F990000028", 20) },
        CaseListing {
            subject: "899900000029".into(),
            family: "ÉLAN".into(),
            begun_ms: 5,
            ..listing("P4", "S40", "F990000028", 30)
        },
        CaseListing { structure: String::new(), family: "DUPO".into(), given: String::new(), ..listing("P5", "S11", "", -5) },
    ];
    save(r, &cases, IdentityWrite::Create, 1).expect("save");
    let one = CaseFilter { number: Some("P4".into()), ..CaseFilter::default() };
    let found = r.cases(&one, CaseOrder::NewestFirst, 0, 9).expect("cases");
    assert_eq!(found, [ListedCase { listing: cases[3].clone(), row: row("P4", 1) }]);

    let none = CaseFilter::default();
    let cases_of = |order, offset, limit| numbers(r.cases(&none, order, offset, limit).expect("cases"));
    assert_eq!(cases_of(CaseOrder::NewestFirst, 0, 99), ["P4", "P2", "P3", "P1", "P5"]);
    assert_eq!(cases_of(CaseOrder::OldestFirst, 0, 99), ["P5", "P1", "P3", "P2", "P4"]);
    assert_eq!(cases_of(CaseOrder::NewestFirst, 1, 2), ["P2", "P3"]);
    assert_eq!((cases_of(CaseOrder::NewestFirst, 9, 2), cases_of(CaseOrder::NewestFirst, 0, 0)), (vec![], vec![]));
    for (filter, expected) in [
        (CaseFilter { structures: some(&["F990000010", "'"]), ..none.clone() }, vec!["P2", "P1"]),
        (CaseFilter { structures: some(&[]), ..none.clone() }, vec![]),
        (CaseFilter { structures: some(&[""]), ..none.clone() }, vec!["P5"]),
        (CaseFilter { states: some(&["S20", "S40"]), structures: some(&["F990000028"]), ..none.clone() }, vec!["P4", "P3"]),
        (CaseFilter { kinds: some(&["FIN"]), ..none.clone() }, vec!["P2"]),
        (CaseFilter { origins: some(&["API"]), ..none.clone() }, vec!["P3"]),
        (CaseFilter { author: Some("HR'".into()), ..none.clone() }, vec!["P3"]),
        (CaseFilter { subject: Some("899900000029".into()), ..none.clone() }, vec!["P4"]),
        (CaseFilter { family: "DUPON".into(), ..none.clone() }, vec!["P2", "P3", "P1"]),
        (CaseFilter { family: "DUPOND".into(), given: "Z".into(), ..none.clone() }, vec!["P1"]),
        (CaseFilter { family: "É".into(), ..none.clone() }, vec!["P4"]),
        (CaseFilter { family: "%".into(), ..none.clone() }, vec![]),
        (CaseFilter { begun_from_ms: Some(2), begun_until_ms: Some(6), ..none.clone() }, vec!["P4"]),
        (CaseFilter { begun_until_ms: Some(5), until_ms: Some(20), ..none.clone() }, vec!["P1", "P5"]),
        (CaseFilter { given: "ZOE".into(), from_ms: Some(10), until_ms: Some(30), ..none.clone() }, vec!["P3", "P1"]),
    ] {
        assert_eq!(all(&filter), expected, "{filter:?}");
        let counted: u64 = r.case_counts(&filter).expect("counts").values().sum();
        assert_eq!(counted, expected.len() as u64, "{filter:?}");
    }
    let counts = |filter: &CaseFilter| r.case_counts(filter).expect("counts");
    let by_state = |pairs: &[(&str, u64)]| pairs.iter().map(|(state, n)| ((*state).to_owned(), *n)).collect::<BTreeMap<_, _>>();
    assert_eq!(counts(&none), by_state(&[("S10", 1), ("S11", 1), ("S20", 2), ("S40", 1)]));

    // A listing is replaced with its row; a writer that lost leaves nothing.
    let changed = CaseListing { state: "S30".into(), changed_ms: 40, ..cases[0].clone() };
    let late = save(r, &[CaseListing { state: "S50".into(), ..changed.clone() }], IdentityWrite::Replace, 9);
    assert!(matches!(late, Err(Error::IdentityChanged { .. })), "{late:?}");
    assert_eq!(all(&CaseFilter { states: some(&["S50"]), ..none.clone() }), Vec::<String>::new());
    save(r, std::slice::from_ref(&changed), IdentityWrite::Replace, 1).expect("save");
    let found = r.cases(&none, CaseOrder::NewestFirst, 0, 1).expect("cases");
    assert_eq!(found, [ListedCase { listing: changed, row: row("P1", 2) }]);
    assert_eq!(counts(&CaseFilter { states: some(&["S10"]), ..none.clone() }), by_state(&[]));
    let long = CaseListing { family: "x".repeat(limits::CASE_TEXT_BYTES + 1), ..listing("P6", "S10", "", 0) };
    assert!(matches!(save(r, &[long], IdentityWrite::Create, 1), Err(Error::Rejected(_))));
    assert_eq!(all(&none).len(), 5);
    sound(r);
}
