//! Cases of what a search answers: totals, pages, order, includes, cut resources.

use super::questions::{TYPES, encode, ensure, id, status, text, total_of};
use crate::client::{DirectoryClient, link};
use std::collections::BTreeSet;

pub(super) fn count(c: &DirectoryClient) -> Result<(), String> {
    let b = c.bundle("Practitioner?_count=3")?;
    ensure(b["entry"].as_array().map_or(0, Vec::len) <= 3, || "more than _count".into())?;
    let b = c.bundle("Practitioner?_count=0")?;
    ensure(b["total"].is_u64() && b["entry"].is_null(), || "_count=0 gives the total alone".into())?;
    status(&c.get("Practitioner?_count=100000", &[])?, 200, "a large _count is lowered")?;
    status(&c.get("Practitioner?_count=x", &[])?, 400, "_count=x")
}

pub(super) fn total(c: &DirectoryClient) -> Result<(), String> {
    ensure(c.bundle("Device?_total=none&_count=1")?["total"].is_null(), || "_total=none gives a total".into())?;
    ensure(c.bundle("Device?_total=accurate&_count=1")?["total"].is_u64(), || "_total=accurate gives none".into())?;
    status(&c.get("Device?_total=maybe", &[])?, 400, "_total=maybe")
}

pub(super) fn includes(c: &DirectoryClient) -> Result<(), String> {
    for path in [
        "PractitionerRole?_include=PractitionerRole:practitioner&_include=PractitionerRole:organization&_count=2",
        "PractitionerRole?_include=*&_count=2",
        "Organization?_include=Organization:partof&_count=2",
        "PractitionerRole?_include=PractitionerRole:organization&_include:iterate=Organization:partof&_count=2",
    ] {
        let b = c.bundle(path)?;
        let e = b["entry"].as_array().cloned().unwrap_or_default();
        ensure(e.iter().all(|e| ["match", "include"].contains(&text(e, "/search/mode"))), || format!("{path}: search.mode"))?;
    }
    for bad in [":partof", "Organization:", "Organization", "Organ:partof", "Organization:partofs", "Practitioner:partof"] {
        status(&c.get(&format!("Organization?_include={bad}"), &[])?, 400, bad)?;
    }
    Ok(())
}

pub(super) fn revinclude(c: &DirectoryClient) -> Result<(), String> {
    let b = c.bundle("Practitioner?_count=5&_revinclude=PractitionerRole:practitioner")?;
    let entries = b["entry"].as_array().cloned().unwrap_or_default();
    for m in entries.iter().filter(|e| e["search"]["mode"] == "match") {
        let target = format!("Practitioner/{}", id(&m["resource"]));
        let got = entries.iter().filter(|e| text(e, "/resource/practitioner/reference") == target).count() as u64;
        let wanted = total_of(c, &format!("PractitionerRole?practitioner={target}&_count=0"))?;
        ensure(got == wanted, || format!("{target}: {got} roles instead of {wanted}"))?;
    }
    Ok(())
}

pub(super) fn no_dangling(c: &DirectoryClient) -> Result<(), String> {
    for (ty, member) in [
        ("PractitionerRole", "organization"),
        ("PractitionerRole", "practitioner"),
        ("Organization", "partOf"),
        ("HealthcareService", "providedBy"),
        ("Device", "owner"),
    ] {
        let b = c.bundle(&format!("{ty}?_count=20"))?;
        for e in b["entry"].as_array().into_iter().flatten() {
            let to = text(&e["resource"], &format!("/{member}/reference")).to_owned();
            if !to.is_empty() {
                status(&c.get(&to, &[])?, 200, &format!("{ty}/{} points to {to}", id(&e["resource"])))?;
            }
        }
    }
    Ok(())
}

pub(super) fn paging(c: &DirectoryClient) -> Result<(), String> {
    for ty in TYPES {
        let all = c.walk(&format!("{ty}?_count=177"))?;
        let total = total_of(c, &format!("{ty}?_count=0"))?;
        ensure(all.len() as u64 == total, || format!("{ty}: {} resources, total {total}", all.len()))?;
    }
    let page = c.bundle("Practitioner?_count=2")?;
    let Some(next) = link(&page, "next") else { return Ok(()) };
    let (one, two) = (c.bundle(&next)?, c.bundle(&next)?);
    ensure(one == two, || "the same next link gives two answers".into())?;
    ensure(one["total"] == page["total"], || "the total changes between pages".into())?;
    if let Some(previous) = link(&one, "previous") {
        ensure(c.bundle(&previous)?["entry"] == page["entry"], || "previous is not the page before".into())?;
    }
    Ok(())
}

pub(super) fn tampered(c: &DirectoryClient) -> Result<(), String> {
    let Some(next) = link(&c.bundle("Practitioner?_count=1")?, "next") else { return Ok(()) };
    let mut bad = next.clone();
    let last = bad.pop().unwrap_or('A');
    bad.push(if last == 'A' { 'B' } else { 'A' });
    let a = c.get(&bad, &[])?;
    ensure(a.status == 400 || a.status == 410, || format!("status {}", a.status))?;
    ensure(!a.body.contains("\"entry\""), || "data behind a forged token".into())?;
    status(&c.get("_page", &[])?, 400, "_page without id")
}

