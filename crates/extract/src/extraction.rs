//! A full extraction of a state.

use crate::assembly::WantedPersons;
use crate::error::{Error, io};
use crate::finess::left_out_note;
use crate::limits;
use crate::national_file::{NationalFile, Part};
use crate::options::ExtractOptions;
use crate::reading::{LineReader, Notes};
use crate::state::RegistryState;
use annuaire_batch::sort::Merge;
use annuaire_consolidate::Perimeter;
use annuaire_store::BlockingRegistry;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtractReport {
    /// The state that the files show; of a delta, the newer one.
    pub tx: u64,
    /// Of a delta, the state that it begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The instant of the state, ISO 8601 in UTC.
    pub committed: String,
    /// `public` or `restricted`.
    pub perimeter: String,
    /// The files.
    pub files: Vec<WrittenNationalFile>,
    /// Of a delta, what was withdrawn by law meanwhile: national identifications, technical identifiers or keys of activities. No
    /// state has its lines any more, so that no delta can remove them one by one: whoever holds lines of it removes them all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub withdrawn: Vec<String>,
    /// What these files do not say and why, entities that cannot be made among it; in English, a sentence each.
    pub notes: Vec<String>,
    /// Entities that were left out since nothing can be made of them.
    pub faults: u64,
}

/// A file that was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WrittenNationalFile {
    /// Its name.
    pub name: String,
    /// The archive that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// Lines without the first one; in a delta, lines added and removed.
    pub lines: u64,
    /// In a delta, lines added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    /// In a delta, lines removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
}

impl ExtractReport {
    pub(crate) fn new(state: RegistryState, since: Option<RegistryState>, perimeter: Perimeter, notes: Notes) -> Self {
        let mut told: Vec<String> = Vec::new();
        if notes.left_out > 0 {
            told.push(left_out_note(notes.left_out));
        }
        told.extend(notes.told.iter().map(|f| format!("left out, since it cannot be made: {f}")));
        if notes.faults > notes.told.len() as u64 {
            told.push(format!("left out, since they cannot be made: {} entities in all", notes.faults));
        }
        Self {
            tx: state.tx.get(),
            since: since.map(|s| s.tx.get()),
            committed: annuaire_base::date::iso_ms(state.commit_ms),
            perimeter: if perimeter == Perimeter::Public { "public" } else { "restricted" }.to_owned(),
            files: Vec::new(),
            withdrawn: Vec::new(),
            notes: told,
            faults: notes.faults,
        }
    }
}

/// Writes the national files of a state into `dir`, which exists; the caller gives them a name when all are complete. One state,
/// perimeter, filter and header give one content, byte by byte, archives too.
///
/// Cost: one pass over the registry, two sorts through disk beyond [`ExtractOptions::sort_bytes`], one thread that compresses.
///
/// # Errors
/// [`Error::Refused`] for what the perimeter may not have; when the registry cannot be read or a file not be written.
pub fn extract(
    registry: &BlockingRegistry,
    state: RegistryState,
    dir: &Path,
    options: &ExtractOptions,
) -> Result<ExtractReport, Error> {
    if let Some(objection) = options.objection() {
        return Err(Error::Refused(objection));
    }
    let reader = LineReader::new(registry, options, 1)?;
    let (mut lines, notes) = reader.whole_state(state.tx, "reading the registry")?;
    let mut report = ExtractReport::new(state, None, options.perimeter, notes);
    let bytes = lines.bytes;
    let mut text = TextSource::new(&mut lines.merge, options)?;
    let archive = |f: NationalFile| f.archive(state, options.perimeter);
    for of_archive in options.files().chunk_by(|a, b| archive(*a).is_some() && archive(*a) == archive(*b)) {
        let name = archive(of_archive[0]).unwrap_or_else(|| of_archive[0].name(state, options.perimeter));
        let path = dir.join(&name);
        let fail = io(&name);
        let mut out = BufWriter::with_capacity(1 << 18, File::create(&path).map_err(&fail)?);
        let mut any = false;
        let mut member = |file: NationalFile, out: &mut dyn Write| -> Result<(), Error> {
            let name = file.name(state, options.perimeter);
            let WrittenLines { lines, essential } = text.write(file, &file.first_line(state, options.width), &name, out)?;
            any |= essential > 0;
            let archive = archive(file);
            report.files.push(WrittenNationalFile { name, archive, lines, ..Default::default() });
            Ok(())
        };
        if archive(of_archive[0]).is_none() {
            member(of_archive[0], &mut out)?;
        } else {
            let mut zip = ZipWriter::new(out);
            for file in of_archive {
                let entry = entry(state, bytes);
                let started = zip.start_file(file.name(state, options.perimeter), entry);
                started.map_err(std::io::Error::other).map_err(&fail)?;
                member(*file, &mut zip)?;
            }
            out = zip.finish().map_err(std::io::Error::other).map_err(&fail)?;
        }
        out.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|f| f.sync_all()).map_err(&fail)?;
        if !any {
            // A file without a line is a cut file to whoever reads it, and so is one without the section that it is named for.
            fs::remove_file(&path).map_err(&fail)?;
            report.files.truncate(report.files.len() - of_archive.len());
            report.notes.push(format!("{name} would have no line, and was left out"));
        }
    }
    Ok(report)
}

