//! Publication beside a server, for as long as it runs.

use crate::clock::{self, now_ms};
use crate::data_place::DataPlace;
use crate::exit::one_line;
use crate::limits::{CLEAR_EVERY, COMPACT_EVERY, FOLLOW_EVERY, LOOK, RETRY, RETRY_FIRST};
use crate::progress::SharedTell;
use crate::publisher::Publisher;
use crate::renewal::{self, set_aside_line};
use annuaire_base::Tx;
use annuaire_fhir::View;
use annuaire_index::Index;
use annuaire_publish::PublicationFollower;
use annuaire_store::BlockingRegistry;
use annuaire_web::{PublicationStates, ServedStore, StoreState};
use anyhow::{Context, Result, anyhow};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Keeps one store at the end of the log, and reports its state. No error ends it: after one, the registry is opened again, at
/// longer and longer intervals.
///
/// A commit wakes it. It makes the store again when the operator asks for it (`annuaire rebuild`), or when the store was
/// written by an earlier version of the program: beside the served one, which answers meanwhile. When nothing is to be
/// published it removes the versions that were closed long ago.
pub(crate) struct FollowerThread {
    pub(crate) place: DataPlace,
    pub(crate) store: &'static str,
    pub(crate) served: ServedStore<Index>,
    pub(crate) view: View,
    /// The served store can be read and not continued: it is made again first.
    pub(crate) is_former: bool,
    /// How long versions that were replaced are kept; `None`: for ever.
    pub(crate) retained: Option<Duration>,
    pub(crate) publication: Arc<PublicationStates>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) tell: SharedTell,
    /// Held while the state of a store is written: `publication` allows one writer at a time.
    pub(crate) writing: Arc<Mutex<()>>,
}

/// The registry, and what wakes the follower.
struct OpenLog {
    registry: BlockingRegistry,
    commits: watch::Receiver<Tx>,
}

impl FollowerThread {
    /// Runs until the process ends.
    pub(crate) fn run(mut self) {
        if let Err(e) = self.served.get().prefetch_links() {
            eprintln!("the {} store: {e}", self.store);
        }
        let mut log = None;
        let mut state = StoreState {
            store: self.store,
            applied_tx: self.served.get().applied_tx(),
            log_tx: None,
            // Objects that an earlier process set aside are still set aside.
            set_aside: self.served.get().set_aside_count().unwrap_or(0),
            waiting: None,
            renewing: self.is_former,
            since_ms: now_ms(),
        };
        let mut sleeper = Sleeper::new();
        let mut pause = RETRY_FIRST;
        let mut cleared = clock::instant();
        let mut compacted: Option<Instant> = None;
        loop {
            let done = self.guarded(|it| it.turn(&mut log, &mut state));
            let waiting = done.err().map(|e| one_line(&e));
            if waiting.is_some() {
                // The failure may have left the connection in any state.
                log = None;
                pause = (pause * 2).min(RETRY);
            } else {
                pause = RETRY_FIRST;
            }
            if waiting != state.waiting {
                match &waiting {
                    Some(why) => eprintln!("publication of the {} store waits: {why}", self.store),
                    None => eprintln!("publication of the {} store goes on", self.store),
                }
                (state.waiting, state.since_ms) = (waiting, now_ms());
            }
            state.applied_tx = self.served.get().applied_tx();
            self.report(state.clone());
            self.publisher.note_waiting(reasons_to_wait(&self.publication));
            if cleared.elapsed() >= CLEAR_EVERY {
                if let Err(e) = self.served.get().clear_dead_readers() {
                    eprintln!("the {} store: {e}", self.store);
                }
                cleared = clock::instant();
            }
            match &mut log {
                None => std::thread::sleep(pause),
                Some(log) => {
                    if compacted.is_none_or(|at| at.elapsed() >= COMPACT_EVERY) {
                        match self.guarded(|it| it.compact(&log.commits)) {
                            Ok(true) => compacted = Some(clock::instant()),
                            // A transaction waits; the rest is removed after it.
                            Ok(false) => continue,
                            Err(e) => {
                                eprintln!("the {} store: removing old versions: {}", self.store, one_line(&e));
                                compacted = Some(clock::instant());
                            }
                        }
                    }
                    sleeper.sleep(&mut log.commits, &|| renewal::is_requested(&self.place, self.store));
                }
            }
        }
    }

    fn report(&self, state: StoreState) {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.publication.report(state);
    }

