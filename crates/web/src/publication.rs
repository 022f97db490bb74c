//! How far each publication store is behind the log: the thread that publishes reports it, the doors show it.

use annuaire_base::Tx;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::ClockUs;
use crate::limits;
use crate::position::StorePosition;

/// State of the publication of one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreState {
    /// `public` or `restricted`.
    pub store: &'static str,
    /// Last transaction of the log that the store has.
    pub applied_tx: Tx,
    /// Last transaction of the log; `None` when the log cannot be read.
    pub log_tx: Option<Tx>,
    /// Objects that could not be published: their last published form is still served.
    pub set_aside: u64,
    /// What publication waits for when it does not advance (a full map, a log that does not answer…), for the operator. It may
    /// name objects, so no door shows it.
    pub waiting: Option<String>,
    /// The store is of an earlier version of the program, or of another wish of the operator, and is being made again; it is served
    /// meanwhile.
    pub renewing: bool,
    /// Instant since which the store is behind or waits, in milliseconds since 1970 UTC.
    pub since_ms: i64,
}

impl StoreState {
    /// Health of the store at `now_ms`; `stopped` when nothing publishes any more.
    fn health(&self, now_ms: i64, stopped: bool) -> StoreHealth {
        let behind = self.log_tx.map(|last| last.since(self.applied_tx));
        let late_ms = now_ms.saturating_sub(self.since_ms).max(0);
        let ahead = self.log_tx.is_some_and(|last| last < self.applied_tx);
        let (status, reason) = if stopped {
            (PublicationStatus::Degraded, Some("publication has stopped: what is served gets older"))
        } else if ahead {
            (PublicationStatus::Degraded, Some("the store has transactions that its log has not"))
        } else if self.waiting.is_some() {
            (PublicationStatus::Degraded, Some("publication does not advance; the log of the server says what it waits for"))
        } else if self.renewing {
            (PublicationStatus::Behind, Some("the store is being made again; what is served stands still until then"))
        } else if self.set_aside > 0 {
            (PublicationStatus::Degraded, Some("some objects could not be published and stand as they were"))
        } else if behind.is_some_and(|n| n > 0) && late_ms > limits::BEHIND_MS {
            (PublicationStatus::Behind, Some("publication is behind its log for longer than usual"))
        } else {
            (PublicationStatus::Ok, None)
        };
        let level = behind == Some(0) && self.waiting.is_none();
        let seconds = if level { 0 } else { u64::try_from(late_ms / 1_000).unwrap_or(0) };
        StoreHealth { store: self.store, status, reason, behind, seconds, set_aside: self.set_aside }
    }
}

/// Summary of the health of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicationStatus {
    /// It follows the log.
    Ok,
    /// It has been behind for longer than [`limits::BEHIND_MS`].
    Behind,
    /// Publication has ended, does not advance, or left objects aside.
    Degraded,
}

impl PublicationStatus {
    /// Its name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Behind => "behind",
            Self::Degraded => "degraded",
        }
    }
}

/// Health of a store, without anything that names an object: whoever may know of the store may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// `public` or `restricted`.
    pub store: &'static str,
    /// Summary.
    pub status: PublicationStatus,
    /// Why the status is not `ok`: one of a few fixed sentences, which name no object.
    pub reason: Option<&'static str>,
    /// Transactions of the log that the store lacks; `None` when the log cannot be read.
    pub behind: Option<u64>,
    /// Seconds for which it has been behind.
    pub seconds: u64,
    /// Objects set aside.
    pub set_aside: u64,
}

/// Health of the clock of this machine, by which transactions are dated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockHealth {
    /// Milliseconds by which the last transaction is ahead of the clock, 0 when it is not; `None` in an empty log.
    pub behind_log_ms: Option<i64>,
    /// Milliseconds by which the clock was ahead of that of the database when it was last compared; negative when it was behind.
    pub ahead_of_database_ms: Option<i64>,
    /// Why the clock is to be looked at; `None` when it is well.
    pub reason: Option<&'static str>,
}

