//! Carries the log into publication stores.
//!
//! A publication store is a view of the log: each transaction is applied once, in order, and a store that was deleted is
//! rebuilt to the same bytes by applying all of them again. Only what was withdrawn by law is an exception: a rebuilt store never had it.
//!
//! # Concepts
//!
//! * **Followers.** A [`Follower`] has a position in the log and applies what comes after it; [`catch_up`] brings it to the end.
//!   The publication store is one ([`PublicationFollower`]); exports and subscriptions will be others. Before anything is applied,
//!   the identity of the log and the digest of the last transaction are compared: another log, or one that was restored from a
//!   copy, is refused with a sentence that says what to do.
//! * **Groups.** Small transactions are read, made and written together (`group`), and publish what they publish one by one. One
//!   alone starts no thread.
//! * **Large transactions** are read in one of three ways (`large`), by how much they change: everything in order for a first
//!   load, both states side by side for a delivery of the country, look-ups for a smaller one. Published resources do not depend
//!   on the way.
//! * **Consolidation** of what several owners say of one entity, and of what a perimeter may show, is done by `annuaire-consolidate`.
//! * **Forms.** Of the consolidated entity the crate `annuaire-fhir` makes full forms. Resources that were published and are no
//!   longer made become reduced, inactive forms.
//! * **Set aside.** An entity out of which nothing can be made does not stop the log. It stays published as it could last be
//!   made, and the store keeps the reason ([`set_aside()`]).
//! * **No reference without a target (LOG-6).** A structure to which a resource points, and which no source describes, is
//!   published as that resource names it.
//! * **Withdrawal by law** removes the content of all versions of the resources of an entity (`withdrawal`).
//! * **Closed versions** are removed after a while ([`compact`]). Numbers of versions and instants do not depend on it.
//!
//! # Example
//!
//! ```
//! use annuaire_base::fact::{FactKey, Publication};
//! use annuaire_fhir::{Guide, Perimeter, View, schema};
//! use annuaire_mos::{Objet, Structure};
//! use annuaire_store::{Cause, Change, Channel, CommitClock, Expect, OwnerRow};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("registry.sqlite"))?;
//! let clinic = Structure {
//!     id_technique: "F990000019".into(),
//!     num_finess: "990000019".into(),
//!     raison_sociale: "CLINIQUE FICTIVE".into(),
//!     ..Default::default()
//! };
//! let change = Change {
//!     key: FactKey { owner: "finess-eg".into(), entity: "ST:F990000019".into(), facet: String::new() },
//!     payload: Some(serde_json::to_string(&Objet::Structure(clinic))?),
//!     publication: Publication::Open,
//!     fingerprint: 0,
//! };
//! let mut unit = registry.begin()?;
//! unit.set_owner(&OwnerRow { code: "finess-eg".into(), description: String::new() })?;
//! unit.put(change, Expect::Any)?;
//! let clock = CommitClock { now_ms: &|| 1_800_000_000_000, any_clock: true };
//! unit.save(&Cause::new(Channel::Operator, "example", "documentation"), clock)?;
//!
//! let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
//! let store = annuaire_publish::open(&dir.path().join("public"), 64 << 20, view)?;
//! let followed = annuaire_publish::follow(&registry, &store, view, &|_, _, _| {})?;
//! assert_eq!(followed.versions, 1);
//! assert!(store.snapshot()?.exists(schema::ORGANIZATION, "001-F990000019")?);
//! assert!(annuaire_publish::verify(&registry, &store, view, &|_, _, _| {})?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Costs and absences
//!
//! A large transaction costs a few durable commits of the store, a small one its share of one, and each new version a
//! compression, on as many threads as there are processors. Memory holds some pages of entities, or the resources of one group
//! ([`limits::GROUP`]), whatever the size of the log, and the ids of the Organizations that a large transaction publishes and references. This crate
//! reads no clock and knows neither files nor HTTP: whoever calls decides when to follow and who may. It never writes to the
//! registry.
//!
//! What the table of owners says is read when transactions are applied. A strength that changes later shows where an entity
//! changes, and everywhere after a rebuild. A store that is rebuilt after a withdrawal by law has no trace of what was withdrawn:
//! should the entity come back, its numbers of versions start again there.

mod compaction;
mod copied;
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
pub use copied::{CopiedContent, CopiedVersion, apply_copied};
pub use error::Error;
pub use follow::{Followed, follow};
pub use follower::{AppliedRange, Follower, LogRange, Position, Tell, catch_up};
pub use open::{open, open_former};
pub use publication::PublicationFollower;
pub use set_aside::{SetAside, set_aside};
pub use verify::verify;
