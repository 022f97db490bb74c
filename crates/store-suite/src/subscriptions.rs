//! Subscriptions: written with a unit, numbered without a gap, told in order, kept by one node.

use crate::acts::{OpenRegistry, write};
use annuaire_base::Tx;
use annuaire_store::subscription::{
    DeliveryNote, EventKind, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionProgress, SubscriptionRow,
    SubscriptionStatus, SubscriptionWrite,
};
use annuaire_store::{AuditEvent, BlockingRegistry, Error};

fn progress() -> SubscriptionProgress {
    SubscriptionProgress {
        watermark: Tx::new(7),
        events: 0,
        delivered: 0,
        resend_next: 0,
        resend_last: 0,
        attempts: 0,
        due_ms: 5,
        sent_ms: 0,
        error: None,
    }
}

fn row(id: &str, owner: &str) -> SubscriptionRow {
    let head = SubscriptionHead {
        id: id.into(),
        owner: owner.into(),
        perimeter: "public".into(),
        version: 1,
        status: SubscriptionStatus::Requested,
        changed_ms: 3,
        end_ms: Some(9_000),
        progress: progress(),
    };
    SubscriptionRow { head, content: format!("{{\"é\":\"{id}\"}}") }
}

fn events(numbers: std::ops::RangeInclusive<u64>) -> Vec<SubscriptionEvent> {
    let kinds = [EventKind::Created, EventKind::Updated, EventKind::Removed];
    let event = |number: u64| SubscriptionEvent {
        number,
        tx: Tx::new(7 + number),
        at_ms: 1_000 * i64::try_from(number).expect("small"),
        kind: kinds[usize::try_from(number % 3).expect("small")],
        ty: "Practitioner".into(),
        id: format!("003-{number}"),
        version: 4,
    };
    numbers.map(event).collect()
}

fn new(id: &str, before: u64, numbers: std::ops::RangeInclusive<u64>) -> NewEvents {
    NewEvents { subscription: id.into(), before, events: events(numbers) }
}

fn save(r: &BlockingRegistry, change: &SubscriptionWrite) -> annuaire_store::Result<()> {
    let audit = AuditEvent { actor: "k".into(), event: "subscription".into(), detail: "{}".into(), ..AuditEvent::default() };
    write(r, 0, &mut |u| u.write_subscription(change).and_then(|()| u.audit(&audit))).map(|_| ())
}

fn one(r: &BlockingRegistry, id: &str) -> SubscriptionRow {
    r.subscription(id).expect("read").expect("it is there")
}

pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    assert_eq!(r.subscription("a").expect("read"), None);
    for (id, owner) in [("a", "k1"), ("c", "k1"), ("b", "k2")] {
        save(&r, &SubscriptionWrite::Create(row(id, owner))).expect("create");
    }
    let again = save(&r, &SubscriptionWrite::Create(row("a", "k3"))).expect_err("the id is taken");
    assert!(matches!(&again, Error::SubscriptionChanged { id } if id == "a"), "{again}");
    let r = open(false);
    assert_eq!(one(&r, "a"), row("a", "k1"), "all of it is read back, by another process too");
    let ids = |owner: Option<&str>, after: &str, limit| {
        r.subscription_heads(owner, after, limit).expect("heads").into_iter().map(|h| h.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, "", 9), ["a", "b", "c"]);
    assert_eq!(
        (ids(None, "a", 1), ids(Some("k1"), "a", 9), ids(Some("k3"), "", 9)),
        (vec!["b".into()], vec!["c".into()], vec![])
    );
    assert_eq!(r.audit_trail(0, 9).expect("trail").len(), 3, "what was refused left no audit event");

    updated(&r);
    numbered(&r);
    delivered(&r);
    removed(&r);
    leased(&r, &open(false));
    crate::acts::sound(&r);
}

fn updated(r: &BlockingRegistry) {
    let mut next = one(r, "c");
    (next.head.version, next.head.status, next.head.end_ms) = (2, SubscriptionStatus::Off, None);
    (next.head.progress.watermark, next.head.progress.events) = (Tx::new(3), 99);
    (next.head.progress.attempts, next.head.progress.error) = (2, Some("why".into()));
    next.content = "other".into();
    save(r, &SubscriptionWrite::Update { row: next.clone(), expect: 1 }).expect("update");
    (next.head.progress.watermark, next.head.progress.events) = (Tx::new(7), 0);
    assert_eq!(one(r, "c"), next, "a watermark never goes back, numbers are not those of a client");
    let stale = save(r, &SubscriptionWrite::Update { row: next, expect: 1 }).expect_err("stale");
    assert!(matches!(stale, Error::SubscriptionChanged { .. }));
    let absent = save(r, &SubscriptionWrite::Update { row: row("z", "k1"), expect: 1 }).expect_err("absent");
    assert!(matches!(absent, Error::SubscriptionChanged { .. }));
    assert_eq!(r.subscription("z").expect("read"), None, "its content is not left behind");
}

