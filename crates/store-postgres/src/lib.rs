//! Registry store on PostgreSQL: one system of record for any number of nodes.
//!
//! A transaction takes its number from a one-row counter that it locks first. Writers therefore take turns, numbers are
//! gap-free, and a reader that sees transaction n sees all before it. Keys compare byte by byte (`COLLATE "C"`), because imports
//! merge ordered lists. A registry reconnects when its connection was lost.
//!
//! `sslmode` means what PostgreSQL documents: `require` encrypts or fails; `verify-ca` and `verify-full` check the certificate too
//! (`sslrootcert` names the authority); `prefer`, the default, encrypts when the server offers it and continues without
//! encryption when it does not. No call waits for ever: see [`limits`]. This room never deletes a row of the log.
//!
//! ```no_run
//! use annuaire_store::Registry;
//!
//! let url = "postgres://annuaire:secret@db.example/annuaire?sslmode=verify-full&sslrootcert=/etc/annuaire/ca.pem";
//! let mut registry = annuaire_store_postgres::PostgresRegistry::open(url)?;
//! println!("the log ends at transaction {}", registry.last_tx()?);
//! # Ok::<(), annuaire_store::Error>(())
//! ```

mod call;
mod fault;
pub mod limits;
mod read;
mod registry;
mod schema;
mod url;
mod verify;
mod write;

pub use registry::PostgresRegistry;
