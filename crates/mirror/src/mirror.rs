//! A mirror: one origin, one directory of state, one sink.

use crate::error::{Error, Result};
use crate::http::{HttpOptions, HttpSource};
use crate::limits;
use crate::metrics::{MirrorMetrics, RunReport};
use crate::origin::OriginBase;
use crate::plain::{Capability, PlainChannel, Walked, capability};
use crate::published::{FileCounts, LocatedPage, PublishedChannel, Successor};
use crate::record::{Record, Said};
use crate::resource::ResourceStamp;
use crate::round::{Breaker, Precedence, Received, Round, RoundCounts, apply};
use crate::sink::Sink;
use crate::state::{MirrorState, Recovered, StateDirectory, Watermark};
use crate::walk::PageShape;
use crate::world::{World, random_name};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Receives what is being done, how much of it is done and how much there is (0 when unknown).
pub type MirrorTell = Arc<dyn Fn(&str, u64, u64) + Send + Sync>;

/// How changes come from the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MirrorChannel {
    /// Published files when the origin says that it has them, else pages.
    #[default]
    Auto,
    /// Pages of searches and histories, which every FHIR server has.
    Plain,
    /// Published files (Bulk Publish).
    Published,
}

/// What a mirror is to be.
#[derive(Clone)]
pub struct MirrorOptions {
    /// Base address of the FHIR service.
    pub origin: String,
    /// Directory of the state.
    pub state: PathBuf,
    /// Types to keep; all that the origin can search, or publishes, when empty. Fixed by the first load.
    pub types: BTreeSet<String>,
    /// How changes come.
    pub channel: MirrorChannel,
    /// How the origin is asked.
    pub http: HttpOptions,
    /// Resources of a page; less when the origin refuses so many. The national service advises 200 at most.
    pub page_size: u32,
    /// How far before the last instant changes are asked for again: longer than clocks differ and commits take. A walk that took longer
    /// counts instead.
    pub overlap: Duration,
    /// Age of the last instant beyond which an origin without history is copied anew, since it forgets older changes (the
    /// national service after 30 days).
    pub memory: Duration,
    /// Time between two comparisons of all ids, which find what vanished without a trace (plain channel).
    pub reconcile: Duration,
    /// Share of a type that one round may delete or deactivate, per cent (REPL-9).
    pub max_change: u32,
    /// Why more may go, once somebody has looked.
    pub confirm_mass_change: Option<String>,
    /// Told what is under way.
    pub tell: MirrorTell,
}

impl MirrorOptions {
    /// The usual options for an origin and a directory of state.
    #[must_use]
    pub fn new(origin: &str, state: PathBuf) -> Self {
        Self {
            origin: origin.to_owned(),
            state,
            types: BTreeSet::new(),
            channel: MirrorChannel::Auto,
            http: HttpOptions::default(),
            page_size: 200,
            overlap: Duration::from_secs(3600),
            memory: Duration::from_secs(29 * 86_400),
            reconcile: Duration::from_secs(7 * 86_400),
            max_change: 5,
            confirm_mass_change: None,
            tell: Arc::new(|_, _, _| {}),
        }
    }
}

/// A mirror at work. It holds the lock of its directory.
pub struct Mirror<'a> {
    options: MirrorOptions,
    world: Arc<dyn World>,
    source: HttpSource,
    dir: StateDirectory,
    sink: Box<dyn Sink + 'a>,
    metrics: MirrorMetrics,
    /// What the origin was found to accept.
    shape: PageShape,
}

/// What a run has done so far.
struct MirrorRun {
    state: MirrorState,
    /// The sink holds nothing that counts.
    replaces: bool,
    report: RunReport,
}

impl<'a> Mirror<'a> {
    /// Takes the directory and the sink. The origin is not asked yet.
    ///
    /// # Errors
    /// When another mirror works on the directory, or an option cannot be used.
    pub fn open(options: MirrorOptions, sink: Box<dyn Sink + 'a>, world: Arc<dyn World>) -> Result<Self> {
        let origin = OriginBase::parse(&options.origin)?;
        if let Some(other) = options.types.iter().find(|ty| !crate::resource::valid_type(ty)) {
            return Err(Error::Request(format!("{other:?} is no type of resources")));
        }
        let source = HttpSource::new(origin, &options.http, world.clone())?;
        let dir = StateDirectory::open(&options.state)?;
        let shape = PageShape { count: Some(options.page_size.max(1)), sorted: true };
        Ok(Self { options, world, source, dir, sink, metrics: MirrorMetrics::default(), shape })
    }

