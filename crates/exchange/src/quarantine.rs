//! Lines that cannot be read: what they may name keeps what is known of it, and they are listed until a later delivery of
//! their source is clean.
//!
//! The text of a line is never kept: only where it is, what is wrong with it, and the entities of the registry that it names.

use crate::delivery::json;
use crate::formats::{Kind, Separator, Slot};
use crate::recognise::Layout;
use crate::{Error, limits};
use annuaire_store::{Registry, Unit};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// Kind of the notes that hold the quarantine of each source; the key is the source.
pub(crate) const QUARANTINE: &str = "quarantine";

/// A line or record that could not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bad {
    pub(crate) line: u64,
    pub(crate) column: String,
    pub(crate) reason: String,
    /// Entities that its words may be keys of.
    pub(crate) names: Vec<String>,
    /// Those of them that would be the entity of the line itself.
    main: Vec<String>,
    /// Records that it seems to hold: two when a line end was lost.
    records: usize,
    /// Fields that it has and should have; zero for a record that has none.
    fields: (usize, usize),
}

/// A text that is short enough for a list and holds no long number, which could be a social security number.
fn bare(text: &str) -> String {
    let mut out: String = text.chars().take(limits::REASON_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let digits = out.chars().filter(|c| c.is_ascii_alphanumeric() && !c.is_ascii_alphabetic()).count();
    if digits >= limits::LONG_NUMBER {
        out = out.chars().map(|c| if c.is_ascii_digit() { '·' } else { c }).collect();
    }
    out
}

/// A word that can be a key: a code with a digit in it, or an address of a mailbox.
fn is_key(word: &str) -> bool {
    (5..=64).contains(&word.len())
        && word.bytes().any(|b| b.is_ascii_digit() || b == b'@')
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@'))
}

/// Keys of persons that a word may stand for.
fn persons(word: &str, out: &mut Vec<String>) {
    out.push(format!("PP:{word}"));
    if (9..=11).contains(&word.len()) {
        out.extend([format!("PP:8{word}"), format!("PP:0{word}")]);
    }
}

/// Keys of structures that a word may stand for: a technical id, a FINESS number, a former national number.
fn structures(word: &str, out: &mut Vec<String>) {
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

impl Bad {
    /// A line of text, whose layout is known unless its section is not.
    pub(crate) fn of_line(line: u64, column: String, reason: &str, raw: &str, layout: Option<&Layout>) -> Self {
        let mut bad = Self { line, column, reason: bare(reason), records: 1, ..Self::default() };
        let Some(layout) = layout else { return Self { names: words(raw), ..bad } };
        let sign = if layout.format.separator == Separator::Pipe { '|' } else { ';' };
        let fields: Vec<&str> = raw.split(sign).map(|f| f.trim().trim_matches('"')).collect();
        let width = layout.width();
        bad.fields = (fields.len(), width);
        bad.records = ((fields.len() + width / 2) / width.max(1)).max(1);
        let at = |slot: Slot| layout.fields.iter().position(|f| f.0 == slot).and_then(|i| fields.get(i).copied());
        let kind = layout.format.kind;
        for word in fields.iter().filter(|w| is_key(w)) {
            match kind {
                Kind::Person | Kind::Card | Kind::Switch => {
                    persons(word, &mut bad.names);
                    structures(word, &mut bad.names);
                }
                Kind::Mailbox => {
                    persons(word, &mut bad.names);
                    structures(word, &mut bad.names);
                    bad.names.push(format!("NS:{word}"));
                }
                Kind::Structure | Kind::Activity => structures(word, &mut bad.names),
                Kind::Ameli | Kind::Ignored(_) => {}
            }
        }
        let of = |prefixes: &[&str]| -> Vec<String> {
            bad.names.iter().filter(|n| prefixes.iter().any(|p| n.starts_with(p))).cloned().collect()
        };
        bad.main = match kind {
            Kind::Person | Kind::Card | Kind::Switch => of(&["PP:"]),
            Kind::Mailbox => match at(Slot::TypeBal) {
                Some("PER") => of(&["PP:"]),
                Some("ORG") => of(&["ST:", "NS:"]),
                _ => Vec::new(),
            },
            Kind::Structure => {
                let key = [Slot::Structure, Slot::Finess, Slot::FinessEj].into_iter().find_map(at).unwrap_or_default();
                let mut main = Vec::new();
                structures(key, &mut main);
                main
            }
            // Their keys are hashes of what they say: a line that is not read could be any of them.
            Kind::Activity | Kind::Ameli | Kind::Ignored(_) => Vec::new(),
        };
        if bad.names.len() > limits::CANDIDATES {
            // Nobody knows what is beyond: such a line names nothing for sure.
            bad.names.truncate(limits::CANDIDATES);
            bad.main.clear();
        }
        bad
    }

    /// A record of a document. What it would have named is not known for sure.
    pub(crate) fn of_record(line: u64, column: &str, reason: &str, raw: &str) -> Self {
        let column = column.to_owned();
        Self { line, column, reason: bare(reason), names: words(raw), records: 1, ..Self::default() }
    }
}

/// All keys that the words of a text may be.
fn words(raw: &str) -> Vec<String> {
    let mut out = BTreeSet::new();
    let sign = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@'));
    for word in raw.split(sign).filter(|w| is_key(w)) {
        let mut some = Vec::new();
        persons(word, &mut some);
        structures(word, &mut some);
        some.extend(["NS:", "AC:", "GR:"].map(|p| format!("{p}{word}")));
        out.extend(some);
        if out.len() > limits::CANDIDATES {
            break;
        }
    }
    out.into_iter().take(limits::CANDIDATES).collect()
}

/// The lines of one delivery of one source that could not be read, and what stands under their shelter.
pub(crate) struct Held {
    lines: Vec<(String, Bad)>,
    shelter: HashSet<String>,
    /// Names that the source knows, or that readable lines give.
    found: HashSet<String>,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self { lines: Vec::new(), shelter: HashSet::new(), found: HashSet::new() }
    }

    pub(crate) fn add(&mut self, file: &str, bad: Bad) {
        self.shelter.extend(bad.names.iter().cloned());
        self.lines.push((file.to_owned(), bad));
    }

    pub(crate) fn total(&self) -> u64 {
        self.lines.len() as u64
    }

    /// True when a line that could not be read may name this entity, which is named elsewhere or known.
    pub(crate) fn shelters(&mut self, entity: &str) -> bool {
        let found = self.shelter.contains(entity);
        if found && !self.found.contains(entity) {
            self.found.insert(entity.to_owned());
        }
        found
    }

    /// The places of sheltered persons are sheltered too, and the legal bodies of those: a line that was cut may have named
    /// them. Cost: the objects of the names, read three times at most.
    pub(crate) fn widen(&mut self, registry: &mut dyn Registry, source: &str) -> Result<(), Error> {
        let tx = registry.last_tx()?;
        let mut names: BTreeSet<String> = self.shelter.iter().cloned().collect();
        for _ in 0..3 {
            let mut next = BTreeSet::new();
            let all: Vec<String> = names.into_iter().collect();
            for page in all.chunks(limits::PAGE as usize) {
                for object in registry.objects_at(tx, page)?.into_iter().filter(|o| o.source == source) {
                    let texts = object.payload.split('"').filter(|w| is_key(w));
                    for word in texts {
                        let mut some = Vec::new();
                        structures(word, &mut some);
                        next.extend(some);
                    }
                    self.shelter.insert(object.entity);
                }
            }
            next.retain(|n| !self.shelter.contains(n));
            names = next;
        }
        Ok(())
    }

    /// Why no object of the source may end with this delivery: a line names nobody that is known, so that anybody could be
    /// missing because of it. `None` when each line is accounted for.
    pub(crate) fn holds(&mut self) -> Option<String> {
        if self.lines.len() > limits::TRUSTED_LINES {
            return Some(format!("{} lines could not be read", self.lines.len()));
        }
        self.lines.sort_by(|a, b| (&a.0, a.1.line).cmp(&(&b.0, b.1.line)));
        let found = |bad: &Bad| bad.main.iter().filter(|n| self.found.contains(*n)).collect::<BTreeSet<_>>().len();
        let mut at = 0;
        while let Some((file, bad)) = self.lines.get(at) {
            at += 1;
            if let Some((_, next)) = self.lines.get(at).filter(|(f, b)| f == file && b.line == bad.line + 1) {
                let (both, width) = (bad.fields.0 + next.fields.0, bad.fields.1);
                // One record on two lines: only one of the two has its key.
                if width > 0 && both == width + 1 && found(bad) + found(next) > 0 {
                    at += 1;
                    continue;
                }
            }
            if found(bad) < bad.records {
                return Some(format!("line {} of {file} could not be read and names nobody that is known", bad.line));
            }
        }
        None
    }

    /// Lists the lines in the note of the source, in place of those of the delivery before it; a feed, which says nothing of
    /// what it does not name, adds to them.
    pub(crate) fn write(self, unit: &mut dyn Unit, source: &str, delivery: u64, whole: bool) -> Result<(), Error> {
        let mut kept = Kept::default();
        if !whole {
            kept = unit.note(QUARANTINE, source)?.and_then(|j| serde_json::from_str(&j).ok()).unwrap_or_default();
        }
        kept.total += self.lines.len() as u64;
        for (file, bad) in self.lines {
            if kept.lines.len() >= limits::REPORTED_LINES {
                break;
            }
            let names = bad.names.into_iter().filter(|n| self.found.contains(n)).take(limits::EXAMPLES).collect();
            let Bad { line, column, reason, .. } = bad;
            kept.lines.push(Quarantined { source: source.to_owned(), file, line, column, reason, delivery, names });
        }
        Ok(unit.set_note(QUARANTINE, source, Some(&json(&kept)?))?)
    }
}

/// The quarantine of one source, as it is kept.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    /// All lines; the first of them are listed.
    pub(crate) total: u64,
    pub(crate) lines: Vec<Quarantined>,
}

