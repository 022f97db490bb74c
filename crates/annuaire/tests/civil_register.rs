//! The dialogue with the civil register by files, from the command line.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use annuaire_base::fact::{FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_mos::owner::{Facet, Owner};
use annuaire_mos::{EtatCivil, Objet, Professionnel};
use annuaire_store::identity::{IdentityRow, IdentityWrite};
use annuaire_store::{Cause, Change, Channel, CommitClock, Expect, OwnerRow};
use common::{path_str, run};
use std::fs;
use std::path::Path;

const PERSON: &str = "899900000011";
const CONFIGURATION: &str = r#"
[identity]
issuer = "https://id.exemple.test"
[registration]
rpps_prefix = "999"
"#;

/// A person whom a structure registered, with a certification that is due, as a former release wrote it.
fn registered(data: &Path) {
    fs::create_dir_all(data).unwrap();
    fs::write(data.join("annuaire.toml"), CONFIGURATION).unwrap();
    let registry = annuaire_store_sqlite::open_blocking(&data.join("registry.sqlite")).unwrap();
    let owner = Owner::structure("1990000010");
    let mut unit = registry.begin().unwrap();
    unit.set_owner(&OwnerRow { code: owner.code.clone(), description: String::new() }).unwrap();
    let person = Professionnel {
        type_id_nat_pp: "8".into(),
        id_pp: PERSON[1..].into(),
        id_nat_ps: PERSON.into(),
        ..Professionnel::default()
    };
    let etat_civil = EtatCivil {
        nom_famille: "Essai".into(),
        prenoms: vec!["Camille".into()],
        sexe_administratif: "F".into(),
        date_naissance: "1991-05-07".into(),
        statut: "DI".into(),
        ..EtatCivil::default()
    };
    let civil = Objet::EtatCivil { civilite: "MME".into(), etat_civil };
    for (facet, object) in [(String::new(), Objet::Professionnel(person)), (Facet::CivilStatus.to_string(), civil)] {
        let key = FactKey { owner: owner.code.clone(), entity: entity_key::person(PERSON), facet };
        let payload = Some(serde_json::to_string(&object).unwrap());
        let change = Change { key, payload, publication: Publication::Restricted, fingerprint: 0 };
        unit.put(change, Expect::Any).unwrap();
    }
    let content = serde_json::json!({
        "person": PERSON, "state": "DI", "askedOn": "2026-11-01", "retries": 0, "owner": owner.code, "dueMs": 1,
    });
    let row = IdentityRow {
        kind: "certification".into(),
        key: PERSON.into(),
        subject: String::new(),
        due_ms: Some(1),
        version: 1,
        content: content.to_string(),
    };
    unit.write_identity(&IdentityWrite::Create(row)).unwrap();
    let clock = CommitClock { now_ms: &|| 1_795_684_000_000, any_clock: true };
    unit.save(&Cause::new(Channel::Operator, "test", "test"), clock).unwrap();
}

#[test]
fn questions_and_answers_are_files() {
    let dir = tempfile::tempdir().unwrap();
    let (data, questions, answers) = (dir.path().join("data"), dir.path().join("q.jsonl"), dir.path().join("a.jsonl"));
    registered(&data);
    let command = |more: &[&str]| run(&[&["civil-register", "--data", path_str(&data)], more].concat());
    let (code, said) = command(&["questions", path_str(&questions)]);
    assert!(code == 0 && said.starts_with("1 questions in "), "{code} {said}");
    let written = fs::read_to_string(&questions).unwrap();
    let question: serde_json::Value = serde_json::from_str(written.trim_end()).unwrap();
    assert_eq!((question["familyName"].as_str(), question["sex"].as_str()), (Some("Essai"), Some("F")));
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&questions).unwrap().permissions()) & 0o077, 0);
    // A file is never written over, and nothing is asked twice.
    let again = dir.path().join("again.jsonl");
    let (code, said) = command(&["questions", path_str(&again)]);
    assert!(code == 0 && said.contains("nothing is to be asked") && !again.exists(), "{said}");

    let reference = question["reference"].as_str().unwrap();
    let lines = format!(
        "{{\"reference\":\"{reference}\",\"answer\":\"perhaps\"}}\n{{\"reference\":\"none\",\"answer\":\"exact\"}}\n\n\
         {{\"reference\":\"{reference}\",\"answer\":\"exact\"}}\n"
    );
    fs::write(&answers, lines).unwrap();
    let (code, said) = command(&["answers", path_str(&answers)]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("line 1, answer: is none of exact") && said.contains("line 2, reference: "), "{said}");
    assert!(said.contains("1 answers taken, 0 changed nothing, 2 refused"), "{said}");
    let results = fs::read_to_string(dir.path().join("a.jsonl.results")).unwrap();
    let last: serde_json::Value = serde_json::from_str(results.lines().last().unwrap()).unwrap();
    assert_eq!((last["line"].as_u64(), last["result"].as_str(), last["state"].as_str()), (Some(4), Some("taken"), Some("C")));
    // The file again: its results are not written over unless they get another name, and nothing changes.
    let (code, said) = command(&["answers", path_str(&answers)]);
    assert!(code == 1 && said.contains("a.jsonl.results"), "{said}");
    let (_, said) = command(&["answers", path_str(&answers), "--results", path_str(&dir.path().join("b"))]);
    assert!(said.contains("0 answers taken, 1 changed nothing, 2 refused"), "{said}");
}

#[test]
fn a_directory_without_registration_says_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    registered(&data);
    fs::write(data.join("annuaire.toml"), "").unwrap();
    let (code, said) = run(&["civil-register", "--data", path_str(&data), "questions", path_str(&dir.path().join("q"))]);
    assert!(code == 1 && said.contains("rpps_prefix of [registration]"), "{code} {said}");
}
