//! One name, one thing: a type has a name that no other type of the workspace has.

use super::finding::Finding;
use super::source::SourceFile;
use std::collections::BTreeMap;

/// Names that several crates may define. This list may only shrink.
const ALLOWED: [&str; 3] = ["Args", "Error", "Result"];

/// Names every type that more than one place defines. Tests and functions define types for themselves and are left out.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files.iter().filter(|f| !f.is_test()) {
        for (name, at) in types(&file.code) {
            places.entry(name.to_owned()).or_default().push(format!("{}:{}", file.path, file.line(at)));
        }
    }
    places
        .into_iter()
        .filter(|(name, places)| places.len() > 1 && !ALLOWED.contains(&name.as_str()))
        .map(|(name, places)| Finding {
            check: "type names",
            place: places[0].clone(),
            message: format!("`{name}` is also defined at {}: give each a name of its own", places[1..].join(", ")),
        })
        .collect()
}

/// Types that a file defines at its top or in a module, with their places; associated types belong to their trait.
fn types(code: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    // Of each brace that is open, whether it is that of a module.
    let mut open: Vec<bool> = Vec::new();
    let mut head: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if length > 0 {
            let word = &rest[..length];
            let defines = open.iter().all(|is_module| *is_module)
                && matches!(head.last(), Some(&("struct" | "enum" | "trait" | "type" | "union")))
                && !["fn", "use"].iter().any(|other| head.contains(other));
            if defines {
                found.push((word, at));
            }
            head.push(word);
            at += length;
            continue;
        }
        let mark = rest.chars().next().unwrap_or(' ');
        match mark {
            '{' => {
                let module = head.contains(&"mod") && !head.contains(&"fn");
                open.push(module);
                head.clear();
            }
            '}' => {
                open.pop();
                head.clear();
            }
            ';' => head.clear(),
            _ => {}
        }
        at += mark.len_utf8();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{SourceFile, check, types};

    #[test]
    fn types_of_items_count_and_no_others() {
        let code = "use a::union::X; pub struct A<T>(T); enum B { C } mod d { pub(crate) type E = u8; } impl F for A { type G = u8; } \
                    fn h() { struct I; } trait J { type K; }";
        let names: Vec<&str> = types(code).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "B", "E", "J"]);
    }

    #[test]
    fn a_second_place_is_named() {
        let file = |path: &str, text: &str| SourceFile::new(path, text.to_owned());
        let files = [
            file("crates/x/src/a.rs", "struct A; enum Error {}"),
            file("crates/y/src/b.rs", "\nenum A {} enum Error {}"),
            file("crates/y/tests/b.rs", "struct A;"),
        ];
        let found = check(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("crates/y/src/b.rs:2"), "{}", found[0]);
    }
}
