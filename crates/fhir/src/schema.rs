//! Published types, their search parameters and the include matrix: one table that the
//! forms, the index terms, the API and the CapabilityStatement all read.

/// A published resource type. The position is the type's number in the publication store: never reorder.
pub const TYPES: [&str; 6] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "Person"];

/// Number of Practitioner among [`TYPES`].
pub const PRACTITIONER: u8 = number("Practitioner");
/// Number of PractitionerRole.
pub const ROLE: u8 = number("PractitionerRole");
/// Number of Organization.
pub const ORGANIZATION: u8 = number("Organization");
/// Number of HealthcareService.
pub const SERVICE: u8 = number("HealthcareService");
/// Number of Device.
pub const DEVICE: u8 = number("Device");
/// Number of Person.
pub const PERSON: u8 = number("Person");

/// The number of a type that is in the table: another name does not compile.
const fn number(name: &str) -> u8 {
    let mut at = 0;
    while at < TYPES.len() {
        let (a, b) = (TYPES[at].as_bytes(), name.as_bytes());
        let mut same = a.len() == b.len();
        let mut i = 0;
        while same && i < a.len() {
            same = a[i] == b[i];
            i += 1;
        }
        if same {
            return at as u8;
        }
        at += 1;
    }
    panic!("not a published type")
}

/// Number of types of the public perimeter: the first ones of [`TYPES`].
pub const PUBLIC_TYPES: usize = 5;

/// How a parameter's values compare (R4 search parameter types used by the directory).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// Code with an optional system.
    Token,
    /// Text: starts-with, `:contains`, `:exact`.
    Text,
    /// `Type/id`.
    Reference,
    /// Exact canonical.
    Uri,
    /// Days of a period. The first day is indexed as text under the parameter's own number, the last one under
    /// [`PERIOD_END`].
    Date,
}

/// Number under which the last days of `period` are indexed; not a parameter of its own.
pub const PERIOD_END: u8 = 33;

/// One search parameter of one or several types.
#[derive(Debug)]
pub struct Param {
    /// Number in the publication store: never reuse.
    pub id: u8,
    /// Name in a request.
    pub name: &'static str,
    /// Comparison.
    pub kind: ParamType,
    /// Types that have it.
    pub types: &'static [&'static str],
    /// For a reference, the type it points to; empty otherwise.
    pub target: &'static str,
}

const P: &str = "Practitioner";
const R: &str = "PractitionerRole";
const O: &str = "Organization";
const H: &str = "HealthcareService";
const D: &str = "Device";
const N: &str = "Person";

const fn p(id: u8, name: &'static str, kind: ParamType, types: &'static [&'static str], target: &'static str) -> Param {
    Param { id, name, kind, types, target }
}

/// Every parameter besides `_id` and `_lastUpdated`, which all types have.
pub const PARAMS: &[Param] = &[
    p(1, "active", ParamType::Token, &[P, R, O, H, N], ""),
    p(2, "identifier", ParamType::Token, &[P, R, O, H, D], ""),
    p(3, "identifier-type", ParamType::Token, &[P, O], ""),
    p(4, "name", ParamType::Text, &[P, O, N], ""),
    p(5, "family", ParamType::Text, &[P, N], ""),
    p(6, "given", ParamType::Text, &[P, N], ""),
    p(7, "mailbox-mss", ParamType::Text, &[P, R, O], ""),
    p(8, "mailbox-mss-type", ParamType::Token, &[P, R, O], ""),
    p(9, "number-smartcard", ParamType::Text, &[P], ""),
    p(10, "type-smartcard", ParamType::Token, &[P], ""),
    p(11, "qualification-code", ParamType::Token, &[P], ""),
    p(12, "data-information-system", ParamType::Token, &[P, R, O, H, D, N], ""),
    p(13, "data-registration-authority", ParamType::Token, &[P, R, O, H, D, N], ""),
    p(14, "practitioner", ParamType::Reference, &[R], P),
    p(15, "organization", ParamType::Reference, &[R, H, D], O),
    p(16, "role", ParamType::Token, &[R], ""),
    p(17, "address", ParamType::Text, &[O], ""),
    p(18, "address-city", ParamType::Text, &[O], ""),
    p(19, "address-postalcode", ParamType::Text, &[O], ""),
    p(20, "address-line", ParamType::Text, &[O], ""),
    p(21, "address-insee", ParamType::Text, &[O], ""),
    p(22, "partof", ParamType::Reference, &[O], O),
    p(23, "pharmacy-licence", ParamType::Text, &[O], ""),
    p(24, "type", ParamType::Token, &[O, D], ""),
    p(25, "manufacturer", ParamType::Text, &[D], ""),
    p(26, "model", ParamType::Text, &[D], ""),
    p(27, "status", ParamType::Token, &[D], ""),
    p(28, "_profile", ParamType::Uri, &[P, R, O, H, D, N], ""),
    p(29, "characteristic", ParamType::Token, &[H], ""),
    p(30, "service-category", ParamType::Token, &[H], ""),
    p(31, "service-type", ParamType::Token, &[H], ""),
    p(32, "period", ParamType::Date, &[O], ""),
];

/// The links of the directory: parameters whose targets must exist (LOG-6).
#[must_use]
pub fn links() -> Vec<annuaire_index::Link> {
    let of = |p: &'static Param| {
        p.types.iter().filter_map(|ty| {
            let (source, target) = (type_id(ty)?, type_id(p.target)?);
            Some(annuaire_index::Link { source, param: p.id, target, name: p.target })
        })
    };
    PARAMS.iter().filter(|p| p.kind == ParamType::Reference).flat_map(of).collect()
}

/// The number of a type, or `None` when it is not published.
#[must_use]
pub fn type_id(name: &str) -> Option<u8> {
    TYPES.iter().position(|t| *t == name).and_then(|i| u8::try_from(i).ok())
}

/// The parameter `name` of type `ty`.
#[must_use]
pub fn param(ty: &str, name: &str) -> Option<&'static Param> {
    PARAMS.iter().find(|p| p.name == name && p.types.contains(&ty))
}
