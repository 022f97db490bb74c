//! PractitionerRole: one situation (place and mode of work) of a practice.

use crate::form::{DataTrace, Form, Identifier, Profiles};
use crate::schema::{self, params};
use crate::systems::RPPS;
use crate::view::View;
use crate::{ids, organization, practitioner, telecom};
use annuaire_mos::{ExerciceProfessionnel, Professionnel, SituationExercice};
use annuaire_nos::{Coding, coding};
use annuaire_terms::Resource;

const PROFILES: Profiles = Profiles { french_core: "fr-core-practitioner-role", directory: "practitionerrole" };

/// The PractitionerRole of one situation.
pub(crate) fn full_form(view: View, person: &Professionnel, exercice: &ExerciceProfessionnel, s: &SituationExercice) -> Resource {
    let id = ids::role_id(&s.id_situation_exercice);
    let trace = DataTrace::of_professional(person);
    let mut form = Form::described(view, schema::PRACTITIONER_ROLE, id, PROFILES, &trace);
    form.write_identifiers(&[identifier(s)]);
    form.write_active(true);
    form.json.period("period", &s.date_debut, &s.date_fin);
    write_practitioner(&mut form, person, exercice);
    if !s.structure.is_empty() {
        form.write_reference("organization", &params::ORGANIZATION, &organization::reference(&s.structure));
    }
    write_codes(&mut form, s);
    telecom::write(&mut form, s.coordonnees.as_ref().map(Into::into), &[]);
    form.finish()
}

/// Reduced form of an ended situation. The practitioner stays: R4 clients follow it and the profile requires it.
pub(crate) fn reduced_form(
    view: View,
    person: &Professionnel,
    exercice: &ExerciceProfessionnel,
    s: &SituationExercice,
) -> Resource {
    let id = ids::role_id(&s.id_situation_exercice);
    let mut form = Form::withdrawn(view, schema::PRACTITIONER_ROLE, id, PROFILES);
    form.write_identifiers(&[identifier(s)]);
    form.write_active(false);
    write_practitioner(&mut form, person, exercice);
    form.finish()
}

fn identifier(s: &SituationExercice) -> Identifier<'_> {
    Identifier::untyped(RPPS, &s.id_situation_exercice)
}

fn write_practitioner(form: &mut Form, person: &Professionnel, exercice: &ExerciceProfessionnel) {
    form.write_reference("practitioner", &params::PRACTITIONER, &practitioner::reference(person, exercice));
}

fn write_codes(form: &mut Form, s: &SituationExercice) {
    let mut codes: Vec<Coding<'_>> = vec![
        coding::in_table("TRE_R22", &s.genre_activite),
        coding::in_table("TRE_R23", &s.mode_exercice),
        coding::in_table("TRE_R24", &s.type_activite_liberale),
        coding::in_table("TRE_R34", &s.statut_professionnel_ssa),
        coding::in_table("TRE_R32", &s.statut_hospitalier),
        coding::fonction(&s.role),
        coding::section_pharmacien(&s.section_ordre_pharmacien),
        coding::sous_section_pharmacien(&s.sous_section_ordre_pharmacien),
    ];
    codes.retain(|c| !c.code.is_empty());
    form.json.array("code", |j| codes.iter().for_each(|c| j.concept(c)));
    for c in &codes {
        form.index_token(&params::ROLE, c.system, c.code);
    }
}

#[cfg(test)]
mod tests {
    use crate::professional::{full_forms, reduced_forms};
    use crate::schema::PRACTITIONER_ROLE;
    use crate::tests::{PUBLIC, json};
    use annuaire_mos::{ExerciceProfessionnel, Professionnel, SituationExercice};
    use serde_json::json;

    #[test]
    fn an_ended_situation_keeps_its_practitioner_and_loses_its_structure() {
        let situation = SituationExercice {
            id_situation_exercice: "12345".into(),
            mode_exercice: "L".into(),
            structure: "F990000019".into(),
            ..Default::default()
        };
        let exercice = ExerciceProfessionnel { profession: "10".into(), situations: vec![situation], ..Default::default() };
        let person = Professionnel { id_nat_ps: "810999000003".into(), exercices: vec![exercice], ..Default::default() };
        let role = |forms: Vec<annuaire_terms::Resource>| json(forms.iter().find(|r| r.ty == PRACTITIONER_ROLE).unwrap());
        let (full, reduced) = (role(full_forms(PUBLIC, &person, &[], &[])), role(reduced_forms(PUBLIC, &person)));
        assert_eq!((&full["id"], &full["identifier"]), (&reduced["id"], &reduced["identifier"]));
        assert_eq!(full["organization"], json!({"reference": "Organization/001-F990000019"}));
        assert_eq!(full["code"][0]["coding"][0]["display"], "Libéral, indépendant, artisan, commerçant");
        assert_eq!((&full["active"], &reduced["active"]), (&json!(true), &json!(false)));
        assert_eq!(full["practitioner"], reduced["practitioner"]);
        assert_eq!((reduced.get("organization"), reduced.get("code")), (None, None));
    }
}
