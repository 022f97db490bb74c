//! `annuaire adeli` with the examples of `docs/adeli.md`.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, import, path_str, run};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The example of the documentation with this name.
fn example(name: &str) -> String {
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/adeli.md")).unwrap();
    let after = docs.split_once(&format!("<!-- file: {name} -->\n```csv\n")).unwrap().1;
    after.split_once("```").unwrap().0.to_owned()
}

const CREDENTIAL: &str = "Authorization: Bearer let-me-in\r\n";

#[test]
fn the_examples_of_the_documentation_are_loaded_searched_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let (data, at) = (dir.path().join("data"), |name: &str| dir.path().join(name).to_str().unwrap().to_owned());
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/tests/samples");
    let (ok, output) = import(&data, &[samples.join("PS_LibreAcces_202610080942.zip")]);
    assert!(ok, "{output}");
    fs::write(at("credentials"), "let-me-in\n").unwrap();
    let (file, report, events, table) = (at("correspondence.csv"), at("report.csv"), at("events.csv"), at("table.csv"));
    let adeli = |arguments: &[&str]| run(&[&["adeli", "--data", path_str(&data)], arguments].concat());
    // Windows-1252, as older files are.
    let bytes: Vec<u8> = example("correspondence.csv").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    fs::write(&file, bytes).unwrap();
    let (code, output) = adeli(&["load", &file]);
    assert!(code == 1 && output.contains("rpps_prefix"), "{output}");
    fs::write(data.join("annuaire.toml"), "[registration]\nrpps_prefix = \"999\"\n").unwrap();

    let (code, output) = adeli(&["load", "--dry-run", "--report", &report, &file]);
    assert!(code == 3 && output.contains("nothing was written"), "{output}");
    assert_eq!(fs::read_to_string(&report).unwrap(), example("report.csv"));
    fs::write(at("three"), format!("{}1;2;3\n", example("correspondence.csv"))).unwrap();
    let (code, output) = adeli(&["load", &at("three")]);
    assert!(code == 1 && output.contains("line 4 has 3 columns"), "{output}");
    adeli(&["correspondence", &table]);
    assert_eq!(fs::read_to_string(&table).unwrap(), "N° ADELI;N° RPPS\n", "neither a trial nor a wrong file applies anything");

    let server = Server::start(&data, &["--restricted-credentials", &at("credentials")]);
    let host = server.base.split_once('/').unwrap().0.to_owned();
    let found = |number: &str| {
        let path = format!("http://{host}/fhir/dr/Practitioner?identifier={number}");
        let (status, body) = server.get(&path, CREDENTIAL);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let (code, output) = adeli(&["load", "--report", &report, "--events", &events, &file]);
    assert!(code == 3 && output.contains("load 000001") && output.contains("published by the server"), "{output}");
    assert_eq!(fs::read_to_string(&report).unwrap(), example("report.csv"));
    assert_eq!(fs::read_to_string(&events).unwrap(), example("events.csv"));
    adeli(&["correspondence", &table]);
    assert_eq!(fs::read_to_string(&table).unwrap(), example("table.csv"));
    for number in ["urn:oid:1.2.250.1.71.4.2.1%7C0991091018", "https://adeli.esante.gouv.fr%7C991091018"] {
        let bundle = found(number);
        assert!(bundle["total"].as_u64().unwrap() > 0, "{number}: {bundle}");
        let all = bundle["entry"][0]["resource"]["identifier"].as_array().unwrap().clone();
        let old: Vec<&Value> = all.iter().filter(|identifier| identifier["use"] == "old").collect();
        assert_eq!(old.len(), 2, "{all:?}");
        assert!(old.iter().all(|identifier| identifier["type"]["coding"][0]["code"] == "ADELI"), "{all:?}");
        assert!(all.iter().any(|identifier| identifier["value"] == "10999000010"), "{all:?}");
        assert_eq!(server.json(&format!("Practitioner?identifier={number}"))["total"], 0, "public");
    }
    assert!(!server.json("Practitioner?_count=500").to_string().contains("991091018"), "public");

    let (code, output) = adeli(&["undo", "7"]);
    assert!(code == 1 && output.contains("there is no load"), "{output}");
    assert_eq!(adeli(&["undo", "000001"]).0, 0);
    assert_eq!(found("https://adeli.esante.gouv.fr%7C991091018")["total"], 0);
    adeli(&["correspondence", &table]);
    assert_eq!(fs::read_to_string(&table).unwrap(), "N° ADELI;N° RPPS\n");
}
