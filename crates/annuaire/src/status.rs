//! Where everything is, without disturbing a server or an import.

use crate::exit::{Exit, date, said};
use crate::now_ms;
use crate::progress::{duration, lines, size, thousands};
use crate::publication::name;
use crate::publisher::{Holder, holder};
use crate::stores::{DataPlace, Expect, STORES, registry_path};
use annuaire_index::{Index, Peek};
use annuaire_store::{Registry, Transaction};
use anyhow::Result;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What is known of an installation; what could not be read is an error in words.
pub(crate) struct Known {
    /// Last transaction, `None` in an empty log.
    pub(crate) log: Result<Option<Transaction>, String>,
    /// Each store with what a look at it found, `None` when it was never made.
    pub(crate) stores: Vec<(&'static str, Option<Result<Peek, String>>)>,
    /// Who has the right to publish.
    pub(crate) holder: Result<Option<Holder>, String>,
    /// Last delivery of each source: its code, its stamp, its objects.
    pub(crate) sources: Vec<(String, String, u64)>,
    /// Lines in quarantine.
    pub(crate) quarantined: Result<usize, String>,
    /// Bytes of the data directory.
    pub(crate) bytes: u64,
    /// Bytes free on its disk, when the system says it.
    pub(crate) free: Option<u64>,
}

impl Known {
    /// Looks at everything once.
    pub(crate) fn of(place: &DataPlace) -> Self {
        let mut registry = place.registry().map_err(|e| said(&e));
        let log = with(&mut registry, |r| {
            let last = r.last_tx()?;
            Ok(r.transactions(last.previous())?.pop())
        });
        let sources = with(&mut registry, |r| {
            let notes = r.notes("source", "", 1_000)?;
            Ok(notes.into_iter().map(|(code, text)| source(code, &text)).collect())
        });
        let quarantined = with(&mut registry, |r| Ok(annuaire_exchange::quarantine(r)?.len()));
        let peek = |name: &'static str| {
            let dir = place.data.join(name);
            let found = dir.join("data.mdb").exists().then(|| Index::peek(&dir).map_err(|e| e.to_string()));
            (name, found)
        };
        Self {
            log,
            stores: STORES.map(peek).into(),
            holder: holder(&place.data).map_err(|e| said(&e)),
            sources: sources.unwrap_or_default(),
            quarantined,
            bytes: bytes(&place.data),
            free: rustix::fs::statvfs(&place.data).ok().map(|v| v.f_bavail.saturating_mul(v.f_frsize)),
        }
    }

    /// Number of the last transaction.
    pub(crate) fn last(&self) -> Option<u64> {
        self.log.as_ref().ok().map(|tx| tx.as_ref().map_or(0, |tx| tx.tx.get()))
    }
}

fn with<T>(
    registry: &mut Result<Box<dyn Registry>, String>,
    read: impl FnOnce(&mut dyn Registry) -> Result<T>,
) -> Result<T, String> {
    match registry {
        Ok(registry) => read(&mut **registry).map_err(|e| said(&e)),
        Err(why) => Err(why.clone()),
    }
}

/// Stamp and number of objects of a note, as far as it says them.
fn source(code: String, text: &str) -> (String, String, u64) {
    let note: Value = serde_json::from_str(text).unwrap_or_default();
    let stamp = note["stamp"].as_str().unwrap_or_default().to_owned();
    (code, stamp, note["objects"].as_u64().unwrap_or_default())
}

/// Bytes of the files below a directory.
fn bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .filter_map(|e| e.ok())
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => bytes(&e.path()),
            Ok(m) => m.len(),
            Err(_) => 0,
        })
        .sum()
}

/// How long ago an instant was, in words.
pub(crate) fn age(ms: i64) -> String {
    match u64::try_from(now_ms() - ms) {
        Ok(past) => format!("{} ago", duration(Duration::from_millis(past))),
        Err(_) => "in the future".to_owned(),
    }
}

