//! A store that is filled from the rows of another one answers as that one does.

use annuaire_base::Tx;
use annuaire_terms::{Resource, TypeId};
use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::common::{DICTIONARIES, MAP, resource, ty};
use super::group::{apply_one, transactions};
use super::model::filters;
use crate::{Error, Filter, GroupItem, Index, Row, Snapshot, Tombstone, TxEnd, Version};

const TYPES: [TypeId; 2] = [TypeId::new(0), TypeId::new(1)];

/// The resource that was published as a version: in the program its JSON is read again.
fn published_as(version: &Version) -> Resource {
    let content = version.body()[1] - b'0';
    let id = version.id().strip_prefix("id").unwrap().parse().unwrap();
    resource(version.ty, id, content)
}

/// Applies rows of one store to another, up to the state of the snapshot.
fn copy(from: &Snapshot, rows: &RoaringBitmap, to: &Index) {
    let mut preparer = to.preparer(Tx::NONE, 0).unwrap();
    let mut items: Vec<Result<GroupItem, Error>> = Vec::new();
    let mut end = TxEnd::default();
    for version in rows.iter().map(|row| from.read(Row::new(row)).unwrap()) {
        if version.tx != end.tx {
            if end.tx > Tx::NONE {
                items.push(Ok(GroupItem::End(std::mem::take(&mut end))));
            }
            (end.tx, end.commit_ms) = (version.tx, from.commit_ms_of(version.tx).unwrap());
        }
        match version.tombstone {
            None => {
                let prepared = preparer.prepare_copy(published_as(&version), end.tx, end.commit_ms, version.number);
                items.push(prepared.map(GroupItem::Resource));
            }
            Some(Tombstone::Vanished) => end.vanished.push((version.ty, version.id().to_owned(), version.number)),
            Some(Tombstone::WithdrawnByLaw) => end.withdrawn.push((version.ty, version.id().to_owned())),
        }
    }
    items.push(Ok(GroupItem::End(end)));
    if from.tx() > Tx::NONE {
        // What the log did without a row here is a transaction of the copy too.
        items.push(Ok(GroupItem::End(TxEnd { tx: from.tx(), commit_ms: from.commit_ms(), ..TxEnd::default() })));
    }
    to.apply_group::<Error>(items.into_iter(), None).unwrap();
}

fn told(s: &Snapshot, row: u32) -> String {
    let v = s.read(Row::new(row)).unwrap();
    let body = String::from_utf8_lossy(v.body()).into_owned();
    format!("{} {} {} of {} at {} {:?} {body}", v.ty, v.id(), v.number, v.tx, v.last_updated_ms, v.tombstone)
}

/// What a client can see of a state.
fn seen(s: &Snapshot) -> Vec<String> {
    let mut out = vec![format!("{} at {}", s.tx(), s.commit_ms())];
    for ty in TYPES {
        // Numbers of rows differ.
        for filter in filters().iter().filter(|filter| !format!("{filter:?}").contains("Rows")) {
            let found: Vec<_> = s.search(ty, filter).unwrap().iter().map(|row| told(s, row)).collect();
            out.push(format!("{filter:?}: {found:?}"));
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_copy_answers_as_its_origin(log in transactions(), first in 0_usize..20, second in 0_usize..20) {
        let (dir, copied_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let origin = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
        let copied = Index::open(copied_dir.path(), MAP, DICTIONARIES).unwrap();
        let mut at = [first.min(log.len()), (first + second).min(log.len()), log.len()];
        at.sort_unstable();
        let mut done = 0;
        let mut states = Vec::new();
        for upto in at {
            for one in &log[done..upto] {
                apply_one(&origin, one).unwrap();
            }
            done = upto;
            states.push(origin.applied_tx());
        }
        // The state of the first, then what followed in two steps: transactions that are copied twice change nothing.
        let begun = origin.snapshot_at(states[0]).unwrap().unwrap();
        copy(&begun, &begun.standing(&TYPES), &copied);
        prop_assert_eq!(seen(&copied.snapshot().unwrap()), seen(&begun));
        for (before, state) in [(states[0], states[1]), (states[0], states[2])] {
            let reached = origin.snapshot_at(state).unwrap().unwrap();
            copy(&reached, &reached.since(&TYPES, before).unwrap(), &copied);
            let now = copied.snapshot().unwrap();
            prop_assert_eq!(seen(&now), seen(&reached));
            // What followed is told in the copy as in its origin.
            let tell = |s: &Snapshot| s.since(&TYPES, states[0]).unwrap().iter().map(|row| told(s, row)).collect::<Vec<_>>();
            prop_assert_eq!(tell(&now), tell(&reached));
        }
        prop_assert_eq!(copied.check().unwrap(), Vec::<String>::new());
        // The log begun from nothing gives the state, too.
        let (whole_dir, end) = (tempfile::tempdir().unwrap(), origin.snapshot().unwrap());
        let whole = Index::open(whole_dir.path(), MAP, DICTIONARIES).unwrap();
        copy(&end, &end.since(&TYPES, Tx::NONE).unwrap(), &whole);
        prop_assert_eq!(seen(&whole.snapshot().unwrap()), seen(&end));
    }
}

#[test]
fn the_transaction_of_an_instant_is_the_last_one_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let at = |ms| index.snapshot().unwrap().transaction_at(ms).unwrap().map(|(tx, ms)| (tx.get(), ms));
    assert_eq!(at(i64::MAX), None);
    assert_eq!(index.snapshot().unwrap().first_transaction().unwrap(), None);
    for (tx, ms) in [(2, 100), (5, 200), (6, 200), (9, 300)] {
        let mut preparer = index.preparer(Tx::new(tx), ms).unwrap();
        let prepared = preparer.prepare(resource(ty(0), 1, (tx % 4) as u8));
        index.apply::<Error>(Tx::new(tx), ms, std::iter::once(prepared)).unwrap();
    }
    let wanted = [(99, None), (100, Some((2, 100))), (199, Some((2, 100))), (200, Some((6, 200))), (299, Some((6, 200)))];
    for (ms, found) in wanted.into_iter().chain([(300, Some((9, 300))), (i64::MAX, Some((9, 300)))]) {
        assert_eq!(at(ms), found, "at {ms}");
    }
    assert_eq!(index.snapshot().unwrap().first_transaction().unwrap(), Some((Tx::new(2), 100)));
    // The numbers between two transactions name the state of the first.
    let since = |tx| index.snapshot().unwrap().since(&TYPES, Tx::new(tx)).unwrap().len();
    assert_eq!([0, 1, 2, 4, 5, 8, 9, 10].map(since), [4, 4, 3, 3, 2, 1, 0, 0]);
    let all = index.snapshot().unwrap().search(ty(0), &Filter::All).unwrap();
    assert_eq!(index.snapshot().unwrap().standing(&TYPES), *all);
}
