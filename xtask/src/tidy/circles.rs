//! No circle between the files of a crate: what two files need of each other is in a third.

use super::finding::Finding;
use super::source::SourceFile;
use std::collections::{BTreeMap, BTreeSet};

/// Names every group of files that need each other in a circle.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Vec<&SourceFile>> = BTreeMap::new();
    for file in files.iter().filter(|f| !f.is_test()) {
        crates.entry(file.crate_dir()).or_default().push(file);
    }
    crates.values().flat_map(|files| circles(files)).collect()
}

/// A module with a file of its own: `[]` is the root of the crate, `[a, b]` is `crate::a::b`.
type ModulePath = Vec<String>;

fn circles(files: &[&SourceFile]) -> Vec<Finding> {
    let modules: BTreeMap<ModulePath, &SourceFile> = files.iter().filter_map(|f| Some((module_path(f)?, *f))).collect();
    let exports: BTreeMap<&ModulePath, BTreeMap<String, ModulePath>> =
        modules.iter().map(|(module, file)| (module, re_exports(module, &file.code, &modules))).collect();
    let mut edges: BTreeMap<&ModulePath, BTreeSet<&ModulePath>> = BTreeMap::new();
    for (module, file) in &modules {
        for path in used_paths(module, &file.code, &modules) {
            if let Some(target) = resolve(&path, &modules, &exports)
                && target != module
            {
                edges.entry(module).or_default().insert(target);
            }
        }
    }
    let mut found = Vec::new();
    let mut seen: BTreeSet<&ModulePath> = BTreeSet::new();
    for module in modules.keys() {
        if seen.contains(module) {
            continue;
        }
        let there = reachable(module, &edges);
        let circle: Vec<&ModulePath> = there.iter().copied().filter(|other| reachable(other, &edges).contains(module)).collect();
        if circle.is_empty() {
            continue;
        }
        seen.extend(&circle);
        let name = |module: &ModulePath| if module.is_empty() { "the root".to_owned() } else { module.join("::") };
        let arrows: Vec<String> = circle
            .iter()
            .flat_map(|from| edges[*from].iter().filter(|to| circle.contains(to)).map(move |to| (*from, *to)))
            .map(|(from, to)| format!("{} → {}", name(from), name(to)))
            .collect();
        found.push(Finding {
            check: "circles",
            place: modules[module].path.clone(),
            message: format!("these files need each other: {}", arrows.join(", ")),
        });
    }
    found
}

fn reachable<'a>(from: &ModulePath, edges: &BTreeMap<&'a ModulePath, BTreeSet<&'a ModulePath>>) -> BTreeSet<&'a ModulePath> {
    let mut there = BTreeSet::new();
    let mut waiting: Vec<&ModulePath> = edges.get(from).into_iter().flatten().copied().collect();
    while let Some(module) = waiting.pop() {
        if there.insert(module) {
            waiting.extend(edges.get(module).into_iter().flatten().copied());
        }
    }
    there
}

/// Module of a file below `src/`; `None` for other files.
fn module_path(file: &SourceFile) -> Option<ModulePath> {
    let inside = file.path.strip_prefix(file.crate_dir())?.strip_prefix("/src/")?.strip_suffix(".rs")?;
    let mut path: ModulePath = inside.split('/').map(str::to_owned).collect();
    match path.last().map(String::as_str) {
        Some("mod") => _ = path.pop(),
        Some("lib" | "main") if path.len() == 1 => path.clear(),
        _ => {}
    }
    Some(path)
}

/// The file that defines what a path names: the longest prefix that is a module, or the module from which a prefix is exported
/// again.
fn resolve<'a>(
    path: &[String],
    modules: &'a BTreeMap<ModulePath, &SourceFile>,
    exports: &BTreeMap<&ModulePath, BTreeMap<String, ModulePath>>,
) -> Option<&'a ModulePath> {
    let mut path = path.to_vec();
    // An item may be exported again several times; more often than there are modules would be a circle of exports.
    for _ in 0..=modules.len() {
        let (module, _) = (0..=path.len()).rev().find_map(|n| modules.get_key_value(&path[..n]))?;
        let again = path.get(module.len()).and_then(|item| exports.get(module)?.get(item));
        match again {
            Some(elsewhere) => path = elsewhere.clone(),
            None => return Some(module),
        }
    }
    None
}

/// Items of other modules of the crate that a module exports again, with their paths.
fn re_exports(module: &ModulePath, code: &str, modules: &BTreeMap<ModulePath, &SourceFile>) -> BTreeMap<String, ModulePath> {
    let mut exports = BTreeMap::new();
    for statement in statements(code).filter(|s| s.is_public) {
        for (path, name) in statement.leaves() {
            if let Some(path) = absolute(module, &path).or_else(|| of_child(module, &path, modules)) {
                exports.insert(name, path);
            }
        }
    }
    exports
}

/// Every path of the crate that the code of a module uses; what it only exports again is not used.
fn used_paths(module: &ModulePath, code: &str, modules: &BTreeMap<ModulePath, &SourceFile>) -> BTreeSet<ModulePath> {
    let mut used = BTreeSet::new();
    let mut outside = code.to_owned();
    let mut exported = Vec::new();
    for statement in statements(code) {
        let blank = " ".repeat(statement.end - statement.begin);
        outside.replace_range(statement.begin..statement.end, &blank);
        for (path, name) in statement.leaves() {
            let Some(path) = absolute(module, &path).or_else(|| of_child(module, &path, modules)) else { continue };
            if statement.is_public {
                exported.push((name, path));
            } else {
                used.insert(path);
            }
        }
    }
    let paths = paths(&outside);
    used.extend(exported.into_iter().filter(|(name, _)| paths.iter().any(|p| p[0] == *name)).map(|(_, path)| path));
    for path in paths.iter().filter(|p| p.len() > 1) {
        used.extend(absolute(module, path).or_else(|| of_child(module, path, modules)));
    }
    used
}

