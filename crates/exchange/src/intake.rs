//! What is gathered from one file while it is read, and the guards on the file as a whole.

use crate::error::{Error, refused};
use crate::last_deliveries::LastDeliveries;
use crate::limits;
use crate::options::Options;
use crate::quarantine::UnreadableLine;
use crate::report::{FileReport, Rejected};
use crate::source_keys::{SECONDARY, source_key};
use crate::volume::LineCounts;
use annuaire_base::nir;
use annuaire_batch::sort::{RecordBuf, Sorter};
use std::ops::Range;

/// Takes the pieces of one file, its counts and its unreadable lines.
pub(crate) struct FileIntake<'a> {
    /// Name of the file, or of the member of an archive.
    pub(crate) name: &'a str,
    /// The last deliveries when the import began.
    pub(crate) last: &'a LastDeliveries,
    /// Date and time in the name, 12 digits; empty when it has none.
    pub(crate) stamp: String,
    /// The file replaces its sources: their objects that it does not name end. A feed of FHIR resources does not.
    pub(crate) replaces: bool,
    pub(crate) report: FileReport,
    /// Warnings for the report of the import, unless the file was imported before.
    pub(crate) warnings: Vec<String>,
    /// Unreadable lines, with the source that they would have belonged to when it is known.
    pub(crate) unreadable: Vec<(Option<&'static str>, UnreadableLine)>,
    pub(crate) line_counts: LineCounts,
    /// The last entities that the file names, in its order.
    pub(crate) last_entities: Vec<String>,
    /// Establishments that FINESS open files describe.
    pub(crate) described: Vec<String>,
    /// Establishments whose position FINESS open files give.
    pub(crate) positioned: Vec<String>,
    pub(crate) sorter: &'a mut Sorter,
}

impl<'a> FileIntake<'a> {
    pub(crate) fn new(name: &'a str, last: &'a LastDeliveries, sorter: &'a mut Sorter) -> Self {
        Self {
            name,
            last,
            stamp: stamp(name),
            replaces: true,
            report: FileReport { file: name.to_owned(), ..FileReport::default() },
            warnings: Vec::new(),
            unreadable: Vec::new(),
            line_counts: LineCounts::default(),
            last_entities: Vec::new(),
            described: Vec::new(),
            positioned: Vec::new(),
            sorter,
        }
    }

    /// The key of a source for the pieces of this file.
    pub(crate) fn key(&self, source: &str) -> u8 {
        let secondary = self.report.format == "FINESS cs1100507" && source == "finess-eg";
        source_key(source) | if secondary { SECONDARY } else { 0 }
    }

