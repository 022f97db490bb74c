//! Measures units that write two rows of identity and one audit event, by 1, 4 and 16 threads: `identity_rate_sqlite PLACE`.
//!
//! PLACE is a directory on the disk that is to be measured; the file of the registry is made there.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement reads the clock, and stops at the first failure"
)]

use std::path::PathBuf;

fn main() {
    let place = PathBuf::from(std::env::args().nth(1).expect("identity_rate_sqlite PLACE"));
    let start = std::time::Instant::now();
    for threads in [1, 4, 16] {
        let path = place.join(format!("identity-rate-{threads}.sqlite"));
        annuaire_store_suite::identity_rate(&annuaire_store_sqlite::open_blocking(&path).unwrap(), threads, 4_000, &|| {
            start.elapsed()
        });
    }
}
