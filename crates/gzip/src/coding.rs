//! Which compressor writes the blocks.

use std::fmt;
use std::str::FromStr;

/// The compressor behind an [`Encoder`](crate::Encoder). Both write gzip that every reader understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GzipCoding {
    /// Our own: made for pages of FHIR JSON whose entries resemble each other.
    #[default]
    Annuaire,
    /// `zlib-rs` at level 1: slower on such pages, and it adapts its code to bytes of any kind.
    Zlib,
}

impl GzipCoding {
    /// Every choice, in the order in which help texts list them.
    pub const ALL: [Self; 2] = [Self::Annuaire, Self::Zlib];

    /// The name in a configuration file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Annuaire => "annuaire",
            Self::Zlib => "zlib",
        }
    }
}

impl fmt::Display for GzipCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that belongs to no [`GzipCoding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCoding(String);

impl fmt::Display for UnknownCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no gzip encoder: write annuaire or zlib", self.0)
    }
}

impl std::error::Error for UnknownCoding {}

impl FromStr for GzipCoding {
    type Err = UnknownCoding;

    fn from_str(name: &str) -> Result<Self, UnknownCoding> {
        Self::ALL.into_iter().find(|coding| coding.name() == name).ok_or_else(|| UnknownCoding(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::GzipCoding;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for coding in GzipCoding::ALL {
            assert_eq!(coding.to_string().parse(), Ok(coding));
        }
        let error = "brotli".parse::<GzipCoding>().unwrap_err();
        assert_eq!(error.to_string(), "\"brotli\" is no gzip encoder: write annuaire or zlib");
    }
}