/// All that was reported.
#[derive(Clone, Default)]
struct Reported {
    stores: Vec<StoreState>,
    ahead_of_database_ms: Option<i64>,
    /// Instant of the last report, in milliseconds; `None` without a clock.
    heard_ms: Option<i64>,
    ended: bool,
}

/// A cell that the thread of publication writes and the doors read. Both hold its lock only while they copy a pointer.
#[derive(Default)]
pub struct PublicationStates {
    cell: RwLock<Arc<Reported>>,
    clock: Option<ClockUs>,
}

impl fmt::Debug for PublicationStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicationStates").field("stores", &self.states()).finish_non_exhaustive()
    }
}

impl PublicationStates {
    /// A cell that takes publication for dead after [`limits::SILENT_MS`] without a report. A cell made by `default` has no clock
    /// and does not notice silence.
    #[must_use]
    pub fn new(clock: ClockUs) -> Self {
        Self { cell: RwLock::default(), clock: Some(clock) }
    }

    fn cell(&self) -> Arc<Reported> {
        Arc::clone(&self.cell.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Reported)) {
        let now = self.clock.as_ref().map(|clock| clock().div_euclid(1_000));
        let before = self.cell();
        let mut cell = Reported { heard_ms: now, ..Reported::clone(&before) };
        change(&mut cell);
        *self.cell.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(cell);
    }

    /// Replaces the state of a store. Only one thread may report: of two reports at once, one is lost.
    pub fn report(&self, state: StoreState) {
        self.change(|cell| {
            cell.ended = false;
            match cell.stores.iter_mut().find(|known| known.store == state.store) {
                Some(known) => *known = state,
                None => {
                    cell.stores.push(state);
                    // Stores report from threads of their own: in the order of names, scrapes and messages do not depend on which was first.
                    cell.stores.sort_by_key(|known| known.store);
                }
            }
        });
    }

    /// Notes by how many milliseconds the clock of this machine is ahead of that of the database.
    pub fn report_database_clock(&self, ahead_ms: i64) {
        self.change(|cell| cell.ahead_of_database_ms = Some(ahead_ms));
    }

    /// Health of the clock of this machine when it says `now_ms`: whether it and the last transaction that `store` shows, or the clock
    /// of the database, are suspiciously far apart. Imports are refused much later (`store::limits`).
    #[must_use]
    pub fn clock_health(&self, now_ms: i64, store: &StorePosition) -> ClockHealth {
        let ahead_of_database_ms = self.cell().ahead_of_database_ms;
        let behind_ms = (store.tx > Tx::NONE).then(|| store.commit_ms.saturating_sub(now_ms));
        let reason = if behind_ms.is_some_and(|ms| ms > limits::CLOCK_BEHIND_MS) {
            Some("the clock of this machine is behind the last transaction of the log")
        } else if behind_ms.is_some_and(|ms| ms < -limits::CLOCK_AHEAD_MS) {
            Some("the clock of this machine is far ahead of the last transaction of the log")
        } else if ahead_of_database_ms.is_some_and(|ms| ms.abs() > limits::CLOCK_APART_MS) {
            Some("the clocks of this machine and of its database differ")
        } else {
            None
        };
        ClockHealth { behind_log_ms: behind_ms.map(|ms| ms.max(0)), ahead_of_database_ms, reason }
    }

    /// Marks publication as ended, until the next report. A guard that is dropped with the thread of publication calls it.
    pub fn end(&self) {
        self.change(|cell| cell.ended = true);
    }

    /// Last reported state of each store; empty when nothing publishes here.
    #[must_use]
    pub fn states(&self) -> Vec<StoreState> {
        self.cell().stores.clone()
    }