    /// What happened since the mirror was opened.
    #[must_use]
    pub fn metrics(&self) -> &MirrorMetrics {
        &self.metrics
    }

    /// The world that was given.
    pub(crate) fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    /// Brings the copy up to date once; the first time, makes it. When it fails, what stood stands, and what was received is used
    /// by the next call.
    ///
    /// # Errors
    /// When the origin fails or refuses, the sink does, or too much would go.
    pub fn once(&mut self) -> Result<RunReport> {
        let done = self.run();
        self.metrics.http = self.source.counts;
        match &done {
            Ok(report) => self.metrics.succeeded(report, self.world.now_ms()),
            Err(e) => self.metrics.failed(e),
        }
        done
    }

    fn run(&mut self) -> Result<RunReport> {
        let position = self.sink.position()?;
        let (state, replaces) = match self.dir.recover(position.as_ref())? {
            Recovered::Ready(state) => (*state, false),
            Recovered::Nothing => (self.fresh(), false),
            Recovered::Anew { mirror, round, former } => {
                let mut state = self.fresh();
                state.mirror = mirror.unwrap_or(state.mirror);
                (state.round, state.former) = (round, former);
                (state, true)
            }
        };
        self.dir.sweep(&state)?;
        if self.options.confirm_mass_change.is_none() {
            self.dir.forget_refused()?;
        }
        let origin = self.source.origin().base();
        if state.origin != origin {
            let kept = &state.origin;
            return Err(Error::Request(format!(
                "this directory is the mirror of {kept}, not of {origin}: use another directory"
            )));
        }
        if state.watermark.is_some() && !self.options.types.is_empty() && self.options.types != state.types {
            let kept: Vec<&str> = state.types.iter().map(String::as_str).collect();
            let kept = if kept.is_empty() { "all types".to_owned() } else { kept.join(", ") };
            return Err(Error::Request(format!("this mirror keeps {kept}; for other types use another directory")));
        }
        let mut run = MirrorRun { state, replaces, report: RunReport::default() };
        match (self.options.channel, &run.state.watermark) {
            (_, Some(Watermark::Published { .. })) | (MirrorChannel::Published, None) => self.run_published(&mut run)?,
            (MirrorChannel::Plain, None) => {
                let capability = self.capability()?;
                self.run_plain(&mut run, &capability)?;
            }
            (_, Some(Watermark::Plain { .. })) | (MirrorChannel::Auto, None) => {
                let capability = self.capability()?;
                if run.state.watermark.is_none() && capability.publishes {
                    self.run_published(&mut run)?;
                } else {
                    self.run_plain(&mut run, &capability)?;
                }
            }
        }
        run.state.success_ms = Some(self.world.now_ms());
        self.dir.save(&run.state)?;
        let mut report = run.report;
        (report.ready, report.told_ms, report.held) = (run.state.ready, run.state.told_ms, run.state.live());
        Ok(report)
    }

    fn fresh(&self) -> MirrorState {
        MirrorState::new(random_name(self.world.as_ref()), self.source.origin().base())
    }

    /// What the origin can do. When it does not say, but types are named, it is taken for one that can search them.
    fn capability(&mut self) -> Result<Capability> {
        match capability(&mut self.source) {
            Ok(capability) => Ok(capability),
            Err(Error::Status { status: 403..=405 | 500 | 501, .. } | Error::Unreachable { .. })
                if !self.options.types.is_empty() =>
            {
                Ok(Capability::default())
            }
            Err(e) => Err(e),
        }
    }

    fn breaker(&self, announced: Option<String>) -> Breaker {
        let confirmed = self.options.confirm_mass_change.clone().or(announced);
        Breaker { percent: self.options.max_change, confirmed }
    }

    fn apply(&mut self, run: &mut MirrorRun, mut round: Round, announced: Option<String>) -> Result<RoundCounts> {
        round.replaces = run.replaces;
        let breaker = self.breaker(announced);
        let tell = self.options.tell.clone();
        let counts = match apply(&self.dir, &mut run.state, self.sink.as_mut(), round, &breaker, &*tell) {
            Err(e @ Error::MassChange { .. }) => {
                self.dir.mark_refused()?;
                return Err(e);
            }
            done => done?,
        };
        run.replaces = false;
        run.report.rounds += 1;
        run.report.counts.add(&counts);
        self.dir.clear_received()?;
        Ok(counts)
    }

