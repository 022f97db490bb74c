//! Owners whose codes say all there is to say of them, so that nobody needs to write it down.

use super::file_source::file_source;
use super::identity::{Owner, PERSON, STRUCTURE};

impl Owner {
    /// The owner that a code tells by itself: a structure that registers its staff, a professional, an order, the armed forces' health
    /// service, an agency, or a file that the program knows. `None` for any other code: only a description tells that owner.
    ///
    /// Cost: a few comparisons for structures and persons, about seventy for a file or an unknown code.
    #[must_use]
    pub fn told_by_code(code: &str) -> Option<Self> {
        let number = |beginning| {
            let is_number = |rest: &&str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic());
            code.strip_prefix(beginning).filter(is_number)
        };
        if let Some(number) = number(STRUCTURE) {
            return Some(Self::structure(number));
        }
        if let Some(id_nat_ps) = number(PERSON) {
            return Some(Self::person(id_nat_ps));
        }
        Self::authority(code).or_else(|| file_source(code).map(|file| file.owner()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Owner, file_source};

    #[test]
    fn a_code_tells_its_owner_or_nobody() {
        for owner in [
            Owner::structure("1990000010"),
            Owner::person("899900000011"),
            Owner::person("3990000010/0042"),
            Owner::authority("CNOM").unwrap(),
            Owner::authority("SSA").unwrap(),
            Owner::authority("ARS-53").unwrap(),
            file_source("psla").unwrap().owner(),
        ] {
            assert_eq!(Owner::told_by_code(&owner.code), Some(owner));
        }
        for code in ["", "ENREG", "ENREG:", "PP:", "PP: 8", "PP:é", "pp:899900000011", "ST:F990000010", "une-reprise", "PSLA"] {
            assert_eq!(Owner::told_by_code(code), None, "{code}");
        }
    }
}
