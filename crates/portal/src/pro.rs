//! The pages of professionals (registration §4.9, §11).

pub(crate) mod applicant;
pub(crate) mod attestation;
pub(crate) mod codes;
pub(crate) mod file;
pub(crate) mod holder;
pub(crate) mod not_me;
pub(crate) mod survey;
