//! Consolidation: the objects of all sources become one entity, as far as a perimeter may show it. Pure: objects in, entities
//! out.
//!
//! Four decisions are taken here and nowhere else:
//!
//! 1. **Which sources count.** The public perimeter leaves out every source that is not open data, whatever its objects hold
//!    (`annuaire_mos::source`).
//! 2. **What of an object may be shown.** In the public perimeter each object is reduced to its public members, which are named
//!    one by one (`annuaire_fhir::perimeter`), before it is merged. A resource of another directory is reduced when its form is
//!    made, by the enumeration of the public profiles.
//! 3. **Which source wins.** Objects are merged in the order of the ranks of their sources: the first one decides, the others
//!    fill gaps. Cards and mailboxes of all sources are united. Of a resource of another directory the last object counts.
//! 4. **When nothing can be made.** A practice to which no source gives a name comes from complements alone and is left out. An
//!    entity with an object that cannot be read is at fault: publishing its other objects alone would withdraw valid facts.

mod entity;
mod payload;

pub(crate) use entity::{ConsolidatedEntity, EntityFault, ForeignResource, consolidate};
