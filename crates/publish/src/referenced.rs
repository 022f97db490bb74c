//! No reference without a target (LOG-6): structures to which published resources point and which no source describes.

use crate::error::Error;
use crate::page::TxPreparer;
use annuaire_fhir::organization::{self, ReferencedStructure};
use annuaire_fhir::{View, ids, schema};
use annuaire_index::{Index, Prepared, Snapshot};
use annuaire_terms::{Presence, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Forms of the referenced structures that are neither published nor among the Organizations of this transaction (`described`),
/// in the order of their ids.
pub(crate) fn prepare_referenced(
    index: &Index,
    view: View,
    described: &HashSet<String>,
    referenced: &HashSet<ReferencedStructure>,
    preparer: &mut TxPreparer<'_>,
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

/// What the store, and the transactions that are about to be written, have of an Organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrganizationInStore {
    /// It is not live.
    Absent,
    /// A reduced form, or one that is only referred to: it vanishes once nothing points to it.
    Undescribed,
    /// It is described, or a transaction of the group has written it.
    Described,
}

/// The Organizations of the store before a group, and those that the group has written so far.
pub(crate) struct Organizations {
    before: Snapshot,
    known: HashMap<String, OrganizationInStore>,
}

impl Organizations {
    pub(crate) fn of(index: &Index) -> Result<Self, Error> {
        Ok(Self { before: index.snapshot()?, known: HashMap::new() })
    }

    /// The group writes these Organizations.
    pub(crate) fn add<'i>(&mut self, ids: impl Iterator<Item = &'i String>) {
        self.known.extend(ids.map(|id| (id.clone(), OrganizationInStore::Described)));
    }

    /// The group withdraws these resources by law.
    pub(crate) fn forget(&mut self, withdrawn: &[(TypeId, String)]) {
        let organizations = withdrawn.iter().filter(|(ty, _)| *ty == schema::ORGANIZATION);
        self.known.extend(organizations.map(|(_, id)| (id.clone(), OrganizationInStore::Absent)));
    }

    pub(crate) fn get(&mut self, id: &str) -> Result<OrganizationInStore, Error> {
        if let Some(known) = self.known.get(id) {
            return Ok(*known);
        }
        let found = match self.before.current(schema::ORGANIZATION, id)? {
            None => OrganizationInStore::Absent,
            Some(version) if version.presence == Presence::Described => OrganizationInStore::Described,
            Some(_) => OrganizationInStore::Undescribed,
        };
        self.known.insert(id.to_owned(), found);
        Ok(found)
    }
}
