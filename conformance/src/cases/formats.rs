//! Cases of how answers are written: JSON, XML, gzip, refusals, profiles and the R4 model.

use super::questions::{TYPES, ensure, first, id, status, text};
use crate::client::{DirectoryClient, link};
use crate::{profile, schema_order};
use serde_json::Value;

pub(super) fn post_search(c: &DirectoryClient) -> Result<(), String> {
    let wanted = c.bundle("Practitioner?family=mar&_count=3")?;
    for kind in ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=UTF-8"] {
        let a = c.post("Practitioner/_search", kind, "family=mar&_count=3")?;
        status(&a, 200, kind)?;
        let b = a.json()?;
        ensure(b["total"] == wanted["total"] && b["entry"] == wanted["entry"], || format!("{kind}: another answer"))?;
    }
    status(&c.post("Practitioner/_search", "application/json", "{}")?, 415, "a JSON body")
}

/// A text of XHTML without its tags.
fn without_markup(narrative: &str) -> String {
    narrative.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()
}

pub(super) fn xml(c: &DirectoryClient) -> Result<(), String> {
    for path in [
        "Practitioner?_count=2&_revinclude=PractitionerRole:practitioner",
        "Organization?_count=2",
        "metadata",
        "Patient/1",
        "HealthcareService?_count=1",
    ] {
        let (json, xml) = (c.get(path, &[])?, c.get(path, &[("accept", "application/fhir+xml")])?);
        status(&xml, json.status, path)?;
        ensure(xml.header("content-type").starts_with("application/fhir+xml"), || {
            format!("{path}: {}", xml.header("content-type"))
        })?;
        // Both notations hold equal values: every string of the JSON is an attribute of the XML.
        let mut missing = Vec::new();
        strings(&json.json()?, &mut |s| {
            let escaped = s.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            // A narrative loses its markup, not its text.
            let is_narrative = s.starts_with("<div") && xml.body.contains(&without_markup(s));
            if !is_narrative && !xml.body.contains(&format!("\"{escaped}\"")) && !xml.body.contains(&format!("<{s}")) {
                missing.push(s.to_owned());
            }
        });
        // Links name the format of their own request.
        missing.retain(|s| !s.starts_with("http"));
        ensure(missing.is_empty(), || format!("{path}: {:?} not in the XML", &missing[..missing.len().min(3)]))?;
        if json.status == 200 {
            let read: Result<fhirbolt::model::r4::Resource, _> = fhirbolt::xml::from_str(&xml.body, None);
            ensure(read.is_ok(), || {
                format!("{path}: the R4 model does not read the XML: {}", read.err().map(|e| e.to_string()).unwrap_or_default())
            })?;
        }
    }
    Ok(())
}

fn strings(v: &Value, each: &mut dyn FnMut(&str)) {
    match v {
        Value::String(s) => each(s),
        Value::Array(a) => a.iter().for_each(|x| strings(x, each)),
        Value::Object(o) => o.values().for_each(|x| strings(x, each)),
        _ => {}
    }
}

pub(super) fn not_acceptable(c: &DirectoryClient) -> Result<(), String> {
    status(&c.get("Practitioner?_count=1", &[("accept", "text/csv")])?, 406, "Accept: text/csv")?;
    status(&c.get("Practitioner?_count=1&_format=turtle", &[])?, 406, "_format=turtle")?;
    status(&c.get("Practitioner?_count=1&_format=json", &[("accept", "application/fhir+xml")])?, 200, "_format wins")
}

pub(super) fn gzip(c: &DirectoryClient) -> Result<(), String> {
    let path = "Practitioner?_count=20";
    let (plain, packed) = (c.get(path, &[("accept-encoding", "identity")])?, c.get(path, &[("accept-encoding", "gzip")])?);
    ensure(packed.header("content-encoding") == "gzip", || "not compressed".into())?;
    ensure(plain.body == packed.body, || "another content".into())?;
    ensure(packed.header("vary").to_lowercase().contains("accept-encoding"), || "Vary".into())
}

pub(super) fn writes(c: &DirectoryClient) -> Result<(), String> {
    status(&c.delete("Practitioner/1")?, 403, "DELETE")?;
    status(&c.post("Practitioner", "application/fhir+json", "{}")?, 403, "POST")
}

