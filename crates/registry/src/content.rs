//! What people typed into a request, and what the checks made of it: one JSON text, sealed as a whole in the row of the request
//! (registration §20). Member names never change: open requests outlive releases.

use annuaire_mos::{Coordonnees, EtatCivil};
use annuaire_workflow::attestation::HomeHelpAttestation;
use annuaire_workflow::certification::CertificationState;
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::duplicates::{BirthPlace, IdentityTraits};
use annuaire_workflow::fields::{
    CheckedContact, CivilDraft, CivilStatus, ClosingDraft, ContactDraft, SituationDraft, TypedSituation,
};
use annuaire_workflow::norm::norm;
use serde::{Deserialize, Serialize};

/// Everything personal of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RequestContent {
    #[serde(with = "CivilForm")]
    pub(crate) civil: CivilDraft,
    #[serde(with = "ContactForm")]
    pub(crate) contact: ContactDraft,
    #[serde(with = "SituationForm")]
    pub(crate) situation: SituationDraft,
    #[serde(with = "ClosingForm")]
    pub(crate) closing: ClosingDraft,
    /// What the checks made of the sections, once they are valid.
    pub(crate) civil_values: Option<CivilValues>,
    pub(crate) contact_values: Option<ContactValues>,
    pub(crate) situation_values: Option<SituationValues>,
    pub(crate) closing_values: Option<ClosingValues>,
    /// Reasons that people typed: they may name somebody.
    pub(crate) remarks: Vec<Remark>,
    /// Fields that a manager changed while instructing the request of a professional.
    pub(crate) changed_fields: Vec<String>,
    /// « Corriger une erreur de saisie »: the former value was never true.
    pub(crate) typing_error: bool,
}

/// A reason that somebody typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remark {
    pub(crate) event: String,
    pub(crate) text: String,
    pub(crate) at_ms: i64,
}

/// Civil status, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CivilValues {
    pub(crate) civility: String,
    pub(crate) sex: String,
    pub(crate) family_name: String,
    pub(crate) usage_name: String,
    pub(crate) given_names: Vec<String>,
    pub(crate) birth: String,
    pub(crate) country: String,
    pub(crate) commune: String,
    pub(crate) town: String,
}

/// Contact, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContactValues {
    pub(crate) email: String,
    pub(crate) mobile: String,
}

/// Situation, checked. The structure is its technical identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SituationValues {
    pub(crate) name: String,
    pub(crate) given_name: String,
    pub(crate) structure: String,
    pub(crate) profession: String,
    pub(crate) role: String,
    pub(crate) mode: String,
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) category: String,
    pub(crate) service: String,
    pub(crate) home_help: Option<HomeHelpValues>,
}

/// What an employer attests of a qualified home helper, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HomeHelpValues {
    pub(crate) criterion: String,
    pub(crate) verified_on: String,
}

/// Closure of a situation, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ClosingValues {
    pub(crate) end: String,
    pub(crate) reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CivilDraft", rename_all = "camelCase")]
