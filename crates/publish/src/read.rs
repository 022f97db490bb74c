//! Reading what a transaction changes, in pages of entities. There are three ways, by what there is to do; what is published does
//! not depend on the way.

pub(crate) mod first_load;
pub(crate) mod look_ups;
pub(crate) mod side_by_side;
