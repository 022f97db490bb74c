//! Every limit and every time of this room (identity.md §4.2, §4.4, §5). Times are milliseconds unless their name says otherwise.

/// A login may take this long from its beginning to the answer of the provider.
pub const LOGIN_MS: i64 = 10 * 60_000;
/// A session of a person who logged in with civil traits ends after this long, used or not: its traits are gone then.
pub const SESSION_MS: i64 = 30 * 60_000;
/// The cookie that binds logins and logouts to a browser lives this long: longer than any login and any session.
pub const BROWSER_MS: i64 = 60 * 60_000;
/// Metadata and keys of a provider are asked anew after this long.
pub const KNOWN_MS: i64 = 24 * 3_600_000;
/// Keys are asked anew for an unknown name of a key at most this often.
pub const REFRESH_MS: i64 = 60_000;
/// A provider that could not be asked is left alone for this long.
pub const FAILED_MS: i64 = 5_000;
/// Seconds by which the clock of a provider may differ.
pub const LEEWAY_S: i64 = 30;
/// An ID token was made at most this many seconds ago: it travels at once.
pub const ID_TOKEN_AGE_S: i64 = 300;
/// A logout token was made at most this many seconds ago (identity.md §5, 8).
pub const LOGOUT_TOKEN_AGE_S: i64 = 300;
/// Longest `sub`, `sid` or `jti`, in bytes.
pub const NAME_BYTES: usize = 255;
/// Sessions that are read together when a provider tells a logout.
pub const SESSION_PAGE: u32 = 500;
/// Time for one call of a provider. Its code is good for thirty seconds, and a login needs three calls.
pub const CALL_MS: u64 = 8_000;
/// Longest answer of a provider, in bytes.
pub const ANSWER_BYTES: usize = 256 << 10;
/// Longest query of a callback, in bytes.
pub const QUERY_BYTES: usize = 8 << 10;
/// Most parameters of a callback.
pub const PARAMETERS: usize = 32;
/// Longest code, token or address that a provider may name, in bytes.
pub const HANDLE_BYTES: usize = 16 << 10;
/// Longest path of a page to which a login returns, in bytes.
pub const PAGE_BYTES: usize = 512;
/// Longest civil trait, in bytes.
pub const TRAIT_BYTES: usize = 512;
/// Most first names of a person.
pub const FIRST_NAMES: usize = 32;
/// Longest form of a page, in bytes.
pub const BODY_BYTES: usize = 64 << 10;
/// Rows that are removed together when they are over.
pub const SWEEP: u32 = 1_000;
/// Attempts to write a row that others write too.
pub const WRITE_ATTEMPTS: u32 = 4;

/// Stand-in: a code is good for this long.
pub const STAND_IN_CODE_MS: i64 = 30_000;
/// Stand-in: an access token, an ID token and a UserInfo are good for this long, in seconds.
pub const STAND_IN_TOKEN_S: i64 = 60;
/// Stand-in: a session is good for this long.
pub const STAND_IN_SESSION_MS: i64 = 30 * 60_000;
/// Stand-in: fewest characters of a nonce.
pub const STAND_IN_NONCE: usize = 22;
