//! Search parameters: one constant each, and the table of all of them.

use super::types::{equal, type_id};
use annuaire_terms::{LinkRule, ParamId};

/// Comparison of the values of a parameter: the R4 types of search parameters that the directory uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamType {
    /// A code with an optional system.
    Token,
    /// Text: starts-with, `:contains`, `:exact`.
    Text,
    /// A link, `Type/id`.
    Reference,
    /// A canonical, compared byte for byte.
    Uri,
    /// Words of a text, found by how they sound. It has no terms of its own: [`heard_in`](super::heard_in) says whose words it
    /// compares.
    Sound,
    /// Days of a period. The first day is indexed as text under the number of the parameter, the last one under
    /// [`PERIOD_END`].
    Date,
}

/// One search parameter of one or several types.
#[derive(Debug)]
pub struct Param {
    /// Number in publication stores: never give a number to another parameter.
    pub id: ParamId,
    /// Name in a request.
    pub name: &'static str,
    /// Comparison of its values.
    pub kind: ParamType,
    /// Types that have it.
    pub types: &'static [&'static str],
    /// Type that a reference points to; empty for the other parameters.
    pub target: &'static str,
}

impl Param {
    /// Whether resources of a type are searched by this parameter.
    #[must_use]
    pub fn is_of(&self, ty: &str) -> bool {
        self.types.contains(&ty)
    }

    /// Modifiers that have an effect, without their colon. A reference also takes the name of the type that it points to.
    #[must_use]
    pub fn modifiers(&self) -> &'static [&'static str] {
        match self.kind {
            ParamType::Text => &["contains", "exact", "missing"],
            ParamType::Token if self.name == "identifier" => &["not", "missing", "of-type"],
            ParamType::Token => &["not", "missing"],
            ParamType::Reference => &["identifier", "missing"],
            ParamType::Uri | ParamType::Date | ParamType::Sound => &["missing"],
        }
    }
}

impl ParamType {
    /// Name of the type in R4 (`SearchParameter.type`).
    #[must_use]
    pub const fn r4_name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Text | Self::Sound => "string",
            Self::Reference => "reference",
            Self::Uri => "uri",
            Self::Date => "date",
        }
    }
}

/// Prefixes of the value of a date (R4 §3.1.1.4.6). Without one, a date is compared as by `eq`.
pub const DATE_PREFIXES: [&str; 9] = ["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"];

/// Declares a constant for each parameter, and [`PARAMS`] with all of them in the order of their numbers.
macro_rules! search_parameters {
    ($($constant:ident = $id:literal $name:literal $kind:ident [$($ty:ident)*] $(-> $target:ident)?;)*) => {
        $(
            #[doc = concat!("The parameter `", $name, "`.")]
            pub const $constant: Param = Param {
                id: ParamId::new($id),
                name: $name,
                kind: ParamType::$kind,
                types: &[$(stringify!($ty)),*],
                target: concat!("" $(, stringify!($target))?),
            };
        )*

        /// Every parameter but `_id` and `_lastUpdated`, which all types have.
        pub const PARAMS: &[Param] = &[$($constant),*];
    };
}

