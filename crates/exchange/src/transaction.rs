//! One transaction of the registry, or in a dry run everything but its end.

use crate::error::Error;
use crate::options::Options;
use annuaire_store::{Cause, Registry, Unit};

/// Writes one transaction. In a dry run everything is done and nothing remains.
pub(crate) fn commit(
    registry: &mut dyn Registry,
    options: &Options,
    reason: &str,
    write: &mut dyn FnMut(&mut dyn Unit) -> Result<(), Error>,
) -> Result<(), Error> {
    // The registry only carries errors of its own: ours waits here, and the registry rolls back on a rejection.
    let mut failure: Option<Error> = None;
    let mut dry = false;
    let cause = Cause { author: &options.author, reason, now_ms: &*options.clock, any_clock: options.any_clock };
    let outcome = registry.commit(cause, &mut |unit| match write(unit) {
        Ok(()) if options.dry_run => {
            dry = true;
            Err(annuaire_store::Error::Rejected("dry run".to_owned()))
        }
        Ok(()) => Ok(()),
        Err(e) => {
            let text = e.to_string();
            failure = Some(e);
            Err(annuaire_store::Error::Rejected(text))
        }
    });
    match failure {
        Some(e) => Err(e),
        None if dry => Ok(()),
        None => outcome.map(|_| ()).map_err(Error::Store),
    }
}
