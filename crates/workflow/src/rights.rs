//! The rights matrix as data (registration §2.6). What no line gives is refused.
//!
//! Choices where the reference is silent: an « own » without a letter means reading; updating includes reading; terminologies are
//! kept by `NOM`, who has no column; `SYS` has no line, since timers and pipelines act through the transition table alone.

use crate::actor::ActorKind::{self, Arb, Ars, Aud, Gae, Grd, Hra, Man, Nom, Ord, Pro, Prol, Rep, Sup};

/// What a right is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Habilitation of a structure or a manager.
    Habilitation,
    /// Request that an authority drafts.
    AuthorityDraft,
    /// Request that a professional drafts.
    ProfessionalDraft,
    /// Decision at T01.
    Instruction,
    /// Arbitration at T03.
    Arbitration,
    /// Civil status of a person.
    CivilStatus,
    /// E-mail and mobile of a person.
    ContactData,
    /// Situation of a person.
    Situation,
    /// RPPS number.
    RppsNumber,
    /// Audit trail.
    AuditTrail,
    /// Statistics.
    Statistics,
    /// Terminology.
    Terminology,
}

impl ObjectKind {
    /// Every object, in the order of the reference.
    pub const ALL: &'static [Self] = &[
        Self::Habilitation,
        Self::AuthorityDraft,
        Self::ProfessionalDraft,
        Self::Instruction,
        Self::Arbitration,
        Self::CivilStatus,
        Self::ContactData,
        Self::Situation,
        Self::RppsNumber,
        Self::AuditTrail,
        Self::Statistics,
        Self::Terminology,
    ];

    /// Plain English words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Habilitation => "Habilitation",
            Self::AuthorityDraft => "Request draft by GAE",
            Self::ProfessionalDraft => "Request draft by PROL",
            Self::Instruction => "Decide at T01",
            Self::Arbitration => "Arbitrate T03",
            Self::CivilStatus => "Civil status",
            Self::ContactData => "Contact data",
            Self::Situation => "Situation",
            Self::RppsNumber => "RPPS number",
            Self::AuditTrail => "Audit trail",
            Self::Statistics => "Statistics",
            Self::Terminology => "Terminology",
        }
    }
}

/// What somebody does with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// C.
    Create,
    /// R.
    Read,
    /// U.
    Update,
    /// V: validate, decide.
    Decide,
    /// Ask for a change, or propose a value that somebody else confirms.
    Propose,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = &[Self::Create, Self::Read, Self::Update, Self::Decide, Self::Propose];

    /// The letter of the reference; `P` for a proposal.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Create => "C",
            Self::Read => "R",
            Self::Update => "U",
            Self::Decide => "V",
            Self::Propose => "P",
        }
    }
}

/// How far a right goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RightScope {
    /// Nothing: the default.
    None,
    /// Own perimeter, or own file.
    Own,
    /// The population of the authority.
    OwnPopulation,
    /// Own file once it is submitted.
    OwnWhenSubmitted,
    /// Number, dates, status; no personal data.
    MetadataOnly,
    /// Own perimeter, masked after the first activation of the professional.
    OwnMaskedOnceActive,
    /// Everything, masked.
    Masked,
    /// Own actions.
    OwnActions,
    /// Accesses to own file.
    OwnAccesses,
    /// Own region.
    Region,
    /// Structures that were granted, aggregated, without names.
    Aggregated,
    /// Only the acceptance of a structure (H2).
    StructureAcceptance,
    /// Everything.
    All,
}

impl RightScope {
    /// Plain English words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "—",
            Self::Own => "own",
            Self::OwnPopulation => "own population",
            Self::OwnWhenSubmitted => "own, when submitted",
            Self::MetadataOnly => "metadata only",
            Self::OwnMaskedOnceActive => "own, masked after first activation",
            Self::Masked => "masked",
            Self::OwnActions => "own actions",
            Self::OwnAccesses => "accesses to own file",
            Self::Region => "region",
            Self::Aggregated => "granted structures, aggregated, no names",
            Self::StructureAcceptance => "H2",
            Self::All => "all",
        }
    }
}

