//! Chooses the reader of a file by its first character, and what becomes of the file by what the reader finds.

use crate::containers::digest::DigestingReader;
use crate::containers::line_ends::LineEnds;
use crate::documents::read_json;
use crate::error::{Error, refused};
use crate::intake::FileIntake;
use crate::last_deliveries::LastDeliveries;
use crate::limits;
use crate::loads::{GatheredFile, Loads};
use crate::options::Options;
use crate::owners;
use crate::report::Report;
use crate::text::file_names::{announced_format, is_restricted_name};
use crate::text::read_lines;
use std::io::BufRead;

/// Reads one file, or member of an archive, whatever its format. What is gathered from it goes to `loads`, its report to
/// `report`. A file that was imported before is only reported.
///
/// # Errors
/// [`Error::Refused`] when a guard refuses the file.
pub(crate) fn read_file(
    last: &LastDeliveries,
    name: &str,
    reader: &mut dyn BufRead,
    options: &Options,
    report: &mut Report,
    loads: &mut Loads,
) -> Result<(), Error> {
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut digesting = DigestingReader::new(reader);
    let mut intake = FileIntake::new(name, last, &mut loads.sorter);
    let sources = read_content(&mut LineEnds::new(&mut digesting), options, &mut intake)?;
    check_name(name, &intake.report.format, &sources)?;
    let digest = digesting.finish().map_err(fail)?;
    if intake.report.rejected as usize > limits::QUARANTINED_LINES {
        return Err(intake.too_many_unreadable());
    }
    if was_imported(&intake, &sources, &digest, report) {
        intake.report.already_imported = true;
        report.files.push(intake.report);
        return Ok(());
    }
    report.warnings.append(&mut intake.warnings);
    let keys: Vec<(u8, &'static str)> = sources.iter().map(|s| (intake.key(s), *s)).collect();
    let (file_report, gathered) = GatheredFile::split(intake, &sources, digest);
    if file_report.left_out.is_empty() {
        report.quarantined += gathered.unreadable.len() as u64;
        loads.add(last, gathered, &keys)?;
    }
    report.files.push(file_report);
    Ok(())
}

/// Hands the content to the reader of its kind; the sources that it gives.
fn read_content(reader: &mut dyn BufRead, options: &Options, intake: &mut FileIntake<'_>) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let head = reader.fill_buf().map_err(|source| Error::Io { file: name.to_owned(), source })?;
    match head.iter().copied().find(|b| !b.is_ascii_whitespace()) {
        None => Err(refused(name, "the file is empty".into())),
        Some(b'{') => read_json(reader, options, intake),
        Some(b'<') => {
            intake.report.format = "XML".into();
            intake.report.left_out = "the XML flow of FINESS partners is not read: its open successors are (FINESS+ JSON)".into();
            intake.warnings.push(format!("{name}: {}", intake.report.left_out));
            Ok(Vec::new())
        }
        Some(_) => read_lines(reader, options, intake),
    }
}

/// The last check of where a file may go, whatever read it: its name does not announce another format than its content has,
/// and no file with the name of a restricted one is open data.
fn check_name(name: &str, format: &str, sources: &[&'static str]) -> Result<(), Error> {
    let Some(source) = sources.first() else { return Ok(()) };
    if let Some(expected) = announced_format(name).filter(|e| *e != format) {
        return Err(refused(
            name,
            format!(
                "the name of the file says {expected}, and it holds {format}; nothing was imported, name it as it was delivered"
            ),
        ));
    }
    if is_restricted_name(name) && sources.iter().any(|s| owners::is_open(s)) {
        return Err(refused(
            name,
            format!("the name of the file is one of a restricted extraction, and {source} is open data; nothing was imported"),
        ));
    }
    Ok(())
}

/// Whether a file of these bytes was the last delivery of all its sources. A source that had another file of the same stamp is
/// noted: it was delivered twice.
fn was_imported(intake: &FileIntake<'_>, sources: &[&'static str], digest: &str, report: &mut Report) -> bool {
    let main = intake.main_sources(sources);
    let mut imported = intake.replaces && !main.is_empty();
    for source in &main {
        let before = intake.last.of(source);
        let known = before.is_of(&intake.stamp, digest);
        if !known && !before.digest.is_empty() && before.stamp == intake.stamp && !intake.stamp.is_empty() {
            report.notes.push(format!(
                "{}: a redelivery: {source} had another file of {} in delivery {}",
                intake.name, intake.stamp, before.delivery
            ));
        }
        imported &= known;
    }
    imported
}
