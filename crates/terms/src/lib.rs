//! The vocabulary between published forms and the publication store.
//!
//! The forms (`annuaire-fhir`) turn domain objects into [`Resource`]s: the JSON of a FHIR resource in two parts, and the
//! [`Term`]s by which a search finds it. The publication store (`annuaire-index`) numbers, stamps, compresses and indexes them.
//! Both sides know this crate and neither knows the other.
//!
//! # Concepts
//!
//! * A [`TypeId`] numbers a resource type and a [`ParamId`] a search parameter. Both are one byte in the keys of the store, so
//!   the numbers are chosen once and never reused. They are distinct types: one cannot be passed for the other.
//! * A [`Resource`] is what the store is given. The store inserts `versionId` and `lastUpdated` between its two parts, unless a
//!   [`ForeignStamp`] brings those of another directory.
//! * [`Presence`] says why a resource is published: a source describes it, it was withdrawn, or another resource refers to it.
//! * A [`LinkRule`] names a reference parameter whose targets must exist (rule LOG-6).
//! * [`limits`] bounds what the store accepts; [`Resource::check`] applies them before anything is written.
//!
//! # Example
//!
//! ```
//! use annuaire_terms::{ParamId, Presence, Resource, Term, TypeId};
//!
//! const ORGANIZATION: TypeId = TypeId::new(2);
//! const NAME: ParamId = ParamId::new(4);
//!
//! let resource = Resource {
//!     ty: ORGANIZATION,
//!     id: "001-99".into(),
//!     before: br#"{"resourceType":"Organization","id":"001-99","meta":{"#.to_vec(),
//!     after: br#"},"name":"Cabinet fictif"}"#.to_vec(),
//!     terms: vec![Term::Text { param: NAME, value: "Cabinet fictif".into() }],
//!     foreign_stamp: None,
//!     presence: Presence::Described,
//! };
//! assert!(resource.check().is_ok());
//!
//! // The store reserves parameter 0 for its own keys.
//! let link = Term::Reference { param: ParamId::STORE, target: "Organization/001-98".into() };
//! assert!(Resource { terms: vec![link], ..resource }.check().is_err());
//! ```
//!
//! # Costs and absences
//!
//! The types are plain data: [`Resource::check`] is linear in the number of terms and nothing else does any work. This crate
//! reads no file, clock or socket, knows neither FHIR nor LMDB, and serialises nothing.

mod ids;
pub mod limits;
mod link;
mod resource;
mod term;

pub use ids::{ParamId, TypeId};
pub use link::LinkRule;
pub use resource::{ForeignStamp, Presence, RefusedResource, Resource};
pub use term::Term;
