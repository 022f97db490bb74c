//! Bundles and reduced resources, spliced from stored bytes without parsing them.

use annuaire_base::date::iso_ms;
use annuaire_fhir::schema::{Param, TYPES};
use annuaire_index::{Filter, RoaringBitmap, Snapshot};
use serde_json::Value;

use crate::cursor::{Cursor, digest};
use crate::query::{Search, known_type};
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
    /// Last row of the previous page and the total of the first one.
    pub from: Option<(u32, Option<u64>)>,
}

struct Writer {
    out: Vec<u8>,
    entries: u64,
}

impl Writer {
    fn new(kind: &str, snap: &Snapshot, frame: &Frame, total: Option<u64>, meta: Option<i64>) -> Self {
        let place = frame.from.map_or(0, |(row, _)| u64::from(row) + 1);
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

    fn finish(mut self, frame: &Frame, next: Option<&Cursor>) -> Result<Vec<u8>, Fault> {
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.extend_from_slice(br#","link":["#);
        if let Some(cursor) = next {
            let token = cursor.seal(frame.key).ok_or_else(|| internal("cursor"))?;
            self.out.extend_from_slice(br#"{"relation":"next","url":"#);
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

fn next_cursor(snap: &Snapshot, frame: &Frame, last_row: u32, total: Option<u64>) -> Cursor {
    Cursor { tx: snap.tx(), last_row, total, scope: frame.scope.to_owned(), query: frame.query.to_owned() }
}

/// One page of a search on type `ty`.
pub(crate) fn searchset(snap: &Snapshot, ty: u8, search: &Search, frame: &Frame) -> Result<Vec<u8>, Fault> {
    let mut rows = snap.search(ty, &search.filter).map_err(internal)?;
    let total = match frame.from {
        Some((_, total)) => total,
        None => search.with_total.then(|| rows.len()),
    };
    if let Some((last, _)) = frame.from {
        rows.remove_range(..=last);
    }
    let mut writer = Writer::new("searchset", snap, frame, total, None);
    if search.only_total {
        return writer.finish(frame, None);
    }
    let page: RoaringBitmap = rows.iter().take(search.count).collect();
    for row in &page {
        let entry = snap.entry(row).map_err(internal)?;
        match &search.elements {
            Some(names) => writer.resource(frame.base, type_name(ty), entry.id, &reduce(entry.body, names)),
            None => writer.resource(frame.base, type_name(ty), entry.id, entry.body),
        }
        writer.mode("match");
    }
    let included = included(snap, ty, search, &page)?;
    for row in &included {
        let entry = snap.entry(row).map_err(internal)?;
        writer.resource(frame.base, type_name(entry.ty), entry.id, entry.body);
        writer.mode("include");
    }
    if !search.ignored.is_empty() {
        writer.open();
        writer.out.extend_from_slice(br#""resource":"#);
        writer.out.extend_from_slice(&outcome("warning", "not-supported", &search.ignored.join("; ")));
        writer.mode("outcome");
    }
    let more = rows.len() > page.len();
    let next = page.max().filter(|_| more).map(|last| next_cursor(snap, frame, last, total));
    writer.finish(frame, next.as_ref())
}

/// Rows that the includes bring to a page, without its matches, each once.
fn included(snap: &Snapshot, ty: u8, search: &Search, page: &RoaringBitmap) -> Result<RoaringBitmap, Fault> {
    let mut out = RoaringBitmap::new();
    if page.is_empty() {
        return Ok(out);
    }
    if !search.includes.is_empty() {
        let wanted = |param: u8| search.includes.iter().any(|p: &&Param| p.id == param);
        for row in page {
            for (_, to) in snap.references(row).map_err(internal)?.into_iter().filter(|(param, _)| wanted(*param)) {
                let Some((kind, id)) = to.split_once('/') else { continue };
                let Some((_, number)) = known_type(kind) else { continue };
                if let Some(entry) = snap.current(number, id).map_err(internal)? {
                    out.insert(entry.row);
                }
            }
        }
    }
    for (source, param) in &search.revincludes {
        let Some((_, number)) = known_type(source) else { continue };
        let mut links = Vec::new();
        for row in page {
            let entry = snap.entry(row).map_err(internal)?;
            links.push(Filter::Reference { param: param.id, target: format!("{}/{}", type_name(ty), entry.id) });
        }
        out |= snap.search(number, &Filter::Or(links)).map_err(internal)?;
    }
    out -= page;
    if out.len() > limits::INCLUDED {
        return Err(Fault::too_costly(format!(
            "This page includes {} resources, more than {}: lower _count.",
            out.len(),
            limits::INCLUDED
        )));
    }
    Ok(out)
}

/// One page of a history, newest first, over the versions `rows`.
pub(crate) fn history(snap: &Snapshot, mut rows: RoaringBitmap, count: usize, frame: &Frame) -> Result<Vec<u8>, Fault> {
    let total = frame.from.map_or(Some(rows.len()), |(_, total)| total);
    if let Some((last, _)) = frame.from {
        rows.remove_range(last..);
    }
    let mut writer = Writer::new("history", snap, frame, total, Some(snap.commit_ms()));
    let page: Vec<u32> = rows.iter().rev().take(count).collect();
    for row in &page {
        let entry = snap.entry(*row).map_err(internal)?;
        let ty = type_name(entry.ty);
        writer.resource(frame.base, ty, entry.id, entry.body);
        let (method, url, status) =
            if entry.version == 1 { ("POST", ty.to_owned(), "201") } else { ("PUT", format!("{ty}/{}", entry.id), "200") };
        writer.out.extend_from_slice(format!(r#","request":{{"method":"{method}","url":"#).as_bytes());
        quote(&mut writer.out, &url);
        let response = format!(r#"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"#, entry.version);
        writer.out.extend_from_slice(response.as_bytes());
        quote(&mut writer.out, &iso_ms(entry.commit_ms));
        writer.out.extend_from_slice(b"}}");
    }
    let more = rows.len() > page.len() as u64;
    let next = page.last().filter(|_| more).map(|last| next_cursor(snap, frame, *last, total));
    writer.finish(frame, next.as_ref())
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
    let kept = |name: &[u8]| KEPT.iter().any(|k| k.as_bytes() == name) || names.iter().any(|n| n.as_bytes() == name);
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
