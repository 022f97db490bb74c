//! The right to publish into the stores of a data directory: one process has it at a time, and gives signs of life.

use crate::clock::{self, now_ms};
use crate::limits::{BEAT, LOOK, SOON};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Bytes of the note in the lock file. Shorter notes are filled with spaces, so that one write replaces the whole note.
const NOTE: usize = 1_024;
/// Longest reason in a note, in characters.
const REASON: usize = 300;

/// The process that has the right to publish, as the note in the lock file describes it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Holder {
    /// Process.
    pub(crate) pid: u32,
    /// Its command: `serve`, `import`, `rebuild`.
    pub(crate) by: String,
    /// Its last sign of life, milliseconds since 1970 by its clock.
    pub(crate) beat_ms: i64,
    /// Why it cannot publish for the moment.
    pub(crate) waiting: Option<String>,
}

impl Holder {
    /// The process, as messages name it.
    pub(crate) fn description(&self) -> String {
        match (self.by.as_str(), self.pid) {
            ("", _) | (_, 0) => "process that holds publisher.lock".to_owned(),
            ("serve", pid) => format!("server (process {pid})"),
            (by, pid) => format!("`annuaire {by}` (process {pid})"),
        }
    }
}

/// The right to publish; given back when dropped, or when the process ends.
pub(crate) struct Publisher {
    file: Arc<File>,
    holder: Holder,
    waiting: Arc<Mutex<Option<String>>>,
    beat: Option<(Sender<()>, JoinHandle<()>)>,
}

fn open(data: &Path) -> std::io::Result<File> {
    // Not truncated: the holder's note is in it.
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(data.join("publisher.lock"))
}

impl Publisher {
    /// Takes the right; `None` when another process has it.
    pub(crate) fn take(data: &Path, by: &str) -> Result<Option<Self>> {
        let file = open(data).with_context(|| format!("opening {}", data.join("publisher.lock").display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e).context("locking publisher.lock"),
        }
        let file = Arc::new(file);
        let waiting = Arc::default();
        let holder = Holder { pid: std::process::id(), by: by.to_owned(), ..Holder::default() };
        write_note(&file, &holder, &waiting);
        let (stop, stopped) = channel();
        let theirs = (Arc::clone(&file), holder.clone(), Arc::clone(&waiting));
        // Without a thread for signs of life, other processes take this one for dead: they report it and go on.
        let beat = std::thread::Builder::new().spawn(move || beat(&theirs.0, &theirs.1, &theirs.2, &stopped));
        Ok(Some(Self { file, holder, waiting, beat: beat.ok().map(|thread| (stop, thread)) }))
    }

    /// Takes the right, and tries for two seconds: a process that only looks at the lock holds it for a moment.
    pub(crate) fn take_soon(data: &Path, by: &str) -> Result<Option<Self>> {
        let begun = clock::instant();
        loop {
            let taken = Self::take(data, by)?;
            if taken.is_some() || begun.elapsed() >= SOON {
                return Ok(taken);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Writes into the note why nothing is published for the moment; `None` when publication goes on.
    pub(crate) fn note_waiting(&self, why: Option<String>) {
        let before = std::mem::replace(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner), why.clone());
        if before != why {
            write_note(&self.file, &self.holder, &self.waiting);
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.beat.take() {
            drop(stop);
            let _ = thread.join();
        }
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn beat(file: &File, holder: &Holder, waiting: &Mutex<Option<String>>, stopped: &Receiver<()>) {
    while matches!(stopped.recv_timeout(BEAT), Err(RecvTimeoutError::Timeout)) {
        write_note(file, holder, waiting);
    }
}

fn write_note(file: &File, holder: &Holder, waiting: &Mutex<Option<String>>) {
    let why = waiting.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|why| why.chars().take(REASON).collect());
    let holder = Holder { beat_ms: now_ms(), waiting: why, ..holder.clone() };
    let mut note = serde_json::to_vec(&holder).unwrap_or_default();
    if note.len() <= NOTE {
        note.resize(NOTE, b' ');
        // On a full disk the note before it stays.
        let _ = file.write_all_at(&note, 0);
    }
}

/// The process that has the right to publish; `None` when no process has it. Takes the lock for a moment to find out.
pub(crate) fn current_holder(data: &Path) -> Result<Option<Holder>> {
    let mut file = match File::options().read(true).open(data.join("publisher.lock")) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).context("reading publisher.lock"),
    };
    match file.try_lock_shared() {
        Ok(()) => return Ok(None),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(e)) => return Err(e).context("looking at publisher.lock"),
    }
    let mut text = String::new();
    file.read_to_string(&mut text).context("reading publisher.lock")?;
    Ok(Some(serde_json::from_str(text.trim()).unwrap_or_default()))
}
