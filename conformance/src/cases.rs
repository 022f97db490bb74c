//! The cases. Each finds what it needs in the directory itself, so that it runs on any data.

use crate::{Answer, Client, link, profile};
use serde_json::Value;
use std::collections::BTreeSet;

/// A case: passes, or says why not.
pub type Case = fn(&Client) -> Result<(), String>;

const TYPES: [&str; 5] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"];

/// All cases by name.
pub const ALL: &[(&str, Case)] = &[
    ("metadata has what R4 requires and every line of it works", metadata),
    ("read answers 200 with ETag and Last-Modified (COND-1)", read),
    ("read of an unknown id or type is 404 with the documented text", read_unknown),
    ("conditional read: 304 on If-None-Match, lists and * (COND-2, COND-3)", conditional),
    ("search bundles answer 304 when nothing changed (COND-6)", conditional_bundle),
    ("vread gives each version, and only those", vread),
    ("an unknown parameter is 400 with the documented text", unknown_parameter),
    ("lenient handling ignores it and says so (HTTP-4)", lenient),
    ("_count: lowered, zero, refused (SRCH-6)", count),
    ("_total takes three values", total),
    ("accents, case, hyphens and apostrophes compare equal (SRCH-1)", folding),
    ("a longer prefix keeps a subset (SRCH-2, complaint: family=frasl times out)", prefixes),
    ("comma is OR, repetition is AND (SRCH-3)", or_and),
    ("66 excluded categories are all excluded (complaint: :not with several values)", negation),
    ("tokens: code, system|code, system|, :missing, :of-type", tokens),
    ("name:contains finds the middle of a name (complaint: ANGYAL-SIDO)", contains),
    ("include matrix: documented values work, others are 400", includes),
    ("_revinclude brings the roles of each match", revinclude),
    ("roles point to structures that exist (complaint: dangling references)", no_dangling),
    ("chaining and _has agree with two requests (complaint: search by place)", chaining),
    ("paging: every resource once, exact total, stable next (SRCH-5)", paging),
    ("a tampered page token gives an error and no data", tampered),
    ("_lastUpdated cuts the directory in two without loss", last_updated),
    ("_sort=_id is total and stable (SRCH-7)", sorting),
    ("_elements and _summary mark what they cut (SRCH-10)", elements),
    ("_history of instance, type and system (HIST-1, HIST-3, HIST-5)", history),
    ("POST _search answers as GET, with or without charset", post_search),
    ("XML and JSON of every answer hold the same (HTTP-1, T13)", xml),
    ("an unknown format is 406 (HTTP-2)", not_acceptable),
    ("gzip holds the same bytes (HTTP-6)", gzip),
    ("writes are refused", writes),
    ("errors are OperationOutcomes (HTTP-3)", outcomes),
    ("the restricted perimeter is closed to strangers", restricted),
    ("resources follow their profiles and the R4 model", profiles),
];

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn status(a: &Answer, wanted: u16, what: &str) -> Result<(), String> {
    ensure(a.status == wanted, || format!("{what}: status {} instead of {wanted}: {}", a.status, a.body))
}

fn total_of(c: &Client, path: &str) -> Result<u64, String> {
    c.bundle(path)?["total"].as_u64().ok_or_else(|| format!("{path}: no total"))
}

/// The first resource of a type.
fn first(c: &Client, ty: &str) -> Result<Value, String> {
    let b = c.bundle(&format!("{ty}?_count=1"))?;
    b.pointer("/entry/0/resource").cloned().ok_or_else(|| format!("the directory has no {ty}"))
}

fn id(r: &Value) -> String {
    r["id"].as_str().unwrap_or_default().to_owned()
}

fn ids(resources: &[Value]) -> BTreeSet<String> {
    resources.iter().map(id).collect()
}

