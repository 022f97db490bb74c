//! One transaction of the registry: a stage is made to stand, with its notes and its event of the audit trail.

use crate::error::{Error, refused};
use crate::limits;
use crate::options::Options;
use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, BlockingStage, BlockingUnit, Cause, ChangeCounts, CommitClock};

/// What became of an attempt to write a transaction.
pub(crate) enum Attempt<T> {
    /// It was written, or there was nothing to write.
    Done(T),
    /// Another transaction changed this source after the comparison had begun; nothing was written.
    Overtaken(String),
}

/// Repeats `attempt` until nobody comes in between; it takes how many attempts were made. `file` is what is being
/// imported.
///
/// # Errors
/// Those of `attempt`; [`Error::Refused`] after [`limits::ATTEMPTS`] attempts.
pub(crate) fn repeat<T>(file: &str, mut attempt: impl FnMut(u32) -> Result<Attempt<T>, Error>) -> Result<T, Error> {
    let mut source = String::new();
    for made in 0..limits::ATTEMPTS {
        match attempt(made)? {
            Attempt::Done(done) => return Ok(done),
            Attempt::Overtaken(by) => source = by,
        }
    }
    Err(refused(
        file,
        format!(
            "others changed {source} each of the {} times that this was compared with it; nothing was imported, import again",
            limits::ATTEMPTS
        ),
    ))
}

/// Makes a stage stand as one transaction. `write` writes what belongs to it beside its facts; it takes the number, absent when no
/// fact changes, and the counts, and may find that the comparison is overtaken. The lock of the writers is held from here to the
/// return.
pub(crate) fn make_stand<T>(
    registry: &BlockingRegistry,
    mut stage: BlockingStage,
    cause: &Cause,
    options: &Options,
    write: impl FnOnce(&mut BlockingUnit, Option<Tx>, ChangeCounts) -> Result<Attempt<T>, Error>,
) -> Result<Attempt<T>, Error> {
    // What the stage still holds in memory is written before the lock is taken.
    stage.counts()?;
    let mut unit = registry.begin()?;
    // The number is asked for first: from here on nobody else writes, on any backend, and what is read is not overtaken any more.
    let tx = unit.next_tx()?;
    if let Some(source) = overtaken(unit.adopt(stage))? {
        return Ok(Attempt::Overtaken(source));
    }
    let counts = unit.counts()?;
    let done = match write(&mut unit, (counts.rows() > 0).then_some(tx), counts)? {
        Attempt::Done(done) => done,
        overtaken @ Attempt::Overtaken(_) => return Ok(overtaken),
    };
    let clock = CommitClock { now_ms: &*options.clock, any_clock: options.any_clock };
    Ok(match overtaken(unit.save(cause, clock).map(|_| ()))? {
        Some(source) => Attempt::Overtaken(source),
        None => Attempt::Done(done),
    })
}

/// The owner whose facts another transaction changed, when that is the error.
fn overtaken(result: annuaire_store::Result<()>) -> Result<Option<String>, Error> {
    match result {
        Ok(()) => Ok(None),
        Err(annuaire_store::Error::Overtaken { owner, .. }) => Ok(Some(owner)),
        Err(e) => Err(e.into()),
    }
}
