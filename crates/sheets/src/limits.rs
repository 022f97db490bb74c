//! How large a file may be: every number of this room. A list of an employer stays far below each of them.

/// Lines below the header (registration §17.1).
pub const LINES_MAX: usize = 5_000;
/// Bytes of a file as it is given.
pub const FILE_BYTES: usize = 8 << 20;
/// Bytes of all parts of a workbook together, once inflated.
pub const INFLATED_BYTES: u64 = 96 << 20;
/// Parts of a workbook.
pub const PARTS_MAX: usize = 500;
/// Columns of a line.
pub const COLUMNS_MAX: usize = 100;
/// Characters of a cell.
pub const CELL_CHARS: usize = 1_000;
/// Bytes of all texts of a sheet together: one cell of a workbook may stand for many.
pub const TEXT_BYTES: usize = 16 << 20;
