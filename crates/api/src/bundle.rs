//! Bundles and reduced resources, spliced from stored bytes without parsing them.

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_fhir::schema::TYPES;
use annuaire_index::{Filter, IdOrder, RoaringBitmap, Row, Snapshot, Version, VersionReader};
use serde_json::Value;

use crate::cursor::{Cursor, digest};
use crate::query::{Link, Order, Search, Types, carried};
use crate::{Fault, failed, internal, limits};
use annuaire_terms::TypeId;

const SUBSETTED: &[u8] = br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"Resource encoded in summary mode"}"#;
/// Bytes of an entry, about: room is made for a page before it is written.
const USUAL: usize = 2_400;
const KEPT: [&str; 6] = ["resourceType", "id", "meta", "identifier", "active", "status"];

/// What a bundle needs besides its rows.
pub(crate) struct Frame {
    pub base: String,
    pub key: [u8; 32],
    pub self_url: String,
    /// Scope and query that the next page repeats.
    pub scope: String,
    pub query: String,
    /// For a page reached by a link: last row of the page before it, and the total of the first one.
    pub from: Option<(Option<Row>, Option<u64>)>,
}

impl Frame {
    /// Last row already served.
    fn last(&self) -> Option<Row> {
        self.from.and_then(|f| f.0)
    }
}

/// What the entries of a bundle are.
enum Kind {
    /// Matches, with these members of each when they are named, and what the rules bring to them.
    Search { links: Vec<Link>, elements: Option<Vec<String>>, ignored: Vec<Fault> },
    /// Versions.
    History,
}

/// A bundle being written, in pieces: its `meta.lastUpdated` is the watermark, the commit instant of the state that it was
/// answered from. A follower that asks `_lastUpdated=ge` this instant next time loses nothing: instants of commits strictly
/// increase, so that what was committed later has a later instant and is answered, and what has an earlier one was already in
/// this state. All pages of an answer are of one state and carry one watermark. What changed at that very instant is answered
/// again, which changes nothing for who has it.
///
/// It is made in pieces: a page of a thousand resources is on its way to the client before its end is made, and
/// a client that reads slowly holds one piece of it.
pub(crate) struct Draft {
    frame: Frame,
    tx: Tx,
    kind: Kind,
    /// What is written and not yet taken.
    out: Vec<u8>,
    /// Bytes taken.
    taken: usize,
    entries: u64,
    total: Option<u64>,
    page: Page,
    /// Rows of the page already written.
    written: usize,
    included: Vec<Row>,
    /// Included rows already written.
    brought: usize,
    entry: Version,
}

