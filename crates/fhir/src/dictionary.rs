//! Compression dictionaries of published bodies, trained on the fictional nation (`data/dictionaries/README.md`).

/// By type number; types that are few or restricted have none.
pub const ALL: &[&[u8]] = &[
    include_bytes!("../../../data/dictionaries/Practitioner.zdict"),
    include_bytes!("../../../data/dictionaries/PractitionerRole.zdict"),
    include_bytes!("../../../data/dictionaries/Organization.zdict"),
    include_bytes!("../../../data/dictionaries/HealthcareService.zdict"),
    include_bytes!("../../../data/dictionaries/Device.zdict"),
    &[],
];
