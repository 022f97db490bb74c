//! The audit trail.

use crate::acts::{owners, put, sound, write};
use annuaire_base::Tx;
use annuaire_store::proof::audit_hash;
use annuaire_store::{AuditEvent, BlockingRegistry, Error, Expect};

pub(crate) fn run(r: &BlockingRegistry) {
    owners(r, &["s"]);
    let event = |n: u32| AuditEvent {
        actor: format!("actor {n}"),
        event: "READ".into(),
        object: "PP:1".into(),
        request: (n == 2).then(|| "D-7".into()),
        detail: "{}".into(),
    };
    let read = write(r, 1_000, &mut |u| u.audit(&event(1)));
    assert_eq!(read.expect("a read takes no number").tx, None);
    write(r, 2_000, &mut |u| {
        u.audit(&event(2))?;
        u.put(put("A", "s", "1"), Expect::Any)?;
        u.audit(&event(3))
    })
    .expect("commit");
    let lost = write(r, 3_000, &mut |u| u.audit(&event(4)).and(Err(Error::Rejected("stop".into()))));
    assert!(lost.is_err());
    let rows = r.audit_trail(0, 99).expect("trail");
    let seen: Vec<_> = rows.iter().map(|row| (row.number, row.at_ms, row.tx)).collect();
    assert_eq!(seen, [(1, 1_000, None), (2, 2_000, Some(Tx::new(1))), (3, 2_000, Some(Tx::new(1)))]);
    let mut before = [0; 32];
    for (row, n) in rows.iter().zip(1..) {
        assert_eq!(row.event, event(n));
        before = audit_hash(&before, row.number, row.at_ms, row.tx, &row.event);
        assert_eq!(row.hash, before);
    }
    assert_eq!(r.audit_trail(1, 1).expect("trail"), rows[1..2]);
    sound(r);
}
