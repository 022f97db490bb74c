//! A store knows its view and its log, follows to the end, and survives being full.

use crate::followed_registry::*;
use annuaire_base::Tx;
use annuaire_fhir::schema::ORGANIZATION;
use annuaire_fhir::{Guide, View};
use annuaire_index::{Filter, Index};
use annuaire_publish::{Error, Followed};
use annuaire_store::BlockingRegistry;

#[test]
fn a_store_knows_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let registry = open_registry(&dir.path().join("r"));
    commit(&registry, T0, &[structure("990000019", "A")]);
    let store = dir.path().join("s");
    {
        let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
        follow(&registry, &index, PUBLIC);
    }
    let other = |view| annuaire_publish::open(&store, MAP, view).err().unwrap();
    for view in [RESTRICTED, View { guide: Guide::V110, ..PUBLIC }] {
        let message = other(view).to_string();
        let Error::OtherView { found, wanted } = other(view) else { panic!() };
        assert_eq!(found, "the public perimeter after guide 1.2.0");
        assert!(wanted != found && message.contains(&found) && message.contains(&wanted));
    }
    // A store of an earlier program carries no description of its view.
    let old = dir.path().join("old");
    {
        let index = Index::open(&old, MAP, annuaire_fhir::dictionary::ALL).unwrap();
        follow(&registry, &index, PUBLIC);
    }
    assert!(matches!(annuaire_publish::open(&old, MAP, PUBLIC), Err(Error::Outdated)));
    // Another log with a transaction of the same number.
    let strange = open_registry(&dir.path().join("r2"));
    commit(&strange, T0 + 5, &[structure("990000027", "B")]);
    commit(&strange, T0 + 6, &[structure("990000027", "C")]);
    let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
    let follow = |registry: &BlockingRegistry| annuaire_publish::follow(registry, &index, PUBLIC, &|_, _, _| {});
    let refused = follow(&strange).unwrap_err();
    assert!(matches!(refused, Error::OtherLog { registry: log, .. } if log == strange.log().unwrap()), "{refused}");
    assert!(refused.is_of_another_log() && refused.to_string().contains("annuaire rebuild"));
    let empty = open_registry(&dir.path().join("r3"));
    assert!(matches!(follow(&empty), Err(Error::OtherLog { .. })));
    let differences = annuaire_publish::verify(&strange, &index, PUBLIC, &|_, _, _| {}).unwrap();
    assert!(differences.len() == 1 && differences[0].contains("another") || differences[0].contains("follows the log"));
    assert_eq!(index.applied_tx(), Tx::new(1));
    assert_eq!(follow(&registry).unwrap(), Followed::default());
    assert_eq!(index.clear_dead_readers().unwrap(), 0);
    // The log of this store, after it was restored from a copy.
    registry.raise_epoch().unwrap();
    commit(&registry, T0 + 7, &[structure("990000027", "D")]);
    let refused = follow(&registry).unwrap_err();
    assert!(matches!(refused, Error::OtherEpoch { .. }) && refused.to_string().contains("annuaire rebuild"), "{refused}");
    assert_eq!(index.applied_tx(), Tx::new(1), "nothing was applied");
    // A store made anew follows it.
    let again = annuaire_publish::open(&dir.path().join("again"), MAP, PUBLIC).unwrap();
    annuaire_publish::follow(&registry, &again, PUBLIC, &|_, _, _| {}).unwrap();
    assert_eq!(again.applied_tx(), Tx::new(2));
}

/// A registry that was put back from a copy of its file, without `annuaire restore`: it still names its log, and is another one.
#[test]
fn a_log_that_says_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    let first = open_registry(&path);
    commit(&first, T0, &[structure("990000019", "A")]);
    let registry_of = |name: &str, changes: &[(i64, &str)]| {
        let copy = dir.path().join(name);
        std::fs::copy(&path, &copy).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::copy(format!("{}{suffix}", path.display()), format!("{}{suffix}", copy.display()));
        }
        let registry = annuaire_store_sqlite::open_blocking(&copy).unwrap();
        for (ms, name) in changes {
            commit(&registry, *ms, &[structure("990000019", name)]);
        }
        registry
    };
    let index = annuaire_publish::open(&dir.path().join("s"), MAP, PUBLIC).unwrap();
    follow(&registry_of("one", &[(T0 + 1, "B"), (T0 + 2, "C")]), &index, PUBLIC);
    let refused = |registry: &BlockingRegistry| annuaire_publish::follow(registry, &index, PUBLIC, &|_, _, _| {}).unwrap_err();
    // One number and one instant, and another content: only the digest tells.
    let other = registry_of("two", &[(T0 + 1, "B"), (T0 + 2, "X"), (T0 + 3, "Y")]);
    assert!(matches!(refused(&other), Error::OtherTransaction { at } if at.get() == 3), "{}", refused(&other));
    let short = registry_of("three", &[(T0 + 1, "B")]);
    assert!(
        matches!(refused(&short), Error::LogIsShorter { at, last } if (at.get(), last.get()) == (3, 2)),
        "{}",
        refused(&short)
    );
    assert!(refused(&short).is_of_another_log() && refused(&short).to_string().contains("annuaire rebuild"));
    assert_eq!(index.applied_tx(), Tx::new(3));
    assert_eq!(body(&index, ORGANIZATION, "001-F990000019").unwrap()["name"], "C");
}

/// Transactions that are committed while the log is followed are applied too.
#[test]
fn following_ends_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    let registry = open_registry(&path);
    commit(&registry, T0, &[structure("990000019", "A")]);
    let index = annuaire_publish::open(&dir.path().join("s"), MAP, PUBLIC).unwrap();
    let other = annuaire_store_sqlite::open_blocking(&path).unwrap();
    let more = std::sync::Mutex::new(0);
    let tell = |_: &str, _: u64, _: u64| {
        let n = &mut *more.lock().unwrap();
        if *n < 3 {
            *n += 1;
            commit(&other, T0 + *n, &[structure("990000019", &format!("A{n}"))]);
        }
    };
    let followed = annuaire_publish::follow(&registry, &index, PUBLIC, &tell).unwrap();
    assert_eq!((index.applied_tx(), followed.versions), (Tx::new(4), 4));
}

/// A store that may not grow reports it, keeps its content, and goes on once it may.
#[test]
fn a_full_store_says_so_and_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let registry = open_registry(&dir.path().join("r"));
    commit(&registry, T0, &[structure("990000019", "A")]);
    let store = dir.path().join("s");
    let many: Vec<SourceChange> =
        (0..4_000).map(|n| structure(&format!("99{n:07}"), &format!("CLINIQUE {}", n * 7_919))).collect();
    {
        let index = annuaire_publish::open(&store, 1 << 19, PUBLIC).unwrap();
        follow(&registry, &index, PUBLIC);
        commit(&registry, T0 + 1, &many);
        for _ in 0..2 {
            let e = annuaire_publish::follow(&registry, &index, PUBLIC, &|_, _, _| {}).unwrap_err();
            assert!(matches!(e, Error::Index(annuaire_index::Error::Full)), "{e}");
            assert!(e.to_string().contains("full"));
            assert!(body(&index, ORGANIZATION, "001-F990000019").is_some());
        }
    }
    let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
    follow(&registry, &index, PUBLIC);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    assert_eq!(index.snapshot().unwrap().search(ORGANIZATION, &Filter::All).unwrap().len(), 4_000);
}