/// A line of the matrix: what some actors may do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightRule {
    /// The object.
    pub object: ObjectKind,
    /// The actors.
    pub actors: &'static [ActorKind],
    /// What they may do.
    pub actions: &'static [Action],
    /// How far.
    pub scope: RightScope,
}

const fn rule(object: ObjectKind, actors: &'static [ActorKind], actions: &'static [Action], scope: RightScope) -> RightRule {
    RightRule { object, actors, actions, scope }
}

use Action::{Create as C, Decide as V, Propose as P, Read as R, Update as U};
use ObjectKind as O;
use RightScope as S;

/// The whole matrix.
#[rustfmt::skip]
pub const RIGHTS: &[RightRule] = &[
    rule(O::Habilitation, &[Rep, Man], &[C, R, U], S::Own),
    rule(O::Habilitation, &[Gae, Ars, Ord], &[R], S::Own),
    rule(O::Habilitation, &[Sup], &[R], S::All),
    rule(O::Habilitation, &[Sup], &[V], S::StructureAcceptance),
    rule(O::AuthorityDraft, &[Rep, Man], &[R], S::Own),
    rule(O::AuthorityDraft, &[Gae, Hra], &[C, R, U], S::Own),
    rule(O::AuthorityDraft, &[Ars], &[C, R, U], S::Own),
    rule(O::AuthorityDraft, &[Sup], &[R], S::All),
    rule(O::ProfessionalDraft, &[Rep, Man, Sup], &[R], S::MetadataOnly),
    rule(O::ProfessionalDraft, &[Gae, Ars], &[R], S::OwnWhenSubmitted),
    rule(O::ProfessionalDraft, &[Prol, Pro], &[C, R, U], S::Own),
    rule(O::Instruction, &[Gae, Ars], &[V], S::Own),
    rule(O::Arbitration, &[Ord], &[R], S::Own),
    rule(O::Arbitration, &[Arb], &[R, V], S::All),
    rule(O::Arbitration, &[Sup], &[R], S::All),
    rule(O::CivilStatus, &[Gae, Prol, Pro], &[R, P], S::Own),
    rule(O::CivilStatus, &[Ars, Ord], &[R, U], S::OwnPopulation),
    rule(O::CivilStatus, &[Arb], &[R, U], S::All),
    rule(O::CivilStatus, &[Sup], &[R], S::Masked),
    rule(O::CivilStatus, &[Hra], &[R], S::Own),
    rule(O::ContactData, &[Gae], &[R], S::OwnMaskedOnceActive),
    rule(O::ContactData, &[Gae, Hra], &[P], S::Own),
    rule(O::ContactData, &[Prol, Pro], &[R, U], S::Own),
    rule(O::ContactData, &[Ars], &[R], S::OwnPopulation),
    rule(O::ContactData, &[Ord], &[R, U], S::OwnPopulation),
    rule(O::ContactData, &[Arb, Sup], &[R], S::Masked),
    rule(O::Situation, &[Rep, Man], &[R], S::Own),
    rule(O::Situation, &[Gae, Ars, Ord, Hra], &[C, R, U], S::Own),
    rule(O::Situation, &[Prol, Pro], &[C, R, P], S::Own),
    rule(O::Situation, &[Arb, Sup], &[R], S::All),
    rule(O::Situation, &[Grd], &[R], S::Aggregated),
    rule(O::RppsNumber, &[Rep, Man, Gae, Prol, Pro, Ars, Ord, Hra], &[R], S::Own),
    rule(O::RppsNumber, &[Arb, Sup], &[R], S::All),
    rule(O::AuditTrail, &[Rep, Man], &[R], S::Own),
    rule(O::AuditTrail, &[Gae], &[R], S::OwnActions),
    rule(O::AuditTrail, &[Prol, Pro], &[R], S::OwnAccesses),
    rule(O::AuditTrail, &[Ars, Ord], &[R], S::Own),
    rule(O::AuditTrail, &[Arb, Sup, Aud], &[R], S::All),
    rule(O::Statistics, &[Rep, Man, Gae, Ord, Hra], &[R], S::Own),
    rule(O::Statistics, &[Ars], &[R], S::Region),
    rule(O::Statistics, &[Arb, Sup, Aud], &[R], S::All),
    rule(O::Statistics, &[Grd], &[R], S::Aggregated),
    rule(O::Terminology, &[Sup, Hra], &[R], S::All),
    rule(O::Terminology, &[Grd], &[R, P], S::All),
    rule(O::Terminology, &[Nom], &[C, R, U, V], S::All),
];

