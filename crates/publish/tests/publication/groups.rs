//! Small transactions that are applied together give what they give one by one.

use crate::followed_registry::*;
use annuaire_base::Tx;
use annuaire_fhir::schema;
use annuaire_index::{Filter, Index, Row};
use annuaire_mos::{BoiteLettresMss, ExerciceProfessionnel, Objet, Professionnel, SituationExercice, Structure};
use annuaire_publish::{PublicationFollower, catch_up};
use annuaire_testkit::Dice;

/// Every version, and every state that the store answers, with its instant.
fn whole(index: &Index) -> Vec<String> {
    let mut all = dump(index);
    for tx in 0..=index.applied_tx().get() {
        let state = index.snapshot_at(Tx::new(tx)).unwrap().unwrap();
        for (ty, name) in schema::types() {
            let rows: Vec<u32> = state.search(ty, &Filter::All).unwrap().iter().collect();
            all.push(format!("{tx} at {}: {name} {rows:?}", state.commit_ms()));
        }
    }
    let snapshot = index.snapshot().unwrap();
    all.extend((0..).map_while(|row| snapshot.last_updated_ms(Row::new(row)).ok()).map(|ms| format!("of {ms}")));
    all
}

/// A change of a small nation, in which everything meets everything: structures with numbers and mailboxes, persons who change
/// places that nobody describes, resources of feeds, contents that cannot be read.
fn any_change(dice: &mut Dice) -> SourceChange {
    let mut roll = |n: u64| dice.below(n);
    let n = roll(5);
    let place = match roll(3) {
        0 => format!("R{}", roll(4)),
        _ => format!("C{}", roll(5)),
    };
    let bad = |entity: &str, source| (entity.to_owned(), source, Some("{".to_owned()));
    match roll(12) {
        0..4 => {
            let s =
                SituationExercice { id_situation_exercice: format!("{n}s{}", roll(3)), structure: place, ..Default::default() };
            let e = ExerciceProfessionnel {
                profession: "10".into(),
                categorie_professionnelle: ["C", "M"][roll(2) as usize].into(),
                nom_exercice: format!("N{}", roll(3)),
                situations: vec![s],
                ..Default::default()
            };
            let id_nat_ps = format!("81099900000{n}");
            let p = Professionnel {
                type_id_nat_pp: "8".into(),
                id_pp: format!("1099900000{n}"),
                id_nat_ps: id_nat_ps.clone(),
                exercices: vec![e],
                ..Default::default()
            };
            put(&format!("PP:{id_nat_ps}"), ["psla", "psc"][roll(2) as usize], Objet::Professionnel(p))
        }
        4..7 => {
            // Two structures may have one number, and a number may move.
            let s = Structure {
                id_technique: format!("C{n}"),
                id_nat_struct: format!("3{}", roll(4)),
                raison_sociale: format!("S{}", roll(3)),
                ..Default::default()
            };
            put(&format!("ST:C{n}"), ["psla", "monotable"][roll(2) as usize], Objet::Structure(s))
        }
        7 => {
            let boxes = vec![BoiteLettresMss {
                adresse: format!("a{}@mssante.example", roll(3)),
                type_bal: "ORG".into(),
                ..Default::default()
            }];
            put(&format!("NS:3{}", roll(4)), "mss", Objet::BoitesLettres { boites: boxes })
        }
        8 => device(["fhir", "fhir-restreint"][roll(2) as usize], &format!(r#"{{"resourceType":"Device","id":"d","x":{n}}}"#)),
        9 => match roll(4) {
            0 => bad(&format!("ST:C{n}"), "psla"),
            1 => bad(&format!("NS:3{}", roll(4)), "mss"),
            2 => bad(&format!("PP:81099900000{n}"), "psc"),
            _ => bad("FH:Device/d", "fhir"),
        },
        _ => match roll(4) {
            0 => (format!("ST:C{n}"), ["psla", "monotable"][roll(2) as usize], None),
            1 => (format!("NS:3{}", roll(4)), "mss", None),
            2 => ("FH:Device/d".into(), "fhir", None),
            _ => (format!("PP:81099900000{n}"), ["psla", "psc"][roll(2) as usize], None),
        },
    }
}

#[test]
fn transactions_together_give_what_they_give_one_by_one() {
    let mut groups = 0;
    let mut transactions = 0;
    for seed in 0..12 {
        let mut dice = Dice::new(seed, 0, 0);
        let dir = tempfile::tempdir().unwrap();
        let registry = open_registry(&dir.path().join("r"));
        let mut ms = T0;
        for _ in 0..60 {
            // Seconds most often; now and then longer than what left stays.
            ms += if dice.once_in(9) { 13 * DAY } else { 1_000 };
            let mut unit = registry.begin().unwrap();
            for _ in 0..=dice.below(3) {
                put_change(&mut unit, &any_change(&mut dice));
            }
            save(unit, ms);
        }
        for view in [PUBLIC, RESTRICTED] {
            let open =
                |name: &str| annuaire_publish::open(&dir.path().join(format!("{name}{:?}", view.perimeter)), MAP, view).unwrap();
            let (alone, together) = (open("alone"), open("together"));
            let tell = |_: &str, _: u64, _: u64| {};
            catch_up(&registry, &mut PublicationFollower::new(&alone, view).one_by_one(), &tell, &mut |_| {}).unwrap();
            catch_up(&registry, &mut PublicationFollower::new(&together, view), &tell, &mut |_| groups += 1).unwrap();
            transactions += together.applied_tx().get();
            assert_eq!(together.applied(), alone.applied());
            let (a, b) = (whole(&together), whole(&alone));
            let differing = a.iter().zip(&b).find(|(a, b)| a != b);
            assert_eq!((differing, a.len()), (None, b.len()), "seed {seed}, {view:?}");
            for index in [&alone, &together] {
                assert_eq!(annuaire_publish::verify(&registry, index, view, &tell).unwrap(), Vec::<String>::new(), "seed {seed}");
                assert_eq!(index.check().unwrap(), Vec::<String>::new());
            }
        }
    }
    assert!(groups * 3 < transactions, "{groups} groups for {transactions} transactions");
}
