//! Authorised activities and heavy equipment, as FINESS describes them.

use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// An authorised activity and the establishments that carry it out.
    ActiviteAutorisee {
        /// FINESS+ key of the authorised activity, or a derived key for the legacy files, which have none.
        id: String,
        /// The authorised level.
        autorisee: Activite,
        /// The level of each establishment, by key.
        exercees: Vec<Activite>,
    }
}

mos_class! {
    /// A regulated activity or heavy equipment, at one level: as authorised, or as carried out in one establishment.
    Activite {
        /// Key of this level.
        id: String,
        /// Nature: `AMF`, `AMM`, `EML`, `AASA`, `ASR` (care), `AMSR`, `ASMR`, `ASOCR`, `ASDR`, `AER` (social and other).
        nature: String,
        /// FINESS number of the structure: establishment for a carried out activity, legal entity for an authorised one.
        num_finess: String,
        /// Whether it was withdrawn.
        inactive: bool,
        /// ARHGOS authorisation number.
        num_autorisation_arhgos: String,
        /// Activity, discipline or equipment code, in the table that the nature designates.
        activite: String,
        /// Modality.
        modalite: String,
        /// Form, mention (AMM) or mode of operation (social).
        forme: String,
        /// Public received (social).
        public: String,
        /// Brand of the equipment.
        marque: String,
        /// Serial number of the equipment.
        numero_serie: String,
        /// Day of the authorisation.
        date_autorisation: String,
        /// Day of operation.
        date_mise_en_oeuvre: String,
        /// End of the authorisation.
        date_fin: String,
        /// Last update at the authority.
        date_maj: String,
        /// Age from.
        age_min: String,
        /// Age to.
        age_max: String,
        /// Places: the sum of the lines without financing, accreditation, housing or gender.
        capacite: Option<u32>,
        /// Places accredited for social assistance.
        capacite_habilitee: Option<u32>,
        /// Places installed.
        capacite_installee: Option<u32>,
        /// Installed places accredited for social assistance.
        capacite_installee_habilitee: Option<u32>,
        /// Day of the first installation (legacy files) or of the last one.
        date_installation: String,
    }
}
