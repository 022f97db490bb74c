//! Nobody vanishes because a download broke: cut files, unreadable lines, deliveries that come twice, and guards.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_exchange::{Options, import, quarantine};
use annuaire_store::{Change, Expect, OwnerRow};
use common::{World, activity_name, at, file, input, line, people, pp, rpps, why};
use std::path::Path;

fn accepted() -> Options {
    Options { accept_mass_change: Some("asked for by a test".into()), ..Options::default() }
}

#[test]
fn a_file_cut_in_its_last_line_is_refused_and_the_whole_one_is_read_afterwards() {
    let w = World::new();
    import(&w.registry, &[input("PS_LibreAcces_Personne_activite_202611240810.txt")], &Options::default()).unwrap();
    let before = w.all();
    let e = why(import(&w.registry, &[input("cut-PS_LibreAcces_Personne_activite_202611250810.txt")], &accepted()));
    assert!(e.contains("line 6") && e.contains("cut"), "{e}");
    assert_eq!(w.all(), before);
    let whole = std::fs::read_to_string(input("PS_LibreAcces_Personne_activite_202611240810.txt")).unwrap();
    let report = w.load(&activity_name("202611250810"), whole.replace("NOM001", "NOUVEAU")).unwrap();
    assert_eq!((report.changed, report.ended, report.files[0].already_imported), (2, 0, false));
}

