//! Limits of a mirror, in one place. What an origin sends beyond a limit is refused with a message that names it.

use std::time::Duration;

/// Bytes of a page, a manifest or a resource as they come, and once decompressed.
pub const BODY_BYTES: u64 = 64 << 20;
/// Bytes of a FHIR resource, as compact JSON.
pub const RESOURCE_BYTES: usize = 1 << 20;
/// Entries of one page.
pub const PAGE_ENTRIES: usize = 100_000;
/// Bytes of a line of a published file.
pub const LINE_BYTES: usize = 4 << 20;
/// Bytes of a published file as it comes, when its manifest gives no size.
pub const FILE_BYTES: u64 = 64 << 30;
/// Bytes of a published file once decompressed, when its manifest gives no size.
pub const DECODED_BYTES: u64 = 256 << 30;
/// Items of one page of a manifest of published files.
pub const MANIFEST_ITEMS: usize = 100_000;
/// Pages of a chain of manifests that are followed in one run.
pub const MANIFEST_PAGES: usize = 100_000;
/// Pages of one walk.
pub const WALK_PAGES: u64 = 5_000_000;
/// Pages of one walk that repeat the entries of an earlier one, before the walk is given up as a circle.
pub const REPEATED_PAGES: u32 = 20;
/// Times that a walk begins again because its next link is not served any more, before the run fails.
pub const RESTARTS: u32 = 5;
/// Types of resources that one mirror keeps.
pub const TYPES: usize = 200;
/// Characters of an origin's text that a message repeats.
pub const SHOWN_CHARS: usize = 200;
/// Bytes of memory in which changes are sorted before they go through disk.
pub const SORT_BYTES: usize = 256 << 20;
/// Bytes of one segment of the index of keys.
pub const INDEX_SEGMENT_BYTES: u64 = 1 << 20;
/// Bytes of one file of a mirror kept as files.
pub const FILE_SEGMENT_BYTES: u64 = 16 << 20;
/// Bytes of a file that is handed to a registry; several are made of more.
pub const FEED_FILE_BYTES: u64 = 1 << 30;
/// Reads of single resources that one reconciliation makes; what is left waits for the next run.
pub const READS: usize = 2_000;
/// Rounds of catching up that one run makes; what comes after them waits for the next run.
pub const CATCH_UPS: u32 = 10;
/// Attempts at a request before it fails.
pub const ATTEMPTS: u32 = 6;
/// Attempts at a request that is answered with 500: some servers answer so to what they will never accept.
pub const ATTEMPTS_500: u32 = 3;
/// First pause between two attempts; each later one is twice as long, up to [`PAUSE_MAX`].
pub const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two attempts that the origin did not ask for.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Longest `Retry-After` that a run waits for; beyond it the run ends with a message.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(15 * 60);
/// Time to open a connection.
pub const CONNECT: Duration = Duration::from_secs(20);
/// Time for the head of an answer: the national service gives up after 30 s itself.
pub const ANSWER: Duration = Duration::from_secs(75);
/// Time for the body of a page.
pub const BODY: Duration = Duration::from_secs(180);
/// Time for one part of a published file; what has come by then is kept, and the rest is asked for.
pub const FILE: Duration = Duration::from_secs(3600);
/// Bytes of rows that are sent to PostgreSQL at a time.
pub const COPY_BYTES: usize = 1 << 20;

/// Lines that are asked for at once when a log is copied.
pub const LOG_LINES: usize = 10_000;
/// Fewest lines that are asked for at once, behind a line that breaks.
pub const LOG_LINES_MIN: usize = 20;
/// How often as many lines are asked for when they break off on their way; then half of them. The fewest are asked for [`ATTEMPTS`] times.
pub const ATTEMPTS_OF_LINES: u32 = 2;
