//! The lane of long work: a few threads of low priority that serve one client after the other.
//!
//! The threads that read connections answer short requests. A request that needs more work runs here, in the turn of its
//! client: a client that asks for much waits behind its own requests, and nobody else waits for them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::client::Client;

/// Most jobs of one client that wait, besides the one that runs.
pub const WAITING: usize = 256;
/// Niceness of the threads: they run in the time that others leave.
const NICE: i32 = 15;

type LaneJob = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct LaneQueues {
    /// Clients that have jobs, the next one first.
    turn: VecDeque<Client>,
    jobs: HashMap<Client, VecDeque<LaneJob>>,
    closed: bool,
}

impl LaneQueues {
    /// Puts a job behind those of its client.
    fn push(&mut self, client: Client, job: LaneJob) -> Result<(), Full> {
        let jobs = self.jobs.entry(client).or_default();
        if jobs.len() >= WAITING {
            return Err(Full);
        }
        jobs.push_back(job);
        if jobs.len() == 1 {
            self.turn.push_back(client);
        }
        Ok(())
    }

    /// The next job, of the client whose turn it is.
    fn next(&mut self) -> Option<LaneJob> {
        let client = self.turn.pop_front()?;
        let jobs = self.jobs.get_mut(&client)?;
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.jobs.remove(&client);
        } else {
            self.turn.push_back(client);
        }
        job
    }
}

#[derive(Default)]
struct LaneState {
    queues: Mutex<LaneQueues>,
    more: Condvar,
}

/// The threads of long work. They end when it is dropped.
pub struct Lane(Arc<LaneState>);

/// The client already has [`WAITING`] jobs that wait.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Lane {
    /// Starts the threads: half as many as there are processors.
    pub fn new() -> Self {
        let shared = Arc::new(LaneState::default());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..(processors / 2).max(1) {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || run_jobs(&shared));
        }
        Self(shared)
    }

    /// Runs `job` in the turn of `client`. The result comes through the receiver, which reports an error when the job panicked.
    /// A job whose receiver was dropped before its turn is not run.
    ///
    /// # Errors
    /// [`Full`] when the client has [`WAITING`] jobs that wait.
    pub fn run<T: Send + 'static>(
        &self,
        client: Client,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Full> {
        let (send, receive) = oneshot::channel();
        let job = Box::new(move || {
            // A client that left needs no answer.
            if !send.is_closed() {
                _ = send.send(job());
            }
        });
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner).push(client, job)?;
        self.0.more.notify_one();
        Ok(receive)
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.0.more.notify_all();
    }
}

fn run_jobs(shared: &LaneState) {
    // Where the system refuses it, long work keeps the usual priority: slower for others, still correct.
    _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    let mut queues = shared.queues.lock().unwrap_or_else(PoisonError::into_inner);
    while !queues.closed {
        let Some(job) = queues.next() else {
            queues = shared.more.wait(queues).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        drop(queues);
        // A job that panics loses its answer; the thread goes on.
        _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
        queues = shared.queues.lock().unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_take_turns() {
        let mut queues = LaneQueues::default();
        let done = Arc::new(Mutex::new(Vec::new()));
        for (client, n) in [(1, 0), (1, 1), (1, 2), (2, 3), (3, 4), (2, 5)] {
            let done = Arc::clone(&done);
            queues.push(Client::numbered(client), Box::new(move || done.lock().unwrap().push(n))).unwrap();
        }
        while let Some(job) = queues.next() {
            job();
        }
        assert_eq!(*done.lock().unwrap(), [0, 3, 4, 1, 5, 2]);
        assert!(queues.jobs.is_empty() && queues.turn.is_empty());
    }

    #[tokio::test]
    async fn one_client_cannot_fill_it() {
        let lane = Lane::new();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let held: Vec<_> = (0..WAITING + 64)
            .map(|_| {
                let wait = Arc::clone(&wait);
                lane.run(Client::numbered(7), move || wait.lock().unwrap().recv().is_ok())
            })
            .collect();
        assert_eq!(held.last().map(|h| h.as_ref().err()), Some(Some(&Full)));
        let other = lane.run(Client::numbered(8), || 42).unwrap();
        drop(go);
        assert_eq!(other.await.unwrap(), 42, "a panic or a refusal of one is nothing to the others");
        assert!(
            lane.run(Client::numbered(9), || panic!("lost")).map(|answer: oneshot::Receiver<()>| answer).unwrap().await.is_err()
        );
        assert_eq!(lane.run(Client::numbered(9), || 1).unwrap().await.unwrap(), 1);
    }
}
