//! Comparing a store with the registry.

use crate::entity_forms::{full_forms, referenced_structures};
use crate::error::Error;
use crate::follower::{Tell, check_position};
use crate::limits::PAGE;
use crate::mailboxes::MailboxHolders;
use crate::owners;
use crate::publication::PublicationFollower;
use crate::state::StateSource;
use annuaire_base::Tx;
use annuaire_consolidate::ConsolidatedEntity;
use annuaire_fhir::foreign::Stamps;
use annuaire_fhir::{View, ids, schema};
use annuaire_index::{Filter, Index, RoaringBitmap, Row, Snapshot};
use annuaire_store::BlockingRegistry;
use annuaire_terms::{Presence, Resource, TypeId};
use std::collections::{BTreeMap, BTreeSet};

/// Compares a store with the registry at the last transaction of the store, and returns every difference in words. Cost: reads
/// everything.
///
/// An entity that is set aside is no difference ([`crate::set_aside()`] names it): its published form is compared with the
/// state in which it could last be made.
///
/// # Errors
/// When either cannot be read. A store of another log is a difference.
pub fn verify(registry: &BlockingRegistry, index: &Index, view: View, tell: Tell<'_>) -> Result<Vec<String>, Error> {
    match check_position(registry, &mut PublicationFollower::new(index, view)) {
        Ok(_) => {}
        // Nothing else can be compared.
        Err(e) if e.is_of_another_log() => return Ok(vec![e.to_string()]),
        Err(e) => return Err(e),
    }
    let owners = owners::read(registry)?;
    let snapshot = index.snapshot()?;
    let set_aside = index.set_aside_entities(usize::MAX)?.into_iter().map(|a| (a.entity, a.made_at)).collect();
    let mut comparison = Comparison {
        snapshot: &snapshot,
        view,
        set_aside,
        seen: BTreeMap::new(),
        referenced: BTreeSet::new(),
        differences: Vec::new(),
    };
    let holders = MailboxHolders::default();
    let mut facts_read = 0;
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (facts, next) = registry.standing(index.applied_tx(), &from, PAGE)?;
        after = next;
        facts_read += facts.len() as u64;
        tell("verifying", facts_read, 0);
        holders.keep(&facts);
        for entity in holders.consolidate(facts, &owners, view.perimeter).into_values() {
            comparison.compare_entity(&entity)?;
        }
    }
    comparison.compare_set_aside(StateSource { registry, owners: &owners, perimeter: view.perimeter })?;
    comparison.find_missing_targets()?;
    comparison.find_unexplained_resources()?;
    Ok(comparison.differences)
}

/// A comparison under way.
struct Comparison<'s> {
    snapshot: &'s Snapshot,
    view: View,
    /// Entities set aside, with the transaction after which each could last be made.
    set_aside: BTreeMap<String, Tx>,
    /// Rows of the resources that the registry explains.
    seen: BTreeMap<TypeId, RoaringBitmap>,
    /// Ids of the Organizations to which resources point.
    referenced: BTreeSet<String>,
    differences: Vec<String>,
}

impl Comparison<'_> {
    fn compare_entity(&mut self, entity: &ConsolidatedEntity) -> Result<(), Error> {
        let is_set_aside = self.set_aside.contains_key(&entity.entity);
        match full_forms(entity, self.view, Stamps::Log) {
            Ok(resources) if !is_set_aside => {
                self.compare_resources(&resources)?;
                self.referenced.extend(referenced_structures(entity).map(|s| ids::organization_id(&s.id_technique)));
            }
            Err(fault) if !is_set_aside => {
                let reason = format!("{} cannot be made and the store does not know it: {}", entity.entity, fault.reason);
                self.differences.push(reason);
            }
            // A form that can be made may still be too long for the store: only the store could say so.
            Ok(_) | Err(_) => {}
        }
        Ok(())
    }

    /// Compares what is published of the entities set aside with the state in which they could last be made.
    fn compare_set_aside(&mut self, source: StateSource<'_>) -> Result<(), Error> {
        for (entity, made_at) in self.set_aside.clone() {
            let Some(last_made) = source.entity_at(made_at, &entity)? else { continue };
            match full_forms(&last_made, self.view, Stamps::Log) {
                Ok(resources) => self.compare_resources(&resources)?,
                Err(fault) => self
                    .differences
                    .push(format!("{entity} could not be made either when the store says that it was: {}", fault.reason)),
            }
        }
        Ok(())
    }

    fn compare_resources(&mut self, resources: &[Resource]) -> Result<(), Error> {
        for resource in resources {
            let name = format!("{}/{}", schema::type_name(resource.ty), resource.id);
            match self.snapshot.current(resource.ty, &resource.id)? {
                None => self.differences.push(format!("{name} is missing from the publication store")),
                Some(version) => {
                    self.seen.entry(resource.ty).or_default().insert(version.row.get());
                    if !version.has_content_of(resource) {
                        self.differences.push(format!("{name} differs from what the registry says"));
                    }
                }
            }
        }
        Ok(())
    }

    fn find_missing_targets(&mut self) -> Result<(), Error> {
        for id in &self.referenced {
            if !self.snapshot.exists(schema::ORGANIZATION, id)? {
                self.differences.push(format!("Organization/{id} is pointed to and is not there"));
            }
        }
        Ok(())
    }

    /// Finds resources that no entity of the registry explains. Reduced forms and referenced structures need none.
    fn find_unexplained_resources(&mut self) -> Result<(), Error> {
        for (ty, name) in schema::types() {
            let unexplained = &*self.snapshot.search(ty, &Filter::All)? - self.seen.remove(&ty).unwrap_or_default();
            for row in unexplained {
                let version = self.snapshot.read(Row::new(row))?;
                if version.presence == Presence::Described {
                    self.differences.push(format!("{name}/{} is published and the registry does not say it", version.id()));
                }
            }
        }
        Ok(())
    }
}
