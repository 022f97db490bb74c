//! The state of an installation, read without disturbing a server or an import.

use crate::copy_origin::CopyOrigin;
use crate::data_place::{DataPlace, STORES};
use crate::exit::one_line;
use crate::extractions::ExtractionSurvey;
use crate::limits::WORK_JOBS;
use crate::publisher::{Holder, current_holder};
use annuaire_base::{LogIdentity, Tx};
use annuaire_index::{Index, Peek};
use annuaire_registry::OperatorBacklog;
use annuaire_store::subscription::SubscriptionHead;
use annuaire_store::{BlockingRegistry, Queue, Transaction};
use anyhow::Result;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The state of an installation, read once. A part that could not be read is an error message.
pub(crate) struct Survey {
    /// Address of the directory that this one copies. There is no log then.
    pub(crate) copied: Option<String>,
    /// Last transaction, `None` in an empty log.
    pub(crate) log: Result<Option<Transaction>, String>,
    /// Which log it is.
    pub(crate) identity: Result<LogIdentity, String>,
    /// Each store with its head, `None` when it was never made.
    pub(crate) stores: Vec<(&'static str, Option<Result<Peek, String>>)>,
    /// The process that has the right to publish.
    pub(crate) holder: Result<Option<Holder>, String>,
    /// Last delivery of each source: its code, its stamp, its number of objects.
    pub(crate) sources: Vec<(String, String, u64)>,
    /// Lines in quarantine.
    pub(crate) quarantined: Result<usize, String>,
    /// Extractions of each perimeter that has some.
    pub(crate) extractions: Vec<ExtractionSurvey>,
    /// Subscriptions by status, in the order of `SubscriptionStatus::ALL`, and events that wait for their receivers.
    pub(crate) subscriptions: Result<([u64; 4], u64), String>,
    /// Letters and alerts of registration that wait for an operator, when some do.
    pub(crate) backlog: Result<Option<OperatorBacklog>, String>,
    /// Bytes of the data directory.
    pub(crate) bytes: u64,
    /// Bytes free on its disk, when the system tells.
    pub(crate) free: Option<u64>,
}

impl Survey {
    /// Reads the state of an installation.
    pub(crate) fn read(place: &DataPlace) -> Self {
        let registry = place.registry().map_err(|e| one_line(&e));
        let log = read_registry(&registry, |r| {
            let last = r.last_tx()?;
            Ok(r.transactions(last.previous(), 1)?.pop())
        });
        let identity = read_registry(&registry, |r| Ok(r.log()?));
        let sources = read_registry(&registry, |r| {
            let notes = r.notes("source", "", 1_000)?;
            Ok(notes.into_iter().map(|(code, text)| source_summary(code, &text)).collect())
        });
        let quarantined = read_registry(&registry, |r| Ok(annuaire_exchange::quarantine(r)?.len()));
        let subscriptions = read_registry(&registry, count_subscriptions);
        let backlog = read_registry(&registry, |r| Ok(OperatorBacklog::of(&r.jobs(Queue::Work, WORK_JOBS)?)));
        let peek = |name: &'static str| {
            let dir = place.data.join(name);
            let found = dir.join("data.mdb").exists().then(|| Index::peek(&dir).map_err(|e| e.to_string()));
            (name, found)
        };
        Self {
            copied: CopyOrigin::of(&place.data).ok().flatten().map(|copied| copied.origin),
            log,
            identity,
            stores: STORES.map(peek).into(),
            holder: current_holder(&place.data).map_err(|e| one_line(&e)),
            sources: sources.unwrap_or_default(),
            quarantined,
            extractions: crate::extractions::survey(place),
            subscriptions,
            backlog,
            bytes: bytes_below(&place.data),
            free: rustix::fs::statvfs(&place.data).ok().map(|v| v.f_bavail.saturating_mul(v.f_frsize)),
        }
    }

    /// Number of the last transaction.
    pub(crate) fn last(&self) -> Option<Tx> {
        self.log.as_ref().ok().map(|last| last.as_ref().map_or(Tx::NONE, |last| last.tx))
    }

    /// Whether a store names another log than the registry's, or another epoch of it.
    pub(crate) fn is_of_another_log(&self, store: &Peek) -> bool {
        self.identity.as_ref().is_ok_and(|log| store.log.is_some_and(|followed| followed != *log))
    }
}

/// Reads from a registry that may not have opened.
fn read_registry<T>(
    registry: &Result<BlockingRegistry, String>,
    read: impl FnOnce(&BlockingRegistry) -> Result<T>,
) -> Result<T, String> {
    match registry {
        Ok(registry) => read(registry).map_err(|e| one_line(&e)),
        Err(why) => Err(why.clone()),
    }
}

fn count_subscriptions(registry: &BlockingRegistry) -> Result<([u64; 4], u64)> {
    let (mut by_status, mut waiting) = ([0; 4], 0);
    each_subscription(registry, &mut |head| {
        by_status[usize::try_from(head.status.number()).unwrap_or(0)] += 1;
        waiting += head.progress.events.saturating_sub(head.progress.delivered);
    })?;
    Ok((by_status, waiting))
}

/// Hands out all subscriptions, page by page.
pub(crate) fn each_subscription(registry: &BlockingRegistry, take: &mut dyn FnMut(&SubscriptionHead)) -> Result<()> {
    let mut after = String::new();
    loop {
        let page = registry.subscription_heads(None, &after, 1_000)?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        page.iter().for_each(&mut *take);
    }
}

/// Code, stamp and number of objects of a source; a note without them gives an empty stamp and 0.
fn source_summary(code: String, text: &str) -> (String, String, u64) {
    let note: Value = serde_json::from_str(text).unwrap_or_default();
    let stamp = note["stamp"].as_str().unwrap_or_default().to_owned();
    (code, stamp, note["objects"].as_u64().unwrap_or_default())
}

/// Bytes of the files below a directory.
fn bytes_below(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .filter_map(|e| e.ok())
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => bytes_below(&e.path()),
            Ok(m) => m.len(),
            Err(_) => 0,
        })
        .sum()
}
