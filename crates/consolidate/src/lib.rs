//! The merged view: facts of all owners to one person, structure or activity, as far as a perimeter may show it. Publication,
//! exports, identity and portal read it; nobody else decides who is right or what is public.
//!
//! # Decisions taken here and nowhere else
//!
//! 1. **Which facts count.** The public perimeter leaves out every fact that is not open, whatever it holds
//!    ([`Perimeter::counts`]).
//! 2. **What of a fact may be shown.** In the public perimeter each object is reduced to its public members, which are named one by
//!    one ([`public`]), before it is merged. A resource of another directory alone passes as it is: `annuaire-fhir` reduces it by
//!    the enumeration of the public profiles when its form is made.
//! 3. **Who is right.** Owners have an order of strength for each facet (`annuaire_mos::owner`). The strongest decides, the
//!    others fill gaps: a weaker fact never contradicts a stronger one and never removes anything. [`consolidate`] is a function of
//!    the facts that stand, so that a fact that ends leaves no trace.
//! 4. **What is one.** Practices by profession and category. Situations by identifier; or, when two owners number them
//!    differently, by practice, structure, function and mode, in periods that meet. Cards by number; mailboxes of all owners are
//!    listed. Of a resource of another directory the last object counts.
//! 5. **When nothing can be made.** A practice to which nobody gives a name is left out. An entity with a fact that cannot be
//!    used is [at fault](ConsolidatedEntity::fault): publishing its other facts alone would withdraw valid ones. An owner whom the
//!    registry does not describe is such a fault; nobody is ranked last for want of a rank.
//!
//! Files of national registers are merged among themselves before all else, by their ranks: they state all they know of an entity
//! as one fact, and the first of them that has situations numbers them. What others state is united with the result.
//!
//! # Example
//!
//! ```
//! use annuaire_base::Tx;
//! use annuaire_base::fact::{Fact, FactKey, Publication};
//! use annuaire_consolidate::{Item, Owners, Perimeter, consolidate};
//!
//! let fact = |owner: &str, facet: &str, tx, payload: &str| Fact {
//!     key: FactKey { owner: owner.into(), entity: "PP:810999000010".into(), facet: facet.into() },
//!     tx: Tx::new(tx),
//!     payload: payload.into(),
//!     publication: Publication::Open,
//! };
//! let file = r#"{"objet":"professionnel","idNatPs":"810999000010","exercices":[{"profession":"10","categorieProfessionnelle":"C",
//!     "nomExercice":"DUPONT","situations":[{"idSituationExercice":"71","modeExercice":"S","structure":"F990000028"}]}]}"#;
//! let employer = r#"{"objet":"situation","profession":"10","categorieProfessionnelle":"C",
//!     "situation":{"idSituationExercice":"05","modeExercice":"S","structure":"F990000028","dateDebut":"2026-11-26"}}"#;
//! let facts = vec![fact("ENREG:1990000028", "situation:05", 2, employer), fact("psla", "", 1, file)];
//!
//! // Descriptions of the registry's table of owners. These two owners need none: their codes tell them.
//! let owners = Owners::new([("psla", ""), ("ENREG:1990000028", "")]).unwrap();
//!
//! let person = consolidate(facts.clone(), &owners, Perimeter::Restricted).remove("PP:810999000010").unwrap();
//! let situations = &person.professional.as_ref().unwrap().exercices[0].situations;
//! // Both state one situation: the file numbers it, the employer adds the day.
//! assert_eq!((situations[0].id_situation_exercice.as_str(), situations[0].date_debut.as_str()), ("71", "2026-11-26"));
//! assert_eq!(situations.len(), 1);
//! let owners_of = person.provenance.of(Item::Situation(0, 0)).map(|saying| saying.owner.as_str());
//! assert_eq!(owners_of.collect::<Vec<_>>(), ["psla", "ENREG:1990000028"]);
//!
//! let public = consolidate(facts, &owners, Perimeter::Public).remove("PP:810999000010").unwrap();
//! assert_eq!(public.professional.unwrap().exercices[0].situations[0].date_debut, "");
//! ```
//!
//! # Costs and absences
//!
//! A parse of each payload, and short lists compared pairwise. Provenance is two small vectors for each entity, whose strings are
//! those of the facts; the bench `typical` compares all of it with the rule of files alone. This crate reads no registry, file,
//! clock or socket, writes no form, and knows neither requests nor rights: whether an owner may state something is decided before
//! it becomes a fact. It masks nobody in danger yet: that comes with the cases that need it.

mod entity;
pub mod entity_key;
mod merge;
mod owners;
mod payload;
mod perimeter;
mod practice;
mod provenance;
pub mod public;
mod situations;
mod statement;
mod union;

pub use entity::{ConsolidatedEntity, EntityFault, ForeignResource};
pub use merge::consolidate;
pub use owners::{Error, Owners};
pub use perimeter::Perimeter;
pub use provenance::{Item, Provenance, Saying};
