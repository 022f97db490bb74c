//! Cases of one resource: metadata, read, vread, history, conditional requests, who may read.

use super::questions::{TYPES, encode, ensure, first, id, status, text, total_of};
use crate::client::DirectoryClient;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) fn metadata(c: &DirectoryClient) -> Result<(), String> {
    let m = c.bundle("metadata")?;
    for member in ["status", "date", "kind", "fhirVersion", "format"] {
        ensure(!m[member].is_null(), || format!("{member} is absent"))?;
    }
    ensure(m["fhirVersion"] == "4.0.1" && m["rest"][0]["mode"] == "server", || "not an R4 server".into())?;
    for r in m["rest"][0]["resource"].as_array().into_iter().flatten() {
        let ty = text(r, "/type");
        for p in r["searchParam"].as_array().into_iter().flatten() {
            let value = match text(p, "/type") {
                "date" => "2020-01-01",
                "reference" => "x",
                _ => "a",
            };
            let path = format!("{ty}?{}={value}&_count=1", text(p, "/name"));
            status(&c.get(&path, &[])?, 200, &path)?;
        }
        for (member, parameter) in [("searchInclude", "_include"), ("searchRevInclude", "_revinclude")] {
            for v in r[member].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let path = format!("{ty}?{parameter}={v}&_count=1");
                status(&c.get(&path, &[])?, 200, &path)?;
            }
        }
    }
    Ok(())
}

pub(super) fn read(c: &DirectoryClient) -> Result<(), String> {
    for ty in TYPES {
        let Ok(r) = first(c, ty) else { continue };
        let a = c.get(&format!("{ty}/{}", id(&r)), &[])?;
        status(&a, 200, ty)?;
        ensure(a.json()? == r, || format!("{ty}: the read differs from the search"))?;
        let tag = format!("W/\"{}\"", text(&r, "/meta/versionId"));
        ensure(a.header("etag") == tag, || format!("ETag {} instead of {tag}", a.header("etag")))?;
        ensure(a.header("last-modified").ends_with("GMT"), || "no Last-Modified".into())?;
        ensure(a.header("content-type").starts_with("application/fhir+json"), || a.header("content-type").to_owned())?;
    }
    Ok(())
}

pub(super) fn read_unknown(c: &DirectoryClient) -> Result<(), String> {
    let a = c.get("Practitioner/does-not-exist", &[])?;
    status(&a, 404, "unknown id")?;
    ensure(a.body.contains("Resource not found with id: does-not-exist"), || a.body.clone())?;
    let a = c.get("Patient/1", &[])?;
    status(&a, 404, "unknown type")?;
    ensure(a.body.contains("Resource type not supported"), || a.body.clone())
}

pub(super) fn conditional(c: &DirectoryClient) -> Result<(), String> {
    let path = format!("Practitioner/{}", id(&first(c, "Practitioner")?));
    let tag = c.get(&path, &[])?.header("etag").to_owned();
    for value in [tag.as_str(), &format!("W/\"999\", {tag}"), "*"] {
        let a = c.get(&path, &[("if-none-match", value)])?;
        status(&a, 304, value)?;
        ensure(a.body.is_empty() && a.header("etag") == tag, || "a 304 has the ETag and no body".into())?;
    }
    status(&c.get(&path, &[("if-none-match", "W/\"999\"")])?, 200, "another tag")
}

pub(super) fn conditional_bundle(c: &DirectoryClient) -> Result<(), String> {
    let path = "Practitioner?family=a&_count=2";
    let tag = c.get(path, &[])?.header("etag").to_owned();
    ensure(!tag.is_empty(), || "a bundle without ETag".into())?;
    status(&c.get(path, &[("if-none-match", &tag)])?, 304, "the same bundle")?;
    status(&c.get("Practitioner?family=b&_count=2", &[("if-none-match", &tag)])?, 200, "another query")
}

