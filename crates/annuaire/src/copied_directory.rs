//! A data directory that copies another annuaire: its public store is filled from the log of the origin, and it has no registry.
//!
//! `mirror/origin.json` names the origin and its log; `mirror/received.*` is what was received and not applied yet.

use crate::clock::{self, now_ms};
use crate::copy_origin::{CopyOrigin, copy_dir};
use crate::data_place::{DataPlace, create_private};
use crate::exit::one_line;
use crate::limits::{CLEAR_EVERY, COMPACT_EVERY, COPY_WAIT_SECONDS, MASS_CHANGE_FROM, PAGES_AHEAD, RETRY, RETRY_FIRST};
use crate::progress::SharedTell;
use crate::publisher::Publisher;
use crate::renewal::renew_with;
use crate::stores::Stores;
use crate::world::Machine;
use annuaire_base::{LogIdentity, Tx};
use annuaire_fhir::{Guide, Perimeter, View, schema};
use annuaire_index::Index;
use annuaire_mirror::{AccessKey, HttpOptions, LogContent, LogCopy, LogName, LogPosition, LogVersion, ReceivedLog};
use annuaire_publish::{CopiedContent, CopiedVersion, apply_copied};
use annuaire_terms::TypeId;
use annuaire_web::{PublicationStates, ServedStore, StoreState};
use anyhow::{Context, Result, anyhow, bail};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// A connection to an origin.
fn connect(origin: &CopyOrigin, data: &Path, tell: &SharedTell) -> Result<LogCopy> {
    let key = origin.key_file.as_deref().map(read_key).transpose()?;
    let root_certificates = match &origin.root_certificates {
        Some(path) => Some(fs::read(path).with_context(|| format!("reading {}", path.display()))?),
        None => None,
    };
    let http = HttpOptions { key, rate: origin.rate, root_certificates, ..HttpOptions::default() };
    Ok(LogCopy::new(&origin.origin, &copy_dir(data), &http, Arc::new(Machine::new()), Arc::clone(tell))?)
}

/// The key that a file holds.
fn read_key(path: &Path) -> Result<AccessKey> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    AccessKey::new(AccessKey::NATIONAL_HEADER, &text).with_context(|| path.display().to_string())
}

/// What one update did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CopyReport {
    /// Versions applied.
    pub(crate) versions: u64,
    /// Transaction of the origin whose state the copy has.
    pub(crate) tx: Tx,
}

/// Whether the origin tells its log, so that it can be copied exactly.
pub(crate) fn tells_its_log(place: &DataPlace, origin: &CopyOrigin, tell: &SharedTell) -> Result<bool> {
    create_private(&copy_dir(&place.data))?;
    Ok(connect(origin, &place.data, tell)?.state()?.is_some())
}

/// Copies the origin into a data directory, or brings the copy there up to date. The caller has the right to publish, and nobody has the
/// store open. `confirmed`: somebody has looked at a change that is large.
pub(crate) fn update(
    place: &DataPlace,
    given: &CopyOrigin,
    guide: Guide,
    confirmed: bool,
    tell: &SharedTell,
) -> Result<CopyReport> {
    let known = CopyOrigin::of(&place.data)?;
    if let Some(known) = known.as_ref().filter(|known| known.origin != given.origin) {
        bail!("{}: this directory copies {}; copy {} into another one", place.data.display(), known.origin, given.origin);
    }
    let mut origin = given.clone();
    if let Some(known) = known {
        origin.log = known.log;
        origin.key_file = origin.key_file.or(known.key_file);
        origin.root_certificates = origin.root_certificates.or(known.root_certificates);
    }
    create_private(&copy_dir(&place.data))?;
    origin.write(&place.data)?;
    let view = View { guide, perimeter: Perimeter::Public };
    let mut copy = connect(&origin, &place.data, tell)?;
    let mut versions = 0;
    if origin.log.is_none() || !place.store_file("public").exists() {
        versions += copy_whole(place, view, &mut copy)?;
        origin.log = copy.received_log()?.or(origin.log);
        origin.write(&place.data)?;
        copy.clear()?;
    }
    let stores = Stores::open_copied(place, guide, &mut || copy_anew(place, &origin, view, tell))?;
    let index = &stores.public;
    while let Some(more) = bring_forward(index, view, &mut copy, &origin, confirmed, 0, tell)? {
        versions += more.versions;
    }
    Ok(CopyReport { versions, tx: index.applied_tx() })
}

/// Makes the store from the whole state of the origin, beside the one that is there, while that state arrives.
fn copy_whole(place: &DataPlace, view: View, copy: &mut LogCopy) -> Result<u64> {
    match receive_and_apply(place, view, copy) {
        // The state that an interrupted call began with is not kept any more.
        Err(e) if matches!(e.downcast_ref(), Some(annuaire_mirror::Error::Status { status: 410, .. })) => {
            receive_and_apply(place, view, copy)
        }
        done => done,
    }
}

