//! How far the stores are behind the log, as the program tells it and the doors repeat it.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::{ClockUs, limits};

/// State of the publication of one store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreState {
    /// `public` or `restricted`.
    pub store: &'static str,
    /// Last transaction of the log that the store has.
    pub applied_tx: u64,
    /// Last transaction of the log; `None` when the log cannot be read.
    pub log_tx: Option<u64>,
    /// Objects that could not be made: what was published of them stands.
    pub set_aside: u64,
    /// What publication waits for when it does not advance (a full map, a log that does not answer…), in words for the
    /// operator. It may name objects: no door shows it.
    pub waiting: Option<String>,
    /// Since when the store is behind, or waits; milliseconds since 1970 UTC.
    pub since_ms: i64,
}

/// What is said of a store.
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
    /// The word for it in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Behind => "behind",
            Self::Degraded => "degraded",
        }
    }
}

/// How a store stands, in what may be told to anybody who may know of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// `public` or `restricted`.
    pub store: &'static str,
    /// The word for all of it.
    pub status: PublicationStatus,
    /// Why the status is not `ok`: fixed sentences, which name no object.
    pub reason: Option<&'static str>,
    /// Transactions of the log that the store has not; `None` when the log cannot be read.
    pub behind: Option<u64>,
    /// Seconds since when it is behind.
    pub seconds: u64,
    /// Objects set aside.
    pub set_aside: u64,
}

#[derive(Default)]
struct Cell {
    stores: Vec<StoreState>,
    /// When the program spoke last.
    heard_ms: Option<i64>,
    ended: bool,
}

/// A cell that the thread of publication writes and the doors read. Each holds it for the copy of a pointer.
#[derive(Default)]
pub struct Publication {
    cell: RwLock<Arc<Cell>>,
    clock: Option<ClockUs>,
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication").field("stores", &self.states()).finish_non_exhaustive()
    }
}

impl Publication {
    /// A cell that takes publication for dead when it is not heard of for [`limits::SILENT_MS`]; `clock` gives microseconds since
    /// 1970 UTC. One made by `default` has no clock and leaves that out.
    #[must_use]
    pub fn new(clock: ClockUs) -> Self {
        Self { cell: RwLock::default(), clock: Some(clock) }
    }

    fn cell(&self) -> Arc<Cell> {
        Arc::clone(&self.cell.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Cell)) {
        let now = self.clock.as_ref().map(|clock| clock().div_euclid(1_000));
        let before = self.cell();
        let mut cell = Cell { stores: before.stores.clone(), heard_ms: now, ended: before.ended };
        change(&mut cell);
        *self.cell.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(cell);
    }

    /// Replaces what is known of a store. One thread writes: of two at once, one word is lost.
    pub fn report(&self, state: StoreState) {
        self.change(|cell| {
            cell.ended = false;
            match cell.stores.iter_mut().find(|known| known.store == state.store) {
                Some(known) => *known = state,
                None => cell.stores.push(state),
            }
        });
    }

    /// Says that publication has ended, until it is heard of again. A guard that is dropped with the thread calls it.
    pub fn end(&self) {
        self.change(|cell| cell.ended = true);
    }

    /// What is known of each store; empty when nothing publishes here.
    #[must_use]
    pub fn states(&self) -> Vec<StoreState> {
        self.cell().stores.clone()
    }

    /// How each store stands at `now_ms`.
    #[must_use]
    pub fn health(&self, now_ms: i64) -> Vec<StoreHealth> {
        let cell = self.cell();
        let silent = cell.heard_ms.is_some_and(|heard| now_ms - heard > limits::SILENT_MS);
        let standing = |state: &StoreState| {
            let behind = state.log_tx.map(|last| last.saturating_sub(state.applied_tx));
            let late = now_ms.saturating_sub(state.since_ms).max(0);
            let ahead = state.log_tx.is_some_and(|last| last < state.applied_tx);
            let (status, reason) = if cell.ended || silent {
                (PublicationStatus::Degraded, Some("publication has stopped: what is served gets older"))
            } else if ahead {
                (PublicationStatus::Degraded, Some("the store has transactions that its log has not"))
            } else if state.waiting.is_some() {
                (PublicationStatus::Degraded, Some("publication does not advance; the log of the server says what it waits for"))
            } else if state.set_aside > 0 {
                (PublicationStatus::Degraded, Some("some objects could not be published and stand as they were"))
            } else if behind.is_some_and(|n| n > 0) && late > limits::BEHIND_MS {
                (PublicationStatus::Behind, Some("publication is behind its log for longer than usual"))
            } else {
                (PublicationStatus::Ok, None)
            };
            let level = behind == Some(0) && state.waiting.is_none();
            let seconds = if level { 0 } else { u64::try_from(late / 1_000).unwrap_or(0) };
            StoreHealth { store: state.store, status, reason, behind, seconds, set_aside: state.set_aside }
        };
        cell.stores.iter().map(standing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn state() -> StoreState {
        StoreState { store: "public", applied_tx: 7, log_tx: Some(7), set_aside: 0, waiting: None, since_ms: 1_000 }
    }

    fn status(publication: &Publication, now_ms: i64) -> PublicationStatus {
        let standing = publication.health(now_ms).pop().unwrap();
        assert_eq!(standing.reason.is_none(), standing.status == PublicationStatus::Ok);
        standing.status
    }

    #[test]
    fn what_stops_publication_is_told() {
        let publication = Publication::default();
        assert_eq!(publication.health(0), []);
        let late = 1_001 + limits::BEHIND_MS;
        publication.report(state());
        assert_eq!(status(&publication, late), PublicationStatus::Ok, "level since long");
        publication.report(StoreState { log_tx: Some(9), ..state() });
        assert_eq!(status(&publication, late - 1), PublicationStatus::Ok, "publishing");
        assert_eq!(status(&publication, late), PublicationStatus::Behind);
        assert_eq!((publication.health(late)[0].behind, publication.health(late)[0].seconds), (Some(2), 300));
        publication.report(StoreState { waiting: Some("secret of PP:1".into()), log_tx: None, ..state() });
        assert_eq!((status(&publication, 1_000), publication.health(0)[0].behind), (PublicationStatus::Degraded, None));
        assert!(!format!("{:?}", publication.health(0)).contains("secret"));
        publication.report(StoreState { set_aside: 1, ..state() });
        assert_eq!(status(&publication, 1_000), PublicationStatus::Degraded);
        publication.report(StoreState { log_tx: Some(6), ..state() });
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
    fn silence_is_told() {
        let now = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&now);
        let publication = Publication::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        publication.report(state());
        assert_eq!(status(&publication, limits::SILENT_MS), PublicationStatus::Ok);
        assert_eq!(status(&publication, limits::SILENT_MS + 1), PublicationStatus::Degraded);
        now.store(limits::SILENT_MS * 1_000, Ordering::Relaxed);
        publication.report(state());
        assert_eq!(status(&publication, limits::SILENT_MS + 1), PublicationStatus::Ok);
    }
}
