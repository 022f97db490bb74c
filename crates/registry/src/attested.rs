//! What is public of a person today, for the check of an attestation (SC80).

use crate::error::Error;
use crate::person::public_person;
use crate::place::RegisteredPlace;
use crate::service::Registration;
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::rpps_number::idnps;

/// A registered person as the public perimeter shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedPerson {
    /// RPPS number.
    pub rpps: String,
    /// Given and family names of exercise, each once.
    pub names: Vec<String>,
    /// Codes of professions.
    pub professions: Vec<String>,
    /// Codes of functions (« Profession » of the forms, TRE_R85) in situations that stand today.
    pub functions: Vec<String>,
    /// Structures of the situations that stand today.
    pub places: Vec<RegisteredPlace>,
}

impl Registration {
    /// What is public of a person today; `None` for a number of which nothing is public. Cost: the facts of the person and of the structures.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn attested_person(&self, rpps: &str) -> Result<Option<AttestedPerson>, Error> {
        let Some(public) = public_person(self.registry(), &idnps(rpps.trim())).await? else { return Ok(None) };
        let today = self.today();
        let stands = |from: &str, until: &str| {
            parse_iso(from).unwrap_or(Day::MIN) <= today && parse_iso(until).is_none_or(|until| today <= until)
        };
        let (mut names, mut professions, mut functions, mut ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for exercise in &public.exercices {
            names.push(format!("{} {}", exercise.prenom_exercice, exercise.nom_exercice).trim().to_owned());
            professions.push(exercise.profession.clone());
            for situation in exercise.situations.iter().filter(|s| stands(&s.date_debut, &s.date_fin)) {
                ids.push(situation.structure.clone());
                functions.push(situation.role.clone());
            }
        }
        functions.retain(|code| !code.is_empty());
        for all in [&mut names, &mut professions, &mut functions, &mut ids] {
            all.sort_unstable();
            all.dedup();
        }
        let places = self.places(&ids).await?;
        Ok(Some(AttestedPerson { rpps: rpps.trim().to_owned(), names, professions, functions, places }))
    }
}
