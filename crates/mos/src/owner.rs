//! Owners of facts: who speaks of an entity, of which part of it, and who decides when two of them differ.
//!
//! A *fact* of the registry belongs to one [`Owner`] and concerns one [`Facet`] of one entity. A file says all it knows of an entity
//! as one fact ([`Facet::Whole`]). An order, the armed forces' health service, a regional agency, a structure or a person states
//! one civil status, contact, practice or situation at a time.
//!
//! Several owners may speak of one facet. [`Owner::strength`] puts them in order (`registration.md` §2.3): the first one decides,
//! the others fill what it left open. Sorting facts by it is all that a merge needs to know of owners.
//!
//! ```
//! use annuaire_mos::owner::{Facet, Owner, file_source};
//!
//! let order = Owner::authority("CNOM").unwrap();
//! let file = file_source("psla").unwrap().owner();
//! let employer = Owner::structure("1990000028");
//! let person = Owner::person("810999000010");
//!
//! let situation: Facet = "situation:0123456789".parse().unwrap();
//! let mut speakers = [&person, &employer, &file, &order];
//! speakers.sort_by_key(|owner| owner.strength(&situation));
//! assert_eq!(speakers.map(|owner| owner.code.as_str()), ["CNOM", "psla", "ENREG:1990000028", "PP:810999000010"]);
//! assert!(person.strength(&Facet::Contact) < order.strength(&Facet::Contact));
//!
//! // The registry keeps an owner as a row: its code, and this description. It may be empty where the code tells the owner.
//! let description = serde_json::to_string(&employer).unwrap();
//! assert_eq!(description, r#"{"code":"ENREG:1990000028","kind":"structure","number":"1990000028"}"#);
//! assert_eq!(serde_json::from_str::<Owner>(&description).unwrap(), employer);
//! assert_eq!(Owner::told_by_code("ENREG:1990000028"), Some(employer));
//! ```

mod facet;
mod file_source;
mod identity;
mod strength;
mod told_by_code;

pub use facet::{Facet, UnknownFacet};
pub use file_source::{FileSource, file_source, file_sources};
pub use identity::{Owner, OwnerKind};
pub use strength::{Standing, Strength};
