//! States of the registry by number or instant.

use crate::error::Error;
use annuaire_base::date::{iso_day, paris_stamp};
use annuaire_base::{Tx, date};
use annuaire_store::{BlockingRegistry, Transaction};

/// A state of the registry: that just after a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryState {
    /// The transaction.
    pub tx: Tx,
    /// When it was committed: milliseconds since 1970 UTC. All dates of an extraction are taken from it.
    pub commit_ms: i64,
}

impl RegistryState {
    /// The last state.
    ///
    /// # Errors
    /// When the registry is empty or cannot be read.
    pub fn last(registry: &BlockingRegistry) -> Result<Self, Error> {
        let last = registry.last_tx()?;
        if last == Tx::NONE {
            return Err(Error::NoState("the registry is empty: import a delivery first".into()));
        }
        Self::at(registry, last)
    }

    /// The state just after this transaction.
    ///
    /// # Errors
    /// When there is no such transaction.
    pub fn at(registry: &BlockingRegistry, tx: Tx) -> Result<Self, Error> {
        let found = registry.transactions(tx.previous(), 1)?.into_iter().find(|t| t.tx == tx && tx != Tx::NONE);
        let Some(Transaction { tx, commit_ms, .. }) = found else {
            let last = registry.last_tx()?;
            return Err(Error::NoState(format!("there is no transaction {tx}: the log ends at {last}")));
        };
        Ok(Self { tx, commit_ms })
    }

    /// The state at a moment as an operator names it: the number of a transaction, or a FHIR date or dateTime, of which the last
    /// millisecond counts: `2026-11-24` is that evening in Paris. Cost of an instant: twenty small reads.
    ///
    /// # Errors
    /// When the text is neither, or nothing was committed by then.
    pub fn named(registry: &BlockingRegistry, text: &str) -> Result<Self, Error> {
        // Four digits are a year to FHIR and a transaction here: years have a month.
        if let Ok(number) = text.parse() {
            return Self::at(registry, Tx::new(number));
        }
        let Some((_, last_ms)) = date::parse_instant(text) else {
            let help = "name a transaction (12) or an instant (2026-11-24, 2026-11-24T08:00:00)";
            return Err(Error::NoState(format!("{text:?} is no transaction and no instant: {help}")));
        };
        let (mut low, mut high) = (0, registry.last_tx()?.get());
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if Self::at(registry, Tx::new(middle))?.commit_ms <= last_ms { low = middle } else { high = middle - 1 }
        }
        if low == 0 {
            return Err(Error::NoState(format!("nothing was committed by {text}: name a later instant")));
        }
        Self::at(registry, Tx::new(low))
    }

    /// The stamp of members: the minute of the commit in Paris, 12 digits.
    #[must_use]
    pub fn stamp(self) -> String {
        paris_stamp(self.commit_ms)
    }

    /// The stamp of archives: a minute after that of their members (source-files §2.1).
    #[must_use]
    pub fn archive_stamp(self) -> String {
        paris_stamp(self.commit_ms.saturating_add(60_000))
    }

    /// First line of FINESS files: a counter, which is the number of the transaction, and the day.
    pub(crate) fn finess_line(self) -> String {
        format!("finess;etalab;{};{}", self.tx, iso_day(self.commit_ms))
    }
}
