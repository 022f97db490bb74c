//! Salts that need no storage and can be destroyed one by one: a puncturable pseudorandom function.
//!
//! A resource has a key at the end of a path of 16 steps through a tree of seeds; the path is the first 64 bits of the SHA-256 of
//! `type/id`, four bits for each step. The child number `n` of a seed is HMAC-SHA-256(seed, n) (the construction of Goldreich, Goldwasser and
//! Micali). The salt of a version is HMAC-SHA-256(key of the resource, name and number of the version).
//!
//! At first one seed is the whole state. To destroy the salts of a resource, the seed above it is replaced by the seeds beside its path: 240 of
//! them at most. From those its key does not follow, while every other key stays what it was.
//!
//! A resource may come back (a withdrawal that was lifted), and its tombstone is a version that deserves a salt. So the state is a list of such
//! trees, and a resource takes its salts from the first one in which it was not destroyed. There are two of them, or one more than the
//! most often withdrawn resource was withdrawn.

use crate::limits::SALT_STATE_BYTES;
use crate::secret::{Secret, keyed};
use annuaire_base::text::hex;
use hmac::Mac;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Steps from a root to the key of a resource.
const DEPTH: u8 = 16;

/// The salt of one version: 32 bytes that travel with the content only (TLOG-1b). It prints nothing of itself and is wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct VersionSalt([u8; 32]);

impl VersionSalt {
    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its 64 hexadecimal digits, for the sidecar of a file.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads 64 hexadecimal digits in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| HEX.iter().position(|hex| *hex == byte).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut bytes = [0; 32];
        if !rest.is_empty() || pairs.len() != bytes.len() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl Drop for VersionSalt {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for VersionSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VersionSalt(…)")
    }
}

/// A node of a tree of seeds: its depth, and the path to it in the highest bits, zeros below.
type SeedPlace = (u8, u64);

/// One tree of seeds: those from which each key that was not destroyed follows. None is above another one.
type Seeds = BTreeMap<SeedPlace, Secret>;

/// The state from which salts are computed: secret, and primary data of whoever publishes. Its destruction makes all leaves unverifiable.
///
/// A salt takes 17 HMAC-SHA-256. Destruction adds 240 seeds (10 kB) at most; a thousand withdrawals are 8 MB.
pub struct SaltState {
    trees: Vec<Seeds>,
    /// Destructions that were done, so that one that is repeated after a crash changes nothing.
    done: BTreeSet<u64>,
}

/// Why stored bytes are no salt state. It never repeats them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaltStateError {
    /// Not such a file, or one of another program.
    #[error("no state of salts of this program")]
    Form,
    /// Cut or changed.
    #[error(
        "the state of salts was cut or damaged: its digest is another one. Take it from a backup; without it no published line can be verified"
    )]
    Damaged,
    /// Beyond the limit.
    #[error("a state of salts of more than {SALT_STATE_BYTES} bytes")]
    Long,
}

const FORM: &[u8; 16] = b"annuaire-salts 1";

impl SaltState {
    /// The state of a new log: 32 random bytes.
    #[must_use]
    pub fn new(seed: Secret) -> Self {
        Self { trees: vec![BTreeMap::from([((0, 0), seed)])], done: BTreeSet::new() }
    }

    /// The salts of a resource, named `Type/id`; for several versions its key is made once.
    #[must_use]
    pub fn of(&self, name: &str) -> ResourceSalts {
        let path = path_of(name);
        // The last tree has all that the others have not.
        let key = self.trees.iter().find_map(|seeds| key_at(seeds, path));
        ResourceSalts { name: name.to_owned(), key }
    }

    /// Destroys the salts that a resource has up to now, once for each `event`: a number of the caller that names this withdrawal in this
    /// log. Whether something changed; then the new state must take the place of the stored one before the withdrawal is told anywhere.
    /// `fresh` are 32 random bytes, used when the resource was the first one to be destroyed so many times.
    ///
    /// Versions that come after it (its tombstone; those after its return) have new salts.
    pub fn destroy(&mut self, name: &str, event: u64, fresh: Secret) -> bool {
        if !self.done.insert(event) {
            return false;
        }
        let path = path_of(name);
        let found = self.trees.iter().enumerate().find_map(|(n, seeds)| Some((n, node_above(seeds, path)?)));
        if let Some((n, node)) = found {
            if let Some(seed) = self.trees[n].remove(&node) {
                puncture(&mut self.trees[n], node.0, seed, path);
            }
            if n + 1 == self.trees.len() {
                self.trees.push(BTreeMap::from([((0, 0), fresh)]));
            }
        }
        true
    }

