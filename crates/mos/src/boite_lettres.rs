//! Secure health mailboxes (MSS).

use crate::class::mos_class;
use serde::{Deserialize, Serialize};

mos_class! {
    /// A secure health mailbox.
    BoiteLettresMss {
        /// The mail address.
        adresse: String,
        /// TRE_R257: `PER`, `ORG`, `APP`, `CAB`.
        type_bal: String,
        /// Service the mailbox belongs to.
        service_rattachement: String,
        /// Profession of the holder, as the file gives it.
        profession: String,
        /// National id of the structure where the mailbox is used.
        structure: String,
    }
}
