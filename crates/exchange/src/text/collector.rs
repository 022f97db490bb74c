//! Takes the contents of blocks in their order, and checks the file at its end.

use super::block_reader::{BlockContent, LastEntities, LastLine};
use super::decode::CharacterTally;
use super::layout::UnknownCodes;
use crate::error::{Error, refused};
use crate::intake::FileIntake;
use crate::options::Options;
use annuaire_batch::parallel::Lost;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Takes the contents of blocks.
pub(super) struct BlockCollector<'a, 'b> {
    intake: &'a mut FileIntake<'b>,
    numbers: u64,
    valid_numbers: u64,
    codes: UnknownCodes,
    tally: CharacterTally,
    last_entities: LastEntities,
    without_place: u64,
    sections: Vec<bool>,
    last_line: Option<LastLine>,
    /// Hashes of all lines, eight bytes each: 40 MB for the country. An exact duplicate adds nothing (guard 6).
    seen: HashSet<u64, BuildHasherDefault<HashAsHash>>,
}

impl<'a, 'b> BlockCollector<'a, 'b> {
    /// `sections` is the number of layouts of the file.
    pub(super) fn new(intake: &'a mut FileIntake<'b>, sections: usize) -> Self {
        Self {
            intake,
            numbers: 0,
            valid_numbers: 0,
            codes: UnknownCodes::default(),
            tally: CharacterTally::default(),
            last_entities: LastEntities::default(),
            without_place: 0,
            sections: vec![false; sections],
            last_line: None,
            seen: HashSet::default(),
        }
    }

    /// Takes the next block.
    ///
    /// # Errors
    /// The refusal that was found in it, or too many unreadable lines.
    ///
    /// # Panics
    /// When the thread that read it panicked.
    pub(super) fn take(&mut self, block: Result<BlockContent, Lost>) -> Result<(), Error> {
        let mut block = block.unwrap_or_else(|Lost| panic!("a thread that reads lines panicked"));
        if let Some(e) = block.refusal {
            return Err(e);
        }
        self.intake.report.lines += block.lines;
        for (source, unreadable) in block.unreadable {
            self.intake.reject_line(source, unreadable)?;
        }
        self.numbers += block.numbers;
        self.valid_numbers += block.valid_numbers;
        self.without_place += block.without_place;
        self.tally.add(block.tally);
        self.codes.add(block.codes);
        self.intake.line_counts.add(block.line_counts);
        block.last_entities.into_entities().for_each(|e| self.last_entities.push(&e));
        self.intake.described.append(&mut block.described);
        self.intake.positioned.append(&mut block.positioned);
        self.sections.iter_mut().zip(block.sections).for_each(|(all, one)| *all |= one);
        self.last_line = block.last_line.or_else(|| self.last_line.take());
        // Pieces of lines between two duplicates are added together.
        let (mut from, mut to) = (0, 0);
        for (hash, end) in block.line_hashes {
            if !self.seen.insert(hash) {
                self.intake.report.duplicates += 1;
                self.intake.add_pieces(&block.pieces, from..to)?;
                from = end;
            }
            to = end;
        }
        self.intake.add_pieces(&block.pieces, from..to)
    }

    /// Ends a file, whose last byte is a line end when `ended`; by layout whether its section occurs.
    ///
    /// # Errors
    /// [`Error::Refused`] when a guard refuses the file.
    pub(super) fn finish(self, ended: bool, options: &Options) -> Result<Vec<bool>, Error> {
        let Self { intake, numbers, .. } = self;
        let report = &mut intake.report;
        report.wrong_keys = numbers - self.valid_numbers;
        report.oddities.extend(self.tally.oddities());
        report.unknown_codes = self.codes.by_name();
        if self.without_place > 0 {
            let what = "row without a structure number, whose place is not kept".to_owned();
            report.oddities.insert(what, self.without_place);
        }
        if report.lines == 0 {
            let reason = "has a header and no line after it: the file is cut; nothing was imported";
            return Err(refused(intake.name, reason.into()));
        }
        check_last_line(intake.name, self.last_line.as_ref(), ended)?;
        intake.check_quality(numbers, options)?;
        intake.last_entities = self.last_entities.into_entities().collect();
        Ok(self.sections)
    }
}

/// Refuses a file whose last line is cut (source-files §13, guard 3).
fn check_last_line(name: &str, last: Option<&LastLine>, ended: bool) -> Result<(), Error> {
    let Some(last) = last else { return Ok(()) };
    let (fields, width) = last.fields;
    let why = if width > 0 && fields < width {
        format!("has {fields} of {width} fields")
    } else if last.inside_quotes {
        "stops inside quotes".to_owned()
    } else if !ended && !last.readable {
        "has no line end and cannot be read".to_owned()
    } else if !ended && !last.closed {
        "has no line end and stops inside a field".to_owned()
    } else {
        return Ok(());
    };
    let line = last.number;
    Err(refused(name, format!("line {line}: the last line {why}: the file is cut; nothing was imported, fetch it again")))
}

/// A hasher of hashes, which are used as they are.
#[derive(Default)]
struct HashAsHash(u64);

impl Hasher for HashAsHash {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |h, b| h << 8 | u64::from(*b));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
