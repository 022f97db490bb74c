//! Queries made of a generated nation.

use std::collections::{BTreeMap, BTreeSet};

use annuaire_testkit::{Plan, generate};

use super::kinds::KINDS;
use super::spelling::{plain, squeezed};
use super::{GoldNation, GoldQuery, gold_queries, read_queries, write_queries};

fn nation() -> GoldNation {
    let dir = tempfile::tempdir().unwrap();
    generate(dir.path(), &Plan { professionals: 6_000, seed: 7, changed_per_mille: 0 }).unwrap();
    GoldNation::read(dir.path()).unwrap()
}

#[test]
fn queries_follow_the_seed_fill_every_kind_and_can_be_read_again() {
    let nation = nation();
    assert_eq!(nation.people.len(), 6_000);
    let queries = gold_queries(&nation, 1);
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    queries.iter().for_each(|query| *counts.entry(&query.kind).or_default() += 1);
    for kind in KINDS {
        assert_eq!(counts.get(kind.name), Some(&kind.queries), "{}", kind.name);
    }
    assert_eq!(queries, gold_queries(&nation, 1));
    assert_ne!(queries, gold_queries(&nation, 2));
    assert_eq!(read_queries(&write_queries(&queries)).unwrap(), queries);
    let distinct: BTreeSet<(&str, &str)> = queries.iter().map(|query| (query.q.as_str(), query.ou.as_str())).collect();
    assert!(distinct.len() > queries.len() * 9 / 10, "{} texts", distinct.len());
}

#[test]
fn answers_are_those_of_the_true_name_and_confusion_stays_near_it() {
    let nation = nation();
    let people: BTreeMap<String, &super::nation::KnownPerson> =
        nation.people.iter().map(|person| (format!("professionnel/{}", person.national_id), person)).collect();
    let of = |queries: &[GoldQuery], kind: &str| queries.iter().filter(|q| q.kind == kind).cloned().collect::<Vec<_>>();
    let queries = gold_queries(&nation, 5);
    for query in of(&queries, "personne : prénom et nom") {
        for answer in &query.answers {
            let person = people[answer];
            let name = [squeezed(&person.given), squeezed(&person.family)];
            assert!([name.concat(), format!("{}{}", name[1], name[0])].contains(&squeezed(&query.q)), "{query:?}");
        }
    }
    for query in of(&queries, "personne : lettre oubliée") {
        let person = people[&query.answers[0]];
        let letters = squeezed(&person.given).chars().count() + squeezed(&person.family).chars().count();
        assert!(letters.abs_diff(squeezed(&query.q).chars().count()) <= 1, "{query:?}");
    }
    for query in of(&queries, "personne : nom, ville dans « où »") {
        assert!(!query.ou.is_empty() && query.answers.iter().all(|answer| !people[answer].towns.is_empty()), "{query:?}");
    }
    for query in of(&queries, "structure : sans les petits mots") {
        assert!(!plain(&query.q).split(' ').any(|word| ["de", "du", "des", "le"].contains(&word)), "{query:?}");
    }
    assert!(queries.iter().all(|query| (1..=10).contains(&query.answers.len())));
    assert!(of(&queries, "personne : prénom, spécialité et ville").iter().all(|query| query.answers.len() <= 5));
}

#[test]
fn a_nation_that_cannot_be_read_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let error = GoldNation::read(dir.path()).unwrap_err();
    assert!(error.contains("PS_LibreAcces_Personne_activite"), "{error}");
    std::fs::write(dir.path().join("PS_LibreAcces_Personne_activite_1.txt"), "a|b|\n").unwrap();
    let error = GoldNation::read(dir.path()).unwrap_err();
    assert!(error.contains("Identification nationale PP"), "{error}");
    assert!(read_queries("a\tb\tc\n").unwrap_err().contains("line 1"));
    assert!(read_queries("a\tb\tc\t \n").unwrap_err().contains("no answer"));
}