#[test]
fn every_format_with_a_closing_sign_is_refused_wherever_its_last_line_is_cut() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let mut tried = 0;
    let w = World::new();
    for dir in ["", "restreint"] {
        for entry in std::fs::read_dir(root.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !path.is_file() || name.ends_with(".zip") || name.contains("Sanction") || name.contains("rapport") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let text = bytes.strip_suffix(b"\n").unwrap();
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let start = text.iter().rposition(|b| *b == b'\n').unwrap() + 1;
            let options = Options { dry_run: true, ..Options::default() };
            w.load_with(&name, text, &options).unwrap_or_else(|e| panic!("{name} without final line end: {e}"));
            let step = ((text.len() - start) / 12).max(1);
            for end in (start + 1..text.len()).step_by(step).chain([text.len() - 1]) {
                tried += 1;
                let cut = w.load_with(&name, &text[..end], &options);
                // A closing separator, or the quotes of a last field that is empty, are no loss.
                let whole =
                    (text.ends_with(b"\";") && end == text.len() - 1) || (text.ends_with(b";\"\"") && end == text.len() - 2);
                assert!(cut.is_err() || whole, "{name} cut {} bytes before its end", text.len() - end);
                if !whole {
                    let mut short = text[..end].to_vec();
                    short.push(b'\n');
                    let cut = w.load_with(&name, &short, &options);
                    let fields = |t: &[u8]| t.iter().filter(|b| matches!(b, b'|' | b';')).count();
                    assert!(
                        cut.is_err() || fields(&text[end..]) == 0,
                        "{name}: a short last line with its line end, {end}: {cut:?}"
                    );
                }
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn a_file_cut_between_two_lines_is_refused_in_any_order_and_one_who_leaves_is_not_a_cut() {
    let numbers: Vec<u32> = (1..=500).collect();
    // In the order of identifiers, and in another.
    let shuffled: Vec<u32> = numbers.iter().map(|n| n * 7 % 503).filter(|n| *n > 0 && *n <= 500).collect();
    for order in [numbers, shuffled] {
        let w = World::new();
        let lines = people(order.iter().copied());
        w.activity("202611240800", &lines).unwrap();
        let before = w.all();
        for share in [96, 97] {
            let e = why(w.activity("202611250800", &lines[..lines.len() * share / 100]));
            assert!(e.contains("cut"), "{e}");
            assert_eq!(w.all(), before);
        }
        // Some left elsewhere in the file, as on every day, and the end is missing all the same.
        let mut holes = lines[..480].to_vec();
        holes.remove(40);
        holes.remove(90);
        assert!(why(w.activity("202611250800", &holes)).contains("cut"));
        let mut gone = lines.clone();
        gone.pop();
        let report = w.activity("202611250800", &gone).unwrap();
        assert_eq!(report.ended, 2, "the last person and their place");
    }
}

#[test]
fn a_file_that_stops_after_its_header_is_refused() {
    let w = World::new();
    for text in [file(&[]), common::header().to_owned(), file(&[]) + "\n\n"] {
        assert!(why(w.load_with(&activity_name("202611240800"), text, &accepted())).contains("no line"));
    }
    assert!(why(w.load("etalab-cs1100502-stock-20260512-0339.csv", "finess;etalab;111;2026-05-12\n")).contains("no line"));
}

#[test]
fn a_cut_archive_is_an_error() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    for name in ["Porteurs_CPS_CPF_202610080946.zip", "finess-plus/finess-structures-journalier-20261008.json.gz"] {
        let bytes = std::fs::read(root.join(name)).unwrap();
        let name = name.rsplit('/').next().unwrap();
        for share in [10, 50, 90, 99] {
            let w = World::new();
            assert!(w.load(name, &bytes[..bytes.len() * share / 100]).is_err(), "{name} {share}");
            assert_eq!(w.registry.last_tx().unwrap().get(), 0);
        }
        assert!(World::new().load(name, &bytes[..bytes.len() - 1]).is_err(), "{name}");
    }
}

#[test]
fn a_delivery_is_known_by_stamp_and_content() {
    let w = World::new();
    w.activity("202611240800", &people(1..=3)).unwrap();
    let again = w.activity("202611240800", &people(1..=3)).unwrap();
    assert!(again.files[0].already_imported && again.tx.is_none() && again.delivery.is_none() && again.complete());
    let other = w.activity("202611240800", &people(1..=4)).unwrap();
    assert_eq!((other.created, other.files[0].already_imported), (2, false));
    assert!(other.notes[0].contains("redelivery"), "{:?}", other.notes);
    assert!(w.activity("202611240800", &people(1..=4)).unwrap().files[0].already_imported);
    assert!(why(w.activity("202611230800", &people(1..=4))).contains("older"));
    // Without stamp the content alone tells, and it makes no older stamp acceptable.
    assert!(w.load("x.txt", file(&people(1..=4))).unwrap().files[0].already_imported);
    assert_eq!(w.load("x.txt", file(&people(1..=5))).unwrap().created, 2);
    assert!(why(w.activity("202611230800", &people(1..=4))).contains("older"));
    // Notes of programs that kept no digest: the file is read.
    let path = w.write(&activity_name("202611240800"), file(&people(1..=5)));
    let note = "{\"stamp\":\"202611240800\",\"objects\":10}";
    w.unit(|unit| unit.set_note("source", "psla", Some(note)).unwrap());
    let read = import(&w.registry, &[path], &Options::default()).unwrap();
    assert_eq!((read.unchanged, read.files[0].already_imported), (10, false));
}

#[test]
fn a_line_with_one_separator_too_many_ends_nobody_and_is_listed_until_it_is_settled() {
    let w = World::new();
    import(&w.registry, &[input("PS_LibreAcces_Personne_activite_202611240820.txt")], &Options::default()).unwrap();
    let before = w.all();
    let report =
        import(&w.registry, &[input("pipe-PS_LibreAcces_Personne_activite_202611250820.txt")], &Options::default()).unwrap();
    assert_eq!((report.ended, report.changed, report.quarantined, report.complete()), (0, 0, 1, false));
    assert_eq!(w.all(), before);
    let listed = quarantine(&w.registry).unwrap();
    let [one] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((one.source.as_str(), one.line, one.delivery), ("psla", 3, 2));
    assert!(one.file.starts_with("pipe-") && one.reason.contains("separators") && one.names.contains(&pp(2)), "{one:?}");
    // A clean delivery settles it: the person who is not in it any more ends.
    let lines = [line(1, "NOM001"), line(3, "NOM003")];
    let settled = w.activity("202611260820", &lines).unwrap();
    assert_eq!((settled.ended, quarantine(&w.registry).unwrap().len()), (2, 0));
}

/// Loads three persons, then the same file with another text for the second; the registry must hold afterwards what it held before.
fn damaged(text: &str) -> (World, annuaire_exchange::Report) {
    let w = World::new();
    w.activity("202611240800", &people(1..=4)).unwrap();
    let before = w.all();
    let mut lines = people(1..=4);
    lines[1] = text.to_owned();
    let report = w.activity("202611250800", &lines).unwrap_or_else(|e| panic!("{text}: {e}"));
    let after = w.all();
    for one in &before {
        assert!(after.contains(one), "{text}: {one:?} was lost or changed");
    }
    assert!(!report.complete() && report.ended == 0 && !quarantine(&w.registry).unwrap().is_empty(), "{text}");
    (w, report)
}

#[test]
fn whatever_happens_to_a_line_nobody_is_lost_around_it() {
    let good = line(2, "NOM002");
    for at in (1..good.len()).step_by(7).filter(|at| good.is_char_boundary(*at) && good.is_char_boundary(good.len() - at)) {
        // Broken in two, wherever that is.
        damaged(&format!("{}\n{}", &good[..at], &good[at..]));
        // Its end lost.
        damaged(&good[..at]);
        // Its beginning lost: it names nobody for sure, and nothing ends.
        damaged(&good[good.len() - at..]);
        damaged(&format!("{}|{}", &good[..at], &good[at..]));
    }
    // Two lines joined.
    let w = World::new();
    w.activity("202611240800", &people(1..=4)).unwrap();
    let before = w.all();
    let joined = [line(1, "NOM001"), line(2, "NOM002") + &line(3, "NOM003"), line(4, "NOM004")];
    let report = w.activity("202611250800", &joined).unwrap();
    assert_eq!((report.quarantined, w.all()), (1, before));
    // A key that cannot be read: who it was is not known, and nothing ends until the file is clean.
    let (w, report) = damaged(&good.replace(&rpps(2), "10999#"));
    assert!(report.warnings.iter().any(|w| w.contains("stay as they are")), "{:?}", report.warnings);
    assert_eq!(w.activity("202611260800", &[line(1, "NOM001"), line(3, "NOM003"), line(4, "NOM004")]).unwrap().ended, 2);
}

#[test]
fn a_person_named_by_a_good_and_a_bad_line_keeps_all_that_is_known_and_a_new_one_gets_what_can_be_read() {
    let w = World::new();
    let second = line(2, "NOM002").replace("R1019990", "R2019990");
    let mut lines = people(1..=4);
    lines.push(second.clone());
    w.activity("202611240800", &lines).unwrap();
    let both = w.payload(&pp(2), "psla").unwrap();
    lines[4] = second.replace("DES ESSAIS", "DES | ESSAIS");
    // The file ends with a bad line that is not short; a new person has a good and a bad line.
    lines.extend([line(5, "NOM005"), line(5, "NOM005").replace("DES ESSAIS", "DES | ESSAIS"), line(6, "NOM006")]);
    lines.remove(0);
    let report = w.activity("202611250800", &lines).unwrap();
    assert_eq!(w.payload(&pp(2), "psla").unwrap(), both, "both activities stand");
    assert!(w.stands(&pp(5)) && w.stands(&pp(6)));
    assert_eq!((report.quarantined, report.ended), (2, 2), "who is missing elsewhere ends: each bad line is accounted for");
}

#[test]
fn sources_without_keys_hold_all_their_ends_while_a_line_is_bad() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let w = World::new();
    let text = std::fs::read_to_string(root.join("ameli/liste-ps-20261004-232512.csv")).unwrap();
    w.load("liste-ps-20261004-232512.csv", &text).unwrap();
    let before = w.all();
    let lines: Vec<&str> = text.lines().collect();
    let mut bad = lines.clone();
    let short = format!("{};x", lines[5]);
    bad[5] = &short;
    bad.remove(8);
    let report = w.load("liste-ps-20261011-232512.csv", bad.join("\n") + "\n").unwrap();
    assert_eq!((report.ended, report.quarantined), (0, 1));
    assert_eq!(w.all(), before);
    let mut clean = lines.clone();
    clean.remove(8);
    assert_eq!(w.load("liste-ps-20261018-232512.csv", clean.join("\n") + "\n").unwrap().ended, 1);
}

#[test]
fn a_line_end_inside_quotes_is_part_of_its_field_also_where_blocks_meet() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let text = std::fs::read_to_string(root.join("ameli/liste-ps-20261004-232512.csv")).unwrap();
    let header = text.lines().next().unwrap();
    // Some two thousand bytes a line, so that many blocks are cut, each near another place of a record.
    let mut broken = format!("{header}\n");
    let mut plain = broken.clone();
    let wide = |n: usize, sign: &str| {
        let street = format!("\"{n} RUE{sign}DES;ESSAIS{sign}{}\"", "X".repeat(900 + n % 97));
        format!("NOM{n};PRENOM;H;;true;;01;;;;;;;{street};;;57000;METZ;c1;;01;;;\n")
    };
    for n in 0..4_000 {
        broken.push_str(&wide(n, "\r\n"));
        plain.push_str(&wide(n, "  "));
    }
    let read = |text: &str, threads| {
        let w = World::new();
        let options = Options { threads, ..Options::default() };
        let report = w.load_with("liste-ps-20261011-232512.csv", text, &options).unwrap();
        (report.created, report.quarantined, w.all())
    };
    let (created, quarantined, facts) = read(&broken, 3);
    assert_eq!((created, quarantined), (4_000, 0));
    assert!(facts[0].2.contains("RUE DES;ESSAIS X"), "{:?}", facts[0]);
    assert_eq!(read(&broken, 1).2.len(), facts.len());
    assert_eq!(read(&plain, 2).0, 4_000);
    // A quote that is never closed spoils its own line only.
    let stray = format!("{header}\n{}{}{}", wide(1, " "), wide(2, " ").replace("XX\"", "XX"), wide(3, " "));
    let w = World::new();
    let report = w.load("liste-ps-20261011-232512.csv", stray).unwrap();
    assert_eq!((report.created, report.quarantined), (2, 1));
}

