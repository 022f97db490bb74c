//! What holds for any request, actor, event and context.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/world.rs"]
#[allow(dead_code)]
mod world;

use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::{Day, plus_days};
use annuaire_workflow::decide::decide;
use annuaire_workflow::duplicates::{
    BirthPlace, BlockingSource, IdentityTraits, MatchClass, blocking_keys, is_strict_match, score,
};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{
    ActingPerson, BrokenRule, CivilChange, DecisionContext, IdentityMatch, OpenRequestFact, Reach, RequestEvent,
    RequestEventKind, RequestFacts, RequestSection,
};
use annuaire_workflow::state::{Blocked, RequestState};
use annuaire_workflow::timers::{due, expires_on, schedule};
use annuaire_workflow::transition::{EVENTS_WHEN_BLOCKED, TRANSITIONS, TransitionTarget};
use proptest::prelude::*;
use proptest::sample::select;
use world::{AUTHOR, COLLEAGUE, PROFESSIONAL, SITE, event, now, today};

fn people() -> impl Strategy<Value = String> {
    select(vec![AUTHOR.to_owned(), COLLEAGUE.to_owned(), PROFESSIONAL.to_owned(), String::new(), "logiciel".to_owned()])
}

fn authorities() -> impl Strategy<Value = Option<String>> {
    select(vec![None, Some(SITE.to_owned()), Some("990000028".to_owned())])
}

prop_compose! {
    fn requests()(
        state in prop::option::weighted(0.95, select(RequestState::ALL)),
        blocked in prop::option::weighted(0.2, select(Blocked::ALL)),
        kind in select(RequestKind::ALL),
        origin in select(RequestOrigin::ALL),
        version in 6..9_u64,
        since in -400..400_i32,
        waiting in any::<bool>(),
        author in people(),
        author_ae in authorities(),
        subject in prop::option::of(people()),
        open_sections in prop::collection::vec(select(RequestSection::ALL), 0..3),
        completed in prop::option::of(-100_000_000..100_000_000_i64),
        (failures, traits, birth_date) in (any::<u32>().prop_map(|n| n % 9), 0..6_u8, any::<bool>()),
    ) -> RequestFacts {
        let mut facts = RequestFacts::new(kind, origin, plus_days(today(), since));
        facts.number = "P20260112000042".into();
        facts.state = state;
        facts.blocked = blocked;
        facts.version = version;
        facts.changed_at = now();
        facts.waiting_for_manager = waiting;
        facts.author = author;
        facts.author_ae = author_ae;
        facts.subject = subject;
        facts.open_sections = open_sections;
        facts.completed_at = completed.map(|offset| now() + offset);
        facts.failures = failures;
        facts.civil_change = CivilChange { traits, birth_date };
        facts
    }
}

prop_compose! {
    fn contexts()(
        reach in select(vec![
            Reach::Within,
            Reach::Outside,
            Reach::Ended { structure: "Structure d'essai".into(), on: Day::constant(2026, 5, 31) },
        ]),
        ended in any::<bool>(),
        other in prop::option::of(any::<bool>()),
        flags in prop::collection::vec(any::<bool>(), 12),
        broken in prop::option::weighted(0.2, select(vec![BrokenRule::StructureClosed, BrokenRule::Overlap, BrokenRule::PersonDeceased])),
        found in prop::option::of((0..=100_u8, prop::collection::vec(any::<bool>(), 7))),
    ) -> DecisionContext {
        DecisionContext {
            reach,
            structure: "Structure d'essai".into(),
            ae_ended_on: ended.then_some(Day::constant(2026, 5, 31)),
            open_request: other.map(|may_be_named| OpenRequestFact { number: "P20260101000001".into(), may_be_named }),
            identity_registered: flags[0],
            contact_verified: flags[1],
            code_verified: flags[2],
            manager_exists: flags[3],
            other_manager: flags[4],
            four_eyes: flags[5],
            machine_may_validate: flags[6],
            has_warnings: flags[7],
            subject_sanctioned: flags[8],
            processing_failed: flags[9],
            activated: flags[10],
            seconded: flags[11],
            broken_rule: broken,
            identity_match: found.map(|(score, of)| IdentityMatch {
                score,
                strict: of[0],
                one_side_certified: of[1],
                rpps_given: of[2],
                adeli_agrees: of[3],
                adeli_without_rpps: of[4],
                sanctioned: of[5],
                contact_verified: of[6],
            }),
            ..DecisionContext::new(now())
        }
    }
}

