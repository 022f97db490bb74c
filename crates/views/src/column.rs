//! Columns and cells of a table.

use crate::moment::Moment;
use crate::path::{Datum, StaticType};
use std::borrow::Cow;

/// What a column holds. Each format writes it in its own way: see [`TableFormat`](crate::TableFormat).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text of few distinct values: a FHIR `code`, `uri`, `canonical` or `url`.
    Code,
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal number, as it was published.
    Decimal,
    /// A date. A FHIR date may be known to the year or the month only; the cell keeps that.
    Date,
    /// A point of time. A FHIR dateTime may be less precise; the cell keeps that.
    Instant,
}

/// One column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name, unique in the view.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Each cell is a list.
    pub collection: bool,
    /// FHIR type that the definition declares; empty when it declares none.
    pub fhir_type: String,
    /// FHIRPath of the value, from the nearest iteration around it.
    pub path: String,
    /// The paths of the iterations around it, from the resource, with points between; empty when there is none.
    pub within: String,
    /// Meaning in English, as the definition gives it; may be empty.
    pub description: String,
    /// Meaning in French: the tag `description-fr` of the column; may be empty.
    pub description_fr: String,
}

/// One value of a row. It borrows from the resource wherever it can.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'t> {
    /// No value.
    Null,
    /// A value of [`Kind::Text`] or [`Kind::Code`].
    Text(Cow<'t, str>),
    /// A value of [`Kind::Boolean`].
    Boolean(bool),
    /// A value of [`Kind::Integer`].
    Integer(i64),
    /// A value of [`Kind::Decimal`], in digits without exponent.
    Decimal(Cow<'t, str>),
    /// A value of [`Kind::Date`]: `2026-11-26`, `2026-11`, `2026`, or a dateTime of the resource.
    Date(Cow<'t, str>),
    /// A value of [`Kind::Instant`]: a dateTime of any precision.
    Instant(Cow<'t, str>),
    /// Values of a column with `collection`. A path that finds nothing gives an empty list.
    List(Vec<Cell<'t>>),
}

/// FHIR primitive types and what their columns hold.
const KINDS: [(&str, Kind); 20] = [
    ("base64Binary", Kind::Text),
    ("boolean", Kind::Boolean),
    ("canonical", Kind::Code),
    ("code", Kind::Code),
    ("date", Kind::Date),
    ("dateTime", Kind::Instant),
    ("decimal", Kind::Decimal),
    ("id", Kind::Text),
    ("instant", Kind::Instant),
    ("integer", Kind::Integer),
    ("integer64", Kind::Integer),
    ("markdown", Kind::Text),
    ("oid", Kind::Code),
    ("positiveInt", Kind::Integer),
    ("string", Kind::Text),
    ("time", Kind::Text),
    ("unsignedInt", Kind::Integer),
    ("uri", Kind::Code),
    ("url", Kind::Text),
    ("uuid", Kind::Text),
];

impl Kind {
    /// What a column of a FHIR primitive type holds; `None` for other types. The type may be the URL of its definition.
    pub(crate) fn of_fhir_type(ty: &str) -> Option<Self> {
        let short = ty
            .strip_prefix("http://hl7.org/fhir/StructureDefinition/")
            .or_else(|| ty.strip_prefix("http://hl7.org/fhirpath/System."))
            .unwrap_or(ty);
        let exact = KINDS.iter().find(|(name, _)| *name == short);
        exact.or_else(|| KINDS.iter().find(|(name, _)| short != ty && name.eq_ignore_ascii_case(short))).map(|(_, kind)| *kind)
    }

    /// What the tag `ansi/type` of a column asks for; `None` for a type of SQL that no table has.
    pub(crate) fn of_ansi_type(ty: &str) -> Option<Self> {
        match ty.to_ascii_uppercase().as_str() {
            "BOOLEAN" => Some(Self::Boolean),
            "INTEGER" | "INT" | "SMALLINT" | "BIGINT" => Some(Self::Integer),
            "DECIMAL" | "NUMERIC" => Some(Self::Decimal),
            "DATE" => Some(Self::Date),
            "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" => Some(Self::Instant),
            "CHARACTER VARYING" | "VARCHAR" | "TEXT" => Some(Self::Text),
            _ => None,
        }
    }

    /// What a column without a declared type holds.
    pub(crate) fn of_static(ty: StaticType) -> Self {
        match ty {
            StaticType::Boolean => Self::Boolean,
            StaticType::Integer => Self::Integer,
            StaticType::Number => Self::Decimal,
            StaticType::Text | StaticType::Unknown => Self::Text,
        }
    }

    /// Whether a path of this static type can fill the column.
    pub(crate) fn accepts(self, ty: StaticType) -> bool {
        match ty {
            StaticType::Boolean => self == Self::Boolean,
            StaticType::Integer | StaticType::Number => matches!(self, Self::Integer | Self::Decimal),
            StaticType::Text => matches!(self, Self::Text | Self::Code | Self::Date | Self::Instant),
            StaticType::Unknown => true,
        }
    }

    /// Name of the kind, for the dictionary of data and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Code => "code",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Date => "date",
            Self::Instant => "instant",
        }
    }
}

impl Column {
    /// The value that a path found, as a cell of this column; what does not fit is an error.
    pub(crate) fn cell<'t>(&self, found: Datum<'t>) -> Result<Cell<'t>, String> {
        if let Datum::Element { node: None, .. } = found {
            return Ok(Cell::Null);
        }
        let kind = found.kind();
        let cell = match self.kind {
            Kind::Boolean => found.boolean().map(Cell::Boolean),
            Kind::Integer => found.number().and_then(|n| n.to_integer()).map(Cell::Integer),
            Kind::Decimal => match &found {
                Datum::Element { node: Some(node), .. } => match node.number() {
                    Some(digits) if !digits.contains(['e', 'E']) => Some(Cell::Decimal(Cow::Borrowed(digits))),
                    _ => found.number().map(|n| Cell::Decimal(Cow::Owned(n.to_string()))),
                },
                _ => found.number().map(|n| Cell::Decimal(Cow::Owned(n.to_string()))),
            },
            Kind::Text | Kind::Code => self.text(found).map(Cell::Text),
            Kind::Date => moment_text(found)?.map(Cell::Date),
            Kind::Instant => moment_text(found)?.map(Cell::Instant),
        };
        cell.ok_or_else(|| format!("the column holds {}, and the path found {kind}", self.kind.name()))
    }

    fn text<'t>(&self, found: Datum<'t>) -> Option<Cow<'t, str>> {
        if self.fhir_type.is_empty() {
            match &found {
                Datum::Boolean(b) => return Some(Cow::Borrowed(if *b { "true" } else { "false" })),
                Datum::Number(n) => return Some(Cow::Owned(n.to_string())),
                Datum::Element { node: Some(node), .. } if found.boolean().is_some() || node.number().is_some() => {
                    return Some(Cow::Borrowed(node.raw()));
                }
                _ => {}
            }
        }
        found.into_text()
    }
}

/// The text of a date or an instant.
fn moment_text(found: Datum<'_>) -> Result<Option<Cow<'_, str>>, String> {
    match found.into_text() {
        Some(text) if Moment::parse(&text).is_none() => Err(format!("`{text}` is no date of FHIR")),
        text => Ok(text),
    }
}
