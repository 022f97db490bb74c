//! Device: one heavy equipment in one establishment.

use crate::form::{DataTrace, Form, Identifier, Profiles};
use crate::schema::{self, params};
use crate::systems::{ARHGOS, DEVICE_STATUS};
use crate::view::View;
use crate::{authorisation, ids};
use annuaire_mos::Activite;
use annuaire_nos::{Coding, Nos};
use annuaire_terms::Resource;

const PROFILES: Profiles = Profiles { french_core: "", directory: "device" };

/// The Device of one equipment, which has an ARHGOS number.
pub(crate) fn full_form(view: View, a: &Activite) -> Resource {
    let trace = DataTrace { authority: "", system: "FINESS", updated: &a.date_maj };
    let mut form = Form::described(view, schema::DEVICE, ids::device_id(&a.id), PROFILES, &trace);
    form.json.array("extension", |j| authorisation::write_extension(j, a));
    form.write_identifiers(&[Identifier::untyped(ARHGOS, &a.num_autorisation_arhgos)]);
    write_status(&mut form, if a.inactive { "inactive" } else { "active" });
    form.json.string("manufacturer", &a.marque);
    form.index_text(&params::MANUFACTURER, &a.marque);
    form.json.string("serialNumber", &a.numero_serie);
    // FINESS+ gives an internal number whose table is not published with the others: only national codes pass.
    if let Some((table, concept)) = Nos::embedded().table("TRE_R272").and_then(|t| Some((t, t.get(&a.activite)?))) {
        let kind = Coding::of_concept(table, concept);
        form.json.key("type").concept(&kind);
        form.index_token(&params::TYPE, kind.system, kind.code);
    }
    form.write_reference("owner", &params::ORGANIZATION, &authorisation::structure_reference(a));
    form.finish()
}

/// Reduced form of a withdrawn equipment: the ARHGOS number and the status.
pub(crate) fn reduced_form(view: View, a: &Activite, arhgos_number: &str) -> Resource {
    let mut form = Form::withdrawn(view, schema::DEVICE, ids::device_id(&a.id), PROFILES);
    form.write_identifiers(&[Identifier::untyped(ARHGOS, arhgos_number)]);
    write_status(&mut form, "inactive");
    form.finish()
}

fn write_status(form: &mut Form, status: &str) {
    form.json.string("status", status);
    form.index_token(&params::STATUS, DEVICE_STATUS, status);
}

#[cfg(test)]
mod tests {
    use crate::activity::{full_forms, reduced_forms};
    use crate::tests::{PUBLIC, json};
    use annuaire_mos::{Activite, ActiviteAutorisee};
    use serde_json::json;

    #[test]
    fn an_equipment_is_completed_by_its_authorisation_and_needs_its_number() {
        let level = |id: &str, arhgos: &str, marque: &str| Activite {
            id: id.into(),
            nature: "EML".into(),
            num_finess: "990000019".into(),
            num_autorisation_arhgos: arhgos.into(),
            marque: marque.into(),
            ..Default::default()
        };
        let a = ActiviteAutorisee {
            id: "1".into(),
            autorisee: level("1", "99-99-48001", "MARQUE"),
            exercees: vec![level("2", "", "")],
        };
        let (full, reduced) = (json(&full_forms(PUBLIC, &a)[0]), json(&reduced_forms(PUBLIC, &a)[0]));
        assert_eq!((&full["id"], &full["manufacturer"], &full["status"]), (&json!("002-2"), &json!("MARQUE"), &json!("active")));
        assert_eq!(full["owner"], json!({"reference": "Organization/001-F990000019"}));
        assert_eq!(full["identifier"], json!([{"system": "https://arhgos.ars.sante.fr", "value": "99-99-48001"}]));
        assert_eq!((&reduced["id"], &reduced["identifier"]), (&full["id"], &full["identifier"]));
        assert_eq!((&reduced["status"], reduced.get("owner")), (&json!("inactive"), None));
        let without_number = ActiviteAutorisee { autorisee: level("1", "", ""), ..a };
        assert!(full_forms(PUBLIC, &without_number).is_empty() && reduced_forms(PUBLIC, &without_number).is_empty());
    }
}
