//! The document of activities: what a legal person is authorised to do, and what its establishments carry out.

use super::pieces::{AUTHORISED, CARRIED_OUT, FinessPiece, NO_LEVEL, Oddities, piece};
use super::records::{ActivityJson, CapacityJson, EventJson, PmejJson, day, text};
use annuaire_mos::{Activite, Structure};
use std::collections::{BTreeMap, HashSet};

/// The pieces of the activities of a legal person and of its establishments, and those of their places.
///
/// # Errors
/// Why the record is left out.
pub(super) fn activities(pmej: PmejJson, oddities: &mut Oddities) -> Result<Vec<FinessPiece>, String> {
    let ej = text(pmej.numero);
    if ej.is_empty() {
        return Err("a legal entity without FINESS number".into());
    }
    let mut pieces = Vec::new();
    let mut places: BTreeMap<&'static str, HashSet<String>> = BTreeMap::new();
    for a in pmej.activites_autorisees.unwrap_or_default() {
        let (a, _) = activity(a, &ej, oddities)?;
        places.entry(source_of(&a.nature)).or_default().insert(String::new());
        pieces.push((source_of(&a.nature), format!("AC:{}", a.id), piece(AUTHORISED, &a)));
    }
    for ege in pmej.ege.unwrap_or_default() {
        let eg = text(ege.num_finess_ege);
        for a in ege.activites_exercees.unwrap_or_default() {
            let (a, authorised) = activity(a, &eg, oddities)?;
            places.entry(source_of(&a.nature)).or_default().insert(eg.clone());
            let key = if authorised.is_empty() { a.id.clone() } else { authorised };
            pieces.push((source_of(&a.nature), format!("AC:{key}"), piece(CARRIED_OUT, &a)));
        }
    }
    add_places(&ej, places, &mut pieces);
    Ok(pieces)
}

/// Adds the places of activities, by source; the empty number stands for the legal entity `ej`. The places exist even when the
/// document of structures is not imported: no reference may dangle.
fn add_places(ej: &str, places: BTreeMap<&'static str, HashSet<String>>, pieces: &mut Vec<FinessPiece>) {
    let legal_entity = || Structure {
        id_technique: format!("F{ej}"),
        entite_juridique: true,
        id_nat_struct: format!("1{ej}"),
        num_finess: ej.to_owned(),
        ..Default::default()
    };
    let mut add = |source, s: Structure| pieces.push((source, format!("ST:{}", s.id_technique), piece(NO_LEVEL, &s)));
    for (source, numbers) in places {
        for number in numbers {
            if number.is_empty() {
                add(source, legal_entity());
                continue;
            }
            add(
                source,
                Structure {
                    id_technique: format!("F{number}"),
                    id_nat_struct: format!("1{number}"),
                    num_finess: number,
                    num_finess_ej: ej.to_owned(),
                    ..Default::default()
                },
            );
            add(source, legal_entity());
        }
    }
}

