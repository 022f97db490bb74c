//! Text files: lines are cut into blocks, read by several threads, and taken back in order.

use crate::decode::{Encoding, Evidence, Tally, decode};
use crate::formats::{Kind, Separator, Slot};
use crate::groups::push_piece;
use crate::guard::Groups;
use crate::intake::{Intake, fresh, guards, privacy};
use crate::quarantine::Bad;
use crate::recognise::{self, Layout};
use crate::{Error, Options, limits, refused, row};
use annuaire_base::{id, nir};
use annuaire_batch::parallel::{self, Lost};
use annuaire_batch::sort::RecordBuf;
use annuaire_store::Registry;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, BufRead, Read};

/// Adds one line with its end to `out`; the number of bytes read, zero at the end of the file.
fn next_line(reader: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<usize> {
    let n = Read::take(&mut *reader, limits::LINE_BYTES).read_until(b'\n', out)?;
    if n as u64 == limits::LINE_BYTES {
        return Err(io::Error::other(format!("line longer than {} bytes", limits::LINE_BYTES)));
    }
    Ok(n)
}

/// A line without its end.
fn bare(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\n' | b'\r'] = line {
        line = rest;
    }
    line
}

/// Hashes are their own hashes.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
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

/// Whole lines.
struct Block {
    /// Number of the first one.
    first: u64,
    /// What the file tells of its encoding up to here.
    encoding: Encoding,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Block {
    fn line(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        bare(&self.bytes[start..self.ends[at]])
    }
}

/// What a block says.
#[derive(Default)]
struct Said {
    lines: u64,
    bad: Vec<(Option<&'static str>, Bad)>,
    numbers: u64,
    keyed: u64,
    codes: BTreeMap<(&'static str, String), u64>,
    tally: Tally,
    records: RecordBuf,
    /// Hash of each line, and where its records end.
    said: Vec<(u64, usize)>,
    groups: Groups,
    /// The last entities that its lines name, in their order.
    tail: Tail,
    /// Establishments that it describes, and those of which it says the position; of FINESS open files only.
    places: Vec<String>,
    positions: Vec<String>,
    unplaced: u64,
    /// Sections that occur in it, by layout.
    sections: Vec<bool>,
    /// How its last line is.
    end: Option<End>,
    /// Why the whole file is refused; nothing was read beyond.
    refusal: Option<Error>,
}

/// The last entities named, in the order of the file.
#[derive(Default)]
struct Tail([String; limits::TAIL]);

impl Tail {
    fn push(&mut self, entity: &str) {
        let Self(all) = self;
        if all.last().is_none_or(|last| last != entity) {
            all.rotate_left(1);
            if let Some(last) = all.last_mut() {
                last.clear();
                last.push_str(entity);
            }
        }
    }
}

/// The end of a file, as far as it tells whether the file is whole.
#[derive(Default)]
struct End {
    line: u64,
    /// Fields that the line has and should have.
    fields: (usize, usize),
    /// It could be read.
    read: bool,
    /// It stops inside quotes.
    open: bool,
    /// It ends as whole lines of its format do, or its format does not tell and its numbers have valid keys.
    closed: bool,
}

/// What the threads that read blocks know of the file.
struct Reader<'a> {
    name: &'a str,
    layouts: &'a [Layout],
    keys: Vec<u8>,
}

impl Reader<'_> {
    fn block(&self, block: &Block) -> Said {
        let mut out = Said { sections: vec![false; self.layouts.len()], ..Said::default() };
        let mut at = 0;
        while at < block.ends.len() {
            let mut took = 1;
            if !block.line(at).is_empty() {
                out.lines += 1;
                match self.line(block, at, &mut out) {
                    Ok(n) => took = n,
                    Err(e) => {
                        out.refusal = Some(e);
                        break;
                    }
                }
            }
            at += took;
        }
        out
    }

