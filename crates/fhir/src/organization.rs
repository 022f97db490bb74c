//! Organization: one structure, as a source describes it, in its reduced form, or as another resource names it.

use crate::form::{DataTrace, Form, Identifier, Profiles};
use crate::schema::{self, params};
use crate::systems::{ENTITY_TYPES, FINESS, IDNST, RPPS_RANG, SIRENE};
use crate::telecom::distinct_addresses;
use crate::view::{Guide, View};
use crate::{address, certificate, extensions, ids, telecom};
use annuaire_mos::{BoiteLettresMss, Structure};
use annuaire_nos::{Coding, coding};
use annuaire_terms::Resource;

const PROFILES: Profiles = Profiles { french_core: "fr-core-organization", directory: "organization" };

/// The Organization of one structure that a source describes.
#[must_use]
pub fn full_form(view: View, s: &Structure, mailboxes: &[BoiteLettresMss]) -> Resource {
    let trace = DataTrace { authority: &s.autorite_enregistrement, system: information_system(s), updated: &s.date_maj };
    let mut form = Form::described(view, schema::ORGANIZATION, ids::organization_id(&s.id_technique), PROFILES, &trace);
    write_extensions(&mut form, s);
    form.write_identifiers(&identifiers(view.guide, s));
    form.write_active(!s.ferme);
    write_types(&mut form, view.guide, s);
    write_name(&mut form, s);
    if !s.enseigne_commerciale.is_empty() && s.enseigne_commerciale != s.raison_sociale {
        form.json.array("alias", |j| j.string_element(&s.enseigne_commerciale));
        form.index_text(&params::NAME, &s.enseigne_commerciale);
    }
    telecom::write(&mut form, Some(s.into()), &distinct_addresses(mailboxes.iter()));
    address::write(&mut form, &s.adresse);
    if let Some(legal) = legal_entity(s) {
        form.write_reference("partOf", &params::PARTOF, &reference(&legal));
    }
    form.finish()
}

/// Reduced form of a withdrawn structure: identifiers, name, `active=false`.
#[must_use]
pub fn reduced_form(view: View, s: &Structure) -> Resource {
    let mut form = Form::withdrawn(view, schema::ORGANIZATION, ids::organization_id(&s.id_technique), PROFILES);
    form.write_identifiers(&identifiers(view.guide, s));
    form.write_active(false);
    write_name(&mut form, s);
    form.finish()
}

/// A structure that a published resource points to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReferencedStructure {
    /// Technical identifier.
    pub id_technique: String,
    /// The resource names it as the legal entity that it is part of.
    pub as_legal_entity: bool,
}

/// The Organization of a structure that others point to and that no source describes: its number, as they name it.
#[must_use]
pub fn referenced_form(view: View, referenced: &ReferencedStructure) -> Resource {
    let ReferencedStructure { id_technique, as_legal_entity } = referenced;
    let mut s = Structure { id_technique: id_technique.clone(), entite_juridique: *as_legal_entity, ..Default::default() };
    let (kind, number) = id_technique.split_at_checked(1).unwrap_or_default();
    match (kind, number.len()) {
        ("F", _) => number.clone_into(&mut s.num_finess),
        ("R", _) => number.clone_into(&mut s.rpps_rang),
        ("C", 14) => number.clone_into(&mut s.num_siret),
        ("C", _) => s.id_nat_struct = format!("0{number}"),
        // An organization has an identifier or a name (invariant org-1).
        _ => id_technique.clone_into(&mut s.raison_sociale),
    }
    let mut form = Form::referenced(view, schema::ORGANIZATION, ids::organization_id(id_technique), PROFILES);
    form.write_identifiers(&identifiers(view.guide, &s));
    form.write_active(true);
    write_types(&mut form, view.guide, &s);
    write_name(&mut form, &s);
    form.finish()
}

/// The reference to the Organization of a structure.
pub(crate) fn reference(id_technique: &str) -> String {
    format!("Organization/{}", ids::organization_id(id_technique))
}

/// Technical identifier of the legal entity that a structure is part of.
#[must_use]
pub fn legal_entity(s: &Structure) -> Option<String> {
    (!s.num_finess_ej.is_empty() && !s.entite_juridique).then(|| format!("F{}", s.num_finess_ej))
}

/// FINESS when it numbers and describes the structure; otherwise the registry of professionals does.
fn information_system(s: &Structure) -> &'static str {
    let described = !s.categorie_etablissement.is_empty() || !s.statut_juridique.is_empty() || !s.date_ouverture.is_empty();
    if described && !s.num_finess.is_empty() { "FINESS" } else { "RPPS" }
}

