//! A compiled path.

use super::datum::Datum;

/// A path, or a part of one. Each step holds the one before it.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    /// `$this`, and what a path without a start begins at.
    This,
    /// `%rowIndex`: the number of the element in the nearest iteration around, from 0.
    RowIndex,
    /// `{}`.
    Nothing,
    Literal(Datum<'static>),
    Member {
        of: Box<Expr>,
        name: String,
        /// The element is a choice of types: `value` finds `valueString`.
        choice: bool,
        /// The next step reads what stands beside a primitive (`_line` of `line`): this is that name.
        beside: Option<String>,
    },
    /// `value.ofType(string)`: the member `valueString`, or a `value` of this type.
    Choice {
        of: Box<Expr>,
        name: String,
        /// Name of the member for this type.
        typed: String,
        ty: String,
    },
    OfType(Box<Expr>, String),
    Index(Box<Expr>, usize),
    First(Box<Expr>),
    Where(Box<Expr>, Box<Expr>),
    Extension(Box<Expr>, String),
    Join(Box<Expr>, String),
    Exists(Box<Expr>),
    Empty(Box<Expr>),
    Not(Box<Expr>),
    Boundary {
        of: Box<Expr>,
        high: bool,
    },
    ResourceKey(Box<Expr>),
    /// With the type that the reference must be of; empty for any.
    ReferenceKey(Box<Expr>, String),
    Negated(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
}

/// An operator between two collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    And,
    Or,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divided,
}

/// What a path gives, when the path alone tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StaticType {
    Boolean,
    Integer,
    Number,
    Text,
    Unknown,
}

impl Expr {
    pub(crate) fn static_type(&self) -> StaticType {
        match self {
            Self::RowIndex => StaticType::Integer,
            Self::Literal(Datum::Boolean(_)) | Self::Exists(_) | Self::Empty(_) | Self::Not(_) => StaticType::Boolean,
            Self::Literal(Datum::Number(n)) if n.to_integer().is_some() => StaticType::Integer,
            Self::Literal(Datum::Number(_)) | Self::Negated(_) => StaticType::Number,
            Self::Literal(_) | Self::Join(..) | Self::ResourceKey(_) | Self::ReferenceKey(..) => StaticType::Text,
            Self::Binary(Binary::Plus, ..) => StaticType::Unknown,
            Self::Binary(Binary::Minus | Binary::Times | Binary::Divided, ..) => StaticType::Number,
            Self::Binary(..) => StaticType::Boolean,
            Self::First(of) | Self::Index(of, _) | Self::Where(of, _) => of.static_type(),
            _ => StaticType::Unknown,
        }
    }

    /// Makes the last step before an `extension` or an `id` look beside primitives too.
    pub(super) fn with_what_is_beside(mut self) -> Self {
        fn mark(expr: &mut Expr) {
            match expr {
                Expr::Member { name, beside, .. } => *beside = Some(format!("_{name}")),
                Expr::First(of) | Expr::Index(of, _) | Expr::Where(of, _) => mark(of),
                _ => {}
            }
        }
        mark(&mut self);
        self
    }
}
