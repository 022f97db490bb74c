//! Structures: legal entities, establishments, surgeries.

use crate::adresse::Adresse;
use crate::certificat::Certificat;
use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// A structure, as one source knows it.
    Structure {
        /// Technical identifier: `F`+FINESS, `R`+14 digits, `C`+SIRET or ADELI-rang.
        id_technique: String,
        /// Whether it is a legal entity; otherwise it is a geographic one.
        entite_juridique: bool,
        /// Whether its authority closed or withdrew it.
        ferme: bool,
        /// National structure id with its type digit (`1`+FINESS, `4`+RPPS-rang…).
        id_nat_struct: String,
        /// SIRET, 14 digits.
        num_siret: String,
        /// SIREN, 9 digits.
        num_siren: String,
        /// FINESS number of this entity.
        num_finess: String,
        /// FINESS number of the legal entity above a geographic one.
        num_finess_ej: String,
        /// RPPS-rang, 14 digits.
        rpps_rang: String,
        /// ADELI-rang, 11 characters.
        adeli_rang: String,
        /// School register number.
        num_uai: String,
        /// Corporate name.
        raison_sociale: String,
        /// Trade name or long name.
        enseigne_commerciale: String,
        /// TRE_R02 activity sector.
        secteur_activite: String,
        /// TRE_R66 establishment category.
        categorie_etablissement: String,
        /// TRE_R72 legal status.
        statut_juridique: String,
        /// TRE_R73 participation in the public hospital service.
        participation_sph: String,
        /// TRE_R74 tariff mode.
        mode_fixation_tarifaire: String,
        /// Budget nature codes.
        types_budget: Vec<String>,
        /// INSEE NAF class.
        code_ape: String,
        /// Dispensing pharmacy licences.
        licences_officine: Vec<String>,
        /// Opening or creation.
        date_ouverture: String,
        /// Closure.
        date_fermeture: String,
        /// First authorisation.
        date_autorisation: String,
        /// Postal address.
        adresse: Adresse,
        /// Phone numbers as written.
        telephones: Vec<String>,
        /// Fax as written.
        telecopie: String,
        /// Ordinary mail of the structure.
        courriel: String,
        /// Registration authority label (third part of the source's column).
        autorite_enregistrement: String,
        /// Certificates; restricted.
        certificats: Vec<Certificat>,
        /// Last update at the authority.
        date_maj: String,
    }
}
