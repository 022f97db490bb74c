//! The attestation of a qualified home helper, profession 371 (registration §5.7).

use crate::day::{Day, parse_french, plus_months, plus_years};
use crate::fields::Findings;
use crate::limits::{HOME_HELP_NOTICE_MONTHS, HOME_HELP_RENEWAL_MONTHS, HOME_HELP_YEARS, MEANS_HOURS};
use crate::messages::MessageCode;

/// « Critère rempli ».
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HomeHelpCriterion {
    /// `certification`: at least level 3.
    Certification,
    /// `experience`: three years at half time or more in the last five.
    Experience,
}

impl HomeHelpCriterion {
    /// The value of the form.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Certification => "certification",
            Self::Experience => "experience",
        }
    }
}

/// The fields as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HomeHelpDraft {
    /// « Critère rempli * ».
    pub critere: String,
    /// « J'atteste avoir vérifié les justificatifs * ».
    pub verifie: bool,
    /// Date of the verification.
    pub date_verification: String,
}

/// What the employer declared. No diploma is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HomeHelpAttestation {
    /// The criterion.
    pub criterion: HomeHelpCriterion,
    /// Day of the verification, from which it is valid.
    pub verified_on: Day,
}

/// Checks the fields. The verification is not later than today.
#[must_use]
pub fn check_home_help(draft: &HomeHelpDraft, today: Day) -> (Option<HomeHelpAttestation>, Findings) {
    let mut findings = Findings::default();
    let criterion = match draft.critere.trim() {
        "certification" => Some(HomeHelpCriterion::Certification),
        "experience" => Some(HomeHelpCriterion::Experience),
        "" => {
            findings.add("critere", MessageCode::EGen01, &[]);
            None
        }
        _ => {
            findings.add("critere", MessageCode::EGen02, &[]);
            None
        }
    };
    if !draft.verifie {
        findings.add("verifie", MessageCode::EHlp01, &[]);
    }
    let verified_on = parse_french(&draft.date_verification).filter(|day| *day <= today);
    match (verified_on, draft.date_verification.trim()) {
        (None, "") => findings.add("dateVerification", MessageCode::EGen01, &[]),
        (None, _) => findings.add("dateVerification", MessageCode::ECiv03, &[]),
        _ => {}
    }
    let attestation = match (criterion, verified_on) {
        (Some(criterion), Some(verified_on)) if draft.verifie => Some(HomeHelpAttestation { criterion, verified_on }),
        _ => None,
    };
    (attestation, findings)
}

impl HomeHelpAttestation {
    /// The day after its last one: five years later.
    #[must_use]
    pub fn ends(&self) -> Day {
        plus_years(self.verified_on, HOME_HELP_YEARS)
    }

    /// Whether it is valid on a day.
    #[must_use]
    pub fn is_valid(&self, day: Day) -> bool {
        self.verified_on <= day && day < self.ends()
    }

    /// Whether it may be renewed: from three months before its end, also after it.
    #[must_use]
    pub fn may_be_renewed(&self, day: Day) -> bool {
        day >= plus_months(self.ends(), -HOME_HELP_RENEWAL_MONTHS)
    }

    /// The notice N21 that is due: 3 or 1 months before the end. Of both only the last is due.
    #[must_use]
    pub fn notice(&self, today: Day) -> Option<i32> {
        let ends = self.ends();
        let due = HOME_HELP_NOTICE_MONTHS.into_iter().rfind(|months| today >= plus_months(ends, -months));
        due.filter(|_| today < ends)
    }
}

/// The instant from which the means of electronic identification can be activated: 48 hours after the number (N26).
#[must_use]
pub const fn means_from(number_given_at: i64) -> i64 {
    number_given_at.saturating_add(MEANS_HOURS * 3_600_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    #[test]
    fn an_attestation_lasts_five_years() {
        let draft = HomeHelpDraft { critere: "experience".into(), verifie: true, date_verification: "29/02/2024".into() };
        let attestation = check_home_help(&draft, d("2026-01-01")).0.unwrap();
        assert_eq!(attestation.ends(), d("2029-02-28"));
        assert!(attestation.is_valid(d("2029-02-27")) && !attestation.is_valid(d("2029-02-28")));
        assert!(!attestation.may_be_renewed(d("2028-11-27")) && attestation.may_be_renewed(d("2028-11-28")));
        assert_eq!(
            ["2028-11-27", "2028-11-28", "2029-01-28", "2029-02-28"].map(|day| attestation.notice(d(day))),
            [None, Some(3), Some(1), None]
        );
        assert_eq!(means_from(0), 172_800_000);
    }

    #[test]
    fn the_employer_answers_for_it() {
        let codes = |draft: &HomeHelpDraft| check_home_help(draft, d("2026-01-01")).1.codes();
        assert_eq!(codes(&HomeHelpDraft::default()), [MessageCode::EGen01, MessageCode::EHlp01, MessageCode::EGen01]);
        let later = HomeHelpDraft { critere: "diplome".into(), verifie: true, date_verification: "02/01/2026".into() };
        assert_eq!(codes(&later), [MessageCode::EGen02, MessageCode::ECiv03]);
        assert_eq!(HomeHelpCriterion::Certification.key(), "certification");
    }
}
