//! Shared by the tests of the forms: a view, the JSON of a resource, and the public samples of the guide.

use crate::view::{Guide, View};
use annuaire_consolidate::Perimeter;
use annuaire_terms::Resource;
use serde_json::Value;

pub(crate) const PUBLIC: View = View { guide: Guide::V120, perimeter: Perimeter::Public };
pub(crate) const RESTRICTED: View = View { guide: Guide::V120, perimeter: Perimeter::Restricted };

/// The body of a resource, with a version in the place of the stamp.
pub(crate) fn json(r: &Resource) -> Value {
    serde_json::from_slice(&[&r.before[..], b"\"versionId\":\"1\",", &r.after].concat()).unwrap()
}

/// Public samples of the guide.
pub(crate) const SAMPLES: [&str; 9] = [
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
