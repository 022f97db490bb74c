//! Which entity an operator means by a number or by the address of a resource.

use crate::data_place::{DataPlace, STORES};
use annuaire_base::Tx;
use annuaire_base::fact::FactVersion;
use annuaire_fhir::schema::type_id;
use annuaire_index::Index;
use annuaire_store::BlockingRegistry;
use anyhow::{Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;

/// An entity of the log, with all versions of its facts.
pub(crate) struct NamedEntity {
    /// Its key.
    pub(crate) key: String,
    /// Versions of its facts, by owner, facet and transaction.
    pub(crate) versions: Vec<FactVersion>,
}

/// Beginnings of entity keys.
const KINDS: [&str; 7] = ["PP:", "ST:", "AC:", "NS:", "AM:", "GR:", "FH:"];

/// The entity that `text` names: by its key (`PP:…`), by a national or technical number, or by a resource (`Type/id`).
///
/// # Errors
/// When the log knows none of the entities that it may mean, or several.
pub(crate) fn find_entity(place: &DataPlace, registry: &BlockingRegistry, text: &str) -> Result<NamedEntity> {
    let text = text.trim();
    let mut candidates = candidates(text);
    if let Some((ty, id)) = resource(text) {
        candidates.extend(published_identifiers(place, ty, id, Follow::Reference).iter().flat_map(|number| numbered(number)));
    }
    candidates.sort();
    candidates.dedup();
    let last = registry.last_tx()?;
    let mut known: BTreeMap<String, Vec<FactVersion>> = BTreeMap::new();
    for version in registry.history(last, &candidates)? {
        known.entry(version.key.entity.clone()).or_default().push(version);
    }
    if known.len() > 1 {
        let keys: Vec<String> = known.into_keys().collect();
        bail!("{text} may be {}: name one of them", keys.join(" or "));
    }
    match known.pop_first() {
        Some((key, versions)) => Ok(NamedEntity { key, versions }),
        None => bail!(
            "the log knows no {text} (looked for {}): give a national number, a technical number, or Type/id",
            candidates.join(", ")
        ),
    }
}

/// Type and id of the address of a resource.
fn resource(text: &str) -> Option<(&str, &str)> {
    text.split_once('/').filter(|(ty, id)| type_id(ty).is_some() && !id.is_empty())
}

/// Keys that a text may mean by itself.
fn candidates(text: &str) -> Vec<String> {
    if KINDS.iter().any(|kind| text.starts_with(kind)) {
        return vec![text.to_owned()];
    }
    let Some((ty, id)) = resource(text) else { return numbered(text) };
    let mut all = vec![format!("FH:{text}")];
    let key = id.split_once('-').map_or("", |(_, key)| key);
    match ty {
        // National number, then profession and category.
        "Practitioner" | "Person" => {
            let ends = key.match_indices('-').map(|(at, _)| at).chain([key.len()]);
            all.extend(ends.map(|end| format!("PP:{}", &key[..end])));
        }
        "Organization" => all.push(format!("ST:{key}")),
        "HealthcareService" | "Device" => all.push(format!("AC:{key}")),
        _ => {}
    }
    all
}

/// Keys of persons and structures with this number, with or without the digit of its kind.
fn numbered(number: &str) -> Vec<String> {
    ["PP:", "PP:8", "PP:0", "ST:", "ST:F", "NS:"].iter().map(|kind| format!("{kind}{number}")).collect()
}

/// Whether a resource that names nobody itself is followed to its person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    Reference,
    No,
}

/// Numbers of a resource as the stores of this directory publish it, and those of the person of a situation. None when no store can be
/// read.
fn published_identifiers(place: &DataPlace, ty: &str, id: &str, follow: Follow) -> Vec<String> {
    let mut all = Vec::new();
    for name in STORES.into_iter().filter(|name| place.store_file(name).exists()) {
        let read = || -> Option<Value> {
            let index = Index::open(&place.data.join(name), place.map_bytes, annuaire_fhir::dictionary::ALL).ok()?;
            let snapshot = index.snapshot().ok()?;
            let row = snapshot.history(type_id(ty)?, id).ok()?.first().copied()?;
            serde_json::from_slice(snapshot.read(row).ok()?.body()).ok()
        };
        let Some(resource) = read() else { continue };
        let identifiers = resource["identifier"].as_array().into_iter().flatten();
        all.extend(identifiers.filter_map(|identifier| identifier["value"].as_str()).map(str::to_owned));
        let person = resource["practitioner"]["reference"].as_str().and_then(|reference| reference.split_once('/'));
        if let (Some((ty, id)), Follow::Reference) = (person, follow) {
            all.extend(candidates(&format!("{ty}/{id}")).iter().filter_map(|key| key.strip_prefix("PP:")).map(str::to_owned));
            all.extend(published_identifiers(place, ty, id, Follow::No));
        }
    }
    all
}

impl NamedEntity {
    /// The last transaction that changed it.
    pub(crate) fn last_tx(&self) -> Tx {
        self.versions.iter().map(|version| version.tx).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_the_entities_that_it_can_name() {
        assert_eq!(candidates("PP:810999000010"), ["PP:810999000010"]);
        assert!(candidates("10999000010").contains(&"PP:810999000010".to_owned()));
        assert!(candidates("990000019").contains(&"ST:F990000019".to_owned()));
        let practice = candidates("Practitioner/003-810999000010-60-C");
        assert!(practice.contains(&"PP:810999000010".to_owned()), "{practice:?}");
        assert!(candidates("Organization/001-R1-9").contains(&"ST:R1-9".to_owned()));
        assert!(candidates("Device/002-7").contains(&"AC:7".to_owned()));
        assert_eq!(candidates("PractitionerRole/005-1"), ["FH:PractitionerRole/005-1"]);
        // A number with a slash, as employees of establishments have, is no resource.
        assert!(candidates("3990000019/1").contains(&"PP:3990000019/1".to_owned()));
    }
}
