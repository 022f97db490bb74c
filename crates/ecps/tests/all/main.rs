//! The means on phones over a real registry: whole journeys, attacks, strangers, pages walked without a script.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod activation;
mod authenticator;
mod pages;
mod passkeys;
mod prompts;
mod push;
mod world;
