//! The condition of a search.

use annuaire_terms::{ParamId, TypeId};

use crate::row::Row;

/// Condition of a search on the live rows of one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Every live row.
    All,
    /// Rows that satisfy all the filters; every live row when the list is empty.
    And(Vec<Filter>),
    /// Rows that satisfy at least one filter; no row when the list is empty.
    Or(Vec<Filter>),
    /// Live rows that do not satisfy the filter.
    Not(Box<Filter>),
    /// Rows with a code.
    Token {
        /// Search parameter.
        param: ParamId,
        /// `None`: any system; `Some("")`: codes without a system.
        system: Option<String>,
        /// `None`: any code of the system.
        code: Option<String>,
    },
    /// Rows with a text whose folded form starts with the folded value.
    Prefix {
        /// Search parameter.
        param: ParamId,
        /// Beginning of the text.
        value: String,
    },
    /// Rows with a text whose folded form contains the folded value.
    Contains {
        /// Search parameter.
        param: ParamId,
        /// Part of the text.
        value: String,
    },
    /// Rows with exactly this text, case and accents included.
    Exact {
        /// Search parameter.
        param: ParamId,
        /// The text.
        value: String,
    },
    /// Rows with a text whose folded form is the folded value.
    Folded {
        /// Search parameter.
        param: ParamId,
        /// The text.
        value: String,
    },
    /// Rows with a word of a name.
    Word {
        /// Search parameter.
        param: ParamId,
        /// The word, as [`annuaire_base::words::words`] makes them.
        word: String,
    },
    /// Rows with a word of a name that begins so.
    WordStart {
        /// Search parameter.
        param: ParamId,
        /// Beginning of the word.
        beginning: String,
    },
    /// Rows with a word of a name that sounds so.
    Sound {
        /// Search parameter.
        param: ParamId,
        /// The sound, as [`annuaire_base::sound::sound_key`] makes them.
        sound: String,
    },
    /// Rows that refer to this target.
    Reference {
        /// Search parameter.
        param: ParamId,
        /// Target, as `Type/id`.
        target: String,
    },
    /// Rows that refer to a live row of another type which satisfies a filter (FHIR chained search).
    Chain {
        /// Search parameter of the reference.
        param: ParamId,
        /// Type of the targets.
        target_type: TypeId,
        /// Name of that type, as references write it before the id.
        target_name: String,
        /// Condition on the targets.
        filter: Box<Filter>,
    },
    /// Rows to which a live row of another type refers, when that row satisfies a filter (FHIR `_has`).
    Has {
        /// Type of the rows that hold the references.
        source_type: TypeId,
        /// Search parameter of the reference.
        param: ParamId,
        /// Name of the type searched, as references write it before the id.
        target_name: String,
        /// Condition on the rows that hold the references.
        filter: Box<Filter>,
    },
    /// Rows with this URI.
    Uri {
        /// Search parameter.
        param: ParamId,
        /// The URI.
        value: String,
    },
    /// Newest rows of these logical identifiers.
    Ids(Vec<String>),
    /// Rows within bounds, both included.
    Rows {
        /// First row.
        first: Row,
        /// Last row.
        last: Row,
    },
    /// Rows last updated in the range `from_ms..before_ms` (milliseconds since 1970 UTC).
    Updated {
        /// First instant of the range, `None` for no bound.
        from_ms: Option<i64>,
        /// First instant after the range, `None` for no bound.
        before_ms: Option<i64>,
    },
    /// Rows with a text in the range `from..before`; folded forms are compared byte for byte.
    Between {
        /// Search parameter.
        param: ParamId,
        /// First text of the range, `None` for no bound.
        from: Option<String>,
        /// First text after the range, `None` for no bound.
        before: Option<String>,
    },
    /// Rows without a value for this parameter.
    Missing(ParamId),
}
