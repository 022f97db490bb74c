//! Person: the civil identity of a professional. Restricted perimeter only.

use crate::form::{DataTrace, Form, Profiles};
use crate::json::JsonWriter;
use crate::schema::{self, params};
use crate::view::View;
use crate::{address, extensions, gender, ids, practitioner};
use annuaire_mos::{EtatCivil, Professionnel};
use annuaire_terms::Resource;

const PROFILES: Profiles = Profiles { french_core: "", directory: "person" };

/// The Person of a professional.
pub(crate) fn full_form(view: View, p: &Professionnel) -> Resource {
    let none = EtatCivil::default();
    let civil = p.etat_civil.as_ref().unwrap_or(&none);
    let trace = DataTrace::of_professional(p);
    let mut form = Form::described(view, schema::PERSON, ids::person_id(&p.id_nat_ps), PROFILES, &trace);
    form.json.array("extension", |j| {
        write_birth_place(j, civil);
        j.date_time_extension(extensions::DECEASED, &civil.date_deces);
        if !civil.statut.is_empty() {
            j.complex_extension(extensions::CIVIL_STATUS, |j| {
                j.table_concept_extension("statutEtatCivil", "TRE_R31", &civil.statut);
                j.date_extension("dateStatutEtatCivil", &civil.date_effet);
            });
        }
    });
    write_name(&mut form, p, civil);
    form.json.string("gender", gender::code(&civil.sexe_administratif));
    form.json.string("birthDate", &civil.date_naissance);
    form.write_active(civil.date_deces.is_empty());
    form.json.array("link", |j| {
        for exercice in &p.exercices {
            j.object(|j| {
                j.key("target").object(|j| j.string("reference", &practitioner::reference(p, exercice)));
            });
        }
    });
    form.finish()
}

/// Reduced form of a person who left the restricted perimeter.
pub(crate) fn reduced_form(view: View, p: &Professionnel) -> Resource {
    let mut form = Form::withdrawn(view, schema::PERSON, ids::person_id(&p.id_nat_ps), PROFILES);
    form.write_active(false);
    form.finish()
}

fn write_birth_place(j: &mut JsonWriter, civil: &EtatCivil) {
    if civil.lieu_naissance.is_empty() && civil.commune_naissance.is_empty() && civil.pays_naissance.is_empty() {
        return;
    }
    j.object(|j| {
        j.string("url", extensions::BIRTH_PLACE);
        j.key("valueAddress").object(|j| {
            address::write_insee_code(j, &civil.commune_naissance);
            j.string("text", &civil.lieu_naissance);
            j.string("country", address::birth_country(&civil.pays_naissance));
        });
    });
}

/// The name of civil status.
fn write_name(form: &mut Form, p: &Professionnel, civil: &EtatCivil) {
    form.json.array("name", |j| {
        j.object(|j| {
            j.string("use", "official");
            j.string("family", &civil.nom_famille);
            j.array("given", |j| civil.prenoms.iter().for_each(|n| j.string_element(n)));
            if !p.civilite.is_empty() {
                j.array("prefix", |j| j.string_element(&p.civilite));
            }
        });
    });
    form.index_text(&params::FAMILY, &civil.nom_famille);
    form.index_text(&params::NAME, &civil.nom_famille);
    form.index_text(&params::NAME, &p.civilite);
    for given in &civil.prenoms {
        form.index_text(&params::GIVEN, given);
        form.index_text(&params::NAME, given);
    }
}

#[cfg(test)]
mod tests {
    use crate::professional::{full_forms, reduced_forms};
    use crate::schema::PERSON;
    use crate::tests::{PUBLIC, RESTRICTED, json};
    use annuaire_mos::{EtatCivil, Professionnel};
    use serde_json::json;

    #[test]
    fn the_civil_identity_is_restricted_and_its_reduced_form_names_nobody() {
        let civil = EtatCivil {
            nom_famille: "MARTIN".into(),
            prenoms: vec!["LÉA".into(), "ANNE".into()],
            sexe_administratif: "F".into(),
            pays_naissance: "99000".into(),
            ..Default::default()
        };
        let p = Professionnel { id_nat_ps: "810999000003".into(), etat_civil: Some(civil), ..Default::default() };
        assert!(full_forms(PUBLIC, &p, &[], &[]).iter().chain(&reduced_forms(PUBLIC, &p)).all(|r| r.ty != PERSON));
        let full = json(&full_forms(RESTRICTED, &p, &[], &[])[0]);
        assert_eq!(full["name"], json!([{"use": "official", "family": "MARTIN", "given": ["LÉA", "ANNE"]}]));
        assert_eq!((&full["gender"], &full["active"]), (&json!("female"), &json!(true)));
        // Files write 99000 for France, the value set of the guide has 99100.
        assert_eq!(full["extension"][0]["valueAddress"], json!({"country": "99100"}));
        let reduced = json(&reduced_forms(RESTRICTED, &p)[0]);
        assert_eq!((&reduced["id"], &reduced["active"], reduced.get("name")), (&full["id"], &json!(false), None));
    }
}
