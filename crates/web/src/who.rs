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

    /// A client that a test invents. The gate makes those of requests.
    #[must_use]
    pub fn numbered(n: u64) -> Self {
        Self(n)
    }
}

/// Who may call: the three kinds of callers that a route can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever reaches the server. No header is looked at.
    Anyone,
    /// The holder of an API key; whoever reaches the server when the service has no key.
    ApiClient,
    /// The holder of a credential of the restricted perimeter.
    RestrictedReader,
}

/// What the gate verified of a caller.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    /// The request came from this machine without a proxy between.
    pub(crate) near: bool,
    /// It came with a key or a credential that is accepted.
    pub(crate) proven: bool,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Anyone {}
    impl Sealed for super::ApiClient {}
    impl Sealed for super::RestrictedReader {}
}

/// The right to call, for one request. Only the [`Gate`](crate::Gate) gives one, so that a function whose argument is a pass
/// cannot be called for somebody who was not let in.
pub trait Pass: sealed::Sealed + Copy + Send + Sync + 'static {
    /// Who gets this pass.
    const WHO: Who;

    /// The pass of a caller that was let in.
    #[doc(hidden)]
    fn given(verified: Verified) -> Self;
}

/// The pass of whoever reaches the server.
#[derive(Clone, Copy, Debug)]
pub struct Anyone(());

/// The pass of the holder of an API key, or of anybody where the service has no key.
#[derive(Clone, Copy, Debug)]
pub struct ApiClient(Verified);

/// The pass of the holder of a credential of the restricted perimeter.
#[derive(Clone, Copy, Debug)]
pub struct RestrictedReader(());

/// The right to be told what concerns the operator alone.
#[derive(Clone, Copy, Debug)]
pub struct Operator(());

impl Pass for Anyone {
    const WHO: Who = Who::Anyone;

    fn given(_: Verified) -> Self {
        Self(())
    }
}

impl Pass for ApiClient {
    const WHO: Who = Who::ApiClient;

    fn given(verified: Verified) -> Self {
        Self(verified)
    }
}

impl Pass for RestrictedReader {
    const WHO: Who = Who::RestrictedReader;

    fn given(_: Verified) -> Self {
        Self(())
    }
}

impl ApiClient {
    /// The operator's right, for the holder of a verified key and for a caller on this machine without a proxy between.
    #[must_use]
    pub fn operator(self) -> Option<Operator> {
        (self.0.near || self.0.proven).then_some(Operator(()))
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
