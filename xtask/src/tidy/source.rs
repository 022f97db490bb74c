//! The Rust files of the tree, as the checks read them.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Directories that hold no source of ours.
const SKIPPED: [&str; 4] = ["target", ".git", "corpus", "artifacts"];

/// One Rust file.
pub struct SourceFile {
    /// Path from the root of the tree, with `/` between its parts.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// The file with comments, literals and test modules replaced by spaces: every byte keeps its place.
    pub code: String,
    /// Where the comments are, each from its first slash to the end of its line or to its closing mark.
    pub comments: Vec<Range<usize>>,
}

impl SourceFile {
    /// Reads `text` as Rust. Never fails: text that is no Rust is blanked in the wrong places.
    pub fn new(path: &str, text: String) -> Self {
        let (mut code, comments) = blank_comments_and_literals(&text);
        blank_test_modules(&mut code);
        Self { path: path.to_owned(), text, code, comments }
    }

    /// Line of a byte, counted from one.
    pub fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1
    }

    /// Directory of the crate: `crates/NAME`, `bench`, `fuzz`…
    pub fn crate_dir(&self) -> &str {
        let end = if self.path.starts_with("crates/") { 2 } else { 1 };
        self.path.match_indices('/').nth(end - 1).map_or(&self.path, |(at, _)| &self.path[..at])
    }

    /// Whether the file is compiled for tests, benchmarks, examples or fuzzing only, as far as its path tells.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs" || ["/tests/", "/benches/", "/examples/", "/fuzz_targets/"].iter().any(|part| self.path.contains(part))
    }
}

/// Every file below `root` that ends in `extension`, sorted by path: path from the root, then text.
pub fn read_all(root: &Path, extension: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        let entries = fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        for entry in entries {
            let entry = entry.map_err(|e| e.to_string())?;
            let path = entry.path();
            let name = entry.file_name();
            if entry.file_type().map_err(|e| e.to_string())?.is_dir() {
                if !SKIPPED.iter().any(|skipped| name == *skipped) {
                    waiting.push(path);
                }
            } else if path.extension().is_some_and(|e| e == extension) {
                let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                found.push((from_root(root, path), text));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn from_root(root: &Path, path: PathBuf) -> String {
    let path = path.strip_prefix(root).map_or(path.clone(), Path::to_owned);
    path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Replaces comments and the insides of strings and characters by spaces, and says where comments are.
fn blank_comments_and_literals(text: &str) -> (String, Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut comments = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match rest[0] {
            b'/' if rest.starts_with(b"//") => {
                let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                comments.push(at..at + length);
                length
            }
            b'/' if rest.starts_with(b"/*") => {
                let length = block_comment(rest);
                comments.push(at..at + length);
                length
            }
            b'"' => string(rest),
            b'r' if !follows_word(bytes, at) => raw_string(rest).unwrap_or(0),
            b'b' if !follows_word(bytes, at) && rest.starts_with(b"br") => raw_string(&rest[1..]).map_or(0, |n| n + 1),
            b'\'' => character(text, at),
            _ => 0,
        };
        for byte in &mut out[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length.max(1);
    }
    // Whole characters are blanked byte by byte, all others stay.
    (String::from_utf8_lossy(&out).into_owned(), comments)
}

fn follows_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of `r"…"` or `r#"…"#`; `None` for anything else that begins with `r`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let from = hashes + 2;
    let inside = rest[from..].windows(end.len()).position(|w| w == end);
    Some(inside.map_or(rest.len(), |inside| from + inside + end.len()))
}

/// Length of a character literal; 0 for a lifetime.
fn character(text: &str, at: usize) -> usize {
    let mut chars = text[at + 1..].char_indices();
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(0, |(end, _)| end + 2)
        }
        Some(_) => match chars.next() {
            Some((end, '\'')) => end + 2,
            _ => 0,
        },
        None => 0,
    }
}

/// Replaces every item under `#[cfg(test)]` by spaces.
fn blank_test_modules(code: &mut String) {
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let begin = from + found;
        let end = item_end(code, begin + "#[cfg(test)]".len());
        let blank: String = code[begin..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        // Only ASCII is left in code, but for identifiers: the length must not change.
        debug_assert_eq!(blank.len(), code[begin..end].chars().count());
        let padded = format!("{blank}{}", " ".repeat(end - begin - blank.len()));
        code.replace_range(begin..end, &padded);
        from = end;
    }
}

/// Where the item that begins at `from` ends: at its `;`, or at the brace that closes its first one.
fn item_end(code: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::SourceFile;

    #[test]
    fn comments_literals_and_test_modules_are_blank() {
        let text = "//! a struct A\nfn f<'a>(x: &'a str) { g(\"struct B\", 'c', r#\"struct \"D\"#, b'\\'') } // end\n\
                    #[cfg(test)]\nmod tests { struct E; }\nstruct F; /* struct /* G */ */ struct H;\n";
        let file = SourceFile::new("crates/x/src/lib.rs", text.to_owned());
        assert_eq!(file.code.len(), text.len());
        let words: Vec<&str> = file.code.split_whitespace().collect();
        assert_eq!(words.join(" "), "fn f<'a>(x: &'a str) { g( , , , b ) } struct F; struct H;");
        assert_eq!(file.comments.len(), 3);
        assert_eq!((file.crate_dir(), file.is_test(), file.line(20)), ("crates/x", false, 2));
    }
}
