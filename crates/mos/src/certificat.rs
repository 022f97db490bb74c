//! Electronic certificates of professionals and structures.

use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// An electronic certificate.
    Certificat {
        /// Number of its support.
        numero: String,
        /// Distinguished name of the issuer.
        emetteur: String,
        /// Distinguished name of the subject.
        sujet: String,
        /// First day.
        date_debut: String,
        /// Last day.
        date_fin: String,
        /// Day revoked.
        date_revocation: String,
        /// Domain name, structures only.
        domaine: String,
    }
}
