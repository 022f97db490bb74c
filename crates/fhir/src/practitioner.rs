//! Practitioner: one practice (profession and category) of a professional.

use crate::form::{DataTrace, Form, Identifier, Profiles};
use crate::json::JsonWriter;
use crate::practice::PublishedPractice;
use crate::schema::{self, params};
use crate::systems::{ADELI, IDNPS, RPPS};
use crate::view::{Guide, View};
use crate::{address, certificate, extensions, gender, ids, telecom};
use annuaire_consolidate::Perimeter;
use annuaire_mos::{AutorisationExercice, CarteProfessionnel, ExerciceProfessionnel, InscriptionOrdre, Langue, Professionnel};
use annuaire_nos::{Coding, Nos, coding};
use annuaire_terms::Resource;

/// The Practitioner of one practice.
pub(crate) fn full_form(view: View, practice: &PublishedPractice<'_>) -> Resource {
    let PublishedPractice { person, exercice, .. } = *practice;
    let trace = DataTrace::of_professional(person);
    let mut form = Form::described(view, schema::PRACTITIONER, id(person, exercice), profiles(person), &trace);
    write_extensions(&mut form, view, practice);
    let mut identifiers = national_identifiers(person).to_vec();
    for other in &person.identifiants_alternatifs {
        if let Some(number) = other.id_nat_ps.strip_prefix('0') {
            // Whoever knows the number finds the person, in the national form (registration §16.7) or alone.
            identifiers.push(Identifier::former("ADELI", IDNPS, &other.id_nat_ps));
            identifiers.push(Identifier::former("ADELI", ADELI, number));
        }
    }
    form.write_identifiers(&identifiers);
    form.write_active(true);
    write_name(&mut form, person, exercice);
    let contact = person.correspondance.as_ref();
    telecom::write(&mut form, contact.map(Into::into), &practice.mailboxes);
    if let Some(contact) = contact {
        address::write(&mut form, &contact.adresse);
    }
    if let Some(civil) = &person.etat_civil {
        form.json.string("gender", gender::code(&civil.sexe_administratif));
        form.json.string("birthDate", &civil.date_naissance);
    }
    write_qualifications(&mut form, view, practice);
    form.json.array("communication", |j| person.langues.iter().for_each(|l| write_language(j, l)));
    form.finish()
}

/// Reduced form of a withdrawn practice: identifiers and `active=false` (fhir-api §11).
pub(crate) fn reduced_form(view: View, person: &Professionnel, exercice: &ExerciceProfessionnel) -> Resource {
    let mut form = Form::withdrawn(view, schema::PRACTITIONER, id(person, exercice), profiles(person));
    form.write_identifiers(&national_identifiers(person));
    form.write_active(false);
    form.finish()
}

/// The reference to the Practitioner of one practice.
pub(crate) fn reference(person: &Professionnel, exercice: &ExerciceProfessionnel) -> String {
    format!("Practitioner/{}", id(person, exercice))
}

fn id(person: &Professionnel, exercice: &ExerciceProfessionnel) -> String {
    ids::practitioner_id(&person.id_nat_ps, &exercice.profession, &exercice.categorie_professionnelle)
}

/// The profile of the directory demands an RPPS number (`identifier:rpps` 1..1). A professional without one (identified by an
/// ADELI number, an employer's staff number or a student's number) follows the profile of the French core alone.
fn profiles(person: &Professionnel) -> Profiles {
    let has_rpps = person.type_id_nat_pp == "8" && !person.id_pp.is_empty();
    Profiles { french_core: "fr-core-practitioner", directory: if has_rpps { "practitioner" } else { "" } }
}

fn national_identifiers(person: &Professionnel) -> [Identifier<'_>; 2] {
    let number = match person.type_id_nat_pp.as_str() {
        "8" => Identifier::official("RPPS", RPPS, &person.id_pp),
        "0" => Identifier::official("ADELI", ADELI, &person.id_pp),
        _ => Identifier::untyped("", ""),
    };
    [Identifier::official("IDNPS", IDNPS, &person.id_nat_ps), number]
}

fn write_extensions(form: &mut Form, view: View, practice: &PublishedPractice<'_>) {
    let PublishedPractice { person, exercice, .. } = *practice;
    // Guide 1.1.0 forbids the authorisation in public data. The file does not tie it to a practice.
    let authorizations_shown = practice.is_first && (view.guide == Guide::V120 || view.perimeter == Perimeter::Restricted);
    let card_types = coding::system("TRE_R87");
    form.json.array("extension", |j| {
        let concerned = |i: &&InscriptionOrdre| i.profession.is_empty() || i.profession == exercice.profession;
        person.inscriptions.iter().filter(concerned).for_each(|i| write_registration(j, i));
        if authorizations_shown {
            person.autorisations.iter().for_each(|a| write_authorization(j, a));
        }
        practice.cards.iter().for_each(|c| write_card(j, c, card_types));
        if practice.is_first {
            person.certificats.iter().for_each(|c| certificate::write(j, c));
        }
    });
    for card in &practice.cards {
        form.index_text(&params::NUMBER_SMARTCARD, &card.numero_carte);
        form.index_token(&params::TYPE_SMARTCARD, card_types, card_type(card));
    }
}

