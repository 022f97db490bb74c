//! Priority of the threads that import and publish.

/// Lets this thread, and those that it will start, run behind the servers of the machine, with this niceness.
pub(crate) fn run_behind_readers(niceness: i32) {
    // Where the system refuses, readers wait a little: nothing else is lost.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), niceness);
}
