//! What a store says of itself, in the database `meta`.

use annuaire_base::{LogIdentity, Tx};
use heed::{RoTxn, RwTxn};

use crate::applied::LogDigest;
use crate::databases::Db;
use crate::error::Error;

/// Layout of the files; a store of another layout is refused.
pub const FORMAT: &[u8] = b"8";
/// Key of the format.
pub const FORMAT_KEY: &[u8] = b"format";
/// Key of the view that the store holds, in words.
pub const VIEW_KEY: &[u8] = b"view";
/// Key of the version of the published forms, decimal.
pub const FORMS_KEY: &[u8] = b"forms";
/// Key of the log, as [`LogIdentity`] writes it.
const LOG_KEY: &[u8] = b"log";
/// Key of the digest of the last transaction, 32 bytes.
const DIGEST_KEY: &[u8] = b"digest";
/// Key of the first transaction whose state is answered, 8 bytes big-endian.
const RETAINED_KEY: &[u8] = b"retained";

/// The log that the store follows; `None` for a store that was never bound to one.
pub fn log(meta: Db, txn: &RoTxn<'_>) -> Result<Option<LogIdentity>, Error> {
    let Some(text) = meta.get(txn, LOG_KEY)? else { return Ok(None) };
    let log = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    log.map(Some).ok_or(Error::Corrupt("identity of the log"))
}

pub fn set_log(meta: Db, txn: &mut RwTxn<'_>, log: LogIdentity) -> Result<(), Error> {
    Ok(meta.put(txn, LOG_KEY, log.to_string().as_bytes())?)
}

/// Digest of the last transaction, zeros before the first.
pub fn digest(meta: Db, txn: &RoTxn<'_>) -> Result<LogDigest, Error> {
    let Some(digest) = meta.get(txn, DIGEST_KEY)? else { return Ok(LogDigest::default()) };
    digest.try_into().map_err(|_| Error::Corrupt("digest of the last transaction"))
}

pub fn set_digest(meta: Db, txn: &mut RwTxn<'_>, digest: &LogDigest) -> Result<(), Error> {
    Ok(meta.put(txn, DIGEST_KEY, digest)?)
}

/// The first transaction whose state is answered, [`Tx::NONE`] while all are.
pub fn retained_from(meta: Db, txn: &RoTxn<'_>) -> Result<Tx, Error> {
    let Some(tx) = meta.get(txn, RETAINED_KEY)? else { return Ok(Tx::NONE) };
    tx.try_into().map(|tx| Tx::new(u64::from_be_bytes(tx))).map_err(|_| Error::Corrupt("first transaction kept"))
}

/// Must be committed, and then told to [`crate::index::Index::set_retained_from`], before the first version is removed.
pub fn set_retained_from(meta: Db, txn: &mut RwTxn<'_>, tx: Tx) -> Result<(), Error> {
    Ok(meta.put(txn, RETAINED_KEY, &tx.get().to_be_bytes())?)
}
