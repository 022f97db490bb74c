//! What a backend provides: the registry, and the unit of work in which it is written.

use crate::{Cause, Change, CommitOutcome, Object, ObjectMark, Result, Transaction};
use annuaire_base::Tx;

/// The registry of one installation: current objects, the log of all their versions, and notes. One writer at a time.
pub trait Registry: Send {
    /// Writes one business event as one transaction. Its instant is [`commit_time`](crate::commit_time): later than the previous
    /// one even when the clock stepped back. A unit that changes no object takes no number; its notes are written all the same.
    ///
    /// # Errors
    /// Those of `write`, of [`commit_time`](crate::commit_time) and of the database. Nothing of the event remains then.
    fn commit(&mut self, cause: Cause<'_>, write: &mut dyn FnMut(&mut dyn Unit) -> Result<()>) -> Result<CommitOutcome>;

    /// The last transaction, [`Tx::NONE`] for an empty log.
    ///
    /// # Errors
    /// Database failure, as for all reads.
    fn last_tx(&mut self) -> Result<Tx>;

    /// Transactions after `after`, in order.
    ///
    /// # Errors
    /// Database failure.
    fn transactions(&mut self, after: Tx) -> Result<Vec<Transaction>>;

    /// Entities that `tx` changed, distinct, in byte order: the first `limit` that follow `after`. Cost: proportional to the
    /// page, once for each source that `tx` touched.
    ///
    /// # Errors
    /// Database failure.
    fn changed_entities(&mut self, tx: Tx, after: &str, limit: u32) -> Result<Vec<String>>;

    /// The objects of these entities just after `tx`, from all sources, by entity then source. Cost: a few point look-ups for
    /// each entity and source, and one more for each later version of an object.
    ///
    /// # Errors
    /// Database failure.
    fn objects_at(&mut self, tx: Tx, entities: &[String]) -> Result<Vec<Object>>;

    /// A page of all objects just after `tx`, by entity (byte order) then source: those of the entities that follow `after`, at
    /// least one whole entity, about `limit` objects. The second value is the `after` of the next page, `None` at the end. A
    /// page may hold few objects or none: only `None` is the end. Cost: sequential; for first loads and verification.
    ///
    /// # Errors
    /// Database failure.
    fn standing(&mut self, tx: Tx, after: &str, limit: u32) -> Result<(Vec<Object>, Option<String>)>;

    /// A note: a text beside the log, written in its transactions, never published. `kind` and `key` name it.
    ///
    /// # Errors
    /// Database failure.
    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>>;

    /// The first `limit` notes of a kind whose keys follow `after`, as (key, text), in byte order of their keys.
    ///
    /// # Errors
    /// Database failure.
    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>>;

    /// Every disagreement between log and state, one sentence each; empty when there is none. Reads the whole registry.
    ///
    /// # Errors
    /// Database failure.
    fn verify(&mut self) -> Result<Vec<String>>;
}

/// A transaction being written.
pub trait Unit {
    /// Writes a version of an object. It vanishes when it changes nothing: equal content, an equal fingerprint other than zero
    /// (the content is then not compared), or the end of an unknown object. Of several versions of one object the last one
    /// counts. Any order is correct; order by source, then entity, is fastest. Puts are buffered, so an error may belong to an
    /// earlier one.
    ///
    /// # Errors
    /// Database failure.
    fn put(&mut self, change: Change) -> Result<()>;

    /// Objects of `source` that have not ended, those of this unit included, by entity (byte order): the first `limit` that
    /// follow `after`. Cost: proportional to the page, plus the ended objects in between.
    ///
    /// # Errors
    /// Database failure.
    fn known(&mut self, source: &str, after: &str, limit: u32) -> Result<Vec<ObjectMark>>;

    /// The outcome so far: the number that the transaction takes if it changes something, and counts. Cost: writes the buffer.
    ///
    /// # Errors
    /// Database failure.
    fn outcome(&mut self) -> Result<CommitOutcome>;

    /// [`Registry::note`], as this transaction sees it: nobody else writes before its end.
    ///
    /// # Errors
    /// Database failure.
    fn note(&mut self, kind: &str, key: &str) -> Result<Option<String>>;

    /// [`Registry::notes`], as this transaction sees them.
    ///
    /// # Errors
    /// Database failure.
    fn notes(&mut self, kind: &str, after: &str, limit: u32) -> Result<Vec<(String, String)>>;

    /// Writes a note in place of the former one; `None` removes it.
    ///
    /// # Errors
    /// Database failure.
    fn set_note(&mut self, kind: &str, key: &str, text: Option<&str>) -> Result<()>;
}
