//! Carries the log into publication stores.
//!
//! A store is a view of the log: each transaction is applied once, in order, and a store that
//! was deleted is rebuilt by applying them all again, to the same bytes.
//!
//! An entity out of which nothing can be made does not stop the log: what is published of it stays as the last transaction
//! that could be made said it, and the store keeps why. A reference never leads nowhere (LOG-6): a structure that is pointed to
//! and that no source describes is published as the one that points to it names it.

mod facts;
pub mod limits;
mod parallel;
mod verify;
mod whole;

use annuaire_base::Tx;
use annuaire_fhir::foreign::Stamps;
use annuaire_fhir::{Guide, Perimeter, View, forms, ids, schema, systems};
use annuaire_index::{Aside, Beside, Filter, Index, Marks, Prepared, Preparer, Resource, Retention};
use annuaire_store::{Object, Registry, Transaction};
use facts::{Bad, Facts, Target, collect};
use limits::PAGE;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{PoisonError, RwLock};
pub use verify::verify;

/// Why publication stopped. What was published before stays whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry failed.
    #[error(transparent)]
    Store(#[from] annuaire_store::Error),
    /// The publication store failed.
    #[error(transparent)]
    Index(annuaire_index::Error),
    /// The store holds another view of the log.
    #[error("the publication store holds {found}, and {wanted} is asked for: use the guide of the store, or rebuild it")]
    OtherView {
        /// What the store holds.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The store was made by another version of the program, or says nothing of itself: it is to be rebuilt from the log.
    #[error("the publication store was made by another version of the program: rebuild it from the log")]
    Outdated,
    /// The store followed another log.
    #[error(
        "the publication store follows another log: its transaction {tx} is not the one of this registry; bring back the registry that it follows, or rebuild the store"
    )]
    OtherLog {
        /// Last transaction of the store.
        tx: Tx,
    },
    /// A thread panicked. Nothing of the transaction was published.
    #[error("a fault of the program ended the publication of transaction {tx}; its words are on standard error")]
    Panicked {
        /// The transaction.
        tx: Tx,
    },
}

impl From<annuaire_index::Error> for Error {
    fn from(cause: annuaire_index::Error) -> Self {
        match cause {
            annuaire_index::Error::Outdated { .. } => Self::Outdated,
            annuaire_index::Error::OtherView { found, wanted } => Self::OtherView { found, wanted },
            other => Self::Index(other),
        }
    }
}

/// Told what is being done, how much is done and how much there is (0 when unknown).
pub type Tell<'a> = &'a (dyn Fn(&str, u64, u64) + Sync);

/// An object that could not be made into what is published: what was published of its entity stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Transaction that says it.
    pub tx: Tx,
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
    /// What could not be made: the first ones, at most [`limits::NAMED`].
    pub set_aside: Vec<SetAside>,
    /// How many could not be made.
    pub set_aside_count: u64,
}

/// Opens, or creates, the store of a view in a directory. `map_bytes` bounds the size of its file.
///
/// # Errors
/// [`Error::OtherView`] when the store is of another guide or perimeter, [`Error::Outdated`] when it is of another version of
/// the program, so that it must be rebuilt.
pub fn open(dir: &Path, map_bytes: usize, view: View) -> Result<Index, Error> {
    let marks = Marks { view: &words(view), forms: annuaire_fhir::limits::FORMS };
    Ok(Index::open_marked(dir, map_bytes, annuaire_fhir::dictionary::ALL, Some(marks))?)
}

fn words(view: View) -> String {
    let guide = match view.guide {
        Guide::V120 => "1.2.0",
        Guide::V110 => "1.1.0",
    };
    let perimeter = match view.perimeter {
        Perimeter::Public => "public",
        Perimeter::Restricted => "restricted",
    };
    format!("the {perimeter} perimeter after guide {guide}")
}

/// The entities that a store has set aside, the first [`limits::NAMED`] of them, and how many there are.
///
/// # Errors
/// When the store cannot be read.
pub fn set_aside(index: &Index) -> Result<(Vec<SetAside>, u64), Error> {
    let named = index.asides(limits::NAMED)?.into_iter().map(said).collect();
    Ok((named, index.set_aside()?))
}