    /// The bytes to store, where only the owner reads. Old bytes are to be overwritten: what a file system or a backup keeps of them
    /// lets whoever reads it compute destroyed salts.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let seeds: usize = self.trees.iter().map(BTreeMap::len).sum();
        // Long enough that it never moves.
        let mut bytes =
            Zeroizing::new(Vec::with_capacity(FORM.len() + 64 + self.trees.len() * 8 + seeds * 41 + self.done.len() * 8));
        bytes.extend_from_slice(FORM);
        push_count(&mut bytes, self.done.len());
        for event in &self.done {
            bytes.extend_from_slice(&event.to_be_bytes());
        }
        push_count(&mut bytes, self.trees.len());
        for seeds in &self.trees {
            push_count(&mut bytes, seeds.len());
            for ((depth, path), seed) in seeds {
                bytes.push(*depth);
                bytes.extend_from_slice(&path.to_be_bytes());
                bytes.extend_from_slice(seed.bytes());
            }
        }
        let digest: [u8; 32] = Sha256::digest(bytes.as_slice()).into();
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    ///
    /// Anything that [`Self::to_bytes`] did not write.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, SaltStateError> {
        if bytes.len() > SALT_STATE_BYTES {
            return Err(SaltStateError::Long);
        }
        if !bytes.starts_with(FORM) {
            return Err(SaltStateError::Form);
        }
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or(SaltStateError::Damaged)?;
        if <[u8; 32]>::from(Sha256::digest(content)) != *digest {
            return Err(SaltStateError::Damaged);
        }
        Self::of_content(&content[FORM.len().min(content.len())..]).ok_or(SaltStateError::Form)
    }

    fn of_content(mut rest: &[u8]) -> Option<Self> {
        let rest = &mut rest;
        let mut done = BTreeSet::new();
        for _ in 0..u64::from_be_bytes(take(rest)?) {
            done.insert(u64::from_be_bytes(take(rest)?));
        }
        let mut trees = Vec::new();
        for _ in 0..u64::from_be_bytes(take(rest)?) {
            let mut seeds = Seeds::new();
            for _ in 0..u64::from_be_bytes(take(rest)?) {
                let [depth] = take(rest)?;
                let path = u64::from_be_bytes(take(rest)?);
                let mut seed: [u8; 32] = take(rest)?;
                if depth > DEPTH || prefix(path, depth) != path || node_above(&seeds, path).is_some() {
                    return None;
                }
                seeds.insert((depth, path), Secret::take(&mut seed));
            }
            trees.push(seeds);
        }
        let last_is_whole = trees.last().is_some_and(|seeds: &Seeds| seeds.len() == 1 && seeds.contains_key(&(0, 0)));
        (rest.is_empty() && last_is_whole).then_some(Self { trees, done })
    }
}

impl fmt::Debug for SaltState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaltState").field("trees", &self.trees.len()).field("done", &self.done.len()).finish_non_exhaustive()
    }
}

/// The key of a resource, from which the salts of its versions follow.
#[derive(Debug)]
pub struct ResourceSalts {
    name: String,
    key: Option<Secret>,
}

impl ResourceSalts {
    /// The salt of a version. Of versions before a withdrawal it is not the one that their leaf was made with.
    #[must_use]
    pub fn salt(&self, version: u64) -> Option<VersionSalt> {
        let mut mac = keyed(self.key.as_ref()?.bytes());
        // The name separates two resources that share the 64 bits of their path, which happens once in a million nations.
        mac.update(&version.to_be_bytes());
        mac.update(self.name.as_bytes());
        Some(VersionSalt(mac.finalize().into_bytes().into()))
    }
}

/// The path of a resource through the trees.
fn path_of(name: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(name).into();
    hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// The first steps of a path.
const fn prefix(path: u64, depth: u8) -> u64 {
    if depth == 0 { 0 } else { path & (u64::MAX << (64 - 4 * depth as u32)) }
}

/// The step of a path at a depth.
const fn step(path: u64, depth: u8) -> u8 {
    (path >> (60 - 4 * depth as u32)) as u8 & 15
}

fn node_above(seeds: &Seeds, path: u64) -> Option<SeedPlace> {
    (0..=DEPTH).map(|depth| (depth, prefix(path, depth))).find(|node| seeds.contains_key(node))
}

fn key_at(seeds: &Seeds, path: u64) -> Option<Secret> {
    let node = node_above(seeds, path)?;
    let seed = seeds.get(&node)?.copy();
    Some((node.0..DEPTH).fold(seed, |seed, depth| child(&seed, step(path, depth))))
}

fn child(seed: &Secret, number: u8) -> Secret {
    let mut mac = keyed(seed.bytes());
    mac.update(&[number]);
    let mut bytes = mac.finalize().into_bytes().into();
    Secret::take(&mut bytes)
}

/// Puts the seeds beside a path in the place of the seed above it.
fn puncture(seeds: &mut Seeds, mut depth: u8, mut seed: Secret, path: u64) {
    while depth < DEPTH {
        let taken = step(path, depth);
        for number in (0..16).filter(|number| *number != taken) {
            let beside = prefix(path, depth) | u64::from(number) << (60 - 4 * u32::from(depth));
            seeds.insert((depth + 1, beside), child(&seed, number));
        }
        seed = child(&seed, taken);
        depth += 1;
    }
}

fn push_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*first)
}
