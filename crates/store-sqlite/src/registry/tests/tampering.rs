//! What `verify` finds.

use super::{Fresh, execute, fresh, many};
use annuaire_store::{AuditEvent, Expect};
use annuaire_store_suite as suite;

fn written() -> Fresh {
    let f = fresh();
    suite::import(&f.registry, 1, &many("t", 300, "file")).unwrap();
    for n in 2..4 {
        let done = suite::write(&f.registry, n, &mut |u| {
            u.put(suite::put("A", "s", &n.to_string()), Expect::Any)?;
            let event = |object: &str| AuditEvent { object: object.into(), ..AuditEvent::default() };
            u.audit(&event("A"))?;
            u.audit(&event("B"))
        });
        done.unwrap();
    }
    assert_eq!(f.registry.verify().unwrap(), [""; 0]);
    f
}

fn tampered(sql: &str) -> String {
    let f = written();
    execute(&f.path, sql);
    f.registry.verify().unwrap().join("; ")
}

#[test]
fn verify_names_what_was_changed() {
    let of = |tx: u32| format!("what transaction {tx} said is not what was written");
    let cases = [
        ("DELETE FROM log_tx WHERE tx = 2", "transaction 2 is missing from the log".to_owned()),
        ("UPDATE log_tx SET commit_ms = 0 WHERE tx = 2", "transaction 2 is not later than the one before".to_owned()),
        ("UPDATE log_tx SET changes = 7 WHERE tx = 2", "transaction 2 announces 7 changes and has 1".to_owned()),
        ("UPDATE log_tx SET withdrawals = 7 WHERE tx = 2", "transaction 2 announces 7 withdrawals and has 0".to_owned()),
        ("UPDATE log_tx SET commit_ms = commit_ms + 1 WHERE tx = 3", "the digest of transaction 3 does not follow".to_owned()),
        ("UPDATE log_tx SET root = zeroblob(32) WHERE tx = 2", of(2)),
        (
            "DELETE FROM chunk WHERE id >> 20 = (SELECT batch FROM log_tx WHERE tx = 2)",
            "announces 1 changes and has 0".to_owned(),
        ),
        ("DELETE FROM chunk_data WHERE id >> 20 = (SELECT batch FROM log_tx WHERE tx = 2)", "is missing".to_owned()),
        ("DELETE FROM version", "what s says of A in chunk".to_owned()),
        ("DELETE FROM entity_owner", "what s says of A is not found by the entity".to_owned()),
        ("UPDATE version SET owner = 't'", "the index names chunk".to_owned()),
        ("UPDATE chunk SET last = 'Z' WHERE base = 1 AND first = 'E000000'", "overlap".to_owned()),
        ("UPDATE registry SET next_batch = 1", "the next batch would be 1".to_owned()),
        ("UPDATE audit SET object = 'C' WHERE number = 2", "the audit trail was changed at row 2".to_owned()),
        ("DELETE FROM audit WHERE number = 2", "the audit trail was changed at row 2".to_owned()),
        ("UPDATE audit SET tx = NULL WHERE number = 3", "the audit trail was changed at row 3".to_owned()),
    ];
    for (sql, finding) in cases {
        let found = tampered(sql);
        assert!(found.contains(&finding), "{sql}: {found}");
    }
}

/// A payload of long ago, exchanged with its checksums: only the proof tells.
#[test]
fn verify_names_a_chunk_that_was_exchanged() {
    let f = written();
    let other = written();
    execute(
        &f.path,
        &format!(
            "ATTACH '{}' AS other; UPDATE chunk_data SET keys = (SELECT d.keys FROM other.chunk_data d WHERE d.id = chunk_data.id),
                contents = (SELECT d.contents FROM other.chunk_data d WHERE d.id = chunk_data.id)
                WHERE id >> 20 = (SELECT batch FROM log_tx WHERE tx = 2)",
            other.path.display()
        ),
    );
    assert_eq!(f.registry.verify().unwrap(), ["what transaction 2 said is not what was written"]);
}

#[test]
fn a_changed_byte_of_a_chunk_is_named_by_readers_and_by_verify() {
    for column in ["keys", "contents"] {
        let f = written();
        let half = format!("length({column}) / 2");
        execute(
            &f.path,
            &format!(
                "UPDATE chunk_data SET {column} = CAST(substr({column}, 1, {half}) || X'00FF00FF' || substr({column}, {half} + 5) AS BLOB)
                    WHERE id = (SELECT id FROM chunk WHERE first = 'E000000')"
            ),
        );
        let again = crate::open_blocking(&f.path).unwrap();
        let error = again.facts_at(annuaire_base::Tx::new(1), &["E000000".into()]).unwrap_err().to_string();
        assert!(error.contains("chunk") && error.contains("annuaire restore"), "{error}");
        let found = f.registry.verify().unwrap();
        assert!(found[0].contains("not a chunk of the log"), "{found:?}");
    }
}
