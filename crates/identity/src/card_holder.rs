//! Holders of cards whom the directory does not describe: staff of establishments with a CPE or CPA and no number of their own
//! (identity.md §1.7.6, §3.5 (6)). Their card says who they are and where they work.

use annuaire_cards::{CardCertificate, CardType};
use annuaire_consolidate::{ConsolidatedEntity, entity_key};
use annuaire_mos::{ExerciceProfessionnel, Professionnel, SituationExercice, Structure};
use serde::{Deserialize, Serialize};

use crate::at_work::PersonAtWork;

/// Mode of practice of staff: salaried (TRE_R23).
const SALARIED: &str = "S";

/// What a card of staff says of its holder. It counts where the directory has no description of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardHolder {
    /// Family name.
    pub surname: String,
    /// Given name; empty when the card says none.
    pub given_name: String,
    /// Technical identifier of the structure (`F990000010`, `C99900000300015`); empty when the card names none.
    pub structure: String,
    /// Name of the structure as the card has it: told where the directory does not know the structure.
    pub structure_name: String,
}

impl CardHolder {
    /// The holder that a card describes; `None` when its holder must be in the directory (CPS, CPF), or when the card names nobody: a card
    /// of a service proves no person.
    #[must_use]
    pub fn of(card: &CardCertificate) -> Option<Self> {
        let is_staff = matches!(card.card_type, Some(CardType::Establishment | CardType::Authorised));
        // Kinds of identifiers with a structure have a slash (TRE_G08); the others are of people whom the directory has.
        let is_staff = is_staff && card.national_id.contains('/');
        let surname = card.surname.clone().filter(|name| is_staff && !name.trim().is_empty())?;
        // Kinds of identifiers of structures (TRE_G07): 1 FINESS, 3 SIRET. Letters of technical identifiers: F, C.
        let technical = |unit: &String| match unit.split_at_checked(1) {
            Some(("1", finess)) => Some(format!("F{finess}")),
            Some(("3", siret)) => Some(format!("C{siret}")),
            _ => None,
        };
        Some(Self {
            surname,
            given_name: card.given_name.clone().unwrap_or_default(),
            structure: card.structure.as_ref().and_then(technical).unwrap_or_default(),
            structure_name: card.organisation.clone().unwrap_or_default(),
        })
    }

    /// The holder as a person of the directory: no profession, one situation. `known` is what the directory has: cards, and the structure.
    pub(crate) fn at_work(&self, national_id: &str, known: PersonAtWork) -> PersonAtWork {
        let PersonAtWork { person, mut structures } = known;
        let situation =
            SituationExercice { mode_exercice: SALARIED.to_owned(), structure: self.structure.clone(), ..Default::default() };
        let practice = ExerciceProfessionnel {
            nom_exercice: self.surname.clone(),
            prenom_exercice: self.given_name.clone(),
            situations: vec![situation],
            ..Default::default()
        };
        let professional = Professionnel { id_nat_ps: national_id.to_owned(), exercices: vec![practice], ..Default::default() };
        if !self.structure.is_empty() {
            structures.entry(self.structure.clone()).or_insert_with(|| Structure {
                id_technique: self.structure.clone(),
                raison_sociale: self.structure_name.clone(),
                ..Default::default()
            });
        }
        let entity = entity_key::person(national_id);
        PersonAtWork { person: ConsolidatedEntity { entity, professional: Some(professional), ..person }, structures }
    }
}
