//! Text files: lines are cut into blocks, read by several threads, and taken back in order.

use crate::decode::{Encoding, Evidence, Tally, decode};
use crate::formats::{self, Layout};
use crate::intake::{Intake, fresh, guards, privacy};
use crate::parallel::{self, Line};
use crate::sort::Records;
use crate::{Error, Options, Rejected, limits, refused, row};
use annuaire_base::id;
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
    encoding: Encoding,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// What a block says.
#[derive(Default)]
struct Said {
    lines: u64,
    rejected: u64,
    rejected_lines: Vec<Rejected>,
    numbers: u64,
    keyed: u64,
    codes: BTreeMap<(&'static str, String), u64>,
    tally: Tally,
    records: Records,
    /// Hash of each line, and where its records end.
    said: Vec<(u64, usize)>,
    /// Why the whole file is refused; nothing was read beyond.
    refusal: Option<Error>,
}

/// What the threads that read blocks know of the file.
struct Reader<'a> {
    name: &'a str,
    layouts: &'a [Layout],
    /// Sources of the file with their keys; lines of others are rejected.
    sources: &'a [&'static str],
    keys: Vec<u8>,
}

impl Reader<'_> {
    fn block(&self, block: &Block) -> Said {
        let mut out = Said::default();
        let mut start = 0;
        for (number, end) in (block.first..).zip(&block.ends) {
            let line = bare(&block.bytes[start..*end]);
            start = *end;
            if line.is_empty() {
                continue;
            }
            out.lines += 1;
            if let Err(e) = self.line(number, line, block.encoding, &mut out) {
                out.refusal = Some(e);
                break;
            }
        }
        out
    }

    fn line(&self, number: u64, line: &[u8], encoding: Encoding, out: &mut Said) -> Result<(), Error> {
        let text = decode(line, encoding, &mut out.tally);
        privacy(self.name, number, &text)?;
        let at = match self.layouts {
            [_] => Some(0),
            many => {
                let section = text.split(';').next();
                many.iter().position(|l| section == Some(l.format.section) && self.sources.contains(&l.format.source))
            }
        };
        let mut reject = |column: String, reason| {
            out.rejected += 1;
            if out.rejected_lines.len() < limits::REPORTED_LINES {
                out.rejected_lines.push(Rejected { line: number, column, reason });
            }
        };
        let Some(at) = at else {
            let section = text.split(';').next().unwrap_or("");
            reject(String::new(), format!("section {:?} does not belong to this file", row::shown(section)));
            return Ok(());
        };
        let layout = &self.layouts[at];
        let row = match layout.row(&text, &mut out.codes) {
            Ok(row) => row,
            Err((column, reason)) => {
                reject(column, reason);
                return Ok(());
            }
        };
        for valid in keys(&row) {
            out.numbers += 1;
            out.keyed += u64::from(valid);
        }
        let fail = |source| Error::Io { file: self.name.to_owned(), source };
        layout.pieces(&row, &mut |entity, piece| out.records.push(self.keys[at], entity, piece)).map_err(fail)?;
        out.said.push((xxhash_rust::xxh3::xxh3_64(line), out.records.len()));
        Ok(())
    }
}

/// Cuts a file into blocks, and keeps what they say.
struct Reading<'a, 'b> {
    reader: &'a mut dyn BufRead,
    intake: &'a mut Intake<'b>,
    number: u64,
    failure: Option<io::Error>,
    numbers: u64,
    keyed: u64,
    codes: BTreeMap<(&'static str, String), u64>,
    evidence: Evidence,
    tally: Tally,
    /// Eight bytes a line: 40 MB for the country. An exact duplicate says nothing new (guard 6).
    seen: HashSet<u64, BuildHasherDefault<Identity>>,
}

impl Line for Reading<'_, '_> {
    type Task = Block;
    type Done = Said;
    type Error = Error;

