//! Entities that could not be made into resources. Their published form is that of the last transaction after which they could.

use annuaire_base::Tx;
use heed::RwTxn;

use crate::databases::Databases;
use crate::error::Error;
use crate::hash::long_value_hash;
use crate::index::Index;
use crate::varint;

/// Longest prefix of an entity that its key holds (LMDB bounds keys to 511 bytes); a hash of the complete entity follows.
const KEY_PREFIX: usize = 400;

const BAD: Error = Error::Corrupt("entity set aside");

/// An entity whose published form is not renewed, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsideEntity {
    /// Entity key of the log.
    pub entity: String,
    /// Transaction whose state is published: the last one after which the entity could be made, [`Tx::NONE`] for none.
    pub made_at: Tx,
    /// Transaction that last wrote the object that cannot be made.
    pub tx: Tx,
    /// Entity of the object at fault: this one, or one that is published with it.
    pub object: String,
    /// Source of the object at fault.
    pub source: String,
    /// The reason, in words.
    pub reason: String,
}

/// Changes that a transaction makes: an entity and its new entry, or `None` when the entity can be made again.
pub type SetAsideChanges = Vec<(String, Option<SetAsideEntity>)>;

fn key_of(entity: &str) -> Vec<u8> {
    match entity.as_bytes().get(..KEY_PREFIX) {
        Some(prefix) => [prefix, long_value_hash(entity.as_bytes()).as_bytes()].concat(),
        None => entity.as_bytes().to_vec(),
    }
}

impl SetAsideEntity {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        varint::put(&mut out, self.made_at.get());
        varint::put(&mut out, self.tx.get());
        for text in [&self.entity, &self.object, &self.source, &self.reason] {
            varint::put(&mut out, text.len() as u64);
            out.extend(text.as_bytes());
        }
        out
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, Error> {
        let made_at = Tx::new(varint::take(&mut bytes).ok_or(BAD)?);
        let tx = Tx::new(varint::take(&mut bytes).ok_or(BAD)?);
        let mut text = || {
            let length = varint::take_length(&mut bytes).ok_or(BAD)?;
            let (text, rest) = bytes.split_at_checked(length).ok_or(BAD)?;
            bytes = rest;
            String::from_utf8(text.to_vec()).map_err(|_| BAD)
        };
        Ok(Self { made_at, tx, entity: text()?, object: text()?, source: text()?, reason: text()? })
    }
}

/// Writes or removes the entry of an entity.
pub fn apply_change(dbs: &Databases, txn: &mut RwTxn<'_>, entity: &str, change: Option<&SetAsideEntity>) -> Result<(), Error> {
    match change {
        Some(entry) => dbs.aside.put(txn, &key_of(entity), &entry.encode())?,
        None => _ = dbs.aside.delete(txn, &key_of(entity))?,
    }
    Ok(())
}

impl Index {
    /// The entry of an entity, `None` when it is not set aside.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn set_aside_entity(&self, entity: &str) -> Result<Option<SetAsideEntity>, Error> {
        let txn = self.env.read_txn()?;
        self.dbs.aside.get(&txn, &key_of(entity))?.map(SetAsideEntity::decode).transpose()
    }

    /// The first `limit` entities set aside, in the order of their keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn set_aside_entities(&self, limit: usize) -> Result<Vec<SetAsideEntity>, Error> {
        let txn = self.env.read_txn()?;
        self.dbs.aside.iter(&txn)?.take(limit).map(|item| SetAsideEntity::decode(item?.1)).collect()
    }

    /// Number of entities set aside.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn set_aside_count(&self) -> Result<u64, Error> {
        let txn = self.env.read_txn()?;
        Ok(self.dbs.aside.len(&txn)?)
    }
}
