//! The parameters of `$export` (interop §5.1), from an address or from a resource Parameters.

use annuaire_bulk::ExportedType;
use annuaire_bulk::limits::{EXPORT_FILE, EXPORT_FILE_BOUNDS};
use annuaire_web::ErrorCode;
use serde_json::Value;

use crate::error::ApiError;
use crate::outcome::{Severity, operation_outcome};
use crate::query::{Handling, interval};
use crate::types::PublishedTypes;

/// Parameters that are served.
const KNOWN: [&str; 8] =
    ["_outputFormat", "_since", "_until", "_type", "_typeFilter", "_elements", "_minimumFileSize", "_maximumFileSize"];
/// Parameters that every operation takes and ignores: they chose the format.
const COMMON: [&str; 3] = ["_format", "_pretty", "fhirVersion"];

/// What an export is asked for.
pub(super) struct ExportParameters {
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    pub types: Vec<ExportedType>,
    pub file_bytes: usize,
    pub at_most: usize,
    /// What lenient handling passes over.
    pub ignored: Vec<ApiError>,
}

/// A parameter, with whether a comma in it separates values: it does in addresses, as clients of older editions write them (BULK-2).
pub(super) struct GivenParameter {
    pub name: String,
    pub value: String,
    pub is_list: bool,
}

/// The parameters of a resource Parameters in JSON.
pub(super) fn posted_parameters(body: &[u8]) -> Result<Vec<GivenParameter>, ApiError> {
    let malformed = |text: &str| {
        ApiError::new(ErrorCode::ResourceMalformed, text)
            .hint("As {\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"_type\",\"valueString\":\"Organization\"}]}.")
    };
    if body.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| malformed("The body is no JSON."))?;
    if body["resourceType"] != "Parameters" {
        return Err(malformed("The body is no resource Parameters."));
    }
    let one = |parameter: &Value| {
        let name = parameter["name"].as_str().ok_or_else(|| malformed("A parameter has no name."))?.to_owned();
        let mut values = parameter.as_object().into_iter().flatten().filter(|(member, _)| member.starts_with("value"));
        let value = match (values.next(), values.next()) {
            (Some((_, Value::String(text))), None) => text.clone(),
            (Some((_, value @ (Value::Number(_) | Value::Bool(_)))), None) => value.to_string(),
            (Some((_, coding)), None) if coding["code"].is_string() => coding["code"].as_str().unwrap_or_default().to_owned(),
            _ => return Err(malformed("A parameter does not have one simple value.").in_parameter(&name)),
        };
        Ok(GivenParameter { name, value, is_list: false })
    };
    body["parameter"].as_array().into_iter().flatten().map(one).collect()
}

