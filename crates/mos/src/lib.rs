//! The domain in the words of the national object model (MOS): professional, practice, situation, structure, card, mailbox,
//! activity.
//!
//! # Concepts
//!
//! * A class is a struct of members that are texts, as the source wrote them. Codes are never translated: labels come from the
//!   terminologies when they are shown. Dates are ISO 8601, known to the year, the month or the day. An empty member is absent.
//! * An [`Objet`] is one *entity*, or one *facet* of it, as one *owner* knows it. It is the payload of the log and of the registry,
//!   as JSON with the camel-case names of the members. A name that changed would make older payloads unreadable.
//! * Several [`owner`]s know of one person or structure. [`Professionnel::merge`] and [`Structure::merge`] complete what the
//!   strongest of them says by what the others say. Two owners may state one situation: [`SituationExercice::is_stated_as`] tells,
//!   [`SituationExercice::complete`] makes one of both.
//!
//! # Example
//!
//! ```
//! use annuaire_mos::{ExerciceProfessionnel, Objet, Professionnel, SavoirFaire};
//!
//! let exercice = |savoir_faire: &str, nom: &str| ExerciceProfessionnel {
//!     profession: "10".into(),
//!     categorie_professionnelle: "C".into(),
//!     nom_exercice: nom.into(),
//!     savoir_faire: vec![SavoirFaire { type_savoir_faire: "S".into(), code: savoir_faire.into(), ..Default::default() }],
//!     ..Default::default()
//! };
//! let from = |exercice| Professionnel { id_nat_ps: "810999000003".into(), exercices: vec![exercice], ..Default::default() };
//!
//! let mut person = from(exercice("SM04", "DUPONT"));
//! person.merge(from(exercice("SM26", "DUPOND")));
//! // The second source completes the practice that both know, and does not contradict the first.
//! assert_eq!(person.exercices.len(), 1);
//! assert_eq!((person.exercices[0].nom_exercice.as_str(), person.exercices[0].savoir_faire.len()), ("DUPONT", 2));
//!
//! let payload = serde_json::to_string(&Objet::Professionnel(person)).unwrap();
//! assert!(payload.starts_with(r#"{"objet":"professionnel","idNatPs":"810999000003","exercices":[{"profession":"10""#));
//! ```
//!
//! # Costs and absences
//!
//! A merge compares the lists of both objects pairwise: they are short. This crate checks nothing (whether an identifier has its
//! key, whether a code exists): `exchange` does when a file is read. It knows neither terminologies nor FHIR, and reads no file,
//! clock or socket.

mod activite;
mod adresse;
mod ameli;
mod boite_lettres;
mod carte;
mod certificat;
mod class;
mod enregistrement;
mod exercice;
mod groupement;
mod merge;
mod objet;
pub mod owner;
mod professionnel;
mod situation;
mod structure;

pub use activite::{Activite, ActiviteAutorisee};
pub use adresse::{Adresse, Coordonnees, Position};
pub use ameli::LigneAmeli;
pub use boite_lettres::BoiteLettresMss;
pub use carte::CarteProfessionnel;
pub use certificat::Certificat;
pub use enregistrement::{ExerciceEnregistre, SituationEnregistree};
pub use exercice::{AutorisationExercice, Diplome, ExerciceProfessionnel, InscriptionOrdre, SavoirFaire};
pub use groupement::Groupement;
pub use objet::Objet;
pub use professionnel::{AttributionParticuliere, EtatCivil, IdentifiantAlternatif, Langue, Professionnel};
pub use situation::SituationExercice;
pub use structure::Structure;
