//! Measures units that write two rows of identity and one audit event, by 1, 4 and 16 threads:
//! `cargo xtask with-postgres cargo run -p annuaire-store-postgres --example identity_rate_postgres`.

#![expect(clippy::unwrap_used, reason = "a measurement stops at the first failure")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock; the environment names the server of the tests")]

fn main() {
    let url = std::env::var("ANNUAIRE_TEST_POSTGRES").unwrap();
    let start = std::time::Instant::now();
    for threads in [1, 4, 16] {
        // Rows of another number of threads have other keys.
        annuaire_store_suite::identity_rate(&annuaire_store_postgres::open_blocking(&url).unwrap(), threads, 4_000, &|| {
            start.elapsed()
        });
    }
}
