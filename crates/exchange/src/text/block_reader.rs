//! One block of lines read into pieces, by any thread.

use super::blocks::LineBlock;
use super::decode::{CharacterTally, decode};
use super::fields::LineFields;
use super::layout::{Layout, UnknownCodes};
use super::recognise;
use super::split::{ends_inside_quotes, field_count, is_complete};
use crate::error::{Error, refused};
use crate::formats::{Separator, Slot};
use crate::groups::push_piece;
use crate::intake::FileIntake;
use crate::limits;
use crate::quarantine::UnreadableLine;
use crate::volume::LineCounts;
use annuaire_base::{id, nir};
use annuaire_batch::sort::RecordBuf;
use xxhash_rust::xxh3::xxh3_64;

/// What was read of a block.
#[derive(Default)]
pub(super) struct BlockContent {
    /// Lines that are not empty.
    pub(super) lines: u64,
    /// Unreadable lines, with the source that they would have belonged to when it is known.
    pub(super) unreadable: Vec<(Option<&'static str>, UnreadableLine)>,
    /// National numbers, and those of them with a valid key.
    pub(super) numbers: u64,
    pub(super) valid_numbers: u64,
    pub(super) codes: UnknownCodes,
    pub(super) tally: CharacterTally,
    pub(super) pieces: RecordBuf,
    /// Hash of each line, and where its pieces end.
    pub(super) line_hashes: Vec<(u64, usize)>,
    pub(super) line_counts: LineCounts,
    pub(super) last_entities: LastEntities,
    /// Establishments that its lines describe, and those whose position they give; of FINESS open files only.
    pub(super) described: Vec<String>,
    pub(super) positioned: Vec<String>,
    /// Lines without the number of the place of practice.
    pub(super) without_place: u64,
    /// Sections that occur in it, by layout.
    pub(super) sections: Vec<bool>,
    pub(super) last_line: Option<LastLine>,
    /// Why the file is refused; the lines after the reason were not read.
    pub(super) refusal: Option<Error>,
}

/// The last entities that lines are about, in the order of the file.
#[derive(Default)]
pub(super) struct LastEntities([String; limits::TAIL]);

impl LastEntities {
    /// An entity that comes after the others.
    pub(super) fn push(&mut self, entity: &str) {
        let Self(all) = self;
        if all.last().is_none_or(|last| last != entity) {
            all.rotate_left(1);
            if let Some(last) = all.last_mut() {
                last.clear();
                last.push_str(entity);
            }
        }
    }

    /// The entities, as many as there are.
    pub(super) fn into_entities(self) -> impl Iterator<Item = String> {
        self.0.into_iter().filter(|e| !e.is_empty())
    }
}

/// The last line, from which it is seen whether the file is cut.
#[derive(Default)]
pub(super) struct LastLine {
    pub(super) number: u64,
    /// Fields that the line has and should have.
    pub(super) fields: (usize, usize),
    /// It could be read.
    pub(super) readable: bool,
    /// It stops inside quotes.
    pub(super) inside_quotes: bool,
    /// It ends with a separator or a quote as all lines of the file do; in a file whose lines end with a value, its numbers have
    /// valid keys.
    pub(super) closed: bool,
}

/// What the threads that read blocks know of the file.
pub(super) struct LineBlockReader<'a> {
    pub(super) name: &'a str,
    pub(super) layouts: &'a [Layout],
    /// For each layout the key of its source.
    pub(super) keys: Vec<u8>,
}

