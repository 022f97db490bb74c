//! What every backend must do. A backend's tests call [`run`] with a function that opens the same, at first empty, registry.

use crate::{Change, Error, Outcome, Registry};

fn put(entity: &str, source: &str, payload: &str) -> Change {
    Change { entity: entity.into(), source: source.into(), payload: (!payload.is_empty()).then(|| payload.into()) }
}

fn commit(r: &mut dyn Registry, now: i64, changes: &[Change]) -> Outcome {
    r.commit("suite", "test", now, &mut |u| changes.iter().try_for_each(|c| u.put(c))).expect("commit")
}

/// Runs the suite. `open` is called twice: the registry must survive being closed.
///
/// # Panics
/// At the first rule that does not hold.
pub fn run(open: &mut dyn FnMut() -> Box<dyn Registry>) {
    let mut r = open();
    assert_eq!(r.last_tx().expect("last_tx"), 0);

    let first = commit(&mut *r, 1_000, &[put("A", "s", "1"), put("B", "s", "2"), put("A", "t", "3")]);
    assert_eq!(first, Outcome { tx: Some(1), created: 3, ..Outcome::default() });

    let same = commit(&mut *r, 2_000, &[put("A", "s", "1"), put("Z", "s", "")]);
    assert_eq!((same.tx, same.unchanged), (None, 2), "a write that changes nothing takes no number");

    let second = commit(&mut *r, 500, &[put("A", "s", "1b"), put("B", "s", ""), put("C", "s", "4")]);
    assert_eq!(second, Outcome { tx: Some(2), created: 1, changed: 1, ended: 1, unchanged: 0 });
    let log = r.transactions(0).expect("log");
    assert_eq!(
        log.iter().map(|t| (t.tx, t.commit_ms, t.changes)).collect::<Vec<_>>(),
        [(1, 1_000, 3), (2, 1_001, 3)],
        "time never steps back"
    );

    let failed = r.commit("suite", "test", 3_000, &mut |u| {
        u.put(&put("X", "s", "lost"))?;
        u.set_delivery("s", "lost")?;
        Err(Error::Rejected("stop".into()))
    });
    assert!(matches!(failed, Err(Error::Rejected(_))));
    assert_eq!(r.last_tx().expect("last_tx"), 2, "a failed unit leaves nothing");
    assert_eq!(r.delivery("s").expect("delivery"), None);

    drop(r);
    let mut r = open();
    let all = ["A", "B", "C", "X"].map(str::to_owned);
    let at = |r: &mut dyn Registry, tx| {
        let objects = r.objects_at(tx, &all).expect("objects_at");
        objects.iter().map(|o| format!("{}{}={}", o.entity, o.source, o.payload)).collect::<Vec<_>>()
    };
    assert_eq!(at(&mut *r, 0), [""; 0]);
    assert_eq!(at(&mut *r, 1), ["As=1", "At=3", "Bs=2"]);
    assert_eq!(at(&mut *r, 2), ["As=1b", "At=3", "Cs=4"]);
    assert_eq!(r.changed_entities(2, "", 2).expect("page"), ["A", "B"]);
    assert_eq!(r.changed_entities(2, "B", 2).expect("page"), ["C"]);

    assert_eq!(r.entities("", 2).expect("page"), ["A", "B"], "B ended and is still known");
    assert_eq!(r.entities("B", 9).expect("page"), ["C"]);

    let many: Vec<Change> = (0..2_500).map(|i| put(&format!("M{i:05}"), "m", &i.to_string())).collect();
    assert_eq!(commit(&mut *r, 4_000, &many).created, 2_500);
    let mut seen = Vec::new();
    let again = r.commit("suite", "test", 5_000, &mut |u| {
        let mut after = String::new();
        loop {
            let page = u.entities_of_source("m", &after, 700)?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            seen.extend(page);
        }
        many.iter().try_for_each(|c| u.put(c))?;
        u.set_delivery("m", "{}")
    });
    assert_eq!(again.expect("commit").unchanged, 2_500);
    assert_eq!(seen.len(), 2_500);
    assert!(seen.is_sorted());
    assert_eq!(r.delivery("m").expect("delivery").as_deref(), Some("{}"), "a delivery that changes nothing is still noted");
    assert_eq!(r.verify().expect("verify"), [""; 0]);
}
