//! `annuaire-bench databases [PROFESSIONALS]`: first and next day's import on PostgreSQL beside SQLite.

use crate::commits::{database_option, files, generate};
use crate::program::measured;
use crate::table::row;
use anyhow::{Result, ensure};
use std::path::Path;

/// Prints the table.
pub fn run(professionals: &str) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let database = database_option(dir.path())?;
    ensure!(!database.is_empty(), "no database: cargo xtask with-postgres target/release/annuaire-bench databases");
    let first = generate(dir.path(), "files", professionals)?;
    let next = files(&dir.path().join("files/next"))?;
    println!("| {professionals} professionals | SQLite | PostgreSQL | Ratio |\n|---|---|---|---|");
    let import = |data: &Path, options: &[String], delivery: &[std::path::PathBuf]| -> Result<f64> {
        let mut arguments = vec!["import".to_owned(), "--data".to_owned(), data.to_string_lossy().into_owned()];
        arguments.extend(options.iter().cloned());
        arguments.extend(delivery.iter().map(|f| f.to_string_lossy().into_owned()));
        Ok(measured(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?.seconds)
    };
    let (lite, postgres) = (dir.path().join("lite"), dir.path().join("postgres"));
    for (what, delivery) in [("first import, published", &first), ("next day's import, published", &next)] {
        let a = import(&lite, &[], delivery)?;
        let b = import(&postgres, &database, delivery)?;
        row(what, &format!("{a:.1} s | {b:.1} s | {:.2} ×", b / a));
    }
    Ok(())
}
