//! What the search forms let choose from.

use std::collections::BTreeSet;

use annuaire_base::text::fold;
use annuaire_nos::Nos;
use annuaire_nos::geography::{Commune, Geography};

use crate::limits;

/// What the form lets choose from: code and label, in the order of labels.
#[derive(Debug, Default)]
pub(crate) struct FormChoices {
    pub professions: Vec<(String, String)>,
    pub specialties: Vec<(String, String)>,
    /// Places that the box « where » suggests: the largest towns, then departments and regions.
    pub places: Vec<String>,
}

impl FormChoices {
    /// The codes of the terminologies that are valid today.
    pub(crate) fn of_terminologies() -> Self {
        let nos = Nos::embedded();
        let valid_codes = |tables: &[&str]| {
            let mut choices: BTreeSet<(String, String, String)> = BTreeSet::new();
            for table in tables.iter().filter_map(|table| nos.table(table)) {
                for concept in table.concepts().iter().filter(|concept| concept.valid_to.is_empty()) {
                    choices.insert((fold(&concept.label), concept.code.clone(), concept.label.clone()));
                }
            }
            choices.into_iter().map(|(_, code, label)| (code, label)).collect::<Vec<_>>()
        };
        Self {
            professions: valid_codes(&["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"]),
            specialties: valid_codes(&["TRE_R38", "TRE_R40", "TRE_R44"]),
            places: suggested_places(),
        }
    }

    /// The label of a code of the lists.
    pub(crate) fn label(&self, code: &str) -> Option<&str> {
        let all = self.professions.iter().chain(&self.specialties);
        all.into_iter().find(|(known, _)| known == code).map(|(_, label)| label.as_str())
    }
}

/// The largest towns with the first of their postal codes.
fn suggested_places() -> Vec<String> {
    let mut towns: Vec<_> = Geography::embedded().communes().iter().filter(|commune| commune.kind == "COM").collect();
    towns.sort_by_key(|commune| std::cmp::Reverse(commune.population));
    let label = |commune: &Commune| match commune.postal.first() {
        Some(postal) => format!("{postal} {}", commune.name),
        None => commune.name.clone(),
    };
    towns.into_iter().take(limits::TOWNS).map(label).collect()
}
