//! Indicators of quality (registration §15): what is counted for each territory, and what of it is published.
//!
//! The reference names the indicators and says that they are never about a person. How small counts are hidden is ours: of a
//! territory, a share is hidden when it, or its rest, is of one to nine; and as many others with it as keep the hidden ones from being found
//! by subtraction. A count of persons is told in tens.

use crate::limits::{HIDDEN_BELOW, SHOWN_IN};
/// An indicator that is a share of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QualityIndicator {
    /// Persons for whose civil status somebody vouches.
    Certified,
    /// Situations that were confirmed within twelve months.
    Reviewed,
    /// Closures that were told after the last day of the situation.
    LateClosures,
    /// Persons who are alike with another number, or whose second number was merged within twelve months.
    Duplicates,
    /// E-mails that reached nobody.
    Bounces,
    /// Requests that were refused or rejected, of those that were decided.
    Refusals,
    /// Attributes that are filled in, of those that a person should have.
    Completeness,
    /// Answers to the survey: informed of the registration.
    Informed,
    /// Answers to the survey: the role is exact.
    RoleExact,
}

impl QualityIndicator {
    /// All of them, in the order of the reference; then those of the survey.
    pub const ALL: [Self; 9] = [
        Self::Certified,
        Self::Reviewed,
        Self::LateClosures,
        Self::Duplicates,
        Self::Bounces,
        Self::Refusals,
        Self::Completeness,
        Self::Informed,
        Self::RoleExact,
    ];

    /// Its code, in rows.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Certified => "certifiees",
            Self::Reviewed => "confirmees",
            Self::LateClosures => "fins-tardives",
            Self::Duplicates => "doublons",
            Self::Bounces => "non-remis",
            Self::Refusals => "refus",
            Self::Completeness => "completude",
            Self::Informed => "informees",
            Self::RoleExact => "roles-exacts",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Certified => "Identités certifiées",
            Self::Reviewed => "Situations confirmées depuis moins de 12 mois",
            Self::LateClosures => "Fins d'activité déclarées en retard",
            Self::Duplicates => "Doublons pour 1 000 personnes",
            Self::Bounces => "E-mails non remis",
            Self::Refusals => "Demandes refusées ou rejetées",
            Self::Completeness => "Données renseignées",
            Self::Informed => "Personnes informées de leur enregistrement",
            Self::RoleExact => "Rôles déclarés exacts",
        }
    }

    /// What it is a share of.
    #[must_use]
    pub const fn base_label(self) -> &'static str {
        match self {
            Self::Certified | Self::Duplicates => "personnes en activité",
            Self::Reviewed => "situations",
            Self::LateClosures => "fins d'activité en 12 mois",
            Self::Bounces => "e-mails en 12 mois",
            Self::Refusals => "demandes décidées en 12 mois",
            Self::Completeness => "données attendues",
            Self::Informed | Self::RoleExact => "réponses en 12 mois",
        }
    }

    /// Whether it is told per 1,000, and not in percent.
    #[must_use]
    pub const fn is_per_thousand(self) -> bool {
        matches!(self, Self::Duplicates)
    }
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QualityShare {
    /// Those that are counted.
    pub part: u64,
    /// All of them.
    pub of: u64,
}

impl QualityShare {
    /// Counts one more.
    pub const fn count(&mut self, is_part: bool) {
        self.of += 1;
        if is_part {
            self.part += 1;
        }
    }

    /// Adds another share.
    pub const fn add(&mut self, other: Self) {
        self.part += other.part;
        self.of += other.of;
    }

    /// Rounded to a thousandth; `None` of nothing.
    #[must_use]
    pub fn per_thousand(self) -> Option<u32> {
        let half = self.of / 2;
        self.part.saturating_mul(1_000).saturating_add(half).checked_div(self.of).and_then(|n| u32::try_from(n).ok())
    }

    const fn is_revealing(self) -> bool {
        is_small(self.part) || is_small(self.of.saturating_sub(self.part))
    }
}

const fn is_small(n: u64) -> bool {
    n > 0 && n < HIDDEN_BELOW
}