/// One activity and the key of the authorisation it carries out.
fn activity(a: ActivityJson, finess: &str, oddities: &mut Oddities) -> Result<(Activite, String), String> {
    let g = a.caracteristiques_generiques.unwrap_or_default();
    let id = text(g.activite_ae_id);
    if id.is_empty() {
        return Err("an activity without activiteAeId".into());
    }
    let nature = a.nature.unwrap_or_default();
    let code = text(nature.code_nature);
    let specific = nature.caracteristiques_specifiques.unwrap_or_default();
    let field = |m: &serde_json::Map<String, serde_json::Value>, names: &[&str]| {
        names.iter().find_map(|n| m.get(*n)?.as_str()).unwrap_or_default().trim().to_owned()
    };
    if code == "ASMR" {
        oddities.count("AMSR under its former name ASMR");
    }
    let empty = serde_json::Map::new();
    let kind = specific.iter().find(|(k, _)| k.starts_with("typeActivite")).and_then(|(_, v)| v.as_object()).unwrap_or(&empty);
    let age = |name: &str| {
        // 0 stands for not given, and a year for a mistake.
        let text = field(&specific, &[name]);
        text.parse::<u32>().ok().filter(|n| (1..=120).contains(n)).map(|n| n.to_string()).unwrap_or_default()
    };
    if ["ageMinAutorise", "ageMaxAutorise", "ageMinInstalle", "ageMaxInstalle"].iter().any(|n| field(&specific, &[n]).len() == 4)
    {
        oddities.count("age that is a year");
    }
    let events = a.evenement.unwrap_or_default();
    let operation = operation_day(&events);
    let sums = capacity_sums(a.capacite.as_deref().unwrap_or_default(), oddities);
    let activity = Activite {
        num_finess: finess.to_owned(),
        inactive: text(g.etat_objet) == "I",
        num_autorisation_arhgos: text(g.num_autorisation_arhgos),
        activite: field(
            kind,
            &[
                "activiteAMF",
                "activiteAMM",
                "activiteSanitaireRegulee",
                "activiteSanitaireDiverseRegulee",
                "activiteSocialeRegulee",
                "activiteEnseignementRegulee",
                "typeEmlId",
            ],
        ),
        modalite: field(kind, &["modaliteActivite", "modaliteAMM"]),
        forme: field(kind, &["formeActivite", "mentionAMM", "modeFonctionnement"]),
        public: field(kind, &["public"]),
        marque: field(&specific, &["marque"]),
        numero_serie: field(&specific, &["numeroSerie"]),
        date_autorisation: day(g.date_debut_activite_autorisee),
        date_mise_en_oeuvre: operation,
        date_fin: day(g.date_fin_effective_activite.or(g.date_fin_activite_autorisee).or(g.date_caducite_autorisation)),
        date_maj: events.iter().filter_map(|e| e.date_enregistrement.clone()).max().map(|d| day(Some(d))).unwrap_or_default(),
        age_min: age("ageMinAutorise"),
        age_max: age("ageMaxAutorise"),
        capacite: sums.get(&("authorised", false)).copied(),
        capacite_habilitee: sums.get(&("authorised", true)).copied(),
        capacite_installee: sums.get(&("installed", false)).copied(),
        capacite_installee_habilitee: sums.get(&("installed", true)).copied(),
        date_installation: String::new(),
        nature: code,
        id,
    };
    Ok((activity, text(g.identifiant_autorisation)))
}

/// The day on which the activity began: that of the newest of the events 012 and 015, when it is a 012.
fn operation_day(events: &[EventJson]) -> String {
    let padded = |e: &EventJson| format!("{:0>3}", e.code_evenement.as_deref().unwrap_or_default());
    let newest = events
        .iter()
        .filter(|e| matches!(padded(e).as_str(), "012" | "015"))
        .max_by(|x, y| (&x.date_evenement, &x.date_enregistrement).cmp(&(&y.date_evenement, &y.date_enregistrement)));
    newest.filter(|e| padded(e) == "012").map(|e| day(e.date_evenement.clone())).unwrap_or_default()
}

/// Sums of places, authorised or installed, without and with habilitation.
type CapacitySums = BTreeMap<(&'static str, bool), u32>;

fn capacity_sums(capacities: &[CapacityJson], oddities: &mut Oddities) -> CapacitySums {
    let mut sums = CapacitySums::new();
    for c in capacities {
        // Lines with financing, housing or gender are details of the same total.
        if c.mode_financement.is_some() || c.type_logement.is_some() || c.genre.is_some() {
            oddities.count("capacity detail, not summed");
            continue;
        }
        let status = match c.statut_capacite.as_deref() {
            Some("09" | "01") => "authorised",
            Some("08") => "installed",
            _ => continue,
        };
        let places = text(c.nombre.clone()).parse::<u32>().unwrap_or(0);
        let sum = sums.entry((status, c.habilitation.is_some())).or_default();
        *sum = sum.saturating_add(places);
    }
    sums
}

/// The source of an activity by nature.
fn source_of(nature: &str) -> &'static str {
    match nature {
        "EML" => "finess-eml",
        "AMF" | "AMM" | "AASA" | "ASR" => "finess-as",
        _ => "finess-soc",
    }
}
