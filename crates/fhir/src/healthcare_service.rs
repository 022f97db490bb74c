//! HealthcareService: one care or social activity in one establishment.

use crate::authorisation::{self, ActivityNature};
use crate::form::{DataTrace, Form, Identifier, Profiles};
use crate::json::JsonWriter;
use crate::schema::params::{self, Param};
use crate::systems::ARHGOS;
use crate::view::View;
use crate::{extensions, ids, schema};
use annuaire_mos::Activite;
use annuaire_nos::{Coding, Nos};
use annuaire_terms::Resource;

/// The HealthcareService of one activity. A care activity has an ARHGOS number.
pub(crate) fn full_form(view: View, a: &Activite) -> Resource {
    let trace = DataTrace { authority: "", system: "FINESS", updated: &a.date_maj };
    let nature = ActivityNature::from(a);
    let mut form = Form::described(view, schema::HEALTHCARE_SERVICE, ids::service_id(&a.id), profiles(nature), &trace);
    form.json.array("extension", |j| {
        authorisation::write_extension(j, a);
        if nature == ActivityNature::Social {
            write_installation(j, a);
            write_age_range(j, a);
            write_capacity(j, a);
        }
    });
    write_identifier(&mut form, nature, &a.num_autorisation_arhgos);
    form.write_active(!a.inactive);
    form.write_reference("providedBy", &params::ORGANIZATION, &authorisation::structure_reference(a));
    match nature {
        ActivityNature::Social => write_social_codes(&mut form, a),
        _ => write_care_codes(&mut form, a),
    }
    form.finish()
}

/// Reduced form of a withdrawn activity: the ARHGOS number and the state.
pub(crate) fn reduced_form(view: View, a: &Activite, arhgos_number: &str) -> Resource {
    let nature = ActivityNature::from(a);
    let mut form = Form::withdrawn(view, schema::HEALTHCARE_SERVICE, ids::service_id(&a.id), profiles(nature));
    write_identifier(&mut form, nature, arhgos_number);
    form.write_active(false);
    form.finish()
}

fn profiles(nature: ActivityNature) -> Profiles {
    let directory = match nature {
        ActivityNature::Social => "healthcareservice-social-equipment",
        _ => "healthcareservice-healthcare-activity",
    };
    Profiles { french_core: "", directory }
}

/// The ARHGOS number of a care activity. A social activity shows none.
fn write_identifier(form: &mut Form, nature: ActivityNature, arhgos_number: &str) {
    if nature.has_arhgos_number() {
        form.write_identifiers(&[Identifier::untyped(ARHGOS, arhgos_number)]);
    }
}

/// The codes of care. Their bindings are required: a category or a form without a coding cannot be published, while the slices
/// of `type` are open and take a code as text.
fn write_care_codes(form: &mut Form, a: &Activite) {
    write_code(form, "category", &params::SERVICE_CATEGORY, "TRE_R275", &a.modalite, UnknownCode::LeftOut);
    write_code(form, "type", &params::SERVICE_TYPE, "TRE_R274", &a.activite, UnknownCode::AsText);
    write_code(form, "characteristic", &params::CHARACTERISTIC, "TRE_R276", &a.forme, UnknownCode::LeftOut);
}

/// The codes of a social activity. Their bindings are extensible.
fn write_social_codes(form: &mut Form, a: &Activite) {
    write_code(form, "type", &params::SERVICE_TYPE, "TRE_R401", &a.activite, UnknownCode::AsText);
    if !a.forme.is_empty() {
        write_eligibility(form, &a.public);
        write_code(form, "characteristic", &params::CHARACTERISTIC, "TRE_R209", &a.forme, UnknownCode::AsText);
    }
}

/// Treatment of a code whose table is not published (AMM codes, R347, R402…), so that nobody knows its system.
enum UnknownCode {
    /// The member is absent.
    LeftOut,
    /// The code is the `text` of a concept without coding.
    AsText,
}

