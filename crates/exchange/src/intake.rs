//! Where the facts of a file go while it is read, and the guards on the file as a whole.

use crate::delivery::{DeliveredFile, Last, SOURCE};
use crate::digest::Digesting;
use crate::documents::read_json;
use crate::ends::LineEnds;
use crate::guard::Groups;
use crate::lines::read_lines;
use crate::open::stamp;
use crate::quarantine::{Bad, Held};
use crate::recognise;
use crate::{Error, FileReport, Options, Rejected, Report, last, limits, refused};
use annuaire_base::nir;
use annuaire_batch::sort::{Merge, RecordBuf, Sorter};
use annuaire_mos::source::SOURCES;
use annuaire_store::Registry;
use std::collections::{BTreeMap, HashSet};
use std::io::BufRead;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What one call says on behalf of one source.
pub(crate) struct Load {
    pub(crate) source: &'static str,
    pub(crate) stamp: String,
    pub(crate) digest: String,
    pub(crate) file: String,
    /// True when the source is replaced by what was read; a feed of FHIR resources only adds and ends by name.
    pub(crate) whole: bool,
    /// The note of the source when the file was read: another import may change it before this one writes.
    pub(crate) note: Option<String>,
    /// Lines that could not be read; absent when there are none.
    pub(crate) held: Option<Held>,
    /// Lines for each profession and department.
    pub(crate) groups: BTreeMap<String, u64>,
    /// The last entities that the file names.
    pub(crate) tail: Vec<String>,
    /// Entities that are left out: positions of establishments that nobody knows.
    pub(crate) skip: HashSet<String>,
}

/// Mark of the facts that repeat those of another file (FINESS 507 repeats 502).
const SECONDARY: u8 = 0x80;

/// One byte for a source in the keys of the sorter, in the order of their names: that of the registry.
pub(crate) fn number(source: &str) -> u8 {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names: Vec<&str> = SOURCES.iter().map(|s| s.code).collect();
        names.sort_unstable();
        names
    });
    // A source that is not listed would come last; a test says that there is none.
    NAMES.binary_search(&source).ok().and_then(|n| u8::try_from(n).ok()).unwrap_or(SECONDARY - 1)
}

/// What is to be written: sorted groups, the sources that they speak for, and the files that they come from.
pub(crate) type Settled = (Merge, BTreeMap<u8, Load>, Vec<DeliveredFile>);

/// Everything read, and for which sources it speaks.
pub(crate) struct Loads {
    sorter: Sorter,
    of: BTreeMap<u8, Load>,
    /// The files that were read and not imported before.
    pub(crate) files: Vec<DeliveredFile>,
    /// Establishments described by FINESS open files, and those of which a position is given.
    places: HashSet<String>,
    positions: HashSet<String>,
}

impl Loads {
    pub(crate) fn new(spill: Option<PathBuf>) -> Self {
        Self {
            sorter: Sorter::new(limits::SORT_BYTES, spill),
            of: BTreeMap::new(),
            files: Vec::new(),
            places: HashSet::new(),
            positions: HashSet::new(),
        }
    }

    /// Ends reading: decides between files that repeat one another, looks up what lines that could not be read may name, and
    /// sorts.
    pub(crate) fn settle(mut self, registry: &mut dyn Registry, report: &mut Report, workers: usize) -> Result<Settled, Error> {
        for (key, load) in self.of.split_off(&SECONDARY) {
            let source = load.source;
            let older = last(registry, source)?.stamp > load.stamp;
            if older || self.of.contains_key(&(key - SECONDARY)) {
                report.notes.push(format!("{}: its {source} lines were left out, another file gives them", load.file));
                self.files.iter_mut().filter(|f| f.file == load.file).for_each(|f| f.sources.retain(|s| s != source));
            } else {
                self.of.insert(key, load);
            }
        }
        self.without_place(registry, report)?;
        for load in self.of.values_mut() {
            if let Some(held) = load.held.as_mut().filter(|_| load.whole) {
                held.widen(registry, load.source)?;
            }
        }
        let groups = self.sorter.finish(workers).map_err(|source| Error::Io { file: "sorting".to_owned(), source })?;
        Ok((groups, self.of, self.files))
    }

    /// Positions of establishments that neither these files nor the registry describe are left out and counted.
    fn without_place(&mut self, registry: &mut dyn Registry, report: &mut Report) -> Result<(), Error> {
        let Some(load) = self.of.get_mut(&number("finess-geo")) else { return Ok(()) };
        let mut unknown: HashSet<String> = self.positions.difference(&self.places).cloned().collect();
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
        load.skip = unknown;
        Ok(())
    }
}

/// Where the facts of one file go while it is read.
pub(crate) struct Intake<'a> {
    pub(crate) name: &'a str,
    pub(crate) stamp: String,
    pub(crate) whole: bool,
    pub(crate) file: FileReport,
    pub(crate) warnings: Vec<String>,
    /// Lines that could not be read, with the source that they would have spoken for when it is known.
    bad: Vec<(Option<&'static str>, Bad)>,
    pub(crate) groups: Groups,
    pub(crate) tail: Vec<String>,
    pub(crate) places: Vec<String>,
    pub(crate) positions: Vec<String>,
    pub(crate) sorter: &'a mut Sorter,
}

