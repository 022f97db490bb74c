//! « Habilitations » (SC60): legal representatives and mandataires say who acts for their structures (registration §2.4).

pub(crate) mod authority;
pub(crate) mod designation;
pub(crate) mod software;
pub(crate) mod structures;
pub(crate) mod withdrawal;
