//! Which consoles somebody may open. The sessions ask again; this tells the entrance of the consoles what to offer.

use crate::service::Registration;

/// The consoles of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenConsoles {
    /// « File d'arbitrage ».
    pub arbitration: bool,
    /// Support.
    pub support: bool,
    /// The audit trail.
    pub audit: bool,
    /// « Nomenclatures ».
    pub terminologies: bool,
    /// Of an order or a regional agency: its code of TRE_R60.
    pub authority: Option<String>,
}

impl Registration {
    /// The consoles that a person may open. Costs look-ups in the settings, and is no access to anything.
    #[must_use]
    pub fn consoles_of(&self, national_id: &str) -> OpenConsoles {
        OpenConsoles {
            arbitration: self.settings.arbiters.contains(national_id),
            support: self.settings.support.contains(national_id),
            audit: self.settings.auditors.contains(national_id),
            terminologies: self.settings.terminologists.contains(national_id),
            authority: self.settings.authority_agents.get(national_id).cloned(),
        }
    }
}
