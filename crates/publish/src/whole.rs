//! A transaction that changes much of what is there: what stands after it and before it is read in order, side by side, which
//! costs less than a look-up for each entity and source.

use crate::facts::collect;
use crate::limits::PAGE;
use crate::{Error, Holders, Page, gather};
use annuaire_base::Tx;
use annuaire_fhir::View;
use annuaire_index::Index;
use annuaire_store::{Object, Registry};
use std::collections::{HashMap, HashSet};

/// What stands at a transaction, read in order.
struct Standing {
    tx: Tx,
    /// Objects read and not yet taken.
    objects: Vec<Object>,
    /// Everything up to this entity is read; `None` to the end.
    read_to: Option<String>,
}

impl Standing {
    fn of(tx: Tx) -> Self {
        Self { tx, objects: Vec::new(), read_to: Some(String::new()) }
    }

    fn read(&mut self, registry: &mut dyn Registry) -> Result<(), Error> {
        if let Some(from) = &self.read_to {
            let (objects, next) = registry.standing(self.tx, from, PAGE)?;
            self.objects.extend(objects);
            self.read_to = next;
        }
        Ok(())
    }

    /// The objects of the entities up to one, all of them when there is no end.
    fn take(&mut self, to: Option<&str>) -> Vec<Object> {
        let end = to.map_or(self.objects.len(), |to| self.objects.partition_point(|o| o.entity.as_str() <= to));
        let rest = self.objects.split_off(end);
        std::mem::replace(&mut self.objects, rest)
    }
}

/// The earlier of two ends; `None` comes last.
fn earlier(a: Option<&String>, b: Option<&String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b).clone()),
        (a, b) => a.or(b).cloned(),
    }
}

/// Pages of the entities that `tx` changes, in order.
pub(crate) fn pages(
    registry: &mut dyn Registry,
    index: &Index,
    view: View,
    tx: Tx,
    holders: &[Holders; 2],
    give: &dyn Fn(Result<Page, Error>) -> bool,
) -> Result<(), Error> {
    let waiting = index.set_aside()? > 0;
    let (mut after, mut before) = (Standing::of(tx), Standing::of(tx.previous()));
    // Mailboxes that changed: the structures that they are published with change too.
    let mut moved: HashSet<String> = HashSet::new();
    loop {
        let end = earlier(after.read_to.as_ref(), before.read_to.as_ref());
        for side in [&mut after, &mut before] {
            if side.read_to == end {
                side.read(registry)?;
            }
        }
        let end = earlier(after.read_to.as_ref(), before.read_to.as_ref());
        let sides = [after.take(end.as_deref()), before.take(end.as_deref())];
        for (holders, side) in holders.iter().zip(&sides) {
            holders.keep(side);
        }
        let [now, then] = sides;
        let mut entities = differing(&now, &then);
        moved.extend(entities.iter().filter(|e| e.starts_with("NS:")).cloned());
        if !moved.is_empty() {
            let structures = now.iter().filter(|o| o.entity.starts_with("ST:")).cloned().collect();
            let with = |(entity, facts): (String, crate::Facts)| moved.contains(&facts.holder()?).then_some(entity);
            entities.extend(collect(structures, view.perimeter).into_iter().filter_map(with));
            entities.sort_unstable();
            entities.dedup();
        }
        let wanted: HashSet<&str> = entities.iter().map(String::as_str).collect();
        let only = |objects: Vec<Object>| objects.into_iter().filter(|o| wanted.contains(o.entity.as_str())).collect();
        let (now, then) = (only(now), only(then));
        let mut aside = HashMap::new();
        if waiting {
            for entity in &entities {
                if let Some(known) = index.aside(entity)? {
                    let made = gather(registry, Tx::new(known.made_at), std::slice::from_ref(entity), view)?.remove(entity);
                    aside.insert(entity.clone(), (known, made));
                }
            }
        }
        if !entities.is_empty() && !give(Ok(Page::Beside { entities, now, before: then, aside })) {
            return Ok(());
        }
        if end.is_none() {
            return Ok(());
        }
    }
}

/// Entities of which two lists in order say different things, in order.
fn differing(now: &[Object], then: &[Object]) -> Vec<String> {
    let (mut now, mut then) = (now.chunk_by(same), then.chunk_by(same));
    let (mut a, mut b) = (now.next(), then.next());
    let mut out = Vec::new();
    loop {
        let entity = |list: Option<&[Object]>| list.and_then(|l| l.first()).map(|o| o.entity.clone());
        let (left, right) = (entity(a), entity(b));
        match (left, right) {
            (None, None) => return out,
            (Some(left), Some(right)) if left == right => {
                if a != b {
                    out.push(left);
                }
                (a, b) = (now.next(), then.next());
            }
            (Some(left), right) if right.as_ref().is_none_or(|right| left < *right) => {
                out.push(left);
                a = now.next();
            }
            (_, right) => {
                out.extend(right);
                b = then.next();
            }
        }
    }
}

fn same(a: &Object, b: &Object) -> bool {
    a.entity == b.entity
}
