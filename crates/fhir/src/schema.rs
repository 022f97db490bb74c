//! Published types, their search parameters and the include matrix: one table that the
//! forms, the index terms, the API and the CapabilityStatement all read.

use annuaire_terms::{LinkRule, ParamId, TypeId};

/// A published resource type. The position is the type's number in the publication store: never reorder.
pub const TYPES: [&str; 6] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "Person"];

/// Number of Practitioner among [`TYPES`].
pub const PRACTITIONER: TypeId = number("Practitioner");
/// Number of PractitionerRole.
pub const ROLE: TypeId = number("PractitionerRole");
/// Number of Organization.
pub const ORGANIZATION: TypeId = number("Organization");
/// Number of HealthcareService.
pub const SERVICE: TypeId = number("HealthcareService");
/// Number of Device.
pub const DEVICE: TypeId = number("Device");
/// Number of Person.
pub const PERSON: TypeId = number("Person");

/// The number of a type that is in the table: another name does not compile.
const fn number(name: &str) -> TypeId {
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
            return TypeId::new(at as u8);
        }
        at += 1;
    }
    panic!("not a published type")
}

/// Number of types of the public perimeter: the first ones of [`TYPES`].
pub const PUBLIC_TYPES: usize = 5;

/// How a parameter's values compare (R4 search parameter types used by the directory).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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
pub const PERIOD_END: ParamId = ParamId::new(33);

/// One search parameter of one or several types.
#[derive(Debug)]
pub struct Param {
    /// Number in the publication store: never reuse.
    pub id: ParamId,
    /// Name in a request.
    pub name: &'static str,
    /// Comparison.
    pub kind: Kind,
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

const fn p(id: u8, name: &'static str, kind: Kind, types: &'static [&'static str], target: &'static str) -> Param {
    Param { id: ParamId::new(id), name, kind, types, target }
}

/// Every parameter besides `_id` and `_lastUpdated`, which all types have.
pub const PARAMS: &[Param] = &[
    p(1, "active", Kind::Token, &[P, R, O, H, N], ""),
    p(2, "identifier", Kind::Token, &[P, R, O, H, D], ""),
    p(3, "identifier-type", Kind::Token, &[P, O], ""),
    p(4, "name", Kind::Text, &[P, O, N], ""),
    p(5, "family", Kind::Text, &[P, N], ""),
    p(6, "given", Kind::Text, &[P, N], ""),
    p(7, "mailbox-mss", Kind::Text, &[P, R, O], ""),
    p(8, "mailbox-mss-type", Kind::Token, &[P, R, O], ""),
    p(9, "number-smartcard", Kind::Text, &[P], ""),
    p(10, "type-smartcard", Kind::Token, &[P], ""),
    p(11, "qualification-code", Kind::Token, &[P], ""),
    p(12, "data-information-system", Kind::Token, &[P, R, O, H, D, N], ""),
    p(13, "data-registration-authority", Kind::Token, &[P, R, O, H, D, N], ""),
    p(14, "practitioner", Kind::Reference, &[R], P),
    p(15, "organization", Kind::Reference, &[R, H, D], O),
    p(16, "role", Kind::Token, &[R], ""),
    p(17, "address", Kind::Text, &[O], ""),
    p(18, "address-city", Kind::Text, &[O], ""),
    p(19, "address-postalcode", Kind::Text, &[O], ""),
    p(20, "address-line", Kind::Text, &[O], ""),
    p(21, "address-insee", Kind::Text, &[O], ""),
    p(22, "partof", Kind::Reference, &[O], O),
    p(23, "pharmacy-licence", Kind::Text, &[O], ""),
    p(24, "type", Kind::Token, &[O, D], ""),
    p(25, "manufacturer", Kind::Text, &[D], ""),
    p(26, "model", Kind::Text, &[D], ""),
    p(27, "status", Kind::Token, &[D], ""),
    p(28, "_profile", Kind::Uri, &[P, R, O, H, D, N], ""),
    p(29, "characteristic", Kind::Token, &[H], ""),
    p(30, "service-category", Kind::Token, &[H], ""),
    p(31, "service-type", Kind::Token, &[H], ""),
    p(32, "period", Kind::Date, &[O], ""),
];

/// The links of the directory: parameters whose targets must exist (LOG-6).
#[must_use]
pub fn links() -> Vec<LinkRule> {
    let of = |p: &'static Param| {
        p.types.iter().filter_map(|ty| {
            let (source, target) = (type_id(ty)?, type_id(p.target)?);
            Some(LinkRule { source, param: p.id, target, target_name: p.target })
        })
    };
    PARAMS.iter().filter(|p| p.kind == Kind::Reference).flat_map(of).collect()
}

/// The number of a type, or `None` when it is not published.
#[must_use]
pub fn type_id(name: &str) -> Option<TypeId> {
    TYPES.iter().position(|t| *t == name).and_then(|i| u8::try_from(i).ok()).map(TypeId::new)
}

/// The parameter `name` of type `ty`.
#[must_use]
pub fn param(ty: &str, name: &str) -> Option<&'static Param> {
    PARAMS.iter().find(|p| p.name == name && p.types.contains(&ty))
}
