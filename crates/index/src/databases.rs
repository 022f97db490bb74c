//! The LMDB databases of a store.

use std::ops::Bound;

use heed::types::Bytes;
use heed::{Database, Env, RwTxn, WithoutTls};

use crate::error::Error;

/// A database of byte keys and byte values; LMDB sorts keys byte by byte.
pub type Db = Database<Bytes, Bytes>;

/// Number of databases in a store, `meta` and `dictionaries` included.
pub const DATABASES: u32 = 12;

/// Longest value that LMDB keeps, with its key, in one page of 4 KiB (page header and node header taken off). Chunks and blocks
/// are filled up to this length, so that reading one costs one page.
pub const PAGE_VALUE: usize = 4_080;

/// Handles of the databases. [`crate::layout`] describes their keys and values.
#[derive(Clone, Copy)]
pub struct Databases {
    /// What the store says of itself: [`crate::meta`].
    pub meta: Db,
    /// First row of a chunk to the records of its rows.
    pub rows: Db,
    /// First key of a block to its terms.
    pub terms: Db,
    /// Term and slice to rows, for terms with many rows.
    pub sets: Db,
    /// Hash to the complete text, for texts too long for a key.
    pub longs: Db,
    /// Column and first row of a chunk to hashes of ids or of reference targets.
    pub links: Db,
    /// Transaction to its end and instant.
    pub tx: Db,
    /// Level and transaction to closed rows: [`crate::closings`].
    pub closings: Db,
    /// Instant and row of what is due to vanish then.
    pub leaving: Db,
    /// Entity to the reason why it could not be made.
    pub aside: Db,
    /// Term of an id without versions to the number of its last one: [`crate::former`].
    pub former: Db,
}

impl Databases {
    /// Opens the databases, and creates those that do not exist.
    pub fn create(env: &Env<WithoutTls>, txn: &mut RwTxn<'_>) -> Result<Self, Error> {
        let mut create = |name| env.create_database::<Bytes, Bytes>(txn, Some(name));
        Ok(Self {
            meta: create("meta")?,
            rows: create("rows")?,
            terms: create("terms")?,
            sets: create("sets")?,
            longs: create("longs")?,
            links: create("links")?,
            tx: create("tx")?,
            closings: create("closings")?,
            leaving: create("leaving")?,
            aside: create("aside")?,
            former: create("former")?,
        })
    }
}

/// Where a walk begins that goes on from a key; an empty one, which LMDB refuses, stands for the beginning.
pub fn from_key(key: &[u8]) -> Bound<&[u8]> {
    if key.is_empty() { Bound::Unbounded } else { Bound::Included(key) }
}