/// What is told of a figure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PublishedFigure {
    /// There is nothing to count.
    #[default]
    Nothing,
    /// It is hidden, so that nobody is recognised.
    Hidden,
    /// It is told.
    Shown {
        /// Thousandths, or hours of a duration.
        value: u32,
        /// Of so many, rounded down to tens.
        of: u64,
    },
}

fn shown(share: QualityShare) -> PublishedFigure {
    match share.per_thousand() {
        None => PublishedFigure::Nothing,
        Some(value) => PublishedFigure::Shown { value, of: share.of / SHOWN_IN * SHOWN_IN },
    }
}

/// What is published of an indicator: of each territory, in their order, and of the whole. What the hidden ones have together reveals nobody
/// either: else the smallest of the others are hidden too, and the whole at last.
#[must_use]
pub fn published(territories: &[QualityShare], whole: QualityShare) -> (Vec<PublishedFigure>, PublishedFigure) {
    let mut figures: Vec<PublishedFigure> =
        territories.iter().map(|share| if share.is_revealing() { PublishedFigure::Hidden } else { shown(*share) }).collect();
    let told = if whole.is_revealing() { PublishedFigure::Hidden } else { shown(whole) };
    loop {
        let mut hidden = QualityShare::default();
        let parts = figures.iter().zip(territories).filter(|(figure, _)| **figure == PublishedFigure::Hidden);
        parts.for_each(|(_, share)| hidden.add(*share));
        if told == PublishedFigure::Hidden || !hidden.is_revealing() {
            return (figures, told);
        }
        let others = figures.iter_mut().zip(territories).filter(|(figure, _)| matches!(figure, PublishedFigure::Shown { .. }));
        match others.min_by_key(|(_, share)| share.of) {
            Some((figure, _)) => *figure = PublishedFigure::Hidden,
            None => return (figures, PublishedFigure::Hidden),
        }
    }
}

/// The median of durations in hours; hidden when there are few. Of two in the middle the lower one.
#[must_use]
pub fn published_median(hours: &mut [u32]) -> PublishedFigure {
    let of = u64::try_from(hours.len()).unwrap_or(u64::MAX);
    match median(hours) {
        None => PublishedFigure::Nothing,
        Some(_) if is_small(of) => PublishedFigure::Hidden,
        Some(value) => PublishedFigure::Shown { value, of: of / SHOWN_IN * SHOWN_IN },
    }
}

fn median(all: &mut [u32]) -> Option<u32> {
    let middle = all.len().checked_sub(1)? / 2;
    Some(*all.select_nth_unstable(middle).1)
}

/// The score of an authority, in percent: the mean of its shares of certified persons, confirmed situations and filled attributes, those that
/// have something to count. `None` when none has.
#[must_use]
pub fn authority_score(shares: &[QualityShare; 3]) -> Option<u32> {
    let known: Vec<u32> = shares.iter().filter_map(|share| share.per_thousand()).collect();
    let count = u32::try_from(known.len()).ok().filter(|count| *count > 0)?;
    Some((known.iter().sum::<u32>() / count + 5) / 10)
}

/// The median of the scores of all authorities; `None` while there are too few of them to keep each one unknown.
#[must_use]
pub fn median_score(scores: &mut [u32]) -> Option<u32> {
    let few = u64::try_from(scores.len()).is_ok_and(|n| n < HIDDEN_BELOW);
    if few { None } else { median(scores) }
}

