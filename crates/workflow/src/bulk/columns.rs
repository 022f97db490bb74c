//! The columns as data.

use crate::coded::coded;
use crate::request::{LegalStatement, VerificationMethod};

coded! {
    /// What a line asks for.
    BulkAction;
    /// Every action, the default first.
    ALL;
    /// What the column `action` holds.
    code;
    /// What people call it.
    label;
    Create "CREER" "enregistrer une personne";
    Add "AJOUTER" "ajouter une situation à une personne enregistrée";
    Change "MODIFIER" "modifier une situation";
    Close "FERMER" "fermer une situation";
}

coded! {
    /// How the employer verified the identity.
    BulkVerification;
    /// Every answer.
    ALL;
    /// What the column `identite_verifiee` holds.
    code;
    /// What people call it.
    label;
    FaceToFace "FACE_A_FACE" "vue en face à face";
    HrDocument "DOCUMENT_RH" "pièce d'identité déjà vérifiée à l'embauche";
    FranceConnect "FRANCECONNECT" "FranceConnect";
    Unverified "NON" "non vérifiée";
}

impl BulkVerification {
    /// The legal statement that a manager makes for a line, once they confirm the list.
    #[must_use]
    pub const fn statement(self, confirmed: bool) -> LegalStatement {
        let method = match self {
            Self::FaceToFace | Self::Unverified => None,
            Self::HrDocument => Some(VerificationMethod::CheckedAtHiring),
            Self::FranceConnect => Some(VerificationMethod::FranceConnect),
        };
        LegalStatement { confirmed, face_to_face: matches!(self, Self::FaceToFace), method }
    }
}

coded! {
    /// A column of the file.
    BulkColumn;
    /// Every column, in the order of the template.
    ALL;
    /// Its name in the header.
    header;
    /// What it holds, for people who fill it in.
    help;
    Reference "ref_externe" "Référence de la ligne dans votre logiciel (64 caractères au plus). Un second envoi de la même référence met à jour la demande ouverte.";
    Action "action" "CREER (par défaut), AJOUTER, MODIFIER ou FERMER.";
    Rpps "rpps" "Numéro RPPS, si la personne est déjà enregistrée.";
    Civility "civilite" "M ou MME.";
    Sex "sexe" "F ou M.";
    FamilyName "nom_famille" "Nom de famille, tel qu'à l'état civil.";
    UsageName "nom_usage" "Nom d'usage, s'il diffère.";
    GivenName "prenom" "Premier prénom de l'état civil.";
    GivenName2 "prenom2" "Deuxième prénom.";
    GivenName3 "prenom3" "Troisième prénom.";
    Birth "date_naissance" "JJ/MM/AAAA ou AAAA-MM-JJ.";
    BirthCountry "pays_naissance" "Code officiel géographique ou nom du pays ; France par défaut.";
    BirthCommuneCode "commune_naissance_insee" "Code INSEE de la commune de naissance, de préférence au nom.";
    BirthCommune "commune_naissance" "Nom de la commune de naissance ; à l'étranger, la ville.";
    Email "email" "Adresse email personnelle.";
    Mobile "mobile" "Téléphone mobile à 10 chiffres, en texte pour garder le zéro.";
    Finess "finess" "Numéro FINESS de la structure d'exercice, dans votre périmètre.";
    Siret "siret" "Numéro SIRET, pour une structure sans FINESS.";
    Profession "profession" "Code de la profession.";
    Role "role" "Code du rôle dans l'établissement.";
    Mode "mode" "Code du mode d'exercice : S, L, B ou I.";
    Category "categorie" "Code de la catégorie : C, E ou M ; calculée si elle est vide.";
    PracticeName "nom_exercice" "Nom d'exercice ; par défaut, nom d'usage ou nom de famille.";
    PracticeGivenName "prenom_exercice" "Prénom d'exercice ; par défaut, premier prénom.";
    Start "date_debut" "Date de prise de fonction : JJ/MM/AAAA ou AAAA-MM-JJ.";
    End "date_fin" "Date de fin de fonction, si elle est connue.";
    EndReason "motif_fin" "Code du motif de fin, pour FERMER.";
    Verification "identite_verifiee" "FACE_A_FACE, DOCUMENT_RH, FRANCECONNECT ou NON.";
    Information "information_faite" "OUI, une fois le professionnel informé des conditions et de ses droits.";
}