#[test]
fn a_reason_never_holds_a_social_security_number() {
    let w = World::new();
    w.activity("202611240800", &people(1..=3)).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let cards = std::fs::read_to_string(root.join("Porteurs_CPS_CPF_202610080845.txt")).unwrap();
    let line = cards.lines().nth(2).unwrap();
    let field = line.split('|').nth(13).unwrap();
    // No valid key, so that the file is not refused whole.
    let bad = cards.replacen(line, &line.replacen(field, "1 85 05 78 006 084 37", 1), 1);
    if let Ok(report) = w.load("Porteurs_CPS_CPF_202610080845.txt", bad) {
        assert_eq!(report.quarantined, 1);
        assert!(!report.files[0].rejected_lines[0].reason.contains("78"), "{:?}", report.files[0].rejected_lines);
        assert!(quarantine(&w.registry).unwrap().iter().all(|q| !q.reason.contains("78")));
    }
}

#[test]
fn the_guard_looks_at_professions_departments_and_small_registries() {
    // A nation in small: 2,000 nurses in Metz, 60 physicians in Paris, 60 in Metz.
    let mut lines: Vec<String> = (1..=2_000).map(|n| at(n, "NOM", "60", "57000", "57463")).collect();
    lines.extend((2_001..=2_060).map(|n| at(n, "NOM", "10", "75012", "75112")));
    lines.extend((2_061..=2_120).map(|n| at(n, "NOM", "10", "57000", "57463")));
    let w = World::new();
    w.activity("202611240800", &lines).unwrap();
    // Not five per cent of all: 2.8.
    let without: Vec<String> = lines.iter().filter(|l| !l.contains("75112")).cloned().collect();
    let e = why(w.activity("202611250800", &without));
    assert!(e.contains("practitioners of profession 10 in department 75: 60 lines in the delivery before, 0 in this one"), "{e}");
    assert!(e.contains(&pp(2_001)) && e.contains("--accept-mass-change"), "{e}");
    for reason in ["", "          ", "because"] {
        let options = Options { accept_mass_change: Some(reason.into()), ..Options::default() };
        assert!(why(w.load_with(&activity_name("202611250800"), file(&without), &options)).contains("at least 10"));
    }
    // One per cent from everywhere is a warning, and is done.
    let thinned: Vec<String> = lines.iter().enumerate().filter(|(i, _)| i % 100 != 7).map(|(_, l)| l.clone()).collect();
    let report = w.activity("202611250800", &thinned).unwrap();
    assert!(!report.complete() && report.warnings[0].contains("practitioners"), "{:?}", report.warnings);
    assert_eq!(w.load_with(&activity_name("202611260800"), file(&without), &accepted()).unwrap().ended, 118);
    // A registry of three can lose one, and not two.
    let w = World::new();
    w.activity("202611240800", &people(1..=3)).unwrap();
    why(w.activity("202611250800", &people([2])));
    assert_eq!(w.activity("202611250800", &people([1, 3])).unwrap().ended, 2);
}

