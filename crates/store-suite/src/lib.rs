//! What every backend of the registry must do, as one test suite. It is a crate of its own, so that no assertion is compiled into
//! the product.
//!
//! A backend calls [`run`] from its tests with a function that opens a registry. The suite compares the registry with a naive
//! model that keeps every state whole, on random histories and on the cases that once went wrong.
//!
//! ```no_run
//! # fn open_new() -> Box<dyn annuaire_store::Registry> { unimplemented!() }
//! # fn open_again() -> Box<dyn annuaire_store::Registry> { unimplemented!() }
//! annuaire_store_suite::run(&mut |new| if new { open_new() } else { open_again() });
//! ```

use annuaire_base::Tx;
use annuaire_store::{Cause, Change, CommitOutcome, Error, Object, ObjectMark, Registry, Result, Unit, limits};
use annuaire_testkit::Dice;
use std::collections::{BTreeMap, BTreeSet};

/// Opens a registry: a new and empty one for `true`, the last one again for `false`.
pub type OpenRegistry<'a> = &'a mut dyn FnMut(bool) -> Box<dyn Registry>;

fn put(entity: &str, source: &str, payload: &str) -> Change {
    let payload = (!payload.is_empty()).then(|| payload.into());
    Change { entity: entity.into(), source: source.into(), payload, digest: 0 }
}

