//! Withdrawal by law (interop §3.4): which resources lose the content of all their versions.
//!
//! The registry has no content of a withdrawn entity any more, so its resources are found in the store, in all versions that it
//! keeps: a Practitioner by the national number, roles by their references to it, the others by the ids that follow from the key
//! of the entity. Four rules go beyond the resources of the entity itself:
//!
//! * A structure that was never described, and to which nobody else points, goes with the person: its number may name them.
//! * A structure to which others point stays as they name it, by its technical identifier alone (LOG-6). Their practice there is
//!   a fact about them, and it is published; nothing that described the structure is.
//! * Mailboxes are filed apart from their structure. When they are withdrawn, all versions of the structure lose their
//!   content, and it is published again without them.
//! * When another entity still gives a resource of the same id, that resource is published again, as a new version. A resource of a
//!   feed is withdrawn by withdrawing its own entity.
//!
//! Not found are the resources of an authorised activity whose ids do not follow from its key (FINESS+ gives them). No person
//! is named there.

use crate::error::Error;
use crate::follower::LogRange;
use crate::read::look_ups::structures_of_holders;
use annuaire_base::Tx;
use annuaire_consolidate::entity_key;
use annuaire_fhir::organization::ReferencedStructure;
use annuaire_fhir::schema::{self, params};
use annuaire_fhir::{ids, systems};
use annuaire_index::{Filter, Index, RoaringBitmap, Row, Snapshot};
use annuaire_terms::{LinkRule, ParamId, Presence, TypeId};
use std::collections::BTreeSet;

/// What a transaction withdraws from a store.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Withdrawal {
    /// Resources that lose the content of all their versions.
    pub(crate) resources: Vec<(TypeId, String)>,
    /// Entities that may give one of them, and are made again.
    pub(crate) made_again: Vec<String>,
    /// Structures among them to which others point.
    pub(crate) still_referenced: Vec<ReferencedStructure>,
}

/// Finds what `tx` withdraws. Cost: a few searches for each entity.
pub(crate) fn find(range: &LogRange<'_>, index: &Index, tx: Tx) -> Result<Withdrawal, Error> {
    let snapshot = index.snapshot()?;
    let rules = schema::link_rules();
    let mut search =
        WithdrawalSearch { snapshot: &snapshot, rules: &rules, resources: BTreeSet::new(), made_again: BTreeSet::new() };
    let entities = range.registry.withdrawn(tx)?;
    let mut structures = Vec::new();
    for entity in &entities {
        search.made_again.insert(entity.clone());
        match entity.split_once(':') {
            Some(("PP", national_id)) => search.person(national_id)?,
            Some(("ST", id_technique)) => {
                search.add(schema::ORGANIZATION, ids::organization_id(id_technique))?;
                structures.push(id_technique.to_owned());
            }
            Some(("NS", number)) => {
                search.structures_with_mailboxes(number)?;
                let waiting = structures_of_holders(std::slice::from_ref(entity), index, true)?;
                search.made_again.extend(waiting);
            }
            Some(("AC", key)) => search.activity(key)?,
            Some(("FH", name)) => {
                if let Some((Some(ty), id)) = name.split_once('/').map(|(ty, id)| (schema::type_id(ty), id)) {
                    search.add(ty, id.to_owned())?;
                }
            }
            _ => {}
        }
    }
    search.add_structures_that_nobody_else_needs()?;
    search.add_entities_of_the_same_ids()?;
    let mut still_referenced = Vec::new();
    for id_technique in structures {
        let (is_referenced, as_legal_entity) = search.is_referenced_by_others(&ids::organization_id(&id_technique))?;
        if is_referenced {
            still_referenced.push(ReferencedStructure { id_technique, as_legal_entity });
        }
    }
    let WithdrawalSearch { resources, made_again, .. } = search;
    Ok(Withdrawal { resources: resources.into_iter().collect(), made_again: made_again.into_iter().collect(), still_referenced })
}

/// A search under way.
struct WithdrawalSearch<'s> {
    snapshot: &'s Snapshot,
    rules: &'s [LinkRule],
    resources: BTreeSet<(TypeId, String)>,
    made_again: BTreeSet<String>,
}

