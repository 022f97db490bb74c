//! What the API has, in words: resources and their search parameters.

use annuaire_fhir::schema::PUBLIC_TYPES;

/// Path of the API that browsers find.
pub(crate) const API: &str = "/fhir/v2";

/// A resource of the public perimeter in words.
pub(crate) struct ResourceWords {
    /// Its type.
    pub ty: &'static str,
    pub french: &'static str,
    pub english: &'static str,
}

/// All of them, from persons to places.
pub(crate) const RESOURCES: [ResourceWords; PUBLIC_TYPES] = [
    ResourceWords {
        ty: "Practitioner",
        french: "Un professionnel dans une profession : nom d’exercice, numéro, diplômes et savoir-faire, cartes, messageries.",
        english: "A professional in one profession: name, number, qualifications, cards, mailboxes.",
    },
    ResourceWords {
        ty: "PractitionerRole",
        french: "Une situation d’exercice : où et comment un professionnel exerce.",
        english: "Where and how a professional practises.",
    },
    ResourceWords {
        ty: "Organization",
        french: "Une structure : entité juridique, établissement, cabinet, pharmacie.",
        english: "A structure: legal entity, facility, practice, pharmacy.",
    },
    ResourceWords {
        ty: "HealthcareService",
        french: "Une activité de soins ou un équipement social d’une structure.",
        english: "A care activity or a social equipment of a structure.",
    },
    ResourceWords {
        ty: "Device",
        french: "Un équipement matériel lourd d’une structure.",
        english: "Heavy equipment of a structure.",
    },
];

/// The words of a type; `None` for a type that is not public.
pub(crate) fn resource(ty: &str) -> Option<&'static ResourceWords> {
    RESOURCES.iter().find(|words| words.ty == ty)
}

/// What a search parameter looks for; empty for one that is not known here, which a test refuses.
pub(crate) fn parameter(ty: &str, name: &str) -> &'static str {
    match (ty, name) {
        (_, "_id") => "Identifiant technique",
        (_, "_lastUpdated") => "Date de mise à jour",
        (_, "_profile") => "Profil",
        ("Practitioner", "name") => "Nom ou prénom",
        (_, "name") => "Nom",
        (_, "active") => "Actif",
        (_, "identifier") => "Numéro",
        (_, "identifier-type") => "Type de numéro",
        (_, "family") => "Nom d’exercice",
        (_, "given") => "Prénom d’exercice",
        (_, "phonetic") => "Nom ou prénom, comme il se prononce",
        (_, "mailbox-mss") => "Messagerie sécurisée",
        (_, "mailbox-mss-type") => "Type de messagerie",
        (_, "number-smartcard") => "Numéro de carte",
        (_, "type-smartcard") => "Type de carte",
        (_, "qualification-code") => "Profession, savoir-faire ou diplôme",
        (_, "data-information-system") => "Système d’information d’origine",
        (_, "data-registration-authority") => "Autorité d’enregistrement",
        (_, "practitioner") => "Professionnel",
        (_, "organization") => "Structure",
        (_, "role") => "Fonction, mode ou genre d’activité",
        (_, "address") => "Adresse",
        (_, "address-city") => "Commune",
        (_, "address-postalcode") => "Code postal",
        (_, "address-line") => "Voie",
        (_, "address-insee") => "Code INSEE de la commune",
        (_, "partof") => "Structure de rattachement",
        (_, "pharmacy-licence") => "Licence de pharmacie",
        ("Organization", "type") => "Catégorie ou secteur d’activité",
        (_, "type") => "Type",
        (_, "manufacturer") => "Fabricant",
        (_, "model") => "Modèle",
        (_, "status") => "État",
        (_, "characteristic") => "Forme d’activité ou clientèle",
        (_, "service-category") => "Catégorie d’activité",
        (_, "service-type") => "Activité ou discipline",
        (_, "period") => "Période d’ouverture",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_fhir::schema::{PARAMS, TYPES};

    #[test]
    fn every_public_type_and_parameter_has_its_words() {
        for ty in &TYPES[..PUBLIC_TYPES] {
            assert!(resource(ty).is_some(), "{ty}");
            for param in PARAMS.iter().filter(|param| param.is_of(ty)) {
                assert!(!parameter(ty, param.name).is_empty(), "{ty}?{}", param.name);
            }
        }
        assert!(resource("Person").is_none());
    }
}
