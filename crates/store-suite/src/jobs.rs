//! Jobs: written with their transaction, taken by one, given back by the dead.

use crate::acts::{OpenRegistry, owners, put, write};
use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, Error, Expect, NewJob, Queue};
use std::collections::BTreeSet;

fn job(kind: &str, key: &str, due_ms: i64) -> NewJob {
    NewJob { queue: Queue::Work, kind: kind.into(), key: key.into(), due_ms, payload: format!("{{\"due\":{due_ms}}}") }
}

fn waiting(r: &BlockingRegistry) -> Vec<(String, i64, u32)> {
    r.jobs(Queue::Work, 99).expect("jobs").into_iter().map(|j| (j.job.kind, j.job.due_ms, j.attempts)).collect()
}

pub(crate) fn run(open: OpenRegistry<'_>) {
    let r = open(true);
    owners(&r, &["s"]);
    let done = write(&r, 0, &mut |u| {
        u.put(put("A", "s", "1"), Expect::Any)?;
        u.job(&job("remind", "A", 50))?;
        u.job(&job("remind", "A", 70))?;
        u.job(&job("clean", "", 60))?;
        u.job(&job("clean", "", 60))?;
        u.job(&NewJob { queue: Queue::Outbox, ..job("mail", "A", 10) })
    });
    done.expect("commit");
    let lost = write(&r, 0, &mut |u| u.job(&job("lost", "", 0)).and(Err(Error::Rejected("stop".into()))));
    assert!(lost.is_err());
    let clean = ("clean".to_owned(), 60, 0);
    assert_eq!(waiting(&r), [clean.clone(), clean, ("remind".into(), 70, 0)], "the second reminder moved the first");
    assert_eq!(r.jobs(Queue::Outbox, 9).expect("jobs")[0].tx, Some(Tx::new(1)));

    let take = |r: &BlockingRegistry, kinds: &[&str], now| r.take_job(Queue::Work, kinds, now, 1_000).expect("take");
    assert_eq!(take(&r, &["clean", "remind"], 59), None);
    assert_eq!(take(&r, &["mail"], 999), None, "another queue");
    let first = take(&r, &["remind", "clean"], 100).expect("the one due for longest");
    assert_eq!((first.job.kind.as_str(), first.attempts, first.tx), ("clean", 0, Some(Tx::new(1))));
    let second = take(&r, &["clean"], 100).expect("the other");
    assert_ne!(first.id, second.id);
    assert_eq!(take(&r, &["clean"], 100), None, "both are being done");
    r.finish_job(first.id).expect("finish");
    let again = take(&r, &["clean"], 1_100).expect("its lease ended");
    assert_eq!((again.id, again.attempts), (second.id, 1), "ended without a word");
    r.retry_job(again.id, 5_000, "no answer").expect("retry");
    let failed = r.jobs(Queue::Work, 99).expect("jobs").into_iter().find(|j| j.id == again.id).expect("still there");
    assert_eq!((failed.attempts, failed.last_error.as_deref(), failed.job.due_ms), (2, Some("no answer"), 5_000));
    // A job that is being done is not replaced.
    let reminder = take(&r, &["remind"], 100).expect("due");
    write(&r, 0, &mut |u| u.job(&job("remind", "A", 90))).expect("commit");
    r.finish_job(reminder.id).expect("finish");
    assert_eq!(waiting(&r), [("remind".to_owned(), 90, 0), ("clean".to_owned(), 5_000, 2)]);
    assert_eq!(r.jobs(Queue::Work, 1).expect("jobs").len(), 1);
    each_is_taken_once(&r, &open(false));
}

fn each_is_taken_once(r: &BlockingRegistry, other: &BlockingRegistry) {
    write(r, 0, &mut |u| (0..40).try_for_each(|n| u.job(&job("many", &n.to_string(), 0)))).expect("commit");
    let taken: Vec<i64> = std::thread::scope(|scope| {
        let worker = |r: BlockingRegistry| {
            scope.spawn(move || {
                let take = || r.take_job(Queue::Work, &["many"], 1, 1_000_000).expect("take");
                std::iter::from_fn(take).map(|j| j.id).collect::<Vec<_>>()
            })
        };
        let workers = [worker(r.clone()), worker(r.clone()), worker(other.clone())];
        workers.into_iter().flat_map(|w| w.join().expect("worker")).collect()
    });
    assert_eq!(taken.len(), 40);
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 40);
}
