//! Sorted lines out of the registry: of a whole state, or of some entities of it.

use crate::assembly::{Assembly, PackedLines, PartOrders, SortedLines};
use crate::error::Error;
use crate::limits;
use crate::options::ExtractOptions;
use crate::place;
use crate::render::{Described, Reference, Renderer};
use annuaire_base::Tx;
use annuaire_base::fact::Fact;
use annuaire_batch::parallel;
use annuaire_consolidate::{Owners, consolidate, entity_key};
use annuaire_mos::Structure;
use annuaire_store::BlockingRegistry;
use std::collections::{BTreeSet, HashSet};

/// What was read beside the lines.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Activities that no file has a place for.
    pub(crate) left_out: u64,
    /// Entities that cannot be made.
    pub(crate) faults: u64,
    /// The first of them, and why.
    pub(crate) told: Vec<String>,
}

impl Notes {
    fn add(&mut self, packed: &PackedLines) {
        self.left_out += packed.left_out;
        self.faults += packed.faults.len() as u64;
        let room = limits::TOLD_FAULTS.saturating_sub(self.told.len());
        self.told.extend(packed.faults.iter().take(room).cloned());
    }
}

/// Makes lines out of facts.
pub(crate) struct LineReader<'a> {
    registry: &'a BlockingRegistry,
    options: &'a ExtractOptions,
    sort_bytes: usize,
    owners: Owners,
    pub(crate) renderer: Renderer<'a>,
    orders: PartOrders,
    nowhere: String,
}

impl<'a> LineReader<'a> {
    /// `states` is the number of states whose lines are held at once: they share the memory.
    pub(crate) fn new(registry: &'a BlockingRegistry, options: &'a ExtractOptions, states: usize) -> Result<Self, Error> {
        let rows = registry.described_owners()?;
        Ok(Self {
            registry,
            options,
            sort_bytes: options.sort_bytes / states,
            // An owner whose description cannot be used is nobody: its facts are faults, and the others count.
            owners: Owners::usable(rows.iter().map(|row| (&row.code, &row.description))),
            renderer: Renderer::new(&options.files(), &options.filter, options.width),
            orders: PartOrders::new(options.width),
            nowhere: place::nowhere(),
        })
    }

