//! Registry and change log: traits and types.
//!
//! A **fact** is what one *owner* says of one *facet* of one *entity* (a person, a structure…), as JSON. A file says all it says of an
//! entity as one fact; an authority, a structure or a person may own one situation, one practice, the civil status, a contact.
//! Owners are rows: a fact of a stranger is refused. Each version of a fact belongs to one **transaction** of one ordered
//! **log**, and the state at any transaction is the last version of each fact up to it.
//!
//! A transaction is one business event: a delivery with all its files, a registration. It is written through a [`Unit`]: read, put
//! (on condition that nobody changed the fact meanwhile), note jobs and audit events, save with a [`Cause`]. Number and
//! instant are taken in the save. A delivery of millions of facts goes through a [`Stage`] first, so that a registration never
//! waits for a file.
//!
//! Beside the log, in the same database transactions: **notes** (texts that are never published), **jobs** with due time and
//! attempts (work, and the outbox), the **audit trail**, **subscriptions** with their numbered events,
//! **rows of identity** (clients, sessions, means), **cases** (rows that lists find).
//!
//! This room holds no SQL. A backend implements [`Registry`], [`Unit`] and [`Stage`] (helpers: [`backend`], [`chunk`], [`proof`], [`columns`]) and passes
//! the suite of the crate `store-suite`, which compares random histories with a naive model. Tasks call the traits; ordinary threads call
//! [`BlockingRegistry`].
//!
//! ```
//! use annuaire_base::fact::{FactKey, Publication};
//! use annuaire_store::{Cause, Change, Channel, CommitClock, Expect, Registry, Result};
//!
//! /// Records the name of a structure; the number of the transaction is absent when nothing changed.
//! async fn name(registry: &dyn Registry, now_ms: i64) -> Result<Option<annuaire_base::Tx>> {
//!     let mut unit = registry.begin().await?;
//!     let key = FactKey { owner: "finess-eg".into(), entity: "ST:F990000019".into(), facet: String::new() };
//!     let payload = Some(r#"{"objet":"structure","nom":"CLINIQUE D’ESSAI"}"#.into());
//!     unit.put(Change { key, payload, publication: Publication::Open, fingerprint: 0 }, Expect::Any).await?;
//!     let cause = Cause::new(Channel::Operator, "operator", "a correction");
//!     Ok(unit.save(&cause, CommitClock { now_ms: &move || now_ms, any_clock: false }).await?.tx)
//! }
//! ```

mod audit;
pub mod backend;
mod blocking;
pub mod case;
pub mod chunk;
pub mod columns;
mod entropy;
mod error;
mod fact;
pub mod identity;
mod job;
pub mod limits;
mod log;
mod owner;
pub mod proof;
mod registry;
pub mod subscription;
mod unit;

pub use audit::{AuditEvent, AuditFilter, AuditRow};
pub use blocking::{BlockingRegistry, BlockingStage, BlockingUnit};
pub use case::{CaseCondition, CaseFilter, CaseListing, CaseOrder, CaseStore, ListedCase};
pub use entropy::Entropy;
pub use error::{Error, Result};
pub use fact::{Change, ChangeCounts, CommitOutcome, Expect, FactMark};
pub use identity::{IdentityRow, IdentityStore, IdentityWrite};
pub use job::{Job, NewJob, Queue, back_off_ms};
pub use log::{Cause, Channel, CommitClock, Transaction, commit_time};
pub use owner::OwnerRow;
pub use registry::Registry;
pub use unit::{SealedStage, Stage, Unit};
