//! JSON files: FINESS+ documents and feeds of FHIR resources, read record by record.

use crate::error::{Error, refused};
use crate::feed::{self, Feed, FeedRecord};
use crate::finess_plus::FinessPlusReader;
use crate::intake::{FileIntake, refused_for_privacy};
use crate::json::JsonRecords;
use crate::limits;
use crate::options::Options;
use crate::report::Rejected;
use crate::text::decode::{CharacterTally, clean_json};
use annuaire_base::{id, nir};
use std::io::{self, BufRead, Read};

/// Reads a JSON document, or one document a line; the sources that it gives, none when nothing is imported.
///
/// # Errors
/// [`Error::Refused`] when it is damaged, of no known kind, or refused by a guard.
pub(crate) fn read_json(
    reader: &mut dyn BufRead,
    options: &Options,
    intake: &mut FileIntake<'_>,
) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut document = DocumentReader::new(options, intake.sorter.added_bytes());
    if is_ndjson(reader).map_err(fail)? {
        read_ndjson(reader, &mut document, intake)?;
    } else {
        let mut records = JsonRecords::new(reader);
        let mut bytes = Vec::new();
        while let Some(record) = records.next(&mut bytes).map_err(fail)? {
            if record.member == "entry" {
                let (number, root) = records.root();
                document.feed.enter_bundle(number, root);
            }
            document.read_record(&record.member, record.line, &bytes, intake)?;
        }
    }
    document.finish(options, intake)
}

/// Whether a file has one FHIR resource a line: its first line is one.
fn is_ndjson(reader: &mut dyn BufRead) -> io::Result<bool> {
    let head = reader.fill_buf()?;
    let start = head.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let line = head[start..].split(|b| *b == b'\n').next().unwrap_or_default();
    Ok(feed::is_resource(line))
}

