//! Keys of terms: type, parameter, class, value. No key is the beginning of another one, so that keys sort the same with
//! or without the number of a slice behind them.

use annuaire_base::text::fold;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use annuaire_terms::{ParamId, Resource, Term, TypeId};

/// What a term is about.
pub mod class {
    /// All the rows of a type.
    pub const TYPE: u8 = 0;
    /// Rows with any value of a parameter.
    pub const PRESENT: u8 = 1;
    /// A code, then its system.
    pub const TOKEN: u8 = 2;
    /// A system.
    pub const SYSTEM: u8 = 3;
    /// A folded text, then what tells how it was written.
    pub const TEXT: u8 = 4;
    /// A target.
    pub const REFERENCE: u8 = 5;
    /// A URI.
    pub const URI: u8 = 6;
    /// Rows whose instant is not that of their transaction.
    pub const DATED: u8 = 7;
    /// The same by instant.
    pub const INSTANT: u8 = 8;
    /// A logical identifier: its rows are the versions of the resource.
    pub const ID: u8 = 9;
}

/// Longest value kept whole in a key (the engine bounds keys to 511 bytes).
const WHOLE: usize = 480;
/// What is kept of a longer one, before a mark and its hash.
pub const KEPT: usize = 400;
/// Mark never produced by [`escape`].
pub const MARK: [u8; 2] = [1, 3];

/// Frees byte 0, which ends values: `0` becomes `1 1` and `1` becomes `1 2`.
pub fn escape(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            0 | 1 => out.extend([1, byte + 1]),
            _ => out.push(byte),
        }
    }
}

pub fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        out.push(if byte == 1 { bytes.next().map_or(1, |b| b.wrapping_sub(1)) } else { byte });
    }
    out
}

/// Key of a value, closed by byte 0. Also the hash and the escaped value of one that was too long.
fn whole(head: [u8; 3], value: &str) -> (Vec<u8>, Option<(String, Vec<u8>)>) {
    let mut key = Vec::with_capacity(value.len() + 12);
    key.extend(head);
    escape(value.as_bytes(), &mut key);
    let mut long = None;
    if key.len() - 3 > WHOLE {
        let escaped = key.split_off(3);
        let hash = format!("{:032x}", xxh3_128(&escaped));
        key.extend_from_slice(&escaped[..KEPT]);
        key.extend(MARK);
        key.extend(hash.as_bytes());
        long = Some((hash, escaped));
    }
    key.push(0);
    (key, long)
}

/// Five bytes stand for a system: a directory has some hundred of them, and two of a thousand meet once in two million
/// directories.
#[derive(Clone, Copy)]
pub struct System([u8; 5]);

impl System {
    pub fn of(system: &str) -> Self {
        let [a, b, c, d, e, ..] = xxh3_64(system.as_bytes()).to_be_bytes();
        Self([a, b, c, d, e])
    }
}

/// What stands for a logical identifier among those of its type: never 0. Two of two million meet in one directory of ten
/// million.
pub fn name(id: &str) -> u64 {
    xxh3_64(id.as_bytes()).max(1)
}

/// What stands for the name of a type. Of another seed than [`name`], so that `a/b` is not `b/a`.
pub fn kind(ty: &str) -> u64 {
    xxh3_64_with_seed(ty.as_bytes(), 1)
}

/// What stands for a target: for `Type/id`, what stands for the one and the other, so that each is found from the target and
/// the other one, and types that differ lead to names that no resource has.
pub fn target(target: &str) -> u64 {
    match target.split_once('/') {
        Some((ty, id)) => kind(ty) ^ name(id),
        None => kind(target),
    }
}

/// Key of all the rows of a type.
pub fn ty(ty: TypeId) -> Vec<u8> {
    vec![ty.get(), 0, class::TYPE]
}

/// Key of the rows with any value of a parameter.
pub fn present(ty: TypeId, param: ParamId) -> Vec<u8> {
    vec![ty.get(), param.get(), class::PRESENT]
}

/// Key of a code with its system.
pub fn token(ty: TypeId, param: ParamId, system: System, code: &str) -> Vec<u8> {
    let mut key = code_start(ty, param, code);
    key.extend(system.0);
    key
}

/// What all the keys of a code start with, whatever its system.
pub fn code_start(ty: TypeId, param: ParamId, code: &str) -> Vec<u8> {
    whole([ty.get(), param.get(), class::TOKEN], code).0
}

/// Key of all the codes of a system.
pub fn system(ty: TypeId, param: ParamId, system: System) -> Vec<u8> {
    let mut key = vec![ty.get(), param.get(), class::SYSTEM];
    key.extend(system.0);
    key
}

