//! The address that clients see, when the operator names it.

use std::fmt;
use std::net::IpAddr;
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

    /// Whether browsers of this machine alone reach it: a name below `localhost` (RFC 6761 §6.3) or a loopback address.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = self.root[..self.path].split_once("://").map_or("", |(_, host)| host);
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let name = name.to_ascii_lowercase();
        let is_loopback = name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        is_loopback || name == "localhost" || name.ends_with(".localhost")
    }

    /// Whether browsers reach it by TLS alone.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.root.starts_with("https://")
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
    fn local_bases_are_those_that_this_machine_alone_reaches() {
        let base = |text: &str| text.parse::<PublicBase>().unwrap();
        for local in
            ["http://localhost:8080", "http://LOCALHOST/x", "https://a.localhost", "http://127.0.0.2", "http://[::1]:80/x"]
        {
            assert!(base(local).is_local(), "{local}");
        }
        for other in [
            "https://annuaire.example",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
            "http://localhost.example",
            "http://notlocalhost",
        ] {
            assert!(!base(other).is_local(), "{other}");
        }
        assert!(base("HTTPS://a.example").is_https() && !base("http://https.example").is_https());
    }

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
