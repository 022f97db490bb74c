//! JSON documents: FINESS+ and feeds of FHIR resources.

use crate::intake::{Intake, fresh, guards, privacy};
use crate::{Error, Options, fhir, finess, json, refused};
use annuaire_base::id;
use annuaire_store::Registry;
use std::io::BufRead;

pub(crate) fn read_json(
    registry: &mut dyn Registry,
    reader: &mut dyn BufRead,
    options: &Options,
    intake: &mut Intake<'_>,
) -> Result<Vec<&'static str>, Error> {
    let name = intake.name;
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let mut records = json::Records::new(reader);
    let mut finess = finess::Reader::default();
    let mut checked = false;
    let mut bytes = Vec::new();
    let mut fhir = fhir::Feed::default();
    let (mut numbers, mut valid) = (0_u64, 0_u64);
    while let Some(record) = records.next(&mut bytes).map_err(fail)? {
        let text = String::from_utf8_lossy(&bytes);
        privacy(name, record.line, &text)?;
        if matches!(record.member.as_str(), "pmej" | "gcc" | "gco") {
            intake.file.lines += 1;
            match finess.record(&record.member, &bytes) {
                Ok(facts) => {
                    if let Some(document) = finess.document
                        && !checked
                    {
                        checked = true;
                        intake.file.format = document.name().to_owned();
                        fresh(registry, intake, document.sources().to_vec())?;
                    }
                    for (source, entity, piece) in facts {
                        if let Some(number) = entity.strip_prefix("ST:F") {
                            numbers += 1;
                            valid += u64::from(id::finess(number).is_ok());
                        }
                        intake.push(source, &entity, &piece)?;
                    }
                }
                Err(reason) => intake.reject(record.line, &record.member, reason, &text),
            }
            continue;
        }
        if finess.document.is_some() || (record.member.is_empty() && text.contains("\"schemaVersion\"")) {
            continue;
        }
        match fhir.record(&record.member, &text) {
            Ok(None) => {}
            Ok(Some((entity, piece))) => {
                intake.file.lines += 1;
                intake.push("fhir", &entity, &piece)?;
            }
            Err(reason) => {
                intake.file.lines += 1;
                intake.reject(record.line, "", reason, &text);
            }
        }
    }
    finess.finish();
    intake.file.oddities = finess.oddities.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    intake.file.wrong_keys = numbers - valid;
    if let Some(document) = finess.document {
        guards(intake, numbers, options)?;
        return Ok(document.sources().to_vec());
    }
    if !fhir.seen {
        return Err(refused(name, "a JSON document that is neither FINESS+ nor FHIR resources".into()));
    }
    intake.file.format = "FHIR R4".into();
    intake.whole = options.full_feed;
    guards(intake, 0, options)?;
    Ok(vec!["fhir"])
}
