//! The jobs: started by callers, made one after the other, forgotten after a day.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use annuaire_base::Tx;
use annuaire_base::text::hex;
use annuaire_index::Index;
use annuaire_terms::TypeId;

use super::making::{CompileFilter, ExportReport, Making, ReduceResource, Stop, link_files};
use super::record::{ExportEnd, ExportFailure, ExportFiles, ExportRecord, ExportRequest, FORMAT};
use crate::disk::{read_if_there, remove_others, sync_dir, write_whole};
use crate::error::{Error, at};
use crate::limits::ExportLimits;
use crate::lines::stored_name;
use crate::stored_file::StoredFile;
use crate::tree::Found;

/// Fills bytes with random ones.
pub(crate) type FillWithRandom = dyn Fn(&mut [u8]) + Send + Sync;

/// What exports are made with.
pub struct ExportOptions {
    /// All types with their names.
    pub types: Vec<(TypeId, &'static str)>,
    /// Compiles a search on a type against a state: state, beginning of our addresses, type, query.
    pub compile: Box<CompileFilter>,
    /// A resource with some of its members.
    pub reduce: ReduceResource,
    /// Fills bytes with secret random ones.
    pub entropy: Box<FillWithRandom>,
    /// How much.
    pub limits: ExportLimits,
}

impl fmt::Debug for ExportOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportOptions").field("types", &self.types).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Who asks for a job.
#[derive(Clone, Copy)]
pub struct ExportCaller<'a> {
    /// Door at which it is asked.
    pub scope: &'a str,
    /// The caller, where it is known by a key or credential: another one's jobs are not told (BULK-21). Elsewhere the id alone tells.
    pub owner: Option<&'a str>,
    /// The store of the door.
    pub index: &'a Index,
}

impl fmt::Debug for ExportCaller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportCaller").field("scope", &self.scope).field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// Why a job is not started.
#[derive(Debug)]
pub enum ExportRefusal {
    /// The caller has as many jobs, or as many bytes in their files, as it may have.
    TooManyOfCaller,
    /// The server has.
    Full,
    /// It cannot be written.
    Failed(Error),
}

/// Where a job is.
#[derive(Debug, Clone)]
pub enum ExportState {
    /// The caller has no job of this id.
    Unknown,
    /// It was asked less than [`ExportLimits::poll_ms`] ago.
    TooSoon,
    /// It is not finished: resources that are written, of all.
    Unfinished {
        /// Resources in the files that are written.
        done: u64,
        /// All of them; `None` before the job is begun.
        all: Option<u64>,
    },
    /// It ended, and is kept up to an instant (milliseconds since 1970 UTC).
    Ended(Arc<ExportRequest>, ExportEnd, i64),
}

/// How far a job is, for whoever asks while it is made.
#[derive(Debug, Default)]
struct ExportProgress {
    done: AtomicU64,
    /// All resources and one; 0 before they are counted.
    all: AtomicU64,
    cancelled: AtomicBool,
}

struct ExportJob {
    record: ExportRecord,
    progress: Arc<ExportProgress>,
    /// It is on disk.
    stored: bool,
    running: bool,
    asked_ms: Option<i64>,
}

/// A finished job that has the files of another one.
struct Twin {
    id: String,
    request: ExportRequest,
    files: ExportFiles,
}

/// The exports of a server.
pub struct ExportJobs {
    dir: PathBuf,
    options: ExportOptions,
    jobs: Mutex<BTreeMap<String, ExportJob>>,
    work: Condvar,
}

impl fmt::Debug for ExportJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportJobs").field("dir", &self.dir).field("options", &self.options).finish_non_exhaustive()
    }
}

/// What a door may say of the files: whether the state of a job may still be told.
fn is_overtaken(request: &ExportRequest, index: &Index) -> Result<bool, Error> {
    let log = index.log()?.map_or_else(String::new, |log| log.to_string());
    Ok(log != request.log || index.snapshot()?.withdrew_since(Tx::new(request.started_tx))?)
}

impl ExportJobs {
    /// Reads the jobs below a directory, which need not exist: the first job makes it. Jobs without end wait to be made again.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn open(dir: &Path, options: ExportOptions) -> Result<Self, Error> {
        let mut jobs = BTreeMap::new();
        let entries = match fs::read_dir(dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            entries => Some(entries.map_err(at(dir))?),
        };
        for entry in entries.into_iter().flatten() {
            let path = entry.map_err(at(dir))?.path();
            let Some(id) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let job =
                read_if_there(&path.join("job.json"))?.and_then(|bytes| serde_json::from_slice::<ExportRecord>(&bytes).ok());
            match job.filter(|job| job.format == FORMAT) {
                Some(record) => {
                    let job = ExportJob { record, progress: Arc::default(), stored: true, running: false, asked_ms: None };
                    jobs.insert(id.to_owned(), job);
                }
                // A start or a removal that was cut.
                None => fs::remove_dir_all(&path).map_err(at(&path))?,
            }
        }
        Ok(Self { dir: dir.to_owned(), options, jobs: Mutex::new(jobs), work: Condvar::new() })
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, ExportJob>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds between two questions about an unfinished job.
    #[must_use]
    pub fn poll_ms(&self) -> i64 {
        self.options.limits.poll_ms
    }

