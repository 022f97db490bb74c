//! Keys that derive from the secret of the installation: one for each purpose, so that what leaks from one opens no other.
//!
//! A keyed hash stands for a trait wherever a row is found by one (blocking keys, open identities, logins at FranceConnect):
//! whoever reads the database alone cannot try names against it.

use annuaire_seal::Sealer;
use annuaire_workflow::duplicates::BlockingKey;
use annuaire_workflow::rpps_number::RppsKey;

/// Every key of this room.
pub(crate) struct RegistrationKeys {
    hash: [u8; 32],
    numbers: RppsKey,
    /// Sealed content of requests.
    pub(crate) requests: Sealer,
    /// Sealed messages.
    pub(crate) messages: Sealer,
    /// Sealed lines of lists of employers.
    pub(crate) lots: Sealer,
    /// Sealed lines and acknowledgements of feeds of authorities.
    pub(crate) feeds: Sealer,
}

impl RegistrationKeys {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self {
            hash: blake3::derive_key("annuaire 2026-11 hashed traits of registration", secret),
            numbers: RppsKey::new(blake3::derive_key("annuaire 2026-11 sequence of RPPS numbers", secret)),
            requests: Sealer::new(secret, "annuaire 2026-11 content of registration requests"),
            messages: Sealer::new(secret, "annuaire 2026-11 messages of registration"),
            lots: Sealer::new(secret, "annuaire 2026-11 lists of employers"),
            feeds: Sealer::new(secret, "annuaire 2026-11 feeds of authorities"),
        }
    }

    pub(crate) const fn numbers(&self) -> &RppsKey {
        &self.numbers
    }

    /// The keyed hash of some parts, in hexadecimal. Parts are told apart by their lengths.
    pub(crate) fn hashed(&self, purpose: &str, parts: &[&str]) -> String {
        let mut hash = blake3::Hasher::new_keyed(&self.hash);
        for part in std::iter::once(&purpose).chain(parts) {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().to_hex().to_string()
    }

    /// The keyed hash of a blocking key.
    pub(crate) fn blocking(&self, key: &BlockingKey) -> String {
        let (kind, text) = match key {
            BlockingKey::BirthAndSex(text) => ("birth-sex", text),
            BlockingKey::SoundAndYear(text) => ("sound-year", text),
            BlockingKey::WordsAndYear(text) => ("words-year", text),
            BlockingKey::Mail(text) => ("mail", text),
            BlockingKey::Mobile(text) => ("mobile", text),
            BlockingKey::Identifier(text) => ("identifier", text),
        };
        self.hashed(kind, &[text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_depend_on_secret_purpose_and_borders() {
        let keys = RegistrationKeys::new(&[1; 32]);
        let hash = keys.hashed("a", &["bc"]);
        assert_eq!(hash, keys.hashed("a", &["bc"]));
        assert_ne!(hash, keys.hashed("ab", &["c"]));
        assert_ne!(hash, keys.hashed("a", &["b", "c"]));
        assert_ne!(hash, RegistrationKeys::new(&[2; 32]).hashed("a", &["bc"]));
        let mail = |text: &str| keys.blocking(&BlockingKey::Mail(text.into()));
        assert_ne!(mail("x"), keys.blocking(&BlockingKey::Mobile("x".into())));
    }
}
