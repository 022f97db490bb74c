//! Golden files: what people of the field read and agree to.

use std::fs;
use std::path::Path;

/// Compares `actual` with the golden file `name`; with `ANNUAIRE_GOLDEN=write` in the environment, writes it.
///
/// # Panics
/// When they differ, with the first line that does.
#[expect(clippy::disallowed_methods, reason = "a test asks its developer, through the environment, whether to accept a change")]
pub fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var("ANNUAIRE_GOLDEN").is_ok_and(|wanted| wanted == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected == actual {
        return;
    }
    let line = expected.lines().zip(actual.lines()).take_while(|(old, new)| old == new).count();
    let of = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_owned();
    panic!(
        "{} differs at line {}; to accept, run `ANNUAIRE_GOLDEN=write cargo test -p annuaire-workflow` and read the diff\n- {}\n+ {}",
        path.display(),
        line + 1,
        of(&expected),
        of(actual)
    );
}
