//! A naive registry: every state whole.

use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, FactVersion, Publication, VersionContent};
use annuaire_store::{Change, ChangeCounts};
use std::collections::{BTreeMap, BTreeSet};

/// Entity, owner, facet.
type FactPlace = (String, String, String);

/// Publication and payload, `None` when it ended; absent: withdrawn.
type Content = Option<Option<(Publication, String)>>;

/// All versions of all facts.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) last: u64,
    versions: BTreeMap<FactPlace, Vec<(u64, Content)>>,
    held: BTreeSet<String>,
    pub(crate) changed: BTreeMap<u64, BTreeSet<String>>,
    pub(crate) withdrawn: BTreeMap<u64, BTreeSet<String>>,
}

fn place(key: &FactKey) -> FactPlace {
    (key.entity.clone(), key.owner.clone(), key.facet.clone())
}

impl Model {
    fn stands(&self, place: &FactPlace) -> Option<(Publication, String)> {
        self.versions.get(place)?.last()?.1.clone()?
    }

    /// Applies a unit: withdrawals first, then lifts, then puts of which the last about a fact counts.
    pub(crate) fn unit(&mut self, withdraw: &[String], lift: &[String], puts: &[Change]) -> ChangeCounts {
        let tx = self.last + 1;
        let mut counts = ChangeCounts::default();
        let mut rows: BTreeMap<FactPlace, Content> = BTreeMap::new();
        let mut takes_number = false;
        for entity in withdraw.iter().filter(|e| !self.held.contains(*e)).cloned().collect::<Vec<_>>() {
            takes_number = true;
            let places: Vec<FactPlace> = self.versions.keys().filter(|p| p.0 == entity).cloned().collect();
            for place in places {
                if self.stands(&place).is_some() {
                    counts.ended += 1;
                    rows.insert(place.clone(), None);
                }
                if let Some(versions) = self.versions.get_mut(&place) {
                    versions.iter_mut().for_each(|v| v.1 = None);
                }
            }
            self.withdrawn.entry(tx).or_default().insert(entity.clone());
            self.held.insert(entity);
        }
        for entity in lift {
            self.held.remove(entity);
        }
        let last: BTreeMap<FactPlace, &Change> = puts.iter().map(|c| (place(&c.key), c)).collect();
        for (place, change) in last {
            let now = change.payload.clone().map(|payload| (change.publication, payload));
            let before = self.stands(&place);
            match (&before, &now) {
                _ if self.held.contains(&place.0) => counts.withheld += 1,
                (None, None) => counts.unchanged += 1,
                _ if before == now => counts.unchanged += 1,
                (was, is) => {
                    match (was, is) {
                        (None, _) => counts.created += 1,
                        (_, None) => counts.ended += 1,
                        _ => counts.changed += 1,
                    }
                    if rows.insert(place, Some(now)).is_some() {
                        // The row stands in place of the tombstone.
                        counts.ended -= 1;
                    }
                }
            }
        }
        if takes_number || !rows.is_empty() {
            self.last = tx;
            self.changed.insert(tx, rows.keys().map(|p| p.0.clone()).collect());
            for (place, content) in rows {
                self.versions.entry(place).or_default().push((tx, content));
            }
        }
        counts
    }

    pub(crate) fn entities(&self) -> Vec<String> {
        self.versions.keys().map(|p| p.0.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(crate) fn facts(&self, at: u64) -> Vec<Fact> {
        let fact = |(place, versions): (&FactPlace, &Vec<(u64, Content)>)| {
            let (tx, content) = versions.iter().rfind(|v| v.0 <= at)?;
            let (publication, payload) = content.clone()??;
            Some(Fact { key: key(place), tx: Tx::new(*tx), payload, publication })
        };
        self.versions.iter().filter_map(fact).collect()
    }

    pub(crate) fn history(&self, at: u64) -> Vec<FactVersion> {
        let versions = self.versions.iter().flat_map(|(place, versions)| versions.iter().map(move |v| (place, v)));
        let version = |(place, (tx, content)): (&FactPlace, &(u64, Content))| FactVersion {
            key: key(place),
            tx: Tx::new(*tx),
            content: match content {
                None => VersionContent::Withdrawn,
                Some(None) => VersionContent::Ends,
                Some(Some((publication, payload))) => {
                    VersionContent::Stands { payload: payload.clone(), publication: *publication }
                }
            },
        };
        versions.filter(|(_, v)| v.0 <= at).map(version).collect()
    }
}

fn key(place: &FactPlace) -> FactKey {
    FactKey { entity: place.0.clone(), owner: place.1.clone(), facet: place.2.clone() }
}
