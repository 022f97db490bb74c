//! The members that the public profiles of the guide list, for each published type, down to the last extension.

use crate::extensions::{self, address_part};
use crate::systems::RPPS;

/// The part of a value that is public. A rule holds for each element of an array.
pub(super) enum Rule {
    /// Texts, numbers and booleans.
    Primitive,
    /// These members of objects.
    Object(Members),
    /// Extensions with these URLs, each by the rule of its URL.
    Extensions(Members),
    /// Identifiers of a person: the national one, the RPPS number, and the ADELI number when the national identification is made of it.
    PersonIdentifiers,
    /// These members of objects whose `system` is in the list.
    OfSystem(&'static [&'static str], Members),
    /// Of several names, the one that the professional practises under.
    PracticeName,
    /// Contact points of a person: listed secure mailboxes only.
    SecureMailboxes,
    /// Contact points of a structure: all but unlisted mailboxes.
    ContactPoints,
}

use Rule::{ContactPoints, Extensions, Object, OfSystem, PersonIdentifiers, PracticeName, Primitive, SecureMailboxes};

/// Names and rules: the members of an object, or the URLs of extensions.
pub(super) type Members = &'static [(&'static str, Rule)];

const CODING: Rule = Object(&[
    ("system", Primitive),
    ("version", Primitive),
    ("code", Primitive),
    ("display", Primitive),
    ("userSelected", Primitive),
]);
const CONCEPT: Rule = Object(&[("coding", CODING), ("text", Primitive)]);
const PERIOD: Rule = Object(&[("start", Primitive), ("end", Primitive)]);
const QUANTITY: Rule = Object(&[("value", Primitive), ("unit", Primitive), ("system", Primitive), ("code", Primitive)]);
const RANGE: Rule = Object(&[("low", QUANTITY), ("high", QUANTITY)]);
/// Without `display`: the text of a link to a person may be another name than the one practised under.
const PERSON_REFERENCE: Rule = Object(&[("reference", Primitive), ("type", Primitive)]);
const REFERENCE: Rule = Object(&[("reference", Primitive), ("type", Primitive), ("display", Primitive)]);
pub(super) const IDENTIFIER: Members = &[("use", Primitive), ("type", CONCEPT), ("system", Primitive), ("value", Primitive)];

const VALUE_CONCEPT: Rule = Object(&[("url", Primitive), ("valueCodeableConcept", CONCEPT)]);
const VALUE_CODING: Rule = Object(&[("url", Primitive), ("valueCoding", CODING)]);
const VALUE_STRING: Rule = Object(&[("url", Primitive), ("valueString", Primitive)]);
const VALUE_CODE: Rule = Object(&[("url", Primitive), ("valueCode", Primitive)]);
const VALUE_DATE: Rule = Object(&[("url", Primitive), ("valueDate", Primitive)]);
const VALUE_DATE_TIME: Rule = Object(&[("url", Primitive), ("valueDateTime", Primitive)]);
const VALUE_BOOLEAN: Rule = Object(&[("url", Primitive), ("valueBoolean", Primitive)]);
const VALUE_INTEGER: Rule = Object(&[("url", Primitive), ("valueInteger", Primitive)]);
const VALUE_PERIOD: Rule = Object(&[("url", Primitive), ("valuePeriod", PERIOD)]);
const VALUE_RANGE: Rule = Object(&[("url", Primitive), ("valueRange", RANGE)]);

