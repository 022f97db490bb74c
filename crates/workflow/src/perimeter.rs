//! Who may act on which structure: the perimeter of a manager (registration §2.5).
//!
//! The set is not spelled out: a country has two million structures. A perimeter is a short list of rules, and asks a structure
//! about itself. A store asks with [`ActionPerimeter::rules`], so that one query finds the structures of a perimeter.
//!
//! The attachment of a site to its legal entity is that of the day of the question: the caller gives the structure as it is then,
//! so a site that moves to another entity moves with its requests and situations.

use crate::day::Day;
use std::collections::BTreeSet;

/// What a perimeter asks a structure. FINESS and SIRET of one site belong to one structure.
pub trait StructureFacts {
    /// FINESS number; empty when it has none.
    fn finess(&self) -> &str;
    /// SIRET; empty when it has none.
    fn siret(&self) -> &str;
    /// SIREN; empty when it has none.
    fn siren(&self) -> &str;
    /// FINESS number of the legal entity above a site; empty for a legal entity.
    fn legal_entity(&self) -> &str;
    /// Whether it is open on a day.
    fn is_open_on(&self, day: Day) -> bool;
}

/// A structure as a row, for callers that have no type of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StructureRow {
    /// FINESS number.
    pub finess: String,
    /// SIRET.
    pub siret: String,
    /// SIREN.
    pub siren: String,
    /// FINESS number of the legal entity above a site.
    pub legal_entity: String,
    /// First day; `None` when unknown, which counts as open.
    pub opened: Option<Day>,
    /// First day of the closure.
    pub closed: Option<Day>,
}

impl StructureFacts for StructureRow {
    fn finess(&self) -> &str {
        &self.finess
    }

    fn siret(&self) -> &str {
        &self.siret
    }

    fn siren(&self) -> &str {
        &self.siren
    }

    fn legal_entity(&self) -> &str {
        &self.legal_entity
    }

    fn is_open_on(&self, day: Day) -> bool {
        self.opened.is_none_or(|opened| opened <= day) && self.closed.is_none_or(|closed| day < closed)
    }
}

/// What a habilitation or a delegation is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PerimeterTarget {
    /// A legal entity of FINESS, with its open sites.
    LegalEntity(String),
    /// A site of FINESS.
    Site(String),
    /// An establishment by its SIRET.
    Establishment(String),
    /// An employer by its SIREN: its establishments without FINESS number.
    Employer(String),
}

impl PerimeterTarget {
    /// The number.
    #[must_use]
    pub fn number(&self) -> &str {
        match self {
            Self::LegalEntity(number) | Self::Site(number) | Self::Establishment(number) | Self::Employer(number) => number,
        }
    }
}

/// The right of a manager, as far as a perimeter needs it. Whether it stands is decided by [`crate::habilitation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HabilitationGrant {
    /// What it is for.
    pub target: PerimeterTarget,
    /// First day.
    pub from: Day,
    /// Last day, when one is known: of its planned end, revocation or suspension.
    pub until: Option<Day>,
    /// Sites of a legal entity that it leaves out.
    pub exclusions: BTreeSet<String>,
}

/// A structure that hands over to a third one (H6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThirdPartyDelegation {
    /// The structure that hands over.
    pub structure: PerimeterTarget,
    /// The number of the structure whose managers act for it.
    pub to: String,
    /// First day.
    pub from: Day,
    /// Last day, when one is known.
    pub until: Option<Day>,
}

/// One target of a perimeter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerimeterRule {
    /// What is contained.
    pub target: PerimeterTarget,
    /// Sites of a legal entity that are not.
    pub exclusions: BTreeSet<String>,
}

/// The structures on which a manager may act on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPerimeter {
    day: Day,
    rules: Vec<PerimeterRule>,
}

fn stands(from: Day, until: Option<Day>, day: Day) -> bool {
    from <= day && until.is_none_or(|until| day <= until)
}

/// The perimeter of a manager on a day: the union over the habilitations that stand, and over what was handed over to their
/// targets. What was handed over to a structure is not handed on by it.
#[must_use]
pub fn perimeter(habilitations: &[HabilitationGrant], delegations: &[ThirdPartyDelegation], day: Day) -> ActionPerimeter {
    let mut rules = Vec::new();
    for grant in habilitations.iter().filter(|grant| stands(grant.from, grant.until, day)) {
        rules.push(PerimeterRule { target: grant.target.clone(), exclusions: grant.exclusions.clone() });
        let handed_over = delegations.iter().filter(|d| d.to == grant.target.number() && stands(d.from, d.until, day));
        rules.extend(handed_over.map(|d| PerimeterRule { target: d.structure.clone(), exclusions: BTreeSet::new() }));
    }
    ActionPerimeter { day, rules }
}

