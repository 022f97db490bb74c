//! Who asks: what is verified of it, and nothing else.

use std::collections::HashSet;
use std::net::IpAddr;

/// Whose rate, share and turn a request counts for: a keyed hash of a verified key, of a verified credential, or of an address.
/// It tells nothing to who does not hold the secret of the installation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Client(u64);

impl Client {
    /// The number of the client, stable for one secret.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// A client of a test.
    #[cfg(test)]
    pub(crate) fn numbered(n: u64) -> Self {
        Self(n)
    }
}

/// Who asks. Only the [`Gate`](crate::Gate) makes one.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Whose rate, share and turn this is.
    pub client: Client,
    pub(crate) proven: Proven,
    pub(crate) near: bool,
}

impl Caller {
    /// Whether what concerns the operator alone may be told: to the holder of a verified key or credential, and to who asks
    /// from this machine without a proxy between.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.near || self.proven != Proven::Nothing
    }
}

/// What the caller has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proven {
    Nothing,
    ApiKey,
    Credential,
}

/// The right to read. Only the [`Gate`](crate::Gate) gives one, for one request.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    pub(crate) restricted: bool,
}

impl Pass {
    /// Whether the restricted perimeter may be read.
    #[must_use]
    pub fn is_restricted(self) -> bool {
        self.restricted
    }
}

/// Keyed hashes under one secret, each for a purpose of its own.
pub(crate) struct Hasher {
    keys: [u8; 32],
    clients: [u8; 32],
}

impl Hasher {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Self {
            keys: blake3::derive_key("annuaire 2026-11 accepted keys", secret),
            clients: blake3::derive_key("annuaire 2026-11 clients of the request log", secret),
        }
    }

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

    /// The client that holds a verified key or credential.
    pub(crate) fn holder(&self, proof: &blake3::Hash) -> Client {
        self.client(b"key", proof.as_bytes())
    }

    /// The client that is known by its address alone; one without an address is one client. Who has one address of version 6
    /// has the 2⁶⁴ around it.
    pub(crate) fn stranger(&self, address: Option<IpAddr>) -> Client {
        match address.map(|address| address.to_canonical()) {
            None => self.client(b"none", &[]),
            Some(IpAddr::V4(address)) => self.client(b"v4", &address.octets()),
            Some(IpAddr::V6(address)) => self.client(b"v6", &address.octets()[..8]),
        }
    }
}

/// Accepted keys, as keyed hashes: where two of them begin to differ tells nothing of the keys, and their comparison takes a
/// constant time.
pub(crate) struct Keys(HashSet<blake3::Hash>);

impl Keys {
    pub(crate) fn new<'a>(hasher: &Hasher, keys: impl IntoIterator<Item = &'a String>) -> Self {
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
        let hasher = Hasher::new(&[1; 32]);
        let client = |text: &str| hasher.stranger(Some(text.parse().unwrap()));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"), "one network");
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("192.0.2.1"), client("::ffff:192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
        assert_ne!(client("192.0.2.1"), Hasher::new(&[2; 32]).stranger(Some("192.0.2.1".parse().unwrap())));
    }

    #[test]
    fn an_empty_key_opens_nothing() {
        let hasher = Hasher::new(&[1; 32]);
        let keys = Keys::new(&hasher, &["k".to_owned(), String::new()]);
        assert!(keys.contains(&hasher.key(b"k")) && !keys.contains(&hasher.key(b"")) && !keys.contains(&hasher.key(b"K")));
        assert!(Keys::new(&hasher, &[String::new()]).is_empty());
    }
}
