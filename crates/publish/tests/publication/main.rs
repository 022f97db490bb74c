//! Stores beside their log: what cannot be made, whose stamps count, what vanishes, what is another log.

#![allow(clippy::unwrap_used)]

mod feeds;
mod followed_registry;
mod references;
mod set_aside;
mod stores;
mod withdrawal;
