//! JSON documents: FINESS+ and feeds of FHIR resources.

use crate::decode::{Tally, clean_json};
use crate::fhir::Word;
use crate::intake::{Intake, fresh, guards};
use crate::{Error, Options, Rejected, fhir, finess, json, limits, refused};
use annuaire_base::{id, nir};
use annuaire_store::Registry;
use std::io::{self, BufRead, Read};

/// Reads a JSON document, or one document a line.
pub(crate) fn read_json(
    registry: &mut dyn Registry,
    reader: &mut dyn BufRead,
    options: &Options,
    intake: &mut Intake<'_>,
) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let taken = intake.sorter.added_bytes();
    let mut document = Document {
        finess: finess::Reader::default(),
        feed: fhir::Feed::new(options.check, options.open, taken),
        source: if options.open { "fhir" } else { "fhir-restreint" },
        checked: false,
        records: 0,
        foreign: Vec::new(),
        numbers: 0,
        valid: 0,
        tally: Tally::default(),
        damaged: 0,
        accented: 0,
    };
    if is_ndjson(reader).map_err(fail)? {
        ndjson(reader, &mut document, registry, intake)?;
    } else {
        let mut records = json::Records::new(reader);
        let mut bytes = Vec::new();
        while let Some(record) = records.next(&mut bytes).map_err(fail)? {
            if record.member == "entry" {
                let (number, root) = records.root();
                document.feed.entry_of(number, root);
            }
            document.record(&record.member, record.line, &bytes, registry, intake)?;
        }
    }
    document.end(options, intake)
}

/// One FHIR resource a line: the first line is one.
fn is_ndjson(reader: &mut dyn BufRead) -> io::Result<bool> {
    let head = reader.fill_buf()?;
    let start = head.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let line = head[start..].split(|b| *b == b'\n').next().unwrap_or_default();
    Ok(fhir::is_resource(line))
}

/// Reads lines apart from one another, so that a bad one costs no other.
fn ndjson(
    reader: &mut dyn BufRead,
    document: &mut Document,
    registry: &mut dyn Registry,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
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
        document.record("", line, text, registry, intake)?;
    }
}

/// What is known of a document while it is read.
struct Document {
    finess: finess::Reader,
    feed: fhir::Feed,
    /// Source of the resources of a feed.
    source: &'static str,
    /// The freshness of the FINESS+ document was looked at.
    checked: bool,
    records: u64,
    /// Resources of types that the directory does not publish: left out, and no reason to keep anything in quarantine.
    foreign: Vec<Rejected>,
    /// FINESS numbers, and those of them with a valid key.
    numbers: u64,
    valid: u64,
    tally: Tally,
    /// Records with bytes that are no UTF-8, and records with letters beyond ASCII and no such byte.
    damaged: u64,
    accented: u64,
}

impl Document {
    fn record(
        &mut self,
        member: &str,
        line: u64,
        bytes: &[u8],
        registry: &mut dyn Registry,
        intake: &mut Intake<'_>,
    ) -> Result<(), Error> {
        let name = intake.name;
        let text = String::from_utf8_lossy(bytes);
        if matches!(text, std::borrow::Cow::Owned(_)) {
            self.damaged += 1;
            self.tally.replaced += bytes.utf8_chunks().filter(|c| !c.invalid().is_empty()).count() as u64;
        } else {
            self.accented += u64::from(!bytes.is_ascii());
        }
        if nir::json_contains_nir(&text) {
            return Err(refused(name, format!("line {line}: looks like a social security number; the file is refused whole")));
        }
        self.records += 1;
        if self.records > limits::LINES {
            return Err(refused(name, format!("more than {} records: no national file has as many", limits::LINES)));
        }
        let text = clean_json(&text, &mut self.tally);
        if matches!(member, "pmej" | "gcc" | "gco") {
            return self.finess_record(member, line, &text, registry, intake);
        }
        if self.finess.document.is_some() || (member.is_empty() && text.contains("\"schemaVersion\"")) {
            return Ok(());
        }
        match self.feed.record(member, &text) {
            Ok(Word::Nothing) => {}
            Ok(Word::Foreign(ty)) => {
                intake.file.lines += 1;
                if self.foreign.len() < limits::REPORTED_LINES {
                    let reason = format!("{ty} is not a resource of the directory");
                    self.foreign.push(Rejected { line, column: String::new(), reason });
                }
            }
            Ok(Word::Piece(entity, piece)) => {
                intake.file.lines += 1;
                intake.push(self.source, &entity, &piece)?;
            }
            Ok(Word::Restricted(what)) => {
                let reason = format!(
                    "line {line}: {what}, in an import of open data; nothing was imported: import it without --open, or get the \
                     open export"
                );
                return Err(refused(name, reason));
            }
            Err(reason) => {
                intake.file.lines += 1;
                intake.reject(line, "", reason, &text);
            }
        }
        Ok(())
    }

