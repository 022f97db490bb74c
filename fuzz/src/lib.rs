//! Fuzz targets: any bytes for every parser of outside bytes. A target panics when a property does not hold.
//!
//! They run in two ways. `tests/smoke.rs`, on stable Rust and within a minute, runs each target on its seeds and on a bounded,
//! deterministic number of inputs derived from them. `cargo fuzz run TARGET --features libfuzzer fuzz/seeds/TARGET` searches
//! without end. An input that failed becomes a seed.
//!
//! To add a target: a function in `targets.rs`, its line in [`TARGETS`], a directory of seeds, a file in `fuzz_targets`.
//!
//! ```
//! assert!(annuaire_fuzz::run("texts", 10).unwrap() > 10);
//! ```

mod fuzz_world;
mod mutate;
mod run;
mod targets;
mod tokens;

pub use run::run;
pub use targets::{FuzzTarget, TARGETS, bodies, certificates, import, request, texts};
pub use tokens::tokens;