impl Draft {
    fn new(snap: &Snapshot, frame: Frame, kind: Kind, total: Option<u64>, page: Page) -> Self {
        let place = frame.last().map_or(0, |row| u64::from(row.get()) + 1);
        let (tx, place) = (snap.tx().get().to_be_bytes(), place.to_be_bytes());
        let name = if matches!(kind, Kind::History) { "history" } else { "searchset" };
        let mut out = Vec::with_capacity((page.rows.len() * USUAL + 1_000).min(limits::PIECE / 8 * 9));
        let start = format!(
            r#"{{"resourceType":"Bundle","id":"{}""#,
            uuid(digest(&[&tx, frame.scope.as_bytes(), frame.query.as_bytes(), &place]))
        );
        out.extend_from_slice(start.as_bytes());
        out.extend_from_slice(br#","meta":{"lastUpdated":"#);
        quote(&mut out, &iso_ms(snap.commit_ms()));
        out.extend_from_slice(br#"},"type":""#);
        out.extend_from_slice(name.as_bytes());
        out.push(b'"');
        if let Some(total) = total {
            out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
        }
        Self {
            frame,
            tx: snap.tx(),
            kind,
            out,
            taken: 0,
            entries: 0,
            total,
            page,
            written: 0,
            included: Vec::new(),
            brought: 0,
            entry: Version::default(),
        }
    }

    /// Transaction of the bundle.
    pub(crate) fn tx(&self) -> Tx {
        self.tx
    }

    /// Matches, or versions, of this page.
    pub(crate) fn matches(&self) -> u64 {
        self.page.rows.len() as u64
    }

    /// What was written since the last call.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.taken += self.out.len();
        // The next piece is about as long, or somewhat longer.
        let room = self.out.len() / 8 * 9;
        std::mem::replace(&mut self.out, Vec::with_capacity(room))
    }

    /// Writes on until `piece` bytes wait to be taken; true when the bundle is complete. `snap` is of the same transaction.
    pub(crate) fn write(&mut self, snap: &Snapshot, piece: usize) -> Result<bool, Fault> {
        let mut rows = snap.reader();
        while let Some(&row) = self.page.rows.get(self.written) {
            if self.out.len() >= piece {
                return Ok(false);
            }
            if self.taken + self.out.len() > limits::ANSWER {
                self.page.rows.truncate(self.written);
                self.page.more = true;
                self.bring(snap)?;
                break;
            }
            self.row(&mut rows, row, false)?;
            self.written += 1;
        }
        while let Some(&row) = self.included.get(self.brought) {
            if self.out.len() >= piece {
                return Ok(false);
            }
            self.row(&mut rows, row, true)?;
            self.brought += 1;
        }
        self.finish()?;
        Ok(true)
    }

    /// Finds what the rules bring to the page.
    fn bring(&mut self, snap: &Snapshot) -> Result<(), Fault> {
        if let Kind::Search { links, .. } = &self.kind
            && !links.is_empty()
        {
            self.included = included(snap, links, &self.page.rows)?.iter().map(Row::new).collect();
        }
        Ok(())
    }

    fn open(&mut self) {
        self.out.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
    }

    fn mode(&mut self, mode: &str) {
        for part in [r#","search":{"mode":""#, mode, r#""}}"#] {
            self.out.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes the entry of a row.
    fn row(&mut self, rows: &mut VersionReader, row: Row, brought: bool) -> Result<(), Fault> {
        rows.read(row, &mut self.entry).map_err(failed)?;
        self.open();
        let ty = type_name(self.entry.ty);
        self.out.extend_from_slice(br#""fullUrl":"#);
        quote_all(&mut self.out, &[&self.frame.base, "/", ty, "/", self.entry.id()]);
        self.out.extend_from_slice(br#","resource":"#);
        match &self.kind {
            Kind::Search { elements: Some(names), .. } if !brought => {
                self.out.extend_from_slice(&reduce(self.entry.body(), names));
            }
            _ => self.out.extend_from_slice(self.entry.body()),
        }
        if matches!(self.kind, Kind::Search { .. }) {
            self.mode(if brought { "include" } else { "match" });
            return Ok(());
        }
        let Version { number: version, last_updated_ms, .. } = self.entry;
        let (method, status) = if version == 1 { ("POST", "201") } else { ("PUT", "200") };
        self.out.extend_from_slice(format!(r#","request":{{"method":"{method}","url":"#).as_bytes());
        let url = [ty, "/", self.entry.id()];
        quote_all(&mut self.out, if version == 1 { &url[..1] } else { &url });
        let response = format!(r#"}},"response":{{"status":"{status}","etag":"W/\"{version}\"","lastModified":"#);
        self.out.extend_from_slice(response.as_bytes());
        quote(&mut self.out, &iso_ms(last_updated_ms));
        self.out.extend_from_slice(b"}}");
        Ok(())
    }

    /// Closes the bundle with what was ignored and its links, each but self to a page of the same snapshot.
    fn finish(&mut self) -> Result<(), Fault> {
        if let Kind::Search { ignored, .. } = &self.kind
            && !ignored.is_empty()
        {
            let outcome = issues("warning", ignored);
            let name = uuid(digest(&[&self.tx.get().to_be_bytes(), self.frame.query.as_bytes(), &outcome]));
            self.open();
            self.out.extend_from_slice(format!(r#""fullUrl":"urn:uuid:{name}","resource":"#).as_bytes());
            self.out.extend_from_slice(&outcome);
            self.mode("outcome");
        }
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.push(b',');
        self.links()?;
        self.out.push(b'}');
        Ok(())
    }

    /// Decides where the page ends, as [`Draft::write`] will, and returns the member `link`: XML has it before the entries.
    /// Costs the reading of the matches that are not written yet, in the memory of one. `snap` is of the same transaction.
    pub(crate) fn settle(&mut self, snap: &Snapshot) -> Result<Vec<u8>, Fault> {
        let (out, written, entries) = (std::mem::take(&mut self.out), self.written, self.entries);
        let mut bytes = self.taken + out.len();
        let mut rows = snap.reader();
        while let Some(&row) = self.page.rows.get(self.written) {
            if bytes > limits::ANSWER {
                self.page.rows.truncate(self.written);
                self.page.more = true;
                self.bring(snap)?;
                break;
            }
            self.out.clear();
            self.row(&mut rows, row, false)?;
            bytes += self.out.len();
            self.written += 1;
        }
        self.out.clear();
        self.links()?;
        (self.written, self.entries) = (written, entries);
        Ok(std::mem::replace(&mut self.out, out))
    }

    /// Writes the member `link`.
    fn links(&mut self) -> Result<(), Fault> {
        self.out.extend_from_slice(br#""link":["#);
        let mut links = Vec::new();
        if let Some(last) = self.page.rows.last().filter(|_| self.page.more) {
            links.push(("next", Some(*last)));
        }
        if let (Kind::Search { .. }, Some(before)) = (&self.kind, self.page.previous) {
            links.push(("first", None));
            links.push(("previous", before));
        }
        let Frame { base, key, self_url, scope, query, .. } = &self.frame;
        let carried = carried(query);
        for (relation, last_row) in links {
            let cursor = Cursor { tx: self.tx, last_row, total: self.total, scope: scope.clone(), query: query.clone() };
            let token = cursor.seal(key).ok_or_else(|| internal("cursor"))?;
            self.out.extend_from_slice(format!(r#"{{"relation":"{relation}","url":"#).as_bytes());
            quote(&mut self.out, &format!("{base}/_page?id={token}{carried}"));
            self.out.extend_from_slice(b"},");
        }
        self.out.extend_from_slice(br#"{"relation":"self","url":"#);
        quote(&mut self.out, self_url);
        self.out.extend_from_slice(b"}]");
        Ok(())
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    quote_all(out, &[text]);
}

/// Appends texts, one after the other, as one JSON string.
fn quote_all(out: &mut Vec<u8>, parts: &[&str]) {
    // Without a way out in the middle, the letters are compared many at a time.
    let plain = |text: &&str| text.bytes().fold(true, |plain, b| plain & (b >= b' ') & (b != b'"') & (b != b'\\'));
    if !parts.iter().all(plain) {
        out.extend_from_slice(Value::from(parts.concat()).to_string().as_bytes());
        return;
    }
    out.push(b'"');
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    out.push(b'"');
}

fn type_name(number: TypeId) -> &'static str {
    TYPES.get(usize::from(number)).copied().unwrap_or("Resource")
}

/// The rows of a page in its order, whether more follow, and the row before the previous page when there is one.
#[derive(Default)]
struct Page {
    rows: Vec<Row>,
    more: bool,
    /// `Some(None)`: the previous page is the first one.
    previous: Option<Option<Row>>,
}

/// Cuts one page out of the matches.
fn page(snap: &Snapshot, ty: TypeId, search: &Search, frame: &Frame, all: &RoaringBitmap) -> Result<Page, Fault> {
    let (count, last) = (search.count.max(1), frame.last());
    let dated = match search.order {
        Order::Updated { .. } => snap.with_own_instant(ty).map_err(failed)? & all,
        _ => RoaringBitmap::new(),
    };
    // The row that is `count` rows before the last one served: the previous page begins after it.
    let mut before: Option<Row> = None;
    let mut found: Vec<Row> = match search.order {
        Order::Id { down } => {
            let edge = last.map(|row| snap.read(row)).transpose().map_err(failed)?;
            let after = edge.as_ref().map(Version::id);
            let (order, back) =
                if down { (IdOrder::Descending, IdOrder::Ascending) } else { (IdOrder::Ascending, IdOrder::Descending) };
            if after.is_some() {
                before = snap.by_id(ty, all, after, back, count).map_err(failed)?.get(count - 1).copied();
            }
            snap.by_id(ty, all, after, order, count + 1).map_err(failed)?
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
            let mut keyed = all
                .iter()
                .map(Row::new)
                .map(|r| Ok((snap.last_updated_ms(r).map_err(failed)?, r)))
                .collect::<Result<Vec<_>, Fault>>()?;
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
                above.advance_to(last.get().saturating_add(1));
                before = above.nth(count - 1).map(Row::new);
                rest.remove_range(last.get()..);
            }
            rest.iter().rev().take(count + 1).map(Row::new).collect()
        }
        Order::Updated { down: false } | Order::Row => {
            let mut rest = all.iter();
            if let Some(last) = last {
                // Ranks are cheap in row order.
                let below = all.rank(last.get()).saturating_sub(1);
                before = below.checked_sub(count as u64).and_then(|n| all.select(u32::try_from(n).ok()?)).map(Row::new);
                rest.advance_to(last.get().saturating_add(1));
            }
            rest.take(count + 1).map(Row::new).collect()
        }
    };
    let more = found.len() > count;
    found.truncate(count);
    let previous = last.map(|_| before);
    Ok(Page { rows: found, more, previous })
}

/// One page of a search on type `ty`.
pub(crate) fn searchset(snap: &Snapshot, ty: TypeId, search: Search, frame: Frame) -> Result<Draft, Fault> {
    let all = snap.search(ty, &search.filter).map_err(failed)?;
    let total = match frame.from {
        Some((_, total)) => total,
        None => search.with_total.then(|| all.len()),
    };
    let page = if search.only_total { Page::default() } else { page(snap, ty, &search, &frame, &all)? };
    let Search { links, elements, ignored, only_total, .. } = search;
    // A total alone has no entries, whatever was ignored.
    let ignored = if only_total { Vec::new() } else { ignored };
    let mut draft = Draft::new(snap, frame, Kind::Search { links, elements, ignored }, total, page);
    draft.bring(snap)?;
    Ok(draft)
}

/// Rows that the includes bring to a page, without its matches, each once.
fn included(snap: &Snapshot, links: &[Link], page: &[Row]) -> Result<RoaringBitmap, Fault> {
    let matches: RoaringBitmap = page.iter().map(|row| row.get()).collect();
    let mut out = RoaringBitmap::new();
    let mut frontier = matches.clone();
    for round in 0..limits::ITERATE {
        let rules: Vec<_> = links.iter().filter(|l| round == 0 || l.iterate).collect();
        if rules.is_empty() || frontier.is_empty() {
            break;
        }
        let mut found = RoaringBitmap::new();
        let mut pointed: Vec<Vec<Filter>> = vec![Vec::new(); rules.len()];
        for row in &frontier {
            let entry = snap.read(Row::new(row)).map_err(failed)?;
            let ty = type_name(entry.ty);
            if rules.iter().any(|l| !l.reverse && l.source == ty) {
                for (param, to) in entry.references().map_err(failed)? {
                    let wanted = rules.iter().any(|l| !l.reverse && l.source == ty && l.param.id == param);
                    let Some((kind, id)) = to.split_once('/').filter(|_| wanted) else { continue };
                    let Some((_, number)) = Types::Restricted.known(kind) else { continue };
                    if let Some(entry) = snap.current(number, id).map_err(failed)? {
                        found.insert(entry.row.get());
                    }
                }
            }
            for (rule, links) in rules.iter().zip(&mut pointed).filter(|(l, _)| l.reverse && l.param.target == ty) {
                links.push(Filter::Reference { param: rule.param.id, target: format!("{ty}/{}", entry.id()) });
            }
        }
        for (rule, links) in rules.iter().zip(pointed).filter(|(_, links)| !links.is_empty()) {
            let Some((_, number)) = Types::Restricted.known(rule.source) else { continue };
            found |= &*snap.search(number, &Filter::Or(links)).map_err(failed)?;
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
pub(crate) fn history(snap: &Snapshot, mut rows: RoaringBitmap, count: usize, oldest_first: bool, frame: Frame) -> Draft {
    let total = frame.from.map_or(Some(rows.len()), |(_, total)| total);
    match frame.last() {
        Some(last) if oldest_first => _ = rows.remove_range(..=last.get()),
        Some(last) => _ = rows.remove_range(last.get()..),
        None => {}
    }
    let page: Vec<Row> = if oldest_first {
        rows.iter().take(count).map(Row::new).collect()
    } else {
        rows.iter().rev().take(count).map(Row::new).collect()
    };
    let more = rows.len() > page.len() as u64;
    Draft::new(snap, frame, Kind::History, total, Page { rows: page, more, previous: None })
}

/// An OperationOutcome with an issue for each fault: the documented text in `diagnostics`, which clients compare, and the help
/// in `details`, for people.
pub(crate) fn issues(severity: &str, faults: &[Fault]) -> Vec<u8> {
    let mut out = br#"{"resourceType":"OperationOutcome","issue":["#.to_vec();
    for (n, fault) in faults.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        issue(&mut out, severity, fault.code, &fault.text, &fault.hint);
    }
    out.extend_from_slice(b"]}");
    out
}

/// Members in the order of the R4 schema.
fn issue(out: &mut Vec<u8>, severity: &str, code: &str, text: &str, details: &str) {
    out.extend_from_slice(format!(r#"{{"severity":"{severity}","code":"{code}""#).as_bytes());
    if !details.is_empty() {
        out.extend_from_slice(br#","details":{"text":"#);
        quote(out, details);
        out.push(b'}');
    }
    out.extend_from_slice(br#","diagnostics":"#);
    quote(out, text);
    out.push(b'}');
}

/// Two hashes in the form of a UUID, which the same hashes make again (RFC 9562, version 8).
fn uuid((a, b): (u64, u64)) -> String {
    let (first, second, third) = (a >> 32, (a >> 16) & 0xffff, a & 0xfff);
    format!("{first:08x}-{second:04x}-8{third:03x}-a{:03x}-{:012x}", b >> 52, b & 0xffff_ffff_ffff)
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
    fn the_documented_text_stands_alone_and_the_help_beside_it() {
        let fault = Fault::value("A help \"for people\".").at("name");
        let value: Value = serde_json::from_slice(&issues("warning", &[fault, Fault::missing("x")])).unwrap();
        let issue = &value["issue"][0];
        assert_eq!((issue["severity"].as_str(), issue["code"].as_str()), (Some("warning"), Some("value")));
        assert_eq!(issue["diagnostics"], "Bad parameter value.");
        assert_eq!(issue["details"]["text"], "In name: A help \"for people\".");
        assert_eq!(value["issue"][1]["code"], "exception");
        assert!(value["issue"][1]["details"].is_null());
    }
}
