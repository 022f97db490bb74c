//! Withdrawal by law: nothing is left of the content, and no reference leads nowhere (interop §3.4).

use crate::followed_registry::*;
use annuaire_base::Tx;
use annuaire_fhir::View;
use annuaire_fhir::schema::{self, DEVICE, ORGANIZATION, PERSON, PRACTITIONER, PRACTITIONER_ROLE};
use annuaire_index::{Filter, Index, Row};
use annuaire_mos::{BoiteLettresMss, EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_publish::Followed;
use annuaire_terms::TypeId;
use serde_json::{Value, json};

/// A professional with one situation.
fn somebody(number: &str, name: &str, situation: &str, place: &str) -> SourceChange {
    let s = SituationExercice { id_situation_exercice: situation.into(), structure: place.into(), ..Default::default() };
    let e = ExerciceProfessionnel {
        profession: "10".into(),
        categorie_professionnelle: "C".into(),
        nom_exercice: name.into(),
        situations: vec![s],
        ..Default::default()
    };
    let p = Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: number.into(),
        id_nat_ps: format!("8{number}"),
        exercices: vec![e],
        ..Default::default()
    };
    put(&format!("PP:8{number}"), "psla", Objet::Professionnel(p))
}

/// What only the restricted perimeter knows of the same person.
fn civil_status(number: &str, name: &str) -> SourceChange {
    let civil = EtatCivil { nom_famille: name.into(), date_naissance: "1970-02-03".into(), ..Default::default() };
    let p = Professionnel { id_nat_ps: format!("8{number}"), etat_civil: Some(civil), ..Default::default() };
    put(&format!("PP:8{number}"), "r-etatciv", Objet::Professionnel(p))
}

/// A structure that FINESS does not number.
fn cabinet(id: &str, name: &str) -> SourceChange {
    let s = Structure {
        id_technique: id.into(),
        id_nat_struct: "399000000000017".into(),
        raison_sociale: name.into(),
        ..Default::default()
    };
    put(&format!("ST:{id}"), "psla", Objet::Structure(s))
}

fn mailboxes(address: &str) -> SourceChange {
    let one = BoiteLettresMss { adresse: address.into(), type_bal: "ORG".into(), ..Default::default() };
    put("NS:399000000000017", "mss", Objet::BoitesLettres { boites: vec![one] })
}

const DUPONT: &str = "10999000003";
const MARTIN: &str = "10999000011";

impl FollowedRegistry {
    /// Withdraws entities, with other changes, and follows with both stores.
    fn withdraw(&self, ms: i64, entities: &[&str], changes: &[SourceChange]) -> [Followed; 2] {
        let mut unit = self.registry.begin().unwrap();
        changes.iter().for_each(|change| put_change(&mut unit, change));
        entities.iter().for_each(|entity| unit.withdraw(entity).unwrap());
        save(unit, ms).unwrap();
        self.each().map(|(index, view)| follow(&self.registry, index, view))
    }

    fn each(&self) -> [(&Index, View); 2] {
        [(&self.public, PUBLIC), (&self.restricted, RESTRICTED)]
    }

    /// Neither store has a word in any version, nor has a store that is made anew; all agree with the registry, and every reference
    /// has a target.
    fn assert_forgotten(&self, words: &[&str]) {
        for (index, view) in self.each() {
            let again = tempfile::tempdir().unwrap();
            let rebuilt = annuaire_publish::open(again.path(), MAP, view).unwrap();
            follow(&self.registry, &rebuilt, view);
            for index in [index, &rebuilt] {
                let all = dump(index);
                for word in words {
                    let found: Vec<&String> = all.iter().filter(|line| line.contains(word)).collect();
                    assert_eq!(found, Vec::<&String>::new(), "{word} is still there");
                }
                let faults = annuaire_publish::verify(&self.registry, index, view, &|_, _, _| {}).unwrap();
                assert_eq!(faults, Vec::<String>::new());
                assert_eq!(index.check().unwrap(), Vec::<String>::new());
                crate::references::assert_targets_exist(index);
            }
        }
    }
}

