//! The search grammar: a query string to a [`Filter`] and its result parameters.

use std::borrow::Cow;

use annuaire_base::date::{parse_days, parse_instant};
use annuaire_base::text::folds_to_nothing;
use annuaire_fhir::schema::{self, PARAMS, PERIOD_END, PUBLIC_TYPES, Param, ParamType, TYPES};
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
    /// What the search did without: unknown parameters left aside by lenient handling, modifiers without effect.
    pub ignored: Vec<Fault>,
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
    PARAMS.iter().filter(move |p| p.kind == ParamType::Reference && p.types.contains(&ty))
}

/// Reference parameters that point to `ty`, with the type that holds them.
pub(crate) fn links_to(ty: &str) -> impl Iterator<Item = (&'static str, &'static Param)> {
    PARAMS
        .iter()
        .filter(move |p| p.kind == ParamType::Reference && p.target == ty)
        .flat_map(|p| p.types.iter().map(move |source| (*source, p)))
}

fn type_number(name: &str) -> Option<(&'static str, u8)> {
    Types::Restricted.known(name)
}

/// Percent-decodes; `plus` turns `+` into a space. `None` when a `%` is not followed by two digits or the result is not UTF-8.
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
            (b'%', ..) => return None,
            (b'+', ..) if plus => out.push(b' '),
            _ => out.push(b),
        }
        i += 1;
    }
    String::from_utf8(out).ok().map(Cow::from)
}

/// Cuts a query on `&` then on the first `=`, and decodes both sides.
pub(crate) fn pairs(raw: &str) -> Result<Vec<(String, String)>, Fault> {
    let bad = || Fault::value("Parameters are percent-encoded UTF-8: write %25 for a percent sign.");
    if raw.split('&').count() > limits::PARAMETERS {
        return Err(Fault::too_costly(format!("More than {} parameters.", limits::PARAMETERS)));
    }
    raw.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let decoded = |text| decode(text, true).map(Cow::into_owned).ok_or_else(bad);
            let (name, value) = (decoded(name)?, decoded(value)?);
            if name.is_empty() {
                return Err(Fault::value("A value has no parameter: write name=value."));
            }
            if name.contains(char::is_control) || value.contains(|c: char| c.is_control() && !c.is_whitespace()) {
                return Err(control().at(if name.contains(char::is_control) { "the name of a parameter" } else { &name }));
            }
            Ok((name, value))
        })
        .collect()
}

/// The documented refusal of a token.
fn control() -> Fault {
    Fault::value("A token has at most 1023 characters and no control character.").contract()
}

/// A value as it may stand in a query.
fn encode(out: &mut String, value: &str) {
    for b in value.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
}

/// What the links to other pages repeat of the query of the first one, since it tells how an answer is written:
/// `&_format=…`, or nothing.
pub(crate) fn carried(raw: &str) -> String {
    let mut out = String::new();
    for (name, value) in raw.split('&').filter_map(|part| part.split_once('=')) {
        let Some(name) = decode(name, true) else { continue };
        if matches!(name.as_ref(), "_format" | "_pretty" | "fhirVersion")
            && let Some(value) = decode(value, true).filter(|value| !value.is_empty())
        {
            out.push('&');
            out.push_str(&name);
            out.push('=');
            // A plus that the client did not encode, as in application/fhir+xml.
            encode(&mut out, &value.replace(' ', "+"));
        }
    }
    out
}

/// Parameters that say how to answer, not what to find.
fn tells_how(name: &str) -> bool {
    matches!(
        name,
        "_format"
            | "_pretty"
            | "fhirVersion"
            | "_count"
            | "_total"
            | "_summary"
            | "_sort"
            | "_elements"
            | "_include"
            | "_revinclude"
            | "_revInclude"
    )
}

