//! Rows of identity: written with a unit on the condition of a version, found by key, subject and due instant, swept.

use crate::acts::{OpenRegistry, cause, owners, put, sound, write};
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{AuditEvent, BlockingRegistry, CommitClock, Error, Expect, NewJob, Queue, Result, limits};
use std::sync::atomic::{AtomicU64, Ordering};

fn row(kind: &str, key: &str, subject: &str, due_ms: Option<i64>) -> IdentityRow {
    let content = format!("{{\"é\":\"{key}\"}}");
    IdentityRow { kind: kind.into(), key: key.into(), subject: subject.into(), due_ms, version: 1, content }
}

fn event() -> AuditEvent {
    AuditEvent { actor: "p".into(), event: "LOGIN".into(), detail: "{}".into(), ..AuditEvent::default() }
}

fn job() -> NewJob {
    NewJob { queue: Queue::Work, kind: "k".into(), key: String::new(), due_ms: 0, payload: "{}".into() }
}

/// Saves these writes with an audit event and a job.
fn save(r: &BlockingRegistry, writes: &[IdentityWrite]) -> Result<()> {
    write(r, 0, &mut |u| {
        u.audit(&event())?;
        writes.iter().try_for_each(|write| u.write_identity(write))?;
        u.job(&job())
    })
    .map(|_| ())
}

fn remove(kind: &str, key: &str, version: u64) -> IdentityWrite {
    IdentityWrite::Remove { kind: kind.into(), key: key.into(), version }
}

fn one(r: &BlockingRegistry, kind: &str, key: &str) -> Option<IdentityRow> {
    r.identity_row(kind, key).expect("read")
}

/// Audit events and jobs: what a refused unit may not leave.
fn traces(r: &BlockingRegistry) -> (usize, usize) {
    (r.audit_trail(0, 999).expect("trail").len(), r.jobs(Queue::Work, 999).expect("jobs").len())
}

fn assert_lost(said: Result<()>, kind: &str, key: &str) {
    match said {
        Err(error @ Error::IdentityChanged { .. }) => {
            assert!(!error.to_string().contains(key), "the text of the error is logged, and a key may name a person: {error}");
            assert!(matches!(error, Error::IdentityChanged { kind: k, key: of } if k == kind && of == key));
        }
        other => panic!("{kind} {key}: {other:?}"),
    }
}

pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    written(&r);
    refused(&r);
    seen_by_its_unit(&r);
    limited(&r);
    drop(r);
    let r = open(false);
    assert_eq!(one(&r, "code", "c1"), None);
    let kept = IdentityRow { version: 2, subject: "other".into(), due_ms: None, ..row("session", "s:1", "", None) };
    assert_eq!(one(&r, "session", "s:1"), Some(kept), "another process reads all of it");
    sound(&r);

    one_with_all_else(&open(true));
    let r = open(true);
    listed(&r);
    swept(&r);
    sound(&r);
    let r = open(true);
    let other = open(false);
    consumed_once(&r, &other);
    crosswise(&r, &other);
    swept_beside_writers(&r, &other);
    sound(&r);
}

fn written(r: &BlockingRegistry) {
    assert_eq!(one(r, "code", "c1"), None);
    let unread = IdentityRow { version: 7, ..row("code", "c1", "p1", Some(60)) };
    save(r, &[IdentityWrite::Create(unread), IdentityWrite::Create(row("session", "s:1", "", Some(-5)))]).expect("create");
    assert_eq!(one(r, "code", "c1"), Some(row("code", "c1", "p1", Some(60))), "a new row has version 1, whatever it said");
    assert_eq!(one(r, "session", "c1"), None, "a key belongs to its kind");
    let other = IdentityRow { subject: "other".into(), ..row("session", "s:1", "", None) };
    save(r, &[IdentityWrite::Replace(other.clone()), remove("code", "c1", 1)]).expect("replace and remove");
    assert_eq!(one(r, "code", "c1"), None);
    assert_eq!(one(r, "session", "s:1"), Some(IdentityRow { version: 2, ..other }));
    assert_eq!(traces(r), (2, 2));
}

