//! Making the resources of a group, entity by entity, on all processors when there is much to make.

use super::read::{GroupedTransaction, TransactionGroup};
use crate::entity_forms::{full_forms, referenced_structures};
use crate::error::Error;
use crate::limits;
use crate::page::{EntityVersion, PreparedPage, TxPreparer, stamps_of, with_reduced_forms};
use annuaire_batch::parallel;
use annuaire_consolidate::ConsolidatedEntity;
use annuaire_fhir::{View, ids};
use annuaire_index::{Index, Preparer};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Entities that one thread makes at a time.
const JOB: usize = 16;

/// What a transaction of a group publishes of one entity.
#[derive(Default)]
pub(crate) struct MadeEntity {
    pub(crate) page: PreparedPage,
    /// Ids of the Organizations to which the entity points now and did not point before.
    pub(crate) newly_referenced: HashSet<String>,
}

/// A place in a group.
#[derive(Clone, Copy)]
struct MadePlace {
    transaction: usize,
    /// Among the entities of the transaction.
    entity: usize,
}

/// An entity, with its places in the group.
struct EntityWork<'g> {
    entity: &'g str,
    places: Vec<MadePlace>,
}

/// Makes all resources of a group: for each transaction, for each of its entities in order.
pub(crate) fn make(group: &TransactionGroup<'_>, index: &Index, view: View) -> Result<Vec<Vec<MadeEntity>>, Error> {
    let mut all: Vec<Vec<MadeEntity>> =
        group.transactions.iter().map(|tx| tx.entities.iter().map(|_| MadeEntity::default()).collect()).collect();
    let mut put = |made: Vec<(MadePlace, MadeEntity)>| {
        for (at, made) in made {
            if let Some(place) = all.get_mut(at.transaction).and_then(|entities| entities.get_mut(at.entity)) {
                *place = made;
            }
        }
    };
    let Some(GroupedTransaction { transaction: first, .. }) = group.transactions.first() else { return Ok(all) };
    let work = entities(group);
    let changes: usize = group.transactions.iter().map(|tx| tx.entities.len()).sum();
    if changes as u64 <= limits::ALONE {
        let mut preparer = index.preparer(first.tx, first.commit_ms)?;
        for work in work {
            put(make_entity(group, view, &work, &mut preparer)?);
        }
        return Ok(all);
    }
    // Opened here first, so that a store that cannot be read is reported before any thread starts.
    drop(index.preparer(first.tx, first.commit_ms)?);
    let worker = || {
        let mut preparer = index.preparer(first.tx, first.commit_ms);
        let work = &work;
        move |job: Range<usize>| -> Result<Vec<_>, Error> {
            let Ok(preparer) = &mut preparer else {
                return Err(annuaire_index::Error::Refused("the state of the store cannot be read").into());
            };
            let mut made = Vec::new();
            for work in work.get(job).unwrap_or_default() {
                made.extend(make_entity(group, view, work, preparer)?);
            }
            Ok(made)
        }
    };
    let jobs = (0..work.len()).step_by(JOB).map(|start| start..work.len().min(start + JOB));
    let feed = |give: &dyn Fn(Range<usize>) -> bool| _ = jobs.into_iter().all(give);
    parallel::ordered(parallel::workers(0), feed, worker, |results| -> Result<(), Error> {
        for made in results {
            put(made.map_err(|parallel::Lost| Error::Panicked { tx: first.tx })??);
        }
        Ok(())
    })?;
    Ok(all)
}

/// The entities of a group, each with its places in the order of the transactions.
fn entities<'g>(group: &'g TransactionGroup<'_>) -> Vec<EntityWork<'g>> {
    let mut work: Vec<EntityWork<'g>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (transaction, GroupedTransaction { entities, .. }) in group.transactions.iter().enumerate() {
        for (place, entity) in entities.iter().enumerate() {
            let n = *known.entry(entity).or_insert_with(|| {
                work.push(EntityWork { entity, places: Vec::new() });
                work.len() - 1
            });
            if let Some(work) = work.get_mut(n) {
                work.places.push(MadePlace { transaction, entity: place });
            }
        }
    }
    work
}

/// Makes one entity after each transaction of the group that changes it. Whether it is set aside depends on nothing else.
fn make_entity(
    group: &TransactionGroup<'_>,
    view: View,
    work: &EntityWork<'_>,
    preparer: &mut Preparer,
) -> Result<Vec<(MadePlace, MadeEntity)>, Error> {
    let mut out = Vec::with_capacity(work.places.len());
    let mut known = group.set_aside.get(work.entity).cloned();
    let nothing = ConsolidatedEntity::default();
    for &place in &work.places {
        let Some(GroupedTransaction { transaction, .. }) = group.transactions.get(place.transaction) else { continue };
        let tx = transaction.tx;
        let after = group.entity_at(work.entity, tx);
        let after = after.as_ref().unwrap_or(&nothing);
        let published = group.entity_at(work.entity, known.as_ref().map_or(tx.previous(), |known| known.made_at));
        let forms = full_forms(after, view, stamps_of(transaction))
            .and_then(|current| with_reduced_forms(current, after, published.as_ref(), view));
        let mut page = PreparedPage::default();
        let version = EntityVersion { entity: work.entity, after, set_aside: known.as_ref(), tx };
        page.add(version, forms, &mut TxPreparer { preparer, tx, commit_ms: transaction.commit_ms })?;
        if let Some((_, change)) = page.set_aside.last() {
            known = change.clone();
        }
        let mut newly_referenced: HashSet<String> =
            page.referenced.iter().map(|s| ids::organization_id(&s.id_technique)).collect();
        for structure in published.iter().flat_map(referenced_structures) {
            newly_referenced.remove(&ids::organization_id(&structure.id_technique));
        }
        out.push((place, MadeEntity { page, newly_referenced }));
    }
    Ok(out)
}
