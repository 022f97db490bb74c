//! Carries the log into publication stores.
//!
//! A store is a view of the log: each transaction is applied once, in order, and a store that
//! was deleted is rebuilt by applying them all again, to the same bytes.

mod parallel;

use annuaire_fhir::schema::TYPES;
use annuaire_fhir::{Perimeter, View, forms, perimeter};
use annuaire_index::{Filter, Index, Prepared, Preparer, Resource, RoaringBitmap};
use annuaire_mos::{ActiviteAutorisee, BoiteLettresMss, CarteProfessionnel, Objet, Professionnel, Structure, source};
use annuaire_store::{Object, Registry, Tx};
use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

/// Entities, or objects, read from the registry at a time.
const PAGE: u32 = 1_000;

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

/// Told what is being done, how much is done and how much there is (0 when unknown).
pub type Tell<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// An object that could not be made into what is published: what was published of its entity stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Transaction that says it.
    pub tx: u64,
    /// Entity key.
    pub entity: String,
    /// Source key.
    pub source: String,
    /// Why, in words.
    pub reason: String,
}

/// What following the log did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// New resource versions.
    pub versions: u64,
    /// What could not be made.
    pub set_aside: Vec<SetAside>,
}

/// Applies every transaction that the store does not have yet.
///
/// One thread reads the registry, one for each processor makes the resources, and the calling one writes them, in the order
/// of the entities: the store does not depend on which thread was faster.
///
/// # Errors
/// Stops at the first failure; calling again resumes.
pub fn follow(registry: &mut dyn Registry, index: &Index, view: View, tell: Tell<'_>) -> Result<Followed, Error> {
    let mut all = Followed::default();
    let log = registry.transactions(index.applied_tx())?;
    let total = log.iter().map(|tx| tx.changes).sum();
    let mut done = 0;
    for tx in &log {
        tell("publishing", done, total);
        all.versions += apply(registry, index, view, tx)?;
        done += tx.changes;
    }
    tell("publishing", done, total);
    Ok(all)
}

fn apply(registry: &mut dyn Registry, index: &Index, view: View, tx: &Tx) -> Result<u64, Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Checked before the threads start; each then opens its own.
    let _ = index.preparer(tx.tx, tx.commit_ms)?;
    let holders = Holders::default();
    let feed = |give: &dyn Fn(Result<Page, Error>) -> bool| {
        let pages = if tx.tx == 1 { first(registry, &holders, give) } else { later(registry, index, view, tx.tx, give) };
        if let Err(e) = pages {
            give(Err(e));
        }
    };
    let worker = || {
        let mut preparer = index.preparer(tx.tx, tx.commit_ms);
        let holders = &holders;
        move |page: Result<Page, Error>| match &mut preparer {
            Ok(preparer) => page?.prepare(view, holders, preparer),
            Err(_) => Err(annuaire_index::Error::Refused("the state of the store cannot be read").into()),
        }
    };
    parallel::ordered(threads, feed, worker, |pages| {
        let resources = pages.flat_map(|page: Result<Vec<Prepared>, Error>| {
            let (done, failed) = match page {
                Ok(done) => (done, None),
                Err(e) => (Vec::new(), Some(Err(e))),
            };
            done.into_iter().map(Ok).chain(failed)
        });
        index.apply::<Error>(tx.tx, tx.commit_ms, resources)
    })
}

/// Compares a store with what the registry says at the same transaction; every difference in words. Reads everything.
///
/// # Errors
/// When either cannot be read.
pub fn verify(registry: &mut dyn Registry, index: &Index, view: View, tell: Tell<'_>) -> Result<Vec<String>, Error> {
    let mut faults = Vec::new();
    let tx = index.applied_tx();
    let snapshot = index.snapshot()?;
    let mut seen: BTreeMap<u8, RoaringBitmap> = BTreeMap::new();
    let holders = Holders::default();
    let mut read = 0;
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (objects, next) = registry.standing(tx, &from, PAGE)?;
        after = next;
        read += objects.len() as u64;
        tell("verifying", read, 0);
        holders.keep(&objects);
        for resource in holders.facts(objects, view)?.values().flat_map(|f| f.publish(view)) {
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
    }
    for (ty, name) in (0_u8..).zip(TYPES) {
        let rest = &*snapshot.search(ty, &Filter::All)? - seen.remove(&ty).unwrap_or_default();
        for row in rest {
            let entry = snapshot.entry(row)?;
            // What left the directory stays in its reduced form.
            let body = String::from_utf8_lossy(entry.body());
            if !(body.contains("\"active\":false") || body.contains("\"status\":\"inactive\"")) {
                faults.push(format!("{name}/{} is published and the registry does not say it", entry.id()));
            }
        }
    }
    Ok(faults)
}

