//! The document of structures: a legal person with its establishments.

use super::pieces::{FinessPiece, NO_LEVEL, Oddities, piece};
use super::records::{AddressJson, ContactJson, CoordinatesJson, EgeJson, JsonText, PmejJson, day, text};
use annuaire_mos::{Adresse, Position, Structure};

/// The pieces of a legal person and of its establishments.
///
/// # Errors
/// Why the record is left out.
pub(super) fn structures(pmej: PmejJson, oddities: &mut Oddities) -> Result<Vec<FinessPiece>, String> {
    let general = pmej.informations_generales_p_m_e_j.unwrap_or_default();
    let ej = text(general.num_finess_pm);
    if ej.is_empty() {
        return Err("a legal entity without FINESS number".into());
    }
    let mut s = Structure {
        id_technique: format!("F{ej}"),
        entite_juridique: true,
        num_finess: ej.clone(),
        id_nat_struct: format!("1{ej}"),
        num_siren: text(general.siren),
        raison_sociale: counted_text(general.denomination_pm, oddities),
        enseigne_commerciale: counted_text(general.denomination_longue_pm_smsse, oddities),
        code_ape: text(general.code_ape),
        statut_juridique: text(general.statut_juridique),
        date_ouverture: day(general.date_creation),
        date_fermeture: day(general.date_fermeture),
        date_maj: day(pmej.date_derniere_maj),
        ..Default::default()
    };
    if s.code_ape.len() == 5 {
        oddities.count("class of the former NAF");
    }
    common(&mut s, pmej.etat_objet, pmej.adresse, pmej.contact, oddities);
    let mut pieces = vec![("finess-ej", format!("ST:{}", s.id_technique), piece(NO_LEVEL, &s))];
    for ege in pmej.ege.unwrap_or_default() {
        let s = establishment(ege, &ej, oddities)?;
        pieces.push(("finess-eg", format!("ST:{}", s.id_technique), piece(NO_LEVEL, &s)));
    }
    Ok(pieces)
}

/// An establishment of the legal entity `ej`.
fn establishment(ege: EgeJson, ej: &str, oddities: &mut Oddities) -> Result<Structure, String> {
    let general = ege.informations_generales_e_g_e.unwrap_or_default();
    let number = text(general.num_finess_ege);
    if number.is_empty() {
        return Err(format!("an establishment of {ej} without FINESS number"));
    }
    let mut s = Structure {
        id_technique: format!("F{number}"),
        num_finess: number.clone(),
        num_finess_ej: ej.to_owned(),
        id_nat_struct: format!("1{number}"),
        num_siret: text(general.siret),
        num_uai: text(general.numero_education_nationale),
        raison_sociale: counted_text(general.nom_ege_court, oddities),
        enseigne_commerciale: counted_text(general.nom_ege_long, oddities),
        categorie_etablissement: text(ege.categorie),
        participation_sph: general.espic.unwrap_or_default().into_iter().next().unwrap_or_default(),
        mode_fixation_tarifaire: text(ege.modefixationtarifaire),
        types_budget: ege.type_budget.unwrap_or_default(),
        date_ouverture: day(general.date_ouverture),
        date_fermeture: day(general.date_fermeture),
        date_autorisation: day(general.date_premiere_autorisation),
        date_maj: day(ege.date_derniere_maj),
        ..Default::default()
    };
    if s.num_siret.is_empty() {
        oddities.count("establishment without SIRET");
    }
    common(&mut s, ege.etat_objet, ege.adresse, ege.contact, oddities);
    Ok(s)
}

/// Reads what legal entities and establishments write alike: state, address and contacts.
fn common(
    s: &mut Structure,
    state: JsonText,
    addresses: Option<Vec<AddressJson>>,
    contacts: Option<Vec<ContactJson>>,
    oddities: &mut Oddities,
) {
    s.ferme = text(state) == "I" || !s.date_fermeture.is_empty();
    if s.ferme {
        oddities.count("closed entity");
    }
    let addresses = addresses.unwrap_or_default();
    // The place of activity (03), else the head office (02), else the first (source-files §9, 5).
    let of = |code: &str| addresses.iter().position(|a| a.usage_adresse.as_deref() == Some(code));
    let at = of("03").or_else(|| of("02")).unwrap_or(0);
    if at > 0 {
        oddities.count("address of use that is not the first");
    }
    if let Some(a) = addresses.into_iter().nth(at) {
        s.adresse = address(a, oddities);
    }
    for telecom in contacts.unwrap_or_default().into_iter().filter_map(|c| c.telecom) {
        let phones = two_numbers(&text(telecom.telephone));
        if phones.len() > 1 {
            oddities.count("phone field with two numbers");
        }
        s.telephones.extend(phones);
        if s.telecopie.is_empty() {
            s.telecopie = text(telecom.telecopie);
        }
        if s.courriel.is_empty() {
            s.courriel = text(telecom.courriel);
        }
    }
}