fn receive_and_apply(place: &DataPlace, view: View, copy: &mut LogCopy) -> Result<u64> {
    renew_with(place, view, &mut |index| {
        let (give, pages) = mpsc::sync_channel(PAGES_AHEAD);
        let reached = OnceLock::new();
        std::thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                // What receives ends when nobody takes.
                let give = give;
                let received = copy.receive_state(&mut |log, versions| give.send(Some((log, versions))).is_ok());
                match &received {
                    Ok(Some(received)) => _ = reached.set(received.reached),
                    Ok(None) => {}
                    Err(_) => _ = give.send(None),
                }
                received
            });
            let applied = apply_pages(index, view, pages, &reached);
            match receiver.join() {
                Err(_) => bail!("receiving stopped short"),
                Ok(Err(e)) => Err(e.into()),
                Ok(Ok(_)) => applied,
            }
        })
    })
}

/// A page of versions with the log that they are of; `None`: receiving failed.
type ReceivedPage = Option<(LogName, Vec<LogVersion>)>;

/// Applies pages as they come.
fn apply_pages(index: &Index, view: View, pages: mpsc::Receiver<ReceivedPage>, reached: &OnceLock<LogPosition>) -> Result<u64> {
    let mut pages = pages.into_iter().peekable();
    let (log, _) = pages.peek().and_then(Option::as_ref).context("the origin told nothing")?;
    index.bind_log(identity(*log))?;
    let versions = pages.flat_map(|page| match page {
        Some((_, versions)) => versions.into_iter().map(|version| Ok(copied(version))).collect(),
        None => vec![Err(annuaire_publish::Error::CopiedLines("receiving failed".into()))],
    });
    let reached = || reached.get().map_or((Tx::NONE, 0), |at| (Tx::new(at.tx), at.commit_ms));
    Ok(apply_copied(index, view, versions, reached, u64::MAX)?)
}

/// [`copy_whole`] for a store that another version of the program wrote.
fn copy_anew(place: &DataPlace, origin: &CopyOrigin, view: View, tell: &SharedTell) -> Result<()> {
    eprintln!("the public store was written by another version of the program; it is copied again from {}", origin.origin);
    let mut copy = connect(origin, &place.data, tell)?;
    copy.clear()?;
    copy_whole(place, view, &mut copy)?;
    Ok(copy.clear()?)
}

/// What was applied.
struct Brought {
    versions: u64,
    /// Something was withdrawn by law.
    withdrew: bool,
}

/// Receives and applies what followed; `None` when nothing did.
fn bring_forward(
    index: &Index,
    view: View,
    copy: &mut LogCopy,
    origin: &CopyOrigin,
    confirmed: bool,
    wait: u64,
    tell: &SharedTell,
) -> Result<Option<Brought>> {
    let before = index.applied_tx();
    let Some(received) = copy.receive(origin.log, before.get(), wait)? else {
        copy.clear()?;
        return Ok(None);
    };
    if !confirmed {
        // What is refused is asked for again: the origin may have mended it.
        check_mass_change(index, origin, &received).or_else(|e| copy.clear().map_err(Into::into).and(Err(e)))?;
    }
    let versions = apply(index, view, copy, &received, tell)?;
    copy.clear()?;
    if index.applied_tx() == before {
        return Ok(None);
    }
    Ok(Some(Brought { versions, withdrew: received.withdrawn > 0 }))
}

/// Refuses an update that would take away more than the operator expects (REPL-9).
fn check_mass_change(index: &Index, origin: &CopyOrigin, received: &ReceivedLog) -> Result<()> {
    let types: Vec<TypeId> = schema::TYPES.iter().filter_map(|name| schema::type_id(name)).collect();
    let standing = index.snapshot()?.standing(&types).len();
    let gone = received.deleted + received.inactive;
    if gone >= MASS_CHANGE_FROM && gone * 100 > standing * u64::from(origin.max_change) {
        bail!(
            "{}: {gone} of {standing} resources would be deleted or become inactive, more than {} %; nothing was changed. Look at the \
             origin; if this is right, run `annuaire mirror` again with --confirm-mass-change and the reason",
            origin.origin,
            origin.max_change
        );
    }
    Ok(())
}

fn apply(index: &Index, view: View, copy: &LogCopy, received: &ReceivedLog, tell: &SharedTell) -> Result<u64> {
    let mut done = 0;
    let versions = copy.versions()?.map(|version| {
        done += 1;
        if done % 10_000 == 0 {
            tell("applying", done, received.lines);
        }
        version.map(copied).map_err(|e| annuaire_publish::Error::CopiedLines(e.into()))
    });
    let reached = || (Tx::new(received.reached.tx), received.reached.commit_ms);
    Ok(apply_copied(index, view, versions, reached, received.lines)?)
}

