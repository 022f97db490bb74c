//! The API over a small fictional nation.

#![allow(clippy::unwrap_used)]

mod matches;
mod naive;
mod nation;
mod pages;
mod requests;
mod searches;
mod sounds;
