//! What the tests of this room share.

#![allow(dead_code, reason = "each test file uses a part")]
#![expect(clippy::disallowed_methods, reason = "the environment names the server of the tests")]

pub mod proxy;

use annuaire_base::fact::{FactKey, Publication};
use annuaire_store::{
    BlockingRegistry, BlockingUnit, Cause, Change, Channel, CommitClock, CommitOutcome, Expect, OwnerRow, Result,
};
use sqlx::{ConnectOptions, Executor};
use std::str::FromStr;

/// A schema of its own for a test, dropped at the end.
pub struct Schema {
    pub name: String,
    pub server: String,
}

pub fn execute(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut c = sqlx::postgres::PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
        c.execute(sql).await.unwrap();
    });
}

impl Schema {
    pub fn new(name: &str) -> Self {
        let server = std::env::var("ANNUAIRE_TEST_POSTGRES").expect("ANNUAIRE_TEST_POSTGRES is not set");
        let s = Self { name: format!("t_{name}_{}", std::process::id()), server };
        execute(&s.server, &format!("CREATE SCHEMA {}", s.name));
        s
    }

    pub fn url(&self) -> String {
        format!("{}?options=-c%20search_path%3D{}", self.server, self.name)
    }

    pub fn open(&self) -> BlockingRegistry {
        annuaire_store_postgres::open_blocking(&self.url()).unwrap()
    }

    /// A new registry with owners `s`, `t` and `u`.
    pub fn fresh(&self) -> BlockingRegistry {
        let r = self.open();
        write(&r, 0, |u| {
            ["s", "t", "u"]
                .iter()
                .try_for_each(|code| u.set_owner(&OwnerRow { code: (*code).into(), description: String::new() }))
        })
        .unwrap();
        r
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        execute(&self.server, &format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

pub fn key(owner: &str, entity: &str) -> FactKey {
    FactKey { owner: owner.into(), entity: entity.into(), facet: String::new() }
}

/// An open fact; empty: its end.
pub fn put(owner: &str, entity: &str, payload: &str) -> Change {
    let payload = (!payload.is_empty()).then(|| payload.into());
    Change { key: key(owner, entity), payload, publication: Publication::Open, fingerprint: 0 }
}

pub fn save(unit: BlockingUnit, now: i64) -> Result<CommitOutcome> {
    unit.save(&Cause::new(Channel::System, "test", "a test"), CommitClock { now_ms: &|| now, any_clock: false })
}

pub fn write(r: &BlockingRegistry, now: i64, write: impl FnOnce(&mut BlockingUnit) -> Result<()>) -> Result<CommitOutcome> {
    let mut unit = r.begin()?;
    write(&mut unit)?;
    save(unit, now)
}

pub fn commit(r: &BlockingRegistry, changes: &[Change]) -> CommitOutcome {
    write(r, 0, |u| changes.iter().try_for_each(|c| u.put(c.clone(), Expect::Any))).unwrap()
}
