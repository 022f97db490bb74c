//! What a registration says of a person, as facts of the log (registration §19, data-perimeters §3).
//!
//! A local authority owns what it states, in facts of its own: the person with identifiers and civil title, one practice by role
//! (profession 99), each situation, the civil status, and the contact until the professional takes it over. Marks of publication
//! follow those of files: what a file of open data says is open, civil status and contact are never; of an open fact,
//! `consolidate` shows the public members alone. A situation that is planned or over is restricted as a whole: the public
//! directory shows those of today.

use crate::content::{CivilValues, ContactValues, SituationValues};
use annuaire_base::fact::{FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_mos::owner::{Facet, Owner};
use annuaire_mos::{
    EtatCivil, ExerciceEnregistre, ExerciceProfessionnel, Objet, Professionnel, SituationEnregistree, SituationExercice,
};
use annuaire_store::{Change, OwnerRow};
use annuaire_workflow::certification::CertificationState;
use annuaire_workflow::day::Day;
use annuaire_workflow::situation::{SituationLife, SituationState};
use annuaire_workflow::value_sets::PRIVATE_PRACTICE;

/// « Acteur participant au système de santé caractérisé par rôle » (TRE_R291).
pub(crate) const BY_ROLE: &str = "99";
/// Label of local authorities, as the first part of the column of files has it.
const LOCAL_AUTHORITY: &str = "Enregistrement par les AE locales (Structures)";
/// Type digit of an RPPS number in a national identification.
const RPPS: &str = "8";

/// Everything that one registration states.
pub(crate) struct StatedRegistration<'a> {
    pub(crate) owner: &'a Owner,
    pub(crate) national_id: &'a str,
    pub(crate) situation: &'a SituationValues,
    /// Stable key of the situation.
    pub(crate) situation_id: &'a str,
    pub(crate) today: Day,
}

/// The row of an owner: without description where the code tells the owner, so that readers need not read it.
pub(crate) fn owner_row(owner: &Owner) -> Result<OwnerRow, serde_json::Error> {
    let is_told = Owner::told_by_code(&owner.code).as_ref() == Some(owner);
    let description = if is_told { String::new() } else { serde_json::to_string(owner)? };
    Ok(OwnerRow { code: owner.code.clone(), description })
}

/// A fact, as it is written. Whether it may be public is that of the facet, unless `hidden`.
pub(crate) fn change(owner: &Owner, national_id: &str, object: &Objet, hidden: bool) -> Result<Change, serde_json::Error> {
    let facet = object.facet();
    let open = owner.is_open(&facet) && !hidden;
    Ok(Change {
        key: FactKey { owner: owner.code.clone(), entity: entity_key::person(national_id), facet: facet.to_string() },
        payload: Some(serde_json::to_string(object)?),
        publication: if open { Publication::Open } else { Publication::Restricted },
        fingerprint: 0,
    })
}

/// The state of a situation on a day.
pub(crate) fn state_of(situation: &SituationExercice, today: Day) -> SituationState {
    let day = annuaire_workflow::day::parse_iso;
    let life = SituationLife {
        from: day(&situation.date_debut).unwrap_or(Day::MIN),
        until: day(&situation.date_fin),
        cancelled: false,
        structure_closed: None,
    };
    life.state(today)
}

/// A situation, as its owner states it.
pub(crate) fn situation(values: &SituationValues, id: &str) -> SituationEnregistree {
    let (private, kind) = PRIVATE_PRACTICE;
    SituationEnregistree {
        profession: BY_ROLE.to_owned(),
        categorie_professionnelle: values.category.clone(),
        situation: SituationExercice {
            id_situation_exercice: id.to_owned(),
            mode_exercice: values.mode.clone(),
            structure: values.structure.clone(),
            role: values.profession.clone(),
            genre_activite: values.role.clone(),
            type_activite_liberale: if values.mode == private { kind.to_owned() } else { String::new() },
            date_debut: values.from.clone(),
            date_fin: values.until.clone(),
            ..Default::default()
        },
    }
}

/// A situation as a fact.
pub(crate) fn situation_change(
    owner: &Owner,
    national_id: &str,
    stated: SituationEnregistree,
    today: Day,
) -> Result<Change, serde_json::Error> {
    let hidden = !state_of(&stated.situation, today).is_public();
    change(owner, national_id, &Objet::Situation(stated), hidden)
}

impl StatedRegistration<'_> {
    fn is_hidden(&self) -> bool {
        !state_of(&situation(self.situation, self.situation_id).situation, self.today).is_public()
    }

    /// The situation.
    pub(crate) fn situation(&self) -> Result<Change, serde_json::Error> {
        situation_change(self.owner, self.national_id, situation(self.situation, self.situation_id), self.today)
    }

    /// The practice that the situation belongs to, with the names of exercise.
    pub(crate) fn practice(&self) -> Result<Change, serde_json::Error> {
        let exercice = ExerciceProfessionnel {
            profession: BY_ROLE.to_owned(),
            categorie_professionnelle: self.situation.category.clone(),
            nom_exercice: self.situation.name.clone(),
            prenom_exercice: self.situation.given_name.clone(),
            date_effet_exercice: self.situation.from.clone(),
            ..Default::default()
        };
        let stated = ExerciceEnregistre {
            exercice,
            autorite_enregistrement: LOCAL_AUTHORITY.to_owned(),
            date_maj: self.today.to_string(),
            ..Default::default()
        };
        change(self.owner, self.national_id, &Objet::Exercice(stated), self.is_hidden())
    }

    /// The person: identifiers and civil title, which files of open data tell too.
    pub(crate) fn person(&self, civility: &str) -> Result<Change, serde_json::Error> {
        let stated = Professionnel {
            type_id_nat_pp: RPPS.to_owned(),
            id_pp: self.national_id.get(1..).unwrap_or_default().to_owned(),
            id_nat_ps: self.national_id.to_owned(),
            civilite: civility.to_owned(),
            autorite_enregistrement: LOCAL_AUTHORITY.to_owned(),
            date_maj: self.today.to_string(),
            ..Default::default()
        };
        debug_assert_eq!(Objet::Professionnel(stated.clone()).facet(), Facet::Whole);
        change(self.owner, self.national_id, &Objet::Professionnel(stated), self.is_hidden())
    }

    /// The civil status, in a state of certification.
    pub(crate) fn civil_status(&self, civil: &CivilValues, state: CertificationState) -> Result<Change, serde_json::Error> {
        let etat_civil: EtatCivil = civil.recorded(state, self.today);
        let stated = Objet::EtatCivil { civilite: civil.civility.clone(), etat_civil };
        change(self.owner, self.national_id, &stated, false)
    }
}

/// The contact, as somebody owns it.
pub(crate) fn contact_change(owner: &Owner, national_id: &str, contact: &ContactValues) -> Result<Change, serde_json::Error> {
    change(owner, national_id, &Objet::Contact { correspondance: contact.recorded() }, false)
}