impl WithdrawalSearch<'_> {
    /// Adds a resource, when it was ever published.
    fn add(&mut self, ty: TypeId, id: String) -> Result<bool, Error> {
        let is_known = !self.snapshot.history(ty, &id)?.is_empty();
        if is_known {
            self.resources.insert((ty, id));
        }
        Ok(is_known)
    }

    /// Practitioners of this national number, their roles, and the Person.
    fn person(&mut self, national_id: &str) -> Result<(), Error> {
        if national_id.is_empty() {
            return Ok(());
        }
        self.add(schema::PERSON, ids::person_id(national_id))?;
        let number = identifier(systems::IDNPS, national_id);
        for id in self.ids_of(&self.snapshot.every_version(schema::PRACTITIONER, &number)?)? {
            // Practitioners of a feed have other ids, and their own entities.
            if !id.starts_with("003-") {
                continue;
            }
            let to = Filter::Reference { param: params::PRACTITIONER.id, target: format!("Practitioner/{id}") };
            let roles = self.snapshot.every_version(schema::PRACTITIONER_ROLE, &to)?;
            for role in self.ids_of(&roles)? {
                if role.starts_with("005-") {
                    self.resources.insert((schema::PRACTITIONER_ROLE, role));
                }
            }
            self.resources.insert((schema::PRACTITIONER, id));
        }
        Ok(())
    }

    fn structures_with_mailboxes(&mut self, number: &str) -> Result<(), Error> {
        let versions = self.snapshot.every_version(schema::ORGANIZATION, &identifier(systems::IDNST, number))?;
        for id in self.ids_of(&versions)? {
            self.resources.insert((schema::ORGANIZATION, id));
        }
        Ok(())
    }

    /// The resources of an activity: its establishments are numbered after its key.
    fn activity(&mut self, key: &str) -> Result<(), Error> {
        for n in 0.. {
            let key = if n == 0 { key.to_owned() } else { format!("{key}-{n}") };
            let service = self.add(schema::HEALTHCARE_SERVICE, ids::service_id(&key))?;
            let device = self.add(schema::DEVICE, ids::device_id(&key))?;
            if n > 0 && !service && !device {
                break;
            }
        }
        Ok(())
    }

    /// Adds the structures to which withdrawn resources point or pointed, that were never described, and to which no other
    /// resource points now.
    fn add_structures_that_nobody_else_needs(&mut self) -> Result<(), Error> {
        let mut pointed_to = BTreeSet::new();
        for (ty, id) in &self.resources {
            for row in self.snapshot.history(*ty, id)? {
                let references = self.snapshot.references(row)?.into_iter();
                pointed_to.extend(references.filter_map(|(_, to)| Some(to.strip_prefix("Organization/")?.to_owned())));
            }
        }
        for id in pointed_to {
            let mut is_described = false;
            for row in self.snapshot.history(schema::ORGANIZATION, &id)? {
                is_described |= self.snapshot.read(row)?.presence != Presence::Referenced;
            }
            if !is_described && !self.is_referenced_by_others(&id)?.0 {
                self.add(schema::ORGANIZATION, id)?;
            }
        }
        Ok(())
    }

    /// Whether a live resource points to an Organization that is not withdrawn with it, and whether it is for one of them the
    /// legal entity.
    fn is_referenced_by_others(&self, id: &str) -> Result<(bool, bool), Error> {
        let mut found = (false, false);
        for rule in self.rules.iter().filter(|rule| rule.target == schema::ORGANIZATION) {
            let to = Filter::Reference { param: rule.param, target: format!("Organization/{id}") };
            let live = self.snapshot.search(rule.source, &to)?;
            let others = self.ids_of(&live)?.into_iter().any(|id| !self.resources.contains(&(rule.source, id)));
            found.0 |= others;
            found.1 |= others && rule.source == schema::ORGANIZATION;
        }
        Ok(found)
    }

    /// Adds the entities that could give a resource of an id that is withdrawn: a feed, a structure, and the other person of a
    /// situation that two persons have.
    fn add_entities_of_the_same_ids(&mut self) -> Result<(), Error> {
        let mut entities = Vec::new();
        for (ty, id) in &self.resources {
            entities.push(format!("FH:{}/{id}", schema::type_name(*ty)));
            if *ty == schema::ORGANIZATION {
                entities.extend(ids::structure_of(id).map(entity_key::structure));
            }
            if *ty == schema::PRACTITIONER_ROLE {
                for row in self.snapshot.history(*ty, id)? {
                    for (param, target) in self.snapshot.references(row)? {
                        entities.extend(self.person_of(param, &target)?);
                    }
                }
            }
        }
        self.made_again.extend(entities);
        Ok(())
    }

    /// The entity of the person whose Practitioner a role points to.
    fn person_of(&self, param: ParamId, target: &str) -> Result<Option<String>, Error> {
        let Some(id) = target.strip_prefix("Practitioner/").filter(|_| param == params::PRACTITIONER.id) else {
            return Ok(None);
        };
        for row in self.snapshot.history(schema::PRACTITIONER, id)? {
            let body: serde_json::Value = serde_json::from_slice(self.snapshot.read(row)?.body()).unwrap_or_default();
            let identifiers = body.get("identifier").and_then(|list| list.as_array()).into_iter().flatten();
            let national = |i: &serde_json::Value| {
                (i.get("system")?.as_str()? == systems::IDNPS).then(|| i.get("value")?.as_str().map(str::to_owned))?
            };
            if let Some(number) = identifiers.filter_map(national).next() {
                return Ok(Some(format!("PP:{number}")));
            }
        }
        Ok(None)
    }

    /// Ids of the resources that have these versions.
    fn ids_of(&self, rows: &RoaringBitmap) -> Result<BTreeSet<String>, Error> {
        rows.iter().map(|row| Ok(self.snapshot.read(Row::new(row))?.id().to_owned())).collect()
    }
}

fn identifier(system: &str, value: &str) -> Filter {
    Filter::Token { param: params::IDENTIFIER.id, system: Some(system.to_owned()), code: Some(value.to_owned()) }
}
