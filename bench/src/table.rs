//! Rows of the printed tables, and the load that they have in common.

/// Connections of a load.
pub const CONNECTIONS: usize = 8;

/// Bytes in MiB.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Prints a row of two columns.
pub fn row(what: &str, figure: &str) {
    println!("| {what} | {figure} |");
}
