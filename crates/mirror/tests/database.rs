//! A copy in a PostgreSQL database. MirrorRun by `cargo xtask test`, or with `ANNUAIRE_TEST_POSTGRES=postgres://…` and `--ignored`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_mirror::{DatabaseSink, Error, Mirror, MirrorChannel, MirrorOptions};
use common::{FakeOrigin, TestWorld};
use sqlx::{ConnectOptions, Executor, Row};
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

fn server() -> String {
    #[expect(clippy::disallowed_methods, reason = "the environment names the server of the tests")]
    std::env::var("ANNUAIRE_TEST_POSTGRES").expect("ANNUAIRE_TEST_POSTGRES is not set")
}

fn sql(url: &str, sql: &str) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut c = sqlx::postgres::PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
        let rows = c.fetch_all(sql).await.unwrap();
        rows.into_iter().map(|row| (row.try_get(0).unwrap_or_default(), row.try_get(1).unwrap_or_default())).collect()
    })
}

/// A schema of its own, dropped at the end.
struct Schema {
    name: String,
    url: String,
}

impl Schema {
    fn new(name: &str) -> Self {
        let name = format!("mirror_{name}_{}", std::process::id());
        sql(&server(), &format!("CREATE SCHEMA {name}"));
        Self { url: format!("{}?options=-c%20search_path%3D{name}", server()), name }
    }

