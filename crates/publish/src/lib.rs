//! Carries the log into publication stores.
//!
//! A publication store is a view of the log: each transaction is applied once, in order, and a store that was deleted is
//! rebuilt to the same bytes by applying all of them again.
//!
//! # Concepts
//!
//! * **Following.** [`follow`] applies the transactions that a store does not have yet. A transaction is read in one of three
//!   ways (`read`), by how much it changes: everything in order for a first load, both states side by side for a large
//!   delivery, look-ups for a small one. Published resources do not depend on the way.
//! * **Consolidation.** Several sources know of one entity. The module `consolidate` merges their objects by rank and
//!   leaves out everything that the perimeter may not show. It is pure, and its page lists the decisions.
//! * **Forms.** Of the consolidated entity the crate `annuaire-fhir` makes full forms. Resources that were published and are no
//!   longer made become reduced, inactive forms.
//! * **Set aside.** An entity out of which nothing can be made does not stop the log. It stays published as it could last be
//!   made, and the store keeps the reason ([`set_aside()`]).
//! * **No reference without a target (LOG-6).** A structure to which a resource points, and which no source describes, is
//!   published as that resource names it.
//!
//! # Example
//!
//! ```
//! use annuaire_fhir::{Guide, Perimeter, View, schema};
//! use annuaire_mos::{Objet, Structure};
//! use annuaire_store::{Cause, Change, Registry};
//! use annuaire_store_sqlite::SqliteRegistry;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let mut registry = SqliteRegistry::open(&dir.path().join("registry.sqlite"))?;
//! let clinic = Structure {
//!     id_technique: "F990000019".into(),
//!     num_finess: "990000019".into(),
//!     raison_sociale: "CLINIQUE FICTIVE".into(),
//!     ..Default::default()
//! };
//! let change = Change {
//!     entity: "ST:F990000019".into(),
//!     source: "finess-eg".into(),
//!     payload: Some(serde_json::to_string(&Objet::Structure(clinic))?),
//!     digest: 0,
//! };
//! let cause = Cause { author: "example", reason: "documentation", now_ms: &|| 1_800_000_000_000, any_clock: true };
//! registry.commit(cause, &mut |unit| unit.put(change.clone()))?;
//!
//! let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
//! let store = annuaire_publish::open(&dir.path().join("public"), 64 << 20, view)?;
//! let followed = annuaire_publish::follow(&mut registry, &store, view, &|_, _, _| {})?;
//! assert_eq!(followed.versions, 1);
//! assert!(store.snapshot()?.exists(schema::ORGANIZATION, "001-F990000019")?);
//! assert!(annuaire_publish::verify(&mut registry, &store, view, &|_, _, _| {})?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Costs and absences
//!
//! A transaction costs one durable commit of the store, and a compression for each new version on as many threads as there are
//! processors. Memory holds some pages of entities, whatever the size of the transaction, and the ids of the Organizations that
//! it publishes and references. This crate reads no clock and knows neither files nor HTTP: whoever calls decides when to
//! follow and who may. It never writes to the registry.

mod compaction;
mod entity_forms;
mod error;
mod follow;
mod follower;
mod group;
mod large;
pub mod limits;
mod mailboxes;
mod open;
mod owners;
mod page;
mod publication;
mod read;
mod referenced;
mod set_aside;
mod state;
mod verify;
mod withdrawal;

pub use compaction::compact;
pub use error::Error;
pub use follow::{Followed, follow};
pub use follower::{AppliedRange, Follower, LogRange, Position, Tell, catch_up};
pub use open::{open, open_former};
pub use publication::PublicationFollower;
pub use set_aside::{SetAside, set_aside};
pub use verify::verify;
