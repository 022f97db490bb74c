//! The traits of an identity that are compared.
//!
//! The strict match needs equal places. A birth abroad whose town nobody typed has no known place, so it is never strict, and a
//! request for such a person goes to an arbiter: « strict implies 95 » holds, and two people of one country and day are not taken
//! for one.

use crate::communes::CommuneIndex;
use crate::day::Day;
use crate::norm::norm;

/// Where a person was born.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct BirthPlace {
    /// INSEE code of the commune; empty abroad.
    pub commune: String,
    /// INSEE code of the country.
    pub country: String,
    /// Town of a birth abroad; may be empty.
    pub town: String,
}

/// An identity, as it is compared. Texts are as they were entered: comparing normalises them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityTraits {
    /// Family name.
    pub family_name: String,
    /// Usage names, former family names and names of exercise.
    pub other_names: Vec<String>,
    /// Given names, the first one first.
    pub given_names: Vec<String>,
    /// Day of birth.
    pub birth: Option<Day>,
    /// Place of birth.
    pub place: BirthPlace,
    /// `F` or `M`; empty when unknown.
    pub sex: String,
    /// Verified e-mail addresses and mobiles, or hashes of them.
    pub contacts: Vec<String>,
}

impl BirthPlace {
    /// Whether two births abroad are in one country and one town that is known.
    pub(super) fn same_foreign_town(&self, other: &Self) -> bool {
        let town = norm(&self.town);
        self.abroad_with(other) && !town.is_empty() && town == norm(&other.town)
    }

    /// Whether two births are in one foreign country.
    pub(super) fn abroad_with(&self, other: &Self) -> bool {
        self.commune.is_empty() && other.commune.is_empty() && !self.country.is_empty() && self.country == other.country
    }

    /// Whether both name one commune by its code.
    pub(super) fn same_commune(&self, other: &Self) -> bool {
        !self.commune.is_empty() && self.commune == other.commune
    }

    /// Whether both name communes of one territory by different codes.
    pub(super) fn equivalent(&self, other: &Self, communes: &CommuneIndex) -> bool {
        !self.commune.is_empty() && !other.commune.is_empty() && communes.are_equivalent(&self.commune, &other.commune)
    }
}

impl IdentityTraits {
    /// The first given name, compared.
    pub(super) fn first_given(&self) -> String {
        self.given_names.first().map(|name| norm(name)).unwrap_or_default()
    }
}

/// Whether family name, first given name and day of birth are equal: what an ADELI number needs beside it to tell who somebody is
/// (registration §8.4). The given name counts, since twins share the rest.
#[must_use]
pub fn name_and_birth_agree(a: &IdentityTraits, b: &IdentityTraits) -> bool {
    let (name, given) = (norm(&a.family_name), a.first_given());
    !name.is_empty()
        && name == norm(&b.family_name)
        && !given.is_empty()
        && given == b.first_given()
        && a.birth.is_some()
        && a.birth == b.birth
}

/// Whether the five traits are equal: family name, first given name, sex, day and place of birth (registration §8.1).
#[must_use]
pub fn is_strict_match(a: &IdentityTraits, b: &IdentityTraits) -> bool {
    let name = norm(&a.family_name);
    let given = a.first_given();
    !name.is_empty()
        && name == norm(&b.family_name)
        && !given.is_empty()
        && given == b.first_given()
        && !a.sex.is_empty()
        && a.sex == b.sex
        && a.birth.is_some()
        && a.birth == b.birth
        && (a.place.same_commune(&b.place) || a.place.same_foreign_town(&b.place))
}
