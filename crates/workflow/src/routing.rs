//! Which managers a request of a professional reaches (registration §11.3, §11.4).

use crate::day::{Day, plus_days};
use crate::state::RequestHolder;

/// How an authority with managers of the site and of the legal entity assigns its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssignmentRule {
    /// `site d'abord`.
    SiteFirst,
    /// `siège d'abord`.
    HeadOfficeFirst,
    /// `tous`.
    Everybody,
}

impl AssignmentRule {
    /// The label of the setting.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SiteFirst => "site d'abord",
            Self::HeadOfficeFirst => "siège d'abord",
            Self::Everybody => "tous",
        }
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedRequest {
    /// Whose turn it is.
    pub holder: RequestHolder,
    /// Who is told. Everybody whose perimeter contains the structure sees it; the first to act takes it.
    pub told: Vec<String>,
    /// The authority of the territory that the professional may ask instead, when nobody manages the structure.
    pub fallback: Option<String>,
}

/// « Votre établissement n'a pas encore… » (registration §11.4).
pub const NO_MANAGER_TEXT: &str =
    "Votre établissement n'a pas encore de gestionnaire RPPS+. Nous prévenons son représentant légal.";
/// What each line of the search of a professional says of a structure (registration §4.5).
pub const MANAGER_LINES: [&str; 2] =
    ["Cette structure n'a pas encore de gestionnaire", "Cette structure a un gestionnaire RPPS+"];

/// Routes a request to the managers of the site, of the legal entity, or to nobody yet. A level without managers is passed over.
#[must_use]
pub fn route(site: &[String], head_office: &[String], rule: AssignmentRule, fallback: Option<&str>) -> RoutedRequest {
    let (first, second) = match rule {
        AssignmentRule::HeadOfficeFirst => (head_office, site),
        AssignmentRule::SiteFirst | AssignmentRule::Everybody => (site, head_office),
    };
    let mut told = first.to_vec();
    if told.is_empty() || rule == AssignmentRule::Everybody {
        told.extend_from_slice(second);
    }
    told.sort_unstable();
    told.dedup();
    if told.is_empty() {
        return RoutedRequest { holder: RequestHolder::AbsentAe, told, fallback: fallback.map(str::to_owned) };
    }
    RoutedRequest { holder: RequestHolder::Ae, told, fallback: None }
}

/// Days between two clicks on « Relancer l'établissement » (registration §4.9).
pub const RECALL_DAYS: i32 = 7;

/// Whether the professional may recall the request to the authority again.
#[must_use]
pub fn may_recall(last: Option<Day>, today: Day) -> bool {
    last.is_none_or(|last| today >= plus_days(last, RECALL_DAYS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    #[test]
    fn both_levels_see_and_one_is_told() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let (site, head) = (names(&["s2", "s1"]), names(&["h1", "s1"]));
        assert_eq!(route(&site, &head, AssignmentRule::SiteFirst, None).told, ["s1", "s2"]);
        assert_eq!(route(&site, &head, AssignmentRule::HeadOfficeFirst, None).told, ["h1", "s1"]);
        assert_eq!(route(&site, &head, AssignmentRule::Everybody, None).told, ["h1", "s1", "s2"]);
        assert_eq!(route(&[], &head, AssignmentRule::SiteFirst, Some("ARS-53")).told, ["h1", "s1"]);
        let waiting = route(&[], &[], AssignmentRule::SiteFirst, Some("ARS-53"));
        assert_eq!((waiting.holder, waiting.fallback.as_deref()), (RequestHolder::AbsentAe, Some("ARS-53")));
        let day = |text| parse_iso(text).unwrap();
        assert!(may_recall(None, day("2026-01-01")) && !may_recall(Some(day("2026-01-01")), day("2026-01-07")));
        assert!(may_recall(Some(day("2026-01-01")), day("2026-01-08")));
    }
}