fn refused(r: &BlockingRegistry) {
    let before = (one(r, "session", "s:1"), traces(r));
    let stale = row("session", "s:1", "thief", None);
    for (wrong, key) in [
        (IdentityWrite::Create(stale.clone()), "s:1"),
        (IdentityWrite::Replace(stale.clone()), "s:1"),
        (IdentityWrite::Replace(IdentityRow { version: 3, ..stale.clone() }), "s:1"),
        (IdentityWrite::Replace(IdentityRow { version: 0, ..stale.clone() }), "s:1"),
        (IdentityWrite::Replace(IdentityRow { version: u64::MAX, ..stale }), "s:1"),
        (IdentityWrite::Replace(row("session", "absent-row", "", None)), "absent-row"),
        (remove("session", "s:1", 1), "s:1"),
        (remove("session", "absent-row", 1), "absent-row"),
    ] {
        let right = IdentityWrite::Create(row("code", "beside", "", None));
        assert_lost(save(r, &[right.clone(), wrong.clone()]), "session", key);
        assert_lost(save(r, &[wrong.clone(), right.clone()]), "session", key);
        // Whoever goes on after the error does not save half of the event.
        let mut unit = r.begin().expect("begin");
        unit.audit(&event()).expect("audit");
        _ = unit.write_identity(&wrong);
        unit.write_identity(&right).expect("write");
        let saved = unit.save(&cause(), CommitClock { now_ms: &|| 0, any_clock: false });
        assert_lost(saved.map(|_| ()), "session", key);
        assert_eq!(one(r, "code", "beside"), None, "nothing of the unit remains");
    }
    let mut unit = r.begin().expect("begin");
    unit.write_identity(&IdentityWrite::Create(row("code", "dropped", "", None))).expect("write");
    unit.audit(&event()).expect("audit");
    drop(unit);
    assert_eq!(one(r, "code", "dropped"), None);
    assert_eq!((one(r, "session", "s:1"), traces(r)), before);
}

fn seen_by_its_unit(r: &BlockingRegistry) {
    let first = row("code", "mine", "a", Some(1));
    let second = IdentityRow { subject: "b".into(), ..first.clone() };
    let third = IdentityRow { version: 2, due_ms: None, ..first.clone() };
    let mut seen = Vec::new();
    let mut look = |u: &mut annuaire_store::BlockingUnit, change: Option<&IdentityWrite>| {
        change.map_or(Ok(()), |change| u.write_identity(change))?;
        seen.push(u.identity_row("code", "mine")?);
        Ok(())
    };
    write(r, 0, &mut |u| {
        look(u, None)?;
        look(u, Some(&IdentityWrite::Create(first.clone())))?;
        look(u, Some(&IdentityWrite::Replace(second.clone())))?;
        look(u, Some(&IdentityWrite::Replace(third.clone())))?;
        look(u, Some(&remove("code", "mine", 3)))?;
        look(u, Some(&IdentityWrite::Create(second.clone())))?;
        assert_eq!(u.identity_row("session", "s:1")?.map(|row| row.version), Some(2), "what it did not write is read");
        Ok(())
    })
    .expect("save");
    let (second_seen, third_seen) = (IdentityRow { version: 2, ..second.clone() }, IdentityRow { version: 3, ..third });
    let expected = [None, Some(first.clone()), Some(second_seen), Some(third_seen), None, Some(second.clone())];
    assert_eq!(seen, expected);
    assert_eq!(one(r, "code", "mine"), Some(second));
    // A contradiction within the unit is one with a version that was read.
    let again = IdentityWrite::Create(row("code", "twice", "", None));
    assert_lost(save(r, &[again.clone(), again.clone()]), "code", "twice");
    assert_lost(save(r, &[again.clone(), remove("code", "twice", 2)]), "code", "twice");
    assert_lost(save(r, &[again.clone(), remove("code", "twice", 1), remove("code", "twice", 1)]), "code", "twice");
    assert_eq!(one(r, "code", "twice"), None);
}

