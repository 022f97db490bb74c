//! Random histories of units and stages, compared with a model that keeps every state whole.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_store::{BlockingRegistry, Change, ChangeCounts, Expect};
use annuaire_testkit::Dice;
use common::{Schema, save};
use std::collections::{BTreeMap, BTreeSet};

/// Entity, owner, facet.
type Place = (String, String, String);
type State = BTreeMap<Place, (String, Publication, u64)>;

fn place(key: &FactKey) -> Place {
    (key.entity.clone(), key.owner.clone(), key.facet.clone())
}

fn change(dice: &mut Dice) -> Change {
    let entity = ["A\"", "A", "B:1", "B", "C\\", "é", "z", "Z'"][dice.below(8) as usize];
    let facet = ["", "f", "é"][dice.below(3) as usize];
    let payload = ["", "", "1", "2", "3\u{e9}"][dice.below(5) as usize];
    let key = FactKey { owner: ["s", "t", "u"][dice.below(3) as usize].into(), entity: entity.into(), facet: facet.into() };
    let publication = if dice.below(4) == 0 { Publication::Restricted } else { Publication::Open };
    Change { key, payload: (!payload.is_empty()).then(|| payload.into()), publication, fingerprint: 0 }
}

fn pages(r: &BlockingRegistry, tx: Tx, limit: u32) -> Vec<Fact> {
    let (mut all, mut after) = (Vec::<Fact>::new(), String::new());
    loop {
        let (page, end) = r.standing(tx, &after, limit).unwrap();
        assert!(page.iter().all(|f| f.key.entity > after && end.as_ref().is_none_or(|e| f.key.entity <= *e)));
        all.extend(page);
        match end {
            Some(end) => after = end,
            None => return all,
        }
    }
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn any_history_is_that_of_the_model() {
    for seed in 0..3 {
        let schema = Schema::new(&format!("model{seed}"));
        let mut dice = Dice::new(seed, 0, 0);
        let r = schema.fresh();
        let mut states = vec![State::new()];
        let mut changed: Vec<BTreeSet<String>> = vec![BTreeSet::new()];
        for n in 0..14 {
            let before = states.last().cloned().unwrap();
            let mut state = before.clone();
            let changes: Vec<Change> = (0..1 + dice.below(40)).map(|_| change(&mut dice)).collect();
            for c in &changes {
                match &c.payload {
                    Some(p) => _ = state.insert(place(&c.key), (p.clone(), c.publication, n)),
                    None => _ = state.remove(&place(&c.key)),
                }
            }
            // What did not change is still that of its transaction.
            for (key, value) in &mut state {
                if let Some(old) = before.get(key).filter(|old| (&old.0, old.1) == (&value.0, value.1)) {
                    value.2 = old.2;
                } else {
                    value.2 = states.len() as u64;
                }
            }
            let mut unit = r.begin().unwrap();
            if dice.below(2) == 0 {
                let mut stage = r.stage().unwrap();
                for c in &changes {
                    stage.put(c.clone()).unwrap();
                    if dice.below(9) == 0 {
                        stage.counts().unwrap();
                    }
                }
                unit.adopt(stage).unwrap();
            } else {
                for c in &changes {
                    unit.put(c.clone(), Expect::Any).unwrap();
                }
                let known: Vec<Place> =
                    unit.known("t", "", 99).unwrap().into_iter().map(|m| (m.entity, "t".into(), m.facet)).collect();
                assert_eq!(known, state.keys().filter(|k| k.1 == "t").cloned().collect::<Vec<_>>());
                let seen = unit.facts(&["A".into(), "é".into()]).unwrap();
                let want = state.iter().filter(|(k, _)| k.0 == "A" || k.0 == "é");
                assert!(seen.iter().map(|f| (place(&f.key), &f.payload)).eq(want.map(|(k, v)| (k.clone(), &v.0))));
            }
            let foretold = unit.counts().unwrap();
            let done = save(unit, 0).unwrap();
            let differs = |k: &&Place| before.get(*k).map(|v| (&v.0, v.1)) != state.get(*k).map(|v| (&v.0, v.1));
            let keys: BTreeSet<&Place> = before.keys().chain(state.keys()).filter(differs).collect();
            let count = |was: bool, is: bool| {
                keys.iter().filter(|k| before.contains_key(**k) == was && state.contains_key(**k) == is).count() as u64
            };
            let touched: BTreeSet<Place> = changes.iter().map(|c| place(&c.key)).collect();
            let counts = ChangeCounts {
                created: count(false, true),
                changed: count(true, true),
                ended: count(true, false),
                unchanged: (touched.len() - keys.len()) as u64,
                withheld: 0,
            };
            assert_eq!((done.counts, foretold), (counts, counts));
            assert_eq!(done.tx, (!keys.is_empty()).then_some(Tx::new(states.len() as u64)));
            if done.tx.is_some() {
                changed.push(keys.into_iter().map(|k| k.0.clone()).collect());
                states.push(state);
            }
        }
        let r = schema.open();
        compare(&r, &states, &changed);
        assert_eq!(r.verify().unwrap(), [""; 0]);
    }
}

fn compare(r: &BlockingRegistry, states: &[State], changed: &[BTreeSet<String>]) {
    let mut entities: Vec<String> = states.iter().flat_map(|s| s.keys().map(|k| k.0.clone())).collect();
    entities.push("unheard of".into());
    entities.reverse();
    for (tx, (state, changed)) in (0_u64..).map(Tx::new).zip(states.iter().zip(changed)) {
        let want: Vec<Fact> = state
            .iter()
            .map(|((entity, owner, facet), (payload, publication, since))| Fact {
                key: FactKey { owner: owner.clone(), entity: entity.clone(), facet: facet.clone() },
                tx: Tx::new(*since),
                payload: payload.clone(),
                publication: *publication,
            })
            .collect();
        assert_eq!(r.facts_at(tx, &entities).unwrap(), want, "transaction {tx}");
        for limit in [1, 2, 3, 100] {
            assert_eq!(pages(r, tx, limit), want, "transaction {tx}, pages of {limit}");
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let page = r.changed_entities(tx, &after, limit).unwrap();
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                seen.extend(page);
            }
            assert_eq!(seen, changed.iter().cloned().collect::<Vec<_>>(), "transaction {tx}, pages of {limit}");
        }
    }
}
