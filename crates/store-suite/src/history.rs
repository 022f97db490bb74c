//! Random histories of units, stages and withdrawals, compared with the model.

use crate::acts::{OpenRegistry, cause, owners, sound};
use crate::model::Model;
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_store::{BlockingRegistry, Change, CommitClock, CommitOutcome, Expect};
use annuaire_testkit::Dice;
use std::collections::BTreeSet;

/// Keys that separators and quotes could confuse; é sorts after every ASCII letter.
const ENTITIES: [&str; 8] = ["A\"", "A", "B:1", "B", "C\\", "é", "z", "Z'"];
/// `f` and `g` come by stages, `p` and `q` by units, `s` by both.
const OWNERS: [&str; 5] = ["f", "g", "s", "p", "q"];

fn change(draw: &mut dyn FnMut(u64) -> u64, owners: &[&str]) -> Change {
    let mut pick = |of: &[&str]| of[draw(of.len() as u64) as usize].to_owned();
    let key = FactKey { entity: pick(&ENTITIES), owner: pick(owners), facet: pick(&["", "", "situation:1", "situation:2"]) };
    let payload = pick(&["", "", "1", "2", "3\u{e9}"]);
    let publication = if draw(4) == 0 { Publication::Restricted } else { Publication::Open };
    let fingerprint = if payload.len() > 1 { 3 * draw(2) } else { 0 };
    Change { key, payload: (!payload.is_empty()).then_some(payload), publication, fingerprint }
}

pub(crate) fn run(open: OpenRegistry<'_>) {
    let mut dice = Dice::new(1, 0, 0);
    let mut draw = move |below: u64| dice.below(below);
    for _ in 0..4 {
        let r = open(true);
        owners(&r, &OWNERS);
        let mut model = Model::default();
        for _ in 0..14 {
            step(&r, &mut model, &mut draw);
        }
        let again = open(false);
        for r in [&r, &again] {
            compare(r, &model);
            sound(r);
        }
    }
}

fn step(r: &BlockingRegistry, model: &mut Model, draw: &mut dyn FnMut(u64) -> u64) {
    let by_stage = draw(3) == 0;
    let mut unit_puts: Vec<Change> = (0..draw(20)).map(|_| change(draw, &["s", "p", "q"])).collect();
    let staged: Vec<Change> =
        if by_stage { (0..1 + draw(40)).map(|_| change(draw, &["f", "g", "s"])).collect() } else { Vec::new() };
    let staged_owners: BTreeSet<&str> = staged.iter().map(|c| c.key.owner.as_str()).collect();
    unit_puts.retain(|c| !staged_owners.contains(c.key.owner.as_str()));
    let entity = |n: u64| ENTITIES[n as usize].to_owned();
    let withdraw: Vec<String> = if !by_stage && draw(4) == 0 { vec![entity(draw(8))] } else { Vec::new() };
    let lift: Vec<String> = if !by_stage && draw(3) == 0 { vec![entity(draw(8))] } else { Vec::new() };
    // A third of the units are read while they are written.
    let look = draw(3) == 0;

    let stage = by_stage.then(|| {
        let mut stage = r.stage().expect("stage");
        for change in &staged {
            stage.put(change.clone()).expect("put");
            if look {
                stage.known("f", "", 99).expect("known");
            }
        }
        if look {
            stage.counts().expect("counts");
        }
        stage
    });
    let mut unit = r.begin().expect("begin");
    withdraw.iter().try_for_each(|e| unit.withdraw(e)).expect("withdraw");
    lift.iter().try_for_each(|e| unit.lift_withdrawal(e)).expect("lift");
    for change in &unit_puts {
        unit.put(change.clone(), Expect::Any).expect("put");
        if look {
            unit.known("s", "", 99).expect("known");
        }
    }
    if let Some(stage) = stage {
        unit.adopt(stage).expect("adopt");
    }
    let before = model.last;
    let puts: Vec<Change> = unit_puts.iter().chain(&staged).cloned().collect();
    let counts = model.unit(&withdraw, &lift, &puts);
    if look {
        assert_eq!(unit.counts().expect("counts"), counts);
        // Facts of a stage are not among those that the unit sees.
        let of_unit = |f: &Fact| !staged_owners.contains(f.key.owner.as_str());
        let seen: Vec<Fact> = unit.facts(&model.entities()).expect("facts").into_iter().filter(of_unit).collect();
        let want: Vec<Fact> = model.facts(before + 1).into_iter().filter(of_unit).collect();
        assert_eq!(seen, want);
        let known = unit.known("p", "", 99).expect("known");
        let want: Vec<(String, String)> =
            want.into_iter().filter(|f| f.key.owner == "p").map(|f| (f.key.entity, f.key.facet)).collect();
        assert_eq!(known.into_iter().map(|k| (k.entity, k.facet)).collect::<Vec<_>>(), want);
    }
    let done = unit.save(&cause(), CommitClock { now_ms: &|| 0, any_clock: false }).expect("save");
    let tx = (model.last > before).then(|| Tx::new(model.last));
    assert_eq!(done, CommitOutcome { tx, counts });
}

/// All facts at `tx`, read by pages.
fn pages(r: &BlockingRegistry, tx: Tx, limit: u32) -> Vec<Fact> {
    let (mut all, mut after) = (Vec::<Fact>::new(), String::new());
    loop {
        let (page, end) = r.standing(tx, &after, limit).expect("standing");
        let beyond = |f: &Fact| f.key.entity > after && end.as_ref().is_none_or(|e| f.key.entity <= *e);
        assert!(page.iter().all(beyond), "a page holds what follows its start, up to the entity that it names");
        all.extend(page);
        match end {
            Some(end) => after = end,
            None => return all,
        }
    }
}

fn compare(r: &BlockingRegistry, model: &Model) {
    let log = r.transactions(Tx::NONE, 999).expect("log");
    assert_eq!(log.iter().map(|t| t.tx.get()).collect::<Vec<_>>(), (1..=model.last).collect::<Vec<_>>());
    let mut entities = model.entities();
    entities.push("unheard of".into());
    entities.reverse();
    for at in 0..=model.last {
        let tx = Tx::new(at);
        let want = model.facts(at);
        assert_eq!(r.facts_at(tx, &entities).expect("facts_at"), want, "transaction {tx}");
        assert_eq!(r.history(tx, &entities).expect("history"), model.history(at), "transaction {tx}");
        assert_eq!(r.facts_at(tx, &[]).expect("facts_at"), []);
        let none = BTreeSet::new();
        let changed = model.changed.get(&at).unwrap_or(&none);
        let withdrawn = model.withdrawn.get(&at).unwrap_or(&none);
        assert_eq!(r.withdrawn(tx).expect("withdrawn"), withdrawn.iter().cloned().collect::<Vec<_>>());
        if let Some(row) = log.iter().find(|t| t.tx == tx) {
            assert_eq!(row.withdrawals, withdrawn.len() as u64);
        }
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