    /// The sources whose main file this is: not those that it repeats from another file.
    pub(crate) fn main_sources(&self, sources: &[&'static str]) -> Vec<&'static str> {
        sources.iter().copied().filter(|s| self.key(s) < SECONDARY).collect()
    }

    /// Takes one piece.
    pub(crate) fn add_piece(&mut self, source: &str, entity: &str, piece: &[u8]) -> Result<(), Error> {
        let key = self.key(source);
        self.sorter.push(&[&[key], entity.as_bytes()], piece).map_err(|source| self.io_error(source))
    }

    /// Takes a part of the pieces of a block of lines.
    pub(crate) fn add_pieces(&mut self, pieces: &RecordBuf, part: Range<usize>) -> Result<(), Error> {
        self.sorter.extend(pieces, part).map_err(|source| self.io_error(source))
    }

    fn io_error(&self, source: std::io::Error) -> Error {
        Error::Io { file: self.name.to_owned(), source }
    }

    /// Leaves out an unreadable record of a document. The entities that `raw`, its text, may name stay as they are.
    pub(crate) fn reject_record(&mut self, line: u64, column: &str, reason: String, raw: &str) {
        // Beyond the limit the file is refused when its end is reached.
        let _ = self.reject_line(None, UnreadableLine::of_record(line, column, &reason, raw));
    }

    /// Leaves out an unreadable line.
    ///
    /// # Errors
    /// When there are more than [`limits::QUARANTINED_LINES`] of them.
    pub(crate) fn reject_line(&mut self, source: Option<&'static str>, unreadable: UnreadableLine) -> Result<(), Error> {
        self.report.rejected += 1;
        if self.report.rejected_lines.len() < limits::REPORTED_LINES {
            let (line, column, reason) = (unreadable.line, unreadable.column.clone(), unreadable.reason.clone());
            self.report.rejected_lines.push(Rejected { line, column, reason });
        }
        if self.unreadable.len() >= limits::QUARANTINED_LINES {
            return Err(self.too_many_unreadable());
        }
        self.unreadable.push((source, unreadable));
        Ok(())
    }

    pub(crate) fn too_many_unreadable(&self) -> Error {
        let n = limits::QUARANTINED_LINES;
        refused(self.name, format!("more than {n} lines cannot be read; nothing was imported"))
    }

    /// Freshness guard: refuses a file that is older than the last delivery of one of `sources`. The registry may have a newer one by
    /// the time when the import is written, and is asked again then.
    pub(crate) fn check_freshness(&self, sources: &[&'static str]) -> Result<(), Error> {
        for source in sources {
            let previous = self.last.of(source);
            if previous.is_newer_than(&self.stamp) {
                let reason = format!("older than the delivery of {} already imported", previous.stamp);
                return Err(refused(self.name, reason));
            }
        }
        Ok(())
    }

    /// Guards on a whole file: too many unreadable lines mean that it is cut, and too many wrong keys among its `numbers`
    /// national numbers that its columns are not what they seem.
    pub(crate) fn check_quality(&self, numbers: u64, options: &Options) -> Result<(), Error> {
        let FileReport { rejected, lines, wrong_keys, .. } = self.report;
        if options.accept_mass_change.is_some() {
            return Ok(());
        }
        let many = rejected * 100 > lines * limits::VOLUME_PERCENT;
        // In a small file one bad line is already several per cent.
        if many && (lines >= limits::VOLUME_FLOOR || rejected == lines) {
            return Err(refused(self.name, format!("{rejected} of {lines} lines are unreadable; is the file cut?")));
        }
        if numbers >= limits::VOLUME_FLOOR && (numbers - wrong_keys) * 100 < numbers * limits::VALID_KEYS_PERCENT {
            return Err(refused(self.name, format!("{wrong_keys} of {numbers} RPPS, ADELI or FINESS numbers have a wrong key")));
        }
        Ok(())
    }

    /// Refuses the file when `text` holds what may be a social security number. The message never repeats the number.
    pub(crate) fn check_privacy(name: &str, line: u64, text: &str) -> Result<(), Error> {
        if nir::contains_nir(text) {
            return Err(refused_for_privacy(name, line));
        }
        Ok(())
    }
}

/// The refusal of a file with what may be a social security number.
pub(crate) fn refused_for_privacy(name: &str, line: u64) -> Error {
    refused(name, format!("line {line}: looks like a social security number; the file is refused whole"))
}

/// The date and time in the name of a delivery as 12 digits, empty when it has none: `AAAAMMJJhhmm`, `AAAAMMJJ-hhmm[ss]`
/// or `AAAAMMJJ`.
pub(crate) fn stamp(name: &str) -> String {
    let runs: Vec<&str> = name.split(|c: char| !c.is_ascii_digit()).filter(|r| !r.is_empty()).collect();
    let dated = |r: &str| r.starts_with("20") || r.starts_with("19");
    if let Some(run) = runs.iter().rfind(|r| r.len() == 12 && dated(r)) {
        return (*run).to_owned();
    }
    let Some(at) = runs.iter().rposition(|r| r.len() == 8 && dated(r)) else { return String::new() };
    let time = runs.get(at + 1).filter(|t| t.len() == 4 || t.len() == 6).map_or("0000", |t| &t[..4]);
    format!("{}{time}", runs[at])
}