prop_compose! {
    fn actors()(kind in select(ActorKind::ALL), id in people(), ae in authorities()) -> ActingPerson {
        ActingPerson { kind, id, ae }
    }
}

prop_compose! {
    fn identities()(
        family in "[A-D][a-c]{1,4}( [a-c]{2})?",
        others in prop::collection::vec("[A-D][a-c]{1,4}", 0..2),
        given in prop::collection::vec("[A-C][a-b]{1,3}(-[A-B][a-b]{1,2})?", 0..3),
        birth in prop::option::of(0..800_i32),
        commune in select(vec!["97128", "97226", "01003", "01165", "57463", "", "99999", "2A004"]),
        (country, town) in (select(vec!["99100", "99109", ""]), select(vec!["Berlin", "BERLIN", ""])),
        sex in select(vec!["F", "M", ""]),
        contacts in prop::collection::vec(select(vec!["m1", "m2", ""]), 0..2),
    ) -> IdentityTraits {
        IdentityTraits {
            family_name: family,
            other_names: others,
            given_names: given,
            birth: birth.map(|offset| plus_days(Day::constant(1991, 1, 1), offset)),
            place: BirthPlace { commune: commune.into(), country: country.into(), town: town.into() },
            sex: sex.into(),
            contacts: contacts.into_iter().map(str::to_owned).collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_decision_follows_the_table(facts in requests(), kind in select(RequestEventKind::ALL), actor in actors(), context in contexts()) {
        match decide(&facts, &event(kind), &actor, &context) {
            Ok(decision) => {
                let row = TRANSITIONS.iter().find(|row| row.number == decision.transition).unwrap();
                prop_assert!(row.event == kind && row.actors.contains(&actor.kind) && row.kinds.contains(&facts.kind));
                match facts.state {
                    None => prop_assert!(row.from.is_empty()),
                    Some(state) => {
                        prop_assert!(row.from.contains(&state));
                        prop_assert!(!state.terminal() || decision.transition == "34", "{state} is final");
                    }
                }
                if let TransitionTarget::To(to) = row.to {
                    prop_assert_eq!(decision.to, to);
                }
                prop_assert!(facts.blocked.is_none() || EVENTS_WHEN_BLOCKED.contains(&kind), "frozen");
            }
            Err(refusal) => {
                prop_assert!(!refusal.text.contains(['{', '}']), "{}", refusal.text);
                prop_assert!(!refusal.text.is_empty());
            }
        }
    }

    /// Whoever does not reach a request hears one thing, whatever the request is.
    #[test]
    fn strangers_learn_nothing(
        one in requests(),
        other in requests(),
        kind in select(RequestEventKind::ALL),
        who in select(vec![ActorKind::Gae, ActorKind::Hra, ActorKind::Ars, ActorKind::Rep, ActorKind::Man, ActorKind::Prol, ActorKind::Pro,
            ActorKind::Ord, ActorKind::Grd, ActorKind::Nom, ActorKind::Aud]),
        context in contexts(),
    ) {
        let stranger = ActingPerson { kind: who, id: "99900000052".into(), ae: Some("990000044".into()) };
        let context = DecisionContext { reach: Reach::Outside, ..context };
        let said = |facts: &RequestFacts| {
            let facts = RequestFacts { state: facts.state.or(Some(RequestState::S20)), ..facts.clone() };
            decide(&facts, &event(kind), &stranger, &context).unwrap_err()
        };
        let refusal = said(&one);
        prop_assert_eq!(&refusal, &said(&other));
        prop_assert!(matches!(refusal.code, MessageCode::EReq06 | MessageCode::EPer01));
    }

    /// A professional's own request: nobody but them moves it while it is a draft.
    #[test]
    fn drafts_of_professionals_are_theirs(facts in requests(), kind in select(RequestEventKind::ALL), actor in actors(), context in contexts()) {
        let facts = RequestFacts { state: Some(RequestState::S11), author: PROFESSIONAL.into(), ..facts };
        if decide(&facts, &event(kind), &actor, &context).is_ok() {
            prop_assert!(actor.id == PROFESSIONAL && actor.kind.is_professional() || actor.kind == ActorKind::Sys);
        }
    }

    /// What a guard forbids stays forbidden in every context.
    #[test]
    fn nobody_instructs_a_request_about_themselves(
        facts in requests(),
        kind in select(vec![RequestEventKind::Validate, RequestEventKind::Refuse, RequestEventKind::Reassign, RequestEventKind::AskForMore,
            RequestEventKind::Modify]),
        actor in actors(),
        context in contexts(),
    ) {
        let facts = RequestFacts { state: Some(RequestState::S20), subject: Some(actor.id.clone()), ..facts };
        prop_assert!(decide(&facts, &event(kind), &actor, &context).is_err());
    }

    #[test]
    fn timers_end_requests_when_decide_says_so(facts in requests(), day in -500..500_i32) {
        let day = plus_days(today(), day);
        let context = DecisionContext { today: day, ..DecisionContext::new(now()) };
        let system = ActingPerson { kind: ActorKind::Sys, id: "system".into(), ae: None };
        let expires = decide(&facts, &RequestEvent::Expire, &system, &context).is_ok();
        prop_assert_eq!(expires, expires_on(&facts).is_some_and(|on| day >= on));
        let actions = due(&facts, &[], day);
        prop_assert!(actions.iter().all(|action| action.on <= day) && due(&facts, &actions, day).is_empty());
        prop_assert!(schedule(&facts).is_sorted());
    }

    #[test]
    fn a_score_is_symmetric_and_bounded(a in identities(), b in identities()) {
        let communes = CommuneIndex::embedded();
        let (one, other) = (score(&a, &b, communes), score(&b, &a, communes));
        prop_assert_eq!(&one, &other);
        prop_assert!(one.total <= 100 && one.lines.len() == 6);
        prop_assert_eq!(is_strict_match(&a, &b), is_strict_match(&b, &a));
        if is_strict_match(&a, &b) {
            prop_assert_eq!(one.class(), MatchClass::Certain);
        }
        let itself = is_strict_match(&a, &a);
        prop_assert!(!itself || score(&a, &a, communes).class() == MatchClass::Certain);
    }

    /// A pair that would be certain is found: it shares a key.
    #[test]
    fn a_strict_match_is_among_the_candidates(a in identities()) {
        let mut b = a.clone();
        b.family_name = b.family_name.to_uppercase();
        let keys = |traits: &IdentityTraits| blocking_keys(traits, &BlockingSource::default());
        if is_strict_match(&a, &b) {
            prop_assert!(keys(&a).iter().any(|key| keys(&b).contains(key)));
        }
    }
}

/// Any text, as every event's reason, and versions and amounts at their ends: no panic.
#[test]
fn ends_of_ranges_do_not_panic() {
    let mut facts = world::facts(Some(RequestState::S30), RequestKind::Primo, RequestOrigin::Ae);
    facts.failures = u32::MAX - 1;
    facts.completed_at = Some(i64::MIN);
    facts.since = Day::MAX;
    for state in RequestState::ALL {
        facts.state = Some(*state);
        for kind in RequestEventKind::ALL {
            for who in ActorKind::ALL {
                let context = DecisionContext { now: i64::MAX, processing_failed: true, ..world::context() };
                let _ = decide(&facts, &event(*kind), &world::actor(*who), &context);
            }
        }
    }
}
