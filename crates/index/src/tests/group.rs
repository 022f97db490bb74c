//! Groups of transactions give the store that the transactions give one after the other.

use annuaire_base::Tx;
use annuaire_terms::{LinkRule, Presence, Resource, TypeId};
use proptest::prelude::*;

use super::common::{DICTIONARIES, MAP, NAMES, param, resource, ty};
use super::model::filters;
use crate::closings::closed_between;
use crate::{
    Applied, ApplyOptions, Error, GroupItem, Index, Preparer, Retention, Row, SetAsideChanges, SetAsideEntity, Snapshot, TxEnd,
};

/// A transaction of the log.
#[derive(Debug, Clone)]
pub struct LogTransaction {
    pub tx: Tx,
    pub ms: i64,
    pub resources: Vec<Resource>,
    pub set_aside: SetAsideChanges,
}

impl LogTransaction {
    pub fn end(&self) -> TxEnd {
        TxEnd {
            tx: self.tx,
            commit_ms: self.ms,
            digest: [self.tx.get() as u8; 32],
            set_aside: self.set_aside.clone(),
            ..TxEnd::default()
        }
    }
}

pub const LINKS: [LinkRule; 2] = [
    LinkRule { source: ty(1), param: param(3), target: ty(0), target_name: NAMES[0] },
    LinkRule { source: ty(0), param: param(3), target: ty(1), target_name: NAMES[1] },
];
pub const RETENTION: Retention<'_> = Retention { after_ms: 150, again_ms: 70, links: &LINKS };

pub fn transactions() -> impl Strategy<Value = Vec<LogTransaction>> {
    let presence = prop_oneof![
        3 => Just(Presence::Described),
        2 => Just(Presence::Withdrawn),
        1 => Just(Presence::Referenced),
    ];
    let one = (0u8..2, 0u8..5, 0u8..6, presence).prop_map(|(t, i, c, presence)| Resource { presence, ..resource(ty(t), i, c) });
    let aside = (0u8..3, prop::option::of(0u8..3)).prop_map(|(entity, reason)| {
        let entity = format!("E:{entity}");
        let entry = reason.map(|reason| SetAsideEntity {
            entity: entity.clone(),
            made_at: Tx::new(1),
            tx: Tx::new(2),
            object: entity.clone(),
            source: "s".into(),
            reason: reason.to_string(),
        });
        (entity, entry)
    });
    // Some transactions are long enough to be applied alone.
    let size = prop_oneof![8 => 0_usize..5, 1 => 39_usize..60];
    let resources = size.prop_flat_map(move |size| prop::collection::vec(one.clone(), size));
    let transaction = (resources, prop::collection::vec(aside, 0..2), 1u64..80, 0i64..120);
    prop::collection::vec(transaction, 1..20).prop_map(|list| {
        let (mut tx, mut ms) = (Tx::NONE, 0);
        let follow = |(resources, set_aside, skipped, passed): (Vec<Resource>, SetAsideChanges, u64, i64)| {
            (tx, ms) = (Tx::new(tx.get() + skipped), ms + passed);
            LogTransaction { tx, ms, resources, set_aside }
        };
        list.into_iter().map(follow).collect()
    })
}

pub fn apply_one(index: &Index, one: &LogTransaction) -> Result<u64, Error> {
    let mut preparer = index.preparer(one.tx, one.ms).unwrap();
    let prepared: Vec<_> = one.resources.iter().map(|r| preparer.prepare(r.clone())).collect();
    let set_aside = || one.set_aside.clone();
    let options = ApplyOptions {
        retention: Some(&RETENTION),
        set_aside: Some(&set_aside),
        digest: one.end().digest,
        ..ApplyOptions::default()
    };
    index.apply_with(one.tx, one.ms, prepared.into_iter(), &options)
}

pub fn items(preparer: &mut Preparer, group: &[LogTransaction]) -> Vec<Result<GroupItem, Error>> {
    let mut items = Vec::new();
    for one in group {
        for resource in &one.resources {
            items.push(preparer.prepare_for(resource.clone(), one.tx, one.ms).map(GroupItem::Resource));
        }
        items.push(Ok(GroupItem::End(one.end())));
    }
    items
}

