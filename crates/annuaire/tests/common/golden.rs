//! Golden files: what the program promises to people and machines outside, kept in `tests/golden` so that a change is seen in a diff.

use std::fs;
use std::path::Path;

/// Lines of context around a difference.
const CONTEXT: usize = 2;

/// Compares `actual` with the golden file `name`; with `ANNUAIRE_GOLDEN=write` in the environment, writes it.
///
/// # Panics
/// When they differ, with the lines that do.
#[expect(clippy::disallowed_methods, reason = "a test asks its developer, through the environment, whether to accept a change")]
pub fn assert_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var("ANNUAIRE_GOLDEN").is_ok_and(|wanted| wanted == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected != actual {
        panic!(
            "{} differs; to accept, run `ANNUAIRE_GOLDEN=write cargo test -p annuaire --test golden` and commit the file\n{}",
            path.display(),
            difference(&expected, actual)
        );
    }
}

/// The lines between the first and the last difference: those of the file with `-`, the new ones with `+`.
fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let shared = |mut pairs: Box<dyn Iterator<Item = (&&str, &&str)> + '_>| {
        let mut n = 0;
        while pairs.next().is_some_and(|(a, b)| a == b) {
            n += 1;
        }
        n
    };
    let before = shared(Box::new(old.iter().zip(&new)));
    let left = old.len().min(new.len()) - before;
    let after = shared(Box::new(old.iter().rev().zip(new.iter().rev()))).min(left);
    let mut out = format!("@@ line {}\n", before + 1);
    let mut push = |mark: char, lines: &[&str]| lines.iter().for_each(|line| out.push_str(&format!("{mark} {line}\n")));
    push(' ', &old[before.saturating_sub(CONTEXT)..before]);
    push('-', &old[before..old.len() - after]);
    push('+', &new[before..new.len() - after]);
    push(' ', &new[new.len() - after..(new.len() - after + CONTEXT).min(new.len())]);
    out
}

#[test]
fn a_difference_shows_the_lines_that_changed() {
    let found = difference("a\nb\nc\nd\ne\n", "a\nb\nx\ny\nd\ne\n");
    assert_eq!(found, "@@ line 3\n  a\n  b\n- c\n+ x\n+ y\n  d\n  e\n");
    assert_eq!(difference("a\n", ""), "@@ line 1\n- a\n");
}
