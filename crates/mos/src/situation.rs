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