    // Plain channel.

    fn run_plain(&mut self, run: &mut MirrorRun, capability: &Capability) -> Result<()> {
        if run.state.watermark.is_none() {
            run.state.types = if self.options.types.is_empty() { capability.types.clone() } else { self.options.types.clone() };
            if run.state.types.is_empty() || run.state.types.len() > limits::TYPES {
                let base = self.source.origin().base();
                return Err(Error::Request(format!(
                    "{base} says of no type that it can be searched: name the types with --types"
                )));
            }
            self.copy(run, capability)?;
        }
        let mut rounds = 0;
        loop {
            let changes = match self.catch_up(run, capability) {
                Ok(changes) => changes,
                // The origin does not remember that far back.
                Err(Error::Status { status: 410, .. }) if rounds == 0 => {
                    run.report.copied_anew = true;
                    self.copy(run, capability)?
                }
                Err(e) => return Err(e),
            };
            rounds += 1;
            if changes == 0 || rounds >= limits::CATCH_UPS {
                break;
            }
        }
        let now = self.world.now_ms();
        let due =
            run.state.reconciled_ms.is_none_or(|at| (now - at).unsigned_abs() >= millis(self.options.reconcile).unsigned_abs());
        if due { self.reconcile(run) } else { Ok(()) }
    }

