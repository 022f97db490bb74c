//! Points for each trait, with a sentence for the arbiter (registration §8.1).

use super::traits::IdentityTraits;
use crate::communes::CommuneIndex;
use crate::day::Day;
use crate::limits::{NEAR_NAME, SCORE_CERTAIN, SCORE_POSSIBLE, SCORE_PROBABLE};
use crate::norm::norm;
use strsim::jaro_winkler;

/// A trait that has points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScoredTrait {
    /// Family name.
    FamilyName,
    /// First given name.
    GivenName,
    /// Day of birth.
    BirthDate,
    /// Place of birth.
    BirthPlace,
    /// Sex.
    Sex,
    /// Verified e-mail or mobile.
    Contact,
}

/// What one trait gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreLine {
    /// The trait.
    pub of: ScoredTrait,
    /// Its points.
    pub points: i16,
    /// Why, in French; without personal data.
    pub sentence: &'static str,
}

/// How alike two identities are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchClass {
    /// Below 60.
    None,
    /// From 60: shown, never blocking.
    Possible,
    /// From 80: an arbiter decides.
    Probable,
    /// From 95.
    Certain,
}

impl MatchClass {
    /// The class of a number of points.
    #[must_use]
    pub const fn of(points: u8) -> Self {
        match points {
            SCORE_CERTAIN.. => Self::Certain,
            SCORE_PROBABLE.. => Self::Probable,
            SCORE_POSSIBLE.. => Self::Possible,
            _ => Self::None,
        }
    }

    /// The French word.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "nulle",
            Self::Possible => "possible",
            Self::Probable => "probable",
            Self::Certain => "certaine",
        }
    }
}

/// A score with its detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// 0 to 100.
    pub total: u8,
    /// One line for each trait.
    pub lines: Vec<ScoreLine>,
}

impl Score {
    /// Its class.
    #[must_use]
    pub const fn class(&self) -> MatchClass {
        MatchClass::of(self.total)
    }
}

/// Compares two identities. The score does not depend on which comes first. Costs some string comparisons.
#[must_use]
pub fn score(a: &IdentityTraits, b: &IdentityTraits, communes: &CommuneIndex) -> Score {
    let lines = vec![
        family_name(a, b),
        given_name(a, b),
        birth_date(a.birth, b.birth),
        birth_place(a, b, communes),
        sex(a, b),
        contact(a, b),
    ];
    let sum: i16 = lines.iter().map(|line| line.points).sum();
    Score { total: u8::try_from(sum.clamp(0, 100)).unwrap_or(0), lines }
}

/// Similarity of two names, the greater of both directions.
fn near(a: &str, b: &str) -> bool {
    jaro_winkler(a, b).max(jaro_winkler(b, a)) >= NEAR_NAME
}

fn family_name(a: &IdentityTraits, b: &IdentityTraits) -> ScoreLine {
    let line = |points, sentence| ScoreLine { of: ScoredTrait::FamilyName, points, sentence };
    let (one, other) = (norm(&a.family_name), norm(&b.family_name));
    if one.is_empty() || other.is_empty() {
        return line(0, "Nom de famille absent d'un côté.");
    }
    let is_alias = |name: &str, of: &IdentityTraits| of.other_names.iter().any(|alias| norm(alias) == name);
    let within = |few: &str, many: &str| few.split(' ').all(|word| many.split(' ').any(|other| other == word));
    if one == other {
        line(30, "Noms de famille identiques.")
    } else if is_alias(&one, b) || is_alias(&other, a) {
        line(24, "Le nom de famille de l'un est un nom d'usage ou un ancien nom de l'autre.")
    } else if near(&one, &other) || one.replace(' ', "") == other.replace(' ', "") {
        line(22, "Noms de famille très proches.")
    } else if within(&one, &other) || within(&other, &one) {
        line(20, "Le nom de famille de l'un est contenu dans celui de l'autre.")
    } else {
        line(0, "Noms de famille différents.")
    }
}

