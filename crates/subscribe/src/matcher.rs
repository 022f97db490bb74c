//! Which subscriptions a change concerns (SUB-24: the new version or the one before matches).
//!
//! Watch lists of all subscriptions are one table from an entry to those that hold it: a change costs a look-up for each of its identifiers,
//! however long the lists are. Other filters are searches of the publication store among the rows that changed, each evaluated once for all
//! subscriptions that have it.

use crate::change::{ChangedVersion, ChangedVersions, ContentNeeds};
use crate::criteria::WatchList;
use crate::error::Result;
use crate::resource::WantedSubscription;
use crate::topic::{Topic, Trigger};
use annuaire_fhir::schema::type_id;
use annuaire_index::{Filter, RoaringBitmap, Snapshot};
use annuaire_terms::TypeId;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// Compiles the query of a filter on a type; addresses below the base are ours. The error says what is wrong.
pub type CompileQuery = dyn Fn(&Snapshot, &str, &str, &str) -> std::result::Result<Filter, String> + Send + Sync;

/// What one type must have to concern a subscription.
#[derive(Debug, Clone)]
struct TypeRule {
    ty: TypeId,
    lists: Vec<WatchList>,
    queries: Vec<Filter>,
}

/// A subscription, ready to be matched.
#[derive(Debug, Clone)]
pub struct Matching {
    topic: &'static Topic,
    rules: Vec<TypeRule>,
}

impl Matching {
    /// Compiles the filters of a subscription. A type without filter is told whole, unless another type of the topic has one: then the
    /// subscription is not about it.
    ///
    /// # Errors
    /// What is wrong with a filter.
    pub fn new(wanted: &WantedSubscription, snap: &Snapshot, compile: &CompileQuery) -> std::result::Result<Self, String> {
        let criteria = wanted.criteria();
        let mut rules = Vec::new();
        for name in wanted.topic.types {
            let of_type: Vec<_> = criteria.iter().filter(|criterion| criterion.ty == *name).collect();
            let Some(ty) = type_id(name).filter(|_| criteria.is_empty() || !of_type.is_empty()) else { continue };
            let mut rule = TypeRule { ty, lists: Vec::new(), queries: Vec::new() };
            for criterion in of_type {
                rule.lists.extend(criterion.lists.iter().cloned());
                if !criterion.query.is_empty() {
                    rule.queries.push(compile(snap, &wanted.base, name, &criterion.query)?);
                }
            }
            rules.push(rule);
        }
        Ok(Self { topic: wanted.topic, rules })
    }

    /// Number of entries of its watch lists.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.rules.iter().flat_map(|rule| &rule.lists).map(|list| list.entries().len()).sum()
    }
}

/// A list of the table: subscription, and the number of the list among all of it.
type ListPlace = (u32, u32);

/// The subscriptions of a perimeter, ready to be matched.
#[derive(Default)]
pub(crate) struct Matcher {
    subscriptions: Vec<Matching>,
    /// Lists that hold an entry, by type.
    identifiers: HashMap<(TypeId, String), Vec<ListPlace>>,
    ids: HashMap<(TypeId, String), Vec<ListPlace>>,
}

impl Matcher {
    /// Cost: the length of all lists, once.
    pub(crate) fn new(subscriptions: Vec<Matching>) -> Self {
        let mut matcher = Self { subscriptions, ..Self::default() };
        for (at, subscription) in (0_u32..).zip(&matcher.subscriptions) {
            let lists = subscription.rules.iter().flat_map(|rule| rule.lists.iter().map(|list| (rule.ty, list)));
            for (number, (ty, list)) in (0_u32..).zip(lists) {
                let table = match list {
                    WatchList::Identifiers(_) => &mut matcher.identifiers,
                    WatchList::Ids(_) => &mut matcher.ids,
                };
                for entry in list.entries() {
                    table.entry((ty, entry.clone())).or_default().push((at, number));
                }
            }
        }
        matcher
    }

    /// Types of which changes are wanted.
    pub(crate) fn types(&self) -> Vec<TypeId> {
        let all: BTreeSet<TypeId> = self.subscriptions.iter().flat_map(|s| &s.rules).map(|rule| rule.ty).collect();
        all.into_iter().collect()
    }