/// Commits a unit at `now` milliseconds; for tests.
///
/// # Errors
/// Those of [`Registry::commit`].
pub fn write(r: &mut dyn Registry, now: i64, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<CommitOutcome> {
    r.commit(Cause { author: "suite", reason: "test", now_ms: &|| now, any_clock: false }, write)
}

fn commit(r: &mut dyn Registry, now: i64, changes: &[Change]) -> CommitOutcome {
    write(r, now, &mut |u| changes.iter().try_for_each(|c| u.put(c.clone()))).expect("commit")
}

/// Runs the suite.
///
/// # Panics
/// At the first rule that does not hold.
pub fn run(open: OpenRegistry<'_>) {
    log_and_state(open);
    digests_spare_the_comparison(&mut *open(true));
    many_objects(&mut *open(true));
    notes(open);
    clocks(&mut *open(true));
    any_history(open);
}

fn log_and_state(open: OpenRegistry<'_>) {
    let mut r = open(true);
    assert_eq!(r.last_tx().expect("last_tx"), Tx::NONE);
    assert_eq!(r.standing(Tx::NONE, "", 9).expect("standing"), (Vec::new(), None));

    let first = commit(&mut *r, 1_000, &[put("A", "s", "1"), put("B", "s", "2"), put("A", "t", "3")]);
    assert_eq!(first, CommitOutcome { tx: Some(Tx::new(1)), created: 3, ..CommitOutcome::default() });

    let same = commit(&mut *r, 2_000, &[put("A", "s", "1"), put("Z", "s", "")]);
    assert_eq!((same.tx, same.unchanged), (None, 2), "a write that changes nothing takes no number");

    let second = commit(&mut *r, 500, &[put("A", "s", "1b"), put("B", "s", ""), put("C", "s", "4")]);
    assert_eq!(second, CommitOutcome { tx: Some(Tx::new(2)), created: 1, changed: 1, ended: 1, unchanged: 0 });
    let log = r.transactions(Tx::NONE).expect("log");
    assert_eq!(
        log.iter().map(|t| (t.tx, t.commit_ms, t.changes)).collect::<Vec<_>>(),
        [(Tx::new(1), 1_000, 3), (Tx::new(2), 1_001, 3)],
        "time never steps back"
    );

    let failed = write(&mut *r, 3_000, &mut |u| {
        u.put(put("X", "s", "lost"))?;
        assert_eq!(u.known("s", "C", 9)?, [ObjectMark { entity: "X".into(), digest: 0 }], "changes of the unit are known");
        u.set_note("k", "s", Some("lost"))?;
        Err(Error::Rejected("stop".into()))
    });
    assert!(matches!(failed, Err(Error::Rejected(_))));
    assert_eq!(r.last_tx().expect("last_tx"), Tx::new(2), "a failed unit leaves nothing");
    assert_eq!(r.note("k", "s").expect("note"), None);

    drop(r);
    let mut r = open(false);
    let all = ["A", "B", "C", "X"].map(str::to_owned);
    let at = |r: &mut dyn Registry, tx| {
        let objects = r.objects_at(tx, &all).expect("objects_at");
        objects.iter().map(|o| format!("{}{}={}", o.entity, o.source, o.payload)).collect::<Vec<_>>()
    };
    assert_eq!(at(&mut *r, Tx::new(0)), [""; 0]);
    assert_eq!(at(&mut *r, Tx::new(1)), ["As=1", "At=3", "Bs=2"]);
    assert_eq!(at(&mut *r, Tx::new(2)), ["As=1b", "At=3", "Cs=4"]);
    assert_eq!(r.changed_entities(Tx::new(2), "", 2).expect("page"), ["A", "B"]);
    assert_eq!(r.changed_entities(Tx::new(2), "B", 2).expect("page"), ["C"]);
    assert_eq!(r.changed_entities(Tx::new(3), "", 2).expect("page"), [""; 0]);

    // B comes back: created again, with a history. An object put several times counts once, for its last version.
    let last =
        [put("B", "s", "9"), put("A", "t", ""), put("D", "s", "x"), put("A", "t", "3"), put("D", "s", ""), put("B", "s", "5")];
    assert_eq!(
        commit(&mut *r, 4_000, &last),
        CommitOutcome { tx: Some(Tx::new(3)), created: 1, unchanged: 2, ..CommitOutcome::default() }
    );
    assert_eq!(at(&mut *r, Tx::new(3)), ["As=1b", "At=3", "Bs=5", "Cs=4"]);
    assert_eq!(at(&mut *r, Tx::new(2)), ["As=1b", "At=3", "Cs=4"]);
    assert_eq!(r.transactions(Tx::new(2)).expect("log")[0].changes, 1);
    assert_eq!(r.verify().expect("verify"), [""; 0]);
}

fn digests_spare_the_comparison(r: &mut dyn Registry) {
    let with = |payload: &str, digest| Change { digest, ..put("A", "s", payload) };
    let known = |r: &mut dyn Registry| {
        let mut digests = Vec::new();
        let done = write(r, 0, &mut |u| {
            digests = u.known("s", "", 9)?.into_iter().map(|k| k.digest).collect();
            Ok(())
        });
        assert_eq!(done.expect("commit").tx, None);
        digests
    };
    commit(r, 1, &[with("1", 7)]);
    assert_eq!(known(r), [7]);
    assert_eq!(commit(r, 2, &[with("not looked at", 7)]).unchanged, 1);
    // Equal content with another fingerprint: no transaction, and the new fingerprint is kept.
    assert_eq!(commit(r, 3, &[with("1", u128::MAX)]), CommitOutcome { unchanged: 1, ..CommitOutcome::default() });
    assert_eq!(known(r), [u128::MAX]);
    assert_eq!(commit(r, 4, &[with("2", 0)]).changed, 1, "an unknown fingerprint proves nothing");
    assert_eq!(known(r), [0]);
    assert_eq!(commit(r, 5, &[with("2", 0)]).unchanged, 1);
    assert_eq!(commit(r, 6, &[with("", 0)]).ended, 1);
    assert_eq!(known(r), [0; 0], "what ended is not known");
    assert_eq!(commit(r, 7, &[with("2", 7)]).created, 1);
    assert_eq!(r.verify().expect("verify"), [""; 0]);
}

fn many_objects(r: &mut dyn Registry) {
    let many: Vec<Change> = (0..12_500).map(|i| put(&format!("M{i:05}"), "m", &i.to_string())).collect();
    assert_eq!(commit(r, 4_000, &many).created, 12_500);
    let mut seen = Vec::new();
    let again = write(r, 5_000, &mut |u| {
        let mut after = String::new();
        loop {
            let page = u.known("m", &after, 700)?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.entity);
            seen.extend(page.into_iter().map(|k| k.entity));
        }
        many.iter().try_for_each(|c| u.put(c.clone()))?;
        u.set_note("k", "m", Some("{}"))
    });
    assert_eq!(again.expect("commit").unchanged, 12_500);
    assert_eq!(seen.len(), 12_500);
    assert!(seen.is_sorted());
    assert_eq!(r.note("k", "m").expect("note").as_deref(), Some("{}"), "a note stands without a transaction");
    // Scattered puts in descending order, each object put twice, far apart.
    let scattered: Vec<Change> = (0..12_500).rev().step_by(3).map(|i| put(&format!("M{i:05}"), "m", "other")).collect();
    let done = write(r, 6_000, &mut |u| {
        scattered.iter().try_for_each(|c| u.put(Change { payload: Some("first".into()), ..c.clone() }))?;
        scattered.iter().try_for_each(|c| u.put(c.clone()))
    });
    let n = scattered.len() as u64;
    assert_eq!(done.expect("commit"), CommitOutcome { tx: Some(Tx::new(2)), changed: n, ..CommitOutcome::default() });
    assert_eq!(r.transactions(Tx::new(1)).expect("log")[0].changes, n);
    assert_eq!(pages(r, Tx::new(2), 5_000).iter().filter(|o| o.payload == "other").count() as u64, n);
    assert_eq!(r.verify().expect("verify"), [""; 0]);
}