fn text<'a>(v: &'a Value, pointer: &str) -> &'a str {
    v.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn encode(s: &str) -> String {
    s.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn metadata(c: &Client) -> Result<(), String> {
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

fn read(c: &Client) -> Result<(), String> {
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

fn read_unknown(c: &Client) -> Result<(), String> {
    let a = c.get("Practitioner/does-not-exist", &[])?;
    status(&a, 404, "unknown id")?;
    ensure(a.body.contains("Resource not found with id: does-not-exist"), || a.body.clone())?;
    let a = c.get("Patient/1", &[])?;
    status(&a, 404, "unknown type")?;
    ensure(a.body.contains("Resource type not supported"), || a.body.clone())
}

fn conditional(c: &Client) -> Result<(), String> {
    let path = format!("Practitioner/{}", id(&first(c, "Practitioner")?));
    let tag = c.get(&path, &[])?.header("etag").to_owned();
    for value in [tag.as_str(), &format!("W/\"999\", {tag}"), "*"] {
        let a = c.get(&path, &[("if-none-match", value)])?;
        status(&a, 304, value)?;
        ensure(a.body.is_empty() && a.header("etag") == tag, || "a 304 has the ETag and no body".into())?;
    }
    status(&c.get(&path, &[("if-none-match", "W/\"999\"")])?, 200, "another tag")
}

fn conditional_bundle(c: &Client) -> Result<(), String> {
    let path = "Practitioner?family=a&_count=2";
    let tag = c.get(path, &[])?.header("etag").to_owned();
    ensure(!tag.is_empty(), || "a bundle without ETag".into())?;
    status(&c.get(path, &[("if-none-match", &tag)])?, 304, "the same bundle")?;
    status(&c.get("Practitioner?family=b&_count=2", &[("if-none-match", &tag)])?, 200, "another query")
}

fn vread(c: &Client) -> Result<(), String> {
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

fn unknown_parameter(c: &Client) -> Result<(), String> {
    let a = c.get("Practitioner?bogus=1", &[])?;
    status(&a, 400, "bogus")?;
    ensure(a.body.contains("Parameter bogus not found for resource Practitioner"), || a.body.clone())
}

fn lenient(c: &Client) -> Result<(), String> {
    let a = c.get("Practitioner?bogus=1&_count=1", &[("prefer", "handling=lenient")])?;
    status(&a, 200, "lenient")?;
    let told = a.json()?["entry"].as_array().into_iter().flatten().any(|e| e["search"]["mode"] == "outcome");
    ensure(told, || "no outcome entry names the ignored parameter".into())
}

fn count(c: &Client) -> Result<(), String> {
    let b = c.bundle("Practitioner?_count=3")?;
    ensure(b["entry"].as_array().map_or(0, Vec::len) <= 3, || "more than _count".into())?;
    let b = c.bundle("Practitioner?_count=0")?;
    ensure(b["total"].is_u64() && b["entry"].is_null(), || "_count=0 gives the total alone".into())?;
    status(&c.get("Practitioner?_count=100000", &[])?, 200, "a large _count is lowered")?;
    status(&c.get("Practitioner?_count=x", &[])?, 400, "_count=x")
}

fn total(c: &Client) -> Result<(), String> {
    ensure(c.bundle("Device?_total=none&_count=1")?["total"].is_null(), || "_total=none gives a total".into())?;
    ensure(c.bundle("Device?_total=accurate&_count=1")?["total"].is_u64(), || "_total=accurate gives none".into())?;
    status(&c.get("Device?_total=maybe", &[])?, 400, "_total=maybe")
}

fn folding(c: &Client) -> Result<(), String> {
    for given in ["françoise", "FRANCOISE", "Fran%C3%A7oise", "francoise"] {
        let wanted = total_of(c, "Practitioner?given=francoise&_count=0")?;
        let got = total_of(
            c,
            &format!("Practitioner?given={}&_count=0", if given.contains('%') { given.to_owned() } else { encode(given) }),
        )?;
        ensure(got == wanted, || format!("{given}: {got} instead of {wanted}"))?;
    }
    let (a, b) = (total_of(c, "Practitioner?family=d%27essai&_count=0")?, total_of(c, "Practitioner?family=D%20ESSAI&_count=0")?);
    ensure(a == b, || format!("the apostrophe makes {a} and {b}"))
}

fn prefixes(c: &Client) -> Result<(), String> {
    let mut larger: Option<BTreeSet<String>> = None;
    for prefix in ["fr", "fra", "fras", "frasl"] {
        let found = ids(&c.walk(&format!("Practitioner?family={prefix}&_count=1000&_elements=name"))?);
        ensure(found.len() as u64 == total_of(c, &format!("Practitioner?family={prefix}&_count=0"))?, || {
            format!("{prefix}: total")
        })?;
        if let Some(larger) = &larger {
            ensure(found.is_subset(larger), || format!("{prefix} keeps what a shorter prefix does not"))?;
        }
        larger = Some(found);
    }
    Ok(())
}

fn or_and(c: &Client) -> Result<(), String> {
    let t = |q: &str| total_of(c, &format!("Practitioner?{q}&_count=0"));
    let (a, b, both) = (t("qualification-code=10")?, t("qualification-code=60")?, t("qualification-code=10,60")?);
    let and = t("qualification-code=10&qualification-code=60")?;
    ensure(both == a + b - and, || format!("{a} or {b} is {both}, both are {and}"))
}

fn negation(c: &Client) -> Result<(), String> {
    let many: Vec<String> = (100..166).map(|n| n.to_string()).collect();
    let all = total_of(c, "Organization?_count=0")?;
    let some = total_of(c, &format!("Organization?type={}&_count=0", many.join(",")))?;
    let not = total_of(c, &format!("Organization?type:not={}&_count=0", many.join(",")))?;
    ensure(all == some + not, || format!("{some} with and {not} without do not make {all}"))
}

fn tokens(c: &Client) -> Result<(), String> {
    let o = first(c, "Practitioner")?;
    let i = &o["identifier"][0];
    let (system, value) = (text(i, "/system"), text(i, "/value"));
    let t = |q: String| total_of(c, &format!("Practitioner?{q}&_count=0"));
    ensure(t(format!("identifier={}", encode(value)))? >= 1, || "by value".into())?;
    ensure(t(format!("identifier={}%7C{}", encode(system), encode(value)))? >= 1, || "by system and value".into())?;
    ensure(t(format!("identifier={}%7C", encode(system)))? >= 1, || "by system".into())?;
    ensure(t(format!("identifier=urn:none%7C{}", encode(value)))? == 0, || "a wrong system finds something".into())?;
    let (ts, tc) = (text(i, "/type/coding/0/system"), text(i, "/type/coding/0/code"));
    let of = |code: &str| t(format!("identifier:of-type={}%7C{code}%7C{}", encode(ts), encode(value)));
    ensure(of(tc)? >= 1 && of("NNFRA")? == 0, || ":of-type".into())?;
    let (all, missing) = (t("_total=accurate".into())?, t("number-smartcard:missing=true".into())?);
    ensure(missing + t("number-smartcard:missing=false".into())? == all, || ":missing true and false make all".into())
}

fn contains(c: &Client) -> Result<(), String> {
    let double = c.walk("Practitioner?family:contains=-&_count=1000&_elements=name");
    // A hyphen folds to a space: any double name does.
    let double = double.or_else(|_| c.walk("Practitioner?_count=1000&_elements=name"))?;
    let Some(family) = double.iter().map(|p| text(p, "/name/0/family")).find(|f| f.contains('-')) else { return Ok(()) };
    let second = family.split('-').nth(1).unwrap_or_default();
    let found = c.walk(&format!("Practitioner?family:contains={}&_count=1000&_elements=name", encode(second)))?;
    ensure(found.iter().any(|p| text(p, "/name/0/family") == family), || format!("{second} does not find {family}"))
}

fn includes(c: &Client) -> Result<(), String> {
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

fn revinclude(c: &Client) -> Result<(), String> {
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

fn no_dangling(c: &Client) -> Result<(), String> {
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

fn chaining(c: &Client) -> Result<(), String> {
    let places = c.walk("Organization?address-city=brest&_count=1000&_elements=name")?;
    let mut wanted = BTreeSet::new();
    for p in &places {
        wanted.extend(ids(&c.walk(&format!("PractitionerRole?organization={}&_count=1000", id(p)))?));
    }
    let chained = ids(&c.walk("PractitionerRole?organization.address-city=brest&_count=1000")?);
    ensure(chained == wanted, || format!("chaining gives {} roles, two requests {}", chained.len(), wanted.len()))?;
    let role = first(c, "PractitionerRole")?;
    let code = text(&role, "/code/0/coding/0/code");
    let has = total_of(c, &format!("Practitioner?_has:PractitionerRole:practitioner:role={}&_count=0", encode(code)))?;
    ensure(has >= 1, || "_has finds nobody".into())
}

fn paging(c: &Client) -> Result<(), String> {
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

fn tampered(c: &Client) -> Result<(), String> {
    let Some(next) = link(&c.bundle("Practitioner?_count=1")?, "next") else { return Ok(()) };
    let mut bad = next.clone();
    let last = bad.pop().unwrap_or('A');
    bad.push(if last == 'A' { 'B' } else { 'A' });
    let a = c.get(&bad, &[])?;
    ensure(a.status == 400 || a.status == 410, || format!("status {}", a.status))?;
    ensure(!a.body.contains("\"entry\""), || "data behind a forged token".into())?;
    status(&c.get("_page", &[])?, 400, "_page without id")
}

fn last_updated(c: &Client) -> Result<(), String> {
    let r = first(c, "Practitioner")?;
    let at = encode(text(&r, "/meta/lastUpdated"));
    let t = |q: &str| total_of(c, &format!("Practitioner?_lastUpdated={q}&_count=0"));
    let all = total_of(c, "Practitioner?_count=0")?;
    ensure(t(&format!("ge{at}"))? + t(&format!("lt{at}"))? == all, || "ge and lt do not make all".into())?;
    ensure(t(&format!("gt{at}"))? + t(&format!("le{at}"))? == all, || "gt and le do not make all".into())?;
    ensure(t(&at)? + t(&format!("ne{at}"))? == all && t(&at)? >= 1, || "eq and ne do not make all".into())?;
    ensure(t("ge1990")? == all && t("lt1990")? == 0, || "a year".into())?;
    status(&c.get("Practitioner?_lastUpdated=yesterday", &[])?, 400, "a bad date")
}

fn sorting(c: &Client) -> Result<(), String> {
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

fn elements(c: &Client) -> Result<(), String> {
    for q in ["_elements=name", "_summary=true"] {
        let b = c.bundle(&format!("Practitioner?{q}&_count=1"))?;
        let r = &b["entry"][0]["resource"];
        ensure(text(r, "/meta/tag/0/code") == "SUBSETTED" && !r["name"].is_null() && r["qualification"].is_null(), || {
            format!("{q}: {r}")
        })?;
    }
    ensure(c.bundle("Practitioner?_summary=count")?["entry"].is_null(), || "_summary=count has entries".into())
}

fn history(c: &Client) -> Result<(), String> {
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

fn post_search(c: &Client) -> Result<(), String> {
    let wanted = c.bundle("Practitioner?family=mar&_count=3")?;
    for kind in ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=UTF-8"] {
        let a = c.post("Practitioner/_search", kind, "family=mar&_count=3")?;
        status(&a, 200, kind)?;
        let b = a.json()?;
        ensure(b["total"] == wanted["total"] && b["entry"] == wanted["entry"], || format!("{kind}: another answer"))?;
    }
    status(&c.post("Practitioner/_search", "application/json", "{}")?, 415, "a JSON body")
}

fn xml(c: &Client) -> Result<(), String> {
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
        // The same values, whatever the notation: every string of the JSON is an attribute of the XML.
        let mut missing = Vec::new();
        strings(&json.json()?, &mut |s| {
            let escaped = s.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            if !xml.body.contains(&format!("\"{escaped}\"")) && !xml.body.contains(&format!("<{s}")) {
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

fn not_acceptable(c: &Client) -> Result<(), String> {
    status(&c.get("Practitioner?_count=1", &[("accept", "text/csv")])?, 406, "Accept: text/csv")?;
    status(&c.get("Practitioner?_count=1&_format=turtle", &[])?, 406, "_format=turtle")?;
    status(&c.get("Practitioner?_count=1&_format=json", &[("accept", "application/fhir+xml")])?, 200, "_format wins")
}

fn gzip(c: &Client) -> Result<(), String> {
    let path = "Practitioner?_count=20";
    let (plain, packed) = (c.get(path, &[("accept-encoding", "identity")])?, c.get(path, &[("accept-encoding", "gzip")])?);
    ensure(packed.header("content-encoding") == "gzip", || "not compressed".into())?;
    ensure(plain.body == packed.body, || "another content".into())?;
    ensure(packed.header("vary").to_lowercase().contains("accept-encoding"), || "Vary".into())
}

fn writes(c: &Client) -> Result<(), String> {
    status(&c.delete("Practitioner/1")?, 403, "DELETE")?;
    status(&c.post("Practitioner", "application/fhir+json", "{}")?, 403, "POST")
}

fn outcomes(c: &Client) -> Result<(), String> {
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

fn restricted(c: &Client) -> Result<(), String> {
    let base = c.url("");
    let Some((root, _)) = base.split_once("/fhir/") else { return Ok(()) };
    for path in ["Person", "Practitioner", "metadata"] {
        status(&c.get(&format!("{root}/fhir/dr/{path}"), &[])?, 401, path)?;
    }
    Ok(())
}

fn profiles(c: &Client) -> Result<(), String> {
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
