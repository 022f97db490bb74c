//! What every backend of the registry must do, as one test suite. It is a crate of its own, so that no assertion is compiled into
//! the product.
//!
//! A backend calls [`run`] from its tests with a function that opens a registry. The suite compares the registry with a naive
//! model that keeps every state whole, on random histories and on the cases that once went wrong.
//!
//! ```no_run
//! # fn open_new() -> annuaire_store::BlockingRegistry { unimplemented!() }
//! # fn open_again() -> annuaire_store::BlockingRegistry { unimplemented!() }
//! annuaire_store_suite::run(&mut |new| if new { open_new() } else { open_again() });
//! ```

mod acts;
mod audit;
mod beside;
mod cases;
mod clocks;
mod compared;
mod described;
mod history;
mod identity;
mod identity_rate;
mod jobs;
mod log;
mod model;
mod race;
mod stages;
mod subscriptions;
mod withdrawal;

pub use acts::{OpenRegistry, cause, commit, import, owners, put, write};
pub use described::{OWNERS_OF_8, owners_of_8_came_forward};
pub use identity_rate::identity_rate;

/// Runs the suite.
///
/// # Panics
/// At the first rule that does not hold.
pub fn run(open: OpenRegistry<'_>) {
    log::run(open);
    compared::run(&open(true));
    beside::run(open);
    clocks::run(&open(true));
    jobs::run(open);
    audit::run(&open(true));
    subscriptions::run(open);
    identity::run(open);
    cases::run(&open(true));
    stages::run(open);
    withdrawal::run(open);
    race::run(open);
    history::run(open);
}
