//! Lines that cannot be read. The entities that they may name stay as they are, and the lines are listed until a later delivery
//! of their source is clean.
//!
//! The text of a line is never kept: only its place, what is wrong with it, and the entities of the registry that it names.

use crate::delivery::to_json;
use crate::error::Error;
use crate::formats::{LineKind, Slot};
use crate::limits;
use crate::text::layout::Layout;
use annuaire_store::{BlockingRegistry, BlockingUnit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// Kind of the notes that hold the quarantine of each source; the key is the source.
pub(crate) const QUARANTINE: &str = "quarantine";

/// A line or record that could not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnreadableLine {
    pub(crate) line: u64,
    pub(crate) column: String,
    pub(crate) reason: String,
    /// Entities whose keys its words may be.
    pub(crate) names: Vec<String>,
    /// Those of them that may be the entity that the line is about.
    main: Vec<String>,
    /// Number of lines that it seems to hold: two when a line end was lost.
    records: usize,
    /// Fields that it has and should have; zero for a record of a document.
    fields: (usize, usize),
}

/// The beginning of a reason, without its digits when they could be a social security number.
fn shortened(text: &str) -> String {
    let mut out: String = text.chars().take(limits::REASON_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let digits = out.chars().filter(|c| c.is_ascii_alphanumeric() && !c.is_ascii_alphabetic()).count();
    if digits >= limits::LONG_NUMBER {
        out = out.chars().map(|c| if c.is_ascii_digit() { '·' } else { c }).collect();
    }
    out
}

/// Whether a word can be a key: a code with a digit in it, or the address of a mailbox.
fn is_key(word: &str) -> bool {
    (5..=64).contains(&word.len())
        && word.bytes().any(|b| b.is_ascii_digit() || b == b'@')
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@'))
}

/// Adds the keys of persons that a word may stand for.
fn add_persons(word: &str, out: &mut Vec<String>) {
    out.push(format!("PP:{word}"));
    if (9..=11).contains(&word.len()) {
        out.extend([format!("PP:8{word}"), format!("PP:0{word}")]);
    }
}

/// Adds the keys of structures that a word may stand for: a technical id, a FINESS number, a former national number.
fn add_structures(word: &str, out: &mut Vec<String>) {
    out.push(format!("ST:{word}"));
    if word.len() == 9 {
        out.push(format!("ST:F{word}"));
    }
    match word.split_at_checked(1) {
        Some(("1", number)) if number.len() == 9 => out.push(format!("ST:F{number}")),
        Some(("3" | "0", number)) if number.len() >= 9 => out.push(format!("ST:C{number}")),
        _ => {}
    }
    if word.len() >= 10 {
        out.push(format!("ST:N{word}"));
    }
}

impl UnreadableLine {
    /// A line of a text file; `layout` is absent when its section is unknown.
    pub(crate) fn of_line(line: u64, column: String, reason: &str, raw: &str, layout: Option<&Layout>) -> Self {
        let mut unreadable = Self { line, column, reason: shortened(reason), records: 1, ..Self::default() };
        let Some(layout) = layout else { return Self { names: names_in(raw), ..unreadable } };
        let fields: Vec<&str> = raw.split(layout.format.separator.as_char()).map(|f| f.trim().trim_matches('"')).collect();
        let width = layout.width();
        unreadable.fields = (fields.len(), width);
        unreadable.records = ((fields.len() + width / 2) / width.max(1)).max(1);
        let at = |slot: Slot| layout.fields.iter().position(|f| f.0 == slot).and_then(|i| fields.get(i).copied());
        let kind = layout.format.kind;
        for word in fields.iter().filter(|w| is_key(w)) {
            match kind {
                LineKind::Person | LineKind::Card | LineKind::Switch => {
                    add_persons(word, &mut unreadable.names);
                    add_structures(word, &mut unreadable.names);
                }
                LineKind::Mailbox => {
                    add_persons(word, &mut unreadable.names);
                    add_structures(word, &mut unreadable.names);
                    unreadable.names.push(format!("NS:{word}"));
                }
                LineKind::Structure | LineKind::Activity => add_structures(word, &mut unreadable.names),
                LineKind::Ameli | LineKind::Ignored(_) => {}
            }
        }
        let of = |prefixes: &[&str]| -> Vec<String> {
            unreadable.names.iter().filter(|n| prefixes.iter().any(|p| n.starts_with(p))).cloned().collect()
        };
        unreadable.main = match kind {
            LineKind::Person | LineKind::Card | LineKind::Switch => of(&["PP:"]),
            LineKind::Mailbox => match at(Slot::TypeBal) {
                Some("PER") => of(&["PP:"]),
                Some("ORG") => of(&["ST:", "NS:"]),
                _ => Vec::new(),
            },
            LineKind::Structure => {
                let key = [Slot::Structure, Slot::Finess, Slot::FinessEj].into_iter().find_map(at).unwrap_or_default();
                let mut main = Vec::new();
                add_structures(key, &mut main);
                main
            }
            // Their keys are hashes of their content: an unreadable line could be any of them.
            LineKind::Activity | LineKind::Ameli | LineKind::Ignored(_) => Vec::new(),
        };
        if unreadable.names.len() > limits::CANDIDATES {
            // The names beyond are not looked at: such a line names nothing for certain.
            unreadable.names.truncate(limits::CANDIDATES);
            unreadable.main.clear();
        }
        unreadable
    }

    /// A record of a document. Which entity it is about is not certain.
    pub(crate) fn of_record(line: u64, column: &str, reason: &str, raw: &str) -> Self {
        let column = column.to_owned();
        Self { line, column, reason: shortened(reason), names: names_in(raw), records: 1, ..Self::default() }
    }
}

/// All keys that the words of a text may stand for.
fn names_in(raw: &str) -> Vec<String> {
    let mut out = BTreeSet::new();
    let sign = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'));
    for word in raw.split(sign).filter(|w| is_key(w)) {
        let mut some = Vec::new();
        add_persons(word, &mut some);
        add_structures(word, &mut some);
        some.extend(["NS:", "AC:", "GR:"].map(|p| format!("{p}{word}")));
        out.extend(some);
        if out.len() > limits::CANDIDATES {
            break;
        }
    }
    out.into_iter().take(limits::CANDIDATES).collect()
}

/// The unreadable lines of one delivery of one source, and the entities that they may name.
#[derive(Clone)]
pub(crate) struct UnreadableLines {
    lines: Vec<(String, UnreadableLine)>,
    /// Entities that the lines may name.
    sheltered: HashSet<String>,
    /// Those of them that the source knows, or that readable lines give.
    found: HashSet<String>,
}

impl UnreadableLines {
    pub(crate) fn new() -> Self {
        Self { lines: Vec::new(), sheltered: HashSet::new(), found: HashSet::new() }
    }

    /// Adds a line of a file.
    pub(crate) fn add(&mut self, file: &str, line: UnreadableLine) {
        self.sheltered.extend(line.names.iter().cloned());
        self.lines.push((file.to_owned(), line));
    }

    /// Number of lines.
    pub(crate) fn total(&self) -> u64 {
        self.lines.len() as u64
    }

    /// Whether one of the lines may name this entity, which is known or named by a readable line.
    pub(crate) fn shelters(&mut self, entity: &str) -> bool {
        let found = self.sheltered.contains(entity);
        if found && !self.found.contains(entity) {
            self.found.insert(entity.to_owned());
        }
        found
    }

    /// Shelters the places of sheltered persons too, and the legal bodies of these places: a line that was cut may have named
    /// them. Cost: the objects of the names are read three times at most.
    pub(crate) fn shelter_places(&mut self, registry: &BlockingRegistry, source: &str) -> Result<(), Error> {
        let tx = registry.last_tx()?;
        let mut names: BTreeSet<String> = self.sheltered.iter().cloned().collect();
        for _ in 0..3 {
            let mut next = BTreeSet::new();
            let all: Vec<String> = names.into_iter().collect();
            for page in all.chunks(limits::PAGE as usize) {
                for fact in registry.facts_at(tx, page)?.into_iter().filter(|f| f.key.owner == source) {
                    let texts = fact.payload.split('"').filter(|w| is_key(w));
                    for word in texts {
                        let mut some = Vec::new();
                        add_structures(word, &mut some);
                        next.extend(some);
                    }
                    self.sheltered.insert(fact.key.entity);
                }
            }
            next.retain(|n| !self.sheltered.contains(n));
            names = next;
        }
        Ok(())
    }

    /// Why no object of the source may end with this delivery: a line names no entity that is known, so that any missing entity
    /// may be its. `None` when each line is accounted for.
    pub(crate) fn reason_to_end_nothing(&mut self) -> Option<String> {
        if self.lines.len() > limits::TRUSTED_LINES {
            return Some(format!("{} lines could not be read", self.lines.len()));
        }
        self.lines.sort_by(|a, b| (&a.0, a.1.line).cmp(&(&b.0, b.1.line)));
        let found = |line: &UnreadableLine| line.main.iter().filter(|n| self.found.contains(*n)).collect::<BTreeSet<_>>().len();
        let mut at = 0;
        while let Some((file, line)) = self.lines.get(at) {
            at += 1;
            if let Some((_, next)) = self.lines.get(at).filter(|(f, b)| f == file && b.line == line.line + 1) {
                let (both, width) = (line.fields.0 + next.fields.0, line.fields.1);
                // One line cut in two: only one part has its key.
                if width > 0 && both == width + 1 && found(line) + found(next) > 0 {
                    at += 1;
                    continue;
                }
            }
            if found(line) < line.records {
                return Some(format!("line {} of {file} could not be read and names nobody that is known", line.line));
            }
        }
        None
    }

    /// Lists the lines in the note of the source, in place of those of the delivery before it.
    pub(crate) fn replace_note(self, unit: &mut BlockingUnit, source: &str, delivery: u64) -> Result<(), Error> {
        self.write(unit, source, delivery, QuarantineNote::default())
    }

    /// Adds the lines to the note of the source: a feed does not replace what earlier ones gave.
    pub(crate) fn extend_note(self, unit: &mut BlockingUnit, source: &str, delivery: u64) -> Result<(), Error> {
        let note = QuarantineNote::read(unit.note(QUARANTINE, source)?.as_deref());
        self.write(unit, source, delivery, note)
    }

    fn write(self, unit: &mut BlockingUnit, source: &str, delivery: u64, mut note: QuarantineNote) -> Result<(), Error> {
        note.total += self.lines.len() as u64;
        for (file, line) in self.lines {
            if note.lines.len() >= limits::REPORTED_LINES {
                break;
            }
            let names = line.names.into_iter().filter(|n| self.found.contains(n)).take(limits::EXAMPLES).collect();
            let UnreadableLine { line, column, reason, .. } = line;
            note.lines.push(Quarantined { source: source.to_owned(), file, line, column, reason, delivery, names });
        }
        Ok(unit.set_note(QUARANTINE, source, Some(&to_json(&note)?))?)
    }
}

/// The quarantine of one source, as the registry keeps it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct QuarantineNote {
    /// Number of lines, of which the first [`limits::REPORTED_LINES`] are listed.
    pub(crate) total: u64,
    pub(crate) lines: Vec<Quarantined>,
}

