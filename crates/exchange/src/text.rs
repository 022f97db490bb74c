//! Text files: the format is recognised by the header, lines are cut into blocks, several threads read them, and their contents
//! are taken in the order of the file.

mod block_reader;
pub(crate) mod blocks;
mod collector;
pub(crate) mod decode;
pub(crate) mod fields;
pub(crate) mod file_names;
pub(crate) mod layout;
mod pieces;
pub(crate) mod recognise;
pub(crate) mod split;

use crate::error::{Error, refused};
use crate::formats::{LineKind, Separator};
use crate::intake::FileIntake;
use crate::options::Options;
use annuaire_batch::parallel;
use block_reader::LineBlockReader;
use blocks::{BlockCutter, LineBlock, next_line, without_end};
use collector::BlockCollector;
use decode::{CharacterTally, EncodingEvidence, TextEncoding, decode};
use layout::Layout;
use std::io::BufRead;

/// Reads a text file; the sources that it gives, none when it is recognised and left out.
///
/// # Errors
/// [`Error::Refused`] when its header is of no format, or when a guard refuses it.
pub(crate) fn read_lines(
    reader: &mut dyn BufRead,
    options: &Options,
    intake: &mut FileIntake<'_>,
) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut line = Vec::new();
    next_line(reader, &mut line).map_err(fail)?;
    let mut ended = line.ends_with(b"\n");
    let first = without_end(&line);
    let mut evidence = EncodingEvidence::default();
    evidence.observe(first);
    let header = decode(first, evidence.encoding(), &mut CharacterTally::default()).into_owned();
    if recognise::is_former_ameli(&header) {
        intake.report.format = "Ameli, former files".into();
        intake.report.left_out = "frozen in 2026 and replaced by liste-ps and liste-cds".into();
        return Ok(Vec::new());
    }
    let mut ahead = Vec::new();
    let layouts = if header.starts_with("finess;etalab;") {
        if next_line(reader, &mut ahead).map_err(fail)? > 0 {
            ended = ahead.ends_with(b"\n");
        } else {
            return Err(refused(name, "has a first line and no line after it: the file is cut; nothing was imported".into()));
        }
        recognise::sections(name, &decode(without_end(&ahead), TextEncoding::Unknown, &mut CharacterTally::default()))
    } else {
        recognise::recognise(name, &header).map(|layout| vec![layout])
    };
    let layouts = layouts.map_err(|reason| refused(name, reason))?;
    report_layouts(&layouts, intake);
    if let [layout] = layouts.as_slice()
        && let LineKind::Ignored(why) = layout.format.kind
    {
        intake.report.left_out = why.to_owned();
        intake.report.lines = count_lines(reader).map_err(fail)?;
        return Ok(Vec::new());
    }
    let mut sources: Vec<&'static str> = layouts.iter().map(|l| l.format.source).collect();
    sources.dedup();
    intake.check_freshness(&intake.main_sources(&sources))?;
    let keys = layouts.iter().map(|l| intake.key(l.format.source)).collect();
    let block_reader = LineBlockReader { name, layouts: &layouts, keys };
    let quoted_fields = match layouts.as_slice() {
        [one] if one.format.separator == Separator::Semicolon && one.format.section.is_empty() => one.width(),
        _ => 0,
    };
    let mut ends =
        (BlockCutter::new(name, reader, ahead, quoted_fields, ended, evidence), BlockCollector::new(intake, layouts.len()));
    let worker = || |block: LineBlock| block_reader.read(&block);
    parallel::interleaved(options.workers(), &mut ends, |ends| ends.0.next(), worker, |ends, block| ends.1.take(block))?;
    let (cutter, collector) = ends;
    let sections = collector.finish(cutter.ended(), options)?;
    keep_sources_with_lines(name, &layouts, &sections, &mut sources)?;
    Ok(sources)
}

/// Notes the format of a file in its report, and warns of columns that are new or missing.
fn report_layouts(layouts: &[Layout], intake: &mut FileIntake<'_>) {
    let report = &mut intake.report;
    report.format = layouts.last().map(|l| l.format.name).unwrap_or_default().to_owned();
    report.unknown_columns = layouts.iter().flat_map(|l| l.extra.clone()).collect();
    report.missing_columns = layouts.iter().flat_map(|l| l.missing.clone()).collect();
    for (what, columns) in [
        ("no reader knows these columns, and they were not read", &report.unknown_columns),
        ("these columns, which are not read, are missing", &report.missing_columns),
    ] {
        if !columns.is_empty() {
            intake.warnings.push(format!("{}: {what}: {}", intake.name, columns.join(", ")));
        }
    }
}

/// Number of lines that are left and not empty.
fn count_lines(reader: &mut dyn BufRead) -> std::io::Result<u64> {
    let (mut lines, mut line) = (0, Vec::new());
    while next_line(reader, &mut line)? > 0 {
        lines += u64::from(!without_end(&line).is_empty());
        line.clear();
    }
    Ok(lines)
}

/// Removes the sources of sections without a line, which the file does not give.
///
/// # Errors
/// When the section that the name of the file announces has no line.
fn keep_sources_with_lines(
    name: &str,
    layouts: &[Layout],
    sections: &[bool],
    sources: &mut Vec<&'static str>,
) -> Result<(), Error> {
    let given: Vec<&'static str> = layouts.iter().zip(sections).filter(|(_, s)| **s).map(|(l, _)| l.format.source).collect();
    if let [first, .., last] = layouts
        && file_names::announced_format(name).is_some()
        && !given.contains(&last.format.source)
    {
        return Err(refused(name, format!("has no section {}, only {}: is it cut?", last.format.section, first.format.section)));
    }
    if layouts.len() > 1 {
        sources.retain(|s| given.contains(s));
    }
    Ok(())
}