    /// Reads the line at `at`; the number of lines that it takes, since a field may hold the end of one.
    fn line(&self, block: &Block, at: usize, out: &mut Said) -> Result<usize, Error> {
        let line = block.line(at);
        let number = block.first + at as u64;
        let text = decode(line, block.encoding, &mut out.tally);
        if nir::contains_nir(&text) {
            privacy(self.name, number, &self.without_structures(&text))?;
        }
        let of = match self.layouts {
            [one] if one.format.section.is_empty() => Some(0),
            many => {
                let section = text.split(';').next();
                many.iter().position(|l| section == Some(l.format.section))
            }
        };
        let Some(of) = of else {
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
            let bad = Bad::of_line(number, String::new(), "begins with no section of this file", &text, None);
            out.bad.push((None, bad));
            out.end = Some(End { line: number, ..End::default() });
            return Ok(1);
        };
        let layout = &self.layouts[of];
        out.sections[of] = true;
        let joined;
        let (row, text, took) = match layout.row(&text, &mut out.codes) {
            Ok(row) => (Ok(row), &*text, 1),
            Err(fault) => match self.joined(block, at, layout) {
                Some((whole, took)) => {
                    joined = whole;
                    (layout.row(&joined, &mut out.codes), joined.as_str(), took)
                }
                None => (Err(fault), &*text, 1),
            },
        };
        let last = at + took == block.ends.len()
            || block.ends[at + took..].iter().zip(at + took..).all(|(_, i)| block.line(i).is_empty());
        let row = match row {
            Ok(row) => row,
            Err((column, reason)) => {
                if last {
                    let fields = (row::fields(text, layout), layout.width());
                    let open = layout.format.separator == Separator::Semicolon && odd_quotes(text.as_bytes());
                    out.end = Some(End { line: number, fields, open, ..End::default() });
                }
                out.bad.push((Some(layout.format.source), Bad::of_line(number, column, &reason, text, Some(layout))));
                return Ok(took);
            }
        };
        let mut sound = true;
        for valid in keys(&row) {
            out.numbers += 1;
            out.keyed += u64::from(valid);
            sound &= valid;
        }
        if last {
            let width = layout.width();
            let closed = match (layout.closed, layout.format.separator) {
                (true, Separator::Pipe) => true,
                (true, Separator::Semicolon) => text.trim_end().ends_with([';', '"']),
                (false, _) => sound,
            };
            out.end = Some(End { line: number, fields: (width, width), read: true, open: false, closed });
        }
        out.groups.count(layout.format.kind, &row);
        if !layout.format.section.is_empty() && matches!(layout.format.source, "finess-eg" | "finess-geo") {
            let list = if layout.format.source == "finess-eg" { &mut out.places } else { &mut out.positions };
            list.push(format!("ST:F{}", row.get(Slot::Finess)));
        }
        out.unplaced += u64::from(layout.format.source == "monotable" && row.get(Slot::Structure).is_empty());
        let fail = |source| Error::Io { file: self.name.to_owned(), source };
        let (records, tail) = (&mut out.records, &mut out.tail);
        let mut main = of + 1 == self.layouts.len();
        let mut say = |entity: &str, piece: &[u8]| {
            if std::mem::take(&mut main) {
                tail.push(entity);
            }
            push_piece(records, self.keys[of], entity, piece);
            Ok(())
        };
        layout.pieces(&row, &mut say).map_err(fail)?;
        let hash = if took == 1 { xxhash_rust::xxh3::xxh3_64(line) } else { xxhash_rust::xxh3::xxh3_64(text.as_bytes()) };
        out.said.push((hash, out.records.len()));
        Ok(took)
    }

    /// A line without the national numbers of structures that begin with 3, in their columns: a SIRET with a wrong key would be
    /// taken for a number of a person once in a hundred.
    fn without_structures(&self, text: &str) -> String {
        let mut rest = text.to_owned();
        for layout in self.layouts {
            let Ok(row) = layout.row(text, &mut BTreeMap::new()) else { continue };
            for value in [Slot::AncienId, Slot::NumeroStructure].map(|s| row.get(s)) {
                if value.len() == 15 && value.starts_with('3') && value.bytes().all(|b| b.is_ascii_digit()) {
                    rest = rest.replace(value, "");
                }
            }
        }
        rest
    }

