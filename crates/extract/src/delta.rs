//! The delta of each file between two states of the registry.
//!
//! Near states are compared by what changed: the entities that the log names, and those whose lines name a structure that gives
//! lines something else than before. Their lines in both states, and no others, are made and compared: all other lines are equal.
//! Far states are read whole, side by side.

use crate::assembly::SortedLines;
use crate::compare::{CompareSink, Operation, compare};
use crate::delta_file::{first_line, write_line};
use crate::error::{Error, io};
use crate::extraction::{ExtractReport, KeyedLine, TextSource, WrittenNationalFile};
use crate::limits;
use crate::national_file::{NationalFile, Part};
use crate::options::ExtractOptions;
use crate::reading::LineReader;
use crate::render::Reference;
use crate::state::RegistryState;
use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use annuaire_batch::sort::{Merge, Sorter};
use annuaire_consolidate::entity_key;
use annuaire_store::BlockingRegistry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// How two states are compared. What is written does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateReading {
    /// By the log when they are near, else whole.
    Cheapest,
    /// By the log, however far they are.
    ByLog,
    /// Both whole.
    Whole,
}

/// Writes the delta of each file between two states into `dir`, which exists. A file that both states lack has none.
///
/// Cost: of near states look-ups for what changed, and one pass over the persons when a structure changed; of far ones two
/// extractions without compression.
///
/// # Errors
/// As [`extract`](crate::extract); [`Error::Refused`] when `from` is not the older state.
pub fn extract_delta(
    registry: &BlockingRegistry,
    from: RegistryState,
    to: RegistryState,
    dir: &Path,
    options: &ExtractOptions,
    reading: StateReading,
) -> Result<ExtractReport, Error> {
    if let Some(objection) = options.objection() {
        return Err(Error::Refused(objection));
    }
    if from.tx >= to.tx {
        return Err(Error::Refused(format!(
            "transaction {} is not before transaction {}: a delta goes from an older state to a newer one",
            from.tx, to.tx
        )));
    }
    let reader = LineReader::new(registry, options, 2)?;
    let near = match reading {
        StateReading::Whole => None,
        _ => changed_entities(&reader, from.tx, to.tx, reading == StateReading::ByLog)?,
    };
    let (old, new, notes) = match near {
        Some(entities) => {
            options.tell("reading what changed", 0, 0);
            let (old, _) = reader.lines_of(from.tx, &entities)?;
            let (new, notes) = reader.lines_of(to.tx, &entities)?;
            (old, new, notes)
        }
        None => {
            let (old, _) = reader.whole_state(from.tx, "reading the older state")?;
            let (new, notes) = reader.whole_state(to.tx, "reading the newer state")?;
            (old, new, notes)
        }
    };
    let mut report = ExtractReport::new(to, Some(from), options.perimeter, notes);
    report.withdrawn = withdrawn(registry, from.tx, to.tx)?;
    if !report.withdrawn.is_empty() {
        let what = "were withdrawn by law, and no state has their lines any more: remove every line that names one";
        report.notes.push(format!("{} {what}", report.withdrawn.join(", ")));
    }
    let (mut old, mut new) = (wanted_lines(old, options)?, wanted_lines(new, options)?);
    let mut writer = DeltaWriter { dir, from, to, options, files: Vec::new(), out: None };
    for file in options.files() {
        writer.files.push((
            file,
            WrittenNationalFile {
                name: file.delta_name(from, to, options.perimeter),
                added: Some(0),
                removed: Some(0),
                ..Default::default()
            },
        ));
    }
    options.tell("comparing", 0, 0);
    compare(&mut old, &mut new, &mut writer)?;
    writer.finish()?;
    report.files = writer.files.into_iter().map(|(_, written)| written).collect();
    Ok(report)
}

/// What was withdrawn between two states, without the kinds of entities.
fn withdrawn(registry: &BlockingRegistry, from: Tx, to: Tx) -> Result<Vec<String>, Error> {
    let mut all = BTreeSet::new();
    let mut after = from;
    while after < to {
        for transaction in registry.transactions(after, limits::TRANSACTIONS)?.into_iter().take_while(|t| t.tx <= to) {
            after = transaction.tx;
            if transaction.withdrawals > 0 {
                let entities = registry.withdrawn(transaction.tx)?.into_iter();
                all.extend(entities.map(|e| e.split_once(':').map_or(e.clone(), |(_, id)| id.to_owned())));
            }
        }
    }
    Ok(all.into_iter().collect())
}

/// Sorted lines that the filter leaves.
fn wanted_lines(mut lines: SortedLines, options: &ExtractOptions) -> Result<Merge, Error> {
    if !options.filter.is_active() {
        return Ok(lines.merge);
    }
    let mut source = TextSource::new(&mut lines.merge, options)?;
    let mut sorter = Sorter::new(options.sort_bytes / 4, options.spill.clone());
    while let Some(KeyedLine { key, line }) = source.next()? {
        sorter.push(&[&key], &line).map_err(io("sorting lines"))?;
    }
    sorter.finish(1).map_err(io("sorting lines"))
}

/// Writes what differs, one file after the other.
struct DeltaWriter<'a> {
    dir: &'a Path,
    from: RegistryState,
    to: RegistryState,
    options: &'a ExtractOptions,
    files: Vec<(NationalFile, WrittenNationalFile)>,
    /// The file that is open, by its position.
    out: Option<(usize, BufWriter<File>)>,
}

