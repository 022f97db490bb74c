//! What left the directory vanishes when it is due, unless something that stays refers to it.

use annuaire_base::Tx;
use annuaire_terms::{LinkRule, Presence, Resource, Term};

use super::common::{DICTIONARIES, MAP, NAMES, param, ty};
use crate::{ApplyOptions, Error, Filter, Index, Retention, Tombstone};

fn resource(type_number: u8, id: &str, content: u8, target: Option<&str>, presence: Presence) -> Resource {
    Resource {
        ty: ty(type_number),
        id: id.into(),
        before: vec![b'{', content],
        after: b"}".to_vec(),
        terms: target.map(|target| Term::Reference { param: param(3), target: target.into() }).into_iter().collect(),
        foreign_stamp: None,
        presence,
    }
}

#[test]
fn a_withdrawn_resource_vanishes_when_nothing_refers_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let links = [LinkRule { source: ty(1), param: param(3), target: ty(0), target_name: NAMES[0] }];
    let retention = Retention { after_ms: 1_000, again_ms: 500, links: &links };
    let apply = |tx: u64, ms: i64, resources: Vec<Resource>| {
        let mut preparer = index.preparer(Tx::new(tx), ms).unwrap();
        let prepared = resources.into_iter().map(|resource| preparer.prepare(resource));
        let options = ApplyOptions { retention: Some(&retention), ..ApplyOptions::default() };
        index.apply_with::<Error>(Tx::new(tx), ms, prepared, &options).unwrap();
    };
    let live = |id: &str| index.snapshot().unwrap().exists(ty(0), id).unwrap();
    let withdrawn = |id: &str| resource(0, id, b'0', None, Presence::Withdrawn);
    apply(1, 0, vec![withdrawn("free"), withdrawn("held"), resource(1, "b", b'0', Some("A/held"), Presence::Described)]);
    apply(2, 1_000, vec![]);
    assert!(live("free") && live("held"), "not due before the last millisecond has passed");
    apply(3, 1_001, vec![]);
    assert!(!live("free") && live("held"));
    apply(4, 1_400, vec![resource(1, "b", b'1', None, Presence::Described)]);
    assert!(live("held"), "looked at again 500 ms after it was due");
    apply(5, 1_502, vec![]);
    assert!(!live("held"));
    let snapshot = index.snapshot().unwrap();
    assert!(snapshot.current(ty(0), "held").unwrap().is_none());
    assert!(snapshot.search(ty(0), &Filter::All).unwrap().is_empty());
    assert_eq!(snapshot.version(ty(0), "held", 1).unwrap().unwrap().presence, Presence::Withdrawn, "versions stay");
    assert!(index.snapshot_at(Tx::new(4)).unwrap().unwrap().exists(ty(0), "held").unwrap(), "past states stay");
    // Its last version says that it is gone.
    let tombstone = snapshot.version(ty(0), "held", 2).unwrap().unwrap();
    assert_eq!((tombstone.tombstone, tombstone.tx, tombstone.last_updated_ms), (Some(Tombstone::Vanished), Tx::new(5), 1_502));
    assert_eq!((tombstone.body(), tombstone.id()), (&[][..], "held"));
    assert_eq!(snapshot.history(ty(0), "held").unwrap().first(), Some(&tombstone.row));
    assert!(snapshot.versions_since(Some(ty(0)), 1_502).unwrap().contains(tombstone.row.get()));
    assert!(snapshot.former(ty(0), "held").unwrap().is_none(), "its versions are kept");
    // The resource comes back as the version that follows it.
    apply(6, 1_600, vec![resource(0, "held", b'0', None, Presence::Described)]);
    assert_eq!(index.snapshot().unwrap().current(ty(0), "held").unwrap().unwrap().number, 3);
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
}