    /// The line with those after it, when a quoted field of it holds line ends: they are joined when that gives exactly the
    /// fields of the format, and none of them is a whole line itself.
    fn joined(&self, block: &Block, at: usize, layout: &Layout) -> Option<(String, usize)> {
        if layout.format.separator != Separator::Semicolon || !odd_quotes(block.line(at)) {
            return None;
        }
        // The lines are decoded once more where they are read, and counted there.
        let text = |at| decode(block.line(at), block.encoding, &mut Tally::default());
        let mut whole = text(at).into_owned();
        for took in 2..=limits::JOINED_LINES {
            let next = (at + took <= block.ends.len()).then(|| text(at + took - 1))?;
            if row::is_whole(&next, layout) {
                return None;
            }
            whole.push(' ');
            whole.push_str(&next);
            if row::is_whole(&whole, layout) {
                return Some((whole, took));
            }
        }
        None
    }
}

/// A quoted field is open at the end of the line.
fn odd_quotes(line: &[u8]) -> bool {
    line.iter().filter(|b| **b == b'"').count() % 2 == 1
}

/// Cuts a file into blocks, and keeps what they say.
struct Reading<'a, 'b> {
    reader: &'a mut dyn BufRead,
    intake: &'a mut Intake<'b>,
    number: u64,
    /// A line that was looked at before the others.
    ahead: Vec<u8>,
    /// Fields of a line when quoted ones may hold line ends; zero when they may not.
    quoted: usize,
    /// A quoted field is open at the end of the last line.
    open: bool,
    /// The last line read ends with a line end.
    ended: bool,
    failure: Option<io::Error>,
    numbers: u64,
    keyed: u64,
    codes: BTreeMap<(&'static str, String), u64>,
    evidence: Evidence,
    tally: Tally,
    tail: Tail,
    unplaced: u64,
    sections: Vec<bool>,
    end: Option<End>,
    /// Eight bytes a line: 40 MB for the country. An exact duplicate says nothing new (guard 6).
    seen: HashSet<u64, BuildHasherDefault<Identity>>,
}

impl Reading<'_, '_> {
    /// Adds the next line to the block; false when there is none.
    fn add_line(&mut self, block: &mut Block) -> bool {
        if self.quoted > 0 {
            let added = self.add(block);
            if added {
                let line = block.line(block.ends.len() - 1);
                // Whatever came before, a line that is whole by itself is one.
                let whole = || line.iter().filter(|b| **b == b';').count() + 1 >= self.quoted;
                self.open = if odd_quotes(line) { !self.open } else { self.open && !whole() };
            }
            return added;
        }
        self.add(block)
    }

    fn add(&mut self, block: &mut Block) -> bool {
        if !self.ahead.is_empty() {
            block.bytes.append(&mut self.ahead);
            block.ends.push(block.bytes.len());
            return true;
        }
        match next_line(self.reader, &mut block.bytes) {
            Ok(0) => false,
            Ok(_) => {
                self.ended = block.bytes.ends_with(b"\n") || block.bytes.ends_with(b"\r");
                block.ends.push(block.bytes.len());
                true
            }
            Err(e) => {
                self.failure = Some(e);
                false
            }
        }
    }
}

impl Reading<'_, '_> {
    fn task(&mut self) -> Result<Option<Block>, Error> {
        let bytes = Vec::with_capacity(limits::BLOCK_BYTES * 5 / 4);
        let mut block = Block { first: self.number + 1, encoding: Encoding::Unknown, bytes, ends: Vec::new() };
        // What was read before a failure is looked at first: it may hold a reason to refuse the file.
        let mut more = true;
        while self.failure.is_none() && more && block.bytes.len() < limits::BLOCK_BYTES {
            more = self.add_line(&mut block);
        }
        // A block does not end inside a quoted field, unless that field is never closed.
        let mut extra = 0;
        while self.open && self.failure.is_none() && more && extra < limits::JOINED_LINES {
            more = self.add_line(&mut block);
            extra += 1;
        }
        self.open = false;
        if !block.ends.is_empty() {
            self.number += block.ends.len() as u64;
            if self.number > limits::LINES {
                return Err(refused(
                    self.intake.name,
                    format!("more than {} lines: no national file has as many", limits::LINES),
                ));
            }
            self.evidence.observe(&block.bytes);
            block.encoding = self.evidence.encoding();
            return Ok(Some(block));
        }
        match self.failure.take() {
            Some(source) => Err(Error::Io { file: self.intake.name.to_owned(), source }),
            None => Ok(None),
        }
    }

