//! Bounded work, remembered results, and threads.

use annuaire_base::Tx;
use annuaire_terms::{Resource, Term};

use super::common::{DICTIONARIES, MAP, all_ok, apply, param, resource, ty};
use crate::{Effort, Error, Filter, Index, Snapshot, UNLIMITED};

#[test]
fn an_index_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Index>();
    sent::<Snapshot>();
}

/// A search beyond its effort is refused; one whose result is remembered costs nothing.
#[test]
fn work_is_bounded_and_not_done_twice() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(dir.path(), MAP, DICTIONARIES).unwrap();
    let many = (0..30_000_u32).map(|n| Resource {
        id: format!("id{n}"),
        terms: vec![Term::Text { param: param(1), value: format!("name {n}") }],
        ..resource(ty(1), 0, 1)
    });
    apply(&index, Tx::new(1), 100, many.map(Ok)).unwrap();
    let wide = Filter::Contains { param: param(1), value: "9".into() };
    let found = |work: Effort| index.snapshot().unwrap().within(work).search(ty(1), &wide).map(|rows| rows.len());
    assert!(matches!(found(1_000), Err(Error::Exhausted)));
    let all = found(UNLIMITED).unwrap();
    assert_eq!(all, (0..30_000).filter(|n| n.to_string().contains('9')).count() as u64);
    assert_eq!(found(1_000).unwrap(), all, "found before");
    let half = Filter::Or(vec![wide.clone(), Filter::Contains { param: param(1), value: "8".into() }]);
    assert!(matches!(index.snapshot().unwrap().within(1_000).search(ty(1), &half), Err(Error::Exhausted)));
    // The next state has its own results.
    let more = vec![Resource {
        id: "one more".into(),
        terms: vec![Term::Text { param: param(1), value: "9".into() }],
        ..resource(ty(1), 0, 1)
    }];
    apply(&index, Tx::new(2), 200, all_ok(&more)).unwrap();
    assert_eq!(found(UNLIMITED).unwrap(), all + 1);
    let before = index.snapshot_at(Tx::new(1)).unwrap().unwrap();
    assert_eq!(before.search(ty(1), &wide).unwrap().len(), all);
}
