//! Includes, dates and page sizes, as the references document them.

use annuaire_base::date::parse_instant;
use annuaire_index::Filter;
use annuaire_terms::ParamId;

use super::dates::{period, updated};
use super::includes::IncludeReach::{Iterate, MatchesOnly};
use super::includes::{include, links_to, revinclude};
use super::results::{PageOrder, PageSize, first_criterion, page_size, sort};
use crate::limits;

#[test]
fn include_matrix() {
    let mut out = Vec::new();
    assert!(include("PractitionerRole", "*", MatchesOnly, &mut out).is_ok() && out.len() == 2);
    for bad in [":partof", "Organization:", "Organization", "Organ:partof", "Organization:partofs", "Practitioner:partof"] {
        assert!(include("Organization", bad, MatchesOnly, &mut out).is_err(), "{bad}");
    }
    assert!(include("Practitioner", "*", MatchesOnly, &mut out).is_err());
    assert!(include("Practitioner", "Organization:partof", Iterate, &mut out).is_ok());
    assert!(revinclude("Practitioner", "HealthcareService:organization", MatchesOnly, &mut out).is_err());
    assert!(revinclude("Practitioner", "HealthcareService:organization", Iterate, &mut out).is_ok());
    for (item, count) in [("*", 2), ("PractitionerRole:*", 2), ("PractitionerRole:organization:Organization", 1)] {
        out.clear();
        assert!(include("PractitionerRole", item, MatchesOnly, &mut out).is_ok() && out.len() == count, "{item}");
    }
    for (item, count) in [("*", 4), ("PractitionerRole:*", 1), ("PractitionerRole:organization:Organization", 1)] {
        out.clear();
        assert!(revinclude("Organization", item, MatchesOnly, &mut out).is_ok() && out.len() == count, "{item}");
    }
    for bad in
        ["PractitionerRole:organization:Practitioner", "PractitionerRole:organization:", "Device:*", "*:*", "PractitionerRole:"]
    {
        let fault = include("PractitionerRole", bad, MatchesOnly, &mut out).unwrap_err();
        assert!(fault.hint.contains("PractitionerRole:organization"), "{bad}: {}", fault.hint);
    }
    for bad in
        ["PractitionerRole:organization:Practitioner", "PractitionerRole:practitioner", "Practitioner:*", "Organization:partof:"]
    {
        let fault = revinclude("Organization", bad, MatchesOnly, &mut out).unwrap_err();
        assert!(fault.hint.contains("PractitionerRole:organization"), "{bad}: {}", fault.hint);
    }
    assert_eq!(sort("Device", "-_lastUpdated,_id").ok().unwrap(), Some(PageOrder::Updated { down: true }));
    assert!(sort("Device", "name").is_err());
    let sources: Vec<_> = links_to("Organization").map(|(s, p)| format!("{s}:{}", p.name)).collect();
    assert_eq!(sources.len(), 4);
    assert!(sources.contains(&"Organization:partof".to_owned()));
}

/// The instants just before, inside and just after 1 November 2022, 14:20:00 UTC.
#[test]
fn date_operators() {
    let literal = "2022-11-01T14:20:00Z";
    let (start, end) = parse_instant(literal).unwrap();
    let instants = [start - 1, start, end + 1];
    let hit = |f: &Filter, at: i64| match f {
        Filter::Updated { from_ms, before_ms } => from_ms.is_none_or(|f| at >= f) && before_ms.is_none_or(|b| at < b),
        _ => panic!("{f:?}"),
    };
    let kept = |prefix: &str| {
        let filter = updated(&format!("{prefix}{literal}")).ok().unwrap();
        let hit = |at| match &filter {
            Filter::Not(inner) => !hit(inner, at),
            f => hit(f, at),
        };
        (0..3).filter(|i| hit(instants[*i])).collect::<Vec<_>>()
    };
    for (prefix, expected) in [
        ("", vec![1]),
        ("eq", vec![1]),
        ("ap", vec![1]),
        ("ne", vec![0, 2]),
        ("gt", vec![2]),
        ("sa", vec![2]),
        ("ge", vec![1, 2]),
        ("lt", vec![0]),
        ("eb", vec![0]),
        ("le", vec![0, 1]),
    ] {
        assert_eq!(kept(prefix), expected, "{prefix}");
    }
    assert!(updated("zz2022").is_err());
    assert!(updated("gt2022-13-01").is_err());
}

/// The table of fhir-api §6.4.
#[test]
fn the_documented_dates_match_the_documented_number() {
    let stock: Vec<i64> =
        ["2022-12-01T14:20", "2022-11-01T14:20", "2022-10-01T14:20", "2122-04-10T10:20", "2122-04-11T10:20", "2123-04-11T10:20"]
            .into_iter()
            .map(|s| parse_instant(s).unwrap().0)
            .collect();
    let kept = |value: &str, at: i64| match updated(value).ok().unwrap() {
        Filter::Updated { from_ms, before_ms } => from_ms.is_none_or(|f| at >= f) && before_ms.is_none_or(|b| at < b),
        other => panic!("{other:?}"),
    };
    for (values, count) in [
        (&["gt2022-11-01T14:20"][..], 4),
        (&["ge2022-11-01T14:20"], 5),
        (&["lt2022-11-01T14:20"], 1),
        (&["ge2022-11-01T14:20", "lt2023-03-01"], 2),
        (&["gt2022-11-01"], 4),
        (&["ge2022-11-01"], 5),
        (&["eq2022"], 3),
        (&["2122-04"], 2),
        (&["ge0001-01-01"], 6),
        (&["lt0001-01-01"], 0),
        (&["le9999-12-31"], 6),
        (&["gt9999-12-31"], 0),
        (&["2022-11-01T14:20:00"], 1),
        (&["2022-11-01T15:20:00+02:00"], 1),
    ] {
        assert_eq!(stock.iter().filter(|at| values.iter().all(|v| kept(v, **at))).count(), count, "{values:?}");
    }
    for bad in ["ge2022-00", "2022-13", "ge2022-02-30", "0000", "ge", "2022-11-01T25:00", "gege2022", "ge2022-11-01T14:20+15:00"]
    {
        assert!(updated(bad).is_err() && period(ParamId::new(1), bad).is_err(), "{bad}");
    }
}

#[test]
fn counts() {
    assert_eq!(page_size("").ok().unwrap(), None);
    assert_eq!(page_size("10000").ok().unwrap(), Some(PageSize { entries: limits::PAGE_CAP, lowered: true }));
    assert_eq!(page_size("-4").ok().unwrap(), Some(PageSize { entries: 0, lowered: false }));
    assert!(page_size("x").is_err() && page_size("50000001").is_err());
}

#[test]
fn the_first_criterion_is_no_result_parameter() {
    assert_eq!(first_criterion("_count=1&name:exact=a").ok().unwrap().as_deref(), Some("name"));
    assert_eq!(first_criterion("_count=1").ok().unwrap(), None);
}