fn limited(r: &BlockingRegistry) {
    let before = traces(r);
    let text = |n: usize| "é".repeat(n / 2);
    let largest = IdentityRow {
        kind: text(limits::IDENTITY_KIND_BYTES),
        key: text(limits::IDENTITY_KEY_BYTES),
        subject: text(limits::IDENTITY_SUBJECT_BYTES),
        content: text(limits::IDENTITY_CONTENT_BYTES),
        ..row("", "", "", Some(i64::MAX))
    };
    save(r, &[IdentityWrite::Create(largest.clone())]).expect("what is at the limits is kept");
    assert_eq!(one(r, &largest.kind, &largest.key).as_ref(), Some(&largest));
    let longer = |text: &str| format!("{text}x");
    for wrong in [
        IdentityRow { kind: longer(&largest.kind), ..row("", "k", "", None) },
        IdentityRow { key: longer(&largest.key), ..row("k", "", "", None) },
        IdentityRow { subject: longer(&largest.subject), ..row("k", "k", "", None) },
        IdentityRow { content: longer(&largest.content), ..row("k", "k", "", None) },
        row("", "k", "", None),
        row("k", "", "", None),
        row("k", "\0", "", None),
    ] {
        let said = save(r, &[IdentityWrite::Create(wrong.clone())]);
        assert!(matches!(said, Err(Error::Rejected(_))), "{said:?}");
        let said = save(r, &[IdentityWrite::Replace(wrong)]);
        assert!(matches!(said, Err(Error::Rejected(_))), "{said:?}");
    }
    let content = IdentityRow { content: "a\0b".into(), ..row("k", "k", "", None) };
    assert!(matches!(save(r, &[IdentityWrite::Create(content)]), Err(Error::Rejected(_))));
    assert_eq!(traces(r), (before.0 + 1, before.1 + 1));
    // What a stranger makes up is no row, and no failure of the database.
    for (kind, key) in [("k", "\0"), ("\0", "k"), ("k", longer(&largest.key).as_str()), ("k", "'")] {
        assert_eq!(one(r, kind, key), None);
    }
    assert_eq!(r.identity_rows("k", Some("\0"), "", 9).expect("rows"), []);
    save(r, &[remove(&largest.kind, &largest.key, 1)]).expect("remove");
}

/// Facts, row, audit event and job are one: when a part of the unit cannot be, no other part is.
fn one_with_all_else(r: &BlockingRegistry) {
    owners(r, &["s"]);
    let both = |now: i64, key: &str, expect: Expect| {
        write(r, now, &mut |u| {
            u.write_identity(&IdentityWrite::Create(row("account", key, "", None)))?;
            u.audit(&event())?;
            u.job(&job())?;
            u.put(put("A", "s", key), expect)
        })
    };
    let late = limits::CLOCK_BEHIND_MS * 10;
    assert!(both(late, "1", Expect::Absent).expect("save").tx.is_some());
    assert_eq!((one(r, "account", "1").map(|row| row.version), traces(r)), (Some(1), (1, 1)));
    assert!(matches!(both(0, "2", Expect::Any), Err(Error::Clock { .. })));
    assert!(matches!(both(late, "3", Expect::Absent), Err(Error::Conflict { .. })));
    assert_eq!((one(r, "account", "2"), one(r, "account", "3"), traces(r)), (None, None, (1, 1)));
    sound(r);
}

fn keys(rows: Result<Vec<IdentityRow>>) -> Vec<String> {
    rows.expect("rows").into_iter().map(|row| row.key).collect()
}

