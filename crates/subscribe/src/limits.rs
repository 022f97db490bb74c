//! Limits of this room.

use std::time::Duration;

/// Identifiers or ids of one watch list.
pub const WATCHED: usize = 10_000;
/// Identifiers and ids of all watch lists of one owner.
pub const WATCHED_OF_OWNER: usize = 100_000;
/// Subscriptions of one owner.
pub const OF_OWNER: usize = 50;
/// Filters of one subscription.
pub const FILTERS: usize = 10;
/// Bytes of a subscription as it is sent: a full watch list is about half of it.
pub const SUBSCRIPTION_BYTES: usize = 1 << 20;
/// Headers of a channel, and bytes of one.
pub const HEADERS: usize = 10;
/// Bytes of one header.
pub const HEADER_BYTES: usize = 4_096;
/// Bytes of the address of a receiver.
pub const ENDPOINT_BYTES: usize = 2_048;
/// Events of one notification, when the subscription names no other number.
pub const BATCH: u32 = 100;
/// Most events of one notification.
pub const BATCH_MOST: u32 = 1_000;
/// Events of one answer of `$events`; its last number tells where the next question begins.
pub const EVENTS: u32 = 1_000;
/// Time that a receiver has for its answer, when the subscription names no other.
pub const ANSWER: Duration = Duration::from_secs(15);
/// Longest time that a subscription may name.
pub const ANSWER_MOST: Duration = Duration::from_secs(60);
/// Shortest heartbeat, in seconds.
pub const HEARTBEAT_LEAST: u64 = 60;
/// Bytes of the answer of a receiver that are read; the rest is not waited for.
pub const ANSWER_BYTES: u64 = 4_096;
/// Waits after a failure (interop §7.2), in milliseconds: after the last one the subscription is in error.
pub const RETRY_MS: [i64; 6] = [60_000, 300_000, 1_800_000, 7_200_000, 28_800_000, 86_400_000];
/// How long both signing keys sign after a rotation, in milliseconds.
pub const BOTH_KEYS_MS: i64 = 86_400_000;
/// Deliveries under way at once.
pub const DELIVERIES: usize = 32;
/// Of these, deliveries to receivers whose last attempt failed, or that were never reached: a hanging receiver takes no place of a healthy one for
/// a second time.
pub const SUSPECTS: usize = 8;
/// Deliveries of one owner under way at once.
pub const DELIVERIES_OF_OWNER: usize = 4;
/// How long a node that delivers is believed alive, in milliseconds.
pub const LEASE_MS: i64 = 60_000;
/// Changed versions that are looked at together: bounds the memory of a large transaction.
pub const CHANGES_TOGETHER: usize = 8_192;
/// Transactions after which the watermark of a subscription is written though it got no event.
pub const WATERMARK_LAG: u64 = 256;
/// Subscriptions read together.
pub const HEADS_TOGETHER: u32 = 1_000;
