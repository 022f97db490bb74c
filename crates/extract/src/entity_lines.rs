//! All lines of a merged entity, and what a structure gives to the lines of others.

use crate::national_file::Part;
use crate::person_lines::{national_number, structure_mailbox_line};
use crate::place;
use crate::render::{Condition, Described, Reference, Renderer, WaitingLine};
use annuaire_consolidate::ConsolidatedEntity;
use annuaire_mos::Structure;

impl Renderer<'_> {
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
