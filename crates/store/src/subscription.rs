//! Subscriptions: who wants to be told what, how far each was told, and the events that were numbered for it.
//!
//! This room keeps rows and knows nothing of FHIR: a content is a text, a type is its name. Writes of a client and changes of status are
//! parts of a [`Unit`](crate::Unit), beside their audit event. Progress is written in transactions of its own, and each of them says what
//! it expects: of two nodes that both believe to deliver, one loses, and looks again.

use crate::{Error, Result};
use annuaire_base::Tx;
use async_trait::async_trait;

/// Where a subscription is in its life (R4 `subscription-status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubscriptionStatus {
    /// It waits for its handshake.
    Requested,
    /// Events are delivered.
    Active,
    /// The receiver failed for too long: events are numbered and kept, and not delivered.
    Error,
    /// It ended: nothing is numbered any more.
    Off,
}

impl SubscriptionStatus {
    /// All, in the order of their numbers in databases.
    pub const ALL: [Self; 4] = [Self::Requested, Self::Active, Self::Error, Self::Off];

    /// The code of FHIR.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Error => "error",
            Self::Off => "off",
        }
    }

    /// The number in databases.
    #[must_use]
    pub const fn number(self) -> i16 {
        match self {
            Self::Requested => 0,
            Self::Active => 1,
            Self::Error => 2,
            Self::Off => 3,
        }
    }

    /// Reads [`number`](Self::number) back; `None` for a number that no status has.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| i64::from(status.number()) == number)
    }
}

/// How far a subscription was told. Instants are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionProgress {
    /// All transactions up to this one were looked at, and their events are stored.
    pub watermark: Tx,
    /// Events numbered so far: their numbers are 1 to this one.
    pub events: u64,
    /// Events that the receiver acknowledged, in their order.
    pub delivered: u64,
    /// Events to be sent once more, from this number to the next one's; 0 when none is asked for.
    pub resend_next: u64,
    /// Last number to be sent once more.
    pub resend_last: u64,
    /// Attempts that failed since the last one that succeeded.
    pub attempts: u32,
    /// No attempt before this instant.
    pub due_ms: i64,
    /// When something was last acknowledged.
    pub sent_ms: i64,
    /// Why the last attempt failed; no secret, no content.
    pub error: Option<String>,
}

/// A subscription without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionHead {
    /// Its id, unique and never given again.
    pub id: String,
    /// Pseudonym of the key whose holder made it.
    pub owner: String,
    /// Name of the perimeter that it may be told of.
    pub perimeter: String,
    /// Number of its version, from 1: raised by each update and by each change of status.
    pub version: u64,
    /// Where it is in its life.
    pub status: SubscriptionStatus,
    /// When that version was written.
    pub changed_ms: i64,
    /// When it ends, if it does.
    pub end_ms: Option<i64>,
    /// How far it was told.
    pub progress: SubscriptionProgress,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// All but its content.
    pub head: SubscriptionHead,
    /// Topic, filters, channel: a text that this room does not read. Secrets in it are sealed by who writes it.
    pub content: String,
}

/// What an event tells of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It is new, or came back.
    Created,
    /// It has another version.
    Updated,
    /// It left.
    Removed,
}

impl EventKind {
    /// The number in databases.
    #[must_use]
    pub const fn number(self) -> i16 {
        match self {
            Self::Created => 0,
            Self::Updated => 1,
            Self::Removed => 2,
        }
    }

    /// Reads [`number`](Self::number) back; `None` for a number that no kind has.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        [Self::Created, Self::Updated, Self::Removed].into_iter().find(|kind| i64::from(kind.number()) == number)
    }
}

/// An event of a subscription. Its number is its place: the first is 1, and none is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionEvent {
    /// Its number, from 1.
    pub number: u64,
    /// Transaction that changed the resource.
    pub tx: Tx,
    /// Instant of that transaction, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What happened.
    pub kind: EventKind,
    /// Type of the resource.
    pub ty: String,
    /// Its id.
    pub id: String,
    /// Number of its version after the change.
    pub version: u32,
}

/// Events to be stored for one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvents {
    /// The subscription.
    pub subscription: String,
    /// Events that it had when these were made: the first of these has the next number.
    pub before: u64,
    /// The events, numbered without a gap.
    pub events: Vec<SubscriptionEvent>,
}

/// A write that a unit makes. Each expects the version that its caller read, and otherwise fails with [`Error::SubscriptionChanged`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionWrite {
    /// A new subscription.
    Create(SubscriptionRow),
    /// Another content or status: version, status, instants and content are those of the row. Of the progress, what concerns attempts and
    /// repetitions is replaced, and the watermark when it is later; numbers of events stay.
    Update {
        /// The subscription from now on.
        row: SubscriptionRow,
        /// Version that it replaces.
        expect: u64,
    },
    /// Removes it with its events.
    Remove {
        /// The subscription.
        id: String,
        /// Version that is removed.
        expect: u64,
    },
}

/// What an attempt to deliver changed. It expects the version and the number of events that were acknowledged before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryNote {
    /// The subscription.
    pub id: String,
    /// Version of the subscription for which the attempt was made.
    pub version: u64,
    /// What `delivered` was before.
    pub delivered_before: u64,
    /// What `resend_next` was before.
    pub resend_before: u64,
    /// `delivered`, `resend_…`, `attempts`, `due_ms`, `sent_ms` and `error` from now on; the rest is not looked at.
    pub progress: SubscriptionProgress,
}

/// Subscriptions of a registry, for those who read, number and deliver. Every call may fail with the errors of the database.
#[async_trait]
pub trait SubscriptionStore: Send + Sync {
    /// A subscription.
    async fn subscription(&self, id: &str) -> Result<Option<SubscriptionRow>>;

    /// Subscriptions without their contents, by id: the first `limit` that follow `after`, of one owner or of all.
    async fn subscription_heads(&self, owner: Option<&str>, after: &str, limit: u32) -> Result<Vec<SubscriptionHead>>;

    /// Events of a subscription with numbers from `first` to `last`, both included, in order, at most `limit`.
    async fn subscription_events(&self, id: &str, first: u64, last: u64, limit: u32) -> Result<Vec<SubscriptionEvent>>;

    /// Stores events, all in one transaction of the database, and then raises the watermark of the subscriptions `done`. A subscription
    /// that has another number of events than expected, or is gone, gets none of its events and no watermark; the answer names it.
    async fn store_events(&self, new: &[NewEvents], done: &[String], watermark: Tx) -> Result<Vec<String>>;

    /// Writes how far a receiver was told; false, and nothing written, when the subscription is not what was expected.
    async fn note_delivery(&self, note: &DeliveryNote) -> Result<bool>;

    /// Takes or keeps the lease `name` until `until_ms`; false while another holder has it.
    async fn take_lease(&self, name: &str, holder: &str, now_ms: i64, until_ms: i64) -> Result<bool>;

    /// Ends a lease of this holder, so that another one need not wait.
    async fn end_lease(&self, name: &str, holder: &str) -> Result<()>;
}

/// Checks that new events are numbered from `before` on, without a gap; for backends.
///
/// # Errors
/// [`Error::Rejected`].
pub fn check_numbers(new: &[NewEvents]) -> Result<()> {
    let right = |of: &NewEvents| (of.before + 1..).zip(&of.events).all(|(number, event)| event.number == number);
    match new.iter().find(|of| !right(of)) {
        None => Ok(()),
        Some(of) => Err(Error::Rejected(format!("events of {} are not numbered from {} on", of.subscription, of.before + 1))),
    }
}
