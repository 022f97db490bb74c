//! Registries of earlier versions.

use super::{execute, options, raw, write_row};
use crate::{SqliteRegistry, open_blocking};
use annuaire_base::Tx;
use annuaire_base::fact::Publication;
use annuaire_store::{BlockingRegistry, CaseFilter, Channel, OwnerRow};
use annuaire_store_suite as suite;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

fn open(runtime: &Runtime, path: &Path) -> BlockingRegistry {
    let registry = runtime.block_on(SqliteRegistry::open(path, options(0))).unwrap();
    BlockingRegistry::new(Arc::new(registry), runtime.handle().clone())
}

#[test]
fn a_file_of_version_2_is_brought_forward_with_all_that_it_knows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    execute(&path, include_str!("../../../tests/version-2.sql"));
    for _ in 0..2 {
        let r = open_blocking(&path).unwrap();
        let stamp = "{\"stamp\":\"202610080843\",\"objects\":1}";
        assert_eq!(r.notes("source", "", 9).unwrap(), [("s".to_owned(), stamp.to_owned())]);
        let facts = r.facts_at(Tx::new(1), &["A".into()]).unwrap();
        assert_eq!((r.last_tx().unwrap(), facts[0].payload.as_str()), (Tx::new(1), "1"));
        assert_eq!(r.verify().unwrap(), [""; 0]);
    }
    let r = open_blocking(&path).unwrap();
    assert_eq!(suite::commit(&r, 2_000, &[suite::put("A", "s", "2")]).tx, Some(Tx::new(2)));
    assert_eq!(r.verify().unwrap(), [""; 0]);
}

