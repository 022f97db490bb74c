//! Tests of the whole store; `model` is what it is compared with.

#![expect(clippy::unwrap_used, reason = "a test panics where a program would report")]

mod chunks;
mod common;
mod damage;
mod effort;
mod history;
mod model;
