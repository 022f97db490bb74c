//! A file is read as what it is or refused: a changed header never makes of it another format, nor a restricted fact public.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_exchange::{Options, Report, import};
use annuaire_mos::owner::{FileSource, file_source, file_sources};
use common::forgetful::{Given, telling};
use common::{World, input, why};
use std::path::{Path, PathBuf};

fn samples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut all: Vec<PathBuf> = ["", "ameli", "restreint", "finess"]
        .iter()
        .flat_map(|d| std::fs::read_dir(root.join(d)).unwrap().map(|e| e.unwrap().path()))
        .filter(|p| p.extension().is_some_and(|e| e == "txt" || e == "csv"))
        .filter(|p| !["ps-tarifs.csv", "ps-infospratiques.csv"].iter().any(|n| p.ends_with(n)))
        .filter(|p| !p.to_string_lossy().contains("etalab-cs"))
        .collect();
    all.sort();
    all
}

/// Header, its separator, and the other bytes.
fn parts(bytes: &[u8]) -> (Vec<Vec<u8>>, u8, Vec<u8>) {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap();
    let separator = if bytes[..end].contains(&b'|') { b'|' } else { b';' };
    (bytes[..end].split(|b| *b == separator).map(<[u8]>::to_vec).collect(), separator, bytes[end..].to_vec())
}

fn join(columns: &[Vec<u8>], separator: u8, rest: &[u8]) -> Vec<u8> {
    let mut out = columns.join(&separator);
    out.extend_from_slice(rest);
    out
}

struct Read {
    report: Report,
    facts: Vec<(String, String, String)>,
    notes: Vec<(String, String)>,
}

/// Reads a file on its own.
fn read(dir: &Path, name: &str, bytes: &[u8]) -> Result<Read, String> {
    let options = Options { threads: 1, open: true, ..Options::default() };
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    let (registry, given) = telling();
    let report = import(&registry, &[path], &options).map_err(|e| e.to_string())?;
    let Given { facts, notes } = std::mem::take(&mut *given.lock().unwrap());
    Ok(Read { report, facts, notes })
}

fn is_open(source: &str) -> bool {
    file_source(source).unwrap().open
}

#[test]
fn a_renamed_column_is_refused_or_was_only_a_label() {
    let (mut refused, dir) = (0, tempfile::tempdir().unwrap());
    for path in samples() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let truth = read(dir.path(), &name, &bytes).unwrap();
        let format = &truth.report.files[0].format;
        let (columns, separator, rest) = parts(&bytes);
        for at in 0..columns.len() {
            if columns[at].is_empty() {
                continue;
            }
            let mut renamed = columns.clone();
            renamed[at] = b"Colonne inconnue".to_vec();
            // With its own name, and with one that announces no format.
            let names: &[&str] = if at % 4 == 0 { &[&name, "inconnu.txt"] } else { &[&name] };
            for name in names {
                match read(dir.path(), name, &join(&renamed, separator, &rest)) {
                    Err(e) => {
                        refused += 1;
                        assert!(e.contains("line 1"), "{name} {at}: {e}");
                    }
                    Ok(got) => {
                        assert_eq!(&got.report.files[0].format, format, "{name}, column {at}");
                        assert_eq!(got.facts, truth.facts, "{name}, column {at}");
                        assert!(got.report.files[0].left_out.is_empty() == truth.report.files[0].left_out.is_empty());
                        assert!(!got.report.complete() || !got.report.files[0].left_out.is_empty(), "{name} {at}: told");
                    }
                }
            }
        }
    }
    assert!(refused > 400, "{refused}");
}

