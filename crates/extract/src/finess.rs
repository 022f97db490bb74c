//! Lines of the legacy FINESS files (source-files §7), out of what FINESS, old or new, said of structures and activities.

use crate::labels::{capitals, concept, extra, label};
use crate::national_file::Part;
use crate::place::sixth_line;
use crate::render::{Condition, Described, Reference, Renderer, WaitingLine};
use crate::text_line::{Fragment, SemicolonLine, cut};
use annuaire_mos::{Activite, ActiviteAutorisee, Structure};

/// Section names of the files.
const LEGAL: &str = "structureej";
const PLACE: &str = "structureet";

/// Department and commune as FINESS codes them: an INSEE code of five characters is department and commune in mainland France,
/// and overseas FINESS has departments of its own.
fn commune(insee: &str) -> (String, String) {
    let (Some(department), Some(commune)) = (insee.get(..2), insee.get(2..)) else { return Default::default() };
    let own = match insee.get(..3) {
        // Saint-Barthélemy and Saint-Martin too.
        Some("971" | "977" | "978") => "9A",
        Some("972") => "9B",
        Some("973") => "9C",
        Some("974") => "9D",
        Some("975") => "9E",
        Some("976") => "9F",
        Some("986") => "9J",
        _ => department,
    };
    (own.to_owned(), commune.to_owned())
}

/// The label of a department of FINESS.
fn department_label(insee: &str) -> String {
    let overseas = insee.starts_with("97") || insee.starts_with("98");
    let code = insee.get(..if overseas { 3 } else { 2 }).unwrap_or_default();
    let code = if matches!(code, "977" | "978") { "971" } else { code };
    capitals(label("TRE_G09", code))
}

/// Class of activity without the dot that FINESS+ writes.
fn ape(s: &Structure) -> String {
    s.code_ape.replace('.', "")
}

/// A name that is too long for its column is cut, and stands whole in the column of long names when that one is empty.
fn names(s: &Structure) -> [&str; 2] {
    let short = cut(&s.raison_sociale, 38);
    let long = if s.enseigne_commerciale.is_empty() && short.len() < s.raison_sociale.len() {
        &s.raison_sociale
    } else {
        &s.enseigne_commerciale
    };
    [short, cut(long, 60)]
}

impl Renderer<'_> {
    /// The lines of a structure. Only what FINESS describes is there, and what is closed is not: these files are the stock of
    /// what is open.
    pub(crate) fn finess_structure(&self, s: &Structure, described: Described, add: &mut dyn FnMut(WaitingLine)) {
        let is_wanted = !self.filter.has_professions() && self.filter.wants_structure(s);
        if s.ferme || s.num_finess.is_empty() || !is_wanted {
            return;
        }
        let mut line = |part, text| add(WaitingLine { part, reference: None, condition: Condition::None, text });
        if s.entite_juridique {
            if described.legal_entity && self.wants(Part::LegalEntities) {
                line(Part::LegalEntities, legal_entity_line(s));
            }
            return;
        }
        if described.establishment {
            for part in [Part::Establishments, Part::Positions].into_iter().filter(|p| self.wants(*p)) {
                line(part, establishment_line(s));
            }
        }
        if described.social && self.wants(Part::Social) {
            let mut text = SemicolonLine::new(PLACE);
            text.fields(&[&s.num_finess, &s.num_finess_ej]);
            line(Part::Social, text.into_text());
        }
        if let Some(position) = s.adresse.position.as_ref().filter(|p| !p.x.is_empty())
            && described.establishment
            && self.wants(Part::Positions)
        {
            let mut text = SemicolonLine::new("geolocalisation");
            text.fields(&[&s.num_finess, &position.x, &position.y, &position.source, ""]);
            line(Part::Positions, text.into_text());
        }
    }

    /// The lines of an activity, one for each establishment that carries it out; the number of those that these files have no place
    /// for.
    pub(crate) fn finess_activity(&self, a: &ActiviteAutorisee, add: &mut dyn FnMut(WaitingLine)) -> u64 {
        let mut left_out = 0;
        let asked = [Part::Care, Part::Equipment, Part::Social].into_iter().any(|part| self.wants(part));
        if !asked || self.filter.has_professions() {
            return 0;
        }
        for one in &a.exercees {
            let by_place = self.filter.has_places();
            let (part, text) = match one.nature.as_str() {
                "AMF" => (Part::Care, care_line(a, one, by_place)),
                "EML" if concept("TRE_R272", &one.activite).is_some() => (Part::Equipment, equipment_line(a, one, by_place)),
                "AMSR" | "ASMR" => (Part::Social, social_line(one)),
                _ => {
                    left_out += 1;
                    continue;
                }
            };
            // What was withdrawn is not in the stock; the social file alone says so of its lines.
            if !self.wants(part) || (one.inactive && part != Part::Social) {
                continue;
            }
            // A line waits for one structure: for the establishment when its place decides, else for the name of the legal entity.
            let (awaited, condition) = match by_place {
                true => (&one.num_finess, Condition::WantedStructure),
                false => (&a.autorisee.num_finess, Condition::None),
            };
            let reference = (by_place || part != Part::Social).then(|| Reference::Technical(format!("F{awaited}")));
            add(WaitingLine { part, reference, condition, text });
        }
        left_out
    }
}

