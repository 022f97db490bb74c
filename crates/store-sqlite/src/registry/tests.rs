use crate::{SqliteOptions, SqliteRegistry, open_blocking, system_entropy};
use annuaire_base::Tx;
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{BlockingRegistry, Change, Error, Expect, Queue};
use annuaire_store_suite as suite;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;

mod crash;
mod former;
mod tampering;

/// A registry, its file and the place of it.
struct Fresh {
    registry: BlockingRegistry,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn fresh() -> Fresh {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    let registry = open_blocking(&path).unwrap();
    suite::owners(&registry, &["s", "t"]);
    Fresh { registry, path, _dir: dir }
}

/// Writes a row of identity.
fn write_row(r: &BlockingRegistry, key: &str) -> IdentityRow {
    let [kind, key, subject, content] = ["k", key, "", "{}"].map(str::to_owned);
    let row = IdentityRow { kind, key, subject, due_ms: None, version: 1, content };
    suite::write(r, 2_000, &mut |u| u.write_identity(&IdentityWrite::Create(row.clone()))).unwrap();
    row
}

/// Does something with a connection that knows nothing of this crate.
fn raw<T>(path: &Path, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
    Runtime::new().unwrap().block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut c = options.connect().await.unwrap();
        let done = work(&mut c).await;
        c.close().await.unwrap();
        done
    })
}

fn execute(path: &Path, sql: &str) {
    raw(path, async |c| sqlx::raw_sql(sql).execute(c).await.map(|_| ())).unwrap();
}

fn options(now_ms: i64) -> SqliteOptions {
    SqliteOptions { entropy: system_entropy().unwrap(), now_ms: Arc::new(move || now_ms), open: |source| source == "libre" }
}

fn many(owner: &str, n: usize, text: &str) -> Vec<Change> {
    (0..n).map(|i| suite::put(&format!("E{i:06}"), owner, &format!("{{\"text\":\"{text}\",\"n\":{i}}}"))).collect()
}

#[test]
fn passes_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    let mut n = 0;
    suite::run(&mut |new| {
        n += u32::from(new);
        open_blocking(&dir.path().join(format!("r{n}.sqlite"))).unwrap()
    });
}