/// All that a registry of `version-3.sql` says, whatever was done to it.
fn says_what_it_said(r: &BlockingRegistry) {
    let all = ["A", "B", "C", "D"].map(str::to_owned);
    let at = |tx: u64| {
        let facts = r.facts_at(Tx::new(tx), &all).unwrap();
        let of = |f: &annuaire_base::fact::Fact| {
            let open = f.publication == Publication::Open;
            assert_eq!(open, f.key.owner == "libre", "what was public stays so, and nothing else is");
            format!("{}{}{}@{}", f.key.entity, f.key.owner, f.payload, f.tx)
        };
        facts.iter().map(of).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(at(1), r#"Alibre{"n":2}@1 Arest{"n":1}@1 Blibre{"é":3}@1 Clibre{"n":4}@1"#);
    assert_eq!(at(2), r#"Alibre{"n":5}@2 Arest{"n":1}@1 Clibre{"n":4}@1 Dlibre{"n":6}@2"#);
    assert_eq!(at(3), r#"Alibre{"n":5}@2 Arest{"n":1}@1 Blibre{"é":3}@3 Clibre{"n":4}@1 Dlibre{"n":6}@2"#);
    assert_eq!(at(4), r#"Alibre{"n":5}@2 Arest{"n":7}@4 Blibre{"é":3}@3 Clibre{"n":4}@1 Dlibre{"n":6}@2"#);
    let log = r.transactions(Tx::NONE, 9).unwrap();
    let third = &log[2];
    assert_eq!((third.commit_ms, third.changes, third.digest), (3_000, 1, [0; 32]));
    let cause = &third.cause;
    assert_eq!((cause.actor.as_str(), cause.reason.as_str(), cause.channel), ("undo", "undo of 2", Channel::Import));
    assert_eq!(r.note("held", "x").unwrap().as_deref(), Some("y"));
    let mut unit = r.begin().unwrap();
    let marks = |owner: &str, unit: &mut annuaire_store::BlockingUnit| {
        unit.known(owner, "", 9).unwrap().into_iter().map(|m| (m.entity, m.fingerprint)).collect::<Vec<_>>()
    };
    assert_eq!(marks("rest", &mut unit), [("A".to_owned(), 0x0809_0a0b_0c0d_0e0f)]);
    assert_eq!(marks("libre", &mut unit)[1], ("B".to_owned(), 7));
    assert_eq!(r.verify().unwrap(), [""; 0]);
}

#[test]
fn a_file_of_version_3_is_brought_forward_with_all_that_it_knows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    execute(&path, include_str!("../../../tests/version-3.sql"));
    let runtime = Runtime::new().unwrap();
    let log = open(&runtime, &path).log().unwrap();
    for _ in 0..2 {
        let r = open(&runtime, &path);
        says_what_it_said(&r);
        assert_eq!(r.log().unwrap(), log, "its identity is chosen once");
    }
    let r = open(&runtime, &path);
    suite::import(&r, 5_000, &[suite::put("A", "libre", "{}"), suite::put("B", "libre", "")]).unwrap();
    assert_eq!(r.facts_at(Tx::new(5), &["A".into(), "B".into()]).unwrap().len(), 2);
    assert_eq!(r.verify().unwrap(), [""; 0]);
}

#[test]
fn a_file_that_another_program_has_open_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    execute(&path, include_str!("../../../tests/version-3.sql"));
    execute(&path, "PRAGMA journal_mode = WAL");
    raw(&path, async |c| {
        let tx: i64 = sqlx::query_scalar("SELECT max(tx) FROM log_tx").fetch_one(c).await.unwrap();
        assert_eq!(tx, 4);
        let again = path.clone();
        let refused = tokio::task::spawn_blocking(move || open_blocking(&again).err().unwrap().to_string()).await.unwrap();
        assert!(refused.contains("stop that program"), "{refused}");
    });
    let runtime = Runtime::new().unwrap();
    says_what_it_said(&open(&runtime, &path));
}

#[test]
fn a_damaged_file_of_version_3_is_refused_and_kept() {
    for (sql, finding) in [
        ("INSERT INTO log_sum VALUES (2, 12345)", "what transaction 2 said is not what was written"),
        ("DELETE FROM log_tx WHERE tx = 2", "transaction 2 is missing from the log"),
        ("DELETE FROM log_entry WHERE tx = 2 AND entity = 'D'", "transaction 2 announces 3 changes and has 2"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.sqlite");
        execute(&path, include_str!("../../../tests/version-3.sql"));
        execute(&path, sql);
        let before = std::fs::read(&path).unwrap();
        let error = open_blocking(&path).err().unwrap().to_string();
        assert!(error.contains(finding) && error.contains("annuaire restore"), "{error}");
        assert!(std::fs::read(&path).unwrap() == before);
    }
}

/// Rows that fill many pages, with the checksums that the former program wrote for them.
#[test]
fn many_rows_come_forward_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    let rows = usize::try_from(crate::limits::MIGRATED_TOGETHER).unwrap() * 2 + 77;
    execute(&path, include_str!("../../../tests/version-3.sql"));
    execute(
        &path,
        &format!(
            "INSERT INTO log_tx VALUES (5, 5000, 'import', 'many', {rows});
             INSERT INTO log_entry WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows} - 1)
                SELECT 5, iif(i % 2, 'libre', 'rest'), 'M' || printf('%06d', i), NULL, '{{\"i\":' || i || '}}' FROM n;
             INSERT INTO object SELECT source, entity, tx, 0, NULL FROM log_entry WHERE tx = 5;"
        ),
    );
    let runtime = Runtime::new().unwrap();
    let r = open(&runtime, &path);
    let (page, _) = r.standing(Tx::new(5), "L", 100_000).unwrap();
    assert_eq!(page.len(), rows);
    assert!(page.iter().enumerate().all(|(i, f)| f.payload == format!("{{\"i\":{i}}}")));
    assert_eq!(r.verify().unwrap(), [""; 0]);
}

/// Versions 5 to 9 added tables and indexes: without them a file is one of version 4 to 8, with all that such a file may hold.
#[test]
fn a_file_of_version_4_to_8_gets_what_it_lacks() {
    const OF_9: &str = "DROP INDEX owner_described; PRAGMA user_version = 8;";
    const OF_8: &str = "DROP INDEX audit_object; DROP INDEX audit_request; DROP INDEX audit_actor; PRAGMA user_version = 7;";
    const OF_7: &str = "DROP TABLE case_list; PRAGMA user_version = 6;";
    const OF_6: &str = "DROP TABLE identity_row; PRAGMA user_version = 5;";
    const OF_5: &str =
        "DROP TABLE subscription; DROP TABLE subscription_content; DROP TABLE subscription_event; DROP TABLE lease;
         PRAGMA user_version = 4;";
    for version in [4, 5, 6, 7, 8] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.sqlite");
        let r = open_blocking(&path).unwrap();
        suite::owners(&r, &["s"]);
        suite::commit(&r, 1_000, &[suite::put("A", "s", "1")]);
        assert!(r.take_lease("of 5", "n0", 0, 99).unwrap());
        let log = r.log().unwrap();
        drop(r);
        for (first, without) in [(9, OF_9), (8, OF_8), (7, OF_7), (6, OF_6), (5, OF_5)] {
            if version < first {
                execute(&path, without);
            }
        }
        for key in ["k1", "k2"] {
            let r = open_blocking(&path).unwrap();
            assert_eq!((r.log().unwrap(), r.facts_at(Tx::new(1), &["A".into()]).unwrap().len()), (log, 1));
            assert_eq!(r.subscription_heads(None, "", 9).unwrap(), []);
            assert!(r.take_lease(key, key, 0, 9).unwrap());
            assert_eq!(r.take_lease("of 5", "n9", 0, 9).unwrap(), version == 4, "what version 5 kept stays");
            write_row(&r, key);
            assert_eq!(r.identity_row("k", "k1").unwrap().unwrap().content, "{}");
            assert_eq!(r.case_counts(&CaseFilter::default()).unwrap().len(), 0);
            assert_eq!(r.verify().unwrap(), [""; 0]);
        }
        let indexes = "SELECT count(*) FROM sqlite_master WHERE type = 'index'
            AND name IN ('audit_object', 'audit_request', 'audit_actor', 'owner_described')";
        let count = raw(&path, async |c| sqlx::query_scalar::<_, i64>(indexes).fetch_one(c).await.unwrap());
        assert_eq!(count, 4);
    }
}

