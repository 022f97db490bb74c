//! A bundle in XML, made from the pieces of its JSON.
//!
//! Each entry is converted alone, so that a bundle of any length takes the memory of a piece. XML has the links before the entries
//! and JSON after them, so that they are computed first (`BundleDraft::measure`).

use crate::error::ApiError;
use crate::xml;

/// The end of the document.
const END: &str = "</Bundle>";

/// The entries of a bundle, as they come.
pub(crate) struct XmlEntries {
    /// Bytes of a document before its first element.
    root: usize,
    /// The beginning of the entry that is not complete yet.
    entry: Vec<u8>,
    depth: usize,
    quoted: bool,
    escaped: bool,
    /// True after the end of the list of entries.
    done: bool,
}

impl XmlEntries {
    /// Starts with the first piece of JSON and the member `link`; also gives the first piece of XML.
    pub(crate) fn start(json: &[u8], links: &[u8]) -> Result<(Self, Vec<u8>), ApiError> {
        const LIST: &[u8] = br#","entry":["#;
        // Before the list, the bundle has only numbers and ids, in which this text cannot occur.
        let at = json
            .windows(LIST.len())
            .position(|w| w == LIST)
            .ok_or_else(|| ApiError::internal("a long bundle without entries"))?;
        let frame = xml::document(&[&json[..at], b",", links, b"}"].concat()).map_err(ApiError::internal)?;
        let empty = xml::document(br#"{"resourceType":"Bundle"}"#).map_err(ApiError::internal)?;
        let root = empty.len() - END.len();
        let mut entries = Self { root, entry: Vec::new(), depth: 0, quoted: false, escaped: false, done: false };
        let mut out = frame;
        out.truncate(out.len() - END.len());
        entries.convert(&json[at + LIST.len()..], &mut out)?;
        Ok((entries, out))
    }

    /// The XML of the next piece; `last` closes the document.
    pub(crate) fn next(&mut self, json: &[u8], last: bool) -> Result<Vec<u8>, ApiError> {
        let mut out = Vec::with_capacity(json.len() / 4 * 5);
        self.convert(json, &mut out)?;
        if last {
            out.extend_from_slice(END.as_bytes());
        }
        Ok(out)
    }

    /// Converts the entries that end in `json`, and keeps the beginning of the one that does not.
    fn convert(&mut self, json: &[u8], out: &mut Vec<u8>) -> Result<(), ApiError> {
        let mut start = 0;
        for (at, byte) in json.iter().enumerate() {
            if self.done {
                return Ok(());
            }
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                _ if self.quoted => {}
                b'{' | b'[' => {
                    if self.depth == 0 {
                        start = at;
                    }
                    self.depth += 1;
                }
                // This bracket closes the list: no entry opened it.
                b']' if self.depth == 0 => self.done = true,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.entry.extend_from_slice(&json[start..=at]);
                        let alone = [br#"{"resourceType":"Bundle","entry":["#, &self.entry[..], b"]}"].concat();
                        let document = xml::document(&alone).map_err(ApiError::internal)?;
                        out.extend_from_slice(&document[self.root..document.len() - END.len()]);
                        self.entry.clear();
                    }
                }
                _ => {}
            }
        }
        if self.depth > 0 {
            self.entry.extend_from_slice(&json[start..]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A bundle with these texts, and its member `link`.
    fn bundle(texts: &[String]) -> (Vec<u8>, Vec<u8>) {
        let links =
            br#""link":[{"relation":"next","url":"http://a.example/x?y=1&z=%22"},{"relation":"self","url":"u"}]"#.to_vec();
        let entry = |text: &String| {
            let name = serde_json::Value::from(text.as_str());
            format!(
                r#"{{"fullUrl":"u","resource":{{"resourceType":"Organization","id":"1","name":{name},"alias":["]","}}"],"type":[{{"text":"["}}]}},"search":{{"mode":"match"}}}}"#
            )
        };
        let entries = texts.iter().map(entry).collect::<Vec<_>>().join(",");
        let head = r#"{"resourceType":"Bundle","type":"searchset","id":"b","meta":{"lastUpdated":"2026-01-01T00:00:00.000Z"},"total":3,"entry":["#;
        let json = [head.as_bytes(), entries.as_bytes(), b"],", &links, b"}"].concat();
        (json, links)
    }

    proptest! {
        /// Wherever the JSON is cut, the pieces are those of the whole document.
        #[test]
        fn pieces_make_the_whole(texts in proptest::collection::vec("[a-zé\"\\\\{}\\[\\],:\n]{0,12}", 1..6), cuts in proptest::collection::vec(0.0f64..1.0, 0..6)) {
            let (json, links) = bundle(&texts);
            let list = json.windows(9).position(|w| w == br#""entry":["#).unwrap() + 9;
            let mut ends: Vec<usize> = cuts.iter().map(|c| list + (c * (json.len() - list) as f64) as usize).collect();
            ends.push(list);
            ends.sort_unstable();
            let (mut entries, mut xml) = XmlEntries::start(&json[..ends[0]], &links).unwrap();
            for (n, start) in ends.iter().enumerate() {
                let end = ends.get(n + 1).copied().unwrap_or(json.len());
                xml.extend(entries.next(&json[*start..end], n + 1 == ends.len()).unwrap());
            }
            let whole = xml::document(&json).unwrap();
            prop_assert_eq!(String::from_utf8(xml).unwrap(), String::from_utf8(whole).unwrap());
        }
    }
}
