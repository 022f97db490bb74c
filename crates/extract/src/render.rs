//! What lines out of merged entities depend on. What a line needs of a structure is left open: it waits for the structure in [`crate::assembly`].

use crate::filter::ActivityFilter;
use crate::national_file::{HeaderWidth, NationalFile, Part};
use annuaire_base::fact::Fact;
use annuaire_consolidate::Perimeter;
use std::collections::BTreeSet;

/// What the lines of an extraction depend on, beside the entities.
pub(crate) struct Renderer<'a> {
    parts: BTreeSet<Part>,
    pub(crate) filter: &'a ActivityFilter,
    pub(crate) width: HeaderWidth,
}

/// A structure that a line waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reference {
    /// By technical identifier.
    Technical(String),
    /// By national number with its type digit.
    National(String),
}

/// On what it depends whether a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    None,
    /// The filter wants the structure that the line waits for.
    WantedStructure,
}

/// A line, complete but for what its structure says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaitingLine {
    pub(crate) part: Part,
    pub(crate) reference: Option<Reference>,
    pub(crate) condition: Condition,
    pub(crate) text: String,
}

/// Which files of FINESS describe a structure, as themselves and not in passing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) legal_entity: bool,
    pub(crate) establishment: bool,
    pub(crate) social: bool,
}

impl Described {
    /// What these facts of one structure, as far as the perimeter counts them, are of.
    pub(crate) fn by<'f>(facts: impl Iterator<Item = &'f Fact>, perimeter: Perimeter) -> Self {
        let mut described = Self::default();
        for fact in facts.filter(|f| perimeter.counts(f.publication)) {
            match fact.key.owner.as_str() {
                "finess-ej" => described.legal_entity = true,
                "finess-eg" => described.establishment = true,
                "finess-soc" => described.social = true,
                _ => {}
            }
        }
        described
    }
}

impl<'a> Renderer<'a> {
    /// For these files. Lines of activities are made whenever there is a filter: they tell which persons it leaves.
    pub(crate) fn new(files: &[NationalFile], filter: &'a ActivityFilter, width: HeaderWidth) -> Self {
        let mut parts: BTreeSet<Part> = files.iter().map(|f| f.part()).collect();
        if filter.is_active() {
            parts.insert(Part::Activities);
        }
        Self { parts, filter, width }
    }

    pub(crate) fn wants(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}
