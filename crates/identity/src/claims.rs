//! What relying parties are told of a person: a function of the merged view on a day (identity.md §1.7).
//!
//! Every absent text is empty, never missing: clients of the national service rely on it. Spelling of members is that of the service.

use annuaire_mos::{ExerciceProfessionnel, Professionnel, SavoirFaire, SituationExercice, Structure};
use serde_json::{Map, Value, json};

use crate::at_work::PersonAtWork;

/// Code system of `SubjectRole` (JDV_J05).
const ROLES: &str = "1.2.250.1.213.1.1.5.5";
/// Code system of `Secteur_Activite` (TRE_R02).
const SECTORS: &str = "1.2.250.1.71.4.2.4";
/// Profession of who has none: « acteur caractérisé par rôle » (TRE_R291).
const BY_ROLE: &str = "99";
/// INSEE code of France.
const FRANCE: &str = "99000";
/// Kinds of know-how that are told.
const KNOW_HOW: [&str; 3] = ["S", "CEX", "PAC"];
/// Status of a registration with an order: not registered (TRE_R33).
const NOT_REGISTERED: &str = "N";

/// Why somebody may not log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRight {
    /// The person died.
    Deceased,
    /// No practice and no role is open.
    NothingOpen,
}

/// The claims of a person on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfessionalClaims {
    /// `SubjectNameID`.
    pub national_id: String,
    /// First name of the main practice.
    pub given_name: String,
    /// Name of the main practice.
    pub family_name: String,
    /// `otherIds`: all identifiers, the current one first.
    pub other_ids: Value,
    /// The rest of what UserInfo tells with `scope_all`.
    pub all: Map<String, Value>,
}

/// Identifiers of a person: the one of the entity, then the others.
#[must_use]
pub fn identifiers(of: &PersonAtWork) -> Vec<String> {
    let own = of.person.entity.split_once(':').map_or("", |(_, number)| number).to_owned();
    let others = of.person.professional.iter().flat_map(|p| &p.identifiants_alternatifs).map(|other| other.id_nat_ps.clone());
    let mut all = vec![own];
    for other in others {
        if !other.is_empty() && !all.contains(&other) {
            all.push(other);
        }
    }
    // RPPS before ADELI (identity.md §1.7.3).
    all.sort_by_key(|id| !id.starts_with('8'));
    all
}

/// The claims of a person on a day (`2026-11-26`, of Paris).
///
/// # Errors
/// Why the person may not log in on this day.
pub fn claims(of: &PersonAtWork, today: &str) -> Result<ProfessionalClaims, NoRight> {
    let nobody = Professionnel::default();
    let person = of.person.professional.as_ref().unwrap_or(&nobody);
    if person.etat_civil.as_ref().is_some_and(|civil| !civil.date_deces.is_empty()) {
        return Err(NoRight::Deceased);
    }
    let mut practices: Vec<Practice<'_>> =
        person.exercices.iter().filter(|e| is_open_practice(person, e, today)).map(|e| Practice::of(e, today)).collect();
    // Who is characterised by a role has a right as long as one of the roles is open.
    practices.retain(|practice| practice.is_regulated() || !practice.situations.is_empty());
    practices.sort_by(|a, b| a.rank().cmp(&b.rank()));
    let Some(main) = practices.first() else { return Err(NoRight::NothingOpen) };

    let place = main.situations.first().map(|s| s.structure.as_str()).unwrap_or_default();
    let structure = of.structures.get(place);
    let text = |of: Option<&String>| of.cloned().unwrap_or_default();
    let sector = text(structure.map(|s| &s.secteur_activite));
    let ids = identifiers(of);
    let all = json!({
        "SubjectRole": roles(&practices),
        "Secteur_Activite": if sector.is_empty() { String::new() } else { format!("{sector}^{SECTORS}") },
        "SubjectOrganization": text(structure.map(name_of)),
        "SubjectOrganizationID": place,
        "Mode_Acces_Raison": "",
        "Acces_Regulation_Medicale": "FAUX",
        "PSI_Locale": "1.2.250.1.213.1.3.1.1",
        "UITVersion": "1.0",
        "Palier_Authentification": "APPPRIP3^1.2.250.1.213.1.5.1.1.1",
        "SubjectRefPro": {
            "codeCivilite": person.civilite,
            "exercices": practices.iter().map(|practice| practice.told(person, of)).collect::<Vec<_>>(),
        },
    });
    let Value::Object(all) = all else { return Err(NoRight::NothingOpen) };
    Ok(ProfessionalClaims {
        national_id: ids.first().cloned().unwrap_or_default(),
        given_name: main.practice.prenom_exercice.clone(),
        family_name: main.practice.nom_exercice.clone(),
        other_ids: ids.iter().map(|id| json!({"identifiant": id, "origine": origin(id), "qualite": 1})).collect(),
        all,
    })
}