    /// What the tables hold: (type, id) → JSON, with the members in the order of PostgreSQL.
    fn content(&self) -> BTreeMap<(String, String), serde_json::Value> {
        let mut all = BTreeMap::new();
        for (ty, table) in sql(&self.url, "SELECT resource_type, table_name FROM mirror_types") {
            let rows =
                sql(&self.url, &format!("SELECT id, resource::text FROM {table} WHERE resource->'meta'->>'versionId' = version"));
            all.extend(rows.into_iter().map(|(id, json)| ((ty.clone(), id), serde_json::from_str(&json).unwrap())));
        }
        all
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        sql(&server(), &format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

fn truth(origin: &FakeOrigin) -> BTreeMap<(String, String), serde_json::Value> {
    origin.truth().into_iter().map(|(key, json)| (key, serde_json::from_str(&json).unwrap())).collect()
}

fn options(origin: &FakeOrigin, dir: &Path) -> MirrorOptions {
    let mut options = MirrorOptions::new(&origin.base, dir.to_owned());
    (options.page_size, options.http.rate, options.channel) = (7, 1_000_000, MirrorChannel::Plain);
    options
}

fn run(options: &MirrorOptions, schema: &Schema, world: &Arc<TestWorld>) -> annuaire_mirror::Result<annuaire_mirror::RunReport> {
    let sink = DatabaseSink::new(&schema.url).unwrap();
    Mirror::open(options.clone(), Box::new(sink), world.clone())?.once()
}

#[test]
#[ignore = "needs a PostgreSQL server"]
fn tables_become_what_the_origin_is() {
    let (origin, dir, world, schema) =
        (FakeOrigin::start(), tempfile::tempdir().unwrap(), TestWorld::new(5), Schema::new("tables"));
    origin.lock().types = vec!["Device", "PractitionerRole"];
    for n in 0..50 {
        origin.put("Device", &format!("d-{n}"), &format!(r#""x":"back\\slash \n tab\t é 😀 \"{n}\"","n":1.10"#));
        origin.put("PractitionerRole", &format!("r-{n}"), r#""active":true"#);
    }
    let mut options = options(&origin, dir.path());
    let report = run(&options, &schema, &world).unwrap();
    assert!(report.ready && report.counts.upserted == 100, "{report:?}");
    assert_eq!(schema.content(), truth(&origin));
    let indexes = sql(&schema.url, "SELECT indexname::text, tablename::text FROM pg_indexes WHERE schemaname = current_schema()");
    assert!(indexes.contains(&("practitioner_role_resource".into(), "practitioner_role".into())), "{indexes:?}");
    // Random changes, one run after each few of them.
    options.max_change = 100;
    options.reconcile = Duration::ZERO;
    let mut dice = 12_345_u64;
    for round in 0..12 {
        for _ in 0..9 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (ty, id) = (["Device", "PractitionerRole"][(dice >> 33 & 1) as usize], dice >> 40 & 63);
            let id = format!("{}-{id}", if ty == "Device" { "d" } else { "r" });
            if dice >> 50 & 3 == 0 {
                origin.lock().resources.remove(&(ty.to_owned(), id));
            } else {
                origin.put(ty, &id, &format!(r#""x":"{round}""#));
            }
        }
        run(&options, &schema, &world).unwrap();
        assert_eq!(schema.content(), truth(&origin), "round {round}");
    }
    let state = sql(&schema.url, "SELECT origin, ready::text FROM mirror_state");
    assert_eq!(state, [(origin.base.clone(), "true".to_owned())]);
}

#[test]
#[ignore = "needs a PostgreSQL server"]
fn a_round_that_is_refused_or_broken_off_leaves_the_tables_as_they_were() {
    let (origin, dir, world, schema) =
        (FakeOrigin::start(), tempfile::tempdir().unwrap(), TestWorld::new(5), Schema::new("refused"));
    for n in 0..30 {
        origin.put("Device", &format!("d-{n}"), r#""x":1"#);
    }
    let mut options = options(&origin, dir.path());
    run(&options, &schema, &world).unwrap();
    let before = schema.content();
    for n in 0..10 {
        origin.put("Device", &format!("d-{n}"), r#""active":false"#);
    }
    let error = run(&options, &schema, &world).unwrap_err();
    assert!(matches!(error, Error::MassChange { gone: 10, known: 30, .. }), "{error}");
    assert_eq!(schema.content(), before);
    // A constraint of the operator refuses a row in the middle of a round.
    options.max_change = 100;
    sql(&schema.url, "ALTER TABLE device ADD CONSTRAINT no_changes CHECK (resource->'active' IS NULL)");
    let error = run(&options, &schema, &world).unwrap_err().to_string();
    assert!(error.contains("no_changes"), "{error}");
    assert_eq!(schema.content(), before);
    sql(&schema.url, "ALTER TABLE device DROP CONSTRAINT no_changes");
    run(&options, &schema, &world).unwrap();
    assert_eq!(schema.content(), truth(&origin));
    // The database comes back from a backup of a former round: it is filled anew, and what it had too much goes.
    sql(&schema.url, "UPDATE mirror_state SET round = 1");
    sql(
        &schema.url,
        "INSERT INTO device VALUES ('left-over', '1', NULL, '{\"id\":\"left-over\",\"meta\":{\"versionId\":\"1\"}}')",
    );
    run(&options, &schema, &world).unwrap();
    assert_eq!(schema.content(), truth(&origin));
    // A database that holds another's copy is left alone.
    sql(&schema.url, "UPDATE mirror_state SET mirror = 'another'");
    assert!(run(&options, &schema, &world).unwrap_err().to_string().contains("another mirror"));
}

#[test]
#[ignore = "needs a PostgreSQL server"]
fn a_table_that_is_not_ours_is_left_alone() {
    let (origin, dir, world, schema) =
        (FakeOrigin::start(), tempfile::tempdir().unwrap(), TestWorld::new(5), Schema::new("strange"));
    origin.put("Device", "d", r#""x":1"#);
    sql(&schema.url, "CREATE TABLE device (id text PRIMARY KEY, mine text)");
    sql(&schema.url, "INSERT INTO device VALUES ('a', 'b')");
    let error = run(&options(&origin, dir.path()), &schema, &world).unwrap_err().to_string();
    assert!(error.contains("\"device\" already exists"), "{error}");
    assert_eq!(sql(&schema.url, "SELECT id, mine FROM device"), [("a".to_owned(), "b".to_owned())]);
}
