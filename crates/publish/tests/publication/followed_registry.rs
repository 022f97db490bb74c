//! A registry with the stores of both perimeters, and the objects that its tests commit.

use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::{Filter, Index, Row};
use annuaire_mos::{ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_publish::Followed;
use annuaire_store::{Cause, Change, Registry};
use annuaire_store_sqlite::SqliteRegistry;
use annuaire_terms::TypeId;
use serde_json::Value;

pub const PUBLIC: View = View { guide: Guide::V120, perimeter: Perimeter::Public };
pub const RESTRICTED: View = View { guide: Guide::V120, perimeter: Perimeter::Restricted };
pub const T0: i64 = 1_700_000_000_000;
pub const DAY: i64 = 86_400_000;
/// Bytes reserved for the file of a store.
pub const MAP: usize = 1 << 27;

/// One change of one source: entity, source, payload (`None` ends the object).
pub type SourceChange = (String, &'static str, Option<String>);

pub fn commit(registry: &mut dyn Registry, ms: i64, changes: &[SourceChange]) -> u64 {
    let cause = Cause { author: "t", reason: "t", now_ms: &|| ms, any_clock: true };
    let outcome = registry
        .commit(cause, &mut |unit| {
            for (entity, source, payload) in changes {
                let (entity, source) = (entity.clone(), (*source).to_owned());
                unit.put(Change { entity, source, payload: payload.clone(), digest: 0 })?;
            }
            Ok(())
        })
        .unwrap();
    outcome.tx.unwrap().get()
}

pub fn follow(registry: &mut dyn Registry, index: &Index, view: View) -> Followed {
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

/// A registry with its two stores.
pub struct FollowedRegistry {
    dir: tempfile::TempDir,
    pub registry: SqliteRegistry,
    pub public: Index,
    pub restricted: Index,
}

impl FollowedRegistry {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str, view| annuaire_publish::open(&dir.path().join(name), MAP, view).unwrap();
        let (public, restricted) = (open("public", PUBLIC), open("restricted", RESTRICTED));
        let registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
        Self { dir, registry, public, restricted }
    }

    /// Commits and follows with both stores, then compares both with the registry and with stores that are made anew.
    pub fn commit_and_compare(&mut self, ms: i64, changes: &[SourceChange]) -> Followed {
        commit(&mut self.registry, ms, changes);
        follow(&mut self.registry, &self.restricted, RESTRICTED);
        let followed = follow(&mut self.registry, &self.public, PUBLIC);
        for (index, view) in [(&self.public, PUBLIC), (&self.restricted, RESTRICTED)] {
            assert_eq!(annuaire_publish::verify(&mut self.registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
            assert_eq!(index.check().unwrap(), Vec::<String>::new());
            let again = tempfile::tempdir_in(self.dir.path()).unwrap();
            let rebuilt = annuaire_publish::open(again.path(), MAP, view).unwrap();
            follow(&mut self.registry, &rebuilt, view);
            assert_eq!(dump(&rebuilt), dump(index));
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
