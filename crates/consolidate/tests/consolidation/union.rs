//! What several owners say of one person is one person.

use crate::facts::{
    civil_status, contact, fact, filed, person_in, practice, professional, registered_practice, registered_situation, restricted,
    situation,
};
use annuaire_base::fact::Fact;
use annuaire_consolidate::Perimeter;
use annuaire_mos::{ExerciceProfessionnel, Objet, SavoirFaire, SituationExercice};

const EMPLOYER: &str = "ENREG:1990000028";
const OTHER_EMPLOYER: &str = "ENREG:1990000036";

fn ids(facts: Vec<Fact>) -> Vec<String> {
    let p = professional(facts);
    p.exercices.iter().flat_map(|e| &e.situations).map(|s| s.id_situation_exercice.clone()).collect()
}

#[test]
fn a_situation_of_a_structure_stands_beside_those_of_files() {
    let file = || fact("psla", 1, &filed("10", "DUPONT", vec![situation("11", "F990000019")]));
    let employer = fact(EMPLOYER, 2, &registered_situation("10", situation("05", "F990000028")));
    assert_eq!(ids(vec![file(), employer]), ["05", "11"]);
    assert_eq!(ids(vec![file()]), ["11"]);
}

#[test]
fn one_situation_said_by_both_appears_once_with_the_members_of_the_stronger_first() {
    let stated = SituationExercice { genre_activite: "GENR01".into(), ..situation("11", "F990000019") };
    let file = fact("psla", 1, &filed("10", "DUPONT", vec![stated]));
    // Another number, a day and another kind of activity; structure, function and mode are the same.
    let employer = SituationExercice {
        genre_activite: "GENR02".into(),
        date_debut: "2026-11-26".into(),
        statut_hospitalier: "PH".into(),
        ..situation("05", "F990000019")
    };
    let employer = fact(EMPLOYER, 2, &registered_situation("10", employer));
    let p = professional(vec![employer, file]);
    let both = SituationExercice {
        genre_activite: "GENR01".into(),
        date_debut: "2026-11-26".into(),
        statut_hospitalier: "PH".into(),
        ..situation("11", "F990000019")
    };
    assert_eq!(p.exercices[0].situations, [both]);
}

#[test]
fn one_number_is_one_situation_whatever_else_is_said() {
    let file = fact("psla", 1, &filed("10", "DUPONT", vec![situation("11", "F990000019")]));
    let moved = fact(EMPLOYER, 2, &registered_situation("60", situation("11", "F990000028")));
    let p = professional(vec![file, moved]);
    assert_eq!(p.exercices.len(), 1, "the other practice has no name");
    assert_eq!(p.exercices[0].situations, [situation("11", "F990000019")]);
}

#[test]
fn situations_of_one_speaker_are_never_united() {
    let state = |id: &str, tx| fact(EMPLOYER, tx, &registered_situation("10", situation(id, "F990000019")));
    let order = fact("CNOM", 1, &registered_practice(practice("10", "DUPONT")));
    assert_eq!(ids(vec![order.clone(), state("01", 2), state("02", 3)]), ["01", "02"]);
    // A file states both, one of them under a number of its own: each finds its like.
    let file = fact("psla", 4, &filed("10", "DUPONT", vec![situation("02", "F990000019"), situation("99", "F990000019")]));
    assert_eq!(ids(vec![order, state("01", 2), state("02", 3), file]), ["02", "99"]);
}

/// Of two situations that resemble each other, the one that an owner names by its number is not given to another one.
#[test]
fn a_number_counts_before_a_resemblance() {
    let alike = |id: &str, kind: &str| SituationExercice { genre_activite: kind.into(), ..situation(id, "F990000019") };
    let file = fact("psla", 1, &filed("10", "DUPONT", vec![alike("01", ""), alike("02", "")]));
    let state = |id: &str, kind: &str, tx| fact(EMPLOYER, tx, &registered_situation("10", alike(id, kind)));
    let p = professional(vec![file, state("00", "GENR02", 2), state("01", "GENR01", 3)]);
    assert_eq!(p.exercices[0].situations, [alike("01", "GENR01"), alike("02", "GENR02")]);
}

/// Days are restricted, and yet both perimeters must agree on which situations there are.
#[test]
fn periods_that_do_not_meet_are_two_situations_in_both_perimeters() {
    let dated = |id: &str, from: &str, to: &str| SituationExercice {
        date_debut: from.into(),
        date_fin: to.into(),
        ..situation(id, "F990000019")
    };
    let facts = vec![
        fact("CNOM", 1, &registered_practice(practice("10", "DUPONT"))),
        fact(EMPLOYER, 2, &registered_situation("10", dated("01", "2019", "2021-06-30"))),
        fact(OTHER_EMPLOYER, 3, &registered_situation("10", dated("02", "2021-07-01", ""))),
    ];
    for perimeter in [Perimeter::Public, Perimeter::Restricted] {
        let p = person_in(perimeter, facts.clone()).professional.unwrap();
        let ids: Vec<&str> = p.exercices[0].situations.iter().map(|s| s.id_situation_exercice.as_str()).collect();
        assert_eq!(ids, ["01", "02"], "{perimeter:?}");
    }
}

