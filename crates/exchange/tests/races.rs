//! Two imports at once, in any order and cut at any place: the newest delivery wins, an older one is refused, and what was not
//! committed is seen by nobody.

#![allow(clippy::unwrap_used)]

mod common;

use annuaire_exchange::{Options, Report, deliveries, import, undo};
use annuaire_store::BlockingRegistry;
use common::hooked::{Hook, hooked};
use common::{World, activity_name, file, line, people, pp, why};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file of the activity extraction in a folder of its own, so that two files may have one name.
fn written(w: &World, folder: &str, stamp: &str, lines: &[String]) -> PathBuf {
    let folder = w.dir.path().join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(activity_name(stamp));
    std::fs::write(&path, file(lines)).unwrap();
    path
}

/// The import of a file by somebody else.
fn other_import(w: &World, path: PathBuf) -> Hook {
    let registry = w.registry.clone();
    Box::new(move || _ = import(&registry, &[path], &Options::default()).unwrap())
}

fn sound(w: &World) {
    assert_eq!(w.registry.verify().unwrap(), Vec::<String>::new());
    let numbers: Vec<u64> = deliveries(&w.registry).unwrap().iter().map(|d| d.number).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
}

fn compared_again(report: &Report) -> bool {
    report.notes.iter().any(|n| n.contains("compared"))
}

#[test]
fn an_older_delivery_never_wins_against_one_that_was_committed_while_it_was_compared() {
    // Before the unit, and before the stage.
    for at_unit in [true, false] {
        for other in ["202611250900", "202611250800"] {
            let w = World::new();
            w.activity("202611240800", &people(1..=4)).unwrap();
            let newer = other_import(&w, written(&w, "other", other, &people(1..=5)));
            let mine = written(&w, "mine", "202611250800", &people(1..=3));
            let (units, stages) = if at_unit { (vec![newer], vec![]) } else { (vec![], vec![newer]) };
            let e = why(import(&hooked(&w.registry, units, stages), &[mine], &Options::default()));
            assert!(e.contains("another import") && e.contains(other), "{e}");
            assert!(w.stands(&pp(4)) && w.stands(&pp(5)));
            sound(&w);
        }
    }
}

#[test]
fn a_newer_delivery_that_an_older_one_overtook_is_compared_again_and_wins() {
    // In memory, and through disk.
    for sort_bytes in [1 << 20, 2_000] {
        let w = World::new();
        w.activity("202611240800", &people(1..=40)).unwrap();
        // The older one renames 1, ends 2 and brings 41; the newer one knows nothing of that.
        let mut lines = people((1..=41).filter(|n| *n != 2));
        lines[0] = line(1, "AUTRE");
        let older = other_import(&w, written(&w, "other", "202611250800", &lines));
        let mut mine = people(1..=40);
        mine[39] = line(40, "MIEN");
        let newer = written(&w, "mine", "202611250900", &mine);
        let options = Options { sort_bytes, spill: Some(w.dir.path().to_owned()), ..Options::default() };
        let report = import(&hooked(&w.registry, vec![older], vec![]), &[newer], &options).unwrap();
        assert_eq!(report.tx.map(|tx| tx.get()), Some(3));
        // Persons and their places: 1 again, 40 renamed; 2 again; 41 gone.
        assert_eq!((report.changed, report.created, report.ended), (4, 2, 2), "against what the older one left");
        assert!(report.examples.created.contains(&pp(2)) && report.examples.ended.contains(&pp(41)));
        assert!(compared_again(&report), "{:?}", report.notes);
        let alone = World::new();
        alone.activity("202611250900", &mine).unwrap();
        assert_eq!(w.all(), alone.all(), "as if it had been the only one");
        assert!(why(w.activity("202611250830", &lines)).contains("older"));
        sound(&w);
    }
}

#[test]
fn the_import_of_another_source_is_in_nobodys_way() {
    let w = World::new();
    w.activity("202611240800", &people(1..=4)).unwrap();
    let cards = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/Porteurs_CPS_CPF_202610080845.txt");
    let mine = written(&w, "mine", "202611250900", &people(1..=5));
    let report = import(&hooked(&w.registry, vec![other_import(&w, cards)], vec![]), &[mine], &Options::default()).unwrap();
    assert_eq!((report.tx.map(|tx| tx.get()), report.created, compared_again(&report)), (Some(3), 2, false));
    sound(&w);
}

