//! Against a real server: `cargo xtask test` starts one and gives its address.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the environment names the server of the tests")]

use annuaire_base::Tx;
use annuaire_store::{Change, Registry};
use annuaire_store_postgres::PostgresRegistry;
use annuaire_store_suite as suite;
use sqlx::{ConnectOptions, Executor};
use std::str::FromStr;

/// A schema of its own for a test, dropped at the end.
struct Schema {
    name: String,
    server: String,
}

fn execute(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut c = sqlx::postgres::PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
        c.execute(sql).await.unwrap();
    });
}

impl Schema {
    fn new(name: &str) -> Self {
        let server = std::env::var("ANNUAIRE_TEST_POSTGRES").expect("ANNUAIRE_TEST_POSTGRES is not set");
        let s = Self { name: format!("t_{name}_{}", std::process::id()), server };
        execute(&s.server, &format!("CREATE SCHEMA {}", s.name));
        s
    }

    fn url(&self) -> String {
        format!("{}?options=-c%20search_path%3D{}", self.server, self.name)
    }

    fn open(&self) -> PostgresRegistry {
        PostgresRegistry::open(&self.url()).unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        execute(&self.server, &format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

fn put(entity: &str, payload: &str) -> Change {
    Change { entity: entity.into(), source: "s".into(), payload: Some(payload.into()), digest: 0 }
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn passes_the_suite() {
    let mut schemas: Vec<Schema> = Vec::new();
    suite::run(&mut |new| {
        if new {
            schemas.push(Schema::new(&format!("suite{}", schemas.len())));
        }
        Box::new(schemas.last().unwrap().open())
    });
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn verify_names_a_tampered_row() {
    let schema = Schema::new("tamper");
    let mut r = schema.open();
    suite::write(&mut r, 1, &mut |u| u.put(put("A", "1"))).unwrap();
    execute(&schema.url(), "DELETE FROM object");
    assert_eq!(r.verify().unwrap(), ["object A of s is in the log and not in the registry"]);
    execute(&schema.url(), "UPDATE log_counter SET tx = 5");
    assert!(r.verify().unwrap().contains(&"the counter is at 5 and the log ends at 1".to_owned()));
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn tables_of_version_2_are_brought_forward_with_all_that_they_know() {
    let schema = Schema::new("forward");
    execute(&schema.url(), include_str!("version-2.sql"));
    for _ in 0..2 {
        let mut r = schema.open();
        let stamp = "{\"stamp\":\"202610080843\",\"objects\":1}";
        assert_eq!(r.notes("source", "", 9).unwrap(), [("s".to_owned(), stamp.to_owned())]);
        assert_eq!(
            (r.last_tx().unwrap(), r.objects_at(Tx::new(1), &["A".into()]).unwrap()[0].payload.as_str()),
            (Tx::new(1), "1")
        );
        assert_eq!(r.verify().unwrap(), Vec::<String>::new());
    }
    let mut r = schema.open();
    assert_eq!(suite::write(&mut r, 2_000, &mut |u| u.put(put("A", "2"))).unwrap().tx, Some(Tx::new(2)));
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn tables_of_another_version_are_refused() {
    let schema = Schema::new("version");
    execute(&schema.url(), "CREATE TABLE log_tx(tx bigint)");
    assert!(PostgresRegistry::open(&schema.url()).err().unwrap().to_string().contains("version 0"));
    execute(&schema.url(), "DROP TABLE log_tx");
    drop(schema.open());
    execute(&schema.url(), "UPDATE registry_version SET version = 9");
    assert!(PostgresRegistry::open(&schema.url()).err().unwrap().to_string().contains("version 9"));
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn writers_take_turns_and_a_reader_never_sees_a_gap() {
    let schema = Schema::new("turns");
    drop(schema.open());
    let writers: Vec<_> = (0..3)
        .map(|w| {
            let url = schema.url();
            std::thread::spawn(move || {
                let mut r = PostgresRegistry::open(&url).unwrap();
                for i in 0..40 {
                    suite::write(&mut r, 0, &mut |u| u.put(put(&format!("{w}-{i}"), "x"))).unwrap();
                }
            })
        })
        .collect();
    let mut reader = schema.open();
    let mut seen = 0;
    while seen < 120 {
        let log = reader.transactions(Tx::NONE).unwrap();
        let numbers: Vec<u64> = log.iter().map(|t| t.tx.get()).collect();
        assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>());
        assert!(log.windows(2).all(|w| w[0].commit_ms < w[1].commit_ms));
        seen = log.len();
    }
    writers.into_iter().for_each(|w| w.join().unwrap());
    assert_eq!(reader.verify().unwrap(), Vec::<String>::new());
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_lost_connection_is_opened_again_and_no_error_tells_the_password() {
    let schema = Schema::new("lost");
    let mut r = PostgresRegistry::open(&format!("{}&application_name={}", schema.url(), schema.name)).unwrap();
    suite::write(&mut r, 1, &mut |u| u.put(put("A", "1"))).unwrap();
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'", schema.name);
    execute(&schema.server, &cut);
    assert_eq!(r.last_tx().unwrap(), Tx::new(1));
    for url in ["postgres://u:s3cret@127.0.0.1:1/x", "mysql://u:s3cret@h/x"] {
        let error = PostgresRegistry::open(url).err().unwrap().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}
