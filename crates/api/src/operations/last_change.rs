//! The last change of a perimeter: the log may have gone on with what it does not show.

use annuaire_base::Tx;
use annuaire_index::Snapshot;

use crate::error::ApiError;

/// A transaction with its instant, milliseconds since 1970 UTC.
#[derive(Clone, Copy)]
pub(super) struct LastChange {
    pub tx: Tx,
    pub ms: i64,
}

impl LastChange {
    /// That of an empty store.
    pub(super) const NONE: Self = Self { tx: Tx::NONE, ms: 0 };
}

/// The transaction of the newest version.
pub(super) fn last_change(snap: &Snapshot) -> Result<LastChange, ApiError> {
    Ok(snap.last_change().map_err(ApiError::internal)?.map_or(LastChange::NONE, |(tx, ms)| LastChange { tx, ms }))
}