#[test]
fn a_shifted_column_is_refused_as_a_change_of_all() {
    let w = World::new();
    w.activity("202611240800", &people(1..=200)).unwrap();
    let shifted: Vec<String> = (1..=200).map(|n| line(n, "X")).collect();
    let e = why(w.activity("202611250800", &shifted));
    assert!(e.contains("would change") && e.contains("--accept-mass-change"), "{e}");
    assert_eq!(w.load_with(&activity_name("202611250800"), file(&shifted), &accepted()).unwrap().changed, 400);
}

#[test]
fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let w = World::new();
    w.activity("202611240800", &people(1..=6)).unwrap();
    let before = w.all();
    let mut lines = people([1, 2, 4, 5, 6, 7]);
    lines[0] = line(1, "MARIEE");
    let options = Options { dry_run: true, ..Options::default() };
    let report = w.load_with(&activity_name("202611250800"), file(&lines), &options).unwrap();
    assert_eq!((report.tx, report.delivery, report.created, report.changed, report.ended), (None, None, 2, 2, 2));
    assert!(
        report.examples.created.contains(&pp(7))
            && report.examples.changed.contains(&pp(1))
            && report.examples.ended.contains(&pp(3))
    );
    assert_eq!((w.all(), w.registry.last_tx().unwrap().get()), (before, 1));
    assert_eq!(annuaire_exchange::deliveries(&w.registry).unwrap().len(), 1);
    let done = w.activity("202611250800", &lines).unwrap();
    assert_eq!((done.tx.map(Tx::get), done.created, &done.examples), (Some(2), 2, &report.examples));
}

