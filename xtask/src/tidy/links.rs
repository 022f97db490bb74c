//! Links of documents lead to files that exist.

use super::finding::Finding;
use std::path::Path;

/// Names every relative link of a document (path from the root, then text) whose file is missing below `root`.
pub fn check(root: &Path, documents: &[(String, String)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, text) in documents {
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        for (number, line) in text.lines().enumerate() {
            for target in targets(line) {
                if !root.join(dir).join(target).exists() {
                    found.push(Finding {
                        check: "links",
                        place: format!("{path}:{}", number + 1),
                        message: format!("{target} does not exist"),
                    });
                }
            }
        }
    }
    found
}

/// Files that a line of Markdown links to, without their anchors.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, mark)| {
        let target = line[at + mark.len()..].split(')').next()?.split('#').next()?;
        let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
        (!elsewhere).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::{check, targets};
    use std::path::Path;

    #[test]
    fn links_lead_somewhere() {
        let line = "[a](b.md#c) [d](https://e.example) [f](#g) [h](../i/)";
        assert_eq!(targets(line).collect::<Vec<_>>(), ["b.md", "../i/"]);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let documents = [("src/x.md".to_owned(), "[a](main.rs)\n[b](none.md)\n".to_owned())];
        let found = check(root, &documents);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "src/x.md:2");
    }
}
