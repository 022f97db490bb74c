//! Limits of the means on a phone. Those that nobody publishes are of identity §7.

/// One second, in milliseconds.
const SECOND: i64 = 1_000;
/// One minute, in milliseconds.
const MINUTE: i64 = 60 * SECOND;
/// One hour, in milliseconds.
const HOUR: i64 = 60 * MINUTE;
/// One day, in milliseconds.
const DAY: i64 = 24 * HOUR;

/// How long a request waits for its answer (identity §1.5, §2.4).
pub const PROMPT_MS: i64 = 120 * SECOND;
/// How long the outcome of a request is kept after it could still be answered (identity §2.7.3).
pub const OUTCOME_MS: i64 = 5 * MINUTE;
/// Requests of one pair of person and asker within [`ASK_WINDOW_MS`] (identity §1.10).
pub const ASKS: usize = 5;
/// The time in which requests are counted.
pub const ASK_WINDOW_MS: i64 = 10 * MINUTE;
/// Refusals in a row that block a pair.
pub const REFUSALS: u32 = 3;
/// How long a pair is blocked after [`REFUSALS`].
pub const REFUSED_BLOCK_MS: i64 = 30 * MINUTE;
/// How long a pair is blocked when the holder says that the request is not theirs.
pub const NOT_ASKED_BLOCK_MS: i64 = DAY;
/// How long a browser in which a person was approved counts as known.
pub const KNOWN_BROWSER_MS: i64 = 90 * DAY;
/// How long an application counts as known to a person after their last approval.
pub const KNOWN_CLIENT_MS: i64 = 365 * DAY;
/// How far the instant in a signed call may be from ours. The application corrects its clock by ours.
pub const PROOF_LEEWAY_MS: i64 = 2 * MINUTE;

/// How long the link of an activation may be opened (identity §7).
pub const LINK_MS: i64 = DAY;
/// Links to one person within [`LINK_WINDOW_MS`]. Beyond it, requests are answered and nothing is sent: whoever asked, the links are in the
/// mailbox of the person, who may use any of them.
pub const LINKS: usize = 3;
/// The time in which links are counted.
pub const LINK_WINDOW_MS: i64 = HOUR;
/// How long a QR code may be read (identity §2.2).
pub const QR_MS: i64 = 90 * SECOND;
/// How much longer the code before it is accepted: the time of a scan.
pub const QR_GRACE_MS: i64 = 10 * SECOND;
/// How long the six digits are valid (identity §2.7.2).
pub const CODE_MS: i64 = 10 * MINUTE;
/// How often wrong digits may be typed before the activation dies.
pub const CODE_TRIES: u32 = 5;
/// How long the PIN may be chosen, after the digits were right.
pub const PIN_CHOICE_MS: i64 = 10 * MINUTE;
/// Wrong PINs in a row that lock a means (identity §2.6).
pub const PIN_FAILURES: u32 = 5;
/// Digits of a PIN.
pub const PIN_DIGITS: usize = 6;
/// How long a browser may take to make a passkey or to use one.
pub const PASSKEY_CEREMONY_MS: i64 = 5 * MINUTE;
/// How long after the digits were right the phone of an activation may add its first passkey without its PIN, which was just chosen.
pub const FIRST_PASSKEY_MS: i64 = 2 * PIN_CHOICE_MS;
/// How old a login may be at the most for its session to add a passkey.
pub const RECENT_LOGIN_MS: i64 = 10 * MINUTE;
/// Phones of one person that may be in use (identity §7).
pub const DEVICES: usize = 5;
/// How long a means is valid: three years (identity §2.5).
pub const MEANS_MS: i64 = 3 * 365 * DAY;
/// How long the row of a means that ended is kept, for the list of its holder.
pub const ENDED_MEANS_MS: i64 = 365 * DAY;
/// How long a use is shown to the holder (identity §2.6).
pub const USE_MS: i64 = 365 * DAY;

/// Characters of a name of a phone, or of another text about it.
pub const NAME_CHARS: usize = 60;
/// Characters of the name and the origin of an application, as they are shown.
pub const SHOWN_CHARS: usize = 200;
/// Bytes of a national identifier: the longest forms carry an internal number of 30 characters or so (identity §1.7.3).
pub const NATIONAL_ID: usize = 64;
/// Other identifiers of one person that are looked at.
pub const OTHER_IDS: usize = 8;
/// Bytes of a call or a form.
pub const BODY: usize = 16 * 1_024;
/// Rows that one look-up reads.
pub const PAGE: u32 = 50;
/// How often an operation reads again when somebody else wrote its rows meanwhile.
pub const TRIES: u32 = 12;

/// Memory of the hash of a PIN, in KiB, and its passes: what OWASP advises for argon2id on a server.
pub const PIN_MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over that memory.
pub const PIN_PASSES: u32 = 2;
/// PINs that are hashed at once by one process.
pub const PIN_HASHES: usize = 2;

/// How long a worker may take to send a message before another one tries.
pub const SEND_LEASE_MS: i64 = 2 * MINUTE;
/// First wait after a message could not be sent; it doubles.
pub const SEND_FIRST_MS: i64 = 10 * SECOND;
/// Longest wait.
pub const SEND_LONGEST_MS: i64 = HOUR;
/// Attempts after which a message is given up: about a day.
pub const SEND_ATTEMPTS: u32 = 30;
/// Seconds that a mail server or a gateway has to answer.
pub const SEND_SECONDS: u64 = 20;
/// Seconds that a push service has to answer.
pub const PUSH_SECONDS: u64 = 4;
/// Wait before a notification that failed is tried again, while its request waits.
pub const PUSH_RETRY_MS: i64 = 10 * SECOND;
/// Seconds for which the signature of a notification is good (RFC 8292 allows a day).
pub const PUSH_TOKEN_S: i64 = 12 * 3_600;
/// Bytes of the address of a push service.
pub const PUSH_ENDPOINT_BYTES: usize = 1_024;
/// How long the mailbox of a demonstration keeps a message.
pub const LOCAL_MESSAGE_MS: i64 = DAY;