    pub(crate) fn registry(&self) -> &'a BlockingRegistry {
        self.registry
    }

    /// The structures that these facts of complete entities make.
    pub(crate) fn structures(&self, facts: Vec<Fact>) -> Vec<Structure> {
        let all = consolidate(facts, &self.owners, self.options.perimeter).into_values();
        all.filter(|e| e.fault.is_none()).filter_map(|e| e.structure).collect()
    }

    fn assembly(&self) -> Assembly<'_> {
        Assembly::new(self.sort_bytes, self.options.spill.clone(), &self.orders, &self.options.filter)
    }

    /// The lines of a whole state, in order. Cost: one pass over the registry, two sorts.
    pub(crate) fn whole_state(&self, tx: Tx, what: &str) -> Result<(SortedLines, Notes), Error> {
        let feed = |give: &dyn Fn(Result<Vec<Fact>, Error>) -> bool| {
            let mut after = Some(String::new());
            while let Some(from) = after {
                match self.registry.standing(tx, &from, limits::PAGE) {
                    Ok((facts, next)) => {
                        after = next;
                        if !give(Ok(facts)) {
                            return;
                        }
                    }
                    Err(e) => {
                        give(Err(e.into()));
                        return;
                    }
                }
            }
        };
        let worker = || |page: Result<Vec<Fact>, Error>| page.map(|facts| (facts.len() as u64, self.pack(facts, Take::All)));
        let mut assembly = self.assembly();
        let mut notes = Notes::default();
        let mut done = 0;
        parallel::ordered(parallel::workers(self.options.threads), feed, worker, |pages| {
            for page in pages {
                let (facts, packed) = page.map_err(|parallel::Lost| Error::Panicked { tx })??;
                done += facts;
                self.options.tell(what, done, 0);
                notes.add(&packed);
                assembly.take(&packed)?;
            }
            Ok::<_, Error>(())
        })?;
        self.options.tell("sorting lines", 0, 0);
        Ok((assembly.finish(parallel::workers(self.options.threads))?, notes))
    }

    /// The lines of these entities in a state, in order. Cost: a look-up for each of them and for the structures that their lines
    /// name; a pass over all structures when one of those is known by its national number alone.
    pub(crate) fn lines_of(&self, tx: Tx, entities: &BTreeSet<String>) -> Result<(SortedLines, Notes), Error> {
        let mut assembly = self.assembly();
        let mut notes = Notes::default();
        let mut awaited: BTreeSet<Reference> = BTreeSet::new();
        let entities: Vec<String> = entities.iter().cloned().collect();
        for some in entities.chunks(limits::LOOK_UP).filter(|_| tx != Tx::NONE) {
            let packed = self.pack(self.registry.facts_at(tx, some)?, Take::Lines(&mut awaited));
            notes.add(&packed);
            assembly.take(&packed)?;
        }
        let by_number = |number: &String| number.strip_prefix('1').filter(|n| n.len() == 9).map(|n| format!("F{n}"));
        let mut keys: BTreeSet<String> = BTreeSet::new();
        for reference in &awaited {
            match reference {
                Reference::Technical(id) => _ = keys.insert(entity_key::structure(id)),
                Reference::National(number) => keys.extend(by_number(number).as_deref().map(entity_key::structure)),
            }
        }
        let keys: Vec<String> = keys.into_iter().collect();
        let mut found: HashSet<Reference> = HashSet::new();
        for some in keys.chunks(limits::LOOK_UP).filter(|_| tx != Tx::NONE) {
            let facts = self.registry.facts_at(tx, some)?;
            let first = |s: &Structure| self.renderer.structure(s).into_iter().filter(|(_, rank, _)| *rank == 0).map(|(r, ..)| r);
            found.extend(self.structures(facts.clone()).iter().flat_map(first));
            assembly.take(&self.pack(facts, Take::Structures(&awaited)))?;
        }
        // A structure whose identifier is made of the number comes first; without it, any other may have the number.
        let is_unresolved = |r: &&Reference| matches!(r, Reference::National(_)) && !found.contains(*r);
        let unresolved: BTreeSet<Reference> = awaited.iter().filter(is_unresolved).cloned().collect();
        if !unresolved.is_empty() {
            self.pages_of("ST:", tx, |facts| assembly.take(&self.pack(facts, Take::Structures(&unresolved))))?;
        }
        Ok((assembly.finish(parallel::workers(self.options.threads))?, notes))
    }

    /// Hands out the facts of all entities of one kind, `PP:`, in a state.
    pub(crate) fn pages_of(&self, kind: &str, tx: Tx, mut take: impl FnMut(Vec<Fact>) -> Result<(), Error>) -> Result<(), Error> {
        let mut after = Some(kind.to_owned()).filter(|_| tx != Tx::NONE);
        while let Some(from) = after {
            let (mut facts, next) = self.registry.standing(tx, &from, limits::PAGE)?;
            let beyond = facts.iter().position(|f| !f.key.entity.starts_with(kind));
            after = next.filter(|next| beyond.is_none() && next.starts_with(kind));
            facts.truncate(beyond.unwrap_or(facts.len()));
            take(facts)?;
        }
        Ok(())
    }

    /// Merges the facts of complete entities, and makes their lines and what their structures give to lines.
    fn pack(&self, facts: Vec<Fact>, mut take: Take<'_>) -> PackedLines {
        let mut out = PackedLines::default();
        let described: Vec<(String, Described)> = facts
            .chunk_by(|a, b| a.key.entity == b.key.entity)
            .filter(|f| entity_key::is_structure(&f[0].key.entity))
            .map(|f| (f[0].key.entity.clone(), Described::by(f.iter(), self.options.perimeter)))
            .collect();
        for (key, entity) in consolidate(facts, &self.owners, self.options.perimeter) {
            if let Some(fault) = &entity.fault {
                if !matches!(take, Take::Structures(_)) {
                    out.faults.push(format!("{}: owner {:?}: {}", fault.entity, fault.owner, fault.reason));
                }
                continue;
            }
            let of_structure = described.binary_search_by(|(known, _)| known.as_str().cmp(&key)).map(|at| described[at].1);
            let mut left_out = 0;
            if !matches!(take, Take::Structures(_)) {
                left_out = self.renderer.lines(&entity, of_structure.unwrap_or_default(), &mut |line| {
                    if let (Take::Lines(awaited), Some(reference)) = (&mut take, &line.reference) {
                        awaited.insert(reference.clone());
                    }
                    out.line(line, &self.orders, &self.nowhere);
                });
            }
            out.left_out += left_out;
            let Some(structure) = &entity.structure else { continue };
            match &take {
                Take::All => self.pack_structure(structure, |_| true, &mut out),
                Take::Structures(awaited) => self.pack_structure(structure, |r| awaited.contains(r), &mut out),
                Take::Lines(_) => {}
            }
        }
        out
    }

    fn pack_structure(&self, s: &Structure, is_asked: impl Fn(&Reference) -> bool, out: &mut PackedLines) {
        for (reference, rank, fragments) in self.renderer.structure(s).iter().filter(|(reference, ..)| is_asked(reference)) {
            out.structure(reference, *rank, &s.id_technique, fragments);
        }
    }
}

/// What is made of entities.
enum Take<'a> {
    /// Their lines, and what structures give.
    All,
    /// Their lines; the structures that these name are added to the set.
    Lines(&'a mut BTreeSet<Reference>),
    /// What these structures give.
    Structures(&'a BTreeSet<Reference>),
}