    fn done(&mut self, block: Result<Said, Lost>) -> Result<(), Error> {
        let mut block = block.unwrap_or_else(|Lost| panic!("a thread that reads lines panicked"));
        if let Some(e) = block.refusal {
            return Err(e);
        }
        self.intake.file.lines += block.lines;
        for (source, bad) in block.bad {
            self.intake.quarantine(source, bad)?;
        }
        self.numbers += block.numbers;
        self.keyed += block.keyed;
        self.unplaced += block.unplaced;
        self.tally.add(block.tally);
        for ((table, code), n) in block.codes {
            row::count_code(&mut self.codes, table, &code, n);
        }
        self.intake.groups.add(block.groups);
        block.tail.0.iter().filter(|e| !e.is_empty()).for_each(|e| self.tail.push(e));
        self.intake.places.append(&mut block.places);
        self.intake.positions.append(&mut block.positions);
        self.sections.iter_mut().zip(block.sections).for_each(|(all, one)| *all |= one);
        self.end = block.end.or_else(|| self.end.take());
        // Neighbours that are kept go together.
        let (mut from, mut to) = (0, 0);
        for (hash, end) in block.said {
            if !self.seen.insert(hash) {
                self.intake.file.duplicates += 1;
                self.intake.keep(&block.records, from..to)?;
                from = end;
            }
            to = end;
        }
        self.intake.keep(&block.records, from..to)
    }
}

/// Refuses a file whose last line is not whole (source-files §13, guard 3).
fn whole(name: &str, end: Option<&End>, ended: bool) -> Result<(), Error> {
    let Some(end) = end else { return Ok(()) };
    let (fields, width) = end.fields;
    let why = if width > 0 && fields < width {
        format!("has {fields} of {width} fields")
    } else if end.open {
        "stops inside quotes".to_owned()
    } else if !ended && !end.read {
        "has no line end and cannot be read".to_owned()
    } else if !ended && !end.closed {
        "has no line end and stops inside a field".to_owned()
    } else {
        return Ok(());
    };
    let line = end.line;
    Err(refused(name, format!("line {line}: the last line {why}: the file is cut; nothing was imported, fetch it again")))
}

/// Reads a text file: its format is recognised by its header.
pub(crate) fn read_lines(
    registry: &mut dyn Registry,
    reader: &mut dyn BufRead,
    options: &Options,
    intake: &mut Intake<'_>,
) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut line = Vec::new();
    next_line(reader, &mut line).map_err(fail)?;
    let mut ended = line.ends_with(b"\n");
    let first = bare(&line);
    let mut evidence = Evidence::default();
    evidence.observe(first);
    let header = decode(first, evidence.encoding(), &mut Tally::default()).into_owned();
    if recognise::frozen(&header) {
        intake.file.format = "Ameli, former files".into();
        intake.file.left_out = "frozen in 2026 and replaced by liste-ps and liste-cds".into();
        return Ok(Vec::new());
    }
    let mut ahead = Vec::new();
    let layouts = if header.starts_with("finess;etalab;") {
        if next_line(reader, &mut ahead).map_err(fail)? > 0 {
            ended = ahead.ends_with(b"\n");
        } else {
            return Err(refused(name, "has a first line and no line after it: the file is cut; nothing was imported".into()));
        }
        recognise::sections(name, &decode(bare(&ahead), Encoding::Unknown, &mut Tally::default()))
    } else {
        recognise::recognise(name, &header).map(|layout| vec![layout])
    };
    let layouts = layouts.map_err(|reason| refused(name, reason))?;
    intake.file.format = layouts.last().map(|l| l.format.name).unwrap_or_default().to_owned();
    intake.file.unknown_columns = layouts.iter().flat_map(|l| l.extra.clone()).collect();
    intake.file.missing_columns = layouts.iter().flat_map(|l| l.missing.clone()).collect();
    for (what, columns) in [
        ("no reader knows these columns, and they were not read", &intake.file.unknown_columns),
        ("these columns, which are not read, are missing", &intake.file.missing_columns),
    ] {
        if !columns.is_empty() {
            intake.warnings.push(format!("{name}: {what}: {}", columns.join(", ")));
        }
    }
    if let [layout] = layouts.as_slice()
        && let Kind::Ignored(why) = layout.format.kind
    {
        intake.file.left_out = why.to_owned();
        line.clear();
        while next_line(reader, &mut line).map_err(fail)? > 0 {
            intake.file.lines += u64::from(!bare(&line).is_empty());
            line.clear();
        }
        return Ok(Vec::new());
    }
    let mut sources: Vec<&'static str> = layouts.iter().map(|l| l.format.source).collect();
    sources.dedup();
    fresh(registry, intake, intake.own(&sources))?;
    let keys = layouts.iter().map(|l| intake.key(l.format.source)).collect();
    let threads = Reader { name, layouts: &layouts, keys };
    let quoted = match layouts.as_slice() {
        [one] if one.format.separator == Separator::Semicolon && one.format.section.is_empty() => one.width(),
        _ => 0,
    };
    let mut reading = Reading {
        reader,
        intake,
        number: 1,
        ahead,
        quoted,
        open: false,
        ended,
        failure: None,
        numbers: 0,
        keyed: 0,
        codes: BTreeMap::new(),
        evidence,
        tally: Tally::default(),
        tail: Tail::default(),
        unplaced: 0,
        sections: vec![false; layouts.len()],
        end: None,
        seen: HashSet::default(),
    };
    let worker = || |block: Block| threads.block(&block);
    parallel::interleaved(parallel::workers(options.threads), &mut reading, Reading::task, worker, Reading::done)?;
    let Reading { intake, numbers, keyed, codes, tally, tail, unplaced, sections, end, ended, .. } = reading;
    intake.file.wrong_keys = numbers - keyed;
    intake.file.oddities.extend(tally.oddities());
    intake.file.unknown_codes = codes.into_iter().map(|((table, code), n)| (format!("{table} {code}"), n)).collect();
    if unplaced > 0 {
        intake.file.oddities.insert("row without a structure number, whose place is not kept".to_owned(), unplaced);
    }
    if intake.file.lines == 0 {
        return Err(refused(name, "has a header and no line after it: the file is cut; nothing was imported".into()));
    }
    whole(name, end.as_ref(), ended)?;
    guards(intake, numbers, options)?;
    intake.tail = tail.0.into_iter().filter(|e| !e.is_empty()).collect();
    // A section of which there is no line says nothing of its source.
    let spoken: Vec<&'static str> = layouts.iter().zip(&sections).filter(|(_, s)| **s).map(|(l, _)| l.format.source).collect();
    if let [first, .., last] = layouts.as_slice()
        && recognise::announced(name).is_some()
        && !spoken.contains(&last.format.source)
    {
        return Err(refused(name, format!("has no section {}, only {}: is it cut?", last.format.section, first.format.section)));
    }
    if layouts.len() > 1 {
        sources.retain(|s| spoken.contains(s));
    }
    Ok(sources)
}

/// Whether the national numbers of a line have a valid key: the person's and those of the place.
fn keys(row: &row::Row<'_>) -> impl Iterator<Item = bool> {
    let person = match row.get(Slot::TypeId) {
        "8" => Some(id::rpps(row.get(Slot::Numero)).is_ok()),
        "0" => Some(id::adeli(row.get(Slot::Numero)).is_ok()),
        _ => None,
    };
    let switched = Some(row.get(Slot::Rpps)).filter(|n| !n.is_empty());
    let switched = switched.map(|n| id::rpps(n).is_ok() && id::adeli(row.get(Slot::Adeli)).is_ok());
    let finess = |slot| Some(row.get(slot)).filter(|n| !n.is_empty()).map(|n| id::finess(n).is_ok());
    [person, switched, finess(Slot::Finess), finess(Slot::FinessEj)].into_iter().flatten()
}