fn legal_entity_line(s: &Structure) -> String {
    let a = &s.adresse;
    let (department, commune) = commune(&a.cog_commune);
    let mut line = SemicolonLine::new(LEGAL);
    line.field(&s.num_finess).fields(&names(s)).field("");
    line.fields(&[&a.numero_voie, &a.type_voie, cut(&a.libelle_voie, 27), &a.extension]);
    line.fields(&[distribution(s), cut(&a.lieu_dit, 31), &commune, &sixth_line(a)]);
    line.fields(&[&department, &department_label(&a.cog_commune), phone(s)]);
    line.fields(&[&s.statut_juridique, label("TRE_R72", &s.statut_juridique)]);
    line.fields(&[&s.categorie_etablissement, label("TRE_R66", &s.categorie_etablissement)]);
    line.fields(&[&s.num_siren, &ape(s), &s.date_ouverture]);
    line.into_text()
}

fn establishment_line(s: &Structure) -> String {
    let a = &s.adresse;
    let (department, commune) = commune(&a.cog_commune);
    let category = concept("TRE_R66", &s.categorie_etablissement);
    let group = category.map_or("", |c| extra(c, "parent"));
    let mut line = SemicolonLine::new(PLACE);
    line.fields(&[&s.num_finess, &s.num_finess_ej]).fields(&names(s)).fields(&["", distribution(s)]);
    line.fields(&[&a.numero_voie, &a.type_voie, cut(&a.libelle_voie, 27), &a.extension]);
    line.fields(&[cut(&a.lieu_dit, 31), &commune, &department, &department_label(&a.cog_commune)]);
    line.fields(&[&sixth_line(a), phone(s), &s.telecopie]);
    line.fields(&[&s.categorie_etablissement, category.map_or("", |c| &c.label), group, label("TRE_R65", group)]);
    line.fields(&[&s.num_siret, &ape(s)]);
    line.fields(&[&s.mode_fixation_tarifaire, label("TRE_R74", &s.mode_fixation_tarifaire)]);
    line.fields(&[&s.participation_sph, label("TRE_R73", &s.participation_sph)]);
    line.fields(&[&s.date_ouverture, &s.date_autorisation, &s.date_maj, &s.num_uai]);
    line.into_text()
}

fn distribution(s: &Structure) -> &str {
    let a = &s.adresse;
    if a.mention_distribution.is_empty() { &a.complement_point_geographique } else { &a.mention_distribution }
}

fn phone(s: &Structure) -> &str {
    s.telephones.first().map_or("", String::as_str)
}

