//! Stores of another log, another view, other forms or another format are refused, with what to do, and nothing is written.

use annuaire_base::{LogIdentity, Tx};

use super::common::{DICTIONARIES, MAP, all_ok, apply, resource, ty};
use crate::{Error, Index, Marks};

const LOG: LogIdentity = LogIdentity { id: 0xabcd, epoch: 1 };

#[test]
fn a_store_follows_one_life_of_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    assert_eq!(index.log().unwrap(), None);
    index.bind_log(LogIdentity { id: 7, epoch: 9 }).unwrap();
    index.bind_log(LOG).unwrap();
    apply(&index, Tx::new(1), 100, all_ok(&[resource(ty(1), 1, 1)])).unwrap();
    index.bind_log(LOG).unwrap();
    for other in
        [LogIdentity { id: 0xabce, epoch: 1 }, LogIdentity { id: 0xabcd, epoch: 2 }, LogIdentity { id: 0xabcd, epoch: 0 }]
    {
        let refused = index.bind_log(other).unwrap_err();
        assert!(matches!(refused, Error::OtherLog { store: LOG }), "{refused}");
        assert!(refused.to_string().contains("rebuild the store from this log"), "{refused}");
    }
    drop(index);
    let seen = Index::peek(dir.path()).unwrap();
    assert_eq!((seen.tx, seen.log), (Tx::new(1), Some(LOG)));
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    assert_eq!(index.log().unwrap(), Some(LOG));
    assert!(index.bind_log(LogIdentity { id: 0xabce, epoch: 1 }).is_err());
    index.bind_log(LOG).unwrap();
}

#[test]
fn a_store_of_another_view_form_or_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = |view, forms| Index::open_marked(dir.path(), MAP, DICTIONARIES, Marks { view, forms });
    apply(&open("the public view", 3).unwrap(), Tx::new(1), 100, all_ok(&[resource(ty(1), 1, 1)])).unwrap();
    let e = open("another view", 3).err().unwrap();
    assert!(matches!(&e, Error::OtherView { found, .. } if found == "the public view"), "{e}");
    assert!(e.to_string().contains("rebuild it from the log"), "{e}");
    let e = open("the public view", 4).err().unwrap();
    assert!(matches!(e, Error::Outdated { .. }) && e.to_string().contains("rebuild it from the log"), "{e}");
    {
        let index = open("the public view", 3).unwrap();
        let mut txn = index.env.write_txn().unwrap();
        index.dbs.meta.put(&mut txn, b"format", b"7").unwrap();
        txn.commit().unwrap();
    }
    let e = open("the public view", 3).err().unwrap();
    assert!(matches!(&e, Error::Outdated { found, wanted } if found == "format 7" && wanted == "format 8"), "{e}");
}

/// A restoration begins a later epoch of one log: stores that are part of it go on there, and no other does.
#[test]
fn a_store_goes_on_in_a_later_epoch_of_its_log_alone() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), 1 << 24, &[]).unwrap();
    assert!(index.rebind_log(LOG).is_err(), "it follows no log");
    index.bind_log(LOG).unwrap();
    let later = LogIdentity { epoch: LOG.epoch + 1, ..LOG };
    assert!(index.rebind_log(LogIdentity { id: LOG.id + 1, ..later }).is_err());
    index.rebind_log(later).unwrap();
    assert_eq!(index.log().unwrap(), Some(later));
    assert!(index.rebind_log(LOG).is_err(), "an epoch that is over");
}
