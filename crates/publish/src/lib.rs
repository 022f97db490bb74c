//! Carries the log into publication stores.
//!
//! A store is a view of the log: each transaction is applied once, in order, and a store that
//! was deleted is rebuilt by applying them all again, to the same bytes.

use annuaire_fhir::schema::TYPES;
use annuaire_fhir::{Perimeter, View, forms, perimeter};
use annuaire_index::{Filter, Index, Resource, RoaringBitmap};
use annuaire_mos::{ActiviteAutorisee, BoiteLettresMss, CarteProfessionnel, Objet, Professionnel, Structure, source};
use annuaire_store::{Object, Registry};
use std::collections::BTreeMap;

/// Entities read from the registry at a time.
const PAGE: u32 = 500;

/// Why publication stopped. What was published before stays whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] annuaire_store::Error),
    /// The publication store failed.
    #[error(transparent)]
    Index(#[from] annuaire_index::Error),
    /// A registry object is not what the domain expects.
    #[error("registry object {entity} of {object_source}: {reason}")]
    Object {
        /// Entity key.
        entity: String,
        /// Source key.
        object_source: String,
        /// The parser's words.
        reason: serde_json::Error,
    },
}

/// Applies every transaction that the store does not have yet; returns the number of new resource versions.
///
/// # Errors
/// Stops at the first failure; calling again resumes.
pub fn follow(registry: &mut dyn Registry, index: &Index, view: View) -> Result<u64, Error> {
    let mut versions = 0;
    for tx in registry.transactions(index.applied_tx())? {
        let changes = Changes { registry, index, tx: tx.tx, view, after: Some(String::new()), ready: Vec::new().into_iter() };
        versions += index.apply::<Error>(tx.tx, tx.commit_ms, changes)?;
    }
    Ok(versions)
}

/// Compares a store with what the registry says at the same transaction; every difference in words. Reads everything.
///
/// # Errors
/// When either cannot be read.
pub fn verify(registry: &mut dyn Registry, index: &Index, view: View) -> Result<Vec<String>, Error> {
    let mut faults = Vec::new();
    let tx = index.applied_tx();
    let snapshot = index.snapshot()?;
    let mut seen: BTreeMap<u8, RoaringBitmap> = BTreeMap::new();
    let mut after = String::new();
    loop {
        let (objects, last) = registry.standing(tx, &after, PAGE)?;
        let mut entities: Vec<String> = objects.into_iter().map(|o| o.entity).collect();
        entities.dedup();
        let facts = gather(registry, tx, &entities, view)?;
        for resource in facts.values().flat_map(|f| f.publish(view)) {
            let name = format!("{}/{}", TYPES[usize::from(resource.ty)], resource.id);
            match snapshot.current(resource.ty, &resource.id)? {
                None => faults.push(format!("{name} is missing from the publication store")),
                Some(entry) => {
                    seen.entry(resource.ty).or_default().insert(entry.row);
                    if !entry.holds(&resource) {
                        faults.push(format!("{name} differs from what the registry says"));
                    }
                }
            }
        }
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    for (ty, name) in (0_u8..).zip(TYPES) {
        let rest = snapshot.search(ty, &Filter::All)? - seen.remove(&ty).unwrap_or_default();
        for row in rest {
            let entry = snapshot.entry(row)?;
            // What left the directory stays in its reduced form.
            let body = String::from_utf8_lossy(entry.body);
            if !(body.contains("\"active\":false") || body.contains("\"status\":\"inactive\"")) {
                faults.push(format!("{name}/{} is published and the registry does not say it", entry.id));
            }
        }
    }
    Ok(faults)
}

/// The resources that one transaction changes, streamed in entity order.
struct Changes<'a> {
    registry: &'a mut dyn Registry,
    index: &'a Index,
    tx: u64,
    view: View,
    after: Option<String>,
    ready: std::vec::IntoIter<Resource>,
}

