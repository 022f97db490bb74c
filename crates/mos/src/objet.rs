//! The objects of the log and of the registry, as JSON.

use crate::activite::ActiviteAutorisee;
use crate::adresse::Coordonnees;
use crate::ameli::LigneAmeli;
use crate::boite_lettres::BoiteLettresMss;
use crate::carte::CarteProfessionnel;
use crate::enregistrement::{ExerciceEnregistre, SituationEnregistree};
use crate::groupement::Groupement;
use crate::owner::Facet;
use crate::professionnel::{EtatCivil, Professionnel};
use crate::structure::Structure;
use serde::{Deserialize, Serialize};

/// The content of a fact: one entity, or one facet of it, as one owner knows it. The member `objet` of its JSON names the kind and
/// comes first. Names of kinds and members never change: the log keeps them for ever.
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
    /// One practice of a person; facet [`Facet::Practice`].
    /// `{"objet":"exercice","exercice":{"profession":"10","categorieProfessionnelle":"C",…},"diplomes":[…],…}`
    Exercice(ExerciceEnregistre),
    /// One situation of a person; facet [`Facet::Situation`].
    /// `{"objet":"situation","profession":"10","categorieProfessionnelle":"C","situation":{"idSituationExercice":"0123456789",…}}`
    Situation(SituationEnregistree),
    /// The civil status of a person; facet [`Facet::CivilStatus`]. Restricted as a whole.
    /// `{"objet":"etatCivil","civilite":"MME","etatCivil":{"nomFamille":"DUPONT",…}}`
    #[serde(rename_all = "camelCase")]
    EtatCivil {
        /// Civil title (TRE_R81).
        #[serde(default, skip_serializing_if = "String::is_empty")]
        civilite: String,
        /// The civil status.
        etat_civil: EtatCivil,
    },
    /// The contact data of a person; facet [`Facet::Contact`]. Restricted as a whole.
    /// `{"objet":"contact","correspondance":{"courriel":"lea.dupont@example.org",…}}`
    Contact {
        /// Correspondence address and contact points.
        correspondance: Coordonnees,
    },
}

impl Objet {
    /// The facet that this content is about. A fact whose key names another facet is at fault.
    #[must_use]
    pub fn facet(&self) -> Facet {
        match self {
            Self::Exercice(e) => Facet::Practice {
                profession: e.exercice.profession.clone(),
                category: e.exercice.categorie_professionnelle.clone(),
            },
            Self::Situation(s) => Facet::Situation { id: s.situation.id_situation_exercice.clone() },
            Self::EtatCivil { .. } => Facet::CivilStatus,
            Self::Contact { .. } => Facet::Contact,
            Self::Professionnel(_)
            | Self::Structure(_)
            | Self::Cartes { .. }
            | Self::BoitesLettres { .. }
            | Self::Activite(_)
            | Self::Groupement(_)
            | Self::Ameli(_)
            | Self::Ressource { .. } => Facet::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Objet;

    /// A payload of every kind that the log may hold, as it is written.
    const PAYLOADS: [(&str, &str); 12] = [
        ("", r#"{"objet":"professionnel","idNatPs":"810999000003","exercices":[{"profession":"10"}]}"#),
        ("", r#"{"objet":"structure","idTechnique":"F990000019"}"#),
        ("", r#"{"objet":"cartes","cartes":[{"numeroCarte":"1"}]}"#),
        ("", r#"{"objet":"boitesLettres","boites":[{"adresse":"a@mssante.example"}]}"#),
        ("", r#"{"objet":"activite","id":"1"}"#),
        ("", r#"{"objet":"groupement","id":"1"}"#),
        ("", r#"{"objet":"ameli","nom":"A"}"#),
        ("", r#"{"objet":"ressource","json":"{}"}"#),
        (
            "exercice:10:C",
            r#"{"objet":"exercice","exercice":{"profession":"10","categorieProfessionnelle":"C","nomExercice":"DUPONT"},"diplomes":[{"typeDiplome":"DE","codeDiplome":"DE28"}],"autoriteEnregistrement":"CNOM","dateMaj":"2026-11-26"}"#,
        ),
        (
            "situation:0123456789",
            r#"{"objet":"situation","profession":"10","categorieProfessionnelle":"C","situation":{"idSituationExercice":"0123456789","modeExercice":"S","structure":"F990000019","role":"FON-01","dateDebut":"2026-11-26"}}"#,
        ),
        ("etat-civil", r#"{"objet":"etatCivil","civilite":"MME","etatCivil":{"nomFamille":"DUPONT","prenoms":["LÉA"]}}"#),
        ("contact", r#"{"objet":"contact","correspondance":{"telephones":["0600000000"],"courriel":"lea.dupont@example.org"}}"#),
    ];

    #[test]
    fn payloads_are_read_back_and_tell_their_facet() {
        for (facet, payload) in PAYLOADS {
            let object: Objet = serde_json::from_str(payload).unwrap();
            assert_eq!(serde_json::to_string(&object).unwrap(), payload);
            assert_eq!(object.facet().to_string(), facet);
        }
    }
}
