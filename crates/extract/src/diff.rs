//! The difference of two official deliveries, without a registry: for who loads the national files and wants to know what changed.

use crate::compare::{CompareSink, Operation, compare};
use crate::delivery_lines::{DeliveredText, Formats, OfficialDelivery, read_delivery};
use crate::delta_file::{first_line, write_line};
use crate::error::{Error, io};
use crate::limits;
use crate::options::ExtractProgress;
use crate::order::beginning;
use annuaire_batch::parallel;
use annuaire_exchange::Options;
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What the caller decides.
#[derive(Clone)]
pub struct DiffOptions {
    /// Directory, which exists, for the delta files; without it they are not written.
    pub to: Option<PathBuf>,
    /// Bytes of memory in which lines are sorted, for both deliveries together.
    pub sort_bytes: usize,
    /// Directory of temporary files, which have no name and vanish with the program; without it, that of the system.
    pub spill: Option<PathBuf>,
    /// Called often; must be quick.
    pub progress: Option<ExtractProgress>,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self { to: None, sort_bytes: limits::SORT_BYTES, spill: None, progress: None }
    }
}

/// How two deliveries differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryDifference {
    /// One for each file.
    pub files: Vec<FileDifference>,
    /// Lines that cannot be read, the first of each file one by one; in English, a sentence each.
    pub notes: Vec<String>,
    /// Lines that cannot be read: they are in no count and no delta.
    pub unreadable: u64,
}

/// How two files of one format differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDifference {
    /// Name of the format.
    pub format: String,
    /// Name of the older file.
    pub old: String,
    /// Name of the newer file.
    pub new: String,
    /// Lines of the older file.
    pub old_lines: u64,
    /// Lines of the newer file.
    pub new_lines: u64,
    /// Lines that the newer file has and the older has not, each as often as it occurs more.
    pub added: u64,
    /// Lines that the newer file lacks.
    pub removed: u64,
    /// What lines are about: persons, activities, cards…
    pub objects: Vec<ObjectDifference>,
    /// Name of the delta file, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<String>,
}

/// What became of things of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ObjectDifference {
    /// The kind, in the plural: `persons`.
    pub what: String,
    /// In the newer file only.
    pub added: u64,
    /// In the older file only.
    pub removed: u64,
    /// In both, with other lines.
    pub changed: u64,
    /// In both, with the lines of before.
    pub unchanged: u64,
}

/// Compares two deliveries, each a file (text, gzip, zip) or a directory of them. Lines are compared as they are written, whatever
/// their order and encoding.
///
/// Cost: both are read once on one thread and sorted, through disk beyond [`DiffOptions::sort_bytes`].
///
/// # Errors
/// [`Error::Refused`] and [`Error::Delivery`], with file, line and what to do: a cut file, two files of a format in one delivery,
/// files of different days, a format that one of them lacks, another header, deliveries in the wrong order.
pub fn diff(old: &Path, new: &Path, options: &DiffOptions) -> Result<DeliveryDifference, Error> {
    let reading = Options { spill: options.spill.clone(), progress: options.progress.clone(), ..Options::default() };
    let workers = parallel::workers(0);
    let mut formats = Formats::new();
    let mut old = read_delivery(old, &mut formats, options.sort_bytes / 2, &reading, workers)?;
    let mut new = read_delivery(new, &mut formats, options.sort_bytes / 2, &reading, workers)?;
    let mut sink = DifferenceWriter { files: pairs(&old, &new, &formats)?, to: options.to.as_deref(), groups: Vec::new() };
    if let Some(progress) = &options.progress {
        progress("comparing", 0, 0);
    }
    compare(&mut old.lines, &mut new.lines, &mut sink)?;
    sink.finish()?;
    let texts = || old.texts.iter().chain(&new.texts);
    Ok(DeliveryDifference {
        files: sink.files.into_iter().map(|f| f.difference).collect(),
        notes: texts().flat_map(|t| t.told.clone()).collect(),
        unreadable: texts().map(|t| t.unreadable).sum(),
    })
}

/// A pair of files that is being compared.
struct ComparedPair {
    difference: FileDifference,
    new: DeliveredText,
    out: Option<BufWriter<File>>,
}

