//! A registered person part by part, with the authority that says each: what professionals, support and authorities are shown.

use crate::error::Error;
use crate::person::RegisteredPerson;
use crate::place::RegisteredPlace;
use crate::service::Registration;
use crate::statement::{BY_ROLE, state_of};
use annuaire_consolidate::Item;
use annuaire_mos::owner::{Facet, file_source};
use annuaire_nos::Nos;
use annuaire_workflow::situation::SituationState;

/// A practice of a registered person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnExercise {
    /// Code of the profession; `99` for one that a role in an establishment makes.
    pub profession: String,
    /// Category (TRE_R09).
    pub category: String,
    /// Family name of exercise.
    pub name: String,
    /// Given name of exercise.
    pub given_name: String,
    /// The authority that registered it: an order, an agency, or the structure; the producer's code for a file.
    pub authority: String,
}

/// A situation of a registered person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSituation {
    /// Stable key of the situation.
    pub id: String,
    /// The structure; `None` when there is none, or the registry does not know it.
    pub structure: Option<RegisteredPlace>,
    /// Code of the profession.
    pub profession: String,
    /// Code of the role, or of the function of a regulated profession.
    pub role: String,
    /// Mode (TRE_R23).
    pub mode: String,
    /// Category (TRE_R09).
    pub category: String,
    /// First day, ISO; may be empty.
    pub from: String,
    /// Last day, ISO; empty while none is planned.
    pub until: String,
    /// Its state today.
    pub state: SituationState,
    /// The authority that states it, as of an exercise.
    pub authority: String,
    /// Whether a role in an establishment makes it, rather than a regulated profession.
    pub by_role: bool,
    /// Whether a local authority states it, so that it can be changed or ended here.
    pub is_local: bool,
}

/// Exercises and situations of a person, each with its authority.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatedParts {
    pub(crate) exercises: Vec<OwnExercise>,
    pub(crate) situations: Vec<OwnSituation>,
}

/// What is known of the structures of some persons, by technical identifier and by national number.
struct KnownPlaces(Vec<RegisteredPlace>);

impl KnownPlaces {
    fn of(&self, id: &str) -> Option<&RegisteredPlace> {
        self.0.iter().find(|place| place.id == id)
    }

    /// What people call the owner of a code; of a file, the authority that it names.
    fn authority(&self, code: &str, of_file: &str) -> String {
        if let Some(number) = code.strip_prefix("ENREG:") {
            let place = self.0.iter().find(|place| place.national_number == number);
            return place.map_or_else(|| number.get(1..).unwrap_or_default().to_owned(), |place| place.name.clone());
        }
        authority_label(if file_source(code).is_some() && !of_file.is_empty() { of_file } else { code })
    }
}

/// The label of an authority, by its code or its label in TRE_R60; another text as it is.
fn authority_label(text: &str) -> String {
    let nos = Nos::embedded();
    let code = nos.autorite(text).unwrap_or(text);
    let concept = nos.table("TRE_R60").and_then(|table| table.get(code));
    concept.map_or_else(|| text.to_owned(), |concept| concept.label.clone())
}

/// The technical identifier of a structure that registers, by the national number in the code of its owner.
fn place_of_owner(code: &str) -> Option<String> {
    let number = code.strip_prefix("ENREG:")?;
    let kind = if number.starts_with('3') { 'C' } else { 'F' };
    Some(format!("{kind}{}", number.get(1..)?))
}

impl Registration {
    /// The exercises and situations of a person. Cost: the facts of the structures.
    pub(crate) async fn stated_parts(&self, person: &RegisteredPerson) -> Result<StatedParts, Error> {
        let owners = person.facts.iter().filter_map(|fact| place_of_owner(&fact.key.owner));
        let mut ids: Vec<String> = person.situations().map(|(_, _, s)| s.structure.clone()).chain(owners).collect();
        ids.sort_unstable();
        ids.dedup();
        let places = KnownPlaces(self.places(&ids).await?);
        let today = self.today();
        // What the professional states of their own practice is a name: the authority is whoever registered it.
        let own = annuaire_mos::owner::Owner::person(&person.national_id).code;
        let of_file = person.merged.autorite_enregistrement.split('/').next().unwrap_or_default();
        let authority = |item: Item| {
            let mut said = person.provenance.of(item).filter(|saying| saying.owner != own);
            said.next().map(|saying| places.authority(&saying.owner, of_file)).unwrap_or_default()
        };
        let mut parts = StatedParts::default();
        for (e, practice) in person.merged.exercices.iter().enumerate() {
            let by_role = practice.profession == BY_ROLE;
            parts.exercises.push(OwnExercise {
                profession: practice.profession.clone(),
                category: practice.categorie_professionnelle.clone(),
                name: practice.nom_exercice.clone(),
                given_name: practice.prenom_exercice.clone(),
                authority: authority(Item::Practice(e)),
            });
            for (n, s) in practice.situations.iter().enumerate() {
                let facet = Facet::Situation { id: s.id_situation_exercice.clone() }.to_string();
                parts.situations.push(OwnSituation {
                    id: s.id_situation_exercice.clone(),
                    structure: places.of(&s.structure).cloned(),
                    profession: if by_role { s.role.clone() } else { practice.profession.clone() },
                    role: if by_role { s.genre_activite.clone() } else { s.role.clone() },
                    mode: s.mode_exercice.clone(),
                    category: practice.categorie_professionnelle.clone(),
                    from: s.date_debut.clone(),
                    until: s.date_fin.clone(),
                    state: state_of(s, today),
                    authority: authority(Item::Situation(e, n)),
                    by_role,
                    is_local: person
                        .facts
                        .iter()
                        .any(|fact| fact.key.facet == facet && place_of_owner(&fact.key.owner).is_some()),
                });
            }
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_called_as_people_do() {
        let places = KnownPlaces(Vec::new());
        assert_eq!(places.authority("CNOM", ""), "Ordre des médecins");
        assert_eq!(places.authority("psla", "CNOM"), "Ordre des médecins");
        assert_eq!(places.authority("psla", "Ordre des médecins"), "Ordre des médecins");
        assert_eq!((places.authority("psla", ""), places.authority("psla", "Inconnue")), ("psla".into(), "Inconnue".into()));
        assert_eq!(places.authority("ENREG:1990000093", "CNOM"), "990000093", "a structure that nobody describes");
    }
}
