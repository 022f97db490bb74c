//! The lines of an official delivery, sorted: one file of each format.

use crate::error::{Error, io};
use crate::limits;
use crate::order::LineOrder;
use annuaire_batch::sort::{Merge, Sorter};
use annuaire_exchange::{Error as ExchangeError, NationalText, Options, TextReader, read_texts};
use std::fs;
use std::path::{Path, PathBuf};

/// A delivery: its files, and their lines after keys that begin with the position of the format in a list.
pub(crate) struct OfficialDelivery {
    pub(crate) texts: Vec<DeliveredText>,
    pub(crate) lines: Merge,
}

/// A file of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliveredText {
    pub(crate) text: NationalText,
    pub(crate) order: LineOrder,
    pub(crate) lines: u64,
    /// Lines that cannot be read, the first ones with their numbers and reasons.
    pub(crate) unreadable: u64,
    pub(crate) told: Vec<String>,
}

/// Formats in the order in which they were met, in both deliveries.
pub(crate) type Formats = Vec<&'static str>;

/// Reads a delivery: a file, an archive, or a directory of them.
pub(crate) fn read_delivery(
    path: &Path,
    formats: &mut Formats,
    sort_bytes: usize,
    options: &Options,
    workers: usize,
) -> Result<OfficialDelivery, Error> {
    let shown = path.display().to_string();
    let paths = if fs::metadata(path).map_err(io(&shown))?.is_dir() { files_in(path)? } else { vec![path.to_owned()] };
    let sorter = Sorter::new(sort_bytes, options.spill.clone());
    let mut reader = LineCollector { texts: Vec::new(), formats, sorter, key: Vec::new() };
    for path in paths {
        read_texts(&path, options, &mut reader)?;
    }
    let LineCollector { texts, sorter, .. } = reader;
    if texts.is_empty() {
        return Err(Error::Refused(format!("{shown}: no national file in it; name a file, an archive or a directory of them")));
    }
    refuse_mixture(&shown, &texts)?;
    Ok(OfficialDelivery { texts, lines: sorter.finish(workers).map_err(io("sorting lines"))? })
}

/// The files of a directory by name. What annuaire itself writes beside the files of an extraction is none of a delivery.
fn files_in(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let shown = dir.display().to_string();
    let fail = io(&shown);
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(&fail)? {
        let path = entry.map_err(&fail)?.path();
        let ours = path.extension().is_some_and(|e| e == "delta") || path.file_name().is_some_and(|n| n == "export.json");
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if path.is_file() && !ours && !hidden {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Refuses files that are not of one delivery: of the three texts of `PS_LibreAcces`, each of another day.
fn refuse_mixture(delivery: &str, texts: &[DeliveredText]) -> Result<(), Error> {
    let day = |t: &DeliveredText| t.text.stamp.get(..8).map(str::to_owned);
    let mut of_one: Vec<&DeliveredText> = texts.iter().filter(|t| t.text.format.starts_with("PS_LibreAcces")).collect();
    of_one.retain(|t| day(t).is_some());
    match of_one.iter().find(|t| day(t) != day(of_one[0])) {
        Some(other) => Err(Error::Refused(format!(
            "{delivery}: a mixed delivery: {} and {} are of different days; name files of one day",
            of_one[0].text.name, other.text.name
        ))),
        None => Ok(()),
    }
}

struct LineCollector<'a> {
    texts: Vec<DeliveredText>,
    formats: &'a mut Formats,
    sorter: Sorter,
    key: Vec<u8>,
}

fn refused(file: &str, reason: String) -> ExchangeError {
    ExchangeError::Refused { file: file.to_owned(), reason }
}

impl TextReader for LineCollector<'_> {
    fn begin(&mut self, text: &NationalText) -> Result<(), ExchangeError> {
        if let Some(other) = self.texts.iter().find(|t| t.text.format == text.format) {
            let reason = format!("a second file of {} beside {}: name one delivery at a time", text.format, other.text.name);
            return Err(refused(&text.name, reason));
        }
        if !self.formats.contains(&text.format) {
            self.formats.push(text.format);
        }
        let order = LineOrder::of(text.format, &text.columns, text.separator);
        self.texts.push(DeliveredText { text: text.clone(), order, lines: 0, unreadable: 0, told: Vec::new() });
        Ok(())
    }

    fn line(&mut self, _: u64, line: &str) -> Result<(), ExchangeError> {
        let Some(current) = self.texts.last_mut() else { return Ok(()) };
        current.lines += 1;
        let position = self.formats.iter().position(|f| *f == current.text.format).unwrap_or_default();
        self.key.clear();
        self.key.push(u8::try_from(position).unwrap_or(u8::MAX));
        current.order.key(line, &mut self.key);
        let file = &current.text.name;
        let pushed = self.sorter.push(&[&self.key], line.as_bytes());
        pushed.map_err(|source| ExchangeError::Io { file: file.clone(), source })
    }

    fn unreadable(&mut self, number: u64, reason: &str) -> Result<(), ExchangeError> {
        let Some(current) = self.texts.last_mut() else { return Ok(()) };
        current.unreadable += 1;
        if current.unreadable > limits::UNREADABLE_LINES {
            let n = limits::UNREADABLE_LINES;
            return Err(refused(
                &current.text.name,
                format!("line {number}: more than {n} lines cannot be read; fetch it again"),
            ));
        }
        if current.told.len() < limits::TOLD_LINES {
            current.told.push(format!("{}: line {number} {reason}, and was left out", current.text.name));
        }
        Ok(())
    }
}
