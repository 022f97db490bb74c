//! Bringing one store to the end of the log.

use crate::error::Error;
use crate::follower::{Tell, catch_up};
use crate::limits;
use crate::publication::PublicationFollower;
use crate::set_aside::SetAside;
use annuaire_fhir::View;
use annuaire_index::Index;
use annuaire_store::BlockingRegistry;

/// The result of following the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// New resource versions.
    pub versions: u64,
    /// Resources withdrawn by law.
    pub withdrawn: u64,
    /// Objects that could not be published: the first ones, at most [`limits::NAMED`].
    pub set_aside: Vec<SetAside>,
    /// Number of objects that could not be published.
    pub set_aside_count: u64,
}

/// Applies every transaction that the store does not have yet, those included that are committed meanwhile.
///
/// # Errors
/// Those of [`catch_up`].
pub fn follow(registry: &BlockingRegistry, index: &Index, view: View, tell: Tell<'_>) -> Result<Followed, Error> {
    let mut all = Followed::default();
    catch_up(registry, &mut PublicationFollower::new(index, view), tell, &mut |applied| {
        all.versions += applied.versions;
        all.withdrawn += applied.withdrawn;
        all.set_aside_count += applied.set_aside.len() as u64;
        let room = limits::NAMED.saturating_sub(all.set_aside.len());
        all.set_aside.extend(applied.set_aside.into_iter().take(room));
    })?;
    Ok(all)
}
