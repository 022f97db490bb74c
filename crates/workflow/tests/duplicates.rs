//! Keys of candidates, limits against guessing, merges.
#![allow(clippy::unwrap_used, missing_docs)]

use annuaire_workflow::day::parse_iso;
use annuaire_workflow::duplicates::{
    BirthPlace, BlockingKey, BlockingSource, IdentityTraits, MatchClass, MergeCandidate, MergeFault, SearchVerdict,
    alerts_support, blocking_keys, is_strict_match, may_undo_merge, search_verdict, survivor,
};

const MINUTE: i64 = 60_000;

fn traits() -> IdentityTraits {
    IdentityTraits {
        family_name: "Dupont-Essai".into(),
        other_names: vec!["Fictif".into()],
        given_names: vec!["Anne-Marie".into(), "Jeanne".into()],
        birth: parse_iso("1991-05-07"),
        place: BirthPlace { commune: "97128".into(), country: "99100".into(), town: String::new() },
        sex: "F".into(),
        contacts: vec![],
    }
}

#[test]
fn candidates_are_found_by_any_of_their_keys() {
    let source = BlockingSource {
        mail_hashes: vec!["h1".into()],
        mobile_hashes: vec!["h2".into()],
        identifiers: vec!["ADELI:991091018".into()],
    };
    let keys = blocking_keys(&traits(), &source);
    assert!(keys.contains(&BlockingKey::BirthAndSex("1991-05-07|F".into())));
    assert!(keys.contains(&BlockingKey::WordsAndYear("ANNE DUPONT ESSAI MARIE|1991".into())));
    assert!(keys.contains(&BlockingKey::WordsAndYear("ANNE FICTIF MARIE|1991".into())));
    for key in
        [BlockingKey::Mail("h1".into()), BlockingKey::Mobile("h2".into()), BlockingKey::Identifier("ADELI:991091018".into())]
    {
        assert!(keys.contains(&key));
    }
    assert_eq!(keys.iter().filter(|key| matches!(key, BlockingKey::SoundAndYear(_))).count(), 2);
    // Names that sound alike, and words in another order, meet.
    let meets = |other: &IdentityTraits| blocking_keys(other, &BlockingSource::default()).iter().any(|key| keys.contains(key));
    let alike = IdentityTraits { family_name: "Dupond Essai".into(), sex: String::new(), ..traits() };
    let swapped = IdentityTraits { family_name: "Essai Dupont".into(), sex: String::new(), other_names: vec![], ..traits() };
    let far = IdentityTraits { family_name: "Martin".into(), sex: String::new(), other_names: vec![], ..traits() };
    assert!(meets(&alike) && meets(&swapped) && !meets(&far));
    assert!(blocking_keys(&IdentityTraits::default(), &BlockingSource::default()).is_empty());
}

#[test]
fn a_strict_match_needs_all_five_traits() {
    assert!(is_strict_match(&traits(), &IdentityTraits { family_name: "DUPONT ESSAI".into(), ..traits() }));
    assert!(is_strict_match(&traits(), &IdentityTraits { given_names: vec!["anne marie".into()], ..traits() }));
    let changed: [fn(&mut IdentityTraits); 8] = [
        |t| t.family_name = "Fictif".into(),
        |t| t.given_names = vec!["Anne".into()],
        |t| t.given_names.clear(),
        |t| t.sex = "M".into(),
        |t| t.sex.clear(),
        |t| t.birth = parse_iso("1991-05-08"),
        |t| t.birth = None,
        |t| t.place.commune = "97226".into(),
    ];
    for change in changed {
        let mut other = traits();
        change(&mut other);
        assert!(!is_strict_match(&traits(), &other), "{other:?}");
    }
    // What both sides lack is not equal.
    let nobody = IdentityTraits { sex: String::new(), ..traits() };
    assert!(!is_strict_match(&nobody, &nobody));
    let abroad = |town: &str| IdentityTraits {
        place: BirthPlace { commune: String::new(), country: "99109".into(), town: town.into() },
        ..traits()
    };
    assert!(is_strict_match(&abroad("Köln"), &abroad("koln")) && !is_strict_match(&abroad(""), &abroad("")));
    assert_eq!(
        [59, 60, 79, 80, 94, 95, 100].map(MatchClass::of),
        [
            MatchClass::None,
            MatchClass::Possible,
            MatchClass::Possible,
            MatchClass::Probable,
            MatchClass::Probable,
            MatchClass::Certain,
            MatchClass::Certain
        ]
    );
}

#[test]
fn ten_searches_without_result_lock_for_an_hour() {
    let times = |n: i64| (0..n).map(|i| i * MINUTE).collect::<Vec<_>>();
    assert_eq!(search_verdict(&[], 0), SearchVerdict::Allowed(10));
    assert_eq!(search_verdict(&times(9), 9 * MINUTE), SearchVerdict::Allowed(1));
    assert_eq!(search_verdict(&times(10), 10 * MINUTE), SearchVerdict::LockedUntil(69 * MINUTE));
    assert_eq!(search_verdict(&times(10), 69 * MINUTE - 1), SearchVerdict::LockedUntil(69 * MINUTE));
    assert_eq!(search_verdict(&times(10), 69 * MINUTE), SearchVerdict::Allowed(10));
    // Ten over more than an hour never lock.
    let slow: Vec<i64> = (0..10).map(|i| i * 7 * MINUTE).collect();
    assert!(matches!(search_verdict(&slow, 63 * MINUTE), SearchVerdict::Allowed(_)));
    assert_eq!([2, 3, 4].map(alerts_support), [false, true, true]);
}

#[test]
fn the_oldest_active_number_stays() {
    let person = |rpps: &str, given_at: i64, active: bool| MergeCandidate { rpps: rpps.into(), given_at, active, merged: false };
    let (old, new) = (person("99900000011", 1, true), person("99900000029", 2, true));
    assert_eq!(survivor(&old, &new).unwrap().rpps, "99900000011");
    assert_eq!(survivor(&new, &old).unwrap().rpps, "99900000011");
    let left = person("99900000011", 1, false);
    assert_eq!(survivor(&left, &new).unwrap().rpps, "99900000029");
    assert_eq!(survivor(&left, &person("99900000029", 2, false)).unwrap().rpps, "99900000011");
    assert_eq!(survivor(&old, &old), Err(MergeFault::SameNumber));
    let alias = MergeCandidate { merged: true, ..new };
    assert_eq!(survivor(&old, &alias), Err(MergeFault::AlreadyMerged));

    let day = |text| parse_iso(text).unwrap();
    let (merged, within, later) = (day("2026-01-01"), day("2026-01-31"), day("2026-02-01"));
    assert!(may_undo_merge("a", merged, &["a"], within) && !may_undo_merge("a", merged, &["b"], within));
    assert!(!may_undo_merge("a", merged, &["a"], later) && !may_undo_merge("a", merged, &["a", "a"], later));
    assert!(may_undo_merge("a", merged, &["b", "c"], later));
}
