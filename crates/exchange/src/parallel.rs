//! Work on several threads whose results are taken in order.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The two ends of a line of workers, both on the caller's thread.
pub(crate) trait Line {
    /// What a worker takes.
    type Task: Send;
    /// What it makes of it.
    type Done: Send;
    /// Why the line stops.
    type Error;

    /// The next task, `None` when there is no more.
    fn task(&mut self) -> Result<Option<Self::Task>, Self::Error>;

    /// Takes a result; results come in the order of their tasks.
    fn done(&mut self, done: Self::Done) -> Result<(), Self::Error>;
}

/// The way to a worker and back.
type Lane<L> = (SyncSender<<L as Line>::Task>, Receiver<<L as Line>::Done>);

/// Number of workers for `threads`, zero meaning what the machine has.
pub(crate) fn workers(threads: usize) -> usize {
    if threads > 0 { threads } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

/// Runs a line to its end. When a task cannot be had, what was given out before is done first, so that of two errors the one
/// that comes first in the input is returned.
pub(crate) fn run<L: Line>(line: &mut L, workers: usize, work: &(dyn Fn(L::Task) -> L::Done + Sync)) -> Result<(), L::Error> {
    std::thread::scope(|scope| {
        let lanes: Vec<Lane<L>> = (0..workers.max(1))
            .map(|_| {
                let (give, tasks) = sync_channel::<L::Task>(1);
                let (results, take) = sync_channel::<L::Done>(1);
                scope.spawn(move || {
                    for task in tasks {
                        if results.send(work(task)).is_err() {
                            return;
                        }
                    }
                });
                (give, take)
            })
            .collect();
        // A lane holds a task that waits, one that is worked on and one that is done: more would stop both sides.
        let room = lanes.len() * 2;
        let (mut given, mut taken) = (0_usize, 0_usize);
        let mut end = None;
        loop {
            if end.is_none() && given - taken < room {
                match line.task() {
                    // A lane closes only when its worker panicked; the scope then says so.
                    Ok(Some(task)) => match lanes[given % lanes.len()].0.send(task) {
                        Ok(()) => given += 1,
                        Err(_) => return Ok(()),
                    },
                    Ok(None) => end = Some(Ok(())),
                    Err(e) => end = Some(Err(e)),
                }
                continue;
            }
            if taken < given {
                let Ok(done) = lanes[taken % lanes.len()].1.recv() else { return Ok(()) };
                taken += 1;
                line.done(done)?;
                continue;
            }
            return end.unwrap_or(Ok(()));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Line, run};

    struct Numbers {
        next: u32,
        fail_at: u32,
        seen: Vec<u32>,
    }

    impl Line for Numbers {
        type Task = u32;
        type Done = u32;
        type Error = String;

        fn task(&mut self) -> Result<Option<u32>, String> {
            self.next += 1;
            if self.next == self.fail_at { Err("task".into()) } else { Ok(Some(self.next).filter(|n| *n <= 100)) }
        }

        fn done(&mut self, n: u32) -> Result<(), String> {
            if n == 2 * 77 {
                return Err("done".into());
            }
            self.seen.push(n);
            Ok(())
        }
    }

    #[test]
    fn results_come_in_order_and_the_first_error_in_the_input_is_returned() {
        let double = |n: u32| {
            std::thread::sleep(std::time::Duration::from_micros(u64::from(n * 37 % 11) * 20));
            n * 2
        };
        for workers in [1, 2, 5] {
            let mut all = Numbers { next: 0, fail_at: 50, seen: Vec::new() };
            assert_eq!(run(&mut all, workers, &double), Err("task".to_owned()));
            assert_eq!(all.seen, (1..50).map(|n| n * 2).collect::<Vec<_>>(), "what came before is done");
            let mut all = Numbers { next: 0, fail_at: 78, seen: Vec::new() };
            assert_eq!(run(&mut all, workers, &double), Err("done".to_owned()), "line 77 is before line 78");
        }
    }
}
