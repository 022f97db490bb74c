//! An ordered parallel map: jobs are done on several threads, results come in the order of the jobs.
//!
//! Two entry points share one pool of workers:
//!
//! - [`ordered`] reads jobs on a thread of their own while the caller takes results;
//! - [`interleaved`] reads jobs and takes results on the caller's thread, for a source and a sink that share what cannot be
//!   sent to another thread (an open transaction).
//!
//! Costs: one bounded channel for each job, so a job should be worth a hundred microseconds or more (a megabyte of lines, a
//! page of objects). At most a few jobs for each thread are in memory.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// A thread panicked: this result will not come, nor may those after it when the thread that reads jobs panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost;

/// The number of workers for a setting `threads`: zero stands for the number of processors.
pub fn workers(threads: usize) -> usize {
    if threads > 0 { threads } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

/// Hands out jobs with `feed`, does them with `threads` workers, and lets `consume` take the results in the order of the jobs.
///
/// `feed` runs on a thread of its own; its argument takes a job and answers false when nobody wants more. `worker` makes one
/// worker for each thread, and another one in place of one that panicked. When `consume` returns early, everything stops.
/// A panic of a worker or of `feed` is a [`Lost`] result: the results never end early as if they were complete.
///
/// ```
/// let squares: Vec<u64> = annuaire_batch::parallel::ordered(
///     2,
///     |give| _ = (0..5).all(give),
///     || |n: u64| n * n,
///     |results| results.map(|result| result.expect("no worker panics here")).collect(),
/// );
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// ```
pub fn ordered<Job: Send, Done: Send, Worker: FnMut(Job) -> Done, Out>(
    threads: usize,
    feed: impl FnOnce(&dyn Fn(Job) -> bool) + Send,
    worker: impl Fn() -> Worker + Sync,
    consume: impl FnOnce(&mut dyn Iterator<Item = Result<Done, Lost>>) -> Out,
) -> Out {
    let threads = threads.max(1);
    let (jobs, queue) = sync_channel::<(Job, SyncSender<Done>)>(threads);
    let (order, results) = sync_channel::<Receiver<Done>>(threads * 4);
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let give = |job| {
                let (done, result) = sync_channel(1);
                order.send(result).is_ok() && jobs.send((job, done)).is_ok()
            };
            if catch_unwind(AssertUnwindSafe(|| feed(&give))).is_err() {
                // A result that never comes. Sending fails when the consumer has returned already.
                let _ = order.send(sync_channel(1).1);
            }
        });
        for _ in 0..threads {
            scope.spawn(|| work(&queue, &worker));
        }
        let out = consume(&mut results.iter().map(|result| result.recv().map_err(|_| Lost)));
        drop(results);
        out
    })
}

/// Asks `next` for jobs and hands results to `take`, both on the caller's thread and both with `state`, while `threads`
/// workers do the jobs.
///
/// Results come in the order of their jobs. When `next` fails, the results of the jobs before it are taken first, so that of
/// two errors the one that comes first in the input is returned. Nothing is asked or taken after an error of `take`.
///
/// ```
/// use annuaire_batch::parallel::interleaved;
///
/// // The state is both the source of the jobs and the sum of their results.
/// let (mut left, mut sum) = (3_u64, 0_u64);
/// interleaved(
///     2,
///     &mut (&mut left, &mut sum),
///     |(left, _)| {
///         **left = left.saturating_sub(1);
///         Ok::<_, ()>(Some(**left).filter(|n| *n > 0))
///     },
///     || |n| n * 10,
///     |(_, sum), result| {
///         **sum += result.expect("no worker panics here");
///         Ok(())
///     },
/// )?;
/// assert_eq!(sum, 30);
/// # Ok::<_, ()>(())
/// ```
///
/// # Errors
/// The first error of `next` or `take`, in the order of the jobs.
pub fn interleaved<State, Job: Send, Done: Send, Worker: FnMut(Job) -> Done, Error>(
    threads: usize,
    state: &mut State,
    mut next: impl FnMut(&mut State) -> Result<Option<Job>, Error>,
    worker: impl Fn() -> Worker + Sync,
    mut take: impl FnMut(&mut State, Result<Done, Lost>) -> Result<(), Error>,
) -> Result<(), Error> {
    let threads = threads.max(1);
    let (jobs, queue) = sync_channel::<(Job, SyncSender<Done>)>(threads);
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(&queue, &worker));
        }
        // Dropped on every way out, which ends the workers.
        let jobs = jobs;
        let mut results: VecDeque<Receiver<Done>> = VecDeque::with_capacity(threads * 2);
        let mut end = None;
        loop {
            if end.is_none() && results.len() < threads * 2 {
                match next(state) {
                    Ok(Some(job)) => {
                        let (done, result) = sync_channel(1);
                        results.push_back(result);
                        // The queue lives as long as this function, and workers empty it without waiting for their results
                        // to be taken: sending neither fails nor blocks for ever.
                        let _ = jobs.send((job, done));
                    }
                    Ok(None) => end = Some(Ok(())),
                    Err(e) => end = Some(Err(e)),
                }
            } else if let Some(result) = results.pop_front() {
                take(state, result.recv().map_err(|_| Lost))?;
            } else {
                return end.unwrap_or(Ok(()));
            }
        }
    })
}

