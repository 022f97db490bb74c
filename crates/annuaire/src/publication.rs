//! Publication: to the end of the log after an import, and for ever beside a server.

use crate::exit::said;
use crate::limits::{CLEAR_EVERY, FAILING, FOLLOW_EVERY, LOOK, PUBLISHER, RETRY, SILENT};
use crate::now_ms;
use crate::progress::Tell;
use crate::publisher::{Holder, Publisher, holder};
use crate::stores::{DataPlace, Followed, STORES, Stores, set_aside};
use annuaire_fhir::{Guide, View};
use annuaire_index::Index;
use annuaire_store::Registry;
use annuaire_web::{Publication, StoreState};
use anyhow::{Result, anyhow, bail};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Who brought the stores to the end of the log.
pub(crate) enum Published {
    /// This process.
    Here(Followed),
    /// Another one, whose command is named.
    By(String),
    /// Nobody, or nobody in time: why, and what to do.
    Nobody(String),
}

/// Publishes all that is committed, or waits for the process that has the right to.
///
/// Whoever commits comes here. One that finds the right taken waits until the stores have its transaction, and one that gives
/// the right back looks at the log once more: so no transaction is left behind, however many imports there are at once.
pub(crate) fn to_the_end(place: &DataPlace, guide: Guide, registry: &mut dyn Registry, tell: &Tell) -> Result<Published> {
    let wanted = registry.last_tx()?.get();
    let begun = Instant::now();
    let mut all = Followed::default();
    let mut failing: Option<Instant> = None;
    // When the note of the holder last changed, by our clock: theirs may be another.
    let mut heard = (0, Instant::now());
    loop {
        if let Some(publisher) = Publisher::take(&place.data, "import")? {
            let stores = Stores::open_renewed(place, guide, false, tell)?;
            let followed = stores.follow(registry, tell)?;
            let reached = stores.applied_tx();
            all.versions += followed.versions;
            all.set_aside.extend(followed.set_aside);
            drop((stores, publisher));
            if registry.last_tx()?.get() <= reached {
                return Ok(Published::Here(all));
            }
            continue;
        }
        let who = holder(&place.data)?.unwrap_or_default();
        if reached(place, wanted) {
            return Ok(Published::By(who.by));
        }
        tell("waiting for the publication by another process", 0, 0);
        if who.beat_ms != heard.0 {
            heard = (who.beat_ms, Instant::now());
        }
        match &who.waiting {
            Some(why) if failing.get_or_insert_with(Instant::now).elapsed() >= FAILING => {
                return Ok(Published::Nobody(format!(
                    "the {} cannot publish for the moment ({why}); it tries again by itself: see `annuaire doctor`",
                    name(&who)
                )));
            }
            Some(_) => {}
            None => failing = None,
        }
        if heard.1.elapsed() >= SILENT {
            return Ok(Published::Nobody(format!(
                "the {} has the right to publish and gives no sign of life: end it, then run `annuaire import` again or start a \
                 server",
                name(&who)
            )));
        }
        if begun.elapsed() >= PUBLISHER {
            return Ok(Published::Nobody(format!("the {} is still at work: see `annuaire status`", name(&who))));
        }
        std::thread::sleep(LOOK);
    }
}

/// The process that has the right to publish, in words.
pub(crate) fn name(who: &Holder) -> String {
    match (who.by.as_str(), who.pid) {
        ("", _) | (_, 0) => "process that holds publisher.lock".to_owned(),
        ("serve", pid) => format!("server (process {pid})"),
        (by, pid) => format!("`annuaire {by}` (process {pid})"),
    }
}

/// Whether every store has a transaction.
fn reached(place: &DataPlace, tx: u64) -> bool {
    // A store that cannot be looked at now, as one that is being put in place, is looked at again.
    let has = |name: &&str| Index::peek(&place.data.join(name)).is_ok_and(|at| at.tx >= tx);
    let [public, restricted] = STORES;
    has(&public) && (!place.data.join(restricted).exists() || has(&restricted))
}

/// Brings one store to the end of the log, again and again, and tells how it stands. Nothing that goes wrong ends it: the
/// registry is opened again, and tried later and later.
pub(crate) struct Follower {
    pub(crate) place: DataPlace,
    pub(crate) store: &'static str,
    pub(crate) index: Arc<Index>,
    pub(crate) view: View,
    pub(crate) publication: Arc<Publication>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) tell: Tell,
    /// Held to tell how a store stands: the cell of what is told has room for one writer.
    pub(crate) telling: Arc<Mutex<()>>,
}

impl Follower {
    /// Runs until the process ends.
    pub(crate) fn run(self) {
        if let Err(e) = self.index.warm() {
            eprintln!("the {} store: {e}", self.store);
        }
        let mut registry = None;
        let mut state = StoreState {
            store: self.store,
            applied_tx: self.index.applied_tx(),
            log_tx: None,
            // What an earlier process set aside still is.
            set_aside: self.index.set_aside().unwrap_or(0),
            waiting: None,
            since_ms: now_ms(),
        };
        let mut pause = FOLLOW_EVERY;
        let mut cleared = Instant::now();
        loop {
            let done = self.turn(&mut registry, &mut state);
            let waiting = done.err().map(|e| said(&e));
            if waiting.is_some() {
                // What failed may have left its connection in any state.
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
            self.told(state.clone());
            self.publisher.waits(waits(&self.publication));
            if cleared.elapsed() >= CLEAR_EVERY {
                if let Err(e) = self.index.clear_dead_readers() {
                    eprintln!("the {} store: {e}", self.store);
                }
                cleared = Instant::now();
            }
            std::thread::sleep(pause);
        }
    }

    fn told(&self, state: StoreState) {
        let _one = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.publication.report(state);
    }

    /// One look at the log. A panic, as of a system that has no thread or no memory to give, is an error like others.
    fn turn(&self, registry: &mut Option<Box<dyn Registry>>, state: &mut StoreState) -> Result<()> {
        let turn = AssertUnwindSafe(|| -> Result<()> {
            let registry = match registry {
                Some(registry) => registry,
                None => registry.insert(self.place.registry()?),
            };
            let last = registry.last_tx()?.get();
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
                self.told(StoreState { applied_tx: self.index.applied_tx(), log_tx: Some(last), ..state.clone() });
            };
            let followed = annuaire_publish::follow(&mut **registry, &self.index, self.view, &progress)?;
            for aside in &followed.set_aside {
                eprintln!("{}", set_aside(self.store, aside));
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

/// What the stores wait for, together.
fn waits(publication: &Publication) -> Option<String> {
    let all: Vec<String> =
        publication.states().iter().filter_map(|s| Some(format!("{} store: {}", s.store, s.waiting.as_ref()?))).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Waits until the stores named are at the end of the log, or fail, or `limit` is over; the first failure.
pub(crate) fn wait(publication: &Publication, stores: &[&str], limit: Option<Duration>) -> Option<String> {
    let begun = Instant::now();
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