const TRACE: Rule = Extensions(&[(
    extensions::DATA_TRACE,
    Object(&[
        ("url", Primitive),
        (
            "extension",
            Extensions(&[
                ("autorite-enregistrement", VALUE_CONCEPT),
                ("systeme-information", VALUE_CODE),
                ("date-maj-ae", VALUE_DATE),
            ]),
        ),
    ]),
)]);
const META: Rule = Object(&[
    ("extension", TRACE),
    ("versionId", Primitive),
    ("lastUpdated", Primitive),
    ("source", Primitive),
    ("profile", Primitive),
]);
pub(super) const CONTACT_POINT: Members = &[
    (
        "extension",
        Extensions(&[
            (extensions::EMAIL_TYPE, VALUE_CODING),
            (
                extensions::MAILBOX_MSS_METADATA,
                Object(&[
                    ("url", Primitive),
                    (
                        "extension",
                        Extensions(&[
                            ("type", VALUE_CONCEPT),
                            ("description", VALUE_STRING),
                            ("service", VALUE_STRING),
                            ("listeRouge", VALUE_BOOLEAN),
                        ]),
                    ),
                ]),
            ),
        ]),
    ),
    ("system", Primitive),
    ("value", Primitive),
    ("use", Primitive),
    ("rank", Primitive),
];
pub(super) const SECURE_MAILBOX: Members = &[
    (
        "extension",
        Extensions(&[
            (extensions::EMAIL_TYPE, VALUE_CODING),
            (
                extensions::MAILBOX_MSS_METADATA,
                Object(&[
                    ("url", Primitive),
                    (
                        "extension",
                        Extensions(&[("type", VALUE_CONCEPT), ("description", VALUE_STRING), ("service", VALUE_STRING)]),
                    ),
                ]),
            ),
        ]),
    ),
    ("system", Primitive),
    ("value", Primitive),
    ("use", Primitive),
    ("rank", Primitive),
];
const LINE: Rule = Object(&[(
    "extension",
    Extensions(&[
        (address_part::CARE_OF, VALUE_STRING),
        (address_part::ADDITIONAL_LOCATOR, VALUE_STRING),
        (address_part::HOUSE_NUMBER, VALUE_STRING),
        (address_part::BUILDING_NUMBER_SUFFIX, VALUE_STRING),
        (address_part::STREET_NAME_TYPE, VALUE_STRING),
        (address_part::STREET_NAME_BASE, VALUE_STRING),
        (address_part::POST_BOX, VALUE_STRING),
        (extensions::LIEU_DIT, VALUE_STRING),
    ]),
)]);
const ADDRESS: Rule = Object(&[
    ("extension", Extensions(&[(extensions::INSEE_CODE, VALUE_CODING)])),
    ("use", Primitive),
    ("type", Primitive),
    ("text", Primitive),
    ("line", Primitive),
    ("_line", LINE),
    ("city", Primitive),
    ("district", Primitive),
    ("state", Primitive),
    ("postalCode", Primitive),
    ("country", Primitive),
]);
const AUTHORIZATION: (&str, Rule) = (
    extensions::AUTHORIZATION,
    Object(&[
        ("url", Primitive),
        (
            "extension",
            Extensions(&[
                ("dateAuthorization", VALUE_DATE),
                ("periodAuthorization", VALUE_PERIOD),
                ("dateUpdateAuthorization", VALUE_DATE),
                ("deletedAuthorization", VALUE_BOOLEAN),
            ]),
        ),
    ]),
);

