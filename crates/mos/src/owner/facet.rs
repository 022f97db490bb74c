//! The part of an entity that a fact is about.

use std::fmt;
use std::str::FromStr;

/// A part of an entity of which one owner speaks in one fact. Its text is part of the key of the fact in the registry, so that it
/// never changes its meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// All that the owner knows of the entity, as files say it. Empty text.
    Whole,
    /// The civil status of a person. `etat-civil`
    CivilStatus,
    /// The contact data of a person. `contact`
    Contact,
    /// One practice of a person. `exercice:10:C`
    Practice {
        /// Profession code.
        profession: String,
        /// Professional category (TRE_R09).
        category: String,
    },
    /// One situation of a person. `situation:0123456789`
    Situation {
        /// Its stable key (`idSituationExercice`).
        id: String,
    },
}

const CIVIL_STATUS: &str = "etat-civil";
const CONTACT: &str = "contact";
const PRACTICE: &str = "exercice:";
const SITUATION: &str = "situation:";

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::CivilStatus => f.write_str(CIVIL_STATUS),
            Self::Contact => f.write_str(CONTACT),
            Self::Practice { profession, category } => write!(f, "{PRACTICE}{profession}:{category}"),
            Self::Situation { id } => write!(f, "{SITUATION}{id}"),
        }
    }
}

/// A text that names no facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFacet(pub String);

impl fmt::Display for UnknownFacet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no facet: it must be empty, `{CIVIL_STATUS}`, `{CONTACT}`, `{PRACTICE}` with profession and category, or \
             `{SITUATION}` with an identifier",
            self.0
        )
    }
}

impl std::error::Error for UnknownFacet {}

impl FromStr for Facet {
    type Err = UnknownFacet;

    /// Reads the text of a facet. Codes and identifiers are visible ASCII signs, and codes have no colon: one facet has one
    /// text.
    fn from_str(text: &str) -> Result<Self, UnknownFacet> {
        let unknown = || UnknownFacet(text.to_owned());
        let identifier = |s: &str| (!s.is_empty() && s.bytes().all(|b| b.is_ascii_graphic())).then(|| s.to_owned());
        let code = |s: &str| identifier(s).filter(|s| !s.contains(':'));
        if let Some(id) = text.strip_prefix(SITUATION) {
            return Ok(Self::Situation { id: identifier(id).ok_or_else(unknown)? });
        }
        if let Some((profession, category)) = text.strip_prefix(PRACTICE).and_then(|codes| codes.split_once(':')) {
            let (profession, category) = code(profession).zip(code(category)).ok_or_else(unknown)?;
            return Ok(Self::Practice { profession, category });
        }
        match text {
            "" => Ok(Self::Whole),
            CIVIL_STATUS => Ok(Self::CivilStatus),
            CONTACT => Ok(Self::Contact),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Facet, UnknownFacet};

    #[test]
    fn a_facet_has_one_text() {
        let practice = Facet::Practice { profession: "10".into(), category: "C".into() };
        for (text, facet) in [
            ("", Facet::Whole),
            ("etat-civil", Facet::CivilStatus),
            ("contact", Facet::Contact),
            ("exercice:10:C", practice),
            ("situation:0123456789", Facet::Situation { id: "0123456789".into() }),
            ("situation:a:b", Facet::Situation { id: "a:b".into() }),
        ] {
            assert_eq!(text.parse(), Ok(facet.clone()), "{text}");
            assert_eq!(facet.to_string(), text);
        }
    }

    #[test]
    fn an_unknown_text_is_refused_and_named() {
        for text in [
            "tout",
            " ",
            "contact ",
            "Contact",
            "etat-civil:1",
            "exercice",
            "exercice:10",
            "exercice::C",
            "exercice:10:",
            "exercice:10:C:D",
            "situation:",
            "situation: 1",
            "situation:é",
            "carte:1",
        ] {
            assert_eq!(text.parse::<Facet>(), Err(UnknownFacet(text.into())));
        }
        assert!(UnknownFacet("tout".into()).to_string().starts_with("\"tout\" is no facet"));
    }
}
