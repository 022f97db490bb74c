//! Tests of the store as its callers use it. `model` is the naive implementation that answers are compared with.

mod chunks;
mod common;
mod compaction;
mod copies;
mod damage;
mod effort;
mod group;
mod history;
mod identity;
mod kill;
mod measure;
mod model;
mod results;
mod retention;
mod sweeps;
mod withdrawal;
mod words;
mod year;
