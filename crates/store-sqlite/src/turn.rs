//! WriterTurns of writers: in this process a fair queue, between processes two locks that wait in the kernel.

use crate::limits;
use crate::schema::beside;
use annuaire_store::{Error, Result};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Gives writers of one registry their turns.
pub(crate) struct WriterTurns {
    queue: Arc<Semaphore>,
    door: PathBuf,
    room: PathBuf,
}

/// The right to write, until it is dropped.
pub(crate) struct Turn {
    // Closing the file releases its lock; the next in this process comes after that.
    _room: File,
    _place: OwnedSemaphorePermit,
}

fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    file.map_err(|e| Error::Database(format!("{}: {e}", path.display())))
}

/// Waits before the door, then for the room, then leaves the door to the next. A process that leaves the room and wants it again waits at the
/// door behind the one that came meanwhile, so two busy processes take turns.
fn enter(door: &File, room: &File) -> std::io::Result<()> {
    retried(|| door.lock())?;
    retried(|| room.lock())?;
    door.unlock()
}

fn retried(lock: impl Fn() -> std::io::Result<()>) -> std::io::Result<()> {
    loop {
        match lock() {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

impl WriterTurns {
    pub(crate) fn new(path: &Path) -> Self {
        Self { queue: Arc::new(Semaphore::new(1)), door: beside(path, "-door"), room: beside(path, "-lock") }
    }

    /// Waits for a turn. When the future is dropped, the turn that it would have got is given back at once.
    pub(crate) async fn take(&self) -> Result<Turn> {
        let place = tokio::time::timeout(limits::PATIENCE, self.queue.clone().acquire_owned()).await;
        let place = place
            .map_err(|_| {
                Error::Database("another writer has been at work for ten minutes: look what it does, then try again".into())
            })?
            .map_err(|e| Error::Database(e.to_string()))?;
        let (door, room) = (open(&self.door)?, open(&self.room)?);
        // Nobody else is there, nearly always: then no thread is needed.
        if door.try_lock().is_ok() {
            let free = room.try_lock().is_ok();
            if free {
                door.unlock().map_err(|e| Error::Database(e.to_string()))?;
                return Ok(Turn { _room: room, _place: place });
            }
        }
        let waited = move || enter(&door, &room).map(|()| Turn { _room: room, _place: place });
        // The thread drops what it got when nobody waits for it any more.
        let turn = tokio::task::spawn_blocking(waited).await.map_err(|e| Error::Database(e.to_string()))?;
        turn.map_err(|e| Error::Database(e.to_string()))
    }
}