fn said(aside: Aside) -> SetAside {
    let reason = if aside.object == aside.entity { aside.reason } else { format!("{}: {}", aside.object, aside.reason) };
    SetAside { tx: Tx::new(aside.tx), entity: aside.entity, source: aside.source, reason }
}

/// Applies every transaction that the store does not have yet, those included that are committed meanwhile.
///
/// One thread reads the registry, one for each processor makes the resources, and the calling one writes them, in the order
/// of the entities: the store does not depend on which thread was faster.
///
/// # Errors
/// Stops at the first failure; calling again resumes. [`Error::OtherLog`] when the last transaction of the store is not one of
/// this registry.
pub fn follow(registry: &mut dyn Registry, index: &Index, view: View, tell: Tell<'_>) -> Result<Followed, Error> {
    let mut all = Followed::default();
    let mut done = 0;
    loop {
        let log = unseen(registry, index)?;
        if log.is_empty() {
            tell("publishing", done, done);
            return Ok(all);
        }
        let total = done + log.iter().map(|tx| tx.changes).sum::<u64>();
        for tx in &log {
            tell("publishing", done, total);
            let applied = catch_unwind(AssertUnwindSafe(|| {
                let way = way(index, tx)?;
                apply(registry, index, view, tx, way)
            }));
            let (versions, aside) = applied.unwrap_or(Err(Error::Panicked { tx: tx.tx }))?;
            all.versions += versions;
            all.set_aside_count += aside.len() as u64;
            let room = limits::NAMED.saturating_sub(all.set_aside.len());
            all.set_aside.extend(aside.into_iter().take(room).map(said));
            done += tx.changes;
        }
    }
}

/// Transactions that the store does not have, after a look at the last one that it has.
fn unseen(registry: &mut dyn Registry, index: &Index) -> Result<Vec<Transaction>, Error> {
    let Some((tx, commit_ms)) = index.applied() else { return Ok(registry.transactions(Tx::NONE)?) };
    let tx = Tx::new(tx);
    let mut log = registry.transactions(tx.previous())?;
    match log.first() {
        Some(same) if same.tx == tx && same.commit_ms == commit_ms => {
            log.remove(0);
            Ok(log)
        }
        _ => Err(Error::OtherLog { tx }),
    }
}

/// What one page of entities made.
#[derive(Default)]
struct Made {
    prepared: Vec<Prepared>,
    /// Ids of the structures among them.
    structures: Vec<String>,
    /// What they point to.
    targets: HashSet<Target>,
    /// Entities set aside, and those that are not any more.
    aside: Vec<(String, Option<Aside>)>,
}

/// How a transaction is read. What is published does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Nothing is published: all that stands after it, in order.
    First,
    /// It changes much of what is there: all that stands after it and before it, side by side.
    Whole,
    /// The entities that it changes, one look-up for each of their sources.
    Entities,
}

/// Chosen by what there is to do: the first large load is not always the first transaction.
fn way(index: &Index, tx: &Transaction) -> Result<Way, Error> {
    if index.is_empty() && index.set_aside()? == 0 {
        return Ok(Way::First);
    }
    let large = tx.changes >= limits::LARGE && tx.changes.saturating_mul(limits::SHARE) >= index.len();
    Ok(if large { Way::Whole } else { Way::Entities })
}