/// An open practice with its open situations, the main one first.
struct Practice<'a> {
    practice: &'a ExerciceProfessionnel,
    situations: Vec<&'a SituationExercice>,
}

impl<'a> Practice<'a> {
    fn of(practice: &'a ExerciceProfessionnel, today: &str) -> Self {
        let is_open = |s: &&SituationExercice| is_in_force(&s.date_debut, &s.date_fin, today);
        let mut situations: Vec<_> = practice.situations.iter().filter(is_open).collect();
        situations.sort_by_key(|s| (since(&s.date_debut), s.id_situation_exercice.as_str()));
        Self { practice, situations }
    }

    fn is_regulated(&self) -> bool {
        !matches!(self.practice.profession.as_str(), "" | BY_ROLE)
    }

    /// Regulated professions first, then the oldest, then by code: one order whatever the source wrote.
    fn rank(&self) -> (bool, &str, &str, &str) {
        let e = self.practice;
        (!self.is_regulated(), since(&e.date_effet_exercice), &e.profession, &e.categorie_professionnelle)
    }

    fn told(&self, person: &Professionnel, of: &PersonAtWork) -> Value {
        let e = self.practice;
        let none = SavoirFaire::default();
        let know_how = e.savoir_faire.iter().find(|s| KNOW_HOW.contains(&s.type_savoir_faire.as_str())).unwrap_or(&none);
        json!({
            "codeProfession": if self.is_regulated() { e.profession.as_str() } else { "" },
            "codeCategorieProfessionnelle": e.categorie_professionnelle,
            "codeCiviliteDexercice": e.civilite_exercice,
            "nomDexercice": e.nom_exercice,
            "prenomDexercice": e.prenom_exercice,
            "codeTypeSavoirFaire": know_how.type_savoir_faire,
            "codeSavoirFaire": know_how.code,
            "activities": self.situations.iter().map(|s| activity(person, s, of.structures.get(&s.structure))).collect::<Vec<_>>(),
        })
    }
}

