use super::families::FAMILIES;
use super::{families, masculine, phrase_key, read_concept};
use annuaire_base::text::fold;
use annuaire_nos::Nos;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn words(text: &str) -> Vec<String> {
    fold(text).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

fn read(text: &str) -> Option<(usize, &'static str)> {
    read_concept(&words(text)).map(|(used, concept)| (used, concept.label))
}

#[test]
fn every_code_of_a_family_exists_and_is_in_force() {
    for family in FAMILIES {
        assert!(!family.codes.is_empty(), "{}", family.label);
        for (name, codes) in family.codes {
            let table = Nos::embedded().table(name).unwrap_or_else(|| panic!("{name}"));
            for code in *codes {
                assert!(table.get(code).is_some_and(|c| c.valid_on("")), "{}: {name} {code}", family.label);
            }
        }
    }
    assert_eq!(families().len(), FAMILIES.len());
}

#[test]
fn a_phrase_belongs_to_one_family() {
    let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for family in FAMILIES {
        for said in std::iter::once(&family.label).chain(family.said) {
            owners.entry(phrase_key(said)).or_default().insert(family.label);
        }
    }
    let shared: Vec<_> = owners.iter().filter(|(_, labels)| labels.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:?}");
}

#[test]
fn people_say_professions_in_many_ways() {
    for (text, used, label) in [
        ("cardio", 1, "Cardiologue"),
        ("Cardiologue", 1, "Cardiologue"),
        ("cardiologie", 1, "Cardiologue"),
        ("cardio Lefebvre", 1, "Cardiologue"),
        ("ophtalmo", 1, "Ophtalmologue"),
        ("ophtal", 1, "Ophtalmologue"),
        ("ophtalmologiste", 1, "Ophtalmologue"),
        ("kiné", 1, "Masseur-kinésithérapeute"),
        ("kinés", 1, "Masseur-kinésithérapeute"),
        ("kinesi", 1, "Masseur-kinésithérapeute"),
        ("masseur kinésithérapeute", 2, "Masseur-kinésithérapeute"),
        ("infirmier", 1, "Infirmier"),
        ("infirmière", 1, "Infirmier"),
        ("infirmières Brest", 1, "Infirmier"),
        ("infirm", 1, "Infirmier"),
        ("ide", 1, "Infirmier"),
        ("infirmière anesthésiste", 2, "Infirmier anesthésiste"),
        ("infirmière libérale", 2, "Infirmier"),
        ("généraliste", 1, "Médecin généraliste"),
        ("généralistes", 1, "Médecin généraliste"),
        ("médecin généraliste", 2, "Médecin généraliste"),
        ("médecine générale", 2, "Médecin généraliste"),
        ("médecin", 1, "Médecin"),
        ("médecin Martin", 1, "Médecin"),
        ("dentiste", 1, "Chirurgien-dentiste"),
        ("chirurgienne dentiste", 2, "Chirurgien-dentiste"),
        ("chirurgien", 1, "Chirurgien"),
        ("orl", 1, "ORL"),
        ("gynéco", 1, "Gynécologue"),
        ("dermato", 1, "Dermatologue"),
        ("derm", 1, "Dermatologue"),
        ("psy", 1, "Psychiatre, psychologue ou psychothérapeute"),
        ("psychi", 1, "Psychiatre"),
        ("radiologue", 1, "Radiologue"),
        ("pédiatre", 1, "Pédiatre"),
        ("sage femme", 2, "Sage-femme"),
        ("sages-femmes", 2, "Sage-femme"),
        ("pharmacien", 1, "Pharmacien"),
        ("pharmacienne", 1, "Pharmacien"),
        ("podologue", 1, "Pédicure-podologue"),
        ("anesthésiste", 1, "Anesthésiste"),
        ("ostéo", 1, "Ostéopathe"),
        ("orthophoniste", 1, "Orthophoniste"),
        ("orthopho", 1, "Orthophoniste"),
        ("assistante sociale", 2, "Assistant de service social"),
        ("assistante de service social", 4, "Assistant de service social"),
        ("psychomotricienne", 1, "Psychomotricien"),
        ("puéricultrice", 1, "Puéricultrice"),
        ("diététicienne", 1, "Diététicien"),
        ("Physicien médical", 2, "Physicien médical"),
        ("ergothérapeute", 1, "Ergothérapeute"),
        ("Médecine physique et de", 2, "Médecin rééducateur"),
    ] {
        assert_eq!(read(text), Some((used, label)), "{text}");
    }
}

#[test]
fn what_is_ambiguous_or_no_profession_says_nothing() {
    for text in ["ortho", "chir", "psycho", "car", "lefebvre", "brest", "", "médecine", "aide-soignant", "car dio", "1234"] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn a_beginning_is_told_apart_from_a_complete_word() {
    let exact = |text: &str| read_concept(&words(text)).map(|(_, concept)| concept.is_exact);
    assert_eq!(exact("cardiologue"), Some(true));
    assert_eq!(exact("cardiol"), Some(false));
}

#[test]
fn one_word_may_be_several_codes() {
    let (_, general) = read_concept(&words("généraliste")).unwrap();
    let system = &Nos::embedded().table("TRE_R38").unwrap().system;
    assert_eq!(general.codes, ["SM26", "SM53", "SM54"].map(|code| (system.clone(), code.to_owned())));
    let (_, psy) = read_concept(&words("psy")).unwrap();
    assert_eq!(psy.codes.iter().map(|(system, _)| system).collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn every_label_in_force_is_understood() {
    for name in super::TABLES {
        let table = Nos::embedded().table(name).unwrap();
        for concept in table.concepts().iter().filter(|c| c.valid_on("")) {
            let said = words(&phrase_key(&concept.label));
            if said.len() > crate::limits::CONCEPT_WORDS {
                continue;
            }
            let (used, read) = read_concept(&said).unwrap_or_else(|| panic!("{}", concept.label));
            assert_eq!(used, said.len(), "{}", concept.label);
            assert!(read.codes.contains(&(table.system.clone(), concept.code.clone())), "{} {read:?}", concept.label);
        }
    }
}

#[test]
fn gender_and_number_do_not_count() {
    for (word, expected) in [
        ("infirmieres", "infirmier"),
        ("pharmaciennes", "pharmacien"),
        ("orl", "orl"),
        ("chirurgicaux", "chirurgicau"),
        ("masseuse", "masseur"),
        ("assistante", "assistant"),
        ("educatrices", "educateur"),
        ("mere", "mere"),
    ] {
        assert_eq!(masculine(word), expected);
    }
}

proptest! {
    #[test]
    fn any_words_are_read(words in proptest::collection::vec("\\PC{0,8}", 0..6)) {
        if let Some((used, concept)) = read_concept(&words) {
            prop_assert!(used >= 1 && used <= words.len().min(crate::limits::CONCEPT_WORDS));
            prop_assert!(!concept.codes.is_empty());
        }
    }
}