impl Intake<'_> {
    /// The key of a source for the facts of this file.
    pub(crate) fn key(&self, source: &str) -> u8 {
        let secondary = self.file.format == "FINESS cs1100507" && source == "finess-eg";
        number(source) | if secondary { SECONDARY } else { 0 }
    }

    /// Those of its sources for which the file is the word to go by: not those that it repeats from another file.
    pub(crate) fn own(&self, sources: &[&'static str]) -> Vec<&'static str> {
        sources.iter().copied().filter(|s| self.key(s) < SECONDARY).collect()
    }

    pub(crate) fn push(&mut self, source: &str, entity: &str, piece: &[u8]) -> Result<(), Error> {
        let key = self.key(source);
        self.sorter.push(&[&[key], entity.as_bytes()], piece).map_err(|source| Error::Io { file: self.name.to_owned(), source })
    }

    /// Keeps a part of what a block of lines says.
    pub(crate) fn keep(&mut self, pieces: &RecordBuf, part: Range<usize>) -> Result<(), Error> {
        self.sorter.extend(pieces, part).map_err(|source| Error::Io { file: self.name.to_owned(), source })
    }

    /// Leaves out a record that cannot be read. `raw` is its text: the entities that it may name keep what is known of them.
    pub(crate) fn reject(&mut self, line: u64, column: &str, reason: String, raw: &str) {
        // Beyond the limit the file is refused when its end is reached.
        let _ = self.quarantine(None, Bad::of_record(line, column, &reason, raw));
    }

    /// Leaves out a line that cannot be read.
    ///
    /// # Errors
    /// When there are too many of them to say what they name.
    pub(crate) fn quarantine(&mut self, source: Option<&'static str>, bad: Bad) -> Result<(), Error> {
        self.file.rejected += 1;
        if self.file.rejected_lines.len() < limits::REPORTED_LINES {
            let (line, column, reason) = (bad.line, bad.column.clone(), bad.reason.clone());
            self.file.rejected_lines.push(Rejected { line, column, reason });
        }
        if self.bad.len() >= limits::QUARANTINED_LINES {
            return Err(self.too_many());
        }
        self.bad.push((source, bad));
        Ok(())
    }

    fn too_many(&self) -> Error {
        let n = limits::QUARANTINED_LINES;
        refused(self.name, format!("more than {n} lines cannot be read; nothing was imported"))
    }
}

/// A number that could be a social security number refuses the file. Never echoed: it must not be written anywhere.
pub(crate) fn privacy(name: &str, line: u64, text: &str) -> Result<(), Error> {
    if nir::contains_nir(text) {
        return Err(refused(name, format!("line {line}: looks like a social security number; the file is refused whole")));
    }
    Ok(())
}

/// Reads one text, whatever it is.
pub(crate) fn read(
    registry: &mut dyn Registry,
    name: &str,
    reader: &mut dyn BufRead,
    options: &Options,
    report: &mut Report,
    loads: &mut Loads,
) -> Result<(), Error> {
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut digesting = Digesting::new(reader);
    let reader: &mut dyn BufRead = &mut LineEnds::new(&mut digesting);
    let mut intake = Intake {
        name,
        stamp: stamp(name),
        whole: true,
        file: FileReport { file: name.to_owned(), ..FileReport::default() },
        warnings: Vec::new(),
        bad: Vec::new(),
        groups: Groups::default(),
        tail: Vec::new(),
        places: Vec::new(),
        positions: Vec::new(),
        sorter: &mut loads.sorter,
    };
    let first = {
        let head = reader.fill_buf().map_err(fail)?;
        head.iter().copied().find(|b| !b.is_ascii_whitespace())
    };
    let sources = match first {
        None => return Err(refused(name, "the file is empty".into())),
        Some(b'{') => read_json(registry, reader, options, &mut intake)?,
        Some(b'<') => {
            intake.file.format = "XML".into();
            intake.file.left_out = "the XML flow of FINESS partners is not read: its open successors are (FINESS+ JSON)".into();
            intake.warnings.push(format!("{name}: {}", intake.file.left_out));
            Vec::new()
        }
        Some(_) => read_lines(registry, reader, options, &mut intake)?,
    };
    agreed(name, &intake.file.format, &sources)?;
    let digest = digesting.finish().map_err(fail)?;
    if intake.file.rejected as usize > limits::QUARANTINED_LINES {
        return Err(intake.too_many());
    }
    let own = intake.own(&sources);
    let mut same = intake.whole && !own.is_empty();
    for source in &own {
        let before = last(registry, source)?;
        let known = before.digest == digest && (intake.stamp.is_empty() || before.stamp == intake.stamp);
        if !known && !before.digest.is_empty() && before.stamp == intake.stamp && !intake.stamp.is_empty() {
            report.notes.push(format!(
                "{name}: a redelivery: {source} had another file of {} in delivery {}",
                intake.stamp, before.delivery
            ));
        }
        same &= known;
    }
    intake.file.already_imported = same;
    let keys: Vec<(u8, &'static str)> = sources.iter().map(|s| (intake.key(s), *s)).collect();
    let Intake { stamp, whole, file, warnings, bad, groups, tail, places, positions, .. } = intake;
    if !same {
        report.warnings.extend(warnings);
    }
    if !same && file.left_out.is_empty() {
        report.quarantined += bad.len() as u64;
        loads.places.extend(places);
        loads.positions.extend(positions);
        // Of a file that repeats another one, the lines of professions and places are in what it repeats.
        let (mut groups, first_source, last_source) = (Some(groups), sources.first().copied(), sources.last().copied());
        for (key, source) in keys {
            let load = match loads.of.entry(key) {
                std::collections::btree_map::Entry::Occupied(twin) if whole => {
                    let twin = &twin.get().file;
                    return Err(refused(name, format!("same kind of file as {twin}; import one delivery at a time")));
                }
                // Feeds add up.
                std::collections::btree_map::Entry::Occupied(twin) => twin.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let note = registry.note(SOURCE, source)?;
                    let (stamp, digest, file) = (stamp.clone(), digest.clone(), name.to_owned());
                    let (held, groups, skip) = (None, BTreeMap::new(), HashSet::new());
                    place.insert(Load { source, stamp, digest, file, whole, note, held, groups, tail: Vec::new(), skip })
                }
            };
            if first_source == Some(source) {
                load.groups = groups.take().unwrap_or_default().named();
            }
            if last_source == Some(source) {
                load.tail.clone_from(&tail);
            }
            for (_, bad) in bad.iter().filter(|(of, _)| of.is_none_or(|of| of == source)) {
                load.held.get_or_insert_with(Held::new).add(name, bad.clone());
            }
        }
        if !sources.is_empty() {
            loads.files.push(DeliveredFile {
                file: name.to_owned(),
                format: file.format.clone(),
                sources: sources.iter().map(|s| (*s).to_owned()).collect(),
                stamp,
                digest,
                lines: file.lines,
                quarantined: file.rejected,
            });
        }
    }
    report.files.push(file);
    Ok(())
}

/// The last word on where a file may go, whatever read it: its name does not say otherwise than its content, and nothing under
/// the name of a restricted file is open data.
fn agreed(name: &str, format: &str, sources: &[&'static str]) -> Result<(), Error> {
    let Some(source) = sources.first() else { return Ok(()) };
    if let Some(expected) = recognise::announced(name).filter(|e| *e != format) {
        return Err(refused(
            name,
            format!(
                "the name of the file says {expected}, and it holds {format}; nothing was imported, name it as it was delivered"
            ),
        ));
    }
    if recognise::restricted_name(name) && sources.iter().any(|s| annuaire_mos::source::get(s).open) {
        return Err(refused(
            name,
            format!("the name of the file is one of a restricted extraction, and {source} is open data; nothing was imported"),
        ));
    }
    Ok(())
}

/// Freshness guard: refuses a file that is older than what was imported. Asked again when it is written.
pub(crate) fn fresh(registry: &mut dyn Registry, intake: &Intake<'_>, sources: Vec<&'static str>) -> Result<(), Error> {
    for source in sources {
        let previous = Last::read(registry.note(SOURCE, source)?.as_deref()).stamp;
        if !intake.stamp.is_empty() && intake.stamp < previous {
            return Err(refused(intake.name, format!("older than the delivery of {previous} already imported")));
        }
    }
    Ok(())
}

/// Guards on a whole file: is it cut, are its numbers numbers.
pub(crate) fn guards(intake: &Intake<'_>, numbers: u64, options: &Options) -> Result<(), Error> {
    let file = &intake.file;
    if options.accept_mass_change.is_some() {
        return Ok(());
    }
    let many = file.rejected * 100 > file.lines * limits::VOLUME_PERCENT;
    // In a small file one bad line is already several per cent.
    if many && (file.lines >= limits::VOLUME_FLOOR || file.rejected == file.lines) {
        return Err(refused(intake.name, format!("{} of {} lines are unreadable; is the file cut?", file.rejected, file.lines)));
    }
    if numbers >= limits::VOLUME_FLOOR && (numbers - file.wrong_keys) * 100 < numbers * limits::VALID_KEYS_PERCENT {
        return Err(refused(
            intake.name,
            format!("{} of {numbers} RPPS, ADELI or FINESS numbers have a wrong key", file.wrong_keys),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{SECONDARY, number};

    #[test]
    fn every_source_has_a_number_in_the_order_of_its_name() {
        let sources: Vec<&str> = crate::formats::sources().into_iter().chain(["fhir", "finess-gr"]).collect();
        for s in &sources {
            assert!(number(s) < SECONDARY - 1, "{s}");
            assert!(sources.iter().all(|o| (o < s) == (number(o) < number(s))), "{s}");
        }
    }
}
