//! Deliveries of files are published as before there were other owners.

use crate::facts::{PERSON, fact, owners};
use crate::naive_files::{NaiveEntity, merge};
use crate::properties::arbitrary_person;
use annuaire_base::fact::{Fact, Publication};
use annuaire_consolidate::{Perimeter, consolidate};
use annuaire_mos::owner::file_source;
use annuaire_mos::{Adresse, BoiteLettresMss, CarteProfessionnel, Certificat, Objet, Structure};
use proptest::prelude::*;

const FILES: [&str; 8] = ["r-activite", "r-personne", "r-etatciv", "psc", "psla", "psla-sf", "monotable", "finess-geo"];

fn arbitrary_object() -> impl Strategy<Value = Objet> {
    let number = || prop::sample::select(vec!["1", "2", "3"]);
    let cards = prop::collection::vec((number(), "[ab]?"), 0..3).prop_map(|cards| {
        let card = |(number, chip): (&str, String)| CarteProfessionnel {
            numero_carte: number.into(),
            id_nat_carte: chip,
            ..Default::default()
        };
        Objet::Cartes { cartes: cards.into_iter().map(card).collect() }
    });
    let boxes = prop::collection::vec(number(), 0..3).prop_map(|addresses| Objet::BoitesLettres {
        boites: addresses.into_iter().map(|a| BoiteLettresMss { adresse: a.into(), ..Default::default() }).collect(),
    });
    let structure = ("[AB]?", "[XY]?", "[M]?").prop_map(|(raison_sociale, localite, certificate)| {
        Objet::Structure(Structure {
            raison_sociale,
            adresse: Adresse { localite, ..Default::default() },
            certificats: vec![Certificat { numero: certificate, ..Default::default() }],
            ..Default::default()
        })
    });
    let person = arbitrary_person().prop_map(Objet::Professionnel);
    prop_oneof![4 => person, 1 => cards, 1 => boxes, 1 => structure]
}

/// One fact of each of some files, as open as the file is.
fn arbitrary_facts() -> impl Strategy<Value = Vec<Fact>> {
    let files = prop::sample::subsequence(FILES.to_vec(), 0..=FILES.len()).prop_shuffle();
    (files, prop::collection::vec(arbitrary_object(), FILES.len())).prop_map(|(files, objects)| {
        let stated = files.into_iter().zip(objects).map(|(file, object)| {
            let open = file_source(file).unwrap().open;
            let publication = if open { Publication::Open } else { Publication::Restricted };
            Fact { publication, ..fact(file, 1, &object) }
        });
        stated.collect()
    })
}

proptest! {
    #[test]
    fn files_alone_are_merged_by_rank(facts in arbitrary_facts()) {
        for perimeter in [Perimeter::Public, Perimeter::Restricted] {
            let mut all = consolidate(facts.clone(), owners(), perimeter);
            let entity = all.remove(PERSON).unwrap_or_default();
            prop_assert_eq!(&entity.fault, &None);
            let got = NaiveEntity {
                professional: entity.professional,
                structure: entity.structure,
                activities: entity.activities,
                cards: entity.cards,
                mailboxes: entity.mailboxes,
            };
            prop_assert_eq!(got, merge(facts.clone(), perimeter));
        }
    }
}
