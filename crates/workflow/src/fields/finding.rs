//! What the check of a form says.

use crate::communes::CommuneIndex;
use crate::day::Day;
use crate::limits::{AGE_MAX, AGE_MIN};
use crate::messages::{MessageCode, MessageWeight};
use crate::value_sets::ValueSets;
use annuaire_nos::Nos;

/// One remark on one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFinding {
    /// Identifier of the field in the form, such as `nomFamille`.
    pub field: &'static str,
    /// The stable code; it tells whether it blocks.
    pub code: MessageCode,
    /// The French text, complete.
    pub text: String,
}

/// What was found in a section, and what the form shows in its fields afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Remarks, in the order of the fields.
    pub list: Vec<FieldFinding>,
    /// Normalised values by field. A field without value is absent.
    pub normalised: Vec<(&'static str, String)>,
}

impl Findings {
    /// Adds a remark with the values of its places.
    pub fn add(&mut self, field: &'static str, code: MessageCode, values: &[(&str, &str)]) {
        self.list.push(FieldFinding { field, code, text: code.fill(values) });
    }

    /// Sets the normalised value of a field.
    pub fn set(&mut self, field: &'static str, value: &str) {
        if !value.is_empty() {
            self.normalised.push((field, value.to_owned()));
        }
    }

    /// Whether something blocks.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.code.weight() == MessageWeight::Error)
    }

    /// The codes, in order.
    #[must_use]
    pub fn codes(&self) -> Vec<MessageCode> {
        self.list.iter().map(|finding| finding.code).collect()
    }

    /// What still stands against a section: errors, and warnings that were not acknowledged.
    #[must_use]
    pub fn open_points(&self, acknowledged: &[MessageCode]) -> Vec<MessageCode> {
        let open = |code: &MessageCode| code.weight() == MessageWeight::Error || !acknowledged.contains(code);
        self.codes().into_iter().filter(open).collect()
    }

    /// The normalised value of a field; empty when it has none.
    #[must_use]
    pub fn value(&self, field: &str) -> &str {
        self.normalised.iter().find(|(name, _)| *name == field).map_or("", |(_, value)| value)
    }
}

/// What an operator may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSettings {
    /// Youngest age, in years.
    pub age_min: i16,
    /// Oldest age, in years.
    pub age_max: i16,
    /// Calling codes of countries whose mobiles are accepted, with their sign: `+32`.
    pub calling_codes: Vec<String>,
}

impl Default for FieldSettings {
    fn default() -> Self {
        Self { age_min: AGE_MIN, age_max: AGE_MAX, calling_codes: Vec::new() }
    }
}

/// What every check needs besides the draft.
#[derive(Debug, Clone)]
pub struct FieldContext<'a> {
    /// Today in Paris.
    pub today: Day,
    /// What the operator set.
    pub settings: FieldSettings,
    /// The lists.
    pub values: ValueSets<'a>,
    /// The communes.
    pub communes: &'a CommuneIndex,
}

impl FieldContext<'static> {
    /// The terminologies and communes of this program, with the default settings.
    #[must_use]
    pub fn embedded(today: Day) -> Self {
        let values = ValueSets::new(Nos::embedded());
        Self { today, settings: FieldSettings::default(), values, communes: CommuneIndex::embedded() }
    }
}
