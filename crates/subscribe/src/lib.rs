//! Subscriptions: topics, matching, numbering, notifications, delivery (R5 topics backported to R4; interop §7).
//!
//! A client makes a subscription ([`SubscriptionService`]); the [`Engine`] of one node derives its events from the publication store, numbers and
//! stores them, and gives what is to be sent; a [`Transport`] sends it.
//!
//! | Rule | Where |
//! |---|---|
//! | events are stored before they are sent; a crash loses none (SUB-20) | `engine` |
//! | the next notification waits for the 2xx of the one before (SUB-21) | `engine`: one delivery of a subscription at a time |
//! | `$events` answers from the first event on (SUB-22) | `service` |
//! | signatures, two keys during a rotation (SUB-23) | `sign` |
//! | the new or the old version matches (SUB-24) | `matcher` |
//! | a slow receiver delays nobody (SUB-25) | `engine`: places for suspects are few |
//! | receivers are of the internet (SUB-7) | `address`, `http` |
//!
//! # What it never does
//!
//! It reads no clock and no environment, starts no thread, serves no HTTP. No error, audit event or `Debug` form of it shows a header of a channel, a
//! signing key or a path of an endpoint. It decides nothing about who may read what: events are made of the store of the perimeter whose door the
//! subscription was made at, and of nothing else.

mod address;
mod bundle;
mod change;
mod counts;
mod criteria;
mod engine;
mod error;
mod http;
pub mod limits;
mod matcher;
mod part;
mod resource;
mod service;
mod sign;
mod topic;
mod transport;

/// Purpose of the [`Sealer`] of subscriptions. What is stored opens with this text only: it never changes.
pub const SEAL_PURPOSE: &str = "annuaire 2026-11 secrets of subscriptions";

pub use address::AddressRules;
pub use annuaire_seal::Sealer;
pub use counts::EngineCounts;
pub use engine::{DeliveryKind, DueNotification, Engine, EnginePerimeter, EngineSettings, Step};
pub use error::{Error, RefusalKind, Result, ServiceError};
pub use http::HttpTransport;
pub use matcher::CompileQuery;
pub use resource::{PROFILE, PayloadContent, ROTATE};
pub use service::{Caller, ShownSubscription, SubscriptionService};
pub use sign::signature;
pub use topic::{TOPIC_BASE, TOPICS, Topic, Trigger};
pub use transport::{Notification, Transport};

#[cfg(test)]
mod tests {
    use super::*;

    /// What an earlier version stored; computed with other implementations of BLAKE3 and AES-GCM-SIV.
    #[test]
    fn what_was_sealed_before_still_opens() {
        let sealer = Sealer::new(&[1; 32], SEAL_PURPOSE);
        let stored = "CQkJCQkJCQkJCQkJxaDkhxOsMTugY62YWHmkmCpXvAuaHg==";
        assert_eq!(sealer.open("a", stored).as_deref().map(String::as_str), Some("secret"));
        assert_eq!(sealer.seal("a", "secret", [9; 12]).as_deref(), Some(stored));
    }
}
