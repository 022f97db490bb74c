//! Keys of terms: type, parameter, class, value.
//!
//! No key is a prefix of another key, so that keys sort alike with and without the slice number that the database `sets`
//! appends. Values that could be prefixes of each other (codes, texts, URIs, ids) are escaped and end with byte 0; the values
//! of the other classes have a fixed length.

use annuaire_base::text::fold;
use annuaire_terms::{ParamId, TypeId};
use xxhash_rust::xxh3::xxh3_64;

use crate::hash::{SystemHash, long_value_hash};

/// Third byte of a key: what its value means.
pub mod class {
    /// All the rows of a type.
    pub const TYPE: u8 = 0;
    /// Rows with any value of a parameter.
    pub const PRESENT: u8 = 1;
    /// A code, then its system.
    pub const TOKEN: u8 = 2;
    /// A system.
    pub const SYSTEM: u8 = 3;
    /// A folded text, then a discriminator of its original form.
    pub const TEXT: u8 = 4;
    /// The hash of a reference target.
    pub const REFERENCE: u8 = 5;
    /// A URI.
    pub const URI: u8 = 6;
    /// Rows whose instant differs from that of their transaction.
    pub const DATED: u8 = 7;
    /// An instant of such rows.
    pub const INSTANT: u8 = 8;
    /// A logical identifier: its rows are the versions of the resource.
    pub const ID: u8 = 9;
    /// Tombstones of a type.
    pub const TOMBSTONE: u8 = 10;
    /// A word of a name.
    pub const WORD: u8 = 11;
    /// The sound of a word of a name.
    pub const SOUND: u8 = 12;
    /// A folded text by which resources are listed.
    pub const ORDER: u8 = 13;
}

/// Longest escaped value that a key holds in full (LMDB bounds keys to 511 bytes).
const FULL_MAX: usize = 480;
/// Bytes of a longer escaped value that its key holds, before [`TRUNCATION_MARK`] and the hash of the value.
pub const TRUNCATED: usize = 400;
/// Marks a truncated value; [`escape`] never produces it.
pub const TRUNCATION_MARK: [u8; 2] = [1, 3];

/// Frees byte 0, which ends values: `0` becomes `1 1` and `1` becomes `1 2`.
pub fn escape(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            0 | 1 => out.extend([1, byte + 1]),
            _ => out.push(byte),
        }
    }
}

/// The value that [`escape`] was given.
pub fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        out.push(if byte == 1 { bytes.next().map_or(1, |b| b.wrapping_sub(1)) } else { byte });
    }
    out
}

/// A value that its key truncates: the database `longs` maps its hash to the escaped value.
#[derive(Debug)]
pub struct LongValue {
    pub hash: String,
    pub escaped: Vec<u8>,
}

/// Key of an escaped value, ended by byte 0, and the value when the key truncates it.
fn with_value(head: [u8; 3], value: &str) -> (Vec<u8>, Option<LongValue>) {
    let mut key = Vec::with_capacity(value.len() + 12);
    key.extend(head);
    escape(value.as_bytes(), &mut key);
    let mut long = None;
    if key.len() - 3 > FULL_MAX {
        let escaped = key.split_off(3);
        let hash = long_value_hash(&escaped);
        key.extend_from_slice(&escaped[..TRUNCATED]);
        key.extend(TRUNCATION_MARK);
        key.extend(hash.as_bytes());
        long = Some(LongValue { hash, escaped });
    }
    key.push(0);
    (key, long)
}

const fn head(ty: TypeId, param: ParamId, class: u8) -> [u8; 3] {
    [ty.get(), param.get(), class]
}

/// Key of all the rows of a type.
pub fn all_of_type(ty: TypeId) -> Vec<u8> {
    head(ty, ParamId::STORE, class::TYPE).to_vec()
}

/// Key of the tombstones of a type, but for those in the place of a version. They are no rows of the type: no state has them, and
/// compaction leaves them.
pub fn tombstones(ty: TypeId) -> Vec<u8> {
    head(ty, ParamId::STORE, class::TOMBSTONE).to_vec()
}

/// Key of the rows with any value of a parameter.
pub fn present(ty: TypeId, param: ParamId) -> Vec<u8> {
    head(ty, param, class::PRESENT).to_vec()
}

/// Key of a code with its system.
pub fn token(ty: TypeId, param: ParamId, system: SystemHash, code: &str) -> Vec<u8> {
    let mut key = token_prefix(ty, param, code);
    key.extend(system.as_bytes());
    key
}

/// Common prefix of the keys of a code in all systems.
pub fn token_prefix(ty: TypeId, param: ParamId, code: &str) -> Vec<u8> {
    with_value(head(ty, param, class::TOKEN), code).0
}

/// Key of all the codes of a system.
pub fn system(ty: TypeId, param: ParamId, system: SystemHash) -> Vec<u8> {
    let mut key = head(ty, param, class::SYSTEM).to_vec();
    key.extend(system.as_bytes());
    key
}

/// Key of a text: its folded form, then a discriminator of the original: 0 when it is the folded form in capitals, 1 when it is
/// the folded form itself, else 2 and its hash (8 bytes big-endian).
pub fn text(ty: TypeId, param: ParamId, value: &str) -> (Vec<u8>, Option<LongValue>) {
    let folded = fold(value);
    let (mut key, long) = with_value(head(ty, param, class::TEXT), &folded);
    if value == folded {
        key.push(1);
    } else if value.chars().eq(folded.chars().flat_map(char::to_uppercase)) {
        key.push(0);
    } else {
        key.push(2);
        key.extend(xxh3_64(value.as_bytes()).to_be_bytes());
    }
    (key, long)
}

