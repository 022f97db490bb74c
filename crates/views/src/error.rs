//! What can go wrong, with the place where it did.

/// An error of this room. Its text says where, what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// A ViewDefinition cannot be used. `place` is the path of the member in the definition, as `select[0].column[2].path`.
    #[error("view definition, {place}: {what}")]
    Definition {
        /// Path of the member in the definition.
        place: String,
        /// What is wrong there, and what is expected.
        what: String,
    },
    /// A resource is not JSON.
    #[error("resource, byte {at}: {what}")]
    Json {
        /// Offset of the byte where reading stopped.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// A resource does not fit the view: a column with several values, a value of another type.
    #[error("{resource}, {place}: {what}")]
    Row {
        /// Type and id of the resource.
        resource: String,
        /// The column or the member of the definition.
        place: String,
        /// What does not fit.
        what: String,
    },
    /// A table cannot be written with these columns or with this cell.
    #[error("table, column {column}: {what}")]
    Table {
        /// Name of the column.
        column: String,
        /// What does not fit.
        what: String,
    },
    /// The output refused the bytes.
    #[error("cannot write the table: {0}")]
    Write(#[from] std::io::Error),
    /// The Parquet encoder failed.
    #[error("cannot write the Parquet table: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// What a joined table needs could not be looked up. The text is that of the caller's [`Resolve`](crate::Resolve).
    #[error("cannot look up {key} for the join: {what}")]
    Resolve {
        /// Type and id that were looked up.
        key: String,
        /// Why that failed.
        what: String,
    },
}

impl ViewError {
    pub(crate) fn definition(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Definition { place: place.into(), what: what.into() }
    }
}