/// How a member is packed: by the minute of its state, so that one state gives one archive.
fn entry(state: RegistryState, bytes: u64) -> SimpleFileOptions {
    let stamp = state.stamp();
    let number = |at: std::ops::Range<usize>| stamp.get(at).and_then(|d| d.parse::<u16>().ok()).unwrap_or_default();
    let small = |at| u8::try_from(number(at)).unwrap_or_default();
    // Archives know the years from 1980 on; a clock of before leaves their first day.
    let time = DateTime::from_date_and_time(number(0..4), small(4..6), small(6..8), small(8..10), small(10..12), 0);
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(time.unwrap_or_default())
        .unix_permissions(0o644)
        .large_file(bytes > limits::WIDE_MEMBER)
}

/// Sorted lines as the texts of files, in their order.
pub(crate) struct TextSource<'a> {
    lines: &'a mut Merge,
    wanted: Option<WantedPersons>,
    options: &'a ExtractOptions,
}

impl<'a> TextSource<'a> {
    pub(crate) fn new(lines: &'a mut Merge, options: &'a ExtractOptions) -> Result<Self, Error> {
        let wanted = options.filter.is_active().then(|| WantedPersons::of(lines, options.spill.clone())).transpose()?;
        Ok(Self { lines, wanted, options })
    }

    /// The next line that is wanted; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<KeyedLine>, Error> {
        while let Some((key, line)) = self.lines.peek() {
            let is_wanted = match &mut self.wanted {
                Some(wanted) => wanted.wants(key)?,
                None => true,
            };
            let taken = is_wanted.then(|| KeyedLine { key: key.to_vec(), line: line.to_vec() });
            self.lines.advance().map_err(io("reading sorted lines"))?;
            if taken.is_some() {
                return Ok(taken);
            }
        }
        Ok(None)
    }

    /// Writes the first line of a file and the lines of its part, which is behind those of the files written before; their number.
    fn write(&mut self, file: NationalFile, first: &str, name: &str, out: &mut dyn Write) -> Result<WrittenLines, Error> {
        let (fail, part) = (io(name), file.part() as u8);
        let mut buffer = Vec::with_capacity(WRITTEN_BYTES * 2);
        buffer.extend_from_slice(first.as_bytes());
        buffer.push(b'\n');
        let mut count = WrittenLines::default();
        let two_sections = matches!(file.part(), Part::Social | Part::Positions);
        while let Some((key, line)) = self.lines.peek().filter(|(key, _)| key[0] <= part) {
            let is_wanted = match &mut self.wanted {
                Some(wanted) => wanted.wants(key)?,
                None => true,
            };
            if key[0] == part && is_wanted {
                buffer.extend_from_slice(line);
                buffer.push(b'\n');
                count.lines += 1;
                count.essential += u64::from(!(two_sections && line.starts_with(b"structureet;")));
            }
            if buffer.len() >= WRITTEN_BYTES {
                out.write_all(&buffer).map_err(&fail)?;
                buffer.clear();
                self.options.tell(&format!("writing {name}"), count.lines, 0);
            }
            self.lines.advance().map_err(io("reading sorted lines"))?;
        }
        out.write_all(&buffer).map_err(&fail)?;
        Ok(count)
    }
}

/// A line after its place among all lines.
pub(crate) struct KeyedLine {
    pub(crate) key: Vec<u8>,
    pub(crate) line: Vec<u8>,
}

/// Lines of a file.
#[derive(Default)]
struct WrittenLines {
    lines: u64,
    /// Without those of a section that repeats another file.
    essential: u64,
}

/// Bytes of lines that are written at a time.
const WRITTEN_BYTES: usize = 1 << 16;
