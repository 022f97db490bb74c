//! Bundles and reduced resources, spliced from stored bytes without parsing them.

use annuaire_base::date::iso_ms;
use annuaire_fhir::schema::TYPES;
use annuaire_index::{Filter, RoaringBitmap, Snapshot};
use serde_json::Value;

use crate::cursor::{Cursor, digest};
use crate::query::{Order, Search, Types};
use crate::{Fault, internal, limits};

const SUBSETTED: &[u8] = br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"Resource encoded in summary mode"}"#;
const KEPT: [&str; 6] = ["resourceType", "id", "meta", "identifier", "active", "status"];

/// What a bundle needs besides its rows.
pub(crate) struct Frame<'a> {
    pub base: &'a str,
    pub key: &'a [u8; 32],
    pub self_url: &'a str,
    /// Scope and query that the next page repeats.
    pub scope: &'a str,
    pub query: &'a str,
    /// For a page reached by a link: last row of the page before it, and the total of the first one.
    pub from: Option<(Option<u32>, Option<u64>)>,
}

impl Frame<'_> {
    /// Last row already served.
    fn last(&self) -> Option<u32> {
        self.from.and_then(|f| f.0)
    }
}

/// A written bundle and the number of its matches.
pub(crate) type Written = (Vec<u8>, u64);

struct Writer {
    out: Vec<u8>,
    entries: u64,
}