    pub(crate) fn needs(&self) -> ContentNeeds {
        let parts = self.subscriptions.iter().any(|s| s.topic.trigger != Trigger::AnyVersion);
        ContentNeeds { identifiers: !self.identifiers.is_empty(), parts }
    }

    /// The changes that concern each subscription, in the order of the log.
    pub(crate) fn concerned(&self, snap: &Snapshot, changes: &ChangedVersions) -> Result<Vec<Vec<usize>>> {
        let hits = self.list_hits(changes);
        let mut searched: HashMap<(TypeId, &Filter), RoaringBitmap> = HashMap::new();
        let mut all = Vec::with_capacity(self.subscriptions.len());
        for (at, subscription) in (0_u32..).zip(&self.subscriptions) {
            let (mut found, mut number) = (BTreeSet::new(), 0);
            for rule in &subscription.rules {
                let mut rows: Option<RoaringBitmap> = None;
                for _ in &rule.lists {
                    let hit = hits.get(&(at, number)).cloned().unwrap_or_default();
                    number += 1;
                    rows = Some(rows.map_or_else(|| hit.clone(), |rows| rows & &hit));
                }
                let of_type = changes.rows.get(&rule.ty);
                for query in &rule.queries {
                    if rows.as_ref().is_some_and(RoaringBitmap::is_empty) {
                        break;
                    }
                    let Some(of_type) = of_type else { continue };
                    let found = match searched.entry((rule.ty, query)) {
                        Entry::Occupied(found) => found.into_mut(),
                        Entry::Vacant(place) => place.insert(snap.among(rule.ty, query, of_type)?),
                    };
                    rows = Some(rows.map_or_else(|| found.clone(), |rows| rows & &*found));
                }
                let unfiltered = rule.lists.is_empty() && rule.queries.is_empty();
                let concerned = if unfiltered { of_type } else { rows.as_ref() };
                found.extend(concerned.into_iter().flatten().filter_map(|row| changes.by_row.get(&row)).flatten().copied());
                // What the law withdrew has no content that a filter could look at, and who holds a copy must learn it.
                found.extend(changes.withdrawn.iter().copied().filter(|at| changes.all[*at].ty == rule.ty));
            }
            found.retain(|at| changes.all.get(*at).is_some_and(|change| triggers(subscription.topic, change, changes)));
            all.push(found.into_iter().collect());
        }
        Ok(all)
    }

    /// Rows that are in each list.
    fn list_hits(&self, changes: &ChangedVersions) -> HashMap<ListPlace, RoaringBitmap> {
        let mut hits: HashMap<ListPlace, RoaringBitmap> = HashMap::new();
        let mut hit = |places: Option<&Vec<ListPlace>>, row: u32| {
            places.into_iter().flatten().for_each(|place| _ = hits.entry(*place).or_default().insert(row));
        };
        for change in &changes.all {
            if !self.ids.is_empty() {
                hit(self.ids.get(&(change.ty, change.id.clone())), change.row.get());
            }
            for row in std::iter::once(change.row).chain(change.before) {
                let identifiers = changes.facts.get(&row).map(|facts| facts.identifiers.as_slice());
                for identifier in identifiers.unwrap_or_default() {
                    hit(self.identifiers.get(&(change.ty, identifier.clone())), row.get());
                }
                if !self.ids.is_empty() {
                    hit(self.ids.get(&(change.ty, change.id.clone())), row.get());
                }
            }
        }
        hits
    }
}

/// Whether a change of a matching resource is an event of the topic.
fn triggers(topic: &Topic, change: &ChangedVersion, changes: &ChangedVersions) -> bool {
    match topic.trigger {
        Trigger::AnyVersion => true,
        _ if change.withdrawn => true,
        Trigger::PartDiffers(part) => {
            let of = |row| changes.facts.get(&row).and_then(|facts| facts.parts[part.number()].as_deref());
            of(change.row) != change.before.and_then(of)
        }
    }
}
