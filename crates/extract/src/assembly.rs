//! Lines meet the structures that they wait for, and come out in the order of their files. Both by sorting in bounded memory: first
//! by structure, then by file and order of lines.

use crate::error::{Error, io};
use crate::filter::ActivityFilter;
use crate::national_file::{HeaderWidth, NationalFile, Part};
use crate::order::{LineOrder, beginning};
use crate::place;
use crate::render::{Condition, Reference, WaitingLine};
use crate::text_line::{FRAGMENTS, Fragment, filled, unpacked};
use annuaire_batch::sort::{Merge, RecordBuf, Sorter};
use annuaire_mos::Structure;
use std::cmp::Ordering;
use std::path::PathBuf;

/// Follows the key of a structure before its lines.
const STRUCTURE: u8 = 0;
const LINE: u8 = 1;

/// Lines and structures of some entities, packed by the thread that made them.
#[derive(Default)]
pub(crate) struct PackedLines {
    waiting: RecordBuf,
    complete: RecordBuf,
    /// Activities that no file has a place for.
    pub(crate) left_out: u64,
    /// Entities that cannot be made, with the reason.
    pub(crate) faults: Vec<String>,
}

/// The orders of all parts.
pub(crate) struct PartOrders(Vec<(Part, LineOrder)>);

impl PartOrders {
    pub(crate) fn new(width: HeaderWidth) -> Self {
        let any = crate::state::RegistryState { tx: annuaire_base::Tx::NONE, commit_ms: 0 };
        let order = |f: &NationalFile| (f.part(), LineOrder::of_header(&f.format(), &f.first_line(any, width)));
        Self(NationalFile::ALL.iter().map(order).collect())
    }

    /// The key of a line in the sort of all lines.
    fn key(&self, part: Part, line: &str) -> Vec<u8> {
        let mut key = vec![part as u8];
        if let Some((_, order)) = self.0.iter().find(|(p, _)| *p == part) {
            order.key(line, &mut key);
        }
        key
    }
}

impl PackedLines {
    /// Adds a structure, under one of its names.
    pub(crate) fn structure(&mut self, reference: &Reference, rank: u8, technical_id: &str, fragments: &str) {
        let (kind, name) = kind_and_name(reference);
        self.waiting.push(&[&[kind], name.as_bytes(), &[0, STRUCTURE, rank], technical_id.as_bytes()], fragments.as_bytes());
    }

    /// Adds a line: it waits for its structure, or is complete.
    pub(crate) fn line(&mut self, line: WaitingLine, orders: &PartOrders, nowhere: &str) {
        match &line.reference {
            Some(reference) => {
                let (kind, name) = kind_and_name(reference);
                let value = [&[line.part as u8, line.condition as u8], line.text.as_bytes()].concat();
                self.waiting.push(&[&[kind], name.as_bytes(), &[0, LINE]], &value);
            }
            None => {
                let text = filled(&line.text, &unpacked(nowhere));
                self.complete.push(&[&orders.key(line.part, &text)], text.as_bytes());
            }
        }
    }
}

fn kind_and_name(reference: &Reference) -> (u8, &str) {
    match reference {
        Reference::Technical(id) => (b'T', id),
        Reference::National(number) => (b'N', number),
    }
}

/// What a structure gives of which nothing is known but the name under which a line waits for it.
fn unknown(reference: &Reference, filter: &ActivityFilter) -> String {
    match reference {
        Reference::Technical(id) => place::fragments(&Structure { id_technique: id.clone(), ..Default::default() }, filter),
        Reference::National(number) => {
            let s = Structure { id_nat_struct: number.clone(), ..Default::default() };
            place::mailbox_fragments(&s, filter)
        }
    }
}

/// Collects lines and structures.
pub(crate) struct Assembly<'a> {
    waiting: Sorter,
    lines: Sorter,
    orders: &'a PartOrders,
    filter: &'a ActivityFilter,
}

impl<'a> Assembly<'a> {
    /// With so many bytes of memory, and temporary files in `spill`.
    pub(crate) fn new(bytes: usize, spill: Option<PathBuf>, orders: &'a PartOrders, filter: &'a ActivityFilter) -> Self {
        Self { waiting: Sorter::new(bytes / 2, spill.clone()), lines: Sorter::new(bytes / 2, spill), orders, filter }
    }

