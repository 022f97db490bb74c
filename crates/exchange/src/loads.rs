//! What is gathered from all files of a call, source by source, until it is written.

use crate::current_loads::CurrentLoads;
use crate::delivery::DeliveredFile;
use crate::error::{Error, refused};
use crate::intake::FileIntake;
use crate::last_deliveries::LastDeliveries;
use crate::quarantine::{UnreadableLine, UnreadableLines};
use crate::report::FileReport;
use crate::source_load::SourceLoad;
use annuaire_batch::sort::{Merge, Sorter};
use annuaire_store::BlockingRegistry;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;

/// Everything that a call has read.
pub(crate) struct Loads {
    /// Takes the pieces of all files.
    pub(crate) sorter: Sorter,
    /// By the key of the source.
    sources: BTreeMap<u8, SourceLoad>,
    /// The files that were read and not imported before.
    files: Vec<DeliveredFile>,
    /// Establishments that FINESS open files describe, and those whose position they give.
    described: HashSet<String>,
    positioned: HashSet<String>,
}

/// What was read, whatever the registry has.
pub(crate) struct SortedLoads {
    /// All pieces in the order of sources and entities.
    pub(crate) pieces: Merge,
    /// By the key of the source, those included that repeat another file.
    sources: BTreeMap<u8, SourceLoad>,
    files: Vec<DeliveredFile>,
    /// Establishments whose position the files give without describing them.
    undescribed: Vec<String>,
}

impl Loads {
    /// Pieces that do not fit `sort_bytes` go to temporary files in `spill`.
    pub(crate) fn new(sort_bytes: usize, spill: Option<PathBuf>) -> Self {
        Self {
            sorter: Sorter::new(sort_bytes, spill),
            sources: BTreeMap::new(),
            files: Vec::new(),
            described: HashSet::new(),
            positioned: HashSet::new(),
        }
    }

    /// Takes what was gathered from a file, its pieces excepted, which the sorter has already. `sources` are those that it
    /// gives, with their keys.
    ///
    /// # Errors
    /// [`Error::Refused`] when another file of this call replaces one of its sources.
    pub(crate) fn add(&mut self, last: &LastDeliveries, file: GatheredFile, sources: &[(u8, &'static str)]) -> Result<(), Error> {
        self.described.extend(file.described);
        self.positioned.extend(file.positioned);
        // Of a file with several sources, the first one has the lines of professions and places, and the last one is what its
        // last lines describe.
        let (counted, described) = (sources.first().map(|s| s.1), sources.last().map(|s| s.1));
        let mut line_counts = Some(file.line_counts);
        let name = &file.delivered.file;
        for (key, source) in sources {
            let load = match self.sources.entry(*key) {
                Entry::Occupied(twin) if file.replaces => {
                    let twin = &twin.get().file;
                    return Err(refused(name, format!("same kind of file as {twin}; import one delivery at a time")));
                }
                // Feeds add up.
                Entry::Occupied(twin) => twin.into_mut(),
                Entry::Vacant(place) => place.insert(SourceLoad {
                    source,
                    stamp: file.delivered.stamp.clone(),
                    digest: file.delivered.digest.clone(),
                    file: name.clone(),
                    replaces: file.replaces,
                    note: last.note(source).map(str::to_owned),
                    unreadable: None,
                    line_counts: BTreeMap::new(),
                    last_entities: Vec::new(),
                    dropped: HashSet::new(),
                }),
            };
            if counted == Some(*source) {
                load.line_counts = line_counts.take().unwrap_or_default();
            }
            if described == Some(*source) {
                load.last_entities.clone_from(&file.last_entities);
            }
            for (_, line) in file.unreadable.iter().filter(|(of, _)| of.is_none_or(|of| of == *source)) {
                load.unreadable.get_or_insert_with(UnreadableLines::new).add(name, line.clone());
            }
        }
        if !sources.is_empty() {
            self.files.push(file.delivered);
        }
        Ok(())
    }

    /// Ends reading: sorts with `workers` threads.
    pub(crate) fn sort(self, workers: usize) -> Result<SortedLoads, Error> {
        let pieces = self.sorter.finish(workers).map_err(sort_error)?;
        let mut undescribed: Vec<String> = self.positioned.difference(&self.described).cloned().collect();
        undescribed.sort_unstable();
        Ok(SortedLoads { pieces, sources: self.sources, files: self.files, undescribed })
    }
}

fn sort_error(source: io::Error) -> Error {
    Error::Io { file: "sorting".to_owned(), source }
}

impl SortedLoads {
    /// Whether nothing was read that is to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Names of the files.
    pub(crate) fn names(&self) -> String {
        self.files.iter().map(|f| f.file.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The loads beside what the registry has now, for one attempt to write them. Cost: copies what is no piece, and reads what
    /// positions without structure and unreadable lines name.
    ///
    /// # Errors
    /// Those of [`CurrentLoads::new`].
    pub(crate) fn current(&self, registry: &BlockingRegistry) -> Result<CurrentLoads, Error> {
        CurrentLoads::new(registry, self.sources.clone(), self.files.clone(), &self.undescribed)
    }

    /// Makes the pieces ready to be read once more.
    pub(crate) fn rewind(&mut self) -> Result<(), Error> {
        self.pieces.rewind().map_err(sort_error)
    }
}

/// What was gathered from a file.
pub(crate) struct GatheredFile {
    pub(crate) replaces: bool,
    pub(crate) delivered: DeliveredFile,
    pub(crate) unreadable: Vec<(Option<&'static str>, UnreadableLine)>,
    line_counts: BTreeMap<String, u64>,
    last_entities: Vec<String>,
    described: Vec<String>,
    positioned: Vec<String>,
}

impl GatheredFile {
    /// The report of a file that gives these sources, and what else its intake has gathered.
    pub(crate) fn split(intake: FileIntake<'_>, sources: &[&'static str], digest: String) -> (FileReport, Self) {
        let delivered = DeliveredFile {
            file: intake.name.to_owned(),
            format: intake.report.format.clone(),
            sources: sources.iter().map(|s| (*s).to_owned()).collect(),
            stamp: intake.stamp,
            digest,
            lines: intake.report.lines,
            quarantined: intake.report.rejected,
        };
        let gathered = Self {
            replaces: intake.replaces,
            delivered,
            unreadable: intake.unreadable,
            line_counts: intake.line_counts.by_name(),
            last_entities: intake.last_entities,
            described: intake.described,
            positioned: intake.positioned,
        };
        (intake.report, gathered)
    }
}
