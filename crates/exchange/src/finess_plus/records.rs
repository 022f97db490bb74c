//! The records of the FINESS+ documents, as they are written.

use annuaire_base::date::PartialDate;
use serde::Deserialize;

/// A text that a document may leave out or set to null.
pub(super) type JsonText = Option<String>;

/// The text without white space around it; empty when it is absent.
pub(super) fn text(t: JsonText) -> String {
    t.map(|t| t.trim().to_owned()).unwrap_or_default()
}

/// The text without white space around it, borrowed.
pub(super) fn trimmed(t: &JsonText) -> &str {
    t.as_deref().unwrap_or_default().trim()
}

/// The day of a date, which comes as a day or as a date-time in two notations.
pub(super) fn day(t: JsonText) -> String {
    let t = text(t);
    PartialDate::parse(t.get(..10).unwrap_or(&t)).map(|d| d.to_string()).unwrap_or_default()
}

/// Structs whose members are all optional, in the spelling of the documents.
macro_rules! shape {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $ty:ty,)* })*) => {
        $(#[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        pub(super) struct $name { $($(#[$meta])* pub(super) $field: $ty,)* })*
    };
}

shape! {
    PmejJson {
        #[serde(rename = "informationsGeneralesPMEJ")]
        informations_generales_p_m_e_j: Option<GeneralEjJson>,
        adresse: Option<Vec<AddressJson>>,
        contact: Option<Vec<ContactJson>>,
        etat_objet: JsonText,
        date_derniere_maj: JsonText,
        ege: Option<Vec<EgeJson>>,
        // Activities document.
        #[serde(rename = "numFiness")]
        numero: JsonText,
        pm_smsse_id: JsonText,
        activites_autorisees: Option<Vec<ActivityJson>>,
    }
    GeneralEjJson {
        pm_smsse_id: JsonText,
        num_finess_pm: JsonText,
        siren: JsonText,
        denomination_pm: JsonText,
        denomination_longue_pm_smsse: JsonText,
        code_ape: JsonText,
        date_creation: JsonText,
        date_fermeture: JsonText,
        statut_juridique: JsonText,
    }
    EgeJson {
        #[serde(rename = "informationsGeneralesEGE")]
        informations_generales_e_g_e: Option<GeneralEgJson>,
        #[serde(rename = "categorieentiteGeographiqueExercice")]
        categorie: JsonText,
        modefixationtarifaire: JsonText,
        type_budget: Option<Vec<String>>,
        adresse: Option<Vec<AddressJson>>,
        contact: Option<Vec<ContactJson>>,
        etat_objet: JsonText,
        date_derniere_maj: JsonText,
        num_finess_ege: JsonText,
        activites_exercees: Option<Vec<ActivityJson>>,
    }
    GeneralEgJson {
        num_finess_ege: JsonText,
        siret: JsonText,
        nom_ege_court: JsonText,
        nom_ege_long: JsonText,
        date_ouverture: JsonText,
        date_fermeture: JsonText,
        date_premiere_autorisation: JsonText,
        numero_education_nationale: JsonText,
        espic: Option<Vec<String>>,
    }
    AddressJson {
        usage_adresse: JsonText,
        numero_voie: JsonText,
        type_voie: JsonText,
        libelle_voie: JsonText,
        complement_voie: JsonText,
        complement_point_geographique: JsonText,
        lieu_dit: JsonText,
        cog_commune: JsonText,
        ligne_acheminement: JsonText,
        code_postal: JsonText,
        coordonnees_geographique: Option<CoordinatesJson>,
    }
    CoordinatesJson {
        #[serde(rename = "coordonneeX")]
        coordonnee_x: JsonText,
        #[serde(rename = "coordonneeY")]
        coordonnee_y: JsonText,
        direction_latitude: JsonText,
        direction_longitude: JsonText,
        #[serde(rename = "scoreBAN")]
        score_ban: JsonText,
    }
    ContactJson { telecom: Option<TelecomJson>, }
    TelecomJson { telephone: JsonText, telecopie: JsonText, courriel: JsonText, }
    ActivityJson {
        caracteristiques_generiques: Option<GeneralJson>,
        nature: Option<NatureJson>,
        evenement: Option<Vec<EventJson>>,
        capacite: Option<Vec<CapacityJson>>,
    }
    GeneralJson {
        activite_ae_id: JsonText,
        etat_objet: JsonText,
        identifiant_autorisation: JsonText,
        num_autorisation_arhgos: JsonText,
        date_debut_activite_autorisee: JsonText,
        date_fin_activite_autorisee: JsonText,
        date_fin_effective_activite: JsonText,
        date_caducite_autorisation: JsonText,
    }
    NatureJson { code_nature: JsonText, caracteristiques_specifiques: Option<serde_json::Map<String, serde_json::Value>>, }
    EventJson { date_evenement: JsonText, date_enregistrement: JsonText, code_evenement: JsonText, }
    CapacityJson {
        nombre: JsonText,
        statut_capacite: JsonText,
        habilitation: JsonText,
        mode_financement: JsonText,
        type_logement: JsonText,
        genre: JsonText,
    }
    GroupJson {
        gcc_id: JsonText,
        nom_gcc: JsonText,
        type_gcc: JsonText,
        gcc_identifiant_externe: JsonText,
        num_finess_gcc: JsonText,
        pmej_du_gcc: Option<Vec<MemberJson>>,
        etat_objet: JsonText,
        // Groups with personality.
        pm_smsse_id: JsonText,
        type_gco: JsonText,
        pmej_du_gco: Option<Vec<MemberJson>>,
    }
    MemberJson { pm_smsse_id: JsonText, }
}
