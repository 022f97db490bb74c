//! What may be typed into the form (registration §4.5, §5.2).
//!
//! Each check takes a draft, all of it text as it was typed, and gives the parsed values, when nothing blocks, with its
//! [`Findings`]: which field, which code, the French text, and the normalised values that the form shows again.

mod civil;
mod contact;
mod finding;
mod numbers;
mod search;
mod situation;

pub use civil::{
    BirthDate, BirthPrecisionKept, CivilDraft, CivilStatus, FIELDS_OF_FRANCE_CONNECT, IDENTITY_PROOFS, check_civil_status,
    check_identity_proof, checked_name, shown,
};
pub use contact::{CheckedContact, ContactDraft, ContactUse, check_contact, email, mobile};
pub use finding::{FieldContext, FieldFinding, FieldSettings, Findings};
pub use numbers::{FinessKey, NumberOrigin, check_adeli, check_rpps, finess, finess_key, siret};
pub use search::{StructureQuery, check_structure_results, check_structure_search};
pub use situation::{
    ChosenStructure, ClosingDraft, END_BY_DEATH, KnownSituation, SituationDraft, SituationFacts, TypedSituation, check_closing,
    check_situation,
};