/// Says how things stand. Incomplete when something could not be read.
pub(crate) fn status(place: &DataPlace, as_json: bool) -> Result<Exit> {
    place.expect(Expect::Standing)?;
    let known = Known::of(place);
    let exit = if known.log.is_err() || known.stores.iter().any(|(_, s)| matches!(s, Some(Err(_)))) {
        Exit::Incomplete
    } else {
        Exit::Done
    };
    if as_json {
        println!("{}", serde_json::to_string_pretty(&whole(place, &known))?);
        return Ok(exit);
    }
    let registry = match &place.database {
        Some(file) => format!("PostgreSQL, named by {}", file.display()),
        None => registry_path(&place.data).display().to_string(),
    };
    println!("annuaire {}, data directory {}, registry {registry}", env!("CARGO_PKG_VERSION"), place.data.display());
    match &known.log {
        Ok(Some(tx)) => println!("log: ends at transaction {} of {} ({})", tx.tx, date(tx.commit_ms), age(tx.commit_ms)),
        Ok(None) => println!("log: empty"),
        Err(why) => println!("log: cannot be read: {why}"),
    }
    for (store, found) in &known.stores {
        match (found, known.last()) {
            (None, _) if *store == STORES[1] => println!("{store} store: none (made when a server is given a credential)"),
            (None, _) => println!("{store} store: none yet (the next import or server makes it)"),
            (Some(Err(why)), _) => println!("{store} store: cannot be read: {why}"),
            (Some(Ok(at)), Some(last)) if at.tx < last => {
                println!("{store} store: at transaction {}, {} behind the log, {}", at.tx, last - at.tx, size(at.bytes));
            }
            (Some(Ok(at)), Some(last)) if at.tx > last => {
                println!("{store} store: at transaction {}, ahead of the log: not its log (see `annuaire doctor`)", at.tx);
            }
            (Some(Ok(at)), Some(_)) => println!("{store} store: at transaction {}, up to date, {}", at.tx, size(at.bytes)),
            (Some(Ok(at)), None) => println!("{store} store: at transaction {}, {}", at.tx, size(at.bytes)),
        }
    }
    match &known.holder {
        Ok(None) => println!("publication: nobody is at work (an import publishes what it commits)"),
        Ok(Some(who)) => match &who.waiting {
            None => println!("publication: {}", name(who)),
            Some(why) => println!("publication: {}, which waits: {why}", name(who)),
        },
        Err(why) => println!("publication: {why}"),
    }
    if known.sources.is_empty() {
        println!("sources: none delivered yet");
    }
    for (code, stamp, objects) in &known.sources {
        println!("source {code}: last delivery {}, {} objects", stamped(stamp), thousands(*objects));
    }
    match &known.quarantined {
        Ok(0) => println!("quarantine: empty"),
        Ok(n) => println!("quarantine: {} (`annuaire quarantine` lists them)", lines(*n as u64)),
        Err(_) => {}
    }
    let free = known.free.map_or_else(String::new, |free| format!(", {} free", size(free)));
    println!("disk: {}{free}", size(known.bytes));
    Ok(exit)
}

/// A stamp of 8, 12 or 14 digits as a date, with its age in whole days; stamps are local time.
fn stamped(stamp: &str) -> String {
    let part = |from: usize, to: usize| stamp.get(from..to).filter(|p| p.bytes().all(|b| b.is_ascii_digit()));
    let (Some(year), Some(month), Some(day)) = (part(0, 4), part(4, 6), part(6, 8)) else {
        return if stamp.is_empty() { "without a date".to_owned() } else { stamp.to_owned() };
    };
    let time = match (part(8, 10), part(10, 12)) {
        (Some(hour), Some(minute)) => format!(" {hour}:{minute}"),
        _ => String::new(),
    };
    let instant = annuaire_base::date::parse_instant(&format!("{year}-{month}-{day}T00:00:00Z"));
    let days = instant.map(|(ms, _)| (now_ms() - ms).div_euclid(86_400_000));
    let ago = match days {
        Some(0) => " (today)".to_owned(),
        Some(1) => " (yesterday)".to_owned(),
        Some(days) if days > 1 => format!(" ({days} days ago)"),
        _ => String::new(),
    };
    format!("of {year}-{month}-{day}{time}{ago}")
}

fn whole(place: &DataPlace, known: &Known) -> Value {
    let log = match &known.log {
        Ok(tx) => json!({"tx": tx.as_ref().map_or(0, |t| t.tx.get()), "commit_ms": tx.as_ref().map(|t| t.commit_ms)}),
        Err(why) => json!({"error": why}),
    };
    let store = |found: &Option<Result<Peek, String>>| match found {
        None => Value::Null,
        Some(Ok(at)) => json!({"tx": at.tx, "behind": known.last().map(|last| last.saturating_sub(at.tx)), "bytes": at.bytes}),
        Some(Err(why)) => json!({"error": why}),
    };
    let stores: serde_json::Map<String, Value> = known.stores.iter().map(|(name, s)| ((*name).to_owned(), store(s))).collect();
    let sources: Vec<Value> =
        known.sources.iter().map(|(code, stamp, n)| json!({"source": code, "stamp": stamp, "objects": n})).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "data": place.data,
        "log": log,
        "stores": stores,
        "publisher": known.holder.as_ref().ok(),
        "sources": sources,
        "quarantined": known.quarantined.as_ref().ok(),
        "bytes": known.bytes,
        "free_bytes": known.free,
    })
}
