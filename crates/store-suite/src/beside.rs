//! Notes.

use crate::acts::{OpenRegistry, owners, put, write};
use annuaire_base::Tx;
use annuaire_store::{ChangeCounts, CommitOutcome, Expect};

pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    owners(&r, &["s"]);
    let note = |key: &str, text: &str| (key.to_owned(), text.to_owned());
    let mut seen = Vec::new();
    let done = write(&r, 1, &mut |u| {
        for key in ["b", "a", "é", "a'"] {
            u.set_note("k", key, Some(key))?;
        }
        u.set_note("other", "a", Some("x"))?;
        u.set_note("k", "b", Some("again"))?;
        u.set_note("k", "absent", None)?;
        assert_eq!(u.counts()?, ChangeCounts::default());
        u.put(put("A", "s", "1"), Expect::Any)?;
        seen.push((u.note("k", "b")?, u.notes("k", "a", 2)?, u.counts()?));
        Ok(())
    });
    let counts = ChangeCounts { created: 1, ..ChangeCounts::default() };
    assert_eq!(seen, [(Some("again".into()), vec![note("a'", "a'"), note("b", "again")], counts)]);
    assert_eq!(done.expect("commit"), CommitOutcome { tx: Some(Tx::new(1)), counts });
    let r = open(false);
    let all = [note("a", "a"), note("a'", "a'"), note("b", "again"), note("é", "é")];
    assert_eq!(r.notes("k", "", 9).expect("notes"), all);
    let done = write(&r, 2, &mut |u| u.set_note("k", "b", None)).expect("commit");
    assert_eq!(done.tx, None, "a note stands without a transaction");
    assert_eq!((r.note("k", "b").expect("note"), r.note("other", "a").expect("note").as_deref()), (None, Some("x")));
}
