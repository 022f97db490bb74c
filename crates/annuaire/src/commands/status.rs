//! `annuaire status`.

use crate::amounts::{age, date_utc, lines, size, thousands};
use crate::clock::now_ms;
use crate::data_place::{DataPlace, ExpectedData, STORES, registry_path};
use crate::exit::Exit;
use crate::files::files_status;
use crate::options::PlaceOptions;
use crate::survey::Survey;
use annuaire_base::Tx;
use annuaire_index::Peek;
use annuaire_registry::OperatorBacklog;
use annuaire_web::digest_prefix;
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

/// Says where log and stores are, what was delivered last, and what waits
#[derive(Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl StatusArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, _) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        let survey = Survey::read(&place);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&as_json(&place, &survey))?);
        } else {
            print(&place, &survey);
        }
        let has_log = survey.copied.is_none();
        let unreadable = (has_log && survey.log.is_err()) || survey.stores.iter().any(|(_, s)| matches!(s, Some(Err(_))));
        Ok(if unreadable { Exit::Incomplete } else { Exit::Done })
    }
}

fn print(place: &DataPlace, survey: &Survey) {
    let registry = match &place.database {
        _ if survey.copied.is_some() => "none".to_owned(),
        Some(file) => format!("PostgreSQL, named by {}", file.display()),
        None => registry_path(&place.data).display().to_string(),
    };
    println!("annuaire {}, data directory {}, registry {registry}", env!("CARGO_PKG_VERSION"), place.data.display());
    match &survey.log {
        Err(_) if survey.copied.is_some() => println!("copies {}", survey.copied.as_deref().unwrap_or_default()),
        Ok(Some(tx)) => println!(
            "log: ends at transaction {} of {} ({}), digest {}",
            tx.tx,
            date_utc(tx.commit_ms),
            age(tx.commit_ms, now_ms()),
            digest_prefix(&tx.digest)
        ),
        Ok(None) => println!("log: empty"),
        Err(why) => println!("log: cannot be read: {why}"),
    }
    if let Ok(log) = survey.identity {
        println!("log id: {:032x}, epoch {}", log.id, log.epoch);
    }
    for (store, found) in &survey.stores {
        match (found, survey.last()) {
            (None, _) if *store == STORES[1] => println!("{store} store: none (made when a server is given a credential)"),
            (None, _) => println!("{store} store: none yet (the next import or server makes it)"),
            (Some(Err(why)), _) => println!("{store} store: cannot be read: {why}"),
            (Some(Ok(at)), _) if survey.is_of_another_log(at) => {
                println!("{store} store: at transaction {} of another log, or of another epoch (see `annuaire doctor`)", at.tx);
            }
            (Some(Ok(at)), Some(last)) if at.tx < last => {
                println!("{store} store: at transaction {}, {} behind the log, {}", at.tx, last.since(at.tx), size(at.bytes));
            }
            (Some(Ok(at)), Some(last)) if at.tx > last => {
                println!("{store} store: at transaction {}, ahead of the log: not its log (see `annuaire doctor`)", at.tx);
            }
            (Some(Ok(at)), Some(_)) => println!("{store} store: at transaction {}, up to date, {}", at.tx, size(at.bytes)),
            (Some(Ok(at)), None) => println!("{store} store: at transaction {}, {}", at.tx, size(at.bytes)),
        }
    }
    match files_status(place) {
        None => {}
        Some(Ok(files)) => println!(
            "files: at transaction {} ({}), {} increments since the root of {}, {} in {} files",
            files.tx,
            age(files.commit_ms, now_ms()),
            files.increments,
            date_utc(files.root_ms),
            size(files.bytes.1),
            files.files.1
        ),
        Some(Err(why)) => println!("files: {why}"),
    }
    match &survey.holder {
        Ok(None) => println!("publication: nobody is at work (an import publishes what it commits)"),
        Ok(Some(who)) => match &who.waiting {
            None => println!("publication: {}", who.description()),
            Some(why) => println!("publication: {}, which waits: {why}", who.description()),
        },
        Err(why) => println!("publication: {why}"),
    }
    if survey.sources.is_empty() && survey.copied.is_none() {
        println!("sources: none delivered yet");
    }
    for (code, stamp, objects) in &survey.sources {
        println!("source {code}: last delivery {}, {} objects", stamp_and_age(stamp), thousands(*objects));
    }
    match &survey.quarantined {
        Ok(0) => println!("quarantine: empty"),
        Ok(n) => println!("quarantine: {} (`annuaire quarantine` lists them)", lines(*n as u64)),
        Err(_) => {}
    }
    for extractions in &survey.extractions {
        println!("{}", extractions.line());
    }
    if let Ok((by_status, waiting)) = &survey.subscriptions
        && by_status.iter().sum::<u64>() > 0
    {
        let [requested, active, error, off] = by_status;
        println!(
            "subscriptions: {active} active, {requested} requested, {error} in error, {off} off; {} events wait for receivers",
            thousands(*waiting)
        );
    }
    if let Ok(Some(backlog)) = &survey.backlog {
        println!("registration: {}", backlog_line(backlog));
    }
    let free = survey.free.map_or_else(String::new, |free| format!(", {} free", size(free)));
    println!("disk: {}{free}", size(survey.bytes));
}

