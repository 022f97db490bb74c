//! Clients: whom a request counts for, and keyed hashes in place of keys and addresses.

use std::collections::HashSet;
use std::net::IpAddr;

/// Whom a request counts for in rate, share and turn: a keyed hash of a verified key, of a verified credential, or of an
/// address. Without the secret of the installation, the number reveals neither.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Client(u64);

impl Client {
    /// The number of the client, stable for one secret.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// A client that a door knows by a number of its own (the authority of a software), or that a test invents. The gate makes those of
    /// requests.
    #[must_use]
    pub fn numbered(n: u64) -> Self {
        Self(n)
    }
}

/// Keyed hashes under the secret of the installation, with a derived key for each purpose.
pub(crate) struct SecretHasher {
    keys: [u8; 32],
    clients: [u8; 32],
}

impl SecretHasher {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self {
            keys: blake3::derive_key("annuaire 2026-11 accepted keys", secret),
            clients: blake3::derive_key("annuaire 2026-11 clients of the request log", secret),
        }
    }

    /// Hash of a key or credential as it was sent.
    pub(crate) fn key(&self, text: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&self.keys, text)
    }

    fn client(&self, kind: &[u8], bytes: &[u8]) -> Client {
        let mut hasher = blake3::Hasher::new_keyed(&self.clients);
        hasher.update(kind).update(bytes);
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        Client(u64::from_be_bytes(first))
    }

    /// The client that holds a verified key or credential, whose hash is `proof`.
    pub(crate) fn holder(&self, proof: &blake3::Hash) -> Client {
        self.client(b"key", proof.as_bytes())
    }

    /// The client that is known by its address alone. Requests without an address are one client. An IPv6 client is its /64
    /// network, since whoever has one address of it has them all.
    pub(crate) fn stranger(&self, address: Option<IpAddr>) -> Client {
        match address.map(|address| address.to_canonical()) {
            None => self.client(b"none", &[]),
            Some(IpAddr::V4(address)) => self.client(b"v4", &address.octets()),
            Some(IpAddr::V6(address)) => self.client(b"v6", &address.octets()[..8]),
        }
    }
}

/// Accepted keys, as keyed hashes. The time of a look-up reveals nothing of a key: hashes are compared in constant time, and
/// their table is ordered by values that an attacker cannot choose.
pub(crate) struct AcceptedKeys(HashSet<blake3::Hash>);

impl AcceptedKeys {
    pub(crate) fn new<'a>(hasher: &SecretHasher, keys: impl IntoIterator<Item = &'a String>) -> Self {
        Self(keys.into_iter().filter(|key| !key.is_empty()).map(|key| hasher.key(key.as_bytes())).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, proof: &blake3::Hash) -> bool {
        self.0.contains(proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_apart_by_what_they_cannot_choose() {
        let hasher = SecretHasher::new(&[1; 32]);
        let client = |text: &str| hasher.stranger(Some(text.parse().unwrap()));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"), "one network");
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("192.0.2.1"), client("::ffff:192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
        assert_ne!(client("192.0.2.1"), SecretHasher::new(&[2; 32]).stranger(Some("192.0.2.1".parse().unwrap())));
    }

    #[test]
    fn an_empty_key_opens_nothing() {
        let hasher = SecretHasher::new(&[1; 32]);
        let keys = AcceptedKeys::new(&hasher, &["k".to_owned(), String::new()]);
        assert!(keys.contains(&hasher.key(b"k")) && !keys.contains(&hasher.key(b"")) && !keys.contains(&hasher.key(b"K")));
        assert!(AcceptedKeys::new(&hasher, &[String::new()]).is_empty());
    }
}
