//! Calls with a time limit, on connections of the pool.

use crate::fault::{Answer, Fault};
use crate::limits;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres};
use std::time::Duration;

/// Gives a call up after `limit`. Its connection may then still be waiting for the answer: it is not used again.
pub(crate) async fn bounded<T, E: Into<Fault>>(limit: Duration, call: impl Future<Output = Result<T, E>>) -> Answer<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Fault::silent(limit)),
    }
}

/// [`bounded`] by [`limits::STATEMENT`].
pub(crate) async fn statement<T, E: Into<Fault>>(call: impl Future<Output = Result<T, E>>) -> Answer<T> {
    bounded(limits::STATEMENT, call).await
}

/// Runs statements without parameters, several at once.
pub(crate) async fn run(c: &mut PgConnection, sql: &str) -> sqlx::Result<()> {
    // `raw_sql` borrows the connection for longer than a future that may move between threads can.
    c.execute(sql).await?;
    Ok(())
}

/// A connection of the pool. It is closed, not given back, when it is dropped before [`Lease::give_back`]: a call that was
/// given up or
/// cancelled leaves half an answer or an open transaction, which the server then rolls back.
pub(crate) struct Lease(Option<PoolConnection<Postgres>>);

impl Lease {
    /// Waits for a connection that is free or new. It may have died since it was used last.
    pub(crate) async fn any(pool: &PgPool) -> Answer<Self> {
        Ok(Self(Some(pool.acquire().await?)))
    }

    /// Waits for a connection that answers. Cost: one more round trip.
    pub(crate) async fn alive(pool: &PgPool) -> Answer<Self> {
        loop {
            let mut lease = Self::any(pool).await?;
            match bounded(limits::PING, lease.connection().ping()).await {
                Ok(()) => return Ok(lease),
                // The pool has a bounded number of dead connections, and fails when it can open no other.
                Err(_) => drop(lease),
            }
        }
    }

    /// The connection.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("a lease holds its connection until it ends")
    }

    /// Gives the connection back after a good answer.
    pub(crate) fn give_back<T>(mut self, answer: Answer<T>) -> Answer<T> {
        if answer.is_ok() {
            drop(self.0.take());
        }
        answer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            // Needs no runtime, unlike the return to the pool: a unit may be dropped by a thread.
            drop(connection.detach());
        }
    }
}

/// Asks a question that changes nothing, on any connection of the pool; once more on a connection that lives when the first
/// was dead.
macro_rules! ask {
    ($pool:expr, $c:ident => $call:expr) => {
        $crate::call::ask!($pool, $crate::limits::STATEMENT, $c => $call)
    };
    ($pool:expr, $limit:expr, $c:ident => $call:expr) => {{
        let mut lease = $crate::call::Lease::any($pool).await?;
        let $c = lease.connection();
        let answer = $crate::call::bounded($limit, $call).await;
        match lease.give_back(answer) {
            Err(fault) if fault.is_lost() => {
                let mut lease = $crate::call::Lease::alive($pool).await?;
                let $c = lease.connection();
                let answer = $crate::call::bounded($limit, $call).await;
                lease.give_back(answer)
            }
            answer => answer,
        }
    }};
}

pub(crate) use ask;