#[test]
fn one_file_imported_twice_at_once_is_imported_once() {
    let w = World::new();
    w.activity("202611240800", &people(1..=4)).unwrap();
    let mine = written(&w, "mine", "202611250900", &people(1..=5));
    let report =
        import(&hooked(&w.registry, vec![other_import(&w, mine.clone())], vec![]), &[mine], &Options::default()).unwrap();
    assert!(report.files[0].already_imported && report.tx.is_none() && report.delivery.is_none(), "{report:?}");
    assert_eq!(deliveries(&w.registry).unwrap().len(), 2);
    sound(&w);
}

#[test]
fn an_import_that_is_overtaken_again_and_again_gives_up_and_says_so() {
    let w = World::new();
    w.activity("202611240800", &people(1..=4)).unwrap();
    let other = |n: u32| other_import(&w, written(&w, "other", &format!("2026112508{n:02}"), &people((1..=4).chain([10 + n]))));
    let hooks = (0..annuaire_exchange::limits::ATTEMPTS).map(other).collect();
    let mine = written(&w, "mine", "202611250900", &people(1..=5));
    let last = 10 + annuaire_exchange::limits::ATTEMPTS - 1;
    let e = why(import(&hooked(&w.registry, hooks, vec![]), std::slice::from_ref(&mine), &Options::default()));
    assert!(
        e.contains("psla") && e.contains(&format!("{} times", annuaire_exchange::limits::ATTEMPTS)) && e.contains("import again"),
        "{e}"
    );
    assert!(!w.stands(&pp(5)) && w.stands(&pp(last)));
    assert_eq!(import(&w.registry, &[mine], &Options::default()).unwrap().created, 2);
    sound(&w);
}

#[test]
fn feeds_add_up_whatever_their_order() {
    let w = World::new();
    let feed = |ids: std::ops::Range<u32>| -> String {
        ids.map(|n| format!("{{\"resourceType\":\"Organization\",\"id\":\"o{n}\",\"name\":\"CENTRE {n}\"}}\n")).collect()
    };
    w.activity("202611240800", &people(1..=4)).unwrap();
    let first = w.write("first.ndjson", feed(0..20));
    let second = w.write("second.ndjson", feed(10..30));
    let report = import(&hooked(&w.registry, vec![other_import(&w, first)], vec![]), &[second], &Options::default()).unwrap();
    assert!(compared_again(&report));
    assert_eq!((report.created, report.unchanged, report.tx.map(|tx| tx.get())), (10, 10, Some(3)));
    sound(&w);
}

#[test]
fn an_undoing_stands_aside_for_others_and_is_done_once() {
    let w = World::new();
    w.activity("202611240800", &people(1..=8)).unwrap();
    let mut lines = people([1, 2, 4, 5, 6, 7, 8]);
    lines[0] = line(1, "FAUX");
    w.activity("202611250800", &lines).unwrap();
    // A later delivery is committed while the undoing reads: what it changed stays.
    lines[0] = line(1, "JUSTE");
    let later = other_import(&w, written(&w, "other", "202611260800", &lines));
    let report = undo(&hooked(&w.registry, vec![later], vec![]), 2, false, &Options::default()).unwrap();
    assert_eq!((report.created, report.changed, report.tx.map(|tx| tx.get())), (2, 0, Some(4)), "{report:?}");
    assert!(w.payload(&pp(1), "psla").unwrap().contains("JUSTE") && w.stands(&pp(3)));
    // Two at once: the second finds it undone.
    w.activity("202611270800", &people(1..=8)).unwrap();
    let registry = w.registry.clone();
    let twin: Hook = Box::new(move || _ = undo(&registry, 5, false, &Options::default()).unwrap());
    let e = why(undo(&hooked(&w.registry, vec![twin], vec![]), 5, false, &Options::default()));
    assert!(e.contains("undone by delivery 6"), "{e}");
    sound(&w);
}

/// The sentence of a refusal of a file that is not the newest.
fn is_too_old(e: &str) -> bool {
    e.contains("older than the delivery") || e.contains("another import spoke")
}