impl Iterator for Changes<'_> {
    type Item = Result<Resource, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(resource) = self.ready.next() {
                return Some(Ok(resource));
            }
            match self.page() {
                Ok(Some(resources)) => self.ready = resources.into_iter(),
                Ok(None) => return None,
                Err(e) => {
                    self.after = None;
                    return Some(Err(e));
                }
            }
        }
    }
}

impl Changes<'_> {
    fn page(&mut self) -> Result<Option<Vec<Resource>>, Error> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let mut entities = self.registry.changed_entities(self.tx, &after, PAGE)?;
        let Some(last) = entities.last() else { return Ok(None) };
        self.after = Some(last.clone());
        for holder in entities.iter().filter_map(|e| e.strip_prefix("NS:")).map(str::to_owned).collect::<Vec<_>>() {
            entities.extend(self.structures_numbered(&holder)?);
        }
        let now = gather(self.registry, self.tx, &entities, self.view)?;
        // The first transaction has nothing before it.
        let before = if self.tx > 1 { gather(self.registry, self.tx - 1, &entities, self.view)? } else { BTreeMap::new() };
        let nothing = Facts::default();
        let mut out = Vec::new();
        for entity in &entities {
            let current = now.get(entity).unwrap_or(&nothing).publish(self.view);
            if let Some(old) = before.get(entity) {
                let gone = |r: &Resource| !current.iter().any(|c| c.ty == r.ty && c.id == r.id);
                out.extend(old.withdraw(self.view).into_iter().filter(gone));
            }
            out.extend(current);
        }
        Ok(Some(out))
    }

    /// Structures already published under this national number: the mailbox file knows no other key of theirs.
    fn structures_numbered(&self, number: &str) -> Result<Vec<String>, Error> {
        let Some(param) = annuaire_fhir::schema::param("Organization", "identifier") else { return Ok(Vec::new()) };
        let ty = annuaire_fhir::schema::type_id("Organization").unwrap_or_default();
        let snapshot = self.index.snapshot()?;
        let filter = Filter::Token { param: param.id, system: Some(forms::IDNST.to_owned()), code: Some(number.to_owned()) };
        let rows = snapshot.search(ty, &filter)?;
        let entity = |row| Ok(snapshot.entry(row)?.id.strip_prefix("001-").map(|id| format!("ST:{id}")));
        rows.into_iter().filter_map(|row| entity(row).transpose()).collect()
    }
}

/// What the sources of a perimeter together say of these entities, as published just after `tx`.
fn gather(registry: &mut dyn Registry, tx: u64, entities: &[String], view: View) -> Result<BTreeMap<String, Facts>, Error> {
    let mut all = collect(registry.objects_at(tx, entities)?, view.perimeter)?;
    // Mailboxes of structures that FINESS does not number are filed under their national number.
    let numbered: Vec<(String, String)> = all
        .iter()
        .filter_map(|(entity, f)| {
            let s = f.structure.as_ref()?;
            (s.num_finess.is_empty() && !s.id_nat_struct.is_empty()).then(|| (entity.clone(), format!("NS:{}", s.id_nat_struct)))
        })
        .collect();
    let holders: Vec<String> = numbered.iter().map(|n| n.1.clone()).collect();
    let holders = collect(registry.objects_at(tx, &holders)?, view.perimeter)?;
    for (entity, holder) in numbered {
        if let (Some(facts), Some(held)) = (all.get_mut(&entity), holders.get(&holder)) {
            facts.boxes.extend(held.boxes.iter().cloned());
        }
    }
    Ok(all)
}

/// What all sources together say of one entity.
#[derive(Default)]
struct Facts {
    person: Option<Professionnel>,
    structure: Option<Structure>,
    activities: Vec<ActiviteAutorisee>,
    cards: Vec<CarteProfessionnel>,
    boxes: Vec<BoiteLettresMss>,
    foreign: Option<String>,
}

