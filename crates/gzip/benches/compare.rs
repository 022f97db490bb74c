//! Compares the gzip encoders on files: ratio, and megabytes a second on one thread.
//!
//! ```text
//! cargo bench -p annuaire-gzip --bench compare -- DIRECTORY…
//! ```
//!
//! Each directory holds `.json` files, each of which is compressed as one answer. Files are grouped by their name up to the
//! first hyphen or digit. The encoders alternate on each file, and the fastest of many rounds counts: a round lasts some hundred
//! microseconds, so that the fastest is one during which the machine did nothing else.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use annuaire_gzip::{Encoder, GzipCoding};

/// Rounds of each encoder on each file.
const ROUNDS: usize = 101;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench`.
    let directories: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if directories.is_empty() {
        println!("name one or several directories with .json files");
        return Ok(());
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

/// Contents of files, by group.
type FilesByGroup = BTreeMap<String, Vec<Vec<u8>>>;

/// The files of a directory.
fn read_groups(directory: &Path) -> Result<FilesByGroup, Box<dyn Error>> {
    let mut groups = FilesByGroup::new();
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
    let (mut packed, mut time) = ([0; 2], [Duration::ZERO; 2]);
    for body in bodies {
        let mut fastest = [Duration::MAX; 2];
        for round in 0..ROUNDS {
            for (at, coding) in GzipCoding::ALL.into_iter().enumerate() {
                let start = Instant::now();
                let compressed = Encoder::new(coding).compress_all(body);
                fastest[at] = fastest[at].min(start.elapsed());
                if round == 0 {
                    packed[at] += compressed.len();
                }
            }
        }
        time = std::array::from_fn(|at| time[at] + fastest[at]);
    }
    let ratio = packed.map(|packed| plain as f64 / packed as f64);
    let speed = time.map(|time| plain as f64 / 1e6 / time.as_secs_f64());
    println!(
        "| {group} | {} | {:.2} | {:.1} | {:.0} | {:.1} | {:.0} | {:.2} | {:.1} |",
        bodies.len(),
        plain as f64 / 1e6,
        ratio[0],
        speed[0],
        ratio[1],
        speed[1],
        packed[0] as f64 / packed[1] as f64,
        speed[0] / speed[1],
    );
}
