//! Entities that could not be made: what is published of them is what the last transaction said that could.

use annuaire_base::Tx;
use heed::RwTxn;
use xxhash_rust::xxh3::xxh3_128;

use crate::block::{put_number, take_number};
use crate::{Dbs, Error, Index};

/// Longest entity kept whole in a key (the engine bounds keys to 511 bytes).
const WHOLE: usize = 400;

/// Why an entity stays as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsideEntity {
    /// Entity key.
    pub entity: String,
    /// Transaction of the words that are published: the last one after which the entity could be made, 0 for none.
    pub made_at: Tx,
    /// Transaction that last said what cannot be made.
    pub tx: Tx,
    /// Entity of the object at fault: the same one, or one that it is published with.
    pub object: String,
    /// Source of the object at fault.
    pub source: String,
    /// Why, in words.
    pub reason: String,
}

const BAD: Error = Error::Corrupt("entity set aside");

fn key_of(entity: &str) -> Vec<u8> {
    match entity.as_bytes().get(..WHOLE) {
        Some(start) => [start, format!("{:032x}", xxh3_128(entity.as_bytes())).as_bytes()].concat(),
        None => entity.as_bytes().to_vec(),
    }
}

impl SetAsideEntity {
    fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, self.made_at.get());
        put_number(&mut out, self.tx.get());
        for text in [&self.entity, &self.object, &self.source, &self.reason] {
            put_number(&mut out, text.len() as u64);
            out.extend(text.as_bytes());
        }
        out
    }

    pub(crate) fn read(mut bytes: &[u8]) -> Result<Self, Error> {
        let (made_at, tx) = (Tx::new(take_number(&mut bytes)?), Tx::new(take_number(&mut bytes)?));
        let mut text = || {
            let len = usize::try_from(take_number(&mut bytes)?).map_err(|_| BAD)?;
            let (text, rest) = bytes.split_at_checked(len).ok_or(BAD)?;
            bytes = rest;
            String::from_utf8(text.to_vec()).map_err(|_| BAD)
        };
        Ok(Self { made_at, tx, entity: text()?, object: text()?, source: text()?, reason: text()? })
    }
}

/// Sets an entity aside, or takes it back.
pub fn set(dbs: &Dbs, txn: &mut RwTxn<'_>, entity: &str, aside: Option<&SetAsideEntity>) -> Result<(), Error> {
    match aside {
        Some(aside) => dbs.aside.put(txn, &key_of(entity), &aside.write())?,
        None => _ = dbs.aside.delete(txn, &key_of(entity))?,
    }
    Ok(())
}

impl Index {
    /// What is said of an entity set aside, `None` when it is not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn set_aside_entity(&self, entity: &str) -> Result<Option<SetAsideEntity>, Error> {
        let txn = self.env.read_txn()?;
        self.dbs.aside.get(&txn, &key_of(entity))?.map(SetAsideEntity::read).transpose()
    }

    /// The first `limit` entities set aside, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn set_aside_entities(&self, limit: usize) -> Result<Vec<SetAsideEntity>, Error> {
        let txn = self.env.read_txn()?;
        self.dbs.aside.iter(&txn)?.take(limit).map(|item| SetAsideEntity::read(item?.1)).collect()
    }

    /// How many entities are set aside.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn set_aside_count(&self) -> Result<u64, Error> {
        let txn = self.env.read_txn()?;
        Ok(self.dbs.aside.len(&txn)?)
    }
}
