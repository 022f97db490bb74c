//! Tests of the whole store; `model` is what it is compared with.

mod chunks;
mod common;
mod damage;
mod effort;
mod history;
mod model;