#[test]
fn what_is_said_of_persons_whom_no_file_names_is_told() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    let w = World::new();
    let cards = root.join("Porteurs_CPS_CPF_202610080845.txt");
    let report = import(&w.registry, &[cards], &Options::default()).unwrap();
    assert!(report.notes[0].contains("28 persons have a card"), "{:?}", report.notes);
    let w = World::new();
    let all = ["PS_LibreAcces_202610080942.zip", "Porteurs_CPS_CPF_202610080845.txt"].map(|n| root.join(n));
    let both = import(&w.registry, &all, &Options::default()).unwrap();
    assert_eq!(both.notes.len(), 1, "{:?}", both.notes);
    let orphans: u32 = both.notes[0].split(' ').next().unwrap().parse().unwrap();
    assert!((1..28).contains(&orphans), "{orphans}");
    // The answer does not change when the persons are in the registry and not in the call.
    let later = std::fs::read_to_string(&all[1]).unwrap();
    let later = w.load("Porteurs_CPS_CPF_202610090845.txt", later).unwrap();
    assert_eq!(later.notes, both.notes);
}

#[test]
fn open_finess_files_are_told_by_their_name_and_sections() {
    let w = World::new();
    let eg = input("etalab-cs1100502-stock-20260512-0339.csv");
    for (name, format, objects) in [
        ("etalab-cs1100505-stock-20260512-0342.csv", "FINESS cs1100505", 3),
        ("etalab-cs1100505-relabelled-20260512-0342.csv", "FINESS cs1100505", 3),
        ("etalab-cs1100507-stock-20260512-0343.csv", "FINESS cs1100507", 3),
        ("etalab-cs1100502-stock-20260512-0339.csv", "FINESS cs1100502", 3),
    ] {
        let report = import(&World::new().registry, &[input(name)], &Options::default()).unwrap();
        assert_eq!((report.files[0].format.as_str(), report.created, report.complete()), (format, objects, true), "{name}");
        // Under a name that announces nothing, the sections decide.
        let text = std::fs::read_to_string(input(name)).unwrap();
        let other = World::new().load("export.csv", text).unwrap();
        assert_eq!((other.created, other.quarantined), (objects, 0), "{name}");
    }
    import(&w.registry, std::slice::from_ref(&eg), &Options::default()).unwrap();
    // A position without its structure is left out and counted; the structure may be in the registry.
    let geo = std::fs::read_to_string(input("etalab-cs1100507-stock-20260512-0343.csv")).unwrap();
    let position = geo.lines().nth(2).unwrap();
    let more = format!("{geo}{}\n{}\n", position.replace("990002016", "990002024"), position.replace("990002016", "990002032"));
    let report = w.load("etalab-cs1100507-stock-20260512-0343.csv", more).unwrap();
    assert_eq!(report.files[0].oddities["position without its structure, left out"], 1);
    assert!(w.payload("ST:F990002024", "finess-geo").is_some() && w.payload("ST:F990002032", "finess-geo").is_none());
    // A name and sections that disagree, and a second section that is missing.
    let text = std::fs::read_to_string(&eg).unwrap();
    for name in ["etalab-cs1100507-stock-20260512-0343.csv", "etalab-cs1100501-stock-20260512-0343.csv"] {
        let e = why(World::new().load(name, &text));
        assert!(e.contains("section"), "{name}: {e}");
    }
    assert!(why(World::new().load("etalab-cs1100502-stock-20260512-0339.csv", &geo)).contains("geolocalisation"));
}

#[test]
fn puts_of_a_unit_are_counted_as_the_registry_counts_them() {
    let w = World::new();
    let key = FactKey { owner: "psla".into(), entity: pp(1), facet: String::new() };
    let change = Change { key, payload: Some("{}".into()), publication: Publication::Open, fingerprint: 1 };
    w.unit(|unit| {
        unit.set_owner(&OwnerRow { code: "psla".into(), description: String::new() }).unwrap();
        unit.put(change, Expect::Any).unwrap();
    });
    // An object that nobody described as this program does is replaced, and counted once.
    let report = w.activity("202611240800", &people([1])).unwrap();
    assert_eq!((report.created, report.changed), (1, 1));
}
