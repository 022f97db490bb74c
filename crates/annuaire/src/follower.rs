//! Publication beside a server, for as long as it runs.

use crate::clock::{self, now_ms};
use crate::data_place::DataPlace;
use crate::exit::one_line;
use crate::limits::{CLEAR_EVERY, FOLLOW_EVERY, RETRY};
use crate::progress::SharedTell;
use crate::publisher::Publisher;
use crate::renewal::set_aside_line;
use annuaire_fhir::View;
use annuaire_index::Index;
use annuaire_store::Registry;
use annuaire_web::{Publication, StoreState};
use anyhow::{Result, anyhow, bail};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Keeps one store at the end of the log, and reports its state. No error ends it: after one, the registry is opened again, at
/// longer and longer intervals.
pub(crate) struct Follower {
    pub(crate) place: DataPlace,
    pub(crate) store: &'static str,
    pub(crate) index: Arc<Index>,
    pub(crate) view: View,
    pub(crate) publication: Arc<Publication>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) tell: SharedTell,
    /// Held while the state of a store is written: `publication` allows one writer at a time.
    pub(crate) writing: Arc<Mutex<()>>,
}

impl Follower {
    /// Runs until the process ends.
    pub(crate) fn run(self) {
        if let Err(e) = self.index.prefetch_links() {
            eprintln!("the {} store: {e}", self.store);
        }
        let mut registry = None;
        let mut state = StoreState {
            store: self.store,
            applied_tx: self.index.applied_tx(),
            log_tx: None,
            // Objects that an earlier process set aside are still set aside.
            set_aside: self.index.set_aside_count().unwrap_or(0),
            waiting: None,
            since_ms: now_ms(),
        };
        let mut pause = FOLLOW_EVERY;
        let mut cleared = clock::instant();
        loop {
            let done = self.follow_once(&mut registry, &mut state);
            let waiting = done.err().map(|e| one_line(&e));
            if waiting.is_some() {
                // The failure may have left the connection in any state.
                registry = None;
                pause = (pause * 2).min(RETRY);
            } else {
                pause = FOLLOW_EVERY;
            }
            if waiting != state.waiting {
                match &waiting {
                    Some(why) => eprintln!("publication of the {} store waits: {why}", self.store),
                    None => eprintln!("publication of the {} store goes on", self.store),
                }
                (state.waiting, state.since_ms) = (waiting, now_ms());
            }
            state.applied_tx = self.index.applied_tx();
            self.report(state.clone());
            self.publisher.note_waiting(reasons_to_wait(&self.publication));
            if cleared.elapsed() >= CLEAR_EVERY {
                if let Err(e) = self.index.clear_dead_readers() {
                    eprintln!("the {} store: {e}", self.store);
                }
                cleared = clock::instant();
            }
            std::thread::sleep(pause);
        }
    }

    fn report(&self, state: StoreState) {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.publication.report(state);
    }

    /// Applies what the log has. A panic, as when the system has no thread or no memory left, is an error like others.
    fn follow_once(&self, registry: &mut Option<Box<dyn Registry>>, state: &mut StoreState) -> Result<()> {
        let turn = AssertUnwindSafe(|| -> Result<()> {
            let registry = match registry {
                Some(registry) => registry,
                None => registry.insert(self.place.registry()?),
            };
            let last = registry.last_tx()?;
            state.log_tx = Some(last);
            let applied = self.index.applied_tx();
            if last < applied {
                bail!(
                    "the store is at transaction {applied} and the log ends at {last}: this is not its log, or an older state of \
                     it; look at --database, or make the stores again with `annuaire rebuild`"
                );
            }
            if last == applied {
                return Ok(());
            }
            let progress = |what: &str, done: u64, total: u64| {
                (self.tell)(&format!("{what} the {} store", self.store), done, total);
                self.report(StoreState { applied_tx: self.index.applied_tx(), log_tx: Some(last), ..state.clone() });
            };
            let followed = annuaire_publish::follow(&mut **registry, &self.index, self.view, &progress)?;
            for aside in &followed.set_aside {
                eprintln!("{}", set_aside_line(self.store, aside));
            }
            state.set_aside = annuaire_publish::set_aside(&self.index)?.1;
            Ok(())
        });
        catch_unwind(turn).unwrap_or_else(|cause| {
            let why = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
            Err(anyhow!("it stopped short: {}", why.unwrap_or("for an unknown reason")))
        })
    }
}

/// Why stores wait, all in one line.
fn reasons_to_wait(publication: &Publication) -> Option<String> {
    let all: Vec<String> =
        publication.states().iter().filter_map(|s| Some(format!("{} store: {}", s.store, s.waiting.as_ref()?))).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Waits until the named stores are at the end of the log, or one fails, or `limit` is over. Returns the first failure.
pub(crate) fn wait_for_stores(publication: &Publication, stores: &[&str], limit: Option<Duration>) -> Option<String> {
    let begun = clock::instant();
    loop {
        let states = publication.states();
        let of = |name: &&&str| states.iter().find(|s| s.store == **name);
        if let Some(why) = stores.iter().filter_map(|n| of(&n)?.waiting.clone()).next() {
            return Some(why);
        }
        let there = |name: &&str| of(&name).is_some_and(|s| s.log_tx.is_some_and(|last| s.applied_tx >= last));
        if stores.iter().all(there) || limit.is_some_and(|limit| begun.elapsed() >= limit) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
