//! Stores beside their log: entities set aside, stamps of feeds, owners, withdrawal, references, stores of another log.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic, its helpers too")]

mod copied;
mod feeds;
mod followed_registry;
mod groups;
mod legal_withdrawal;
mod owners;
mod references;
mod retained;
mod set_aside;
mod stores;
mod withdrawal;
