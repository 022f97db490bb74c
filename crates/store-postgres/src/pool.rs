//! Connections, and how their sessions are set.

use crate::fault::CallResult;
use crate::limits;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool};

/// Settings of a session, where the server knows them: name and value.
fn settings() -> [(&'static str, String); 13] {
    let (idle, interval) = limits::KEEPALIVE;
    let off = || "off".to_owned();
    [
        // Every statement is a look-up or a range in the order of an index. Just after a first load, without statistics, the
        // planner would rather read and sort whole tables.
        ("enable_seqscan", off()),
        ("enable_bitmapscan", off()),
        ("enable_hashjoin", off()),
        ("enable_mergejoin", off()),
        ("max_parallel_workers_per_gather", "0".into()),
        ("plan_cache_mode", "force_generic_plan".into()),
        ("jit", off()),
        // The server notices a machine that vanished, and gives its locks to others.
        ("tcp_keepalives_idle", idle.to_string()),
        ("tcp_keepalives_interval", interval.to_string()),
        ("tcp_keepalives_count", "3".into()),
        ("client_connection_check_interval", "10s".into()),
        ("idle_in_transaction_session_timeout", format!("{}s", limits::IDLE_WITH_LOCK)),
        ("default_transaction_isolation", "read committed".into()),
    ]
}

/// Sets a session.
pub(crate) async fn prepare(c: &mut PgConnection) -> sqlx::Result<()> {
    let (names, values): (Vec<&str>, Vec<String>) = settings().into_iter().unzip();
    let sql = "SELECT count(set_config(s.name, s.value, false)) FROM unnest($1::text[], $2::text[]) s(name, value)
        WHERE s.name IN (SELECT name FROM pg_settings)";
    sqlx::query_scalar::<_, i64>(sql).bind(names).bind(values).persistent(false).fetch_one(c).await?;
    Ok(())
}

/// A pool without a connection yet: each is opened when it is needed.
pub(crate) fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(limits::CONNECTIONS)
        .acquire_timeout(limits::CONNECT)
        .test_before_acquire(false)
        .after_connect(|c, _| Box::pin(prepare(c)))
        .connect_lazy_with(options)
}

/// Opens one connection outside any pool, so that a refusal keeps its reason.
pub(crate) async fn connect(options: &PgConnectOptions) -> CallResult<PgConnection> {
    use sqlx::ConnectOptions;
    let mut c = crate::call::bounded(limits::CONNECT, options.connect()).await?;
    crate::call::statement(prepare(&mut c)).await?;
    Ok(c)
}