    pub(crate) fn take(&mut self, packed: &PackedLines) -> Result<(), Error> {
        let all = |records: &RecordBuf| 0..records.len();
        self.waiting.extend(&packed.waiting, all(&packed.waiting)).map_err(io("sorting lines by structure"))?;
        self.lines.extend(&packed.complete, all(&packed.complete)).map_err(io("sorting lines"))
    }

    /// Gives every line its structure; all lines, in order, each after the number of its part. Cost: a pass over what waits.
    pub(crate) fn finish(self, workers: usize) -> Result<SortedLines, Error> {
        let Self { waiting, mut lines, orders, filter } = self;
        let fail = io("sorting lines by structure");
        let mut waiting = waiting.finish(workers).map_err(&fail)?;
        let (mut name, mut fragments) = (Vec::new(), None);
        while let Some((key, value)) = waiting.peek() {
            let end = key.iter().position(|b| *b == 0).unwrap_or(key.len());
            if name != key[..end] {
                name = key[..end].to_vec();
                fragments = None;
            }
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            if key.get(end + 1) == Some(&STRUCTURE) {
                // Of several structures of one number the first one counts.
                fragments.get_or_insert_with(|| text(value));
            } else {
                let fragments = fragments.get_or_insert_with(|| {
                    let id = text(&name[1..]);
                    unknown(&if name[0] == b'T' { Reference::Technical(id) } else { Reference::National(id) }, filter)
                });
                let fragments: [&str; FRAGMENTS] = unpacked(fragments);
                let ([part, condition], line) = value.split_first_chunk().map_or(([0, 0], &[][..]), |(a, b)| (*a, b));
                if condition == Condition::None as u8 || fragments[Fragment::Wanted as usize] == "1" {
                    let line = filled(&String::from_utf8_lossy(line), &fragments);
                    let part = Part::of_number(part);
                    lines.push(&[&orders.key(part, &line)], line.as_bytes()).map_err(io("sorting lines"))?;
                }
            }
            waiting.advance().map_err(&fail)?;
        }
        let bytes = lines.added_bytes();
        Ok(SortedLines { merge: lines.finish(workers).map_err(io("sorting lines"))?, bytes })
    }
}

/// The lines of all parts, in order, each after its key: the number of the part, then its place there.
pub(crate) struct SortedLines {
    pub(crate) merge: Merge,
    /// Bytes of all of them, keys included.
    pub(crate) bytes: u64,
}

/// The persons of whom a filter left an activity: lines about others are left out.
pub(crate) struct WantedPersons {
    /// Their national identifications, in order.
    persons: Merge,
    part: u8,
}

impl WantedPersons {
    /// Reads the lines of activities, and goes back to the first line.
    pub(crate) fn of(lines: &mut Merge, spill: Option<PathBuf>) -> Result<Self, Error> {
        let mut persons = Sorter::new(PERSONS_BYTES, spill);
        let mut last = Vec::new();
        while let Some((key, _)) = lines.peek() {
            if key[0] == Part::Activities as u8 && beginning(&key[1..], 1) != last {
                last = beginning(&key[1..], 1).to_vec();
                persons.push(&[&last], &[]).map_err(io("sorting persons"))?;
            }
            if key[0] > Part::Activities as u8 {
                break;
            }
            lines.advance().map_err(io("reading sorted lines"))?;
        }
        lines.rewind().map_err(io("reading sorted lines"))?;
        Ok(Self { persons: persons.finish(1).map_err(io("sorting persons"))?, part: u8::MAX })
    }

    /// Whether the line with this key is about a wanted person, or about none. Keys come in order.
    pub(crate) fn wants(&mut self, key: &[u8]) -> Result<bool, Error> {
        let Some((part, key)) = key.split_first().filter(|(part, _)| BY_PERSON.iter().any(|p| *p as u8 == **part)) else {
            return Ok(true);
        };
        let person = beginning(key, 1);
        if person == [0] {
            return Ok(true);
        }
        if self.part != *part {
            self.persons.rewind().map_err(io("reading persons"))?;
            self.part = *part;
        }
        while let Some((known, _)) = self.persons.peek() {
            match known.cmp(person) {
                Ordering::Less => self.persons.advance().map_err(io("reading persons"))?,
                Ordering::Equal => return Ok(true),
                Ordering::Greater => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// Parts whose lines are about a person, or about no one.
const BY_PERSON: [Part; 4] = [Part::Diplomas, Part::KnowHow, Part::Cards, Part::Mailboxes];
/// Memory for the persons whom a filter leaves.
const PERSONS_BYTES: usize = 8 << 20;
