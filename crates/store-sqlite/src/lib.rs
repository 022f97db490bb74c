//! Registry store on embedded SQLite: one file, one writer, readers beside it.
//!
//! The file is in write-ahead mode with full synchronisation: a commit returns when it is on the disk, and readers see the last
//! committed state without waiting. Only the first load uses a rollback journal, since pages of a new file need no copy.
//! Writers take turns (`BEGIN IMMEDIATE`) and wait ten minutes for one another. A checksum for each transaction lets `verify`
//! notice a changed byte in old versions, which no other table repeats.
//!
//! Costs: reads of a page or of some entities are point look-ups; a first load appends in key order. This room never publishes
//! anything and never deletes a row of the log.
//!
//! ```
//! use annuaire_store::{Cause, Change, Registry};
//!
//! let dir = tempfile::tempdir().unwrap();
//! let mut registry = annuaire_store_sqlite::SqliteRegistry::open(&dir.path().join("registry.sqlite")).unwrap();
//! let cause = Cause { author: "example", reason: "a name", now_ms: &|| 1_800_000_000_000, any_clock: false };
//! let change = Change { entity: "ST:1".into(), source: "s".into(), payload: Some("{}".into()), digest: 0 };
//! let outcome = registry.commit(cause, &mut |unit| unit.put(change.clone())).unwrap();
//! assert_eq!(outcome.tx, Some(registry.last_tx().unwrap()));
//! ```

mod fault;
mod json_list;
mod read;
mod registry;
mod schema;
mod verify;
mod write;

pub use registry::SqliteRegistry;