#[test]
fn an_order_decides_on_a_practice_and_files_fill() {
    let know = |code: &str| SavoirFaire { type_savoir_faire: "S".into(), code: code.into(), ..Default::default() };
    let of_order = ExerciceProfessionnel { savoir_faire: vec![know("SM26")], ..practice("10", "DUPONT") };
    let Objet::Professionnel(mut file) = filed("10", "DUPOND", vec![situation("11", "F990000019")]) else { unreachable!() };
    file.exercices[0].civilite_exercice = "DR".into();
    file.exercices[0].savoir_faire = vec![know("SM04")];
    file.exercices.insert(0, practice("60", "DUPOND"));
    let facts = vec![fact("psla", 1, &Objet::Professionnel(file)), fact("CNOM", 2, &registered_practice(of_order))];
    let p = professional(facts);
    // Practices of files keep their places.
    assert_eq!(p.exercices.iter().map(|e| e.profession.as_str()).collect::<Vec<_>>(), ["60", "10"]);
    let e = &p.exercices[1];
    assert_eq!((e.nom_exercice.as_str(), e.civilite_exercice.as_str()), ("DUPONT", "DR"));
    assert_eq!(e.savoir_faire, [know("SM04"), know("SM26")]);
    assert_eq!(e.situations, [situation("11", "F990000019")]);
}

#[test]
fn civil_status_comes_from_the_strongest_and_contact_from_the_person() {
    let authorities = vec![
        fact("ARS-11", 1, &civil_status("AGENCE")),
        fact("CNOM", 2, &civil_status("ORDRE")),
        fact(EMPLOYER, 3, &civil_status("EMPLOYEUR")),
        fact("CNOM", 4, &contact("ordre@example.org")),
        fact(EMPLOYER, 5, &contact("employeur@example.org")),
    ];
    let said = |facts| {
        let p = professional(facts);
        (p.etat_civil.unwrap().nom_famille, p.correspondance.unwrap().courriel)
    };
    assert_eq!(said(authorities.clone()), ("ORDRE".into(), "ordre@example.org".into()));
    let mut with_person = authorities;
    with_person.push(fact("PP:810999000010", 6, &contact("moi@example.org")));
    assert_eq!(said(with_person.clone()), ("ORDRE".into(), "moi@example.org".into()));
    // Open or not, neither is public.
    let public = person_in(Perimeter::Public, with_person);
    assert_eq!((public.professional, public.fault), (None, None));
}

#[test]
fn a_person_of_whom_no_file_speaks_is_known_by_the_key() {
    let facts = vec![
        fact(EMPLOYER, 1, &registered_practice(practice("10", "DUPONT"))),
        fact(EMPLOYER, 1, &registered_situation("10", situation("01", "F990000028"))),
        restricted(fact(EMPLOYER, 1, &civil_status("MARTIN"))),
    ];
    for perimeter in [Perimeter::Public, Perimeter::Restricted] {
        let p = person_in(perimeter, facts.clone()).professional.unwrap();
        assert_eq!((p.id_nat_ps.as_str(), p.type_id_nat_pp.as_str(), p.id_pp.as_str()), ("810999000010", "8", "10999000010"));
        assert_eq!(p.exercices[0].situations.len(), 1);
        assert_eq!(p.etat_civil.is_some(), perimeter == Perimeter::Restricted);
    }
}

#[test]
fn a_practice_to_which_nobody_gives_a_name_is_left_out() {
    let shell = fact(EMPLOYER, 1, &registered_situation("10", situation("01", "F990000028")));
    assert_eq!(professional(vec![shell.clone()]).exercices, []);
    let named = fact(OTHER_EMPLOYER, 2, &registered_practice(practice("10", "DUPONT")));
    assert_eq!(ids(vec![shell, named]), ["01"]);
}

/// An authority may also say all it knows in one fact, as files do.
#[test]
fn a_whole_statement_of_an_authority_is_united_by_facet() {
    let Objet::Professionnel(mut whole) = filed("10", "DUPONT", vec![situation("05", "F990000028")]) else { unreachable!() };
    whole.etat_civil = Some(annuaire_mos::EtatCivil { nom_famille: "MARTIN".into(), ..Default::default() });
    let facts = vec![
        fact("CNOM", 1, &Objet::Professionnel(whole)),
        fact("psla", 2, &filed("10", "DUPOND", vec![situation("11", "F990000019")])),
    ];
    let p = professional(facts);
    assert_eq!((p.exercices.len(), p.exercices[0].nom_exercice.as_str()), (1, "DUPONT"));
    assert_eq!(p.exercices[0].situations, [situation("05", "F990000028"), situation("11", "F990000019")]);
    assert_eq!(p.etat_civil.unwrap().nom_famille, "MARTIN");
}