/// Common prefix of the keys of the texts that start with a folded value, as far as keys hold texts.
pub fn text_prefix(ty: TypeId, param: ParamId, folded: &str) -> Vec<u8> {
    let mut key = head(ty, param, class::TEXT).to_vec();
    escape(folded.as_bytes(), &mut key);
    key.truncate(3 + TRUNCATED);
    key
}

/// First key that follows all the texts of a parameter.
pub const fn texts_end(ty: TypeId, param: ParamId) -> [u8; 3] {
    head(ty, param, class::TEXT + 1)
}

/// The text in a key of class [`class::TEXT`].
pub enum KeyText<'k> {
    /// The complete text, folded and escaped.
    Complete(&'k [u8]),
    /// The key truncates the text; `longs` has it under this hash.
    Truncated {
        /// Hash of the escaped text.
        hash: &'k [u8],
    },
}

impl<'k> KeyText<'k> {
    /// `None` for a key of another class, or one without an end of value.
    pub fn of_key(key: &'k [u8]) -> Option<Self> {
        let (head, rest) = key.split_first_chunk::<3>()?;
        if head[2] != class::TEXT {
            return None;
        }
        let text = &rest[..memchr::memchr(0, rest)?];
        let truncated = text.get(TRUNCATED..TRUNCATED + TRUNCATION_MARK.len()).is_some_and(|mark| mark == TRUNCATION_MARK);
        Some(if truncated { Self::Truncated { hash: &text[TRUNCATED + TRUNCATION_MARK.len()..] } } else { Self::Complete(text) })
    }
}

/// Key of a reference, by the hash of its target; the target itself is in the record.
pub fn reference(ty: TypeId, param: ParamId, target_hash: u64) -> Vec<u8> {
    let mut key = head(ty, param, class::REFERENCE).to_vec();
    key.extend(target_hash.to_be_bytes());
    key
}

/// Key of a URI.
pub fn uri(ty: TypeId, param: ParamId, value: &str) -> Vec<u8> {
    with_value(head(ty, param, class::URI), value).0
}

/// Key of the rows of a type whose instant differs from that of their transaction.
pub fn dated(ty: TypeId) -> Vec<u8> {
    head(ty, ParamId::STORE, class::DATED).to_vec()
}

/// Key of such rows with one instant.
pub fn instant(ty: TypeId, ms: i64) -> Vec<u8> {
    let mut key = head(ty, ParamId::STORE, class::INSTANT).to_vec();
    key.extend(sortable_ms(ms));
    key
}

/// First key that follows all the instants of a type.
pub const fn instants_end(ty: TypeId) -> [u8; 3] {
    head(ty, ParamId::STORE, class::INSTANT + 1)
}

/// An instant in 8 bytes that sort as instants do: big-endian, with the sign bit inverted.
pub const fn sortable_ms(ms: i64) -> [u8; 8] {
    (ms.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// Key of a word, as [`annuaire_base::words`] makes them.
pub fn word(ty: TypeId, param: ParamId, word: &str) -> Vec<u8> {
    with_value(head(ty, param, class::WORD), word).0
}

/// Common prefix of the keys of the words with a beginning.
pub fn word_prefix(ty: TypeId, param: ParamId, beginning: &str) -> Vec<u8> {
    let mut key = head(ty, param, class::WORD).to_vec();
    escape(beginning.as_bytes(), &mut key);
    key
}

/// First key that follows all the words of a parameter.
pub const fn words_end(ty: TypeId, param: ParamId) -> [u8; 3] {
    head(ty, param, class::WORD + 1)
}

/// Key of a sound, as [`annuaire_base::sound::sound_key`] makes them.
pub fn sound(ty: TypeId, param: ParamId, sound: &str) -> Vec<u8> {
    with_value(head(ty, param, class::SOUND), sound).0
}

/// Key of the texts with a folded form, whatever their original forms.
pub fn folded_text_prefix(ty: TypeId, param: ParamId, folded: &str) -> Vec<u8> {
    with_value(head(ty, param, class::TEXT), folded).0
}

/// Key of the text by which a resource is listed.
pub fn order(ty: TypeId, text: &str) -> Vec<u8> {
    with_value(head(ty, ParamId::STORE, class::ORDER), &fold(text)).0
}

/// Beginning of the keys of the resources that are listed under a folded beginning.
pub fn order_prefix(ty: TypeId, folded: &str) -> Vec<u8> {
    let mut key = head(ty, ParamId::STORE, class::ORDER).to_vec();
    escape(folded.as_bytes(), &mut key);
    key.truncate(3 + TRUNCATED);
    key
}

/// First key that follows all those by which resources of a type are listed.
pub const fn orders_end(ty: TypeId) -> [u8; 3] {
    head(ty, ParamId::STORE, class::ORDER + 1)
}

/// Key of a logical identifier.
pub fn id(ty: TypeId, id: &str) -> Vec<u8> {
    with_value(head(ty, ParamId::STORE, class::ID), id).0
}

/// Common prefix of the keys of the identifiers of a type.
pub const fn ids_start(ty: TypeId) -> [u8; 3] {
    head(ty, ParamId::STORE, class::ID)
}

/// First key that follows all the identifiers of a type.
pub const fn ids_end(ty: TypeId) -> [u8; 3] {
    head(ty, ParamId::STORE, class::ID + 1)
}
