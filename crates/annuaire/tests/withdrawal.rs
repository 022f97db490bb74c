//! A withdrawal by law, from the command to every address, and what later files may say.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, annuaire, delivery, import, path_str, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

const BASIS: [&str; 4] = ["--basis", "decision 2026-114 of the authority", "--reason", "erasure asked and granted"];

fn nation(dir: &Path) -> (PathBuf, PathBuf) {
    let (files, data) = (dir.join("files"), dir.join("data"));
    let arguments = ["generate", "--professionals", "60", "--changed-per-mille", "300", "--out", path_str(&files)];
    assert!(annuaire(&arguments).0);
    let (ok, output) = import(&data, &delivery(&files));
    assert!(ok, "{output}");
    (files, data)
}

fn withdraw(data: &Path, entity: &str, more: &[&str]) -> (i32, String) {
    run(&[&["withdraw", "--data", path_str(data), entity], &BASIS[..], more].concat())
}

/// A person with a situation: national number, family name, ids of practice and situation.
fn somebody(server: &Server) -> (String, String, String, String) {
    let roles = server.walk("PractitionerRole?_count=100&active=true");
    let (role, practitioner) = roles
        .iter()
        .find_map(|(id, role)| Some((id.clone(), role["practitioner"]["reference"].as_str()?.split_once('/')?.1.to_owned())))
        .expect("a situation");
    let person = server.json(&format!("Practitioner/{practitioner}"));
    let identifiers = person["identifier"].as_array().unwrap();
    let number = identifiers.iter().find(|i| i["type"]["coding"][0]["code"] == "IDNPS").unwrap()["value"].as_str().unwrap();
    (number.to_owned(), person["name"][0]["family"].as_str().unwrap().to_owned(), practitioner, role)
}

fn page(server: &Server, path: &str) -> (u16, String) {
    server.get(&format!("http://{}/{path}", server.base.split_once('/').unwrap().0), "")
}

