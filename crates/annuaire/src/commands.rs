//! One file for each command: its options, and what it does.

pub(crate) mod adeli;
pub(crate) mod admin;
pub(crate) mod authority_feed;
pub(crate) mod backup;
pub(crate) mod check_store;
pub(crate) mod civil_register;
pub(crate) mod config;
pub(crate) mod deliveries;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod mirror;
pub(crate) mod pki;
pub(crate) mod quarantine;
pub(crate) mod rebuild;
pub(crate) mod receipt;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod undo;
pub(crate) mod verify;
pub(crate) mod withdraw;
