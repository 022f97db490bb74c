//! Writers that come at the same time.

use crate::acts::{OpenRegistry, cause, owners, put, sound};
use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, CommitClock, Error, Expect};

/// Transactions of each writer.
const EACH: u64 = 12;

/// Two openings, two threads each: numbers without a gap, each increment of the counter counts.
pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    let other = open(false);
    owners(&r, &["s"]);
    let commits = other.commits();
    let increment = |r: &BlockingRegistry| -> Result<(), Error> {
        let mut unit = r.begin()?;
        let facts = unit.facts(&["COUNTER".into()])?;
        let (value, since) = facts.first().map_or((0, Tx::NONE), |f| (f.payload.parse::<u64>().expect("a number"), f.tx));
        unit.put(put("COUNTER", "s", &(value + 1).to_string()), Expect::UnchangedSince(since))?;
        unit.save(&cause(), CommitClock { now_ms: &|| 1, any_clock: false }).map(|_| ())
    };
    std::thread::scope(|scope| {
        for r in [&r, &r, &other, &other] {
            scope.spawn(move || {
                for _ in 0..EACH {
                    // A backend may let two units read at once; then one of them loses and tries again.
                    while let Err(error) = increment(r) {
                        assert!(matches!(error, Error::Conflict { .. }), "{error}");
                    }
                }
            });
        }
    });
    let last = r.last_tx().expect("last_tx");
    assert_eq!(last, Tx::new(4 * EACH));
    let fact = r.facts_at(last, &["COUNTER".into()]).expect("facts_at");
    assert_eq!(fact[0].payload, (4 * EACH).to_string());
    let numbers: Vec<u64> = r.transactions(Tx::NONE, 1_000).expect("log").iter().map(|t| t.tx.get()).collect();
    assert_eq!(numbers, (1..=4 * EACH).collect::<Vec<_>>());
    // Each opening learns of the commits of the other within a second.
    for _ in 0..100 {
        if *commits.borrow() == last {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!((*commits.borrow(), *r.commits().borrow()), (last, last));
    sound(&r);
}