/// Whether a column is to be filled in for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnNeed {
    /// It is.
    Required,
    /// It is, or the other one of a pair.
    OneOfTwo,
    /// It may be.
    Optional,
    /// It is not looked at.
    Unused,
}

impl ColumnNeed {
    /// The word in tables.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Required => "oui",
            Self::OneOfTwo => "l'une des deux",
            Self::Optional => "non",
            Self::Unused => "—",
        }
    }
}

impl BulkColumn {
    /// Whether the column is to be filled in for an action.
    #[must_use]
    pub const fn need(self, action: BulkAction) -> ColumnNeed {
        use ColumnNeed::{OneOfTwo, Optional, Required, Unused};
        let create = matches!(action, BulkAction::Create);
        match self {
            Self::Reference | Self::Action => Optional,
            Self::Rpps if create => Optional,
            Self::Rpps | Self::Verification | Self::Information => Required,
            Self::Finess | Self::Siret => OneOfTwo,
            Self::Civility | Self::Sex | Self::FamilyName | Self::GivenName | Self::Birth | Self::Email | Self::Mobile => {
                if create {
                    Required
                } else {
                    Unused
                }
            }
            Self::UsageName | Self::GivenName2 | Self::GivenName3 | Self::BirthCountry => {
                if create {
                    Optional
                } else {
                    Unused
                }
            }
            Self::BirthCommuneCode | Self::BirthCommune => {
                if create {
                    OneOfTwo
                } else {
                    Unused
                }
            }
            Self::Profession | Self::Role | Self::Mode | Self::Start => match action {
                BulkAction::Create | BulkAction::Add => Required,
                BulkAction::Change => Optional,
                // Two situations in one structure are told apart by them.
                BulkAction::Close if matches!(self, Self::Profession | Self::Role) => Optional,
                BulkAction::Close => Unused,
            },
            Self::Category | Self::PracticeName | Self::PracticeGivenName => match action {
                BulkAction::Close => Unused,
                _ => Optional,
            },
            Self::End => match action {
                BulkAction::Close => Required,
                _ => Optional,
            },
            Self::EndReason => match action {
                BulkAction::Close => Required,
                _ => Unused,
            },
        }
    }

    /// The rule of the reference that its values follow; empty where a list or this module is the rule.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Rpps => "V-RPPS",
            Self::FamilyName | Self::UsageName | Self::GivenName | Self::GivenName2 | Self::GivenName3 => "V-NAME",
            Self::PracticeName | Self::PracticeGivenName => "V-NAME",
            Self::Birth => "V-DOB",
            Self::BirthCommuneCode | Self::BirthCommune => "V-COMMUNE",
            Self::Email => "V-EMAIL",
            Self::Mobile => "V-MOBILE",
            Self::Finess => "V-FINESS",
            Self::Siret => "V-SIRET",
            Self::Role => "V-ROLE",
            Self::Start => "V-START",
            Self::End => "V-END",
            _ => "",
        }
    }

    /// The column that a field of the form comes from.
    #[must_use]
    pub fn of_field(field: &str) -> Option<Self> {
        Some(match field {
            "rpps" => Self::Rpps,
            "civilite" => Self::Civility,
            "sexe" => Self::Sex,
            "nomFamille" => Self::FamilyName,
            "nomUsage" => Self::UsageName,
            "prenom1" => Self::GivenName,
            "prenom2" => Self::GivenName2,
            "prenom3" => Self::GivenName3,
            "dateNaissance" => Self::Birth,
            "paysNaissance" => Self::BirthCountry,
            "communeNaissance" | "villeNaissanceEtr" => Self::BirthCommune,
            "email" => Self::Email,
            "mobile" => Self::Mobile,
            "structure" => Self::Finess,
            "profession" => Self::Profession,
            "role" => Self::Role,
            "modeExercice" => Self::Mode,
            "categorie" => Self::Category,
            "nomExercice" => Self::PracticeName,
            "prenomExercice" => Self::PracticeGivenName,
            "dateDebut" => Self::Start,
            "dateFin" => Self::End,
            "motif" => Self::EndReason,
            _ => return None,
        })
    }
}
