//! Publishes what a fake origin holds: a root, increments, the end of a chain.

use super::{FakeOrigin, OriginState, instant};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;

/// What was published so far.
#[derive(Default)]
pub struct Publisher {
    /// Number of the last page.
    page: u32,
    /// Path of the last page, whose link is still open, and its body without links.
    open: Option<(String, String)>,
    shown: BTreeMap<(String, String), String>,
    roots: u32,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Stores lines as an immutable file; the item of the manifest.
fn item(state: &mut OriginState, base: &str, ty: &str, lines: &[String], encoding: &str) -> String {
    let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
    let bytes = match encoding {
        "zstd" => zstd::encode_all(text.as_bytes(), 3).unwrap(),
        "gzip" => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap()
        }
        _ => text.clone().into_bytes(),
    };
    let digest = sha256(&bytes);
    let path = format!("/files/{digest}.{encoding}");
    let (size, decoded, count) = (bytes.len(), text.len(), lines.len());
    state.files.insert(path.clone(), (bytes, format!("\"{digest}\"")));
    let url = base.trim_end_matches("/fhir").to_owned() + &path;
    format!(
        r#"{{"type":"{ty}","url":"{url}","count":{count},"extension":{{"sha256":"{digest}","size":{size},"decodedSize":{decoded},"encoding":"{encoding}","tx-range":[1,2]}}}}"#
    )
}

fn page(state: &mut OriginState, path: &str, body: &str, next: Option<&str>) {
    let link = next.map_or_else(String::new, |next| format!(r#","link":[{{"relation":"next","url":"{next}"}}]"#));
    let body = format!("{{{body}{link}}}");
    let etag = format!("W/\"{}\"", &sha256(body.as_bytes())[..16]);
    state.files.insert(path.to_owned(), (body.into_bytes(), etag));
}

impl Publisher {
    /// Publishes the whole state: two pages of files and a page without files, which ends with `#pending`. What was open before
    /// is closed.
    pub fn root(&mut self, origin: &FakeOrigin, encoding: &str) {
        let truth = origin.truth();
        let mut state = origin.lock();
        self.close(&mut state);
        self.roots += 1;
        let head =
            format!(r#""transactionTime":"{}","updateCadence":"PT15M","requiresAccessToken":false"#, instant(state.clock_ms));
        let mut items = Vec::new();
        for ty in ["Device", "Organization"] {
            let lines: Vec<String> = truth.iter().filter(|((of, _), _)| of == ty).map(|(_, json)| json.clone()).collect();
            let half = lines.len() / 2;
            items.push(item(&mut state, &origin.base, ty, &lines[..half], encoding));
            items.push(item(&mut state, &origin.base, ty, &lines[half..], encoding));
        }
        let (second, stub) = (format!("/fhir/root-{}-2", self.roots), format!("/fhir/root-{}-stub", self.roots));
        page(
            &mut state,
            "/fhir/$bulk-publish",
            &format!(r#"{head},"output":[{}],"deleted":[]"#, items[..2].join(",")),
            Some(&second),
        );
        page(&mut state, &second, &format!(r#"{head},"output":[{}],"deleted":[]"#, items[2..].join(",")), Some(&stub));
        page(&mut state, &stub, &head, Some("#pending"));
        self.open = Some((stub, head));
        self.shown = truth;
    }

    /// Publishes what changed since.
    pub fn increment(&mut self, origin: &FakeOrigin, encoding: &str) {
        let truth = origin.truth();
        let mut state = origin.lock();
        state.clock_ms += 1;
        self.page += 1;
        let head = format!(r#""transactionTime":"{}","updateCadence":"PT15M""#, instant(state.clock_ms));
        let (mut output, mut deleted) = (Vec::new(), Vec::new());
        for ty in ["Device", "Organization"] {
            let changed = truth.iter().filter(|(key, json)| key.0 == ty && self.shown.get(*key) != Some(json));
            let lines: Vec<String> = changed.map(|(_, json)| json.clone()).collect();
            if !lines.is_empty() {
                output.push(item(&mut state, &origin.base, ty, &lines, encoding));
            }
        }
        let gone: Vec<String> = self
            .shown
            .keys()
            .filter(|key| !truth.contains_key(*key))
            .map(|(ty, id)| format!(r#"{{"request":{{"method":"DELETE","url":"{ty}/{id}"}}}}"#))
            .collect();
        if !gone.is_empty() {
            let line = format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, gone.join(","));
            deleted.push(item(&mut state, &origin.base, "Bundle", &[line], encoding));
        }
        let body = format!(r#"{head},"output":[{}],"deleted":[{}]"#, output.join(","), deleted.join(","));
        let path = format!("/fhir/page-{}", self.page);
        page(&mut state, &path, &body, Some("#pending"));
        if let Some((before, before_body)) = self.open.replace((path.clone(), body)) {
            page(&mut state, &before, &before_body, Some(&path));
        }
        self.shown = truth;
    }

    /// Ends the chain.
    pub fn close(&mut self, state: &mut OriginState) {
        if let Some((path, body)) = self.open.take() {
            page(state, &path, &body, Some("#closed"));
        }
    }
}

/// Changes one byte of a published file; its path.
pub fn damage(origin: &FakeOrigin, n: usize) -> String {
    let mut state = origin.lock();
    let path = state.files.keys().filter(|p| p.starts_with("/files/")).nth(n).cloned().unwrap();
    let (bytes, _) = state.files.get_mut(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    path
}
