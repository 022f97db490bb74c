//! A JSON writer for forms whose shape is known: no intermediate tree, members in published order.

use annuaire_nos::{Coding, coding};

/// Bytes of one object under construction.
#[derive(Default)]
pub(crate) struct Json {
    pub(crate) out: Vec<u8>,
}

impl Json {
    /// Separates from the previous member or element when there is one.
    fn comma(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':' | b',')) {
            self.out.push(b',');
        }
    }

    fn quoted(&mut self, s: &str) {
        self.out.push(b'"');
        let mut rest = s.as_bytes();
        // Nearly every text holds nothing to escape and is copied at once.
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

    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    /// A string member; an empty value is absent, as in the files.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.key(name);
            self.quoted(value);
        }
    }

    pub(crate) fn raw(&mut self, name: &str, value: &str) {
        self.key(name);
        self.out.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn string(&mut self, value: &str) {
        self.comma();
        self.quoted(value);
    }

    pub(crate) fn object(&mut self, body: impl FnOnce(&mut Self)) {
        self.comma();
        self.out.push(b'{');
        body(self);
        self.out.push(b'}');
    }

    /// An array member, left out entirely when `body` writes nothing (R4 forbids empty arrays).
    pub(crate) fn array(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.key(name);
        self.out.push(b'[');
        let before = self.out.len();
        body(self);
        if self.out.len() == before {
            self.out.truncate(start);
        } else {
            self.out.push(b']');
        }
    }

    pub(crate) fn coding(&mut self, coding: &Coding<'_>) {
        self.object(|j| {
            j.text("system", coding.system);
            j.text("code", coding.code);
            j.text("display", coding.display);
        });
    }

    /// `{url, valueString}`, absent when the value is.
    pub(crate) fn string_extension(&mut self, url: &str, value: &str) {
        if !value.is_empty() {
            self.object(|j| {
                j.text("url", url);
                j.text("valueString", value);
            });
        }
    }

    /// A CodeableConcept member of one coding.
    pub(crate) fn concept(&mut self, name: &str, coding: &Coding<'_>) {
        self.key(name).object(|j| j.array("coding", |j| j.coding(coding)));
    }

    /// `{url, valueCodeableConcept}` with the system and label of a national table, absent when the code is.
    pub(crate) fn concept_extension(&mut self, url: &str, table: &str, code: &str) {
        if !code.is_empty() {
            self.object(|j| {
                j.text("url", url);
                j.concept("valueCodeableConcept", &coding::in_table(table, code));
            });
        }
    }

    /// `{url, valueDate}`, absent when the date is.
    pub(crate) fn date_extension(&mut self, url: &str, date: &str) {
        if !date.is_empty() {
            self.object(|j| {
                j.text("url", url);
                j.text("valueDate", date);
            });
        }
    }

    /// A Period member, absent when both ends are.
    pub(crate) fn period(&mut self, name: &str, start: &str, end: &str) {
        if !(start.is_empty() && end.is_empty()) {
            self.key(name).object(|j| {
                j.text("start", start);
                j.text("end", end);
            });
        }
    }

    /// `{url, valuePeriod}`, absent when both ends are.
    pub(crate) fn period_extension(&mut self, url: &str, start: &str, end: &str) {
        if !(start.is_empty() && end.is_empty()) {
            self.object(|j| {
                j.text("url", url);
                j.period("valuePeriod", start, end);
            });
        }
    }
}
