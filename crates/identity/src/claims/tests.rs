use super::*;
use annuaire_consolidate::ConsolidatedEntity;
use annuaire_mos::{Adresse, EtatCivil, IdentifiantAlternatif, InscriptionOrdre};

const TODAY: &str = "2026-11-26";

fn situation(id: &str, mode: &str, structure: &str, role: &str, genre: &str) -> SituationExercice {
    SituationExercice {
        id_situation_exercice: id.into(),
        mode_exercice: mode.into(),
        structure: structure.into(),
        role: role.into(),
        genre_activite: genre.into(),
        ..Default::default()
    }
}

fn practice(
    profession: &str,
    civility: &str,
    name: &str,
    given: &str,
    situations: Vec<SituationExercice>,
) -> ExerciceProfessionnel {
    ExerciceProfessionnel {
        profession: profession.into(),
        categorie_professionnelle: "C".into(),
        civilite_exercice: civility.into(),
        nom_exercice: name.into(),
        prenom_exercice: given.into(),
        situations,
        ..Default::default()
    }
}

fn hospital() -> Structure {
    Structure {
        id_technique: "F990000010".into(),
        num_siret: "99900000300015".into(),
        num_siren: "999000003".into(),
        num_finess: "990000010".into(),
        num_finess_ej: "990000002".into(),
        raison_sociale: "HOPITAL DE DEMONSTRATION".into(),
        secteur_activite: "SA01".into(),
        id_nat_struct: "1990000010".into(),
        adresse: Adresse {
            numero_voie: "1".into(),
            type_voie: "AV".into(),
            libelle_voie: "DE LA REFERENCE".into(),
            bureau_cedex: "57000 METZ".into(),
            code_postal: "57000".into(),
            cog_commune: "57463".into(),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn surgery() -> Structure {
    Structure {
        id_technique: "R99911".into(),
        raison_sociale: "CABINET DU DR EXEMPLE".into(),
        secteur_activite: "SA07".into(),
        telephones: vec!["0199000011".into()],
        courriel: "cabinet@exemple.test".into(),
        id_nat_struct: "499900000011005".into(),
        adresse: Adresse { code_postal: "57000".into(), ..Default::default() },
        ..Default::default()
    }
}

fn at_work(number: &str, professional: Professionnel) -> PersonAtWork {
    PersonAtWork {
        person: ConsolidatedEntity { entity: format!("PP:{number}"), professional: Some(professional), ..Default::default() },
        structures: [hospital(), surgery()].into_iter().map(|s| (s.id_technique.clone(), s)).collect(),
    }
}

fn doctor() -> PersonAtWork {
    let mut know_how = practice(
        "10",
        "DR",
        "EXEMPLE",
        "CAMILLE",
        vec![situation("1", "L", "R99911", "", "GENR01"), situation("2", "S", "F990000010", "", "GENR01")],
    );
    know_how.savoir_faire = vec![
        SavoirFaire { type_savoir_faire: "CO".into(), code: "C1".into(), ..Default::default() },
        SavoirFaire { type_savoir_faire: "S".into(), code: "SM54".into(), ..Default::default() },
    ];
    at_work(
        "899900000011",
        Professionnel {
            id_nat_ps: "899900000011".into(),
            civilite: "MME".into(),
            exercices: vec![know_how],
            autorite_enregistrement: "CNOM/CNOM/CNOM".into(),
            identifiants_alternatifs: vec![IdentifiantAlternatif {
                id_nat_ps: "0999999001".into(),
                origine: "ADELI".into(),
                ..Default::default()
            }],
            ..Default::default()
        },
    )
}

/// identity.md §1.7.4: a physician with two activities.
#[test]
fn a_doctor_with_two_activities() {
    let told = claims(&doctor(), TODAY).unwrap();
    assert_eq!(
        (told.national_id.as_str(), told.given_name.as_str(), told.family_name.as_str()),
        ("899900000011", "CAMILLE", "EXEMPLE")
    );
    assert_eq!(
        told.other_ids,
        json!([
            {"identifiant": "899900000011", "origine": "RPPS", "qualite": 1},
            {"identifiant": "0999999001", "origine": "ADELI", "qualite": 1}
        ])
    );
    assert_eq!(told.all["SubjectRole"], json!(["10^1.2.250.1.213.1.1.5.5"]));
    assert_eq!(told.all["Secteur_Activite"], "SA07^1.2.250.1.71.4.2.4");
    assert_eq!(
        (&told.all["SubjectOrganization"], &told.all["SubjectOrganizationID"]),
        (&json!("CABINET DU DR EXEMPLE"), &json!("R99911"))
    );
    let practice = &told.all["SubjectRefPro"]["exercices"][0];
    assert_eq!((&practice["codeTypeSavoirFaire"], &practice["codeSavoirFaire"]), (&json!("S"), &json!("SM54")));
    let at_hospital = &practice["activities"][1];
    for (member, value) in [
        ("codeModeExercice", "S"),
        ("numeroFinessSite", "990000010"),
        ("numeroFinessetablissementJuridique", "990000002"),
        ("codePays", "99000"),
        ("codeDepartement", "57"),
        ("ancienIdentifiantDeLaStructure", "1990000010"),
        ("autoriteDenregistrement", "CNOM/CNOM/CNOM"),
        ("telephone", ""),
    ] {
        assert_eq!(at_hospital[member], value, "{member}");
    }
    assert_eq!(at_hospital.as_object().unwrap().len(), 30, "every member of identity.md §1.7.2 is there");
    assert!(at_hospital.as_object().unwrap().values().all(Value::is_string), "absent texts are empty");
}

/// identity.md §1.7.5: a professional with a role.
#[test]
fn a_professional_with_a_role_has_no_profession() {
    let practice = practice("99", "M", "SPECIMEN", "DOMINIQUE", vec![situation("3", "S", "F990000010", "331", "GENR13")]);
    let person = at_work("899900000037", Professionnel { civilite: "M".into(), exercices: vec![practice], ..Default::default() });
    let told = claims(&person, TODAY).unwrap();
    assert_eq!(told.all["SubjectRole"], json!(["331^1.2.250.1.213.1.1.5.5"]));
    let practice = &told.all["SubjectRefPro"]["exercices"][0];
    assert_eq!((&practice["codeProfession"], &practice["activities"][0]["codeRole"]), (&json!(""), &json!("331")));
}

/// identity.md §1.7.6: staff without number of their own.
#[test]
fn staff_of_an_establishment_has_a_number_with_a_stroke() {
    let practice = practice("", "", "MODELE", "ALIX", vec![situation("", "S", "F990000010", "", "")]);
    let person = at_work(
        "3990000010/CPET00001",
        Professionnel { civilite: "MME".into(), exercices: vec![practice], ..Default::default() },
    );
    let told = claims(&person, TODAY).unwrap();
    assert_eq!(told.national_id, "3990000010/CPET00001");
    assert_eq!(told.other_ids[0]["origine"], "FINESS");
    assert_eq!(told.all["SubjectRole"], json!([]));
}

#[test]
fn what_is_closed_is_not_told_and_who_has_nothing_open_does_not_log_in() {
    let mut person = doctor();
    let change =
        |person: &mut PersonAtWork, change: &dyn Fn(&mut Professionnel)| change(person.person.professional.as_mut().unwrap());
    change(&mut person, &|p| p.exercices[0].situations[0].date_fin = "2026-11-26".into());
    assert_eq!(claims(&person, TODAY).unwrap().all["SubjectOrganizationID"], "R99911", "the last day counts");
    let after = claims(&person, "2026-11-27").unwrap();
    assert_eq!(after.all["SubjectOrganizationID"], "F990000010");
    assert_eq!(after.all["SubjectRefPro"]["exercices"][0]["activities"].as_array().unwrap().len(), 1);
    // A regulated profession without a place is one: the person may log in.
    change(&mut person, &|p| p.exercices[0].situations.clear());
    assert_eq!(claims(&person, TODAY).unwrap().all["SubjectRefPro"]["exercices"][0]["activities"], json!([]));
    change(&mut person, &|p| {
        p.inscriptions = vec![InscriptionOrdre {
            profession: "10".into(),
            categorie_professionnelle: "C".into(),
            statut: "N".into(),
            ..Default::default()
        }];
    });
    assert_eq!(claims(&person, TODAY), Err(NoRight::NothingOpen));
    change(&mut person, &|p| p.inscriptions[0].date_fin = "2026-10-01".into());
    assert!(claims(&person, TODAY).is_ok(), "what the order said is over");
    change(&mut person, &|p| p.exercices[0].date_fin_effet_exercice = "2026-10".into());
    assert_eq!(claims(&person, TODAY), Err(NoRight::NothingOpen));
    let mut dead = doctor();
    change(&mut dead, &|p| p.etat_civil = Some(EtatCivil { date_deces: "2026-11-01".into(), ..Default::default() }));
    assert_eq!(claims(&dead, TODAY), Err(NoRight::Deceased));
}

#[test]
fn the_main_practice_is_regulated_then_old_then_first_by_code() {
    let mut person = doctor();
    let p = person.person.professional.as_mut().unwrap();
    p.exercices.insert(0, practice("99", "M", "ROLE", "R", vec![situation("9", "S", "F990000010", "331", "")]));
    p.exercices.insert(0, practice("60", "M", "NEW", "N", vec![]));
    p.exercices[0].date_effet_exercice = "2020".into();
    p.exercices[2].date_effet_exercice = "2019-05-01".into();
    let told = claims(&person, TODAY).unwrap();
    let order: Vec<_> =
        told.all["SubjectRefPro"]["exercices"].as_array().unwrap().iter().map(|e| e["nomDexercice"].as_str().unwrap()).collect();
    assert_eq!(order, ["EXEMPLE", "NEW", "ROLE"]);
    assert_eq!(told.all["SubjectRole"], json!(["10^1.2.250.1.213.1.1.5.5", "60^1.2.250.1.213.1.1.5.5"]));
}
