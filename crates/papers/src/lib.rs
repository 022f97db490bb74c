//! Papers that people keep: attestations and summaries of requests, as tagged PDF (PDF/UA-1; registration §4.7, §4.9, §5.7, §20).
//!
//! Data in, bytes out: no clock, no file, no HTTP. Equal data gives equal bytes. Three papers know their French words
//! ([`RegistrationPaper`], [`HomeHelpPaper`], [`RequestPaper`]); each makes a [`Paper`], which [`Paper::to_pdf`] lays out and writes.
//!
//! The two fonts of `data/fonts` are embedded, reduced to the letters that a paper uses.

mod attestation;
mod letters;
mod limits;
mod paper;
mod placing;
mod summary;
mod writing;

pub use attestation::{AttestedPlace, HomeHelpPaper, PaperCheck, RegistrationPaper};
pub use paper::{Paper, PaperBlock, PaperError};
pub use summary::RequestPaper;
