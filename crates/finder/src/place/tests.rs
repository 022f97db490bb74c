use super::gazetteer::FORMER_REGIONS;
use super::{Place, PlaceKind, departments_of_postal, place_at_edge, read_place, suggest_places};
use annuaire_base::text::fold;
use proptest::prelude::*;

/// The label of the first place, whether it is exact, and the rest.
fn read(typed: &str) -> (String, bool, String) {
    let reading = read_place(typed);
    (reading.places.first().map(|p| p.label.clone()).unwrap_or_default(), reading.is_exact, reading.rest)
}

fn exact(label: &str) -> (String, bool, String) {
    (label.to_owned(), true, String::new())
}

fn folded_words(text: &str) -> Vec<String> {
    fold(text).split_whitespace().map(str::to_owned).collect()
}

fn labels(places: &[Place]) -> Vec<&str> {
    places.iter().map(|p| p.label.as_str()).collect()
}

#[test]
fn places_are_read_as_people_write_them() {
    for (typed, label) in [
        ("29200 Brest", "Brest (29)"),
        ("Brest 29200", "Brest (29)"),
        ("brest", "Brest (29)"),
        ("BREST (29)", "Brest (29)"),
        ("29200", "29200 Brest"),
        ("29", "Finistère (département 29)"),
        ("Finistère", "Finistère (département 29)"),
        ("Bretagne", "Bretagne (région)"),
        ("paca", "Provence-Alpes-Côte d'Azur (région)"),
        ("Alsace", "Alsace (ancienne région)"),
        ("paris", "Paris (75)"),
        ("paris 15", "Paris 15e Arrondissement"),
        ("Paris 15e", "Paris 15e Arrondissement"),
        ("15e arrondissement Paris", "Paris 15e Arrondissement"),
        ("75015 Paris", "Paris 15e Arrondissement"),
        ("75116 paris", "Paris 16e Arrondissement"),
        ("75015", "75015 Paris 15e Arrondissement"),
        ("Lyon 3ème", "Lyon 3e Arrondissement"),
        ("marseille 1", "Marseille 1er Arrondissement"),
        ("st malo", "Saint-Malo (35)"),
        ("Saint-Malo", "Saint-Malo (35)"),
        ("ST ETIENNE", "Saint-Étienne (42)"),
        ("saint etienne cedex 2", "Saint-Étienne (42)"),
        ("42055 saint etienne cedex 2", "Saint-Étienne (42)"),
        ("ste anne 25", "Sainte-Anne (25)"),
        ("Sainte-Anne (25513)", "Sainte-Anne (25)"),
        ("25 Sainte-Anne", "Sainte-Anne (25)"),
        ("Vienne Isère", "Vienne (38)"),
        ("Brest, Finistère", "Brest (29)"),
        ("Saint-Malo, Bretagne", "Saint-Malo (35)"),
        ("havre", "Le Havre (76)"),
        ("la rochelle", "La Rochelle (17)"),
        ("2A", "Corse-du-Sud (département 2A)"),
        ("2b", "Haute-Corse (département 2B)"),
        ("20000 ajaccio", "Ajaccio (2A)"),
        ("971", "Guadeloupe (département 971)"),
        ("la réunion", "Réunion (département 974)"),
        ("Cherbourg-Octeville", "Cherbourg-Octeville, aujourd’hui Cherbourg-en-Cotentin (50)"),
        ("chalons sur marne", "Châlons-sur-Marne, aujourd’hui Châlons-en-Champagne (51)"),
    ] {
        assert_eq!(read(typed), exact(label), "{typed}");
    }
}

#[test]
fn typing_errors_are_mended_from_five_letters() {
    for (typed, label) in [
        ("breest", "Brest (29)"),
        ("qimper", "Quimper (29)"),
        ("quimepr", "Quimper (29)"),
        ("saint mallo", "Saint-Malo (35)"),
        ("saintmalo", "Saint-Malo (35)"),
        ("montpelier", "Montpellier (34)"),
        ("cherbour octevile", "Cherbourg-Octeville, aujourd’hui Cherbourg-en-Cotentin (50)"),
        ("35400 saint maloo", "Saint-Malo (35)"),
        ("finistaire", "Finistère (département 29)"),
    ] {
        assert_eq!(read(typed), (label.to_owned(), false, String::new()), "{typed}");
    }
    // Four letters: no error is allowed.
    assert_eq!(read("brst").0, "");
    assert_eq!(read("xqzwkv jjjjkkkk"), (String::new(), false, "xqzwkv jjjjkkkk".to_owned()));
}

#[test]
fn a_town_wins_over_a_postal_code_that_contradicts_it() {
    assert_eq!(read("75001 Brest"), ("Brest (29)".to_owned(), true, "75001".to_owned()));
    assert_eq!(read("75016 paris 15"), ("Paris 15e Arrondissement".to_owned(), true, "75016".to_owned()));
    // A town that is not written as it is does not.
    assert_eq!(read("29200 breestt"), ("29200 Brest".to_owned(), true, "breestt".to_owned()));
    assert_eq!(read("29200 Finistère"), exact("29200 Brest"));
    assert_eq!(read("99999"), (String::new(), false, "99999".to_owned()));
}