/// What is read of the registry at a time.
enum Page {
    /// The first transaction: objects of whole entities, not yet parsed, before which there was nothing.
    Raw(Vec<Object>),
    /// A later one: its entities, what they were just after it and just before it.
    Changed(Vec<String>, BTreeMap<String, Facts>, BTreeMap<String, Facts>),
}

impl Page {
    fn prepare(self, view: View, holders: &Holders, preparer: &mut Preparer) -> Result<Vec<Prepared>, Error> {
        let mut out = Vec::new();
        match self {
            Self::Raw(objects) => out.extend(holders.facts(objects, view)?.values().flat_map(|facts| facts.publish(view))),
            Self::Changed(entities, now, before) => {
                let nothing = Facts::default();
                for entity in &entities {
                    let current = now.get(entity).unwrap_or(&nothing).publish(view);
                    if let Some(old) = before.get(entity) {
                        let gone = |r: &Resource| !current.iter().any(|c| c.ty == r.ty && c.id == r.id);
                        out.extend(old.withdraw(view).into_iter().filter(gone));
                    }
                    out.extend(current);
                }
            }
        }
        Ok(out.into_iter().map(|resource| preparer.prepare(resource)).collect::<Result<_, _>>()?)
    }
}

/// Mailboxes of structures that FINESS does not number, filed under their national number. Their entities (`NS:`) come
/// before those of structures (`ST:`): one pass in entity order meets them first.
#[derive(Default)]
struct Holders(RwLock<HashMap<String, Vec<Object>>>);

impl Holders {
    fn keep(&self, objects: &[Object]) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for object in objects.iter().filter(|o| o.entity.starts_with("NS:")) {
            held.entry(object.entity.clone()).or_default().push(object.clone());
        }
    }

    /// What a page of whole entities says, with the mailboxes met before.
    fn facts(&self, objects: Vec<Object>, view: View) -> Result<BTreeMap<String, Facts>, Error> {
        let mut all = collect(objects, view.perimeter)?;
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for facts in all.values_mut() {
            let objects = facts.holder().and_then(|number| held.get(&number));
            for holder in collect(objects.cloned().unwrap_or_default(), view.perimeter)?.into_values() {
                facts.boxes.extend(holder.boxes);
            }
        }
        Ok(all)
    }
}

/// Pages of the first transaction: everything, in order.
fn first(registry: &mut dyn Registry, holders: &Holders, give: &dyn Fn(Result<Page, Error>) -> bool) -> Result<(), Error> {
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (objects, next) = registry.standing(1, &from, PAGE)?;
        after = next;
        holders.keep(&objects);
        if !give(Ok(Page::Raw(objects))) {
            break;
        }
    }
    Ok(())
}

/// Pages of a later transaction: the entities that it changes.
fn later(
    registry: &mut dyn Registry,
    index: &Index,
    view: View,
    tx: u64,
    give: &dyn Fn(Result<Page, Error>) -> bool,
) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let mut entities = registry.changed_entities(tx, &after, PAGE)?;
        let Some(last) = entities.last() else { return Ok(()) };
        after.clone_from(last);
        for holder in entities.iter().filter_map(|e| e.strip_prefix("NS:")).map(str::to_owned).collect::<Vec<_>>() {
            entities.extend(structures_numbered(index, &holder)?);
        }
        let now = gather(registry, tx, &entities, view)?;
        let before = gather(registry, tx - 1, &entities, view)?;
        if !give(Ok(Page::Changed(entities, now, before))) {
            return Ok(());
        }
    }
}

/// Structures already published under this national number: the mailbox file knows no other key of theirs.
fn structures_numbered(index: &Index, number: &str) -> Result<Vec<String>, Error> {
    let Some(param) = annuaire_fhir::schema::param("Organization", "identifier") else { return Ok(Vec::new()) };
    let ty = annuaire_fhir::schema::type_id("Organization").unwrap_or_default();
    let snapshot = index.snapshot()?;
    let filter = Filter::Token { param: param.id, system: Some(forms::IDNST.to_owned()), code: Some(number.to_owned()) };
    let rows = snapshot.search(ty, &filter)?;
    let entity = |row| Ok(snapshot.entry(row)?.id().strip_prefix("001-").map(|id| format!("ST:{id}")));
    rows.iter().filter_map(|row| entity(row).transpose()).collect()
}

