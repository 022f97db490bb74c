//! The configuration file: what an operator may set, what each key means, and where a mistake is.
//!
//! The command line wins over the file, the file over the defaults. Nothing has to be set for the program to start.

mod load;
mod print;
mod section;
mod sections;
mod values;

pub(crate) use load::ConfigurationSource;
pub(crate) use sections::{Configuration, IdentitySection, RegistrationSection};
pub(crate) use values::{AcceptedCards, ClientBase, GuideVersion, LogLevel, TextValue, UpdateCadence};
