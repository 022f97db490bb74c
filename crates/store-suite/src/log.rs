//! The log and the state that it leads to.

use crate::acts::{OpenRegistry, commit, owners, put, sound, write};
use crate::described;
use annuaire_base::Tx;
use annuaire_base::fact::Publication;
use annuaire_store::{BlockingRegistry, ChangeCounts, CommitOutcome, Error, Expect, FactMark, OwnerRow};

fn at(r: &BlockingRegistry, tx: u64) -> Vec<String> {
    let all = ["A", "B", "C", "X"].map(str::to_owned);
    let facts = r.facts_at(Tx::new(tx), &all).expect("facts_at");
    facts.iter().map(|f| format!("{}{}={}@{}", f.key.entity, f.key.owner, f.payload, f.tx)).collect()
}

pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    assert_eq!(r.last_tx().expect("last_tx"), Tx::NONE);
    assert_eq!(r.standing(Tx::NONE, "", 9).expect("standing"), (Vec::new(), None));
    let log = r.log().expect("log");
    assert!(log.id != 0 && log.epoch == 0, "{log}");
    owners(&r, &["s", "t"]);
    let stranger = write(&r, 0, &mut |u| u.put(put("A", "nobody", "1"), Expect::Any));
    assert!(matches!(stranger, Err(Error::UnknownOwner(owner)) if owner == "nobody"));

    let counts = |created, changed, ended, unchanged| ChangeCounts { created, changed, ended, unchanged, withheld: 0 };
    let first = commit(&r, 1_000, &[put("A", "s", "1"), put("B", "s", "2"), put("A", "t", "3")]);
    assert_eq!(first, CommitOutcome { tx: Some(Tx::new(1)), counts: counts(3, 0, 0, 0) });
    let same = commit(&r, 2_000, &[put("A", "s", "1"), put("Z", "s", "")]);
    assert_eq!((same.tx, same.counts.unchanged), (None, 2), "a write that changes nothing takes no number");
    let second = commit(&r, 500, &[put("A", "s", "1b"), put("B", "s", ""), put("C", "s", "4")]);
    assert_eq!(second, CommitOutcome { tx: Some(Tx::new(2)), counts: counts(1, 1, 1, 0) });
    let rows = r.transactions(Tx::NONE, 99).expect("log");
    let seen: Vec<_> = rows.iter().map(|t| (t.tx.get(), t.commit_ms, t.changes, t.cause.actor.as_str())).collect();
    assert_eq!(seen, [(1, 1_000, 3, "suite"), (2, 1_001, 3, "suite")], "time never steps back");
    assert!(rows[0].digest != rows[1].digest && rows[0].digest != [0; 32]);

    let failed = write(&r, 3_000, &mut |u| {
        u.put(put("X", "s", "lost"), Expect::Any)?;
        let mark = FactMark { entity: "X".into(), facet: String::new(), fingerprint: 0 };
        assert_eq!(u.known("s", "C", 9)?, [mark], "changes of the unit are known");
        assert_eq!(u.facts(&["X".into()])?[0].tx, u.next_tx()?);
        u.set_note("k", "s", Some("lost"))?;
        u.set_owner(&OwnerRow { code: "lost".into(), description: String::new() })?;
        Err(Error::Rejected("stop".into()))
    });
    assert!(matches!(failed, Err(Error::Rejected(_))));
    assert_eq!(r.last_tx().expect("last_tx"), Tx::new(2), "a failed unit leaves nothing");
    assert_eq!(r.note("k", "s").expect("note"), None);

    let before = r.clone();
    let r = open(false);
    assert_eq!(r.log().expect("log"), log);
    let known: Vec<_> = r.owners().expect("owners").into_iter().map(|o| (o.code, o.description)).collect();
    assert_eq!(known, [("s".to_owned(), "s!".to_owned()), ("t".to_owned(), "t!".to_owned())]);
    described::owners(&r);
    assert_eq!(at(&r, 0), [""; 0]);
    assert_eq!(at(&r, 1), ["As=1@1", "At=3@1", "Bs=2@1"]);
    assert_eq!(at(&r, 2), ["As=1b@2", "At=3@1", "Cs=4@2"]);
    assert_eq!(r.changed_entities(Tx::new(2), "", 2).expect("page"), ["A", "B"]);
    assert_eq!(r.changed_entities(Tx::new(2), "B", 2).expect("page"), ["C"]);
    assert_eq!(r.changed_entities(Tx::new(3), "", 2).expect("page"), [""; 0]);

    // B comes back: created again, with a history. A fact put several times counts once, for its last version.
    let last = [("B", "s", "9"), ("A", "t", ""), ("D", "s", "x"), ("A", "t", "3"), ("D", "s", ""), ("B", "s", "5")];
    let third = commit(&r, 4_000, &last.map(|(e, o, p)| put(e, o, p)));
    assert_eq!(third, CommitOutcome { tx: Some(Tx::new(3)), counts: counts(1, 0, 0, 2) });
    assert_eq!(at(&before, 3), ["As=1b@2", "At=3@1", "Bs=5@3", "Cs=4@2"], "another opening sees it");
    assert_eq!(at(&r, 2), ["As=1b@2", "At=3@1", "Cs=4@2"]);
    assert_eq!(r.transactions(Tx::new(2), 9).expect("log")[0].changes, 1);
    assert_eq!(r.transactions(Tx::NONE, 2).expect("log").len(), 2, "no more than asked for");
    expectations(&r);
    let raised = r.raise_epoch().expect("raise");
    assert_eq!((raised.id, raised.epoch), (log.id, 1));
    assert_eq!(r.log().expect("log"), raised);
    sound(&r);
}

/// Compare-and-set: what was read at a transaction is still so, or nothing is written.
fn expectations(r: &BlockingRegistry) {
    let try_put = |payload: &str, expect| write(r, 5_000, &mut |u| u.put(put("A", "s", payload), expect));
    let lost = |expect, at: u64| {
        let error = try_put("lost", expect).expect_err("conflict");
        assert!(matches!(&error, Error::Conflict { key, at: found } if key.entity == "A" && found.get() == at), "{error}");
    };
    lost(Expect::Absent, 2);
    lost(Expect::UnchangedSince(Tx::new(1)), 2);
    assert_eq!(try_put("1c", Expect::UnchangedSince(Tx::new(2))).expect("unchanged since 2").tx, Some(Tx::new(4)));
    lost(Expect::UnchangedSince(Tx::new(3)), 4);
    assert_eq!(try_put("", Expect::UnchangedSince(Tx::new(9))).expect("ends").tx, Some(Tx::new(5)));
    lost(Expect::UnchangedSince(Tx::new(4)), 5);
    assert_eq!(try_put("1d", Expect::Absent).expect("ended").tx, Some(Tx::new(6)));
    // The demand is about the registry before the unit, whatever the unit put itself.
    let twice = write(r, 5_000, &mut |u| {
        u.put(put("N", "s", "1"), Expect::Absent)?;
        u.put(put("N", "s", "2"), Expect::Absent)
    });
    assert_eq!(twice.expect("twice").counts.created, 1);
    let hidden = annuaire_store::Change { publication: Publication::Restricted, ..put("N", "s", "2") };
    assert_eq!(commit(r, 5_000, std::slice::from_ref(&hidden)).counts.changed, 1, "publication is content");
    assert_eq!(commit(r, 5_000, &[hidden]).counts.unchanged, 1);
    let fact = r.facts_at(r.last_tx().expect("last"), &["N".into()]).expect("facts_at");
    assert_eq!(fact[0].publication, Publication::Restricted);
}
