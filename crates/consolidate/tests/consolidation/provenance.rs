//! Who says what.

use crate::facts::{
    PERSON, civil_status, contact, fact, filed, owners, person_in, practice, registered_practice, registered_situation, situation,
};
use annuaire_base::fact::{Fact, FactKey};
use annuaire_consolidate::{ConsolidatedEntity, Item, Perimeter, consolidate};
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, ExerciceProfessionnel, Objet, Structure};

fn says(entity: &ConsolidatedEntity, item: Item) -> Vec<String> {
    entity.provenance.of(item).map(|s| format!("{}@{}", s.owner, s.tx)).collect()
}

#[test]
fn each_part_names_its_facts_the_strongest_first() {
    let two = vec![situation("01", "F990000019"), situation("02", "F990000027")];
    let named = |e: ExerciceProfessionnel| fact("CNOM", 5, &registered_practice(e));
    let cards = Objet::Cartes { cartes: vec![CarteProfessionnel { numero_carte: "7".into(), ..Default::default() }] };
    let boxes =
        Objet::BoitesLettres { boites: vec![BoiteLettresMss { adresse: "a@mssante.example".into(), ..Default::default() }] };
    let facts = vec![
        fact("psla", 1, &filed("10", "DUPONT", two)),
        fact("psla-sf", 2, &filed("10", "", vec![])),
        fact("monotable", 3, &filed("40", "", vec![situation("03", "F990000035")])),
        fact("ENREG:1990000028", 4, &registered_situation("10", situation("99", "F990000027"))),
        named(practice("10", "DUPONT")),
        fact("ARS-11", 6, &civil_status("AGENCE")),
        fact("CNOM", 7, &civil_status("ORDRE")),
        fact("CNOM", 8, &contact("ordre@example.org")),
        fact("PP:810999000010", 9, &contact("moi@example.org")),
        fact("cps", 10, &cards),
        fact("mss", 11, &boxes),
    ];
    let entity = person_in(Perimeter::Restricted, facts);
    assert_eq!(entity.professional.as_ref().unwrap().exercices.len(), 1);
    assert_eq!(says(&entity, Item::Practice(0)), ["CNOM@5", "psla@1", "psla-sf@2"]);
    assert_eq!(says(&entity, Item::Situation(0, 0)), ["psla@1"]);
    assert_eq!(says(&entity, Item::Situation(0, 1)), ["psla@1", "ENREG:1990000028@4"]);
    assert_eq!(says(&entity, Item::CivilStatus), ["CNOM@7", "ARS-11@6"]);
    assert_eq!(says(&entity, Item::Contact), ["PP:810999000010@9", "CNOM@8"]);
    assert_eq!(says(&entity, Item::Card(0)), ["cps@10"]);
    assert_eq!(says(&entity, Item::Mailbox(0)), ["mss@11"]);
    assert_eq!(says(&entity, Item::Practice(1)), [""; 0]);
    let facet = entity.provenance.of(Item::Practice(0)).next().unwrap().facet.as_str();
    assert_eq!(facet, "exercice:10:C");
}

/// Files are merged by a rule of their own; a practice without a name leaves, and the others keep their facts.
#[test]
fn parts_that_files_alone_say_name_their_facts() {
    let Objet::Professionnel(mut p) = filed("40", "", vec![]) else { unreachable!() };
    p.exercices.push(ExerciceProfessionnel { situations: vec![situation("01", ""), situation("02", "")], ..practice("10", "A") });
    let facts = vec![
        fact("r-activite", 1, &Objet::Professionnel(p)),
        fact("r-coordact", 2, &filed("10", "", vec![situation("02", "")])),
        // It numbers situations in its own way, so that it says none of them.
        fact("psla", 3, &filed("10", "A", vec![situation("00000000000000000001", "")])),
    ];
    let entity = person_in(Perimeter::Restricted, facts);
    assert_eq!(entity.professional.as_ref().unwrap().exercices.len(), 1);
    assert_eq!(says(&entity, Item::Practice(0)), ["r-activite@1", "r-coordact@2", "psla@3"]);
    assert_eq!(says(&entity, Item::Situation(0, 0)), ["r-activite@1"]);
    assert_eq!(says(&entity, Item::Situation(0, 1)), ["r-activite@1", "r-coordact@2"]);
}

#[test]
fn mailboxes_of_a_holder_come_with_their_facts() {
    let of = |entity: &str, fact: Fact| Fact { key: FactKey { entity: entity.into(), ..fact.key }, ..fact };
    let boxes = |adresse: &str| {
        let boites = vec![BoiteLettresMss { adresse: adresse.into(), ..Default::default() }];
        Objet::BoitesLettres { boites }
    };
    let structure = Structure { id_technique: "C1".into(), id_nat_struct: "31".into(), ..Default::default() };
    let facts = vec![
        of("ST:C1", fact("psla", 1, &Objet::Structure(structure))),
        of("ST:C1", fact("r-adressemssante", 2, &boxes("a@mssante.example"))),
        of("NS:31", fact("mss", 3, &boxes("b@mssante.example"))),
        fact("cps", 4, &boxes("c@mssante.example")),
    ];
    let mut all = consolidate(facts, owners(), Perimeter::Public);
    assert_eq!(all.keys().collect::<Vec<_>>(), ["NS:31", PERSON, "ST:C1"]);
    let holder = all.remove(&all["ST:C1"].mailbox_holder().unwrap()).unwrap();
    let structure = all.get_mut("ST:C1").unwrap();
    structure.add_mailboxes_of(&holder);
    assert_eq!(structure.mailboxes.len(), 2);
    assert_eq!(says(structure, Item::Mailbox(0)), ["r-adressemssante@2"]);
    assert_eq!(says(structure, Item::Mailbox(1)), ["mss@3"]);
}