#[test]
fn a_person_is_withdrawn_everywhere_and_old_files_do_not_bring_them_back() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = nation(dir.path());
    let server = Server::start(&data, &[]);
    let (number, family, practitioner, role) = somebody(&server);
    assert_eq!(page(&server, &format!("professionnel/{number}")).0, 200);

    // Nothing is asked at no terminal, and nothing happens without a yes.
    let (exit, output) = withdraw(&data, &number, &[]);
    assert!(
        exit == 2 && output.contains(&format!("PP:{number}")) && output.contains(&family) && output.contains("--yes"),
        "{output}"
    );
    assert_eq!(server.get(&format!("Practitioner/{practitioner}"), "").0, 200);

    // By a situation: its person is meant. The running server publishes it.
    let (exit, output) = withdraw(&data, &format!("PractitionerRole/{role}"), &["--yes"]);
    assert!(exit == 0 && output.contains(&format!("PP:{number}")) && output.contains("transaction 2"), "{exit} {output}");
    assert!(output.contains("caches between this server and its readers may hold a version until 20"), "{output}");
    server.until(2);
    for path in [format!("Practitioner/{practitioner}"), format!("PractitionerRole/{role}")] {
        for version in ["", "/_history/1"] {
            let (status, body) = server.get(&format!("{path}{version}"), "");
            assert!(
                status == 410 && body.contains("OperationOutcome") && !body.contains(&family),
                "{path}{version}: {status} {body}"
            );
        }
        let history = server.json(&format!("{path}/_history"));
        assert_eq!(history["entry"][0]["request"]["method"], "DELETE", "{history}");
        assert!(!history.to_string().contains(&family));
    }
    assert_eq!(server.json(&format!("Practitioner?identifier={number}"))["total"], 0);
    assert_eq!(server.json(&format!("PractitionerRole?practitioner=Practitioner/{practitioner}"))["total"], 0);
    let (status, body) = page(&server, &format!("professionnel/{number}"));
    assert!(status == 410 && body.contains("motif légal") && !body.contains(&family), "{status} {body}");
    // Ids are made of numbers, and a tombstone keeps its id: no content names the person.
    let everything = server.json("_history?_count=1000");
    let mut entries = everything["entry"].as_array().unwrap().iter();
    assert!(entries.all(|entry| !entry["resource"].to_string().contains(&number)), "the history of everything");

    let (exit, receipt) = run(&["receipt", "--data", path_str(&data), "2"]);
    assert!(exit == 0 && receipt.contains("public store, its API and pages: done: "), "{exit} {receipt}");
    assert!(receipt.contains(&format!("entity PP:{number}\n")) && receipt.contains("basis decision 2026-114"), "{receipt}");
    assert!(!receipt.contains(&family) && receipt.contains("not signed"), "{receipt}");
    let (exit, output) = run(&["receipt", "--data", path_str(&data), "1"]);
    assert!(exit == 1 && output.contains("withdraws nothing"), "{exit} {output}");

    // The old file again, and the next one: neither brings the person back.
    let (ok, output) = import(&data, &delivery(&files.join("next")));
    assert!(ok, "{output}");
    server.until(3);
    assert_eq!(server.get(&format!("Practitioner/{practitioner}"), "").0, 410);
    assert_eq!(server.json(&format!("Practitioner?identifier={number}"))["total"], 0);
    let (exit, output) = run(&["verify", "--data", path_str(&data)]);
    assert_eq!(exit, 0, "the proofs survive: {output}");
    drop(server);
    // Nor does a rebuild.
    assert_eq!(run(&["rebuild", "--data", path_str(&data)]).0, 0);
    let server = Server::start(&data, &[]);
    assert_eq!(server.json(&format!("Practitioner?identifier={number}"))["total"], 0);
    drop(server);

    // Lifted by an operator, files speak of the person again.
    let (exit, output) = withdraw(&data, &format!("PP:{number}"), &["--lift", "--yes"]);
    assert!(exit == 0 && output.contains("may speak of it again"), "{exit} {output}");
    let (exit, output) = withdraw(&data, "990000000", &["--yes"]);
    assert!(exit == 1 && output.contains("the log knows no 990000000"), "{exit} {output}");
    let (exit, output) = run(&["withdraw", "--data", path_str(&data), &number, "--basis", "short", "--reason", "x"]);
    assert_eq!(exit, 2, "a basis that nobody understands later: {output}");
}

#[test]
fn a_structure_is_withdrawn_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let (_, data) = nation(dir.path());
    let (number, id) = {
        let server = Server::start(&data, &[]);
        let all = server.walk("Organization?_count=500&active=true");
        // Nobody works there and nothing belongs to it: no reference keeps it.
        let referred: String = ["PractitionerRole", "HealthcareService", "Device", "Organization"]
            .iter()
            .map(|ty| Value::from_iter(server.walk(&format!("{ty}?_count=500")).into_values()).to_string())
            .collect();
        let id = all.keys().find(|id| !referred.contains(&format!("Organization/{id}"))).expect("a structure alone").clone();
        (id.trim_start_matches("001-").to_owned(), id)
    };
    let (exit, output) = withdraw(&data, &number, &["--yes"]);
    assert!(exit == 0 && output.contains(&format!("ST:{number}")) && output.contains("published"), "{exit} {output}");
    let server = Server::start(&data, &[]);
    assert_eq!(server.get(&format!("Organization/{id}"), "").0, 410);
    assert_eq!(page(&server, &format!("structure/{number}")).0, 410);
}

/// The server opens its registry again for the files of the day.
#[test]
fn a_server_that_opened_its_registry_twice_sees_what_others_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = nation(dir.path());
    std::fs::write(data.join("annuaire.toml"), "[publication]\nextractions = \"03:30\"\n").unwrap();
    let server = Server::start(&data, &[]);
    while !page(&server, "extractions/").1.contains("PS_LibreAcces") {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (number, ..) = somebody(&server);
    let (exit, output) = withdraw(&data, &format!("PP:{number}"), &["--yes"]);
    assert!(exit == 0 && output.contains("published by the server"), "{exit} {output}");
    server.until(2);
    assert!(import(&data, &delivery(&files.join("next"))).0);
    server.until(3);
}
