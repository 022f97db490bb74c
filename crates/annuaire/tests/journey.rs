//! The whole way as a user goes it: files, import, server, requests, second delivery, rebuild.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, annuaire, delivery, import, next};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn from_files_to_api_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    let (ok, output) = annuaire(&[
        "generate",
        "--professionals",
        "1200",
        "--seed",
        "7",
        "--changed-per-mille",
        "20",
        "--out",
        files.to_str().unwrap(),
    ]);
    assert!(ok, "{output}");
    // "…: N objects new, N changed, N ended: N persons new, N gone, N renamed…"
    let planted: Vec<u64> = output.split_whitespace().filter_map(|w| w.parse().ok()).collect();
    let (ok, output) = import(&data, &delivery(&files));
    assert!(ok, "{output}");

    let before = {
        let server = Server::start(&data, &[]);
        let practitioners = server.walk("Practitioner?_count=100");
        let total = practitioners.len();
        assert!(total >= 1200, "a person with two professions has two: {total}");
        assert_eq!(server.json("Practitioner?_count=0")["total"], total);
        // Everything generated follows its profile, and the model library reads it.
        for ty in ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"] {
            let all = server.walk(&format!("{ty}?_count=500"));
            assert!(!all.is_empty(), "{ty}");
            for r in all.values() {
                assert_eq!(annuaire_conformance::profile::check_public(r), Vec::<String>::new());
                annuaire_conformance::profile::check_model(&r.to_string()).unwrap();
            }
        }
        let organizations = server.walk("Organization?_count=1000");
        let roles = server.walk("PractitionerRole?_count=333");
        for role in roles.values() {
            for (member, targets) in [("practitioner", &practitioners), ("organization", &organizations)] {
                if let Some(reference) = role[member]["reference"].as_str() {
                    assert!(targets.contains_key(reference.split('/').nth(1).unwrap()), "{reference} dangles");
                }
            }
        }
        for o in organizations.values() {
            if let Some(reference) = o["partOf"]["reference"].as_str() {
                assert!(organizations.contains_key(reference.split('/').nth(1).unwrap()), "{reference} dangles");
            }
        }

        // Search agrees with a plain look at the resources.
        let doctors = practitioners.values().filter(|p| {
            p["qualification"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|q| q["code"]["coding"].as_array().unwrap())
                .any(|c| c["code"] == "10")
        });
        assert_eq!(server.json("Practitioner?qualification-code=10&_count=0")["total"], doctors.count());
        let prefixed = practitioners.values().filter(|p| p["name"][0]["family"].as_str().unwrap().starts_with("FRAS"));
        assert_eq!(server.json("Practitioner?family=fr%C3%A0s&_count=0")["total"], prefixed.count());
        let brest = server.walk("PractitionerRole?organization.address-city=Brest");
        assert!(!brest.is_empty() && brest.len() < roles.len());

        // A second delivery arrives while the server runs and a client is between two pages.
        let first_page = server.json("Practitioner?_count=700");
        let position = server.json("Practitioner?_count=0&_total=accurate");
        let (ok, output) = import(&data, &delivery(&files.join("next")));
        assert!(ok && output.contains("the running server publishes it"), "{output}");
        let report = format!("{} objects new, {} changed, {} ended", planted[0], planted[1], planted[2]);
        assert!(output.contains(&report), "planted {report}: {output}");
        let mut tries = 0;
        while server.json("Practitioner?_count=0&_total=accurate")["id"] == position["id"] && tries < 100 {
            std::thread::sleep(std::time::Duration::from_millis(100));
            tries += 1;
        }
        let second_page = server.json(&next(&first_page).unwrap());
        assert_eq!(second_page["total"], total);
        let pages = [&first_page, &second_page];
        let seen: usize = pages.iter().map(|p| p["entry"].as_array().unwrap().len()).sum();
        assert_eq!(seen, total, "pages are those of the first page's snapshot");

        let after = server.walk("Practitioner?_count=1000");
        let renamed = after
            .iter()
            .filter(|(id, p)| practitioners.get(*id).is_some_and(|old| old["name"] != p["name"] && p["active"] == true))
            .map(|(_, p)| p["identifier"][0]["value"].clone().to_string());
        let renamed: std::collections::BTreeSet<String> = renamed.collect();
        assert_eq!(planted[5] as usize, renamed.len());

        // As a stranger: nothing restricted, clear errors, no write.
        for (path, status) in [
            ("Practitioner?bogus=1", 400),
            ("Practitioner/none", 404),
            ("_page?id=forged", 400),
            ("Person", 400),
            ("Person/1", 404),
        ] {
            let (got, body) = server.get(path, "");
            assert_eq!((got, body.contains("OperationOutcome")), (status, true), "{path}: {body}");
        }
        let host = server.base.split_once('/').unwrap().0.to_owned();
        assert_eq!(server.get(&format!("http://{host}/fhir/dr/Person"), "").0, 401);
        for member in ["birthDate", "gender", "period", "oppositionDate"] {
            assert!(!after.values().any(|p| p.to_string().contains(&format!("\"{member}\":\""))), "{member}");
        }
        after
    };

    let (ok, output) = annuaire(&["rebuild", "--data", data.to_str().unwrap()]);
    assert!(ok, "{output}");
    let (ok, output) = annuaire(&["verify", "--data", data.to_str().unwrap()]);
    assert!(ok, "{output}");
    let keys = dir.path().join("keys");
    fs::write(&keys, "k-1\n").unwrap();
    assert_eq!(Server::start(&data, &[]).walk("Practitioner?_count=1000"), before, "a rebuilt store answers the same");
    let closed = Server::start(&data, &["--api-keys", keys.to_str().unwrap()]);
    assert_eq!(closed.get("metadata", "").0, 401);
    assert_eq!(closed.get("metadata", "ESANTE-API-KEY: k-1\r\n").0, 200);
}