/// Key of a text: its folded form, then one byte when the text is that form in capitals or as it is, a hash otherwise.
pub fn text(ty: TypeId, param: ParamId, value: &str) -> (Vec<u8>, Option<(String, Vec<u8>)>) {
    let folded = fold(value);
    let (mut key, long) = whole([ty.get(), param.get(), class::TEXT], &folded);
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

/// What the keys of the texts that start with a folded value start with.
pub fn text_start(ty: TypeId, param: ParamId, folded: &str) -> Vec<u8> {
    let mut key = vec![ty.get(), param.get(), class::TEXT];
    escape(folded.as_bytes(), &mut key);
    key.truncate(3 + KEPT);
    key
}

/// The text of a key.
pub enum Text<'k> {
    /// All of it, folded and escaped.
    Whole(&'k [u8]),
    /// It was too long; the key has its hash.
    Cut,
}

/// The text of a key of the class of texts.
pub fn text_of(key: &[u8]) -> Option<Text<'_>> {
    let (head, rest) = key.split_first_chunk::<3>()?;
    if head[2] != class::TEXT {
        return None;
    }
    let text = &rest[..memchr::memchr(0, rest)?];
    let cut = text.get(KEPT..KEPT + MARK.len()).is_some_and(|mark| mark == MARK);
    Some(if cut { Text::Cut } else { Text::Whole(text) })
}

/// Key of what stands for a [`target`]; the target itself is in the row.
pub fn reference(ty: TypeId, param: ParamId, target: u64) -> Vec<u8> {
    let mut key = vec![ty.get(), param.get(), class::REFERENCE];
    key.extend(target.to_be_bytes());
    key
}

/// Key of a URI.
pub fn uri(ty: TypeId, param: ParamId, value: &str) -> Vec<u8> {
    whole([ty.get(), param.get(), class::URI], value).0
}

/// Key of the rows of a type with an instant of their own.
pub fn dated(ty: TypeId) -> Vec<u8> {
    vec![ty.get(), 0, class::DATED]
}

/// Key of the rows of one instant.
pub fn instant(ty: TypeId, ms: i64) -> Vec<u8> {
    let mut key = vec![ty.get(), 0, class::INSTANT];
    // Unsigned and big-endian, so that keys sort as instants do.
    key.extend((ms.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    key
}

/// Key of a logical identifier.
pub fn id(ty: TypeId, id: &str) -> Vec<u8> {
    whole([ty.get(), 0, class::ID], id).0
}

/// The keys of one resource, one after the other, its values too long for a key, and what columns say of it.
#[derive(Debug, Default)]
pub struct Keys {
    bytes: Vec<u8>,
    pub longs: Vec<(String, Vec<u8>)>,
    /// Its name, then its links: parameter, and what stands for the target.
    pub links: Vec<(ParamId, u64)>,
}

impl Keys {
    pub fn of(resource: &Resource) -> Self {
        let ty = resource.ty;
        let mut keys = Self::default();
        keys.push(&self::ty(ty));
        keys.push(&id(ty, &resource.id));
        keys.links.push((ParamId::STORE, name(&resource.id)));
        if let Some(kept) = &resource.foreign_stamp {
            keys.push(&dated(ty));
            keys.push(&instant(ty, kept.last_updated_ms));
        }
        let mut seen = [0_u64; 4];
        for term in &resource.terms {
            let param = match term {
                Term::Token { param, system, code } => {
                    let system = System::of(system);
                    keys.push(&token(ty, *param, system, code));
                    keys.push(&self::system(ty, *param, system));
                    *param
                }
                Term::Text { param, value } => {
                    let (key, long) = text(ty, *param, value);
                    keys.push(&key);
                    keys.longs.extend(long);
                    *param
                }
                Term::Reference { param, target } => {
                    let target = self::target(target);
                    keys.push(&reference(ty, *param, target));
                    keys.links.push((*param, target));
                    *param
                }
                Term::Uri { param, value } => {
                    keys.push(&uri(ty, *param, value));
                    *param
                }
            };
            let (word, bit) = (usize::from(param.get() >> 6), 1 << (param.get() & 63));
            if seen[word] & bit == 0 {
                seen[word] |= bit;
                keys.push(&present(ty, param));
            }
        }
        keys
    }

    fn push(&mut self, key: &[u8]) {
        // A key is bounded well below this.
        self.bytes.extend((key.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(key);
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (len, tail) = rest.split_first_chunk()?;
            let (key, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
            rest = tail;
            Some(key)
        })
    }
}