pub(super) fn outcomes(c: &DirectoryClient) -> Result<(), String> {
    for path in [
        "nowhere/x/y/z",
        "Practitioner?bogus=1",
        "Practitioner/none",
        "Patient?name=a",
        "_page?id=x",
        "Practitioner?_lastUpdated=x",
    ] {
        let a = c.get(path, &[])?;
        ensure(a.status >= 400 && a.json()?["resourceType"] == "OperationOutcome", || format!("{path}: {}", a.body))?;
    }
    Ok(())
}

pub(super) fn profiles(c: &DirectoryClient) -> Result<(), String> {
    for ty in TYPES {
        let b = c.bundle(&format!("{ty}?_count=200"))?;
        for e in b["entry"].as_array().into_iter().flatten() {
            let faults = profile::check_public(&e["resource"]);
            ensure(faults.is_empty(), || faults.join("; "))?;
            profile::check_model(&e["resource"].to_string()).map_err(|e| format!("{ty}: {e}"))?;
        }
    }
    Ok(())
}

/// The address of a page of every kind of answer.
fn routes(c: &DirectoryClient) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = [
        "metadata",
        "_history?_count=20",
        "Practitioner?_count=5&_revinclude=*",
        "PractitionerRole?_count=5&_include=*",
        "Organization?_count=5&_include=Organization:partof&_elements=name",
        "HealthcareService?_count=5&_include=*",
        "Device?_count=5&_include=*",
        "Practitioner?name:family=a&_count=2",
        "Practitioner?_summary=count",
        "Practitioner?bogus=1",
        "Practitioner/none",
        "Patient/1",
        "_page?id=x",
    ]
    .map(str::to_owned)
    .to_vec();
    for ty in TYPES {
        let Ok(r) = first(c, ty) else { continue };
        let id = id(&r);
        all.extend([
            format!("{ty}/{id}"),
            format!("{ty}/{id}?_summary=true"),
            format!("{ty}/{id}/_history"),
            format!("{ty}/{id}/_history/1"),
        ]);
        all.extend(link(&c.bundle(&format!("{ty}?_count=1"))?, "next"));
    }
    Ok(all)
}

pub(super) fn answers_follow_the_model(c: &DirectoryClient) -> Result<(), String> {
    for path in routes(c)? {
        let json = c.get(&path, &[("accept", "application/fhir+json")])?;
        if json.status != 404 || json.body.contains("OperationOutcome") {
            profile::check_model(&json.body).map_err(|e| format!("{path}: {e}"))?;
        }
        let xml = c.get(&path, &[("accept", "application/fhir+xml")])?;
        status(&xml, json.status, &path)?;
        schema_order::check(&xml.body).map_err(|e| format!("{path}: {e}"))?;
    }
    Ok(())
}

pub(super) fn refusals(c: &DirectoryClient) -> Result<(), String> {
    for (path, wanted, code, diagnostics) in [
        ("Practitioner?bogus=1", 400, "exception", "Parameter bogus not found for resource Practitioner"),
        ("Patient?name=a", 400, "exception", "Parameter name not found for resource Patient"),
        ("PractitionerRole?organization=a/b/c", 400, "exception", "Unknown error"),
        ("Practitioner?active=%01", 400, "exception", "Bad parameter value."),
        ("Practitioner?active:missing=maybe", 400, "value", "Bad parameter value."),
        ("Practitioner/none", 404, "exception", "Resource not found with id: none"),
        ("_page", 400, "exception", "Parameter id required to fetch the next page"),
        ("_page?id=x", 400, "exception", "The url can't be processed. Maybe it is too old or corrupted."),
    ] {
        let a = c.get(path, &[])?;
        status(&a, wanted, path)?;
        let issue = &a.json()?["issue"][0];
        ensure(text(issue, "/diagnostics") == diagnostics && text(issue, "/code") == code, || format!("{path}: {issue}"))?;
    }
    let help = c.get("Practitioner?bogus=1", &[])?.json()?;
    ensure(text(&help, "/issue/0/details/text").contains("qualification-code"), || help.to_string())
}
