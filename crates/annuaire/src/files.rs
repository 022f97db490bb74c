//! The public perimeter as files: a thread that keeps them at the end of what is published.

use crate::clock::now_ms;
use crate::config::{TextValue, UpdateCadence};
use crate::data_place::{DataPlace, create_private};
use crate::exit::one_line;
use crate::limits::{FILES_LOOK, RETRY};
use crate::priority::run_behind_readers;
use crate::registry::random_bytes;
use annuaire_bulk::{ChainStart, Error, LogDirectories, PublishedLog, PublishedTree, TreeLimits, TreeOptions, TreeStatus};
use annuaire_fhir::schema::{PUBLIC_TYPES, TYPES};
use annuaire_index::Index;
use annuaire_terms::TypeId;
use annuaire_web::ServedStore;
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// Directory of the files of the public perimeter, below the data directory.
fn files_dir(place: &DataPlace) -> PathBuf {
    place.data.join("files").join("public")
}

/// Where the published files are, as far as they say; `None` when there are none.
pub(crate) fn files_status(place: &DataPlace) -> Option<Result<TreeStatus, String>> {
    match PublishedTree::peek(&files_dir(place)) {
        Ok(status) => status.map(Ok),
        Err(e) => Some(Err(e.to_string())),
    }
}

/// Opens the files of the public perimeter, and starts to keep them up to date. The process has the right to publish.
pub(crate) fn start_files(
    place: &DataPlace,
    served: ServedStore<Index>,
    cadence: &TextValue<UpdateCadence>,
    key_name: &str,
    niceness: i32,
) -> Result<Arc<PublishedTree>> {
    let dir = files_dir(place);
    create_private(&dir)?;
    let types: Vec<_> = (0..).map(TypeId::new).zip(TYPES[..PUBLIC_TYPES].iter().copied()).collect();
    let directories = LogDirectories { tree: dir.clone(), private: place.data.clone() };
    let log = PublishedLog::open(directories, key_name, types.clone(), Box::new(|bytes| random_bytes(bytes)));
    let log = log.context("the verifiable log of the published files")?;
    let options = TreeOptions { types, cadence: cadence.text().to_owned(), limits: TreeLimits::default() };
    let tree = Arc::new(PublishedTree::open(&dir, options).context("the published files")?);
    tree.serve_salts(log.salts());
    let mut thread = FilesThread {
        tree: Arc::clone(&tree),
        log,
        served,
        cadence_ms: i64::try_from(cadence.value.0.as_millis()).unwrap_or(i64::MAX),
    };
    let started = std::thread::Builder::new().spawn(move || {
        // The threads that it starts inherit the niceness.
        run_behind_readers(niceness);
        thread.run();
    });
    started.context("starting to publish files")?;
    Ok(tree)
}

/// Name of the key of the log: the address of the service without its scheme, as C2SP advises. It is used when the key is made.
pub(crate) fn key_name(public_base: Option<&str>) -> String {
    let base = public_base.map_or("annuaire", |base| base.split_once("://").map_or(base, |(_, rest)| rest));
    base.trim_end_matches('/').replace(['+', ' '], "-")
}

struct FilesThread {
    tree: Arc<PublishedTree>,
    log: PublishedLog,
    served: ServedStore<Index>,
    cadence_ms: i64,
}

impl FilesThread {
    /// Updates the files at each cadence, and at once when something was withdrawn by law; for ever.
    fn run(&mut self) {
        let (mut due_ms, mut tried) = (i64::MIN, None);
        loop {
            // A store that another one replaces must end with its last answer: it is taken for each turn.
            let index = self.served.get();
            let now = now_ms();
            // A state is tried once before its time.
            let is_new = tried != Some(index.applied_tx());
            if now >= due_ms || (is_new && self.tree.withdrawal_is_pending(&index).unwrap_or(false)) {
                tried = Some(index.applied_tx());
                due_ms = match self.update(&index, now) {
                    Ok(()) => now + self.cadence_ms,
                    Err(why) => {
                        tracing::warn!("the published files stay as they were: {why}");
                        now + self.cadence_ms.min(i64::try_from(RETRY.as_millis()).unwrap_or(i64::MAX))
                    }
                };
            }
            drop(index);
            std::thread::sleep(FILES_LOOK);
        }
    }

    fn update(&mut self, index: &Index, now: i64) -> Result<(), String> {
        // A log that begins tells all that stands.
        let view = format!("{}, log {}", index.marks_in_words().map_err(|e| e.to_string())?, self.log.origin());
        let report = loop {
            match self.tree.update(index, &view, now, &mut self.log) {
                // The next state has nothing of it.
                Err(Error::Withdrawn) => {}
                Ok(report) => break report,
                Err(e) => return Err(one_line(&e.into())),
            }
        };
        self.log.settle().map_err(|e| one_line(&e.into()))?;
        match report.chain {
            Some(ChainStart::First) => tracing::info!("the public perimeter is published as files, at transaction {}", report.tx),
            Some(why) => tracing::info!("the published files begin a new chain at transaction {} ({why:?})", report.tx),
            None if report.increment => tracing::info!("the published files are at transaction {}", report.tx),
            None => {}
        }
        Ok(())
    }
}