/// The first criterion of a query, by name.
pub(crate) fn first_criterion(raw: &str) -> Result<Option<String>, Fault> {
    let names = pairs(raw)?.into_iter().map(|(name, _)| name.split(':').next().unwrap_or_default().to_owned());
    Ok(names.into_iter().find(|name| !tells_how(name)))
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

/// What a reference value points to: `Type/id` for a bare id, `Type/id` or an address of ours, below `base`. The address of
/// another server stays what it is, since its resources are none of ours.
fn target(value: &str, ty: &str, base: &str) -> Result<String, Fault> {
    check_token(value)?;
    let value = value.trim();
    if value.contains("://") {
        return Ok(ours(value, base).unwrap_or(value).trim_end_matches('/').to_owned());
    }
    let parts: Vec<&str> = value.strip_suffix('/').filter(|v| v.contains('/')).unwrap_or(value).split('/').collect();
    match parts.as_slice() {
        [""] | ["", _] | [_, ""] => Err(Fault::value("Write the id, Type/id or the address of a resource of this server.")),
        [id] => Ok(format!("{ty}/{id}")),
        [kind, id] => Ok(format!("{kind}/{id}")),
        _ => Err(Fault::client("Unknown error")
            .contract()
            .hint("Write the id, Type/id or the address of a resource of this server.")),
    }
}

/// What follows our base, under any of its names, in an address.
fn ours<'a>(address: &'a str, base: &str) -> Option<&'a str> {
    let root = base.rfind("/fhir/").and_then(|at| base.get(..at))?;
    let (_, rest) = crate::mount(address.strip_prefix(root)?)?;
    rest.strip_prefix('/').filter(|rest| rest.trim_end_matches('/').split('/').count() == 2)
}

/// The limits of a token.
fn check_token(raw: &str) -> Result<(), Fault> {
    let long = raw.len() > limits::TOKEN && raw.chars().count() > limits::TOKEN;
    if long || raw.contains(char::is_control) { Err(control()) } else { Ok(()) }
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
        .contract()
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
        _ => {
            Err(Fault::client("The _count parameter must be in the FHIR format with an integer value : \"_count=30\"").contract())
        }
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
fn modifier_works<'a>(mut ty: &'a str, mut name: &'a str) -> bool {
    for _ in 0..=limits::CHAIN {
        if let Some(rest) = name.strip_prefix("_has:") {
            let mut parts = rest.splitn(3, ':');
            (ty, name) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        } else if let Some((head, tail)) = name.split_once('.') {
            let Some(link) = schema::param(ty, head.split(':').next().unwrap_or_default()) else { return true };
            (ty, name) = (link.target, tail);
        } else {
            return last_modifier_works(ty, name);
        }
    }
    // Longer than a chain may be: refused as an unknown parameter.
    true
}

fn last_modifier_works(ty: &str, name: &str) -> bool {
    let Some((plain, modifier)) = name.split_once(':') else { return true };
    match plain {
        "_id" => matches!(modifier, "not" | "missing"),
        "_lastUpdated" => modifier == "missing",
        "_include" | "_revinclude" | "_revInclude" => modifier == "iterate",
        how if tells_how(how) => false,
        _ => schema::param(ty, plain).is_none_or(|p| match (p.kind, modifier) {
            (_, "missing") | (ParamType::Token, "not") | (ParamType::Text, "contains" | "exact" | "text") => true,
            (ParamType::Token, "of-type") => plain == "identifier",
            (ParamType::Reference, kind) => kind == "identifier" || kind == p.target,
            _ => false,
        }),
    }
}

