//! Practice situations: where and how a person works.

use crate::adresse::Coordonnees;
use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// A place and a mode of work.
    SituationExercice {
        /// Stable key of the situation. For the open files, which carry no number, it is derived (20 digits).
        id_situation_exercice: String,
        /// TRE_R23: `L`, `S`, `B`.
        mode_exercice: String,
        /// Technical identifier of the structure; empty for a replacement without place.
        structure: String,
        /// TRE_R06 pharmacist section.
        section_ordre_pharmacien: String,
        /// TRE_G05 pharmacist sub-section.
        sous_section_ordre_pharmacien: String,
        /// TRE_R21, TRE_R96 or TRE_R85 function.
        role: String,
        /// TRE_R22 kind of activity.
        genre_activite: String,
        /// TRE_R24 kind of private practice.
        type_activite_liberale: String,
        /// TRE_R34 status in the armed forces' health service.
        statut_professionnel_ssa: String,
        /// TRE_R32 hospital status.
        statut_hospitalier: String,
        /// First day; restricted.
        date_debut: String,
        /// Last day; restricted.
        date_fin: String,
        /// TRE_R25 reason of the end; restricted.
        motif_fin: String,
        /// Contact points of the activity; restricted.
        coordonnees: Option<Coordonnees>,
    }
}

impl SituationExercice {
    /// Whether two owners who state this situation and `other` of one practice mean the same place of work, although they number
    /// it differently: structure, function and mode are equal, and the periods meet. A day that is absent limits nothing.
    #[must_use]
    pub fn is_stated_as(&self, other: &Self) -> bool {
        self.structure == other.structure
            && self.role == other.role
            && self.mode_exercice == other.mode_exercice
            && !is_before(&self.date_fin, &other.date_debut)
            && !is_before(&other.date_fin, &self.date_debut)
    }

    /// Fills what is missing from what a weaker owner says of this situation; contradicts nothing. The identifier stays, and the
    /// period, the pharmacist section and the contact points each come from one owner: a day of an end does not end what began
    /// otherwise.
    pub fn complete(&mut self, weaker: Self) {
        macro_rules! fill {
            ($($field:ident),*) => { $(if self.$field.is_empty() { self.$field = weaker.$field; })* };
        }
        fill!(
            mode_exercice,
            structure,
            role,
            genre_activite,
            type_activite_liberale,
            statut_professionnel_ssa,
            statut_hospitalier
        );
        if self.section_ordre_pharmacien.is_empty() && self.sous_section_ordre_pharmacien.is_empty() {
            self.section_ordre_pharmacien = weaker.section_ordre_pharmacien;
            self.sous_section_ordre_pharmacien = weaker.sous_section_ordre_pharmacien;
        }
        if self.date_debut.is_empty() && self.date_fin.is_empty() && self.motif_fin.is_empty() {
            self.date_debut = weaker.date_debut;
            self.date_fin = weaker.date_fin;
            self.motif_fin = weaker.motif_fin;
        }
        self.coordonnees = self.coordonnees.take().or(weaker.coordonnees);
    }
}

/// Whether a day is before another one, each known to the year, the month or the day: `2026` is not before `2026-11`. Nothing is
/// before or after an absent day.
fn is_before(a: &str, b: &str) -> bool {
    let known = a.len().min(b.len());
    a.as_bytes()[..known] < b.as_bytes()[..known]
}

#[cfg(test)]
mod tests {
    use super::{SituationExercice, is_before};
    use crate::Coordonnees;

    fn situation(structure: &str, from: &str, to: &str) -> SituationExercice {
        SituationExercice {
            structure: structure.into(),
            role: "FON-01".into(),
            mode_exercice: "S".into(),
            date_debut: from.into(),
            date_fin: to.into(),
            ..Default::default()
        }
    }

    #[test]
    fn days_known_in_part() {
        for (a, b, before) in [
            ("2026-11-25", "2026-11-26", true),
            ("2026-11-26", "2026-11-26", false),
            ("2026", "2026-11-26", false),
            ("2026-11-26", "2026", false),
            ("2025", "2026-11-26", true),
            ("", "2026", false),
            ("2026", "", false),
        ] {
            assert_eq!(is_before(a, b), before, "{a} {b}");
        }
    }

    #[test]
    fn one_situation_of_two_owners_has_one_place_function_and_mode_and_periods_that_meet() {
        let known = situation("F990000019", "2020-01-01", "2024-06-30");
        for (other, one) in [
            (situation("F990000019", "", ""), true),
            (situation("F990000019", "2024-06-30", ""), true),
            (situation("F990000019", "2024", ""), true),
            (situation("F990000019", "2024-07-01", ""), false),
            (situation("F990000019", "", "2019"), false),
            (situation("F990000027", "", ""), false),
            (SituationExercice { role: "FON-02".into(), ..situation("F990000019", "", "") }, false),
            (SituationExercice { mode_exercice: "L".into(), ..situation("F990000019", "", "") }, false),
        ] {
            assert_eq!(known.is_stated_as(&other), one, "{other:?}");
            assert_eq!(other.is_stated_as(&known), one, "{other:?}");
        }
    }

    #[test]
    fn a_weaker_owner_fills_and_never_contradicts() {
        let mut known = SituationExercice { id_situation_exercice: "1".into(), ..situation("F990000019", "2020", "") };
        known.complete(SituationExercice {
            id_situation_exercice: "2".into(),
            genre_activite: "GENR01".into(),
            motif_fin: "DCD".into(),
            coordonnees: Some(Coordonnees::default()),
            ..situation("F990000027", "2019", "2024")
        });
        let filled = SituationExercice {
            id_situation_exercice: "1".into(),
            genre_activite: "GENR01".into(),
            coordonnees: Some(Coordonnees::default()),
            ..situation("F990000019", "2020", "")
        };
        assert_eq!(known, filled);
        let mut undated = situation("F990000019", "", "");
        undated.complete(situation("F990000019", "2019", "2024"));
        assert_eq!((undated.date_debut.as_str(), undated.date_fin.as_str()), ("2019", "2024"));
    }
}
