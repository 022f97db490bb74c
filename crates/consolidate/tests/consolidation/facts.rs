//! Facts of a fictional person, and the owners who state them.

use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_consolidate::{ConsolidatedEntity, Owners, Perimeter, consolidate};
use annuaire_mos::owner::{Owner, OwnerKind, Standing, file_sources};
use annuaire_mos::{
    Coordonnees, EtatCivil, ExerciceEnregistre, ExerciceProfessionnel, Objet, Professionnel, SituationEnregistree,
    SituationExercice,
};
use std::sync::LazyLock;

pub const PERSON: &str = "PP:810999000010";

/// All files, the authorities, two employers, the person, and `echo`: a file of another directory, weaker than all others.
pub fn owners() -> &'static Owners {
    static OWNERS: LazyLock<Owners> = LazyLock::new(describe_owners);
    &OWNERS
}

fn describe_owners() -> Owners {
    let mut all: Vec<Owner> = file_sources().iter().map(|f| f.owner()).collect();
    all.extend(["CNOM", "SSA", "ARS-11"].map(|code| Owner::authority(code).unwrap()));
    all.extend(["1990000028", "1990000036"].map(Owner::structure));
    all.push(Owner::person("810999000010"));
    all.push(Owner { code: "echo".into(), kind: OwnerKind::File { producer: Standing::Directory, rank: u8::MAX, open: true } });
    Owners::new(all.into_iter().map(|o| (o.code.clone(), serde_json::to_string(&o).unwrap()))).unwrap()
}

/// An open fact.
pub fn fact(owner: &str, tx: u64, object: &Objet) -> Fact {
    Fact {
        key: FactKey { owner: owner.into(), entity: PERSON.into(), facet: object.facet().to_string() },
        tx: Tx::new(tx),
        payload: serde_json::to_string(object).unwrap(),
        publication: Publication::Open,
    }
}

pub fn restricted(fact: Fact) -> Fact {
    Fact { publication: Publication::Restricted, ..fact }
}

/// The person, as a perimeter may show these facts.
pub fn person_in(perimeter: Perimeter, facts: Vec<Fact>) -> ConsolidatedEntity {
    let mut all = consolidate(facts, owners(), perimeter);
    assert!(all.len() <= 1, "{:?}", all.keys());
    all.remove(PERSON).unwrap_or_default()
}

/// The professional in the restricted perimeter.
pub fn professional(facts: Vec<Fact>) -> Professionnel {
    let entity = person_in(Perimeter::Restricted, facts);
    assert_eq!(entity.fault, None);
    entity.professional.unwrap()
}

pub fn practice(profession: &str, name: &str) -> ExerciceProfessionnel {
    ExerciceProfessionnel {
        profession: profession.into(),
        categorie_professionnelle: "C".into(),
        nom_exercice: name.into(),
        ..Default::default()
    }
}

pub fn registered_practice(exercice: ExerciceProfessionnel) -> Objet {
    Objet::Exercice(ExerciceEnregistre { exercice, ..Default::default() })
}

/// A situation of a physician employed by a structure.
pub fn situation(id: &str, structure: &str) -> SituationExercice {
    SituationExercice {
        id_situation_exercice: id.into(),
        mode_exercice: "S".into(),
        structure: structure.into(),
        role: "FON-01".into(),
        ..Default::default()
    }
}

pub fn registered_situation(profession: &str, situation: SituationExercice) -> Objet {
    Objet::Situation(SituationEnregistree { profession: profession.into(), categorie_professionnelle: "C".into(), situation })
}

/// A file's line: one named practice with situations.
pub fn filed(profession: &str, name: &str, situations: Vec<SituationExercice>) -> Objet {
    Objet::Professionnel(Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: "10999000010".into(),
        id_nat_ps: "810999000010".into(),
        exercices: vec![ExerciceProfessionnel { situations, ..practice(profession, name) }],
        ..Default::default()
    })
}

pub fn civil_status(name: &str) -> Objet {
    let etat_civil = EtatCivil { nom_famille: name.into(), ..Default::default() };
    Objet::EtatCivil { civilite: String::new(), etat_civil }
}

pub fn contact(courriel: &str) -> Objet {
    Objet::Contact { correspondance: Coordonnees { courriel: courriel.into(), ..Default::default() } }
}
