//! Certification of civil status by the national register (registration §9).
//!
//! Choices where the reference is silent: a status certified by FranceConnect becomes `C` on an exact answer, and keeps `FC` or
//! `FCP` when the register does not know the person, with a task for the authority: nothing is withdrawn automatically.

use crate::day::{Day, plus_days};
use crate::limits::{CERTIFICATION_RETRIES, CERTIFICATION_RETRY_DAYS, UNCERTIFIED_DAYS};
use crate::notifications::NoticeId;

/// The state of a civil status (J111, TRE_R31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificationState {
    /// `DI`: asked.
    Asked,
    /// `AC`: asked on a document.
    Forced,
    /// `AN`: the question is void.
    Void,
    /// `C`: certified by INSEE.
    Certified,
    /// `FC`: certified by FranceConnect.
    FranceConnect,
    /// `FCP`: certified by FranceConnect+.
    FranceConnectPlus,
    /// `NC`: not certifiable.
    NotCertifiable,
    /// `NCI`: not certified, a number is being made.
    InProgress,
}

use CertificationState as S;

impl CertificationState {
    /// Every state, in the order of the reference.
    pub const ALL: &'static [Self] =
        &[S::Asked, S::Forced, S::Void, S::Certified, S::FranceConnect, S::FranceConnectPlus, S::NotCertifiable, S::InProgress];

    /// The code of TRE_R31.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            S::Asked => "DI",
            S::Forced => "AC",
            S::Void => "AN",
            S::Certified => "C",
            S::FranceConnect => "FC",
            S::FranceConnectPlus => "FCP",
            S::NotCertifiable => "NC",
            S::InProgress => "NCI",
        }
    }

    /// The state with this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.code() == code)
    }

    /// Whether somebody vouches for the civil status.
    #[must_use]
    pub const fn is_certified(self) -> bool {
        matches!(self, S::Certified | S::FranceConnect | S::FranceConnectPlus)
    }
}

/// Who made a civil status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CivilStatusSource {
    /// An authority typed it.
    Authority,
    /// FranceConnect, with all five traits.
    FranceConnect,
    /// FranceConnect+, with all five traits.
    FranceConnectPlus,
    /// FranceConnect, and a form for the traits that it lacked (registration §11).
    FranceConnectCompleted,
}

/// The first state. A question is sent in the same night whatever it is, for the canonical form of the register.
#[must_use]
pub const fn first_state(source: CivilStatusSource) -> CertificationState {
    match source {
        CivilStatusSource::Authority | CivilStatusSource::FranceConnectCompleted => S::Asked,
        CivilStatusSource::FranceConnect => S::FranceConnect,
        CivilStatusSource::FranceConnectPlus => S::FranceConnectPlus,
    }
}

/// What happens to a certification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificationEvent {
    /// The register knows the person exactly.
    Exact,
    /// It knows the person with other accents, order or further given names.
    Differing,
    /// It does not know the person, who was born abroad and may be getting a number.
    UnknownInProgress,
    /// It does not know or contradicts.
    Unknown,
    /// The authority corrected the civil status and asks again.
    AskAgain,
    /// The authority confirms on an identity document.
    ForceOnDocument,
    /// The civil status changed meanwhile: the question is void, and another one follows.
    Changed,
    /// The register tells a change of a certified person.
    RegisterChanged,
}

impl CertificationEvent {
    /// Every event.
    pub const ALL: &'static [Self] = &[
        Self::Exact,
        Self::Differing,
        Self::UnknownInProgress,
        Self::Unknown,
        Self::AskAgain,
        Self::ForceOnDocument,
        Self::Changed,
        Self::RegisterChanged,
    ];
}

/// What follows from a change of certification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificationEffect {
    /// Take the form of the register.
    TakeRegisterForm,
    /// Ask the register.
    Ask,
    /// Ask again in 30 days.
    AskLater,
    /// Task of the authority: « Identité à vérifier ».
    VerifyIdentity,
    /// Send a notification.
    Notify(NoticeId),
}

/// A state and what follows.
pub type CertificationStep = (CertificationState, Vec<CertificationEffect>);

