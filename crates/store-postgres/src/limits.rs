//! How long a server may stay silent, and how much is asked of it at a time. Beyond these times a call fails, its connection is
//! closed, and the next call opens another one.

use std::time::Duration;

/// Connections of one process, one of which listens to commits. A server has a hundred for all processes unless its operator
/// says otherwise.
pub const CONNECTIONS: u32 = 12;
/// Time to open a connection, TLS and password included, or to wait for a free one.
pub const CONNECT: Duration = Duration::from_secs(10);
/// Time to answer a ping, which tells whether a connection lives.
pub const PING: Duration = Duration::from_secs(5);
/// Time to answer a statement on a page of facts or a batch of changes.
pub const STATEMENT: Duration = Duration::from_secs(120);
/// Time to grant the lock of the counter. Whoever holds it saves: milliseconds, seconds for a withdrawal with a long past.
/// Migrating a country takes minutes.
pub const TURN: Duration = Duration::from_secs(600);
/// Time to make a commit durable; with a synchronous standby, there too.
pub const COMMIT: Duration = Duration::from_secs(300);
/// Time to find out whether a commit stands whose answer was lost: a standby takes over within less.
pub const ANSWER: Duration = Duration::from_secs(60);
/// Pause between two attempts to find out.
pub const ANSWER_PAUSE: Duration = Duration::from_millis(500);
/// Time to compare the whole log with its index, and to bring tables of an earlier version forward.
pub const WHOLE: Duration = Duration::from_secs(4 * 3600);

/// How often a listener looks at the end of the log itself: a connection can die without a word.
pub const LISTEN_CHECK: Duration = Duration::from_secs(5);
/// How often it looks while it has no connection that listens.
pub const LISTEN_POLL: Duration = Duration::from_millis(500);

/// Seconds after which the server ends a unit that took its number and does nothing: everybody else waits for it.
pub const IDLE_WITH_LOCK: u32 = 120;
/// Seconds of silence after which a server asks whether the other side still lives, and seconds between three such questions: a
/// machine that vanished gives its locks back after a minute.
pub const KEEPALIVE: (u32, u32) = (30, 10);

/// Puts of a stage that are looked up and written by one short transaction of the database.
pub const STAGE_BATCH: usize = 4_096;
/// Rows of the index of versions read at a time.
pub const VERSION_PAGE: u32 = 8_192;
/// Chunks read at a time: a few megabytes.
pub const CHUNK_PAGE: usize = 256;
