//! BodyMembers of the JSON objects that calls bring: one table for the reader and for the OpenAPI document. Names are those of the form.

use crate::problem::{CallFault, HrProblem};
use annuaire_workflow::fields::{CivilDraft, ClosingDraft, ContactDraft, SituationDraft};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{LegalStatement, VerificationMethod};
use serde_json::{Map, Value};

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Text,
    Flag,
    /// A list of texts.
    Texts,
}

/// A member: its name, what it holds, what it is in French.
#[derive(Debug)]
pub(crate) struct FieldSpec(pub(crate) &'static str, pub(crate) MemberKind, pub(crate) &'static str);

use MemberKind::{Flag, Text, Texts};

const ACKNOWLEDGED: FieldSpec = FieldSpec(
    "avertissementsAcquittes",
    Texts,
    "Codes des avertissements acquittés (W-…) ; la demande devra alors être validée par un gestionnaire",
);

/// « Etat civil ».
pub(crate) const CIVIL: &[FieldSpec] = &[
    FieldSpec("civilite", Text, "M ou MME"),
    FieldSpec("sexe", Text, "F ou M"),
    FieldSpec("nomFamille", Text, "Nom de famille"),
    FieldSpec("nomUsage", Text, "Nom d'usage"),
    FieldSpec("prenom1", Text, "Premier prénom"),
    FieldSpec("prenom2", Text, "Deuxième prénom"),
    FieldSpec("prenom3", Text, "Troisième prénom"),
    FieldSpec("prenoms4plus", Text, "Autres prénoms, séparés par des espaces"),
    FieldSpec("dateNaissance", Text, "JJ/MM/AAAA"),
    FieldSpec("dateIncomplete", Flag, "Date de naissance incomplète"),
    FieldSpec("paysNaissance", Text, "Code ou nom du pays"),
    FieldSpec("communeNaissance", Text, "Code INSEE, ou libellé s'il est unique"),
    FieldSpec("villeNaissanceEtr", Text, "Ville de naissance à l'étranger"),
    ACKNOWLEDGED,
];

/// « Données de contact ».
pub(crate) const CONTACT: &[FieldSpec] = &[
    FieldSpec("email", Text, "Adresse de messagerie"),
    FieldSpec("mobile", Text, "Numéro de mobile"),
    FieldSpec("sansMobile", Flag, "Le professionnel n'a pas de mobile"),
    ACKNOWLEDGED,
];

/// « Situation professionnelle ».
pub(crate) const SITUATION: &[FieldSpec] = &[
    FieldSpec("nomExercice", Text, "Nom d'exercice"),
    FieldSpec("prenomExercice", Text, "Prénom d'exercice"),
    FieldSpec("structure", Text, "FINESS ou SIRET"),
    FieldSpec("profession", Text, "Code de la liste profession"),
    FieldSpec("role", Text, "Code de la liste role"),
    FieldSpec("modeExercice", Text, "Code de la liste modeExercice"),
    FieldSpec("dateDebut", Text, "Date de prise de fonction, JJ/MM/AAAA"),
    FieldSpec("dateFin", Text, "Date de fin prévue, JJ/MM/AAAA"),
    FieldSpec("categorie", Text, "Code de la liste categorie ; déduit s'il est vide"),
    FieldSpec("service", Text, "Service"),
    FieldSpec("critere", Text, "certification ou experience (profession 371)"),
    FieldSpec("verifie", Flag, "Justificatifs vérifiés (profession 371)"),
    FieldSpec("dateVerification", Text, "Date de la vérification, JJ/MM/AAAA (profession 371)"),
    ACKNOWLEDGED,
];

/// « Fermer la situation ».
pub(crate) const CLOSING: &[FieldSpec] = &[
    FieldSpec("dateFin", Text, "Date de fin de fonction, JJ/MM/AAAA"),
    FieldSpec("motif", Text, "Code de la liste motif"),
    ACKNOWLEDGED,
];

/// A new request.
pub(crate) const BEGIN: &[FieldSpec] = &[
    FieldSpec("structure", Text, "FINESS ou SIRET de la structure, dans le périmètre"),
    FieldSpec("type", Text, "PRIMO (par défaut), AJOUT, MODIF, FIN ou CIVIL"),
    FieldSpec("rpps", Text, "Numéro RPPS, sauf pour PRIMO"),
    FieldSpec("situation", Text, "Identifiant de la situation, pour MODIF et FIN : voyez /situations"),
];

