//! Work on several threads, results in the order of the questions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// A thread panicked: this result, or those after it, will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// Lets `feed` hand out jobs, `threads` workers do them, and `consume` take the results in the order in which the jobs were
/// handed out. Few jobs are in memory at a time. When `consume` ends early, handing out fails and everything stops. A panic of
/// a worker or of `feed` is a [`Lost`] result: the results never end as if they were all.
pub(crate) fn ordered<Job: Send, Done: Send, Worker: FnMut(Job) -> Done, Out>(
    threads: usize,
    feed: impl FnOnce(&dyn Fn(Job) -> bool) + Send,
    worker: impl Fn() -> Worker + Sync,
    consume: impl FnOnce(&mut dyn Iterator<Item = Result<Done, Lost>>) -> Out,
) -> Out {
    let (jobs, waiting) = sync_channel::<(Job, SyncSender<Done>)>(threads);
    let (order, results) = sync_channel::<Receiver<Done>>(threads * 4);
    let waiting = Mutex::new(waiting);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let give = |job| {
                let (done, result) = sync_channel(1);
                order.send(result).is_ok() && jobs.send((job, done)).is_ok()
            };
            if catch_unwind(AssertUnwindSafe(|| feed(&give))).is_err() {
                // A result that never comes; nobody may be waiting for it any more.
                let _ = order.send(sync_channel(1).1);
            }
        });
        for _ in 0..threads {
            scope.spawn(|| {
                let mut work = None;
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((job, done)) = job else { break };
                    match catch_unwind(AssertUnwindSafe(|| work.get_or_insert_with(&worker)(job))) {
                        // Nobody waits for it any more when the consumer ended early.
                        Ok(made) => _ = done.send(made),
                        // What a panic left is not used again. The job's sender goes, which tells the consumer.
                        Err(_) => work = None,
                    }
                }
            });
        }
        let out = consume(&mut results.iter().map(|result| result.recv().map_err(|_| Lost)));
        drop(results);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::{Lost, ordered};

    #[test]
    fn results_come_in_order_and_an_early_end_stops_everything() {
        // Some jobs take longer than the next ones.
        let worker = || {
            |n: u64| {
                std::thread::yield_now();
                if n.is_multiple_of(7) {
                    std::thread::sleep(std::time::Duration::from_micros(200));
                }
                n
            }
        };
        let feed = |give: &dyn Fn(u64) -> bool| _ = (0..1_000).all(give);
        let all: Vec<u64> = ordered(3, feed, worker, |results| results.map(Result::unwrap).collect());
        assert!(all.iter().copied().eq(0..1_000));
        let endless = |give: &dyn Fn(u64) -> bool| _ = (0..).all(give);
        assert_eq!(ordered(3, endless, worker, |results| results.take(10).map(Result::unwrap).sum::<u64>()), 45);
    }

    #[test]
    fn a_panic_is_a_result_that_is_lost() {
        let feed = |give: &dyn Fn(u64) -> bool| _ = (0..100).all(give);
        // More panics than workers: the threads go on.
        let worker = || |n: u64| if n % 10 == 3 { panic!("job {n}") } else { n };
        let all: Vec<_> = ordered(2, feed, worker, |results| results.collect());
        assert_eq!(all, (0..100).map(|n| if n % 10 == 3 { Err(Lost) } else { Ok(n) }).collect::<Vec<_>>());
        let broken = |give: &dyn Fn(u64) -> bool| {
            give(1);
            panic!("while reading");
        };
        let all: Vec<_> = ordered(2, broken, || |n: u64| n, |results| results.collect());
        assert_eq!(all, [Ok(1), Err(Lost)]);
    }
}