/// One worker: does jobs until no more can come.
fn work<Job, Done, Worker: FnMut(Job) -> Done>(queue: &Mutex<Receiver<(Job, SyncSender<Done>)>>, worker: &impl Fn() -> Worker) {
    let mut current = None;
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, done)) = job else { return };
        match catch_unwind(AssertUnwindSafe(|| current.get_or_insert_with(worker)(job))) {
            // Sending fails when the consumer has returned already.
            Ok(made) => _ = done.send(made),
            // A worker that panicked may be inconsistent, so the next job gets a new one. Dropping `done` tells the consumer.
            Err(_) => current = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lost, interleaved, ordered};

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
        let want: Vec<_> = (0..100).map(|n| if n % 10 == 3 { Err(Lost) } else { Ok(n) }).collect();
        assert_eq!(all, want);
        let broken = |give: &dyn Fn(u64) -> bool| {
            give(1);
            panic!("while reading");
        };
        let all: Vec<_> = ordered(2, broken, || |n: u64| n, |results| results.collect());
        assert_eq!(all, [Ok(1), Err(Lost)]);
        let mut state = (0..100, Vec::new());
        let next = |s: &mut (std::ops::Range<u64>, Vec<_>)| Ok::<_, ()>(s.0.next());
        interleaved(2, &mut state, next, worker, |s, result| {
            s.1.push(result);
            Ok(())
        })
        .unwrap();
        assert_eq!(state.1, want);
    }

    struct Numbers {
        next: u32,
        fail_at: u32,
        seen: Vec<u32>,
    }

    impl Numbers {
        fn new(fail_at: u32) -> Self {
            Self { next: 0, fail_at, seen: Vec::new() }
        }

        fn next(&mut self) -> Result<Option<u32>, String> {
            self.next += 1;
            if self.next == self.fail_at { Err("next".into()) } else { Ok(Some(self.next).filter(|n| *n <= 100)) }
        }

        fn take(&mut self, n: Result<u32, Lost>) -> Result<(), String> {
            let n = n.map_err(|_| "lost")?;
            if n == 2 * 77 {
                return Err("take".into());
            }
            self.seen.push(n);
            Ok(())
        }
    }

    #[test]
    fn the_first_error_in_the_input_is_returned() {
        let double = || {
            |n: u32| {
                std::thread::sleep(std::time::Duration::from_micros(u64::from(n * 37 % 11) * 20));
                n * 2
            }
        };
        for workers in [1, 2, 5] {
            let mut all = Numbers::new(50);
            assert_eq!(interleaved(workers, &mut all, Numbers::next, double, Numbers::take), Err("next".to_owned()));
            assert_eq!(all.seen, (1..50).map(|n| n * 2).collect::<Vec<_>>(), "what came before is taken");
            let mut all = Numbers::new(78);
            assert_eq!(interleaved(workers, &mut all, Numbers::next, double, Numbers::take), Err("take".to_owned()));
        }
    }
}
