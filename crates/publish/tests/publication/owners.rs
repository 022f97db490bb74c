//! Owners whom their codes tell: local authorities, and professionals who own their contact.

use crate::followed_registry::{FollowedRegistry, PUBLIC, RESTRICTED, T0, dump, person, put_change, save, structure};
use annuaire_base::fact::{FactKey, Publication};
use annuaire_mos::owner::Owner;
use annuaire_mos::{Coordonnees, Objet, SituationEnregistree, SituationExercice};
use annuaire_publish::verify;
use annuaire_store::{Change, Expect, OwnerRow};

const EMPLOYER: &str = "1990000036";
const HOLDER: &str = "810999000003";

/// What an employer and the professional state, the contact in two versions.
fn stated(mail: &str) -> Vec<Change> {
    let fact = |owner: &Owner, object: &Objet| Change {
        key: FactKey { owner: owner.code.clone(), entity: format!("PP:{HOLDER}"), facet: object.facet().to_string() },
        payload: Some(serde_json::to_string(object).unwrap()),
        publication: if owner.is_open(&object.facet()) { Publication::Open } else { Publication::Restricted },
        fingerprint: 0,
    };
    let situation = SituationExercice {
        id_situation_exercice: "77".into(),
        mode_exercice: "S".into(),
        structure: "F990000036".into(),
        date_debut: "2026-11-02".into(),
        ..Default::default()
    };
    let contact = Coordonnees { courriel: mail.into(), ..Default::default() };
    vec![
        fact(
            &Owner::structure(EMPLOYER),
            &Objet::Situation(SituationEnregistree { profession: "10".into(), categorie_professionnelle: "C".into(), situation }),
        ),
        fact(&Owner::person(HOLDER), &Objet::Contact { correspondance: contact }),
    ]
}

/// A registry in which these owners have the descriptions that earlier programs wrote, or none.
fn followed(describe: bool) -> (FollowedRegistry, [Vec<String>; 2]) {
    let w = FollowedRegistry::new();
    let mut unit = w.registry.begin().unwrap();
    for owner in [Owner::structure(EMPLOYER), Owner::person(HOLDER)] {
        let description = if describe { serde_json::to_string(&owner).unwrap() } else { String::new() };
        unit.set_owner(&OwnerRow { code: owner.code, description }).unwrap();
    }
    save(unit, T0);
    for (n, mail) in [(0, "ancien@personne.example"), (1, "nouveau@personne.example")] {
        let mut unit = w.registry.begin().unwrap();
        for change in [structure("990000019", "A"), structure("990000036", "EMPLOYEUR"), person("F990000019")] {
            put_change(&mut unit, &change);
        }
        stated(mail).into_iter().for_each(|change| unit.put(change, Expect::Any).unwrap());
        save(unit, T0 + n);
        w.follow_and_compare();
    }
    let dumps = [dump(&w.public), dump(&w.restricted)];
    (w, dumps)
}

#[test]
fn what_owners_without_description_state_is_published_to_the_same_bytes() {
    let (_, described) = followed(true);
    let (w, told) = followed(false);
    assert_eq!(told, described);
    assert!(told[1].iter().any(|version| version.contains("nouveau@personne.example")), "{:?}", told[1]);
    assert!(
        told[0].iter().any(|version| version.contains("EMPLOYEUR")) && !told[0].iter().any(|v| v.contains("personne.example"))
    );
    assert_eq!(w.registry.described_owners().unwrap(), []);
    for (index, view) in [(&w.public, PUBLIC), (&w.restricted, RESTRICTED)] {
        assert_eq!(annuaire_publish::set_aside(index).unwrap().1, 0);
        assert_eq!(verify(&w.registry, index, view, &|_, _, _| {}).unwrap(), Vec::<String>::new());
    }
}
