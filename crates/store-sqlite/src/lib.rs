//! Registry store on embedded SQLite: one file, one writer at a time, readers beside it.
//!
//! The file is in write-ahead mode with full synchronisation: a commit returns when it is on the disk, and readers see the last
//! committed state without waiting. Writers take turns: in a process by a fair queue, between processes by two locks beside the file
//! that wait in the kernel. A stage takes its turn for some milliseconds at a time. The write-ahead log is copied into the file
//! by a task of its own, not by a commit.
//!
//! Rows are kept in chunks (`annuaire_store::chunk`). Costs: a fact is found by a binary search in memory or a point look-up, and read by
//! decompressing its chunk, unless that was read lately; pages of the state decompress chunk after chunk; a first load appends and
//! writes no index.
//!
//! ```
//! use annuaire_base::fact::{FactKey, Publication};
//! use annuaire_store::{Cause, Change, Channel, CommitClock, Expect, OwnerRow};
//!
//! let dir = tempfile::tempdir().unwrap();
//! let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("registry.sqlite")).unwrap();
//! let mut unit = registry.begin().unwrap();
//! unit.set_owner(&OwnerRow { code: "s".into(), description: String::new() }).unwrap();
//! let key = FactKey { owner: "s".into(), entity: "ST:1".into(), facet: String::new() };
//! let change = Change { key, payload: Some("{}".into()), publication: Publication::Open, fingerprint: 0 };
//! unit.put(change, Expect::Absent).unwrap();
//! let cause = Cause::new(Channel::Operator, "example", "a name");
//! let outcome = unit.save(&cause, CommitClock { now_ms: &|| 1_800_000_000_000, any_clock: false }).unwrap();
//! assert_eq!(outcome.tx, Some(registry.last_tx().unwrap()));
//! ```

mod audit;
mod batch;
mod bridge;
mod cache;
mod cases;
mod changed;
mod discard;
mod facts;
mod fault;
mod identity_rows;
mod jobs;
mod keeper;
mod limits;
mod log_map;
mod migration;
mod notes;
mod options;
mod packed;
mod prepare;
mod registry;
mod schema;
mod shared;
mod stage;
mod stage_tail;
mod staged_rows;
mod subscriptions;
mod sweep;
mod turn;
mod unit;
mod verify;
mod versions;
mod withdraw;

pub use bridge::{open_blocking, system_entropy};
pub use options::SqliteOptions;
pub use registry::SqliteRegistry;
pub use shared::Clock;
