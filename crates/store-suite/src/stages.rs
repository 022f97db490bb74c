//! Stages: beside the state until they are adopted, never seen when they are not.

use crate::acts::{OpenRegistry, cause, commit, import, owners, put, sound, write};
use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, Change, ChangeCounts, CommitClock, Error, Expect};

/// More than a backend buffers.
const MANY: usize = 20_000;

pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    owners(&r, &["s", "t", "u"]);
    many(&r);
    beside_units(&r, &open(false));
    overtaken(&r);
    sound(&r);
}

fn name(i: usize) -> String {
    format!("M{i:05}")
}

fn all(r: &BlockingRegistry, owner: &str) -> Vec<(String, u64)> {
    let (mut seen, mut after) = (Vec::new(), String::new());
    write(r, 0, &mut |u| {
        loop {
            let page = u.known(owner, &after, 700)?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.entity);
            seen.extend(page.into_iter().map(|k| (k.entity, k.fingerprint)));
        }
    })
    .expect("known");
    seen
}

fn many(r: &BlockingRegistry) {
    let change = |i: usize, text: &str| Change { fingerprint: i as u64 + 1, ..put(&name(i), "s", &format!("{text} {i}")) };
    let first: Vec<Change> = (0..MANY).map(|i| change(i, "first")).collect();
    assert!(matches!(r.stage().expect("stage").put(put("A", "nobody", "1")), Err(Error::UnknownOwner(_))));
    let done = import(r, 1, &first).expect("import");
    let created = ChangeCounts { created: MANY as u64, ..ChangeCounts::default() };
    assert_eq!((done.tx, done.counts), (Some(Tx::new(1)), created));
    let known = all(r, "s");
    assert_eq!(known.len(), MANY);
    assert!(known.iter().enumerate().all(|(i, k)| *k == (name(i), i as u64 + 1)));
    let again = import(r, 2, &first).expect("import");
    assert_eq!((again.tx, again.counts.unchanged), (None, MANY as u64));

    // Scattered puts in descending order, each fact put twice, far apart; and some that come back to what they were.
    let differ = |i: usize, text: &str| Change { fingerprint: 0, ..change(i, text) };
    let mut scattered: Vec<Change> = (0..MANY).rev().step_by(2).map(|i| differ(i, "passing")).collect();
    let n = scattered.len();
    scattered.extend((0..MANY).rev().step_by(2).map(|i| differ(i, if i % 10 == 1 { "first" } else { "second" })));
    let back = (0..MANY).rev().step_by(2).filter(|i| i % 10 == 1).count();
    let mut stage = r.stage().expect("stage");
    scattered.iter().try_for_each(|c| stage.put(c.clone())).expect("put");
    let counts = ChangeCounts { changed: (n - back) as u64, unchanged: back as u64, ..ChangeCounts::default() };
    assert_eq!(stage.counts().expect("counts"), counts);
    let mut unit = r.begin().expect("begin");
    unit.adopt(stage).expect("adopt");
    assert_eq!(unit.counts().expect("counts"), counts);
    let done = unit.save(&cause(), CommitClock { now_ms: &|| 3, any_clock: false }).expect("save");
    assert_eq!((done.tx, done.counts), (Some(Tx::new(2)), counts));
    assert_eq!(r.transactions(Tx::new(1), 9).expect("log")[0].changes, (n - back) as u64);
    for (tx, second) in [(1, 0), (2, n - back)] {
        let (mut seen, mut after, mut found) = (0, String::new(), 0);
        loop {
            let (page, end) = r.standing(Tx::new(tx), &after, 3_000).expect("standing");
            assert!(page.iter().all(|f| f.key.entity > after) && page.is_sorted_by_key(|f| f.key.entity.clone()));
            seen += page.len();
            found += page.iter().filter(|f| f.payload.starts_with("second")).count();
            match end {
                Some(end) => after = end,
                None => break,
            }
        }
        assert_eq!((seen, found), (MANY, second), "transaction {tx}");
    }
    let (mut changed, mut after) = (0, String::new());
    loop {
        let page = r.changed_entities(Tx::new(2), &after, 999).expect("changed");
        let Some(last) = page.last() else { break };
        assert!(page.is_sorted());
        after.clone_from(last);
        changed += page.len();
    }
    assert_eq!(changed, n - back);
    sound(r);
}

