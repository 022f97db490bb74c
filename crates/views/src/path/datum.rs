//! What a path finds: a value of the resource, or one that was computed.

use crate::decimal::Decimal;
use crate::json::{Node, Shape};
use crate::moment::{Moment, MomentType};
use std::borrow::Cow;
use std::cmp::Ordering;

/// One element of a FHIRPath collection.
#[derive(Debug, Clone)]
pub(crate) enum Datum<'t> {
    /// An element of the resource.
    Element {
        /// Its value; `None` for a primitive that has extensions and no value.
        node: Option<Node<'t>>,
        /// The object beside a primitive that holds its id and extensions (`_line` of `line`), when the path asks for it.
        beside: Option<Node<'t>>,
        /// The FHIR type that the name of the member tells (`Coding` of `valueCoding`); empty when it does not.
        ty: &'t str,
    },
    Boolean(bool),
    Number(Decimal),
    Text(Cow<'t, str>),
    Moment(Box<Moment>),
}

impl<'t> Datum<'t> {
    pub(crate) fn element(node: Node<'t>, ty: &'t str) -> Self {
        Self::Element { node: Some(node), beside: None, ty }
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Element { node: Some(node), .. } => node.text(),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string, for as long as the document lives when it is of the document.
    pub(crate) fn into_text(self) -> Option<Cow<'t, str>> {
        match self {
            Self::Element { node: Some(node), .. } => node.text().map(Cow::Borrowed),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Element { node: Some(node), .. } => match node.shape() {
                Shape::True => Some(true),
                Shape::False => Some(false),
                _ => None,
            },
            Self::Boolean(b) => Some(*b),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<Decimal> {
        match self {
            Self::Element { node: Some(node), .. } => node.number().and_then(Decimal::parse),
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// The type that the member tells, when that is one of time.
    pub(crate) fn moment_type(&self) -> Option<MomentType> {
        match self {
            Self::Element { ty, .. } => MomentType::of_fhir(ty),
            _ => None,
        }
    }

    /// This as a moment, when it is one or is compared with one.
    fn moment(&self) -> Option<Moment> {
        match self {
            Self::Moment(m) => Some(**m),
            _ => {
                let text = self.text()?;
                Moment::parse(text).or_else(|| Moment::parse_time(text))
            }
        }
    }

    fn is_moment(&self) -> bool {
        matches!(self, Self::Moment(_)) || self.moment_type().is_some()
    }

    /// What this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Element { node: Some(node), .. } => match node.shape() {
                Shape::Null => "null",
                Shape::True | Shape::False => "a boolean",
                Shape::Number => "a number",
                Shape::Plain | Shape::Escaped => "a text",
                Shape::Array => "a list",
                Shape::Object => "an object",
            },
            Self::Element { node: None, .. } => "an element without a value",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Moment(_) => "a date or time",
        }
    }

    /// FHIRPath `=` of two elements; `None` when the precision of moments leaves it open.
    pub(crate) fn equals(&self, other: &Self) -> Option<bool> {
        if let (Self::Element { node: Some(node), ty: "", .. }, Self::Text(text)) = (self, other) {
            return Some(node.text() == Some(text));
        }
        if (self.is_moment() || other.is_moment())
            && let (Some(a), Some(b)) = (self.moment(), other.moment())
        {
            return a.order(&b).map(Ordering::is_eq);
        }
        if let (Some(a), Some(b)) = (self.text(), other.text()) {
            return Some(a == b);
        }
        if let (Some(a), Some(b)) = (self.boolean(), other.boolean()) {
            return Some(a == b);
        }
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return Some(a == b);
        }
        match (self, other) {
            (Self::Element { node: Some(a), .. }, Self::Element { node: Some(b), .. }) => Some(same_json(*a, *b)),
            _ => Some(false),
        }
    }

    /// FHIRPath order of two elements; `Ok(None)` when the precision of moments leaves it open, an error for what has no order.
    pub(crate) fn order(&self, other: &Self) -> Result<Option<Ordering>, String> {
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return Ok(Some(a.cmp(&b)));
        }
        if (self.is_moment() || other.is_moment())
            && let (Some(a), Some(b)) = (self.moment(), other.moment())
        {
            return Ok(a.order(&b));
        }
        match (self.text(), other.text()) {
            (Some(a), Some(b)) => Ok(Some(a.cmp(b))),
            _ => Err(format!("{} and {} have no order", self.kind(), other.kind())),
        }
    }
}

/// Whether two values are equal, whatever the order of members and the spelling of numbers.
fn same_json(a: Node<'_>, b: Node<'_>) -> bool {
    if a.is_object() && b.is_object() {
        let mut count = 0;
        return a.members().all(|(name, value)| {
            count += 1;
            b.member(name).is_some_and(|other| same_json(value, other))
        }) && b.members().count() == count;
    }
    match (a.shape(), b.shape()) {
        (Shape::Array, Shape::Array) => {
            let (mut left, mut right) = (a.elements(), b.elements());
            loop {
                match (left.next(), right.next()) {
                    (None, None) => return true,
                    (Some(a), Some(b)) if same_json(a, b) => {}
                    _ => return false,
                }
            }
        }
        (Shape::Number, Shape::Number) => match (Datum::element(a, "").number(), Datum::element(b, "").number()) {
            (Some(a), Some(b)) => a == b,
            _ => a.raw() == b.raw(),
        },
        (Shape::Plain | Shape::Escaped, Shape::Plain | Shape::Escaped) => a.text() == b.text(),
        (a, b) => a == b && !matches!(a, Shape::Object | Shape::Array),
    }
}