fn apply(registry: &mut dyn Registry, index: &Index, view: View, tx: &Transaction, way: Way) -> Result<(u64, Vec<Aside>), Error> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Checked before the threads start; each then opens its own.
    let mut own = index.preparer(tx.tx.get(), tx.commit_ms)?;
    let holders = [Holders::default(), Holders::default()];
    let feed = |give: &dyn Fn(Result<Page, Error>) -> bool| {
        let pages = match way {
            Way::First => first(registry, tx.tx, &holders[0], give),
            Way::Whole => whole::pages(registry, index, view, tx.tx, &holders, give),
            Way::Entities => later(registry, index, view, tx.tx, give),
        };
        if let Err(e) = pages {
            give(Err(e));
        }
    };
    let stamps = if tx.tx == Tx::new(1) { Stamps::Feed { before_ms: tx.commit_ms } } else { Stamps::Log };
    let worker = || {
        let mut preparer = index.preparer(tx.tx.get(), tx.commit_ms);
        let holders = &holders;
        move |page: Result<Page, Error>| match &mut preparer {
            Ok(preparer) => page?.prepare(view, stamps, tx.tx, holders, preparer),
            Err(_) => Err(annuaire_index::Error::Refused("the state of the store cannot be read").into()),
        }
    };
    let links = schema::links();
    let retention = Retention { after_ms: limits::WITHDRAWN_MS, again_ms: limits::AGAIN_MS, links: &links };
    // The restricted perimeter keeps what left.
    let retention = (view.perimeter == Perimeter::Public).then_some(&retention);
    let aside = RefCell::new(Vec::new());
    let versions = parallel::ordered(threads, feed, worker, |pages| {
        let mut there: HashSet<String> = HashSet::new();
        let mut targets: HashSet<Target> = HashSet::new();
        let mut ready: std::vec::IntoIter<Prepared> = Vec::new().into_iter();
        let mut ended = false;
        // Pages one after the other, then the structures that they point to and that nothing describes.
        let resources = std::iter::from_fn(|| {
            loop {
                if let Some(next) = ready.next() {
                    return Some(Ok(next));
                }
                match pages.next() {
                    Some(Ok(Ok(made))) => {
                        there.extend(made.structures);
                        targets.extend(made.targets);
                        aside.borrow_mut().extend(made.aside);
                        ready = made.prepared.into_iter();
                    }
                    Some(Ok(Err(e))) => return Some(Err(e)),
                    Some(Err(parallel::Lost)) => return Some(Err(Error::Panicked { tx: tx.tx })),
                    None if ended => return None,
                    None => {
                        ended = true;
                        match named(index, view, &there, &targets, &mut own) {
                            Ok(made) => ready = made.into_iter(),
                            Err(e) => return Some(Err(e)),
                        }
                    }
                }
            }
        });
        let notes = || aside.borrow().clone();
        index.apply_beside::<Error>(tx.tx.get(), tx.commit_ms, resources, &Beside { retention, aside: Some(&notes) })
    })?;
    Ok((versions, aside.into_inner().into_iter().filter_map(|(_, aside)| aside).collect()))
}

/// Forms of the structures that are pointed to and described by nobody.
fn named(
    index: &Index,
    view: View,
    there: &HashSet<String>,
    targets: &HashSet<Target>,
    preparer: &mut Preparer,
) -> Result<Vec<Prepared>, Error> {
    let snapshot = index.snapshot()?;
    // In the order of their ids, so that rows do not depend on chance.
    let mut missing: BTreeMap<String, &Target> = BTreeMap::new();
    for target in targets {
        let id = ids::organization_id(&target.structure);
        if !there.contains(&id) && !snapshot.exists(schema::ORGANIZATION, &id)? {
            // Who names it as a legal entity knows more of it.
            let named = missing.entry(id).or_insert(target);
            *named = (*named).max(target);
        }
    }
    let form = |target: &Target| forms::named_structure(view, &target.structure, target.legal);
    Ok(missing.into_values().map(|target| preparer.prepare(form(target))).collect::<Result<_, _>>()?)
}

/// What is read of the registry at a time.
enum Page {
    /// Objects of whole entities, not yet parsed, before which nothing was published.
    Raw(Vec<Object>),
    /// Entities that a transaction changes.
    Changed(Changed),
    /// Entities that a transaction changes, with their objects just after it and just before it, not yet parsed; of those set
    /// aside, what is published.
    Beside { entities: Vec<String>, now: Vec<Object>, before: Vec<Object>, aside: HashMap<String, (Aside, Option<Facts>)> },
}

struct Changed {
    entities: Vec<String>,
    /// What is said of them just after the transaction.
    now: BTreeMap<String, Facts>,
    /// What is published of them: what was said just before it, or when they could last be made.
    before: BTreeMap<String, Facts>,
    /// Those that are set aside.
    aside: BTreeMap<String, Aside>,
}

