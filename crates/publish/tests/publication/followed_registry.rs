//! A registry with the stores of both perimeters, and the objects that its tests commit.

use annuaire_base::fact::{FactKey, Publication};
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::{Filter, Index, RoaringBitmap, Row, Snapshot, Tombstone};
use annuaire_mos::owner::{file_source, file_sources};
use annuaire_mos::{ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_publish::{CopiedContent, CopiedVersion, Error, Followed};
use annuaire_store::{BlockingRegistry, BlockingUnit, Cause, Change, Channel, CommitClock, Expect, OwnerRow};
use annuaire_terms::TypeId;
use serde_json::Value;
use std::path::Path;

pub const PUBLIC: View = View { guide: Guide::V120, perimeter: Perimeter::Public };
pub const RESTRICTED: View = View { guide: Guide::V120, perimeter: Perimeter::Restricted };
pub const T0: i64 = 1_700_000_000_000;
pub const DAY: i64 = 86_400_000;
/// Bytes reserved for the file of a store.
pub const MAP: usize = 1 << 27;

/// One change of one source: entity, source, payload (`None` ends the object).
pub type SourceChange = (String, &'static str, Option<String>);

/// Opens, or creates, a registry in which all files have their owner.
pub fn open_registry(path: &Path) -> BlockingRegistry {
    let registry = annuaire_store_sqlite::open_blocking(path).unwrap();
    let mut unit = registry.begin().unwrap();
    for file in file_sources() {
        unit.set_owner(&OwnerRow { code: file.code.to_owned(), description: String::new() }).unwrap();
    }
    save(unit, T0);
    registry
}

/// Saves a unit at an instant, and returns the number of its transaction.
pub fn save(unit: BlockingUnit, ms: i64) -> Option<u64> {
    let clock = CommitClock { now_ms: &move || ms, any_clock: true };
    unit.save(&Cause::new(Channel::Import, "t", "t"), clock).unwrap().tx.map(annuaire_base::Tx::get)
}

/// Puts a change of a file, open or not as the file is.
pub fn put_change(unit: &mut BlockingUnit, (entity, source, payload): &SourceChange) {
    let key = FactKey { owner: (*source).to_owned(), entity: entity.clone(), facet: String::new() };
    let is_open = file_source(source).is_some_and(|file| file.open);
    let publication = if is_open { Publication::Open } else { Publication::Restricted };
    unit.put(Change { key, payload: payload.clone(), publication, fingerprint: 0 }, Expect::Any).unwrap();
}

pub fn commit(registry: &BlockingRegistry, ms: i64, changes: &[SourceChange]) -> u64 {
    let mut unit = registry.begin().unwrap();
    changes.iter().for_each(|change| put_change(&mut unit, change));
    save(unit, ms).unwrap()
}

pub fn follow(registry: &BlockingRegistry, index: &Index, view: View) -> Followed {
    annuaire_publish::follow(registry, index, view, &|_, _, _| {}).unwrap()
}

/// Everything that a store holds.
pub fn dump(index: &Index) -> Vec<String> {
    let snapshot = index.snapshot().unwrap();
    let mut all: Vec<String> = (0..)
        .map_while(|row| snapshot.read(Row::new(row)).ok())
        .map(|e| format!("{} {} v{} tx{} {:?} {}", e.ty, e.id(), e.number, e.tx, e.presence, String::from_utf8_lossy(e.body())))
        .collect();
    all.extend((0..6).map(TypeId::new).map(|ty| format!("{:?}", snapshot.search(ty, &Filter::All).unwrap())));
    all.extend(index.set_aside_entities(99).unwrap().iter().map(|a| format!("{a:?}")));
    all
}

/// All types, by their numbers.
pub const TYPES: [TypeId; 6] = [TypeId::new(0), TypeId::new(1), TypeId::new(2), TypeId::new(3), TypeId::new(4), TypeId::new(5)];

/// What rows of a store say, as a client of `$changes` reads it.
pub fn told(snapshot: &Snapshot, rows: &RoaringBitmap) -> Vec<CopiedVersion> {
    let tell = |row| {
        let version = snapshot.read(Row::new(row)).unwrap();
        CopiedVersion {
            tx: version.tx,
            commit_ms: snapshot.commit_ms_of(version.tx).unwrap(),
            ty: annuaire_fhir::schema::type_name(version.ty).to_owned(),
            id: version.id().to_owned(),
            number: version.number,
            content: match version.tombstone {
                None => CopiedContent::Resource(String::from_utf8(version.body().to_vec()).unwrap()),
                Some(Tombstone::Vanished) => CopiedContent::Vanished,
                Some(Tombstone::WithdrawnByLaw) => CopiedContent::Withdrawn,
            },
        }
    };
    rows.iter().map(tell).collect()
}

/// Copies rows of a state to another store.
pub fn copy(from: &Snapshot, rows: &RoaringBitmap, to: &Index, view: View) -> Result<u64, Error> {
    annuaire_publish::apply_copied(to, view, told(from, rows).into_iter().map(Ok), || (from.tx(), from.commit_ms()), rows.len())
}

/// What stands in a store, without the numbers of its rows.
pub fn standing(index: &Index) -> Vec<String> {
    let snapshot = index.snapshot().unwrap();
    let shown = |row| {
        let e = snapshot.read(Row::new(row)).unwrap();
        format!("{} {} v{} tx{} {} {}", e.ty, e.id(), e.number, e.tx, e.last_updated_ms, String::from_utf8_lossy(e.body()))
    };
    let all = TYPES.iter().flat_map(|ty| snapshot.search(*ty, &Filter::All).unwrap().iter().map(shown).collect::<Vec<_>>());
    std::iter::once(format!("{} {}", snapshot.tx(), snapshot.commit_ms())).chain(all).collect()
}

/// A registry with its two stores.
pub struct FollowedRegistry {
    dir: tempfile::TempDir,
    pub registry: BlockingRegistry,
    pub public: Index,
    pub restricted: Index,
}

impl FollowedRegistry {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str, view| annuaire_publish::open(&dir.path().join(name), MAP, view).unwrap();
        let (public, restricted) = (open("public", PUBLIC), open("restricted", RESTRICTED));
        let registry = open_registry(&dir.path().join("r"));
        Self { dir, registry, public, restricted }
    }

    /// Commits and follows with both stores, then compares both with the registry and with stores that are made anew.
    pub fn commit_and_compare(&self, ms: i64, changes: &[SourceChange]) -> Followed {
        commit(&self.registry, ms, changes);
        self.follow_and_compare()
    }

    /// Follows with both stores, then compares both with the registry and with stores that are made anew, in groups.
    pub fn follow_and_compare(&self) -> Followed {
        follow(&self.registry, &self.restricted, RESTRICTED);
        let followed = follow(&self.registry, &self.public, PUBLIC);
        for (index, view) in [(&self.public, PUBLIC), (&self.restricted, RESTRICTED)] {
            assert_eq!(annuaire_publish::verify(&self.registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
            assert_eq!(index.check().unwrap(), Vec::<String>::new());
            let again = tempfile::tempdir_in(self.dir.path()).unwrap();
            let rebuilt = annuaire_publish::open(again.path(), MAP, view).unwrap();
            follow(&self.registry, &rebuilt, view);
            assert_eq!(dump(&rebuilt), dump(index));
            let copied_dir = tempfile::tempdir_in(self.dir.path()).unwrap();
            let copied = annuaire_publish::open(copied_dir.path(), MAP, view).unwrap();
            let snapshot = index.snapshot().unwrap();
            copy(&snapshot, &snapshot.standing(&TYPES), &copied, view).unwrap();
            assert_eq!(standing(&copied), standing(index));
            assert_eq!(copied.check().unwrap(), Vec::<String>::new());
        }
        followed
    }

    pub fn body(&self, ty: TypeId, id: &str) -> Option<Value> {
        body(&self.public, ty, id)
    }
}

/// The newest version of a resource.
pub fn body(index: &Index, ty: TypeId, id: &str) -> Option<Value> {
    let version = index.snapshot().unwrap().current(ty, id).unwrap()?;
    Some(serde_json::from_slice(version.body()).unwrap())
}

/// An object that a source puts.
pub fn put(entity: &str, source: &'static str, object: Objet) -> SourceChange {
    (entity.to_owned(), source, Some(serde_json::to_string(&object).unwrap()))
}

pub fn device(source: &'static str, json: &str) -> SourceChange {
    put("FH:Device/d", source, Objet::Ressource { json: json.to_owned() })
}

/// A structure by its FINESS number.
pub fn structure(number: &str, name: &str) -> SourceChange {
    let s = Structure {
        id_technique: format!("F{number}"),
        num_finess: number.into(),
        raison_sociale: name.into(),
        ..Default::default()
    };
    put(&format!("ST:F{number}"), "psla", Objet::Structure(s))
}

/// A professional with one situation, at a structure.
pub fn person(structure: &str) -> SourceChange {
    let s = SituationExercice { id_situation_exercice: "12345".into(), structure: structure.into(), ..Default::default() };
    let e = ExerciceProfessionnel {
        profession: "10".into(),
        categorie_professionnelle: "C".into(),
        nom_exercice: "DUPONT".into(),
        situations: vec![s],
        ..Default::default()
    };
    let p = Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: "10999000003".into(),
        id_nat_ps: "810999000003".into(),
        exercices: vec![e],
        ..Default::default()
    };
    put("PP:810999000003", "psla", Objet::Professionnel(p))
}

/// Id of the Practitioner of [`person`].
pub const PP: &str = "003-810999000003-10-C";

/// A Device nested deeper than a JSON reader goes.
pub fn deep() -> String {
    format!(r#"{{"resourceType":"Device","id":"d","x":{}1{}}}"#, "[".repeat(200), "]".repeat(200))
}