/// Refuses a parameter that takes one value and is given two.
fn once(given: &mut Vec<(&'static str, String)>, name: &'static str, value: &str) -> Result<(), Fault> {
    match given.iter().find(|(before, _)| *before == name) {
        Some((_, before)) if before != value => Err(Fault::value("It is given twice, with two values: keep one.").at(name)),
        Some(_) => Ok(()),
        None => {
            given.push((name, value.to_owned()));
            Ok(())
        }
    }
}

/// Compiles the query `raw` of a search on `ty`. An `:of-type` is resolved against `snap`; addresses of resources are ours
/// when they begin with `base`.
pub(crate) fn compile(snap: &Snapshot, base: &str, ty: &'static str, raw: &str, handling: Handling) -> Result<Search, Fault> {
    let context = Context { snap, base };
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
    let (mut all, mut given) = (Vec::new(), Vec::new());
    for (name, value) in pairs(raw)? {
        let (plain, modifier) = name.split_once(':').unwrap_or((&name, ""));
        if !modifier_works(ty, &name) {
            if handling == Handling::Strict {
                let text = format!("The modifier of {name} is not supported: drop it or use handling=lenient.");
                return Err(Fault::client(text).code("not-supported"));
            }
            let text = format!("The modifier of {name} is not supported: the search was made without it.");
            search.ignored.push(Fault::client(text).code("not-supported").hint(working(ty, plain)));
        }
        if let Some(single) = ["_count", "_total", "_summary", "_sort"].into_iter().find(|single| *single == plain) {
            once(&mut given, single, &value)?;
        }
        let outcome =
            match plain {
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
                    _ => Err(Fault::client("Bad value for the _total parameter. Allowed values are : accurate, none, estimate")
                        .contract()),
                },
                "_summary" => summary(ty, &value, &mut search.elements).map(|total| search.only_total |= total),
                "_sort" => sort(ty, &value).map(|order| search.order = order.unwrap_or(search.order)),
                "_elements" => {
                    elements(&value, &mut search.elements);
                    Ok(())
                }
                "_include" => include(ty, &value, modifier == "iterate", &mut search.links),
                "_revinclude" | "_revInclude" => revinclude(ty, &value, modifier == "iterate", &mut search.links),
                _ => criterion(&context, ty, &name, &value, limits::CHAIN).map(|filter| all.extend(filter)),
            };
        match outcome {
            Err(fault) if fault.unknown && handling == Handling::Lenient => search.ignored.push(fault.code("not-supported")),
            // A client that asks for strict handling knows the codes of the standard.
            Err(fault) if fault.unknown && handling == Handling::Strict => return Err(fault.code("not-supported").at(plain)),
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

/// The modifiers that have an effect on a parameter, in words; nothing when it is unknown.
fn working(ty: &str, plain: &str) -> String {
    let works: Vec<String> = [":contains", ":exact", ":not", ":missing", ":of-type", ":identifier", ":iterate"]
        .into_iter()
        .filter(|modifier| last_modifier_works(ty, &format!("{plain}{modifier}")))
        .map(str::to_owned)
        .collect();
    match works.is_empty() || schema::param(ty, plain).is_none() {
        true => String::new(),
        false => format!("Modifiers of {plain}: {}.", works.join(", ")),
    }
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
            )
            .code("value"));
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

/// Whether an item of `_include` or `_revinclude` names this link: `*`, `Source:*`, `Source:param` or `Source:param:Target`.
fn names(item: &str, source: &str, param: &Param) -> bool {
    let mut parts = item.splitn(3, ':');
    if item == "*" {
        return true;
    }
    parts.next() == Some(source)
        && parts.next().is_some_and(|name| name == "*" || name == param.name)
        && parts.next().is_none_or(|target| target == param.target)
}

/// An item that names no link of `ty`, and the ones that do.
fn no_link<'a>(item: &str, ty: &str, links: impl Iterator<Item = (&'a str, &'a Param)>) -> Fault {
    let typed = item.matches(':').count() > 1;
    let known: Vec<String> = links
        .map(|(source, p)| format!("{source}:{}{}", p.name, if typed { format!(":{}", p.target) } else { String::new() }))
        .collect();
    Fault::unknown(item, ty, known.iter().map(String::as_str).chain((!known.is_empty()).then_some("*")))
}

fn include(ty: &str, value: &str, iterate: bool, out: &mut Vec<Link>) -> Result<(), Fault> {
    for item in split_values(value) {
        let before = out.len();
        // An iterated rule may start from any type; a plain one starts from the type searched.
        for source in TYPES.into_iter().filter(|source| *source == ty || (iterate && item != "*")) {
            let named = links_from(source).filter(|p| names(item, source, p));
            out.extend(named.map(|param| Link { source, param, reverse: false, iterate }));
        }
        if out.len() == before {
            return Err(no_link(item, ty, links_from(ty).map(|p| (ty, p))));
        }
    }
    Ok(())
}

fn revinclude(ty: &str, value: &str, iterate: bool, out: &mut Vec<Link>) -> Result<(), Fault> {
    for item in split_values(value) {
        let before = out.len();
        for target in TYPES.into_iter().filter(|target| *target == ty || (iterate && item != "*")) {
            let named = links_to(target).filter(|(source, p)| names(item, source, p));
            out.extend(named.map(|(source, param)| Link { source, param, reverse: true, iterate }));
        }
        if out.len() == before {
            return Err(no_link(item, ty, links_to(ty)));
        }
    }
    Ok(())
}

/// What criteria are compiled against.
struct Context<'a> {
    snap: &'a Snapshot,
    /// Where our own addresses begin.
    base: &'a str,
}