fn copied(version: LogVersion) -> CopiedVersion {
    CopiedVersion {
        tx: Tx::new(version.tx),
        commit_ms: version.commit_ms,
        ty: version.resource_type,
        id: version.id,
        number: version.number,
        content: match version.content {
            LogContent::Resource(json) => CopiedContent::Resource(json),
            LogContent::Deleted => CopiedContent::Vanished,
            LogContent::Withdrawn => CopiedContent::Withdrawn,
        },
    }
}

const fn identity(log: LogName) -> LogIdentity {
    LogIdentity { id: log.id, epoch: log.epoch }
}

/// Opens the store of a copy for a server. One that another version of the program wrote is copied again first.
pub(crate) fn open_served(place: &DataPlace, origin: &CopyOrigin, guide: Guide, tell: &SharedTell) -> Result<Stores> {
    if origin.log.is_none() {
        bail!(
            "{}: the copy of {} is not complete; run `annuaire mirror` again, it goes on where it was",
            place.data.display(),
            origin.origin
        );
    }
    let view = View { guide, perimeter: Perimeter::Public };
    Stores::open_copied(place, guide, &mut || copy_anew(place, origin, view, tell))
}

/// Keeps a served copy up to date, for as long as the process runs. No error ends it: what stands is served meanwhile.
pub(crate) struct CopyThread {
    pub(crate) place: DataPlace,
    pub(crate) origin: CopyOrigin,
    pub(crate) served: ServedStore<Index>,
    pub(crate) view: View,
    pub(crate) retained: Option<Duration>,
    pub(crate) publication: Arc<PublicationStates>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) tell: SharedTell,
}

impl CopyThread {
    pub(crate) fn run(self) {
        let applied_tx = || self.served.get().applied_tx();
        let mut state = StoreState {
            store: "public",
            applied_tx: applied_tx(),
            log_tx: Some(applied_tx()),
            set_aside: 0,
            waiting: None,
            renewing: false,
            since_ms: now_ms(),
        };
        self.publication.report(state.clone());
        let mut pause = RETRY_FIRST;
        let mut cleared = clock::instant();
        let mut compacted: Option<Instant> = None;
        let mut connected = None;
        loop {
            let done = catch_unwind(AssertUnwindSafe(|| self.turn(&mut connected)));
            let done = done.unwrap_or_else(|_| Err(anyhow!("it stopped short")));
            if done.is_err() {
                connected = None;
            }
            let waiting = done.err().map(|e| one_line(&e));
            if waiting != state.waiting {
                match &waiting {
                    Some(why) => eprintln!("the copy of {} waits: {why}", self.origin.origin),
                    None => eprintln!("the copy of {} goes on", self.origin.origin),
                }
                (state.waiting, state.since_ms) = (waiting.clone(), now_ms());
            }
            (state.applied_tx, state.log_tx) = (applied_tx(), Some(applied_tx()));
            self.publication.report(state.clone());
            self.publisher.note_waiting(waiting);
            if cleared.elapsed() >= CLEAR_EVERY {
                drop(self.served.get().clear_dead_readers());
                cleared = clock::instant();
            }
            if compacted.is_none_or(|at| at.elapsed() >= COMPACT_EVERY) {
                if let Err(e) = self.compact() {
                    eprintln!("the public store: removing old versions: {}", one_line(&e));
                }
                compacted = Some(clock::instant());
            }
            if state.waiting.is_some() {
                std::thread::sleep(pause);
                pause = (pause * 2).min(RETRY);
            } else {
                pause = RETRY_FIRST;
            }
        }
    }

    /// Waits for what follows at the origin, and applies it. `connected` is kept from one turn to the next.
    fn turn(&self, connected: &mut Option<LogCopy>) -> Result<()> {
        let copy = match connected {
            Some(copy) => copy,
            None => connected.insert(connect(&self.origin, &self.place.data, &self.tell)?),
        };
        let index = self.served.get();
        if let Some(brought) = bring_forward(&index, self.view, copy, &self.origin, false, COPY_WAIT_SECONDS, &self.tell)? {
            if brought.withdrew {
                self.served.forget();
            }
            self.served.published();
        }
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        let Some(retained) = self.retained else { return Ok(()) };
        let since_ms = now_ms().saturating_sub(i64::try_from(retained.as_millis()).unwrap_or(i64::MAX));
        annuaire_publish::compact(&self.served.get(), since_ms, &|| true)?;
        Ok(())
    }
}