#[test]
fn a_first_load_writes_no_index_and_a_day_writes_its_own() {
    let f = fresh();
    suite::import(&f.registry, 1, &many("s", 5_000, "first")).unwrap();
    let indexed =
        || raw(&f.path, async |c| sqlx::query_scalar::<_, i64>("SELECT count(*) FROM version").fetch_one(c).await.unwrap());
    assert_eq!(indexed(), 0);
    let day: Vec<Change> = many("s", 5_000, "second").into_iter().step_by(100).collect();
    suite::import(&f.registry, 2, &day).unwrap();
    assert_eq!(indexed(), 50);
    let facts = f.registry.facts_at(Tx::new(2), &["E000100".into(), "E000101".into()]).unwrap();
    assert_eq!(facts.iter().map(|f| f.tx.get()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(f.registry.verify().unwrap(), [""; 0]);
}

/// Equal content from another input takes no number, and is not compared the next time.
#[test]
fn a_stage_keeps_new_fingerprints_of_old_content() {
    let f = fresh();
    let with = |fingerprint: u64| many("s", 600, "a").into_iter().map(move |c| Change { fingerprint, ..c }).collect::<Vec<_>>();
    suite::import(&f.registry, 1, &with(1)).unwrap();
    let known = || {
        let marks = f.registry.begin().unwrap().known("s", "", 9_999).unwrap();
        marks.iter().fold((marks.len(), 0), |(n, sum), m| (n, sum + m.fingerprint))
    };
    assert_eq!(known(), (600, 600));
    let again = suite::import(&f.registry, 2, &with(2)).unwrap();
    assert_eq!((again.tx, again.counts.unchanged), (None, 600));
    assert_eq!(known(), (600, 1_200));
    assert_eq!(f.registry.verify().unwrap(), [""; 0]);
}

/// Bytes of the file, its write-ahead log included.
fn bytes(path: &Path) -> Vec<u8> {
    let mut all = std::fs::read(path).unwrap();
    all.extend(std::fs::read(crate::schema::beside(path, "-wal")).unwrap_or_default());
    all
}

#[test]
fn what_is_withdrawn_is_in_no_byte_of_the_file() {
    let f = fresh();
    let secret = "Q7f3kZpXw9LmTr2VbN8s";
    suite::commit(&f.registry, 1, &[suite::put("A", "s", &format!("{{\"nom\":\"{secret}\"}}"))]);
    let has = || bytes(&f.path).windows(secret.len()).any(|w| w == secret.as_bytes());
    assert!(has(), "a single payload is stored nearly as it is");
    suite::write(&f.registry, 2, &mut |u| u.withdraw("A")).unwrap();
    for _ in 0..200 {
        if !has() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    panic!("the withdrawn is still there");
}

#[test]
fn a_copy_says_what_the_registry_says() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let (path, to) = (dir.path().join("r"), dir.path().join("copy"));
    let registry = Arc::new(runtime.block_on(SqliteRegistry::open(&path, options(0))).unwrap());
    let r = BlockingRegistry::new(registry.clone(), runtime.handle().clone());
    suite::owners(&r, &["s"]);
    suite::import(&r, 1, &many("s", 500, "a")).unwrap();
    suite::commit(&r, 2, &[suite::put("A", "s", "1")]);
    let row = write_row(&r, "r");
    assert_eq!(runtime.block_on(registry.backup(&to)).unwrap(), Tx::new(2));
    assert!(runtime.block_on(registry.backup(&to)).is_err(), "a copy replaces nothing");
    let copy = open_blocking(&to).unwrap();
    assert_eq!(copy.standing(Tx::new(2), "", 9_999).unwrap(), r.standing(Tx::new(2), "", 9_999).unwrap());
    assert_eq!(copy.log().unwrap(), r.log().unwrap());
    assert_eq!(copy.identity_row("k", "r").unwrap(), Some(row));
    assert_eq!(copy.verify().unwrap(), [""; 0]);
    runtime.block_on(registry.close()).unwrap();
    assert!(!crate::schema::beside(&path, "-wal").exists(), "the write-ahead log is merged");
    assert!(r.last_tx().is_err());
}

/// A stage of a process that died: its chunks are there, its job is due after the lease, the next stage removes both.
#[test]
fn an_abandoned_stage_is_discarded_by_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    let chunks = || raw(&path, async |c| sqlx::query_scalar::<_, i64>("SELECT count(*) FROM chunk").fetch_one(c).await.unwrap());
    let open = |runtime: &Runtime, now_ms| {
        let registry = runtime.block_on(SqliteRegistry::open(&path, options(now_ms))).unwrap();
        BlockingRegistry::new(Arc::new(registry), runtime.handle().clone())
    };
    let dead = Runtime::new().unwrap();
    let r = open(&dead, 1_000);
    suite::owners(&r, &["s"]);
    suite::commit(&r, 1, &many("s", 9, "base"));
    let mut stage = r.stage().unwrap();
    stage.put_all(many("s", 3_000, "dead")).unwrap();
    stage.counts().unwrap();
    // Its runtime dies with it: nothing can be removed at once.
    std::mem::forget(stage);
    drop(r);
    dead.shutdown_background();
    assert!(chunks() > 1);
    let runtime = Runtime::new().unwrap();
    let early = open(&runtime, 2_000);
    drop(early.stage().unwrap());
    assert!(chunks() > 1, "it may live");
    assert_eq!(early.verify().unwrap(), [""; 0]);
    let late = open(&runtime, 1_000 + crate::limits::STAGE_LEASE_MS);
    let done = suite::import(&late, 5, &many("s", 10, "next")).unwrap();
    assert_eq!((done.counts.changed, done.counts.created), (9, 1));
    assert_eq!(chunks(), 2);
    assert_eq!(late.jobs(Queue::Work, 9).unwrap(), []);
    assert_eq!(late.verify().unwrap(), [""; 0]);
    assert_eq!(late.facts_at(Tx::new(2), &["E000500".into()]).unwrap(), []);
}

/// The future that waited for a turn is dropped: the turn goes to the next.
#[test]
fn a_dropped_wait_gives_its_turn_back() {
    let f = fresh();
    let other = open_blocking(&f.path).unwrap();
    let holding = f.registry.begin().unwrap();
    let runtime = Runtime::new().unwrap();
    let waiting = async { tokio::time::timeout(std::time::Duration::from_millis(50), other.registry().begin()).await };
    assert!(runtime.block_on(waiting).is_err(), "the other opening waits in the kernel");
    drop(holding);
    suite::write(&other, 1, &mut |u| u.put(suite::put("A", "s", "1"), Expect::Any)).unwrap();
    suite::write(&f.registry, 2, &mut |u| u.put(suite::put("A", "s", "2"), Expect::Any)).unwrap();
    assert_eq!(other.last_tx().unwrap(), Tx::new(2));
}

#[test]
fn a_file_that_is_no_registry_of_ours_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sqlite");
    for (sql, version) in [("CREATE TABLE log_tx(tx INTEGER)", "version 0"), ("PRAGMA user_version = 10", "version 10")] {
        execute(&path, sql);
        let error = open_blocking(&path).err().unwrap().to_string();
        assert!(error.contains(version) && error.contains("r.sqlite") && error.contains("later one"), "{error}");
    }
    let text = dir.path().join("text");
    std::fs::write(&text, "nom;prenom\n".repeat(50)).unwrap();
    let error = open_blocking(&text).err().unwrap();
    assert!(matches!(error, Error::Damaged(_)), "{error}");
}

#[test]
fn a_cut_file_is_named() {
    let f = fresh();
    suite::import(&f.registry, 1, &many("s", 3_000, "a")).unwrap();
    let copy = f.path.with_extension("copy");
    raw(&f.path, async |c| sqlx::query("VACUUM INTO ?").bind(copy.to_str()).execute(c).await.map(|_| ())).unwrap();
    let whole = std::fs::metadata(&copy).unwrap().len();
    for len in [whole - 1, whole / 2, 50] {
        std::fs::OpenOptions::new().write(true).open(&copy).unwrap().set_len(len).unwrap();
        let error = open_blocking(&copy).err().unwrap();
        assert!(matches!(&error, Error::Damaged(_)) && error.to_string().contains("is cut"), "{error}");
        assert!(error.to_string().contains("annuaire restore"), "{error}");
    }
}