impl QuarantineNote {
    /// A note of the kind [`QUARANTINE`]; without one, there is no line.
    pub(crate) fn read(note: Option<&str>) -> Self {
        note.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}

/// An unreadable line, listed until a later complete delivery of its source is clean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quarantined {
    /// The source that it would have belonged to.
    pub source: String,
    /// File, or member of an archive.
    pub file: String,
    /// Line from 1.
    pub line: u64,
    /// Column at fault, empty when it is none in particular.
    pub column: String,
    /// What is wrong with it; never its text.
    pub reason: String,
    /// Number of the delivery.
    pub delivery: u64,
    /// Entities that it seems to name and that are known otherwise; they stay as they are.
    pub names: Vec<String>,
}

/// All lines in quarantine, by source and line; [`limits::REPORTED_LINES`] of each source at most.
///
/// # Errors
/// [`Error::Store`] when the registry cannot be read.
pub fn quarantine(registry: &BlockingRegistry) -> Result<Vec<Quarantined>, Error> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = registry.notes(QUARANTINE, &after, limits::NOTES)?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after.clone_from(last);
        for (_, json) in &page {
            all.extend(QuarantineNote::read(Some(json)).lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{UnreadableLine, shortened};
    use crate::text::recognise::recognise;

    #[test]
    fn a_reason_holds_no_long_number() {
        assert_eq!(shortened("\"12/13/2026\" is not a date"), "\"12/13/2026\" is not a date");
        assert!(!shortened("\"1 85 05 78 006 084 36\" is not a date").contains("85"));
    }

    #[test]
    fn the_words_of_a_line_are_candidates_and_two_joined_lines_are_two_records() {
        let layout = recognise("x", "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code profession|Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|").unwrap_or_else(|e| panic!("{e}"));
        let line = "8|10999000010|810999000010|A|B|10|Médecin|C|Civil|S|x|SM04|y|";
        let one = UnreadableLine::of_line(3, String::new(), "", &line[..40], Some(&layout));
        assert!(one.main.contains(&"PP:810999000010".to_owned()) && one.records == 1);
        let two =
            UnreadableLine::of_line(3, String::new(), "", &format!("{line}{}", line.replace("00010", "00028")), Some(&layout));
        assert!(two.main.contains(&"PP:810999000028".to_owned()) && two.records == 2, "{two:?}");
    }
}
