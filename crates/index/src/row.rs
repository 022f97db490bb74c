//! The record of a row: header, id, references, body.

use annuaire_base::date::iso_ms;
use xxhash_rust::xxh3::Xxh3;

use crate::{Error, ParamId, Resource, Row, Term, TypeId};

/// No previous row.
pub const NONE: Row = Row::MAX;

/// A record read in place.
pub struct Header<'a> {
    /// Previous row of the same id, or [`NONE`].
    pub prev: Row,
    pub version: u32,
    pub tx: u64,
    pub commit_ms: i64,
    pub hash: u128,
    pub ty: TypeId,
    pub id: &'a str,
    refs: &'a [u8],
    pub body: &'a [u8],
}

const SHORT: Error = Error::Corrupt("row too short");

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Error> {
    let (head, tail) = bytes.split_first_chunk().ok_or(SHORT)?;
    *bytes = tail;
    Ok(*head)
}

fn slice<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], Error> {
    let (head, tail) = bytes.split_at_checked(len).ok_or(SHORT)?;
    *bytes = tail;
    Ok(head)
}

fn text<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a str, Error> {
    std::str::from_utf8(slice(bytes, len)?).map_err(|_| Error::Corrupt("text of a row"))
}

impl<'a> Header<'a> {
    pub fn read(mut bytes: &'a [u8]) -> Result<Self, Error> {
        let b = &mut bytes;
        let prev = Row::from_le_bytes(take(b)?);
        let version = u32::from_le_bytes(take(b)?);
        let tx = u64::from_le_bytes(take(b)?);
        let commit_ms = i64::from_le_bytes(take(b)?);
        let hash = u128::from_le_bytes(take(b)?);
        let [ty] = take(b)?;
        let id_len = u16::from_le_bytes(take(b)?);
        let refs_len = u32::from_le_bytes(take(b)?);
        let id = text(b, id_len.into())?;
        let refs = slice(b, refs_len as usize)?;
        Ok(Self { prev, version, tx, commit_ms, hash, ty, id, refs, body: bytes })
    }

    pub fn references(&self) -> Result<Vec<(ParamId, String)>, Error> {
        let mut refs = self.refs;
        let mut list = Vec::new();
        while !refs.is_empty() {
            let [param] = take(&mut refs)?;
            let len = u16::from_le_bytes(take(&mut refs)?);
            list.push((param, text(&mut refs, len.into())?.to_owned()));
        }
        Ok(list)
    }
}

/// What the index writes between the two parts of a body.
pub fn stamp(version: u32, commit_ms: i64) -> Vec<u8> {
    format!("\"versionId\":\"{version}\",\"lastUpdated\":\"{}\",", iso_ms(commit_ms)).into_bytes()
}

/// Hash of a content, to tell whether it changed.
pub fn hash(before: &[u8], after: &[u8]) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(before);
    hasher.update(after);
    hasher.digest128()
}

/// Reads a row number kept as a value.
pub fn number(bytes: &[u8]) -> Result<Row, Error> {
    bytes.try_into().map(Row::from_le_bytes).map_err(|_| Error::Corrupt("row number"))
}

pub fn write(
    out: &mut Vec<u8>,
    resource: &Resource,
    prev: Row,
    version: u32,
    (tx, commit_ms): (u64, i64),
    hash: u128,
) -> Result<(), Error> {
    let mut refs = Vec::new();
    for term in &resource.terms {
        if let Term::Reference { param, target } = term {
            let len = u16::try_from(target.len()).map_err(|_| Error::Refused("reference too long"))?;
            refs.push(*param);
            refs.extend(len.to_le_bytes());
            refs.extend(target.as_bytes());
        }
    }
    let id_len = u16::try_from(resource.id.len()).map_err(|_| Error::Refused("id too long"))?;
    let refs_len = u32::try_from(refs.len()).map_err(|_| Error::Refused("too many references"))?;
    out.extend(prev.to_le_bytes());
    out.extend(version.to_le_bytes());
    out.extend(tx.to_le_bytes());
    out.extend(commit_ms.to_le_bytes());
    out.extend(hash.to_le_bytes());
    out.push(resource.ty);
    out.extend(id_len.to_le_bytes());
    out.extend(refs_len.to_le_bytes());
    out.extend(resource.id.as_bytes());
    out.extend(refs);
    out.extend(&resource.before);
    if resource.kept.is_none() {
        out.extend(stamp(version, commit_ms));
    }
    out.extend(&resource.after);
    Ok(())
}
