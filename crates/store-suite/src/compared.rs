//! Fingerprints spare the comparison of contents.

use crate::acts::{commit, import, owners, put, sound, write};
use annuaire_store::{BlockingRegistry, Change, CommitOutcome};

pub(crate) fn run(r: &BlockingRegistry) {
    owners(r, &["s", "m"]);
    let with = |payload: &str, fingerprint| Change { fingerprint, ..put("A", "s", payload) };
    let known = || {
        let mut marks = Vec::new();
        let done = write(r, 0, &mut |u| {
            marks = u.known("s", "", 9)?.into_iter().map(|k| k.fingerprint).collect();
            Ok(())
        });
        assert_eq!(done.expect("commit").tx, None);
        marks
    };
    commit(r, 1, &[with("1", 7)]);
    assert_eq!(known(), [7]);
    assert_eq!(commit(r, 2, &[with("not looked at", 7)]).counts.unchanged, 1);
    assert_eq!(commit(r, 3, &[with("1", u64::MAX)]).tx, None, "equal content from another input");
    assert_eq!(commit(r, 4, &[with("2", 0)]).counts.changed, 1, "an unknown fingerprint proves nothing");
    assert_eq!(known(), [0]);
    assert_eq!(commit(r, 5, &[with("2", 0)]).counts.unchanged, 1);
    assert_eq!(commit(r, 6, &[with("", 0)]).counts.ended, 1);
    assert_eq!(known(), [0; 0], "what ended is not known");
    assert_eq!(commit(r, 7, &[with("2", u64::MAX)]).counts.created, 1);
    assert_eq!(known(), [u64::MAX]);
    assert_eq!(
        import(r, 8, &[with("3", u64::MAX)]).expect("import"),
        CommitOutcome { tx: None, counts: annuaire_store::ChangeCounts { unchanged: 1, ..Default::default() } }
    );
    sound(r);
}
