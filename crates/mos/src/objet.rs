//! The objects of the log and of the registry, as JSON.

use crate::activite::ActiviteAutorisee;
use crate::ameli::LigneAmeli;
use crate::boite_lettres::BoiteLettresMss;
use crate::carte::CarteProfessionnel;
use crate::groupement::Groupement;
use crate::professionnel::Professionnel;
use crate::structure::Structure;
use serde::{Deserialize, Serialize};

/// One object of the registry: one entity, as one source knows it. The member `objet` of its JSON names the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "objet", rename_all = "camelCase")]
pub enum Objet {
    /// A person with practices and situations.
    Professionnel(Professionnel),
    /// A structure.
    Structure(Structure),
    /// All cards that a source knows for one person.
    Cartes {
        /// Ordered by number.
        cartes: Vec<CarteProfessionnel>,
    },
    /// All mailboxes that a source knows for one holder.
    BoitesLettres {
        /// Ordered by address.
        boites: Vec<BoiteLettresMss>,
    },
    /// An authorised activity.
    Activite(ActiviteAutorisee),
    /// A cooperation group.
    Groupement(Groupement),
    /// A line of the health insurance's directory.
    Ameli(LigneAmeli),
    /// A FHIR resource of another directory, kept as it is.
    Ressource {
        /// The bytes received, without white space between members.
        json: String,
    },
}
