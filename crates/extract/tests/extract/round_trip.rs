//! What is extracted and imported into an empty registry is what was known, but for what the files cannot carry.

use crate::common::{World, files_of, part_of};
use annuaire_consolidate::{ConsolidatedEntity, Perimeter};
use annuaire_extract::ExtractOptions;
use annuaire_mos::{ActiviteAutorisee, Structure};
use annuaire_testkit::{Plan, generate};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a perimeter shows of an entity, without what the national files cannot carry:
///
/// - a person of whom nothing is known but the number;
/// - the registration authority of a person without activity: columns 18 to 56 are empty then;
/// - of structures, what FINESS+ knows and the legacy files have no column for: natures of budget, mail, categories of
///   establishments under their new codes, the dot in the class of activity, when a legal entity was last touched; closed ones, which
///   are not in a stock.
fn carried(entity: &ConsolidatedEntity) -> Option<ConsolidatedEntity> {
    let mut e = ConsolidatedEntity { entity: entity.entity.clone(), ..Default::default() };
    if let Some(mut p) = entity.professional.clone() {
        if p.exercices.iter().all(|e| e.situations.is_empty()) {
            p.autorite_enregistrement.clear();
        }
        let says_nothing = p.exercices.is_empty() && p.diplomes.is_empty() && p.autorisations.is_empty();
        e.professional = Some(p).filter(|_| !says_nothing);
    }
    if let Some(s) = &entity.structure {
        if s.ferme {
            return None;
        }
        let code_ape = s.code_ape.replace('.', "");
        let date_maj = if s.entite_juridique { String::new() } else { s.date_maj.clone() };
        e.structure = Some(Structure { types_budget: Vec::new(), code_ape, date_maj, ..s.clone() });
    }
    (e.cards, e.mailboxes) = (entity.cards.clone(), entity.mailboxes.clone());
    Some(e)
}

fn all(world: &World) -> BTreeMap<String, ConsolidatedEntity> {
    let is_carried = |(key, e): (&String, &ConsolidatedEntity)| {
        // Activities have other keys: the legacy files give them none.
        (!key.starts_with("AC:")).then(|| Some((key.clone(), carried(e)?)))?
    };
    world.entities(Perimeter::Public).iter().filter_map(is_carried).collect()
}

/// What the legacy files say of activities, whatever their keys: those of natures that they have, in force.
fn activities(world: &World) -> Vec<(String, String, String, String, String, String)> {
    let entities = world.entities(Perimeter::Public);
    let all = entities.values().flat_map(|e| &e.activities);
    let says = |a: &ActiviteAutorisee| -> Vec<_> {
        let of = a.exercees.iter().filter(|x| matches!(x.nature.as_str(), "AMF" | "AMSR" | "ASMR") && !x.inactive);
        of.map(|x| {
            let [activity, modality, form, public] = [&x.activite, &x.modalite, &x.forme, &x.public].map(String::clone);
            (x.num_finess.clone(), activity, modality, form, public, x.date_autorisation.clone())
        })
        .collect()
    };
    let mut said: Vec<_> = all.flat_map(says).collect();
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn an_extraction_imported_elsewhere_says_what_was_known(seed in 0_u64..1_000, professionals in 20_u32..120) {
        let world = World::new();
        let (whole, part) = (world.dir.path().join("whole"), world.dir.path().join("part"));
        generate(&whole, &Plan { professionals, seed, changed_per_mille: 20 }).unwrap();
        world.import(&part_of(&whole, &part, seed, "202611010800"));
        let (dir, report) = world.extract("out", world.last(), &ExtractOptions::default());
        // A member of an archive that has its header alone is taken for a cut file.
        prop_assume!(report.files.iter().all(|f| f.lines > 0));
        let again = World::new();
        let report = again.import(&files_of(&dir));
        prop_assert_eq!((report.quarantined, &report.warnings, &report.missing), (0, &Vec::new(), &Vec::new()));
        let (known, read) = (all(&world), all(&again));
        for (key, entity) in &known {
            let read = read.get(key);
            let professional = read.and_then(|r| r.professional.as_ref());
            prop_assert_eq!(entity.professional.as_ref(), professional, "{}", key);
            prop_assert_eq!(entity.structure.as_ref(), read.and_then(|r| r.structure.as_ref()), "{}", key);
            let attached = read.map(|r| (r.cards.clone(), r.mailboxes.clone())).unwrap_or_default();
            prop_assert_eq!((&entity.cards, &entity.mailboxes), (&attached.0, &attached.1), "{}", key);
        }
        // A closed structure where somebody works is still named.
        let entities = world.entities(Perimeter::Public);
        let more: Vec<&String> = read.keys().filter(|k| !entities.contains_key(*k)).collect();
        prop_assert_eq!(more, Vec::<&String>::new());
        prop_assert_eq!(activities(&world), activities(&again));
        // And extracted again, it is the same lines, but for the counter of FINESS files.
        let (second, _) = again.extract("out", again.last(), &ExtractOptions::default());
        let (one, two) = (crate::common::texts(&dir), crate::common::texts(&second));
        for (name, text) in &one {
            let body = |t: &str| t.split_once('\n').unwrap().1.to_owned();
            prop_assert_eq!(body(text), body(&two[name]), "{}", name);
        }
    }
}
