//! Reading the entities that a large transaction changes, in pages. There are three ways, for a first load, a delivery of a whole
//! country and a smaller one; published resources do not depend on the way.

pub(crate) mod first_load;
pub(crate) mod look_ups;
pub(crate) mod side_by_side;
