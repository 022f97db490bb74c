//! Published resource types and their search parameters, in one table that the forms, the extraction of terms, the API
//! and the CapabilityStatement all read.

pub mod params;
mod types;
mod words;

pub use params::{DATE_PREFIXES, PARAMS, PERIOD_END, Param, ParamType, link_rules, param, param_id};
pub use types::{
    DEVICE, HEALTHCARE_SERVICE, ORGANIZATION, PERSON, PRACTITIONER, PRACTITIONER_ROLE, PUBLIC_TYPES, TYPES, type_id, type_name,
    types,
};
pub(crate) use words::add_words;
pub use words::{FAMILY_END, heard_in};
