//! A clock that is wrong by more than the limits stops a commit unless the operator accepts it; a small step back never does.

use crate::acts::{cause, owners, put};
use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, CommitClock, Error, Expect, limits};

pub(crate) fn run(r: &BlockingRegistry) {
    owners(r, &["s"]);
    let today = 1_800_000_000_000_i64;
    let mut n = 0;
    let mut at = |now: i64, any_clock| {
        n += 1;
        let mut unit = r.begin().expect("begin");
        unit.put(put("A", "s", &n.to_string()), Expect::Any).expect("put");
        unit.save(&cause(), CommitClock { now_ms: &move || now, any_clock }).map(|o| o.tx)
    };
    assert_eq!(at(today, false).expect("first"), Some(Tx::new(1)));
    assert_eq!(at(today - limits::CLOCK_BEHIND_MS, false).expect("a small step back"), Some(Tx::new(2)));
    let far = today + 1 + limits::CLOCK_AHEAD_MS;
    assert!(matches!(at(far + 1, false), Err(Error::Clock { last_ms, now_ms }) if (last_ms, now_ms) == (today + 1, far + 1)));
    assert_eq!(at(far + 1, true).expect("accepted"), Some(Tx::new(3)));
    assert!(matches!(at(today, false), Err(Error::Clock { .. })), "a log ahead of the clock is not prolonged in silence");
    assert_eq!(at(today, true).expect("accepted"), Some(Tx::new(4)));
    let times: Vec<i64> = r.transactions(Tx::NONE, 9).expect("log").iter().map(|t| t.commit_ms).collect();
    assert_eq!(times, [today, today + 1, far + 1, far + 2]);
}
