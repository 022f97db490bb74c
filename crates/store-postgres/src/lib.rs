//! Registry store on PostgreSQL: one system of record for any number of nodes.
//!
//! A save takes its number from a one-row counter that it locks. Saves therefore take turns, numbers are gap-free, and a
//! reader that
//! sees transaction n sees all before it. Nothing else is locked: units read and gather what they write in memory, imports
//! stage their rows beside the state. Each save announces itself (`NOTIFY`), so
//! [`commits`](annuaire_store::Registry::commits) of every node tells of it at once.
//!
//! Keys compare byte by byte (`COLLATE "C"`), because imports merge ordered lists. Connections come from a pool, which
//! replaces those that die. When one dies during a commit, another one is asked whether it happened. No call waits for ever:
//! see [`limits`].
//!
//! `sslmode` means what PostgreSQL documents: `require` encrypts or fails; `verify-ca` and `verify-full` check the
//! certificate too
//! (`sslrootcert` names the authority); `prefer`, the default, encrypts when the server offers it and continues without
//! encryption when it does not. This room never deletes a row of the log; a withdrawal by law replaces its content.
//!
//! ```no_run
//! use annuaire_store::Registry;
//! use annuaire_store_postgres::{PostgresOptions, PostgresRegistry};
//!
//! # async fn example(entropy: annuaire_store::Entropy) -> annuaire_store::Result<()> {
//! let url = "postgres://annuaire:secret@db.example/annuaire?sslmode=verify-full&sslrootcert=/etc/annuaire/ca.pem";
//! let registry = PostgresRegistry::open(url, PostgresOptions { entropy, open: |_source| false }).await?;
//! println!("the log ends at transaction {}", registry.last_tx().await?);
//! # Ok(())
//! # }
//! ```

mod audit;
mod call;
mod cases;
mod chunk;
mod clock;
mod core;
mod decide;
mod discard;
mod emptiness;
mod fault;
mod identity_rows;
mod job;
pub mod limits;
mod listen;
mod lock;
mod merge;
mod migrate;
mod note;
mod owner;
mod pool;
mod read;
mod registry;
mod save;
mod schema;
mod stage;
mod subscription;
mod tables;
mod unit;
mod url;
mod verify;
mod version;
mod withdraw;

pub use clock::ahead_of_database_ms;
pub use emptiness::holds_nothing;
pub use registry::{PostgresOptions, PostgresRegistry, open_blocking};
