//! Fields of forms: what a control is called, holds and is told about, each with its own template.

use annuaire_workflow::fields::Findings;
use annuaire_workflow::messages::{MessageCode, MessageWeight};
use askama::Template;

/// A value that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldChoice {
    pub(crate) value: String,
    pub(crate) label: String,
    /// What choosing it means.
    pub(crate) hint: String,
}

impl FieldChoice {
    /// A value with its words.
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }
}

/// How a field is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldControl {
    /// One line; at most so many characters.
    Text { max: usize, mode: &'static str },
    /// Several lines.
    Area { max: usize },
    /// One line with proposals of the server, where a script runs.
    Proposed { max: usize, source: &'static str },
    /// One line with proposals that the page holds.
    Listed { max: usize, choices: Vec<FieldChoice> },
    /// One of few values; those of the second list are folded away under its words.
    Radio { choices: Vec<FieldChoice>, more: Vec<FieldChoice>, more_label: &'static str },
    /// One of many values.
    Select { choices: Vec<FieldChoice> },
    /// A box.
    Check,
}

/// Something told about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldRemark {
    pub(crate) code: &'static str,
    pub(crate) text: String,
    /// Whether the person can confirm it.
    pub(crate) is_warning: bool,
    pub(crate) is_acknowledged: bool,
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "field.html")]
pub(crate) struct FormField {
    /// Identifier of the reference, which is the name of the control too.
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) is_mandatory: bool,
    pub(crate) hint: String,
    pub(crate) control: FieldControl,
    pub(crate) value: String,
    pub(crate) is_read_only: bool,
    /// What browsers may fill in of the person in front of them; empty: nothing.
    pub(crate) autocomplete: &'static str,
    pub(crate) remarks: Vec<FieldRemark>,
}

impl FormField {
    fn of(id: &'static str, label: &'static str, value: &str, control: FieldControl) -> Self {
        Self {
            id,
            label,
            is_mandatory: false,
            hint: String::new(),
            control,
            value: value.to_owned(),
            is_read_only: false,
            autocomplete: "off",
            remarks: Vec::new(),
        }
    }

    /// One line.
    pub(crate) fn text(id: &'static str, label: &'static str, value: &str, max: usize) -> Self {
        Self::of(id, label, value, FieldControl::Text { max, mode: "text" })
    }

    /// A day, typed as `JJ/MM/AAAA`.
    pub(crate) fn day(id: &'static str, label: &'static str, value: &str) -> Self {
        let field = Self::of(id, label, value, FieldControl::Text { max: 10, mode: "numeric" });
        field.hinted("Format : JJ/MM/AAAA")
    }

    /// Several lines.
    pub(crate) fn area(id: &'static str, label: &'static str, value: &str, max: usize) -> Self {
        Self::of(id, label, value, FieldControl::Area { max })
    }

    /// One of few values.
    pub(crate) fn radio(id: &'static str, label: &'static str, value: &str, choices: Vec<FieldChoice>) -> Self {
        Self::of(id, label, value, FieldControl::Radio { choices, more: Vec::new(), more_label: "" })
    }

    /// One of many values.
    pub(crate) fn select(id: &'static str, label: &'static str, value: &str, choices: Vec<FieldChoice>) -> Self {
        Self::of(id, label, value, FieldControl::Select { choices })
    }

    /// A box.
    pub(crate) fn check(id: &'static str, label: &'static str, is_ticked: bool) -> Self {
        Self::of(id, label, if is_ticked { "oui" } else { "" }, FieldControl::Check)
    }

    /// Another control.
    pub(crate) fn controlled(id: &'static str, label: &'static str, value: &str, control: FieldControl) -> Self {
        Self::of(id, label, value, control)
    }

    /// Must be filled in.
    pub(crate) fn mandatory(mut self) -> Self {
        self.is_mandatory = true;
        self
    }

    /// With words of help.
    pub(crate) fn hinted(mut self, hint: &str) -> Self {
        self.hint = crate::french::typeset(hint);
        self
    }

    /// Typed with digits.
    pub(crate) fn numeric(mut self) -> Self {
        if let FieldControl::Text { mode, .. } = &mut self.control {
            *mode = "numeric";
        }
        self
    }

    /// Typed as an address or a number of a telephone.
    pub(crate) fn reached(mut self, kind: &'static str) -> Self {
        if let FieldControl::Text { mode, .. } = &mut self.control {
            *mode = kind;
        }
        self
    }

    /// Filled in by browsers for the person in front of them.
    pub(crate) fn filled_by_browser(mut self, token: &'static str) -> Self {
        self.autocomplete = token;
        self
    }

    /// Tells an error of this field.
    pub(crate) fn tell(&mut self, code: &'static str, text: &str) {
        let text = crate::french::typeset(text);
        self.remarks.push(FieldRemark { code, text, is_warning: false, is_acknowledged: false });
    }

    fn has_error(&self) -> bool {
        self.remarks.iter().any(|remark| !remark.is_warning)
    }

    /// Whether the value is one of those that are folded away.
    fn is_folded_value(&self) -> bool {
        matches!(&self.control, FieldControl::Radio { more, .. } if more.iter().any(|choice| choice.value == self.value))
    }

    /// Identifiers of what describes the control, for assistive technology.
    fn described(&self) -> String {
        let mut ids = Vec::new();
        if !self.hint.is_empty() {
            ids.push(format!("{}-aide", self.id));
        }
        if !self.remarks.is_empty() {
            ids.push(format!("{}-point", self.id));
        }
        ids.join(" ")
    }

    /// The anchor of the field: of the first choice where there is one.
    pub(crate) fn anchor(&self) -> String {
        match &self.control {
            FieldControl::Radio { .. } => format!("{}-0", self.id),
            _ => self.id.to_owned(),
        }
    }
}

/// What is told at the top of a form: anchor and sentence of each open point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenPoint {
    pub(crate) anchor: String,
    pub(crate) text: String,
    pub(crate) is_warning: bool,
}

/// Writes what was found to the fields, and gives the summary for the top of the page.
pub(crate) fn remark(fields: &mut [FormField], findings: &Findings, acknowledged: &[MessageCode]) -> Vec<OpenPoint> {
    let mut points = Vec::new();
    for finding in &findings.list {
        let is_warning = finding.code.weight() == MessageWeight::Warning;
        let is_acknowledged = is_warning && acknowledged.contains(&finding.code);
        let text = crate::french::typeset(&finding.text);
        let field = fields.iter_mut().find(|field| field.id == finding.field);
        if !is_acknowledged {
            let label = field.as_ref().map_or("", |field| field.label);
            let anchor = field.as_ref().map_or_else(|| finding.field.replace('.', "-"), |field| field.anchor());
            let shown = if label.is_empty() { text.clone() } else { format!("{label}\u{a0}: {text}") };
            points.push(OpenPoint { anchor, text: shown, is_warning });
        }
        if let Some(field) = field {
            // One warning on two fields is confirmed once.
            field.remarks.push(FieldRemark { code: finding.code.as_str(), text, is_warning, is_acknowledged });
        }
    }
    points
}
