//! The pages of registration: managers, professionals, consoles.
//!
//! # Concepts
//!
//! * A login becomes a session of `registry` in an extractor ([`who`]); a handler says by its arguments who may call it, and each right is
//!   asked again by the use case behind it. A page or form without the login that its route names is answered before any handler runs.
//! * Everything works without a script: a page is one form, each button saves what was typed, and what was found is looked up when the
//!   page is shown again. A form that comes after the end of its session is kept by the page that says so.
//! * Forms carry a token of their person; those that begin something carry a key, so that a double click begins one thing.
//! * A fault ([`fault`]) is a value; the door makes a page of it, with the sentence of the reference and its code.
//!
//! This room knows no database: it asks `registry`. Nothing is in memory that another node needs.

mod admission;
mod anomaly;
mod answer;
mod attestation;
mod confirm;
mod console;
mod csv;
mod demo;
mod door;
mod entry;
mod fault;
mod field;
mod filler;
mod form;
mod frame;
mod french;
mod gae;
mod legal;
mod limits;
mod open_pages;
mod papers;
mod pro;
mod representative;
mod request;
mod routes;
mod sections;
mod sheet;
mod structure_choice;
mod who;

pub use door::{AdvancingClock, CONTACT_LAW, DemoAccount, PortalDemo, PortalSettings, RandomSource};
pub use routes::router;