pub(super) fn vread(c: &DirectoryClient) -> Result<(), String> {
    let r = first(c, "Organization")?;
    let path = format!("Organization/{}/_history", id(&r));
    let history = c.bundle(&path)?;
    for e in history["entry"].as_array().into_iter().flatten() {
        let version = text(e, "/resource/meta/versionId");
        let a = c.get(&format!("{path}/{version}"), &[])?;
        status(&a, 200, version)?;
        ensure(a.json()? == e["resource"], || format!("version {version} differs from the history"))?;
    }
    status(&c.get(&format!("{path}/999999"), &[])?, 404, "a version that never was")
}

pub(super) fn history(c: &DirectoryClient) -> Result<(), String> {
    let r = first(c, "Practitioner")?;
    for path in [format!("Practitioner/{}/_history", id(&r)), "Practitioner/_history?_count=5".into(), "_history?_count=5".into()]
    {
        let b = c.bundle(&path)?;
        ensure(b["type"] == "history" && !b["meta"]["lastUpdated"].is_null(), || format!("{path}: type and meta"))?;
        for e in b["entry"].as_array().into_iter().flatten() {
            ensure(!text(e, "/request/method").is_empty() && !text(e, "/response/status").is_empty(), || {
                format!("{path}: request and response")
            })?;
        }
    }
    let b = c.bundle("_history?_since=2999-01-01T00:00:00Z")?;
    ensure(b["entry"].is_null() && b["total"] == 0, || "the future has entries".into())?;
    status(&c.get("Practitioner/none/_history", &[])?, 404, "history of nothing")
}

pub(super) fn restricted(c: &DirectoryClient) -> Result<(), String> {
    let base = c.url("");
    let Some((root, _)) = base.split_once("/fhir/") else { return Ok(()) };
    for path in ["Person", "Practitioner", "metadata"] {
        status(&c.get(&format!("{root}/fhir/dr/{path}"), &[])?, 401, path)?;
    }
    Ok(())
}

pub(super) fn other_server(c: &DirectoryClient) -> Result<(), String> {
    let roles = c.bundle("PractitionerRole?_count=50")?;
    let to = roles["entry"].as_array().into_iter().flatten().find_map(|e| e["resource"]["organization"]["reference"].as_str());
    let to = to.ok_or("no role has a structure")?;
    let t = |address: &str| total_of(c, &format!("PractitionerRole?organization={}&_count=0", encode(address)));
    let wanted = t(to)?;
    let ours =
        text(&c.bundle(&format!("Organization?_id={}", to.trim_start_matches("Organization/")))?, "/entry/0/fullUrl").to_owned();
    ensure(wanted > 0 && t(&ours)? == wanted, || format!("{ours} is not {to}"))?;
    ensure(t(&format!("https://autre.example/fhir/v2/{to}"))? == 0, || "another server is taken for ours".into())
}

pub(super) fn gone(c: &DirectoryClient) -> Result<(), String> {
    let mut known = BTreeSet::new();
    for order in ["_lastUpdated", "-_lastUpdated"] {
        let b = c.bundle(&format!("_history?_count=40&_sort={order}"))?;
        known.extend(
            b["entry"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|e| format!("{}/{}", text(e, "/resource/resourceType"), text(e, "/resource/id"))),
        );
    }
    for path in known {
        let a = c.get(&path, &[])?;
        ensure(a.status == 200 || a.status == 410, || format!("{path}: {}", a.status))?;
        if a.status == 410 {
            ensure(text(&a.json()?, "/issue/0/code") == "deleted", || a.body.clone())?;
            let history = c.bundle(&format!("{path}/_history"))?;
            ensure(!history["entry"].is_null(), || format!("{path}: gone without a history"))?;
            let total = total_of(
                c,
                &format!(
                    "{}?_id={}&_count=0",
                    path.split('/').next().unwrap_or_default(),
                    path.split('/').nth(1).unwrap_or_default()
                ),
            )?;
            ensure(total == 0, || format!("{path} is gone and found"))?;
        }
    }
    Ok(())
}
