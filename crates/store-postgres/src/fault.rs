//! Failures of PostgreSQL.

use crate::limits;
use annuaire_store::Error;
use std::time::Duration;

/// A failed call.
#[derive(Debug)]
pub(crate) struct Fault {
    error: Error,
    lost: bool,
}

/// Result of a call inside this room.
pub(crate) type Answer<T> = std::result::Result<T, Fault>;

impl Fault {
    /// The server gave no answer within `limit`.
    pub(crate) fn silent(limit: Duration) -> Self {
        Self { error: Error::Database(format!("the database gave no answer for {} s", limit.as_secs())), lost: true }
    }

    /// The connection is gone, or the server is going: another connection may do better.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { error, lost: false }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.error
    }
}

impl From<sqlx::Error> for Fault {
    fn from(e: sqlx::Error) -> Self {
        use sqlx::Error::{ColumnDecode, Database, Decode, Io, PoolTimedOut, Protocol, WorkerCrashed};
        let code = match &e {
            Database(d) => d.code().map(|c| c.into_owned()).unwrap_or_default(),
            _ => String::new(),
        };
        // Class 08: the connection; 57P: a server that stops or starts; 25P03: the server ended a silent unit; 25006: a
        // standby.
        let lost = matches!(e, Io(_) | PoolTimedOut | WorkerCrashed | Protocol(_))
            || code.starts_with("08")
            || code.starts_with("57P")
            || matches!(code.as_str(), "25P03" | "25006");
        let error = match &e {
            PoolTimedOut => Error::Database(format!("the database gave no connection for {} s", limits::CONNECT.as_secs())),
            // Class XX and 53100: a damaged table, a full disk.
            Database(_) if code == "XX001" || code == "XX002" => Error::Damaged(e.to_string()),
            Database(_) if code == "53100" => Error::Database(format!(
                "{e}: the disk of the server is full; what was under way left no trace, run it again once there is room"
            )),
            ColumnDecode { .. } | Decode(_) => Error::Damaged(e.to_string()),
            _ => Error::Database(e.to_string()),
        };
        Self { error, lost }
    }
}