/// Bodies of all versions of a resource, oldest first; `None` for a tombstone.
fn history(index: &Index, ty: TypeId, id: &str) -> Vec<Option<Value>> {
    let snapshot = index.snapshot().unwrap();
    let rows = snapshot.history(ty, id).unwrap().into_iter().rev();
    let body = |row: Row| serde_json::from_slice(snapshot.read(row).unwrap().body()).ok();
    rows.map(body).collect()
}

#[test]
fn nothing_is_left_of_a_person() {
    let w = FollowedRegistry::new();
    // Two names, two places, one of them named after the person and described by nobody.
    commit(&w.registry, T0, &[somebody(DUPONT, "DUPONT", "12345", "R10999000003001"), cabinet("C1", "MAISON")]);
    commit(&w.registry, T0 + 1, &[somebody(MARTIN, "MARTIN", "67890", "C1"), civil_status(DUPONT, "NEDUPONT")]);
    commit(&w.registry, T0 + 2, &[somebody(DUPONT, "DUPOND", "12346", "C1")]);
    for (index, view) in w.each() {
        follow(&w.registry, index, view);
    }
    assert!(dump(&w.restricted).iter().any(|line| line.contains("NEDUPONT")));
    let bad: SourceChange = ("PP:810999000003".into(), "psc", Some("{ DUPONT".into()));
    commit(&w.registry, T0 + 3, &[bad]);
    let [public, restricted] = w.withdraw(T0 + 4, &["PP:810999000003"], &[]);
    // Practitioner, both roles, the place; and the Person.
    assert_eq!((public.withdrawn, restricted.withdrawn), (4, 5));
    w.assert_forgotten(&["DUPON", "NEDUPONT", "1970-02-03", "\"value\":\"810999000003\""]);
    for (ty, id) in [(PRACTITIONER, PP), (PRACTITIONER_ROLE, "005-12345"), (ORGANIZATION, "001-R10999000003001")] {
        assert_eq!(w.body(ty, id), None);
        let versions = history(&w.public, ty, id);
        assert!(versions.len() >= 2 && versions.iter().all(Option::is_none), "{id}: {versions:?}");
    }
    assert_eq!(body(&w.restricted, PERSON, "006-810999000003"), None);
    assert_eq!(annuaire_publish::set_aside(&w.restricted).unwrap().1, 0, "the reason is gone too");
    // Others stay as they were.
    assert_eq!(w.body(PRACTITIONER, "003-810999000011-10-C").unwrap()["meta"]["versionId"], "1");
    assert_eq!(w.body(ORGANIZATION, "001-C1").unwrap()["name"], "MAISON");
    let past = w.public.snapshot_at(Tx::new(1)).unwrap().unwrap();
    assert!(past.search(PRACTITIONER, &Filter::All).unwrap().is_empty(), "the past is forgotten too");
    // Lifted: numbers of versions go on.
    let mut unit = w.registry.begin().unwrap();
    unit.lift_withdrawal("PP:810999000003").unwrap();
    save(unit, T0 + 5);
    commit(&w.registry, T0 + 6, &[somebody(DUPONT, "DURAND", "12345", "C1")]);
    follow(&w.registry, &w.public, PUBLIC);
    let number: u32 = w.body(PRACTITIONER, PP).unwrap()["meta"]["versionId"].as_str().unwrap().parse().unwrap();
    assert_eq!(number, 4, "two versions and a tombstone were before");
}

/// Others work there: their practice stays published, and the structure as they name it.
#[test]
fn a_structure_to_which_others_point_is_only_named() {
    let w = FollowedRegistry::new();
    commit(&w.registry, T0, &[cabinet("C1", "CABINET DU DR DUPONT"), somebody(MARTIN, "MARTIN", "67890", "C1")]);
    commit(&w.registry, T0 + 1, &[cabinet("C2", "CABINET DUPONT"), mailboxes("dupont@mssante.example")]);
    for (index, view) in w.each() {
        follow(&w.registry, index, view);
    }
    let role = w.body(PRACTITIONER_ROLE, "005-67890").unwrap();
    w.withdraw(T0 + 2, &["ST:C1", "ST:C2", "NS:399000000000017"], &[]);
    w.assert_forgotten(&["DUPONT", "dupont"]);
    assert_eq!(w.body(PRACTITIONER_ROLE, "005-67890").unwrap(), role);
    let named = w.body(ORGANIZATION, "001-C1").unwrap();
    assert_eq!((named.get("name"), &named["active"]), (None, &json!(true)));
    assert_eq!(w.body(ORGANIZATION, "001-C2"), None, "nobody points to it");
    let versions = history(&w.public, ORGANIZATION, "001-C1");
    assert!(versions.iter().rev().skip(1).all(Option::is_none) && versions.last().unwrap().is_some(), "{versions:?}");
    // Nothing points to it any more: it vanishes as what left does.
    commit(&w.registry, T0 + 3, &[somebody(MARTIN, "MARTIN", "67890", "C3")]);
    commit(&w.registry, T0 + 40 * DAY, &[structure("990000019", "B")]);
    follow(&w.registry, &w.public, PUBLIC);
    assert_eq!(w.body(ORGANIZATION, "001-C1"), None);
}