fn write_extensions(form: &mut Form, s: &Structure) {
    form.json.array("extension", |j| {
        j.period_extension(extensions::ORGANIZATION_PERIOD, &s.date_ouverture, &s.date_fermeture);
        for licence in &s.licences_officine {
            j.string_extension(extensions::PHARMACY_LICENCE, licence);
        }
        j.table_concept_extension(extensions::PRICING_MODEL, "TRE_R74", &s.mode_fixation_tarifaire);
        j.string_extension(extensions::BUDGET_TYPE, &s.types_budget.join(" "));
        s.certificats.iter().for_each(|c| certificate::write(j, c));
    });
    form.index_period(&s.date_ouverture, &s.date_fermeture);
    for licence in &s.licences_officine {
        form.index_text(&params::PHARMACY_LICENCE, licence);
    }
}

fn identifiers(guide: Guide, s: &Structure) -> [Identifier<'_>; 5] {
    let rpps_rang = s.id_nat_struct.strip_prefix('4').filter(|r| r.len() == 14).unwrap_or(&s.rpps_rang);
    [
        Identifier::official("IDNST", IDNST, &s.id_nat_struct),
        Identifier::typed(if s.entite_juridique { "FINEJ" } else { "FINEG" }, FINESS, &s.num_finess),
        Identifier::typed("SIREN", SIRENE, &s.num_siren),
        Identifier::typed("SIRET", SIRENE, &s.num_siret),
        Identifier::typed(guide.rpps_rang_type(), RPPS_RANG, rpps_rang),
    ]
}

fn write_name(form: &mut Form, s: &Structure) {
    form.json.string("name", &s.raison_sociale);
    form.index_text(&params::NAME, &s.raison_sociale);
}

fn write_types(form: &mut Form, guide: Guide, s: &Structure) {
    let entity = if s.entite_juridique { "LEGAL-ENTITY" } else { "GEOGRAPHICAL-ENTITY" };
    // The slice of `type` that the profile names, and its coding.
    let mut types = vec![
        ("organizationType", Coding::without_label(ENTITY_TYPES, entity)),
        ("secteurActiviteRASS", coding::in_table("TRE_R02", &s.secteur_activite)),
        // The category has a slice without a name.
        ("", coding::in_table("TRE_R66", &s.categorie_etablissement)),
        ("statutJuridiqueINSEE", coding::in_table("TRE_R72", &s.statut_juridique)),
        ("sphParticipation", coding::in_table("TRE_R73", &s.participation_sph)),
    ];
    let ape;
    if guide == Guide::V110 {
        ape = naf_class(&s.code_ape);
        types.push(("activiteINSEE", coding::in_table("TRE_R75", &ape)));
    }
    types.retain(|(_, coding)| !coding.code.is_empty());
    form.json.array("type", |j| {
        for (slice, coding) in &types {
            j.object(|j| {
                j.array("extension", |j| j.code_extension(extensions::ORGANIZATION_TYPES, slice));
                j.array("coding", |j| j.coding(coding));
            });
        }
    });
    for (_, coding) in &types {
        form.index_token(&params::TYPE, coding.system, coding.code);
    }
}

/// An INSEE class of activity with its dot: files write it with or without, the terminology with it.
fn naf_class(code: &str) -> String {
    match code.split_at_checked(2) {
        Some((head, tail)) if !tail.starts_with('.') => format!("{head}.{tail}"),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{PUBLIC, json};
    use annuaire_terms::Presence;
    use serde_json::json;

    #[test]
    fn a_reduced_form_keeps_the_id_the_identifiers_and_the_name() {
        let s = Structure {
            id_technique: "F990000019".into(),
            num_finess: "990000019".into(),
            raison_sociale: "CLINIQUE".into(),
            secteur_activite: "SA01".into(),
            ..Default::default()
        };
        let (full, reduced) = (full_form(PUBLIC, &s, &[]), reduced_form(PUBLIC, &s));
        assert_eq!((&full.id, full.presence, reduced.presence), (&reduced.id, Presence::Described, Presence::Withdrawn));
        let (full, reduced) = (json(&full), json(&reduced));
        assert_eq!((&full["identifier"], &full["name"]), (&reduced["identifier"], &reduced["name"]));
        assert_eq!((&full["active"], &reduced["active"]), (&json!(true), &json!(false)));
        assert_eq!((full["type"].as_array().map(Vec::len), reduced.get("type")), (Some(2), None));
    }

    #[test]
    fn a_referenced_structure_is_known_by_the_number_that_its_technical_identifier_holds() {
        for (id_technique, system, value) in [
            ("F990000019", FINESS, "990000019"),
            ("R10999000003001", RPPS_RANG, "10999000003001"),
            ("C99000000000017", SIRENE, "99000000000017"),
            ("C99900000301", IDNST, "099900000301"),
        ] {
            let referenced = ReferencedStructure { id_technique: id_technique.into(), as_legal_entity: false };
            let made = json(&referenced_form(PUBLIC, &referenced));
            assert_eq!((&made["identifier"][0]["system"], &made["identifier"][0]["value"]), (&json!(system), &json!(value)));
        }
        let unknown = ReferencedStructure { id_technique: "X1".into(), as_legal_entity: true };
        assert_eq!(json(&referenced_form(PUBLIC, &unknown))["name"], "X1");
    }
}
