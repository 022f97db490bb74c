//! The search grammar: a query string to a [`Filter`] and its result parameters.

use annuaire_base::date::parse_instant;
use annuaire_fhir::schema::{self, Kind, PARAMS, Param, TYPES};
use annuaire_index::{Filter, Snapshot};

use crate::{Fault, internal, limits};

/// A compiled search.
pub(crate) struct Search {
    pub filter: Filter,
    /// Page size, after the cap.
    pub count: usize,
    /// The page size asked was lowered.
    pub capped: bool,
    pub only_total: bool,
    pub with_total: bool,
    pub elements: Option<Vec<String>>,
    pub includes: Vec<&'static Param>,
    pub revincludes: Vec<(&'static str, &'static Param)>,
    /// Unknown parameters left aside by lenient handling.
    pub ignored: Vec<String>,
}

/// Reference parameters of `ty`.
pub(crate) fn links_from(ty: &str) -> impl Iterator<Item = &'static Param> {
    PARAMS.iter().filter(move |p| p.kind == Kind::Reference && p.types.contains(&ty))
}

/// Reference parameters that point to `ty`, with the type that holds them.
pub(crate) fn links_to(ty: &str) -> impl Iterator<Item = (&'static str, &'static Param)> {
    PARAMS
        .iter()
        .filter(move |p| p.kind == Kind::Reference && p.target == ty)
        .flat_map(|p| p.types.iter().map(move |source| (*source, p)))
}

/// The published type of that name, with its number.
pub(crate) fn known_type(name: &str) -> Option<(&'static str, u8)> {
    let number = schema::type_id(name)?;
    TYPES.get(usize::from(number)).map(|ty| (*ty, number))
}

/// Percent-decodes; `plus` turns `+` into a space. `None` when the result is not UTF-8.
pub(crate) fn decode(text: &str, plus: bool) -> Option<String> {
    let hex = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&b) = bytes.get(i) {
        match (b, hex(bytes.get(i + 1)), hex(bytes.get(i + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 2;
            }
            (b'+', ..) if plus => out.push(b' '),
            _ => out.push(b),
        }
        i += 1;
    }
    String::from_utf8(out).ok()
}

/// Cuts a query on `&` then on the first `=`, and decodes both sides.
pub(crate) fn pairs(raw: &str) -> Result<Vec<(String, String)>, Fault> {
    let bad = || Fault::client("Bad parameter value.");
    raw.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name, true).ok_or_else(bad)?, decode(value, true).ok_or_else(bad)?))
        })
        .collect()
}

/// Position of the first `mark` that no backslash escapes.
fn find_plain(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == mark {
            return Some(i);
        }
    }
    None
}

/// Cuts on plain commas, drops empty values, keeps the escapes.
fn split_values(mut value: &str) -> Vec<&str> {
    let mut out = Vec::new();
    while let Some(i) = find_plain(value, ',') {
        out.push(&value[..i]);
        value = &value[i + 1..];
    }
    out.push(value);
    out.retain(|v| !v.trim().is_empty());
    out
}

