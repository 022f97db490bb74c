//! A text format as data: its columns in the order of its producer, and what the columns that are read mean.

use super::slot::Slot;
use crate::owners;

/// How fields are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `|`: no quotes, and one more separator at the end of the line.
    Pipe,
    /// `;`: fields are quoted or not, and a quote inside a quoted field is doubled.
    Semicolon,
}

impl Separator {
    pub(crate) const fn as_char(self) -> char {
        match self {
            Self::Pipe => '|',
            Self::Semicolon => ';',
        }
    }
}

/// What the lines of a format describe. It decides the entities that a line is about, and how their objects are assembled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineKind {
    /// A person, with the place of practice when the line has one.
    Person,
    /// A structure.
    Structure,
    /// A card.
    Card,
    /// A mailbox.
    Mailbox,
    /// An activity of the legacy FINESS files.
    Activity,
    /// A pair of identifiers of one person.
    Switch,
    /// A line of the health insurance's directory.
    Ameli,
    /// The file is recognised and left out, for this reason.
    Ignored(&'static str),
}

/// Columns that came with a generation of a format (source-files §2.3), in the order of the generations. A file has all
/// columns of a generation or none.
pub(super) type ColumnGenerations = &'static [&'static [&'static str]];

/// A text format.
#[derive(Debug)]
pub(crate) struct TextFormat {
    /// Official name.
    pub(crate) name: &'static str,
    /// The source that a file of this format replaces.
    pub(crate) source: &'static str,
    /// What its lines describe.
    pub(crate) kind: LineKind,
    /// What separates the fields of a line.
    pub(crate) separator: Separator,
    /// Name in the first field of a line, for files without header: columns are then positions. Empty for other formats.
    pub(crate) section: &'static str,
    /// Columns that are read: normalised header and meaning.
    pub(crate) columns: Vec<(String, Slot)>,
    /// Normalised headers of all columns, those that are not read included.
    pub(crate) headers: Vec<&'static str>,
    /// Columns that older files do not have.
    pub(crate) generations: ColumnGenerations,
    /// The FINESS open file that holds the section, `502`; empty for other formats.
    pub(crate) finess_file: &'static str,
}

impl TextFormat {
    /// Whether its source is open data. A format without source is not.
    pub(crate) fn is_open(&self) -> bool {
        owners::is_open(self.source)
    }

    /// Whether it is a section of the FINESS open file `kind`, `502`. The file of positions (507) repeats that of
    /// establishments (502).
    pub(crate) fn is_section_of(&self, kind: &str) -> bool {
        !self.section.is_empty() && (self.finess_file == kind || (kind == "507" && self.finess_file == "502"))
    }

    /// The format with the columns that older files do not have.
    pub(super) fn with_generations(self, generations: ColumnGenerations) -> Self {
        Self { generations, ..self }
    }
}

/// A format with `|` between fields. `headers` are the normalised headers of all its columns, separated by `|`.
pub(super) fn pipe_format(
    name: &'static str,
    source: &'static str,
    kind: LineKind,
    headers: &'static str,
    columns: Vec<(String, Slot)>,
) -> TextFormat {
    let headers = headers.split('|').collect();
    let separator = Separator::Pipe;
    TextFormat { name, source, kind, separator, section: "", columns, headers, generations: &[], finess_file: "" }
}

/// A format with `;` between fields. `headers` are the normalised headers of all its columns, separated by `|`.
pub(super) fn semicolon_format(
    name: &'static str,
    source: &'static str,
    kind: LineKind,
    headers: &'static str,
    columns: Vec<(String, Slot)>,
) -> TextFormat {
    TextFormat { separator: Separator::Semicolon, ..pipe_format(name, source, kind, headers, columns) }
}