/// Reads each line on its own, so that a bad one costs no other.
fn read_ndjson(reader: &mut dyn BufRead, document: &mut DocumentReader, intake: &mut FileIntake<'_>) -> Result<(), Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let (mut bytes, mut line) = (Vec::new(), 0);
    loop {
        bytes.clear();
        line += 1;
        let n = Read::take(&mut *reader, limits::RECORD_BYTES as u64).read_until(b'\n', &mut bytes).map_err(fail)?;
        if n == 0 {
            return Ok(());
        }
        let ended = bytes.last() == Some(&b'\n');
        if !ended && n >= limits::RECORD_BYTES {
            let reason =
                format!("line {line} takes more than {} bytes; no resource does: is the file damaged?", limits::RECORD_BYTES);
            return Err(refused(name, reason));
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if !ended && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_err() {
            let reason = format!("line {line}: the last line is cut; nothing was imported, download the file again");
            return Err(refused(name, reason));
        }
        document.read_record("", line, text, intake)?;
    }
}

/// A document while it is read. Its first telling record decides whether it is FINESS+ or a feed.
struct DocumentReader {
    finess: FinessPlusReader,
    feed: Feed,
    /// Source of the resources of a feed.
    feed_source: &'static str,
    /// The freshness of the FINESS+ document was checked.
    freshness_checked: bool,
    records: u64,
    /// Resources of types that the directory does not publish: they are left out, and nothing is put in quarantine for them.
    foreign: Vec<Rejected>,
    /// FINESS numbers, and those of them with a valid key.
    numbers: u64,
    valid_numbers: u64,
    tally: CharacterTally,
    /// JsonRecords with bytes that are no UTF-8, and records with letters beyond ASCII and no such byte.
    damaged: u64,
    accented: u64,
}

impl DocumentReader {
    /// `added_bytes` is the size of the pieces of earlier files.
    fn new(options: &Options, added_bytes: u64) -> Self {
        Self {
            finess: FinessPlusReader::default(),
            feed: Feed::new(options.check, options.open, added_bytes),
            feed_source: if options.open { "fhir" } else { "fhir-restreint" },
            freshness_checked: false,
            records: 0,
            foreign: Vec::new(),
            numbers: 0,
            valid_numbers: 0,
            tally: CharacterTally::default(),
            damaged: 0,
            accented: 0,
        }
    }

    /// Reads a record of the member `member`, which begins on `line`; the member of a line or of a root object is empty.
    fn read_record(&mut self, member: &str, line: u64, bytes: &[u8], intake: &mut FileIntake<'_>) -> Result<(), Error> {
        let name = intake.name;
        let text = String::from_utf8_lossy(bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.damaged += 1;
            self.tally.replaced += bytes.utf8_chunks().filter(|c| !c.invalid().is_empty()).count() as u64;
        } else {
            self.accented += u64::from(!bytes.is_ascii());
        }
        if nir::json_contains_nir(&text) {
            return Err(refused_for_privacy(name, line));
        }
        self.records += 1;
        if self.records > limits::LINES {
            return Err(refused(name, format!("more than {} records: no national file has as many", limits::LINES)));
        }
        let text = clean_json(&text, &mut self.tally);
        if matches!(member, "pmej" | "gcc" | "gco") {
            return self.read_finess_record(member, line, &text, intake);
        }
        if self.finess.document.is_some() || (member.is_empty() && text.contains("\"schemaVersion\"")) {
            return Ok(());
        }
        match self.feed.record(member, &text) {
            Ok(FeedRecord::Nothing) => {}
            Ok(FeedRecord::Foreign(ty)) => {
                intake.report.lines += 1;
                if self.foreign.len() < limits::REPORTED_LINES {
                    let reason = format!("{ty} is not a resource of the directory");
                    self.foreign.push(Rejected { line, column: String::new(), reason });
                }
            }
            Ok(FeedRecord::Piece(entity, piece)) => {
                intake.report.lines += 1;
                intake.add_piece(self.feed_source, &entity, &piece)?;
            }
            Ok(FeedRecord::Restricted(what)) => {
                let reason = format!(
                    "line {line}: {what}, in an import of open data; nothing was imported: import it without --open, or get the \
                     open export"
                );
                return Err(refused(name, reason));
            }
            Err(reason) => {
                intake.report.lines += 1;
                intake.reject_record(line, "", reason, &text);
            }
        }
        Ok(())
    }

    fn read_finess_record(&mut self, member: &str, line: u64, text: &str, intake: &mut FileIntake<'_>) -> Result<(), Error> {
        intake.report.lines += 1;
        let pieces = match self.finess.record(member, text.as_bytes()) {
            Ok(pieces) => pieces,
            Err(reason) => {
                intake.reject_record(line, member, reason, text);
                return Ok(());
            }
        };
        if let Some(large) = pieces.iter().find(|(_, e, p)| e.len() + p.len() > limits::PIECE_BYTES) {
            let entity: String = large.1.chars().take(40).collect();
            intake.reject_record(
                line,
                member,
                format!("what it says of {entity} takes more than {} bytes", limits::PIECE_BYTES),
                text,
            );
            return Ok(());
        }
        if let Some(document) = self.finess.document
            && !self.freshness_checked
        {
            self.freshness_checked = true;
            intake.report.format = document.name().to_owned();
            intake.check_freshness(document.sources())?;
        }
        for (source, entity, piece) in pieces {
            if let Some(number) = entity.strip_prefix("ST:F") {
                self.numbers += 1;
                self.valid_numbers += u64::from(id::finess(number).is_ok());
            }
            intake.add_piece(source, &entity, &piece)?;
        }
        Ok(())
    }

    /// Checks the document at its end; the sources that it gives.
    fn finish(mut self, options: &Options, intake: &mut FileIntake<'_>) -> Result<Vec<&'static str>, Error> {
        let name = intake.name;
        // JSON is UTF-8: a few bytes may be damaged, but when most records are, the file has another encoding.
        if self.damaged > 10 && self.damaged > self.accented {
            return Err(refused(name, format!("{} records are not UTF-8; save the file as UTF-8", self.damaged)));
        }
        self.finess.finish();
        intake.report.oddities = self.finess.oddities.0.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        intake.report.oddities.extend(self.tally.oddities());
        intake.report.wrong_keys = self.numbers - self.valid_numbers;
        if let Some(document) = self.finess.document {
            intake.check_quality(self.numbers, options)?;
            return Ok(document.sources().to_vec());
        }
        if !self.feed.seen {
            return Err(refused(name, "a JSON document that is neither FINESS+ nor FHIR resources".into()));
        }
        intake.report.format = "FHIR R4".into();
        intake.replaces = options.full_feed;
        let foreign: Vec<String> = self.feed.foreign.iter().map(|(ty, n)| format!("{n} {ty}")).collect();
        let foreign = (!foreign.is_empty())
            .then(|| format!("{} left out: the directory does not publish resources of this type", foreign.join(", ")));
        if self.feed.read == 0 && intake.report.rejected == 0 {
            intake.report.left_out = match (foreign, &self.feed.outcome) {
                (Some(foreign), _) => foreign,
                (None, Some(diagnostics)) => {
                    let reason = format!(
                        "it is an error of the server, not the file (OperationOutcome: {diagnostics}); download it again"
                    );
                    return Err(refused(name, reason));
                }
                (None, None) => "it holds no resource".into(),
            };
            intake.warnings.push(format!("{name}: {}", intake.report.left_out));
            return Ok(Vec::new());
        }
        intake.check_quality(0, options)?;
        if let Some(foreign) = foreign {
            intake.warnings.push(format!("{name}: {foreign}"));
            intake.report.rejected += self.foreign.len() as u64;
            intake.report.rejected_lines.extend(self.foreign);
        }
        Ok(vec![self.feed_source])
    }
}
