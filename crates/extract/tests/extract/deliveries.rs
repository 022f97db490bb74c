//! The difference of two official deliveries.

use crate::common::{World, files_of, sample};
use annuaire_extract::{DeliveryDifference, DiffOptions, diff};
use std::fs;
use std::path::{Path, PathBuf};

fn differ(old: &Path, new: &Path, to: Option<&Path>) -> Result<DeliveryDifference, String> {
    let options = DiffOptions { to: to.map(Path::to_owned), sort_bytes: 20_000, ..Default::default() };
    diff(old, new, &options).map_err(|e| e.to_string())
}

/// The two deliveries of the fictional nation, texts only.
fn nation(world: &World) -> (PathBuf, PathBuf) {
    let of = |from: &str, to: &str| {
        let to = world.dir.path().join(to);
        fs::create_dir(&to).unwrap();
        for path in files_of(&world.dir.path().join(from)).iter().filter(|p| p.extension().unwrap() == "txt") {
            fs::copy(path, to.join(path.file_name().unwrap())).unwrap();
        }
        to
    };
    (of("files", "old"), of("files/next", "new"))
}

/// Lines as a bag.
fn bag(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn deltas_turn_one_delivery_into_the_other() {
    let world = World::new();
    annuaire_testkit::generate(
        &world.dir.path().join("files"),
        &annuaire_testkit::Plan { professionals: 400, seed: 7, changed_per_mille: 40 },
    )
    .unwrap();
    let (old, new) = nation(&world);
    let to = tempfile::tempdir().unwrap();
    let found = differ(&old, &new, Some(to.path())).unwrap();
    assert_eq!((found.files.len(), found.unreadable), (5, 0));
    for file in &found.files {
        let delta = fs::read_to_string(to.path().join(file.delta.as_ref().unwrap())).unwrap();
        let (before, after) =
            (fs::read_to_string(old.join(&file.old)).unwrap(), fs::read_to_string(new.join(&file.new)).unwrap());
        let mut table = bag(&before);
        for line in delta.lines().skip(1) {
            match line.split_at(2) {
                ("-|", line) => {
                    let at = table.iter().position(|l| l == line).unwrap_or_else(|| panic!("{}: {line}", file.format));
                    table.swap_remove(at);
                }
                ("+|", line) => table.push(line.to_owned()),
                other => panic!("{other:?}"),
            }
        }
        table.sort();
        assert_eq!(table, bag(&after), "{}", file.format);
        assert_eq!((file.old_lines, file.new_lines), (bag(&before).len() as u64, table.len() as u64));
        assert_eq!(delta.lines().count() as u64, 1 + file.added + file.removed);
    }
    let activities = found.files.iter().find(|f| f.format == "PS_LibreAcces_Personne_activite").unwrap();
    let persons = &activities.objects[0];
    assert_eq!(persons.what, "persons");
    let national = |dir: &Path, name: &str| -> std::collections::BTreeSet<String> {
        fs::read_to_string(dir.join(name)).unwrap().lines().skip(1).map(|l| l.split('|').nth(2).unwrap().to_owned()).collect()
    };
    let (before, after) = (national(&old, &activities.old), national(&new, &activities.new));
    assert_eq!(persons.added, after.difference(&before).count() as u64);
    assert_eq!(persons.removed, before.difference(&after).count() as u64);
    assert_eq!(persons.unchanged + persons.changed, before.intersection(&after).count() as u64);
    assert!(persons.changed > 0 && activities.objects[1].what == "activities");
    let same = differ(&old, &old, None).unwrap();
    assert!(same.files.iter().all(|f| f.added + f.removed == 0 && f.delta.is_none() && f.objects.iter().all(|o| o.changed == 0)));
}

#[test]
fn archives_and_texts_in_any_encoding_are_compared() {
    let (zip, text) = (sample("PS_LibreAcces_202610080942.zip"), tempfile::tempdir().unwrap());
    for name in ["Dipl_AutExerc", "Personne_activite", "SavoirFaire"] {
        let name = format!("PS_LibreAcces_{name}_202610080843.txt");
        fs::copy(sample(&name), text.path().join(&name)).unwrap();
    }
    let found = differ(&zip, text.path(), None).unwrap();
    assert_eq!(found.files.len(), 3);
    assert!(found.files.iter().all(|f| f.added + f.removed == 0), "{found:?}");
    let finess = sample("finess/etalab-cs1100507-stock-20260512-0343.csv");
    let moved = text.path().join("etalab-cs1100507-stock-20260612-0343.csv");
    let body = fs::read_to_string(&finess).unwrap();
    fs::write(&moved, body.replacen("CH D'ESSAI SITE NORD", "CH D'ESSAI SITE EST", 1)).unwrap();
    let found = differ(&finess, &moved, None).unwrap();
    assert_eq!((found.files[0].added, found.files[0].removed, found.files[0].objects[0].changed), (1, 1, 1), "{found:?}");
}

#[test]
fn deliveries_that_cannot_be_compared_are_refused_with_file_line_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let name = "PS_LibreAcces_SavoirFaire_202610080843.txt";
    let whole = fs::read_to_string(sample(name)).unwrap();
    let good = put(&format!("good/{name}"), &whole);
    let refused = |old: &Path, new: &Path, parts: &[&str]| {
        let reason = differ(old, new, None).unwrap_err();
        for part in parts {
            assert!(reason.contains(part), "{part:?}: {reason}");
        }
    };
    let cut = put(&format!("cut/{name}"), whole.trim_end_matches('\n').rsplit_once('|').unwrap().0.rsplit_once('|').unwrap().0);
    refused(&good, &cut, &[name, "line 25", "cut", "fetch it again"]);
    let only_header = put(&format!("header/{name}"), whole.lines().next().unwrap());
    refused(&good, &only_header, &[name, "cut"]);
    let earlier = put("earlier/PS_LibreAcces_SavoirFaire_202610070843.txt", &whole);
    refused(&good, &earlier, &["is later than", "older delivery first"]);
    let cards = sample("Porteurs_CPS_CPF_202610080845.txt");
    refused(&good, &cards, &["only one of the deliveries has"]);
    fs::create_dir(dir.path().join("twice")).unwrap();
    fs::copy(&good, dir.path().join("twice").join(name)).unwrap();
    fs::copy(&earlier, dir.path().join("twice/PS_LibreAcces_SavoirFaire_202610070843.txt")).unwrap();
    refused(&dir.path().join("twice"), &good, &["a second file of PS_LibreAcces_SavoirFaire", "one delivery at a time"]);
    let mixed = dir.path().join("mixed");
    fs::create_dir(&mixed).unwrap();
    fs::copy(&earlier, mixed.join("PS_LibreAcces_SavoirFaire_202610070843.txt")).unwrap();
    let diplomas = "PS_LibreAcces_Dipl_AutExerc_202610080843.txt";
    fs::copy(sample(diplomas), mixed.join(diplomas)).unwrap();
    refused(&mixed, &mixed, &["mixed delivery", "different days"]);
    let of_2021 = sample("PS_LibreAcces_Personne_activite_202104080843_52col.txt");
    refused(&of_2021, &sample("PS_LibreAcces_Personne_activite_202610080843.txt"), &["line 1", "generations"]);
    refused(&good, &sample("finess-plus/finess-structures-journalier-20261008.json"), &["a document and not a file of lines"]);
    refused(&good, dir.path(), &["no national file"]);
    let nir = put("nir/PS_LibreAcces_SavoirFaire_202610090843.txt", &whole.replacen("TESTIER", "1 84 12 76 451 089 46", 1));
    refused(&good, &nir, &["line 2", "social security number"]);
    let odd = put("odd/PS_LibreAcces_SavoirFaire_202610090843.txt", &whole.replacen("|TESTIER|", "|TES|TIER|", 1));
    let found = differ(&good, &odd, None).unwrap();
    assert_eq!((found.unreadable, found.files[0].removed, found.files[0].added), (1, 1, 0));
    assert!(found.notes[0].contains("line 2 has 15 of 14 fields"), "{:?}", found.notes);
}
