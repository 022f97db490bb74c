//! Files that a person accepted.

/// Compares a text with a file of this crate; with `ANNUAIRE_GOLDEN=write` in the environment, writes it.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests accepts a change by a variable")]
pub fn compare_with_golden(file: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var("ANNUAIRE_GOLDEN").is_ok_and(|wanted| wanted == "write") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
    }
    let accepted = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((number, (old, new))) = accepted.lines().zip(actual.lines()).enumerate().find(|(_, (old, new))| old != new) {
        panic!(
            "{file}, line {}: accepted is `{old}`, this is `{new}`; to accept, set ANNUAIRE_GOLDEN=write and read the diff",
            number + 1
        );
    }
    assert_eq!(accepted.len(), actual.len(), "{file} has another length; to accept, set ANNUAIRE_GOLDEN=write and read the diff");
}
