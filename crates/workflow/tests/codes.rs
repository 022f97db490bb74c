//! Every code of errors and warnings is said by some rule, and its text is complete.
#![allow(clippy::unwrap_used, missing_docs)]

use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::attestation::{HomeHelpDraft, check_home_help};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::duplicates::{MatchClass, MatchPlace, disclosure, search_verdict, wish_refusal};
use annuaire_workflow::fields::{ClosingDraft, END_BY_DEATH, FieldContext, check_closing, check_identity_proof};
use annuaire_workflow::habilitation::{
    AuthorityState, Designation, HabilitationEvent, HabilitationState, after, may_designate_manager, may_designate_mandataire,
};
use annuaire_workflow::messages::{MessageCode, MessageWeight};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The codes that the examples of two golden files say. Other tests show that those files are what the rules say.
fn said_in_examples() -> BTreeSet<MessageCode> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let text = ["fields.md", "transitions.md", "bulk.md"].map(|name| fs::read_to_string(directory.join(name)).unwrap()).concat();
    let said = MessageCode::ALL.iter().copied().filter(|code| text.contains(&format!("{code}: ")));
    said.collect()
}

/// The codes of rules that those files do not show.
fn said_by_other_rules() -> BTreeSet<MessageCode> {
    let today = parse_iso("2026-06-01").unwrap();
    let designation = |by: ActorKind, by_id: &str, can_log_in: bool, authority: AuthorityState| Designation {
        by,
        by_id: by_id.into(),
        candidate_id: "c".into(),
        candidate_can_log_in: can_log_in,
        authority,
        sub_delegation: false,
    };
    let active = AuthorityState::Habilitated;
    let mut said = BTreeSet::new();
    said.extend(may_designate_manager(&designation(ActorKind::Gae, "g", true, active)).err());
    said.extend(may_designate_manager(&designation(ActorKind::Man, "c", true, active)).err());
    said.extend(may_designate_manager(&designation(ActorKind::Rep, "r", false, active)).err());
    said.extend(may_designate_manager(&designation(ActorKind::Rep, "r", true, AuthorityState::ToVerify)).err());
    said.extend(may_designate_mandataire(&designation(ActorKind::Man, "m", true, active)).err());
    said.extend(after(HabilitationState::Revoked, HabilitationEvent::Restore, ActorKind::Rep).err().map(|(code, _)| code));
    said.extend(check_home_help(&HomeHelpDraft::default(), today).1.codes());
    said.extend(check_identity_proof("", "").codes());
    let planned_death = ClosingDraft { date_fin: "02/06/2026".into(), motif: END_BY_DEATH.into() };
    said.extend(check_closing(&planned_death, today, ActorKind::Gae, false, &FieldContext::embedded(today)).1.codes());
    let inside = MatchPlace::Inside {
        given_name: "Camille".into(),
        family_name: "Essai".into(),
        birth: today,
        rpps: "99900000011".into(),
    };
    said.extend(disclosure(MatchClass::Possible, false, &inside).warning());
    said.extend(wish_refusal(20).map(|(code, _)| code));
    said.extend(search_verdict(&[0; 10], 1).refusal().map(|(code, _)| code));
    said
}

#[test]
fn every_code_is_said_by_a_rule() {
    let said: BTreeSet<MessageCode> = said_in_examples().union(&said_by_other_rules()).copied().collect();
    // What `registry` says of whole lists, of keys of idempotency and of software is provoked by its tests.
    // Pages are shown by the portal; of them only M02 is an answer of a rule.
    use MessageCode as M;
    let elsewhere = [M::EReq12, M::ELot05, M::ELot06, M::ELot07, M::ELot08, M::EHab09, M::EHab10];
    let never: Vec<&str> = MessageCode::ALL
        .iter()
        .filter(|code| code.weight() != MessageWeight::Page && !said.contains(code) && !elsewhere.contains(code))
        .map(|code| code.as_str())
        .collect();
    assert!(never.is_empty(), "{never:?}");
    assert!(said.contains(&MessageCode::M02));
}

#[test]
fn the_codes_of_the_reference_are_all_there() {
    for code in [
        "E-GEN-01", "E-GEN-02", "E-GEN-09", "E-CIV-01", "E-CIV-02", "E-CIV-03", "E-CIV-04", "E-CIV-05", "E-CIV-06", "E-CIV-07",
        "E-CON-01", "E-CON-02", "E-CON-03", "E-STR-01", "E-STR-02", "E-STR-03", "E-PER-01", "E-PER-02", "E-SIT-01", "E-SIT-02",
        "E-SIT-05", "E-REQ-01", "E-REQ-02", "E-REQ-03", "E-REQ-04", "E-REQ-05", "E-REQ-06", "E-LEG-01", "E-LEG-02", "M01", "M02",
        "M03", "M10", "W-CIV-01", "W-CIV-02", "W-CON-01", "W-CON-02", "W-STR-02", "W-NOMEX", "W-PRENEX", "W-SIT-01", "W-SIT-02",
        "W-SIT-04", "W-SIT-06", "W-SIT-07",
    ] {
        assert!(MessageCode::parse(code).is_some(), "{code}");
    }
}

#[test]
fn a_manager_is_told_no_more_than_the_reference_lets() {
    let birth = parse_iso("1991-05-07").unwrap();
    let inside =
        MatchPlace::Inside { given_name: "Camille".into(), family_name: "Essai".into(), birth, rpps: "99900000011".into() };
    let told = disclosure(MatchClass::Possible, false, &inside);
    let text = "Camille ESSAI, né(e) le 07/05/1991, est déjà enregistré(e) dans votre structure (RPPS 99900000011).";
    assert_eq!((told.text(), told.rpps()), (Some(text), Some("99900000011")));
    assert!(disclosure(MatchClass::None, false, &inside).text().is_none());
    // Elsewhere a near identity is never told, not even a certain one that is not equal in all five traits.
    for class in [MatchClass::None, MatchClass::Possible, MatchClass::Probable, MatchClass::Certain] {
        let told = disclosure(class, false, &MatchPlace::Outside);
        assert!(told.text().is_none() && !told.counts_as_outside_warning());
    }
    let identical = disclosure(MatchClass::Certain, true, &MatchPlace::Outside);
    assert!(identical.text().unwrap().starts_with("Une identité identique est déjà enregistrée."));
    assert!(identical.rpps().is_none() && identical.counts_as_outside_warning());
}
