//! Published FHIR R4 forms: domain objects to JSON bytes and search terms, per perimeter.
//!
//! What the public perimeter may show is decided here and nowhere else: a public store is
//! filled only by [`public`], whose functions never read a restricted member.

pub mod public;
pub mod schema;
mod write;

/// Which version of the national guide the published resources follow (guide §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guide {
    /// 1.2.0-snapshot-2, the draft that the reference recommends.
    #[default]
    V120,
    /// 1.1.0, what the national service answers today.
    V110,
}

impl Guide {
    /// `meta.source` of every resource.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::V120 => "https://annuaire.esante.gouv.fr",
            Self::V110 => "https://annuaire.sante.fr",
        }
    }

    /// Type code of the RPPS-rang identifier.
    #[must_use]
    pub const fn rpps_rang_type(self) -> &'static str {
        match self {
            Self::V120 => "RPPSRG",
            Self::V110 => "INTRN",
        }
    }

    pub(crate) const fn core_suffix(self) -> &'static str {
        match self {
            Self::V120 => "|2.2.0",
            Self::V110 => "",
        }
    }

    pub(crate) const fn guide_suffix(self) -> &'static str {
        match self {
            Self::V120 => "|1.2.0-snapshot-2",
            Self::V110 => "",
        }
    }
}