    fn finess_record(
        &mut self,
        member: &str,
        line: u64,
        text: &str,
        registry: &mut dyn Registry,
        intake: &mut Intake<'_>,
    ) -> Result<(), Error> {
        intake.file.lines += 1;
        let facts = match self.finess.record(member, text.as_bytes()) {
            Ok(facts) => facts,
            Err(reason) => {
                intake.reject(line, member, reason, text);
                return Ok(());
            }
        };
        if let Some(large) = facts.iter().find(|(_, e, p)| e.len() + p.len() > limits::PIECE_BYTES) {
            let entity: String = large.1.chars().take(40).collect();
            intake.reject(line, member, format!("what it says of {entity} takes more than {} bytes", limits::PIECE_BYTES), text);
            return Ok(());
        }
        if let Some(document) = self.finess.document
            && !self.checked
        {
            self.checked = true;
            intake.file.format = document.name().to_owned();
            fresh(registry, intake, document.sources().to_vec())?;
        }
        for (source, entity, piece) in facts {
            if let Some(number) = entity.strip_prefix("ST:F") {
                self.numbers += 1;
                self.valid += u64::from(id::finess(number).is_ok());
            }
            intake.push(source, &entity, &piece)?;
        }
        Ok(())
    }

    /// Looks at the whole, and says for which sources it speaks.
    fn end(mut self, options: &Options, intake: &mut Intake<'_>) -> Result<Vec<&'static str>, Error> {
        let name = intake.name;
        // JSON is UTF-8: a few bytes may be damaged, but when most letters are, none was meant as what it was read as.
        if self.damaged > 10 && self.damaged > self.accented {
            return Err(refused(name, format!("{} records are not UTF-8; save the file as UTF-8", self.damaged)));
        }
        self.finess.finish();
        intake.file.oddities = self.finess.oddities.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
        intake.file.oddities.extend(self.tally.oddities());
        intake.file.wrong_keys = self.numbers - self.valid;
        if let Some(document) = self.finess.document {
            guards(intake, self.numbers, options)?;
            return Ok(document.sources().to_vec());
        }
        if !self.feed.seen {
            return Err(refused(name, "a JSON document that is neither FINESS+ nor FHIR resources".into()));
        }
        intake.file.format = "FHIR R4".into();
        intake.whole = options.full_feed;
        let foreign: Vec<String> = self.feed.foreign.iter().map(|(ty, n)| format!("{n} {ty}")).collect();
        let foreign = (!foreign.is_empty())
            .then(|| format!("{} left out: the directory does not publish resources of this type", foreign.join(", ")));
        if self.feed.read == 0 && intake.file.rejected == 0 {
            intake.file.left_out = match (foreign, &self.feed.outcome) {
                (Some(foreign), _) => foreign,
                (None, Some(said)) => {
                    let reason =
                        format!("it is an error of the server, not the file (OperationOutcome: {said}); download it again");
                    return Err(refused(name, reason));
                }
                (None, None) => "it holds no resource".into(),
            };
            intake.warnings.push(format!("{name}: {}", intake.file.left_out));
            return Ok(Vec::new());
        }
        guards(intake, 0, options)?;
        if let Some(foreign) = foreign {
            intake.warnings.push(format!("{name}: {foreign}"));
            intake.file.rejected += self.foreign.len() as u64;
            intake.file.rejected_lines.extend(self.foreign);
        }
        Ok(vec![self.source])
    }
}
