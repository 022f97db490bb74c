//! What is gathered from all files of a call, source by source, until it is written.

use crate::delivery::{DeliveredFile, LastDelivery, SOURCE};
use crate::error::{Error, refused};
use crate::intake::FileIntake;
use crate::limits;
use crate::quarantine::{UnreadableLine, UnreadableLines};
use crate::report::{FileReport, Report};
use crate::source_keys::{SECONDARY, source_key};
use annuaire_batch::sort::{Merge, Sorter};
use annuaire_store::Registry;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// What one call gives of one source, its pieces excepted.
pub(crate) struct SourceLoad {
    pub(crate) source: &'static str,
    pub(crate) stamp: String,
    pub(crate) digest: String,
    /// Name of the file.
    pub(crate) file: String,
    /// The source is replaced by what was read: its objects that were not named end.
    pub(crate) replaces: bool,
    /// The note of the source when the file was read: another import may change it before this one writes.
    pub(crate) note: Option<String>,
    /// Lines that could not be read; absent when there are none.
    pub(crate) unreadable: Option<UnreadableLines>,
    /// Lines for each profession and department.
    pub(crate) line_counts: BTreeMap<String, u64>,
    /// The last entities that the file names.
    pub(crate) last_entities: Vec<String>,
    /// Entities whose groups are dropped: positions of establishments that no file and no object describes.
    pub(crate) dropped: HashSet<String>,
}

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

/// What is to be written.
pub(crate) struct SortedLoads {
    /// All pieces in the order of sources and entities.
    pub(crate) pieces: Merge,
    /// By the key of the source.
    pub(crate) sources: BTreeMap<u8, SourceLoad>,
    pub(crate) files: Vec<DeliveredFile>,
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
    pub(crate) fn add(
        &mut self,
        registry: &mut dyn Registry,
        file: GatheredFile,
        sources: &[(u8, &'static str)],
    ) -> Result<(), Error> {
        self.described.extend(file.described);
        self.positioned.extend(file.positioned);
        // Of a file with several sources, the first one has the lines of professions and places, and the last one is what its
        // last lines describe.
        let (first, last) = (sources.first().map(|s| s.1), sources.last().map(|s| s.1));
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
                    note: registry.note(SOURCE, source)?,
                    unreadable: None,
                    line_counts: BTreeMap::new(),
                    last_entities: Vec::new(),
                    dropped: HashSet::new(),
                }),
            };
            if first == Some(*source) {
                load.line_counts = line_counts.take().unwrap_or_default();
            }
            if last == Some(*source) {
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

    /// Ends reading: chooses between files that repeat one another, looks up what unreadable lines may name, and sorts with
    /// `workers` threads.
    pub(crate) fn sort(mut self, registry: &mut dyn Registry, report: &mut Report, workers: usize) -> Result<SortedLoads, Error> {
        self.choose_between_twins(registry, report)?;
        self.drop_unknown_positions(registry, report)?;
        for load in self.sources.values_mut() {
            if let Some(unreadable) = load.unreadable.as_mut().filter(|_| load.replaces) {
                unreadable.shelter_places(registry, load.source)?;
            }
        }
        let pieces = self.sorter.finish(workers).map_err(|source| Error::Io { file: "sorting".to_owned(), source })?;
        Ok(SortedLoads { pieces, sources: self.sources, files: self.files })
    }

    /// Drops what a file repeats from another one, when that one is in this call or was delivered later.
    fn choose_between_twins(&mut self, registry: &mut dyn Registry, report: &mut Report) -> Result<(), Error> {
        for (key, load) in self.sources.split_off(&SECONDARY) {
            let source = load.source;
            let older = LastDelivery::of(registry, source)?.stamp > load.stamp;
            if older || self.sources.contains_key(&(key - SECONDARY)) {
                report.notes.push(format!("{}: its {source} lines were left out, another file gives them", load.file));
                self.files.iter_mut().filter(|f| f.file == load.file).for_each(|f| f.sources.retain(|s| s != source));
            } else {
                self.sources.insert(key, load);
            }
        }
        Ok(())
    }

    /// Drops and counts positions of establishments that neither these files nor the registry describe.
    fn drop_unknown_positions(&mut self, registry: &mut dyn Registry, report: &mut Report) -> Result<(), Error> {
        let Some(load) = self.sources.get_mut(&source_key("finess-geo")) else { return Ok(()) };
        let mut unknown: HashSet<String> = self.positioned.difference(&self.described).cloned().collect();
        let tx = registry.last_tx()?;
        let all: Vec<String> = unknown.iter().cloned().collect();
        for page in all.chunks(limits::PAGE as usize) {
            for object in registry.objects_at(tx, page)?.iter().filter(|o| o.source == "finess-eg") {
                unknown.remove(&object.entity);
            }
        }
        if let Some(file) = report.files.iter_mut().find(|f| f.file == load.file)
            && !unknown.is_empty()
        {
            file.oddities.insert("position without its structure, left out".to_owned(), unknown.len() as u64);
        }
        load.dropped = unknown;
        Ok(())
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