fn address(a: AddressJson, oddities: &mut Oddities) -> Adresse {
    let commune = text(a.cog_commune);
    let position = a.coordonnees_geographique.and_then(|c| position(&c, &commune, oddities));
    let (postal, town) = (text(a.code_postal), text(a.ligne_acheminement));
    Adresse {
        complement_point_geographique: text(a.complement_point_geographique),
        numero_voie: text(a.numero_voie),
        extension: text(a.complement_voie),
        type_voie: counted_text(a.type_voie, oddities).to_uppercase(),
        libelle_voie: counted_text(a.libelle_voie, oddities),
        lieu_dit: text(a.lieu_dit),
        bureau_cedex: [postal.as_str(), &town].join(" ").trim().to_owned(),
        code_postal: postal,
        cog_commune: commune,
        localite: town,
        position,
        ..Default::default()
    }
}

/// The two pairs of a point are exchanged with one another and inside themselves on part of the rows: each value is
/// recognised by its range (source-files §9, 4).
fn position(c: &CoordinatesJson, commune: &str, oddities: &mut Oddities) -> Option<Position> {
    let pair = |a: &JsonText, b: &JsonText| {
        let (a, b) = (a.as_deref()?.trim(), b.as_deref()?.trim());
        Some((a.to_owned(), b.to_owned(), a.parse::<f64>().ok()?, b.parse::<f64>().ok()?))
    };
    let mut p = Position { source: text(c.score_ban.clone()), ..Default::default() };
    let mut odd = false;
    let named = [(false, pair(&c.coordonnee_x, &c.coordonnee_y)), (true, pair(&c.direction_latitude, &c.direction_longitude))];
    for (degrees_expected, found) in named {
        let Some((first, second, a, b)) = found else { continue };
        let degrees = a.abs() <= 180.0 && b.abs() <= 180.0;
        // French latitudes are smaller in absolute value than longitudes overseas, and larger in mainland France.
        let first_is_latitude = (a.abs() > b.abs()) != (commune.starts_with("97") || commune.starts_with("98"));
        // Lambert 93 northings lie in millions; overseas projections too, except that eastings stay below 900 km.
        let first_is_easting = a < b;
        match (degrees, if degrees { first_is_latitude } else { first_is_easting }) {
            (true, true) => (p.latitude, p.longitude) = (first, second),
            (true, false) => (p.latitude, p.longitude) = (second, first),
            (false, true) => (p.x, p.y) = (first, second),
            (false, false) => (p.x, p.y) = (second, first),
        }
        odd |= degrees != degrees_expected || !(if degrees { first_is_latitude } else { first_is_easting });
    }
    if odd {
        oddities.count("coordinates exchanged");
    }
    (!(p.latitude.is_empty() && p.x.is_empty())).then_some(p)
}

/// A text, counted when there is white space around it.
fn counted_text(t: JsonText, oddities: &mut Oddities) -> String {
    if t.as_ref().is_some_and(|t| t.trim() != t) {
        oddities.count("padded text");
    }
    text(t)
}

/// A phone field may hold two numbers, separated in any way.
fn two_numbers(field: &str) -> Vec<String> {
    let digits = field.chars().filter(char::is_ascii_digit).count();
    if digits != 20 {
        return Some(field.to_owned()).into_iter().filter(|f| !f.is_empty()).collect();
    }
    let mut seen = 0;
    let cut = field.char_indices().find(|(_, c)| {
        seen += usize::from(c.is_ascii_digit());
        seen == 11
    });
    let (first, second) = field.split_at(cut.map_or(field.len(), |c| c.0));
    let clean = |s: &str| s.trim_matches(|c: char| !c.is_ascii_digit() && c != '+').to_owned();
    vec![clean(first), clean(second)]
}
