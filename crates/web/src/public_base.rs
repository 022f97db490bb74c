//! The address that clients see, when the operator names it.

use std::fmt;
use std::str::FromStr;

use crate::host::{is_host, path_prefix};

/// Scheme, host and path prefix that clients see, without a last slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicBase {
    root: String,
    /// Byte at which the path begins in `root`.
    path: usize,
}

/// A text that is no public base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPublicBase(String);

impl PublicBase {
    /// Scheme, host and path prefix.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The path prefix alone: empty or `/…`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.root[self.path..]
    }
}

impl fmt::Display for NotAPublicBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an address that clients can see: write scheme and host, as in https://annuaire.example or \
             https://www.example/annuaire",
            self.0
        )
    }
}

impl std::error::Error for NotAPublicBase {}

impl FromStr for PublicBase {
    type Err = NotAPublicBase;

    fn from_str(text: &str) -> Result<Self, NotAPublicBase> {
        let bad = || NotAPublicBase(text.to_owned());
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        let start = ["http://", "https://"].iter().find(|s| lower.starts_with(**s)).ok_or_else(bad)?.len();
        let end = text[start..].find('/').map_or(text.len(), |at| start + at);
        let path = path_prefix(&text[end..]).ok_or_else(bad)?;
        if !is_host(&text[start..end]) {
            return Err(bad());
        }
        Ok(Self { root: format!("{}{}{path}", &lower[..start], &text[start..end]), path: end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_whole_or_refused() {
        for (text, path) in [("https://a.example", ""), ("HTTPS://a.example/", ""), ("http://[::1]:80/x/y/", "/x/y")] {
            let base: PublicBase = text.parse().unwrap();
            assert_eq!(base.path(), path);
            assert!(base.root.starts_with("http") && !base.root.ends_with('/'), "{}", base.root);
        }
        for bad in
            ["a.example", "", "https://", "//a.example", "ftp://a", "https://a.example?x", "https://u@a.example", "https://a//b"]
        {
            assert!(bad.parse::<PublicBase>().is_err(), "{bad}");
        }
    }
}
