//! The search grammar: a query string to a [`Filter`] and its result parameters.

use std::borrow::Cow;

use annuaire_base::date::{iso_ms, parse_instant};
use annuaire_fhir::schema::{self, Kind, PARAMS, PERIOD_END, PUBLIC_TYPES, Param, TYPES};
use annuaire_index::{Filter, Snapshot};

use crate::{Fault, failed, limits};

/// What decides the order of a page. Rows are in commit order, which is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// By row.
    Row,
    /// By instant of last update, then by row.
    Updated { down: bool },
    /// By id.
    Id { down: bool },
}

/// A rule that brings linked resources to a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// Type that holds the reference.
    pub source: &'static str,
    /// The reference.
    pub param: &'static Param,
    /// From the target to what points at it (`_revinclude`).
    pub reverse: bool,
    /// Also from resources already brought (`:iterate`).
    pub iterate: bool,
}

/// A compiled search.
pub(crate) struct Search {
    pub filter: Filter,
    /// Page size, after the cap.
    pub count: usize,
    /// The page size asked was lowered.
    pub capped: bool,
    pub only_total: bool,
    pub with_total: bool,
    pub order: Order,
    /// Members kept besides the compulsory ones; `None` for whole resources.
    pub elements: Option<Vec<String>>,
    pub links: Vec<Link>,
    /// Unknown parameters left aside by lenient handling.
    pub ignored: Vec<String>,
}

/// Types of a perimeter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Types {
    Public,
    Restricted,
}

impl Types {
    /// The published types, in the order in which the contract prints them.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Public => &TYPES[..PUBLIC_TYPES],
            Self::Restricted => &TYPES,
        }
    }

    /// The type of that name, with its number.
    pub(crate) fn known(self, name: &str) -> Option<(&'static str, u8)> {
        let at = self.names().iter().position(|ty| *ty == name)?;
        Some((self.names()[at], u8::try_from(at).ok()?))
    }
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

fn type_number(name: &str) -> Option<(&'static str, u8)> {
    Types::Restricted.known(name)
}

/// Percent-decodes; `plus` turns `+` into a space. `None` when the result is not UTF-8.
pub(crate) fn decode(text: &str, plus: bool) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|b| b == b'%' || (plus && b == b'+')) {
        return Some(text.into());
    }
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
    String::from_utf8(out).ok().map(Cow::from)
}

