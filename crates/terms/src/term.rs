//! Searchable values.

use crate::ParamId;

/// One searchable value of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A code with its system.
    Token {
        /// Search parameter.
        param: ParamId,
        /// System of the code; empty when the code has none.
        system: String,
        /// The code.
        code: String,
    },
    /// A text. Prefix and substring searches compare its folded form (no case, no accents), exact searches its original form.
    Text {
        /// Search parameter.
        param: ParamId,
        /// The complete text, as published.
        value: String,
    },
    /// A reference to another resource.
    Reference {
        /// Search parameter.
        param: ParamId,
        /// Target, as `Type/id`.
        target: String,
    },
    /// A URI, compared byte for byte.
    Uri {
        /// Search parameter.
        param: ParamId,
        /// The URI.
        value: String,
    },
    /// A name of which people type words: each is found whole, by its beginning, by its sound and by its near spellings.
    Words {
        /// Search parameter.
        param: ParamId,
        /// The complete text, as published.
        value: String,
    },
    /// The text by which resources of the type are listed; at most one for a resource.
    Order {
        /// The text: its folded form orders.
        value: String,
    },
}

impl Term {
    /// Search parameter of the term; [`ParamId::STORE`] for the order.
    #[must_use]
    pub const fn param(&self) -> ParamId {
        match self {
            Self::Token { param, .. }
            | Self::Text { param, .. }
            | Self::Reference { param, .. }
            | Self::Uri { param, .. }
            | Self::Words { param, .. } => *param,
            Self::Order { .. } => ParamId::STORE,
        }
    }
}