/// Removes the backslash of `\,` `\|` `\$` `\\`; any other backslash stays.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next @ (',' | '|' | '$' | '\\'))) => {
                out.push(next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// System and code of a token. A present but empty system means "code without system".
fn token(text: &str) -> (Option<String>, Option<String>) {
    let clean = |t: &str| unescape(t).trim().to_owned();
    match find_plain(text, '|') {
        None => (None, Some(clean(text))),
        Some(i) => {
            let code = clean(&text[i + 1..]);
            (Some(clean(&text[..i])), (!code.is_empty()).then_some(code))
        }
    }
}

/// `Type/id` of a reference value: bare id, `Type/id`, or absolute URL ending so.
fn target(value: &str, ty: &str) -> Result<String, Fault> {
    let parts: Vec<&str> = value.trim().trim_end_matches('/').split('/').collect();
    match parts.as_slice() {
        [id] => Ok(format!("{ty}/{id}")),
        [kind, id] => Ok(format!("{kind}/{id}")),
        [.., kind, id] if value.contains("://") => Ok(format!("{kind}/{id}")),
        _ => Err(Fault::client("Bad parameter value.")),
    }
}

/// A filter that matches nothing.
fn nothing() -> Filter {
    Filter::Not(Box::new(Filter::All))
}

fn any(mut filters: Vec<Filter>) -> Filter {
    match filters.len() {
        1 => filters.pop().unwrap_or_else(nothing),
        0 => nothing(),
        _ => Filter::Or(filters),
    }
}

/// One `_lastUpdated` criterion (fhir-api §6.4): the literal covers an interval, first to last millisecond.
fn date(value: &str) -> Result<Filter, Fault> {
    let bad = || Fault::client(format!("Bad date literal: {value}"));
    let letters = value.bytes().take_while(u8::is_ascii_lowercase).count();
    let (prefix, literal) = value.split_at(letters);
    let (start, end) = parse_instant(&literal.trim().replace(' ', "+")).ok_or_else(bad)?;
    let after = end.saturating_add(1);
    let between = |from_ms, before_ms| Filter::Updated { from_ms, before_ms };
    Ok(match prefix {
        "" | "eq" | "ap" => between(Some(start), Some(after)),
        "ne" => Filter::Not(Box::new(between(Some(start), Some(after)))),
        "gt" | "sa" => between(Some(after), None),
        "ge" => between(Some(start), None),
        "lt" | "eb" => between(None, Some(start)),
        "le" => between(None, Some(after)),
        _ => return Err(bad()),
    })
}

/// First instant of a date literal, for `_since`.
pub(crate) fn since(value: &str) -> Result<i64, Fault> {
    parse_instant(&value.trim().replace(' ', "+"))
        .map(|(first, _)| first)
        .ok_or_else(|| Fault::client(format!("Bad date literal: {value}")))
}

/// Page size and whether it was lowered; `None` keeps the default.
pub(crate) fn count(value: &str) -> Result<Option<(usize, bool)>, Fault> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    match value.parse::<i64>() {
        Ok(n) if n <= 50_000_000 => {
            let n = usize::try_from(n.max(0)).unwrap_or(limits::PAGE_CAP);
            Ok(Some((n.min(limits::PAGE_CAP), n > limits::PAGE_CAP)))
        }
        _ => Err(Fault::client("The _count parameter must be in the FHIR format with an integer value : \"_count=30\"")),
    }
}

/// Compiles the query `raw` of a search on `ty`. Chains and `_has` are resolved against `snap`.
pub(crate) fn compile(snap: &Snapshot, ty: &'static str, raw: &str, lenient: bool) -> Result<Search, Fault> {
    let mut search = Search {
        filter: Filter::All,
        count: limits::PAGE,
        capped: false,
        only_total: false,
        with_total: true,
        elements: None,
        includes: Vec::new(),
        revincludes: Vec::new(),
        ignored: Vec::new(),
    };
    let mut all = Vec::new();
    for (name, value) in pairs(raw)? {
        let outcome = match name.split(':').next().unwrap_or_default() {
            "_format" | "_pretty" => Ok(()),
            "_count" => count(&value).map(|found| {
                if let Some((n, capped)) = found {
                    (search.count, search.capped) = (n, capped);
                }
            }),
            "_total" => match value.as_str() {
                "none" => {
                    search.with_total = false;
                    Ok(())
                }
                "" | "estimate" | "accurate" => {
                    search.with_total = true;
                    Ok(())
                }
                _ => Err(Fault::client("Bad value for the _total parameter. Allowed values are : accurate, none, estimate")),
            },
            "_summary" => match value.as_str() {
                "count" => {
                    search.only_total = true;
                    Ok(())
                }
                "" | "false" => Ok(()),
                _ => Err(Fault::unknown("_summary", ty)),
            },
            "_elements" => {
                let names = value.split(',').map(|n| n.rsplit('.').next().unwrap_or(n).trim().to_owned());
                let names: Vec<String> = names.filter(|n| !n.is_empty()).collect();
                if !names.is_empty() {
                    search.elements.get_or_insert_default().extend(names);
                }
                Ok(())
            }
            "_include" => include(ty, &value, &mut search.includes),
            "_revinclude" | "_revInclude" => revinclude(ty, &value, &mut search.revincludes),
            _ => criterion(snap, ty, &name, &value, true).map(|filter| all.extend(filter)),
        };
        match outcome {
            Err(fault) if fault.unknown && lenient => search.ignored.push(fault.text),
            other => other?,
        }
    }
    if search.count == 0 {
        search.only_total = true;
    }
    search.filter = match all.len() {
        0 => Filter::All,
        1 => any(all),
        _ => Filter::And(all),
    };
    Ok(search)
}

fn include(ty: &str, value: &str, out: &mut Vec<&'static Param>) -> Result<(), Fault> {
    for item in split_values(value) {
        let before = out.len();
        out.extend(links_from(ty).filter(|p| item == "*" || item.split_once(':') == Some((ty, p.name))));
        if out.len() == before {
            return Err(Fault::unknown(item, ty));
        }
    }
    Ok(())
}

