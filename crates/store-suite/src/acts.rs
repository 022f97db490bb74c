//! What the cases of the suite do with a registry, each in a line.

use annuaire_base::fact::{FactKey, Publication};
use annuaire_store::{
    BlockingRegistry, BlockingUnit, Cause, Change, Channel, CommitClock, CommitOutcome, Expect, OwnerRow, Result,
};

/// Opens a registry: a new and empty one for `true`, the last one again for `false`, also beside one that is still open.
pub type OpenRegistry<'a> = &'a mut dyn FnMut(bool) -> BlockingRegistry;

/// A put of an open fact that says all; an empty payload ends it.
#[must_use]
pub fn put(entity: &str, owner: &str, payload: &str) -> Change {
    let key = FactKey { owner: owner.into(), entity: entity.into(), facet: String::new() };
    let payload = (!payload.is_empty()).then(|| payload.into());
    Change { key, payload, publication: Publication::Open, fingerprint: 0 }
}

/// The cause of everything that the suite writes.
#[must_use]
pub fn cause() -> Cause {
    Cause::new(Channel::Operator, "suite", "test")
}

/// Saves a unit at `now` milliseconds.
///
/// # Errors
/// Those of `write` and of saving.
pub fn write(r: &BlockingRegistry, now: i64, write: &mut dyn FnMut(&mut BlockingUnit) -> Result<()>) -> Result<CommitOutcome> {
    let mut unit = r.begin()?;
    write(&mut unit)?;
    unit.save(&cause(), CommitClock { now_ms: &|| now, any_clock: false })
}

/// Registers owners.
///
/// # Panics
/// When the registry refuses them.
pub fn owners(r: &BlockingRegistry, codes: &[&str]) {
    let done = write(r, 0, &mut |u| {
        codes.iter().try_for_each(|code| u.set_owner(&OwnerRow { code: (*code).into(), description: format!("{code}!") }))
    });
    assert_eq!(done.expect("owners"), CommitOutcome::default());
}

/// Saves a unit of these puts.
///
/// # Panics
/// When the registry refuses them.
pub fn commit(r: &BlockingRegistry, now: i64, changes: &[Change]) -> CommitOutcome {
    write(r, now, &mut |u| changes.iter().try_for_each(|c| u.put(c.clone(), Expect::Any))).expect("commit")
}

/// Stages these puts and adopts them.
///
/// # Errors
/// Those of the registry.
pub fn import(r: &BlockingRegistry, now: i64, changes: &[Change]) -> Result<CommitOutcome> {
    let mut stage = r.stage()?;
    changes.iter().try_for_each(|c| stage.put(c.clone()))?;
    let mut unit = r.begin()?;
    unit.adopt(stage)?;
    unit.save(&cause(), CommitClock { now_ms: &|| now, any_clock: false })
}

/// Every finding of `verify` is a failure.
pub(crate) fn sound(r: &BlockingRegistry) {
    assert_eq!(r.verify().expect("verify"), [""; 0]);
}