    /// Jobs that are not finished, and bytes of the files of the others.
    #[must_use]
    pub fn amounts(&self) -> (usize, u64) {
        let jobs = self.all();
        (jobs.values().filter(|job| job.record.end.is_none()).count(), jobs.values().map(|job| job.record.bytes()).sum())
    }

    /// Starts a job; its id, which is a secret of its caller. It is durable when this returns.
    ///
    /// # Errors
    /// [`ExportRefusal`].
    pub fn start(&self, request: ExportRequest, now_ms: i64) -> Result<String, ExportRefusal> {
        let mut random = [0; 16];
        (self.options.entropy)(&mut random);
        let id = hex(&random);
        let record = ExportRecord { format: FORMAT, request, started_ms: now_ms, end: None };
        {
            let mut jobs = self.all();
            let limits = &self.options.limits;
            let unfinished = |job: &&ExportJob| job.record.end.is_none();
            let own = || jobs.values().filter(|job| job.record.request.owner == record.request.owner);
            let bytes_of = |jobs: &mut dyn Iterator<Item = &ExportJob>| jobs.map(|job| job.record.bytes()).sum::<u64>();
            if own().filter(unfinished).count() >= limits.waiting_of_caller
                || own().count() >= limits.jobs_of_caller
                || bytes_of(&mut own()) >= limits.bytes_of_caller
            {
                return Err(ExportRefusal::TooManyOfCaller);
            }
            if jobs.values().filter(unfinished).count() >= limits.waiting
                || jobs.len() >= limits.jobs
                || bytes_of(&mut jobs.values()) >= limits.bytes
            {
                return Err(ExportRefusal::Full);
            }
            let record = record.clone();
            let job = ExportJob { record, progress: Arc::default(), stored: false, running: false, asked_ms: None };
            jobs.insert(id.clone(), job);
        }
        let dir = self.dir.join(&id);
        let made = make_private(&dir).and_then(|()| store(&dir, &record)).and_then(|()| sync_dir(&self.dir));
        if let Err(error) = made {
            self.all().remove(&id);
            let _ = fs::remove_dir_all(&dir);
            return Err(ExportRefusal::Failed(error));
        }
        if let Some(job) = self.all().get_mut(&id) {
            job.stored = true;
        }
        self.work.notify_all();
        Ok(id)
    }

    /// Where a job is, for a caller that polls.
    ///
    /// # Errors
    /// When the store or the directory cannot be read.
    pub fn ask(&self, caller: &ExportCaller<'_>, id: &str, now_ms: i64) -> Result<ExportState, Error> {
        if !self.may_tell(caller, id, now_ms)? {
            return Ok(ExportState::Unknown);
        }
        let mut jobs = self.all();
        let Some(job) = jobs.get_mut(id) else { return Ok(ExportState::Unknown) };
        if let Some((end, _)) = &job.record.end {
            let expires_ms = job.record.expires_ms(self.options.limits.lifetime_ms);
            return Ok(ExportState::Ended(Arc::new(job.record.request.clone()), end.clone(), expires_ms));
        }
        let last_ms = job.asked_ms.replace(now_ms);
        // A clock that steps back makes nobody wait.
        if last_ms.is_some_and(|last_ms| (0..self.options.limits.poll_ms).contains(&(now_ms - last_ms))) {
            return Ok(ExportState::TooSoon);
        }
        let all = job.progress.all.load(Ordering::Relaxed).checked_sub(1);
        Ok(ExportState::Unfinished { done: job.progress.done.load(Ordering::Relaxed), all })
    }

    /// A file of a job, by its name in the manifest.
    ///
    /// # Errors
    /// When the store or the directory cannot be read.
    pub fn file(&self, caller: &ExportCaller<'_>, id: &str, name: &str, now_ms: i64) -> Result<Found<StoredFile>, Error> {
        if !self.may_tell(caller, id, now_ms)? {
            return Ok(Found::Never);
        }
        let jobs = self.all();
        let Some((end, _)) = jobs.get(id).and_then(|job| job.record.end.as_ref()) else { return Ok(Found::Never) };
        let files = match end {
            ExportEnd::Done(files) => files,
            ExportEnd::Overtaken => return Ok(Found::Removed),
            ExportEnd::Failed(_) => return Ok(Found::Never),
        };
        let found = name.strip_suffix(".ndjson").and_then(|sha256| files.files.get_key_value(sha256));
        Ok(found.map_or(Found::Never, |(sha256, file)| {
            // The path is made of names that the job knows.
            let path = self.dir.join(id).join("files").join(stored_name(sha256));
            Found::Here(StoredFile { path, sha256: sha256.clone(), file: file.clone() })
        }))
    }