/// Cuts a query on `&` then on the first `=`, and decodes both sides.
pub(crate) fn pairs(raw: &str) -> Result<Vec<(String, String)>, Fault> {
    let bad = || Fault::value("Parameters are percent-encoded UTF-8.");
    if raw.split('&').count() > limits::PARAMETERS {
        return Err(Fault::too_costly(format!("More than {} parameters.", limits::PARAMETERS)));
    }
    raw.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let decoded = |text| decode(text, true).map(Cow::into_owned).ok_or_else(bad);
            Ok((decoded(name)?, decoded(value)?))
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
        _ => Err(Fault::value("Write the id, Type/id or an absolute URL that ends so.")),
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
    let bad = || bad_date(value);
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

fn bad_date(value: &str) -> Fault {
    Fault::client(format!("Bad date literal: {value}"))
        .hint("Write 2026, 2026-11, 2026-11-25 or 2026-11-25T08:30:00+01:00; a search takes eq, ne, gt, ge, lt, le, sa, eb or ap before it.")
}

/// First and last instant of a date literal, for `_since` and `_at`.
pub(crate) fn interval(value: &str) -> Result<(i64, i64), Fault> {
    parse_instant(&value.trim().replace(' ', "+")).ok_or_else(|| bad_date(value))
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

/// What to do with what the search does not know (`Prefer: handling=`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    /// As the national service: an unknown parameter is refused, an unknown modifier has no effect.
    Usual,
    /// Both are refused.
    Strict,
    /// An unknown parameter is ignored, and told.
    Lenient,
}

/// Whether the modifier of a parameter, at the end of its chain, has an effect or may be left out without another result.
fn modifier_works(ty: &str, name: &str) -> bool {
    if let Some(rest) = name.strip_prefix("_has:") {
        let mut parts = rest.splitn(3, ':');
        let (source, inner) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        return modifier_works(source, inner);
    }
    if let Some((head, tail)) = name.split_once('.') {
        let link = head.split(':').next().unwrap_or_default();
        return schema::param(ty, link).is_none_or(|p| modifier_works(p.target, tail));
    }
    let Some((plain, modifier)) = name.split_once(':') else { return true };
    match plain {
        "_id" => matches!(modifier, "not" | "missing"),
        "_lastUpdated" => modifier == "missing",
        "_include" | "_revinclude" | "_revInclude" => modifier == "iterate",
        _ => schema::param(ty, plain).is_none_or(|p| match (p.kind, modifier) {
            (_, "missing") | (Kind::Token, "not") | (Kind::Text, "contains" | "exact" | "text") => true,
            (Kind::Token, "of-type") => plain == "identifier",
            (Kind::Reference, kind) => kind == p.target,
            _ => false,
        }),
    }
}

/// Compiles the query `raw` of a search on `ty`. An `:of-type` is resolved against `snap`.
pub(crate) fn compile(snap: &Snapshot, ty: &'static str, raw: &str, handling: Handling) -> Result<Search, Fault> {
    let mut search = Search {
        filter: Filter::All,
        count: limits::PAGE,
        capped: false,
        only_total: false,
        with_total: true,
        order: Order::Row,
        elements: None,
        links: Vec::new(),
        ignored: Vec::new(),
    };
    let mut all = Vec::new();
    for (name, value) in pairs(raw)? {
        let (plain, modifier) = name.split_once(':').unwrap_or((&name, ""));
        if handling == Handling::Strict && !modifier_works(ty, &name) {
            return Err(Fault::client(format!("The modifier of {name} is not supported: drop it or use handling=lenient.")));
        }
        let outcome = match plain {
            "_format" | "_pretty" | "fhirVersion" => Ok(()),
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
            "_summary" => summary(ty, &value, &mut search.elements).map(|total| search.only_total |= total),
            "_sort" => sort(ty, &value).map(|order| search.order = order.unwrap_or(search.order)),
            "_elements" => {
                elements(&value, &mut search.elements);
                Ok(())
            }
            "_include" => include(ty, &value, modifier == "iterate", &mut search.links),
            "_revinclude" | "_revInclude" => revinclude(ty, &value, modifier == "iterate", &mut search.links),
            _ => criterion(snap, ty, &name, &value, true).map(|filter| all.extend(filter)),
        };
        match outcome {
            Err(fault) if fault.unknown && handling == Handling::Lenient => search.ignored.push(fault.text),
            other => other.map_err(|fault| fault.at(plain))?,
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

/// Members that a read keeps besides the compulsory ones; `None` for the whole resource.
pub(crate) fn kept(ty: &str, raw: &str) -> Result<Option<Vec<String>>, Fault> {
    let mut names = None;
    for (name, value) in pairs(raw)? {
        match name.as_str() {
            "_elements" => elements(&value, &mut names),
            // One resource has no total.
            "_summary" => _ = summary(ty, &value, &mut names)?,
            _ => {}
        }
    }
    Ok(names)
}

/// `_elements`: names of members, with or without the type in front.
fn elements(value: &str, names: &mut Option<Vec<String>>) {
    let given = value.split(',').map(|n| n.rsplit('.').next().unwrap_or(n).trim().to_owned());
    let given: Vec<String> = given.filter(|n| !n.is_empty()).collect();
    if !given.is_empty() {
        names.get_or_insert_default().extend(given);
    }
}

/// `_summary`: the elements that R4 marks as summary, or (`true`) the total alone.
fn summary(ty: &str, value: &str, names: &mut Option<Vec<String>>) -> Result<bool, Fault> {
    let marked: &[&str] = match ty {
        "Practitioner" => &["identifier", "active", "name", "telecom", "address", "gender", "birthDate"],
        "PractitionerRole" => {
            &["identifier", "active", "period", "practitioner", "organization", "code", "specialty", "location", "telecom"]
        }
        "Organization" => &["identifier", "active", "type", "name", "partOf"],
        "HealthcareService" => &["identifier", "active", "providedBy", "category", "type", "specialty", "location", "name"],
        "Device" => &["udiCarrier", "status"],
        _ => &["name", "telecom", "gender", "birthDate", "managingOrganization", "active"],
    };
    let owned = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect());
    match value {
        "" | "false" | "count" => {}
        "true" => *names = owned(marked),
        "text" => *names = owned(&["text"]),
        // All but the narrative, which no resource of the directory has.
        "data" => *names = owned(&["*"]),
        _ => {
            return Err(Fault::client(
                "Bad value for the _summary parameter. Allowed values are : true, text, data, count, false",
            ));
        }
    }
    Ok(value == "count")
}

/// `_sort`: by instant or by id. The first key decides: both are total orders here.
fn sort(ty: &str, value: &str) -> Result<Option<Order>, Fault> {
    let keys = split_values(value);
    let mut order = None;
    for key in keys {
        let (name, down) = key.trim().strip_prefix('-').map_or((key.trim(), false), |name| (name, true));
        let found = match name {
            "_lastUpdated" => Order::Updated { down },
            "_id" => Order::Id { down },
            _ => return Err(Fault::unknown(&format!("_sort={name}"), ty, ["_lastUpdated", "_id"])),
        };
        order.get_or_insert(found);
    }
    Ok(order)
}

fn include(ty: &str, value: &str, iterate: bool, out: &mut Vec<Link>) -> Result<(), Fault> {
    for item in split_values(value) {
        let before = out.len();
        let mut add = |source: &'static str| {
            let held = links_from(source).filter(|p| item == "*" || item.split_once(':').is_some_and(|i| i == (source, p.name)));
            out.extend(held.map(|param| Link { source, param, reverse: false, iterate }));
        };
        // An iterated rule may start from any type; a plain one starts from the type searched.
        for source in TYPES.iter().filter(|source| **source == ty || (iterate && item != "*")) {
            add(source);
        }
        if out.len() == before {
            let known: Vec<String> = links_from(ty).map(|p| format!("{ty}:{}", p.name)).collect();
            return Err(Fault::unknown(item, ty, known.iter().map(String::as_str)));
        }
    }
    Ok(())
}

fn revinclude(ty: &str, value: &str, iterate: bool, out: &mut Vec<Link>) -> Result<(), Fault> {
    for item in split_values(value) {
        let targets = TYPES.iter().filter(|target| **target == ty || iterate);
        let mut found = targets.flat_map(|t| links_to(t)).filter(|(source, p)| item.split_once(':') == Some((*source, p.name)));
        let known = || links_to(ty).map(|(source, p)| format!("{source}:{}", p.name)).collect::<Vec<_>>();
        let unknown = || Fault::unknown(item, ty, known().iter().map(String::as_str));
        let (source, param) = found.next().ok_or_else(unknown)?;
        out.push(Link { source, param, reverse: true, iterate });
    }
    Ok(())
}

/// One criterion, `None` when it has no value. `links` allows one chain or `_has` level.
fn criterion(snap: &Snapshot, ty: &str, name: &str, value: &str, links: bool) -> Result<Option<Filter>, Fault> {
    let names = || PARAMS.iter().filter(|p| p.types.contains(&ty)).map(|p| p.name);
    let unknown = || Fault::unknown(name, ty, ["_id", "_lastUpdated"].into_iter().chain(names()));
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
    if values.len() > limits::VALUES {
        return Err(Fault::too_costly(format!("{name} has more than {} values.", limits::VALUES)));
    }
    if matches!(plain, "_id" | "_lastUpdated") && modifier == "missing" && !values.is_empty() {
        return Ok(Some(if missing(value)? { nothing() } else { Filter::All }));
    }
    if plain == "_id" {
        let ids: Vec<String> = values.iter().map(|v| unescape(v).trim().to_owned()).collect();
        let found = (!ids.is_empty()).then_some(Filter::Ids(ids));
        return Ok(if modifier == "not" { found.map(|f| Filter::Not(Box::new(f))) } else { found });
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
        let absent = Filter::Missing(found.id);
        return Ok(Some(if missing(value)? { absent } else { Filter::Not(Box::new(absent)) }));
    }
    if modifier == "of-type" && plain == "identifier" {
        return values.iter().map(|v| of_type(snap, ty, found, v)).collect::<Result<Vec<_>, _>>().map(|all| Some(any(all)));
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

/// The value of `:missing`.
fn missing(value: &str) -> Result<bool, Fault> {
    match value.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::value("Write true or false.")),
    }
}

/// One value of an ordinary parameter.
fn one(found: &Param, modifier: &str, raw: &str) -> Result<Option<Filter>, Fault> {
    let param = found.id;
    Ok(Some(match found.kind {
        Kind::Token => {
            if raw.chars().count() > limits::TOKEN || raw.chars().any(char::is_control) {
                return Err(Fault::value("A token has at most 1023 characters and no control character."));
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
        Kind::Date => period(param, raw)?,
        Kind::Uri => {
            let value = unescape(raw);
            let canonical = value.split('|').next().unwrap_or_default().trim().to_owned();
            Filter::Uri { param, value: canonical }
        }
    }))
}

/// A criterion on a period, by days. An absent start is the beginning of time, an absent end its end (R4 search, date).
fn period(start: u8, value: &str) -> Result<Filter, Fault> {
    let bad = || bad_date(value);
    let letters = value.bytes().take_while(u8::is_ascii_lowercase).count();
    let (prefix, literal) = value.trim().split_at(letters);
    let (first, last) = parse_instant(&literal.replace(' ', "+")).ok_or_else(bad)?;
    let day = |ms| iso_ms(ms).get(..10).unwrap_or_default().to_owned();
    // Literals are read in Paris time and days are written there: noon is in the same day on both sides.
    let noon = 12 * 3_600_000;
    let (a, z) = (day(first + noon), day(last.saturating_add(1) + noon));
    let end = PERIOD_END;
    let between = |param, from: Option<&String>, before: Option<&String>| Filter::Between {
        param,
        from: from.cloned(),
        before: before.cloned(),
    };
    let not = |f| Filter::Not(Box::new(f));
    let known = Filter::Or(vec![not(Filter::Missing(start)), not(Filter::Missing(end))]);
    let open = |param| Filter::And(vec![known.clone(), Filter::Missing(param)]);
    let ends_from = |at: &String| Filter::Or(vec![open(end), between(end, Some(at), None)]);
    let starts_before = |at: &String| Filter::Or(vec![open(start), between(start, None, Some(at))]);
    let within = Filter::And(vec![between(start, Some(&a), None), between(end, None, Some(&z))]);
    Ok(match prefix {
        "" | "eq" => within,
        "ne" => Filter::And(vec![known.clone(), not(within)]),
        "gt" => ends_from(&z),
        "ge" => ends_from(&a),
        "lt" => starts_before(&a),
        "le" => starts_before(&z),
        "sa" => between(start, Some(&z), None),
        "eb" => between(end, None, Some(&a)),
        "ap" => Filter::And(vec![starts_before(&z), ends_from(&a)]),
        _ => return Err(bad()),
    })
}

/// `identifier:of-type=system|code|value`: the few resources with this value are read, since postings do not tie a value to
/// its type.
fn of_type(snap: &Snapshot, ty: &str, param: &Param, raw: &str) -> Result<Filter, Fault> {
    let bad = || Fault::value("Write system|type|value.");
    let first = find_plain(raw, '|').ok_or_else(bad)?;
    let rest = &raw[first + 1..];
    let second = find_plain(rest, '|').ok_or_else(bad)?;
    let [system, code, value] = [&raw[..first], &rest[..second], &rest[second + 1..]].map(|p| unescape(p).trim().to_owned());
    let (_, number) = type_number(ty).ok_or_else(bad)?;
    let filter = Filter::Token { param: param.id, system: None, code: Some(value.clone()) };
    let rows = snap.search(number, &filter).map_err(failed)?;
    if rows.len() > limits::OF_TYPE {
        return Err(Fault::too_costly(format!("{} resources have the identifier {value}: give its system.", rows.len())));
    }
    let mut ids = Vec::new();
    for row in rows.iter() {
        let entry = snap.entry(row).map_err(failed)?;
        let body: serde_json::Value = serde_json::from_slice(entry.body()).map_err(crate::internal)?;
        let held = body["identifier"].as_array().into_iter().flatten().any(|i| {
            let coded = i["type"]["coding"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|c| c["code"] == code.as_str() && (system.is_empty() || c["system"] == system.as_str()));
            coded && i["value"] == value.as_str()
        });
        if held {
            ids.push(entry.id().to_owned());
        }
    }
    Ok(if ids.is_empty() { nothing() } else { Filter::Ids(ids) })
}

/// `link.tail=value`: what links to the targets that match.
fn chain(snap: &Snapshot, link: &Param, tail: &str, value: &str) -> Result<Option<Filter>, Fault> {
    let Some((ty, number)) = type_number(link.target) else { return Ok(None) };
    let inner = criterion(snap, ty, tail, value, false)?;
    Ok(inner.map(|filter| Filter::Chain {
        param: link.id,
        target_type: number,
        target_name: ty.to_owned(),
        filter: Box::new(filter),
    }))
}

/// `_has:source:link:inner=value`: what the sources that match link to.
fn reverse(
    snap: &Snapshot,
    ty: &str,
    (source, link, inner): (&str, &str, &str),
    value: &str,
    unknown: impl Fn() -> Fault,
) -> Result<Option<Filter>, Fault> {
    let (source, number) = type_number(source).ok_or_else(&unknown)?;
    let param = schema::param(source, link).filter(|p| p.target == ty).ok_or_else(&unknown)?;
    let filter = criterion(snap, source, inner, value, false)?;
    Ok(filter.map(|filter| Filter::Has {
        source_type: number,
        param: param.id,
        target_name: ty.to_owned(),
        filter: Box::new(filter),
    }))
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
        assert!(include("PractitionerRole", "*", false, &mut out).is_ok() && out.len() == 2);
        for bad in [":partof", "Organization:", "Organization", "Organ:partof", "Organization:partofs", "Practitioner:partof"] {
            assert!(include("Organization", bad, false, &mut out).is_err(), "{bad}");
        }
        assert!(include("Practitioner", "*", false, &mut out).is_err());
        assert!(include("Practitioner", "Organization:partof", true, &mut out).is_ok());
        assert!(revinclude("Practitioner", "HealthcareService:organization", false, &mut out).is_err());
        assert!(revinclude("Practitioner", "HealthcareService:organization", true, &mut out).is_ok());
        assert_eq!(sort("Device", "-_lastUpdated,_id").ok().unwrap(), Some(Order::Updated { down: true }));
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
    fn strict_handling_knows_the_modifiers_that_work() {
        for (ty, name) in [
            ("Practitioner", "name"),
            ("Practitioner", "name:contains"),
            ("Practitioner", "identifier:of-type"),
            ("Practitioner", "_id:not"),
            ("Practitioner", "_has:PractitionerRole:practitioner:role:not"),
            ("PractitionerRole", "organization.name:exact"),
            ("PractitionerRole", "organization:Organization"),
            ("PractitionerRole", "organization:missing"),
            ("PractitionerRole", "_include:iterate"),
        ] {
            assert!(modifier_works(ty, name), "{name}");
        }
        for (ty, name) in [
            ("Practitioner", "active:text"),
            ("Practitioner", "name:not"),
            ("Practitioner", "active:of-type"),
            ("Practitioner", "_lastUpdated:not"),
            ("Practitioner", "_has:PractitionerRole:practitioner:role:in"),
            ("PractitionerRole", "organization.name:above"),
            ("PractitionerRole", "organization:Practitioner"),
            ("PractitionerRole", "_include:recurse"),
        ] {
            assert!(!modifier_works(ty, name), "{name}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(count("").ok().unwrap(), None);
        assert_eq!(count("10000").ok().unwrap(), Some((limits::PAGE_CAP, true)));
        assert_eq!(count("-4").ok().unwrap(), Some((0, false)));
        assert!(count("x").is_err() && count("50000001").is_err());
    }
}