/// How many letters and alerts wait for an operator, and what the oldest is.
pub(crate) fn backlog_line(backlog: &OperatorBacklog) -> String {
    let OperatorBacklog { waiting, oldest, request, since_ms } = backlog;
    let about = if request.is_empty() { String::new() } else { format!(" of request {request}") };
    format!(
        "{} letters and alerts wait for an operator; the oldest, {oldest}{about}, {}",
        thousands(*waiting),
        age(*since_ms, now_ms())
    )
}

/// A stamp of 8, 12 or 14 digits as a date, with its age in whole days; stamps are local time.
fn stamp_and_age(stamp: &str) -> String {
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

/// The survey as JSON, an interface of scripts.
fn as_json(place: &DataPlace, survey: &Survey) -> Value {
    let log = match &survey.log {
        Ok(tx) => json!({
            "id": survey.identity.as_ref().ok().map(|log| format!("{:032x}", log.id)),
            "epoch": survey.identity.as_ref().ok().map(|log| log.epoch),
            "tx": tx.as_ref().map_or(Tx::NONE, |t| t.tx),
            "commit_ms": tx.as_ref().map(|t| t.commit_ms),
            "digest": tx.as_ref().map(|t| digest_prefix(&t.digest)),
        }),
        Err(why) => json!({"error": why}),
    };
    let store = |found: &Option<Result<Peek, String>>| match found {
        None => Value::Null,
        Some(Ok(at)) => json!({
            "tx": at.tx,
            "behind": survey.last().map(|last| last.since(at.tx)),
            "bytes": at.bytes,
            "log": at.log.map(|log| log.to_string()),
        }),
        Some(Err(why)) => json!({"error": why}),
    };
    let stores: serde_json::Map<String, Value> = survey.stores.iter().map(|(name, s)| ((*name).to_owned(), store(s))).collect();
    let sources: Vec<Value> =
        survey.sources.iter().map(|(code, stamp, n)| json!({"source": code, "stamp": stamp, "objects": n})).collect();
    let files = match files_status(place) {
        None => Value::Null,
        Some(Ok(files)) => json!({
            "tx": files.tx,
            "made_ms": files.made_ms,
            "root_ms": files.root_ms,
            "increments": files.increments,
            "bytes": files.bytes.1,
        }),
        Some(Err(why)) => json!({"error": why}),
    };
    let extractions: Vec<Value> = survey
        .extractions
        .iter()
        .map(|of| {
            let editions: Vec<Value> = of.editions.iter().map(|e| json!({"edition": e.edition, "tx": e.tx})).collect();
            json!({"perimeter": of.perimeter, "editions": editions, "done_ms": of.status.done_ms, "failure": of.status.failure})
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "data": place.data,
        "log": log,
        "stores": stores,
        "files": files,
        "publisher": survey.holder.as_ref().ok(),
        "sources": sources,
        "quarantined": survey.quarantined.as_ref().ok(),
        "extractions": extractions,
        "subscriptions": survey.subscriptions.as_ref().ok().map(|([requested, active, error, off], waiting)| {
            json!({"requested": requested, "active": active, "error": error, "off": off, "waiting_events": waiting})
        }),
        "operator_backlog": survey.backlog.as_ref().ok().map(|backlog| match backlog {
            None => json!({"waiting": 0}),
            Some(found) => json!({
                "waiting": found.waiting,
                "oldest": found.oldest,
                "request": found.request,
                "since_ms": found.since_ms,
            }),
        }),
        "bytes": survey.bytes,
        "free_bytes": survey.free,
    })
}
