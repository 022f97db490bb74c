//! The audit trail.

use crate::acts::{owners, put, sound, write};
use annuaire_base::Tx;
use annuaire_store::proof::audit_hash;
use annuaire_store::{AuditEvent, AuditFilter, BlockingRegistry, Error, Expect};

pub(crate) fn run(r: &BlockingRegistry) {
    owners(r, &["s"]);
    let event = |n: u32| AuditEvent {
        actor: format!("actor {n}"),
        event: "READ".into(),
        object: "PP:1".into(),
        request: (n == 2).then(|| "D-7".into()),
        detail: "{}".into(),
    };
    let read = write(r, 1_000, &mut |u| u.audit(&event(1)));
    assert_eq!(read.expect("a read takes no number").tx, None);
    write(r, 2_000, &mut |u| {
        u.audit(&event(2))?;
        u.put(put("A", "s", "1"), Expect::Any)?;
        u.audit(&event(3))
    })
    .expect("commit");
    let lost = write(r, 3_000, &mut |u| u.audit(&event(4)).and(Err(Error::Rejected("stop".into()))));
    assert!(lost.is_err());
    let rows = r.audit_trail(0, 99).expect("trail");
    let seen: Vec<_> = rows.iter().map(|row| (row.number, row.at_ms, row.tx)).collect();
    assert_eq!(seen, [(1, 1_000, None), (2, 2_000, Some(Tx::new(1))), (3, 2_000, Some(Tx::new(1)))]);
    let mut before = [0; 32];
    for (row, n) in rows.iter().zip(1..) {
        assert_eq!(row.event, event(n));
        before = audit_hash(&before, row.number, row.at_ms, row.tx, &row.event);
        assert_eq!(row.hash, before);
    }
    assert_eq!(r.audit_trail(1, 1).expect("trail"), rows[1..2]);
    sound(r);
    found(r);
}

/// Events are found by what they are about, who did them and when, the newest first.
fn found(r: &BlockingRegistry) {
    let event = |actor: &str, event: &str, object: &str, request: Option<&str>| {
        let [actor, event, object, detail] = [actor, event, object, "{}"].map(str::to_owned);
        AuditEvent { actor, event, object, request: request.map(str::to_owned), detail }
    };
    // As a stranger may type it; no two parts are alike, so that nothing compresses it.
    let long: String = (0..4_000).map(|n: u32| char::from_u32(0x4e00 + n * 5).expect("a character")).collect();
    let cut: String = long.chars().take(3_999).collect();
    let events = [
        (10_000, event("ada", "READ", "PP:2", None)),
        (11_000, event("ada", "SEND", "D-8", Some("D-8"))),
        (12_000, event("bob", "READ", "PP:2", Some("D-8"))),
        (13_000, event("bob", "SEND", "D-9'", Some("D-9'"))),
        (14_000, event("ada", "READ", "", Some(""))),
        (15_000, event("eve", "READ", &long, Some(&long))),
    ];
    for (at, event) in &events {
        write(r, *at, &mut |u| u.audit(event)).expect("commit");
    }
    let numbers = |filter: &AuditFilter, before: Option<u64>, limit: u32| {
        r.audit_of(filter, before, limit).expect("audit").iter().map(|row| row.number).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    let none = AuditFilter::default();
    assert_eq!(r.audit_of(&AuditFilter::of_request("D-8"), None, 1).expect("audit"), r.audit_trail(5, 1).expect("trail"));
    for (filter, expected) in [
        (none.clone(), vec![9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (AuditFilter::of_object("PP:2"), vec![6, 4]),
        (AuditFilter::of_object("PP:"), vec![]),
        (AuditFilter::of_object(""), vec![8]),
        (AuditFilter::of_request("D-8"), vec![6, 5]),
        (AuditFilter::of_request("D-9'"), vec![7]),
        (AuditFilter::of_request(""), vec![8]),
        (AuditFilter::of_request(&long), vec![9]),
        (AuditFilter::of_object(&cut), vec![]),
        (AuditFilter::of_actor("ada"), vec![8, 5, 4]),
        (AuditFilter { event: some("READ"), ..AuditFilter::of_actor("ada") }, vec![8, 4]),
        (AuditFilter { actor: some("bob"), ..AuditFilter::of_request("D-8") }, vec![6]),
        (AuditFilter { from_ms: Some(12_000), ..none.clone() }, vec![9, 8, 7, 6]),
        (AuditFilter { from_ms: Some(11_000), until_ms: Some(13_000), ..none.clone() }, vec![6, 5]),
        (AuditFilter { until_ms: Some(12_000), ..AuditFilter::of_object("PP:2") }, vec![4]),
    ] {
        assert_eq!(numbers(&filter, None, 99), expected, "{filter:?}");
        let pages = expected.iter().map(|number| numbers(&filter, Some(number + 1), 1));
        assert!(pages.eq(expected.iter().map(|number| vec![*number])), "page by page: {filter:?}");
    }
    assert_eq!((numbers(&none, Some(3), 9), numbers(&none, Some(1), 9), numbers(&none, None, 0)), (vec![2, 1], vec![], vec![]));
}