/// A path of the crate from its root; `None` when it begins elsewhere.
fn absolute(module: &ModulePath, path: &[String]) -> Option<ModulePath> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.clone(),
        "super" => module.split_last()?.1.to_vec(),
        _ => return None,
    };
    for step in rest {
        if step == "super" {
            base.pop();
        } else {
            base.push(step.clone());
        }
    }
    Some(base)
}

/// A path that begins with the name of a child of this module.
fn of_child(module: &ModulePath, path: &[String], modules: &BTreeMap<ModulePath, &SourceFile>) -> Option<ModulePath> {
    let child = [module.as_slice(), &path[..1]].concat();
    modules.contains_key(&child).then(|| [module.as_slice(), path].concat())
}

/// A `use` statement.
struct UseStatement<'a> {
    begin: usize,
    end: usize,
    is_public: bool,
    tree: &'a str,
}

/// The `use` statements of a file.
fn statements(code: &str) -> impl Iterator<Item = UseStatement<'_>> {
    code.match_indices("use ").filter_map(|(at, mark)| {
        let line_begin = code[..at].rfind(['\n', ';', '{', '}']).map_or(0, |n| n + 1);
        let before = code[line_begin..at].trim();
        // `pub fn f() -> Cause {` ends in these letters too.
        let is_public = before == "pub" || (before.starts_with("pub(") && before.ends_with(')'));
        if !(before.is_empty() || is_public) {
            return None;
        }
        let from = at + mark.len();
        let end = from + code[from..].find(';')?;
        Some(UseStatement { begin: line_begin, end, is_public, tree: &code[from..end] })
    })
}

impl UseStatement<'_> {
    /// Every path of the tree, with the name that it has afterwards. `a::*` is `a`.
    fn leaves(&self) -> Vec<(ModulePath, String)> {
        let mut leaves = Vec::new();
        spread(self.tree, &[], &mut leaves);
        leaves
    }
}

fn spread(tree: &str, prefix: &[String], leaves: &mut Vec<(ModulePath, String)>) {
    let tree = tree.trim();
    let (steps, group) = match tree.find('{') {
        Some(open) => (&tree[..open], tree[open + 1..].rfind('}').map(|close| &tree[open + 1..open + 1 + close])),
        None => (tree, None),
    };
    let (steps, alias) = steps.split_once(" as ").map_or((steps, None), |(steps, alias)| (steps, Some(alias.trim())));
    let steps = steps.split("::").map(str::trim).filter(|s| !s.is_empty() && *s != "*").map(str::to_owned);
    let mut path: Vec<String> = prefix.iter().cloned().chain(steps).collect();
    match group {
        Some(group) => {
            let mut depth = 0_usize;
            let inner = group.split(|c| {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                c == ',' && depth == 0
            });
            for part in inner.filter(|part| !part.trim().is_empty()) {
                spread(part, &path, leaves);
            }
        }
        None => {
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let name = alias.map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
            leaves.push((path, name));
        }
    }
}

/// Every path and every word of code.
fn paths(code: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = code;
    while let Some(begin) = rest.find(is_word) {
        rest = &rest[begin..];
        let mut path = Vec::new();
        loop {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            path.push(rest[..end].to_owned());
            rest = &rest[end..];
            match rest.strip_prefix("::").filter(|next| next.starts_with(is_word)) {
                Some(next) => rest = next,
                None => break,
            }
        }
        found.insert(path);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{SourceFile, check};

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(|(p, t)| SourceFile::new(&format!("crates/x/src/{p}"), (*t).to_owned())).collect();
        check(&files).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn a_word_that_ends_like_a_use_statement_is_none() {
        assert_eq!(found(&[("lib.rs", "pub fn f() -> Cause {\n    {};\n}\n")]), [""; 0]);
    }

    #[test]
    fn a_tree_is_no_circle() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub fn run() { b::go(); }"),
            ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::go; }"),
            ("b.rs", "mod c; use crate::A; use std::fs::{self, File}; pub fn go() { c::go(A); }"),
            ("b/c.rs", "use crate::a::{A}; pub fn go(_: A) {}"),
        ];
        assert!(found(&files).is_empty(), "{:?}", found(&files));
    }

    #[test]
    fn circles_are_named_with_their_arrows() {
        let two = [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::{b::{go}};"), ("b.rs", "fn f() { super::a::go(); }")];
        assert_eq!(found(&two), ["these files need each other: a → b, b → a"]);
        let root = [("lib.rs", "mod a; pub struct E; pub fn f() { a::go(); }"), ("a.rs", "use crate::E;")];
        assert_eq!(found(&root), ["these files need each other: the root → a, a → the root"]);
        let child = [("a.rs", "mod b; use b::go; pub struct E;"), ("a/b.rs", "use super::E;"), ("lib.rs", "mod a;")];
        assert_eq!(found(&child), ["these files need each other: a → a::b, a::b → a"]);
        let exported = [("lib.rs", "mod a; pub use a::A; pub fn f(_: A) {}"), ("a.rs", "pub struct A; use crate::f;")];
        assert_eq!(found(&exported), ["these files need each other: the root → a, a → the root"]);
    }
}