search_parameters! {
    ACTIVE = 1 "active" Token [Practitioner PractitionerRole Organization HealthcareService Person];
    IDENTIFIER = 2 "identifier" Token [Practitioner PractitionerRole Organization HealthcareService Device];
    IDENTIFIER_TYPE = 3 "identifier-type" Token [Practitioner Organization];
    NAME = 4 "name" Text [Practitioner Organization Person];
    FAMILY = 5 "family" Text [Practitioner Person];
    GIVEN = 6 "given" Text [Practitioner Person];
    MAILBOX_MSS = 7 "mailbox-mss" Text [Practitioner PractitionerRole Organization];
    MAILBOX_MSS_TYPE = 8 "mailbox-mss-type" Token [Practitioner PractitionerRole Organization];
    NUMBER_SMARTCARD = 9 "number-smartcard" Text [Practitioner];
    TYPE_SMARTCARD = 10 "type-smartcard" Token [Practitioner];
    QUALIFICATION_CODE = 11 "qualification-code" Token [Practitioner];
    DATA_INFORMATION_SYSTEM = 12 "data-information-system" Token
        [Practitioner PractitionerRole Organization HealthcareService Device Person];
    DATA_REGISTRATION_AUTHORITY = 13 "data-registration-authority" Token
        [Practitioner PractitionerRole Organization HealthcareService Device Person];
    PRACTITIONER = 14 "practitioner" Reference [PractitionerRole] -> Practitioner;
    ORGANIZATION = 15 "organization" Reference [PractitionerRole HealthcareService Device] -> Organization;
    ROLE = 16 "role" Token [PractitionerRole];
    ADDRESS = 17 "address" Text [Organization];
    ADDRESS_CITY = 18 "address-city" Text [Organization];
    ADDRESS_POSTALCODE = 19 "address-postalcode" Text [Organization];
    ADDRESS_LINE = 20 "address-line" Text [Organization];
    ADDRESS_INSEE = 21 "address-insee" Text [Organization];
    PARTOF = 22 "partof" Reference [Organization] -> Organization;
    PHARMACY_LICENCE = 23 "pharmacy-licence" Text [Organization];
    TYPE = 24 "type" Token [Organization Device];
    MANUFACTURER = 25 "manufacturer" Text [Device];
    MODEL = 26 "model" Text [Device];
    STATUS = 27 "status" Token [Device];
    PROFILE = 28 "_profile" Uri [Practitioner PractitionerRole Organization HealthcareService Device Person];
    CHARACTERISTIC = 29 "characteristic" Token [HealthcareService];
    SERVICE_CATEGORY = 30 "service-category" Token [HealthcareService];
    SERVICE_TYPE = 31 "service-type" Token [HealthcareService];
    PERIOD = 32 "period" Date [Organization];
    PHONETIC = 34 "phonetic" Sound [Practitioner];
}

/// Number under which the last days of [`PERIOD`] are indexed; not a parameter of its own.
pub const PERIOD_END: ParamId = ParamId::new(33);

/// The parameter `name` of type `ty`; `None` when the type has no such parameter.
#[must_use]
pub fn param(ty: &str, name: &str) -> Option<&'static Param> {
    PARAMS.iter().find(|p| p.name == name && p.is_of(ty))
}

/// The number of the parameter `name` of type `ty`. For constants: a name that the type does not have does not compile.
///
/// # Panics
/// When the type has no such parameter.
#[must_use]
pub const fn param_id(ty: &str, name: &str) -> ParamId {
    let mut at = 0;
    while at < PARAMS.len() {
        let param = &PARAMS[at];
        let mut of = 0;
        while of < param.types.len() {
            if equal(param.name, name) && equal(param.types[of], ty) {
                return param.id;
            }
            of += 1;
        }
        at += 1;
    }
    panic!("the type has no such search parameter")
}

/// The links between published resources: parameters whose targets must exist (LOG-6).
#[must_use]
pub fn link_rules() -> Vec<LinkRule> {
    let rules_of = |p: &'static Param| {
        p.types.iter().filter_map(|ty| {
            let (source, target) = (type_id(ty)?, type_id(p.target)?);
            Some(LinkRule { source, param: p.id, target, target_name: p.target })
        })
    };
    PARAMS.iter().filter(|p| p.kind == ParamType::Reference).flat_map(rules_of).collect()
}

#[cfg(test)]
mod tests {
    use super::{PARAMS, PERIOD_END, ParamId, ParamType};
    use crate::schema::type_id;

    #[test]
    fn numbers_are_unique_and_types_are_published() {
        let mut numbers: Vec<ParamId> = PARAMS.iter().map(|p| p.id).chain([PERIOD_END]).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), PARAMS.len() + 1);
        for p in PARAMS {
            assert!(p.types.iter().all(|ty| type_id(ty).is_some()), "{}", p.name);
            assert_eq!(type_id(p.target).is_some(), p.kind == ParamType::Reference, "{}", p.name);
        }
    }
}