    /// Ends a job and removes its files (BULK-14). False when the caller has no such job.
    ///
    /// # Errors
    /// When the files cannot be removed; they are then removed later, and the job is unknown at once.
    pub fn remove(&self, caller: &ExportCaller<'_>, id: &str, now_ms: i64) -> Result<bool, Error> {
        if !self.may_tell(caller, id, now_ms)? {
            return Ok(false);
        }
        let Some(job) = self.all().remove(id) else { return Ok(false) };
        job.progress.cancelled.store(true, Ordering::SeqCst);
        if !job.running {
            remove_dir(&self.dir.join(id))?;
        }
        Ok(true)
    }

    /// Whether a caller may know of a job. One whose state may not be told any more loses its files first.
    fn may_tell(&self, caller: &ExportCaller<'_>, id: &str, now_ms: i64) -> Result<bool, Error> {
        let request = {
            let jobs = self.all();
            let Some(job) = jobs.get(id) else { return Ok(false) };
            let request = &job.record.request;
            let is_own = caller.owner.is_none_or(|owner| owner == request.owner);
            let is_over = job.record.end.is_some() && now_ms >= job.record.expires_ms(self.options.limits.lifetime_ms);
            if request.scope != caller.scope || !is_own || is_over {
                return Ok(false);
            }
            if matches!(job.record.end, Some((ExportEnd::Overtaken, _))) {
                return Ok(true);
            }
            request.clone()
        };
        if is_overtaken(&request, caller.index)? {
            self.overtake(id, now_ms)?;
        }
        Ok(true)
    }

    /// Removes the files of a job whose state may not be told any more.
    fn overtake(&self, id: &str, now_ms: i64) -> Result<(), Error> {
        let record = {
            let mut jobs = self.all();
            let Some(job) = jobs.get_mut(id) else { return Ok(()) };
            job.progress.cancelled.store(true, Ordering::SeqCst);
            job.record.end = Some((ExportEnd::Overtaken, now_ms));
            job.record.clone()
        };
        let dir = self.dir.join(id);
        store(&dir, &record)?;
        remove_dir(&dir.join("files"))
    }

    /// Removes what is over: jobs after their time, the files of those whose state may not be told any more, and what a removal left.
    /// `index_of` gives the store of a scope, while it is served.
    ///
    /// # Errors
    /// When a store or the directory cannot be read or written; the rest is done.
    pub fn sweep(&self, index_of: &dyn Fn(&str) -> Option<Arc<Index>>, now_ms: i64) -> Result<(), Error> {
        let mut outcome = Ok(());
        let lifetime_ms = self.options.limits.lifetime_ms;
        let all: Vec<(String, ExportRecord)> = self.all().iter().map(|(id, job)| (id.clone(), job.record.clone())).collect();
        if all.is_empty() {
            return Ok(());
        }
        for (id, record) in all {
            let done = match &record.end {
                Some(_) if now_ms >= record.expires_ms(lifetime_ms) => {
                    self.all().remove(&id);
                    remove_dir(&self.dir.join(&id))
                }
                Some((ExportEnd::Overtaken, _)) => Ok(()),
                // A scope that is not served any more keeps nothing.
                _ => match index_of(&record.request.scope).map(|index| is_overtaken(&record.request, &index)) {
                    Some(Ok(false)) => Ok(()),
                    Some(Err(error)) => Err(error),
                    Some(Ok(true)) | None => self.overtake(&id, now_ms),
                },
            };
            outcome = outcome.and(done);
        }
        outcome
    }

    /// Waits until a job may be there, for `timeout` at most.
    pub fn wait(&self, timeout: Duration) {
        let is_idle = |jobs: &mut BTreeMap<String, ExportJob>| !jobs.values().any(|job| job.stored && job.record.end.is_none());
        let _ = self.work.wait_timeout_while(self.all(), timeout, is_idle);
    }