/// Mailboxes are published with a structure, which stays.
#[test]
fn mailboxes_are_withdrawn_from_all_versions_of_their_structure() {
    let w = FollowedRegistry::new();
    commit(&w.registry, T0, &[cabinet("C1", "MAISON"), mailboxes("dupont@mssante.example")]);
    // Ended before: the version of today does not have it, and is published again all the same.
    commit(&w.registry, T0 + 1, &[("NS:399000000000017".into(), "mss", None)]);
    for (index, view) in w.each() {
        follow(&w.registry, index, view);
    }
    w.withdraw(T0 + 2, &["NS:399000000000017"], &[]);
    w.assert_forgotten(&["dupont"]);
    let versions = history(&w.public, ORGANIZATION, "001-C1");
    assert_eq!(versions.len(), 4, "{versions:?}");
    assert_eq!(versions[3].as_ref().unwrap()["name"], "MAISON");
    assert_eq!(versions[3].as_ref().unwrap()["meta"]["versionId"], "4");
}

/// A resource of a feed goes with its entity, and no other one does.
#[test]
fn a_resource_of_a_feed_is_withdrawn_by_its_name() {
    let w = FollowedRegistry::new();
    let sent = |id: &str, maker: &str| {
        let json = json!({"resourceType": "Device", "id": id, "manufacturer": maker}).to_string();
        put(&format!("FH:Device/{id}"), "fhir", Objet::Ressource { json })
    };
    commit(&w.registry, T0, &[sent("a", "SECRET"), sent("b", "OTHER")]);
    commit(&w.registry, T0 + 1, &[sent("a", "SECRET2")]);
    for (index, view) in w.each() {
        follow(&w.registry, index, view);
    }
    let [public, _] = w.withdraw(T0 + 2, &["FH:Device/a"], &[sent("b", "OTHER2")]);
    assert_eq!(public.withdrawn, 1);
    w.assert_forgotten(&["SECRET"]);
    assert_eq!(w.body(DEVICE, "b").unwrap()["manufacturer"], "OTHER2");
    let maker = Filter::Prefix { param: schema::params::MANUFACTURER.id, value: "SECRET".into() };
    assert!(w.public.snapshot().unwrap().search(DEVICE, &maker).unwrap().is_empty());
}

/// A feed gives a resource of the same id: the content of the structure goes, that of the feed is published again.
#[test]
fn what_another_entity_gives_stays() {
    let w = FollowedRegistry::new();
    let feed = json!({"resourceType": "Organization", "id": "001-C1", "name": "OF THE FEED"}).to_string();
    commit(&w.registry, T0, &[cabinet("C1", "SECRET")]);
    commit(&w.registry, T0 + 1, &[put("FH:Organization/001-C1", "fhir", Objet::Ressource { json: feed })]);
    for (index, view) in w.each() {
        follow(&w.registry, index, view);
    }
    assert_eq!(w.body(ORGANIZATION, "001-C1").unwrap()["name"], "OF THE FEED");
    w.withdraw(T0 + 2, &["ST:C1"], &[]);
    w.assert_forgotten(&["SECRET"]);
    assert_eq!(w.body(ORGANIZATION, "001-C1").unwrap()["name"], "OF THE FEED");
    assert_eq!(w.body(ORGANIZATION, "001-C1").unwrap()["meta"]["versionId"], "4");
}