fn given_name(a: &IdentityTraits, b: &IdentityTraits) -> ScoreLine {
    let line = |points, sentence| ScoreLine { of: ScoredTrait::GivenName, points, sentence };
    let (one, other) = (a.first_given(), b.first_given());
    if one.is_empty() || other.is_empty() {
        return line(0, "Premier prénom absent d'un côté.");
    }
    let among = |name: &str, of: &IdentityTraits| of.given_names.iter().skip(1).any(|given| norm(given) == name);
    let head = |name: &str| name.split(' ').next().map(str::to_owned);
    let compound = one.contains(' ') || other.contains(' ');
    if one == other {
        line(20, "Premiers prénoms identiques.")
    } else if near(&one, &other) {
        line(14, "Premiers prénoms très proches.")
    } else if among(&one, b) || among(&other, a) {
        line(12, "Le premier prénom de l'un est un autre prénom de l'autre.")
    } else if compound && head(&one) == head(&other) {
        line(8, "Premier élément du prénom composé identique.")
    } else {
        line(0, "Premiers prénoms différents.")
    }
}

fn birth_date(a: Option<Day>, b: Option<Day>) -> ScoreLine {
    let line = |points, sentence| ScoreLine { of: ScoredTrait::BirthDate, points, sentence };
    let (Some(a), Some(b)) = (a, b) else { return line(0, "Date de naissance absente d'un côté.") };
    let digits = |day: Day| day.strftime("%Y%m%d").to_string();
    let differing = digits(a).bytes().zip(digits(b).bytes()).filter(|(one, other)| one != other).count();
    let exchanged = a.year() == b.year() && a.month() == b.day() && a.day() == b.month();
    if a == b {
        line(25, "Dates de naissance identiques.")
    } else if exchanged {
        line(15, "Jour et mois de naissance inversés.")
    } else if differing == 1 {
        line(15, "Dates de naissance différentes d'un chiffre.")
    } else if a.year() == b.year() {
        line(5, "Années de naissance identiques.")
    } else {
        line(0, "Dates de naissance différentes.")
    }
}

fn birth_place(a: &IdentityTraits, b: &IdentityTraits, communes: &CommuneIndex) -> ScoreLine {
    let line = |points, sentence| ScoreLine { of: ScoredTrait::BirthPlace, points, sentence };
    let (one, other) = (&a.place, &b.place);
    let department = |code: &str| if code.is_empty() { None } else { communes.department(code) };
    let no_town = one.town.trim().is_empty() || other.town.trim().is_empty();
    if one.same_commune(other) {
        line(15, "Communes de naissance identiques.")
    } else if one.same_foreign_town(other) {
        line(15, "Pays et ville de naissance identiques.")
    } else if one.equivalent(other, communes) {
        line(13, "Communes de naissance réunies ou renommées depuis.")
    } else if one.abroad_with(other) && no_town {
        line(10, "Même pays de naissance à l'étranger, ville non précisée.")
    } else if department(&one.commune).is_some_and(|code| Some(code) == department(&other.commune)) {
        line(6, "Départements de naissance identiques.")
    } else {
        line(0, "Lieux de naissance différents ou non précisés.")
    }
}

fn sex(a: &IdentityTraits, b: &IdentityTraits) -> ScoreLine {
    let line = |points, sentence| ScoreLine { of: ScoredTrait::Sex, points, sentence };
    if a.sex.is_empty() || b.sex.is_empty() {
        line(0, "Sexe absent d'un côté.")
    } else if a.sex == b.sex {
        line(5, "Sexes identiques.")
    } else {
        line(-10, "Sexes différents.")
    }
}

fn contact(a: &IdentityTraits, b: &IdentityTraits) -> ScoreLine {
    let line = |points, sentence| ScoreLine { of: ScoredTrait::Contact, points, sentence };
    let shared = a.contacts.iter().any(|one| !one.is_empty() && b.contacts.contains(one));
    if shared { line(10, "Adresse ou mobile vérifié en commun.") } else { line(0, "Aucune coordonnée vérifiée en commun.") }
}
