//! What no compiler checks: rooms and arrows, sizes, circles, names, links, decisions, sentences. Runs as a test of this crate and as
//! `cargo xtask tidy`.

mod circles;
mod decisions;
mod finding;
mod links;
mod rooms;
mod scenarios;
mod sentences;
mod sizes;
mod source;
mod type_names;

use finding::Finding;
use rooms::CrateManifest;
use source::SourceFile;
use std::fs;
use std::path::Path;

/// What is known and not yet mended, by check and place. A line that is found no more must go: the list only shrinks.
const DEBTS: &[(&str, &str)] = &[("rooms", "crates/store-sqlite/src/bridge.rs")];

/// Reads the tree below `root` and fails with everything that is to be mended, one line each.
///
/// # Errors
/// What was found, or what could not be read.
pub fn run(root: &Path) -> Result<(), String> {
    let mut found = findings(root)?;
    let is_debt = |f: &Finding, debt: &(&str, &str)| f.check == debt.0 && f.place.split(':').next() == Some(debt.1);
    let paid: Vec<_> = DEBTS.iter().filter(|debt| !found.iter().any(|f| is_debt(f, debt))).collect();
    if let [(check, place), ..] = paid.as_slice() {
        return Err(format!("tidy: {check}: {place} was mended: take its line out of DEBTS"));
    }
    found.retain(|f| !DEBTS.iter().any(|debt| is_debt(f, debt)));
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    Err(format!("{}\ntidy: {} things to mend", lines.join("\n"), lines.len()))
}

fn findings(root: &Path) -> Result<Vec<Finding>, String> {
    let files: Vec<SourceFile> =
        source::read_all(root, "rs")?.into_iter().map(|(path, text)| SourceFile::new(&path, text)).collect();
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).map_err(|e| format!("ARCHITECTURE.md: {e}"))?;
    let mut found = rooms::check(&architecture, &manifests(root)?, &files);
    found.extend(sizes::check(&files));
    found.extend(circles::check(&files));
    found.extend(type_names::check(&files));
    let documents = source::read_all(root, "md")?;
    found.extend(links::check(root, &documents));
    found.extend(decisions::check(&documents));
    found.extend(sentences::check(&files));
    found.extend(scenarios::check(&files));
    Ok(found)
}

/// The manifests of all crates of the workspace.
fn manifests(root: &Path) -> Result<Vec<CrateManifest>, String> {
    let mut all = Vec::new();
    for (path, text) in source::read_all(root, "toml")? {
        let parts: Vec<&str> = path.split('/').collect();
        if let ["crates", room, "Cargo.toml"] | [room, "Cargo.toml"] = parts.as_slice() {
            all.push(CrateManifest::parse(room, &text)?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_tree_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        if let Err(found) = super::run(root) {
            panic!("\n{found}");
        }
    }
}
