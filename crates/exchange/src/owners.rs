//! The owners of what files say: each source is one, and its facts may be public when its producer publishes it.

use crate::delivery::to_json;
use crate::error::Error;
use crate::options::Options;
use annuaire_base::fact::{FactKey, Publication};
use annuaire_mos::owner::{file_source, file_sources};
use annuaire_store::{BlockingRegistry, Cause, Channel, CommitClock, OwnerRow};
use std::collections::HashSet;

/// The codes of all sources.
pub(crate) fn sources() -> impl Iterator<Item = &'static str> {
    file_sources().iter().map(|source| source.code)
}

/// Whether the producer of a source publishes it as open data. What is not known as a source is not.
pub(crate) fn is_open(source: &str) -> bool {
    file_source(source).is_some_and(|source| source.open)
}

/// Who may see the facts of a source. A fact keeps what was decided when it was written, so that another answer for a source needs
/// another [`VERSION`](crate::assemble::VERSION): its facts are then written again.
pub(crate) fn publication(source: &str) -> Publication {
    if is_open(source) { Publication::Open } else { Publication::Restricted }
}

/// The key of all that a source says of an entity.
pub(crate) fn fact_key(source: &str, entity: String) -> FactKey {
    FactKey { owner: source.to_owned(), entity, facet: String::new() }
}

/// Makes all sources owners that are none in the registry yet, or known by their facts only. A stage takes facts of known owners
/// only, so this is a unit of its own, without a fact, hence without a transaction of the log; one in the life of a registry.
///
/// Their codes tell them; they are described all the same, since what has no description is not read here: the registry remembers by it
/// that they are there.
pub(crate) fn register_sources(registry: &BlockingRegistry, options: &Options) -> Result<(), Error> {
    let known: HashSet<String> = registry.described_owners()?.into_iter().map(|o| o.code).collect();
    let missing: Vec<_> = file_sources().iter().filter(|s| !known.contains(s.code)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut unit = registry.begin()?;
    for source in missing {
        unit.set_owner(&OwnerRow { code: source.code.to_owned(), description: to_json(&source.owner())? })?;
    }
    let cause = Cause::new(Channel::System, &options.author, "registers the sources of files as owners");
    unit.save(&cause, CommitClock { now_ms: &*options.clock, any_clock: options.any_clock })?;
    Ok(())
}
