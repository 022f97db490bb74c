//! Cooperation groups.

use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// A cooperation group. No published profile has a place for it.
    Groupement {
        /// Key in the file.
        id: String,
        /// Name.
        nom: String,
        /// TRE_R371 or TRE_R372 code.
        type_groupement: String,
        /// External number.
        numero: String,
        /// Internal keys of the member legal entities.
        membres: Vec<String>,
        /// Whether it was withdrawn.
        inactif: bool,
    }
}
