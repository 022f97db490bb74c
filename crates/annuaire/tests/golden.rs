//! What the program shows to people and machines outside is as in `tests/golden`.
//!
//! To accept a change: `ANNUAIRE_GOLDEN=write cargo test -p annuaire --test golden`, then read the diff.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/golden.rs"]
mod compare;

use common::{Server, annuaire, delivery, import, program};
use compare::assert_golden;
use std::collections::BTreeSet;
use std::fs;

/// Every command of the program, also the hidden one.
const COMMANDS: [&str; 15] = [
    "demo",
    "generate",
    "import",
    "serve",
    "deliveries",
    "quarantine",
    "undo",
    "status",
    "doctor",
    "rebuild",
    "verify",
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

#[test]
fn capability_statements_and_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data, credentials) = (dir.path().join("files"), dir.path().join("data"), dir.path().join("credentials"));
    assert!(annuaire(&["generate", "--professionals", "20", "--out", files.to_str().unwrap()]).0);
    let files = delivery(&files).into_iter().filter(|f| f.is_file()).collect::<Vec<_>>();
    assert!(import(&data, &files).0);
    fs::write(&credentials, "fictional-credential-of-a-test\n").unwrap();
    let options = ["--restricted-credentials", credentials.to_str().unwrap(), "--public-base", "https://annuaire.example"];
    let server = Server::start(&data, &options);
    let host = server.base.split_once('/').unwrap().0.to_owned();
    let holder = "Authorization: Bearer fictional-credential-of-a-test\r\n";
    for (perimeter, path, headers) in [("public", "fhir/v2/metadata", ""), ("restricted", "fhir/dr/metadata", holder)] {
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
    server.json("Practitioner?_count=1");
    let (_, metrics) = server.get(&format!("http://{host}/metrics"), holder);
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