/// « Informations légales au professionnel ».
pub(crate) const LEGAL: &[FieldSpec] = &[
    FieldSpec("confirmation", Flag, "L'exactitude et l'information du professionnel sont confirmées"),
    FieldSpec("faceAFace", Flag, "L'identité a été vérifiée en face à face"),
    FieldSpec("methode", Text, "FRANCECONNECT, DOCUMENT_RH ou AUTRE, sans face à face"),
];

/// The sections of the form by the name of their address.
pub(crate) const SECTIONS: &[(&str, &[FieldSpec])] =
    &[("civil", CIVIL), ("contact", CONTACT), ("situation", SITUATION), ("fermeture", CLOSING)];

/// An object that was read: each member has the kind that its table says.
pub(crate) struct BodyMembers(Map<String, Value>);

impl BodyMembers {
    /// Reads a body; an empty one is an empty object.
    pub(crate) fn read(body: &[u8], specs: &[FieldSpec]) -> Result<Self, HrProblem> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Err(CallFault::Json.into()) };
        let sound = |name: &str, value: &Value| match specs.iter().find(|spec| spec.0 == name).map(|spec| spec.1) {
            Some(Text) => value.is_string() || value.is_null(),
            Some(Flag) => value.is_boolean(),
            Some(Texts) => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
            None => false,
        };
        let wrong = members.iter().filter(|(name, value)| !sound(name, value));
        let wrong: Vec<String> = wrong.map(|(name, _)| name.chars().take(40).collect()).collect();
        if wrong.is_empty() { Ok(Self(members)) } else { Err(HrProblem::named(CallFault::Member, &wrong)) }
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The warnings that are acknowledged; a code that is none is refused.
    pub(crate) fn acknowledged(&self) -> Result<Vec<MessageCode>, HrProblem> {
        let all = self.0.get("avertissementsAcquittes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let codes = all.iter().map(|code| code.as_str().filter(|code| code.starts_with("W-")).and_then(MessageCode::parse));
        let codes: Option<Vec<MessageCode>> = codes.collect();
        codes.ok_or_else(|| HrProblem::named(CallFault::Member, &["avertissementsAcquittes".to_owned()]))
    }

    pub(crate) fn civil(&self) -> CivilDraft {
        CivilDraft {
            civilite: self.text("civilite"),
            sexe: self.text("sexe"),
            nom_famille: self.text("nomFamille"),
            nom_usage: self.text("nomUsage"),
            prenom1: self.text("prenom1"),
            prenom2: self.text("prenom2"),
            prenom3: self.text("prenom3"),
            prenoms4plus: self.text("prenoms4plus"),
            date_naissance: self.text("dateNaissance"),
            date_incomplete: self.flag("dateIncomplete"),
            pays_naissance: self.text("paysNaissance"),
            commune_naissance: self.text("communeNaissance"),
            ville_naissance_etr: self.text("villeNaissanceEtr"),
        }
    }

    pub(crate) fn contact(&self) -> ContactDraft {
        ContactDraft { email: self.text("email"), mobile: self.text("mobile"), sans_mobile: self.flag("sansMobile") }
    }

    pub(crate) fn situation(&self) -> SituationDraft {
        SituationDraft {
            nom_exercice: self.text("nomExercice"),
            prenom_exercice: self.text("prenomExercice"),
            structure: self.text("structure"),
            profession: self.text("profession"),
            role: self.text("role"),
            mode_exercice: self.text("modeExercice"),
            date_debut: self.text("dateDebut"),
            date_fin: self.text("dateFin"),
            categorie: self.text("categorie"),
            service: self.text("service"),
            critere: self.text("critere"),
            verifie: self.flag("verifie"),
            date_verification: self.text("dateVerification"),
        }
    }

    pub(crate) fn closing(&self) -> ClosingDraft {
        ClosingDraft { date_fin: self.text("dateFin"), motif: self.text("motif") }
    }

    /// The legal statement.
    pub(crate) fn legal(&self) -> Result<LegalStatement, HrProblem> {
        let method = match self.text("methode").as_str() {
            "" => None,
            "FRANCECONNECT" => Some(VerificationMethod::FranceConnect),
            "DOCUMENT_RH" => Some(VerificationMethod::CheckedAtHiring),
            "AUTRE" => Some(VerificationMethod::Other),
            _ => return Err(HrProblem::named(CallFault::Member, &["methode".to_owned()])),
        };
        Ok(LegalStatement { confirmed: self.flag("confirmation"), face_to_face: self.flag("faceAFace"), method })
    }
}
