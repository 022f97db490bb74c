//! Compression dictionaries of published bodies, trained on the fictional nation (`data/dictionaries/README.md`).

/// The dictionary of each type, by the number of the type. Types with few resources and restricted types have an empty one.
pub const ALL: &[&[u8]] = &[
    include_bytes!("../../../data/dictionaries/Practitioner.zdict"),
    include_bytes!("../../../data/dictionaries/PractitionerRole.zdict"),
    include_bytes!("../../../data/dictionaries/Organization.zdict"),
    include_bytes!("../../../data/dictionaries/HealthcareService.zdict"),
    include_bytes!("../../../data/dictionaries/Device.zdict"),
    &[],
];