/// Units are saved while a stage is being written; nobody sees the stage, and it is compared with its base.
fn beside_units(r: &BlockingRegistry, other: &BlockingRegistry) {
    let before = r.last_tx().expect("last");
    let mut stage = r.stage().expect("stage");
    assert_eq!(stage.base(), before);
    for i in 0..MANY {
        stage.put(put(&name(i), "t", "staged")).expect("put");
        if i % 2_000 == 0 {
            // A portal, in this process and in another one.
            let r = if i % 4_000 == 0 { r } else { other };
            commit(r, 10, &[put(&name(i), "u", &format!("portal {i}"))]);
            assert_eq!(all(r, "t"), [], "not seen");
            assert!(r.standing(r.last_tx().expect("last"), "", 50).expect("standing").0.iter().all(|f| f.key.owner != "t"));
        }
    }
    assert_eq!(stage.known("t", "", 9).expect("known"), []);
    let mut unit = other.begin().expect("begin");
    unit.put(put("BESIDE", "u", "1"), Expect::Any).expect("put");
    // A stage belongs to the opening that began it.
    drop(unit);
    let mut unit = r.begin().expect("begin");
    unit.put(put("BESIDE", "u", "1"), Expect::Any).expect("put");
    unit.adopt(stage).expect("adopt");
    let done = unit.save(&cause(), CommitClock { now_ms: &|| 20, any_clock: false }).expect("save");
    assert_eq!(done.counts, ChangeCounts { created: MANY as u64 + 1, ..ChangeCounts::default() });
    let tx = done.tx.expect("a number");
    assert_eq!(other.transactions(tx, 1).expect("log"), []);
    assert_eq!(all(other, "t").len(), MANY);
    let facts = other.facts_at(tx, &[name(0), "BESIDE".into()]).expect("facts_at");
    assert_eq!(facts.iter().filter(|f| f.tx == tx).count(), 2, "{facts:?}");
    assert!(other.facts_at(tx, &[name(0)]).expect("facts_at").iter().any(|f| f.key.owner == "u"));
    sound(r);
    // Nothing is left of a stage that nobody adopts, and the next one is not disturbed.
    let mut dropped = r.stage().expect("stage");
    (0..MANY).try_for_each(|i| dropped.put(put(&name(i), "t", "dropped"))).expect("put");
    drop(dropped);
    let done = import(r, 30, &[put(&name(7), "t", "next")]).expect("import");
    assert_eq!((done.tx, done.counts.changed), (Some(tx.next()), 1));
    let fact = other.facts_at(tx.next(), &[name(6), name(7)]).expect("facts_at");
    let of_t: Vec<&str> = fact.iter().filter(|f| f.key.owner == "t").map(|f| f.payload.as_str()).collect();
    assert_eq!(of_t, ["staged", "next"]);
}

/// Somebody changed facts of the owner after the stage had begun.
fn overtaken(r: &BlockingRegistry) {
    let stage = |owner: &str| {
        let mut stage = r.stage().expect("stage");
        stage.put(put("O", owner, "late")).expect("put");
        stage
    };
    let (late, other) = (stage("s"), stage("u"));
    let at = commit(r, 40, &[put("O2", "s", "early")]).tx.expect("a number");
    let mut unit = r.begin().expect("begin");
    let error = unit.adopt(late).expect_err("overtaken");
    assert!(matches!(&error, Error::Overtaken { owner, at: tx } if owner == "s" && *tx == at), "{error}");
    drop(unit);
    let mut unit = r.begin().expect("begin");
    unit.adopt(other).expect("another owner");
    let done = unit.save(&cause(), CommitClock { now_ms: &|| 50, any_clock: false }).expect("save");
    assert_eq!(done.tx, Some(at.next()));
    let facts = r.facts_at(at.next(), &["O".into()]).expect("facts_at");
    assert_eq!(facts.iter().map(|f| f.key.owner.as_str()).collect::<Vec<_>>(), ["u"]);
}