impl ExportParameters {
    pub(super) fn read(given: &[GivenParameter], types: PublishedTypes, handling: Handling) -> Result<Self, ApiError> {
        let mut reading = Reading { types, handling, ignored: Vec::new() };
        let mut single: Vec<&str> = Vec::new();
        let (mut since_ms, mut until_ms, mut least, mut most) = (None, None, None, None);
        let (mut asked, mut filters): (Vec<&str>, Vec<(&str, &str)>) = (Vec::new(), Vec::new());
        let mut elements: Vec<(Option<&str>, &str)> = Vec::new();
        let mut names_types = false;
        for GivenParameter { name, value, is_list } in given {
            let name = name.as_str();
            if matches!(name, "_since" | "_until" | "_outputFormat" | "_minimumFileSize" | "_maximumFileSize") {
                if single.contains(&name) {
                    return Err(ApiError::value("It is given twice: keep one.").in_parameter(name));
                }
                single.push(name);
            }
            let values = || -> Vec<&str> {
                match is_list {
                    true => value.split(',').map(str::trim).filter(|value| !value.is_empty()).collect(),
                    false => vec![value.trim()],
                }
            };
            match name {
                "_since" => since_ms = Some(instant(value).map_err(|error| error.in_parameter(name))?),
                "_until" => until_ms = Some(instant(value).map_err(|error| error.in_parameter(name))?),
                "_outputFormat" => output_format(value)?,
                "_minimumFileSize" => least = Some(size(value).map_err(|error| error.in_parameter(name))?),
                "_maximumFileSize" => most = Some(size(value).map_err(|error| error.in_parameter(name))?),
                "_type" => {
                    names_types = true;
                    for value in values() {
                        asked.extend(reading.published(value)?);
                    }
                }
                "_typeFilter" => {
                    let all = if *is_list { filters_of(value) } else { vec![value.as_str()] };
                    for filter in all {
                        let shape = || ApiError::value("Write Type?search, as Organization?active=true.").in_parameter(name);
                        let (ty, query) = filter.trim().split_once('?').ok_or_else(shape)?;
                        if let Some(ty) = reading.published(ty)? {
                            filters.push((ty, query));
                        }
                    }
                }
                "_elements" => {
                    for value in values() {
                        match value.split_once('.') {
                            Some((ty, member)) => {
                                let ty = reading.published(ty)?;
                                elements.extend(ty.map(|ty| (Some(ty), member)));
                            }
                            None => elements.push((None, value)),
                        }
                    }
                }
                _ if COMMON.contains(&name) => {}
                _ => reading.refuse(ApiError::unknown(name, "$export", KNOWN).recoded(ErrorCode::ParameterNotSupported))?,
            }
        }
        if let Some((_, member)) = elements.iter().find(|(_, member)| !is_member(member)) {
            let hint = format!("{member:?} is no member of a resource: write Type.member or member, of the first level.");
            return Err(ApiError::value(&hint).in_parameter("_elements"));
        }
        if names_types && asked.is_empty() {
            return Err(ApiError::type_not_published(ErrorCode::ParameterNotSupported, types, "").in_parameter("_type"));
        }
        if !names_types {
            asked = types.names().to_vec();
        }
        if let Some((ty, _)) = filters.iter().find(|(ty, _)| !asked.contains(ty)) {
            return Err(ApiError::value(&format!("{ty} is not among the types of _type.")).in_parameter("_typeFilter"));
        }
        // In the order of the perimeter, each once.
        let exported = |ty: &&'static str| ExportedType {
            name: (*ty).to_owned(),
            filters: filters.iter().filter(|(of, _)| of == ty).map(|(_, query)| (*query).to_owned()).collect(),
            elements: elements
                .iter()
                .filter(|(of, _)| of.is_none_or(|of| of == *ty))
                .map(|(_, member)| (*member).to_owned())
                .collect(),
        };
        let all = types.names().iter().filter(|ty| asked.contains(*ty)).map(exported).collect();
        let (file_bytes, at_most) = file_sizes(least, most)?;
        Ok(Self { since_ms, until_ms, types: all, file_bytes, at_most, ignored: reading.ignored })
    }

    /// What was passed over, an OperationOutcome for each.
    pub(super) fn outcomes(&self) -> Vec<String> {
        let one = |error: &ApiError| operation_outcome(Severity::Warning, std::slice::from_ref(error));
        self.ignored.iter().map(|error| String::from_utf8_lossy(&one(error)).into_owned()).collect()
    }
}

struct Reading {
    types: PublishedTypes,
    handling: Handling,
    ignored: Vec<ApiError>,
}

impl Reading {
    /// Refuses, or passes over (BULK-5).
    fn refuse(&mut self, error: ApiError) -> Result<(), ApiError> {
        match self.handling {
            Handling::Lenient => {
                self.ignored.push(error);
                Ok(())
            }
            Handling::Usual | Handling::Strict => Err(error),
        }
    }

    fn published(&mut self, name: &str) -> Result<Option<&'static str>, ApiError> {
        match self.types.find(name) {
            Some((ty, _)) => Ok(Some(ty)),
            None => {
                let error = ApiError::type_not_published(ErrorCode::ParameterNotSupported, self.types, name);
                let hint = format!("{name:?} is no type of this perimeter. {}", error.hint).trim_end().to_owned();
                self.refuse(error.hint(hint)).map(|()| None)
            }
        }
    }
}

fn instant(value: &str) -> Result<i64, ApiError> {
    interval(value).map(|(first, _)| first)
}

fn output_format(value: &str) -> Result<(), ApiError> {
    // A `+` arrives as a space when the client did not encode it.
    match value.trim().replace(' ', "+").to_ascii_lowercase().as_str() {
        "application/fhir+ndjson" | "application/ndjson" | "ndjson" => Ok(()),
        _ => {
            let text = format!("Format {value} is not served by $export.");
            Err(ApiError::new(ErrorCode::ParameterNotSupported, text)
                .hint("Write application/fhir+ndjson.")
                .in_parameter("_outputFormat"))
        }
    }
}

fn size(value: &str) -> Result<usize, ApiError> {
    let bytes: usize = value.trim().parse().map_err(|_| ApiError::value("Write a number of bytes."))?;
    let (least, most) = EXPORT_FILE_BOUNDS;
    match (least..=most).contains(&bytes) {
        true => Ok(bytes),
        false => Err(ApiError::value(&format!("Write {least} to {most} bytes."))),
    }
}

/// Bytes after which a file is closed, and those that it does not exceed.
fn file_sizes(least: Option<usize>, most: Option<usize>) -> Result<(usize, usize), ApiError> {
    if least.zip(most).is_some_and(|(least, most)| least > most) {
        return Err(ApiError::value("It is more than _maximumFileSize.").in_parameter("_minimumFileSize"));
    }
    let bytes = EXPORT_FILE.max(least.unwrap_or(0)).min(most.unwrap_or(usize::MAX));
    Ok((bytes, most.unwrap_or(usize::MAX)))
}

