//! Files are short, or say in their first line why they are not.

use super::finding::Finding;
use super::source::SourceFile;

/// Most lines of a file, tests included.
const LINES_MAX: usize = 700;

/// Names every file that is too long without a reason.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    files.iter().filter_map(too_long).collect()
}

fn too_long(file: &SourceFile) -> Option<Finding> {
    let lines = file.text.lines().count();
    let first = file.text.lines().next().unwrap_or_default();
    let says_why = ["//! Long because ", "// Long because "].iter().any(|start| first.starts_with(start));
    (lines > LINES_MAX && !says_why).then(|| Finding {
        check: "sizes",
        place: file.path.clone(),
        message: format!("{lines} lines, more than {LINES_MAX}: split it, or begin it with `// Long because …`"),
    })
}

#[cfg(test)]
mod tests {
    use super::{SourceFile, check};

    #[test]
    fn a_long_file_needs_a_reason() {
        let file = |first: &str, lines| SourceFile::new("crates/x/src/lib.rs", format!("{first}\n{}", "\n".repeat(lines)));
        assert!(check(&[file("//! Short.", 699)]).is_empty());
        assert_eq!(check(&[file("//! Long.", 700)]).len(), 1);
        assert!(check(&[file("// Long because it is a table.", 700)]).is_empty());
    }
}