impl Page {
    fn prepare(self, view: View, stamps: Stamps, tx: Tx, holders: &[Holders; 2], preparer: &mut Preparer) -> Result<Made, Error> {
        let mut out = Made::default();
        let page = match self {
            Self::Raw(objects) => {
                for (entity, facts) in holders[0].facts(objects, view) {
                    out.entity(&entity, &facts, facts.publish(view, stamps), None, tx, preparer)?;
                }
                return Ok(out);
            }
            Self::Beside { entities, now, before, mut aside } => {
                let (now, mut before) = (holders[0].facts(now, view), holders[1].facts(before, view));
                let aside = entities.iter().filter_map(|e| Some((e.clone(), aside.remove(e)?)));
                let aside = aside
                    .map(|(entity, (known, then))| {
                        as_published(&mut before, &entity, then);
                        (entity, known)
                    })
                    .collect();
                Changed { entities, now, before, aside }
            }
            Self::Changed(page) => page,
        };
        let nothing = Facts::default();
        for entity in &page.entities {
            let now = page.now.get(entity).unwrap_or(&nothing);
            let made = now.publish(view, stamps).and_then(|current| {
                let Some(old) = page.before.get(entity) else { return Ok(current) };
                let mut all = old.withdraw(view)?;
                all.retain(|r| !current.iter().any(|c| c.ty == r.ty && c.id == r.id));
                all.extend(current);
                Ok(all)
            });
            out.entity(entity, now, made, page.aside.get(entity), tx, preparer)?;
        }
        Ok(out)
    }
}