impl ActionPerimeter {
    /// Whether the perimeter contains a structure. Costs a comparison for each rule.
    #[must_use]
    pub fn contains(&self, structure: &impl StructureFacts) -> bool {
        self.rules.iter().any(|rule| rule.contains(structure, self.day))
    }

    /// What it is made of, for a store that searches.
    #[must_use]
    pub fn rules(&self) -> &[PerimeterRule] {
        &self.rules
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl PerimeterRule {
    fn contains(&self, structure: &impl StructureFacts, day: Day) -> bool {
        let is = |value: &str, number: &str| !number.is_empty() && value == number;
        match &self.target {
            PerimeterTarget::LegalEntity(entity) => {
                let site = is(structure.legal_entity(), entity)
                    && structure.is_open_on(day)
                    && !self.exclusions.contains(structure.finess());
                is(structure.finess(), entity) || site
            }
            PerimeterTarget::Site(finess) => is(structure.finess(), finess),
            PerimeterTarget::Establishment(siret) => is(structure.siret(), siret),
            PerimeterTarget::Employer(siren) => is(structure.siren(), siren) && structure.finess().is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    fn entity() -> StructureRow {
        StructureRow { finess: "990000002".into(), siren: "999000003".into(), ..Default::default() }
    }

    fn site(finess: &str) -> StructureRow {
        StructureRow {
            finess: finess.into(),
            siret: if finess == "990000010" { "99900000300015".into() } else { String::new() },
            siren: "999000003".into(),
            legal_entity: "990000002".into(),
            ..Default::default()
        }
    }

    fn on(target: PerimeterTarget) -> HabilitationGrant {
        HabilitationGrant { target, from: d("2026-01-01"), until: None, exclusions: BTreeSet::new() }
    }

    fn today(grants: &[HabilitationGrant]) -> ActionPerimeter {
        perimeter(grants, &[], d("2026-06-01"))
    }

    /// The table of registration §2.5, A08 and A09.
    #[test]
    fn the_table_of_the_reference() {
        let legal = today(&[on(PerimeterTarget::LegalEntity("990000002".into()))]);
        assert!(legal.contains(&site("990000010")) && legal.contains(&site("990000028")) && legal.contains(&entity()));
        let one = today(&[on(PerimeterTarget::Site("990000010".into()))]);
        assert!(one.contains(&site("990000010")) && !one.contains(&entity()) && !one.contains(&site("990000028")));
        // The SIRET of the site is the site.
        let row = StructureRow { legal_entity: String::new(), ..site("990000010") };
        assert!(one.contains(&row));
        let siret = today(&[on(PerimeterTarget::Establishment("99900000300023".into()))]);
        let of = |siret: &str| StructureRow { siret: siret.into(), siren: "999000003".into(), ..Default::default() };
        assert!(siret.contains(&of("99900000300023")) && !siret.contains(&of("99900000300015")));
        let siren = today(&[on(PerimeterTarget::Employer("999000003".into()))]);
        assert!(siren.contains(&of("99900000300023")) && !siren.contains(&site("990000010")));
    }

    #[test]
    fn exclusions_closures_and_days_count() {
        let mut grant = on(PerimeterTarget::LegalEntity("990000002".into()));
        grant.exclusions.insert("990000028".into());
        grant.until = Some(d("2026-06-01"));
        assert!(!today(&[grant.clone()]).contains(&site("990000028")));
        let closed = StructureRow { closed: Some(d("2026-06-01")), ..site("990000010") };
        assert!(!today(&[grant.clone()]).contains(&closed));
        assert!(perimeter(&[grant.clone()], &[], d("2026-05-31")).contains(&closed));
        assert!(perimeter(&[grant.clone()], &[], d("2026-06-02")).is_empty());
        assert!(perimeter(&[grant], &[], d("2025-12-31")).is_empty());
        assert!(!today(&[]).contains(&StructureRow::default()));
        assert!(!today(&[on(PerimeterTarget::Site(String::new()))]).contains(&StructureRow::default()));
    }

    #[test]
    fn what_is_handed_over_is_not_handed_on() {
        let hand = |structure: &str, to: &str| ThirdPartyDelegation {
            structure: PerimeterTarget::Site(structure.into()),
            to: to.into(),
            from: d("2026-01-01"),
            until: Some(d("2026-12-31")),
        };
        let delegations = [hand("990000028", "990000010"), hand("990000036", "990000028")];
        let grants = [on(PerimeterTarget::Site("990000010".into()))];
        let handed = perimeter(&grants, &delegations, d("2026-06-01"));
        assert!(handed.contains(&site("990000028")) && !handed.contains(&site("990000036")));
        assert!(!perimeter(&grants, &delegations, d("2027-01-01")).contains(&site("990000028")));
    }
}