impl DeltaWriter<'_> {
    /// Opens the file at this position, and those before it that have no line.
    fn open(&mut self, position: usize) -> Result<&mut BufWriter<File>, Error> {
        let mut next = self.out.as_ref().map_or(0, |(at, _)| at + 1);
        while next <= position {
            self.close()?;
            let (file, written) = &self.files[next];
            let fail = io(&written.name);
            let mut out = BufWriter::new(File::create(self.dir.join(&written.name)).map_err(&fail)?);
            let separator = if file.is_finess() { ';' } else { '|' };
            writeln!(out, "{}", first_line(&file.first_line(self.to, self.options.width), separator)).map_err(&fail)?;
            self.out = Some((next, out));
            next += 1;
        }
        match &mut self.out {
            Some((_, out)) => Ok(out),
            None => Err(Error::Refused("no file was asked".into())),
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some((at, out)) = self.out.take() else { return Ok(()) };
        let done = out.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|f| f.sync_all());
        done.map_err(io(&self.files[at].1.name))
    }

    fn finish(&mut self) -> Result<(), Error> {
        debug_assert!(self.from.tx < self.to.tx);
        self.open(self.files.len().saturating_sub(1))?;
        self.close()
    }
}

impl CompareSink for DeltaWriter<'_> {
    fn take(&mut self, key: &[u8], line: &[u8], operation: Option<Operation>) -> Result<(), Error> {
        let part = Part::of_number(key[0]);
        let position = self.files.iter().position(|(file, _)| file.part() == part);
        let (Some(operation), Some(position)) = (operation, position) else { return Ok(()) };
        let separator = if self.files[position].0.is_finess() { ';' } else { '|' };
        let out = self.open(position)?;
        write_line(out, operation, separator, line).map_err(io("writing the delta"))?;
        let written = &mut self.files[position].1;
        written.lines += 1;
        *match operation {
            Operation::Removed => written.removed.get_or_insert(0),
            Operation::Added => written.added.get_or_insert(0),
        } += 1;
        Ok(())
    }
}

/// The entities whose lines may differ between two states; `None` when there are too many to look them up.
fn changed_entities(reader: &LineReader<'_>, from: Tx, to: Tx, always: bool) -> Result<Option<BTreeSet<String>>, Error> {
    let registry = reader.registry();
    let mut entities = BTreeSet::new();
    let (mut after, mut changes, mut transactions) = (from, 0, 0);
    while after < to {
        for transaction in registry.transactions(after, limits::TRANSACTIONS)?.into_iter().take_while(|t| t.tx <= to) {
            (changes, transactions) = (changes + transaction.changes + transaction.withdrawals, transactions + 1);
            if !always && (changes > limits::NEAR_CHANGES || transactions > limits::NEAR_TRANSACTIONS) {
                return Ok(None);
            }
            let mut last = String::new();
            loop {
                let page = registry.changed_entities(transaction.tx, &last, limits::PAGE)?;
                let Some(end) = page.last() else { break };
                last.clone_from(end);
                entities.extend(page);
            }
            entities.extend(registry.withdrawn(transaction.tx)?);
            after = transaction.tx;
        }
    }
    let (then, now) = (gifts(reader, from, &entities)?, gifts(reader, to, &entities)?);
    let differs = |r: &&Reference| then.get(*r) != now.get(*r);
    let changed: BTreeSet<Reference> = then.keys().chain(now.keys()).filter(differs).cloned().collect();
    if changed.is_empty() {
        return Ok(Some(entities));
    }
    // An entity that the log names is in the set already; one that it does not name is equal in both states.
    let names = names_in_payloads(&changed);
    for kind in ["PP:", "AC:", "NS:"] {
        reader.pages_of(kind, to, |facts| {
            entities.extend(facts.into_iter().filter(|f| names_one(f, &names)).map(|f| f.key.entity));
            Ok(())
        })?;
    }
    entities.extend(changed.iter().filter_map(|reference| match reference {
        Reference::National(number) => Some(entity_key::structure(&format!("F{}", number.strip_prefix('1')?))),
        Reference::Technical(_) => None,
    }));
    Ok(Some(entities).filter(|e| always || e.len() <= limits::NEAR_ENTITIES))
}

/// What a structure gives to lines under one name: by rank and identifier, since the first one counts.
type Gifts = BTreeMap<Reference, BTreeSet<(u8, String, String)>>;

/// What the structures among these entities give to lines, in a state.
fn gifts(reader: &LineReader<'_>, tx: Tx, entities: &BTreeSet<String>) -> Result<Gifts, Error> {
    let structures: Vec<String> = entities.iter().filter(|e| entity_key::is_structure(e)).cloned().collect();
    let mut all = Gifts::new();
    for some in structures.chunks(limits::LOOK_UP).filter(|_| tx != Tx::NONE) {
        for s in reader.structures(reader.registry().facts_at(tx, some)?) {
            for (reference, rank, fragments) in reader.renderer.structure(&s) {
                all.entry(reference).or_default().insert((rank, s.id_technique.clone(), fragments));
            }
        }
    }
    Ok(all)
}

/// The names of structures as payloads hold them.
fn names_in_payloads(changed: &BTreeSet<Reference>) -> HashSet<String> {
    let mut names = HashSet::new();
    for reference in changed {
        let (Reference::Technical(name) | Reference::National(name)) = reference;
        names.insert(name.clone());
        // Mailboxes name FINESS numbers without their digit, activities name them alone.
        names.extend(name.strip_prefix(['1', 'F']).filter(|n| n.len() == 9).map(str::to_owned));
    }
    names
}

/// Whether a fact names one of these structures. Names have no character that JSON escapes; a name elsewhere is compared in vain and
/// does no harm.
fn names_one(fact: &Fact, names: &HashSet<String>) -> bool {
    ["\"structure\":\"", "\"numFiness\":\""].iter().any(|member| {
        fact.payload.match_indices(member).any(|(at, member)| {
            let value = &fact.payload[at + member.len()..];
            value.split('"').next().is_some_and(|value| names.contains(value))
        })
    })
}