    fn plain_walk(&mut self, round: u64, walk: impl FnOnce(&mut PlainChannel<'_>) -> Result<Walked>) -> Result<Walked> {
        let (dir, tell) = (self.dir.walk(), self.options.tell.clone());
        let mut channel = PlainChannel { source: &mut self.source, dir: &dir, round, shape: self.shape, tell: &*tell };
        let walked = walk(&mut channel)?;
        self.shape = channel.shape;
        Ok(walked)
    }

    /// Copies everything; the number of changes.
    fn copy(&mut self, run: &mut MirrorRun, capability: &Capability) -> Result<u64> {
        let types = run.state.types.clone();
        let walked = self.plain_walk(run.state.round, |channel| channel.copy(&types))?;
        let begun = walked.begun_ms;
        let server_ms = capability.date_ms.unwrap_or(begun);
        let since_ms = types.iter().map(|ty| (ty.clone(), walked.since_ms.get(ty).copied().unwrap_or(server_ms))).collect();
        run.state.longest_walk_ms = run.state.longest_walk_ms.max(walked.longest_ms);
        if walked.doubtful.is_empty() && run.state.reconciled_ms.is_none() {
            run.state.reconciled_ms = Some(begun);
        }
        let complete = types;
        let watermark = Watermark::Plain { since_ms, server_ms, local_ms: begun };
        self.apply_walked(run, walked, complete, watermark, false)
    }

    /// Asks for what changed since the last time; the number of changes.
    fn catch_up(&mut self, run: &mut MirrorRun, capability: &Capability) -> Result<u64> {
        let Some(Watermark::Plain { since_ms, server_ms, local_ms }) = run.state.watermark.clone() else { return Ok(0) };
        let now = self.world.now_ms();
        let mut latest = i64::MAX;
        if let Some(date) = capability.date_ms.filter(|date| date + 1_000 < server_ms) {
            // The clock of the origin stepped back: what happened since then has instants before the last one. How far it stepped shows
            // in what it says now, less the time that passed here.
            latest = date - (now - local_ms).max(0);
            run.state.reconciled_ms = None;
        }
        let overlap = millis(self.options.overlap).max(run.state.longest_walk_ms + 60_000);
        let searched = run.state.types.iter().any(|ty| !capability.histories.contains(ty));
        if searched && now - local_ms > millis(self.options.memory) {
            run.report.copied_anew = true;
            return self.copy(run, capability);
        }
        let asked = since_ms.iter().map(|(ty, since)| (ty.clone(), since.min(&latest) - overlap)).collect();
        let walked = self.plain_walk(run.state.round, |channel| channel.changes(&asked, &capability.histories))?;
        let server_ms = capability.date_ms.unwrap_or(now);
        let since_ms = since_ms.keys().map(|ty| (ty.clone(), walked.since_ms.get(ty).copied().unwrap_or(server_ms))).collect();
        let watermark = Watermark::Plain { since_ms, server_ms, local_ms: walked.begun_ms };
        self.apply_walked(run, walked, BTreeSet::new(), watermark, true)
    }

    fn apply_walked(
        &mut self,
        run: &mut MirrorRun,
        walked: Walked,
        complete: BTreeSet<String>,
        watermark: Watermark,
        ready: bool,
    ) -> Result<u64> {
        run.report.reject(&walked.rejects);
        run.report.repeated_pages += walked.repeated;
        run.report.doubtful.extend(walked.doubtful.iter().cloned());
        let told_ms = walked.told_ms.or(match &watermark {
            Watermark::Plain { server_ms, .. } => Some(*server_ms),
            Watermark::Published { .. } => None,
        });
        let round = Round {
            received: walked.received,
            complete,
            doubtful: walked.doubtful,
            precedence: Precedence::Newest,
            watermark,
            told_ms,
            ready: ready || run.state.ready,
            replaces: false,
        };
        Ok(self.apply(run, round, None)?.changes())
    }

    /// Compares all ids: what vanished without a trace goes, what was missed comes. Each difference is asked for by name, so that a
    /// page that slipped deletes nothing.
    fn reconcile(&mut self, run: &mut MirrorRun) -> Result<()> {
        let begun = self.world.now_ms();
        let (walk_dir, index) = (self.dir.walk(), self.dir.index());
        let tell = self.options.tell.clone();
        let mut received = Received::new(&walk_dir);
        let mut complete = true;
        let breaker = self.breaker(None);
        for ty in run.state.types.clone() {
            let shape = PageShape { sorted: false, ..self.shape };
            let mut channel =
                PlainChannel { source: &mut self.source, dir: &walk_dir, round: run.state.round, shape, tell: &*tell };
            let found = channel.differences(&ty, &index, &run.state, &walk_dir)?;
            let held = run.state.index.get(&ty).map_or(0, |i| i.live);
            let mut removed = found.removed.as_slice();
            if !found.certain {
                // The list leaves doubt: what is missing from it may be there.
                run.report.doubtful.insert(ty.clone());
                removed = &[];
                complete = false;
            } else if found.missing * 100 > held * u64::from(breaker.percent) && breaker.confirmed.is_none() {
                let (gone, known, percent) = (found.missing, held, breaker.percent);
                return Err(Error::MassChange { resource_type: ty, gone, known, percent });
            }
            complete &= found.missing <= limits::READS as u64 && found.changed <= limits::READS as u64;
            for (n, id) in removed.iter().chain(&found.other).enumerate() {
                tell(&format!("comparing {ty}"), n as u64, (removed.len() + found.other.len()) as u64);
                let record = channel.read(&ty, id)?;
                received.push(&record.unwrap_or_else(|| Record::new(&ty, id, ResourceStamp::default(), Said::Deleted)))?;
            }
            run.report.differences += found.missing + found.changed;
        }
        let (Some(watermark), told_ms) = (run.state.watermark.clone(), run.state.told_ms) else { return Ok(()) };
        let round = Round {
            received,
            complete: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            precedence: Precedence::Newest,
            watermark,
            told_ms,
            ready: run.state.ready,
            replaces: false,
        };
        self.apply(run, round, None)?;
        run.report.reconciled = true;
        if complete {
            run.state.reconciled_ms = Some(begun);
        }
        Ok(())
    }

    // Published files.

    fn run_published(&mut self, run: &mut MirrorRun) -> Result<()> {
        let Some(Watermark::Published { page, etag, transaction_time }) = run.state.watermark.clone() else {
            run.state.types.clone_from(&self.options.types);
            return self.load_root_twice(run);
        };
        match self.follow_chain(run, &page, etag.as_deref(), &transaction_time) {
            // A page or a file is gone: the old state stands until the root is applied.
            Err(Error::Status { status: 404 | 410, .. }) => {
                run.report.copied_anew = true;
                self.load_root_twice(run)
            }
            done => done,
        }
    }

    /// Loads the root; once more when something of it is replaced meanwhile.
    fn load_root_twice(&mut self, run: &mut MirrorRun) -> Result<()> {
        match self.load_root(run) {
            Err(Error::Status { status: 404 | 410, .. }) if run.state.watermark.is_some() => self.load_root(run),
            done => done,
        }
    }

    fn load_root(&mut self, run: &mut MirrorRun) -> Result<()> {
        let pages = self.published(run, |channel| channel.root_pages())?;
        let (Some(root), Some(last)) = (pages.first().cloned(), pages.last().cloned()) else { return Ok(()) };
        // Where there is no chain, it is the root that is replaced.
        let anchor = if last.successor == Successor::None { &root } else { &last };
        self.apply_pages(run, &pages, anchor, true)?;
        self.follow_from(run, last)
    }

    /// Looks whether the last page has a successor now.
    fn follow_chain(&mut self, run: &mut MirrorRun, page: &str, etag: Option<&str>, transaction_time: &str) -> Result<()> {
        let Some(found) = self.published(run, |channel| channel.page(page, etag))? else { return Ok(()) };
        let is_root = page == self.published(run, |channel| Ok(channel.root()))?;
        if !is_root {
            return self.follow_from(run, found);
        }
        if found.page.transaction_time != transaction_time {
            return self.load_root(run);
        }
        let last = self.published(run, |channel| channel.root_pages())?.pop();
        last.map_or(Ok(()), |last| self.follow_from(run, last))
    }

    /// Applies the pages after `last`, one round each.
    fn follow_from(&mut self, run: &mut MirrorRun, mut last: LocatedPage) -> Result<()> {
        for _ in 0..limits::MANIFEST_PAGES {
            match last.successor.clone() {
                Successor::Pending | Successor::None => {
                    run.report.cadence = last.page.update_cadence;
                    return Ok(());
                }
                Successor::Closed => {
                    run.report.copied_anew = true;
                    return self.load_closed(run, &last);
                }
                Successor::Page(next) => {
                    let page = self.published(run, |channel| channel.page(&next, None))?;
                    let Some(page) = page else { return Err(crate::error::refused(&next, "304 without a condition")) };
                    self.apply_pages(run, std::slice::from_ref(&page), &page, false)?;
                    last = page;
                }
            }
        }
        Err(Error::Request("the chain of manifests is longer than one run follows; run this again".into()))
    }

    /// Begins again at the root after the end of a chain. A root that still leads to the closed page is not followed twice.
    fn load_closed(&mut self, run: &mut MirrorRun, closed: &LocatedPage) -> Result<()> {
        let pages = self.published(run, |channel| channel.root_pages())?;
        let Some(last) = pages.last().cloned() else { return Ok(()) };
        if last.url == closed.url || last.successor == Successor::Closed || last.successor == Successor::Page(closed.url.clone())
        {
            return Ok(());
        }
        self.apply_pages(run, &pages, &last, true)?;
        match &last.successor {
            Successor::Page(_) => self.follow_from(run, last),
            _ => Ok(()),
        }
    }

    fn apply_pages(&mut self, run: &mut MirrorRun, pages: &[LocatedPage], last: &LocatedPage, everything: bool) -> Result<()> {
        let mut received = Received::new(&self.dir.files());
        let mut counts = FileCounts::default();
        for page in pages {
            self.published(run, |channel| channel.read_files(page, &mut received, &mut counts))?;
        }
        run.report.reject(&counts.rejects);
        run.report.doubtful.extend(counts.doubtful.iter().cloned());
        let mut complete = BTreeSet::new();
        if everything {
            complete.extend(run.state.types.iter().cloned());
            complete.extend(run.state.index.keys().cloned());
        }
        let announced = pages.iter().find_map(|p| p.page.announced_mass_change());
        // A page whose successor is known is asked for again: unchanged, it would lead nowhere.
        let etag = if matches!(last.successor, Successor::Page(_)) { None } else { last.etag.clone() };
        let round = Round {
            received,
            complete,
            doubtful: counts.doubtful,
            precedence: Precedence::Last,
            watermark: Watermark::Published {
                page: last.url.clone(),
                etag,
                transaction_time: last.page.transaction_time.clone(),
            },
            told_ms: last.page.told_ms(),
            ready: run.state.ready || !matches!(last.successor, Successor::Page(_)),
            replaces: false,
        };
        self.apply(run, round, announced).map(|_| ())
    }

    fn published<T>(&mut self, run: &MirrorRun, work: impl FnOnce(&mut PublishedChannel<'_>) -> Result<T>) -> Result<T> {
        let (dir, tell) = (self.dir.files(), self.options.tell.clone());
        work(&mut PublishedChannel { source: &mut self.source, dir: &dir, types: &run.state.types, tell: &*tell })
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