/// What the sources of a perimeter together say of these entities, as published just after `tx`.
fn gather(registry: &mut dyn Registry, tx: u64, entities: &[String], view: View) -> Result<BTreeMap<String, Facts>, Error> {
    let mut all = collect(registry.objects_at(tx, entities)?, view.perimeter)?;
    // Mailboxes of structures that FINESS does not number are filed under their national number.
    let numbered: Vec<(String, String)> =
        all.iter().filter_map(|(entity, facts)| Some((entity.clone(), facts.holder()?))).collect();
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

/// Reads an object. Its tag comes first: known at once, the rest is read straight into its type, at half the cost of looking
/// for the tag among all members.
fn parse(payload: &str) -> serde_json::Result<Objet> {
    match payload.strip_prefix("{\"objet\":\"").and_then(|rest| rest.split('"').next()) {
        Some("professionnel") => serde_json::from_str(payload).map(Objet::Professionnel),
        Some("structure") => serde_json::from_str(payload).map(Objet::Structure),
        Some("activite") => serde_json::from_str(payload).map(Objet::Activite),
        _ => serde_json::from_str(payload),
    }
}

fn collect(mut objects: Vec<Object>, perimeter: Perimeter) -> Result<BTreeMap<String, Facts>, Error> {
    let public = perimeter == Perimeter::Public;
    // A source that is not open data says nothing in public, whatever its objects hold.
    objects.retain(|o| !public || source::get(&o.source).open);
    objects.sort_by_key(|o| source::get(&o.source).rank);
    let mut all: BTreeMap<String, Facts> = BTreeMap::new();
    for Object { entity, source, payload } in objects {
        let object =
            parse(&payload).map_err(|reason| Error::Object { entity: entity.clone(), object_source: source.clone(), reason })?;
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
    /// The entity that holds the mailboxes of a structure that FINESS does not number.
    fn holder(&self) -> Option<String> {
        let s = self.structure.as_ref()?;
        (s.num_finess.is_empty() && !s.id_nat_struct.is_empty()).then(|| format!("NS:{}", s.id_nat_struct))
    }

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
        let index = Index::open(&dir.path().join("i"), 1 << 26, &[]).unwrap();
        let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
        let file = dir.path().join("f.ndjson");
        let json = "{\"resourceType\":\"Organization\",\"id\":\"x-1\",\"meta\":{\"versionId\":7,\"lastUpdated\":\"2020-05-01T02:00:00.000+02:00\"},\
            \"identifier\":[{\"system\":\"urn:s\",\"value\":\"9\"}],\"name\":\"CLINIQUE\"}";
        std::fs::write(&file, format!("{json}\n")).unwrap();
        // What is not given as open data stays restricted.
        let person = dir.path().join("p.ndjson");
        std::fs::write(&person, "{\"resourceType\":\"Person\",\"id\":\"p\"}\n").unwrap();
        let restricted = annuaire_exchange::Options { clock: std::sync::Arc::new(|| 1_699_999_999_000), ..Default::default() };
        annuaire_exchange::import(&mut registry, &[person], &restricted).unwrap();
        let import = |registry: &mut SqliteRegistry, full| {
            let options = annuaire_exchange::Options {
                full_feed: full,
                open: true,
                clock: std::sync::Arc::new(|| 1_700_000_000_000),
                ..Default::default()
            };
            annuaire_exchange::import(registry, std::slice::from_ref(&file), &options).unwrap()
        };
        import(&mut registry, true);
        follow(&mut registry, &index, view, &|_, _, _| {}).unwrap();
        let ty = annuaire_fhir::schema::type_id("Organization").unwrap();
        {
            let s = index.snapshot().unwrap();
            let e = s.current(ty, "x-1").unwrap().unwrap();
            assert_eq!((e.body(), e.version, e.commit_ms), (json.as_bytes(), 7, 1_588_291_200_000));
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
        follow(&mut registry, &index, view, &|_, _, _| {}).unwrap();
        let s = index.snapshot().unwrap();
        let gone = s.current(ty, "x-1").unwrap().unwrap();
        let body: serde_json::Value = serde_json::from_slice(gone.body()).unwrap();
        assert_eq!((body["active"].clone(), body["identifier"][0]["value"].clone(), gone.version), (false.into(), "9".into(), 8));
        assert_eq!(verify(&mut registry, &index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
    }
}
