//! Laws of consolidation, on arbitrary facts of all kinds of owners.

use crate::facts::{
    civil_status, contact, fact, owners, person_in, practice, registered_practice, registered_situation, restricted, situation,
};
use annuaire_base::fact::Fact;
use annuaire_consolidate::{ConsolidatedEntity, Item, Owners, Perimeter, consolidate};
use annuaire_mos::{
    AttributionParticuliere, Coordonnees, EtatCivil, ExerciceProfessionnel, Objet, Professionnel, SavoirFaire, SituationExercice,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const SPEAKERS: [&str; 8] =
    ["psla", "r-activite", "CNOM", "SSA", "ARS-11", "ENREG:1990000028", "ENREG:1990000036", "PP:810999000010"];
const BOTH: [Perimeter; 2] = [Perimeter::Public, Perimeter::Restricted];
/// In every member that is never public.
const SECRET: &str = "SECRET";

fn text(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(values).prop_map(str::to_owned)
}

fn arbitrary_situation() -> impl Strategy<Value = SituationExercice> {
    let ids = text(&["01", "02", "03", "04", "05", "06"]);
    let days = (text(&["", "2019", "2021-07-01"]), text(&["", "2020", "2022"]));
    (ids, text(&["", "F1", "F2"]), text(&["", "FON-01"]), text(&["", "G1", "G2"]), days).prop_map(
        |(id, structure, role, genre_activite, (date_debut, date_fin))| SituationExercice {
            role,
            genre_activite,
            date_debut,
            date_fin,
            motif_fin: SECRET.into(),
            coordonnees: Some(Coordonnees { courriel: SECRET.into(), ..Default::default() }),
            ..situation(&id, &structure)
        },
    )
}

/// Situations with different identifiers, in their order, as files hold them.
fn arbitrary_situations() -> impl Strategy<Value = Vec<SituationExercice>> {
    prop::collection::vec(arbitrary_situation(), 0..3).prop_map(|mut all| {
        all.sort_by(|a, b| a.id_situation_exercice.cmp(&b.id_situation_exercice));
        all.dedup_by(|a, b| a.id_situation_exercice == b.id_situation_exercice);
        all
    })
}

fn arbitrary_practice(situations: impl Strategy<Value = Vec<SituationExercice>>) -> impl Strategy<Value = ExerciceProfessionnel> {
    let know = prop::sample::subsequence(vec!["SM04", "SM26"], 0..=2);
    (text(&["10", "40"]), text(&["", "DUPONT", "DUPOND"]), text(&["", "DR"]), know, situations).prop_map(
        |(profession, name, civilite_exercice, know, situations)| ExerciceProfessionnel {
            civilite_exercice,
            savoir_faire: know
                .into_iter()
                .map(|code| SavoirFaire { code: code.into(), date_reconnaissance: SECRET.into(), ..Default::default() })
                .collect(),
            situations,
            date_effet_exercice: SECRET.into(),
            ..practice(&profession, &name)
        },
    )
}

/// All that one owner says of a person.
pub fn arbitrary_person() -> impl Strategy<Value = Professionnel> {
    let practices = prop::collection::vec(arbitrary_practice(arbitrary_situations()), 0..3);
    (practices, any::<bool>(), text(&["", "CNOM"])).prop_map(|(mut exercices, knows_civil_status, autorite)| {
        let mut ids = BTreeSet::new();
        let mut known = BTreeSet::new();
        exercices.retain(|e| known.insert(e.profession.clone()));
        exercices.iter_mut().for_each(|e| e.situations.retain(|s| ids.insert(s.id_situation_exercice.clone())));
        Professionnel {
            id_nat_ps: "810999000010".into(),
            exercices,
            autorite_enregistrement: autorite,
            etat_civil: knows_civil_status.then(|| EtatCivil { nom_famille: SECRET.into(), ..Default::default() }),
            attributions: vec![AttributionParticuliere { code: SECRET.into(), ..Default::default() }],
            ..Default::default()
        }
    })
}

fn arbitrary_object() -> impl Strategy<Value = Objet> {
    prop_oneof![
        2 => arbitrary_person().prop_map(Objet::Professionnel),
        2 => arbitrary_practice(Just(Vec::new())).prop_map(registered_practice),
        4 => (text(&["10", "40"]), arbitrary_situation()).prop_map(|(p, s)| registered_situation(&p, s)),
        1 => Just(civil_status(SECRET)),
        1 => Just(contact(SECRET)),
    ]
}

/// Facts with different keys, each open or restricted.
fn arbitrary_facts() -> impl Strategy<Value = Vec<Fact>> {
    let stated = (prop::sample::select(&SPEAKERS[..]), 1..99_u64, arbitrary_object(), any::<bool>()).prop_map(
        |(owner, tx, object, open)| {
            let fact = fact(owner, tx, &object);
            if open { fact } else { restricted(fact) }
        },
    );
    prop::collection::vec(stated, 0..8).prop_map(|mut facts| {
        let mut keys = BTreeSet::new();
        facts.retain(|fact| keys.insert(fact.key.clone()));
        facts
    })
}

fn situations(p: &Professionnel) -> impl Iterator<Item = (&ExerciceProfessionnel, &SituationExercice)> {
    p.exercices.iter().flat_map(|e| e.situations.iter().map(move |s| (e, s)))
}

/// The members of a situation or practice that fill up, as JSON: a member that is there stays as it is.
fn contradicts(before: &impl serde::Serialize, after: &impl serde::Serialize) -> bool {
    let members = |value: serde_json::Value| value.as_object().cloned().unwrap();
    let (before, after) = (serde_json::to_value(before).unwrap(), serde_json::to_value(after).unwrap());
    let after = members(after);
    members(before).iter().any(|(name, value)| !value.is_array() && after.get(name) != Some(value))
}

proptest! {
    #[test]
    fn the_order_of_facts_does_not_matter(
        (facts, shuffled) in arbitrary_facts().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle()))
    ) {
        for perimeter in BOTH {
            prop_assert_eq!(person_in(perimeter, facts.clone()), person_in(perimeter, shuffled.clone()));
        }
    }

    /// A fact given twice counts once, and so does an older version of it.
    #[test]
    fn a_fact_counts_once(facts in arbitrary_facts()) {
        let older = facts.iter().cloned().map(|f| Fact { tx: f.tx.previous(), payload: "{".into(), ..f });
        let again: Vec<Fact> = facts.iter().cloned().chain(older).chain(facts.iter().cloned()).collect();
        prop_assert_eq!(person_in(Perimeter::Restricted, facts), person_in(Perimeter::Restricted, again));
    }

    /// Merging what is known already changes nothing.
    #[test]
    fn merging_is_idempotent(facts in arbitrary_facts()) {
        let known = person_in(Perimeter::Restricted, facts.clone()).professional;
        prop_assume!(known.is_some());
        let echo = fact("echo", 100, &Objet::Professionnel(known.clone().unwrap()));
        let again = person_in(Perimeter::Restricted, facts.into_iter().chain([echo]).collect()).professional;
        prop_assert_eq!(known, again);
    }

    /// Owners whom their codes tell need no description.
    #[test]
    fn a_row_without_description_says_what_its_code_tells(facts in arbitrary_facts()) {
        for perimeter in BOTH {
            prop_assert_eq!(consolidate(facts.clone(), &Owners::default(), perimeter), consolidate(facts.clone(), owners(), perimeter));
        }
    }

    /// Entities are merged for themselves, however their facts are mixed.
    #[test]
    fn entities_do_not_mix(
        (facts, others) in (arbitrary_facts(), arbitrary_facts()),
        shuffled in prop::collection::vec(any::<prop::sample::Index>(), 16),
    ) {
        let others: Vec<Fact> = others.into_iter().map(|mut f| { f.key.entity = "PP:810999000028".into(); f }).collect();
        let mut mixed: Vec<Fact> = facts.iter().chain(&others).cloned().collect();
        for index in shuffled.iter().filter(|_| facts.len() + others.len() > 0) {
            let at = index.index(mixed.len());
            mixed.swap(0, at);
        }
        for perimeter in BOTH {
            let mut apart = consolidate(facts.clone(), owners(), perimeter);
            apart.extend(consolidate(others.clone(), owners(), perimeter));
            prop_assert_eq!(consolidate(mixed.clone(), owners(), perimeter), apart);
        }
    }

    /// A weaker owner adds and fills, and neither contradicts nor removes.
    #[test]
    fn a_weaker_fact_never_contradicts_and_never_removes(
        facts in arbitrary_facts(),
        weaker in arbitrary_person(),
    ) {
        for perimeter in BOTH {
            let before = person_in(perimeter, facts.clone()).professional.unwrap_or_default();
            let weaker = fact("echo", 100, &Objet::Professionnel(weaker.clone()));
            let after = person_in(perimeter, facts.iter().cloned().chain([weaker]).collect()).professional.unwrap_or_default();
            if before.etat_civil.is_some() {
                prop_assert_eq!(&before.etat_civil, &after.etat_civil);
            }
            for e in &before.exercices {
                let of = |k: &&ExerciceProfessionnel| k.profession == e.profession;
                let kept = after.exercices.iter().find(of).expect("the practice stays");
                prop_assert!(!contradicts(e, kept), "{:?} {:?}", e, kept);
                for s in &e.situations {
                    let of = |k: &&SituationExercice| k.id_situation_exercice == s.id_situation_exercice;
                    let kept = kept.situations.iter().find(of).expect("the situation stays");
                    prop_assert!(!contradicts(s, kept), "{:?} {:?}", s, kept);
                }
            }
        }
    }

    /// One identifier is one situation: published resources are numbered by it.
    #[test]
    fn no_identifier_stands_twice(facts in arbitrary_facts()) {
        for perimeter in BOTH {
            let facts: Vec<Fact> = facts.iter().filter(|f| !f.key.owner.starts_with("r-")).cloned().collect();
            let p = person_in(perimeter, facts).professional.unwrap_or_default();
            let mut ids = BTreeSet::new();
            prop_assert!(situations(&p).all(|(_, s)| ids.insert(&s.id_situation_exercice)), "{:?}", p);
        }
    }

    #[test]
    fn nothing_restricted_is_public(facts in arbitrary_facts()) {
        let public = person_in(Perimeter::Public, facts.clone());
        let shown = format!("{public:?}");
        prop_assert!(!shown.contains(SECRET), "{}", shown);
        // Restricted facts leave no trace at all: taking a fact away gives what never having had it gives.
        let open = facts.into_iter().filter(|f| Perimeter::Public.counts(f.publication)).collect();
        prop_assert_eq!(public, person_in(Perimeter::Public, open));
    }

    /// Days that the public perimeter does not show still tell situations apart there.
    #[test]
    fn perimeters_agree_on_which_situations_there_are(facts in arbitrary_facts()) {
        let open: Vec<Fact> = facts.into_iter().filter(|f| Perimeter::Public.counts(f.publication)).collect();
        let ids = |perimeter| {
            let p = person_in(perimeter, open.clone()).professional.unwrap_or_default();
            situations(&p).map(|(e, s)| (e.profession.clone(), s.id_situation_exercice.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(ids(Perimeter::Public), ids(Perimeter::Restricted));
    }

    /// Every part is said by a fact, and only by facts that say it.
    #[test]
    fn every_part_has_its_facts(facts in arbitrary_facts()) {
        for perimeter in BOTH {
            let entity = person_in(perimeter, facts.clone());
            let Some(p) = &entity.professional else { continue };
            prop_assert_eq!(says(&entity, Item::CivilStatus) > 0, p.etat_civil.is_some());
            prop_assert_eq!(says(&entity, Item::Contact) > 0, p.correspondance.is_some());
            for (position, e) in p.exercices.iter().enumerate() {
                prop_assert!(says(&entity, Item::Practice(position)) > 0);
                for saying in entity.provenance.of(Item::Practice(position)) {
                    let said = facts.iter().find(|f| f.key.owner == saying.owner && f.key.facet == saying.facet).unwrap();
                    let names_it = said.payload.contains(&format!("\"profession\":\"{}\"", e.profession));
                    prop_assert!(names_it && said.tx == saying.tx, "{:?}", said);
                }
                for s in 0..e.situations.len() {
                    prop_assert!(says(&entity, Item::Situation(position, s)) > 0, "{:?}", entity);
                }
                prop_assert_eq!(says(&entity, Item::Situation(position, e.situations.len())), 0);
            }
            prop_assert_eq!(says(&entity, Item::Practice(p.exercices.len())), 0);
        }
    }
}

fn says(entity: &ConsolidatedEntity, item: Item) -> usize {
    entity.provenance.of(item).count()
}