/// `SubjectRole`: professions, the main one first; for who has none, roles.
fn roles(practices: &[Practice<'_>]) -> Vec<String> {
    let professions = practices.iter().filter(|p| p.is_regulated()).map(|p| p.practice.profession.as_str());
    let mut codes: Vec<&str> = professions.collect();
    if codes.is_empty() {
        codes = practices.iter().flat_map(|p| &p.situations).map(|s| s.role.as_str()).filter(|role| !role.is_empty()).collect();
    }
    let mut told: Vec<String> = Vec::new();
    for code in codes {
        let role = format!("{code}^{ROLES}");
        if !told.contains(&role) {
            told.push(role);
        }
    }
    told
}

fn name_of(s: &Structure) -> &String {
    if s.raison_sociale.is_empty() { &s.enseigne_commerciale } else { &s.raison_sociale }
}

fn activity(person: &Professionnel, s: &SituationExercice, structure: Option<&Structure>) -> Value {
    let nowhere = Structure::default();
    let at = structure.unwrap_or(&nowhere);
    let a = &at.adresse;
    let phone = |n: usize| at.telephones.get(n).map_or("", String::as_str);
    // A legal entity has its number where sites have that of their legal entity.
    let (site, legal) =
        if at.entite_juridique { ("", at.num_finess.as_str()) } else { (at.num_finess.as_str(), at.num_finess_ej.as_str()) };
    json!({
        "codeModeExercice": s.mode_exercice,
        "codeSecteurDactivite": at.secteur_activite,
        "codeSectionPharmacien": s.section_ordre_pharmacien,
        "codeRole": s.role,
        "codeGenreActivite": s.genre_activite,
        "numeroSiretSite": at.num_siret,
        "numeroSirenSite": at.num_siren,
        "numeroFinessSite": site,
        "numeroFinessetablissementJuridique": legal,
        "identifiantTechniqueDeLaStructure": s.structure,
        "raisonSocialeSite": at.raison_sociale,
        "enseigneCommercialeSite": at.enseigne_commerciale,
        "complementDestinataire": a.point_remise,
        "complementPointGeographique": a.complement_point_geographique,
        "numeroVoie": a.numero_voie,
        "indiceRepetitionVoie": a.extension,
        "codeTypeDeVoie": a.type_voie,
        "libelleVoie": a.libelle_voie,
        "mentionDistribution": a.mention_distribution,
        "bureauCedex": a.bureau_cedex,
        "codePostal": a.code_postal,
        "codeCommune": a.cog_commune,
        "codePays": if a.pays.is_empty() && structure.is_some() { FRANCE } else { a.pays.as_str() },
        "telephone": phone(0),
        "telephone2": phone(1),
        "telecopie": at.telecopie,
        "adresseEMail": at.courriel,
        "codeDepartement": department(&a.cog_commune, &a.code_postal),
        "ancienIdentifiantDeLaStructure": at.id_nat_struct,
        "autoriteDenregistrement": person.autorite_enregistrement,
    })
}

/// Department of a commune; of a postal code when the commune is not known. Corsica has two, overseas departments have three digits.
fn department(commune: &str, postal: &str) -> String {
    let code = if commune.is_empty() { postal } else { commune };
    let length = if code.starts_with("97") || code.starts_with("98") { 3 } else { 2 };
    code.get(..length).unwrap_or_default().to_owned()
}

/// Whether a practice may be told: in force, and not without registration by the word of its order.
fn is_open_practice(person: &Professionnel, e: &ExerciceProfessionnel, today: &str) -> bool {
    let mut registrations = person
        .inscriptions
        .iter()
        .filter(|i| i.profession == e.profession && i.categorie_professionnelle == e.categorie_professionnelle)
        .filter(|i| is_in_force(&i.date_debut, &i.date_fin, today))
        .peekable();
    let registered = registrations.peek().is_none() || registrations.any(|i| i.statut != NOT_REGISTERED);
    registered && is_in_force(&e.date_effet_exercice, &e.date_fin_effet_exercice, today)
}

/// Whether a day is in a period whose ends may be unknown or known to the year or month. The last day counts: it ends the day after
/// (registration.md A19).
fn is_in_force(first: &str, last: &str, today: &str) -> bool {
    let begins = |bound: &str| today.get(..bound.len().min(today.len())).unwrap_or(today);
    (first.is_empty() || begins(first) >= first) && (last.is_empty() || begins(last) <= last)
}

/// Sorts what has no beginning last.
fn since(day: &str) -> &str {
    if day.is_empty() { "9999" } else { day }
}

/// `origine` of an identifier, by its first digit (TRE_G08).
fn origin(id: &str) -> &'static str {
    match id.as_bytes().first() {
        Some(b'0') => "ADELI",
        Some(b'1') => "CAB_ADELI",
        Some(b'3') => "FINESS",
        Some(b'4') => "SIREN",
        Some(b'5') => "SIRET",
        Some(b'6') => "CAB_RPPS",
        Some(b'8') => "RPPS",
        _ if id.starts_with("ANS") => "EDIT",
        _ => "PSI",
    }
}

#[cfg(test)]
mod tests;