#[test]
fn no_change_of_a_restricted_file_makes_it_open() {
    let restricted: Vec<PathBuf> = samples()
        .into_iter()
        .filter(|p| {
            let name = p.to_string_lossy();
            name.contains("restreint")
                || name.contains("ProSanteConnect")
                || name.contains("Pro_sante_connect")
                || name.contains("bascule")
        })
        .collect();
    assert!(restricted.len() >= 23, "{}", restricted.len());
    let (dir, mut turn) = (tempfile::tempdir().unwrap(), 0);
    // Columns of the open extractions: what would be left when everything restricted is taken away.
    let open = String::from_utf8_lossy(common::HEADER.lines().next().unwrap().as_bytes()).into_owned();
    for path in restricted {
        let own = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let (columns, separator, _) = parts(&bytes);
        let empty = |n: usize| {
            let sign = char::from(separator).to_string();
            let mut line = ["8", "10999000010", "810999000010"].join(&sign);
            line.push_str(&sign.repeat(n.saturating_sub(3)));
            line.into_bytes()
        };
        let mut tried: Vec<Vec<Vec<u8>>> = Vec::new();
        for at in 0..columns.len() {
            let (mut renamed, mut removed) = (columns.clone(), columns.clone());
            renamed[at] = b"X".to_vec();
            removed.remove(at);
            tried.extend([renamed, removed]);
        }
        for step in [2, 3, 5] {
            for start in 0..step {
                tried.push(columns.iter().enumerate().filter(|(i, _)| i % step != start).map(|(_, c)| c.clone()).collect());
            }
        }
        let shared = |c: &&Vec<u8>| open.contains(String::from_utf8_lossy(c).trim_matches('"')) && !c.is_empty();
        tried.push(columns.iter().filter(shared).cloned().collect());
        // All columns of an open file under the name of a restricted one.
        tried.push(parts(common::HEADER.as_bytes()).0);
        for columns in tried.into_iter().filter(|c| c.len() > 1) {
            turn += 1;
            let names = [own.as_str(), "inconnu.txt"];
            for name in names.into_iter().take(if turn % 3 == 0 { 2 } else { 1 }) {
                if name == "inconnu.txt" && columns.len() == 57 {
                    continue;
                }
                let sign = if columns.len() == 57 { b'|' } else { separator };
                let mut rest = b"\n".to_vec();
                rest.extend(if columns.len() == 57 { vec![] } else { empty(columns.len()) });
                rest.push(b'\n');
                if let Ok(got) = read(dir.path(), name, &join(&columns, sign, &rest)) {
                    assert!(got.facts.iter().all(|f| !is_open(&f.0)), "{name}: {:?}", got.report.files);
                    let open = |source: &&FileSource| source.open;
                    for source in file_sources().iter().filter(open) {
                        assert!(!got.notes.contains(&("source".to_owned(), source.code.to_owned())), "{name}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_files_of_the_issue_are_refused_with_the_nearest_format_and_the_missing_columns() {
    for (name, format, missing) in [
        (
            "renamed-column-PS_LibreAcces_Personne_activite_202611250800.txt",
            "PS_LibreAcces_Personne_activite",
            "telephone 2 (coord structure)",
        ),
        (
            "renamed-column-Extraction_ProSanteConnect_Personne_activite_202611250801.txt",
            "Extraction_ProSanteConnect_Personne_activite",
            "date de naissance",
        ),
    ] {
        let w = World::new();
        let e = why(import(&w.registry, &[input(name)], &Options { open: true, ..Options::default() }));
        assert!(e.contains(format) && e.contains(missing), "{e}");
        assert_eq!(w.registry.last_tx().unwrap().get(), 0);
    }
}

#[test]
fn a_name_that_says_otherwise_and_a_column_given_twice_are_refused() {
    let text = common::file(&common::people([1]));
    for name in [
        "PS_LibreAcces_SavoirFaire_202611240800.txt",
        "ps-libreacces-dipl-autexerc.txt",
        "Extraction_ProSanteConnect_Personne_activite_202611240800.txt",
        "Extraction_RPPS_Profil1_Activite_202611240800.csv",
        "Racine_EtatCiv_202611240800.csv",
    ] {
        let e = why(World::new().load(name, &text));
        assert!(e.contains("name of the file"), "{name}: {e}");
    }
    for name in ["ps-libreacces-personne-activite.txt", "PS_LibreAcces_Personne_activite_202611240800.txt", "download (3).txt"] {
        assert_eq!(World::new().load(name, &text).unwrap().created, 2, "{name}");
    }
    // Documents have names too: what the name of a restricted file holds is not open data, whatever it looks like.
    let feed = "{\"resourceType\":\"Organization\",\"id\":\"a\",\"name\":\"X\"}\n";
    let open = Options { open: true, ..Options::default() };
    let e = why(World::new().load_with("Extraction_RPPS_Profil1_Structure_202611240800.ndjson", feed, &open));
    assert!(e.contains("name of the file"), "{e}");
    let twice = text.replacen("|Prénom d'exercice|", "|Nom d'exercice|", 1);
    let e = why(World::new().load("x.txt", twice));
    assert!(e.contains("nom exercice") && e.contains("twice"), "{e}");
}

#[test]
fn older_generations_are_read_and_new_columns_may_follow() {
    let whole = common::file(&common::people([1, 2]));
    let cut = |n: usize| {
        let line = |l: &str| l.split('|').take(n).map(|f| format!("{f}|")).collect::<String>() + "\n";
        whole.lines().map(line).collect::<String>()
    };
    for n in [48, 52] {
        let report = World::new().load("x.txt", cut(n)).unwrap();
        assert_eq!((report.created, report.complete()), (4, true), "{n}");
    }
    for n in [47, 53, 54] {
        assert!(why(World::new().load("x.txt", cut(n))).contains("missing"), "{n}");
    }
    let more =
        whole.lines().enumerate().map(|(i, l)| format!("{l}{}|\n", if i == 0 { "Nouveau" } else { "1" })).collect::<String>();
    let report = World::new().load("x.txt", more).unwrap();
    assert_eq!((report.created, report.complete()), (4, false));
    assert!(report.warnings[0].contains("nouveau"), "{:?}", report.warnings);
}