    /// Runs a part of the work. A panic, as when the system has no thread or no memory left, is an error like others.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|cause| {
            let why = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
            Err(anyhow!("it stopped short: {}", why.unwrap_or("for an unknown reason")))
        })
    }

    /// Makes the store again if that is asked for, and applies what the log has.
    fn turn(&mut self, log: &mut Option<OpenLog>, state: &mut StoreState) -> Result<()> {
        let log = match log {
            Some(log) => log,
            None => {
                let registry = self.place.registry()?;
                log.insert(OpenLog { commits: registry.commits(), registry })
            }
        };
        // Seen before the log is read: a later commit wakes this thread.
        state.log_tx = Some((*log.commits.borrow_and_update()).max(state.log_tx.unwrap_or_default()));
        let is_asked = renewal::is_requested(&self.place, self.store);
        if self.is_former || is_asked {
            self.renew(&log.registry, state)?;
        }
        let index = self.served.get();
        let progress = |what: &str, done: u64, total: u64| {
            (self.tell)(&format!("{what} the {} store", self.store), done, total);
        };
        let mut follower = PublicationFollower::new(&index, self.view);
        annuaire_publish::catch_up(&log.registry, &mut follower, &progress, &mut |applied| {
            if applied.withdrawn > 0 {
                self.served.forget();
            }
            self.served.published();
            for aside in applied.set_aside.iter().take(annuaire_publish::limits::NAMED) {
                eprintln!("{}", set_aside_line(self.store, aside));
            }
            state.log_tx = state.log_tx.max(Some(applied.tx));
            self.report(StoreState { applied_tx: applied.tx, ..state.clone() });
        })?;
        // The end of the log was reached, whatever a notification said before.
        state.log_tx = Some(index.applied_tx());
        state.set_aside = index.set_aside_count().context("reading what is set aside")?;
        Ok(())
    }

    /// Makes the store again beside the served one, and serves it.
    fn renew(&mut self, registry: &BlockingRegistry, state: &mut StoreState) -> Result<()> {
        eprintln!("the {} store is made again from the log; the present one is served meanwhile", self.store);
        let progress: SharedTell = {
            let (tell, store) = (Arc::clone(&self.tell), self.store);
            Arc::new(move |what, done, total| tell(&format!("{what} the {store} store again"), done, total))
        };
        state.renewing = true;
        self.report(state.clone());
        let (index, versions) = renewal::renew_beside(&self.place, self.view, registry, &progress)?;
        self.served.replace(Arc::new(index));
        (self.is_former, state.renewing) = (false, false);
        renewal::answer_request(&self.place, self.store)?;
        eprintln!("the {} store was made again: {versions} resource versions", self.store);
        Ok(())
    }

    /// Removes versions that were closed long ago, when that pays; false when it stopped because a transaction waits.
    fn compact(&mut self, commits: &watch::Receiver<Tx>) -> Result<bool> {
        let Some(retained) = self.retained else { return Ok(true) };
        let since_ms = now_ms().saturating_sub(i64::try_from(retained.as_millis()).unwrap_or(i64::MAX));
        let nothing_waits = || !commits.has_changed().unwrap_or(false);
        Ok(annuaire_publish::compact(&self.served.get(), since_ms, &nothing_waits)?)
    }
}

/// Sleeps until a commit, or a while.
struct Sleeper(Option<Runtime>);

impl Sleeper {
    fn new() -> Self {
        // Without a runtime of its own the thread looks for commits now and then.
        Self(tokio::runtime::Builder::new_current_thread().enable_time().build().ok())
    }

    /// Returns after a commit, when `is_wanted` says so, or after [`FOLLOW_EVERY`]: a registry may fail to tell of a commit.
    fn sleep(&mut self, commits: &mut watch::Receiver<Tx>, is_wanted: &dyn Fn() -> bool) {
        let begun = clock::instant();
        while begun.elapsed() < FOLLOW_EVERY && !is_wanted() {
            let Some(runtime) = &self.0 else {
                std::thread::sleep(LOOK);
                return;
            };
            let changed = runtime.block_on(async { tokio::time::timeout(LOOK * 5, commits.changed()).await });
            match changed {
                Ok(Ok(())) => return,
                // Nobody tells of commits any more.
                Ok(Err(_)) => {
                    std::thread::sleep(LOOK);
                    return;
                }
                Err(_) => {}
            }
        }
    }
}

/// Why stores wait, all in one line.
fn reasons_to_wait(publication: &PublicationStates) -> Option<String> {
    let all: Vec<String> =
        publication.states().iter().filter_map(|s| Some(format!("{} store: {}", s.store, s.waiting.as_ref()?))).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Waits until the named stores are at the end of the log, or one fails, or `limit` is over. Returns the first failure.
pub(crate) fn wait_for_stores(publication: &PublicationStates, stores: &[&str], limit: Option<Duration>) -> Option<String> {
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
