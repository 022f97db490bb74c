//! Compares the gzip encoders on files: ratio, and megabytes a second on one thread.
//!
//! ```text
//! cargo run --release -p annuaire-gzip --example compare -- DIRECTORY…
//! ```
//!
//! Each directory holds `.json` files, each of which is compressed as one answer. Files are grouped by their name up to the
//! first hyphen or digit. Rounds of the encoders alternate, and the fastest round counts: other work of the machine only adds
//! to a round.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use annuaire_gzip::{Encoder, GzipCoding};

/// Rounds of each encoder on each group.
const ROUNDS: usize = 15;
/// Bytes that a round compresses at least: a small group is compressed several times.
const ROUND_BYTES: usize = 8 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let directories: Vec<String> = std::env::args().skip(1).collect();
    if directories.is_empty() {
        return Err("name one or several directories with .json files".into());
    }
    println!("| Files | Count | MB | own: ratio | own: MB/s | zlib: ratio | zlib: MB/s | own / zlib bytes | own / zlib speed |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    for directory in &directories {
        for (group, bodies) in read_groups(Path::new(directory))? {
            print_row(&group, &bodies);
        }
    }
    Ok(())
}

/// The files of a directory by group.
fn read_groups(directory: &Path) -> Result<BTreeMap<String, Vec<Vec<u8>>>, Box<dyn Error>> {
    let mut groups: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let place = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|extension| extension == "json") {
            let group = name.split(|c: char| c == '-' || c.is_ascii_digit()).next().unwrap_or_default();
            groups.entry(format!("{place}/{group}")).or_default().push(std::fs::read(&path)?);
        }
    }
    Ok(groups)
}

fn print_row(group: &str, bodies: &[Vec<u8>]) {
    let plain: usize = bodies.iter().map(Vec::len).sum();
    let passes = ROUND_BYTES.div_ceil(plain.max(1));
    let mut fastest = [Duration::MAX; 2];
    let mut packed = [0; 2];
    for _ in 0..ROUNDS {
        for (at, coding) in GzipCoding::ALL.into_iter().enumerate() {
            let start = Instant::now();
            for _ in 0..passes {
                packed[at] = bodies.iter().map(|body| Encoder::new(coding).compress_all(body).len()).sum();
            }
            fastest[at] = fastest[at].min(start.elapsed());
        }
    }
    let megabytes = plain as f64 / 1e6;
    let ratio = packed.map(|packed: usize| plain as f64 / packed as f64);
    let speed = fastest.map(|time| megabytes * passes as f64 / time.as_secs_f64());
    println!(
        "| {group} | {} | {megabytes:.2} | {:.1} | {:.0} | {:.1} | {:.0} | {:.2} | {:.1} |",
        bodies.len(),
        ratio[0],
        speed[0],
        ratio[1],
        speed[1],
        packed[0] as f64 / packed[1] as f64,
        speed[0] / speed[1],
    );
}
