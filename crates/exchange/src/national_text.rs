//! The lines of national text files for those who read them without importing: recognised, decoded and checked as an import does.

use crate::containers::for_each_text;
use crate::containers::line_ends::LineEnds;
use crate::error::{Error, refused};
use crate::formats::Separator;
use crate::intake::{refused_for_privacy, stamp};
use crate::options::Options;
use crate::text::blocks::{next_line, without_end};
use crate::text::decode::{CharacterTally, EncodingEvidence, TextEncoding, decode};
use crate::text::fields::UNIT_SEPARATOR;
use crate::text::layout::Layout;
use crate::text::recognise;
use crate::text::split::{ends_inside_quotes, is_complete};
use annuaire_base::nir::contains_nir;
use std::io::BufRead;
use std::path::Path;

/// A national text file whose format is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NationalText {
    /// Name of the file, or of the member of an archive.
    pub name: String,
    /// Name of the format, `PS_LibreAcces_Personne_activite` or `FINESS cs1100502`.
    pub format: &'static str,
    /// Date and time in its name, 12 digits of Paris; empty when it has none.
    pub stamp: String,
    /// Its first line: the header, or the stamp of a FINESS file.
    pub header: String,
    /// Its columns as [`column_name`] gives them; empty for a FINESS file, whose columns are positions.
    pub columns: Vec<String>,
    /// What separates its fields.
    pub separator: char,
}

/// What reads the lines of files.
pub trait TextReader {
    /// A file begins.
    ///
    /// # Errors
    /// Its refusal.
    fn begin(&mut self, text: &NationalText) -> Result<(), Error>;

    /// A line of it, without its end; lines are numbered from 1, the header is the first.
    ///
    /// # Errors
    /// Its refusal, or that it cannot be kept.
    fn line(&mut self, number: u64, line: &str) -> Result<(), Error>;

    /// A line that cannot be read, which an import would put in quarantine.
    ///
    /// # Errors
    /// When there are too many.
    fn unreadable(&mut self, number: u64, reason: &str) -> Result<(), Error>;
}

/// The name by which columns of all generations of a format are known: lower case, no accents, no `d'`, one name for columns that
/// were renamed (source-files §2.3).
#[must_use]
pub fn column_name(header: &str) -> String {
    recognise::normalise(header)
}

/// Reads a file (text, gzip, zip) and hands every line of its national texts to `reader`. Cost: one pass on one thread, a line in
/// memory.
///
/// # Errors
/// [`Error::Refused`] with file, line and what to do: no national text, a cut file, a possible social security number; those
/// of the reader.
pub fn read_texts(path: &Path, options: &Options, reader: &mut dyn TextReader) -> Result<(), Error> {
    let extras = for_each_text(path, options, &mut |name, text| read_text(name, &mut LineEnds::new(text), reader))?;
    match extras.missing.first() {
        Some(missing) => Err(refused(missing, "the archive lacks this member: fetch it again".into())),
        None => Ok(()),
    }
}

fn read_text(name: &str, reader: &mut dyn BufRead, to: &mut dyn TextReader) -> Result<String, Error> {
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut evidence = EncodingEvidence::default();
    let mut bytes = Vec::new();
    next_line(reader, &mut bytes).map_err(fail)?;
    let first = without_end(&bytes);
    if first.trim_ascii_start().starts_with(b"{") || first.trim_ascii_start().starts_with(b"<") {
        return Err(refused(name, "it is a document and not a file of lines: import both and compare the transactions".into()));
    }
    evidence.observe(first);
    let header = decode(first, evidence.encoding(), &mut CharacterTally::default()).into_owned();
    let mut ended = bytes.ends_with(b"\n");
    bytes.clear();
    let mut ahead = false;
    let layouts = if header.starts_with("finess;etalab;") {
        ahead = next_line(reader, &mut bytes).map_err(fail)? > 0;
        recognise::sections(name, &decode(without_end(&bytes), TextEncoding::Unknown, &mut CharacterTally::default()))
    } else {
        recognise::recognise(name, &header).map(|layout| vec![layout])
    };
    let layouts = layouts.map_err(|reason| refused(name, reason))?;
    let Some(layout) = layouts.last() else { return Err(refused(name, "it has no section that is known".into())) };
    let has_header = layout.format.section.is_empty();
    let text = NationalText {
        name: name.to_owned(),
        format: layout.format.name,
        stamp: stamp(name),
        header,
        columns: if has_header { layout.fields.iter().map(|f| f.1.clone()).collect() } else { Vec::new() },
        separator: layout.format.separator.as_char(),
    };
    to.begin(&text)?;
    let (mut number, mut last) = (1, None);
    loop {
        if !std::mem::take(&mut ahead) && next_line(reader, &mut bytes).map_err(fail)? == 0 {
            break;
        }
        number += 1;
        ended = bytes.ends_with(b"\n");
        evidence.observe(without_end(&bytes));
        let line = decode(without_end(&bytes), evidence.encoding(), &mut CharacterTally::default());
        if !line.is_empty() {
            if contains_nir(&line) {
                return Err(refused_for_privacy(name, number));
            }
            let fault = fault(&line, &layouts);
            match &fault {
                None => to.line(number, &line)?,
                Some(reason) => to.unreadable(number, reason)?,
            }
            let open = layout.closed && !line.trim_end().ends_with([text.separator, '"']);
            last = Some((number, fault.or_else(|| (!ended && open).then(|| "stops inside a field".to_owned()))));
        }
        bytes.clear();
    }
    match last {
        None => Err(refused(name, "has a header and no line after it: the file is cut; fetch it again".into())),
        Some((line, Some(why))) => {
            Err(refused(name, format!("line {line}: the last line {why}: the file is cut; fetch it again")))
        }
        Some((line, None)) if !ended && !layout.closed => {
            // Such a line ends with a value: without its end nothing tells that it is whole.
            Err(refused(name, format!("line {line}: the last line has no end: the file is cut; fetch it again")))
        }
        Some(_) => Ok(text.format.to_owned()),
    }
}

/// Why a line is of none of these layouts.
fn fault(line: &str, layouts: &[Layout]) -> Option<String> {
    if line.contains(['\0', UNIT_SEPARATOR]) {
        return Some("holds NUL bytes".to_owned());
    }
    let section = line.split(';').next().unwrap_or_default();
    let layout = layouts.iter().find(|l| l.format.section.is_empty() || l.format.section == section);
    let Some(layout) = layout else {
        return Some(format!("begins with no section of the file: {}", layouts.last()?.format.name));
    };
    let width = layout.width();
    match layout.format.separator {
        Separator::Pipe => {
            let found = line.bytes().filter(|b| *b == b'|').count() + 1;
            (found != width).then(|| format!("has {found} of {width} fields"))
        }
        Separator::Semicolon if is_complete(line, width) => None,
        Separator::Semicolon if ends_inside_quotes(line.as_bytes()) => Some("stops inside quotes".to_owned()),
        Separator::Semicolon => Some(format!("cannot be cut into {width} fields")),
    }
}
