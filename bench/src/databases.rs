//! `annuaire-bench databases [PROFESSIONALS]`: first and next day's import on PostgreSQL beside SQLite.

use crate::commits::{database_option, generate};
use crate::imports::{files, import};
use crate::table::row;
use anyhow::{Result, ensure};

/// Prints the table.
pub fn run(professionals: &str) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let database = database_option(dir.path())?;
    ensure!(!database.is_empty(), "no database: cargo xtask with-postgres target/release/annuaire-bench databases");
    let first = generate(dir.path(), "files", professionals)?;
    let next = files(&dir.path().join("files/next"))?;
    println!("| {professionals} professionals | SQLite | PostgreSQL | Ratio |\n|---|---|---|---|");
    let (lite, postgres) = (dir.path().join("lite"), dir.path().join("postgres"));
    for (what, delivery) in [("first import, published", &first), ("next day's import, published", &next)] {
        let a = import(&lite, &[], delivery)?.seconds;
        let b = import(&postgres, &database, delivery)?.seconds;
        row(what, &format!("{a:.1} s | {b:.1} s | {:.2} ×", b / a));
    }
    Ok(())
}