#[test]
fn what_no_place_explains_is_told() {
    assert_eq!(read("brest dupontel"), ("Brest (29)".to_owned(), true, "dupontel".to_owned()));
    assert_eq!(read("cabinet du port brest"), ("Brest (29)".to_owned(), true, "cabinet du port".to_owned()));
    // A department that does not hold the town explains nothing.
    assert_eq!(read("brest 35"), ("Brest (29)".to_owned(), true, "35".to_owned()));
    assert_eq!(read("29200 xqzwkv"), ("29200 Brest".to_owned(), true, "xqzwkv".to_owned()));
    for nothing in ["", " ", "-", "cedex", "CEDEX 2", "()"] {
        assert_eq!(read(nothing), (String::new(), false, String::new()), "{nothing}");
    }
}

#[test]
fn places_of_one_name_come_by_population() {
    let reading = read_place("sainte anne");
    assert_eq!(reading.places[0].label, "Sainte-Anne (971)");
    assert!(reading.places.len() > 5);
    // A department that bears the name of a town; one that is a town is told once.
    assert_eq!(labels(&read_place("mayenne").places), ["Mayenne (département 53)", "Mayenne (53)"]);
    assert_eq!(labels(&read_place("paris").places), ["Paris (75)"]);
    assert_eq!(read_place("75").places[0].kind, PlaceKind::Department);
    assert_eq!(labels(&read_place("saint barthelemy").places).iter().filter(|l| l.contains("977")).count(), 1);
    assert!(read_place("saint martin").places.len() <= crate::limits::PLACES);
}

#[test]
fn a_place_tells_all_that_addresses_may_say() {
    let saint_etienne = &read_place("st etienne").places[0];
    assert_eq!(saint_etienne.insee, ["42218"]);
    assert_eq!(saint_etienne.names, ["saint etienne", "st etienne"]);
    assert_eq!(saint_etienne.postal, ["42000", "42100", "42230"]);
    assert_eq!(saint_etienne.departments, ["42"]);
    let district = &read_place("paris 15").places[0];
    assert_eq!(district.kind, PlaceKind::District);
    assert_eq!(district.names, ["paris 15e arrondissement", "paris 15", "paris 15e", "paris 15eme"]);
    assert_eq!(read_place("lyon 1").places[0].names, ["lyon 1er arrondissement", "lyon 1", "lyon 1er"]);
    assert_eq!((&district.insee[..], &district.postal[..]), (&["75115".to_owned()][..], &["75015".to_owned()][..]));
    let former = &read_place("cherbourg octeville").places[0];
    assert_eq!(former.insee, ["50129"]);
    assert_eq!(former.names, ["cherbourg octeville", "cherbourg en cotentin"]);
    let postal = &read_place("75015").places[0];
    assert_eq!(
        (postal.kind, &postal.insee[..], &postal.departments[..]),
        (PlaceKind::PostalCode, &["75115".to_owned()][..], &["75".to_owned()][..])
    );
    assert_eq!(read_place("20167").places[0].departments, ["2A"]);
    assert!(read_place("20167").places[0].label.ends_with('…'));
    let region = &read_place("bretagne").places[0];
    assert_eq!((&region.departments[..], region.kind), (&["22", "29", "35", "56"].map(str::to_owned)[..], PlaceKind::Region));
    assert_eq!(read_place("corse").places[0].departments, ["2A", "2B"]);
    assert_eq!(read_place("2A").places[0].postal, ["200", "201"]);
    assert_eq!(read_place("2B").places[0].postal, ["202", "206"]);
    assert_eq!(read_place("971").places[0].postal, ["971"]);
    assert_eq!(read_place("977").places[0].postal, ["97133"]);
}

#[test]
fn postal_codes_lead_to_their_department() {
    for (code, departments) in [
        ("29200", &["29"][..]),
        ("42055", &["42"]),
        ("20000", &["2A"]),
        ("20176", &["2A"]),
        ("20200", &["2B"]),
        ("20293", &["2B"]),
        ("97400", &["974"]),
        ("97499", &["974"]),
        ("97600", &["976"]),
        ("97133", &["977"]),
        ("98800", &["988"]),
        ("99123", &[]),
        ("00000", &[]),
        ("2920", &[]),
        ("brest", &[]),
    ] {
        assert_eq!(departments_of_postal(code), departments, "{code}");
    }
}