impl Made {
    /// Adds what was made of one entity: all of it, or nothing.
    fn entity(
        &mut self,
        entity: &str,
        facts: &Facts,
        made: Result<Vec<Resource>, Bad>,
        aside: Option<&Aside>,
        tx: Tx,
        preparer: &mut Preparer,
    ) -> Result<(), Error> {
        let start = (self.prepared.len(), self.structures.len());
        let mut bad = None;
        match made {
            Ok(resources) => {
                for resource in resources {
                    let structure = (resource.ty == schema::ORGANIZATION).then(|| resource.id.clone());
                    match preparer.prepare(resource) {
                        Ok(prepared) => {
                            self.prepared.push(prepared);
                            self.structures.extend(structure);
                        }
                        Err(annuaire_index::Error::Refused(reason)) => {
                            bad = Some(Bad { entity: entity.to_owned(), source: String::new(), reason: reason.to_owned() });
                            break;
                        }
                        Err(e) => return Err(e.into()),
                    }
                }
            }
            Err(b) => bad = Some(b),
        }
        if let Some(bad) = bad {
            self.prepared.truncate(start.0);
            self.structures.truncate(start.1);
            let made_at = aside.map_or(tx.previous().get(), |a| a.made_at);
            let (object, source, reason) = (bad.entity, bad.source, bad.reason);
            let aside = Aside { entity: entity.to_owned(), made_at, tx: tx.get(), object, source, reason };
            self.aside.push((entity.to_owned(), Some(aside)));
        } else {
            self.targets.extend(facts.targets());
            if aside.is_some() {
                self.aside.push((entity.to_owned(), None));
            }
        }
        Ok(())
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
    fn facts(&self, objects: Vec<Object>, view: View) -> BTreeMap<String, Facts> {
        let mut all = collect(objects, view.perimeter);
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for facts in all.values_mut() {
            let objects = facts.holder().and_then(|number| held.get(&number));
            for holder in collect(objects.cloned().unwrap_or_default(), view.perimeter).into_values() {
                facts.hold(&holder);
            }
        }
        all
    }
}

/// Pages of a transaction before which nothing was published: everything that stands after it, in order.
fn first(
    registry: &mut dyn Registry,
    tx: Tx,
    holders: &Holders,
    give: &dyn Fn(Result<Page, Error>) -> bool,
) -> Result<(), Error> {
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (objects, next) = registry.standing(tx, &from, PAGE)?;
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
    tx: Tx,
    give: &dyn Fn(Result<Page, Error>) -> bool,
) -> Result<(), Error> {
    let waiting = index.set_aside()? > 0;
    let mut after = String::new();
    loop {
        let mut entities = registry.changed_entities(tx, &after, PAGE)?;
        let Some(last) = entities.last() else { return Ok(()) };
        after.clone_from(last);
        let holders: Vec<String> = entities.iter().filter(|e| e.starts_with("NS:")).cloned().collect();
        for holder in &holders {
            entities.extend(structures_numbered(index, holder.trim_start_matches("NS:"))?);
        }
        if waiting && !holders.is_empty() {
            let held = index.asides(usize::MAX)?.into_iter().filter(|a| holders.contains(&a.object));
            entities.extend(held.map(|a| a.entity).filter(|e| e.starts_with("ST:")));
        }
        let now = gather(registry, tx, &entities, view)?;
        let mut before = gather(registry, tx.previous(), &entities, view)?;
        let mut aside = BTreeMap::new();
        if waiting {
            for entity in &entities {
                if let Some(known) = index.aside(entity)? {
                    let then = gather(registry, Tx::new(known.made_at), std::slice::from_ref(entity), view)?.remove(entity);
                    as_published(&mut before, entity, then);
                    aside.insert(entity.clone(), known);
                }
            }
        }
        if !give(Ok(Page::Changed(Changed { entities, now, before, aside }))) {
            return Ok(());
        }
    }
}

/// Of an entity set aside, what is published is what could last be made.
fn as_published(before: &mut BTreeMap<String, Facts>, entity: &str, then: Option<Facts>) {
    match then {
        Some(facts) => _ = before.insert(entity.to_owned(), facts),
        None => _ = before.remove(entity),
    }
}

/// Structures already published under this national number: the mailbox file knows no other key of theirs.
fn structures_numbered(index: &Index, number: &str) -> Result<Vec<String>, Error> {
    let Some(param) = schema::param("Organization", "identifier") else { return Ok(Vec::new()) };
    let snapshot = index.snapshot()?;
    let filter = Filter::Token { param: param.id, system: Some(systems::IDNST.to_owned()), code: Some(number.to_owned()) };
    let rows = snapshot.search(schema::ORGANIZATION, &filter)?;
    let entity = |row| Ok(snapshot.entry(row)?.id().strip_prefix("001-").map(|id| format!("ST:{id}")));
    rows.iter().filter_map(|row| entity(row).transpose()).collect()
}

/// What the sources of a perimeter together say of these entities, as published just after `tx`.
fn gather(registry: &mut dyn Registry, tx: Tx, entities: &[String], view: View) -> Result<BTreeMap<String, Facts>, Error> {
    if tx == Tx::NONE {
        return Ok(BTreeMap::new());
    }
    let mut all = collect(registry.objects_at(tx, entities)?, view.perimeter);
    // Mailboxes of structures that FINESS does not number are filed under their national number.
    let numbered: Vec<(String, String)> =
        all.iter().filter_map(|(entity, facts)| Some((entity.clone(), facts.holder()?))).collect();
    let holders: Vec<String> = numbered.iter().map(|n| n.1.clone()).collect();
    let holders = collect(registry.objects_at(tx, &holders)?, view.perimeter);
    for (entity, holder) in numbered {
        if let (Some(facts), Some(held)) = (all.get_mut(&entity), holders.get(&holder)) {
            facts.hold(held);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_fhir::extract;
    use annuaire_fhir::schema::TYPES;
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
        let entities = registry.changed_entities(Tx::new(1), "", 10_000).unwrap();
        let mut seen = 0;
        for guide in [Guide::V120, Guide::V110] {
            for perimeter in [Perimeter::Public, Perimeter::Restricted] {
                let view = View { guide, perimeter };
                for facts in gather(&mut registry, Tx::new(1), &entities, view).unwrap().values() {
                    let made = facts.publish(view, Stamps::Log).unwrap();
                    for r in made.into_iter().chain(facts.withdraw(view).unwrap()) {
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

    /// What a store holds, whatever the order of its rows.
    fn content(index: &Index) -> Vec<String> {
        let snapshot = index.snapshot().unwrap();
        let entry =
            |e: annuaire_index::Entry| format!("{} {} {:?} {}", e.ty, e.version, e.standing, String::from_utf8_lossy(e.body()));
        let mut all: Vec<String> = (0..).map_while(|row| snapshot.entry(row).ok()).map(entry).collect();
        // Which of several faults was met last may differ.
        all.extend(index.asides(usize::MAX).unwrap().iter().map(|a| format!("{} {}", a.entity, a.made_at)));
        all.sort();
        all
    }

    /// A large transaction is read in another way than a small one, and says the same.
    #[test]
    fn what_is_published_does_not_depend_on_how_the_log_is_read() {
        use annuaire_mos::{BoiteLettresMss, Objet, Structure};
        use annuaire_store::{Cause, Change};
        let dir = tempfile::tempdir().unwrap();
        let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
        let view = View { guide: Guide::V120, perimeter: Perimeter::Public };
        let stores =
            [Way::Whole, Way::Entities].map(|way| (way, open(&dir.path().join(format!("{way:?}")), 1 << 27, view).unwrap()));
        let mut dice = 7_u64;
        let mut roll = |n: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % n
        };
        let mut seen_aside = 0;
        for ms in 1..28 {
            // More entities than a page has, now and then.
            let many = if ms % 10 == 5 { 1_500 } else { roll(30) };
            let mut changes = Vec::new();
            for _ in 0..many {
                let n = roll(if many > 100 { 4_000 } else { 8 });
                let s = Structure {
                    id_technique: format!("C{n}"),
                    id_nat_struct: format!("3{n}"),
                    raison_sociale: format!("S{}", roll(4)),
                    ..Default::default()
                };
                let address = format!("a{}@mssante.example", roll(4));
                let boxes = vec![BoiteLettresMss { adresse: address, type_bal: "ORG".into(), ..Default::default() }];
                let (entity, object) = match roll(3) {
                    0 => (format!("NS:3{n}"), Objet::BoitesLettres { boites: boxes }),
                    1 => (
                        format!("FH:Device/{n}"),
                        Objet::Ressource { json: format!("{{\"resourceType\":\"Device\",\"id\":\"{n}\",\"x\":{}}}", roll(4)) },
                    ),
                    _ => (format!("ST:C{n}"), Objet::Structure(s)),
                };
                let payload = match roll(6) {
                    0 => None,
                    1 => Some(format!("bad {}", roll(3))),
                    _ => Some(serde_json::to_string(&object).unwrap()),
                };
                let source = if entity.starts_with("FH:") { "fhir" } else { ["psla", "monotable"][roll(2) as usize] };
                changes.push(Change { entity, source: source.into(), payload, digest: 0 });
            }
            let cause = Cause { author: "t", reason: "t", now_ms: &|| ms * 86_400_000, any_clock: true };
            let made = registry.commit(cause, &mut |unit| changes.iter().cloned().try_for_each(|c| unit.put(c))).unwrap();
            if made.tx.is_none() {
                continue;
            }
            for (way, index) in &stores {
                for tx in unseen(&mut registry, index).unwrap() {
                    let way = if index.is_empty() && index.set_aside().unwrap() == 0 { Way::First } else { *way };
                    apply(&mut registry, index, view, &tx, way).unwrap();
                }
                assert_eq!(verify(&mut registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
            }
            let [a, b] = [0, 1].map(|n| content(&stores[n].1));
            let differing = a.iter().zip(&b).find(|(a, b)| a != b);
            assert_eq!((differing, a.len()), (None, b.len()), "{ms}");
            seen_aside += stores[0].1.set_aside().unwrap();
        }
        assert!(seen_aside > 100);
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
        // What is not given as open data stays restricted.
        let person = dir.path().join("p.ndjson");
        std::fs::write(&person, "{\"resourceType\":\"Person\",\"id\":\"p\"}\n").unwrap();
        let restricted = annuaire_exchange::Options { clock: std::sync::Arc::new(|| 1_700_000_000_000), ..Default::default() };
        annuaire_exchange::import(&mut registry, &[person], &restricted).unwrap();
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
