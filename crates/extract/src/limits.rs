//! Limits of this room.

/// Bytes of memory in which lines are sorted unless the caller says otherwise; what does not fit goes to temporary files.
pub const SORT_BYTES: usize = 256 << 20;
/// Facts of a page of the registry.
pub const PAGE: u32 = 4_000;
/// Entities of one look-up.
pub const LOOK_UP: usize = 1_000;
/// Changes between two states up to which the log is followed. Beyond, both states are read whole.
pub const NEAR_CHANGES: u64 = 20_000;
/// Transactions between two states up to which the log is followed.
pub const NEAR_TRANSACTIONS: u64 = 5_000;
/// Entities whose lines are made again when the log is followed: those that changed, and those whose lines name a structure that
/// did. Beyond, both states are read whole.
pub const NEAR_ENTITIES: usize = 60_000;
/// Bytes of a member from which an archive needs the wider form of its lengths.
pub const WIDE_MEMBER: u64 = 3 << 30;
/// Transactions read at a time.
pub const TRANSACTIONS: u32 = 500;
/// Unreadable lines of a delivery that are told one by one; those beyond are counted.
pub const TOLD_LINES: usize = 20;
/// Unreadable lines of one file beyond which deliveries are not compared.
pub const UNREADABLE_LINES: u64 = 20_000;
/// Reasons for which entities are left out that are told one by one.
pub const TOLD_FAULTS: usize = 20;
