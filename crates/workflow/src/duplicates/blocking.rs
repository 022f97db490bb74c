//! Keys under which candidates are found without comparing everybody with everybody (registration §8.1).

use super::traits::IdentityTraits;
use crate::norm::tokens;
use crate::phonetic::phonetic;

/// A key of candidates. Two identities that share one are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockingKey {
    /// Day of birth and sex.
    BirthAndSex(String),
    /// Sound of a family name and year of birth.
    SoundAndYear(String),
    /// Sorted words of the names and year of birth.
    WordsAndYear(String),
    /// Hash of an e-mail address.
    Mail(String),
    /// Hash of a mobile.
    Mobile(String),
    /// Another identifier: ADELI, former RPPS number, number of an order.
    Identifier(String),
}

/// What keys are made of, besides the traits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockingSource {
    /// Hashes of e-mail addresses.
    pub mail_hashes: Vec<String>,
    /// Hashes of mobiles.
    pub mobile_hashes: Vec<String>,
    /// Other identifiers, with their kind: `ADELI:…`.
    pub identifiers: Vec<String>,
}

/// The keys of an identity, sorted and without repetition. Former and usage names have keys of their own.
#[must_use]
pub fn blocking_keys(traits: &IdentityTraits, source: &BlockingSource) -> Vec<BlockingKey> {
    let mut keys = Vec::new();
    if let Some(birth) = traits.birth {
        if !traits.sex.is_empty() {
            keys.push(BlockingKey::BirthAndSex(format!("{birth}|{}", traits.sex)));
        }
        let year = birth.year();
        for name in std::iter::once(&traits.family_name).chain(&traits.other_names) {
            let sound = phonetic(name);
            if !sound.is_empty() {
                keys.push(BlockingKey::SoundAndYear(format!("{sound}|{year}")));
            }
            let mut words = tokens(name);
            words.extend(traits.given_names.first().map(|given| tokens(given)).unwrap_or_default());
            words.sort_unstable();
            if !words.is_empty() {
                keys.push(BlockingKey::WordsAndYear(format!("{}|{year}", words.join(" "))));
            }
        }
    }
    keys.extend(source.mail_hashes.iter().cloned().map(BlockingKey::Mail));
    keys.extend(source.mobile_hashes.iter().cloned().map(BlockingKey::Mobile));
    keys.extend(source.identifiers.iter().cloned().map(BlockingKey::Identifier));
    keys.sort_unstable();
    keys.dedup();
    keys
}
