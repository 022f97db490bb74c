//! Professional cards.

use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// A professional card.
    CarteProfessionnel {
        /// Ten characters.
        numero_carte: String,
        /// TRE_G02 product code of the file: `00` CPS, `01` CPF.
        type_carte: String,
        /// Profession the card was issued for.
        profession: String,
        /// Category the card was issued for.
        categorie_professionnelle: String,
        /// First day of validity.
        date_debut_validite: String,
        /// Last day of validity.
        date_fin_validite: String,
        /// Day of its opposition; restricted.
        date_opposition: String,
        /// National identifier in the chip: that of an older card may still be the ADELI number.
        id_nat_carte: String,
    }
}
