//! How long a server may stay silent. Beyond these times the call fails, and the next one opens a new connection.

use std::time::Duration;

/// Time to accept a connection, TLS and password included.
pub const CONNECT: Duration = Duration::from_secs(10);
/// Time to answer a ping, which tells whether a connection lives.
pub const PING: Duration = Duration::from_secs(5);
/// Time to answer a statement on a page of objects or a batch of changes.
pub const STATEMENT: Duration = Duration::from_secs(120);
/// Time to grant the lock of the writer, which another import may hold: the first load of a country takes minutes.
pub const TURN: Duration = Duration::from_secs(600);
/// Time to make a commit durable.
pub const COMMIT: Duration = Duration::from_secs(300);
/// Time to compare the whole log with the whole state.
pub const VERIFY: Duration = Duration::from_secs(4 * 3600);