    /// Health of each store at `now_ms`, milliseconds since 1970 UTC.
    #[must_use]
    pub fn health(&self, now_ms: i64) -> Vec<StoreHealth> {
        let cell = self.cell();
        let silent = cell.heard_ms.is_some_and(|heard| now_ms - heard > limits::SILENT_MS);
        cell.stores.iter().map(|state| state.health(now_ms, cell.ended || silent)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn state() -> StoreState {
        StoreState {
            store: "public",
            applied_tx: Tx::new(7),
            log_tx: Some(Tx::new(7)),
            set_aside: 0,
            waiting: None,
            renewing: false,
            since_ms: 1_000,
        }
    }

    fn status(publication: &PublicationStates, now_ms: i64) -> PublicationStatus {
        let health = publication.health(now_ms).pop().unwrap();
        assert_eq!(health.reason.is_none(), health.status == PublicationStatus::Ok);
        health.status
    }

    #[test]
    fn what_stops_publication_is_told() {
        let publication = PublicationStates::default();
        assert_eq!(publication.health(0), []);
        let late = 1_001 + limits::BEHIND_MS;
        publication.report(state());
        assert_eq!(status(&publication, late), PublicationStatus::Ok, "level since long");
        publication.report(StoreState { log_tx: Some(Tx::new(9)), ..state() });
        assert_eq!(status(&publication, late - 1), PublicationStatus::Ok, "publishing");
        assert_eq!(status(&publication, late), PublicationStatus::Behind);
        assert_eq!((publication.health(late)[0].behind, publication.health(late)[0].seconds), (Some(2), 300));
        publication.report(StoreState { waiting: Some("secret of PP:1".into()), log_tx: None, ..state() });
        assert_eq!((status(&publication, 1_000), publication.health(0)[0].behind), (PublicationStatus::Degraded, None));
        assert!(!format!("{:?}", publication.health(0)).contains("secret"));
        publication.report(StoreState { renewing: true, ..state() });
        assert_eq!(status(&publication, 1_000), PublicationStatus::Behind, "a store is made again");
        publication.report(StoreState { set_aside: 1, ..state() });
        assert_eq!(status(&publication, 1_000), PublicationStatus::Degraded);
        publication.report(StoreState { log_tx: Some(Tx::new(6)), ..state() });
        assert_eq!(status(&publication, 1_000), PublicationStatus::Degraded, "a log that is not its own");
        publication.report(state());
        publication.end();
        assert_eq!(status(&publication, 1_000), PublicationStatus::Degraded);
        publication.report(state());
        assert_eq!(status(&publication, 1_000), PublicationStatus::Ok, "started again");
        publication.report(StoreState { store: "restricted", ..state() });
        assert_eq!(publication.states().len(), 2);
    }

    #[test]
    fn clocks_that_differ_are_told_before_imports_are_refused() {
        let publication = PublicationStates::default();
        let (log, retained_from) = (None, Tx::NONE);
        let at = |tx: u64| StorePosition { store: "public", log, tx: Tx::new(tx), commit_ms: 0, digest: [0; 32], retained_from };
        let reason = |now_ms, tx| publication.clock_health(now_ms, &at(tx)).reason;
        for (now_ms, well) in [
            (0, true),
            (-limits::CLOCK_BEHIND_MS, true),
            (-limits::CLOCK_BEHIND_MS - 1, false),
            (limits::CLOCK_AHEAD_MS, true),
            (limits::CLOCK_AHEAD_MS + 1, false),
        ] {
            assert_eq!(reason(now_ms, 1).is_none(), well, "{now_ms}");
            assert_eq!(reason(now_ms, 0), None, "an empty log has no instant");
        }
        assert_eq!(publication.clock_health(-7, &at(1)).behind_log_ms, Some(7));
        publication.report_database_clock(-limits::CLOCK_APART_MS);
        assert_eq!(reason(0, 0), None);
        publication.report_database_clock(-limits::CLOCK_APART_MS - 1);
        assert!(reason(0, 0).is_some());
        assert!(publication.states().is_empty(), "it is not the state of a store");
    }

    #[test]
    fn silence_is_told() {
        let now = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&now);
        let publication = PublicationStates::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        publication.report(state());
        assert_eq!(status(&publication, limits::SILENT_MS), PublicationStatus::Ok);
        assert_eq!(status(&publication, limits::SILENT_MS + 1), PublicationStatus::Degraded);
        now.store(limits::SILENT_MS * 1_000, Ordering::Relaxed);
        publication.report(state());
        assert_eq!(status(&publication, limits::SILENT_MS + 1), PublicationStatus::Ok);
    }
}