struct CivilForm {
    #[serde(default)]
    civilite: String,
    #[serde(default)]
    sexe: String,
    #[serde(default)]
    nom_famille: String,
    #[serde(default)]
    nom_usage: String,
    #[serde(default)]
    prenom1: String,
    #[serde(default)]
    prenom2: String,
    #[serde(default)]
    prenom3: String,
    #[serde(default)]
    prenoms4plus: String,
    #[serde(default)]
    date_naissance: String,
    #[serde(default)]
    date_incomplete: bool,
    #[serde(default)]
    pays_naissance: String,
    #[serde(default)]
    commune_naissance: String,
    #[serde(default)]
    ville_naissance_etr: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ContactDraft", rename_all = "camelCase")]
struct ContactForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    mobile: String,
    #[serde(default)]
    sans_mobile: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SituationDraft", rename_all = "camelCase")]
struct SituationForm {
    #[serde(default)]
    nom_exercice: String,
    #[serde(default)]
    prenom_exercice: String,
    #[serde(default)]
    structure: String,
    #[serde(default)]
    profession: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    mode_exercice: String,
    #[serde(default)]
    date_debut: String,
    #[serde(default)]
    date_fin: String,
    #[serde(default)]
    categorie: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    critere: String,
    #[serde(default)]
    verifie: bool,
    #[serde(default)]
    date_verification: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ClosingDraft", rename_all = "camelCase")]
struct ClosingForm {
    #[serde(default)]
    date_fin: String,
    #[serde(default)]
    motif: String,
}

impl From<CivilStatus> for CivilValues {
    fn from(c: CivilStatus) -> Self {
        Self {
            civility: c.civility,
            sex: c.sex,
            family_name: c.family_name,
            usage_name: c.usage_name,
            given_names: c.given_names,
            birth: c.birth.day.to_string(),
            country: c.country,
            commune: c.commune,
            town: c.town,
        }
    }
}

impl From<CheckedContact> for ContactValues {
    fn from(c: CheckedContact) -> Self {
        Self { email: c.email, mobile: c.mobile }
    }
}

impl From<HomeHelpAttestation> for HomeHelpValues {
    fn from(attested: HomeHelpAttestation) -> Self {
        Self { criterion: attested.criterion.key().to_owned(), verified_on: attested.verified_on.to_string() }
    }
}

impl SituationValues {
    /// A checked situation in a structure.
    pub(crate) fn of(typed: TypedSituation, structure: &str) -> Self {
        Self {
            name: typed.name,
            given_name: typed.given_name,
            structure: structure.to_owned(),
            profession: typed.profession,
            role: typed.role,
            mode: typed.mode,
            from: typed.from.to_string(),
            until: typed.until.map(|day| day.to_string()).unwrap_or_default(),
            category: typed.category,
            service: typed.service,
            home_help: None,
        }
    }

    /// First day.
    pub(crate) fn first_day(&self) -> Day {
        parse_iso(&self.from).unwrap_or(Day::MIN)
    }
}

impl CivilValues {
    /// The traits that are compared.
    pub(crate) fn traits(&self) -> IdentityTraits {
        IdentityTraits {
            family_name: self.family_name.clone(),
            other_names: Some(self.usage_name.clone()).into_iter().filter(|name| !name.is_empty()).collect(),
            given_names: self.given_names.clone(),
            birth: parse_iso(&self.birth),
            place: BirthPlace { commune: self.commune.clone(), country: self.country.clone(), town: self.town.clone() },
            sex: self.sex.clone(),
            contacts: Vec::new(),
        }
    }

    /// What two requests about one person share (G-uniq), and what the lock of the processing is named after (§6.5).
    pub(crate) fn identity(&self) -> [String; 4] {
        let given = self.given_names.first().map(|name| norm(name)).unwrap_or_default();
        [norm(&self.family_name), given, self.birth.clone(), self.sex.clone()]
    }

    /// Place of birth, as it is written in the civil status.
    fn place(&self) -> String {
        if self.commune.is_empty() {
            return self.town.clone();
        }
        let geography = annuaire_workflow::communes::CommuneIndex::embedded();
        let birth = parse_iso(&self.birth);
        geography.of_birth(&self.commune, birth).map(|commune| commune.name).unwrap_or_default()
    }

    /// The civil status as the registry keeps it, in a state of certification since a day.
    pub(crate) fn recorded(&self, state: CertificationState, since: Day) -> EtatCivil {
        EtatCivil {
            nom_famille: self.family_name.clone(),
            prenoms: self.given_names.clone(),
            sexe_administratif: self.sex.clone(),
            date_naissance: self.birth.clone(),
            commune_naissance: self.commune.clone(),
            pays_naissance: self.country.clone(),
            lieu_naissance: self.place(),
            statut: state.code().to_owned(),
            date_effet: since.to_string(),
            ..Default::default()
        }
    }
}

impl ContactValues {
    /// The contact as the registry keeps it.
    pub(crate) fn recorded(&self) -> Coordonnees {
        Coordonnees {
            courriel: self.email.clone(),
            telephones: Some(self.mobile.clone()).into_iter().filter(|mobile| !mobile.is_empty()).collect(),
            ..Default::default()
        }
    }
}
