//! Where the facts of a file go while it is read, and the guards on the file as a whole.

use crate::documents::read_json;
use crate::ends::LineEnds;
use crate::lines::read_lines;
use crate::open::stamp;
use crate::sort::{Groups, Records, Sorter};
use crate::{Error, FileReport, Options, Rejected, Report, last, limits, refused};
use annuaire_base::id;
use annuaire_mos::source::SOURCES;
use annuaire_store::Registry;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What one call says on behalf of one source.
pub(crate) struct Load {
    pub(crate) source: &'static str,
    pub(crate) stamp: String,
    pub(crate) file: String,
    /// True when the source is replaced by what was read; a feed of FHIR resources only adds and ends by name.
    pub(crate) whole: bool,
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

/// Everything read, and for which sources it speaks.
pub(crate) struct Loads {
    sorter: Sorter,
    of: BTreeMap<u8, Load>,
}

impl Loads {
    pub(crate) fn new(spill: Option<PathBuf>) -> Self {
        Self { sorter: Sorter::new(limits::SORT_BYTES, spill), of: BTreeMap::new() }
    }

    /// Ends reading: decides between files that repeat one another, and sorts.
    pub(crate) fn settle(
        mut self,
        registry: &mut dyn Registry,
        report: &mut Report,
        workers: usize,
    ) -> Result<(Groups, BTreeMap<u8, Load>), Error> {
        for (key, load) in self.of.split_off(&SECONDARY) {
            let source = load.source;
            let older = last(registry, source)?.stamp > load.stamp;
            if older || self.of.contains_key(&(key - SECONDARY)) {
                report.notes.push(format!("{}: its {source} lines were left out, another file gives them", load.file));
            } else {
                self.of.insert(key, load);
            }
        }
        let groups = self.sorter.finish(workers).map_err(|source| Error::Io { file: "sorting".to_owned(), source })?;
        Ok((groups, self.of))
    }
}

/// Where the facts of one file go while it is read.
pub(crate) struct Intake<'a> {
    pub(crate) name: &'a str,
    pub(crate) stamp: String,
    pub(crate) whole: bool,
    pub(crate) file: FileReport,
    /// What the operator must look at, for the report of the call.
    pub(crate) warnings: Vec<String>,
    pub(crate) sorter: &'a mut Sorter,
}

impl Intake<'_> {
    /// The key of a source for the facts of this file.
    pub(crate) fn key(&self, source: &str) -> u8 {
        let secondary = self.file.format == "FINESS cs1100507" && source == "finess-eg";
        number(source) | if secondary { SECONDARY } else { 0 }
    }

    pub(crate) fn push(&mut self, source: &str, entity: &str, piece: &[u8]) -> Result<(), Error> {
        let mut records = Records::default();
        let pushed = records.push(self.key(source), entity, piece).and_then(|()| self.sorter.add(&records));
        pushed.map_err(|source| Error::Io { file: self.name.to_owned(), source })
    }

    /// Keeps a part of what a block of lines says.
    pub(crate) fn keep(&mut self, records: &Records, part: Range<usize>) -> Result<(), Error> {
        self.sorter.add_part(records, part).map_err(|source| Error::Io { file: self.name.to_owned(), source })
    }

    /// Leaves out a record that cannot be read. `raw` is its text: the entities that it may name keep what is known of them.
    pub(crate) fn reject(&mut self, line: u64, column: &str, reason: String, raw: &str) {
        let _ = raw;
        self.file.rejected += 1;
        if self.file.rejected_lines.len() < limits::REPORTED_LINES {
            self.file.rejected_lines.push(Rejected { line, column: column.to_owned(), reason });
        }
    }
}

/// A number that could be a social security number refuses the file. Never echoed: it must not be written anywhere.
pub(crate) fn privacy(name: &str, line: u64, text: &str) -> Result<(), Error> {
    if id::contains_nir(text) {
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
    let reader = &mut LineEnds::new(reader);
    let mut intake = Intake {
        name,
        stamp: stamp(name),
        whole: true,
        file: FileReport { file: name.to_owned(), ..FileReport::default() },
        warnings: Vec::new(),
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
            Vec::new()
        }
        Some(_) => read_lines(registry, reader, options, &mut intake)?,
    };
    let keys: Vec<(u8, &'static str)> = sources.into_iter().map(|s| (intake.key(s), s)).collect();
    let Intake { stamp, whole, file, warnings, .. } = intake;
    report.warnings.extend(warnings);
    if !file.already_imported {
        for (key, source) in keys {
            match loads.of.get(&key) {
                // Feeds add up.
                Some(_) if !whole => {}
                Some(twin) => {
                    return Err(refused(name, format!("same kind of file as {}; import one delivery at a time", twin.file)));
                }
                None => {
                    loads.of.insert(key, Load { source, stamp: stamp.clone(), file: name.to_owned(), whole });
                }
            }
        }
    }
    report.files.push(file);
    Ok(())
}

/// Freshness guard: true when this delivery is the one already imported.
pub(crate) fn fresh(registry: &mut dyn Registry, intake: &mut Intake<'_>, sources: &[&'static str]) -> Result<bool, Error> {
    let mut same = !sources.is_empty() && !intake.stamp.is_empty();
    for source in sources {
        let previous = last(registry, source)?.stamp;
        if !intake.stamp.is_empty() && intake.stamp < previous {
            return Err(refused(intake.name, format!("older than the delivery of {previous} already imported")));
        }
        same &= intake.stamp == previous;
    }
    intake.file.already_imported = same;
    Ok(!same)
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
