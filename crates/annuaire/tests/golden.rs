//! What the program shows to people and machines outside is as in `tests/golden`.
//!
//! To accept a change: `ANNUAIRE_GOLDEN=write cargo test -p annuaire --test golden`, then read the diff.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/golden.rs"]
mod compare;

use annuaire_api::Route;
use common::{Server, annuaire, delivery, import, program};
use compare::assert_golden;
use std::collections::BTreeSet;
use std::fs;

/// Every command of the program, also the hidden one.
const COMMANDS: &[&str] = &[
    "demo",
    "generate",
    "import",
    "mirror",
    "export",
    "diff",
    "serve",
    "deliveries",
    "quarantine",
    "undo",
    "withdraw",
    "receipt",
    "civil-register",
    "authority-feed",
    "status",
    "doctor",
    "rebuild",
    "verify",
    "key",
    "admin",
    "adeli",
    "pki",
    "backup",
    "restore",
    "config",
    "check-store",
];

fn help(arguments: &[&str]) -> String {
    let out = program().args(arguments).arg("--help").output().unwrap();
    assert!(out.status.success(), "{arguments:?}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn help_of_the_program_and_of_every_command() {
    let all = help(&[]);
    assert_golden("help/annuaire.txt", &all);
    let listed = all.lines().skip_while(|l| *l != "Commands:").skip(1).map_while(|l| l.split_whitespace().next());
    let listed: BTreeSet<&str> = listed.filter(|command| *command != "help").collect();
    assert!(listed.iter().all(|command| COMMANDS.contains(command)), "{listed:?}");
    for command in COMMANDS {
        assert_golden(&format!("help/{command}.txt"), &help(&[command]));
    }
}

#[test]
fn exit_codes() {
    let help = help(&[]);
    let codes = &help[help.find("Exit codes:").unwrap()..];
    assert_golden("exit-codes.txt", codes);
}

#[test]
fn default_configuration() {
    let printed = annuaire(&["config", "--print"]);
    assert!(printed.0);
    assert_golden("configuration.toml", &printed.1.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

const KEY: &str = "ESANTE-API-KEY: fictional-key-of-a-test\r\n";
const CREDENTIAL: &str = "Authorization: Bearer fictional-credential-of-a-test\r\n";
const HISTORIAN: &str = "Authorization: Bearer fictional-historian-of-a-test\r\n";

/// A server of a small nation that wants keys and credentials, with its host; the data go with the directory.
fn server() -> (tempfile::TempDir, Server, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    assert!(annuaire(&["generate", "--professionals", "20", "--out", &path("files")]).0);
    let files = delivery(&dir.path().join("files")).into_iter().filter(|f| f.is_file()).collect::<Vec<_>>();
    let data = dir.path().join("data");
    assert!(import(&data, &files).0);
    fs::write(path("keys"), "fictional-key-of-a-test\n").unwrap();
    fs::write(path("credentials"), "fictional-credential-of-a-test\n").unwrap();
    fs::write(path("historians"), "fictional-historian-of-a-test\n").unwrap();
    let (keys, credentials, historians) = (path("keys"), path("credentials"), path("historians"));
    let readers = ["--api-keys", &keys, "--restricted-credentials", &credentials, "--history-credentials", &historians];
    fs::write(data.join("annuaire.toml"), "[server]\ncontact = \"api@annuaire.example\"\n").unwrap();
    let named = ["--public-base", "https://annuaire.example", "--operator", "Agence d’essai"];
    let options = [&readers[..], &named].concat();
    let server = Server::start(&data, &options);
    let host = server.base.split_once('/').unwrap().0.to_owned();
    (dir, server, host)
}

/// Every route of the API with its methods and callers, as the table that the router is made of has them.
#[test]
fn routes_of_the_api() {
    let mut table = String::new();
    for Route { path, methods, who } in annuaire_api::routes() {
        table.push_str(&format!("{path:<48} {:<9} {who:?}\n", if methods.is_empty() { "-".into() } else { methods.join(",") }));
    }
    assert_golden("routes.txt", &table);
}

/// Who may ask what, as the status that each caller gets.
#[test]
fn rights_of_every_route() {
    let (_dir, server, host) = server();
    let mut table = String::from("route                                   nobody  key  credential  historian\n");
    for route in [
        "",
        "recherche?q=martin",
        "structures?nom=a",
        "professionnel/none",
        "structure/none",
        "mentions",
        "robots.txt",
        "developpeurs/guide",
        "developpeurs/guide-en",
        "developpeurs/demande?type=Device",
        "fhir/v2",
        "fhir/v2/metadata",
        "fhir/v2/openapi.json",
        "fhir/v2/postman.json",
        "fhir/v2/Practitioner?_count=1",
        "fhir/v2/Practitioner/none",
        "fhir/v2/Practitioner/none/_history",
        "fhir/v2/Practitioner/none/_history/1",
        "fhir/v2/_history?_count=1",
        "fhir/v2/Subscription",
        "fhir/v2/$export/none",
        "fhir/v2/$export/none/files/none",
        "fhir/dp/Practitioner?_count=1",
        "fhir/dr/metadata",
        "fhir/dr/openapi.json",
        "fhir/dr/Practitioner?_count=1",
        "fhir/dr/Practitioner/none",
        "fhir/dr/_history?_count=1",
        "fhir/dr/$export/none",
        "fhir/historique/$export/none",
        "fhir/historique/metadata",
        "fhir/historique/Practitioner/none",
        "fhir/historique/_history?_count=1",
        "extractions/",
        "extractions/latest/none",
        "extractions/restreint/",
        "extractions/restreint/latest/none",
        "fhir/dr/Subscription",
        "health",
        "metrics",
        "none",
    ] {
        let statuses = ["", KEY, CREDENTIAL, HISTORIAN].map(|caller| server.get(&format!("http://{host}/{route}"), caller).0);
        let [nobody, key, credential, historian] = statuses;
        table.push_str(&format!("/{route:<39} {nobody}     {key}  {credential}         {historian}\n"));
    }
    assert_golden("rights.txt", &table);
}

#[test]
fn capability_statements_and_metrics() {
    let (_dir, server, host) = server();
    for (perimeter, path, headers) in [("public", "fhir/v2/metadata", KEY), ("restricted", "fhir/dr/metadata", CREDENTIAL)] {
        let (status, body) = server.get(&format!("http://{host}/{path}"), headers);
        assert_eq!(status, 200, "{path}: {body}");
        let mut statement: serde_json::Value = serde_json::from_str(&body).unwrap();
        for volatile in ["/date", "/software/version"] {
            if let Some(value) = statement.pointer_mut(volatile) {
                *value = "VOLATILE".into();
            }
        }
        let text = serde_json::to_string_pretty(&statement).unwrap() + "\n";
        assert_golden(&format!("capability-{perimeter}.json"), &text);
    }
    // A request of each kind, so that every metric has a line.
    assert_eq!(server.get("Practitioner?_count=1", KEY).0, 200);
    let (_, metrics) = server.get(&format!("http://{host}/metrics"), KEY);
    let described: BTreeSet<&str> = metrics.lines().filter(|line| line.starts_with("# ")).collect();
    let labels = |line: &str| {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels: Vec<&str> = labels.trim_end_matches('}').split(',').filter_map(|l| Some(l.split_once('=')?.0)).collect();
        format!("{name}{{{}}}", labels.join(","))
    };
    let series: BTreeSet<String> = metrics.lines().filter(|line| !line.starts_with('#')).map(labels).collect();
    let lines: Vec<String> = described.into_iter().map(str::to_owned).chain(series).collect();
    assert_golden("metrics.txt", &(lines.join("\n") + "\n"));
}