fn listed(r: &BlockingRegistry) {
    let rows = [("é", "p1"), ("a", "p2"), ("B", "p1"), ("a'", "p1"), ("b", ""), ("a-", "p1")];
    save(r, &rows.map(|(key, subject)| IdentityWrite::Create(row("means", key, subject, None)))).expect("create");
    save(r, &[IdentityWrite::Create(row("meansx", "a", "p1", None))]).expect("create");
    let page = |subject: Option<&str>, after: &str, limit| keys(r.identity_rows("means", subject, after, limit));
    assert_eq!(page(None, "", 99), ["B", "a", "a'", "a-", "b", "é"], "byte by byte");
    assert_eq!(page(None, "a", 2), ["a'", "a-"]);
    assert_eq!(page(Some("p1"), "", 99), ["B", "a'", "a-", "é"]);
    assert_eq!(
        (page(Some("p1"), "a'", 1), page(Some(""), "", 9), page(Some("p3"), "", 9)),
        (vec!["a-".into()], vec!["b".into()], vec![])
    );
    assert_eq!((page(None, "é", 9), page(None, "", 0)), (vec![], vec![]));
    let second = IdentityRow { subject: "p2".into(), ..row("means", "B", "", None) };
    save(r, &[IdentityWrite::Replace(second), remove("means", "é", 1)]).expect("write");
    assert_eq!(
        (page(Some("p1"), "", 9), page(Some("p2"), "", 9)),
        (vec!["a'".into(), "a-".into()], vec!["B".into(), "a".into()])
    );
    let asked = [("means", "b"), ("meansx", "a"), ("none", "b"), ("means", "\0"), ("means", "b"), ("means", "a-")];
    let found = r.identity_rows_at(&asked).expect("rows");
    let (b, a) = (row("means", "b", "", None), row("means", "a-", "p1", None));
    assert_eq!(found, [Some(b.clone()), Some(row("meansx", "a", "p1", None)), None, None, Some(b), Some(a)]);
    assert_eq!(r.identity_rows_at(&[]).expect("rows"), []);
    assert_eq!(r.identity_rows_at(&[("means", "\0")]).expect("rows"), [None]);
    let whole = r.identity_rows("means", Some("p1"), "", 1).expect("rows");
    assert_eq!(whole, [row("means", "a'", "p1", None)]);
}

fn swept(r: &BlockingRegistry) {
    let rows = [("x", Some(30)), ("y", Some(10)), ("w", Some(10)), ("z", None), ("v", Some(20)), ("u", Some(-1))];
    save(r, &rows.map(|(key, due)| IdentityWrite::Create(row("code", key, "", due)))).expect("create");
    save(r, &[IdentityWrite::Create(row("jti", "j", "", Some(5))), IdentityWrite::Create(row("kept", "k", "", Some(5)))])
        .expect("create");
    let due = |until, limit| keys(r.identity_rows_due("code", until, limit));
    assert_eq!(due(i64::MAX, 9), ["u", "w", "y", "v", "x"], "earliest first, then by key; what is never due is left out");
    assert_eq!(
        (due(20, 9), due(19, 9), due(30, 2), due(-2, 9)),
        (
            vec!["u".into(), "w".into(), "y".into(), "v".into()],
            vec!["u".into(), "w".into(), "y".into()],
            vec!["u".into(), "w".into()],
            vec![]
        )
    );
    assert_eq!(r.identity_rows_due("code", 30, 1).expect("due"), [row("code", "u", "", Some(-1))]);
    let sweep = |kinds: &[&str], until, limit| r.sweep_identity(kinds, until, limit).expect("sweep");
    let before = traces(r);
    assert_eq!((sweep(&["code"], 10, 0), sweep(&[], 99, 9), sweep(&["none"], 99, 9)), (0, 0, 0));
    assert_eq!(sweep(&["code", "jti"], 10, 9), 2, "those that are due at the instant itself stay");
    assert_eq!(due(99, 9), ["w", "y", "v", "x"]);
    assert_eq!((sweep(&["jti", "code"], 99, 3), due(99, 9)), (3, vec!["x".to_owned()]), "the earliest first");
    assert_eq!((sweep(&["code"], i64::MAX, 9), sweep(&["code"], i64::MAX, 9)), (1, 0));
    assert_eq!(
        (keys(r.identity_rows("code", None, "", 9)), keys(r.identity_rows("kept", None, "", 9))),
        (vec!["z".into()], vec!["k".into()])
    );
    assert_eq!(traces(r), before);
    assert_lost(save(r, &[remove("code", "x", 1)]), "code", "x");
}

