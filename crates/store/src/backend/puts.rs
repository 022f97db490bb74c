//! The puts of a unit, which stay in memory until it is saved.

use crate::{Change, Expect, FactMark};
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey};
use std::collections::{BTreeMap, BTreeSet};

/// The puts of a unit by owner, entity, facet: of several about one fact the last counts. A unit is a business event and holds few;
/// many facts go through a stage.
#[derive(Debug, Default)]
pub struct Puts {
    changes: BTreeMap<FactKey, (Change, Vec<Expect>)>,
    /// Entities that the unit withdraws.
    withdrawn: BTreeSet<String>,
    /// Entities whose withdrawal it lifts.
    lifted: BTreeSet<String>,
}

impl Puts {
    /// Adds a put. What an earlier put of the unit demanded of this fact stays demanded.
    pub fn put(&mut self, change: Change, expect: Expect) {
        let entry = self.changes.entry(change.key.clone()).or_insert_with(|| (change.clone(), Vec::new()));
        entry.0 = change;
        if expect != Expect::Any {
            entry.1.push(expect);
        }
    }

    /// Withdraws an entity, with what the unit put about it before.
    pub fn withdraw(&mut self, entity: &str) {
        self.changes.retain(|key, _| key.entity != entity);
        self.lifted.remove(entity);
        self.withdrawn.insert(entity.to_owned());
    }

    /// Lifts a withdrawal: of the registry, or of this unit, whose past is gone all the same.
    pub fn lift_withdrawal(&mut self, entity: &str) {
        self.lifted.insert(entity.to_owned());
    }

    /// Whether puts about an entity are withheld, when `before` says so of the registry before the unit.
    #[must_use]
    pub fn withheld(&self, entity: &str, before: bool) -> bool {
        !self.lifted.contains(entity) && (before || self.withdrawn.contains(entity))
    }

    /// Entities that the unit withdraws, in byte order.
    #[must_use]
    pub fn withdrawn(&self) -> &BTreeSet<String> {
        &self.withdrawn
    }

    /// Entities whose withdrawal the unit lifts.
    #[must_use]
    pub fn lifted(&self) -> &BTreeSet<String> {
        &self.lifted
    }

    /// The puts, each with what is demanded of the version before the unit, by owner, entity, facet.
    pub fn changes(&self) -> impl Iterator<Item = (&Change, &[Expect])> {
        self.changes.values().map(|(change, expects)| (change, expects.as_slice()))
    }

    /// Takes the puts out, in order.
    #[must_use]
    pub fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes).into_values().map(|(change, _)| change).collect()
    }

    /// Whether nothing was put, withdrawn or lifted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.withdrawn.is_empty() && self.lifted.is_empty()
    }

    /// Facts of the registry as the unit sees them: `facts` are those of `entities` that stand before it, `tx` the number that the unit takes,
    /// `held_before` whether an entity is withdrawn in the registry. Ordered by entity, owner code, facet.
    #[must_use]
    pub fn over_facts(&self, facts: Vec<Fact>, entities: &[String], tx: Tx, held_before: &dyn Fn(&str) -> bool) -> Vec<Fact> {
        let mut state: BTreeMap<(String, String, String), Fact> = facts
            .into_iter()
            .filter(|f| !self.withdrawn.contains(&f.key.entity))
            .map(|f| ((f.key.entity.clone(), f.key.owner.clone(), f.key.facet.clone()), f))
            .collect();
        let wanted: BTreeSet<&str> = entities.iter().map(String::as_str).collect();
        for (change, _) in self.changes.values() {
            let key = &change.key;
            if !wanted.contains(key.entity.as_str()) || self.withheld(&key.entity, held_before(&key.entity)) {
                continue;
            }
            let place = (key.entity.clone(), key.owner.clone(), key.facet.clone());
            let Some(payload) = &change.payload else {
                state.remove(&place);
                continue;
            };
            // A put that changes nothing leaves the version of the registry.
            if !state.get(&place).is_some_and(|f| f.payload == *payload && f.publication == change.publication) {
                let (payload, publication) = (payload.clone(), change.publication);
                state.insert(place, Fact { key: key.clone(), tx, payload, publication });
            }
        }
        state.into_values().collect()
    }

    /// Marks of the registry as the unit sees them: `marks` is the page of `owner` after `after` before the unit, which ends at `end`
    /// (`None`: at the end of the owner). The caller asks for another page when this one came out empty and `end` is some.
    #[must_use]
    pub fn over_marks(
        &self,
        marks: Vec<FactMark>,
        owner: &str,
        after: &str,
        end: Option<&str>,
        held_before: &dyn Fn(&str) -> bool,
    ) -> Vec<FactMark> {
        let mut state: BTreeMap<(String, String), u64> = marks
            .into_iter()
            .filter(|m| !self.withdrawn.contains(&m.entity))
            .map(|m| ((m.entity, m.facet), m.fingerprint))
            .collect();
        for (change, _) in self.changes.values().filter(|(c, _)| c.key.owner == owner) {
            let FactKey { entity, facet, .. } = &change.key;
            let here = entity.as_str() > after && end.is_none_or(|end| entity.as_str() <= end);
            if !here || self.withheld(entity, held_before(entity)) {
                continue;
            }
            let place = (entity.clone(), facet.clone());
            match &change.payload {
                Some(_) => _ = state.insert(place, change.fingerprint),
                None => _ = state.remove(&place),
            }
        }
        state.into_iter().map(|((entity, facet), fingerprint)| FactMark { entity, facet, fingerprint }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Puts;
    use crate::{Change, Expect, FactMark};
    use annuaire_base::Tx;
    use annuaire_base::fact::{Fact, FactKey, Publication};

    fn change(entity: &str, payload: Option<&str>) -> Change {
        let key = FactKey { owner: "s".into(), entity: entity.into(), facet: String::new() };
        Change { key, payload: payload.map(Into::into), publication: Publication::Open, fingerprint: 5 }
    }

    #[test]
    fn a_unit_sees_the_registry_through_its_own_puts() {
        let mut puts = Puts::default();
        for (entity, payload) in
            [("A", Some("0")), ("A", Some("1")), ("B", None), ("C", Some("3")), ("W", Some("x")), ("H", Some("x"))]
        {
            puts.put(change(entity, payload), Expect::Any);
        }
        puts.withdraw("W");
        let fact = |entity: &str, payload: &str, tx| {
            let key = change(entity, None).key;
            Fact { key, tx: Tx::new(tx), payload: payload.into(), publication: Publication::Open }
        };
        let before = vec![fact("A", "1", 2), fact("B", "2", 2), fact("D", "4", 3), fact("W", "5", 3)];
        let entities = ["A", "B", "C", "D", "W", "H"].map(str::to_owned);
        let held = |entity: &str| entity == "H";
        let seen = puts.over_facts(before, &entities, Tx::new(9), &held);
        assert_eq!(seen, [fact("A", "1", 2), fact("C", "3", 9), fact("D", "4", 3)]);
        let mark = |entity: &str, fingerprint| FactMark { entity: entity.into(), facet: String::new(), fingerprint };
        let page = vec![mark("B", 1), mark("BB", 1)];
        assert_eq!(puts.over_marks(page.clone(), "s", "A", Some("BB"), &held), [mark("BB", 1)]);
        assert_eq!(puts.over_marks(page, "s", "A", None, &held), [mark("BB", 1), mark("C", 5)]);
        puts.lift_withdrawal("W");
        assert!(!puts.withheld("W", true) && puts.withheld("H", true) && !puts.withheld("A", false));
        assert_eq!(puts.take().len(), 4);
    }
}