fn collect(mut objects: Vec<Object>, perimeter: Perimeter) -> Result<BTreeMap<String, Facts>, Error> {
    let public = perimeter == Perimeter::Public;
    // A source that is not open data says nothing in public, whatever its objects hold.
    objects.retain(|o| !public || source::get(&o.source).open);
    objects.sort_by_key(|o| source::get(&o.source).rank);
    let mut all: BTreeMap<String, Facts> = BTreeMap::new();
    for Object { entity, source, payload } in objects {
        let object = serde_json::from_str(&payload).map_err(|reason| Error::Object {
            entity: entity.clone(),
            object_source: source.clone(),
            reason,
        })?;
        let facts = all.entry(entity).or_default();
        match object {
            Objet::Cartes { cartes } => {
                for card in cartes {
                    let card = if public { perimeter::public_card(card) } else { card };
                    if !facts.cards.iter().any(|c| c.numero_carte == card.numero_carte) {
                        facts.cards.push(card);
                    }
                }
            }
            Objet::BoitesLettres { boites } if public => facts.boxes.extend(boites.into_iter().map(perimeter::public_mailbox)),
            Objet::BoitesLettres { boites } => facts.boxes.extend(boites),
            Objet::Activite(a) => facts.activities.push(a),
            Objet::Structure(s) => {
                let s = if public { perimeter::public_structure(s) } else { s };
                match &mut facts.structure {
                    Some(mine) => mine.merge(s),
                    None => facts.structure = Some(s),
                }
            }
            Objet::Professionnel(p) => {
                let p = if public { perimeter::public_person(p) } else { p };
                match &mut facts.person {
                    Some(mine) => mine.merge(p),
                    None => facts.person = Some(p),
                }
            }
            Objet::Ressource { json } => facts.foreign = Some(json),
            // Groups have no published profile; the health insurance's lines name nobody.
            Objet::Groupement(_) | Objet::Ameli(_) => {}
        }
    }
    for facts in all.values_mut() {
        // Complements say nothing of a practice that no file names.
        if let Some(person) = &mut facts.person {
            person.exercices.retain(|e| !e.nom_exercice.is_empty());
        }
    }
    Ok(all)
}

impl Facts {
    fn publish(&self, view: View) -> Vec<Resource> {
        let mut out: Vec<Resource> = self.structure.iter().map(|s| forms::structure(view, s, &self.boxes)).collect();
        if let Some(person) = &self.person {
            out.extend(forms::person(view, person, &self.cards, &self.boxes));
        }
        out.extend(self.activities.iter().flat_map(|a| forms::activity(view, a)));
        out.extend(self.foreign.iter().filter_map(|json| forms::foreign(view, json)));
        out
    }