/// A line that could not be read, listed until a later whole delivery of its source is clean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quarantined {
    /// Source that it would have spoken for.
    pub source: String,
    /// File, or member of an archive.
    pub file: String,
    /// Line from 1.
    pub line: u64,
    /// Column at fault, empty for the whole line.
    pub column: String,
    /// What is wrong with it; never its text.
    pub reason: String,
    /// Number of the delivery.
    pub delivery: u64,
    /// Entities that it seems to name and that are known otherwise; they stay as they were.
    pub names: Vec<String>,
}

/// All lines in quarantine, by source and line; [`limits::REPORTED_LINES`] of each source at most.
///
/// # Errors
/// [`Error::Store`] when the registry cannot be read.
pub fn quarantine(registry: &mut dyn Registry) -> Result<Vec<Quarantined>, Error> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = registry.notes(QUARANTINE, &after, limits::NOTES)?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after.clone_from(last);
        for (_, json) in &page {
            all.extend(serde_json::from_str::<Kept>(json).unwrap_or_default().lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bad, bare};
    use crate::recognise::recognise;

    #[test]
    fn a_reason_holds_no_long_number() {
        assert_eq!(bare("\"12/13/2026\" is not a date"), "\"12/13/2026\" is not a date");
        assert!(!bare("\"1 85 05 78 006 084 36\" is not a date").contains("85"));
    }

    #[test]
    fn the_words_of_a_line_are_candidates_and_two_joined_lines_are_two_records() {
        let layout = recognise("x", "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code profession|Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|").unwrap_or_else(|e| panic!("{e}"));
        let line = "8|10999000010|810999000010|A|B|10|Médecin|C|Civil|S|x|SM04|y|";
        let one = Bad::of_line(3, String::new(), "", &line[..40], Some(&layout));
        assert!(one.main.contains(&"PP:810999000010".to_owned()) && one.records == 1);
        let two = Bad::of_line(3, String::new(), "", &format!("{line}{}", line.replace("00010", "00028")), Some(&layout));
        assert!(two.main.contains(&"PP:810999000028".to_owned()) && two.records == 2, "{two:?}");
    }
}
