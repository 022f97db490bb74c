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
    /// `a = 'x' or a = 'y'`: whether the path is one of these texts.
    OneOf(Box<Expr>, Vec<Datum<'static>>),
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
            Self::Binary(..) | Self::OneOf(..) => StaticType::Boolean,
            Self::First(of) | Self::Index(of, _) | Self::Where(of, _) => of.static_type(),
            _ => StaticType::Unknown,
        }
    }

    /// `self or other`. Comparisons of one path with several texts become one, which finds its elements once.
    pub(super) fn or(self, other: Self) -> Self {
        let texts = |literal: Self| match literal {
            Self::Literal(text @ Datum::Text(_)) => Ok(vec![text]),
            other => Err(other),
        };
        // The path and the texts that a comparison is about, or the comparison itself.
        let taken = |expr: Self| match expr {
            Self::OneOf(path, texts) => Ok((path, texts)),
            Self::Binary(Binary::Equal, path, literal) => match texts(*literal) {
                Ok(texts) => Ok((path, texts)),
                Err(literal) => Err(Self::Binary(Binary::Equal, path, Box::new(literal))),
            },
            other => Err(other),
        };
        let given_back = |part: Result<(Box<Self>, Vec<Datum<'static>>), Self>| match part {
            Ok((path, mut texts)) if texts.len() == 1 => {
                Self::Binary(Binary::Equal, path, Box::new(texts.pop().map_or(Self::Nothing, Self::Literal)))
            }
            Ok((path, texts)) => Self::OneOf(path, texts),
            Err(expr) => expr,
        };
        match (taken(self), taken(other)) {
            (Ok((a, mut texts)), Ok((b, more))) if a.is_members_of_this() && a.is_same_path(&b) => {
                texts.extend(more);
                Self::OneOf(a, texts)
            }
            (a, b) => Self::Binary(Binary::Or, Box::new(given_back(a)), Box::new(given_back(b))),
        }
    }

    /// Whether this is `a.b.c`.
    fn is_members_of_this(&self) -> bool {
        match self {
            Self::This => true,
            Self::Member { of, beside: None, .. } => of.is_members_of_this(),
            _ => false,
        }
    }

    /// Whether two paths of members are one.
    fn is_same_path(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::This, Self::This) => true,
            (Self::Member { of: a, name: x, beside: None, .. }, Self::Member { of: b, name: y, beside: None, .. }) => {
                x == y && a.is_same_path(b)
            }
            _ => false,
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
