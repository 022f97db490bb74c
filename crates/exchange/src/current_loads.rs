//! The loads of a call as they are compared with the registry of one moment: what the registry has decides which of two files
//! speaks, which positions have a structure, and what an unreadable line may name.

use crate::delivery::DeliveredFile;
use crate::error::Error;
use crate::last_deliveries::LastDeliveries;
use crate::limits;
use crate::report::Report;
use crate::source_keys::{SECONDARY, is_feed, source_key};
use crate::source_load::SourceLoad;
use annuaire_store::BlockingRegistry;
use std::collections::{BTreeMap, HashSet};

/// What a call gives, as one attempt to write it sees it.
#[derive(Default)]
pub(crate) struct CurrentLoads {
    /// By the key of the source.
    pub(crate) sources: BTreeMap<u8, SourceLoad>,
    /// The files that are read.
    pub(crate) files: Vec<DeliveredFile>,
    /// Files that another import has delivered since this one began.
    imported_meanwhile: Vec<DeliveredFile>,
    /// For the report.
    notes: Vec<String>,
    /// File of positions, and how many of them are left out.
    unknown_positions: Option<(String, u64)>,
}

impl CurrentLoads {
    /// The loads beside what the registry has now. `undescribed` are establishments whose positions the files give without
    /// describing them.
    ///
    /// # Errors
    /// [`Error::Refused`] when another import has delivered a file that is not older since this one began.
    pub(crate) fn new(
        registry: &BlockingRegistry,
        sources: BTreeMap<u8, SourceLoad>,
        files: Vec<DeliveredFile>,
        undescribed: &[String],
    ) -> Result<Self, Error> {
        let last = LastDeliveries::read(registry)?;
        let mut current = Self { sources, files, ..Self::default() };
        current.choose_between_twins(&last);
        current.leave_out_imported(&last);
        for load in current.sources.values_mut() {
            last.check_order(load)?;
            load.note = last.note(load.source).map(str::to_owned);
        }
        current.drop_unknown_positions(registry, undescribed)?;
        for load in current.sources.values_mut() {
            if let Some(unreadable) = load.unreadable.as_mut().filter(|_| load.replaces) {
                unreadable.shelter_places(registry, load.source)?;
            }
        }
        Ok(current)
    }

    /// The notes of the sources with which these loads are compared: they must be the same when the import is written.
    pub(crate) fn compared_notes(&self) -> Vec<(&'static str, Option<String>)> {
        self.sources.values().map(|l| (l.source, l.note.clone())).collect()
    }

    /// Adds what the operator should know.
    pub(crate) fn tell(self, report: &mut Report) {
        report.notes.extend(self.notes);
        if let Some((name, unknown)) = self.unknown_positions
            && let Some(file) = report.files.iter_mut().find(|f| f.file == name)
        {
            file.oddities.insert("position without its structure, left out".to_owned(), unknown);
        }
        for imported in self.imported_meanwhile {
            report.quarantined = report.quarantined.saturating_sub(imported.quarantined);
            report.files.iter_mut().filter(|f| f.file == imported.file).for_each(|f| f.already_imported = true);
        }
    }

    /// Leaves out what a file repeats from another one, when that one is in this call or was delivered later.
    fn choose_between_twins(&mut self, last: &LastDeliveries) {
        for (key, load) in self.sources.split_off(&SECONDARY) {
            let source = load.source;
            if last.of(source).stamp > load.stamp || self.sources.contains_key(&(key - SECONDARY)) {
                self.notes.push(format!("{}: its {source} lines were left out, another file gives them", load.file));
                self.files.iter_mut().filter(|f| f.file == load.file).for_each(|f| f.sources.retain(|s| s != source));
            } else {
                self.sources.insert(key, load);
            }
        }
    }

    /// Leaves out files that were the last delivery of all their sources before this import came to compare them.
    fn leave_out_imported(&mut self, last: &LastDeliveries) {
        let imported = |file: &DeliveredFile| {
            let mut of_file = self.sources.iter().filter(|(key, l)| **key < SECONDARY && l.file == file.file).peekable();
            of_file.peek().is_some()
                && of_file.all(|(_, l)| l.replaces && !is_feed(l.source) && last.of(l.source).is_of(&l.stamp, &l.digest))
        };
        let (imported, files): (Vec<_>, Vec<_>) = std::mem::take(&mut self.files).into_iter().partition(imported);
        self.sources.retain(|_, load| imported.iter().all(|f| f.file != load.file));
        (self.imported_meanwhile, self.files) = (imported, files);
    }

    /// Drops and counts positions of establishments that neither the files nor the registry describe.
    fn drop_unknown_positions(&mut self, registry: &BlockingRegistry, undescribed: &[String]) -> Result<(), Error> {
        let Some(load) = self.sources.get_mut(&source_key("finess-geo")) else { return Ok(()) };
        let mut unknown: HashSet<String> = undescribed.iter().cloned().collect();
        let tx = registry.last_tx()?;
        for page in undescribed.chunks(limits::PAGE as usize) {
            for fact in registry.facts_at(tx, page)?.iter().filter(|f| f.key.owner == "finess-eg") {
                unknown.remove(&fact.key.entity);
            }
        }
        if !unknown.is_empty() {
            self.unknown_positions = Some((load.file.clone(), unknown.len() as u64));
        }
        load.dropped = unknown;
        Ok(())
    }
}