/// The step that an event makes. `retries` counts the questions that were answered with « in progress ». `None` for an event that
/// the state does not know: the caller records and ignores it.
#[must_use]
pub fn certification_step(state: CertificationState, event: CertificationEvent, retries: u8) -> Option<CertificationStep> {
    use CertificationEffect as F;
    use CertificationEvent as E;
    let corrected = || vec![F::TakeRegisterForm, F::Notify(NoticeId::N15)];
    match (state, event) {
        (S::Asked | S::Forced | S::InProgress | S::FranceConnect | S::FranceConnectPlus, E::Exact) => {
            Some((S::Certified, vec![]))
        }
        (S::Asked | S::Forced | S::InProgress | S::FranceConnect | S::FranceConnectPlus, E::Differing)
        | (S::Certified, E::RegisterChanged) => Some((S::Certified, corrected())),
        (S::Asked | S::InProgress, E::UnknownInProgress) => {
            if retries < CERTIFICATION_RETRIES {
                Some((S::InProgress, vec![F::AskLater]))
            } else {
                Some((S::NotCertifiable, vec![F::VerifyIdentity]))
            }
        }
        (S::Asked | S::InProgress, E::Unknown) => Some((S::NotCertifiable, vec![F::VerifyIdentity])),
        // The authority keeps the responsibility: no further task.
        (S::Forced, E::Unknown | E::UnknownInProgress) => Some((S::NotCertifiable, vec![])),
        (kept @ (S::FranceConnect | S::FranceConnectPlus), E::Unknown | E::UnknownInProgress) => {
            Some((kept, vec![F::VerifyIdentity]))
        }
        (S::NotCertifiable, E::AskAgain) | (S::Void, E::AskAgain) => Some((S::Asked, vec![F::Ask])),
        (S::NotCertifiable, E::ForceOnDocument) => Some((S::Forced, vec![F::Ask])),
        (S::Asked | S::Forced | S::InProgress, E::Changed) => Some((S::Void, vec![F::Ask])),
        (S::Certified | S::FranceConnect | S::FranceConnectPlus | S::NotCertifiable, E::Changed) => {
            Some((S::Asked, vec![F::Ask]))
        }
        _ => None,
    }
}

/// The day of the next question about a person whose number is being made.
#[must_use]
pub fn next_question(last: Day) -> Day {
    plus_days(last, CERTIFICATION_RETRY_DAYS)
}

/// Whether the activation of the means of electronic identification waits: not certifiable for more than 90 days, or a weak
/// assurance without a certification of the register (registration §4.6, §9.3).
#[must_use]
pub fn withholds_means(state: CertificationState, since: Day, weak_assurance: bool, today: Day) -> bool {
    let long = state == S::NotCertifiable && today > plus_days(since, UNCERTIFIED_DAYS);
    long || (weak_assurance && state != S::Certified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;
    use CertificationEvent as E;

    fn to(state: CertificationState, event: E, retries: u8) -> Option<CertificationState> {
        certification_step(state, event, retries).map(|step| step.0)
    }

    #[test]
    fn the_table_of_the_reference() {
        for (from, event, retries, result) in [
            ("DI", E::Exact, 0, "C"),
            ("DI", E::Differing, 0, "C"),
            ("DI", E::UnknownInProgress, 0, "NCI"),
            ("NCI", E::UnknownInProgress, 5, "NCI"),
            ("NCI", E::UnknownInProgress, 6, "NC"),
            ("NCI", E::Exact, 6, "C"),
            ("DI", E::Unknown, 0, "NC"),
            ("NC", E::AskAgain, 0, "DI"),
            ("NC", E::ForceOnDocument, 0, "AC"),
            ("AC", E::Exact, 0, "C"),
            ("AC", E::Unknown, 0, "NC"),
            ("DI", E::Changed, 0, "AN"),
            ("AN", E::AskAgain, 0, "DI"),
            ("C", E::RegisterChanged, 0, "C"),
            ("FC", E::Exact, 0, "C"),
            ("FCP", E::Unknown, 0, "FCP"),
        ] {
            let state = CertificationState::parse(from).unwrap();
            assert_eq!(to(state, event, retries).map(CertificationState::code), Some(result), "{from} {event:?}");
        }
        assert_eq!(to(S::Certified, E::Exact, 0), None);
        let differing = certification_step(S::Asked, E::Differing, 0).unwrap().1;
        assert_eq!(differing, [CertificationEffect::TakeRegisterForm, CertificationEffect::Notify(NoticeId::N15)]);
        assert_eq!(first_state(CivilStatusSource::FranceConnectCompleted), S::Asked);
        assert_eq!(first_state(CivilStatusSource::FranceConnectPlus).code(), "FCP");
    }

    #[test]
    fn codes_are_those_of_the_terminology() {
        let table = annuaire_nos::Nos::embedded().table("TRE_R31").unwrap();
        for state in CertificationState::ALL {
            assert!(table.get(state.code()).is_some(), "{}", state.code());
        }
        assert_eq!(table.concepts().len(), CertificationState::ALL.len());
    }

    #[test]
    fn means_wait_for_a_sure_identity() {
        let d = |text| parse_iso(text).unwrap();
        let since = d("2026-01-01");
        assert!(!withholds_means(S::NotCertifiable, since, false, d("2026-04-01")));
        assert!(withholds_means(S::NotCertifiable, since, false, d("2026-04-02")));
        assert!(withholds_means(S::Asked, since, true, since) && !withholds_means(S::Certified, since, true, since));
        assert_eq!(next_question(since), d("2026-01-31"));
    }
}
