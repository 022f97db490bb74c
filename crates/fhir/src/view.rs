//! The audience of a form and the version of the guide that it follows.

use annuaire_consolidate::Perimeter;

/// Guide and perimeter of the forms of one publication store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Version of the guide.
    pub guide: Guide,
    /// Perimeter: profiles `as-dp-*` in the public one, `as-dr-*` and Person in the restricted one.
    pub perimeter: Perimeter,
}

/// The code of a perimeter in the names of profiles.
pub(crate) const fn profile_code(perimeter: Perimeter) -> &'static str {
    match perimeter {
        Perimeter::Public => "dp",
        Perimeter::Restricted => "dr",
    }
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

    /// Version after the URL of a profile of the French core in `meta.profile`.
    pub(crate) const fn french_core_version_suffix(self) -> &'static str {
        match self {
            Self::V120 => "|2.2.0",
            Self::V110 => "",
        }
    }

    /// Version after the URL of a profile of the directory in `meta.profile`.
    pub(crate) const fn directory_version_suffix(self) -> &'static str {
        match self {
            Self::V120 => "|1.2.0-snapshot-2",
            Self::V110 => "",
        }
    }
}
