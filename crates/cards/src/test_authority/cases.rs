//! The cases that a check of cards must tell apart (identity.md §3.5).

/// Ends of the names of authorities of bad cases.
pub(crate) const REVOKED: &str = "REVOQUEE";
pub(crate) const NO_LIST: &str = "SANS LISTE";
pub(crate) const OLD_LIST: &str = "LISTE PERIMEE";

/// A certificate that a check must accept, or refuse for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestCase {
    /// Nothing is wrong.
    Good,
    /// Good: the attributes of the holder stand in another order.
    OtherOrder,
    /// Good: no name of a user.
    NoUpn,
    /// It has expired.
    Expired,
    /// It counts from tomorrow on.
    NotYetValid,
    /// It is in the list of its authority.
    Revoked,
    /// Its authority is in the list of the root.
    AuthorityRevoked,
    /// Its authority has no list.
    NoList,
    /// The list of its authority is too old.
    StaleList,
    /// Its authority is of the lowest level.
    WrongLevel,
    /// Its authority is one of organisations.
    OfOrganisations,
    /// Its signature is wrong.
    Forged,
    /// A card of production.
    ProductionCategory,
    /// A software certificate.
    SoftwareCategory,
    /// No category.
    NoCategory,
    /// The other certificate of a card, for signatures.
    Signature,
    /// The name of a user is somebody else's.
    OtherUpn,
}

impl TestCase {
    /// Each case.
    pub const ALL: [Self; 17] = [
        Self::Good,
        Self::OtherOrder,
        Self::NoUpn,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
        Self::AuthorityRevoked,
        Self::NoList,
        Self::StaleList,
        Self::WrongLevel,
        Self::OfOrganisations,
        Self::Forged,
        Self::ProductionCategory,
        Self::SoftwareCategory,
        Self::NoCategory,
        Self::Signature,
        Self::OtherUpn,
    ];

    /// Its name, as files bear it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::OtherOrder => "other-order",
            Self::NoUpn => "no-upn",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::AuthorityRevoked => "authority-revoked",
            Self::NoList => "no-list",
            Self::StaleList => "stale-list",
            Self::WrongLevel => "wrong-level",
            Self::OfOrganisations => "of-organisations",
            Self::Forged => "forged",
            Self::ProductionCategory => "production-category",
            Self::SoftwareCategory => "software-category",
            Self::NoCategory => "no-category",
            Self::Signature => "signature",
            Self::OtherUpn => "other-upn",
        }
    }

    /// The reason for which a test environment refuses it, as [`CardRefusal::code`](crate::CardRefusal::code) says it; `None` for a
    /// good one.
    #[must_use]
    pub fn refusal(self) -> Option<&'static str> {
        Some(match self {
            Self::Good | Self::OtherOrder | Self::NoUpn => return None,
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::AuthorityRevoked => "authority_revoked",
            Self::NoList => "no_revocation_list",
            Self::StaleList => "stale_revocation_list",
            Self::WrongLevel | Self::OfOrganisations => "other_authority",
            Self::Forged => "forged",
            Self::ProductionCategory => "production_card",
            Self::SoftwareCategory => "not_a_card",
            Self::NoCategory => "no_category",
            Self::Signature => "not_for_authentication",
            Self::OtherUpn => "other_upn",
        })
    }
}