fn notes(open: OpenRegistry<'_>) {
    let mut r = open(true);
    let note = |key: &str, text: &str| (key.to_owned(), text.to_owned());
    let mut seen = Vec::new();
    let done = write(&mut *r, 1, &mut |u| {
        for key in ["b", "a", "é", "a'"] {
            u.set_note("k", key, Some(key))?;
        }
        u.set_note("other", "a", Some("x"))?;
        u.set_note("k", "b", Some("again"))?;
        u.set_note("k", "absent", None)?;
        assert_eq!(u.outcome()?, CommitOutcome::default());
        u.put(put("A", "s", "1"))?;
        seen.push((u.note("k", "b")?, u.notes("k", "a", 2)?, u.outcome()?));
        Ok(())
    });
    let outcome = CommitOutcome { tx: Some(Tx::new(1)), created: 1, ..CommitOutcome::default() };
    assert_eq!(seen, [(Some("again".into()), vec![note("a'", "a'"), note("b", "again")], outcome)]);
    assert_eq!(done.expect("commit"), outcome);
    drop(r);
    let mut r = open(false);
    let all = [note("a", "a"), note("a'", "a'"), note("b", "again"), note("é", "é")];
    assert_eq!(r.notes("k", "", 9).expect("notes"), all);
    write(&mut *r, 2, &mut |u| u.set_note("k", "b", None)).expect("commit");
    assert_eq!((r.note("k", "b").expect("note"), r.note("other", "a").expect("note").as_deref()), (None, Some("x")));
}

/// A clock that is wrong by more than the limits stops a commit unless the operator accepts it; a small step back never does.
fn clocks(r: &mut dyn Registry) {
    let today = 1_800_000_000_000_i64;
    let mut n = 0;
    let mut at = |r: &mut dyn Registry, now, any_clock| {
        n += 1;
        let cause = Cause { author: "suite", reason: "test", now_ms: &|| now, any_clock };
        r.commit(cause, &mut |u| u.put(put("A", "s", &n.to_string()))).map(|o| o.tx)
    };
    assert_eq!(at(r, today, false).expect("first"), Some(Tx::new(1)));
    assert_eq!(at(r, today - limits::CLOCK_BEHIND_MS, false).expect("a small step back"), Some(Tx::new(2)));
    let far = today + 1 + limits::CLOCK_AHEAD_MS;
    assert!(matches!(at(r, far + 1, false), Err(Error::Clock { last_ms, now_ms }) if (last_ms, now_ms) == (today + 1, far + 1)));
    assert_eq!(at(r, far + 1, true).expect("accepted"), Some(Tx::new(3)));
    assert!(matches!(at(r, today, false), Err(Error::Clock { .. })), "a log ahead of the clock is not prolonged in silence");
    assert_eq!(at(r, today, true).expect("accepted"), Some(Tx::new(4)));
    let times: Vec<i64> = r.transactions(Tx::NONE).expect("log").iter().map(|t| t.commit_ms).collect();
    assert_eq!(times, [today, today + 1, far + 1, far + 2]);
}

/// All objects at `tx`, read by pages.
fn pages(r: &mut dyn Registry, tx: Tx, limit: u32) -> Vec<Object> {
    let (mut all, mut after) = (Vec::<Object>::new(), String::new());
    loop {
        let (page, end) = r.standing(tx, &after, limit).expect("standing");
        let beyond = |o: &Object| o.entity > after && end.as_ref().is_none_or(|e| o.entity <= *e);
        assert!(page.iter().all(beyond), "a page holds what follows its start, up to the entity that it names");
        all.extend(page);
        match end {
            Some(end) => after = end,
            None => return all,
        }
    }
}