/// How far a kind of actor may do something with a kind of object; [`RightScope::None`] unless a line says otherwise.
#[must_use]
pub fn may(actor: ActorKind, object: ObjectKind, action: Action) -> RightScope {
    RIGHTS
        .iter()
        .find(|rule| rule.object == object && rule.actors.contains(&actor) && rule.actions.contains(&action))
        .map_or(RightScope::None, |rule| rule.scope)
}

/// Sign of a letter that is not shown.
const HIDDEN: char = '•';

/// An e-mail address as a manager sees it after the first activation: `m…@d….fr` (registration §2.6). What is no address is
/// hidden whole.
#[must_use]
pub fn masked_mail(address: &str) -> String {
    let masked = || {
        let (local, domain) = address.split_once('@')?;
        let (name, top) = domain.rsplit_once('.')?;
        Some(format!("{}…@{}….{top}", local.chars().next()?, name.chars().next()?))
    };
    masked().unwrap_or_else(|| "…".to_owned())
}

/// A mobile number as a manager sees it after the first activation: `06••••••12` (registration §2.6); of a foreign one, the sign
/// and the last two digits.
#[must_use]
pub fn masked_mobile(number: &str) -> String {
    let plain = national_form(number);
    let characters: Vec<char> = plain.chars().collect();
    if characters.len() < 6 {
        return HIDDEN.to_string();
    }
    let shown = if characters[0] == '+' { 1 } else { 2 };
    let last = characters.len() - 2;
    characters.iter().enumerate().map(|(i, c)| if i < shown || i >= last { *c } else { HIDDEN }).collect()
}

/// A stored mobile number as it is dialled in France; another one as it is stored.
fn national_form(number: &str) -> String {
    let french = ["+33", "+262", "+590", "+594", "+596"].iter().find_map(|prefix| number.strip_prefix(prefix));
    french.filter(|rest| rest.len() == 9).map_or_else(|| number.to_owned(), |rest| format!("0{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_line_gives_is_refused() {
        for object in ObjectKind::ALL {
            for action in Action::ALL {
                assert_eq!(may(ActorKind::Sys, *object, *action), RightScope::None);
            }
        }
        assert_eq!(may(Gae, O::CivilStatus, U), RightScope::None);
        assert_eq!(may(Grd, O::CivilStatus, R), RightScope::None);
        assert_eq!(may(Aud, O::ContactData, R), RightScope::None);
        assert_eq!(may(Rep, O::Instruction, V), RightScope::None);
        assert_eq!(may(Gae, O::ContactData, R), RightScope::OwnMaskedOnceActive);
        assert_eq!(may(Pro, O::ContactData, U), RightScope::Own);
    }

    #[test]
    fn no_two_lines_contradict_each_other() {
        for object in ObjectKind::ALL {
            for actor in ActorKind::ALL {
                for action in Action::ALL {
                    let lines =
                        RIGHTS.iter().filter(|r| r.object == *object && r.actors.contains(actor) && r.actions.contains(action));
                    assert!(lines.count() <= 1, "{object:?} {actor} {action:?}");
                }
            }
        }
    }

    #[test]
    fn masks_show_what_the_reference_shows() {
        assert_eq!(masked_mail("marie@domaine.fr"), "m…@d….fr");
        assert_eq!(masked_mail("élodie@a.b.example"), "é…@a….example");
        for none in ["", "marie", "@domaine.fr", "marie@fr"] {
            assert_eq!(masked_mail(none), "…", "{none}");
        }
        assert_eq!(masked_mobile("+33612345612"), "06••••••12");
        assert_eq!(masked_mobile("+262692000012"), "06••••••12");
        assert_eq!(masked_mobile("+32470123456"), "+•••••••••56");
        assert_eq!(masked_mobile("12"), "•");
    }
}