/// The department of an address, by its INSEE commune, else by its postal code; empty when neither tells one. Corsica has `2A` and `2B`,
/// departments overseas three digits.
#[must_use]
pub fn territory_of(commune: &str, postal: &str) -> String {
    let code = if commune.is_empty() { postal } else { commune };
    if code.len() != 5 || !code.is_char_boundary(2) || !code.is_char_boundary(3) {
        return String::new();
    }
    let by_postal = commune.is_empty();
    match (&code[..2], &code[..3]) {
        ("97" | "98", three) => three.to_owned(),
        ("20", "200" | "201") if by_postal => "2A".to_owned(),
        ("20", _) if by_postal => "2B".to_owned(),
        (two, _) if two.starts_with(|c: char| c.is_ascii_digit()) => two.to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn share(part: u64, of: u64) -> QualityShare {
        QualityShare { part, of }
    }

    #[test]
    fn small_counts_and_small_rests_are_hidden() {
        let (figures, whole) = published(
            &[share(0, 0), share(4, 500), share(496, 500), share(250, 500), share(0, 15), share(0, 9)],
            share(750, 1_524),
        );
        assert_eq!(figures[0], PublishedFigure::Nothing);
        assert_eq!(figures[1], PublishedFigure::Hidden);
        assert_eq!(figures[2], PublishedFigure::Hidden);
        assert_eq!(figures[3], PublishedFigure::Shown { value: 500, of: 500 });
        assert_eq!(figures[4], PublishedFigure::Shown { value: 0, of: 10 }, "nobody is nobody");
        assert_eq!(figures[5], PublishedFigure::Hidden);
        assert_eq!(whole, PublishedFigure::Shown { value: 492, of: 1_520 });
    }

    #[test]
    fn a_hidden_territory_is_not_found_by_subtraction() {
        let (figures, whole) = published(&[share(3, 40), share(60, 120), share(20, 60)], share(83, 220));
        assert_eq!(figures[0], PublishedFigure::Hidden);
        assert_eq!(figures[2], PublishedFigure::Hidden, "the smallest other one goes with it");
        assert!(matches!(figures[1], PublishedFigure::Shown { value: 500, .. }));
        assert!(matches!(whole, PublishedFigure::Shown { .. }));
        // Nobody is left to go with it: the whole is hidden.
        assert_eq!(published(&[share(3, 4)], share(3, 4)).1, PublishedFigure::Hidden);
    }

    proptest! {
        #[test]
        fn what_is_shown_never_leaves_a_small_rest(all in prop::collection::vec((0..60_u64, 0..60_u64), 0..12)) {
            let territories: Vec<QualityShare> = all.iter().map(|(part, rest)| share(*part, part + rest)).collect();
            let mut whole = QualityShare::default();
            territories.iter().for_each(|one| whole.add(*one));
            let (figures, told) = published(&territories, whole);
            for (figure, one) in figures.iter().zip(&territories) {
                let is_shown = matches!(figure, PublishedFigure::Shown { .. });
                prop_assert!(!is_shown || !one.is_revealing(), "{one:?}");
            }
            if matches!(told, PublishedFigure::Shown { .. }) {
                let mut rest = whole;
                for (figure, one) in figures.iter().zip(&territories) {
                    if *figure != PublishedFigure::Hidden {
                        rest = share(rest.part - one.part, rest.of - one.of);
                    }
                }
                prop_assert!(!rest.is_revealing(), "{rest:?}");
            }
        }
    }

    #[test]
    fn medians_and_scores() {
        assert_eq!(published_median(&mut []), PublishedFigure::Nothing);
        assert_eq!(published_median(&mut [5; 9]), PublishedFigure::Hidden);
        let mut hours = [9, 1, 8, 2, 7, 3, 6, 4, 5, 10, 11];
        assert_eq!(published_median(&mut hours), PublishedFigure::Shown { value: 6, of: 10 });
        assert_eq!(authority_score(&[share(1, 2), share(3, 3), QualityShare::default()]), Some(75));
        assert_eq!(authority_score(&[QualityShare::default(); 3]), None);
        assert_eq!(median_score(&mut [50; 9]), None);
        assert_eq!(median_score(&mut [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]), Some(50));
    }

    #[test]
    fn territories_are_departments() {
        for (commune, postal, territory) in [
            ("35238", "", "35"),
            ("", "35000", "35"),
            ("2A004", "20000", "2A"),
            ("", "20090", "2A"),
            ("", "20200", "2B"),
            ("97411", "97400", "974"),
            ("", "98800", "988"),
            ("", "", ""),
            ("", "B1000", ""),
            ("", "é000", ""),
        ] {
            assert_eq!(territory_of(commune, postal), territory, "{commune} {postal}");
        }
    }
}