pub(super) const PRACTITIONER: Members = &[
    ("resourceType", Primitive),
    ("id", Primitive),
    ("meta", META),
    ("language", Primitive),
    (
        "extension",
        Extensions(&[
            (
                extensions::PRACTITIONER_AUTHORIZATION,
                Object(&[
                    ("url", Primitive),
                    (
                        "extension",
                        Extensions(&[
                            ("type", VALUE_CONCEPT),
                            ("period", VALUE_PERIOD),
                            ("field", VALUE_CONCEPT),
                            ("profession", VALUE_CONCEPT),
                        ]),
                    ),
                ]),
            ),
            (
                extensions::SMARTCARD,
                Object(&[
                    ("url", Primitive),
                    ("extension", Extensions(&[("type", VALUE_CONCEPT), ("number", VALUE_STRING), ("period", VALUE_PERIOD)])),
                ]),
            ),
        ]),
    ),
    // A social security number is an identifier too: only what is public of the professional passes.
    ("identifier", PersonIdentifiers),
    ("active", Primitive),
    ("name", PracticeName),
    ("telecom", SecureMailboxes),
    ("qualification", Object(&[("code", CONCEPT)])),
];
pub(super) const PRACTITIONER_ROLE: Members = &[
    ("resourceType", Primitive),
    ("id", Primitive),
    ("meta", META),
    ("language", Primitive),
    ("identifier", OfSystem(&[RPPS, "https://annuaire.sante.fr"], IDENTIFIER)),
    ("active", Primitive),
    ("practitioner", PERSON_REFERENCE),
    ("organization", REFERENCE),
    ("code", CONCEPT),
    ("telecom", SecureMailboxes),
];
pub(super) const ORGANIZATION: Members = &[
    ("resourceType", Primitive),
    ("id", Primitive),
    ("meta", META),
    ("language", Primitive),
    (
        "extension",
        Extensions(&[
            (extensions::ORGANIZATION_PERIOD, VALUE_PERIOD),
            (extensions::SHORT_NAME, VALUE_STRING),
            (extensions::RAISON_SOCIALE, VALUE_STRING),
            (extensions::PHARMACY_LICENCE, VALUE_STRING),
            (extensions::PRICING_MODEL, VALUE_CONCEPT),
            (extensions::CLOSING_TYPE, VALUE_CONCEPT),
            (extensions::BUDGET_TYPE, VALUE_STRING),
            (
                extensions::AUTHORIZATION_DEADLINE,
                Object(&[
                    ("url", Primitive),
                    ("extension", Extensions(&[("endDate", VALUE_DATE_TIME), ("indicator", VALUE_BOOLEAN)])),
                ]),
            ),
        ]),
    ),
    ("identifier", Object(IDENTIFIER)),
    ("active", Primitive),
    (
        "type",
        Object(&[
            ("extension", Extensions(&[(extensions::ORGANIZATION_TYPES, VALUE_CODE)])),
            ("coding", CODING),
            ("text", Primitive),
        ]),
    ),
    ("name", Primitive),
    ("alias", Primitive),
    ("telecom", ContactPoints),
    ("address", ADDRESS),
    ("partOf", REFERENCE),
];
pub(super) const HEALTHCARE_SERVICE: Members = &[
    ("resourceType", Primitive),
    ("id", Primitive),
    ("meta", META),
    ("language", Primitive),
    (
        "extension",
        Extensions(&[
            AUTHORIZATION,
            (
                extensions::INSTALLATION,
                Object(&[
                    ("url", Primitive),
                    (
                        "extension",
                        Extensions(&[
                            ("dateFirstInstallation", VALUE_DATE),
                            ("dateLastInstallation", VALUE_DATE),
                            ("deletedInstallation", VALUE_BOOLEAN),
                        ]),
                    ),
                ]),
            ),
            (
                extensions::PATIENT_TYPE,
                Object(&[
                    ("url", Primitive),
                    ("extension", Extensions(&[("authorizedAgeRange", VALUE_RANGE), ("installedAgeRange", VALUE_RANGE)])),
                ]),
            ),
            (
                extensions::SUPPORTED_CAPACITY,
                Object(&[
                    ("url", Primitive),
                    (
                        "extension",
                        Extensions(&[
                            ("capacityAvailable", VALUE_INTEGER),
                            ("femaleCapacityAvailable", VALUE_INTEGER),
                            ("maleCapacityAvailable", VALUE_INTEGER),
                            ("socialAssistanceCapacityAvailable", VALUE_INTEGER),
                            ("installedCapacity", VALUE_INTEGER),
                            ("femaleInstalledCapacity", VALUE_INTEGER),
                            ("maleInstalledCapacity", VALUE_INTEGER),
                            ("socialAssistanceInstalledCapacity", VALUE_INTEGER),
                        ]),
                    ),
                ]),
            ),
        ]),
    ),
    ("identifier", Object(IDENTIFIER)),
    ("active", Primitive),
    ("providedBy", REFERENCE),
    ("category", CONCEPT),
    ("type", CONCEPT),
    ("eligibility", Object(&[("code", CONCEPT)])),
    ("characteristic", CONCEPT),
];
pub(super) const DEVICE: Members = &[
    ("resourceType", Primitive),
    ("id", Primitive),
    ("meta", META),
    ("language", Primitive),
    ("extension", Extensions(&[AUTHORIZATION])),
    ("identifier", Object(IDENTIFIER)),
    ("status", Primitive),
    ("manufacturer", Primitive),
    ("serialNumber", Primitive),
    ("type", CONCEPT),
    ("owner", REFERENCE),
];

/// The one name that a professional practises under.
pub(super) const PRACTICE_NAME: Members = &[
    ("use", Primitive),
    ("text", Primitive),
    ("family", Primitive),
    ("given", Primitive),
    ("prefix", Primitive),
    ("suffix", Primitive),
];
