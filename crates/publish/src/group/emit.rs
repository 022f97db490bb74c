//! The resources of a group in the order of publication: for each transaction those of its entities, then the structures to
//! which they point and which nothing describes (LOG-6), then its end.

use super::make::MadeEntity;
use super::read::TransactionGroup;
use crate::error::Error;
use crate::page::TxPreparer;
use crate::referenced::{OrganizationInStore, Organizations};
use crate::withdrawal::Withdrawal;
use annuaire_fhir::organization::ReferencedStructure;
use annuaire_fhir::{Perimeter, View, ids, organization};
use annuaire_index::{GroupItem, Index, SetAsideEntity, TxEnd};
use std::collections::{BTreeMap, HashSet};

/// What a group writes.
pub(crate) struct Emitted {
    pub(crate) items: Vec<GroupItem>,
    /// How many transactions of the group it holds: those after them depend on what these change in the store.
    pub(crate) transactions: usize,
    pub(crate) set_aside: Vec<SetAsideEntity>,
}

/// Puts the resources of a group in order. The withdrawal is that of the first transaction.
pub(crate) fn emit(
    group: &TransactionGroup<'_>,
    made: Vec<Vec<MadeEntity>>,
    index: &Index,
    view: View,
    withdrawal: Withdrawal,
) -> Result<Emitted, Error> {
    let mut out = Emitted { items: Vec::new(), transactions: 0, set_aside: Vec::new() };
    let mut organizations = Organizations::of(index)?;
    let mut preparer = None;
    let mut withdrawal = Some(withdrawal);
    for (grouped, entities) in group.transactions.iter().zip(made) {
        let transaction = grouped.transaction;
        let newly_referenced: HashSet<&String> = entities.iter().flat_map(|made| &made.newly_referenced).collect();
        let is_first = out.transactions == 0;
        let Withdrawal { resources: withdrawn, still_referenced, .. } = withdrawal.take().unwrap_or_default();
        organizations.forget(&withdrawn);
        organizations.add(entities.iter().flat_map(|made| &made.page.organizations));
        // The order of a hash set would make row numbers differ from one run to the next.
        let mut missing: BTreeMap<String, &ReferencedStructure> = BTreeMap::new();
        for structure in entities.iter().flat_map(|made| &made.page.referenced).chain(&still_referenced) {
            let id = ids::organization_id(&structure.id_technique);
            match organizations.get(&id)? {
                OrganizationInStore::Absent => {
                    // A reference to the legal entity tells more than another one: it is the greater of both.
                    let chosen = missing.entry(id).or_insert(structure);
                    *chosen = (*chosen).max(structure);
                }
                // Until now nothing may have held it: an earlier transaction of the group could have made it vanish.
                OrganizationInStore::Undescribed
                    if !is_first && view.perimeter == Perimeter::Public && newly_referenced.contains(&id) =>
                {
                    return Ok(out);
                }
                OrganizationInStore::Undescribed | OrganizationInStore::Described => {}
            }
        }
        let mut referenced = Vec::new();
        for structure in missing.values() {
            let preparer = match &mut preparer {
                Some(preparer) => preparer,
                None => preparer.insert(index.preparer(transaction.tx, transaction.commit_ms)?),
            };
            let mut preparer = TxPreparer { preparer, tx: transaction.tx, commit_ms: transaction.commit_ms };
            referenced.push(preparer.prepare(organization::referenced_form(view, structure))?);
        }
        organizations.add(missing.keys());
        let mut set_aside = Vec::new();
        for made in entities {
            out.items.extend(made.page.resources.into_iter().map(GroupItem::Resource));
            set_aside.extend(made.page.set_aside);
        }
        out.items.extend(referenced.into_iter().map(GroupItem::Resource));
        out.set_aside.extend(set_aside.iter().filter_map(|(_, change)| change.clone()));
        out.items.push(GroupItem::End(TxEnd {
            tx: transaction.tx,
            commit_ms: transaction.commit_ms,
            digest: transaction.digest,
            set_aside,
            withdrawn,
            vanished: Vec::new(),
        }));
        out.transactions += 1;
    }
    Ok(out)
}
