use super::*;
use annuaire_store::Change;
use annuaire_store_suite as suite;

fn put(payload: &str) -> Change {
    Change { entity: "A".into(), source: "s".into(), payload: Some(payload.into()), digest: 0 }
}

fn fresh() -> (SqliteRegistry, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (SqliteRegistry::open(&dir.path().join("r.sqlite")).unwrap(), dir)
}

impl SqliteRegistry {
    fn execute(&mut self, sql: &str) {
        self.runtime.block_on(sqlx::raw_sql(sql).execute(&mut self.connection)).unwrap();
    }
}

#[test]
fn passes_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    let mut n = 0;
    suite::run(&mut |new| {
        n += u32::from(new);
        Box::new(SqliteRegistry::open(&dir.path().join(format!("r{n}.sqlite"))).unwrap())
    });
}

#[test]
fn verify_names_a_tampered_row() {
    let (mut r, _dir) = fresh();
    suite::write(&mut r, 1, &mut |u| u.put(put("1"))).unwrap();
    r.execute("DELETE FROM object");
    assert_eq!(r.verify().unwrap(), ["object A of s is in the log and not in the registry"]);
    r.execute("DELETE FROM log_entry");
    assert_eq!(r.verify().unwrap(), ["transaction 1 announces 1 changes and has 0"]);
}

/// A letter of what was said long ago: the engine reads it, no state points at it.
#[test]
fn verify_names_a_changed_letter_of_the_past() {
    let (mut r, _dir) = fresh();
    for n in 1..4 {
        // The first word of a unit may be taken back by another one.
        let mut put_twice = |u: &mut dyn Unit| u.put(put("0")).and_then(|()| u.put(put(&n.to_string())));
        suite::write(&mut r, n, &mut put_twice).unwrap();
    }
    assert_eq!(r.verify().unwrap(), Vec::<String>::new());
    r.execute("UPDATE log_entry SET payload = '9' WHERE tx = 1");
    assert_eq!(r.verify().unwrap(), ["what transaction 1 said is not what was written"]);
    r.execute("DROP TABLE log_sum");
    assert_eq!(r.verify().unwrap(), Vec::<String>::new(), "a registry made before has none");
}

#[test]
fn verify_follows_the_history_of_an_object() {
    let tampered = |sql: &str| {
        let (mut r, _dir) = fresh();
        for n in 0..3 {
            suite::write(&mut r, n, &mut |u| u.put(put(&n.to_string()))).unwrap();
        }
        assert_eq!(r.verify().unwrap(), [""; 0]);
        r.execute(sql);
        r.verify().unwrap()
    };
    let broken = |tx: u32| format!("the history of object A of s is broken at transaction {tx}");
    assert_eq!(tampered("UPDATE object SET tx = 2"), ["object A of s stands before its last word in the log"]);
    assert_eq!(tampered("UPDATE object SET ended = 1"), ["object A of s does not stand where the log left it"]);
    assert_eq!(tampered("UPDATE log_entry SET prev = 1 WHERE tx = 3"), [broken(2), broken(1)]);
    assert_eq!(tampered("UPDATE log_entry SET prev = NULL WHERE tx = 2"), [broken(1)]);
    assert_eq!(tampered("DELETE FROM log_tx WHERE tx = 2"), ["transaction 2 is missing from the log"]);
    let gone = tampered("DELETE FROM log_entry WHERE tx = 1");
    assert_eq!(gone, ["transaction 1 announces 1 changes and has 0".to_owned(), broken(2)]);
}

/// Runs statements on a file, whatever its version.
fn execute(path: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut c = options.connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut c).await.unwrap();
        c.close().await.unwrap();
    });
}

#[test]
fn a_file_of_version_2_is_brought_forward_with_all_that_it_knows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    execute(&path, include_str!("../../tests/version-2.sql"));
    for _ in 0..2 {
        let mut r = SqliteRegistry::open(&path).unwrap();
        let stamp = "{\"stamp\":\"202610080843\",\"objects\":1}";
        assert_eq!(r.notes("source", "", 9).unwrap(), [("s".to_owned(), stamp.to_owned())]);
        assert_eq!(
            (r.last_tx().unwrap(), r.objects_at(Tx::new(1), &["A".into()]).unwrap()[0].payload.as_str()),
            (Tx::new(1), "1")
        );
        assert_eq!(r.verify().unwrap(), Vec::<String>::new());
    }
    let mut r = SqliteRegistry::open(&path).unwrap();
    assert_eq!(suite::write(&mut r, 2_000, &mut |u| u.put(put("2"))).unwrap().tx, Some(Tx::new(2)));
}

#[test]
fn a_file_of_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    for (sql, version) in [("CREATE TABLE log_tx(tx INTEGER)", "version 0"), ("PRAGMA user_version = 9", "version 9")] {
        execute(&path, sql);
        let error = SqliteRegistry::open(&path).err().unwrap().to_string();
        assert!(error.contains(version) && error.contains("r.sqlite"), "{error}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time of a commit beside readers is measured")]
fn a_first_load_leaves_the_write_ahead_log_and_comes_back_to_it_unless_another_reads() {
    let mode = |r: &mut SqliteRegistry| -> String {
        let query = sqlx::query_scalar("PRAGMA journal_mode");
        r.runtime.block_on(query.fetch_one(&mut r.connection)).unwrap()
    };
    let (mut alone, place) = fresh();
    let mut during = String::new();
    let path = place.path().join("r.sqlite-wal");
    suite::write(&mut alone, 1, &mut |u| {
        u.put(put("1"))?;
        during = format!("{}", path.exists());
        Ok(())
    })
    .unwrap();
    assert_eq!((during.as_str(), mode(&mut alone).as_str()), ("false", "wal"));
    let mut empty = SqliteRegistry::open(&place.path().join("f")).unwrap();
    let failed = suite::write(&mut empty, 1, &mut |_| Err(Error::Rejected("no".into())));
    assert!(matches!(failed, Err(Error::Rejected(_))), "{failed:?}");
    let (mut writer, dir) = fresh();
    let mut reader = SqliteRegistry::open(&dir.path().join("r.sqlite")).unwrap();
    let start = std::time::Instant::now();
    suite::write(&mut writer, 1, &mut |u| u.put(put("1"))).unwrap();
    assert!(start.elapsed() < PATIENCE / 10, "it does not wait for readers");
    assert_eq!((reader.last_tx().unwrap(), mode(&mut writer).as_str()), (Tx::new(1), "wal"));
}
