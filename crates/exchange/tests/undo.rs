//! Deliveries are recorded, and can be undone.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_exchange::{Options, deliveries, undo};
use common::{World, activity_name, file, line, people, pp, why};

#[test]
fn each_import_that_reads_something_has_a_record() {
    let w = World::new();
    let options = Options { author: "nuit".into(), clock: std::sync::Arc::new(|| 1_700_000_000_000), ..Options::default() };
    w.load_with(&activity_name("202611240800"), file(&people(1..=3)), &options).unwrap();
    w.load_with(&activity_name("202611250800"), file(&people(1..=3)), &options).unwrap();
    w.load_with(&activity_name("202611250800"), file(&people(1..=3)), &options).unwrap();
    let all = deliveries(&w.registry).unwrap();
    let [first, second] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (first.number, first.tx.map(|tx| tx.get()), first.created, first.author.as_str(), first.at_ms),
        (1, Some(1), 6, "nuit", 1_700_000_000_000)
    );
    let f = &first.files[0];
    assert_eq!(
        (f.format.as_str(), f.stamp.as_str(), f.lines, f.digest.len()),
        ("PS_LibreAcces_Personne_activite", "202611240800", 3, 32)
    );
    assert_eq!(f.sources, ["psla"]);
    assert_eq!((second.number, second.tx, second.unchanged), (2, None, 6), "nothing changed, and yet it was read");
    assert_eq!(f.digest, second.files[0].digest);
}

#[test]
fn undoing_says_again_what_ended_or_changed_and_lets_a_corrected_file_in() {
    let w = World::new();
    w.activity("202611240800", &people(1..=8)).unwrap();
    let before = w.all();
    let mut lines = people([1, 2, 4, 5, 6, 8, 9]);
    lines[0] = line(1, "FAUX");
    w.activity("202611250800", &lines).unwrap();
    let report = undo(&w.registry, 2, false, &Options::default()).unwrap();
    assert_eq!((report.created, report.changed, report.ended, report.delivery), (4, 2, 0, Some(3)));
    for one in &before {
        assert!(w.all().contains(one), "{one:?}");
    }
    assert!(w.stands(&pp(9)), "what it created stays");
    let all = deliveries(&w.registry).unwrap();
    assert_eq!((all[1].undone_by, all[2].undoes, all[2].tx.map(|tx| tx.get())), (Some(3), Some(2), Some(3)));
    assert!(why(undo(&w.registry, 2, false, &Options::default())).contains("delivery 3"));
    assert!(why(undo(&w.registry, 7, false, &Options::default())).contains("no such delivery"));
    // The very file that was undone is read again, and so is a corrected one of its stamp.
    assert_eq!(w.activity("202611250800", &lines).unwrap().ended, 4);
    undo(&w.registry, 4, true, &Options::default()).unwrap();
    assert_eq!(w.activity("202611250800", &people(1..=9)).unwrap().ended, 0);
    assert_eq!(w.registry.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn undoing_with_what_was_created_brings_everything_back() {
    let w = World::new();
    w.activity("202611240800", &people(1..=4)).unwrap();
    let before = w.all();
    w.activity("202611250800", &people([1, 2, 4, 5])).unwrap();
    let options = Options { dry_run: true, ..Options::default() };
    let dry = undo(&w.registry, 2, true, &options).unwrap();
    assert_eq!((dry.tx, dry.created, dry.ended), (None, 2, 2));
    undo(&w.registry, 2, true, &Options::default()).unwrap();
    assert_eq!(w.all(), before);
    // The undoing is a delivery, and is undone as one.
    undo(&w.registry, 3, true, &Options::default()).unwrap();
    assert!(w.stands(&pp(5)) && !w.stands(&pp(3)));
    assert_eq!(deliveries(&w.registry).unwrap()[1].undone_by, None);
    assert!(w.activity("202611250800", &people([1, 2, 4, 5])).unwrap().files[0].already_imported);
}

#[test]
fn what_changed_since_is_left_as_it_is() {
    let w = World::new();
    w.activity("202611240800", &people(1..=5)).unwrap();
    let mut lines = people([1, 2, 3, 5]);
    lines[0] = line(1, "FAUX");
    lines[1] = line(2, "FAUX");
    w.activity("202611250800", &lines).unwrap();
    lines[1] = line(2, "JUSTE");
    w.activity("202611260800", &lines).unwrap();
    let report = undo(&w.registry, 2, false, &Options::default()).unwrap();
    assert!(report.notes.iter().any(|n| n.starts_with("2 objects have changed since")), "{:?}", report.notes);
    assert!(w.payload(&pp(1), "psla").unwrap().contains("NOM001"));
    assert!(w.payload(&pp(2), "psla").unwrap().contains("JUSTE"));
    assert!(w.stands(&pp(4)));
    // A later delivery exists: its stamp counts.
    assert!(why(w.activity("202611250800", &people(1..=5))).contains("older"));
}
