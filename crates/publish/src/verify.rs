//! Compares a store with what the registry says.

use crate::limits::PAGE;
use crate::{Error, Holders, Tell, gather, unseen};
use annuaire_base::Tx;
use annuaire_fhir::foreign::Stamps;
use annuaire_fhir::schema::{ORGANIZATION, TYPES};
use annuaire_fhir::{View, ids};
use annuaire_index::{Filter, Index, Resource, RoaringBitmap, Snapshot, Standing};
use annuaire_store::Registry;
use std::collections::{BTreeMap, BTreeSet};

/// What a comparison found.
struct Comparison<'s> {
    snapshot: &'s Snapshot,
    seen: BTreeMap<u8, RoaringBitmap>,
    targets: BTreeSet<String>,
    faults: Vec<String>,
}

impl Comparison<'_> {
    fn holds(&mut self, resources: &[Resource]) -> Result<(), Error> {
        for resource in resources {
            let name = format!("{}/{}", TYPES[usize::from(resource.ty)], resource.id);
            match self.snapshot.current(resource.ty, &resource.id)? {
                None => self.faults.push(format!("{name} is missing from the publication store")),
                Some(entry) => {
                    self.seen.entry(resource.ty).or_default().insert(entry.row);
                    if !entry.holds(resource) {
                        self.faults.push(format!("{name} differs from what the registry says"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Compares a store with what the registry says at the same transaction; every difference in words. Reads everything.
///
/// What is set aside is no difference ([`crate::set_aside`] names it): its published form is compared with what was said when
/// it could last be made.
///
/// # Errors
/// When either cannot be read. A store of another log is a difference.
pub fn verify(registry: &mut dyn Registry, index: &Index, view: View, tell: Tell<'_>) -> Result<Vec<String>, Error> {
    match unseen(registry, index) {
        Ok(_) => {}
        // Nothing else can be compared.
        Err(e @ Error::OtherLog { .. }) => return Ok(vec![e.to_string()]),
        Err(e) => return Err(e),
    }
    let tx = Tx::new(index.applied_tx());
    let snapshot = index.snapshot()?;
    let mut all = Comparison { snapshot: &snapshot, seen: BTreeMap::new(), targets: BTreeSet::new(), faults: Vec::new() };
    let aside: BTreeMap<String, u64> = index.asides(usize::MAX)?.into_iter().map(|a| (a.entity, a.made_at)).collect();
    let holders = Holders::default();
    let mut read = 0;
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (objects, next) = registry.standing(tx, &from, PAGE)?;
        after = next;
        read += objects.len() as u64;
        tell("verifying", read, 0);
        holders.keep(&objects);
        for (entity, facts) in holders.facts(objects, view) {
            let made = facts.publish(view, Stamps::Log);
            match (made, aside.contains_key(&entity)) {
                (Ok(resources), false) => {
                    all.holds(&resources)?;
                    all.targets.extend(facts.targets().map(|t| ids::organization_id(&t.structure)));
                }
                (Err(_), true) => {}
                (Err(bad), false) => {
                    all.faults.push(format!("{entity} cannot be made and the store does not know it: {}", bad.reason));
                }
                // Too long for a store: only the store could say so.
                (Ok(_), true) => {}
            }
        }
    }
    for (entity, made_at) in &aside {
        let then = gather(registry, Tx::new(*made_at), std::slice::from_ref(entity), view)?;
        if let Some(facts) = then.get(entity) {
            match facts.publish(view, Stamps::Log) {
                Ok(resources) => all.holds(&resources)?,
                Err(bad) => {
                    all.faults.push(format!("{entity} could not be made either when the store says that it was: {}", bad.reason))
                }
            }
        }
    }
    let Comparison { mut seen, targets, mut faults, .. } = all;
    for id in targets {
        if !snapshot.exists(ORGANIZATION, &id)? {
            faults.push(format!("Organization/{id} is pointed to and is not there"));
        }
    }
    for (ty, name) in (0_u8..).zip(TYPES) {
        let rest = &*snapshot.search(ty, &Filter::All)? - seen.remove(&ty).unwrap_or_default();
        for row in rest {
            let entry = snapshot.entry(row)?;
            // What left the directory stays in its reduced form, and what is pointed to in the form it is named by.
            if entry.standing == Standing::Said {
                faults.push(format!("{name}/{} is published and the registry does not say it", entry.id()));
            }
        }
    }
    Ok(faults)
}
