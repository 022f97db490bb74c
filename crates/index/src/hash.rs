//! Hashes that stand for strings in keys and columns (XXH3).

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

/// Hash of a code system, 5 bytes: a directory has some hundred systems, and two of a thousand collide once in two million
/// directories.
#[derive(Clone, Copy)]
pub struct SystemHash([u8; 5]);

impl SystemHash {
    pub fn new(system: &str) -> Self {
        let [a, b, c, d, e, ..] = xxh3_64(system.as_bytes()).to_be_bytes();
        Self([a, b, c, d, e])
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Hash of a logical identifier among those of its type, never 0. Two of two million ids collide in one of ten million
/// directories.
pub fn id_hash(id: &str) -> u64 {
    xxh3_64(id.as_bytes()).max(1)
}

/// Hash of the name of a type. Its seed differs from that of [`id_hash`], so that the hash of `a/b` is not that of `b/a`.
pub fn type_name_hash(name: &str) -> u64 {
    xxh3_64_with_seed(name.as_bytes(), 1)
}

/// Hash of a reference target. For `Type/id` it is the exclusive or of both hashes: with the hash of the type, the hash of the
/// id follows from it, and a target of another type gives a hash that no id has.
pub fn target_hash(target: &str) -> u64 {
    match target.split_once('/') {
        Some((type_name, id)) => type_name_hash(type_name) ^ id_hash(id),
        None => type_name_hash(target),
    }
}

/// Hash of a value too long for a key: XXH3-128 in 32 lower-case hexadecimal digits.
pub fn long_value_hash(value: &[u8]) -> String {
    format!("{:032x}", xxh3_128(value))
}

/// Checksum of a record: the first 4 bytes, little-endian, of XXH3-64.
pub fn record_checksum(record: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = xxh3_64(record).to_le_bytes();
    [a, b, c, d]
}

/// Checksum of a dictionary, 8 bytes little-endian.
pub fn dictionary_checksum(dictionary: &[u8]) -> [u8; 8] {
    xxh3_64(dictionary).to_le_bytes()
}
