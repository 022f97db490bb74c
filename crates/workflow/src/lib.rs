//! Registration of professionals: who may do what, when, and what follows; pure functions and data.

pub mod actor;
pub mod day;
pub mod decide;
pub mod kind;
pub mod limits;
pub mod messages;
pub mod norm;
pub mod notifications;
pub mod phonetic;
pub mod request;
pub mod state;
pub mod timers;
pub mod transition;
pub mod value_sets;
pub mod names;
pub mod communes;
pub mod rights;
pub mod perimeter;
pub mod habilitation;
pub mod fields;
pub mod duplicates;
pub mod request_number;
pub mod rpps_number;
pub mod certification;
