//! What an open registry does beside its callers: it looks for commits of other processes, and copies the write-ahead log into the file.

use crate::fault::fault;
use crate::limits;
use crate::schema::beside;
use crate::shared::Shared;
use annuaire_store::Result;
use sqlx::{Connection, SqliteConnection};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Pause after a copy: a reader that stays long makes each of them useless.
const REST: Duration = Duration::from_millis(250);

/// Looks ten times a second whether somebody else committed, until `closing`.
pub(crate) async fn watch(shared: Weak<Shared>, mut c: SqliteConnection, mut closing: watch::Receiver<bool>) {
    let mut seen = None;
    loop {
        tokio::select! {
            _ = closing.changed() => break,
            () = tokio::time::sleep(limits::WATCH) => {}
        }
        let Some(shared) = shared.upgrade() else { break };
        let version: sqlx::Result<i64> = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut c).await;
        // A failure is met again, and told, by whoever reads.
        if let Ok(version) = version
            && seen != Some(version)
            && shared.refresh(&mut c).await.is_ok()
        {
            seen = Some(version);
        }
    }
    _ = c.close().await;
}

fn wal_bytes(shared: &Shared) -> u64 {
    std::fs::metadata(beside(&shared.path, "-wal")).map_or(0, |m| m.len())
}

async fn copy(c: &mut SqliteConnection, how: &str) -> Result<()> {
    let sql = format!("PRAGMA wal_checkpoint({how})");
    sqlx::query(&sql).fetch_all(c).await.map(|_| ()).map_err(fault)
}

/// Copies the write-ahead log when it has grown, so that no commit has to, until `closing`.
pub(crate) async fn checkpoints(
    shared: Weak<Shared>,
    written: Arc<Notify>,
    mut c: SqliteConnection,
    mut closing: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = closing.changed() => break,
            () = written.notified() => {}
        }
        let Some(shared) = shared.upgrade() else { break };
        let erase = shared.erase.swap(false, Ordering::AcqRel);
        if wal_bytes(&shared) > limits::WAL_COPY_BYTES {
            // A failure leaves a longer log, and the next commit tries again.
            _ = copy(&mut c, "PASSIVE").await;
            if wal_bytes(&shared) > limits::WAL_MOST_BYTES {
                _ = copy(&mut c, "PASSIVE").await;
                // Little is left to copy now. Nobody writes meanwhile, so that the next writer starts the log again.
                if let Ok(turn) = shared.turns.take().await {
                    _ = copy(&mut c, "PASSIVE").await;
                    drop(turn);
                }
            }
        }
        if erase && let Ok(turn) = shared.turns.take().await {
            _ = copy(&mut c, "TRUNCATE").await;
            drop(turn);
        }
        drop(shared);
        tokio::select! {
            _ = closing.changed() => break,
            () = tokio::time::sleep(REST) => {}
        }
    }
    _ = c.close().await;
}
