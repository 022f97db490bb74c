//! What a registration authority or a professional states: one practice or one situation, as a fact of its own.

use crate::class::mos_class;
use crate::exercice::{AutorisationExercice, Diplome, ExerciceProfessionnel, InscriptionOrdre};
use crate::situation::SituationExercice;
use serde::{Deserialize, Serialize};

mos_class! {
    /// One practice of a person, with what entitles to it. Its situations are facts of their own.
    ExerciceEnregistre {
        /// The practice; without situations.
        exercice: ExerciceProfessionnel,
        /// Diplomas.
        diplomes: Vec<Diplome>,
        /// Authorisations to practise.
        autorisations: Vec<AutorisationExercice>,
        /// Registrations with the authority; restricted.
        inscriptions: Vec<InscriptionOrdre>,
        /// Registration authority: a code of TRE_R60.
        autorite_enregistrement: String,
        /// Last update at the authority.
        date_maj: String,
    }
}

mos_class! {
    /// One situation of a person. The situation names its structure; the two codes name the practice that it belongs to.
    SituationEnregistree {
        /// Profession code of the practice.
        profession: String,
        /// Professional category of the practice (TRE_R09).
        categorie_professionnelle: String,
        /// The situation.
        situation: SituationExercice,
    }
}
