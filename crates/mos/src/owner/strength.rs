//! Who decides when owners differ (`registration.md` §2.3), as a table.

use super::facet::Facet;
use serde::{Deserialize, Serialize};

/// The position of an owner in the order of strength. That of a file is the position of its producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// An order.
    Order,
    /// The armed forces' health service (SSA).
    ArmedForces,
    /// A national register, which publishes what others recorded: RPPS for professionals, FINESS for structures, MSSanté for
    /// mailboxes.
    Register,
    /// A regional agency (ARS), authority for the former ADELI professions.
    Agency,
    /// A structure that registers its own staff.
    Structure,
    /// The professional.
    Person,
    /// The health insurance, whose directory is no registration.
    Insurance,
    /// Another directory, which speaks of its own resources.
    Directory,
}

use Standing::{Agency, ArmedForces, Directory, Insurance, Order, Person, Register, Structure};

/// Strongest line first; owners of one line follow their rank, then their code. A register stands behind the orders and the army,
/// whose words it repeats, some of them of yesterday.
const AUTHORITIES_FIRST: &[&[Standing]] =
    &[&[Order, ArmedForces], &[Register], &[Agency], &[Structure], &[Person], &[Insurance, Directory]];

/// Contact data belongs to the professional. Before the account of a professional is active there is no such fact, so that the
/// value of the authority counts until then.
const PERSON_FIRST: &[&[Standing]] =
    &[&[Person], &[Order, ArmedForces], &[Register], &[Agency], &[Structure], &[Insurance, Directory]];

const fn lines(facet: &Facet) -> &'static [&'static [Standing]] {
    match facet {
        Facet::Whole | Facet::CivilStatus | Facet::Practice { .. } | Facet::Situation { .. } => AUTHORITIES_FIRST,
        Facet::Contact => PERSON_FIRST,
    }
}

/// The strength of an owner on a facet. Strengths are ordered from the strongest to the weakest: facts sorted by it stand in the
/// order in which they are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Strength {
    line: u8,
    rank: u8,
}

impl Strength {
    /// The strength of a standing on a facet, with a rank among those who share its line.
    pub(super) fn new(standing: Standing, facet: &Facet, rank: u8) -> Self {
        let line = (0_u8..).zip(lines(facet)).find(|(_, line)| line.contains(&standing)).map_or(u8::MAX, |(line, _)| line);
        Self { line, rank }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Facet, Owner, file_source};
    use std::fmt::Write;

    /// For readers who know the domain and not this program: who decides on what, strongest first.
    #[test]
    fn who_decides_on_what() {
        let mut owners: Vec<(&str, Owner)> = vec![
            ("order", Owner::authority("CNOM").unwrap()),
            ("army", Owner::authority("SSA").unwrap()),
            ("agency", Owner::authority("ARS-11").unwrap()),
            ("structure", Owner::structure("1990000028")),
            ("person", Owner::person("810999000010")),
        ];
        let file = |code| file_source(code).unwrap().owner();
        owners.extend([("RPPS", file("psla")), ("restricted RPPS", file("r-personne")), ("insurance", file("ameli-ps"))]);
        let facets = [
            ("whole", Facet::Whole),
            ("civil status", Facet::CivilStatus),
            ("practice", Facet::Practice { profession: "10".into(), category: "C".into() }),
            ("situation", Facet::Situation { id: "1".into() }),
            ("contact", Facet::Contact),
        ];
        let mut table = String::new();
        for (name, facet) in facets {
            owners.sort_by_key(|(name, owner)| (owner.strength(&facet), *name));
            write!(table, "{name}:").unwrap();
            for pair in owners.windows(2) {
                let equal = pair[0].1.strength(&facet) == pair[1].1.strength(&facet);
                write!(table, " {} {}", pair[0].0, if equal { "=" } else { ">" }).unwrap();
            }
            writeln!(table, " {}", owners.last().unwrap().0).unwrap();
        }
        assert_eq!(
            table,
            "\
whole: army = order > restricted RPPS > RPPS > agency > structure > person > insurance
civil status: army = order > restricted RPPS > RPPS > agency > structure > person > insurance
practice: army = order > restricted RPPS > RPPS > agency > structure > person > insurance
situation: army = order > restricted RPPS > RPPS > agency > structure > person > insurance
contact: person > army = order > restricted RPPS > RPPS > agency > structure > insurance
"
        );
    }
}