    /// Makes the job that waits for longest; `None` when none waits. A caller that has fewer finished jobs than another is not preferred:
    /// each may have few that wait.
    pub fn run_next(&self, index_of: &dyn Fn(&str) -> Option<Arc<Index>>, now_ms: &dyn Fn() -> i64) -> Option<ExportReport> {
        let (id, request, progress, twin) = {
            let mut jobs = self.all();
            let waits = |job: &ExportJob| job.stored && !job.running && job.record.end.is_none();
            let (id, _) = jobs.iter().filter(|(_, job)| waits(job)).min_by_key(|(_, job)| job.record.started_ms)?;
            let id = id.clone();
            let job = jobs.get_mut(&id)?;
            job.running = true;
            let (request, progress) = (job.record.request.clone(), Arc::clone(&job.progress));
            let twin = jobs.iter().find_map(|(id, job)| match &job.record.end {
                Some((ExportEnd::Done(files), _)) if job.record.request.shares_files_with(&request) => {
                    Some(Twin { id: id.clone(), request: job.record.request.clone(), files: files.clone() })
                }
                _ => None,
            });
            (id, request, progress, twin)
        };
        let made = match index_of(&request.scope) {
            Some(index) => self.make(&id, &request, &index, &progress, twin),
            None => Err(Stop::Overtaken),
        };
        let resources = progress.done.load(Ordering::Relaxed);
        let (end, fault) = match made {
            Ok(files) => (Some(ExportEnd::Done(files)), None),
            Err(Stop::Cancelled) => (None, None),
            Err(Stop::Overtaken) => (Some(ExportEnd::Overtaken), None),
            Err(Stop::Failed(why, fault)) => (Some(ExportEnd::Failed(why)), fault),
        };
        let fault = fault.or(self.finish(&id, end, now_ms()).err());
        Some(ExportReport { resources, fault })
    }

    fn make(
        &self,
        id: &str,
        request: &ExportRequest,
        index: &Index,
        progress: &ExportProgress,
        twin: Option<Twin>,
    ) -> Result<ExportFiles, Stop> {
        let dir = self.dir.join(id).join("files");
        make_private(&dir)?;
        remove_others(&dir, &|_| false)?;
        if let Some(twin) = twin
            && !is_overtaken(&twin.request, index)?
            && link_files(&twin.files, &self.dir.join(twin.id).join("files"), &dir)?
        {
            return Ok(twin.files);
        }
        let before = self.amounts().1;
        let written = AtomicU64::new(0);
        let making = Making {
            index,
            request,
            types: &self.options.types,
            compile: &*self.options.compile,
            reduce: self.options.reduce,
            dir: &dir,
            begins: &|all| progress.all.store(all + 1, Ordering::Relaxed),
            goes_on: &|file| {
                progress.done.fetch_add(file.lines, Ordering::Relaxed);
                let bytes = written.fetch_add(file.size, Ordering::Relaxed) + file.size;
                if progress.cancelled.load(Ordering::SeqCst) {
                    Err(Stop::Cancelled)
                } else if before + bytes > self.options.limits.bytes || bytes > self.options.limits.bytes_of_caller {
                    Err(Stop::Failed(ExportFailure::TooLarge, None))
                } else {
                    Ok(())
                }
            },
        };
        making.make()
    }

    /// Notes how a job ended, unless it was removed or overtaken meanwhile.
    fn finish(&self, id: &str, end: Option<ExportEnd>, now_ms: i64) -> Result<(), Error> {
        let dir = self.dir.join(id);
        let record = self.all().get(id).map(|job| job.record.clone());
        let (Some(mut record), Some(end)) = (record.filter(|record| record.end.is_none()), end) else {
            // What it wrote after its removal goes too.
            return match self.all().get_mut(id) {
                Some(job) => {
                    job.running = false;
                    remove_dir(&dir.join("files"))
                }
                None => remove_dir(&dir),
            };
        };
        record.end = Some((end, now_ms));
        if !matches!(record.end, Some((ExportEnd::Done(_), _))) {
            remove_dir(&dir.join("files"))?;
        }
        // It is durable before anybody is told.
        let stored = store(&dir, &record);
        let mut jobs = self.all();
        match jobs.get_mut(id) {
            Some(job) => {
                job.running = false;
                if job.record.end.is_none() {
                    job.record.end = match &stored {
                        Ok(()) => record.end,
                        Err(_) => Some((ExportEnd::Failed(ExportFailure::Internal), now_ms)),
                    };
                    return stored;
                }
                // Overtaken meanwhile: what was stored here must not come back.
                let record = job.record.clone();
                drop(jobs);
                store(&dir, &record)?;
                remove_dir(&dir.join("files"))
            }
            None => {
                drop(jobs);
                remove_dir(&dir)
            }
        }
    }
}

fn store(dir: &Path, record: &ExportRecord) -> Result<(), Error> {
    let path = dir.join("job.json");
    let bytes = serde_json::to_vec(record).map_err(|e| Error::State { path: path.clone(), reason: e.to_string() })?;
    write_whole(&path, &bytes)?;
    sync_dir(dir)
}

/// Makes a directory that its owner alone may read: restricted exports are below it.
fn make_private(dir: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(at(dir))
}

fn remove_dir(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(at(dir)(e)),
        _ => Ok(()),
    }
}