/// One criterion, `None` when it has no value. It may follow `links` links.
fn criterion(context: &Context, ty: &str, name: &str, value: &str, links: usize) -> Result<Option<Filter>, Fault> {
    let names = || PARAMS.iter().filter(|p| p.types.contains(&ty)).map(|p| p.name);
    let told = |name: &str| Fault::unknown(name, ty, ["_id", "_lastUpdated"].into_iter().chain(names()));
    let unknown = || told(name);
    if let Some(rest) = name.strip_prefix("_has:") {
        let mut parts = rest.splitn(3, ':');
        let (Some(source), Some(link), Some(inner), 1..) = (parts.next(), parts.next(), parts.next(), links) else {
            return Err(unknown());
        };
        return reverse(context, ty, (source, link, inner), value, links - 1, unknown);
    }
    if let Some((head, tail)) = name.split_once('.') {
        let (link, kind) = head.split_once(':').map_or((head, None), |(link, kind)| (link, Some(kind)));
        let param = schema::param(ty, link).filter(|p| p.kind == ParamType::Reference && links > 0);
        let param = param.filter(|p| kind.is_none_or(|k| k == p.target)).ok_or_else(unknown)?;
        return chain(context, param, tail, value, links - 1);
    }
    let (plain, modifier) = name.split_once(':').unwrap_or((name, ""));
    let values = split_values(value);
    if values.is_empty() && !value.is_empty() {
        // An empty value is no criterion; one of spaces and commas was meant as one, and must not find everything.
        return Err(if schema::param(ty, plain).is_some() || matches!(plain, "_id" | "_lastUpdated") {
            Fault::value("It has spaces and commas only: give a value, or leave the parameter out.")
        } else {
            told(plain)
        });
    }
    if values.len() > limits::VALUES {
        return Err(Fault::too_costly(format!("{name} has more than {} values.", limits::VALUES)));
    }
    if matches!(plain, "_id" | "_lastUpdated") && modifier == "missing" && !values.is_empty() {
        return Ok(Some(if missing(value)? { nothing() } else { Filter::All }));
    }
    if plain == "_id" {
        values.iter().try_for_each(|v| check_token(v))?;
        let ids: Vec<String> = values.iter().map(|v| unescape(v).trim().to_owned()).collect();
        let found = (!ids.is_empty()).then_some(Filter::Ids(ids));
        return Ok(if modifier == "not" { found.map(|f| Filter::Not(Box::new(f))) } else { found });
    }
    if plain == "_lastUpdated" {
        let dates: Vec<Filter> = values.iter().map(|v| date(v.trim())).collect::<Result<_, _>>()?;
        return Ok((!dates.is_empty()).then(|| any(dates)));
    }
    let found = schema::param(ty, plain).ok_or_else(|| told(plain))?;
    if values.is_empty() {
        return Ok(None);
    }
    if modifier == "missing" {
        let absent = Filter::Missing(found.id);
        return Ok(Some(if missing(value)? { absent } else { Filter::Not(Box::new(absent)) }));
    }
    if modifier == "of-type" && plain == "identifier" {
        return values
            .iter()
            .map(|v| of_type(context.snap, ty, found, v))
            .collect::<Result<Vec<_>, _>>()
            .map(|all| Some(any(all)));
    }
    if modifier == "identifier" && found.kind == ParamType::Reference {
        // The target's business identifier: the chain of that name, which this form does not count as a link.
        return chain(context, found, "identifier", value, 0);
    }
    let filters = values.iter().map(|v| one(found, modifier, v, context.base)).collect::<Result<Vec<_>, _>>()?;
    let joined = any(filters);
    let negated = found.kind == ParamType::Token && modifier == "not";
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
fn one(found: &Param, modifier: &str, raw: &str, base: &str) -> Result<Filter, Fault> {
    let param = found.id;
    Ok(match found.kind {
        ParamType::Token => {
            check_token(raw)?;
            let (system, code) = token(raw);
            if code.as_deref().is_none_or(str::is_empty) && system.as_deref().is_none_or(str::is_empty) {
                return Err(Fault::value("Write a code, system|code, system| or |code."));
            }
            Filter::Token { param, system, code }
        }
        ParamType::Text => {
            let value = unescape(raw);
            if modifier != "exact" && folds_to_nothing(&value) {
                return Err(Fault::value("It has spaces and signs only, which every text holds: give letters or digits."));
            }
            match modifier {
                "contains" => Filter::Contains { param, value },
                "exact" => Filter::Exact { param, value },
                _ => Filter::Prefix { param, value },
            }
        }
        ParamType::Reference => Filter::Reference { param, target: target(&unescape(raw), found.target, base)? },
        ParamType::Date => period(param, raw)?,
        ParamType::Uri => {
            check_token(raw)?;
            let value = unescape(raw);
            let canonical = value.split('|').next().unwrap_or_default().trim().to_owned();
            if canonical.is_empty() {
                return Err(Fault::value("Write the canonical address of a profile."));
            }
            Filter::Uri { param, value: canonical }
        }
    })
}

/// A criterion on a period, by days of Paris. An absent start is the beginning of time, an absent end its end (R4 search, date).
fn period(start: u8, value: &str) -> Result<Filter, Fault> {
    let bad = || bad_date(value);
    let value = value.trim();
    let letters = value.bytes().take_while(u8::is_ascii_lowercase).count();
    let (prefix, literal) = value.split_at(letters);
    // Days from `a` on and before `z`; after the last day that can be written there is none.
    let (a, z) = parse_days(&literal.trim().replace(' ', "+")).ok_or_else(bad)?;
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
    let starts_before = |at: Option<&String>| Filter::Or(vec![open(start), between(start, None, at)]);
    let within = Filter::And(vec![between(start, Some(&a), None), between(end, None, z.as_ref())]);
    Ok(match prefix {
        "" | "eq" => within,
        "ne" => Filter::And(vec![known.clone(), not(within)]),
        "gt" => z.as_ref().map_or_else(|| open(end), ends_from),
        "ge" => ends_from(&a),
        "lt" => starts_before(Some(&a)),
        "le" => starts_before(z.as_ref()),
        "sa" => z.as_ref().map_or_else(nothing, |z| between(start, Some(z), None)),
        "eb" => between(end, None, Some(&a)),
        "ap" => Filter::And(vec![starts_before(z.as_ref()), ends_from(&a)]),
        _ => return Err(bad()),
    })
}

/// `identifier:of-type=system|code|value`: the few resources with this value are read, since postings do not tie a value to
/// its type.
fn of_type(snap: &Snapshot, ty: &str, param: &Param, raw: &str) -> Result<Filter, Fault> {
    let bad = || Fault::value("Write system|type|value.");
    check_token(raw)?;
    let first = find_plain(raw, '|').ok_or_else(bad)?;
    let rest = &raw[first + 1..];
    let second = find_plain(rest, '|').ok_or_else(bad)?;
    let [system, code, value] = [&raw[..first], &rest[..second], &rest[second + 1..]].map(|p| unescape(p).trim().to_owned());
    if value.is_empty() {
        return Err(bad());
    }
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
fn chain(context: &Context, link: &Param, tail: &str, value: &str, links: usize) -> Result<Option<Filter>, Fault> {
    let Some((ty, number)) = type_number(link.target) else { return Ok(None) };
    let inner = criterion(context, ty, tail, value, links)?;
    Ok(inner.map(|filter| Filter::Chain {
        param: link.id,
        target_type: number,
        target_name: ty.to_owned(),
        filter: Box::new(filter),
    }))
}

/// `_has:source:link:inner=value`: what the sources that match link to.
fn reverse(
    context: &Context,
    ty: &str,
    (source, link, inner): (&str, &str, &str),
    value: &str,
    links: usize,
    unknown: impl Fn() -> Fault,
) -> Result<Option<Filter>, Fault> {
    let (source, number) = type_number(source).ok_or_else(&unknown)?;
    let param = schema::param(source, link).filter(|p| p.target == ty).ok_or_else(&unknown)?;
    let filter = criterion(context, source, inner, value, links)?;
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
        assert_eq!(pair("a=100%25"), ("a".into(), "100%".into()));
        assert_eq!(pair("a=b=c%2Cd"), ("a".into(), "b=c,d".into()));
        for bad in ["a=%FF", "a=100%", "a=%4", "a=%GG", "%zz=1", "a=%00", "a%00=1", "a=%1B", "=1", "=", "%C3=1"] {
            assert!(pairs(bad).is_err(), "{bad}");
        }
        assert_eq!(pair("a=x%0Ay%2B+"), ("a".into(), "x\ny+ ".into()));
    }

    #[test]
    fn what_tells_the_format_goes_on_with_the_links() {
        assert_eq!(
            carried("name=a&_format=application/fhir+xml&_pretty=true&_count=3"),
            "&_format=application/fhir%2Bxml&_pretty=true"
        );
        assert_eq!(carried("%5Fformat=%22%26&x"), "&_format=%22%26");
        assert_eq!(carried("name=a&_format="), "");
        assert_eq!(first_criterion("_count=1&name:exact=a").ok().unwrap().as_deref(), Some("name"));
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
        let base = "https://x.example/a/fhir/v2";
        for form in [
            "7",
            "Organization/7",
            " Organization/7/ ",
            "https://x.example/a/fhir/v2/Organization/7",
            "https://x.example/a/fhir/dp/Organization/7",
        ] {
            assert_eq!(target(form, "Organization", base).ok().unwrap(), "Organization/7", "{form}");
        }
        for form in [
            "https://autre.example/fhir/v2/Organization/7",
            "https://x.example/fhir/v2/Organization/7",
            "https://x.example.autre.example/a/fhir/v2/Organization/7",
            "http://x.example/a/fhir/v2/Organization/7",
            "https://x.example/a/fhir/v2/b/Organization/7",
            "https://x.example/a/fhir/v22/Organization/7",
        ] {
            assert_eq!(target(form, "Organization", base).ok().unwrap(), form, "another server");
        }
        for bad in ["Organization/7/x", "/", "a\u{1}", "Organization/", "/7", &"x".repeat(2_000)] {
            assert!(target(bad, "Organization", base).is_err(), "{bad}");
        }
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
        for (item, count) in [("*", 2), ("PractitionerRole:*", 2), ("PractitionerRole:organization:Organization", 1)] {
            out.clear();
            assert!(include("PractitionerRole", item, false, &mut out).is_ok() && out.len() == count, "{item}");
        }
        for (item, count) in [("*", 4), ("PractitionerRole:*", 1), ("PractitionerRole:organization:Organization", 1)] {
            out.clear();
            assert!(revinclude("Organization", item, false, &mut out).is_ok() && out.len() == count, "{item}");
        }
        for bad in [
            "PractitionerRole:organization:Practitioner",
            "PractitionerRole:organization:",
            "Device:*",
            "*:*",
            "PractitionerRole:",
        ] {
            let fault = include("PractitionerRole", bad, false, &mut out).unwrap_err();
            assert!(fault.hint.contains("PractitionerRole:organization"), "{bad}: {}", fault.hint);
        }
        for bad in [
            "PractitionerRole:organization:Practitioner",
            "PractitionerRole:practitioner",
            "Practitioner:*",
            "Organization:partof:",
        ] {
            let fault = revinclude("Organization", bad, false, &mut out).unwrap_err();
            assert!(fault.hint.contains("PractitionerRole:organization"), "{bad}: {}", fault.hint);
        }
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
            assert!(ty == "Practitioner" || name.starts_with('_') || modifier_works(ty, "organization:identifier"));
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
            ("PractitionerRole", "_count:exact"),
        ] {
            assert!(!modifier_works(ty, name), "{name}");
        }
    }

    #[test]
    fn a_name_of_many_links_is_passed_over_once() {
        for link in ["organization.", "partof.", "_has:Organization:partof:"] {
            assert!(modifier_works("Organization", &link.repeat(limits::QUERY)));
        }
    }

    /// The table of fhir-api §6.4.
    #[test]
    fn the_documented_dates_match_the_documented_number() {
        let stock: Vec<i64> = [
            "2022-12-01T14:20",
            "2022-11-01T14:20",
            "2022-10-01T14:20",
            "2122-04-10T10:20",
            "2122-04-11T10:20",
            "2123-04-11T10:20",
        ]
        .into_iter()
        .map(|s| parse_instant(s).unwrap().0)
        .collect();
        let kept = |value: &str, at: i64| match date(value).ok().unwrap() {
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
        for bad in
            ["ge2022-00", "2022-13", "ge2022-02-30", "0000", "ge", "2022-11-01T25:00", "gege2022", "ge2022-11-01T14:20+15:00"]
        {
            assert!(date(bad).is_err() && period(1, bad).is_err(), "{bad}");
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
