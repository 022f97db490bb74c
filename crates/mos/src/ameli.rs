//! The health insurance's directory.

use crate::adresse::Coordonnees;
use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// A line of the health insurance's directory. It carries no national identifier and is tied to no person.
    LigneAmeli {
        /// Family name, empty for a legal person.
        nom: String,
        /// Given name.
        prenom: String,
        /// `H` or `F`.
        sexe: String,
        /// Corporate name.
        raison_sociale: String,
        /// FINESS number, health centres only.
        num_finess: String,
        /// CNAM speciality.
        specialite: String,
        /// Address and contact points.
        coordonnees: Coordonnees,
        /// TRE_R282: `nc`, `c1`, `c2`, `c3`.
        secteur_conventionnement: String,
        /// CNAM nature of practice.
        nature_exercice: String,
        /// Controlled fees: CNAM `3` or `4`.
        option_tarifaire: String,
        /// Whether the Vitale card is accepted.
        carte_vitale_acceptee: bool,
    }
}
