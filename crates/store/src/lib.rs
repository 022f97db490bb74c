//! Registry and change log: traits and types.
//!
//! An **object** is what one *source* knows of one *entity* (a person, a structure…), as JSON. Each change of an object is a
//! row of one ordered **log**; the row names the transaction of the version before it, and the current state is a pointer to
//! the last row. The state at any transaction is therefore found by point look-ups, without an index over the log.
//!
//! A **transaction** is one business event: a delivery with all its files, later a registration. It is written through a
//! [`Unit`], whole or not at all. Beside the log stand **notes**, texts that are written in the same transactions and are never
//! published: the record of each delivery, lines in quarantine.
//!
//! This room holds no SQL. A backend implements [`Registry`] and [`Unit`] (helpers: [`backend`], [`columns`]) and passes the suite of the
//! crate `store-suite`, which compares random histories with a naive model. A caller writes like this:
//!
//! ```
//! use annuaire_store::{Cause, Change, Registry, Result};
//!
//! /// Records the name of a structure; the number of the transaction is absent when nothing changed.
//! fn name(registry: &mut dyn Registry, now_ms: i64) -> Result<Option<annuaire_base::Tx>> {
//!     let cause = Cause { author: "operator", reason: "a correction", now_ms: &|| now_ms, any_clock: false };
//!     let outcome = registry.commit(cause, &mut |unit| {
//!         unit.put(Change {
//!             entity: "ST:F990000019".into(),
//!             source: "finess-eg".into(),
//!             payload: Some(r#"{"objet":"structure","nom":"CLINIQUE D’ESSAI"}"#.into()),
//!             digest: 0,
//!         })
//!     })?;
//!     Ok(outcome.tx)
//! }
//! ```

pub mod backend;
pub mod columns;
mod error;
pub mod limits;
mod log;
mod object;
mod registry;

pub use error::{Error, Result};
pub use log::{Cause, Transaction, commit_time};
pub use object::{Change, CommitOutcome, Object, ObjectMark};
pub use registry::{Registry, Unit};