fn numbered(r: &BlockingRegistry) {
    let store = |new: &[NewEvents], done: &[&str], tx| {
        let done: Vec<String> = done.iter().map(|id| (*id).to_owned()).collect();
        r.store_events(new, &done, Tx::new(tx))
    };
    assert_eq!(store(&[new("a", 0, 1..=3), new("b", 0, 1..=1)], &["a", "b", "c"], 12).expect("store"), [""; 0]);
    let lost = store(&[new("a", 2, 3..=4), new("gone", 0, 1..=1), new("b", 1, 2..=2)], &["a", "gone", "b"], 14).expect("store");
    assert_eq!(lost, ["a", "gone"]);
    let at = |id: &str| (one(r, id).head.progress.watermark.get(), one(r, id).head.progress.events);
    assert_eq!([at("a"), at("b"), at("c")], [(12, 3), (14, 2), (12, 0)]);
    assert_eq!(store(&[new("a", 3, 4..=4)], &[], 0).expect("store"), [""; 0]);
    assert_eq!(store(&[], &["a"], 5).expect("store"), [""; 0]);
    assert_eq!(at("a"), (12, 4), "events are stored before their transaction is done, and a watermark never goes back");
    let gap = store(&[new("a", 4, 6..=6)], &[], 0).expect_err("a gap").to_string();
    assert!(gap.contains("events of a"), "{gap}");
    assert_eq!(r.subscription_events("a", 1, 99, 99).expect("events"), events(1..=4));
    assert_eq!(r.subscription_events("a", 2, 3, 99).expect("events"), events(2..=3));
    assert_eq!(r.subscription_events("a", 2, u64::MAX, 1).expect("events"), events(2..=2));
}

fn delivered(r: &BlockingRegistry) {
    let before = one(r, "a").head;
    let told = SubscriptionProgress { delivered: 2, sent_ms: 77, due_ms: 0, events: 50, watermark: Tx::new(99), ..progress() };
    let note = DeliveryNote { id: "a".into(), version: 1, delivered_before: 0, resend_before: 0, progress: told };
    assert!(r.note_delivery(&note).expect("note"));
    let after = SubscriptionProgress { delivered: 2, sent_ms: 77, due_ms: 0, ..before.progress };
    assert_eq!(one(r, "a").head.progress, after, "the numbering is not that of a delivery");
    assert!(!r.note_delivery(&note).expect("note"), "two nodes delivered: the second learns it");
    assert!(!r.note_delivery(&DeliveryNote { version: 2, delivered_before: 2, ..note.clone() }).expect("note"));
    assert!(!r.note_delivery(&DeliveryNote { id: "z".into(), ..note }).expect("note"));
}

fn removed(r: &BlockingRegistry) {
    let remove = |expect| save(r, &SubscriptionWrite::Remove { id: "a".into(), expect });
    assert!(matches!(remove(5).expect_err("stale"), Error::SubscriptionChanged { .. }));
    remove(1).expect("remove");
    assert_eq!(r.subscription("a").expect("read"), None);
    assert_eq!(r.subscription_events("a", 1, 99, 99).expect("events"), []);
    assert_eq!(r.subscription_events("b", 1, 99, 99).expect("events").len(), 2);
}

fn leased(r: &BlockingRegistry, other: &BlockingRegistry) {
    let take = |r: &BlockingRegistry, holder: &str, now, until| r.take_lease("deliver", holder, now, until).expect("lease");
    assert!(take(r, "n1", 0, 100) && !take(other, "n2", 50, 150) && take(r, "n1", 60, 160));
    assert!(!take(other, "n2", 159, 300) && take(other, "n2", 160, 300), "whoever dies loses it");
    assert!(!take(r, "n1", 200, 400));
    r.end_lease("deliver", "n1").expect("not its own");
    assert!(!take(r, "n1", 200, 400));
    other.end_lease("deliver", "n2").expect("end");
    assert!(take(r, "n1", 200, 400) && r.take_lease("another", "n2", 0, 1).expect("lease"));
}