/// Payload of each object, by entity and source.
type ModelState = BTreeMap<(String, String), String>;

/// Random histories, compared with a model that keeps every state whole.
fn any_history(open: OpenRegistry<'_>) {
    let mut dice = Dice::new(1, 0, 0);
    let mut draw = move |below: u64| dice.below(below);
    for _ in 0..4 {
        let mut r = open(true);
        let mut histories = vec![ModelState::new()];
        let mut changed: Vec<BTreeSet<String>> = vec![BTreeSet::new()];
        for _ in 0..12 {
            let before = histories.last().cloned().unwrap_or_default();
            let mut state = before.clone();
            let changes: Vec<Change> = (0..1 + draw(40))
                .map(|_| {
                    // Keys that separators and quotes could confuse; é sorts after every ASCII letter.
                    let entity = ["A\"", "A", "B:1", "B", "C\\", "é", "z", "Z'"][draw(8) as usize];
                    let payload = ["", "", "1", "2", "3\u{e9}"][draw(5) as usize];
                    let digest = if payload.len() > 1 { 3 * u128::from(draw(2)) } else { 0 };
                    Change { digest, ..put(entity, ["s", "t", "u"][draw(3) as usize], payload) }
                })
                .collect();
            for c in &changes {
                let key = (c.entity.clone(), c.source.clone());
                match &c.payload {
                    Some(p) => _ = state.insert(key, p.clone()),
                    None => _ = state.remove(&key),
                }
            }
            // A third of the units are read while they are written.
            let look = draw(3) == 0;
            let done = write(&mut *r, 0, &mut |u| {
                for c in &changes {
                    u.put(c.clone())?;
                    if look {
                        u.known("s", "", 99)?;
                    }
                }
                let known: Vec<String> = u.known("t", "", 99)?.into_iter().map(|k| k.entity).collect();
                let want: Vec<&String> = state.keys().filter(|k| k.1 == "t").map(|k| &k.0).collect();
                assert_eq!(known.iter().collect::<Vec<_>>(), want);
                Ok(())
            })
            .expect("commit");
            let differs = |k: &&(String, String)| before.get(*k) != state.get(*k);
            let keys: BTreeSet<&(String, String)> = before.keys().chain(state.keys()).filter(differs).collect();
            let count = |was: bool, is: bool| {
                keys.iter().filter(|k| before.contains_key(**k) == was && state.contains_key(**k) == is).count() as u64
            };
            let counts = (count(false, true), count(true, true), count(true, false));
            assert_eq!((done.created, done.changed, done.ended), counts);
            assert_eq!(done.tx, (!keys.is_empty()).then_some(Tx::new(histories.len() as u64)));
            if done.tx.is_some() {
                changed.push(keys.into_iter().map(|k| k.0.clone()).collect());
                histories.push(state);
            }
        }
        drop(r);
        let mut r = open(false);
        compare(&mut *r, &histories, &changed);
        assert_eq!(r.verify().expect("verify"), [""; 0]);
    }
}

fn compare(r: &mut dyn Registry, histories: &[ModelState], changed: &[BTreeSet<String>]) {
    let log = r.transactions(Tx::NONE).expect("log");
    assert_eq!(log.iter().map(|t| t.tx).collect::<Vec<_>>(), (1..histories.len() as u64).map(Tx::new).collect::<Vec<_>>());
    for (tx, (state, changed)) in (0_u64..).map(Tx::new).zip(histories.iter().zip(changed)) {
        let want: Vec<Object> = state
            .iter()
            .map(|((entity, source), payload)| Object {
                entity: entity.clone(),
                source: source.clone(),
                payload: payload.clone(),
            })
            .collect();
        let mut entities: Vec<String> = histories.iter().flat_map(|w| w.keys().map(|k| k.0.clone())).collect();
        entities.push("unheard of".into());
        entities.reverse();
        assert_eq!(r.objects_at(tx, &entities).expect("objects_at"), want, "transaction {tx}");
        assert_eq!(r.objects_at(tx, &[]).expect("objects_at"), []);
        for limit in [1, 2, 3, 100] {
            assert_eq!(pages(r, tx, limit), want, "transaction {tx}, pages of {limit}");
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let page = r.changed_entities(tx, &after, limit).expect("changed_entities");
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                seen.extend(page);
            }
            assert_eq!(seen, changed.iter().cloned().collect::<Vec<_>>(), "transaction {tx}, pages of {limit}");
        }
    }
}