#[test]
fn places_stand_at_the_edges_of_a_text() {
    let first =
        |text: &str| place_at_edge(&folded_words(text)).first().map(|(range, place)| (range.clone(), place.label.clone()));
    assert_eq!(first("29200 Brest Dr Lefebvre cardio"), Some((0..2, "Brest (29)".to_owned())));
    assert_eq!(first("Lefebvre st malo"), Some((1..3, "Saint-Malo (35)".to_owned())));
    assert_eq!(first("cardio paris 15"), Some((1..3, "Paris 15e Arrondissement".to_owned())));
    assert_eq!(first("dr lefebvre 29200 brest cardio"), Some((2..4, "Brest (29)".to_owned())));
    assert_eq!(first("dr lefebvre 29200 cardio x y z a b"), Some((2..3, "29200 Brest".to_owned())));
    assert_eq!(first("kine st etienne cedex 2"), Some((1..5, "Saint-Étienne (42)".to_owned())));
    assert_eq!(first("kine saint remy de provence"), Some((1..5, "Saint-Rémy-de-Provence (13)".to_owned())));
    let long = format!("{} quimper", ["mot"; 40].join(" "));
    assert_eq!(first(&long), Some((40..41, "Quimper (29)".to_owned())));
    // No typing errors, no place in the middle, no article left out.
    for none in ["breest xqzwkv", "xqzwkv brest xqzwkv", "havre xqzwkv", ""] {
        assert_eq!(first(none), None, "{none}");
    }
    // Both towns of a text are told.
    let both: Vec<_> =
        place_at_edge(&folded_words("brest quimper")).into_iter().map(|(range, place)| (range, place.label)).collect();
    assert!(both.contains(&(0..1, "Brest (29)".to_owned())) && both.contains(&(1..2, "Quimper (29)".to_owned())));
}

#[test]
fn places_are_proposed_by_the_beginning_of_their_words() {
    assert_eq!(labels(&suggest_places("bre", 2)), ["Brest (29)", "Bretagne (région)"]);
    assert_eq!(labels(&suggest_places("mal", 20)).iter().filter(|l| **l == "Saint-Malo (35)").count(), 1);
    assert_eq!(labels(&suggest_places("st ma", 1)), ["Saint-Maur-des-Fossés (94)"]);
    assert_eq!(labels(&suggest_places("st mal", 1)), ["Saint-Malo (35)"]);
    assert_eq!(labels(&suggest_places("2920", 2)), ["Brest (29)"]);
    assert_eq!(labels(&suggest_places("29200", 2)), ["29200 Brest", "Brest (29)"]);
    assert_eq!(labels(&suggest_places("29", 2)), ["Finistère (département 29)", "Brest (29)"]);
    assert_eq!(labels(&suggest_places("2a", 1)), ["Corse-du-Sud (département 2A)"]);
    assert_eq!(labels(&suggest_places("paris 15", 1)), ["Paris 15e Arrondissement"]);
    assert_eq!(labels(&suggest_places("paris 3eme", 1)), ["Paris 3e Arrondissement"]);
    assert_eq!(labels(&suggest_places("35400 s", 1)), ["Saint-Malo (35)"]);
    assert!(suggest_places("35400 s", 20).iter().all(|place| place.postal.contains(&"35400".to_owned())));
    // A short name that is complete comes before larger towns.
    assert_eq!(labels(&suggest_places("y", 1)), ["Y (80)"]);
    assert_eq!(suggest_places("s", 500).len(), crate::limits::PLACES);
    assert!(suggest_places("", 5).is_empty() && suggest_places("bre", 0).is_empty() && suggest_places("xqzw", 5).is_empty());
}

#[test]
fn former_regions_are_made_of_regions_of_today() {
    for (code, departments) in FORMER_REGIONS {
        let table = annuaire_nos::Nos::embedded().table("TRE_R30").unwrap();
        assert!(!table.get(code).unwrap().valid_on(""), "{code} is in force");
        let regions: std::collections::BTreeSet<_> = annuaire_nos::geography::Geography::embedded()
            .communes()
            .iter()
            .filter(|c| departments.contains(&c.department.as_str()))
            .map(|c| c.region.as_str())
            .collect();
        assert_eq!(regions.len(), 1, "{code}");
    }
    let all: Vec<_> = FORMER_REGIONS.iter().flat_map(|(_, departments)| *departments).collect();
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    // All of metropolitan France but the six regions that stayed as they were: Île-de-France, Centre, Loire, Bretagne, PACA, Corse.
    assert_eq!(all.len(), 96 - 8 - 6 - 5 - 4 - 6 - 2);
}

#[test]
fn a_search_for_errors_looks_at_few_names() {
    for typed in [
        "saint etiene",
        "cherbour octevile",
        "saint remi de provense",
        "xqzwkvjjjjkkkk",
        "saint saint saint saint",
        "la la la la",
    ] {
        let walk = super::Gazetteer::embedded().walk(typed, 2);
        assert!(walk.rows < crate::limits::NEAR_ROWS / 4, "{typed}: {}", walk.rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_text_is_read(typed in "\\PC{0,40}", limit in 0..30usize) {
        let reading = read_place(&typed);
        prop_assert!(reading.places.len() <= crate::limits::PLACES);
        prop_assert!(suggest_places(&typed, limit).len() <= limit);
        let words = folded_words(&typed);
        for (range, _) in place_at_edge(&words) {
            prop_assert!(range.end <= words.len() && !range.is_empty());
        }
    }
}