/// The name of the legal entity; empty when places are filtered, since the line then waits for its establishment.
fn name_of_legal_entity(line: &mut SemicolonLine, by_place: bool) {
    if by_place {
        line.field("");
    } else {
        line.fragment(Fragment::Name);
    }
}

/// The registry does not keep the FINESS number of an authorisation, nor the number of an installation.
fn care_line(a: &ActiviteAutorisee, one: &Activite, by_place: bool) -> String {
    let mut line = SemicolonLine::new("activiteoffresoin");
    line.field(&a.autorisee.num_finess);
    name_of_legal_entity(&mut line, by_place);
    line.fields(&[&one.activite, label("TRE_R274", &one.activite), &one.modalite, label("TRE_R275", &one.modalite)]);
    line.fields(&[&one.forme, label("TRE_R276", &one.forme), "", &one.date_autorisation, &one.num_finess]);
    line.fields(&[&one.num_autorisation_arhgos, "", &one.date_mise_en_oeuvre, &one.date_fin]);
    line.into_text()
}

fn equipment_line(a: &ActiviteAutorisee, one: &Activite, by_place: bool) -> String {
    let mut line = SemicolonLine::new("equipmateriellourd");
    line.field(&a.autorisee.num_finess);
    name_of_legal_entity(&mut line, by_place);
    line.fields(&[&one.activite, label("TRE_R272", &one.activite), "", &one.num_autorisation_arhgos, ""]);
    line.fields(&[&one.date_autorisation, &one.num_finess, &one.date_mise_en_oeuvre]);
    line.into_text()
}

fn social_line(one: &Activite) -> String {
    let places = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    let first = |tables: [&str; 2], code: &str| {
        tables.iter().find_map(|t| concept(t, code)).map(|c| c.label.as_str()).unwrap_or_default()
    };
    let mut line = SemicolonLine::new("equipementsocial");
    line.fields(&[&one.num_finess, &one.activite, first(["TRE_R280", "TRE_R401"], &one.activite)]);
    line.fields(&[&one.forme, label("TRE_R209", &one.forme)]);
    line.fields(&[&one.public, first(["TRE_R279", "TRE_R403"], &one.public), ""]);
    line.fields(&[&places(one.capacite_installee), "", "", &places(one.capacite_installee_habilitee), "", "", ""]);
    line.fields(&[&one.date_installation, "", &places(one.capacite), "", "", &places(one.capacite_habilitee)]);
    line.fields(&[&one.age_min, &one.age_max, if one.inactive { "O" } else { "N" }]);
    line.fields(&[&one.date_autorisation, &one.date_maj, ""]);
    line.into_text()
}

/// What an extraction says of activities that these files have no place for.
pub(crate) fn left_out_note(count: u64) -> String {
    format!(
        "{count} activities are of a kind that the legacy FINESS files have no place for (new authorisations of treatments, \
         equipment of other codes, other social and care activities) and were left out of them"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communes_are_coded_as_finess_does() {
        for (insee, department, rest) in [
            ("57463", "57", "463"),
            ("2A004", "2A", "004"),
            ("97105", "9A", "105"),
            ("97801", "9A", "801"),
            ("97411", "9D", "411"),
            ("98611", "9J", "611"),
            ("", "", ""),
        ] {
            assert_eq!(commune(insee), (department.to_owned(), rest.to_owned()), "{insee}");
        }
        assert_eq!(department_label("2A004"), "CORSE DU SUD");
        assert_eq!(department_label("97105"), "GUADELOUPE");
    }

    #[test]
    fn names_are_cut_and_nothing_of_a_long_one_is_lost_at_once() {
        let name = "CENTRE HOSPITALIER INTERCOMMUNAL DES ÉPREUVES";
        let s = Structure { raison_sociale: name.into(), ..Default::default() };
        assert_eq!(names(&s), ["CENTRE HOSPITALIER INTERCOMMUNAL DES É", name]);
        assert_eq!(cut("ÉÉÉ", 2), "ÉÉ");
    }
}