/// Everything of a state that can be asked for.
fn answers(s: &Snapshot) -> Vec<String> {
    let mut out = vec![format!("{} {}", s.tx(), s.commit_ms())];
    for ty in (0..2).map(ty) {
        out.extend(filters().iter().map(|filter| format!("{filter:?}: {:?}", s.search(ty, filter).unwrap())));
        for id in (0..5).map(|n| format!("id{n}")) {
            let current = s.current(ty, &id).unwrap().map(|version| version.row);
            out.push(format!("{ty} {id}: {current:?} of {:?}", s.history(ty, &id).unwrap()));
        }
        out.push(format!("{:?}", s.with_own_instant(ty).unwrap()));
    }
    out
}

fn contents(index: &Index, db: crate::databases::Db) -> Vec<(Vec<u8>, Vec<u8>)> {
    let txn = index.env.read_txn().unwrap();
    db.iter(&txn).unwrap().map(|item| item.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
}

/// Compares two stores: rows, columns, closings and all that is written beside, byte by byte; states by their answers.
pub fn assert_same_stores(a: &Index, b: &Index, txs: &[Tx]) {
    assert_eq!(a.applied(), b.applied());
    let versions = |index: &Index| {
        let s = index.snapshot().unwrap();
        let of = |row| {
            let v = s.read(Row::new(row)).unwrap();
            let body = String::from_utf8_lossy(v.body()).into_owned();
            format!(
                "{row}: {} {} version {} of {} at {} {:?} {body}",
                v.ty,
                v.id(),
                v.number,
                v.tx,
                v.last_updated_ms,
                v.presence
            )
        };
        (0..s.published.end.get()).map(of).collect::<Vec<_>>()
    };
    let (of_a, of_b) = (versions(a), versions(b));
    for n in 0..of_a.len().max(of_b.len()) {
        assert_eq!(of_a.get(n), of_b.get(n));
    }
    let dbs = |index: &Index| {
        let dbs = index.dbs;
        [dbs.rows, dbs.links, dbs.longs, dbs.tx, dbs.closings, dbs.leaving, dbs.aside, dbs.sets].map(|db| contents(index, db))
    };
    for (n, (a, b)) in dbs(a).into_iter().zip(dbs(b)).enumerate() {
        assert!(a == b, "database {n}");
    }
    for tx in txs {
        let states = [a, b].map(|index| answers(&index.snapshot_at(*tx).unwrap().unwrap()));
        assert_eq!(states[0], states[1]);
    }
    assert_eq!(answers(&a.snapshot().unwrap()), answers(&b.snapshot().unwrap()));
}

/// The live rows of a state, by adding up all that every transaction did.
pub fn live_by_sums(index: &Index, types: impl Iterator<Item = TypeId>, tx: Tx) -> Vec<roaring::RoaringBitmap> {
    let txn = index.env.read_txn().unwrap();
    let s = index.snapshot_at(tx).unwrap().unwrap();
    let closed = closed_between(&index.dbs, &txn, Tx::NONE, tx).unwrap();
    let live = |ty| {
        let mut rows = s.term(&crate::key::all_of_type(ty)).unwrap() - closed.get(&ty).cloned().unwrap_or_default();
        rows.remove_range(s.published.end.get()..);
        rows
    };
    types.map(live).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn a_group_gives_what_its_transactions_give(
        log in transactions(),
        cuts in prop::collection::vec((1usize..12, any::<bool>(), prop::option::of(0usize..20)), 30)
    ) {
        let (dir_a, dir_b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one_by_one = Index::open(dir_a.path(), MAP, DICTIONARIES).unwrap();
        let mut grouped = Index::open(dir_b.path(), MAP, DICTIONARIES).unwrap();
        for one in &log {
            apply_one(&one_by_one, one).unwrap();
        }
        let mut cuts = cuts.into_iter().cycle();
        let mut preparer = grouped.preparer(Tx::NONE, 0).unwrap();
        let mut rest = log.as_slice();
        let mut early = None;
        while !rest.is_empty() {
            let (length, is_pipelined, cut) = cuts.next().unwrap();
            let group = &rest[..length.min(rest.len())];
            let mut all = early.take().unwrap_or_else(|| items(&mut preparer, group));
            // The next group is prepared in the state before this one.
            let after = &rest[group.len()..];
            let next_length = cuts.clone().next().unwrap().0;
            if is_pipelined && !after.is_empty() {
                early = Some(items(&mut preparer, &after[..next_length.min(after.len())]));
            }
            if let Some(cut) = cut.filter(|cut| *cut < all.len()) {
                // Interrupted: what was complete before is applied, and the rest again.
                all.truncate(cut);
                all.push(Err(Error::Refused("cut")));
                prop_assert!(matches!(grouped.apply_group(all.into_iter(), Some(&RETENTION)), Err(Error::Refused("cut"))));
                if cut.is_multiple_of(3) {
                    drop((grouped, preparer));
                    grouped = Index::open(dir_b.path(), MAP, DICTIONARIES).unwrap();
                    preparer = grouped.preparer(Tx::NONE, 0).unwrap();
                }
                all = items(&mut preparer, group);
            }
            if all.len().is_multiple_of(2) {
                grouped.apply_group::<Error>(all.into_iter(), Some(&RETENTION)).unwrap();
            } else {
                grouped.apply_backlog::<Error>(all.into_iter(), Some(&RETENTION)).unwrap();
            }
            prop_assert_eq!(grouped.applied_tx(), group[group.len() - 1].tx);
            rest = after;
        }
        let txs: Vec<Tx> = log.iter().map(|one| one.tx).collect();
        assert_same_stores(&one_by_one, &grouped, &txs);
        prop_assert_eq!(grouped.check().unwrap(), Vec::<String>::new());
        // States found from near ones are those that all the closings give.
        for tx in &txs {
            let s = grouped.snapshot_at(*tx).unwrap().unwrap();
            let live: Vec<_> = (0..2).map(|n| (*s.live(ty(n))).clone()).collect();
            prop_assert_eq!(live, live_by_sums(&grouped, (0..2).map(ty), *tx));
        }
        let applied = grouped.applied();
        drop((grouped, preparer));
        let grouped = Index::open(dir_b.path(), MAP, DICTIONARIES).unwrap();
        prop_assert_eq!(grouped.applied(), applied);
        assert_same_stores(&one_by_one, &grouped, &txs[..1]);
    }
}

#[test]
fn a_group_may_be_empty_late_or_cut() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    assert_eq!(index.applied(), Applied::default());
    assert_eq!(index.apply_group::<Error>(std::iter::empty(), None).unwrap(), 0);
    let mut preparer = index.preparer(Tx::NONE, 0).unwrap();
    let of = |tx: u64, content: u8| LogTransaction {
        tx: Tx::new(tx),
        ms: 100 * tx as i64,
        resources: vec![resource(ty(1), 1, content)],
        set_aside: vec![],
    };
    let first = items(&mut preparer, &[of(1, 0), of(2, 1)]);
    assert_eq!(index.apply_group(first.into_iter(), None).unwrap(), 2);
    assert_eq!(index.applied(), Applied { tx: Tx::new(2), commit_ms: 200, digest: [2; 32] });
    // The first is applied already.
    let again = items(&mut preparer, &[of(2, 4), of(3, 2)]);
    assert_eq!(index.apply_group(again.into_iter(), None).unwrap(), 1);
    // The end is missing.
    let mut cut = items(&mut preparer, &[of(4, 3), of(5, 4)]);
    cut.pop();
    assert!(matches!(index.apply_group(cut.into_iter(), None), Err(Error::Refused("a group ends within a transaction"))));
    assert_eq!(index.applied_tx(), Tx::new(4));
    let version = index.snapshot().unwrap().current(ty(1), "id1").unwrap().unwrap();
    assert_eq!((version.number, version.tx, version.row), (4, Tx::new(4), Row::new(3)));
    assert_eq!(index.check().unwrap(), Vec::<String>::new());
}

/// Ids that a hash with the type as its seed does not tell apart.
#[test]
fn short_ids_of_two_types_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let mut preparer = index.preparer(Tx::NONE, 0).unwrap();
    let of = |tx: u64, resources: Vec<Resource>| LogTransaction { tx: Tx::new(tx), ms: 100, resources, set_aside: vec![] };
    let again = resource(ty(0), 4, 0);
    let group = [of(1, vec![again.clone()]), of(2, vec![resource(ty(1), 3, 1), again])];
    assert_eq!(index.apply_group(items(&mut preparer, &group).into_iter(), None).unwrap(), 2);
}
