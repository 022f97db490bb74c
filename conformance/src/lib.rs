//! Black-box conformance suite for a health directory. It runs against any base URL: one case for each documented request or
//! rule, named after the rule (interoperability rules SRCH, HTTP, COND, HIST) or after the public complaint that it answers.
//!
//! To add a case: write a function that takes the client and gives `Ok(())` or the reason, in the file of `cases` that has its
//! subject, and name it in [`cases::ALL`]. The case must find its values in the directory, never assume them.
//!
//! ```no_run
//! use annuaire_conformance::{DirectoryClient, cases};
//!
//! let client = DirectoryClient::new("http://127.0.0.1:8080/fhir/v2", &[]);
//! for (name, case) in cases::ALL {
//!     assert_eq!(case(&client), Ok(()), "{name}");
//! }
//! ```

#![expect(missing_docs, reason = "fields of answers and helpers of cases are named after HTTP and FHIR")]

pub mod cases;
mod client;
pub mod gold;
pub mod profile;
pub mod schema_order;

pub use client::{DirectoryClient, HttpAnswer, link};