fn write_registration(j: &mut JsonWriter, i: &InscriptionOrdre) {
    j.complex_extension(extensions::REGISTRATION, |j| {
        j.table_concept_extension("registeringOrganization", "TRE_R60", &i.ordre);
        j.table_concept_extension("registeringOrganizationDetail", "TRE_G09", &i.departement);
        j.period_extension("period", &i.date_debut, &i.date_fin);
        j.table_concept_extension("status", "TRE_R33", &i.statut);
        j.table_concept_extension("hostingDepartment", "TRE_G09", &i.departement_accueil);
        if i.premiere {
            j.boolean_extension("isFirst", true);
        }
    });
}

fn write_authorization(j: &mut JsonWriter, a: &AutorisationExercice) {
    j.complex_extension(extensions::PRACTITIONER_AUTHORIZATION, |j| {
        j.table_concept_extension("type", "TRE_R17", &a.type_autorisation);
        j.period_extension("period", &a.date_debut, &a.date_fin);
        j.table_concept_extension("field", "TRE_R18", &a.discipline_autorisee);
        if let Some((table, concept)) = Nos::embedded().profession(&a.profession) {
            j.concept_extension("profession", &Coding::of_concept(table, concept));
        }
    });
}

fn write_card(j: &mut JsonWriter, card: &CarteProfessionnel, card_types: &'static str) {
    let card_type = card_type(card);
    j.complex_extension(extensions::SMARTCARD, |j| {
        if !card_type.is_empty() {
            j.concept_extension("type", &Coding::without_label(card_types, card_type));
        }
        j.string_extension("number", &card.numero_carte);
        j.period_extension("period", &card.date_debut_validite, &card.date_fin_validite);
        j.date_time_extension("oppositionDate", &card.date_opposition);
    });
}

/// Code of `TRE_R87` for the product code (`TRE_G02`) of the card file; empty for other products.
fn card_type(card: &CarteProfessionnel) -> &'static str {
    match card.type_carte.as_str() {
        "00" => "CPS",
        "01" => "CPF",
        _ => "",
    }
}

/// The name that the professional practises under.
fn write_name(form: &mut Form, person: &Professionnel, exercice: &ExerciceProfessionnel) {
    form.json.array("name", |j| {
        j.object(|j| {
            j.string("use", "usual");
            j.string("family", &exercice.nom_exercice);
            for (member, value) in
                [("given", &exercice.prenom_exercice), ("prefix", &person.civilite), ("suffix", &exercice.civilite_exercice)]
            {
                if !value.is_empty() {
                    j.array(member, |j| j.string_element(value));
                }
            }
        });
    });
    form.index_text(&params::FAMILY, &exercice.nom_exercice);
    form.index_text(&params::GIVEN, &exercice.prenom_exercice);
    for part in [&exercice.nom_exercice, &exercice.prenom_exercice, &person.civilite, &exercice.civilite_exercice] {
        form.index_text(&params::NAME, part);
    }
}

/// One `qualification`: a diploma, the practice itself, a know-how or a special attribution.
struct Qualification<'a> {
    /// The type, then the code; an empty code is not written.
    codings: Vec<Coding<'a>>,
    start: &'a str,
    end: &'a str,
    /// Name of the place of training; empty for all but diplomas.
    issuer: &'static str,
}

/// The qualifications of a practice, in published order.
fn qualifications<'a>(view: View, practice: &PublishedPractice<'a>) -> Vec<Qualification<'a>> {
    let PublishedPractice { person, exercice, .. } = *practice;
    let mut all = Vec::new();
    if practice.is_first {
        all.extend(person.diplomes.iter().map(|d| Qualification {
            codings: vec![coding::in_table("TRE_R14", &d.type_diplome), coding::diplome(&d.type_diplome, &d.code_diplome)],
            start: &d.date_obtention,
            end: "",
            issuer: coding::in_table("TRE_R16", &d.lieu_formation).display,
        }));
    }
    all.push(Qualification {
        codings: vec![coding::in_table("TRE_R09", &exercice.categorie_professionnelle), coding::profession(&exercice.profession)],
        start: &exercice.date_effet_exercice,
        end: &exercice.date_fin_effet_exercice,
        issuer: "",
    });
    // TRE_G13 (orientation particulière) left the public perimeter with guide 1.2.0.
    let orientations_shown = view.guide == Guide::V110 || view.perimeter == Perimeter::Restricted;
    all.extend(exercice.savoir_faire.iter().filter(|s| orientations_shown || s.type_savoir_faire != "OP").map(|s| {
        Qualification {
            codings: vec![coding::in_table("TRE_R04", &s.type_savoir_faire), coding::savoir_faire(&s.type_savoir_faire, &s.code)],
            start: &s.date_reconnaissance,
            end: &s.date_abandon,
            issuer: "",
        }
    }));
    if practice.is_first {
        all.extend(person.attributions.iter().map(|a| Qualification {
            codings: vec![coding::in_table("TRE_R03", &a.code)],
            start: &a.date_reconnaissance,
            end: &a.date_abandon,
            issuer: "",
        }));
    }
    all
}

