//! Published FHIR R4 forms: domain objects to JSON bytes and search terms, for a perimeter and a version of the guide.
//!
//! # Concepts
//!
//! * A **form** is a resource under construction: its bytes, and the terms by which a search finds it. One file describes one
//!   published resource, its *full form* beside the *reduced form* that it leaves when it is withdrawn: [`organization`], and
//!   behind [`professional`] and [`activity`] the files `practitioner`, `practitioner_role`, `person`, `healthcare_service` and
//!   `device`. What several resources share (address, contact points, certificates) has files of its own.
//! * A [`View`] names the version of the guide and the [`Perimeter`] that a form is for. A form writes whatever it is given:
//!   `annuaire-consolidate` decides before what the public may see, by copying the public members by name. A resource of another
//!   directory alone is reduced here, when its form is made ([`perimeter`]).
//! * [`schema`] numbers the published types and their search parameters. Forms, API and CapabilityStatement read this one table.
//! * A resource of another directory keeps its own bytes ([`foreign`]); [`extract`] finds its terms in its JSON.
//! * [`ids`] derives technical ids from business keys: a rebuild gives the same ids.
//!
//! # Example
//!
//! ```
//! use annuaire_consolidate::public::public_structure;
//! use annuaire_fhir::{Guide, Perimeter, View, organization, schema};
//! use annuaire_mos::Structure;
//! use annuaire_terms::Term;
//!
//! let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
//! let structure = Structure {
//!     id_technique: "F990000019".into(),
//!     num_finess: "990000019".into(),
//!     raison_sociale: "CLINIQUE FICTIVE".into(),
//!     ..Default::default()
//! };
//! let organization = organization::full_form(view, &public_structure(structure), &[]);
//! assert_eq!(organization.id, "001-F990000019");
//! // The store writes version and instant between the two parts.
//! assert!(organization.before.ends_with(br#""url":"https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-data-trace"}],"#));
//! let after = String::from_utf8(organization.after).unwrap();
//! assert!(after.contains(r#""active":true"#) && after.ends_with(r#""name":"CLINIQUE FICTIVE"}"#));
//! let name = Term::Text { param: schema::params::NAME.id, value: "CLINIQUE FICTIVE".into() };
//! assert!(organization.terms.contains(&name));
//! ```
//!
//! # Costs and absences
//!
//! A form builds no tree: the JSON writer appends to one buffer. A foreign resource costs one parse and some passes over its
//! text. This crate reads no file, clock or socket, knows neither the registry nor the publication store, and validates nothing
//! against profiles: `conformance` does. Whoever changes the bytes or terms of a form raises [`limits::FORMS`], so that stores
//! of other forms are rebuilt and not continued.

pub mod activity;
mod address;
mod authorisation;
mod certificate;
mod device;
pub mod dictionary;
mod extensions;
pub mod extract;
pub mod foreign;
mod form;
mod gender;
mod healthcare_service;
pub mod ids;
mod json;
pub mod limits;
pub mod organization;
pub mod perimeter;
mod person;
mod practice;
mod practitioner;
mod practitioner_role;
pub mod professional;
mod raw_json;
pub mod schema;
pub mod systems;
mod telecom;
#[cfg(test)]
mod tests;
mod view;

/// URLs of extensions whose change subscribers are told of.
pub mod extension_urls {
    pub use crate::extensions::{EMAIL_TYPE, MAILBOX_MSS_METADATA, PRACTITIONER_AUTHORIZATION, REGISTRATION};
}

pub use annuaire_consolidate::Perimeter;
pub use view::{Guide, View};