fn write_code(form: &mut Form, member: &str, param: &Param, table: &str, code: &str, unknown: UnknownCode) {
    if code.is_empty() {
        return;
    }
    match Nos::embedded().table(table).and_then(|t| Some((t, t.get(code)?))) {
        Some((table, concept)) => {
            let coding = Coding::of_concept(table, concept);
            form.json.array(member, |j| j.concept(&coding));
            form.index_token(param, coding.system, coding.code);
        }
        None => match unknown {
            UnknownCode::LeftOut => {}
            UnknownCode::AsText => form.json.array(member, |j| j.object(|j| j.string("text", code))),
        },
    }
}

/// The public that a social activity receives.
fn write_eligibility(form: &mut Form, public: &str) {
    if !public.is_empty() {
        let known = Nos::embedded().table("TRE_R403").and_then(|t| Some((t, t.get(public)?)));
        form.json.array("eligibility", |j| {
            j.object(|j| match known {
                Some((table, concept)) => j.key("code").concept(&Coding::of_concept(table, concept)),
                None => j.key("code").object(|j| j.string("text", public)),
            });
        });
    }
}

fn write_installation(j: &mut JsonWriter, a: &Activite) {
    if !a.date_installation.is_empty() {
        j.complex_extension(extensions::INSTALLATION, |j| j.date_extension("dateLastInstallation", &a.date_installation));
    }
}

fn write_age_range(j: &mut JsonWriter, a: &Activite) {
    if a.age_min.is_empty() && a.age_max.is_empty() {
        return;
    }
    j.complex_extension(extensions::PATIENT_TYPE, |j| {
        j.object(|j| {
            j.string("url", "authorizedAgeRange");
            j.key("valueRange").object(|j| {
                for (member, age) in [("low", &a.age_min), ("high", &a.age_max)] {
                    if !age.is_empty() {
                        j.key(member).object(|j| {
                            j.raw("value", age);
                            j.string("unit", "an");
                            j.string("system", "http://unitsofmeasure.org");
                            j.string("code", "a");
                        });
                    }
                }
            });
        });
    });
}

fn write_capacity(j: &mut JsonWriter, a: &Activite) {
    let places = [
        ("capacityAvailable", a.capacite),
        ("socialAssistanceCapacityAvailable", a.capacite_habilitee),
        ("installedCapacity", a.capacite_installee),
        ("socialAssistanceInstalledCapacity", a.capacite_installee_habilitee),
    ];
    if places.iter().any(|(_, places)| places.is_some()) {
        j.complex_extension(extensions::SUPPORTED_CAPACITY, |j| {
            places.iter().for_each(|(url, places)| j.integer_extension(url, *places));
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::activity::full_forms;
    use crate::tests::{PUBLIC, json};
    use annuaire_mos::{Activite, ActiviteAutorisee};
    use serde_json::Value;

    #[test]
    fn a_code_without_a_known_system_is_not_coded() {
        let published = |nature: &str, activite: &str, modalite: &str, forme: &str| {
            let x = Activite {
                id: "1".into(),
                nature: nature.into(),
                num_finess: "990000019".into(),
                num_autorisation_arhgos: "99-99-48001".into(),
                activite: activite.into(),
                modalite: modalite.into(),
                forme: forme.into(),
                public: "XX".into(),
                ..Default::default()
            };
            let all = full_forms(PUBLIC, &ActiviteAutorisee { exercees: vec![x], ..Default::default() });
            json(&all[0])
        };
        let amm = published("AMM", "QA014", "MO030", "ME000");
        assert_eq!(amm["type"], serde_json::json!([{"text": "QA014"}]));
        assert_eq!((&amm["category"], &amm["characteristic"]), (&Value::Null, &Value::Null));
        let care = published("AMF", "01", "00", "01");
        for member in ["type", "category", "characteristic"] {
            assert!(
                care[member][0]["coding"][0]["system"].as_str().unwrap().starts_with("https://mos.esante.gouv.fr/NOS/"),
                "{member}"
            );
        }
        let social = published("AMSR", "844", "", "ZZ");
        assert_eq!(social["characteristic"], serde_json::json!([{"text": "ZZ"}]));
        assert_eq!(social["eligibility"], serde_json::json!([{"code": {"text": "XX"}}]));
        assert!(social["type"][0]["coding"][0]["system"].as_str().unwrap().contains("r401"));
    }
}