    fn task(&mut self) -> Result<Option<Block>, Error> {
        let bytes = Vec::with_capacity(limits::BLOCK_BYTES * 5 / 4);
        let mut block = Block { first: self.number + 1, encoding: Encoding::Unknown, bytes, ends: Vec::new() };
        // What was read before a failure is looked at first: it may hold a reason to refuse the file.
        while self.failure.is_none() && block.bytes.len() < limits::BLOCK_BYTES {
            match next_line(self.reader, &mut block.bytes) {
                Ok(0) => break,
                Ok(_) => block.ends.push(block.bytes.len()),
                Err(e) => self.failure = Some(e),
            }
        }
        if !block.ends.is_empty() {
            self.number += block.ends.len() as u64;
            if self.number > limits::LINES {
                return Err(refused(self.intake.name, format!("more than {} lines: no national file has as many", limits::LINES)));
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

    fn done(&mut self, block: Said) -> Result<(), Error> {
        if let Some(e) = block.refusal {
            return Err(e);
        }
        let file = &mut self.intake.file;
        file.lines += block.lines;
        file.rejected += block.rejected;
        let room = limits::REPORTED_LINES.saturating_sub(file.rejected_lines.len());
        file.rejected_lines.extend(block.rejected_lines.into_iter().take(room));
        self.numbers += block.numbers;
        self.keyed += block.keyed;
        self.tally.add(block.tally);
        for ((table, code), n) in block.codes {
            row::count_code(&mut self.codes, table, &code, n);
        }
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
    let first = bare(&line);
    let mut evidence = Evidence::default();
    evidence.observe(first);
    let header = decode(first, evidence.encoding(), &mut Tally::default()).into_owned();
    if formats::frozen(&header) {
        intake.file.format = "Ameli, former files".into();
        intake.file.left_out = "frozen in 2026 and replaced by liste-ps and liste-cds".into();
        return Ok(Vec::new());
    }
    let layouts = formats::recognise(&header).map_err(|e| {
        refused(
            name,
            match e {
                formats::Unbound::Unknown => {
                    "line 1: no known national format has these columns; nothing was imported".to_owned()
                }
                formats::Unbound::Missing(format, columns) => {
                    format!("line 1: looks like {format}, and these columns are missing: {}", columns.join(", "))
                }
            },
        )
    })?;
    let sources: Vec<&'static str> = match header.strip_prefix("finess;etalab;").and_then(|h| h.split(';').next()) {
        None => layouts.iter().map(|l| l.format.source).filter(|s| !s.is_empty()).collect(),
        Some(flow) => {
            let sources: &[&str] = match flow {
                "111" => &["finess-ej"],
                "112" => &["finess-eg"],
                "113" => &["finess-as"],
                "114" => &["finess-eml"],
                "115" => &["finess-soc"],
                "117" => &["finess-eg", "finess-geo"],
                _ => return Err(refused(name, format!("line 1: FINESS flow {flow} is not one of 111 to 115 and 117"))),
            };
            sources.to_vec()
        }
    };
    let main = layouts.iter().find(|l| sources.last() == Some(&l.format.source)).or(layouts.first());
    intake.file.format = main.map(|l| l.format.name).unwrap_or_default().to_owned();
    intake.file.unknown_columns = layouts.iter().flat_map(|l| l.extra.clone()).collect();
    // A file with two sections is the freshest word on its second one only: its first repeats another file.
    let own: &[&'static str] = if sources.len() > 1 { &sources[1..] } else { &sources };
    if let [layout] = layouts.as_slice()
        && let formats::Kind::Ignored(why) = layout.format.kind
    {
        intake.file.left_out = why.to_owned();
        line.clear();
        while next_line(reader, &mut line).map_err(fail)? > 0 {
            intake.file.lines += u64::from(!bare(&line).is_empty());
            line.clear();
        }
        return Ok(Vec::new());
    }
    if !fresh(registry, intake, own)? {
        return Ok(sources);
    }
    let keys = layouts.iter().map(|l| intake.key(l.format.source)).collect();
    let threads = Reader { name, layouts: &layouts, sources: &sources, keys };
    let mut reading = Reading {
        reader,
        intake,
        number: 1,
        failure: None,
        numbers: 0,
        keyed: 0,
        codes: BTreeMap::new(),
        evidence,
        tally: Tally::default(),
        seen: HashSet::default(),
    };
    parallel::run(&mut reading, parallel::workers(options.threads), &|block: Block| threads.block(&block))?;
    let Reading { intake, numbers, keyed, codes, tally, .. } = reading;
    intake.file.oddities.extend(tally.oddities());
    intake.file.wrong_keys = numbers - keyed;
    intake.file.unknown_codes = codes.into_iter().map(|((table, code), n)| (format!("{table} {code}"), n)).collect();
    guards(intake, numbers, options)?;
    Ok(sources)
}

/// Whether the national numbers of a line have a valid key: the person's and those of the place.
fn keys(row: &row::Row<'_>) -> impl Iterator<Item = bool> {
    use formats::Slot;
    let person = match row.get(Slot::TypeId) {
        "8" => Some(id::rpps(row.get(Slot::Numero)).is_ok()),
        "0" => Some(id::adeli(row.get(Slot::Numero)).is_ok()),
        _ => None,
    };
    let finess = |slot| Some(row.get(slot)).filter(|n| !n.is_empty()).map(|n| id::finess(n).is_ok());
    [person, finess(Slot::Finess), finess(Slot::FinessEj)].into_iter().flatten()
}
