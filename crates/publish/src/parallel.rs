//! Work on several threads, results in the order of the questions.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Lets `feed` hand out jobs, `threads` workers do them, and `consume` take the results in the order in which the jobs were
/// handed out. Few jobs are in memory at a time. When `consume` ends early, handing out fails and everything stops.
pub(crate) fn ordered<Job: Send, Done: Send, Worker: FnMut(Job) -> Done, Out>(
    threads: usize,
    feed: impl FnOnce(&dyn Fn(Job) -> bool) + Send,
    worker: impl Fn() -> Worker + Sync,
    consume: impl FnOnce(&mut dyn Iterator<Item = Done>) -> Out,
) -> Out {
    let (jobs, waiting) = sync_channel::<(Job, SyncSender<Done>)>(threads);
    let (order, results) = sync_channel::<Receiver<Done>>(threads * 4);
    let waiting = Mutex::new(waiting);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            feed(&|job| {
                let (done, result) = sync_channel(1);
                order.send(result).is_ok() && jobs.send((job, done)).is_ok()
            });
        });
        for _ in 0..threads {
            scope.spawn(|| {
                let mut work = worker();
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((job, done)) = job else { break };
                    // Nobody waits for it any more when the consumer ended early.
                    let _ = done.send(work(job));
                }
            });
        }
        let out = consume(&mut results.iter().map_while(|result| result.recv().ok()));
        drop(results);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::ordered;

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
        let all: Vec<u64> = ordered(3, feed, worker, |results| results.collect());
        assert!(all.iter().copied().eq(0..1_000));
        let endless = |give: &dyn Fn(u64) -> bool| _ = (0..).all(give);
        assert_eq!(ordered(3, endless, worker, |results| results.take(10).sum::<u64>()), 45);
    }
}
