//! Every limit and every time of the provider (identity.md §1.5, §1.9, §1.10). Times are milliseconds unless their name says otherwise.

/// An authorization code is good for this long.
pub const CODE_MS: i64 = 60_000;
/// A used code is remembered for this long, so that its second use ends what the first one gave.
pub const USED_CODE_MS: i64 = 4 * 3_600_000;
/// An access token is good for this long, in seconds.
pub const ACCESS_S: i64 = 120;
/// An ID token is good for this long, in seconds.
pub const ID_TOKEN_S: i64 = 120;
/// A logout token is good for this long, in seconds.
pub const LOGOUT_TOKEN_S: i64 = 120;
/// A refresh token is good for this long after its last use, never past its session.
pub const REFRESH_MS: i64 = 30 * 60_000;
/// The former refresh token is accepted for this long after a rotation: an answer may get lost.
pub const REFRESH_GRACE_MS: i64 = 10_000;
/// A session ends after this long, whatever happens.
pub const SESSION_MS: i64 = 4 * 3_600_000;
/// A session ends after this long without use.
pub const IDLE_MS: i64 = 30 * 60_000;
/// The use of a session is noted at most this often.
pub const TOUCH_MS: i64 = 60_000;
/// A login may take this long.
pub const LOGIN_MS: i64 = 10 * 60_000;
/// A pushed request is good for this long, in seconds.
pub const PUSHED_S: i64 = 90;
/// A CIBA request is good for this long, in seconds.
pub const CIBA_S: i64 = 120;
/// Least seconds between two polls of a CIBA request.
pub const CIBA_INTERVAL_S: i64 = 5;
/// CIBA requests for one person in [`CIBA_WINDOW_MS`].
pub const CIBA_PER_PERSON: usize = 5;
/// The window of [`CIBA_PER_PERSON`].
pub const CIBA_WINDOW_MS: i64 = 10 * 60_000;
/// An assertion of a client may be good for this long ahead, in seconds.
pub const ASSERTION_S: i64 = 300;
/// A ticket of the card host is good for this long.
pub const TICKET_MS: i64 = 30_000;
/// A logout by back channel is tried this often after its first attempt.
pub const LOGOUT_RETRIES: u32 = 3;
/// Wait before the second attempt of a logout by back channel; it doubles.
pub const LOGOUT_RETRY_MS: i64 = 2_000;
/// Time for one logout by back channel.
pub const LOGOUT_ANSWER_MS: u64 = 5_000;
/// A caller who took a logout has this long to end it.
pub const LOGOUT_LEASE_MS: i64 = 30_000;

/// Signing keys: a new one is shown for this long before it signs.
pub const KEY_ANNOUNCE_MS: i64 = 24 * 3_600_000;
/// Signing keys: one signs for this long.
pub const KEY_LIFE_MS: i64 = 90 * 24 * 3_600_000;
/// Signing keys: one that signs no more is shown for this long. Longer than any token and any session.
pub const KEY_KEEP_MS: i64 = 24 * 3_600_000;
/// The keys that a node holds are read again after this long.
pub const KEY_READ_MS: i64 = 60_000;

/// People who are kept in memory until the log goes on.
pub const PEOPLE: usize = 20_000;
/// Longest body of a request, in bytes.
pub const BODY_BYTES: usize = 64 << 10;
/// Longest value of a parameter, in bytes.
pub const PARAMETER_BYTES: usize = 4 << 10;
/// Most parameters of a request.
pub const PARAMETERS: usize = 64;
/// National identifiers of one person that are looked at.
pub const NAMES_OF_PERSON: u32 = 16;
/// Most relying parties of a session.
pub const CLIENTS_OF_SESSION: usize = 64;
/// Rows that are removed together when they are over.
pub const SWEEP: u32 = 1_000;
/// Attempts to write a row that others write too.
pub const WRITE_ATTEMPTS: u32 = 8;