#[test]
fn the_conformance_suite_passes_on_a_generated_nation() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    let (ok, output) = annuaire(&["generate", "--professionals", "1500", "--out", files.to_str().unwrap()]);
    assert!(ok, "{output}");
    assert!(import(&data, &delivery(&files)).0 && import(&data, &delivery(&files.join("next"))).0);
    let server = Server::start(&data, &[]);
    let client = annuaire_conformance::DirectoryClient::new(&format!("http://{}", server.base), &[]);
    let failed: Vec<String> = annuaire_conformance::cases::ALL
        .iter()
        .filter_map(|(name, case)| case(&client).err().map(|why| format!("{name}: {why}")))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Every restricted sample, and what strangers, key holders and credential holders see of it.
#[test]
fn restricted_facts_are_served_to_credential_holders_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exchange/tests/samples");
    let mut files: Vec<PathBuf> = delivery(&samples.join("restreint"));
    files.push(samples.join("PS_LibreAcces_202610080942.zip"));
    files.push(samples.join("Porteurs_CPS_CPF_202610080845.txt"));
    files.push(samples.join("finess-plus/finess-structures-journalier-20261008.json"));
    files.push(samples.join("finess-plus/finess-activites-journalier-20261008.json"));
    let (ok, output) = import(&data, &files);
    assert!(ok, "{output}");
    let secret = dir.path().join("credentials");
    fs::write(&secret, "let-me-in\n").unwrap();
    let server = Server::start(&data, &["--restricted-credentials", secret.to_str().unwrap()]);
    let host = server.base.split_once('/').unwrap().0.to_owned();
    let dr = |path: &str, headers: &str| server.get(&format!("http://{host}/fhir/dr/{path}"), headers);
    let bearer = "Authorization: Bearer let-me-in\r\n";
    for headers in ["", "Authorization: Bearer no\r\n", "Authorization: Bearer \r\n", "ESANTE-API-KEY: let-me-in\r\n"] {
        assert_eq!(dr("Person", headers).0, 401, "{headers}");
        assert_eq!(dr("metadata", headers).0, 401, "{headers}");
    }
    let bundle = |path: &str| -> Value {
        let (status, body) = dr(path, bearer);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    };
    let persons = bundle("Person?_count=100");
    assert_eq!(persons["total"], 26);
    let one = bundle("Person?family=%C3%A9chantillon")["entry"][0]["resource"].clone();
    assert_eq!((one["birthDate"].as_str(), one["gender"].as_str()), (Some("1971-02-14"), Some("female")));
    assert_eq!(one["name"][0]["given"], serde_json::json!(["Camille", "Rose", "Ève"]));
    let doctor = bundle("Practitioner?family=testier")["entry"][0]["resource"].clone();
    for part in ["as-ext-registration", "as-ext-digital-certificate", "adeli.esante.gouv.fr", "\"period\"", "communication"] {
        assert!(doctor.to_string().contains(part), "{part}: {doctor}");
    }
    for ty in ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "Person"] {
        for e in bundle(&format!("{ty}?_count=200"))["entry"].as_array().into_iter().flatten() {
            assert_eq!(annuaire_conformance::profile::check_restricted(&e["resource"]), Vec::<String>::new());
            annuaire_conformance::profile::check_model(&e["resource"].to_string()).unwrap();
        }
    }
    // The public store of the same registry holds none of it.
    for ty in ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"] {
        let all = server.json(&format!("{ty}?_count=500"));
        assert!(all["total"].as_u64().unwrap() > 0, "{ty}");
        for e in all["entry"].as_array().into_iter().flatten() {
            assert_eq!(annuaire_conformance::profile::check_public(&e["resource"]), Vec::<String>::new());
        }
        let text = all.to_string();
        for word in ["ÉCHANTILLON", "1971-02-14", "birthDate", "oppositionDate", "certificate", "registration\"", "\"990000001\""]
        {
            // A fictional structure bears the birth name of the fictional doctor.
            assert!(!text.contains(word) || (ty == "Organization" && word == "ÉCHANTILLON"), "{word} in public {ty}");
        }
    }
    // A page token of the restricted perimeter opens nothing in the public one.
    let token = next(&bundle("Practitioner?_count=1")).unwrap();
    let stolen = token.replace("/fhir/dr/", "/fhir/v2/");
    assert_eq!(server.get(&stolen, "").0, 400);
    let (ok, output) = annuaire(&["verify", "--data", data.to_str().unwrap()]);
    assert!(ok, "{output}");
}