pub(super) fn sorting(c: &DirectoryClient) -> Result<(), String> {
    let up: Vec<String> = c.walk("Organization?_sort=_id&_count=97&_elements=name")?.iter().map(id).collect();
    ensure(up.is_sorted(), || "_sort=_id is not sorted".into())?;
    let mut down: Vec<String> = c.walk("Organization?_sort=-_id&_count=97&_elements=name")?.iter().map(id).collect();
    down.reverse();
    ensure(up == down, || "-_id is not the reverse of _id".into())?;
    let dates: Vec<String> = c
        .walk("Organization?_sort=-_lastUpdated&_count=500&_elements=name")?
        .iter()
        .map(|r| text(r, "/meta/lastUpdated").to_owned())
        .collect();
    ensure(dates.iter().rev().is_sorted() && dates.len() == up.len(), || "-_lastUpdated is not sorted".into())?;
    status(&c.get("Organization?_sort=name", &[])?, 400, "an unknown key")
}

pub(super) fn elements(c: &DirectoryClient) -> Result<(), String> {
    for q in ["_elements=name", "_summary=true"] {
        let b = c.bundle(&format!("Practitioner?{q}&_count=1"))?;
        let r = &b["entry"][0]["resource"];
        ensure(text(r, "/meta/tag/0/code") == "SUBSETTED" && !r["name"].is_null() && r["qualification"].is_null(), || {
            format!("{q}: {r}")
        })?;
    }
    ensure(c.bundle("Practitioner?_summary=count")?["entry"].is_null(), || "_summary=count has entries".into())
}

pub(super) fn page_keeps(c: &DirectoryClient) -> Result<(), String> {
    let a = c.get("Practitioner?_count=3&_elements=name&_format=xml", &[])?;
    status(&a, 200, "the first page")?;
    let at = a.body.find("<relation value=\"next\"/>").ok_or("no next link")?;
    let next = a.body[at..].split("<url value=\"").nth(1).and_then(|u| u.split('"').next()).ok_or("no next address")?;
    let b = c.get(&next.replace("&amp;", "&"), &[])?;
    status(&b, 200, "the next page")?;
    ensure(b.header("content-type").starts_with("application/fhir+xml"), || format!("then {}", b.header("content-type")))?;
    ensure(b.body.matches("<fullUrl").count() == 3 && b.body.matches("SUBSETTED").count() == 3, || {
        "another size or other members".into()
    })
}

/// Includes of a search, as `Type/id`.
fn brought(c: &DirectoryClient, path: &str) -> Result<BTreeSet<String>, String> {
    let b = c.bundle(path)?;
    let included = b["entry"].as_array().into_iter().flatten().filter(|e| text(e, "/search/mode") == "include");
    Ok(included.map(|e| format!("{}/{}", text(e, "/resource/resourceType"), text(e, "/resource/id"))).collect())
}

pub(super) fn include_forms(c: &DirectoryClient) -> Result<(), String> {
    let by = |form: &str| brought(c, &format!("PractitionerRole?_count=20&_include={form}"));
    let one = by("PractitionerRole:organization")?;
    let mut both = one.clone();
    both.extend(by("PractitionerRole:practitioner")?);
    ensure(by("*")? == both && by("PractitionerRole:*")? == both, || "* and Type:* do not bring all".into())?;
    ensure(by("PractitionerRole:organization:Organization")? == one, || "a target type that is the right one".into())?;
    let to = |form: &str| brought(c, &format!("Practitioner?_count=20&_revinclude={form}"));
    let roles = to("PractitionerRole:practitioner")?;
    for form in ["*", "PractitionerRole:*", "PractitionerRole:practitioner:Practitioner"] {
        ensure(to(form)? == roles, || format!("_revinclude={form}"))?;
    }
    for bad in [
        "_include=PractitionerRole:organization:Practitioner",
        "_include=Device:*",
        "_revinclude=PractitionerRole:organization:Device",
    ] {
        let a = c.get(&format!("PractitionerRole?{bad}"), &[])?;
        status(&a, 400, bad)?;
    }
    Ok(())
}

pub(super) fn watermark(c: &DirectoryClient) -> Result<(), String> {
    let page = c.bundle("Practitioner?_count=1")?;
    let mark = text(&page, "/meta/lastUpdated").to_owned();
    ensure(!mark.is_empty(), || "a searchset without meta.lastUpdated".into())?;
    if let Some(next) = link(&page, "next") {
        ensure(text(&c.bundle(&next)?, "/meta/lastUpdated") == mark, || "the mark moves between pages".into())?;
    }
    let newest = c.bundle("Practitioner?_sort=-_lastUpdated&_count=1")?;
    ensure(text(&newest, "/entry/0/resource/meta/lastUpdated") <= mark.as_str(), || "a resource is newer than the mark".into())?;
    let later = total_of(c, &format!("Practitioner?_lastUpdated=gt{}&_count=0", encode(&mark)))?;
    ensure(later == 0 || text(&c.bundle("Practitioner?_count=1")?, "/meta/lastUpdated") > mark.as_str(), || {
        "older than what it answers".into()
    })
}
