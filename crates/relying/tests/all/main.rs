//! Logins with civil traits, walked as browsers do.
#![allow(clippy::unwrap_used, missing_docs)]

mod back_channel;
mod journeys;
mod mix_ups;
mod party;
mod refusals;
mod stand_in;
mod strangers;
mod world;
