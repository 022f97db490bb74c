//! A store knows its view and its log, follows to the end, and survives being full.

use crate::followed_registry::*;
use annuaire_base::Tx;
use annuaire_fhir::schema::ORGANIZATION;
use annuaire_fhir::{Guide, View};
use annuaire_index::{Filter, Index};
use annuaire_publish::{Error, Followed};
use annuaire_store_sqlite::SqliteRegistry;

#[test]
fn a_store_knows_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
    commit(&mut registry, T0, &[structure("990000019", "A")]);
    let store = dir.path().join("s");
    {
        let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
        follow(&mut registry, &index, PUBLIC);
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
        follow(&mut registry, &index, PUBLIC);
    }
    assert!(matches!(annuaire_publish::open(&old, MAP, PUBLIC), Err(Error::Outdated)));
    // Another log with a transaction of the same number.
    let mut strange = SqliteRegistry::open(&dir.path().join("r2")).unwrap();
    commit(&mut strange, T0 + 5, &[structure("990000027", "B")]);
    commit(&mut strange, T0 + 6, &[structure("990000027", "C")]);
    let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
    let follow = |registry: &mut SqliteRegistry| annuaire_publish::follow(registry, &index, PUBLIC, &|_, _, _| {});
    assert!(matches!(follow(&mut strange), Err(Error::OtherLog { tx }) if tx.get() == 1));
    let mut empty = SqliteRegistry::open(&dir.path().join("r3")).unwrap();
    assert!(matches!(follow(&mut empty), Err(Error::OtherLog { tx }) if tx.get() == 1));
    let differences = annuaire_publish::verify(&mut strange, &index, PUBLIC, &|_, _, _| {}).unwrap();
    assert!(differences.len() == 1 && differences[0].contains("another log"));
    assert_eq!(index.applied_tx(), Tx::new(1));
    assert_eq!(follow(&mut registry).unwrap(), Followed::default());
    assert_eq!(index.clear_dead_readers().unwrap(), 0);
}

/// Transactions that are committed while the log is followed are applied too.
#[test]
fn following_ends_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r");
    let mut registry = SqliteRegistry::open(&path).unwrap();
    commit(&mut registry, T0, &[structure("990000019", "A")]);
    let index = annuaire_publish::open(&dir.path().join("s"), MAP, PUBLIC).unwrap();
    let more = std::sync::Mutex::new((SqliteRegistry::open(&path).unwrap(), 0));
    let tell = |_: &str, _: u64, _: u64| {
        let (other, n) = &mut *more.lock().unwrap();
        if *n < 3 {
            *n += 1;
            commit(other, T0 + *n, &[structure("990000019", &format!("A{n}"))]);
        }
    };
    let followed = annuaire_publish::follow(&mut registry, &index, PUBLIC, &tell).unwrap();
    assert_eq!((index.applied_tx(), followed.versions), (Tx::new(4), 4));
}

/// A store that may not grow reports it, keeps its content, and goes on once it may.
#[test]
fn a_full_store_says_so_and_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = SqliteRegistry::open(&dir.path().join("r")).unwrap();
    commit(&mut registry, T0, &[structure("990000019", "A")]);
    let store = dir.path().join("s");
    let many: Vec<SourceChange> =
        (0..4_000).map(|n| structure(&format!("99{n:07}"), &format!("CLINIQUE {}", n * 7_919))).collect();
    {
        let index = annuaire_publish::open(&store, 1 << 19, PUBLIC).unwrap();
        follow(&mut registry, &index, PUBLIC);
        commit(&mut registry, T0 + 1, &many);
        for _ in 0..2 {
            let e = annuaire_publish::follow(&mut registry, &index, PUBLIC, &|_, _, _| {}).unwrap_err();
            assert!(matches!(e, Error::Index(annuaire_index::Error::Full)), "{e}");
            assert!(e.to_string().contains("full"));
            assert!(body(&index, ORGANIZATION, "001-F990000019").is_some());
        }
    }
    let index = annuaire_publish::open(&store, MAP, PUBLIC).unwrap();
    follow(&mut registry, &index, PUBLIC);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
    assert_eq!(index.snapshot().unwrap().search(ORGANIZATION, &Filter::All).unwrap().len(), 4_000);
}
