//! Cases of criteria: which resources a search finds, and which queries are refused.

use super::questions::{encode, ensure, first, id, ids, status, text, total_of};
use crate::client::DirectoryClient;
use std::collections::BTreeSet;

pub(super) fn unknown_parameter(c: &DirectoryClient) -> Result<(), String> {
    let a = c.get("Practitioner?bogus=1", &[])?;
    status(&a, 400, "bogus")?;
    ensure(a.body.contains("Parameter bogus not found for resource Practitioner"), || a.body.clone())
}

pub(super) fn lenient(c: &DirectoryClient) -> Result<(), String> {
    let a = c.get("Practitioner?bogus=1&_count=1", &[("prefer", "handling=lenient")])?;
    status(&a, 200, "lenient")?;
    let told = a.json()?["entry"].as_array().into_iter().flatten().any(|e| e["search"]["mode"] == "outcome");
    ensure(told, || "no outcome entry names the ignored parameter".into())
}

pub(super) fn folding(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn prefixes(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn or_and(c: &DirectoryClient) -> Result<(), String> {
    let t = |q: &str| total_of(c, &format!("Practitioner?{q}&_count=0"));
    let (a, b, both) = (t("qualification-code=10")?, t("qualification-code=60")?, t("qualification-code=10,60")?);
    let and = t("qualification-code=10&qualification-code=60")?;
    ensure(both == a + b - and, || format!("{a} or {b} is {both}, both are {and}"))
}

pub(super) fn negation(c: &DirectoryClient) -> Result<(), String> {
    let many: Vec<String> = (100..166).map(|n| n.to_string()).collect();
    let all = total_of(c, "Organization?_count=0")?;
    let some = total_of(c, &format!("Organization?type={}&_count=0", many.join(",")))?;
    let not = total_of(c, &format!("Organization?type:not={}&_count=0", many.join(",")))?;
    ensure(all == some + not, || format!("{some} with and {not} without do not make {all}"))
}

pub(super) fn tokens(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn contains(c: &DirectoryClient) -> Result<(), String> {
    let double = c.walk("Practitioner?_count=1000&_elements=name")?;
    let Some(family) = double.iter().map(|p| text(p, "/name/0/family")).find(|f| f.contains('-')) else { return Ok(()) };
    let second = family.split('-').nth(1).unwrap_or_default();
    let found = c.walk(&format!("Practitioner?family:contains={}&_count=1000&_elements=name", encode(second)))?;
    ensure(found.iter().any(|p| text(p, "/name/0/family") == family), || format!("{second} does not find {family}"))
}

pub(super) fn chaining(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn last_updated(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn reference_identifier(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn signs(c: &DirectoryClient) -> Result<(), String> {
    let all = total_of(c, "Practitioner?_count=0")?;
    for query in ["family=-", "family:contains=-", "name=%27", "given=.", "name=%CC%81", "name=,", "name=%20", "identifier=%7C"] {
        let a = c.get(&format!("Practitioner?{query}&_count=0"), &[])?;
        let few = a.status == 400 || (a.status == 200 && a.json()?["total"].as_u64().is_some_and(|n| n < all));
        ensure(few, || format!("{query}: {}", a.body))?;
    }
    Ok(())
}

pub(super) fn unknown_modifier(c: &DirectoryClient) -> Result<(), String> {
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

#[expect(clippy::disallowed_methods, reason = "an answer that takes seconds fails the case")]
pub(super) fn dates(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn paris(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn control(c: &DirectoryClient) -> Result<(), String> {
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

pub(super) fn malformed(c: &DirectoryClient) -> Result<(), String> {
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
