//! Lines out of merged entities. What a line needs of a structure is left open: it waits for the structure in [`crate::assembly`].

use crate::filter::ActivityFilter;
use crate::national_file::{HeaderWidth, NationalFile, Part};
use crate::person_lines::{national_number, structure_mailbox_line};
use crate::place;
use annuaire_base::fact::Fact;
use annuaire_consolidate::{ConsolidatedEntity, Perimeter};
use annuaire_mos::Structure;
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

    /// All lines of an entity, in any order; the number of activities that no file has a place for.
    pub(crate) fn lines(&self, entity: &ConsolidatedEntity, described: Described, add: &mut dyn FnMut(WaitingLine)) -> u64 {
        let mut left_out = 0;
        if let Some(s) = &entity.structure {
            self.finess_structure(s, described, add);
        }
        if entity.entity.starts_with("PP:") {
            self.person(entity, add);
        } else if self.wants(Part::Mailboxes) && !self.filter.has_professions() {
            let condition = if self.filter.has_places() { Condition::WantedStructure } else { Condition::None };
            let mut lines: Vec<WaitingLine> = entity.mailboxes.iter().map(|b| structure_mailbox_line(b, condition)).collect();
            // A mailbox without a structure meets no filter of places.
            lines.retain(|line| line.reference.is_some() || condition == Condition::None);
            lines.sort();
            lines.dedup();
            lines.into_iter().for_each(&mut *add);
        }
        for activity in &entity.activities {
            left_out += self.finess_activity(activity, add);
        }
        left_out
    }

    /// What a structure gives to lines, with the names under which they wait for it. Of several structures of one national
    /// number, the one whose identifier is made of its FINESS number comes first, then the others by identifier.
    pub(crate) fn structure(&self, s: &Structure) -> Vec<(Reference, u8, String)> {
        let packed = place::fragments(s, self.filter);
        let of_finess = s.id_technique.strip_prefix('F') == Some(&s.num_finess);
        let rank = u8::from(!of_finess);
        let mut all = vec![(Reference::Technical(s.id_technique.clone()), 0, packed)];
        if self.wants(Part::Mailboxes) {
            let mut numbers = vec![national_number(&s.id_nat_struct)];
            if !s.num_finess.is_empty() {
                numbers.push(format!("1{}", s.num_finess));
            }
            numbers.retain(|n| !n.is_empty());
            numbers.sort();
            numbers.dedup();
            let packed = place::mailbox_fragments(s, self.filter);
            all.extend(numbers.into_iter().map(|n| (Reference::National(n), rank, packed.clone())));
        }
        all
    }
}
