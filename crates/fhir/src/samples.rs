//! Public samples of the guide.

pub const PUBLIC: [&str; 9] = [
    include_str!("../tests/samples/device-dp.json"),
    include_str!("../tests/samples/healthcareservice-healthcare-activity-dp.json"),
    include_str!("../tests/samples/healthcareservice-social-equipment-dp.json"),
    include_str!("../tests/samples/organization-cabinet-dp.json"),
    include_str!("../tests/samples/organization-eg-dp.json"),
    include_str!("../tests/samples/organization-ej-dp.json"),
    include_str!("../tests/samples/practitioner-dp.json"),
    include_str!("../tests/samples/practitionerrole-dp.json"),
    include_str!("../tests/samples/practitioner-dp-inactive.json"),
];