fn write_qualifications(form: &mut Form, view: View, practice: &PublishedPractice<'_>) {
    let all = qualifications(view, practice);
    form.json.array("qualification", |j| {
        for q in &all {
            j.object(|j| {
                j.key("code").object(|j| {
                    j.array("coding", |j| q.codings.iter().filter(|c| !c.code.is_empty()).for_each(|c| j.coding(c)));
                });
                j.period("period", q.start, q.end);
                if !q.issuer.is_empty() {
                    j.key("issuer").object(|j| j.string("display", q.issuer));
                }
            });
        }
    });
    for c in all.iter().flat_map(|q| &q.codings) {
        form.index_token(&params::QUALIFICATION_CODE, c.system, c.code);
    }
}

fn write_language(j: &mut JsonWriter, l: &Langue) {
    j.object(|j| {
        if !l.date_fin.is_empty() {
            j.array("extension", |j| j.period_extension(extensions::TIMED_METADATA, "", &l.date_fin));
        }
        j.array("coding", |j| j.coding(&coding::in_table("TRE_G00", &l.code)));
    });
}

#[cfg(test)]
mod tests {
    use super::reduced_form;
    use crate::professional::full_forms;
    use crate::schema::params;
    use crate::systems::{ADELI, IDNPS};
    use crate::tests::{PUBLIC, json};
    use annuaire_mos::{ExerciceProfessionnel, IdentifiantAlternatif, Professionnel};
    use annuaire_terms::Term;

    fn of_profession(type_id: &str, profession: &str) -> Professionnel {
        Professionnel {
            type_id_nat_pp: type_id.into(),
            id_pp: "10999000003".into(),
            id_nat_ps: format!("{type_id}10999000003"),
            exercices: vec![ExerciceProfessionnel {
                profession: profession.into(),
                nom_exercice: "A".into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn a_psychologist_is_published_and_found_from_the_table_of_titles() {
        let all = full_forms(PUBLIC, &of_profession("8", "93"), &[], &[]);
        let system = "https://mos.esante.gouv.fr/NOS/TRE_R95-UsagerTitre/FHIR/TRE-R95-UsagerTitre";
        assert_eq!(json(&all[0])["qualification"][0]["code"]["coding"][0]["system"], system);
        let param = params::QUALIFICATION_CODE.id;
        assert!(all[0].terms.contains(&Term::Token { param, system: system.into(), code: "93".into() }));
    }

    #[test]
    fn a_former_adeli_number_is_old_and_found_in_both_forms() {
        let mut p = of_profession("8", "10");
        p.identifiants_alternatifs = vec![IdentifiantAlternatif { id_nat_ps: "0991091018".into(), ..Default::default() }];
        let all = full_forms(PUBLIC, &p, &[], &[]);
        let identifiers = json(&all[0])["identifier"].clone();
        let uses: Vec<&str> = identifiers.as_array().unwrap().iter().map(|i| i["use"].as_str().unwrap()).collect();
        assert_eq!(uses, ["official", "official", "old", "old"]);
        for (system, code) in [(IDNPS, "0991091018"), (ADELI, "991091018")] {
            let term = Term::Token { param: params::IDENTIFIER.id, system: system.into(), code: code.into() };
            assert!(all[0].terms.contains(&term), "{code}");
        }
    }

    #[test]
    fn who_has_no_rpps_number_claims_no_profile_that_demands_one() {
        for (kind, profiles) in [("8", 2), ("0", 1), ("3", 1), ("4", 1), ("5", 1), ("", 1)] {
            let p = of_profession(kind, "10");
            let reduced = reduced_form(PUBLIC, &p, &p.exercices[0]);
            for r in full_forms(PUBLIC, &p, &[], &[]).iter().chain([&reduced]) {
                assert_eq!(json(r)["meta"]["profile"].as_array().unwrap().len(), profiles, "{kind}");
            }
        }
    }
}
