//! The cases. Each finds what it needs in the directory itself, so that it runs on any data.

use crate::{Answer, Client, link, profile, schema_order};
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
    ("every answer follows the R4 model in JSON, and the order of its schema in XML (HTTP-1)", answers_follow_the_model),
    ("the pages that follow keep format, size and members of the first", page_keeps),
    ("includes by *, Type:*, Type:parameter:Target; another target is refused", include_forms),
    (":identifier on a reference answers as the chain", reference_identifier),
    ("an address of another server is none of ours", other_server),
    ("a value of signs only does not find everything", signs),
    ("an unknown modifier is ignored and said, strict handling refuses it", unknown_modifier),
    ("dates: any year is answered at once, a day that never was is refused", dates),
    ("_lastUpdated is cut in the time of Paris, daylight saving included", paris),
    ("a control character is refused", control),
    ("malformed queries are refused", malformed),
    ("refusals: the documented text in diagnostics, the help in details, the kind in code", refusals),
    ("bundles carry the watermark of their state, and asking from it loses nothing", watermark),
    ("what has a history is read, or is gone with 410; never 404", gone),
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
    let double = c.walk("Practitioner?_count=1000&_elements=name")?;
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

/// The address of a page of every kind of answer.
fn routes(c: &Client) -> Result<Vec<String>, String> {
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

fn answers_follow_the_model(c: &Client) -> Result<(), String> {
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

fn page_keeps(c: &Client) -> Result<(), String> {
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
fn brought(c: &Client, path: &str) -> Result<BTreeSet<String>, String> {
    let b = c.bundle(path)?;
    let included = b["entry"].as_array().into_iter().flatten().filter(|e| text(e, "/search/mode") == "include");
    Ok(included.map(|e| format!("{}/{}", text(e, "/resource/resourceType"), text(e, "/resource/id"))).collect())
}

fn include_forms(c: &Client) -> Result<(), String> {
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

fn reference_identifier(c: &Client) -> Result<(), String> {
    let mut found = 0;
    for place in c.walk("Organization?_count=200&_elements=identifier")?.iter().take(200).step_by(10) {
        let i = &place["identifier"][0];
        let value = format!("{}%7C{}", encode(text(i, "/system")), encode(text(i, "/value")));
        let (here, chain) = (
            total_of(c, &format!("PractitionerRole?organization:identifier={value}&_count=0"))?,
            total_of(c, &format!("PractitionerRole?organization.identifier={value}&_count=0"))?,
        );
        ensure(here == chain, || format!("{value}: {here} by identifier, {chain} by the chain"))?;
        found += here;
    }
    ensure(found > 0, || "none of the structures has a role".into())
}

fn other_server(c: &Client) -> Result<(), String> {
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

fn signs(c: &Client) -> Result<(), String> {
    let all = total_of(c, "Practitioner?_count=0")?;
    for query in ["family=-", "family:contains=-", "name=%27", "given=.", "name=%CC%81", "name=,", "name=%20", "identifier=%7C"] {
        let a = c.get(&format!("Practitioner?{query}&_count=0"), &[])?;
        let few = a.status == 400 || (a.status == 200 && a.json()?["total"].as_u64().is_some_and(|n| n < all));
        ensure(few, || format!("{query}: {}", a.body))?;
    }
    Ok(())
}

fn unknown_modifier(c: &Client) -> Result<(), String> {
    let (b, plain) = (c.bundle("Practitioner?name:family=a&_count=2")?, c.bundle("Practitioner?name=a&_count=2")?);
    ensure(b["total"] == plain["total"], || "another result than without it".into())?;
    let outcome = b["entry"].as_array().and_then(|e| e.last()).ok_or("no entry")?;
    ensure(text(outcome, "/search/mode") == "outcome" && text(outcome, "/fullUrl").starts_with("urn:uuid:"), || {
        outcome.to_string()
    })?;
    ensure(text(outcome, "/resource/issue/0/diagnostics").contains("name:family"), || outcome.to_string())?;
    let a = c.get("Practitioner?name:family=a", &[("prefer", "handling=strict")])?;
    status(&a, 400, "strict")?;
    ensure(text(&a.json()?, "/issue/0/code") == "not-supported", || a.body.clone())
}

fn dates(c: &Client) -> Result<(), String> {
    let all = total_of(c, "Practitioner?_count=0")?;
    for (query, wanted) in [
        ("ge0001-01-01", all),
        ("ge0001-01-01T00:00:00", all),
        ("ge1000-01-01", all),
        ("lt1960-12-31", 0),
        ("le9999-12-31", all),
        ("gt9999-12-31T23:59:59", 0),
    ] {
        let start = std::time::Instant::now();
        let found = total_of(c, &format!("Practitioner?_lastUpdated={query}&_count=0"))?;
        ensure(found == wanted, || format!("{query}: {found} instead of {wanted}"))?;
        ensure(start.elapsed().as_secs() < 5, || format!("{query} takes {:?}", start.elapsed()))?;
    }
    for bad in
        ["ge2022-00", "2022-13", "2022-02-30", "2023-02-29", "0000", "2022-01-01T24:00", "2022-01-01T10:00:00%2B15:00", "ge", "x"]
    {
        status(&c.get(&format!("Practitioner?_lastUpdated={bad}"), &[])?, 400, bad)?;
        status(&c.get(&format!("Organization?period={bad}"), &[])?, 400, bad)?;
    }
    Ok(())
}

fn paris(c: &Client) -> Result<(), String> {
    let t = |literal: &str| total_of(c, &format!("Practitioner?_lastUpdated={}&_count=0", encode(literal)));
    for (local, utc) in [
        ("ge2026-07-01", "ge2026-06-30T22:00:00Z"),
        ("ge2026-01-15", "ge2026-01-14T23:00:00Z"),
        ("lt2026-10-25T04:00", "lt2026-10-25T03:00Z"),
    ] {
        ensure(t(local)? == t(utc)?, || format!("{local} is not {utc}"))?;
    }
    // The day and the minute of a resource, in the time of Paris whatever the season, hold it.
    let r = first(c, "Practitioner")?;
    let day = text(&r, "/meta/lastUpdated").get(..7).unwrap_or_default().to_owned();
    ensure(t(&day)? > 0, || format!("nothing in {day}"))
}

fn control(c: &Client) -> Result<(), String> {
    for query in [
        "Practitioner?_id=a%00",
        "Practitioner?_id=a%01b",
        "Practitioner?identifier=a%0Ab",
        "Practitioner?active=%7F",
        "PractitionerRole?organization=a%09b",
        "PractitionerRole?organization.identifier=a%1F",
        "HealthcareService?_profile=a%0D",
        "Practitioner?name=a%00",
        "Practitioner?na%00me=a",
    ] {
        let a = c.get(query, &[])?;
        status(&a, 400, query)?;
        ensure(text(&a.json()?, "/issue/0/diagnostics") == "Bad parameter value.", || a.body.clone())?;
    }
    Ok(())
}

fn malformed(c: &Client) -> Result<(), String> {
    for query in ["name=%", "name=%G1", "name=%FF", "=a", "_count=1&_count=2", "_total=none&_total=accurate"] {
        status(&c.get(&format!("Practitioner?{query}"), &[])?, 400, query)?;
    }
    for query in [
        "&&_count=1&",
        "name=a+b&_count=1",
        "name=a%2Bb&_count=1",
        "active=true&active=true&_count=1",
        "_count=1&_count=1",
        "name=&_count=1",
    ] {
        status(&c.get(&format!("Practitioner?{query}"), &[])?, 200, query)?;
    }
    Ok(())
}

fn refusals(c: &Client) -> Result<(), String> {
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

fn watermark(c: &Client) -> Result<(), String> {
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

fn gone(c: &Client) -> Result<(), String> {
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