#[test]
fn whatever_the_order_of_many_imports_at_once_the_newest_delivery_stands() {
    for round in 0..6_u32 {
        let w = World::new();
        w.activity("202611240800", &people(1..=30)).unwrap();
        // Each has a person of its own, so that the winner is known.
        let files: Vec<PathBuf> = (0..4)
            .map(|n| written(&w, &n.to_string(), &format!("2026112509{n:02}"), &people((1..=30).chain([100 + n]))))
            .collect();
        // Some through the registry of another program.
        let path = w.dir.path().join("r");
        let registries = [w.registry.clone(), annuaire_store_sqlite::open_blocking(&path).unwrap()];
        let started = AtomicU32::new(0);
        let results: Vec<Result<Report, String>> = std::thread::scope(|scope| {
            let import_one = |n: usize| {
                let registry: &BlockingRegistry = &registries[(n + round as usize) % 2];
                let file = &files[(n * 3 + round as usize) % 4];
                let started = &started;
                scope.spawn(move || {
                    // All begin together, as far as threads can.
                    started.fetch_add(1, Ordering::SeqCst);
                    while started.load(Ordering::SeqCst) < 4 {
                        std::thread::yield_now();
                    }
                    import(registry, std::slice::from_ref(file), &Options::default()).map_err(|e| e.to_string())
                })
            };
            let threads: Vec<_> = (0..4).map(import_one).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let committed = results.iter().filter(|r| r.is_ok()).count();
        for result in &results {
            assert!(result.as_ref().err().is_none_or(|e| is_too_old(e)), "{result:?}");
        }
        assert!(committed >= 1);
        let alone = World::new();
        alone.activity("202611250903", &people((1..=30).chain([103]))).unwrap();
        assert_eq!(w.all(), alone.all(), "round {round}: {results:?}");
        assert_eq!(deliveries(&w.registry).unwrap().len(), 1 + committed);
        sound(&w);
    }
}

#[test]
fn a_clock_that_the_log_refuses_leaves_nothing() {
    let w = World::new();
    let at = |ms: i64| Options { clock: Arc::new(move || ms), ..Options::default() };
    let now = 1_700_000_000_000;
    w.load_with(&activity_name("202611240800"), file(&people(1..=4)), &at(now)).unwrap();
    let before = (w.all(), w.registry.audit_trail(0, 100).unwrap().len());
    let wrong = w.load_with(&activity_name("202611250800"), file(&people(1..=5)), &at(now - 86_400_000));
    assert!(matches!(wrong, Err(annuaire_exchange::Error::Store(annuaire_store::Error::Clock { .. }))), "{wrong:?}");
    assert_eq!((w.all(), w.registry.audit_trail(0, 100).unwrap().len()), before);
    assert_eq!(w.load_with(&activity_name("202611250800"), file(&people(1..=5)), &at(now + 1)).unwrap().created, 2);
    sound(&w);
}

/// The folder of a test that has its import killed in a program of its own.
const MARK: &str = "killed-here";

/// The program that is killed; only its test runs it, in a folder that has its mark.
#[test]
#[ignore = "run by another test"]
fn killed() {
    let Ok(place) = std::fs::read_to_string(MARK) else { return };
    let registry = annuaire_store_sqlite::open_blocking(std::path::Path::new("r")).unwrap();
    let abort = || -> Hook { Box::new(|| std::process::abort()) };
    let (registry, clock): (_, annuaire_exchange::ClockMs) = match place.as_str() {
        // After the stage was written, and before the unit begins.
        "staged" => (hooked(&registry, vec![abort()], vec![]), Arc::new(|| 0)),
        // After the stage was adopted and the notes were written, and before the commit.
        _ => (registry, Arc::new(|| std::process::abort())),
    };
    let _ = import(&registry, &[PathBuf::from(activity_name("202611250800"))], &Options { clock, ..Options::default() });
    panic!("not killed");
}

#[test]
fn an_import_that_is_killed_before_its_commit_is_seen_by_nobody_and_in_nobodys_way() {
    for place in ["staged", "adopted"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        std::fs::write(dir.path().join(activity_name("202611240800")), file(&people(1..=4))).unwrap();
        std::fs::write(dir.path().join(activity_name("202611250800")), file(&people((1..=4).chain(10..=300)))).unwrap();
        std::fs::write(dir.path().join(MARK), place).unwrap();
        let w = World { registry: annuaire_store_sqlite::open_blocking(&path).unwrap(), dir };
        import(&w.registry, &[w.dir.path().join(activity_name("202611240800"))], &Options::default()).unwrap();
        let before = w.all();
        for _ in 0..2 {
            let mut program = std::process::Command::new(std::env::current_exe().unwrap());
            let killed = program.current_dir(w.dir.path()).args(["--ignored", "--exact", "killed"]).output().unwrap();
            let said = String::from_utf8_lossy(&killed.stderr) + String::from_utf8_lossy(&killed.stdout);
            assert!(killed.status.code().is_none(), "ended by itself: {said}");
            assert_eq!((w.all(), w.registry.last_tx().unwrap().get()), (before.clone(), 1), "{place}");
            assert_eq!(deliveries(&w.registry).unwrap().len(), 1);
            sound(&w);
        }
        let report = import(&w.registry, &[w.dir.path().join(activity_name("202611250800"))], &Options::default()).unwrap();
        assert_eq!((report.created, report.delivery), (2 * 291, Some(2)), "{place}");
        sound(&w);
    }
}