/// Killed at any moment, an import leaves nothing half done, and the same command ends it.
#[test]
fn an_interrupted_import_leaves_nothing_half_done() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    assert!(annuaire(&["generate", "--professionals", "1000", "--out", files.to_str().unwrap()]).0);
    for (folder, transaction) in [(files.clone(), 1), (files.join("next"), 2)] {
        for after in [3, 30, 150, 400, 800] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_annuaire"));
            command.args(["import", "--data", data.to_str().unwrap()]).args(delivery(&folder)).stdout(Stdio::null());
            let mut child = command.stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(after));
            let _ = child.kill();
            child.wait().unwrap();
            // Killed before it made anything.
            if fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_some()) {
                let (ok, output) = annuaire(&["verify", "--data", data.to_str().unwrap()]);
                assert!(ok, "killed after {after} ms: {output}");
            }
        }
        let (ok, output) = import(&data, &delivery(&folder));
        assert!(ok, "{output}");
        let (ok, output) = annuaire(&["verify", "--data", data.to_str().unwrap()]);
        assert!(ok && output.contains(&format!("at transaction {transaction}")), "{output}");
    }
    let server = Server::start(&data, &[]);
    assert!(server.json("Practitioner?_count=0")["total"].as_u64().unwrap() >= 1000);
}

