//! Identity of a change log.

use std::fmt;
use std::str::FromStr;

/// The log of one installation, and which of its lives is meant.
///
/// A number of a transaction means nothing without its log: two installations, or one before and after it was restored from a
/// backup, give the same number to different transactions. Stores, page tokens, ETags and mirrors therefore name the log too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LogIdentity {
    /// Random, chosen when the registry is created.
    pub id: u128,
    /// Raised by one whenever the registry is restored from a copy: what was committed after that copy was made is gone.
    pub epoch: u32,
}

impl fmt::Display for LogIdentity {
    /// `0123456789abcdef0123456789abcdef.1`: the id in hexadecimal, a point, the epoch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}.{}", self.id, self.epoch)
    }
}

/// A text that is not the identity of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotALogIdentity;

impl FromStr for LogIdentity {
    type Err = NotALogIdentity;

    /// Reads [`LogIdentity`]'s text back.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, epoch) = text.split_once('.').filter(|(id, _)| id.len() == 32).ok_or(NotALogIdentity)?;
        let id = u128::from_str_radix(id, 16).map_err(|_| NotALogIdentity)?;
        Ok(Self { id, epoch: epoch.parse().map_err(|_| NotALogIdentity)? })
    }
}

#[cfg(test)]
mod tests {
    use super::{LogIdentity, NotALogIdentity};

    #[test]
    fn its_text_is_read_back() {
        let log = LogIdentity { id: 0xab, epoch: 3 };
        assert_eq!(log.to_string(), "000000000000000000000000000000ab.3");
        assert_eq!(log.to_string().parse(), Ok(log));
        for bad in ["", "ab.3", "000000000000000000000000000000ab", "000000000000000000000000000000zz.1"] {
            assert_eq!(bad.parse::<LogIdentity>(), Err(NotALogIdentity), "{bad}");
        }
    }
}
