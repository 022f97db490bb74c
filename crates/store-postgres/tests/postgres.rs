//! Against a real server: `cargo xtask test` starts one and gives its address.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_base::Tx;
use annuaire_base::fact::{Publication, VersionContent};
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{AuditEvent, Change, Error, Expect, NewJob, OwnerRow, Queue};
use annuaire_store_postgres::open_blocking;
use common::{Schema, commit, execute, key, put, save, write};

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn passes_the_suite() {
    let mut schemas: Vec<Schema> = Vec::new();
    annuaire_store_suite::run(&mut |new| {
        if new {
            schemas.push(Schema::new(&format!("suite{}", schemas.len())));
        }
        schemas.last().unwrap().open()
    });
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn verify_names_a_tampered_row() {
    let tampered = |name: &str, sql: &str| {
        let schema = Schema::new(name);
        let r = schema.fresh();
        commit(&r, &[put("s", "A", "1"), put("s", "B", "2")]);
        write(&r, 0, |u| {
            u.put(put("s", "A", "3"), Expect::Any)?;
            let event = AuditEvent { actor: "x".into(), event: "y".into(), detail: "{}".into(), ..AuditEvent::default() };
            u.audit(&event)?;
            u.audit(&event)
        })
        .unwrap();
        assert_eq!(r.verify().unwrap(), [""; 0]);
        execute(&schema.url(), sql);
        r.verify().unwrap()
    };
    let says = |found: &[String], what: &str| assert!(found.iter().any(|f| f.contains(what)), "{what}: {found:?}");
    says(&tampered("index", "DELETE FROM version"), "are in the log and not in the index");
    says(&tampered("row", "DELETE FROM version WHERE entity = 'B'"), "a version of B is in the log and not in the index");
    says(&tampered("print", "UPDATE version SET fingerprint = 5 WHERE entity = 'B'"), "the index says something else of B");
    says(&tampered("counter", "UPDATE log_counter SET tx = 5"), "the counter is at 5 and the log ends at 2");
    says(&tampered("time", "UPDATE log_tx SET commit_ms = commit_ms + 1 WHERE tx = 1"), "the digest of transaction 1");
    says(&tampered("hole", "DELETE FROM log_tx WHERE tx = 1"), "transaction 1 is missing");
    says(
        &tampered("chunk", "DELETE FROM chunk WHERE batch = (SELECT batch FROM log_tx WHERE tx = 1)"),
        "announces 2 changes and has 0",
    );
    says(
        &tampered("byte", "UPDATE chunk SET contents = set_byte(contents, 9, get_byte(contents, 9) # 1)"),
        "is not a chunk of the log",
    );
    says(
        &tampered(
            "exchange",
            "UPDATE chunk SET keys = o.keys, contents = o.contents FROM chunk o WHERE o.batch <> chunk.batch
        AND chunk.batch = (SELECT batch FROM log_tx WHERE tx = 2)",
        ),
        "transaction 2 announces",
    );
    says(
        &tampered("audit", "UPDATE audit SET object = 'z' WHERE number = 1"),
        "row 1 of the audit trail is not what was written",
    );
    says(&tampered("trail", "DELETE FROM audit WHERE number = 2"), "the audit trail announces 2 rows and has 1");
}

/// What readers see of a registry of version 2 or 3 after it was brought forward, twice.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn tables_of_version_2_are_brought_forward_with_all_that_they_know() {
    let schema = Schema::new("two");
    execute(&schema.url(), include_str!("version-2.sql"));
    for _ in 0..2 {
        let r = schema.open();
        let stamp = "{\"stamp\":\"202610080843\",\"objects\":1}";
        assert_eq!(r.notes("source", "", 9).unwrap(), [("s".to_owned(), stamp.to_owned())]);
        assert_eq!((r.last_tx().unwrap(), r.facts_at(Tx::new(1), &["A".into()]).unwrap()[0].payload.as_str()), (Tx::new(1), "1"));
        assert_eq!(r.verify().unwrap(), [""; 0]);
    }
    let r = schema.open();
    let done = write(&r, 2_000, |u| u.put(put("s", "A", "2"), Expect::UnchangedSince(Tx::new(1)))).unwrap();
    assert_eq!((done.tx, r.verify().unwrap()), (Some(Tx::new(2)), Vec::new()));
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn tables_of_version_3_are_brought_forward_with_all_that_they_know() {
    let schema = Schema::new("three");
    execute(&schema.url(), include_str!("version-3.sql"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options =
        annuaire_store_postgres::PostgresOptions { entropy: std::sync::Arc::new(|b| b.fill(7)), open: |source| source == "open" };
    drop(runtime.block_on(annuaire_store_postgres::PostgresRegistry::open(&schema.url(), options)).unwrap());
    let r = schema.open();
    let log = r.transactions(Tx::NONE, 9).unwrap();
    let told: Vec<_> = log
        .iter()
        .map(|t| (t.tx.get(), t.commit_ms, t.cause.actor.as_str(), t.cause.reason.as_str(), t.changes, t.digest))
        .collect();
    let none = [0; 32];
    let want = [
        (1, 1_000, "import", "first", 4, none),
        (2, 2_000, "import", "second", 2, none),
        (3, 3_000, "operator", "third", 2, none),
    ];
    assert_eq!(told, want);
    let at = |tx| {
        let facts = r.facts_at(Tx::new(tx), &["A", "B", "É"].map(str::to_owned)).unwrap();
        facts.iter().map(|f| format!("{}/{}@{}={}", f.key.entity, f.key.owner, f.tx, f.payload)).collect::<Vec<_>>()
    };
    assert_eq!(at(1), ["A/closed@1={\"a\":1}", "A/open@1={\"o\":1}", "B/open@1={\"b\":1}", "É/closed@1={\"e\":1}"]);
    assert_eq!(at(2), ["A/open@1={\"o\":1}", "B/open@2={\"b\":2}", "É/closed@1={\"e\":1}"]);
    assert_eq!(at(3), ["A/closed@3={\"a\":3}", "B/open@2={\"b\":2}", "É/closed@1={\"e\":1}"]);
    let facts = r.standing(Tx::new(3), "", 99).unwrap().0;
    assert!(facts.iter().all(|f| (f.publication == Publication::Open) == (f.key.owner == "open")));
    let prints: Vec<u64> = r.begin().unwrap().known("closed", "", 9).unwrap().into_iter().map(|m| m.fingerprint).collect();
    assert_eq!((prints, r.begin().unwrap().known("open", "", 9).unwrap()[0].fingerprint), (vec![7, 0], u64::MAX));
    assert_eq!(r.note("aside", "x").unwrap().as_deref(), Some("y"));
    assert_eq!(r.owners().unwrap().iter().map(|o| o.code.as_str()).collect::<Vec<_>>(), ["closed", "open"]);
    assert_eq!(r.verify().unwrap(), [""; 0]);
    write(&r, 4_000, |u| u.put(put("open", "B", "{}"), Expect::Any)).unwrap();
    assert_ne!(r.transactions(Tx::new(3), 1).unwrap()[0].digest, none, "digests begin");
    assert_eq!((schema.open().log().unwrap(), r.verify().unwrap()), (r.log().unwrap(), Vec::new()));
}

/// Versions 5 to 9 added tables and indexes: without them the tables are those of version 4 to 8.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn tables_of_version_4_to_8_get_what_they_lack() {
    for (name, version, without) in [
        ("four", 4, "DROP TABLE case_list, identity_row, subscription, subscription_content, subscription_event, lease"),
        ("five", 5, "DROP TABLE case_list, identity_row"),
        ("six", 6, "DROP TABLE case_list"),
        ("seven", 7, ""),
        ("eight", 8, ""),
    ] {
        let audit = if version < 8 { ", audit_object, audit_request, audit_actor" } else { "" };
        let without = format!("{without}; DROP INDEX owner_described{audit}");
        let schema = Schema::new(name);
        let r = schema.fresh();
        commit(&r, &[put("s", "A", "1")]);
        let log = r.log().unwrap();
        drop(r);
        execute(&schema.url(), &format!("{without}; UPDATE registry_version SET version = {version}"));
        for key in ["k1", "k2"] {
            let r = schema.open();
            assert_eq!((r.log().unwrap(), r.facts_at(Tx::new(1), &["A".into()]).unwrap().len()), (log, 1));
            assert_eq!(r.subscription_heads(None, "", 9).unwrap(), []);
            assert!(r.take_lease(key, key, 0, 9).unwrap());
            let row = IdentityRow {
                kind: "k".into(),
                key: key.into(),
                subject: String::new(),
                due_ms: None,
                version: 1,
                content: "{}".into(),
            };
            write(&r, 2_000, |u| u.write_identity(&IdentityWrite::Create(row.clone()))).unwrap();
            assert_eq!(r.identity_row("k", "k1").unwrap().unwrap().content, "{}");
            assert_eq!(r.case_counts(&annuaire_store::CaseFilter::default()).unwrap().len(), 0);
            assert_eq!(r.verify().unwrap(), [""; 0]);
        }
        let present = "SELECT 1 / (count(*) = 4)::int FROM pg_indexes WHERE schemaname = current_schema()
            AND indexname IN ('audit_object', 'audit_request', 'audit_actor', 'owner_described')";
        execute(&schema.url(), present);
    }
}

/// Version 8 described each professional and structure who owned something. What their codes tell is emptied; any other text stays.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn descriptions_that_codes_tell_are_emptied_by_the_step_to_version_9() {
    let schema = Schema::new("described");
    let r = schema.open();
    for (code, description) in annuaire_store_suite::OWNERS_OF_8 {
        let row = OwnerRow { code: code.into(), description: description.into() };
        write(&r, 0, |u| u.set_owner(&row)).unwrap();
    }
    drop(r);
    execute(&schema.url(), "DROP INDEX owner_described; UPDATE registry_version SET version = 8");
    annuaire_store_suite::owners_of_8_came_forward(&schema.open());
    annuaire_store_suite::owners_of_8_came_forward(&schema.open());
}

/// Migration reads pages; this log has more rows than one, and transactions that end within pages.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_long_log_of_version_3_is_brought_forward_by_pages_or_not_at_all() {
    let schema = Schema::new("long");
    execute(&schema.url(), include_str!("version-3.sql"));
    execute(
        &schema.url(),
        "INSERT INTO log_tx SELECT n, 3000 + n, 'import', '', 50 FROM generate_series(4, 303) n;
         INSERT INTO log_tx VALUES (304, 9000, 'import', 'large', 10000);
         INSERT INTO log_entry SELECT n, 'open', 'M' || e, NULLIF(n - 1, 3), '{\"n\":' || n || '}' FROM generate_series(4, 303) n, generate_series(1, 50) e;
         INSERT INTO object SELECT 'open', 'M' || e, 303, false, NULL FROM generate_series(1, 50) e;
         INSERT INTO log_entry SELECT 304, 'closed', 'N' || e, NULL, '{}' FROM generate_series(1, 10000) e;
         INSERT INTO object SELECT 'closed', 'N' || e, 304, false, NULL FROM generate_series(1, 10000) e;
         UPDATE log_counter SET tx = 304, commit_ms = 9000;
         ALTER TABLE log_entry ADD COLUMN wrong integer; CREATE VIEW in_the_way AS SELECT wrong FROM log_entry",
    );
    let refused = open_blocking(&schema.url()).err().unwrap().to_string();
    assert!(refused.contains("depend"), "{refused}");
    execute(&schema.url(), "SELECT count(*) FROM log_counter c JOIN log_entry e ON e.tx <= c.tx; DROP VIEW in_the_way");
    let r = schema.open();
    assert_eq!(r.verify().unwrap(), [""; 0]);
    let sum: u64 = r.transactions(Tx::NONE, 1_000).unwrap().iter().map(|t| t.changes).sum();
    assert_eq!(sum, 8 + 300 * 50 + 10_000);
    assert_eq!(r.facts_at(Tx::new(100), &["M7".into()]).unwrap()[0].payload, "{\"n\":100}");
    assert_eq!(r.history(Tx::new(999), &["M7".into()]).unwrap().len(), 300);
    assert_eq!(r.changed_entities(Tx::new(304), "", 20_000).unwrap().len(), 10_000);
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn tables_of_another_version_are_refused() {
    let schema = Schema::new("version");
    execute(&schema.url(), "CREATE TABLE log_tx(tx bigint)");
    assert!(open_blocking(&schema.url()).err().unwrap().to_string().contains("version 0"));
    execute(&schema.url(), "DROP TABLE log_tx");
    drop(schema.open());
    execute(&schema.url(), "UPDATE registry_version SET version = 10");
    let said = open_blocking(&schema.url()).err().unwrap().to_string();
    assert!(said.contains("version 10") && said.contains("use the program that wrote it"), "{said}");
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn writers_take_turns_and_a_reader_never_sees_a_gap() {
    let schema = Schema::new("turns");
    drop(schema.fresh());
    let writers: Vec<_> = (0..3)
        .map(|w| {
            let r = schema.open();
            std::thread::spawn(move || {
                for i in 0..40 {
                    commit(&r, &[put("s", &format!("{w}-{i}"), "x")]);
                }
            })
        })
        .collect();
    let reader = schema.open();
    let mut seen = 0;
    while seen < 120 {
        let log = reader.transactions(Tx::NONE, 1_000).unwrap();
        let numbers: Vec<u64> = log.iter().map(|t| t.tx.get()).collect();
        assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>());
        assert!(log.windows(2).all(|w| w[0].commit_ms < w[1].commit_ms));
        seen = log.len();
    }
    writers.into_iter().for_each(|w| w.join().unwrap());
    assert_eq!(reader.verify().unwrap(), [""; 0]);
}

/// Of two units that read one state, one loses; a unit that waits for its number sees what was committed meanwhile.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn of_two_units_that_change_one_fact_one_loses() {
    let schema = Schema::new("race");
    let (one, two) = (schema.fresh(), schema.open());
    commit(&one, &[put("s", "A", "1")]);
    let (mut first, mut second) = (one.begin().unwrap(), two.begin().unwrap());
    let since = Expect::UnchangedSince(Tx::new(1));
    first.put(put("s", "A", "2"), since).unwrap();
    second.put(put("s", "A", "3"), since).unwrap();
    assert_eq!(save(first, 5).unwrap().tx, Some(Tx::new(2)));
    let lost = save(second, 5).unwrap_err();
    assert!(matches!(lost, Error::Conflict { at, .. } if at == Tx::new(2)), "{lost}");
    assert_eq!(two.last_tx().unwrap(), Tx::new(2));

    let mut waiting = two.begin().unwrap();
    let mut holds = one.begin().unwrap();
    assert_eq!(holds.next_tx().unwrap(), Tx::new(3));
    holds.put(put("s", "B", "1"), Expect::Absent).unwrap();
    holds.set_note("k", "b", Some("told")).unwrap();
    let waiter = std::thread::spawn(move || {
        let tx = waiting.next_tx().unwrap();
        let told = waiting.note("k", "b").unwrap();
        let conflict = waiting.put(put("s", "B", "2"), Expect::Absent).unwrap_err();
        (tx, told, conflict.to_string())
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    save(holds, 9).unwrap();
    let (tx, told, conflict) = waiter.join().unwrap();
    assert_eq!((tx, told.as_deref()), (Tx::new(4), Some("told")));
    assert!(conflict.contains("transaction 3"), "{conflict}");
    // The waiting unit was dropped with the lock.
    assert_eq!(commit(&one, &[put("s", "C", "1")]).tx, Some(Tx::new(4)));
}

/// Clocks are compared without tables: none is made in an empty schema.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_clock_is_compared_without_a_registry() {
    let schema = Schema::new("clock");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ahead = |now: i64| runtime.block_on(annuaire_store_postgres::ahead_of_database_ms(&schema.url(), &move || now)).unwrap();
    let (first, second) = (ahead(0), ahead(1_000_000_000_000));
    assert!(first < -1_600_000_000_000, "{first}: the database is not in the year 1970");
    assert!((second - first - 1_000_000_000_000).abs() < 600_000, "{first} {second}");
    let tables = format!("SELECT 1 / (1 - count(*)::int) FROM pg_tables WHERE schemaname = '{}'", schema.name);
    execute(&schema.server, &tables);
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_lost_connection_is_opened_again_and_no_error_tells_the_password() {
    let schema = Schema::new("lost");
    drop(schema.fresh());
    let r = open_blocking(&format!("{}&application_name={}", schema.url(), schema.name)).unwrap();
    commit(&r, &[put("s", "A", "1")]);
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'", schema.name);
    execute(&schema.server, &cut);
    assert_eq!(r.last_tx().unwrap(), Tx::new(1));
    execute(&schema.server, &cut);
    assert_eq!(commit(&r, &[put("s", "A", "2")]).tx, Some(Tx::new(2)));
    let mut unit = r.begin().unwrap();
    unit.put(put("s", "A", "3"), Expect::Any).unwrap();
    unit.next_tx().unwrap();
    execute(&schema.server, &cut);
    assert!(unit.note("k", "k").is_err() && save(unit, 9).is_err(), "what was promised under the lock is lost with it");
    let mut stage = r.stage().unwrap();
    stage.put(put("s", "B", "1")).unwrap();
    execute(&schema.server, &cut);
    assert!(stage.counts().is_err() && stage.counts().unwrap_err().to_string().contains("import again"));
    assert_eq!(commit(&r, &[put("s", "A", "4")]).tx, Some(Tx::new(3)));
    for url in ["postgres://u:s3cret@127.0.0.1:1/x", "mysql://u:s3cret@h/x"] {
        let error = open_blocking(url).err().unwrap().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn commits_of_others_are_heard_at_once_and_again_after_the_listener_died() {
    let schema = Schema::new("hear");
    drop(schema.fresh());
    let listener = open_blocking(&format!("{}&application_name={}", schema.url(), schema.name)).unwrap();
    let writer = schema.open();
    let heard = |most_ms: u64, tx: u64| {
        let mut commits = listener.commits();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let wait = commits.wait_for(|known| *known >= Tx::new(tx));
            tokio::time::timeout(std::time::Duration::from_millis(most_ms), wait).await.unwrap().unwrap();
        });
    };
    std::thread::sleep(std::time::Duration::from_millis(1_000));
    commit(&writer, &[put("s", "A", "1")]);
    heard(1_000, 1);
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'", schema.name);
    execute(&schema.server, &cut);
    commit(&writer, &[put("s", "A", "2")]);
    heard(4_000, 2);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    commit(&writer, &[put("s", "A", "3")]);
    heard(1_000, 3);
}

/// A stage belongs to its connection: dropped, it is nothing, and the next one removes what it left.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn an_abandoned_stage_is_discarded_and_a_living_one_is_not() {
    let schema = Schema::new("abandoned");
    let r = schema.fresh();
    commit(&r, &[put("s", "M00001", "0"), put("t", "A", "1")]);
    let change = |n: u32| put("s", &format!("M{n:05}"), &n.to_string());
    let mut alive = r.stage().unwrap();
    let mut dead = r.stage().unwrap();
    for n in 0..10_000 {
        dead.put(change(n)).unwrap();
        alive.put(put("u", &format!("U{n}"), "1")).unwrap();
    }
    assert_eq!((dead.counts().unwrap().created, dead.counts().unwrap().changed), (9_999, 1));
    assert_eq!(r.standing(Tx::new(9), "", 99).unwrap().0.len(), 2, "nobody sees what does not stand");
    drop(dead);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(r.verify().unwrap(), [""; 0]);
    let mut stage = r.stage().unwrap();
    // In descending order, each twice and some back to what they were: of several puts the last one counts.
    for n in (0..10_000).rev() {
        stage.put(put("s", &format!("M{n:05}"), "other")).unwrap();
    }
    for n in (0..10_000).rev() {
        let payload = if n % 2 == 0 { "last" } else { "" };
        stage.put(put("s", &format!("M{n:05}"), payload)).unwrap();
    }
    let counts = stage.counts().unwrap();
    assert_eq!((counts.created, counts.changed, counts.ended, counts.unchanged), (5_000, 0, 1, 4_999));
    let mut unit = r.begin().unwrap();
    unit.adopt(stage).unwrap();
    unit.put(put("t", "A", "2"), Expect::Any).unwrap();
    let done = save(unit, 7).unwrap();
    assert_eq!((done.tx, done.counts.rows()), (Some(Tx::new(2)), 5_002));
    assert_eq!(r.verify().unwrap(), [""; 0]);
    let mut changed = Vec::new();
    while let page = r.changed_entities(Tx::new(2), changed.last().map_or("", String::as_str), 700).unwrap()
        && !page.is_empty()
    {
        changed.extend(page);
    }
    assert!(changed.is_sorted() && changed.len() == 5_002);

    let mut unit = r.begin().unwrap();
    assert_eq!(alive.counts().unwrap().created, 10_000);
    unit.adopt(alive).unwrap();
    assert_eq!(save(unit, 8).unwrap().tx, Some(Tx::new(3)), "it was begun before, and lives");
    assert_eq!(r.standing(Tx::new(3), "", 50_000).unwrap().0.len(), 5_000 + 1 + 10_000);
    assert_eq!(r.verify().unwrap(), [""; 0]);
    let mut late = r.stage().unwrap();
    late.put(put("s", "Z", "1")).unwrap();
    commit(&r, &[put("s", "Y", "1")]);
    let mut unit = r.begin().unwrap();
    assert!(matches!(unit.adopt(late), Err(Error::Overtaken { at, .. }) if at == Tx::new(4)));
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_withdrawn_entity_is_gone_from_the_past_and_from_files_being_staged() {
    let schema = Schema::new("withdrawn");
    let r = schema.fresh();
    commit(&r, &[put("s", "A", "\"secret\""), put("t", "A", "1"), put("s", "B", "2")]);
    commit(&r, &[put("s", "A", "\"secret again\""), put("t", "A", "")]);
    let digests = || r.transactions(Tx::NONE, 2).unwrap().iter().map(|t| t.digest).collect::<Vec<_>>();
    let before = digests();
    let mut staged = r.stage().unwrap();
    staged.put(put("u", "A", "\"from a file\"")).unwrap();
    let done = write(&r, 9, |u| u.withdraw("A")).unwrap();
    assert_eq!((done.tx, done.counts.ended), (Some(Tx::new(3)), 1));
    assert_eq!(r.withdrawn(Tx::new(3)).unwrap(), ["A"]);
    assert!(matches!(r.begin().unwrap().adopt(staged), Err(Error::Overtaken { at, .. }) if at == Tx::new(3)));
    let history = r.history(Tx::new(3), &["A".into()]).unwrap();
    assert_eq!(history.iter().filter(|v| v.content == VersionContent::Withdrawn).count(), history.len());
    assert_eq!((history.len(), r.facts_at(Tx::new(1), &["A".into()]).unwrap().len()), (5, 0));
    assert_eq!((digests(), r.verify().unwrap()), (before, Vec::new()), "what proves the log stays");
    assert_eq!(commit(&r, &[put("s", "A", "x")]).counts.withheld, 1);
    let mut stage = r.stage().unwrap();
    stage.put(put("s", "A", "x")).unwrap();
    assert_eq!(stage.counts().unwrap().withheld, 1);
    let done = write(&r, 10, |u| u.lift_withdrawal("A").and_then(|()| u.put(put("s", "A", "new"), Expect::Absent))).unwrap();
    assert_eq!((done.counts.created, r.facts_at(Tx::new(4), &["A".into()]).unwrap().len()), (1, 1));
    assert_eq!(r.verify().unwrap(), [""; 0]);
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn two_workers_never_get_one_job_and_a_job_of_the_dead_comes_back() {
    let schema = Schema::new("jobs");
    let r = schema.fresh();
    let job = |key: &str, due_ms| NewJob { queue: Queue::Work, kind: "k".into(), key: key.into(), due_ms, payload: "{}".into() };
    write(&r, 1, |u| {
        (0..40).try_for_each(|n| u.job(&job("", n)))?;
        u.job(&job("again", 90))?;
        u.job(&job("again", 95))
    })
    .unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let r = r.clone();
            std::thread::spawn(move || {
                let mut ids = Vec::new();
                while let Some(taken) = r.take_job(Queue::Work, &["k", "other"], 50, 1_000).unwrap() {
                    ids.push(taken.id);
                }
                ids
            })
        })
        .collect();
    let mut ids: Vec<i64> = workers.into_iter().flat_map(|w| w.join().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 40);
    assert!(r.take_job(Queue::Outbox, &["k"], 5_000, 10).unwrap().is_none());
    let moved = r.take_job(Queue::Work, &["k"], 95, 10).unwrap().unwrap();
    assert_eq!((moved.job.key.as_str(), moved.attempts, moved.job.due_ms), ("again", 0, 105));
    let again = r.take_job(Queue::Work, &["k"], 105, 10).unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (moved.id, 1), "its worker died");
    r.retry_job(again.id, 200, "no answer").unwrap();
    let waits = r.jobs(Queue::Work, 1).unwrap().remove(0);
    assert_eq!((waits.id, waits.attempts, waits.last_error.as_deref()), (again.id, 2, Some("no answer")));
    r.finish_job(again.id).unwrap();
    assert_eq!(r.jobs(Queue::Work, 99).unwrap().len(), 40);
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_stranger_owns_nothing_and_the_epoch_is_raised() {
    let schema = Schema::new("stranger");
    let r = schema.fresh();
    let refused = r.begin().unwrap().put(put("nobody", "A", "1"), Expect::Any).unwrap_err();
    assert!(matches!(refused, Error::UnknownOwner(who) if who == "nobody"));
    assert!(matches!(r.stage().unwrap().put(put("nobody", "A", "1")), Err(Error::UnknownOwner(_))));
    let row = OwnerRow { code: "new".into(), description: "{}".into() };
    let change = Change { publication: Publication::Restricted, ..put("new", "A", "1") };
    let done = write(&r, 1, |u| u.set_owner(&row).and_then(|()| u.put(change.clone(), Expect::Absent))).unwrap();
    assert_eq!(done.tx, Some(Tx::new(1)));
    assert_eq!(r.facts_at(Tx::new(1), &["A".into()]).unwrap()[0].key, key("new", "A"));
    let log = r.log().unwrap();
    let raised = r.raise_epoch().unwrap();
    assert_eq!((raised.id, raised.epoch, schema.open().log().unwrap()), (log.id, log.epoch + 1, raised));
}

/// The answer to a COMMIT is lost: another connection is asked, and what is said is true.
#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_commit_whose_answer_is_lost_is_told_as_it_happened() {
    use common::proxy::{Cut, Proxy};
    let schema = Schema::new("answer");
    drop(schema.fresh());
    let (start, rest) = schema.server.rsplit_once(':').unwrap();
    let (port, base) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(port.parse().unwrap());
    let url = format!("{start}:{}/{base}?options=-c%20search_path%3D{}", proxy.port, schema.name);
    let r = open_blocking(&url).unwrap();
    for n in 1..8_u64 {
        proxy.cut_at_commit(Cut::AfterCommit);
        let done = write(&r, 0, |u| u.put(put("s", "A", &n.to_string()), Expect::Any)).unwrap();
        assert_eq!(done.tx, Some(Tx::new(n)), "it was committed");
        proxy.cut_at_commit(Cut::BeforeCommit);
        let lost = write(&r, 0, |u| u.put(put("s", "A", "lost"), Expect::Any)).unwrap_err().to_string();
        assert!(lost.contains("nothing was written"), "{lost}");
        // Without a fact the save is known by its number and token.
        proxy.cut_at_commit(Cut::AfterCommit);
        assert_eq!(write(&r, 0, |u| u.set_note("k", "n", Some(&n.to_string()))).unwrap().tx, None);
        proxy.cut_at_commit(Cut::BeforeCommit);
        assert!(write(&r, 0, |u| u.set_note("k", "n", Some("lost"))).is_err());
        assert_eq!(r.note("k", "n").unwrap(), Some(n.to_string()));
        assert_eq!(r.facts_at(Tx::new(99), &["A".into()]).unwrap()[0].payload, n.to_string());
    }
    assert_eq!(r.verify().unwrap(), [""; 0]);
}
