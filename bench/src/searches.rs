//! The searches of the national documentation, and those that public complaints name.

/// Name for the table, request below `/fhir/v2/`.
pub const ALL: &[(&str, &str)] = &[
    ("name, one letter", "Practitioner?name=m"),
    ("name, two letters", "Practitioner?name=ma"),
    ("name, three letters", "Practitioner?name=mar"),
    ("name, four letters", "Practitioner?name=mart"),
    ("name, six letters", "Practitioner?name=martin"),
    ("family, a prefix that nobody has (`frasl`)", "Practitioner?family=frasl"),
    ("family, exact", "Practitioner?family:exact=MARTIN"),
    ("family, contains", "Practitioner?family:contains=arti"),
    ("given, contains", "Practitioner?given:contains=ean"),
    ("family and given", "Practitioner?family=martin&given=jean"),
    ("profession", "Practitioner?qualification-code=10"),
    ("name and profession", "Practitioner?name=martin&qualification-code=10"),
    ("not a profession", "Practitioner?qualification-code:not=10"),
    ("active", "Practitioner?active=true"),
    ("no mailbox", "Practitioner?mailbox-mss:missing=true"),
    ("updated since", "Practitioner?_lastUpdated=ge2020-01-01"),
    ("all of a type, total only", "Practitioner?_summary=count"),
    ("sorted by id", "Practitioner?_sort=_id&qualification-code=10"),
    ("latest first", "Practitioner?_sort=-_lastUpdated"),
    ("mode of practice", "PractitionerRole?role=L"),
    (
        "role with both ends included",
        "PractitionerRole?role=L&_include=PractitionerRole:practitioner&_include=PractitionerRole:organization",
    ),
    ("person with roles", "Practitioner?name=martin&_revinclude=PractitionerRole:practitioner"),
    ("town", "Organization?address-city=brest"),
    ("postal codes of a department", "Organization?address-postalcode=69"),
    ("address, contains", "Organization?address:contains=republique"),
    ("address line, contains", "Organization?address-line:contains=epublique"),
    ("name of a structure, contains", "Organization?name:contains=pharma"),
    ("structures and their roles", "Organization?address-postalcode=29200&_revinclude=PractitionerRole:organization"),
    ("roles of a town, by chain", "PractitionerRole?organization.address-city=brest"),
    ("care activities of a department", "HealthcareService?organization.address-postalcode=29"),
    ("devices", "Device?status=active"),
];

/// A long list of alternatives that real clients send: sixty-six categories of establishment.
pub fn long_list() -> String {
    let codes: Vec<String> = (100..166).map(|n| n.to_string()).collect();
    format!("Organization?type={}", codes.join(","))
}
