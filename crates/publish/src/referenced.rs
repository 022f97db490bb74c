//! No reference without a target (LOG-6): structures to which published resources point and which no source describes.

use crate::error::Error;
use annuaire_fhir::organization::{self, ReferencedStructure};
use annuaire_fhir::{View, ids, schema};
use annuaire_index::{Index, Prepared, Preparer};
use std::collections::{BTreeMap, HashSet};

/// Forms of the referenced structures that are neither published nor among the Organizations of this transaction (`described`),
/// in the order of their ids.
pub(crate) fn prepare_referenced(
    index: &Index,
    view: View,
    described: &HashSet<String>,
    referenced: &HashSet<ReferencedStructure>,
    preparer: &mut Preparer,
) -> Result<Vec<Prepared>, Error> {
    let snapshot = index.snapshot()?;
    // The order of a hash set would make row numbers differ from one run to the next.
    let mut missing: BTreeMap<String, &ReferencedStructure> = BTreeMap::new();
    for structure in referenced {
        let id = ids::organization_id(&structure.id_technique);
        if !described.contains(&id) && !snapshot.exists(schema::ORGANIZATION, &id)? {
            // A reference to the legal entity tells more than another one: it is the greater of both.
            let chosen = missing.entry(id).or_insert(structure);
            *chosen = (*chosen).max(structure);
        }
    }
    let forms = missing.into_values().map(|structure| organization::referenced_form(view, structure));
    Ok(forms.map(|form| preparer.prepare(form)).collect::<Result<_, _>>()?)
}