impl LineBlockReader<'_> {
    /// Reads a block.
    pub(super) fn read(&self, block: &LineBlock) -> BlockContent {
        let mut out = BlockContent { sections: vec![false; self.layouts.len()], ..BlockContent::default() };
        let mut at = 0;
        while at < block.len() {
            let mut taken = 1;
            if !block.line(at).is_empty() {
                out.lines += 1;
                match self.read_line(block, at, &mut out) {
                    Ok(n) => taken = n,
                    Err(e) => {
                        out.refusal = Some(e);
                        break;
                    }
                }
            }
            at += taken;
        }
        out
    }

    /// Reads the line at `at`; the number of lines that it takes, since a quoted field may hold the end of one.
    fn read_line(&self, block: &LineBlock, at: usize, out: &mut BlockContent) -> Result<usize, Error> {
        let line = block.line(at);
        let number = block.first + at as u64;
        let text = decode(line, block.encoding, &mut out.tally);
        if nir::contains_nir(&text) {
            FileIntake::check_privacy(self.name, number, &self.without_structure_numbers(&text))?;
        }
        let Some(of) = self.layout_of(&text) else {
            self.reject_section(number, &text, out)?;
            return Ok(1);
        };
        let layout = &self.layouts[of];
        out.sections[of] = true;
        let joined;
        let (fields, text, taken) = match layout.read_line(&text, &mut out.codes) {
            Ok(fields) => (Ok(fields), &*text, 1),
            Err(error) => match joined_lines(block, at, layout) {
                Some((lines, taken)) => {
                    joined = lines;
                    (layout.read_line(&joined, &mut out.codes), joined.as_str(), taken)
                }
                None => (Err(error), &*text, 1),
            },
        };
        let is_last = (at + taken..block.len()).all(|i| block.line(i).is_empty());
        let fields = match fields {
            Ok(fields) => fields,
            Err((column, reason)) => {
                if is_last {
                    out.last_line = Some(unreadable_last_line(number, text, layout));
                }
                let unreadable = UnreadableLine::of_line(number, column, &reason, text, Some(layout));
                out.unreadable.push((Some(layout.format.source), unreadable));
                return Ok(taken);
            }
        };
        let valid_keys = count_keys(&fields, out);
        if is_last {
            let width = layout.width();
            let closed = match (layout.closed, layout.format.separator) {
                (true, Separator::Pipe) => true,
                (true, Separator::Semicolon) => text.trim_end().ends_with([';', '"']),
                (false, _) => valid_keys,
            };
            out.last_line = Some(LastLine { number, fields: (width, width), readable: true, inside_quotes: false, closed });
        }
        count_line(&fields, layout, out);
        let (pieces, last_entities) = (&mut out.pieces, &mut out.last_entities);
        // Of a file with sections, the last layout is the one whose entities are in order.
        let mut is_first = of + 1 == self.layouts.len();
        layout.pieces(&fields, &mut |entity, piece| {
            if std::mem::take(&mut is_first) {
                last_entities.push(entity);
            }
            push_piece(pieces, self.keys[of], entity, piece);
        });
        let hash = if taken == 1 { xxh3_64(line) } else { xxh3_64(text.as_bytes()) };
        out.line_hashes.push((hash, out.pieces.len()));
        Ok(taken)
    }

    /// The layout of a line: the only one, or that of its section.
    fn layout_of(&self, text: &str) -> Option<usize> {
        match self.layouts {
            [one] if one.format.section.is_empty() => Some(0),
            many => {
                let section = text.split(';').next();
                many.iter().position(|l| section == Some(l.format.section))
            }
        }
    }

    /// Leaves out a line of no section of this file.
    ///
    /// # Errors
    /// When it is of a section of another file: this one was renamed.
    fn reject_section(&self, number: u64, text: &str, out: &mut BlockContent) -> Result<(), Error> {
        let section = text.split(';').next().unwrap_or("");
        if recognise::is_section(section) {
            let kind = self.layouts.last().map_or("", |l| l.format.name);
            return Err(refused(
                self.name,
                format!(
                    "line {number}: the section {section} belongs to another file than {kind}; name the file as it was delivered"
                ),
            ));
        }
        let reason = "begins with no section of this file";
        out.unreadable.push((None, UnreadableLine::of_line(number, String::new(), reason, text, None)));
        out.last_line = Some(LastLine { number, ..LastLine::default() });
        Ok(())
    }

    /// A line without the national numbers of structures that begin with 3, in their columns: a SIRET with a wrong key would be
    /// taken for the number of a person once in a hundred.
    fn without_structure_numbers(&self, text: &str) -> String {
        let mut rest = text.to_owned();
        for layout in self.layouts {
            let Ok(fields) = layout.read_line(text, &mut UnknownCodes::default()) else { continue };
            for value in [Slot::AncienId, Slot::NumeroStructure].map(|s| fields.get(s)) {
                if value.len() == 15 && value.starts_with('3') && value.bytes().all(|b| b.is_ascii_digit()) {
                    rest = rest.replace(value, "");
                }
            }
        }
        rest
    }
}

fn unreadable_last_line(number: u64, text: &str, layout: &Layout) -> LastLine {
    let separator = layout.format.separator;
    LastLine {
        number,
        fields: (field_count(text, separator), layout.width()),
        inside_quotes: separator == Separator::Semicolon && ends_inside_quotes(text.as_bytes()),
        ..LastLine::default()
    }
}

/// Counts the national numbers of a line, those of the person and those of the place; whether all of them have a valid key.
fn count_keys(fields: &LineFields<'_>, out: &mut BlockContent) -> bool {
    let person = match fields.get(Slot::TypeId) {
        "8" => Some(id::rpps(fields.get(Slot::Numero)).is_ok()),
        "0" => Some(id::adeli(fields.get(Slot::Numero)).is_ok()),
        _ => None,
    };
    let switched = Some(fields.get(Slot::Rpps)).filter(|n| !n.is_empty());
    let switched = switched.map(|n| id::rpps(n).is_ok() && id::adeli(fields.get(Slot::Adeli)).is_ok());
    let finess = |slot| Some(fields.get(slot)).filter(|n| !n.is_empty()).map(|n| id::finess(n).is_ok());
    let mut all_valid = true;
    for valid in [person, switched, finess(Slot::Finess), finess(Slot::FinessEj)].into_iter().flatten() {
        out.numbers += 1;
        out.valid_numbers += u64::from(valid);
        all_valid &= valid;
    }
    all_valid
}

/// Counts a readable line by profession and department, by establishment and by place.
fn count_line(fields: &LineFields<'_>, layout: &Layout, out: &mut BlockContent) {
    let format = layout.format;
    out.line_counts.count(format.kind, fields);
    if !format.section.is_empty() && matches!(format.source, "finess-eg" | "finess-geo") {
        let list = if format.source == "finess-eg" { &mut out.described } else { &mut out.positioned };
        list.push(format!("ST:F{}", fields.get(Slot::Finess)));
    }
    out.without_place += u64::from(format.source == "monotable" && fields.get(Slot::Structure).is_empty());
}

/// A line joined with those after it, and their number, when a quoted field of it holds line ends: joining must give exactly
/// the fields of the format, and none of the joined lines may be complete itself.
fn joined_lines(block: &LineBlock, at: usize, layout: &Layout) -> Option<(String, usize)> {
    if layout.format.separator != Separator::Semicolon || !ends_inside_quotes(block.line(at)) {
        return None;
    }
    // The lines are decoded once more where they are read, and their characters counted there.
    let text = |at| decode(block.line(at), block.encoding, &mut CharacterTally::default());
    let width = layout.width();
    let mut joined = text(at).into_owned();
    for taken in 2..=limits::JOINED_LINES {
        let next = (at + taken <= block.len()).then(|| text(at + taken - 1))?;
        if is_complete(&next, width) {
            return None;
        }
        joined.push(' ');
        joined.push_str(&next);
        if is_complete(&joined, width) {
            return Some((joined, taken));
        }
    }
    None
}
