//! Failures of SQLite, told apart by what the operator must do.

use annuaire_store::Error;

/// The error of the registry for one of the database.
pub(crate) fn fault(e: sqlx::Error) -> Error {
    use sqlx::Error::{ColumnDecode, Database, Decode, Protocol};
    // The low byte of an extended code is the primary one.
    let code = match &e {
        Database(d) => d.code().and_then(|code| code.parse::<u32>().ok()).map_or(0, |code| code & 0xff),
        _ => 0,
    };
    match &e {
        // SQLITE_CORRUPT and SQLITE_NOTADB.
        Database(_) if matches!(code, 11 | 26) => Error::Damaged(e.to_string()),
        // SQLITE_IOERR and SQLITE_FULL.
        Database(_) if matches!(code, 10 | 13) => Error::Database(format!(
            "{e}: its disk is full or failing; what was under way left no trace, run it again once there is room"
        )),
        ColumnDecode { .. } | Decode(_) | Protocol(_) => Error::Damaged(e.to_string()),
        _ => Error::Database(e.to_string()),
    }
}