/// The files of both deliveries by format.
fn pairs(old: &OfficialDelivery, new: &OfficialDelivery, formats: &Formats) -> Result<Vec<ComparedPair>, Error> {
    let mut all = Vec::new();
    for format in formats {
        let of = |d: &OfficialDelivery| d.texts.iter().find(|t| t.text.format == *format).cloned();
        let (before, after) = match (of(old), of(new)) {
            (Some(before), Some(after)) => (before, after),
            (Some(lone), _) | (None, Some(lone)) => {
                return Err(Error::Refused(format!(
                    "{}: only one of the deliveries has {format}: name both deliveries whole, or the files to be compared",
                    lone.text.name
                )));
            }
            (None, None) => continue,
        };
        let (a, b) = (&before.text, &after.text);
        if a.columns != b.columns {
            let (m, n) = (a.columns.len(), b.columns.len());
            return Err(Error::Refused(format!(
                "{}: line 1: its header is not that of {} ({n} columns after {m}): lines of different generations cannot be \
                 compared; import both, and ask for the delta of their transactions",
                b.name, a.name
            )));
        }
        if !a.stamp.is_empty() && !b.stamp.is_empty() && a.stamp > b.stamp {
            return Err(Error::Refused(format!("{} is later than {}: name the older delivery first", a.name, b.name)));
        }
        let objects = before.order.levels.iter().map(|(what, _)| ObjectDifference { what: (*what).into(), ..Default::default() });
        let difference = FileDifference {
            format: (*format).to_owned(),
            old: a.name.clone(),
            new: b.name.clone(),
            old_lines: before.lines,
            new_lines: after.lines,
            added: 0,
            removed: 0,
            objects: objects.collect(),
            delta: None,
        };
        all.push(ComparedPair { difference, new: after, out: None });
    }
    Ok(all)
}

/// What the lines of one object say so far.
struct Group {
    key: Vec<u8>,
    level: usize,
    in_old: bool,
    in_new: bool,
    differs: bool,
}

/// Counts what differs, and writes it.
struct DifferenceWriter<'a> {
    files: Vec<ComparedPair>,
    to: Option<&'a Path>,
    /// The objects of the current line, one for each level.
    groups: Vec<Group>,
}

impl DifferenceWriter<'_> {
    fn end(&mut self, group: &Group) {
        let object = &mut self.files[usize::from(group.key[0])].difference.objects[group.level];
        *match (group.in_old, group.in_new) {
            (true, false) => &mut object.removed,
            (false, _) => &mut object.added,
            (true, true) if group.differs => &mut object.changed,
            (true, true) => &mut object.unchanged,
        } += 1;
    }

    /// Begins the objects of a line, and ends those that it is not about.
    fn enter(&mut self, key: &[u8]) {
        let levels = self.files[usize::from(key[0])].new.order.levels;
        let of = |columns: usize| [&key[..1], beginning(&key[1..], columns)].concat();
        let kept = self.groups.iter().all(|g| levels.get(g.level).is_some_and(|(_, columns)| of(*columns) == g.key));
        if kept && self.groups.len() == levels.len() {
            return;
        }
        let mut before = std::mem::take(&mut self.groups);
        for (level, (_, columns)) in levels.iter().enumerate() {
            let key = of(*columns);
            match before.iter().position(|g| g.level == level && g.key == key) {
                Some(at) => self.groups.push(before.remove(at)),
                None => self.groups.push(Group { key, level, in_old: false, in_new: false, differs: false }),
            }
        }
        before.iter().for_each(|group| self.end(group));
    }

    fn finish(&mut self) -> Result<(), Error> {
        for group in std::mem::take(&mut self.groups) {
            self.end(&group);
        }
        for at in 0..self.files.len() {
            self.open(at)?;
        }
        for file in &mut self.files {
            let Some(out) = file.out.take() else { continue };
            let done = out.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|f| f.sync_all());
            done.map_err(io(&file.difference.new))?;
        }
        Ok(())
    }

    /// Opens the delta of a file, when deltas are asked; one without a line has its first line.
    fn open(&mut self, at: usize) -> Result<(), Error> {
        let (Some(to), file) = (self.to, &mut self.files[at]) else { return Ok(()) };
        if file.difference.delta.is_some() {
            return Ok(());
        }
        let text = &file.new.text;
        let name = format!("{}.delta", text.name.trim_end_matches(".txt").trim_end_matches(".csv"));
        let fail = io(&name);
        let mut out = BufWriter::with_capacity(1 << 16, File::create(to.join(&name)).map_err(&fail)?);
        writeln!(out, "{}", first_line(&text.header, text.separator)).map_err(&fail)?;
        (file.out, file.difference.delta) = (Some(out), Some(name.clone()));
        Ok(())
    }
}

impl CompareSink for DifferenceWriter<'_> {
    fn take(&mut self, key: &[u8], line: &[u8], operation: Option<Operation>) -> Result<(), Error> {
        self.enter(key);
        for group in &mut self.groups {
            group.in_old |= operation != Some(Operation::Added);
            group.in_new |= operation != Some(Operation::Removed);
            group.differs |= operation.is_some();
        }
        let Some(operation) = operation else { return Ok(()) };
        let at = usize::from(key[0]);
        self.open(at)?;
        let file = &mut self.files[at];
        match operation {
            Operation::Added => file.difference.added += 1,
            Operation::Removed => file.difference.removed += 1,
        }
        match &mut file.out {
            Some(out) => {
                let written = write_line(out, operation, file.new.text.separator, line);
                written.map_err(io(&file.difference.new))
            }
            None => Ok(()),
        }
    }
}