/// What 8 threads on two openings do with their number.
fn threads(r: &BlockingRegistry, other: &BlockingRegistry, act: &(dyn Fn(&BlockingRegistry, usize) + Sync)) {
    std::thread::scope(|scope| {
        for n in 0..8 {
            let r = if n % 2 == 0 { r } else { other };
            scope.spawn(move || act(r, n));
        }
    });
}

/// Of 8 that redeem one code, one gets the token.
fn consumed_once(r: &BlockingRegistry, other: &BlockingRegistry) {
    for round in 0..10 {
        let code = format!("code-{round}");
        save(r, &[IdentityWrite::Create(row("code", &code, "", Some(60)))]).expect("create");
        let (wins, trail) = (AtomicU64::new(0), traces(r).0);
        let start = std::sync::Barrier::new(8);
        threads(r, other, &|r, n| {
            let read = one(r, "code", &code).expect("nobody was first yet");
            start.wait();
            let token = IdentityWrite::Create(row("token", &format!("{code}-{n}"), "", None));
            match save(r, &[token, remove("code", &code, read.version)]) {
                Ok(()) => _ = wins.fetch_add(1, Ordering::Relaxed),
                lost => assert_lost(lost, "code", &code),
            }
        });
        assert_eq!(wins.into_inner(), 1);
        assert_eq!((one(r, "code", &code), traces(r).0), (None, trail + 1));
    }
    assert_eq!(r.identity_rows("token", None, "", 99).expect("rows").len(), 10);
}

/// Units that write the same rows in the other order: each wins in the end, and none waits for ever.
fn crosswise(r: &BlockingRegistry, other: &BlockingRegistry) {
    const EACH: u64 = 5;
    let rows = ["a", "b"].map(|key| IdentityRow { content: "0".into(), ..row("session", key, "", None) });
    save(r, &rows.map(IdentityWrite::Create)).expect("create");
    threads(r, other, &|r, n| {
        for _ in 0..EACH {
            loop {
                let mut order = ["a", "b"];
                order.rotate_left(n / 2 % 2);
                let next = order.map(|key| {
                    let read = one(r, "session", key).expect("it stays");
                    let count: u64 = read.content.parse().expect("a number");
                    IdentityWrite::Replace(IdentityRow { content: (count + 1).to_string(), ..read })
                });
                match save(r, &next) {
                    Ok(()) => break,
                    Err(error) => assert!(matches!(error, Error::IdentityChanged { .. }), "{error}"),
                }
            }
        }
    });
    for key in ["a", "b"] {
        let last = one(other, "session", key).expect("it stays");
        assert_eq!((last.content, last.version), ((8 * EACH).to_string(), 8 * EACH + 1), "each increment counts");
    }
}

/// A sweep beside those who write: each row is removed once, by one of them.
fn swept_beside_writers(r: &BlockingRegistry, other: &BlockingRegistry) {
    const ROWS: usize = 40;
    let name = |n: usize| format!("{n:03}");
    let rows: Vec<IdentityWrite> = (0..ROWS).map(|n| IdentityWrite::Create(row("ticket", &name(n), "", Some(1)))).collect();
    save(r, &rows).expect("create");
    let removed = AtomicU64::new(0);
    threads(r, other, &|r, thread| {
        if thread < 2 {
            // The last page may be empty because the others are still about to write: all of them end by themselves.
            for _ in 0..ROWS {
                removed.fetch_add(r.sweep_identity(&["ticket"], 2, 3).expect("sweep"), Ordering::Relaxed);
            }
            return;
        }
        for n in (thread..ROWS).step_by(6) {
            match save(r, &[remove("ticket", &name(n), 1)]) {
                Ok(()) => _ = removed.fetch_add(1, Ordering::Relaxed),
                lost => assert_lost(lost, "ticket", &name(n)),
            }
        }
    });
    let left = r.sweep_identity(&["ticket"], 2, 99).expect("sweep");
    assert_eq!(removed.into_inner() + left, ROWS as u64);
    assert_eq!(r.identity_rows("ticket", None, "", 99).expect("rows"), []);
}