fn revinclude(ty: &str, value: &str, out: &mut Vec<(&'static str, &'static Param)>) -> Result<(), Fault> {
    for item in split_values(value) {
        let link = links_to(ty).find(|(source, p)| item.split_once(':') == Some((source, p.name)));
        out.push(link.ok_or_else(|| Fault::unknown(item, ty))?);
    }
    Ok(())
}

/// One criterion, `None` when it has no value. `links` allows one chain or `_has` level.
fn criterion(snap: &Snapshot, ty: &str, name: &str, value: &str, links: bool) -> Result<Option<Filter>, Fault> {
    let unknown = || Fault::unknown(name, ty);
    if let Some(rest) = name.strip_prefix("_has:") {
        let mut parts = rest.splitn(3, ':');
        let (Some(source), Some(link), Some(inner), true) = (parts.next(), parts.next(), parts.next(), links) else {
            return Err(unknown());
        };
        return reverse(snap, ty, (source, link, inner), value, unknown);
    }
    if let Some((head, tail)) = name.split_once('.') {
        let (link, kind) = head.split_once(':').map_or((head, None), |(link, kind)| (link, Some(kind)));
        let param = schema::param(ty, link).filter(|p| p.kind == Kind::Reference && links);
        let param = param.filter(|p| kind.is_none_or(|k| k == p.target)).ok_or_else(unknown)?;
        return chain(snap, param, tail, value);
    }
    let (plain, modifier) = name.split_once(':').unwrap_or((name, ""));
    let values = split_values(value);
    if plain == "_id" {
        let ids: Vec<String> = values.iter().map(|v| unescape(v).trim().to_owned()).collect();
        return Ok((!ids.is_empty()).then_some(Filter::Ids(ids)));
    }
    if plain == "_lastUpdated" {
        let dates: Vec<Filter> = values.iter().map(|v| date(v.trim())).collect::<Result<_, _>>()?;
        return Ok((!dates.is_empty()).then(|| any(dates)));
    }
    let found = schema::param(ty, plain).ok_or_else(unknown)?;
    if values.is_empty() {
        return Ok(None);
    }
    if modifier == "missing" {
        return match value.trim() {
            "true" => Ok(Some(Filter::Missing(found.id))),
            "false" => Ok(Some(Filter::Not(Box::new(Filter::Missing(found.id))))),
            _ => Err(Fault::client("Bad parameter value.")),
        };
    }
    let filters = values.iter().map(|v| one(found, modifier, v)).collect::<Result<Vec<_>, _>>()?;
    let filters: Vec<Filter> = filters.into_iter().flatten().collect();
    if filters.is_empty() {
        return Ok(None);
    }
    let joined = any(filters);
    let negated = found.kind == Kind::Token && modifier == "not";
    Ok(Some(if negated { Filter::Not(Box::new(joined)) } else { joined }))
}

/// One value of an ordinary parameter.
fn one(found: &Param, modifier: &str, raw: &str) -> Result<Option<Filter>, Fault> {
    let param = found.id;
    Ok(Some(match found.kind {
        Kind::Token => {
            if raw.chars().count() > limits::TOKEN || raw.chars().any(char::is_control) {
                return Err(Fault::client("Bad parameter value."));
            }
            let (system, code) = token(raw);
            if code.is_none() && system.as_deref().is_none_or(str::is_empty) {
                return Ok(None);
            }
            Filter::Token { param, system, code }
        }
        Kind::Text => {
            let value = unescape(raw);
            match modifier {
                "contains" => Filter::Contains { param, value },
                "exact" => Filter::Exact { param, value },
                _ => Filter::Prefix { param, value },
            }
        }
        Kind::Reference => Filter::Reference { param, target: target(&unescape(raw), found.target)? },
        Kind::Uri => {
            let value = unescape(raw);
            let canonical = value.split('|').next().unwrap_or_default().trim().to_owned();
            Filter::Uri { param, value: canonical }
        }
    }))
}

/// `link.tail=value`: the targets that match, then the references to them.
fn chain(snap: &Snapshot, link: &Param, tail: &str, value: &str) -> Result<Option<Filter>, Fault> {
    let Some((ty, number)) = known_type(link.target) else { return Ok(None) };
    let Some(inner) = criterion(snap, ty, tail, value, false)? else { return Ok(None) };
    let rows = snap.search(number, &inner).map_err(internal)?;
    if rows.len() > limits::CHAIN_TARGETS {
        return Err(Fault::too_costly(format!(
            "{}.{tail} matches {} {ty} resources, more than {}: narrow it.",
            link.name,
            rows.len(),
            limits::CHAIN_TARGETS
        )));
    }
    let mut out = Vec::new();
    for row in &rows {
        let entry = snap.entry(row).map_err(internal)?;
        out.push(Filter::Reference { param: link.id, target: format!("{ty}/{}", entry.id) });
    }
    Ok(Some(any(out)))
}

