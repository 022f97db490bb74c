//! Making the files of a job.

use std::path::Path;

use annuaire_base::Tx;
use annuaire_index::{Filter, Index, RoaringBitmap, Snapshot};
use annuaire_terms::TypeId;

use super::record::{ExportFailure, ExportFiles, ExportRequest, ExportedType};
use crate::departures::{Departed, note_departed};
use crate::disk::sync_dir;
use crate::error::{Error, at};
use crate::limits::EXPORT_EFFORT;
use crate::lines::{LineWriting, NamedFile, stored_name, write_deletions, write_lines, write_resources};
use crate::state::{PageItem, PublishedFile};

/// What the worker did.
#[derive(Debug)]
pub struct ExportReport {
    /// Resources that were told.
    pub resources: u64,
    /// Why the job failed by a fault of ours.
    pub fault: Option<Error>,
}

/// Compiles a search on a type against a state: `(state, base of our addresses, type, query)`.
pub(crate) type CompileFilter = dyn Fn(&Snapshot, &str, &str, &str) -> Result<Filter, String> + Send + Sync;
/// A resource with some of its members.
pub(crate) type ReduceResource = fn(&[u8], &[String]) -> Vec<u8>;

/// How a job may end early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody wants it any more.
    Cancelled,
    /// Its state is not told any more.
    Overtaken,
    Failed(ExportFailure, Option<Error>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Withdrawn | Error::Index(annuaire_index::Error::TooOld) => Self::Overtaken,
            Error::Index(annuaire_index::Error::Exhausted) => Self::Failed(ExportFailure::TooCostly, None),
            other => Self::Failed(ExportFailure::Internal, Some(other)),
        }
    }
}

impl From<annuaire_index::Error> for Stop {
    fn from(error: annuaire_index::Error) -> Self {
        Error::from(error).into()
    }
}

/// What a job is made with.
pub(crate) struct Making<'a> {
    pub index: &'a Index,
    pub request: &'a ExportRequest,
    pub types: &'a [(TypeId, &'static str)],
    pub compile: &'a CompileFilter,
    pub reduce: ReduceResource,
    /// Directory of the files; it is there and empty.
    pub dir: &'a Path,
    /// Is told how many resources there are, once.
    pub begins: &'a dyn Fn(u64),
    /// Is told the lines and the stored bytes of each file; false to stop.
    pub goes_on: &'a dyn Fn(&PublishedFile) -> Result<(), Stop>,
}

impl Making<'_> {
    /// Makes the files. Cost: the filters, within [`EXPORT_EFFORT`], then reading and compressing what they find by one thread; memory
    /// is that of three files of lines.
    pub(crate) fn make(&self) -> Result<ExportFiles, Stop> {
        let state = self.index.snapshot_at(Tx::new(self.request.tx))?.ok_or(Stop::Overtaken)?.within(EXPORT_EFFORT);
        let (mut rows, mut deleted) = (Vec::new(), Departed::new());
        for asked in &self.request.types {
            let Some((number, name)) = self.types.iter().find(|(_, name)| *name == asked.name) else { continue };
            rows.push((*name, self.rows_of(&state, (*number, name), asked, &mut deleted)?));
        }
        drop(state);
        let deleted: Vec<_> = deleted.into_iter().collect();
        (self.begins)(rows.iter().map(|(_, rows)| rows.len()).sum());
        let none = |_: &str| None;
        let (reduce, types) = (self.reduce, &self.request.types);
        let form = |ty: &str, body: &[u8]| {
            let elements = types.iter().find(|asked| asked.name == ty).map_or(&[][..], |asked| &asked.elements);
            (!elements.is_empty()).then(|| reduce(body, elements))
        };
        let stop = std::cell::Cell::new(None);
        let written = |file: &PublishedFile| {
            (self.goes_on)(file).map_err(|why| {
                stop.set(Some(why));
                Error::Lost
            })
        };
        let &ExportRequest { file_bytes, at_most, tx, .. } = self.request;
        let writing = LineWriting {
            file_bytes,
            at_most,
            threads: 1,
            dir: self.dir,
            known: &none,
            form: &form,
            // A state before a withdrawal is told without what was withdrawn; a withdrawal from now on ends the job before it is told.
            leaves_withdrawn_out: true,
            written: &written,
        };
        let output = write_resources(self.index, Tx::new(tx), &rows, &writing);
        let output = output.map_err(|error| stop.take().unwrap_or_else(|| error.into()))?;
        let deleted = write_deletions(&deleted, self.dir, &none)?;
        let mut outcome = Vec::new();
        if !self.request.outcomes.is_empty() {
            let lines: String = self.request.outcomes.iter().map(|one| format!("{one}\n")).collect();
            let count = self.request.outcomes.len() as u64;
            outcome.push(write_lines("OperationOutcome", lines.into_bytes(), count, self.dir, &none)?);
        }
        sync_dir(self.dir)?;
        let mut files = ExportFiles::default();
        for (list, made) in [(&mut files.output, output), (&mut files.deleted, deleted), (&mut files.outcome, outcome)] {
            for (item, file) in made {
                let (item, file): NamedFile = (item, file);
                files.files.insert(item.sha256.clone(), file);
                list.push(item);
            }
        }
        Ok(files)
    }

    /// The rows of a type that are told; what was deleted is noted.
    fn rows_of(
        &self,
        state: &Snapshot,
        (number, name): (TypeId, &'static str),
        asked: &ExportedType,
        deleted: &mut Departed,
    ) -> Result<RoaringBitmap, Stop> {
        let mut standing = state.standing(&[number]);
        if !asked.filters.is_empty() {
            let mut found = RoaringBitmap::new();
            for query in &asked.filters {
                // It was compiled when the export was asked for: what is refused now costs too much in this state.
                let filter = (self.compile)(state, &self.request.base, name, query);
                let filter = filter.map_err(|_| Stop::Failed(ExportFailure::TooCostly, None))?;
                found |= &*state.search(number, &filter)?;
            }
            standing &= found;
        }
        let Some(after) = self.request.after else { return Ok(standing) };
        let changed = state.since(&[number], Tx::new(after))?;
        standing &= &changed;
        // A withdrawal by law is a deletion as others here: it ends only jobs that are older.
        note_departed(state, (number, name), &(&changed - state.standing(&[number])), deleted)?;
        Ok(standing)
    }
}

/// Gives a job the files of another one, without copying them (BULK-7). False when one of them is not there any more.
pub(crate) fn link_files(files: &ExportFiles, from: &Path, into: &Path) -> Result<bool, Error> {
    let all = files.output.iter().chain(&files.deleted).chain(&files.outcome);
    for PageItem { sha256, .. } in all {
        let name = stored_name(sha256);
        match std::fs::hard_link(from.join(&name), into.join(&name)) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(at(into)(e)),
        }
    }
    sync_dir(into)?;
    Ok(true)
}
