//! A JSON writer for forms whose shape is known: it appends bytes in published order and builds no tree.
//!
//! FHIR forbids empty strings, arrays and objects. The writer leaves out a member whose value is an empty text, and an array in
//! which nothing was written, so that forms need no condition for what a source did not give.

use annuaire_nos::{Coding, coding};

/// Appends JSON to a buffer; commas are its affair.
#[derive(Default)]
pub(crate) struct JsonWriter {
    pub(crate) out: Vec<u8>,
}

impl JsonWriter {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { out: Vec::with_capacity(bytes) }
    }

    /// Writes a comma unless what comes is the first member, the first element or the value of a member.
    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':' | b',')) {
            self.out.push(b',');
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        let mut rest = text.as_bytes();
        // Nearly every text has nothing to escape and is copied at once.
        while let Some(at) = rest.iter().position(|b| matches!(b, b'"' | b'\\' | ..b' ')) {
            self.out.extend_from_slice(&rest[..at]);
            match rest[at] {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b => self.out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            }
            rest = &rest[at + 1..];
        }
        self.out.extend_from_slice(rest);
        self.out.push(b'"');
    }

    /// Opens the current object or array without a name. The caller closes it with [`JsonWriter::close_object`].
    pub(crate) fn open_object(&mut self) {
        self.out.push(b'{');
    }

    pub(crate) fn close_object(&mut self) {
        self.out.push(b'}');
    }

    /// The name of a member; its value is written next.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    /// A string member; absent when the value is empty.
    pub(crate) fn string(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.key(name);
            self.quoted(value);
        }
    }

    /// A member whose value is JSON already: a number or a boolean.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.out.extend_from_slice(json.as_bytes());
    }

    /// A string as the next element of the array.
    pub(crate) fn string_element(&mut self, value: &str) {
        self.comma();
        self.quoted(value);
    }

    /// An object: the next element of the array, or the value of the member whose name was just written.
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.comma();
        self.open_object();
        members(self);
        self.close_object();
    }

    /// An array member; absent when `elements` writes nothing (R4 forbids empty arrays).
    pub(crate) fn array(&mut self, name: &str, elements: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.key(name);
        self.out.push(b'[');
        let before = self.out.len();
        elements(self);
        if self.out.len() == before {
            self.out.truncate(start);
        } else {
            self.out.push(b']');
        }
    }

    /// An object `{system, code, display}`.
    pub(crate) fn coding(&mut self, coding: &Coding<'_>) {
        self.object(|j| {
            j.string("system", coding.system);
            j.string("code", coding.code);
            j.string("display", coding.display);
        });
    }

    /// A CodeableConcept of one coding: the next element of the array, or the value of the member whose name was just written.
    pub(crate) fn concept(&mut self, coding: &Coding<'_>) {
        self.object(|j| j.array("coding", |j| j.coding(coding)));
    }

    /// A Period member; absent when both ends are.
    pub(crate) fn period(&mut self, name: &str, start: &str, end: &str) {
        if !(start.is_empty() && end.is_empty()) {
            self.key(name).object(|j| {
                j.string("start", start);
                j.string("end", end);
            });
        }
    }

    /// A reference `{reference}` as the value of a member; absent when the target is empty.
    pub(crate) fn reference(&mut self, name: &str, target: &str) {
        if !target.is_empty() {
            self.key(name).object(|j| j.string("reference", target));
        }
    }

    /// An extension made of extensions. It is written even when `parts` writes none.
    pub(crate) fn complex_extension(&mut self, url: &str, parts: impl FnOnce(&mut Self)) {
        self.object(|j| {
            j.array("extension", parts);
            j.string("url", url);
        });
    }

    /// An extension with a string value member such as `valueString`, `valueCode` or `valueDate`; absent when the value is empty.
    fn text_extension(&mut self, url: &str, member: &str, value: &str) {
        if !value.is_empty() {
            self.object(|j| {
                j.string("url", url);
                j.string(member, value);
            });
        }
    }

    /// `{url, valueString}`; absent when the value is empty.
    pub(crate) fn string_extension(&mut self, url: &str, value: &str) {
        self.text_extension(url, "valueString", value);
    }

    /// `{url, valueCode}`; absent when the code is empty.
    pub(crate) fn code_extension(&mut self, url: &str, code: &str) {
        self.text_extension(url, "valueCode", code);
    }

    /// `{url, valueDate}`; absent when the date is empty.
    pub(crate) fn date_extension(&mut self, url: &str, date: &str) {
        self.text_extension(url, "valueDate", date);
    }

    /// `{url, valueDateTime}`; absent when the date is empty.
    pub(crate) fn date_time_extension(&mut self, url: &str, date: &str) {
        self.text_extension(url, "valueDateTime", date);
    }

    /// `{url, valueBoolean}`.
    pub(crate) fn boolean_extension(&mut self, url: &str, value: bool) {
        self.object(|j| {
            j.string("url", url);
            j.raw("valueBoolean", if value { "true" } else { "false" });
        });
    }

    /// `{url, valueInteger}`; absent when the number is not known.
    pub(crate) fn integer_extension(&mut self, url: &str, value: Option<u32>) {
        if let Some(value) = value {
            self.object(|j| {
                j.string("url", url);
                j.raw("valueInteger", &value.to_string());
            });
        }
    }

    /// `{url, valuePeriod}`; absent when both ends are.
    pub(crate) fn period_extension(&mut self, url: &str, start: &str, end: &str) {
        if !(start.is_empty() && end.is_empty()) {
            self.object(|j| {
                j.string("url", url);
                j.period("valuePeriod", start, end);
            });
        }
    }

    /// `{url, valueCoding}`.
    pub(crate) fn coding_extension(&mut self, url: &str, coding: &Coding<'_>) {
        self.object(|j| {
            j.string("url", url);
            j.key("valueCoding").coding(coding);
        });
    }

    /// `{url, valueCodeableConcept}`.
    pub(crate) fn concept_extension(&mut self, url: &str, coding: &Coding<'_>) {
        self.object(|j| {
            j.string("url", url);
            j.key("valueCodeableConcept").concept(coding);
        });
    }

    /// `{url, valueCodeableConcept}` of a code of a national table; absent when the code is empty.
    pub(crate) fn table_concept_extension(&mut self, url: &str, table: &str, code: &str) {
        if !code.is_empty() {
            self.concept_extension(url, &coding::in_table(table, code));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::JsonWriter;

    fn written(write: impl FnOnce(&mut JsonWriter)) -> String {
        let mut json = JsonWriter::default();
        json.object(write);
        String::from_utf8(json.out).unwrap()
    }

    #[test]
    fn empty_values_leave_no_trace() {
        assert_eq!(written(|j| j.string("a", "")), "{}");
        assert_eq!(written(|j| j.array("a", |j| j.string_extension("u", ""))), "{}");
        assert_eq!(written(|j| j.period("a", "", "")), "{}");
        assert_eq!(written(|j| j.array("a", |j| j.complex_extension("u", |_| ()))), r#"{"a":[{"url":"u"}]}"#);
    }

    #[test]
    fn every_text_is_the_json_of_it() {
        for text in ["plain", "\"\\\n\r\t\u{1}", "é\"é", "\u{7f}\u{2028}"] {
            let value: serde_json::Value = serde_json::from_str(&written(|j| j.string("a", text))).unwrap();
            assert_eq!(value["a"], text);
        }
    }
}