/// `_has:source:link:inner=value`: the sources that match, then the resources they point to.
fn reverse(
    snap: &Snapshot,
    ty: &str,
    (source, link, inner): (&str, &str, &str),
    value: &str,
    unknown: impl Fn() -> Fault,
) -> Result<Option<Filter>, Fault> {
    let (source, number) = known_type(source).ok_or_else(&unknown)?;
    let param = schema::param(source, link).filter(|p| p.target == ty).ok_or_else(&unknown)?;
    let Some(filter) = criterion(snap, source, inner, value, false)? else { return Ok(None) };
    let rows = snap.search(number, &filter).map_err(internal)?;
    if rows.len() > limits::HAS_SOURCES {
        return Err(Fault::too_costly(format!(
            "_has matches {} {source} resources, more than {}: narrow it.",
            rows.len(),
            limits::HAS_SOURCES
        )));
    }
    let mut ids = std::collections::BTreeSet::new();
    for row in &rows {
        for (held, to) in snap.references(row).map_err(internal)? {
            if let (true, Some((kind, id))) = (held == param.id, to.split_once('/'))
                && kind == ty
            {
                ids.insert(id.to_owned());
            }
        }
    }
    Ok(Some(if ids.is_empty() { nothing() } else { Filter::Ids(ids.into_iter().collect()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(raw: &str) -> (String, String) {
        pairs(raw).ok().unwrap().remove(0)
    }

    #[test]
    fn pairs_decode_after_the_cut() {
        assert_eq!(pair("a%3Ab=x%26y%3D+z"), ("a:b".into(), "x&y= z".into()));
        assert_eq!(pair("&&name"), ("name".into(), String::new()));
        assert_eq!(pair("a=100%"), ("a".into(), "100%".into()));
        assert_eq!(pair("a=b=c%2Cd"), ("a".into(), "b=c,d".into()));
        assert!(pairs("a=%FF").is_err());
    }

    #[test]
    fn commas_and_escapes() {
        assert_eq!(split_values(r"a,b\,c,,d\\,e"), vec!["a", r"b\,c", r"d\\", "e"]);
        assert!(split_values(" ,").is_empty());
        assert_eq!(unescape(r"a\,b\|c\$d\\e\f\"), r"a,b|c$d\e\f\");
    }

    #[test]
    fn tokens() {
        let owned = |s: Option<&str>, c: Option<&str>| (s.map(str::to_owned), c.map(str::to_owned));
        assert_eq!(token(" 10 "), owned(None, Some("10")));
        assert_eq!(token("http://s | 10"), owned(Some("http://s"), Some("10")));
        assert_eq!(token("http://s|"), owned(Some("http://s"), None));
        assert_eq!(token("|10"), owned(Some(""), Some("10")));
        assert_eq!(token(r"a\|b|c"), owned(Some("a|b"), Some("c")));
    }

    #[test]
    fn reference_forms() {
        for form in ["7", "Organization/7", "https://x/fhir/v2/Organization/7"] {
            assert_eq!(target(form, "Organization").ok().unwrap(), "Organization/7");
        }
        assert!(target("Organization/7/x", "Organization").is_err());
    }

    #[test]
    fn include_matrix() {
        let mut out = Vec::new();
        assert!(include("PractitionerRole", "*", &mut out).is_ok() && out.len() == 2);
        for bad in [":partof", "Organization:", "Organization", "Organ:partof", "Organization:partofs", "Practitioner:partof"] {
            assert!(include("Organization", bad, &mut out).is_err(), "{bad}");
        }
        assert!(include("Practitioner", "*", &mut out).is_err());
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
            let filter = date(&format!("{prefix}{literal}")).ok().unwrap();
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
        assert!(date("zz2022").is_err());
        assert!(date("gt2022-13-01").is_err());
    }

    #[test]
    fn counts() {
        assert_eq!(count("").ok().unwrap(), None);
        assert_eq!(count("10000").ok().unwrap(), Some((limits::PAGE_CAP, true)));
        assert_eq!(count("-4").ok().unwrap(), Some((0, false)));
        assert!(count("x").is_err() && count("50000001").is_err());
    }
}
