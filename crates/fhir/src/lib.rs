//! Published FHIR R4 forms: domain objects to JSON bytes and search terms, per perimeter.
//!
//! What the public perimeter may show is decided in [`perimeter`] and nowhere else: a public store is filled only with
//! forms of what passed it.

pub mod dictionary;
pub mod extract;
pub mod foreign;
pub mod forms;
pub mod ids;
pub mod limits;
pub mod perimeter;
mod public;
mod raw;
#[cfg(test)]
mod samples;
pub mod schema;
pub mod systems;
mod write;

pub use foreign::check;
pub use perimeter::Perimeter;

/// Who a form is for, and which version of the guide it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Version of the guide.
    pub guide: Guide,
    /// Perimeter.
    pub perimeter: Perimeter,
}

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
