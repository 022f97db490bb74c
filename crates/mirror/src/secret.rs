//! A key that cannot be printed by mistake.

use crate::error::{Error, Result};
use std::fmt;

/// A header with which an origin recognises the mirror: for the national service `ESANTE-API-KEY`. Neither its `Debug` form nor
/// any error of this room shows the value.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    header: String,
    value: String,
}

impl AccessKey {
    /// The header of the national service.
    pub const NATIONAL_HEADER: &'static str = "ESANTE-API-KEY";

    /// Takes the name of the header and its value, whose white space at both ends is left out.
    ///
    /// # Errors
    /// When one of them cannot stand in a head of HTTP.
    pub fn new(header: &str, value: &str) -> Result<Self> {
        let value = value.trim();
        let named = !header.is_empty() && header.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !named {
            return Err(Error::Request("the name of the header of the key is no name of a header".into()));
        }
        if value.is_empty() || !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(Error::Request("the key must be one line of printable ASCII characters".into()));
        }
        Ok(Self { header: header.to_owned(), value: value.to_owned() })
    }

    /// Name and value, to be sent.
    pub(crate) fn exposed(&self) -> (&str, &str) {
        (&self.header, &self.value)
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({}: …)", self.header)
    }
}

#[cfg(test)]
mod tests {
    use super::AccessKey;

    #[test]
    fn a_key_does_not_print() {
        let key = AccessKey::new(AccessKey::NATIONAL_HEADER, " secret-1 \n").unwrap();
        assert_eq!(key.exposed(), ("ESANTE-API-KEY", "secret-1"));
        assert!(!format!("{key:?}").contains("secret"));
        for (header, value) in [("", "x"), ("a b", "x"), ("A", ""), ("A", "x\ny"), ("A", "é")] {
            let error = AccessKey::new(header, value).err().unwrap();
            assert!(value.len() < 2 || !error.to_string().contains(value));
        }
    }
}
