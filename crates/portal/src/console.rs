//! The consoles (registration §2.1): arbiters, support, auditors, keepers of terminologies, orders and agencies.
//!
//! A personal file is opened by a form that says why; the purpose goes on with the forms of that file, and ends with it.

pub(crate) mod arbitration;
pub(crate) mod audit;
pub(crate) mod authority;
pub(crate) mod compared;
pub(crate) mod feeds;
pub(crate) mod home;
pub(crate) mod indicators;
pub(crate) mod pairs;
pub(crate) mod purpose;
pub(crate) mod second_look;
pub(crate) mod stated;
pub(crate) mod support;
pub(crate) mod terminologies;
