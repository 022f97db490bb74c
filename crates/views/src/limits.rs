//! Limits of this room. They bound the memory and the work that one definition or one resource can ask for.

/// Largest JSON resource, in bytes.
pub const RESOURCE_BYTES: usize = 64 << 20;
/// Deepest nesting of objects and arrays in a resource.
pub const RESOURCE_DEPTH: usize = 128;
/// Largest text of a ViewDefinition, in bytes.
pub const DEFINITION_BYTES: usize = 1 << 20;
/// Most columns of a view.
pub const COLUMNS: usize = 1_000;
/// Deepest nesting of `select` and `unionAll`.
pub const SELECT_DEPTH: usize = 32;
/// Longest path, in bytes.
pub const PATH_BYTES: usize = 16 << 10;
/// Most steps and operators of one path.
pub const PATH_STEPS: usize = 128;
/// Deepest nesting of brackets in one path.
pub const PATH_NESTING: usize = 24;
/// Most rows that one resource gives. Sibling `forEach` multiply each other.
pub const ROWS_OF_A_RESOURCE: u64 = 1_000_000;
/// Most elements that the iterations of a view go over in one resource, each counted every time.
pub const ELEMENTS_OF_A_RESOURCE: u64 = 4_000_000;
/// Longest name of a column, in bytes.
pub const NAME_BYTES: usize = 255;
/// Rows of a Parquet row group. It is part of the format: another number gives other bytes.
pub const ROW_GROUP_ROWS: usize = 65_536;
/// A row group ends before [`ROW_GROUP_ROWS`] when its texts reach this many bytes.
pub const ROW_GROUP_BYTES: usize = 256 << 20;
/// Bytes that a text writer (CSV, NDJSON) gathers before it writes them.
pub const WRITE_BYTES: usize = 64 << 10;