fn is_member(name: &str) -> bool {
    name.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The searches of a list: a comma begins another one only where `Type?` follows, since values have commas too.
fn filters_of(list: &str) -> Vec<&str> {
    let begins = |rest: &str| {
        rest.split_once('?').is_some_and(|(ty, _)| {
            let ty = ty.trim_start();
            ty.starts_with(|first: char| first.is_ascii_uppercase()) && ty.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
    };
    let (mut all, mut start) = (Vec::new(), 0);
    for (at, _) in list.match_indices(',') {
        if begins(&list[at + 1..]) {
            all.push(&list[start..at]);
            start = at + 1;
        }
    }
    all.push(&list[start..]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)], is_list: bool, handling: Handling) -> Result<ExportParameters, ApiError> {
        let given: Vec<_> = given
            .iter()
            .map(|(name, value)| GivenParameter { name: (*name).to_owned(), value: (*value).to_owned(), is_list })
            .collect();
        ExportParameters::read(&given, PublishedTypes::Public, handling)
    }

    fn names(parameters: &ExportParameters) -> Vec<&str> {
        parameters.types.iter().map(|ty| ty.name.as_str()).collect()
    }

    #[test]
    fn a_comma_is_a_list_in_an_address_and_nowhere_else() {
        let both = read(&[("_type", "Practitioner,Organization")], true, Handling::Usual).ok().unwrap();
        assert_eq!(
            names(&both),
            names(&read(&[("_type", "Organization"), ("_type", "Practitioner")], false, Handling::Usual).ok().unwrap())
        );
        assert!(read(&[("_type", "Practitioner,Organization")], false, Handling::Usual).is_err());
        let list = "Organization?name=a,b,Organization?active=true&name=c,Practitioner?family=d,e?";
        let parsed = read(&[("_typeFilter", list)], true, Handling::Usual).ok().unwrap();
        let of = |name: &str| parsed.types.iter().find(|ty| ty.name == name).unwrap().filters.clone();
        assert_eq!(of("Organization"), ["name=a,b", "active=true&name=c"]);
        assert_eq!(of("Practitioner"), ["family=d,e?"]);
    }

    #[test]
    fn what_is_not_served_is_refused_or_told() {
        for (name, value) in [
            ("_type", "Patient"),
            ("_typeFilter", "Patient?name=x"),
            ("_elements", "Patient.name"),
            ("includeAssociatedData", "LatestProvenanceResources"),
            ("organizeOutputBy", "Practitioner"),
            ("allowPartialManifests", "true"),
            ("patient", "x"),
        ] {
            let refused = read(&[(name, value)], false, Handling::Usual).err().unwrap();
            assert_eq!((refused.code.status().as_u16(), refused.code.issue()), (400, "not-supported"), "{name}");
            // Nothing is left when the one type that is asked is unknown.
            let told = read(&[(name, value), ("_type", "Organization")], false, Handling::Lenient).ok().unwrap();
            assert_eq!((told.ignored.len(), names(&told)), (1, vec!["Organization"]), "{name}");
        }
        assert!(read(&[("_type", "Patient")], false, Handling::Lenient).is_err());
        for (name, value) in [
            ("_since", "yesterday"),
            ("_until", ""),
            ("_outputFormat", "text/csv"),
            ("_typeFilter", "Organization"),
            ("_elements", "Organization.name.text"),
            ("_elements", "na\"me"),
            ("_minimumFileSize", "1"),
            ("_maximumFileSize", "x"),
        ] {
            assert!(read(&[(name, value)], false, Handling::Lenient).is_err(), "{name}={value}");
        }
        assert!(read(&[("_type", "Device"), ("_typeFilter", "Organization?active=true")], false, Handling::Usual).is_err());
        assert!(read(&[("_since", "2026-01-01"), ("_since", "2026-01-01")], false, Handling::Usual).is_err());
        assert!(read(&[("_outputFormat", "application/fhir ndjson")], true, Handling::Usual).is_ok());
    }

    #[test]
    fn sizes_of_files() {
        assert_eq!(file_sizes(None, None).ok().unwrap(), (EXPORT_FILE, usize::MAX));
        assert_eq!(file_sizes(None, Some(2 << 20)).ok().unwrap(), (2 << 20, 2 << 20));
        assert_eq!(file_sizes(Some(40 << 20), None).ok().unwrap(), (40 << 20, usize::MAX));
        assert!(file_sizes(Some(3 << 20), Some(2 << 20)).is_err());
    }
}
