//! Practices: the professions of a person, and what entitles to them.

use crate::class::mos_class;
use crate::situation::SituationExercice;
use serde::{Deserialize, Serialize};

mos_class! {
    /// One profession held by the person under one category.
    ExerciceProfessionnel {
        /// Profession code (TRE_G15, R94, R95 or R291, resolved by value).
        profession: String,
        /// Professional category (TRE_R09: `C`, `M`, `F`, `E`).
        categorie_professionnelle: String,
        /// Practice title (TRE_R11: `DR`, `PR`…).
        civilite_exercice: String,
        /// Family name used in practice.
        nom_exercice: String,
        /// Given name used in practice.
        prenom_exercice: String,
        /// Specialties, competences and other know-how.
        savoir_faire: Vec<SavoirFaire>,
        /// Practice situations, ordered by `id_situation_exercice`.
        situations: Vec<SituationExercice>,
        /// Start of the practice; restricted.
        date_effet_exercice: String,
        /// End of the practice; restricted.
        date_fin_effet_exercice: String,
    }
}

mos_class! {
    /// A recognised know-how.
    SavoirFaire {
        /// TRE_R04 type: `S`, `C`, `CEX`, `PAC`…
        type_savoir_faire: String,
        /// Code in the table that the type designates.
        code: String,
        /// Recognition; restricted.
        date_reconnaissance: String,
        /// Abandonment; restricted.
        date_abandon: String,
    }
}

mos_class! {
    /// A diploma.
    Diplome {
        /// TRE_R14 type: `DE`, `DES`, `CES`…
        type_diplome: String,
        /// Code in the table that the type designates.
        code_diplome: String,
        /// Day obtained; restricted.
        date_obtention: String,
        /// TRE_R16 place of training; restricted.
        lieu_formation: String,
    }
}

mos_class! {
    /// An authorisation to practise.
    AutorisationExercice {
        /// TRE_R17 type.
        type_autorisation: String,
        /// TRE_R18 field.
        discipline_autorisee: String,
        /// Profession it is for.
        profession: String,
        /// First day; restricted.
        date_debut: String,
        /// Last day; restricted.
        date_fin: String,
    }
}

mos_class! {
    /// A registration with an authority.
    InscriptionOrdre {
        /// TRE_R60 authority.
        ordre: String,
        /// TRE_G09 department.
        departement: String,
        /// TRE_G09 hosting department.
        departement_accueil: String,
        /// TRE_R33 status.
        statut: String,
        /// First day.
        date_debut: String,
        /// Day struck off.
        date_fin: String,
        /// Profession it is for.
        profession: String,
        /// Category it is for.
        categorie_professionnelle: String,
        /// The first registration of the person in this profession.
        premiere: bool,
    }
}
