//! Who acts (registration §2.1).

use crate::coded::coded;
use std::fmt;

coded! {
    /// The kind of an actor.
    ActorKind;
    /// Every kind, in the order of the reference.
    ALL;
    /// The code, such as `GAE`.
    code;
    /// What people call it.
    label;
    Rep "REP" "représentant légal";
    Man "MAN" "mandataire";
    Gae "GAE" "gestionnaire RPPS+";
    Prol "PROL" "professionnel non encore enregistré";
    Pro "PRO" "professionnel enregistré";
    Ord "ORD" "ordre ou service de santé des armées";
    Ars "ARS" "agence régionale de santé";
    Arb "ARB" "arbitre national";
    Sup "SUP" "support national";
    Nom "NOM" "gestionnaire de nomenclatures";
    Grd "GRD" "GRADeS ou organisme gestionnaire";
    Aud "AUD" "auditeur";
    Hra "HRA" "logiciel de l'employeur";
    Sys "SYS" "système";
}

impl ActorKind {
    /// The kind with this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Whether what the actor may do depends on the structures of a perimeter.
    #[must_use]
    pub const fn acts_in_perimeter(self) -> bool {
        matches!(self, Self::Rep | Self::Man | Self::Gae | Self::Ars | Self::Ord | Self::Grd | Self::Hra)
    }

    /// Whether the actor is the professional, registered or not.
    #[must_use]
    pub const fn is_professional(self) -> bool {
        matches!(self, Self::Prol | Self::Pro)
    }
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
