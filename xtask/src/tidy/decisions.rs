//! The index of decisions lists every page, once, under its number.

use super::finding::Finding;
use std::collections::BTreeSet;

const INDEX: &str = "docs/decisions/README.md";

/// Compares the index with the pages, both among `documents` (path from the root, then text).
pub fn check(documents: &[(String, String)]) -> Vec<Finding> {
    let index = documents.iter().find(|(path, _)| path == INDEX).map_or("", |(_, text)| text);
    let rows: BTreeSet<(&str, &str)> = index.lines().filter_map(row).collect();
    let pages: BTreeSet<(&str, &str)> = documents.iter().filter_map(|(path, text)| page(path, text)).collect();
    let finding = |(number, name): &(&str, &str), message: &str| Finding {
        check: "decisions",
        place: format!("docs/decisions/{name}"),
        message: format!("decision {number} {message}"),
    };
    let unlisted = pages.difference(&rows).map(|page| finding(page, "is not in the index under this number"));
    let missing = rows.difference(&pages).map(|row| finding(row, "is in the index and has no page that begins with its number"));
    unlisted.chain(missing).collect()
}

/// Number and file of a row of the index.
fn row(line: &str) -> Option<(&str, &str)> {
    let number = line.strip_prefix("| ")?.split(' ').next().filter(|n| n.bytes().all(|b| b.is_ascii_digit()))?;
    let name = line.split_once("](")?.1.split(')').next()?;
    Some((number, name))
}

/// Number and file of a page, which begins with `# NUMBER. `.
fn page<'a>(path: &'a str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let name = path.strip_prefix("docs/decisions/").filter(|name| *name != "README.md")?;
    let number = text.strip_prefix("# ").and_then(|rest| rest.split('.').next()).unwrap_or_default();
    Some((number, name))
}

#[cfg(test)]
mod tests {
    use super::{INDEX, check};

    #[test]
    fn pages_and_rows_agree() {
        let index =
            "| Number | Date |\n|---|---|\n| 1 | 2026-01-01 | [A](a.md) | in force |\n| 2 | 2026-01-02 | [B](b.md) | x |\n";
        let page = |name: &str, text: &str| (format!("docs/decisions/{name}"), text.to_owned());
        let mut documents = vec![(INDEX.to_owned(), index.to_owned()), page("a.md", "# 1. A\n"), page("b.md", "# 2. B\n")];
        assert!(check(&documents).is_empty());
        documents[2] = page("c.md", "# 2. B\n");
        assert_eq!(check(&documents).len(), 2);
    }
}