/// The pages, as a visitor who follows every link.
#[test]
fn pages_are_whole_and_every_link_leads_somewhere() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    assert!(annuaire(&["generate", "--professionals", "400", "--out", files.to_str().unwrap()]).0);
    assert!(import(&data, &delivery(&files)).0);
    let server = Server::start(&data, &[]);
    let host = server.base.split_once('/').unwrap().0.to_owned();
    let page = |path: &str| server.get(&format!("http://{host}{path}"), "");
    let mut todo = vec!["/".to_owned(), "/recherche?q=mar&ou=".to_owned()];
    todo.extend(
        ["/recherche?q=hospitalier&type=structures", "/recherche?ou=75", "/recherche?profession=10&ou=St%20Etienne", "/mentions"]
            .map(String::from),
    );
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = todo.pop() {
        // The address of the API itself is a page for browsers alone.
        if seen.len() > 250 || path == "/fhir/v2" || !seen.insert(path.clone()) {
            continue;
        }
        let (status, body) = page(&path);
        assert_eq!(status, 200, "{path}");
        if !body.starts_with("<!DOCTYPE") {
            continue;
        }
        let language = if path.contains("lang=en") { "en" } else { "fr" };
        assert!(
            body.contains(&format!("<html lang=\"{language}\">"))
                && body.matches("<h1>").count() == 1
                && body.contains("</html>"),
            "{path}"
        );
        // The one script is a file of ours, and blocks of data are none.
        let scripts =
            body.matches("<script src=\"/annuaire.").count() + body.matches("<script type=\"application/ld+json\">").count();
        assert!(body.matches("<script").count() == scripts && !body.contains("birthDate"), "{path}");
        for link in body.split("href=\"").skip(1).filter_map(|l| l.split('"').next()) {
            let link = link.replace("&amp;", "&").replace("&#38;", "&");
            if link.starts_with('/') {
                todo.push(link);
            }
        }
    }
    assert!(seen.iter().any(|p| p.starts_with("/professionnel/")) && seen.iter().any(|p| p.starts_with("/structure/F")));
    for (path, status) in [("/x", 404), ("/professionnel/0", 404), ("/structure/0", 404), ("/recherche", 400)] {
        assert_eq!(page(path).0, status, "{path}");
    }
    let (_, body) = page("/recherche?q=%3Cscript%3Ealert(1)%3C/script%3E%22");
    assert!(!body.contains("<script>") && body.contains("&lt;script&gt;") | body.contains("&#60;script&#62;"), "{body}");
}

#[test]
fn a_bad_line_is_named_and_a_bad_file_is_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let header = "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code type diplôme obtenu|Code diplôme obtenu|Code type autorisation|Code discipline autorisation|Nom d'exercice|Prénom d'exercice|Libellé type diplôme obtenu|Libellé diplôme obtenu|Libellé type autorisation|Libellé discipline autorisation|";
    let write = |name: &str, lines: &[&str]| {
        let path = dir.path().join(name);
        fs::write(&path, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
        [path]
    };
    let mut lines = vec!["8|10999000010|810999000010|DE|DE05|||||||||"; 130];
    lines[3] = "8|10999000010|810999000010|DE|";
    lines[4] = "8|10999000010|810999000028|DE|DE05|||||||||";
    lines.copy_within(3..4, 5);
    lines.copy_within(3..6, 6);
    lines.copy_within(3..6, 9);
    let (ok, output) = import(&data, &write("a_202611010800.txt", &lines));
    assert!(!ok && output.contains("9 of 130 lines are unreadable"), "{output}");
    let (ok, output) = import(
        &data,
        &write("b_202611010801.txt", &lines[..1].repeat(60).iter().chain(&lines[3..5]).copied().collect::<Vec<_>>()),
    );
    assert!(
        ok && output.contains("62 lines, 59 duplicates, 2 rejected")
            && output.contains("line 62: 4 separators")
            && output.contains("line 63, column identification nationale pp"),
        "{output}"
    );
    let (ok, output) = import(&data, &write("c_202610010800.txt", &lines[..1]));
    assert!(!ok && output.contains("older than the delivery of 202611010801"), "{output}");
    let key = 97 - 1_990_199_999_999_u64 % 97;
    let nir = format!("8|10999000010|810999000010|DE|DE05|1990199999999{key:02}||||||||");
    let (ok, output) = import(&data, &write("d_202611020800.txt", &[&nir]));
    assert!(!ok && output.contains("social security number") && !output.contains("1990199999999"), "{output}");
    fs::write(dir.path().join("e.txt"), "a|b|\n1|2|\n").unwrap();
    let (ok, output) = import(&data, &[dir.path().join("e.txt")]);
    assert!(!ok && output.contains("no known national format"), "{output}");
}

/// A server that is asked to end, as service managers do, ends by itself.
#[test]
fn asked_to_end_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &[]);
    assert_eq!(server.get("Practitioner", "").0, 200);
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(server.child.wait().unwrap().success(), "it was ended by the signal");
}
