//! Filters leave the activities that meet them, and all that is known of the persons who have one.

use crate::common::{World, texts};
use annuaire_extract::{ActivityFilter, Error, ExtractOptions, NationalFile, extract};
use std::collections::BTreeSet;

fn values(list: &[&str]) -> Vec<String> {
    list.iter().map(|v| (*v).to_owned()).collect()
}

/// Fields of the lines of a text.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().skip(1).map(|l| l.split('|').collect()).collect()
}

fn check(world: &World, name: &str, filter: ActivityFilter, meets: &dyn Fn(&[&str]) -> bool) -> usize {
    let (all, _) = world.extract(&format!("{name}-all"), world.last(), &ExtractOptions::default());
    let (some, _) = world.extract(name, world.last(), &ExtractOptions { filter, ..Default::default() });
    let (all, some) = (texts(&all), texts(&some));
    let activities = "PS_LibreAcces_Personne_activite";
    let expected: Vec<Vec<&str>> = rows(&all[activities]).into_iter().filter(|r| meets(r)).collect();
    assert_eq!(some.get(activities).map(|t| rows(t)).unwrap_or_default(), expected, "{name}");
    let persons: BTreeSet<&str> = expected.iter().map(|r| r[2]).collect();
    for (file, column) in [
        ("PS_LibreAcces_SavoirFaire", 2),
        ("PS_LibreAcces_Dipl_AutExerc", 2),
        ("Porteurs_CPS_CPF", 2),
        ("Extraction_Correspondance_MSSante", 4),
    ] {
        let of_persons = |text: &'_ str| -> Vec<String> {
            let lines = text.lines().skip(1).filter(|l| !l.split('|').nth(column).unwrap().is_empty());
            lines.map(str::to_owned).collect()
        };
        let expected: Vec<String> =
            of_persons(&all[file]).into_iter().filter(|l| persons.contains(l.split('|').nth(column).unwrap())).collect();
        assert_eq!(some.get(file).map(|t| of_persons(t)).unwrap_or_default(), expected, "{name} {file}");
    }
    persons.len()
}

#[test]
fn professions_territories_and_structures() {
    let world = World::of_nation(400);
    let professions = values(&["10", "60"]);
    let by_profession = ActivityFilter { professions: professions.clone(), ..Default::default() };
    let of_profession = |r: &[&str]| ["10", "60"].contains(&r[9]);
    assert!(check(&world, "professions", by_profession, &of_profession) > 50);
    let place = |r: &[&str]| r[36].get(..2).unwrap_or_default().to_owned();
    let departments: BTreeSet<String> = {
        let (dir, _) = world.extract("look", world.last(), &ExtractOptions::default());
        rows(&texts(&dir)["PS_LibreAcces_Personne_activite"])
            .iter()
            .map(|r| place(r))
            .filter(|d| !d.is_empty() && d != "97")
            .collect()
    };
    let wanted = departments.iter().next().unwrap().clone();
    let by_department = ActivityFilter { departments: vec![wanted.clone()], ..Default::default() };
    assert!(check(&world, "departments", by_department.clone(), &|r| place(r) == wanted) > 0);
    let both = ActivityFilter { professions, ..by_department };
    check(&world, "both", both, &|r| of_profession(r) && place(r) == wanted);
    let (dir, _) = world.extract("structures-look", world.last(), &ExtractOptions::default());
    let text = &texts(&dir)["PS_LibreAcces_Personne_activite"];
    let finess = rows(text).iter().find(|r| !r[21].is_empty()).map(|r| (r[21].to_owned(), r[23].to_owned())).unwrap();
    let other = rows(text).iter().find(|r| r[23].starts_with('R')).map(|r| r[23].to_owned()).unwrap();
    let by_structure = ActivityFilter { structures: vec![finess.0.clone(), other.clone()], ..Default::default() };
    assert!(check(&world, "structures", by_structure, &|r| r[23] == finess.1 || r[23] == other) > 0);
}

#[test]
fn lines_of_structures_follow_their_place_and_have_no_profession() {
    let world = World::of_samples(&crate::extractions::OPEN_SAMPLES);
    let moselle = ActivityFilter { departments: values(&["57"]), ..Default::default() };
    let (dir, _) = world.extract("57", world.last(), &ExtractOptions { filter: moselle, ..Default::default() });
    let establishments = &texts(&dir)["etalab_cs1100502_stock"];
    assert!(establishments.lines().count() > 1 && establishments.lines().skip(1).all(|l| l.split(';').nth(13) == Some("57")));
    let care = &texts(&dir)["etalab_cs1100503_stock"];
    assert!(
        care.lines().count() > 1 && care.lines().skip(1).all(|l| establishments.contains(l.split(';').nth(11).unwrap())),
        "{care}"
    );
    let mailboxes = &texts(&dir)["Extraction_Correspondance_MSSante"];
    let of_structures =
        |t: &str| t.lines().skip(1).filter(|l| l.split('|').nth(4) == Some("")).map(str::to_owned).collect::<Vec<_>>();
    assert!(of_structures(mailboxes).iter().all(|l| l.contains("|Moselle|")), "{mailboxes}");
    assert!(!of_structures(mailboxes).is_empty());
    let doctors = ActivityFilter { professions: values(&["10"]), ..Default::default() };
    let (dir, _) = world.extract("10", world.last(), &ExtractOptions { filter: doctors, ..Default::default() });
    let found = texts(&dir);
    assert!(found.keys().all(|name| !name.starts_with("etalab")));
    assert_eq!(of_structures(&found["Extraction_Correspondance_MSSante"]), Vec::<String>::new());
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let world = World::of_nation(20);
    let refused = |options: ExtractOptions| match extract(&world.registry, world.last(), world.dir.path(), &options) {
        Err(Error::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let territory = ActivityFilter { departments: values(&["57", "2C"]), ..Default::default() };
    assert!(refused(ExtractOptions { filter: territory, ..Default::default() }).contains("\"2C\" is no department"));
    let doctors = ActivityFilter { professions: values(&["10"]), ..Default::default() };
    let finess = ExtractOptions { filter: doctors, only: vec![NationalFile::Care], ..Default::default() };
    assert!(refused(finess).contains("leaves nothing of FINESS files"));
    let psc = ExtractOptions { only: vec![NationalFile::ProSanteConnect], ..Default::default() };
    assert!(refused(psc).contains("prosanteconnect is restricted data"));
}
