//! Ids of which compaction removed the last version.
//!
//! Numbers of versions are never used again (LOG-4), and an id that was published and is not any more answers "gone" rather than
//! "unknown". So compaction keeps, of an id whose last row it removes, what no content follows from.
//!
//! Key: the term of the id (type, 0, class 9, id). Value: the number of its last version ([`crate::varint`]), then 1 when its content
//! was withdrawn by law, else 0.

use annuaire_terms::TypeId;
use heed::{RoTxn, RwTxn};

use crate::chunk;
use crate::databases::Databases;
use crate::error::Error;
use crate::key;
use crate::record::{RecordHead, next_number};
use crate::row::Row;
use crate::tombstone::Tombstone;
use crate::varint;

/// What is left of an id that has no version any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerResource {
    /// Number of its last version.
    pub number: u32,
    /// Its content was withdrawn by law.
    pub is_withdrawn_by_law: bool,
}

/// What is left of an id; `None` when it never lost its last row. An id that came back later has an entry and rows. Cost: one look-up.
pub fn find(dbs: &Databases, txn: &RoTxn<'_>, ty: TypeId, id: &str) -> Result<Option<FormerResource>, Error> {
    dbs.former.get(txn, &key::id(ty, id))?.map(decode).transpose()
}

/// Number of the first version of an id without rows: it goes on where the id left.
pub fn next_number_of(dbs: &Databases, txn: &RoTxn<'_>, ty: TypeId, id: &str) -> Result<u32, Error> {
    find(dbs, txn, ty, id)?.map_or(Ok(1), |former| next_number(former.number))
}

/// Reads a value of the database.
pub fn decode(mut value: &[u8]) -> Result<FormerResource, Error> {
    let number = varint::take(&mut value).and_then(|number| u32::try_from(number).ok());
    match (number, value) {
        (Some(number), [flag @ 0..=1]) => Ok(FormerResource { number, is_withdrawn_by_law: *flag == 1 }),
        _ => Err(Error::Corrupt("former resource")),
    }
}

/// Remembers an id, by its term and the row of its last version, whose record is still there.
pub fn remember(dbs: &Databases, txn: &mut RwTxn<'_>, term: &[u8], last: Row) -> Result<(), Error> {
    let record = chunk::record_of(dbs, txn, last)?.ok_or(Error::Corrupt("record of a row that goes"))?;
    let head = RecordHead::read(record)?;
    let mut value = Vec::new();
    varint::put(&mut value, head.number.into());
    value.push(u8::from(head.tombstone == Some(Tombstone::WithdrawnByLaw)));
    Ok(dbs.former.put(txn, term, &value)?)
}