impl Writer {
    fn new(kind: &str, snap: &Snapshot, frame: &Frame, total: Option<u64>, meta: Option<i64>) -> Self {
        let place = frame.last().map_or(0, |row| u64::from(row) + 1);
        let (tx, place) = (snap.tx().to_be_bytes(), place.to_be_bytes());
        let (a, b) = digest(&[&tx, frame.scope.as_bytes(), frame.query.as_bytes(), &place]);
        let mut out = format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","id":"{:08x}-{:04x}-8{:03x}-a{:03x}-{:012x}""#,
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
        .into_bytes();
        if let Some(ms) = meta {
            out.extend_from_slice(br#","meta":{"lastUpdated":"#);
            quote(&mut out, &iso_ms(ms));
            out.push(b'}');
        }
        if let Some(total) = total {
            out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
        }
        Self { out, entries: 0 }
    }

    fn open(&mut self) {
        self.out.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
    }

    /// Opens an entry and writes its address and resource; the caller closes it.
    fn resource(&mut self, base: &str, ty: &str, id: &str, body: &[u8]) {
        self.open();
        self.out.extend_from_slice(br#""fullUrl":"#);
        quote(&mut self.out, &format!("{base}/{ty}/{id}"));
        self.out.extend_from_slice(br#","resource":"#);
        self.out.extend_from_slice(body);
    }

    fn mode(&mut self, mode: &str) {
        self.out.extend_from_slice(format!(r#","search":{{"mode":"{mode}"}}}}"#).as_bytes());
    }

    /// Closes the bundle with its links, each but self to a page of the same snapshot.
    fn finish(mut self, frame: &Frame, links: &[(&str, Cursor)]) -> Result<Vec<u8>, Fault> {
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.extend_from_slice(br#","link":["#);
        for (relation, cursor) in links {
            let token = cursor.seal(frame.key).ok_or_else(|| internal("cursor"))?;
            self.out.extend_from_slice(format!(r#"{{"relation":"{relation}","url":"#).as_bytes());
            quote(&mut self.out, &format!("{}/_page?id={token}", frame.base));
            self.out.extend_from_slice(b"},");
        }
        self.out.extend_from_slice(br#"{"relation":"self","url":"#);
        quote(&mut self.out, frame.self_url);
        self.out.extend_from_slice(b"}]}");
        Ok(self.out)
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(Value::from(text).to_string().as_bytes());
}

fn type_name(number: u8) -> &'static str {
    TYPES.get(usize::from(number)).copied().unwrap_or("Resource")
}

fn cursor(snap: &Snapshot, frame: &Frame, last_row: Option<u32>, total: Option<u64>) -> Cursor {
    Cursor { tx: snap.tx(), last_row, total, scope: frame.scope.to_owned(), query: frame.query.to_owned() }
}

/// The rows of a page in its order, whether more follow, and the row before the previous page when there is one.
struct Page {
    rows: Vec<u32>,
    more: bool,
    /// `Some(None)`: the previous page is the first one.
    previous: Option<Option<u32>>,
}

/// Cuts one page out of the matches.
fn page(snap: &Snapshot, ty: u8, search: &Search, frame: &Frame, all: &RoaringBitmap) -> Result<Page, Fault> {
    let (count, last) = (search.count.max(1), frame.last());
    let dated = match search.order {
        Order::Updated { .. } => snap.dated(ty).map_err(internal)? & all,
        _ => RoaringBitmap::new(),
    };
    // The row that is `count` rows before the last one served: the previous page begins after it.
    let mut before: Option<u32> = None;
    let mut found: Vec<u32> = match search.order {
        Order::Id { down } => {
            let edge = last.map(|row| snap.entry(row)).transpose().map_err(internal)?;
            let after = edge.as_ref().map(annuaire_index::Entry::id);
            if after.is_some() {
                before = snap.by_id(ty, all, after, !down, count).map_err(internal)?.get(count - 1).copied();
            }
            snap.by_id(ty, all, after, down, count + 1).map_err(internal)?
        }
        Order::Updated { down } if !dated.is_empty() => {
            // Instants of other directories do not follow rows: all are read and sorted.
            if all.len() > limits::SORTED {
                return Err(Fault::too_costly(format!(
                    "{} resources to sort, more than {}: narrow the search or drop _sort.",
                    all.len(),
                    limits::SORTED
                )));
            }
            let mut keyed = all.iter().map(|r| Ok((snap.updated(r).map_err(internal)?, r))).collect::<Result<Vec<_>, Fault>>()?;
            keyed.sort_unstable();
            if down {
                keyed.reverse();
            }
            let start = last.and_then(|last| keyed.iter().position(|k| k.1 == last)).map_or(0, |at| at + 1);
            before = start.checked_sub(count + 1).map(|at| keyed[at].1);
            keyed.into_iter().skip(start).take(count + 1).map(|k| k.1).collect()
        }
        Order::Updated { down: true } => {
            let mut rest = all.clone();
            if let Some(last) = last {
                let mut above = all.iter();
                above.advance_to(last.saturating_add(1));
                before = above.nth(count - 1);
                rest.remove_range(last..);
            }
            rest.iter().rev().take(count + 1).collect()
        }
        Order::Updated { down: false } | Order::Row => {
            let mut rest = all.iter();
            if let Some(last) = last {
                // Ranks are cheap in row order.
                let below = all.rank(last).saturating_sub(1);
                before = below.checked_sub(count as u64).and_then(|n| all.select(u32::try_from(n).ok()?));
                rest.advance_to(last.saturating_add(1));
            }
            rest.take(count + 1).collect()
        }
    };
    let more = found.len() > count;
    found.truncate(count);
    let previous = last.map(|_| before);
    Ok(Page { rows: found, more, previous })
}

/// One page of a search on type `ty`.
pub(crate) fn searchset(snap: &Snapshot, ty: u8, search: &Search, frame: &Frame) -> Result<Written, Fault> {
    let all = snap.search(ty, &search.filter).map_err(internal)?;
    let total = match frame.from {
        Some((_, total)) => total,
        None => search.with_total.then(|| all.len()),
    };
    let mut writer = Writer::new("searchset", snap, frame, total, None);
    if search.only_total {
        return Ok((writer.finish(frame, &[])?, 0));
    }
    let Page { mut rows, mut more, previous } = page(snap, ty, search, frame, &all)?;
    for (n, row) in rows.iter().enumerate() {
        if writer.out.len() > limits::ANSWER {
            rows.truncate(n);
            more = true;
            break;
        }
        let entry = snap.entry(*row).map_err(internal)?;
        match &search.elements {
            Some(names) => writer.resource(frame.base, type_name(ty), entry.id(), &reduce(entry.body(), names)),
            None => writer.resource(frame.base, type_name(ty), entry.id(), entry.body()),
        }
        writer.mode("match");
    }
    let included = included(snap, search, &rows)?;
    for row in &included {
        let entry = snap.entry(row).map_err(internal)?;
        writer.resource(frame.base, type_name(entry.ty), entry.id(), entry.body());
        writer.mode("include");
    }
    if !search.ignored.is_empty() {
        writer.open();
        writer.out.extend_from_slice(br#""resource":"#);
        writer.out.extend_from_slice(&outcome("warning", "not-supported", &search.ignored.join("; ")));
        writer.mode("outcome");
    }
    let mut links = Vec::new();
    if let Some(last) = rows.last().filter(|_| more) {
        links.push(("next", cursor(snap, frame, Some(*last), total)));
    }
    if frame.last().is_some() {
        links.push(("first", cursor(snap, frame, None, total)));
    }
    if let Some(before) = previous {
        links.push(("previous", cursor(snap, frame, before, total)));
    }
    Ok((writer.finish(frame, &links)?, rows.len() as u64))
}

/// Rows that the includes bring to a page, without its matches, each once.
fn included(snap: &Snapshot, search: &Search, page: &[u32]) -> Result<RoaringBitmap, Fault> {
    let matches: RoaringBitmap = page.iter().copied().collect();
    let mut out = RoaringBitmap::new();
    let mut frontier = matches.clone();
    for round in 0..limits::ITERATE {
        let rules: Vec<_> = search.links.iter().filter(|l| round == 0 || l.iterate).collect();
        if rules.is_empty() || frontier.is_empty() {
            break;
        }
        let mut found = RoaringBitmap::new();
        let mut pointed: Vec<Vec<Filter>> = vec![Vec::new(); rules.len()];
        for row in &frontier {
            let entry = snap.entry(row).map_err(internal)?;
            let ty = type_name(entry.ty);
            if rules.iter().any(|l| !l.reverse && l.source == ty) {
                for (param, to) in snap.references(row).map_err(internal)? {
                    let wanted = rules.iter().any(|l| !l.reverse && l.source == ty && l.param.id == param);
                    let Some((kind, id)) = to.split_once('/').filter(|_| wanted) else { continue };
                    let Some((_, number)) = Types::Restricted.known(kind) else { continue };
                    if let Some(entry) = snap.current(number, id).map_err(internal)? {
                        found.insert(entry.row);
                    }
                }
            }
            for (rule, links) in rules.iter().zip(&mut pointed).filter(|(l, _)| l.reverse && l.param.target == ty) {
                links.push(Filter::Reference { param: rule.param.id, target: format!("{ty}/{}", entry.id()) });
            }
        }
        for (rule, links) in rules.iter().zip(pointed).filter(|(_, links)| !links.is_empty()) {
            let Some((_, number)) = Types::Restricted.known(rule.source) else { continue };
            found |= snap.search(number, &Filter::Or(links)).map_err(internal)?;
        }
        frontier = found - &matches - &out;
        out |= &frontier;
        if out.len() > limits::INCLUDED {
            return Err(Fault::too_costly(format!("This page includes more than {} resources: lower _count.", limits::INCLUDED)));
        }
    }
    Ok(out)
}

/// One page of a history, newest first, over the versions `rows`.
pub(crate) fn history(
    snap: &Snapshot,
    mut rows: RoaringBitmap,
    count: usize,
    oldest_first: bool,
    frame: &Frame,
) -> Result<Written, Fault> {
    let total = frame.from.map_or(Some(rows.len()), |(_, total)| total);
    match frame.last() {
        Some(last) if oldest_first => _ = rows.remove_range(..=last),
        Some(last) => _ = rows.remove_range(last..),
        None => {}
    }
    let mut writer = Writer::new("history", snap, frame, total, Some(snap.commit_ms()));
    let mut page: Vec<u32> =
        if oldest_first { rows.iter().take(count).collect() } else { rows.iter().rev().take(count).collect() };
    for (n, row) in page.iter().enumerate() {
        if writer.out.len() > limits::ANSWER {
            page.truncate(n);
            break;
        }
        let entry = snap.entry(*row).map_err(internal)?;
        let ty = type_name(entry.ty);
        writer.resource(frame.base, ty, entry.id(), entry.body());
        let (method, url, status) =
            if entry.version == 1 { ("POST", ty.to_owned(), "201") } else { ("PUT", format!("{ty}/{}", entry.id()), "200") };
        writer.out.extend_from_slice(format!(r#","request":{{"method":"{method}","url":"#).as_bytes());
        quote(&mut writer.out, &url);
        let response = format!(r#"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"#, entry.version);
        writer.out.extend_from_slice(response.as_bytes());
        quote(&mut writer.out, &iso_ms(entry.commit_ms));
        writer.out.extend_from_slice(b"}}");
    }
    let more = rows.len() > page.len() as u64;
    let next = page.last().filter(|_| more).map(|last| ("next", cursor(snap, frame, Some(*last), total)));
    Ok((writer.finish(frame, next.as_slice())?, page.len() as u64))
}

/// An OperationOutcome with one issue.
pub(crate) fn outcome(severity: &str, code: &str, text: &str) -> Vec<u8> {
    let mut out =
        format!(r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"{severity}","code":"{code}","diagnostics":"#)
            .into_bytes();
    quote(&mut out, text);
    out.extend_from_slice(b"}]}");
    out
}

/// Members of a JSON object: name and value, as written.
fn members(body: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut out, mut depth, mut start, mut colon) = (Vec::new(), 0u32, 0, None);
    let (mut quoted, mut escaped) = (false, false);
    for (i, b) in body.iter().enumerate() {
        if quoted {
            match b {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        let closing = matches!(b, b'}' | b']');
        if depth == 1 && (closing || *b == b',') {
            if let Some(at) = colon.take() {
                let name = body[start..at].trim_ascii();
                out.push((name.get(1..name.len().saturating_sub(1)).unwrap_or(name), body[at + 1..i].trim_ascii()));
            }
            start = i + 1;
        }
        match b {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth += 1;
                if depth == 1 {
                    start = i + 1;
                }
            }
            b':' if depth == 1 && colon.is_none() => colon = Some(i),
            _ if closing => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    out
}

fn join<'a>(members: impl Iterator<Item = (&'a [u8], std::borrow::Cow<'a, [u8]>)>) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (name, value) in members {
        if out.len() > 1 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(&value);
    }
    out.push(b'}');
    out
}

/// The resource with its compulsory members and those of `names`, tagged SUBSETTED.
pub(crate) fn reduce(body: &[u8], names: &[String]) -> Vec<u8> {
    let all_of = names.iter().any(|n| n == "*");
    let kept = |name: &[u8]| all_of || KEPT.iter().any(|k| k.as_bytes() == name) || names.iter().any(|n| n.as_bytes() == name);
    let mut all = members(body);
    if !all.iter().any(|(name, _)| *name == b"meta") {
        all.push((b"meta", b"{}"));
    }
    join(
        all.into_iter()
            .filter(|(name, _)| kept(name))
            .map(|(name, value)| (name, if name == b"meta" { tagged(value).into() } else { value.into() })),
    )
}

fn tagged(meta: &[u8]) -> Vec<u8> {
    let mut all = members(meta);
    let old = all.iter().position(|(name, _)| *name == b"tag").map(|i| all.remove(i).1);
    let mut tag = old.and_then(|t| t.strip_suffix(b"]")).map_or_else(|| b"[".to_vec(), <[u8]>::to_vec);
    if tag.len() > 1 {
        tag.push(b',');
    }
    tag.extend_from_slice(SUBSETTED);
    tag.push(b']');
    join(all.into_iter().map(|(n, v)| (n, v.into())).chain([(&b"tag"[..], tag.into())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduced_resource() {
        let body = br#"{"resourceType":"Organization","id":"1","meta":{"versionId":"2","tag":[{"code":"a"}]},"name":"x\"},{,:","type":[{"text":"t"}],"active":true}"#;
        let out = reduce(body, &["name".to_owned()]);
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["name"], "x\"},{,:");
        assert_eq!(value["meta"]["tag"][1]["code"], "SUBSETTED");
        assert_eq!(value["meta"]["versionId"], "2");
        assert_eq!((value["active"].clone(), value.get("type")), (Value::Bool(true), None));
        assert!(out.starts_with(br#"{"resourceType":"Organization","id":"1","meta":{"versionId":"2","tag":["#));
        let bare: Value = serde_json::from_slice(&reduce(br#"{"id":"1"}"#, &[])).unwrap();
        assert_eq!(bare["meta"]["tag"][0]["code"], "SUBSETTED");
    }

    #[test]
    fn outcome_is_json() {
        let value: Value = serde_json::from_slice(&outcome("error", "exception", "a \"b\"\n")).unwrap();
        assert_eq!(value["issue"][0]["diagnostics"], "a \"b\"\n");
    }
}
