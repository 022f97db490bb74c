//! Withdrawal by law.

use crate::acts::{OpenRegistry, cause, commit, import, owners, put, sound, write};
use annuaire_base::Tx;
use annuaire_base::fact::VersionContent;
use annuaire_store::{ChangeCounts, CommitClock, Error, Expect};

pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    owners(&r, &["s", "t"]);
    let base = [put("A", "s", "secret 1"), put("B", "s", "1"), put("W", "s", "secret 2"), put("W", "t", "secret 3")];
    import(&r, 1, &base).expect("import");
    commit(&r, 2, &[put("W", "s", "secret 4"), put("W", "t", "")]);
    let digests = |r: &annuaire_store::BlockingRegistry| -> Vec<[u8; 32]> {
        r.transactions(Tx::NONE, 9).expect("log").into_iter().map(|t| t.digest).collect()
    };
    let before = digests(&r);
    let mut stage = r.stage().expect("stage");
    stage.put(put("W", "t", "secret 5")).expect("put");
    let done = write(&r, 3, &mut |u| {
        u.put(put("W", "s", "secret 6"), Expect::Any)?;
        u.withdraw("W")?;
        u.put(put("W", "s", "secret 7"), Expect::Any)?;
        u.put(put("B", "s", "2"), Expect::Any)?;
        assert_eq!(u.facts(&["W".into()])?, []);
        Ok(())
    })
    .expect("withdraw");
    let counts = ChangeCounts { changed: 1, ended: 1, withheld: 1, ..ChangeCounts::default() };
    assert_eq!((done.tx, done.counts), (Some(Tx::new(3)), counts));
    let mut unit = r.begin().expect("begin");
    assert!(matches!(unit.adopt(stage), Err(Error::Overtaken { .. })), "it could bring the withdrawn back");
    drop(unit);

    let other = open(false);
    for r in [&r, &other] {
        for tx in 0..4 {
            assert_eq!(r.facts_at(Tx::new(tx), &["W".into()]).expect("facts_at"), [], "transaction {tx}");
            let (page, _) = r.standing(Tx::new(tx), "", 99).expect("standing");
            assert!(page.iter().all(|f| f.key.entity != "W"), "transaction {tx}");
        }
        let history = r.history(Tx::new(3), &["W".into()]).expect("history");
        let seen: Vec<_> = history.iter().map(|v| (v.key.owner.as_str(), v.tx.get(), v.content.clone())).collect();
        let gone = VersionContent::Withdrawn;
        let want =
            [("s", 1, gone.clone()), ("s", 2, gone.clone()), ("s", 3, gone.clone()), ("t", 1, gone.clone()), ("t", 2, gone)];
        assert_eq!(seen, want);
        assert_eq!(r.withdrawn(Tx::new(3)).expect("withdrawn"), ["W"]);
        assert_eq!(r.changed_entities(Tx::new(3), "", 9).expect("changed"), ["B", "W"]);
        let last = &r.transactions(Tx::new(2), 9).expect("log")[0];
        assert_eq!((last.changes, last.withdrawals), (2, 1));
        assert_eq!(digests(r)[..2], before, "what was proved stays proved");
        assert_eq!(r.facts_at(Tx::new(1), &["A".into()]).expect("facts_at")[0].payload, "secret 1", "a neighbour");
        sound(r);
    }

    // An old file does not bring it back, nor does a second withdrawal take a number.
    assert_eq!(commit(&r, 4, &[put("W", "s", "secret 8")]).counts.withheld, 1);
    let old = import(&r, 4, &base).expect("import");
    assert_eq!(
        (old.tx, old.counts),
        (Some(Tx::new(4)), ChangeCounts { changed: 1, unchanged: 1, withheld: 2, ..counts_of_none() })
    );
    assert_eq!(write(&r, 5, &mut |u| u.withdraw("W")).expect("again").tx, None);
    let stale = write(&r, 5, &mut |u| u.put(put("W", "s", "x"), Expect::UnchangedSince(Tx::new(2))));
    assert!(matches!(stale, Err(Error::Conflict { .. })));
    // One of whom nothing is known is withheld too, and that is a transaction.
    let unknown = write(&r, 6, &mut |u| u.withdraw("NEVER")).expect("withdraw");
    assert_eq!((unknown.tx, unknown.counts), (Some(Tx::new(5)), counts_of_none()));
    assert_eq!(r.withdrawn(Tx::new(5)).expect("withdrawn"), ["NEVER"]);
    assert_eq!(r.changed_entities(Tx::new(5), "", 9).expect("changed"), [""; 0]);

    let lifted = write(&r, 7, &mut |u| {
        u.lift_withdrawal("W")?;
        u.put(put("W", "s", "new"), Expect::Any)
    });
    assert_eq!(lifted.expect("lift").counts, ChangeCounts { created: 1, ..counts_of_none() });
    let facts = other.facts_at(Tx::new(6), &["W".into()]).expect("facts_at");
    assert_eq!(facts.iter().map(|f| f.payload.as_str()).collect::<Vec<_>>(), ["new"]);
    assert_eq!(other.facts_at(Tx::new(2), &["W".into()]).expect("facts_at"), [], "the past stays gone");
    // Withdrawn and lifted at once: the past is gone, the entity may be written.
    let mut unit = r.begin().expect("begin");
    unit.withdraw("W").expect("withdraw");
    unit.lift_withdrawal("W").expect("lift");
    unit.put(put("W", "t", "newer"), Expect::Any).expect("put");
    let done = unit.save(&cause(), CommitClock { now_ms: &|| 8, any_clock: false }).expect("save");
    assert_eq!(done.counts, ChangeCounts { created: 1, ended: 1, ..counts_of_none() });
    let facts = other.facts_at(Tx::new(7), &["W".into()]).expect("facts_at");
    assert_eq!(facts.iter().map(|f| f.payload.as_str()).collect::<Vec<_>>(), ["newer"]);
    sound(&r);
}

fn counts_of_none() -> ChangeCounts {
    ChangeCounts::default()
}