    /// The reduced forms of everything that [`Facts::publish`] published.
    fn withdraw(&self, view: View) -> Vec<Resource> {
        let mut out: Vec<Resource> = self.structure.iter().map(|s| forms::inactive_structure(view, s)).collect();
        if let Some(p) = &self.person {
            for e in &p.exercices {
                out.push(forms::inactive_practitioner(view, p, e));
                out.extend(e.situations.iter().map(|s| forms::inactive_role(view, p, e, s)));
            }
            if view.perimeter == Perimeter::Restricted && p.etat_civil.is_some() {
                out.push(forms::inactive_person(view, p));
            }
        }
        out.extend(self.activities.iter().flat_map(|a| forms::inactive_activity(view, a)));
        out.extend(self.foreign.iter().filter_map(|json| forms::inactive_foreign(view, json)));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_fhir::{Guide, extract};
    use annuaire_index::Term;
    use annuaire_store_sqlite::SqliteRegistry;
    use std::path::{Path, PathBuf};

    fn sorted(terms: &[Term]) -> Vec<String> {
        let mut all: Vec<String> = terms.iter().map(|t| format!("{t:?}")).collect();
        all.sort();
        all.dedup();
        all
    }

    /// What our forms index is what the guide's expressions find in the JSON they write: for every sample, both
    /// perimeters and both versions of the guide.
    #[test]
    fn terms_of_forms_are_those_of_their_json() {
        let dir = tempfile::tempdir().unwrap();
        let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/tests/samples");
        let mut files: Vec<PathBuf> = std::fs::read_dir(samples.join("restreint")).unwrap().map(|e| e.unwrap().path()).collect();
        for name in [
            "PS_LibreAcces_202610080942.zip",
            "Porteurs_CPS_CPF_202610080845.txt",
            "Extraction_Correspondance_MSSante_202610080850.txt",
            "finess-plus/finess-structures-journalier-20261008.json",
            "finess-plus/finess-activites-journalier-20261008.json",
        ] {
            files.push(samples.join(name));
        }
        annuaire_exchange::import(&mut registry, &files, &annuaire_exchange::Options::default()).unwrap();
        let entities = registry.changed_entities(1, "", 10_000).unwrap();
        let mut seen = 0;
        for guide in [Guide::V120, Guide::V110] {
            for perimeter in [Perimeter::Public, Perimeter::Restricted] {
                let view = View { guide, perimeter };
                for facts in gather(&mut registry, 1, &entities, view).unwrap().values() {
                    for r in facts.publish(view).into_iter().chain(facts.withdraw(view)) {
                        let body = [&r.before[..], b"\"versionId\":\"1\",", &r.after].concat();
                        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                        let ty = TYPES[usize::from(r.ty)];
                        assert_eq!(sorted(&r.terms), sorted(&extract::terms(ty, &json)), "{view:?} {ty}/{}", r.id);
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 800, "{seen}");
    }

    /// A resource of another directory keeps its bytes, its version and its instant, and leaves in a reduced form.
    #[test]
    fn a_foreign_resource_is_published_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
        let index = Index::open(&dir.path().join("i"), 1 << 26).unwrap();
        let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
        let file = dir.path().join("f.ndjson");
        let json = "{\"resourceType\":\"Organization\",\"id\":\"x-1\",\"meta\":{\"versionId\":7,\"lastUpdated\":\"2020-05-01T02:00:00.000+02:00\"},\
            \"identifier\":[{\"system\":\"urn:s\",\"value\":\"9\"}],\"name\":\"CLINIQUE\"}";
        std::fs::write(&file, format!("{json}\n{}\n", "{\"resourceType\":\"Person\",\"id\":\"p\"}")).unwrap();
        let import = |registry: &mut SqliteRegistry, full| {
            let options = annuaire_exchange::Options { full_feed: full, now_ms: 1_700_000_000_000, ..Default::default() };
            annuaire_exchange::import(registry, std::slice::from_ref(&file), &options).unwrap()
        };
        import(&mut registry, true);
        follow(&mut registry, &index, view).unwrap();
        let ty = annuaire_fhir::schema::type_id("Organization").unwrap();
        {
            let s = index.snapshot().unwrap();
            let e = s.current(ty, "x-1").unwrap().unwrap();
            assert_eq!((e.body, e.version, e.commit_ms), (json.as_bytes(), 7, 1_588_291_200_000));
            let updated = |from, before| s.search(ty, &Filter::Updated { from_ms: from, before_ms: before }).unwrap().len();
            assert_eq!(
                (updated(Some(1_588_291_200_000), Some(1_588_291_200_001)), updated(Some(1_600_000_000_000), None)),
                (1, 0)
            );
            let person = annuaire_fhir::schema::type_id("Person").unwrap();
            assert!(s.search(person, &Filter::All).unwrap().is_empty(), "a Person is never public");
        }
        std::fs::write(&file, "{\"resourceType\":\"Organization\",\"id\":\"y\"}\n").unwrap();
        import(&mut registry, true);
        follow(&mut registry, &index, view).unwrap();
        let s = index.snapshot().unwrap();
        let gone = s.current(ty, "x-1").unwrap().unwrap();
        let body: serde_json::Value = serde_json::from_slice(gone.body).unwrap();
        assert_eq!((body["active"].clone(), body["identifier"][0]["value"].clone(), gone.version), (false.into(), "9".into(), 8));
        assert_eq!(verify(&mut registry, &index, view).unwrap(), Vec::<String>::new());
    }
}