/// Version 8 described each professional and structure who owned something. What their codes tell is emptied; any other text stays.
#[test]
fn descriptions_that_codes_tell_are_emptied_by_the_step_to_version_9() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    let r = open_blocking(&path).unwrap();
    for (code, description) in suite::OWNERS_OF_8 {
        let row = OwnerRow { code: code.into(), description: description.into() };
        suite::write(&r, 0, &mut |u| u.set_owner(&row)).unwrap();
    }
    drop(r);
    execute(&path, "DROP INDEX owner_described; PRAGMA user_version = 8;");
    suite::owners_of_8_came_forward(&open_blocking(&path).unwrap());
    suite::owners_of_8_came_forward(&open_blocking(&path).unwrap());
}

/// A country of professionals who own their contact costs readers of facts nothing: none of their rows is read.
#[test]
#[expect(clippy::disallowed_methods, reason = "the ratio of two durations")]
fn described_owners_are_found_among_many() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    let r = open_blocking(&path).unwrap();
    suite::owners(&r, &["s", "t"]);
    execute(
        &path,
        "INSERT INTO owner(code, description) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
            SELECT 'PP:8' || printf('%011d', i), '' FROM n",
    );
    let plan: Vec<String> = raw(&path, async |c| {
        let sql = format!("EXPLAIN QUERY PLAN {}", crate::notes::DESCRIBED_QUERY);
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(&sql).fetch_all(c).await.unwrap();
        rows.into_iter().map(|row| row.3).collect()
    });
    assert_eq!(plan, ["SCAN owner USING COVERING INDEX owner_described"]);
    let timed = |read: &dyn Fn() -> usize| {
        let start = std::time::Instant::now();
        (read(), start.elapsed())
    };
    let (all, whole) = timed(&|| r.owners().unwrap().len());
    let (described, few) = timed(&|| r.described_owners().unwrap().len());
    assert_eq!((all, described), (200_002, 2));
    println!("all owners {whole:?}, described owners {few:?}");
    assert!(few * 20 < whole, "{few:?} {whole:?}");
}
