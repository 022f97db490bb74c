//! What cases share: questions to the directory, and assertions that say why they fail.

use crate::client::{DirectoryClient, HttpAnswer};
use serde_json::Value;
use std::collections::BTreeSet;

/// Types of the public perimeter.
pub(super) const TYPES: [&str; 5] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"];

pub(super) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

pub(super) fn status(a: &HttpAnswer, wanted: u16, what: &str) -> Result<(), String> {
    ensure(a.status == wanted, || format!("{what}: status {} instead of {wanted}: {}", a.status, a.body))
}

pub(super) fn total_of(c: &DirectoryClient, path: &str) -> Result<u64, String> {
    c.bundle(path)?["total"].as_u64().ok_or_else(|| format!("{path}: no total"))
}

/// The first resource of a type.
pub(super) fn first(c: &DirectoryClient, ty: &str) -> Result<Value, String> {
    let b = c.bundle(&format!("{ty}?_count=1"))?;
    b.pointer("/entry/0/resource").cloned().ok_or_else(|| format!("the directory has no {ty}"))
}

pub(super) fn id(r: &Value) -> String {
    r["id"].as_str().unwrap_or_default().to_owned()
}

pub(super) fn ids(resources: &[Value]) -> BTreeSet<String> {
    resources.iter().map(id).collect()
}

pub(super) fn text<'a>(v: &'a Value, pointer: &str) -> &'a str {
    v.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn encode(s: &str) -> String {
    s.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
